//! A network of nodes with its users, and operations that run until they end: what end-to-end tests and examples are written in.

mod members;

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;

use super::liar::{Directory, Liar, LiarSetup};
use super::network::{HostId, NetworkOptions};
use super::observer::DiskFault;
use super::peer::{Peer, PeerEvent};
use super::world::World;
use crate::client::{Client, ClientEvent, ClientSetup, FileMeta, GetOptions, Outcome, StoreOptions};
use crate::config::Config;
use crate::crypto::{Secret, SigningKey, Suite};
use crate::error::OpError;
use crate::id::{NodeId, OpId};
use crate::node::store::is_record_row;
use crate::node::{Node, NodeEvent, NodeSetup, SettingsWanted};
use crate::record::network_id;
use crate::rng::Rng;
use crate::time::Now;
use crate::vault::Vault;
use crate::wire::Status;

/// No operation takes longer than this, whatever happens to it: ten times what a client waits for an answer, and more.
const LONGEST_OPERATION: Duration = Duration::from_secs(1200);

/// What a town is made of.
#[derive(Clone, Debug)]
pub struct TownOptions {
    /// The cryptography.
    pub suite: Suite,
    /// Limits of all its machines.
    pub config: Config,
    /// How its network behaves.
    pub network: NetworkOptions,
    /// The settings that its founder wants.
    pub settings: SettingsWanted,
    /// Everything that happens by chance follows from it.
    pub seed: [u8; 32],
}

impl Default for TownOptions {
    fn default() -> Self {
        Self {
            suite: Suite::Sim,
            config: Config::default(),
            network: NetworkOptions::default(),
            settings: SettingsWanted { linger: Some(Duration::from_secs(1)), ..SettingsWanted::default() },
            seed: [1; 32],
        }
    }
}

/// Nodes, clients, and the keys of their network.
#[derive(Debug)]
pub struct Town {
    /// The machines. Commands that the town does not have are given here.
    pub world: World<Peer>,
    options: TownOptions,
    signing: SigningKey,
    psk: Secret<32>,
    rng: Rng,
    inhabitants: Vec<Setup>,
    /// The keys of all nodes, for those who lie.
    directory: Directory,
}

#[derive(Clone, Debug)]
enum Setup {
    Node(Box<NodeSetup>, SigningKey),
    Client(Box<ClientSetup>),
    Liar(Box<NodeSetup>, Box<LiarSetup>),
}

impl Town {
    /// A town with so many nodes, all ready and in touch with each other.
    ///
    /// # Panics
    /// If they do not find each other within a minute.
    pub fn with_nodes(options: TownOptions, nodes: usize) -> Self {
        let mut town = Self::new(options);
        let hosts: Vec<HostId> = (0..nodes).map(|_| town.add_node()).collect();
        assert!(town.settle(&hosts, Duration::from_secs(60)), "the nodes do not find each other");
        town
    }

    /// An empty town.
    pub fn new(options: TownOptions) -> Self {
        let mut rng = Rng::from_seed(options.seed);
        let signing = SigningKey::from_seed(options.suite, Secret::new(bytes(&mut rng)));
        let psk = Secret::new(bytes(&mut rng));
        let world = World::new(bytes(&mut rng), options.network.clone());
        let directory = Directory::default();
        Self { world, options, signing, psk, rng, inhabitants: Vec::new(), directory }
    }

    /// Adds a client of this vault that enters by these nodes, the first one first. `home`: it holds the control key of the first,
    /// which no other node takes.
    pub fn add_client(&mut self, vault: &Vault, entry: &[HostId], home: bool) -> HostId {
        let nodes: Vec<_> = entry.iter().map(|host| self.node_setup(*host)).collect();
        let setup = ClientSetup {
            suite: self.options.suite,
            config: self.options.config.clone(),
            network: network_id(self.options.suite, self.signing.public()),
            network_key: *self.signing.public(),
            psks: vec![(0, self.psk.clone())],
            vault: Some(vault.clone()),
            control: nodes.first().filter(|_| home).map(|(_, control)| control.clone()),
            entry: nodes.iter().map(|(node, _)| (Some(self.id_of(node)), node.listen[0])).collect(),
            device: Secret::new(bytes(&mut self.rng)),
            seed: bytes(&mut self.rng),
        };
        let addr = self.next_addr();
        self.inhabitants.push(Setup::Client(Box::new(setup.clone())));
        self.world.add(addr, false, |now| Peer::Client(Box::new(Client::new(now, setup))))
    }

    /// Adds a copy of a client, as a backup of its home that is put to use elsewhere: with all that it knows and has seen.
    ///
    /// # Panics
    /// If the host is a node.
    pub fn add_copy(&mut self, original: HostId, entry: &[HostId]) -> HostId {
        let nodes: Vec<_> = entry.iter().map(|host| self.node_setup(*host).0).collect();
        let Setup::Client(setup) = &self.inhabitants[original.0] else { panic!("this host is a node") };
        let setup = ClientSetup {
            entry: nodes.iter().map(|node| (Some(self.id_of(node)), node.listen[0])).collect(),
            ..(**setup).clone()
        };
        let addr = self.next_addr();
        self.inhabitants.push(Setup::Client(Box::new(setup.clone())));
        let host = self.world.add(addr, false, |now| Peer::Client(Box::new(Client::new(now, setup))));
        let (rows, blobs) =
            (self.world.disk(original).rows().clone(), self.world.disk(original).blobs().clone());
        self.world.disk_mut(host).restore(rows, blobs);
        host
    }

    /// A vault of its own.
    pub fn vault(&mut self) -> Vault {
        Vault::create(self.options.suite, bytes(&mut self.rng))
    }

    /// Starts a machine again on the disk that it has, as it was set up first. If it was up it crashes before.
    pub fn restart(&mut self, host: HostId) {
        let setup = self.inhabitants[host.0].clone();
        // On a lost disk the founder is a member like any other: its home remembers the others, and it waits for one who knows.
        let is_lost = self.world.disk(host).was_lost();
        let others: Vec<_> = self.node_addrs().filter(|(other, _)| *other != host).collect();
        self.world.start(host, |now| match setup {
            Setup::Node(mut setup, _) => {
                setup.is_new = false;
                if setup.founder && is_lost {
                    setup.founder = false;
                    setup.peers = others.into_iter().map(|(_, addr)| (None, addr)).collect();
                }
                Peer::Node(Box::new(Node::new(now, *setup)))
            }
            Setup::Client(setup) => Peer::Client(Box::new(Client::new(now, *setup))),
            Setup::Liar(node, liar) => {
                let node = Node::new(now, NodeSetup { is_new: false, ..*node });
                Peer::Liar(Box::new(Liar::new(node, *liar)))
            }
        });
    }

    /// Where the nodes listen.
    fn node_addrs(&self) -> impl Iterator<Item = (HostId, SocketAddr)> {
        let inhabitants = self.inhabitants.iter().enumerate();
        inhabitants.filter_map(|(number, setup)| match setup {
            Setup::Node(node, _) => Some((HostId(number), *node.listen.first()?)),
            Setup::Client(_) | Setup::Liar(..) => None,
        })
    }

    /// Flips a bit of any blob or record on a host's disk; tells what was hit, if there was anything.
    pub fn rot(&mut self, host: HostId) -> Option<DiskFault> {
        self.world.disk_mut(host).rot_random(is_record_row)
    }

    /// The id of a node.
    pub fn node_id(&self, host: HostId) -> NodeId {
        match &self.inhabitants[host.0] {
            Setup::Node(node, _) | Setup::Liar(node, _) => self.id_of(node),
            Setup::Client(_) => panic!("this host is a client"),
        }
    }

    /// Lets time pass until each of these nodes has told that it is ready and that it reaches all others, and has taken
    /// over what is its own; events are used up.
    pub fn settle(&mut self, nodes: &[HostId], limit: Duration) -> bool {
        let wanted: Vec<NodeId> = nodes.iter().map(|host| self.node_id(*host)).collect();
        let mut reached: Vec<Vec<NodeId>> = vec![Vec::new(); nodes.len()];
        self.world.run_until(limit, |world| {
            for (host, reached) in nodes.iter().zip(&mut reached) {
                while let Some(event) = world.next_event(*host) {
                    match event {
                        PeerEvent::Node(NodeEvent::PeerUp { node, .. }) => reached.push(node),
                        PeerEvent::Node(NodeEvent::PeerDown { node }) => {
                            reached.retain(|other| *other != node)
                        }
                        _ => {}
                    }
                }
            }
            let others = |own: &NodeId, reached: &Vec<NodeId>| {
                wanted.iter().all(|node| node == own || reached.contains(node))
            };
            wanted.iter().zip(&reached).all(|(own, reached)| others(own, reached))
                && nodes.iter().all(|host| !world.call(*host, |peer, _| peer.node().is_syncing()))
        })
    }

    /// Stores this content under a key.
    pub fn store(&mut self, client: HostId, key: &str, content: &Bytes) -> Result<Outcome, OpError> {
        self.store_with(client, key, content, StoreOptions::default())
    }

    /// The same, with options.
    pub fn store_with(
        &mut self,
        client: HostId,
        key: &str,
        content: &Bytes,
        options: StoreOptions,
    ) -> Result<Outcome, OpError> {
        let op = self.command(client, |client, now| client.store(now, key, options));
        let mut rest = content.clone();
        let mut finished = false;
        self.run_operation(client, op, |client, now, event| {
            // What was provided last may have asked for more before the store knew that there is none.
            if let ClientEvent::NeedData { op, max } = event
                && !finished
            {
                let portion = rest.split_to(rest.len().min(max));
                client.provide(now, op, portion).expect("no more than was asked for");
                if rest.is_empty() {
                    finished = true;
                    client.finish(now, op).expect("a store that asks for data is running");
                }
            }
        })
    }

    /// Gets a file.
    pub fn get(&mut self, client: HostId, key: &str) -> Result<(Vec<u8>, Outcome), OpError> {
        self.get_with(client, key, GetOptions::default())
    }

    /// The same, with options.
    pub fn get_with(
        &mut self,
        client: HostId,
        key: &str,
        options: GetOptions,
    ) -> Result<(Vec<u8>, Outcome), OpError> {
        let op = self.command(client, |client, now| client.get(now, key, options));
        let mut content = Vec::new();
        let outcome = self.run_operation(client, op, |client, now, event| {
            if let ClientEvent::Data { op, bytes, .. } = event {
                content.extend_from_slice(&bytes);
                client.consumed(now, op, bytes.len()).expect("no more than was delivered");
            }
        })?;
        Ok((content, outcome))
    }

    /// Lists the files whose keys begin with `prefix`, in the order of their keys.
    pub fn list(&mut self, client: HostId, prefix: &str) -> Result<Vec<FileMeta>, OpError> {
        let op = self.command(client, |client, now| client.list(now, prefix));
        let mut files = Vec::new();
        self.run_operation(client, op, |client, now, event| {
            if let ClientEvent::Entries { op, entries } = event {
                client.consumed(now, op, entries.len()).expect("no more than was delivered");
                files.extend(entries);
            }
        })?;
        files.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(files)
    }

    /// Deletes a file everywhere.
    pub fn delete(&mut self, client: HostId, key: &str) -> Result<Outcome, OpError> {
        let op = self.command(client, |client, now| client.delete(now, key));
        self.run_operation(client, op, |_, _, _| {})
    }

    /// Deletes everything of the client's vault.
    pub fn clear(&mut self, client: HostId) -> Result<Outcome, OpError> {
        let op = self.command(client, Client::clear);
        self.run_operation(client, op, |_, _, _| {})
    }

    /// Drops the entry node's own bytes of a file, or of all.
    pub fn evict(&mut self, client: HostId, key: Option<&str>) -> Result<Outcome, OpError> {
        let op = self.command(client, |client, now| client.evict(now, key));
        self.run_operation(client, op, |_, _, _| {})
    }

    /// What the entry node is and holds.
    pub fn status(&mut self, client: HostId) -> Result<Status, OpError> {
        let op = self.command(client, Client::status);
        match self.run_operation(client, op, |_, _, _| {})? {
            Outcome::Status(status) => Ok(*status),
            other => panic!("a status ended as {other:?}"),
        }
    }

    /// Gives a command to a client.
    pub fn command<R>(&mut self, client: HostId, command: impl FnOnce(&mut Client, Now) -> R) -> R {
        self.world.call(client, |peer, now| command(peer.client(), now))
    }

    /// Lets time pass until an operation ends; `on_event` deals with its other events.
    ///
    /// # Panics
    /// If it does not end in a time in which every operation must.
    pub fn run_operation(
        &mut self,
        client: HostId,
        wanted: OpId,
        mut on_event: impl FnMut(&mut Client, Now, ClientEvent),
    ) -> Result<Outcome, OpError> {
        let mut result = None;
        let ended = self.world.run_until(LONGEST_OPERATION, |world| {
            while let Some(PeerEvent::Client(event)) = world.next_event(client) {
                match event {
                    ClientEvent::Done { op, outcome } if op == wanted => result = Some(Ok(outcome)),
                    ClientEvent::Failed { op, error } if op == wanted => result = Some(Err(error)),
                    event => world.call(client, |peer, now| on_event(peer.client(), now, event)),
                }
            }
            result.is_some()
        });
        assert!(ended, "operation {wanted} does not end");
        result.unwrap_or(Err(OpError::Deadline))
    }

    fn node_setup(&self, host: HostId) -> (NodeSetup, SigningKey) {
        match &self.inhabitants[host.0] {
            Setup::Node(setup, control) => ((**setup).clone(), control.clone()),
            Setup::Client(_) | Setup::Liar(..) => panic!("this host is no entry"),
        }
    }

    fn id_of(&self, node: &NodeSetup) -> NodeId {
        node.identity.node_id(self.options.suite)
    }

    fn next_addr(&self) -> SocketAddr {
        // Documentation addresses, one a machine.
        let number = u16::try_from(self.inhabitants.len()).unwrap_or(u16::MAX).to_be_bytes();
        SocketAddr::from(([10, 0, number[0], number[1]], 4270))
    }
}

fn bytes<const N: usize>(rng: &mut Rng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill(&mut bytes);
    bytes
}

//! Several nodes wired together in a simulated world, asked by clients and watched by members that follow a script.

mod addresses;
mod deaths;
mod degraded;
mod hostile;
mod leases;
mod leaving;
mod limits;
mod mending;
mod network;
mod owner;
mod placement;
mod probe;
mod quorums;
mod races;
mod reads;
mod repair;
mod sources;
mod votes;
mod writes;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::SocketAddr;
use core::time::Duration;

use self::owner::Owner;
use self::probe::{Probe, Script};
use super::{Node, NodeEvent, NodeSetup, SettingsWanted};
use crate::config::Config;
use crate::crypto::{LinkIdentity, Secret, Signature, SigningKey, Suite};
use crate::driver::{Input, Machine, Output};
use crate::error::{ApiMisuse, PeerFault};
use crate::id::{BlobId, Name, NetworkId, NodeId, ObjectId, OwnerId};
use crate::record::{
    Admission, Floor, Header, Kind, LiveObject, PartInfo, Pin, PinBody, Record, Version, network_id,
};
use crate::session::{LocalRole, LocalSide};
use crate::sim::{HostId, NetworkOptions, World};
use crate::time::{Instant, Now};
use crate::wire::{Request, Response, Status};

const SUITE: Suite = Suite::Sim;
const SECOND: Duration = Duration::from_secs(1);

/// What runs on a host of these tests.
#[derive(Debug)]
enum Host {
    Node(Box<Node>),
    Probe(Box<Probe>),
}

impl Machine for Host {
    type Event = NodeEvent;

    fn handle_input(&mut self, now: Now, input: Input) -> Result<(), ApiMisuse> {
        match self {
            Self::Node(node) => node.handle_input(now, input),
            Self::Probe(probe) => probe.handle_input(now, input),
        }
    }

    fn poll_output(&mut self) -> Option<Output<NodeEvent>> {
        match self {
            Self::Node(node) => node.poll_output(),
            Self::Probe(probe) => probe.poll_output(),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Node(node) => node.poll_timeout(),
            Self::Probe(probe) => probe.poll_timeout(),
        }
    }
}

/// A network of nodes, and those who speak with it.
struct Town {
    world: World<Host>,
    config: Config,
    signing: SigningKey,
    network: NetworkId,
    wanted: SettingsWanted,
    nodes: Vec<HostId>,
    hosts: u8,
}

fn addr(host: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, host], 4270))
}

fn psks() -> Vec<(u32, Secret<32>)> {
    vec![(1, Secret::new([7; 32]))]
}

fn identity(host: u8) -> LinkIdentity {
    LinkIdentity::from_secret(SUITE, Secret::new([host + 1; 32]))
}

fn control_key() -> SigningKey {
    SigningKey::from_seed(SUITE, Secret::new([0xcc; 32]))
}

impl Town {
    /// A town without anybody.
    fn empty(config: Config) -> Self {
        let signing = SigningKey::from_seed(SUITE, Secret::new([0xaa; 32]));
        let network = network_id(SUITE, signing.public());
        let wanted = SettingsWanted { linger: Some(Duration::from_secs(5)), ..SettingsWanted::default() };
        let world = World::new([1; 32], NetworkOptions::default());
        Self { world, config, signing, network, wanted, nodes: Vec::new(), hosts: 0 }
    }

    /// A town of `n` nodes that know each other; all but the first began with the first one's address.
    fn of(n: u8) -> Self {
        Self::with(n, Config::default())
    }

    /// The same under other limits.
    fn with(n: u8, config: Config) -> Self {
        let mut town = Self::empty(config);
        for host in 0..n {
            let peers = if host == 0 { vec![] } else { vec![(None, addr(0))] };
            town.add_node(peers);
        }
        town.wait_whole();
        town
    }

    fn setup(&self, host: u8, peers: Vec<(Option<NodeId>, SocketAddr)>) -> NodeSetup {
        NodeSetup {
            suite: SUITE,
            config: self.config.clone(),
            network_key: *self.signing.public(),
            signing: Some(self.signing.clone()),
            psks: psks(),
            identity: identity(host),
            control: *control_key().public(),
            settings: (host == 0).then_some(self.wanted),
            founder: host == 0,
            is_new: true,
            rejoin: false,
            listen: vec![addr(host)],
            peers,
            positions: 8,
            volatile: false,
            seed: [host; 32],
            version: "test".into(),
        }
    }

    fn add_node(&mut self, peers: Vec<(Option<NodeId>, SocketAddr)>) -> HostId {
        let setup = self.setup(self.hosts, peers);
        self.add_with(setup)
    }

    fn add_with(&mut self, setup: NodeSetup) -> HostId {
        let at = addr(self.hosts);
        self.hosts += 1;
        let host = self.world.add(at, true, |now| Host::Node(Box::new(Node::new(now, setup))));
        self.nodes.push(host);
        host
    }

    /// Starts a node again on its disk.
    fn restart(&mut self, host: HostId) {
        self.start_again(host, false);
    }

    /// The same, and its user asks that it join.
    fn rejoin(&mut self, host: HostId) {
        self.start_again(host, true);
    }

    fn start_again(&mut self, host: HostId, rejoin: bool) {
        let number = u8::try_from(host.0).unwrap();
        let peers = if number == 0 { vec![] } else { vec![(None, addr(0))] };
        let mut setup = NodeSetup { is_new: false, rejoin, ..self.setup(number, peers) };
        // On a lost disk the founder is a member like any other: it waits for those who know.
        setup.founder &= !self.world.disk(host).rows().is_empty();
        self.world.start(host, |now| Host::Node(Box::new(Node::new(now, setup))));
    }

    fn node<R>(&mut self, host: HostId, look: impl FnOnce(&mut Node, Now) -> R) -> R {
        self.world.call(host, |machine, now| match machine {
            Host::Node(node) => look(node, now),
            Host::Probe(_) => panic!("{host:?} is no node"),
        })
    }

    fn probe<R>(&mut self, host: HostId, look: impl FnOnce(&mut Probe, Now) -> R) -> R {
        self.world.call(host, |machine, now| match machine {
            Host::Probe(probe) => look(probe, now),
            Host::Node(_) => panic!("{host:?} is no probe"),
        })
    }

    fn id(&mut self, host: HostId) -> NodeId {
        self.node(host, |node, _| node.id())
    }

    /// Waits until every node that is up has a link to every other.
    fn wait_whole(&mut self) {
        assert!(self.run_until(Duration::from_secs(60), Self::is_whole), "the nodes find each other");
    }

    fn is_whole(&mut self) -> bool {
        let up: Vec<_> = self.nodes.iter().copied().filter(|host| self.world.is_up(*host)).collect();
        let others = up.len() - 1;
        up.into_iter().all(|host| {
            self.node(host, |node, _| !node.is_syncing() && node.hub.peers.linked().count() >= others)
        })
    }

    fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&mut Self) -> bool) -> bool {
        let end = self.world.now().mono + limit;
        while !done(self) {
            if self.world.now().mono >= end {
                return false;
            }
            self.world.run_for(Duration::from_millis(1));
        }
        true
    }

    fn local_side(&self, role: LocalRole) -> Arc<LocalSide> {
        Arc::new(LocalSide {
            suite: SUITE,
            network: self.network,
            network_key: *self.signing.public(),
            psks: psks(),
            role,
        })
    }

    /// Someone who speaks the protocol as told.
    fn add_probe(&mut self, local: Arc<LocalSide>, script: Script) -> HostId {
        let at = addr(self.hosts);
        self.hosts += 1;
        let probe = Probe::new(self.config.clone(), local, script);
        self.world.add(at, true, |_| Host::Probe(Box::new(probe)))
    }

    /// A client that writes for this owner.
    fn add_client(&mut self, owner: &Owner, entry: HostId) -> HostId {
        let role = LocalRole::Client { owner: Some(owner.key.clone()), control: None };
        self.add_dialler(role, entry)
    }

    /// The home of a node.
    fn add_control(&mut self, entry: HostId) -> HostId {
        let role = LocalRole::Client { owner: None, control: Some(control_key()) };
        self.add_dialler(role, entry)
    }

    fn add_dialler(&mut self, role: LocalRole, entry: HostId) -> HostId {
        let local = self.local_side(role);
        let host = self.add_probe(local, |_| None);
        let to = addr(u8::try_from(entry.0).unwrap());
        self.probe(host, |probe, _| probe.dial(to));
        assert!(
            self.run_until(SECOND, |town| town.probe(host, |probe, _| probe.is_open())),
            "the link opens"
        );
        host
    }

    /// A member that does as told; it dials the first node.
    fn add_member(&mut self, script: Script) -> (HostId, NodeId) {
        let identity = identity(self.hosts);
        let node = identity.node_id(SUITE);
        let role = LocalRole::Node {
            identity,
            admission: self.admission(node, 1),
            addrs: vec![addr(self.hosts)],
            incarnation: [9; 16],
            control: None,
        };
        let local = self.local_side(role);
        let host = self.add_probe(local, script);
        self.probe(host, |probe, _| probe.dial(addr(0)));
        (host, node)
    }

    /// A member whose answers count: it sees the same members as the first node. Also waits for its link.
    fn add_voter(&mut self, script: Script) -> (HostId, NodeId) {
        let (host, node) = self.add_member(script);
        let linked =
            |town: &mut Self| town.node(HostId(0), |node_0, _| node_0.hub.peers.link(&node).is_some());
        assert!(self.run_until(SECOND, linked), "the member's link opens");
        self.let_vote(host, node);
        (host, node)
    }

    /// From now on this member sees the same members as the first node does now.
    fn let_vote(&mut self, host: HostId, node: NodeId) {
        let view = self.node(HostId(0), |node, _| node.hub.view.clone());
        self.probe(host, |probe, _| probe.votes = Some((SUITE, node, view)));
    }

    fn admission(&self, node: NodeId, serial: u64) -> Admission {
        let admission = Admission {
            node,
            positions: 8,
            volatile: false,
            serial,
            not_after: 0,
            unknown: Default::default(),
            signature: Signature([0; 64]),
        };
        admission.sign(&self.network, &self.signing)
    }

    /// Asks, and waits for the answer.
    fn ask(&mut self, client: HostId, request: Request) -> Response {
        self.ask_within(client, request, Duration::from_secs(90)).expect("an answer comes")
    }

    fn ask_within(&mut self, client: HostId, request: Request, limit: Duration) -> Option<Response> {
        let id = self.probe(client, |probe, _| probe.ask(request));
        self.run_until(limit, |town| town.probe(client, |probe, _| probe.has_answer(id)));
        self.probe(client, |probe, _| probe.take_answer(id))
    }

    fn status(&mut self, client: HostId) -> Status {
        match self.ask(client, Request::Status) {
            Response::Status(status) => status,
            other => panic!("{other:?} is no status"),
        }
    }

    /// Which nodes that are up hold these bytes.
    fn holders(&self, blob: &BlobId) -> Vec<HostId> {
        let holds = |host: &HostId| self.world.disk(*host).blobs().contains_key(blob);
        self.nodes.iter().copied().filter(holds).collect()
    }

    fn events(&self, host: HostId) -> Vec<NodeEvent> {
        self.world.events(host).cloned().collect()
    }
}

fn put(record: &Record) -> Request {
    Request::PutRecord { record: record.clone() }
}

fn read(blob: &[u8]) -> Request {
    Request::GetBlob { id: SUITE.blob_id(blob), offset: 0, len: 0 }
}

fn name(number: u8) -> Name {
    Name([number; 32])
}

fn object(number: u8) -> ObjectId {
    ObjectId([number; 16])
}

/// A version so many milliseconds after now.
fn version(town: &Town, after_ms: u64) -> Version {
    Version::new(town.world.now().unix_ms + after_ms, 0, [1; 8]).unwrap()
}

fn blob(number: u8) -> Bytes {
    Bytes::from(vec![number; 10_000])
}

fn faults(town: &Town, host: HostId) -> Vec<PeerFault> {
    let fault = |event: NodeEvent| match event {
        NodeEvent::Fault { fault, .. } => Some(fault),
        _ => None,
    };
    town.events(host).into_iter().filter_map(fault).collect()
}

//! A whole peer in this process: the core's node on a thread of its own, with its home's files and disk.
//!
//! Opens files and threads, and keeps what the node tells about its network; decides nothing of the protocol.

use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use quantumsync_core::config::{Config, limit};
use quantumsync_core::crypto::{Secret, SigningKey, Suite};
use quantumsync_core::id::NodeId;
use quantumsync_core::node::{Node as Machine, NodeEvent, NodeSetup};
use quantumsync_core::wire::Token;

pub use quantumsync_core::node::SettingsWanted;

use crate::disk::{Disk, FsDisk, FsOptions, MemoryDisk};
use crate::entropy::entropy;
use crate::error::Error;
use crate::faults::FaultLog;
use crate::home::{Home, NetworkFile, NodeAddress, NodeLock};
use crate::runtime::{Handle, Runtime, RuntimeOptions};

/// Positions of a node on the ring.
const POSITIONS: u8 = 8;

/// What a volatile node keeps in memory at most.
const VOLATILE_BYTES: u64 = 1 << 30;

/// Addresses that a home remembers: all of every member of a full view.
const MAX_KNOWN: usize = limit::MEMBERS * limit::ADDRS;

/// What a node is started with.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// Where to listen; port 0 lets the system choose, and keeps its choice for the next start.
    pub listen: SocketAddr,
    /// The address to tell others instead of `listen`.
    pub advertise: Option<SocketAddr>,
    /// A token for nodes. Without one, and in a home without a network, a new network is founded.
    pub join: Option<Token>,
    /// More nodes to begin with.
    pub peers: Vec<(Option<NodeId>, SocketAddr)>,
    /// Settings: the founder's become the network's, another's must equal them.
    pub settings: SettingsWanted,
    /// Keep everything in memory.
    pub volatile: bool,
    /// Limits.
    pub config: Config,
    /// The cryptography.
    pub suite: Suite,
}

impl NodeOptions {
    /// A node with default settings.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            advertise: None,
            join: None,
            peers: Vec::new(),
            settings: SettingsWanted::default(),
            volatile: false,
            config: Config::default(),
            suite: Suite::Real,
        }
    }
}

/// A running node. Dropped, it stops.
pub struct Node {
    handle: Handle<Machine>,
    address: NodeAddress,
    advertised: Vec<SocketAddr>,
    network: Arc<Mutex<NetworkFile>>,
    control: SigningKey,
    keeper: Option<JoinHandle<Option<Error>>>,
    _lock: NodeLock,
}

impl Node {
    /// Starts the node of this home and waits until it serves.
    pub fn start(home: &Home, options: NodeOptions) -> Result<Self, Error> {
        let folder = home.node();
        let lock = folder.lock()?;
        let NodeOptions { listen, advertise, join, peers, settings, volatile, config, suite } = options;
        let rejoin = join.is_some();
        let (network, changed) = network_of(home, join, suite)?;
        if changed {
            // Before the node is anything: an index of a network whose keys are lost would be of no use.
            home.save_network(&network)?;
        }
        let known_identity = folder.identity(suite)?.is_some();
        let identity = folder.make_identity(suite)?;
        let control = folder.make_control(suite)?;
        // An identity whose index is gone is a new disk, which must learn the network from its members, unless there are
        // none; also when it starts again before it has. One whose index knows the network needs to found none.
        let alone = network.token.peers.is_empty() && peers.is_empty();
        let founder = network.founder && (alone || !known_identity);
        let disk: Box<dyn Disk> = if volatile {
            Box::new(MemoryDisk::new(VOLATILE_BYTES))
        } else {
            Box::new(FsDisk::open(folder.path(), FsOptions::default())?)
        };

        let node = identity.node_id(suite);
        let mut begin: Vec<_> = peers;
        begin.extend(
            network.token.peers.iter().filter(|(id, _)| *id != node).map(|&(id, addr)| (Some(id), addr)),
        );
        let token = &network.token;
        let setup = NodeSetup {
            suite,
            config,
            network_key: token.network_key,
            signing: token.signing_seed.clone().map(|seed| SigningKey::from_seed(suite, seed)),
            psks: vec![(token.psk_epoch, token.psk.clone())],
            identity,
            control: *control.public(),
            settings: Some(settings),
            founder,
            is_new: !known_identity,
            rejoin,
            listen: Vec::new(),
            peers: begin,
            positions: POSITIONS,
            volatile,
            seed: entropy()?,
            version: env!("CARGO_PKG_VERSION").into(),
        };
        let kept = folder.address()?.filter(|kept| listen.port() == 0 && kept.addr.ip() == listen.ip());
        let (events, queue) = mpsc::channel();
        let start = |addr: SocketAddr, disk| {
            let mut runtime = RuntimeOptions::new(disk);
            runtime.name = "quantumsync-node".into();
            runtime.listen = vec![addr];
            let events = events.clone();
            Runtime::start(
                runtime,
                move |now, bound| {
                    let listen = advertised(advertise, bound);
                    Machine::new(now, NodeSetup { listen, ..setup })
                },
                // Nobody hears the events of a node whose keeper has ended: it is stopping.
                move |event| drop(events.send(event)),
            )
        };
        let wanted = kept.filter(|kept| is_free(kept.addr)).map_or(listen, |kept| kept.addr);
        let handle = start(wanted, disk)?;
        drop(events);
        await_ready(&handle, &queue)?;

        let address = NodeAddress { node, addr: handle.addresses()[0] };
        folder.save_address(&address)?;
        let advertised = advertised(advertise, handle.addresses());
        let network = Arc::new(Mutex::new(network));
        let keeper = {
            let (home, network, handle) = (home.clone(), Arc::clone(&network), handle.clone());
            thread::spawn(move || keep(&home, &network, &handle, &queue))
        };
        Ok(Self { handle, address, advertised, network, control, keeper: Some(keeper), _lock: lock })
    }

    /// Its id.
    pub fn id(&self) -> NodeId {
        self.address.node
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address.addr
    }

    /// The key by which this node's home commands it.
    pub fn control(&self) -> &SigningKey {
        &self.control
    }

    /// What lets a user, or another node, into the network, beginning at this node.
    pub fn token(&self, for_node: bool) -> Token {
        let mut token = self.network.lock().unwrap_or_else(PoisonError::into_inner).token.clone();
        token.peers.retain(|(node, _)| *node != self.address.node);
        let own = self.advertised.iter().map(|&addr| (self.address.node, addr));
        token.peers.splice(0..0, own);
        if !for_node {
            token.signing_seed = None;
        }
        token
    }

    /// Asks the node to stop; [`wait`](Self::wait) tells when it has.
    pub fn stop(&self) {
        let _ = self.handle.post(|machine, now| machine.stop(now));
    }

    /// Waits until the node has stopped, and says why if it was not asked to.
    pub fn wait(mut self) -> Result<(), Error> {
        self.wait_for_keeper()
    }

    /// Something that stops this node, from any thread.
    pub fn stopper(&self) -> impl Fn() + Send + Sync + use<> {
        let handle = self.handle.clone();
        move || {
            // A node that has stopped needs no stopping.
            let _ = handle.post(|machine, now| machine.stop(now));
        }
    }

    fn wait_for_keeper(&mut self) -> Result<(), Error> {
        let Some(keeper) = self.keeper.take() else { return Ok(()) };
        let why = keeper.join().unwrap_or(Some(Error::Ended(crate::runtime::EndError::Panicked)));
        self.handle.stop();
        self.handle.join()?;
        why.map_or(Ok(()), Err)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop();
        // Whoever wants to know why it ended has called wait.
        let _ = self.wait_for_keeper();
    }
}

/// The home's network, the one of the token, or a new one; and whether it has to be remembered.
fn network_of(home: &Home, join: Option<Token>, suite: Suite) -> Result<(NetworkFile, bool), Error> {
    match (home.network()?, join) {
        (Some(network), None) if network.token.signing_seed.is_none() => Err(Error::ClientToken),
        (Some(network), None) => Ok((network, false)),
        (_, Some(token)) if token.signing_seed.is_none() => Err(Error::ClientToken),
        (Some(network), Some(token)) => {
            if network.id(suite) != token.network(suite) {
                return Err(Error::OtherNetwork);
            }
            // A home of a user of the same network becomes a node's; what it knows of peers it keeps.
            let mut token = token;
            merge_peers(&mut token.peers, &network.token.peers);
            Ok((NetworkFile { token, founder: network.founder }, true))
        }
        (None, Some(token)) => Ok((NetworkFile { token, founder: false }, true)),
        (None, None) => Ok((found(suite)?, true)),
    }
}

/// A new network.
fn found(suite: Suite) -> Result<NetworkFile, Error> {
    let seed = Secret::new(entropy()?);
    let network_key = *SigningKey::from_seed(suite, seed.clone()).public();
    let psk = Secret::new(entropy()?);
    let token = Token { psk_epoch: 0, psk, network_key, signing_seed: Some(seed), peers: Vec::new() };
    Ok(NetworkFile { token, founder: true })
}

/// Appends what is not there yet.
fn merge_peers(peers: &mut Vec<(NodeId, SocketAddr)>, others: &[(NodeId, SocketAddr)]) {
    for other in others {
        if peers.len() < MAX_KNOWN && !peers.contains(other) {
            peers.push(*other);
        }
    }
}

/// What others are told: the address that was asked for, or where the node listens; of a wildcard the addresses of the
/// machine's interfaces, loopback only if there is no other.
fn advertised(wanted: Option<SocketAddr>, bound: &[SocketAddr]) -> Vec<SocketAddr> {
    if let Some(mut addr) = wanted {
        if let (0, Some(bound)) = (addr.port(), bound.first()) {
            addr.set_port(bound.port());
        }
        return vec![addr];
    }
    let mut addrs: Vec<SocketAddr> = Vec::new();
    for addr in bound {
        if !addr.ip().is_unspecified() {
            addrs.push(*addr);
            continue;
        }
        let all: Vec<IpAddr> = if_addrs::get_if_addrs()
            .map(|interfaces| interfaces.into_iter().map(|interface| interface.ip()).collect())
            .unwrap_or_default();
        let usable = |ip: &&IpAddr| addr.is_ipv6() || ip.is_ipv4();
        let mut outside: Vec<IpAddr> =
            all.iter().filter(usable).filter(|ip| !ip.is_loopback() && !is_link_local(ip)).copied().collect();
        if outside.is_empty() {
            outside = all.iter().filter(usable).filter(|ip| ip.is_loopback()).copied().collect();
        }
        addrs.extend(outside.into_iter().map(|ip| SocketAddr::new(ip, addr.port())));
    }
    addrs.truncate(limit::ADDRS);
    addrs
}

/// An address that means something on one link alone.
fn is_link_local(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// True if the port that the system chose at an earlier start can be had again.
fn is_free(addr: SocketAddr) -> bool {
    std::net::TcpListener::bind(addr).is_ok()
}

/// Waits until the node serves. What else it tells before can wait for the keeper, unless it is a failure.
fn await_ready(handle: &Handle<Machine>, queue: &Receiver<NodeEvent>) -> Result<(), Error> {
    for event in queue {
        if event == NodeEvent::Ready {
            return Ok(());
        }
        if let Some(why) = failure(&event) {
            handle.stop();
            handle.join()?;
            return Err(why);
        }
    }
    // The runtime ended by itself: join says why.
    handle.join()?;
    Err(Error::Stopped(crate::runtime::CallError::Stopped))
}

/// Keeps what the node tells, until it has stopped; returns why, if it was not asked to.
fn keep(
    home: &Home,
    network: &Mutex<NetworkFile>,
    handle: &Handle<Machine>,
    queue: &Receiver<NodeEvent>,
) -> Option<Error> {
    let mut why = None;
    let mut faults = FaultLog::default();
    while let Ok(event) = queue.recv() {
        match &event {
            NodeEvent::Stopped => break,
            NodeEvent::KnownPeers(known) => {
                let mut network = network.lock().unwrap_or_else(PoisonError::into_inner);
                let mut peers = known.clone();
                peers.truncate(MAX_KNOWN);
                merge_peers(&mut peers, &network.token.peers);
                network.token.peers = peers;
                if let Err(error) = home.save_network(&network) {
                    tracing::warn!(%error, "cannot remember the network's peers");
                }
            }
            NodeEvent::PeerUp { node, addr } => tracing::info!(%node, %addr, "peer is there"),
            NodeEvent::PeerDown { node } => tracing::info!(%node, "peer is away"),
            NodeEvent::Fault { conn, remote, fault } => faults.say(Instant::now(), *conn, *remote, fault),
            NodeEvent::Settings(settings) => {
                tracing::info!(
                    number = settings.number,
                    replicas = settings.replicas,
                    "settings of the network"
                );
            }
            _ => {}
        }
        if event == NodeEvent::Left {
            tracing::info!("this node has left the network");
            let _ = handle.post(|machine, now| machine.stop(now));
        } else if let Some(failure) = failure(&event) {
            why = why.or(Some(failure));
            let _ = handle.post(|machine, now| machine.stop(now));
        }
    }
    handle.stop();
    why
}

/// Events after which a node cannot go on.
fn failure(event: &NodeEvent) -> Option<Error> {
    match event {
        NodeEvent::Fatal(error) => Some(Error::Fatal(*error)),
        NodeEvent::SettingsConflict(settings) => Some(Error::Settings(format!(
            "{} replicas, gone after {} s, linger {} s",
            settings.replicas,
            settings.gone_after.as_secs(),
            settings.linger.as_secs(),
        ))),
        NodeEvent::NotAdmitted => Some(Error::NotAdmitted),
        NodeEvent::Removed => Some(Error::Removed),
        _ => None,
    }
}

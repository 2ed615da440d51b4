//! What a node begins with, and what it tells its user. Values only.

use crate::config::Config;
use crate::crypto::{LinkIdentity, Secret, SigningKey, Suite};
use crate::error::{DiskError, PeerFault};
use crate::id::{ConnId, NodeId};
use crate::record::Settings;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

/// Everything that a node needs to begin.
#[derive(Clone, Debug)]
pub struct NodeSetup {
    /// The cryptography to use.
    pub suite: Suite,
    /// Limits.
    pub config: Config,
    /// The public key that admissions and settings are verified with; the network's identity follows from it.
    pub network_key: [u8; 32],
    /// The network's signing key, if this node holds it: it then signs its own admission, and invites nodes.
    pub signing: Option<SigningKey>,
    /// The network's link keys with their epochs, current first; at most two.
    pub psks: Vec<(u32, Secret<32>)>,
    /// The node's static key.
    pub identity: LinkIdentity,
    /// The public control key of the node's home.
    pub control: [u8; 32],
    /// The network's settings as this node's user wants them: the founder's become the network's, anyone else's
    /// must equal them.
    pub settings: Option<SettingsWanted>,
    /// True for the first node of a network: it signs the settings and waits for nobody.
    pub founder: bool,
    /// True if the node's static key was made just now. If it was not, and the disk is empty, then a disk was lost, and
    /// with it what this node has acknowledged.
    pub is_new: bool,
    /// True if the user asked to join just now: a node that was removed then comes back as a new one.
    pub rejoin: bool,
    /// Where others reach this node. Unspecified addresses (`0.0.0.0`, `::`) are left out when they are told.
    pub listen: Vec<SocketAddr>,
    /// Where to begin: of the token, and those known from earlier.
    pub peers: Vec<(Option<NodeId>, SocketAddr)>,
    /// At how many positions of the ring this node stands, 1 to 64; 8 is usual.
    pub positions: u8,
    /// True if the node keeps everything in memory.
    pub volatile: bool,
    /// Seeds jitter. Keys never come from it.
    pub seed: [u8; 32],
    /// The program's version, as `status` tells it.
    pub version: String,
}

/// Settings of the network that a user asks for; what is `None` is left to the network, or to the defaults.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SettingsWanted {
    /// Copies of everything, 1 to 16.
    pub replicas: Option<u8>,
    /// Silence after which a member leaves the placement.
    pub gone_after: Option<Duration>,
    /// How long a blob outlives its last pin.
    pub linger: Option<Duration>,
}

impl SettingsWanted {
    /// Copies of everything, unless the founder wants another number.
    pub const DEFAULT_REPLICAS: u8 = 3;
    /// Silence after which a member leaves the placement, unless the founder wants another.
    pub const DEFAULT_GONE_AFTER: Duration = Duration::from_secs(15 * 60);
    /// How long a blob outlives its last pin, unless the founder wants another time.
    pub const DEFAULT_LINGER: Duration = Duration::from_secs(60);

    /// True if the network's settings are what was asked for.
    pub fn agrees_with(&self, settings: &Settings) -> bool {
        self.replicas.is_none_or(|wanted| wanted == settings.replicas)
            && self.gone_after.is_none_or(|wanted| wanted == settings.gone_after)
            && self.linger.is_none_or(|wanted| wanted == settings.linger)
    }
}

/// What a node tells its user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NodeEvent {
    /// Its disk is loaded and it serves. Told once, before any other event but `Fatal`.
    Ready,
    /// A member can be reached.
    PeerUp {
        /// Which.
        node: NodeId,
        /// Where.
        addr: SocketAddr,
    },
    /// A member can no longer be reached; it is dialled again.
    PeerDown {
        /// Which.
        node: NodeId,
    },
    /// A peer broke the protocol; its link is closed.
    Fault {
        /// The link.
        conn: ConnId,
        /// Where the peer was.
        remote: SocketAddr,
        /// What it did.
        fault: PeerFault,
    },
    /// The members other than this one, each with the address to try first: worth keeping for the next start.
    KnownPeers(Vec<(NodeId, SocketAddr)>),
    /// The network's settings, when they become known and when they change.
    Settings(Settings),
    /// The network's settings are not those that this node was started with: stop, and start it without them.
    SettingsConflict(Settings),
    /// This node has no admission: it holds neither the signing key nor an admission from earlier.
    NotAdmitted,
    /// The network removed this node: it stops.
    Removed,
    /// It left, as it was asked to, and another member knows: it stops.
    Left,
    /// The disk failed for good; `Stopped` follows.
    Fatal(DiskError),
    /// After [`Node::stop`](super::Node::stop), `Fatal`, `NotAdmitted` or `Removed`: links are closed, nothing more happens.
    Stopped,
}

//! One encrypted link: Noise handshake, frames, multiplexed messages, credit, rekeying, `Hello` and its proofs.
//!
//! Knows nothing of sockets, placement or files: bytes and messages in, bytes and messages out.

mod credit;
mod exchange;
mod handshake;
mod hello;
mod inbox;
mod link;
mod noise;
mod send;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::crypto::{LinkIdentity, Secret, SigningKey, Suite};
use crate::id::{NetworkId, NodeId, OwnerId};
use crate::record::Admission;
use crate::wire::{Class, Message, Role};

#[cfg(any(test, feature = "sim"))]
pub(crate) use link::Share;
pub use link::{NOT_NOW, Session};

/// What this side is and can prove, shared by all its links.
#[derive(Clone, Debug)]
pub struct LocalSide {
    /// The cryptography.
    pub suite: Suite,
    /// The network.
    pub network: NetworkId,
    /// The key that admissions are verified with.
    pub network_key: [u8; 32],
    /// The network's link keys with their epochs, current first; at most two. A dial uses the first.
    pub psks: Vec<(u32, Secret<32>)>,
    /// Role and proofs.
    pub role: LocalRole,
}

/// The role of this side.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one for all links of a machine")]
pub enum LocalRole {
    /// A member.
    Node {
        /// Its static key.
        identity: LinkIdentity,
        /// Its admission.
        admission: Admission,
        /// Where it listens, as hints for the peer.
        addrs: Vec<SocketAddr>,
        /// The incarnation of its disk.
        incarnation: [u8; 16],
        /// The public control key of its home, which control links must prove.
        control: Option<[u8; 32]>,
    },
    /// A user, with a fresh static key per link.
    Client {
        /// Proves the owner.
        owner: Option<SigningKey>,
        /// The home's control key, for links to its own node.
        control: Option<SigningKey>,
    },
}

/// Who is on the other side, as proved.
#[derive(Clone, Debug)]
pub struct PeerSide {
    /// Its role.
    pub role: Role,
    /// SHA-256 of its static key.
    pub node: NodeId,
    /// Of a node: verified against the network's key and the clock. Removals are for the caller to check.
    pub admission: Option<Admission>,
    /// The owner it proved.
    pub owner: Option<OwnerId>,
    /// Its listening addresses, as it says.
    pub addrs: Vec<SocketAddr>,
    /// Its wall clock when it said Hello.
    pub unix_ms: u64,
    /// The incarnation of its disk.
    pub incarnation: [u8; 16],
    /// Requests that it bears open at once.
    pub max_requests: u16,
}

/// What a session tells its owner.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "most events are messages: a box each would cost more")]
pub enum SessionEvent {
    /// The link is open: both Hellos were exchanged and verified. The first event, unless the peer says goodbye before.
    Open(PeerSide),
    /// A message. When it is dealt with, give `class` and `bytes` back with [`Session::release`].
    Message {
        /// What came (never `Hello` or `Credit`).
        message: Message,
        /// What it was charged to.
        class: Class,
        /// How many bytes it was charged with; zero for `Control`.
        bytes: u32,
    },
}

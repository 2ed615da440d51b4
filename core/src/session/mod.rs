//! One encrypted link: Noise handshake, frames, multiplexed messages, credit, rekeying, `Hello` and its proofs.
//!
//! Knows nothing of sockets, placement or files: bytes and messages in, bytes and messages out.

use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::SocketAddr;

use crate::config::Config;
use crate::crypto::{LinkIdentity, Secret, SigningKey, Suite};
use crate::error::PeerFault;
use crate::id::{NetworkId, NodeId, OwnerId};
use crate::record::Admission;
use crate::time::{Instant, Now};
use crate::wire::{Class, CloseReason, Message, Role};

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
pub enum SessionEvent {
    /// The link is open: both Hellos were exchanged and verified. Always the first event.
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

/// One link's state machine. After a [`PeerFault`] it stays faulted; it may still owe bytes (a goodbye) to the peer.
#[derive(Debug)]
pub struct Session {}

impl Session {
    /// The side that dialled. `expect`: the node that must answer, if that is known.
    pub fn dial(
        _config: &Config,
        _now: Now,
        _local: Arc<LocalSide>,
        _expect: Option<NodeId>,
        _entropy: [u8; 32],
    ) -> Self {
        todo!()
    }
    /// The side that was dialled; always a node.
    pub fn accept(_config: &Config, _now: Now, _local: Arc<LocalSide>, _entropy: [u8; 32]) -> Self {
        todo!()
    }
    /// Takes received bytes.
    pub fn receive(&mut self, _now: Now, _bytes: Bytes) -> Result<(), PeerFault> {
        todo!()
    }
    /// Checks deadlines.
    pub fn handle_timeout(&mut self, _now: Now) -> Result<(), PeerFault> {
        todo!()
    }
    /// The next deadline.
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }
    /// What happened, in order.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        todo!()
    }
    /// Bytes to send, while the window has room.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        todo!()
    }
    /// So many bytes have left. `false` if more than were handed out.
    #[must_use]
    pub fn sent(&mut self, _bytes: usize) -> bool {
        todo!()
    }
    /// Queues a message. Its class follows from its kind and this side's role, as the peer will derive it too. Small ones go ahead of
    /// bulk, bulk streams take turns; a class without credit waits. Before the link is open, messages wait.
    pub fn send(&mut self, _message: &Message) {
        todo!()
    }
    /// Gives credit back for a message that was dealt with.
    pub fn release(&mut self, _class: Class, _bytes: u32) {
        todo!()
    }
    /// Bytes queued and not yet given out, of one class.
    pub fn queued(&self, _class: Class) -> usize {
        todo!()
    }
    /// Queues a goodbye; after it is out, [`is_drained`](Self::is_drained).
    pub fn close(&mut self, _reason: CloseReason) {
        todo!()
    }
    /// True if nothing is left to give out.
    pub fn is_drained(&self) -> bool {
        todo!()
    }
    /// Who is on the other side, once open.
    pub fn peer(&self) -> Option<&PeerSide> {
        todo!()
    }
    /// When anything last came.
    pub fn last_received(&self) -> Instant {
        todo!()
    }
    /// True if a byte of the peer was ever accepted (its handshake message decrypted).
    pub fn heard(&self) -> bool {
        todo!()
    }
}

//! The first message of each side on a link.

use crate::crypto::Signature;
use crate::id::OwnerId;
use crate::record::Admission;

/// What the sender is on this link.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum Role {
    /// A member of the network.
    Node = 0,
    /// A user.
    Client = 1,
    /// The home of the node that answers, proved with its control key.
    Control = 2,
}

/// Proof of a key over a link: a signature over the handshake hash ‖ role ‖ both statics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OwnerProof {
    /// The owner, or the control key.
    pub key: OwnerId,
    /// With label [`LINK_OWNER`](crate::crypto::label::LINK_OWNER) or [`LINK_CONTROL`](crate::crypto::label::LINK_CONTROL).
    pub signature: Signature,
}

/// Version, role, admission, proofs, limits, credit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`](super::PROTOCOL_VERSION).
    pub version: u16,
    /// What the sender is.
    pub role: Role,
    /// Of a node.
    pub admission: Option<Admission>,
    /// Of a client: the owner it writes for.
    pub owner: Option<OwnerProof>,
    /// Of a control link.
    pub control: Option<OwnerProof>,
    /// Of a node: the port on which it listens and its addresses, as hints to dial.
    pub addrs: alloc::vec::Vec<core::net::SocketAddr>,
    /// The wall clock, Unix milliseconds.
    pub unix_ms: u64,
    /// Requests that the sender of this Hello bears open at once.
    pub max_requests: u16,
    /// Bytes of terminal class that it takes before it gives more credit.
    pub credit_terminal: u32,
    /// The same of relay class.
    pub credit_relay: u32,
    /// The incarnation of a node's disk: random, made with the index. A change voids acknowledgements under way.
    pub incarnation: [u8; 16],
}

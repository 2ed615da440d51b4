//! Answers.

use super::ListCursor;
use crate::id::{BlobId, NetworkId, NodeId};
use crate::record::{Admission, Record, Removal, Settings};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::SocketAddr;
use thiserror::Error;

/// What one side answers to a [`Request`](super::Request) of the same name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Response {
    /// For each pin on how many of the wanted replicas blob and pin are durable now. `wanted` is W.
    Have { copies: Vec<u8>, wanted: u8 },
    /// Durable on so many replicas; fewer than `wanted` is a degraded write. A single node answers 1 of 1.
    Stored { copies: u8, wanted: u8 },
    /// Bytes of a blob, and which node had them.
    Blob { source: NodeId, bytes: Bytes },
    /// The newest record known (a tombstone, too); `None` if there never was one. `floor`: the owner's floor record, if there is one.
    /// `fresh`: a quorum agreed.
    Record { record: Option<Record>, floor: Option<Record>, fresh: bool },
    /// A page of a list; `next` if more follow; `complete`: every responsible replica set answered.
    Records { records: Vec<Record>, next: Option<ListCursor>, floor: Option<Record>, complete: bool },
    /// See [`Status`].
    Status(Status),
    /// What was dropped.
    Evicted { blobs: u64, bytes: u64 },
    /// What was hashed in this page, and which blobs were damaged; `next` if there are more.
    Verified { checked: u64, bytes: u64, damaged: Vec<BlobId>, next: Option<BlobId> },
    /// The members.
    Peers(Vec<PeerStatus>),
    /// A token.
    Invite { token: String },
    /// The wall clock.
    Pong { unix_ms: u64 },
    /// As in [`Request::View`](super::Request::View).
    View {
        digest: [u8; 32],
        admissions: Vec<(Admission, Vec<SocketAddr>)>,
        removals: Vec<Removal>,
        settings: Option<Settings>,
    },
    /// It was not done.
    Error(WireError),
}

/// Why a request was not done.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{code}")]
pub struct WireError {
    /// The reason.
    pub code: ErrorCode,
    /// With `Stale`: the newer record (as a stub, where that is enough) or the floor.
    pub current: Option<Record>,
}

/// Reasons, with their numbers on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[repr(u8)]
pub enum ErrorCode {
    /// A request of an unknown kind, or not built yet.
    #[error("unsupported")]
    Unsupported = 1,
    /// Not for this role or owner.
    #[error("forbidden")]
    Forbidden = 2,
    /// A blob that is not here, nor on any peer that answered.
    #[error("not found")]
    NotFound = 3,
    /// A newer record of the name, or a floor, is known: see `current`.
    #[error("stale")]
    Stale = 4,
    /// The version is older than half a lease.
    #[error("past")]
    Past = 5,
    /// The version is more than 15 minutes ahead.
    #[error("future")]
    Future = 6,
    /// No space on the disk.
    #[error("no space")]
    NoSpace = 7,
    /// The owner's quota is used up.
    #[error("quota")]
    Quota = 8,
    /// Signature, grant or form of a record or pin, or the hash of a blob.
    #[error("invalid")]
    Invalid = 9,
    /// Too much to do.
    #[error("busy")]
    Busy = 10,
    /// The replicas did not answer in time, or none could be reached.
    #[error("deadline")]
    Deadline = 11,
    /// The disk failed.
    #[error("disk")]
    Disk = 12,
    /// Stored bytes are damaged.
    #[error("damaged")]
    Damaged = 13,
    /// The node is stopping.
    #[error("stopping")]
    Stopping = 14,
    /// A reason that this version does not know.
    #[error("unknown")]
    Other = 255,
}

/// What a node is and holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Status {
    /// Its id.
    pub node: NodeId,
    /// Its network.
    pub network: NetworkId,
    /// Where it listens.
    pub addr: Option<SocketAddr>,
    /// Its program's version.
    pub version: String,
    /// How long it has been up.
    pub uptime_ms: u64,
    /// Members with a link, or heard of lately.
    pub peers_alive: u32,
    /// Silent for a while.
    pub peers_suspect: u32,
    /// Silent for longer than `gone_after`.
    pub peers_gone: u32,
    /// Members in all, this one included.
    pub members: u32,
    /// Copies wanted of everything (R).
    pub replicas: u8,
    /// Blobs held.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Records held, tombstones not counted.
    pub records: u64,
    /// Tombstones held.
    pub tombstones: u64,
    /// Items whose replica this node is.
    pub copies_wanted: u64,
    /// Those that are here.
    pub copies_present: u64,
    /// Those that are not.
    pub copies_missing: u64,
    /// Still catching up.
    pub syncing: bool,
    /// Requests and repairs under way or waiting.
    pub pending_ops: u64,
    /// Bytes that one owner may store here; 0 for no limit.
    pub quota: u64,
    /// Free space.
    pub free_bytes: u64,
}

/// How a member is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum PeerState {
    /// This node itself.
    Own = 0,
    /// There.
    Alive = 1,
    /// Silent for a while.
    Suspect = 2,
    /// Silent for longer than `gone_after`.
    Gone = 3,
}

/// One member as this node sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerStatus {
    /// Its id.
    pub node: NodeId,
    /// Where it was last reached, or is said to be.
    pub addr: Option<SocketAddr>,
    /// How it is.
    pub state: PeerState,
    /// Smoothed round-trip time in microseconds; 0 if unknown.
    pub rtt_us: u32,
    /// Since when nothing came from it, in milliseconds.
    pub silent_ms: u64,
    /// Positions on the ring.
    pub positions: u8,
}

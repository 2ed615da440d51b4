//! What a client tells its user.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::SocketAddr;

use crate::error::{OpError, PeerFault};
use crate::id::{BlobId, Name, NodeId, OpId, OwnerId};
use crate::record::Version;
use crate::wire::{PeerStatus, Status, Token};

/// One thing that happened.
///
/// Each operation ends with exactly one [`Done`](Self::Done) or [`Failed`](Self::Failed), its last event.
#[derive(Clone, PartialEq, Debug)]
pub enum ClientEvent {
    /// A link to an entry node is open.
    Connected {
        /// The node, as proved.
        node: NodeId,
        /// Where it was dialled.
        addr: SocketAddr,
    },
    /// The link is gone. It is dialled again when an operation needs it.
    Disconnected {
        /// What the node did wrong, if that is why.
        fault: Option<PeerFault>,
    },
    /// A store takes so many bytes more. Answer with one or more [`provide`](super::Client::provide) of at most `max` bytes
    /// together; the next `NeedData` comes when they were all given. At the end [`finish`](super::Client::finish).
    NeedData {
        /// The store.
        op: OpId,
        /// How many bytes at most.
        max: usize,
    },
    /// A get has found its file; the data follow.
    Found {
        /// The get.
        op: OpId,
        /// What it found.
        meta: FileMeta,
    },
    /// The next bytes of a file, checked. Give them back with [`consumed`](super::Client::consumed): the get ends when all were.
    Data {
        /// The get.
        op: OpId,
        /// Where in the file they begin.
        offset: u64,
        /// The bytes; never empty.
        bytes: Bytes,
    },
    /// More files of a list, in no particular order between pages; sorted by key within one. Give their number back with
    /// [`consumed`](super::Client::consumed): the list goes on, and ends, when all were.
    Entries {
        /// The list.
        op: OpId,
        /// The files; never empty.
        entries: Vec<FileMeta>,
    },
    /// An operation ended with success.
    Done {
        /// The operation.
        op: OpId,
        /// What came of it.
        outcome: Outcome,
    },
    /// An operation ended without success.
    Failed {
        /// The operation.
        op: OpId,
        /// Why.
        error: OpError,
    },
}

/// What is known of a file without its content.
#[derive(Clone, PartialEq, Eq)]
pub struct FileMeta {
    /// Its key, normalised.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last modified, in Unix milliseconds, as its writer said.
    pub modified_ms: u64,
    /// Its version.
    pub version: Version,
    /// Unix milliseconds after which it counts as deleted; 0 for never.
    pub expires: u64,
}

/// Without the key: nothing of the data or its names belongs into a log.
impl core::fmt::Debug for FileMeta {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FileMeta")
            .field("size", &self.size)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// What came of an operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Of a store.
    Stored {
        /// Length of the content.
        size: u64,
        /// On how many replicas everything is durable: the least over all pieces and the record.
        copies: u8,
        /// How many are wanted; with fewer copies the store is degraded, and repair finishes it.
        wanted: u8,
        /// Bytes of blobs that had to be sent: less than the content where peers had pieces already.
        sent_bytes: u64,
        /// The version that it became.
        version: Version,
    },
    /// Of a get.
    Got {
        /// Bytes delivered.
        size: u64,
        /// A quorum agreed that there is nothing newer.
        fresh: bool,
        /// Which nodes gave how many bytes of blobs, in the order of their ids; empty for a file inside its record.
        sources: Vec<(NodeId, u64)>,
    },
    /// Of a delete.
    Deleted {
        /// On how many replicas the tombstone is durable.
        copies: u8,
        /// How many are wanted.
        wanted: u8,
        /// The version of the tombstone: what is older is gone.
        version: Version,
    },
    /// Of a clear.
    Cleared {
        /// On how many replicas the floor is durable.
        copies: u8,
        /// How many are wanted.
        wanted: u8,
        /// The version of the floor: what is older is gone.
        version: Version,
    },
    /// Of a list.
    Listed {
        /// Every responsible set of replicas answered, and with nothing older than this device has seen.
        complete: bool,
    },
    /// Of an evict.
    Evicted {
        /// Blobs dropped.
        blobs: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// Of a status.
    Status(Box<Status>),
    /// Of a peers.
    Peers(Vec<PeerStatus>),
    /// Of a verify.
    Verified {
        /// Blobs hashed.
        checked: u64,
        /// Their bytes.
        bytes: u64,
        /// Those that are damaged, at most [`limit::DAMAGED`](crate::config::limit::DAMAGED) of them.
        damaged: Vec<BlobId>,
        /// Records verified.
        records: u64,
        /// Those that are damaged, as many.
        damaged_records: Vec<(OwnerId, Name)>,
    },
    /// Of a leave.
    Leaving {
        /// The node is no member any more.
        done: bool,
        /// The members that still take over what it holds, or cannot be reached.
        waits_for: Vec<NodeId>,
        /// How much only it holds.
        strays: u64,
    },
    /// Of a ban.
    Banned,
    /// Of an invite: the token.
    Invite(Token),
}

//! What operations come to, as C sees it.

use std::ffi::c_char;

use quantumsync::client::{Stored, Written};
use quantumsync_core::client::{FileMeta, Outcome};
use quantumsync_core::wire::Status;

use crate::owner::qs_output_owner;
use crate::values::{fixed, version_text};

/// What is known of a file beside its key and content.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_info {
    /// Its length in bytes.
    pub size: u64,
    /// When it was last modified, in Unix milliseconds, as its writer said.
    pub modified_ms: u64,
    /// Unix milliseconds after which it counts as deleted; 0 for never.
    pub expires_ms: u64,
    /// Its version: 32 hexadecimal digits that sort by age.
    pub version: [c_char; 33],
}

/// A file, without its content.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_file {
    /// Its key, normalised. Belongs to whoever gave the structure.
    pub key: *const c_char,
    /// The rest.
    pub info: qs_info,
}

/// A stored file.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_stored {
    /// Length of the content.
    pub size: u64,
    /// Bytes that had to be sent: less than the content where peers had parts of it.
    pub sent_bytes: u64,
    /// Peers on which all of it is durable.
    pub copies: u8,
    /// How many are wanted; with fewer copies the peers finish it when the others are back.
    pub wanted: u8,
    /// The version that it became.
    pub version: [c_char; 33],
}

/// What a peer has given of a file.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_source {
    /// The peer's id.
    pub node: [c_char; 65],
    /// Bytes of blobs.
    pub bytes: u64,
}

/// The end of a get.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_delivered {
    /// Bytes delivered.
    pub size: u64,
    /// Enough peers agreed that there is nothing newer.
    pub fresh: bool,
    /// Which peers gave how much, in the order of their ids.
    pub sources: *const qs_source,
    /// How many; 0 for a small file, which is in its record.
    pub source_count: usize,
}

/// A delete or clear.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_written {
    /// Peers on which it is durable.
    pub copies: u8,
    /// How many are wanted; with fewer copies the peers finish it when the others are back.
    pub wanted: u8,
    /// Its version: what is older is gone.
    pub version: [c_char; 33],
}

/// The end of a list.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_listed {
    /// Every part of the network answered.
    pub complete: bool,
}

/// What a node is and holds. Texts are cut at the size of their array.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_status {
    /// Its id.
    pub node: [c_char; 65],
    /// Its network.
    pub network: [c_char; 65],
    /// Where it listens; "" if it tells none.
    pub address: [c_char; 65],
    /// Its program's version.
    pub version: [c_char; 65],
    /// How long it has been up, in milliseconds.
    pub uptime_ms: u64,
    /// Members that are there.
    pub peers_alive: u32,
    /// Members that were silent for a while.
    pub peers_suspect: u32,
    /// Members that were silent for long.
    pub peers_gone: u32,
    /// Members in all.
    pub members: u32,
    /// Copies wanted of everything.
    pub replicas: u8,
    /// Still catching up.
    pub syncing: bool,
    /// Blobs held.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Records held.
    pub records: u64,
    /// Tombstones held.
    pub tombstones: u64,
    /// Items that belong on this node.
    pub copies_wanted: u64,
    /// Those that are here.
    pub copies_present: u64,
    /// Those that are not.
    pub copies_missing: u64,
    /// Requests and repairs under way.
    pub pending_ops: u64,
    /// Bytes that one user may store here; 0 for no limit.
    pub quota: u64,
    /// Free space.
    pub free_bytes: u64,
}

/// Of what kind an outcome is.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum qs_outcome_tag {
    /// Of a store: `u.stored`.
    QS_OUTCOME_STORED,
    /// Of a get: `u.delivered`.
    QS_OUTCOME_DELIVERED,
    /// Of a delete or clear: `u.written`.
    QS_OUTCOME_WRITTEN,
    /// Of a list: `u.listed`.
    QS_OUTCOME_LISTED,
    /// Of a status: `u.status`.
    QS_OUTCOME_STATUS,
}

/// What an operation came to, by its tag.
#[repr(C)]
#[derive(Clone, Copy)]
pub union qs_outcome_body {
    /// Of a store.
    pub stored: qs_stored,
    /// Of a get.
    pub delivered: qs_delivered,
    /// Of a delete or clear.
    pub written: qs_written,
    /// Of a list.
    pub listed: qs_listed,
    /// Of a status.
    pub status: qs_status,
}

/// What an operation came to.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_outcome {
    /// Of what kind it is.
    pub tag: qs_outcome_tag,
    /// The outcome itself.
    pub u: qs_outcome_body,
}

impl qs_outcome {
    /// `None` for an operation that this library has no function for.
    pub(crate) fn of(outcome: Outcome, owner: &mut qs_output_owner) -> Option<Self> {
        use qs_outcome_tag::*;
        let (tag, u) = match outcome {
            Outcome::Stored { size, copies, wanted, sent_bytes, version } => {
                let version = version_text(version);
                let stored = qs_stored { size, sent_bytes, copies, wanted, version };
                (QS_OUTCOME_STORED, qs_outcome_body { stored })
            }
            Outcome::Got { size, fresh, sources } => {
                let sources = sources.into_iter();
                let sources =
                    sources.map(|(node, bytes)| qs_source { node: fixed(&node.to_string()), bytes });
                let (sources, source_count) = owner.array(sources.collect());
                let delivered = qs_delivered { size, fresh, sources, source_count };
                (QS_OUTCOME_DELIVERED, qs_outcome_body { delivered })
            }
            Outcome::Deleted { copies, wanted, version } | Outcome::Cleared { copies, wanted, version } => {
                let written = qs_written { copies, wanted, version: version_text(version) };
                (QS_OUTCOME_WRITTEN, qs_outcome_body { written })
            }
            Outcome::Listed { complete } => {
                (QS_OUTCOME_LISTED, qs_outcome_body { listed: qs_listed { complete } })
            }
            Outcome::Status(status) => {
                (QS_OUTCOME_STATUS, qs_outcome_body { status: qs_status::from(*status) })
            }
            Outcome::Evicted { .. }
            | Outcome::Peers(_)
            | Outcome::Verified { .. }
            | Outcome::Leaving { .. }
            | Outcome::Banned
            | Outcome::Invite(_) => return None,
        };
        Some(Self { tag, u })
    }
}

impl From<Written> for qs_written {
    fn from(written: Written) -> Self {
        let Written { copies, wanted, version } = written;
        Self { copies, wanted, version: version_text(version) }
    }
}

impl From<Stored> for qs_stored {
    fn from(stored: Stored) -> Self {
        let Stored { size, copies, wanted, sent_bytes, version } = stored;
        Self { size, sent_bytes, copies, wanted, version: version_text(version) }
    }
}

impl From<&FileMeta> for qs_info {
    fn from(meta: &FileMeta) -> Self {
        let FileMeta { key: _, size, modified_ms, version, expires } = *meta;
        Self { size, modified_ms, expires_ms: expires, version: version_text(version) }
    }
}

impl From<Status> for qs_status {
    fn from(status: Status) -> Self {
        Self {
            node: fixed(&status.node.to_string()),
            network: fixed(&status.network.to_string()),
            address: status.addr.map_or([0; 65], |addr| fixed(&addr.to_string())),
            version: fixed(&status.version),
            uptime_ms: status.uptime_ms,
            peers_alive: status.peers_alive,
            peers_suspect: status.peers_suspect,
            peers_gone: status.peers_gone,
            members: status.members,
            replicas: status.replicas,
            syncing: status.syncing,
            blobs: status.blobs,
            blob_bytes: status.blob_bytes,
            records: status.records,
            tombstones: status.tombstones,
            copies_wanted: status.copies_wanted,
            copies_present: status.copies_present,
            copies_missing: status.copies_missing,
            pending_ops: status.pending_ops,
            quota: status.quota,
            free_bytes: status.free_bytes,
        }
    }
}

//! What operations come to, as Python sees it.

use pyo3::prelude::*;
use pyo3::types::{PyDateTime, PyTzInfo};
use quantumsync_core::client::{FileMeta, Outcome};
use quantumsync_core::id::NodeId;
use quantumsync_core::record::Version;
use quantumsync_core::wire::{self, PeerState, PeerStatus};

use crate::guard::guard;
use crate::record::record;

/// What an operation came to; the token of an invite as its text.
#[derive(IntoPyObject)]
pub(crate) enum Result {
    Stored(Stored),
    Got(Got),
    Written(Written),
    Listed(Listed),
    Evicted(Evicted),
    Status(Status),
    Peers(Vec<Peer>),
    Verified(Verified),
    Leaving(Leaving),
    Invite(String),
    Nothing(()),
}

record! {
    /// What is known of a file without its content.
    FileInfo {
        /// Its key.
        key: String,
        /// Its length in bytes.
        size: u64,
        /// When it was last modified, in Unix milliseconds.
        modified_ms: u64,
        /// Its version: 32 hexadecimal digits that sort by age.
        version: String,
        /// Unix milliseconds after which it counts as deleted, if it expires.
        expires_ms: Option<u64>,
    }
    /// When it was last modified.
    #[getter]
    fn modified<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        guard(|| date(py, self.modified_ms))
    }

    /// When it expires, if it does.
    #[getter]
    fn expires<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        guard(|| self.expires_ms.map(|ms| date(py, ms)).transpose())
    }
}

record! {
    /// A stored file.
    Stored {
        /// Length of the content.
        size: u64,
        /// Peers on which all of it is durable.
        copies: u8,
        /// How many are wanted.
        wanted: u8,
        /// Bytes that had to be sent: less than the content where peers had parts of it.
        sent_bytes: u64,
        /// The version that it became.
        version: String,
    }
    /// On fewer peers than wanted; they finish it when the others are back.
    #[getter]
    fn degraded(&self) -> bool {
        self.copies < self.wanted
    }
}

record! {
    /// A file that was got.
    Got {
        /// Bytes delivered.
        size: u64,
        /// Enough peers agreed that there is nothing newer.
        fresh: bool,
        /// Which peers gave how many bytes; empty for a small file.
        sources: Vec<(String, u64)>,
    }
}

record! {
    /// A delete or clear.
    Written {
        /// Peers on which it is durable.
        copies: u8,
        /// How many are wanted.
        wanted: u8,
        /// Its version: what is older is gone.
        version: String,
    }
    /// On fewer peers than wanted; they finish it when the others are back.
    #[getter]
    fn degraded(&self) -> bool {
        self.copies < self.wanted
    }
}

record! {
    /// The end of a list.
    Listed {
        /// Every part of the network answered.
        complete: bool,
    }
}

record! {
    /// What a node dropped of its own bytes.
    Evicted {
        /// Blobs.
        blobs: u64,
        /// Their bytes.
        bytes: u64,
    }
}

record! {
    /// A node's own check of what it holds.
    Verified {
        /// Blobs hashed.
        checked: u64,
        /// Their bytes.
        bytes: u64,
        /// Those that were damaged, by their ids.
        damaged: Vec<String>,
        /// Records verified.
        records: u64,
        /// Those that were damaged, as pseudonyms of owners and names.
        damaged_records: Vec<(String, String)>,
    }
}

record! {
    /// How far a node is that leaves.
    Leaving {
        /// It is no member any more.
        done: bool,
        /// The members that still take over what it holds, or cannot be reached.
        waits_for: Vec<String>,
        /// How much only it holds.
        strays: u64,
    }
}

record! {
    /// A member, as the node that was asked sees it.
    Peer {
        /// Its id.
        node: String,
        /// Where it was last reached.
        address: Option<String>,
        /// `self`, `alive`, `suspect`, `gone` or `leaving`.
        state: &'static str,
        /// Smoothed round-trip time in microseconds; 0 if unknown.
        rtt_us: u32,
        /// For how long nothing came from it, in milliseconds.
        silent_ms: u64,
        /// It still takes over what belongs on it.
        syncing: bool,
        /// There is a link to it.
        linked: bool,
    }
}

record! {
    /// What a node is and holds.
    Status {
        /// Its id.
        node: String,
        /// Its network.
        network: String,
        /// Where it listens.
        address: Option<String>,
        /// Its program's version.
        version: String,
        /// How long it has been up, in milliseconds.
        uptime_ms: u64,
        /// Members that are there.
        peers_alive: u32,
        /// Members that were silent for a while.
        peers_suspect: u32,
        /// Members that were silent for long.
        peers_gone: u32,
        /// Members in all.
        members: u32,
        /// Copies wanted of everything.
        replicas: u8,
        /// Blobs held.
        blobs: u64,
        /// Their bytes.
        blob_bytes: u64,
        /// Records held.
        records: u64,
        /// Tombstones held.
        tombstones: u64,
        /// Items that belong on this node.
        copies_wanted: u64,
        /// Those that are here.
        copies_present: u64,
        /// Those that are not.
        copies_missing: u64,
        /// Still catching up.
        syncing: bool,
        /// Requests and repairs under way.
        pending_ops: u64,
        /// Bytes that one user may store here; 0 for no limit.
        quota: u64,
        /// Free space.
        free_bytes: u64,
    }
}

impl From<Outcome> for Result {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Stored { size, copies, wanted, sent_bytes, version } => {
                Self::Stored(Stored { size, copies, wanted, sent_bytes, version: version_text(version) })
            }
            Outcome::Got { size, fresh, sources } => {
                let sources = sources.into_iter().map(|(node, bytes)| (node.to_string(), bytes)).collect();
                Self::Got(Got { size, fresh, sources })
            }
            Outcome::Deleted { copies, wanted, version } | Outcome::Cleared { copies, wanted, version } => {
                Self::Written(Written { copies, wanted, version: version_text(version) })
            }
            Outcome::Listed { complete } => Self::Listed(Listed { complete }),
            Outcome::Evicted { blobs, bytes } => Self::Evicted(Evicted { blobs, bytes }),
            Outcome::Status(status) => Self::Status((*status).into()),
            Outcome::Peers(peers) => Self::Peers(peers.into_iter().map(Peer::from).collect()),
            Outcome::Verified { checked, bytes, damaged, records, damaged_records } => {
                let damaged = damaged.iter().map(ToString::to_string).collect();
                let damaged_records =
                    damaged_records.iter().map(|(o, n)| (o.to_string(), n.to_string())).collect();
                Self::Verified(Verified { checked, bytes, damaged, records, damaged_records })
            }
            Outcome::Leaving { done, waits_for, strays } => {
                Self::Leaving(Leaving { done, waits_for: ids(&waits_for), strays })
            }
            Outcome::Banned => Self::Nothing(()),
            Outcome::Invite(token) => Self::Invite(token.to_text().to_string()),
        }
    }
}

impl From<FileMeta> for FileInfo {
    fn from(meta: FileMeta) -> Self {
        let FileMeta { key, size, modified_ms, version, expires } = meta;
        let expires_ms = (expires > 0).then_some(expires);
        Self { key, size, modified_ms, version: version_text(version), expires_ms }
    }
}

impl From<PeerStatus> for Peer {
    fn from(peer: PeerStatus) -> Self {
        let state = match peer.state {
            PeerState::Own => "self",
            PeerState::Alive => "alive",
            PeerState::Suspect => "suspect",
            PeerState::Gone => "gone",
            PeerState::Leaving => "leaving",
        };
        Self {
            node: peer.node.to_string(),
            address: peer.addr.map(|addr| addr.to_string()),
            state,
            rtt_us: peer.rtt_us,
            silent_ms: peer.silent_ms,
            syncing: peer.syncing,
            linked: peer.linked,
        }
    }
}

impl From<wire::Status> for Status {
    fn from(status: wire::Status) -> Self {
        Self {
            node: status.node.to_string(),
            network: status.network.to_string(),
            address: status.addr.map(|addr| addr.to_string()),
            version: status.version,
            uptime_ms: status.uptime_ms,
            peers_alive: status.peers_alive,
            peers_suspect: status.peers_suspect,
            peers_gone: status.peers_gone,
            members: status.members,
            replicas: status.replicas,
            blobs: status.blobs,
            blob_bytes: status.blob_bytes,
            records: status.records,
            tombstones: status.tombstones,
            copies_wanted: status.copies_wanted,
            copies_present: status.copies_present,
            copies_missing: status.copies_missing,
            syncing: status.syncing,
            pending_ops: status.pending_ops,
            quota: status.quota,
            free_bytes: status.free_bytes,
        }
    }
}

fn ids(nodes: &[NodeId]) -> Vec<String> {
    nodes.iter().map(ToString::to_string).collect()
}

fn version_text(version: Version) -> String {
    version.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn date(py: Python<'_>, ms: u64) -> PyResult<Bound<'_, PyDateTime>> {
    // Milliseconds up to the year 2500 are far below 2^53: nothing is lost.
    PyDateTime::from_timestamp(py, ms as f64 / 1000.0, Some(&*PyTzInfo::utc(py)?))
}

//! What goes into a [`LocalStore`](super::LocalStore) and what comes out of it. Values only.

use crate::config::Config;
use crate::crypto::Suite;
use crate::driver::DiskRequest;
use crate::error::DiskError;
use crate::id::{BlobId, Name, NetworkId, NodeId, OwnerId, Position, Ticket};
use crate::job::Job;
use crate::record::Record;
use crate::wire::{PinCheck, Response};
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt::Debug;
use core::time::Duration;

/// What a store needs to begin.
#[derive(Clone, Debug)]
pub struct StoreSetup {
    /// The cryptography to use.
    pub suite: Suite,
    /// Limits.
    pub config: Config,
    /// Whose signatures count.
    pub network: NetworkId,
    /// This node.
    pub node: NodeId,
    /// How long a blob outlives its last pin (the network's setting; see [`LocalStore::set_linger`](super::LocalStore::set_linger)).
    pub linger: Duration,
    /// Jitter, and the name of a new disk.
    pub seed: [u8; 32],
}

/// Of what a node is a replica. The view of the ring knows; the store only asks.
pub trait Placement: Debug + Send + Sync {
    /// True if `node` is one of the replicas of what lies at `position`.
    fn is_replica(&self, node: &NodeId, position: &Position) -> bool;

    /// The first run of positions at or after `from`, its first and last, that holds some of which `node` is a replica
    /// (`wanted`) or some of which it is none. A walk skips what is in no run.
    fn run(&self, _node: &NodeId, from: &Position, _wanted: bool) -> Option<(Position, Position)> {
        Some((*from, Position([u8::MAX; 32])))
    }

    /// True if there are other members, who may know what this one has lost.
    fn has_others(&self) -> bool {
        true
    }
}

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A client that proved to be this owner: writes only its own things, with a clock near ours.
    Client {
        /// Whose.
        owner: OwnerId,
    },
    /// Another node: repair and replication. Anything valid is taken.
    Node(NodeId),
    /// This node itself, or its home's control key.
    Own,
}

impl Origin {
    /// True if this asker may write what belongs to `owner`.
    pub(super) fn may_write(&self, owner: &OwnerId) -> bool {
        match self {
            Self::Client { owner: own } => own == owner,
            Self::Node(_) | Self::Own => true,
        }
    }

    /// True if the checks of an entry node apply.
    pub(super) const fn is_client(&self) -> bool {
        matches!(self, Self::Client { .. })
    }
}

/// What to do with what a request brings, once it is found valid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    /// Keep it: this node is one of its replicas.
    Replica,
    /// Keep it durably although this node is no replica, until the replicas have it: a blob with its pins, a record
    /// whole. It counts nowhere, so the answer has 0 copies of 1.
    Hint,
    /// Keep a record as [`Keep::Replica`] does, and be it without its parts: a member that had it whole has given them
    /// up. From anybody else a stub takes no record's place: nobody knows whether its parts are anywhere.
    Pulled,
    /// Keep a record as [`Keep::Replica`] does, in place of a damaged row: the other replicas have told that it is
    /// the newest.
    Mended,
    /// Keep a blob without its pins for a while ([`Config::cache_for`]), to be read again soon; it counts
    /// nowhere, so the answer is `Stored` with 0 copies. Anything but a blob is only checked.
    Cache,
    /// Only check it (hash, signatures, clocks, what is known here to be newer); the answer has 0 copies.
    Nothing,
}

impl Keep {
    /// True if what is kept stays until it is proved unneeded.
    pub(super) const fn is_durable(self) -> bool {
        matches!(self, Self::Replica | Self::Hint | Self::Pulled | Self::Mended)
    }
}

/// What a store is to look for in its own table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// Records whose replica this node is not (stubs that only prove deaths left out).
    StrayRecords,
    /// Pins on blobs whose replica this node is not.
    StrayPins,
    /// Records whose replica it is and of which parts are missing.
    MissingRecords,
    /// Blobs whose replica it is and whose bytes are missing, each with one of its pins.
    MissingBlobs,
}

/// An object that pins are held for here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeldObject {
    /// The object.
    pub check: PinCheck,
    /// No record listing it was seen yet.
    pub is_pending: bool,
    /// And its lease is over: its pins may go when every replica of its record promises never to list it.
    pub is_over: bool,
}

/// What a store has lost, as far as it has noticed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Damage {
    /// The row of a record: ask the other replicas, then call [`LocalStore::mend`](super::LocalStore::mend). Until
    /// then it is refused, and [`LocalStore::is_in_doubt`](super::LocalStore::is_in_doubt) is true where it lies.
    Record(OwnerId, Name),
    /// A blob that pins here want, of so many bytes: fetch it, then call
    /// [`LocalStore::check_blob`](super::LocalStore::check_blob).
    Blob(BlobId, u32),
    /// A row that belongs to no name, so that another one is missing: nothing that is not here is certain not to
    /// have been. Once that is noted, call [`LocalStore::drop_row`](super::LocalStore::drop_row).
    Row(Bytes),
}

/// What a store wants of its owner, the node.
#[derive(Debug)]
pub enum StoreOutput {
    /// Its state is loaded: requests that came earlier begin now.
    Ready(Loaded),
    /// Give this to the driver.
    Disk {
        /// Names the request in its answer.
        ticket: Ticket,
        /// What to do.
        request: DiskRequest,
    },
    /// Give this to the driver.
    Job {
        /// Names the job in its answer.
        ticket: Ticket,
        /// What to compute.
        job: Job,
    },
    /// The one answer to a request.
    Reply {
        /// As given with [`LocalStore::submit`](super::LocalStore::submit).
        token: u64,
        /// The answer.
        response: Response,
    },
    /// Pins here are dead by this proof: make it durable on W of the replicas of its name (of a floor: on W
    /// members), then call [`LocalStore::settled`](super::LocalStore::settled). Without that call within
    /// [`Config::offer_deadline`] it counts as not settled, and is offered again later.
    Offer {
        /// Names the offer.
        offer: u64,
        /// The newer record as a stub, or the floor.
        stub: Record,
    },
    /// Find out what became of these objects, all of one owner and under names of one first byte, put what newer
    /// records there are, then call [`LocalStore::checked`](super::LocalStore::checked). Without that call within
    /// [`Config::offer_deadline`] nothing came of it.
    Check {
        /// Names the question.
        check: u64,
        /// At most [`limit::CHECK_PINS`](crate::config::limit::CHECK_PINS).
        objects: Vec<HeldObject>,
    },
    /// This tombstone is old enough to be dropped: ask every member whether anything older is left, then call
    /// [`LocalStore::forgotten`](super::LocalStore::forgotten), in the same time.
    Forget {
        /// Names the question.
        forget: u64,
        /// The tombstone, or the stub of an expired record.
        stub: Record,
    },
    /// Something is damaged, or missing that should be here. Told when it is noticed; of a record once.
    Damaged(Damage),
    /// The disk failed for good: stop. Requests are answered with errors from now on.
    Fatal(DiskError),
}

/// What was found on the disk at the start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loaded {
    /// Names this disk: drawn when it was new. Another one than before means that the disk was lost.
    pub incarnation: u64,
    /// True if the disk was empty until now.
    pub new_disk: bool,
    /// For how long this node has run in all, in milliseconds: what ages count in.
    pub running_ms: u64,
    /// The rows of [`LocalStore::save_state`](super::LocalStore::save_state), in the order of their keys.
    pub state: Vec<(Bytes, Bytes)>,
}

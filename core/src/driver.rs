//! The vocabulary between a machine and its driver: inputs, outputs, disk requests.
//!
//! The contract itself, with a loop that is tested, stands in the [crate's documentation](crate).

use alloc::vec::Vec;
use bytes::Bytes;
use core::net::SocketAddr;

use crate::error::{ApiMisuse, DiskError};
use crate::id::{BlobId, ConnId, Ticket};
use crate::job::{Job, JobResult};
use crate::time::{Instant, Now};

/// A pure state machine: [`Client`](crate::client::Client) and [`Node`](crate::node::Node) have these same three verbs.
pub trait Machine {
    /// What this machine tells its user.
    type Event;

    /// Tells the machine that something happened. An `Err` means that the call broke the contract and
    /// had no effect; whatever a peer or a disk does is never an `Err`.
    fn handle_input(&mut self, now: Now, input: Input) -> Result<(), ApiMisuse>;

    /// The next effect to perform, in order; `None` when there is nothing to do until the next input.
    fn poll_output(&mut self) -> Option<Output<Self::Event>>;

    /// When to call [`handle_input`](Self::handle_input) with [`Input::Timeout`] if nothing happens before;
    /// [`Instant(0)`](Instant) while output waits.
    fn poll_timeout(&self) -> Option<Instant>;
}

/// What happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// The time of [`Machine::poll_timeout`] has come. Harmless at any other time.
    Timeout,
    /// A link stands: one that was dialled, or a new one that was accepted (under [`ConnId::accepted`]).
    Connected {
        /// The link.
        conn: ConnId,
        /// Where the other side is.
        remote: SocketAddr,
        /// 32 fresh bytes of the operating system's randomness: the link's ephemeral keys.
        entropy: [u8; 32],
    },
    /// A dial ended without a link.
    DialFailed {
        /// The link that was dialled.
        conn: ConnId,
    },
    /// Bytes came, in any portions.
    Received {
        /// The link.
        conn: ConnId,
        /// The bytes; the machine may keep slices of them.
        bytes: Bytes,
    },
    /// Bytes given with [`Output::Send`] have left (were taken by the operating system). Without this the
    /// machine stops sending when its window is full.
    Sent {
        /// The link.
        conn: ConnId,
        /// How many.
        bytes: usize,
    },
    /// The link ended, whoever ended it. Also the answer to [`Output::Close`].
    Disconnected {
        /// The link.
        conn: ConnId,
    },
    /// The answer to [`Output::Disk`].
    Disk {
        /// The request's ticket.
        ticket: Ticket,
        /// What came of it. `Ok` for a request that changes something means that it is durable.
        result: Result<DiskReply, DiskError>,
    },
    /// The answer to [`Output::Job`].
    Job {
        /// The job's ticket.
        ticket: Ticket,
        /// What [`Job::run`] returned.
        result: JobResult,
    },
}

/// An effect: what the machine wants done, in this order.
#[derive(Debug)]
pub enum Output<E> {
    /// Open a link; answer [`Input::Connected`] or [`Input::DialFailed`].
    Dial {
        /// The new link's id.
        conn: ConnId,
        /// Where to.
        addr: SocketAddr,
    },
    /// Send bytes on a link, after all earlier ones; answer [`Input::Sent`] as they leave.
    Send {
        /// The link.
        conn: ConnId,
        /// The bytes.
        bytes: Bytes,
    },
    /// Send what was given before, as far as that goes within a second, then close; answer
    /// [`Input::Disconnected`].
    Close {
        /// The link.
        conn: ConnId,
    },
    /// Perform once; answer exactly once with [`Input::Disk`], in any order, failures too.
    Disk {
        /// Names the request in its answer.
        ticket: Ticket,
        /// What to do.
        request: DiskRequest,
    },
    /// Run [`Job::run`], anywhere, and answer exactly once with [`Input::Job`].
    Job {
        /// Names the job in its answer.
        ticket: Ticket,
        /// What to compute.
        job: Job,
    },
    /// Tell the user.
    Event(E),
}

/// One change to the ordered table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TableOp {
    /// Sets a row.
    Put {
        /// Its key.
        key: Bytes,
        /// Its value.
        value: Bytes,
    },
    /// Removes a row; nothing happens if it is not there.
    Remove {
        /// Its key.
        key: Bytes,
    },
}

/// What a machine asks of its disk: one table of rows in the order of their keys, and blobs.
///
/// A machine has at most one request in flight that changes a given row or blob, so a driver may run
/// requests in any order and at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DiskRequest {
    /// All of these changes or none, durable. Reply [`DiskReply::Done`].
    Apply {
        /// The changes; later ones win.
        ops: Vec<TableOp>,
    },
    /// The values of these rows. Reply [`DiskReply::Values`].
    Get {
        /// Their keys.
        keys: Vec<Bytes>,
    },
    /// Rows in order, `from` included, `to` excluded. Reply [`DiskReply::Rows`].
    Scan {
        /// First key.
        from: Bytes,
        /// First key that is not wanted.
        to: Bytes,
        /// At most this many rows.
        rows: u32,
        /// Stop after the row with which keys and values reach this many bytes.
        bytes: u32,
    },
    /// Keep a blob: its bytes durable, then the changes with its index entry in one step; one answer when all is
    /// durable. A blob that is there already is kept (and the changes made). Reply [`DiskReply::Done`].
    PutBlob {
        /// The blob.
        id: BlobId,
        /// Its bytes, whose hash was checked.
        bytes: Bytes,
        /// Changes to the table.
        then: Vec<TableOp>,
    },
    /// The changes and the removal of the index entry in one durable step, then the bytes. A blob that is not
    /// there is no error. Reply [`DiskReply::Done`].
    RemoveBlob {
        /// The blob.
        id: BlobId,
        /// Changes to the table.
        first: Vec<TableOp>,
    },
    /// Bytes of a blob, unverified. Reply [`DiskReply::Blob`].
    ReadBlob {
        /// The blob.
        id: BlobId,
        /// First byte.
        offset: u32,
        /// How many at most; zero asks only whether it is there.
        len: u32,
    },
    /// The blobs in the order of their ids. Reply [`DiskReply::Blobs`].
    ScanBlobs {
        /// Begin after this one.
        after: Option<BlobId>,
        /// At most this many.
        rows: u32,
    },
    /// How much space there is. Reply [`DiskReply::Space`].
    Space,
}

impl DiskRequest {
    /// True if the request changes anything.
    pub const fn is_mutation(&self) -> bool {
        matches!(self, Self::Apply { .. } | Self::PutBlob { .. } | Self::RemoveBlob { .. })
    }
}

/// What a disk answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DiskReply {
    /// Done, and durable.
    Done,
    /// One value for each key of a `Get`, in its order; `None` for a row that is not there.
    Values(Vec<Option<Bytes>>),
    /// Rows of a `Scan`.
    Rows {
        /// Keys and values in the order of the keys.
        rows: Vec<(Bytes, Bytes)>,
        /// True if a limit ended the scan and more rows may follow.
        more: bool,
    },
    /// The bytes of a blob; `None` if it is not there.
    Blob(Option<Bytes>),
    /// Ids and lengths in bytes of a `ScanBlobs`; fewer than asked for means that there are no more.
    Blobs(Vec<(BlobId, u32)>),
    /// Free space in bytes.
    Space {
        /// What may still be written.
        free: u64,
    },
}

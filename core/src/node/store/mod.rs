//! What a node does with its own disk: keeps blobs under pins, keeps records, removes what is provably dead.
//!
//! [`LocalStore`] is the only part of a node that issues disk requests and jobs. It checks whatever it is given
//! (hash, signatures, versions, floors) before it keeps a byte, answers only when things are durable, and
//! deletes only by a signed proof that is durable on enough replicas. It must not know links, peers or
//! what other nodes hold: the node asks it, and settles the proofs that it offers.
//!
//! Memory does not grow with what is stored: queues stand in the table as rows.

mod api;

pub use api::{Keep, Loaded, Origin, Placement, StoreOutput, StoreSetup};

use crate::driver::DiskReply;
use crate::error::{ApiMisuse, DiskError};
use crate::id::{BlobId, Ticket};
use crate::job::JobResult;
use crate::time::{Instant, Now};
use crate::wire::Request;
use alloc::sync::Arc;
use bytes::Bytes;
use core::time::Duration;

/// The local half of a node.
#[derive(Debug)]
pub struct LocalStore {}

impl LocalStore {
    /// Begins to load its state; [`StoreOutput::Ready`] follows.
    pub fn new(_now: Now, _setup: StoreSetup) -> Self {
        todo!()
    }

    /// Takes one of `Have`, `PutBlob`, `GetBlob`, `PutRecord`, `GetRecord`, `ListRecords`, `Status`, `Evict`
    /// and `Verify`; exactly one [`StoreOutput::Reply`] with this token follows. Others are answered
    /// `Unsupported`. A `ListRecords` of a client hides tombstones; from a node it shows them.
    /// In the answer to `Status` only what the disk knows is filled in.
    pub fn submit(&mut self, _now: Now, _token: u64, _origin: Origin, _keep: Keep, _request: Request) {
        todo!()
    }

    /// Checks a blob that was fetched from another node; one [`StoreOutput::Reply`] with this token follows:
    /// `Stored` if its hash is `id` (with 1 copy if pins here want it and its bytes were missing or damaged, so
    /// that it is kept again; else with 0), or the error `Invalid`.
    pub fn check_blob(&mut self, _now: Now, _token: u64, _id: BlobId, _blob: Bytes) {
        todo!()
    }

    /// The answer to [`StoreOutput::Disk`].
    pub fn handle_disk(
        &mut self,
        _now: Now,
        _ticket: Ticket,
        _result: Result<DiskReply, DiskError>,
    ) -> Result<(), ApiMisuse> {
        todo!()
    }

    /// The answer to [`StoreOutput::Job`].
    pub fn handle_job(&mut self, _now: Now, _ticket: Ticket, _result: JobResult) -> Result<(), ApiMisuse> {
        todo!()
    }

    /// The time of [`poll_timeout`](Self::poll_timeout) has come. Harmless at any other time.
    pub fn handle_timeout(&mut self, _now: Now) {
        todo!()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// The next effect or answer.
    pub fn poll(&mut self) -> Option<StoreOutput> {
        todo!()
    }

    /// How an offered proof ended: durable on `copies` replicas of `wanted`. An offer that is not open is ignored.
    pub fn settled(&mut self, _now: Now, _offer: u64, _copies: u8, _wanted: u8) {
        todo!()
    }

    /// Tells of what this node is a replica from now on. Until the first call it is one of everything.
    pub fn set_view(&mut self, _view: Arc<dyn Placement>) {
        todo!()
    }

    /// Tells whether the wall clock agrees with the other members'. Nothing expires while it is false, as it
    /// is at the start.
    pub fn set_clock_ok(&mut self, _now: Now, _ok: bool) {
        todo!()
    }

    /// The network's linger.
    pub fn set_linger(&mut self, _linger: Duration) {
        todo!()
    }

    /// Makes a small row of the node's own durable (membership, known peers); given back in [`Loaded::state`].
    /// Of several values given in quick succession the last one counts.
    pub fn save_state(&mut self, _now: Now, _key: &[u8], _value: Bytes) {
        todo!()
    }

    /// Removes such a row.
    pub fn remove_state(&mut self, _now: Now, _key: &[u8]) {
        todo!()
    }

    /// Requests and removals under way or waiting.
    pub fn pending(&self) -> u64 {
        todo!()
    }

    /// True when nothing is under way and all state is durable: a node may stop.
    pub fn is_idle(&self) -> bool {
        todo!()
    }
}

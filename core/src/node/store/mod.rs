//! What a node does with its own disk: keeps blobs under pins, keeps records, removes what is provably dead.
//!
//! [`LocalStore`] is the only part of a node that issues disk requests and jobs. It checks whatever it is given
//! (hash, signatures, versions, floors) before it keeps a byte, answers only when things are durable, and
//! deletes only by a signed proof that is durable on enough replicas. It must not know links, peers or
//! what other nodes hold: the node asks it, and settles the proofs that it offers.
//!
//! Memory does not grow with what is stored: queues stand in the table as rows.

mod api;
mod blob;
mod dead;
mod effects;
mod evict;
mod expiry;
mod floor;
mod keys;
mod known;
mod linger;
mod list;
mod locks;
mod operation;
mod proof;
mod record;
mod rows;
mod state;
mod status;
mod verify;

#[cfg(test)]
mod tests;

pub use api::{Keep, Loaded, Origin, Placement, StoreOutput, StoreSetup};
pub(in crate::node) use blob::part;

use crate::config::{Config, limit};
use crate::crypto::Suite;
use crate::driver::DiskReply;
use crate::error::{ApiMisuse, DiskError};
use crate::id::{BlobId, NetworkId, NodeId, Ticket};
use crate::job::JobResult;
use crate::rng::Rng;
use crate::time::{Instant, Now};
use crate::wire::{ErrorCode, Request};
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;
use core::time::Duration;
use effects::Effects;
use linger::Next;
use locks::Locks;
use operation::{Op, Operations, Step};
use proof::Proofs;
use state::State;

/// The local half of a node.
pub struct LocalStore {
    suite: Suite,
    config: Config,
    network: NetworkId,
    node: NodeId,
    linger: Duration,
    view: Option<Arc<dyn Placement>>,
    clock_ok: bool,
    now: Now,
    rng: Rng,
    is_ready: bool,
    fatal: Option<DiskError>,
    effects: Effects,
    operations: Operations,
    locks: Locks,
    /// What goes on as soon as the call that caused it is through.
    ready: VecDeque<Step>,
    outputs: VecDeque<StoreOutput>,
    state: State,
    proofs: Proofs,
    lingering: Next,
    expiring: Next,
}

impl fmt::Debug for LocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalStore")
            .field("node", &self.node)
            .field("is_ready", &self.is_ready)
            .field("fatal", &self.fatal)
            .field("effects", &self.effects)
            .field("operations", &self.operations)
            .field("locks", &self.locks)
            .field("outputs", &self.outputs.len())
            .finish_non_exhaustive()
    }
}

impl LocalStore {
    /// Begins to load its state; [`StoreOutput::Ready`] follows.
    pub fn new(now: Now, setup: StoreSetup) -> Self {
        let mut store = Self {
            suite: setup.suite,
            config: setup.config,
            network: setup.network,
            node: setup.node,
            linger: setup.linger,
            view: None,
            clock_ok: false,
            now,
            rng: Rng::from_seed(setup.seed),
            is_ready: false,
            fatal: None,
            effects: Effects::default(),
            operations: Operations::default(),
            locks: Locks::default(),
            ready: VecDeque::new(),
            outputs: VecDeque::new(),
            state: State::new(now.mono),
            proofs: Proofs::new(now.mono),
            lingering: Next::Nothing,
            expiring: Next::Nothing,
        };
        store.load(keys::state_all(), Vec::new());
        store
    }

    /// Takes one of `Have`, `PutBlob`, `GetBlob`, `PutRecord`, `GetRecord`, `ListRecords`, `Status`, `Evict`
    /// and `Verify`; exactly one [`StoreOutput::Reply`] with this token follows. Others are answered
    /// `Unsupported`. A `ListRecords` of a client hides tombstones; from a node it shows them.
    /// In the answer to `Status` only what the disk knows is filled in.
    ///
    /// Whether the asker may send such a request at all is the node's to decide; the store only sees to it that
    /// a client writes nothing that is another owner's.
    pub fn submit(&mut self, now: Now, token: u64, origin: Origin, keep: Keep, request: Request) {
        self.now = now;
        let room = room(&request);
        self.admit(token, room, move |store, op| store.begin_request(op, origin, keep, request));
        self.go_on();
    }

    fn begin_request(&mut self, op: Op, origin: Origin, keep: Keep, request: Request) {
        match request {
            Request::Have { pins } => self.have(op, origin, keep, pins),
            Request::PutBlob { pins, blob } => self.put_blob(op, origin, keep, pins, blob),
            Request::GetBlob { id, offset, len } => self.get_blob(op, id, offset, len),
            Request::PutRecord { record } => self.put_record(op, origin, keep, record),
            Request::GetRecord { owner, name } => self.get_record(op, owner, name),
            Request::ListRecords { owner, after, rows, shards } => {
                self.list_records(op, origin, owner, after, rows, shards);
            }
            Request::Status => self.count(op),
            Request::Evict { owner, name } => self.evict(op, owner, name),
            Request::Verify { after } => self.verify(op, after),
            Request::Peers | Request::Invite { .. } | Request::Ping { .. } | Request::View { .. } => {
                self.refuse(op, ErrorCode::Unsupported);
            }
        }
    }

    /// Checks a blob that was fetched from another node; one [`StoreOutput::Reply`] with this token follows:
    /// `Stored` if its hash is `id` (with 1 copy if pins here want it and its bytes were missing or damaged, so
    /// that it is kept again; else with 0), or the error `Invalid`.
    pub fn check_blob(&mut self, now: Now, token: u64, id: BlobId, blob: Bytes) {
        self.now = now;
        self.admit(token, blob.len(), move |store, op| store.refill(op, id, blob));
        self.go_on();
    }

    /// The answer to [`StoreOutput::Disk`].
    pub fn handle_disk(
        &mut self,
        now: Now,
        ticket: Ticket,
        result: Result<DiskReply, DiskError>,
    ) -> Result<(), ApiMisuse> {
        self.now = now;
        self.take_disk(ticket, result)?;
        self.go_on();
        Ok(())
    }

    /// The answer to [`StoreOutput::Job`].
    pub fn handle_job(&mut self, now: Now, ticket: Ticket, result: JobResult) -> Result<(), ApiMisuse> {
        self.now = now;
        self.take_job(ticket, result)?;
        self.go_on();
        Ok(())
    }

    /// The time of [`poll_timeout`](Self::poll_timeout) has come. Harmless at any other time.
    pub fn handle_timeout(&mut self, now: Now) {
        self.now = now;
        self.go_on();
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next; `Instant(0)` while [`poll`](Self::poll) has something.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if !self.outputs.is_empty() {
            return Some(Instant(0));
        }
        if !self.is_ready || self.fatal.is_some() {
            return None;
        }
        let linger = self.lingering.timeout(self.now.mono, self.running_ms());
        let others = [self.state.timeout(), self.expiry_timeout(), self.proof_timeout()];
        others.into_iter().flatten().chain(linger).min()
    }

    /// The next effect or answer.
    pub fn poll(&mut self) -> Option<StoreOutput> {
        self.outputs.pop_front()
    }

    /// How an offered proof ended: durable on `copies` replicas of `wanted`. An offer that is not open is ignored.
    pub fn settled(&mut self, now: Now, offer: u64, copies: u8, wanted: u8) {
        self.now = now;
        self.offer_settled(offer, copies >= wanted);
        self.go_on();
    }

    /// Tells of what this node is a replica from now on. Until the first call it is one of everything.
    pub fn set_view(&mut self, view: Arc<dyn Placement>) {
        self.view = Some(view);
    }

    /// Tells whether the wall clock agrees with the other members'. Nothing expires while it is false, as it
    /// is at the start.
    pub fn set_clock_ok(&mut self, now: Now, ok: bool) {
        self.now = now;
        self.clock_ok = ok;
        self.go_on();
    }

    /// The network's linger.
    pub fn set_linger(&mut self, linger: Duration) {
        self.linger = linger;
    }

    /// Makes a small row of the node's own durable (membership, known peers); given back in [`Loaded::state`].
    /// Of several values given in quick succession the last one counts. It is durable when [`saved`](Self::saved)
    /// has come to the number that is returned.
    pub fn save_state(&mut self, now: Now, key: &[u8], value: Bytes) -> u64 {
        self.now = now;
        let change = self.change_state(key, Some(value));
        self.go_on();
        change
    }

    /// How many of the changes by [`save_state`](Self::save_state) and [`remove_state`](Self::remove_state) are
    /// durable, counted from the start of this store.
    pub const fn saved(&self) -> u64 {
        self.state.durable()
    }

    /// Removes such a row.
    pub fn remove_state(&mut self, now: Now, key: &[u8]) -> u64 {
        self.now = now;
        let change = self.change_state(key, None);
        self.go_on();
        change
    }

    /// Requests and removals under way or waiting.
    pub fn pending(&self) -> u64 {
        self.operations.count() as u64
    }

    /// True when nothing is under way and all state is durable: a node may stop.
    pub fn is_idle(&self) -> bool {
        self.fatal.is_some()
            || (self.operations.count() == 0 && self.has_no_effects() && self.state.is_written())
    }

    /// Does all that can be done now.
    fn go_on(&mut self) {
        loop {
            while let Some(step) = self.ready.pop_front() {
                step(self);
            }
            if self.fatal.is_some() {
                return;
            }
            self.go_on_with_state();
            self.go_on_with_linger();
            self.go_on_with_expiry();
            self.go_on_with_proofs();
            if self.ready.is_empty() {
                return;
            }
        }
    }
}

/// The room that a request needs while it is under way: bytes that it brings or may read.
fn room(request: &Request) -> usize {
    match request {
        Request::Have { pins } => pins.iter().map(|pin| pin.bytes().len()).sum(),
        Request::PutBlob { pins, blob } => {
            pins.iter().map(|pin| pin.bytes().len()).sum::<usize>() + blob.len()
        }
        Request::GetBlob { .. } | Request::Verify { .. } => limit::BLOB,
        Request::PutRecord { record } => record.bytes().len(),
        Request::ListRecords { .. } => list::LIST_ROOM,
        _ => 0,
    }
}

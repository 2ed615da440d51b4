//! What a node does with its own disk: keeps blobs under pins, keeps records, removes what is provably dead.
//!
//! [`LocalStore`] is the only part of a node that issues disk requests and jobs. It checks whatever it is given
//! (hash, signatures, versions, floors) before it keeps a byte, answers only when things are durable, and
//! deletes only by a signed proof that is durable on enough replicas. It must not know links, peers or
//! what other nodes hold: the node asks it, and settles the proofs that it offers.
//!
//! Memory does not grow with what is stored: queues stand in the table as rows.
//!
//! * `api`, `operation`, `locks`, `effects`: a request, what it waits for, and its one answer;
//! * `keys`, `rows`, `known`, `state`: the table;
//! * `blob`, `record`, `list`, `status`, `evict`, `verify`: what clients and their entry nodes ask;
//! * `pages`, `admit`, `prove`, `strays`, `missing`: how members come to hold the same;
//! * `proof`, `dead`, `floor`, `expiry`, `linger`: how things die by signed proof; `walk`, `check`, `lapse`, `promise`,
//!   `tombstone`: what is asked of others before anything is forgotten; `quarantine`: what must not come back;
//! * `quota`, `space`: what is refused for want of room.

mod admit;
mod api;
#[cfg(any(test, feature = "sim"))]
pub(crate) mod audit;
mod blob;
mod check;
mod dead;
mod doubt;
mod effects;
mod evict;
mod expiry;
mod floor;
#[cfg(any(test, feature = "sim"))]
mod gauge;
mod keys;
mod known;
mod lapse;
mod linger;
mod list;
mod locks;
mod missing;
mod operation;
mod pages;
mod promise;
mod proof;
mod prove;
mod quarantine;
mod quota;
mod record;
mod rows;
mod space;
mod state;
mod status;
mod strays;
mod tombstone;
mod verify;
mod walk;

#[cfg(test)]
mod tests;

pub use api::{Damage, HeldObject, Keep, Loaded, Look, Origin, Placement, StoreOutput, StoreSetup};
pub(in crate::node) use blob::part;
#[cfg(any(test, feature = "sim"))]
pub(crate) use keys::is_record_row;

use crate::config::{Config, limit};
use crate::crypto::Suite;
use crate::driver::DiskReply;
use crate::error::{ApiMisuse, DiskError};
use crate::id::{BlobId, NetworkId, NodeId, Ticket};
use crate::job::JobResult;
use crate::record::{Pin, Record};
use crate::rng::Rng;
use crate::time::{Instant, Now};
use crate::wire::{ErrorCode, PullCursor, PullPart, PulledRecord, Request};
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;
use core::time::Duration;
use doubt::Doubts;
use effects::Effects;
use linger::Next;
use locks::Locks;
use operation::{Op, Operations, Room, Step};
use pages::Walk;
use proof::Proofs;
use quota::Usage;
use space::Space;
use state::State;
use walk::Walk as OwnWalk;

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
    pins_walk: OwnWalk,
    tombstones_walk: OwnWalk,
    usage: Usage,
    space: Space,
    doubts: Doubts,
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
        let first_walk = now.mono + setup.config.check_again;
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
            pins_walk: OwnWalk::new(first_walk),
            tombstones_walk: OwnWalk::new(first_walk),
            usage: Usage::default(),
            space: Space::default(),
            doubts: Doubts::default(),
        };
        store.load(keys::state_all(), Vec::new());
        store
    }

    /// Takes one of `Have`, `PutBlob`, `GetBlob`, `PutRecord`, `GetRecord`, `ListRecords`, `Status`, `Evict`,
    /// `Verify`, `VerifyRecords`, `PullRecords` and `PullPins` (of a node), `PutPins`, `Prove`,
    /// `CheckPins` and `Forget`; exactly one [`StoreOutput::Reply`] with this token follows. Others are answered
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
            Request::VerifyRecords { after } => self.verify_records(op, after),
            Request::PullRecords { part, after, rows, .. } => {
                self.pull_records(op, origin, part, after, rows)
            }
            Request::PullPins { after, rows, .. } => match origin {
                Origin::Node(node) => self.pins_page(op, Walk::Of(node), after, usize::from(rows)),
                _ => self.refuse(op, ErrorCode::Forbidden),
            },
            Request::PutPins { pins } => self.put_pins(op, origin, pins),
            Request::Prove { nonce, blobs } => self.prove(op, nonce, blobs),
            Request::CheckPins { lapse, checks } => self.check_pins(op, lapse, checks),
            Request::Forget { record } => self.is_clean(op, &record),
            Request::Peers
            | Request::Invite { .. }
            | Request::Leave { .. }
            | Request::Ban { .. }
            | Request::Ping { .. }
            | Request::View { .. } => {
                self.refuse(op, ErrorCode::Unsupported);
            }
        }
    }

    /// Checks a blob that was fetched from another node; one [`StoreOutput::Reply`] with this token follows:
    /// `Stored` if its hash is `id` (1 copy is wanted if pins here want it and its bytes were missing or damaged; it is
    /// there if the disk took it), the error `Invalid` if its hash is another, or the reason why it was not checked.
    pub fn check_blob(&mut self, now: Now, token: u64, id: BlobId, blob: Bytes) {
        self.now = now;
        self.admit(token, Room::brings(blob.len()), move |store, op| store.refill(op, id, blob));
        self.go_on();
    }

    fn pull_records(&mut self, op: Op, origin: Origin, part: PullPart, after: Option<PullCursor>, rows: u16) {
        let rows = usize::from(rows);
        match (origin, part) {
            (Origin::Node(_), PullPart::Floors) => self.floors_page(op, after, rows),
            (Origin::Node(node), PullPart::Records) => self.records_page(op, Walk::Of(node), after, rows),
            (Origin::Node(node), PullPart::Promises) => self.promises_page(op, node, after, rows),
            (Origin::Client { .. } | Origin::Own, _) => self.refuse(op, ErrorCode::Forbidden),
        }
    }

    /// Takes a record that was pulled from another member, with its age; answered as a `PutRecord`.
    pub fn keep_pulled(&mut self, now: Now, token: u64, from: NodeId, row: PulledRecord) {
        self.now = now;
        self.admit(token, Room::brings(row.record.bytes().len()), move |store, op| {
            store.put_aged_record(op, Origin::Node(from), Keep::Pulled, row.record, row.age_ms);
        });
        self.go_on();
    }

    /// Looks for what is held or missing here; one [`StoreOutput::Reply`] with this token follows, with a page of
    /// records or pins.
    pub fn look(&mut self, now: Now, token: u64, what: Look, after: Option<PullCursor>) {
        self.now = now;
        self.admit(token, Room::reads(list::LIST_ROOM), move |store, op| match what {
            Look::StrayRecords => store.records_page(op, Walk::Strays, after, limit::PULL_ROWS),
            Look::StrayPins => store.pins_page(op, Walk::Strays, after, limit::PULL_ROWS),
            Look::MissingRecords => store.missing_records(op, after),
            Look::MissingBlobs => store.missing_blobs(op, after),
        });
        self.go_on();
    }

    /// Drops pins on one blob that belong to others, who have confirmed that they hold them. The reply tells
    /// `Stored` with 0 copies; with 1 if they belong here now, and are kept.
    pub fn drop_stray_pins(&mut self, now: Now, token: u64, pins: Vec<Pin>) {
        self.now = now;
        self.admit(token, Room::default(), move |store, op| store.drop_stray_pins_of(op, &pins));
        self.go_on();
    }

    /// Drops a record that belongs to others in the same way.
    pub fn drop_stray_record(&mut self, now: Now, token: u64, record: Record) {
        self.now = now;
        self.admit(token, Room::default(), move |store, op| store.drop_stray_record_of(op, &record));
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
        let others = [
            self.state.timeout(),
            self.expiry_timeout(),
            self.proof_timeout(),
            self.pins_walk.timeout(),
            self.tombstones_walk.timeout(),
        ];
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
            self.go_on_with_walks();
            if self.ready.is_empty() {
                return;
            }
        }
    }
}

/// The room that a request takes.
fn room(request: &Request) -> Room {
    match request {
        Request::Have { pins } => Room::brings(pins.iter().map(|pin| pin.bytes().len()).sum()),
        Request::PutBlob { pins, blob } => {
            Room::brings(pins.iter().map(|pin| pin.bytes().len()).sum::<usize>() + blob.len())
        }
        Request::PutRecord { record } => Room::brings(record.bytes().len()),
        Request::PutPins { pins } => Room::brings(pins.iter().map(|row| row.pin.bytes().len()).sum()),
        Request::GetBlob { .. } | Request::Verify { .. } | Request::Prove { .. } => Room::reads(limit::BLOB),
        Request::ListRecords { .. }
        | Request::VerifyRecords { .. }
        | Request::PullRecords { .. }
        | Request::PullPins { .. } => Room::reads(list::LIST_ROOM),
        _ => Room::default(),
    }
}

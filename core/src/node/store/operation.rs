//! Operations: what is under way, from a request to its one answer, and who has to wait.
//!
//! An operation first waits for room (so memory stays bounded), then for its locks; one that holds locks
//! never waits for room.

use super::LocalStore;
use super::api::StoreOutput;
use super::locks::{Hold, LockKey};
use super::rows::RecordRow;
use super::walk::Round;
#[cfg(any(test, feature = "sim"))]
use crate::config::{Config, limit};
use crate::error::DiskError;
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::{Name, OwnerId};
use crate::record::Record;
use crate::wire::{ErrorCode, Response, WireError};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::fmt;

/// One operation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Op(pub(super) u64);

/// Something that goes on later, outside of whoever asked for it (so the stack does not grow with the queue).
pub(super) type Step = Box<dyn FnOnce(&mut LocalStore) + Send>;

/// What begins when an operation has room or its locks.
type Begin = Box<dyn FnOnce(&mut LocalStore, Op) + Send>;

/// For whom an operation works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// A request; it gets one reply.
    Request(u64),
    /// The removal of what is dead under a name.
    Proof(OwnerId, Name),
    /// Looking at blobs whose linger is over.
    Linger,
    /// Expiring records.
    Expiry,
    /// Putting records into quarantine.
    Quarantine,
    /// Going over the table.
    Walk(Round),
}

struct Running {
    purpose: Purpose,
    bytes: usize,
}

struct Waiting {
    token: u64,
    room: Room,
    begin: Begin,
}

/// The memory that a request takes.
#[derive(Clone, Copy, Default)]
pub(super) struct Room {
    /// Bytes that it brings: it holds them while it waits, too.
    pub(super) brings: usize,
    /// Bytes that it may read once it runs.
    pub(super) reads: usize,
}

impl Room {
    pub(super) const fn brings(brings: usize) -> Self {
        Self { brings, reads: 0 }
    }

    pub(super) const fn reads(reads: usize) -> Self {
        Self { brings: 0, reads }
    }

    const fn whole(self) -> usize {
        self.brings.saturating_add(self.reads)
    }
}

/// All operations.
#[derive(Default)]
pub(super) struct Operations {
    next: u64,
    running: BTreeMap<Op, Running>,
    requests: usize,
    running_bytes: usize,
    small: VecDeque<Waiting>,
    bulk: VecDeque<Waiting>,
    waiting_bytes: usize,
    lock_waiters: BTreeMap<Op, Begin>,
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operations")
            .field("running", &self.running.len())
            .field("running_bytes", &self.running_bytes)
            .field("waiting", &(self.small.len() + self.bulk.len()))
            .finish()
    }
}

impl Operations {
    /// How many run or wait.
    pub(super) fn count(&self) -> usize {
        self.running.len() + self.small.len() + self.bulk.len()
    }

    /// How many are under way.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// How many requests are not answered.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn asked(&self) -> usize {
        self.requests + self.small.len() + self.bulk.len()
    }

    /// Tells what it holds; `most`: so many may be under way.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn gauge(&self, config: &Config, most: usize, gauges: &mut Gauges) {
        // One that is alone may take more than all the room; one that reads more than it was asked for takes that, too.
        let running = config.node_window + limit::MESSAGE;
        let waiting = config.store_waiting_bytes + limit::MESSAGE;
        let (waits, locked) = (self.small.len() + self.bulk.len(), self.lock_waiters.len());
        gauges.count("store: operations", self.running.len(), most, "max_disk_requests, offers_in_flight");
        gauges.bytes("store: bytes of operations", self.running_bytes, running, "node_window");
        gauges.count("store: requests that wait", waits, config.store_waiting, "store_waiting");
        gauges.bytes(
            "store: bytes of requests that wait",
            self.waiting_bytes,
            waiting,
            "store_waiting_bytes",
        );
        gauges.count("store: operations that wait for locks", locked, self.running.len(), "operations");
    }

    fn begin(&mut self, purpose: Purpose, bytes: usize) -> Op {
        let op = Op(self.next);
        self.next += 1;
        self.requests += usize::from(matches!(purpose, Purpose::Request(_)));
        self.running_bytes += bytes;
        self.running.insert(op, Running { purpose, bytes });
        op
    }
}

/// Why a request is not done.
pub(super) enum Refusal {
    /// The reason alone.
    Code(ErrorCode),
    /// `Stale`, with what is newer.
    Stale(Box<Record>),
}

impl Refusal {
    /// `Stale`, by this record or floor.
    pub(super) fn stale(newer: &RecordRow) -> Self {
        Self::Stale(Box::new(newer.record.to_stub()))
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        let (code, current) = match refusal {
            Refusal::Code(code) => (code, None),
            Refusal::Stale(newer) => (ErrorCode::Stale, Some(*newer)),
        };
        Self::Error(WireError { code, current })
    }
}

/// What a disk's error is to whoever asked.
pub(super) const fn disk_code(error: DiskError) -> ErrorCode {
    match error {
        DiskError::NoSpace => ErrorCode::NoSpace,
        DiskError::Corrupt => ErrorCode::Damaged,
        DiskError::Io | DiskError::Fatal => ErrorCode::Disk,
    }
}

impl LocalStore {
    /// Begins a request as soon as there is room for it.
    pub(super) fn admit(
        &mut self,
        token: u64,
        room: Room,
        begin: impl FnOnce(&mut Self, Op) + Send + 'static,
    ) {
        let waiting = &mut self.operations;
        let full = waiting.small.len() + waiting.bulk.len() >= self.config.store_waiting
            || waiting.waiting_bytes.saturating_add(room.brings)
                > self.config.store_waiting_bytes.max(room.brings);
        if self.fatal.is_some() || full {
            let code = if full { ErrorCode::Busy } else { ErrorCode::Disk };
            self.outputs.push_back(StoreOutput::Reply { token, response: Refusal::Code(code).into() });
            return;
        }
        waiting.waiting_bytes += room.brings;
        let queue = if room.whole() == 0 { &mut waiting.small } else { &mut waiting.bulk };
        queue.push_back(Waiting { token, room, begin: Box::new(begin) });
        self.begin_waiting();
    }

    /// Begins whatever there is room for now.
    pub(super) fn begin_waiting(&mut self) {
        let slots = self.config.max_disk_requests.max(1);
        while self.is_ready && self.operations.requests < slots {
            let operations = &mut self.operations;
            let fits = |waiting: &Waiting| {
                operations.running_bytes == 0
                    || operations.running_bytes + waiting.room.whole() <= self.config.node_window
            };
            let bulk_fits = operations.bulk.front().is_some_and(fits);
            let queue = if bulk_fits { &mut operations.bulk } else { &mut operations.small };
            let Some(next) = queue.pop_front() else { return };
            operations.waiting_bytes -= next.room.brings;
            let op = operations.begin(Purpose::Request(next.token), next.room.whole());
            self.ready.push_back(Box::new(move |store| (next.begin)(store, op)));
        }
    }

    /// Begins work of the store's own; it needs no room.
    pub(super) fn begin_own(&mut self, purpose: Purpose) -> Op {
        self.operations.begin(purpose, 0)
    }

    /// Gives up all locks that the operation holds, asks for these, and goes on when it has them.
    pub(super) fn lock(
        &mut self,
        op: Op,
        locks: Vec<(LockKey, Hold)>,
        then: impl FnOnce(&mut Self, Op) + Send + 'static,
    ) {
        self.unlock(op);
        if self.locks.ask(op, locks) {
            self.ready.push_back(Box::new(move |store| then(store, op)));
        } else {
            self.operations.lock_waiters.insert(op, Box::new(then));
        }
    }

    /// Gives up all locks that the operation holds.
    pub(super) fn unlock(&mut self, op: Op) {
        for next in self.locks.release(op) {
            if let Some(then) = self.operations.lock_waiters.remove(&next) {
                self.ready.push_back(Box::new(move |store| then(store, next)));
            }
        }
    }

    /// The room that a running operation really needs. It may go past the window by one blob (a `Verify`
    /// that comes to its next one), because who runs never waits for room.
    pub(super) fn resize(&mut self, op: Op, bytes: usize) {
        if let Some(running) = self.operations.running.get_mut(&op) {
            self.operations.running_bytes = self.operations.running_bytes - running.bytes + bytes;
            running.bytes = bytes;
            self.begin_waiting();
        }
    }

    /// Ends an operation without a reply: one of the store's own.
    pub(super) fn end(&mut self, op: Op) -> Option<Purpose> {
        self.unlock(op);
        let running = self.operations.running.remove(&op)?;
        self.operations.running_bytes -= running.bytes;
        if matches!(running.purpose, Purpose::Request(_)) {
            self.operations.requests -= 1;
            self.begin_waiting();
        }
        Some(running.purpose)
    }

    /// Ends a request with its answer.
    pub(super) fn reply(&mut self, op: Op, response: Response) {
        if let Some(Purpose::Request(token)) = self.end(op) {
            self.outputs.push_back(StoreOutput::Reply { token, response });
        }
    }

    /// Ends a request with an error.
    pub(super) fn refuse(&mut self, op: Op, refusal: impl Into<Refusal>) {
        self.reply(op, refusal.into().into());
    }

    /// Ends an operation because of the disk.
    pub(super) fn fail(&mut self, op: Op, failure: DiskError) {
        match self.end(op) {
            Some(Purpose::Request(token)) => {
                let response = Refusal::Code(disk_code(failure)).into();
                self.outputs.push_back(StoreOutput::Reply { token, response });
            }
            Some(Purpose::Proof(owner, name)) => self.proof_ended(owner, name, false),
            Some(Purpose::Linger) => self.linger_failed(),
            Some(Purpose::Expiry) => self.expiry_failed(),
            Some(Purpose::Quarantine) => self.fail_for_good(failure),
            Some(Purpose::Walk(round)) => self.walk_failed(round),
            None => {}
        }
    }

    /// Answers everything with an error and does nothing more.
    pub(super) fn fail_for_good(&mut self, failure: DiskError) {
        if self.fatal.is_some() {
            return;
        }
        self.fatal = Some(failure);
        self.abandon_effects();
        self.ready.clear();
        let operations = core::mem::take(&mut self.operations);
        let running = operations.running.into_values().filter_map(|running| match running.purpose {
            Purpose::Request(token) => Some(token),
            _ => None,
        });
        let waiting = operations.small.into_iter().chain(operations.bulk).map(|waiting| waiting.token);
        for token in running.chain(waiting) {
            self.outputs
                .push_back(StoreOutput::Reply { token, response: Refusal::Code(ErrorCode::Disk).into() });
        }
        self.outputs.push_back(StoreOutput::Fatal(failure));
    }
}

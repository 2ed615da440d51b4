//! Effects in flight: which ticket belongs to what, and what goes on when its answers are there.
//!
//! A continuation waits for one group of effects. It runs once, when the last of them is answered; the
//! first error decides for the group.

use super::LocalStore;
use super::api::StoreOutput;
use super::keys::Range;
use super::operation::{Op, Step};
use crate::driver::{DiskReply, DiskRequest, TableOp};
use crate::error::{ApiMisuse, DiskError};
use crate::id::{BlobId, Ticket};
use crate::job::{Job, JobResult};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;

/// Something to be done outside.
pub(super) enum Effect {
    Disk(DiskRequest),
    Job(Job),
}

impl Effect {
    pub(super) fn get(keys: Vec<Bytes>) -> Self {
        Self::Disk(DiskRequest::Get { keys })
    }

    pub(super) fn scan(range: Range, rows: u32, bytes: u32) -> Self {
        Self::Disk(DiskRequest::Scan { from: range.from, to: range.to, rows, bytes })
    }

    pub(super) const fn apply(ops: Vec<TableOp>) -> Self {
        Self::Disk(DiskRequest::Apply { ops })
    }

    /// Asks only whether the blob is there.
    pub(super) const fn is_there(id: BlobId) -> Self {
        Self::Disk(DiskRequest::ReadBlob { id, offset: 0, len: 0 })
    }
}

/// A change that sets a row.
pub(super) const fn put(key: Bytes, value: Bytes) -> TableOp {
    TableOp::Put { key, value }
}

/// A change that removes a row.
pub(super) const fn remove(key: Bytes) -> TableOp {
    TableOp::Remove { key }
}

/// The kind of answer that an effect has; of another kind it is the driver's mistake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Expected {
    Done,
    Values(usize),
    Rows,
    Blob,
    Blobs,
    Space,
    Hashed,
    Proved,
    Verified(usize),
}

impl Expected {
    fn of(effect: &Effect) -> Self {
        match effect {
            Effect::Disk(request) => match request {
                DiskRequest::Apply { .. } | DiskRequest::PutBlob { .. } | DiskRequest::RemoveBlob { .. } => {
                    Self::Done
                }
                DiskRequest::Get { keys } => Self::Values(keys.len()),
                DiskRequest::Scan { .. } => Self::Rows,
                DiskRequest::ReadBlob { .. } => Self::Blob,
                DiskRequest::ScanBlobs { .. } => Self::Blobs,
                DiskRequest::Space => Self::Space,
            },
            Effect::Job(Job::VerifySignatures { claims, .. }) => Self::Verified(claims.len()),
            Effect::Job(Job::ProveBlob { .. }) => Self::Proved,
            // The store issues no other jobs.
            Effect::Job(_) => Self::Hashed,
        }
    }

    const fn is_disk(self) -> bool {
        !matches!(self, Self::Hashed | Self::Proved | Self::Verified(_))
    }

    fn fits_disk(self, reply: &DiskReply) -> bool {
        match reply {
            DiskReply::Done => self == Self::Done,
            DiskReply::Values(values) => self == Self::Values(values.len()),
            DiskReply::Rows { .. } => self == Self::Rows,
            DiskReply::Blob(_) => self == Self::Blob,
            DiskReply::Blobs(_) => self == Self::Blobs,
            DiskReply::Space { .. } => self == Self::Space,
        }
    }

    fn fits_job(self, result: &JobResult) -> bool {
        match result {
            JobResult::Hashed(_) => self == Self::Hashed,
            JobResult::Proved(_) => self == Self::Proved,
            JobResult::Verified(verdicts) => self == Self::Verified(verdicts.len()),
            JobResult::Sealed(_) | JobResult::Opened(_) | JobResult::Password(_) => false,
        }
    }
}

enum Answer {
    Disk(DiskReply),
    Job(JobResult),
}

/// The answers of a group, taken in the order of its effects.
pub(super) struct Answers(vec::IntoIter<Option<Answer>>);

/// The kind of each answer was compared with its effect when it came, so the last line of each of these is
/// never reached.
impl Answers {
    fn next(&mut self) -> Option<Answer> {
        self.0.next().flatten()
    }

    /// Of a `Get`.
    pub(super) fn values(&mut self) -> Vec<Option<Bytes>> {
        match self.next() {
            Some(Answer::Disk(DiskReply::Values(values))) => values,
            _ => Vec::new(),
        }
    }

    /// Of a `Scan`: the rows, and whether more may follow.
    pub(super) fn rows(&mut self) -> (Vec<(Bytes, Bytes)>, bool) {
        match self.next() {
            Some(Answer::Disk(DiskReply::Rows { rows, more })) => (rows, more),
            _ => (Vec::new(), false),
        }
    }

    /// Of a `ReadBlob`.
    pub(super) fn blob(&mut self) -> Option<Bytes> {
        match self.next() {
            Some(Answer::Disk(DiskReply::Blob(blob))) => blob,
            _ => None,
        }
    }

    /// Of a `ScanBlobs`.
    pub(super) fn blobs(&mut self) -> Vec<(BlobId, u32)> {
        match self.next() {
            Some(Answer::Disk(DiskReply::Blobs(blobs))) => blobs,
            _ => Vec::new(),
        }
    }

    /// Of a `Space`.
    pub(super) fn space(&mut self) -> u64 {
        match self.next() {
            Some(Answer::Disk(DiskReply::Space { free })) => free,
            _ => 0,
        }
    }

    /// Of a `HashBlob`: true if it is the hash of this blob.
    pub(super) fn hash_is(&mut self, id: &BlobId) -> bool {
        matches!(self.next(), Some(Answer::Job(JobResult::Hashed(hash))) if hash == *id)
    }

    /// Of a `ProveBlob`.
    pub(super) fn proof(&mut self) -> Option<[u8; 32]> {
        match self.next() {
            Some(Answer::Job(JobResult::Proved(proof))) => Some(proof),
            _ => None,
        }
    }

    /// Of a `VerifySignatures`: true if all are good.
    pub(super) fn all_verified(&mut self) -> bool {
        matches!(self.next(), Some(Answer::Job(JobResult::Verified(verdicts))) if verdicts.iter().all(|ok| *ok))
    }

    /// The same: which are good.
    pub(super) fn verdicts(&mut self) -> Vec<bool> {
        match self.next() {
            Some(Answer::Job(JobResult::Verified(verdicts))) => verdicts,
            _ => Vec::new(),
        }
    }
}

/// What goes on with the answers of a group.
type Then = Box<dyn FnOnce(&mut LocalStore, Result<Answers, DiskError>) + Send>;

struct Group {
    answers: Vec<Option<Answer>>,
    left: usize,
    error: Option<DiskError>,
    then: Then,
}

struct Flight {
    group: u64,
    index: usize,
    expected: Expected,
}

/// Effects in flight or waiting for room.
#[derive(Default)]
pub(super) struct Effects {
    next_ticket: u64,
    next_group: u64,
    flights: BTreeMap<Ticket, Flight>,
    groups: BTreeMap<u64, Group>,
    disk_waiting: VecDeque<(Ticket, DiskRequest)>,
    disk_in_flight: usize,
}

impl fmt::Debug for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effects")
            .field("groups", &self.groups.len())
            .field("disk_in_flight", &self.disk_in_flight)
            .field("disk_waiting", &self.disk_waiting.len())
            .finish()
    }
}

#[cfg(any(test, feature = "sim"))]
impl Effects {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.flights.len()
    }

    /// How many of them the disk was given.
    pub(super) const fn on_disk(&self) -> usize {
        self.disk_in_flight
    }
}

impl LocalStore {
    /// Issues effects; `then` gets their answers, or the first error.
    pub(super) fn attempt(
        &mut self,
        effects: Vec<Effect>,
        then: impl FnOnce(&mut Self, Result<Answers, DiskError>) + Send + 'static,
    ) {
        if self.fatal.is_some() {
            return;
        }
        if effects.is_empty() {
            let step: Step = Box::new(|store| then(store, Ok(Answers(Vec::new().into_iter()))));
            self.ready.push_back(step);
            return;
        }
        let group = self.effects.next_group;
        self.effects.next_group += 1;
        let count = effects.len();
        for (index, effect) in effects.into_iter().enumerate() {
            let ticket = Ticket(self.effects.next_ticket);
            self.effects.next_ticket += 1;
            let flight = Flight { group, index, expected: Expected::of(&effect) };
            self.effects.flights.insert(ticket, flight);
            match effect {
                Effect::Disk(request) => self.effects.disk_waiting.push_back((ticket, request)),
                Effect::Job(job) => self.outputs.push_back(StoreOutput::Job { ticket, job }),
            }
        }
        let answers = core::iter::repeat_with(|| None).take(count).collect();
        self.effects.groups.insert(group, Group { answers, left: count, error: None, then: Box::new(then) });
        self.issue_disk();
    }

    /// Issues effects of an operation; an error of the disk ends the operation.
    pub(super) fn gather(
        &mut self,
        op: Op,
        effects: Vec<Effect>,
        then: impl FnOnce(&mut Self, Answers) + Send + 'static,
    ) {
        self.attempt(effects, move |store, result| match result {
            Ok(answers) => then(store, answers),
            Err(error) => store.fail(op, error),
        });
    }

    fn issue_disk(&mut self) {
        while self.effects.disk_in_flight < self.config.max_disk_requests.max(1) {
            let Some((ticket, request)) = self.effects.disk_waiting.pop_front() else { return };
            self.effects.disk_in_flight += 1;
            self.outputs.push_back(StoreOutput::Disk { ticket, request });
        }
    }

    pub(super) fn take_disk(
        &mut self,
        ticket: Ticket,
        result: Result<DiskReply, DiskError>,
    ) -> Result<(), ApiMisuse> {
        let flight = self.effects.flights.get(&ticket).filter(|flight| flight.expected.is_disk());
        let expected = flight.ok_or(ApiMisuse::UnknownTicket(ticket))?.expected;
        // Tickets rise, so whatever is not before the first that waits was not handed out yet.
        if self.effects.disk_waiting.front().is_some_and(|(waiting, _)| ticket >= *waiting) {
            return Err(ApiMisuse::UnknownTicket(ticket));
        }
        if result.as_ref().is_ok_and(|reply| !expected.fits_disk(reply)) {
            return Err(ApiMisuse::WrongResult(ticket));
        }
        self.effects.disk_in_flight -= 1;
        if result == Err(DiskError::Fatal) {
            self.effects.flights.remove(&ticket);
            self.fail_for_good(DiskError::Fatal);
        } else {
            self.issue_disk();
            self.answered(ticket, result.map(Answer::Disk));
        }
        Ok(())
    }

    pub(super) fn take_job(&mut self, ticket: Ticket, result: JobResult) -> Result<(), ApiMisuse> {
        let flight = self.effects.flights.get(&ticket).filter(|flight| !flight.expected.is_disk());
        if !flight.ok_or(ApiMisuse::UnknownTicket(ticket))?.expected.fits_job(&result) {
            return Err(ApiMisuse::WrongResult(ticket));
        }
        self.answered(ticket, Ok(Answer::Job(result)));
        Ok(())
    }

    fn answered(&mut self, ticket: Ticket, result: Result<Answer, DiskError>) {
        let Some(flight) = self.effects.flights.remove(&ticket) else { return };
        // Gone if the disk failed for good meanwhile.
        let Some(group) = self.effects.groups.get_mut(&flight.group) else { return };
        match result {
            Ok(answer) => group.answers[flight.index] = Some(answer),
            Err(error) => group.error = group.error.or(Some(error)),
        }
        group.left -= 1;
        if group.left == 0
            && let Some(group) = self.effects.groups.remove(&flight.group)
        {
            let result = group.error.map_or_else(|| Ok(Answers(group.answers.into_iter())), Err);
            self.ready.push_back(Box::new(|store| (group.then)(store, result)));
        }
    }

    /// Forgets all continuations: nothing goes on after a disk that failed for good.
    pub(super) fn abandon_effects(&mut self) {
        self.effects.groups.clear();
        for (ticket, _) in core::mem::take(&mut self.effects.disk_waiting) {
            self.effects.flights.remove(&ticket);
        }
    }

    /// True if no effect is under way.
    pub(super) fn has_no_effects(&self) -> bool {
        self.effects.flights.is_empty()
    }
}

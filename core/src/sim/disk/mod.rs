//! A disk in memory that does all that a real one does, the bad things too: it answers late and in another order, it fails,
//! it fills up, it rots, and in a crash it loses what it had not finished.
//!
//! Like every disk it knows rows and blobs, not what they mean. It insists on the [driver contract](crate): who asks for what that
//! forbids panics.

mod contract;
mod faults;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Bound;
use core::time::Duration;

use bytes::Bytes;

use self::contract::InFlight;
use self::faults::Faults;
pub use self::faults::RequestKind;
use crate::driver::{DiskReply, DiskRequest, TableOp};
use crate::error::DiskError;
use crate::id::{BlobId, Ticket};
use crate::rng::Rng;
use crate::time::Instant;

/// The longest key of a row, as on every disk of this project.
const KEY_MAX: usize = u16::MAX as usize;

/// What a request comes to.
pub type DiskResult = Result<DiskReply, DiskError>;

/// One machine's disk. Its content outlives the machine.
#[derive(Debug)]
pub struct SimDisk {
    table: BTreeMap<Bytes, Bytes>,
    blobs: BTreeMap<BlobId, Bytes>,
    /// Bytes that a crash left without an index entry: nobody sees them, but they take space until they are swept.
    orphans: BTreeMap<BlobId, Bytes>,
    /// Bytes of rows, blobs and orphans.
    used: u64,
    /// Requests that are not finished, by when they will be.
    pending: BTreeMap<(Instant, u64), (Ticket, DiskRequest)>,
    submitted: u64,
    delay: (Duration, Duration),
    capacity: u64,
    in_flight: InFlight,
    faults: Faults,
    /// Changes under way before each answer, since they are counted.
    points: Option<Vec<usize>>,
    crash_at: Option<CrashPoint>,
    rng: Rng,
}

/// Where a machine goes down, seen from its disk.
#[derive(Clone, Copy, Debug)]
struct CrashPoint {
    /// So many answers are given before.
    answers: usize,
    /// Which of the changes under way were done: a bit for each, in the order in which they would be.
    done: u64,
}

impl SimDisk {
    /// An empty disk without limit that answers at once; `seed` decides on delays and on what a crash loses.
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            table: BTreeMap::new(),
            blobs: BTreeMap::new(),
            orphans: BTreeMap::new(),
            used: 0,
            pending: BTreeMap::new(),
            submitted: 0,
            delay: (Duration::ZERO, Duration::ZERO),
            capacity: u64::MAX,
            in_flight: InFlight::default(),
            faults: Faults::default(),
            points: None,
            crash_at: None,
            rng: Rng::from_seed(seed),
        }
    }

    /// From now on each request takes a time between these, so that answers come in another order.
    pub const fn set_delay(&mut self, least: Duration, most: Duration) {
        self.delay = (least, most);
    }

    /// Bytes of rows and blobs that the disk holds; more is [`DiskError::NoSpace`].
    pub const fn set_capacity(&mut self, bytes: u64) {
        self.capacity = bytes;
    }

    /// From now on [`points`](Self::points) are counted, from zero.
    pub fn count_points(&mut self) {
        self.points = Some(Vec::new());
    }

    /// The points at which a machine can go down, seen from its disk: before each answer that was given since they are
    /// counted. Of each, how many changes were under way: any of them may have been done.
    pub fn points(&self) -> &[usize] {
        self.points.as_deref().unwrap_or_default()
    }

    /// The machine goes down when so many answers more were given and the next one is due. Of the changes that are under
    /// way then, those are done whose bit is set in `done`; the first bit is of the one that would be done first.
    pub const fn crash_at(&mut self, answers: usize, done: u64) {
        self.crash_at = Some(CrashPoint { answers, done });
    }

    /// True if the machine goes down now.
    pub(super) fn is_crash_due(&self, now: Instant) -> bool {
        self.crash_at.is_some_and(|point| point.answers == 0) && self.next_done().is_some_and(|at| at <= now)
    }

    /// The rows, as they are durable now.
    pub const fn rows(&self) -> &BTreeMap<Bytes, Bytes> {
        &self.table
    }

    /// The blobs, as they are durable now.
    pub const fn blobs(&self) -> &BTreeMap<BlobId, Bytes> {
        &self.blobs
    }

    /// Bytes of rows and blobs, and of what a crash left of blobs.
    pub const fn used(&self) -> u64 {
        self.used
    }

    /// Takes a request, to be finished later.
    ///
    /// # Panics
    /// If a request breaks the driver contract.
    pub fn submit(&mut self, now: Instant, ticket: Ticket, request: DiskRequest) {
        self.in_flight.begin(ticket, &request);
        let (least, most) = self.delay;
        let spread = u32::try_from(most.saturating_sub(least).as_micros()).unwrap_or(u32::MAX);
        let delay = least + Duration::from_micros(u64::from(self.rng.below(spread.saturating_add(1))));
        self.submitted += 1;
        self.pending.insert((now + delay, self.submitted), (ticket, request));
    }

    /// When the next request is finished.
    pub fn next_done(&self) -> Option<Instant> {
        self.pending.keys().next().map(|(at, _)| (*at).max(self.faults.stalled_until))
    }

    /// Finishes the next request that is due, if there is one.
    pub fn finish_one(&mut self, now: Instant) -> Option<(Ticket, DiskResult)> {
        self.next_done().filter(|at| *at <= now)?;
        let changes = self.points.is_some().then(|| self.changes_under_way());
        let (_, (ticket, request)) = self.pending.pop_first()?;
        self.in_flight.end(ticket, &request);
        if let Some(points) = &mut self.points {
            points.extend(changes);
        }
        if let Some(point) = &mut self.crash_at {
            point.answers = point.answers.saturating_sub(1);
        }
        Some((ticket, self.answer(request)))
    }

    fn changes_under_way(&self) -> usize {
        self.pending.values().filter(|(_, request)| request.is_mutation()).count()
    }

    /// The machine is gone: of what was not finished, each request was done whole or not at all, and nobody is told.
    pub fn crash(&mut self) {
        self.in_flight = InFlight::default();
        let pending = core::mem::take(&mut self.pending).into_values();
        let due = self.crash_at.take().filter(|point| point.answers == 0);
        let mut wanted = due.map(|point| point.done);
        for (_, request) in pending.filter(|(_, request)| request.is_mutation()) {
            let done = match &mut wanted {
                Some(bits) => core::mem::replace(bits, *bits >> 1) & 1 == 1,
                None => self.rng.below(2) == 0,
            };
            if done {
                // Whether it was done is unknown, which is the point.
                let _ = self.answer(request);
            } else {
                self.tear(request);
            }
        }
    }

    fn perform(&mut self, request: DiskRequest) -> DiskResult {
        match request {
            DiskRequest::Apply { ops } => self.apply(ops, None),
            DiskRequest::Get { keys } => {
                Ok(DiskReply::Values(keys.iter().map(|key| self.table.get(key).cloned()).collect()))
            }
            DiskRequest::Scan { from, to, rows, bytes } => Ok(self.scan(&from, &to, rows, bytes)),
            DiskRequest::PutBlob { id, bytes, then } => {
                let new = !self.blobs.contains_key(&id);
                self.apply(then, new.then_some((id, bytes)))
            }
            DiskRequest::RemoveBlob { id, first } => {
                let done = self.apply(first, None)?;
                if let Some(bytes) = self.blobs.remove(&id) {
                    self.used -= bytes.len() as u64;
                }
                Ok(done)
            }
            DiskRequest::ReadBlob { id, offset, len } => {
                let part = |blob: &Bytes| {
                    let from = (offset as usize).min(blob.len());
                    blob.slice(from..from.saturating_add(len as usize).min(blob.len()))
                };
                Ok(DiskReply::Blob(self.blobs.get(&id).map(part)))
            }
            DiskRequest::ScanBlobs { after, rows } => {
                let from = after.map_or(Bound::Unbounded, Bound::Excluded);
                let blobs = self.blobs.range((from, Bound::Unbounded)).take(rows as usize);
                // No blob is longer than 4 MiB.
                Ok(DiskReply::Blobs(blobs.map(|(id, blob)| (*id, blob.len() as u32)).collect()))
            }
            DiskRequest::Space => Ok(DiskReply::Space { free: self.capacity.saturating_sub(self.used) }),
        }
    }

    /// All of these changes with the blob, or none.
    fn apply(&mut self, ops: Vec<TableOp>, blob: Option<(BlobId, Bytes)>) -> DiskResult {
        let keys_fit = ops.iter().all(|op| {
            let (TableOp::Put { key, .. } | TableOp::Remove { key }) = op;
            (1..=KEY_MAX).contains(&key.len())
        });
        if !keys_fit {
            return Err(DiskError::Io);
        }
        if self.capacity < u64::MAX {
            let rows: usize = ops
                .iter()
                .map(|op| match op {
                    TableOp::Put { key, value } => key.len() + value.len(),
                    TableOp::Remove { .. } => 0,
                })
                .sum();
            let new = (rows + blob.as_ref().map_or(0, |(_, bytes)| bytes.len())) as u64;
            // Removing needs no space, or a full disk could never be emptied.
            if new > 0 && self.used.saturating_add(new) > self.capacity {
                return Err(DiskError::NoSpace);
            }
        }
        ops.into_iter().for_each(|op| self.change(op));
        if let Some((id, bytes)) = blob {
            self.remove_orphan(&id);
            self.used += bytes.len() as u64;
            self.blobs.insert(id, bytes);
        }
        Ok(DiskReply::Done)
    }

    fn change(&mut self, op: TableOp) {
        let (TableOp::Put { key, .. } | TableOp::Remove { key }) = &op;
        if let Some((key, value)) = self.table.get_key_value(key) {
            self.used -= (key.len() + value.len()) as u64;
        }
        match op {
            TableOp::Put { key, value } => {
                self.used += (key.len() + value.len()) as u64;
                self.table.insert(key, value);
            }
            TableOp::Remove { key } => drop(self.table.remove(&key)),
        }
    }

    fn remove_orphan(&mut self, id: &BlobId) {
        if let Some(bytes) = self.orphans.remove(id) {
            self.used -= bytes.len() as u64;
        }
    }

    fn scan(&self, from: &Bytes, to: &Bytes, max_rows: u32, max_bytes: u32) -> DiskReply {
        let mut rows = Vec::new();
        let mut size = 0_u64;
        if from < to {
            for (key, value) in self.table.range(from.clone()..to.clone()) {
                // The first row is always given, so that a scan gets on whatever the limit of bytes.
                let full =
                    rows.len() >= max_rows as usize || (!rows.is_empty() && size >= u64::from(max_bytes));
                if full {
                    return DiskReply::Rows { rows, more: true };
                }
                size += (key.len() + value.len()) as u64;
                rows.push((key.clone(), value.clone()));
            }
        }
        DiskReply::Rows { rows, more: false }
    }
}

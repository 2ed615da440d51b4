//! What a disk does that it should not: errors, rot, reads of other bytes, half-done changes after a crash, silence.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use bytes::Bytes;

use super::{DiskResult, SimDisk};
use crate::driver::{DiskReply, DiskRequest, TableOp};
use crate::error::DiskError;
use crate::id::BlobId;
use crate::sim::observer::DiskFault;
use crate::time::Instant;

/// Sorts of requests, for those that should fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestKind {
    /// Any.
    Any,
    /// Whatever changes something.
    Mutation,
    /// Whatever changes nothing.
    Read,
    /// Only `PutBlob`.
    PutBlob,
    /// Only `ReadBlob`.
    ReadBlob,
}

/// What is switched on.
#[derive(Debug, Default)]
pub(super) struct Faults {
    failing: Option<DiskError>,
    fail_next: Vec<(RequestKind, DiskError)>,
    errors_per_million: u32,
    misdirect_next: u32,
    misdirected_per_million: u32,
    torn: bool,
    pub(super) stalled_until: Instant,
    /// Everything was gone at some time, and was not brought back.
    lost: bool,
    /// What has happened, for whoever watches.
    happened: Vec<DiskFault>,
}

impl SimDisk {
    /// Every request ends in this error, until `None` is set.
    pub const fn set_failing(&mut self, error: Option<DiskError>) {
        self.faults.failing = error;
    }

    /// The next request of this kind ends in this error, and is not done. Several wait in line.
    pub fn fail_next(&mut self, kind: RequestKind, error: DiskError) {
        self.faults.fail_next.push((kind, error));
    }

    /// So many of a million requests end in [`DiskError::Io`], and are not done.
    pub const fn set_errors(&mut self, per_million: u32) {
        self.faults.errors_per_million = per_million;
    }

    /// The next so many reads of blobs are answered with the bytes of another blob, or with fewer.
    pub const fn misdirect_next_reads(&mut self, reads: u32) {
        self.faults.misdirect_next = reads;
    }

    /// So many of a million reads of blobs are answered with the bytes of another blob, or with fewer.
    pub const fn set_misdirected(&mut self, per_million: u32) {
        self.faults.misdirected_per_million = per_million;
    }

    /// Whether a crash may leave half of a change: the bytes of a blob whose index entry was not made yet, or was gone already.
    /// No machine sees these; they take space until they are [swept](Self::sweep), or until the blob is put again.
    pub const fn set_torn(&mut self, torn: bool) {
        self.faults.torn = torn;
    }

    /// Removes what crashes left of blobs, as every disk does some time after its start.
    pub fn sweep(&mut self) {
        let orphans = core::mem::take(&mut self.orphans);
        self.used -= orphans.values().map(|bytes| bytes.len() as u64).sum::<u64>();
    }

    /// Nothing is answered until then.
    pub fn stall(&mut self, until: Instant) {
        self.faults.stalled_until = until;
        self.faults.happened.push(DiskFault::Stalled(until));
    }

    /// Everything is gone: it is a new disk.
    ///
    /// # Panics
    /// If a machine waits for answers: it goes down first.
    pub fn lose(&mut self) {
        assert!(self.pending.is_empty(), "the machine goes down before it loses its disk");
        self.table.clear();
        self.blobs.clear();
        self.orphans.clear();
        self.used = 0;
        self.faults.lost = true;
        self.faults.happened.push(DiskFault::Lost);
    }

    /// True if that happened, and the disk was not restored since.
    pub const fn was_lost(&self) -> bool {
        self.faults.lost
    }

    /// Everything is what it is on another disk, as when a backup is restored.
    ///
    /// # Panics
    /// If a machine waits for answers.
    pub fn restore(&mut self, rows: BTreeMap<Bytes, Bytes>, blobs: BTreeMap<BlobId, Bytes>) {
        self.lose();
        self.faults.lost = false;
        rows.into_iter().for_each(|(key, value)| self.change(TableOp::Put { key, value }));
        self.used += blobs.values().map(|blob| blob.len() as u64).sum::<u64>();
        self.blobs = blobs;
    }

    /// Flips a bit of a stored blob; `false` if it is not there.
    pub fn rot(&mut self, id: &BlobId) -> bool {
        let Some(blob) = self.blobs.get_mut(id) else { return false };
        let mut bytes = blob.to_vec();
        let at = self.rng.below(u32::try_from(bytes.len()).unwrap_or(u32::MAX)) as usize;
        let Some(byte) = bytes.get_mut(at) else { return false };
        *byte ^= 1;
        *blob = bytes.into();
        self.faults.happened.push(DiskFault::RottenBlob(*id));
        true
    }

    /// Flips a bit of this byte of a row's value; `false` if it is not there.
    pub fn rot_row(&mut self, key: &[u8], at: usize) -> bool {
        let Some((key, value)) = self.table.get_key_value(key) else { return false };
        let (key, mut bytes) = (key.clone(), value.to_vec());
        let Some(byte) = bytes.get_mut(at) else { return false };
        *byte ^= 1;
        self.table.insert(key.clone(), bytes.into());
        self.faults.happened.push(DiskFault::RottenRow(key));
        true
    }

    /// Flips a bit of any blob, or of any of the rows that `may_rot` names. Tells what was hit, if there was anything.
    pub fn rot_random(&mut self, may_rot: impl Fn(&[u8]) -> bool) -> Option<DiskFault> {
        let rows: Vec<Bytes> = self.table.keys().filter(|key| may_rot(key)).cloned().collect();
        let blobs: Vec<BlobId> = self.blobs.keys().copied().collect();
        let rows_first = self.rng.below(2) == 0;
        let hit = if blobs.is_empty() || (rows_first && !rows.is_empty()) {
            let row = self.choose(&rows)?.clone();
            let len = self.table.get(&row).map_or(0, Bytes::len);
            let at = self.rng.below(u32::try_from(len).unwrap_or(u32::MAX)) as usize;
            self.rot_row(&row, at)
        } else {
            let blob = *self.choose(&blobs)?;
            self.rot(&blob)
        };
        self.faults.happened.last().filter(|_| hit).cloned()
    }

    /// Puts the row of one key under another, as a write that went astray does; `false` if there is none.
    pub fn misplace_row(&mut self, key: &[u8], to: Bytes) -> bool {
        let Some(value) = self.table.get(key).cloned() else { return false };
        self.change(TableOp::Remove { key: Bytes::copy_from_slice(key) });
        self.change(TableOp::Put { key: to, value });
        true
    }

    /// What has gone wrong since this was asked last.
    pub(in crate::sim) fn take_faults(&mut self) -> Vec<DiskFault> {
        core::mem::take(&mut self.faults.happened)
    }

    /// What a request comes to with all that goes wrong.
    pub(super) fn answer(&mut self, request: DiskRequest) -> DiskResult {
        if let Some(error) = self.error_for(&request) {
            self.faults.happened.push(DiskFault::Failed(error));
            return Err(error);
        }
        match request {
            DiskRequest::ReadBlob { id, len, .. } if len > 0 && self.is_misdirected() => {
                let right = self.perform(request)?;
                Ok(self.astray(&id, right, len))
            }
            request => self.perform(request),
        }
    }

    /// What is left of a change that a crash found half done, if crashes tear.
    pub(super) fn tear(&mut self, request: DiskRequest) {
        if !self.faults.torn || self.rng.below(2) == 0 {
            return;
        }
        let orphan = match request {
            DiskRequest::PutBlob { id, bytes, .. } if !self.blobs.contains_key(&id) => Some((id, bytes)),
            DiskRequest::RemoveBlob { id, first } => {
                let bytes = self.blobs.get(&id).cloned();
                let removed = self.perform(DiskRequest::RemoveBlob { id, first });
                bytes.filter(|_| removed.is_ok()).map(|bytes| (id, bytes))
            }
            _ => None,
        };
        let Some((id, bytes)) = orphan else { return };
        self.remove_orphan(&id);
        self.used += bytes.len() as u64;
        self.orphans.insert(id, bytes);
        self.faults.happened.push(DiskFault::Torn(id));
    }

    fn error_for(&mut self, request: &DiskRequest) -> Option<DiskError> {
        if self.faults.failing.is_some() {
            return self.faults.failing;
        }
        if let Some(at) = self.faults.fail_next.iter().position(|(kind, _)| kind.covers(request)) {
            return Some(self.faults.fail_next.remove(at).1);
        }
        self.happens(self.faults.errors_per_million).then_some(DiskError::Io)
    }

    fn is_misdirected(&mut self) -> bool {
        if self.faults.misdirect_next > 0 {
            self.faults.misdirect_next -= 1;
            return true;
        }
        self.happens(self.faults.misdirected_per_million)
    }

    /// Another blob's bytes instead of the right ones, or only half of these.
    fn astray(&mut self, id: &BlobId, right: DiskReply, len: u32) -> DiskReply {
        let DiskReply::Blob(Some(right)) = right else { return right };
        let others: Vec<BlobId> = self.blobs.keys().filter(|other| *other != id).copied().collect();
        let other = if self.rng.below(2) == 0 { None } else { self.choose(&others).copied() };
        self.faults.happened.push(DiskFault::Misdirected(*id));
        let wrong = match other.and_then(|other| self.blobs.get(&other)) {
            Some(other) => other.slice(..other.len().min(len as usize)),
            None => right.slice(..right.len() / 2),
        };
        DiskReply::Blob(Some(wrong))
    }

    fn happens(&mut self, per_million: u32) -> bool {
        per_million > 0 && self.rng.below(1_000_000) < per_million
    }

    fn choose<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.rng.below(u32::try_from(from.len()).unwrap_or(u32::MAX)) as usize)
    }
}

impl RequestKind {
    const fn covers(self, request: &DiskRequest) -> bool {
        match self {
            Self::Any => true,
            Self::Mutation => request.is_mutation(),
            Self::Read => !request.is_mutation(),
            Self::PutBlob => matches!(request, DiskRequest::PutBlob { .. }),
            Self::ReadBlob => matches!(request, DiskRequest::ReadBlob { .. }),
        }
    }
}

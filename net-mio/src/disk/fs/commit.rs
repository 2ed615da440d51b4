//! The one thread that changes the index: everything that waits becomes durable in one step.
//!
//! For a group: files to their places, folders durable, one batch of the index durable, files of removed blobs
//! unlinked, all answered. Between two groups no blob is between its file and its entry; that is when orphans can
//! be told, so the sweep's findings come this way too.

use super::Shared;
use super::files::{Staged, disk_error, sync_folders};
use super::index::{Changes, Place};
use super::stage::Reserved;
use crate::disk::{Answer, keys_fit};
use crate::queue::Queue;
use bytes::Bytes;
use quantumsync_core::driver::{DiskReply, TableOp};
use quantumsync_core::error::DiskError;
use quantumsync_core::id::BlobId;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Requests in one group: their answers wait for all of it.
const GROUP: usize = 512;
/// Bytes that one group writes to the index at most, beside its last request: its batch is held in memory.
const GROUP_BYTES: usize = 2 << 20;

/// What the committer is asked to do.
pub(super) enum Work {
    /// A request that changes something.
    Change { change: Change, ops: Vec<TableOp>, answer: Answer },
    /// Files that had no entry when the sweep saw them.
    Orphans(Vec<BlobId>),
}

/// What a request changes beside rows.
pub(super) enum Change {
    Rows,
    PutSmall { id: BlobId, bytes: Bytes },
    PutFile { id: BlobId, len: u32, staged: Staged, reserved: Reserved },
    Remove { id: BlobId },
}

impl Work {
    pub(super) fn change(change: Change, ops: Vec<TableOp>, answer: Answer) -> Self {
        Self::Change { change, ops, answer }
    }

    fn size(&self) -> usize {
        let Self::Change { change, ops, .. } = self else { return 0 };
        let blob = if let Change::PutSmall { bytes, .. } = change { bytes.len() } else { 0 };
        let rows = ops.iter().map(|op| match op {
            TableOp::Put { key, value } => key.len() + value.len(),
            TableOp::Remove { key } => key.len(),
        });
        blob + rows.sum::<usize>()
    }
}

/// The thread's state.
pub(super) struct Committer {
    pub(super) shared: Arc<Shared>,
}

/// A group on its way.
#[derive(Default)]
struct Group {
    changes: Changes,
    touched: BTreeSet<PathBuf>,
    unlink: Vec<BlobId>,
    answers: Vec<Answer>,
    /// Given back when all is done.
    reserved: Vec<Reserved>,
}

impl Committer {
    pub(super) fn run(self, queue: &Queue<Work>) {
        loop {
            let (mut requests, mut bytes) = (0, 0);
            let group = queue.next_group(|work| {
                requests += 1;
                bytes += work.size();
                requests >= GROUP || bytes >= GROUP_BYTES
            });
            let Some(group) = group else { return };
            // The database panics on some damage. The answers of the group are sent as they are dropped.
            if catch_unwind(AssertUnwindSafe(|| self.perform(group))).is_err() {
                self.fail();
            }
        }
    }

    fn fail(&self) {
        self.shared.failed.store(true, Ordering::Release);
    }

    fn perform(&self, works: Vec<Work>) {
        let mut group = Group::default();
        for work in works {
            match work {
                Work::Orphans(ids) => self.remove_orphans(&ids, &group),
                Work::Change { change, ops, answer } => match self.prepare(&mut group, change, ops) {
                    Ok(()) => group.answers.push(answer),
                    Err(error) => answer.send(Err(error)),
                },
            }
        }
        let Group { changes, touched, unlink, answers, reserved } = group;
        if answers.is_empty() {
            return;
        }
        let unlink: Vec<_> = unlink.into_iter().filter(|id| !changes.keep_file(id)).collect();
        let result = self.make_durable(changes, &touched);
        if result == Err(DiskError::Fatal) {
            self.fail();
        }
        if result.is_ok() {
            unlink.iter().for_each(|id| self.unlink(id));
        }
        drop(reserved);
        answers.into_iter().for_each(|answer| answer.send(result.map(|()| DiskReply::Done)));
    }

    /// Takes a request into the group, its file to its place.
    fn prepare(&self, group: &mut Group, change: Change, ops: Vec<TableOp>) -> Result<(), DiskError> {
        let shared = &self.shared;
        if shared.has_failed() {
            return Err(DiskError::Fatal);
        }
        if !keys_fit(&ops) {
            return Err(DiskError::Io);
        }
        match change {
            Change::Rows => self.check_space_for_rows(&ops)?,
            Change::PutSmall { id, bytes } => {
                if !shared.holds(&id)? {
                    shared.check_space(bytes.len() as u64)?;
                    group.changes.put_small(id, bytes);
                }
            }
            Change::PutFile { id, len, staged, reserved } => {
                let placed = shared.folders.place(staged, &id, &mut group.touched);
                placed.map_err(|error| disk_error(&error))?;
                group.changes.put_file(id, len);
                group.reserved.push(reserved);
            }
            Change::Remove { id } => {
                let entry = shared.index.entry(&id)?;
                if entry.is_some_and(|entry| entry.place == Place::File) {
                    group.unlink.push(id);
                }
                group.changes.remove(id);
            }
        }
        group.changes.rows(ops);
        Ok(())
    }

    /// Rows are small and keep a full node going (tombstones are rows), so they may use half of the reserve.
    fn check_space_for_rows(&self, ops: &[TableOp]) -> Result<(), DiskError> {
        let grows = ops.iter().any(|op| matches!(op, TableOp::Put { .. }));
        let free = self.shared.folders.free().map_err(|error| disk_error(&error))?;
        if grows && free < self.shared.options.reserve / 2 { Err(DiskError::NoSpace) } else { Ok(()) }
    }

    fn make_durable(&self, changes: Changes, touched: &BTreeSet<PathBuf>) -> Result<(), DiskError> {
        sync_folders(touched).map_err(|error| disk_error(&error))?;
        self.shared.index.commit(changes)
    }

    fn unlink(&self, id: &BlobId) {
        if let Err(error) = self.shared.folders.remove(id) {
            // Harmless: the entry is gone, and the sweep will find the file.
            tracing::warn!(%error, "a removed blob's file is left behind");
        }
    }

    fn remove_orphans(&self, ids: &[BlobId], group: &Group) {
        for id in ids {
            let orphan = !group.changes.keep_file(id) && matches!(self.shared.index.entry(id), Ok(None));
            if orphan {
                self.unlink(id);
            }
        }
    }
}

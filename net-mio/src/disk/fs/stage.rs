//! Staging: large blobs are written aside and made durable there, several at once.

use super::Shared;
use super::commit::{Change, Work};
use super::files::disk_error;
use crate::disk::{Answer, keys_fit};
use crate::queue::Queue;
use bytes::Bytes;
use quantumsync_core::driver::TableOp;
use quantumsync_core::error::DiskError;
use quantumsync_core::id::BlobId;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A large blob to be kept.
pub(super) struct Put {
    pub(super) id: BlobId,
    pub(super) bytes: Bytes,
    pub(super) then: Vec<TableOp>,
    pub(super) answer: Answer,
}

/// What waits to be staged, and how much is staged.
pub(super) struct Stage {
    queue: Queue<Put>,
    limit: u64,
    used: Mutex<u64>,
    freed: Condvar,
}

impl Stage {
    pub(super) fn new(limit: u64) -> Self {
        Self { queue: Queue::new(), limit, used: Mutex::new(0), freed: Condvar::new() }
    }

    pub(super) fn push(&self, put: Put) {
        self.queue.push(put);
    }

    pub(super) fn close(&self) {
        self.queue.close();
    }

    /// Waits until so many bytes may be staged; one blob always may if no other is.
    fn reserve(self: &Arc<Self>, bytes: u64) -> Reserved {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while *used > 0 && *used + bytes > self.limit {
            used = self.freed.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        *used += bytes;
        Reserved { stage: Arc::clone(self), bytes }
    }
}

/// Bytes in `staging/`; given back when it is dropped.
pub(super) struct Reserved {
    stage: Arc<Stage>,
    bytes: u64,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        *self.stage.used.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.stage.freed.notify_all();
    }
}

/// One thread that stages.
pub(super) struct Stager {
    pub(super) shared: Arc<Shared>,
    pub(super) stage: Arc<Stage>,
    pub(super) commits: Arc<Queue<Work>>,
}

impl Stager {
    pub(super) fn run(self) {
        while let Some(Put { id, bytes, then, answer }) = self.stage.queue.next() {
            match self.stage(id, &bytes, &then) {
                Ok(change) => {
                    drop(bytes);
                    self.commits.push(Work::change(change, then, answer));
                }
                Err(error) => answer.send(Err(error)),
            }
        }
    }

    fn stage(&self, id: BlobId, bytes: &Bytes, then: &[TableOp]) -> Result<Change, DiskError> {
        let shared = &self.shared;
        if shared.has_failed() {
            return Err(DiskError::Fatal);
        }
        if !keys_fit(then) {
            return Err(DiskError::Io);
        }
        if shared.holds(&id)? {
            return Ok(Change::Rows);
        }
        let len = u32::try_from(bytes.len()).map_err(|_| DiskError::NoSpace)?;
        let reserved = self.stage.reserve(u64::from(len));
        shared.check_space(u64::from(len))?;
        let staged = shared.folders.stage(bytes).map_err(|error| disk_error(&error))?;
        Ok(Change::PutFile { id, len, staged, reserved })
    }
}

impl Shared {
    /// True if the blob is there and its file is as long as it should be.
    pub(super) fn holds(&self, id: &BlobId) -> Result<bool, DiskError> {
        use super::index::Place;
        let Some(entry) = self.index.entry(id)? else { return Ok(false) };
        if entry.place == Place::Index {
            return Ok(true);
        }
        let length = self.folders.length(id).map_err(|error| disk_error(&error))?;
        Ok(length == Some(u64::from(entry.len)))
    }

    /// `NoSpace` if a blob of `bytes` would take of what is to be left alone.
    pub(super) fn check_space(&self, bytes: u64) -> Result<(), DiskError> {
        let free = self.folders.free().map_err(|error| disk_error(&error))?;
        if free < self.options.reserve.saturating_add(bytes) { Err(DiskError::NoSpace) } else { Ok(()) }
    }
}

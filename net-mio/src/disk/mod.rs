//! Disks: they perform a machine's requests on threads of their own.
//!
//! A disk knows rows and blobs. It must not know what they mean, nor check a blob against its id: the core does.

mod fs;
mod memory;
#[cfg(test)]
mod tests;

pub use fs::{FsDisk, FsOptions, OpenError};
pub use memory::MemoryDisk;

use quantumsync_core::driver::{DiskReply, DiskRequest, TableOp};
use quantumsync_core::error::DiskError;
use quantumsync_core::id::Ticket;
use std::ops::Range;
use std::sync::Arc;

/// What a request comes to.
pub type DiskResult = Result<DiskReply, DiskError>;

/// The longest key of a row: what the index database takes. A request that sets a longer or an empty one ends
/// in [`DiskError::Io`] on every disk.
pub const KEY_MAX: usize = u16::MAX as usize;

/// Where a machine's rows and blobs are.
///
/// [`submit`](Self::submit) returns at once; what may wait for a device is done on the disk's own threads, in any
/// order. Dropping a disk performs what was submitted before, then ends its threads.
pub trait Disk: Send {
    /// Performs a request once and answers it.
    fn submit(&mut self, request: DiskRequest, answer: Answer);
}

impl<D: Disk + ?Sized> Disk for Box<D> {
    fn submit(&mut self, request: DiskRequest, answer: Answer) {
        (**self).submit(request, answer);
    }
}

/// The right and the duty to answer one request: whoever drops it unused has answered [`DiskError::Io`].
pub struct Answer {
    ticket: Ticket,
    sink: Option<AnswerSink>,
}

/// Takes answers, on any thread.
pub type AnswerSink = Arc<dyn Fn(Ticket, DiskResult) + Send + Sync>;

impl Answer {
    /// An answer that goes to `sink` under `ticket`.
    pub fn new(ticket: Ticket, sink: AnswerSink) -> Self {
        Self { ticket, sink: Some(sink) }
    }

    /// Answers.
    pub fn send(mut self, result: DiskResult) {
        self.answer(result);
    }

    fn answer(&mut self, result: DiskResult) {
        if let Some(sink) = self.sink.take() {
            sink(self.ticket, result);
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.answer(Err(DiskError::Io));
    }
}

/// True if the index database takes every key that these changes name.
fn keys_fit(ops: &[TableOp]) -> bool {
    ops.iter().all(|op| {
        let (TableOp::Put { key, .. } | TableOp::Remove { key }) = op;
        (1..=KEY_MAX).contains(&key.len())
    })
}

/// True if a scan that found so much stops before the next row. The first row is always given, so that a scan
/// gets on whatever the limit of bytes.
fn scan_is_full(found: usize, size: u64, rows: u32, bytes: u32) -> bool {
    found >= rows as usize || (found > 0 && size >= u64::from(bytes))
}

/// The part of a blob of `length` bytes that was asked for.
fn blob_range(length: usize, offset: u32, len: u32) -> Range<usize> {
    let from = (offset as usize).min(length);
    from..from.saturating_add(len as usize).min(length)
}

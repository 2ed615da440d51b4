//! Disks: they perform a machine's requests on threads of their own.
//!
//! A disk knows rows and blobs. It must not know what they mean, nor check a blob against its id: the core does.

mod fs;
mod memory;

pub use fs::{FsDisk, FsOptions, OpenError};
pub use memory::MemoryDisk;

use quantumsync_core::driver::{DiskReply, DiskRequest};
use quantumsync_core::error::DiskError;
use quantumsync_core::id::Ticket;
use std::sync::Arc;

/// What a request comes to.
pub type DiskResult = Result<DiskReply, DiskError>;

/// Where a machine's rows and blobs are.
///
/// [`submit`](Self::submit) returns at once; the work is done on the disk's own threads, in any order. Dropping
/// a disk performs what was submitted before, then ends its threads.
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

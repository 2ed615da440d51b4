//! A disk in memory: for volatile nodes and for tests.

use super::{Answer, Disk};
use quantumsync_core::driver::DiskRequest;

/// Rows and blobs in memory; overwritten with zeros when dropped.
pub struct MemoryDisk {}

impl MemoryDisk {
    /// An empty disk for at most `capacity` bytes of keys, values and blobs; more ends in `NoSpace`.
    pub fn new(capacity: u64) -> Self {
        let _ = capacity;
        todo!()
    }
}

impl Disk for MemoryDisk {
    fn submit(&mut self, _request: DiskRequest, _answer: Answer) {
        todo!()
    }
}

//! Reading: on threads of its own, so that no read stands behind a write that waits for the device.

use super::Shared;
use super::files::disk_error;
use super::index::{Entry, Place};
use crate::disk::{Answer, DiskResult, blob_range, scan_is_full};
use crate::queue::Queue;
use bytes::Bytes;
use quantumsync_core::driver::{DiskReply, DiskRequest};
use quantumsync_core::error::DiskError;
use quantumsync_core::id::BlobId;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// One reader.
pub(super) fn run(shared: &Shared, queue: &Queue<(DiskRequest, Answer)>) {
    while let Some((request, answer)) = queue.next() {
        // The database panics on some damage.
        let result = catch_unwind(AssertUnwindSafe(|| shared.read(&request)));
        answer.send(result.unwrap_or(Err(DiskError::Corrupt)));
    }
}

impl Shared {
    fn read(&self, request: &DiskRequest) -> DiskResult {
        match request {
            DiskRequest::Get { keys } => {
                Ok(DiskReply::Values(keys.iter().map(|key| self.index.row(key)).collect::<Result<_, _>>()?))
            }
            DiskRequest::Scan { from, to, rows, bytes } => self.scan(from, to, *rows, *bytes),
            DiskRequest::ReadBlob { id, offset, len } => self.read_blob(id, *offset, *len),
            DiskRequest::ScanBlobs { after, rows } => {
                Ok(DiskReply::Blobs(self.index.entries_after(*after, *rows)?))
            }
            DiskRequest::Space => {
                let free = self.folders.free().map_err(|error| disk_error(&error))?;
                Ok(DiskReply::Space { free: free.saturating_sub(self.options.reserve) })
            }
            // What changes something goes another way.
            DiskRequest::Apply { .. } | DiskRequest::PutBlob { .. } | DiskRequest::RemoveBlob { .. } => {
                Err(DiskError::Io)
            }
        }
    }

    fn scan(&self, from: &[u8], to: &[u8], rows: u32, bytes: u32) -> DiskResult {
        let mut found = Vec::new();
        let (mut size, mut more) = (0, false);
        if from < to {
            for row in self.index.rows(from, to) {
                if scan_is_full(found.len(), size, rows, bytes) {
                    more = true;
                    break;
                }
                let (key, value) = row?;
                size += (key.len() + value.len()) as u64;
                found.push((key, value));
            }
        }
        Ok(DiskReply::Rows { rows: found, more })
    }

    fn read_blob(&self, id: &BlobId, offset: u32, len: u32) -> DiskResult {
        let Some(entry) = self.index.entry(id)? else { return Ok(DiskReply::Blob(None)) };
        let read = match entry.place {
            Place::Index => self.read_small(id, entry, offset, len),
            Place::File => self.read_file(id, entry, offset, len),
        };
        match read {
            // It may have been removed since the entry was read.
            Err(DiskError::Corrupt) if self.index.entry(id)?.is_none() => Ok(DiskReply::Blob(None)),
            read => Ok(DiskReply::Blob(Some(read?))),
        }
    }

    fn read_small(&self, id: &BlobId, entry: Entry, offset: u32, len: u32) -> Result<Bytes, DiskError> {
        let bytes = self.index.small(id)?.filter(|bytes| bytes.len() == entry.len as usize);
        let bytes = bytes.ok_or(DiskError::Corrupt)?;
        Ok(Bytes::copy_from_slice(&bytes[blob_range(bytes.len(), offset, len)]))
    }

    fn read_file(&self, id: &BlobId, entry: Entry, offset: u32, len: u32) -> Result<Bytes, DiskError> {
        let read = File::open(self.folders.blob(id)).and_then(|mut file| {
            if file.metadata()?.len() != u64::from(entry.len) {
                return Ok(None);
            }
            let range = blob_range(entry.len as usize, offset, len);
            let mut bytes = Vec::with_capacity(range.len());
            file.seek(SeekFrom::Start(range.start as u64))?;
            file.take(range.len() as u64).read_to_end(&mut bytes)?;
            Ok(Some(bytes).filter(|bytes| bytes.len() == range.len()))
        });
        match read {
            Ok(bytes) => bytes.map(Bytes::from).ok_or(DiskError::Corrupt),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(DiskError::Corrupt),
            Err(error) => Err(disk_error(&error)),
        }
    }
}

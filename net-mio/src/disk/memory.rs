//! A disk in memory: for volatile nodes, for clients without a home, and for tests.

use super::{Answer, Disk, DiskResult, keys_fit};
use bytes::Bytes;
use quantumsync_core::driver::{DiskReply, DiskRequest, TableOp};
use quantumsync_core::error::DiskError;
use quantumsync_core::id::BlobId;
use std::collections::BTreeMap;
use std::ops::Bound;
use zeroize::Zeroizing;

/// Rows and blobs in memory; overwritten with zeros when they are removed and when the disk is dropped.
pub struct MemoryDisk {
    rows: BTreeMap<Vec<u8>, Zeroizing<Vec<u8>>>,
    blobs: BTreeMap<BlobId, Zeroizing<Vec<u8>>>,
    used: u64,
    capacity: u64,
}

impl MemoryDisk {
    /// An empty disk for at most `capacity` bytes of keys, values and blobs; more ends in `NoSpace`.
    pub fn new(capacity: u64) -> Self {
        Self { rows: BTreeMap::new(), blobs: BTreeMap::new(), used: 0, capacity }
    }

    fn perform(&mut self, request: DiskRequest) -> DiskResult {
        match request {
            DiskRequest::Apply { ops } => self.change(None, &ops),
            DiskRequest::PutBlob { id, bytes, then } => self.change(Some((id, Some(bytes))), &then),
            DiskRequest::RemoveBlob { id, first } => self.change(Some((id, None)), &first),
            DiskRequest::Get { keys } => {
                let values = keys.iter().map(|key| self.rows.get(&key[..]).map(share)).collect();
                Ok(DiskReply::Values(values))
            }
            DiskRequest::Scan { from, to, rows, bytes } => Ok(self.scan(&from, &to, rows, bytes)),
            DiskRequest::ReadBlob { id, offset, len } => Ok(self.read(&id, offset, len)),
            DiskRequest::ScanBlobs { after, rows } => Ok(self.scan_blobs(after, rows)),
            DiskRequest::Space => Ok(DiskReply::Space { free: self.capacity.saturating_sub(self.used) }),
        }
    }

    /// All or nothing: a blob put (with bytes) or removed (without), and changes of rows.
    fn change(&mut self, blob: Option<(BlobId, Option<Bytes>)>, ops: &[TableOp]) -> DiskResult {
        if !keys_fit(ops) {
            return Err(DiskError::Io);
        }
        // What is there already stays.
        let blob = blob.filter(|(id, bytes)| bytes.is_none() || !self.blobs.contains_key(id));
        let used = self.used_after(blob.as_ref(), ops);
        if used > self.capacity && used > self.used {
            return Err(DiskError::NoSpace);
        }
        self.used = used;
        match blob {
            Some((id, Some(bytes))) => drop(self.blobs.insert(id, Zeroizing::new(bytes.to_vec()))),
            Some((id, None)) => drop(self.blobs.remove(&id)),
            None => {}
        }
        for op in ops {
            match op {
                TableOp::Put { key, value } => {
                    self.rows.insert(key.to_vec(), Zeroizing::new(value.to_vec()));
                }
                TableOp::Remove { key } => drop(self.rows.remove(&key[..])),
            }
        }
        Ok(DiskReply::Done)
    }

    fn used_after(&self, blob: Option<&(BlobId, Option<Bytes>)>, ops: &[TableOp]) -> u64 {
        let mut last: BTreeMap<&[u8], u64> = BTreeMap::new();
        for op in ops {
            match op {
                TableOp::Put { key, value } => last.insert(key, length(key) + length(value)),
                TableOp::Remove { key } => last.insert(key, 0),
            };
        }
        let row = |key: &[u8]| self.rows.get(key).map_or(0, |value| length(key) + length(value));
        let (mut grown, mut freed) =
            (last.values().sum::<u64>(), last.keys().map(|key| row(key)).sum::<u64>());
        match blob {
            Some((_, Some(bytes))) => grown += length(bytes),
            Some((id, None)) => freed += self.blobs.get(id).map_or(0, |bytes| length(bytes)),
            None => {}
        }
        (self.used + grown).saturating_sub(freed)
    }

    fn scan(&self, from: &[u8], to: &[u8], rows: u32, bytes: u32) -> DiskReply {
        let mut found = Vec::new();
        let (mut size, mut more) = (0, false);
        if from < to {
            for (key, value) in self.rows.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to))) {
                if super::scan_is_full(found.len(), size, rows, bytes) {
                    more = true;
                    break;
                }
                size += length(key) + length(value);
                found.push((Bytes::copy_from_slice(key), share(value)));
            }
        }
        DiskReply::Rows { rows: found, more }
    }

    fn read(&self, id: &BlobId, offset: u32, len: u32) -> DiskReply {
        DiskReply::Blob(self.blobs.get(id).map(|bytes| {
            let range = super::blob_range(bytes.len(), offset, len);
            Bytes::copy_from_slice(&bytes[range])
        }))
    }

    fn scan_blobs(&self, after: Option<BlobId>, rows: u32) -> DiskReply {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let blobs = self.blobs.range((from, Bound::Unbounded)).take(rows as usize);
        // A blob is far below 4 GiB.
        DiskReply::Blobs(blobs.map(|(id, bytes)| (*id, bytes.len() as u32)).collect())
    }
}

impl Disk for MemoryDisk {
    /// Performs the request at once: nothing here waits.
    fn submit(&mut self, request: DiskRequest, answer: Answer) {
        answer.send(self.perform(request));
    }
}

fn share(value: &Zeroizing<Vec<u8>>) -> Bytes {
    Bytes::copy_from_slice(value)
}

fn length(bytes: &[u8]) -> u64 {
    bytes.len() as u64
}

//! The disk against a model that is as simple as can be.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::super::{RequestKind, SimDisk};
use crate::driver::{DiskReply, DiskRequest, TableOp};
use crate::error::DiskError;
use crate::id::{BlobId, Ticket};
use crate::time::Instant;

pub(super) const LATER: Instant = Instant(1_000_000_000);

/// One request after the other, at once.
pub(super) fn perform(disk: &mut SimDisk, request: DiskRequest) -> Result<DiskReply, DiskError> {
    disk.submit(Instant(0), Ticket(1), request);
    disk.finish_one(LATER).unwrap().1
}

pub(super) fn key(number: u8) -> Bytes {
    vec![number / 4, number % 4].into()
}

pub(super) fn put(number: u8) -> TableOp {
    TableOp::Put { key: key(number), value: vec![number; 10].into() }
}

pub(super) fn blob(number: u8) -> (BlobId, Bytes) {
    (BlobId([number; 32]), vec![number; usize::from(number) * 3].into())
}

pub(super) fn put_blob(number: u8) -> DiskRequest {
    let (id, bytes) = blob(number);
    DiskRequest::PutBlob { id, bytes, then: vec![put(number)] }
}

fn op() -> impl Strategy<Value = TableOp> {
    (0..20_u8, any::<Option<u8>>()).prop_map(|(number, value)| match value {
        Some(value) => TableOp::Put { key: key(number), value: vec![value; 3].into() },
        None => TableOp::Remove { key: key(number) },
    })
}

fn request() -> impl Strategy<Value = DiskRequest> {
    let ops = || proptest::collection::vec(op(), 0..4);
    prop_oneof![
        ops().prop_map(|ops| DiskRequest::Apply { ops }),
        proptest::collection::vec((0..20_u8).prop_map(key), 0..4).prop_map(|keys| DiskRequest::Get { keys }),
        (0..22_u8, 0..22_u8, 0..8_u32, 0..40_u32).prop_map(|(from, to, rows, bytes)| DiskRequest::Scan {
            from: key(from),
            to: key(to),
            rows,
            bytes
        }),
        (0..6_u8, ops()).prop_map(|(number, then)| {
            let (id, bytes) = blob(number);
            DiskRequest::PutBlob { id, bytes, then }
        }),
        (0..6_u8, ops()).prop_map(|(number, first)| DiskRequest::RemoveBlob { id: blob(number).0, first }),
        (0..6_u8, 0..20_u32, 0..20_u32).prop_map(|(number, offset, len)| DiskRequest::ReadBlob {
            id: blob(number).0,
            offset,
            len
        }),
        (any::<Option<u8>>(), 0..8_u32).prop_map(|(after, rows)| DiskRequest::ScanBlobs {
            after: after.map(|number| blob(number % 6).0),
            rows
        }),
        Just(DiskRequest::Space),
    ]
}

/// What the disk should answer, from two plain maps.
#[derive(Default)]
struct Model {
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    blobs: BTreeMap<BlobId, Vec<u8>>,
}

impl Model {
    fn change(&mut self, ops: &[TableOp]) {
        for op in ops {
            match op {
                TableOp::Put { key, value } => self.rows.insert(key.to_vec(), value.to_vec()),
                TableOp::Remove { key } => self.rows.remove(&key[..]),
            };
        }
    }

    fn answer(&mut self, request: &DiskRequest) -> DiskReply {
        match request {
            DiskRequest::Apply { ops } => self.change(ops),
            DiskRequest::PutBlob { id, bytes, then } => {
                self.blobs.entry(*id).or_insert_with(|| bytes.to_vec());
                self.change(then);
            }
            DiskRequest::RemoveBlob { id, first } => {
                self.blobs.remove(id);
                self.change(first);
            }
            DiskRequest::Get { keys } => {
                let value = |key: &Bytes| self.rows.get(&key[..]).map(|value| value.clone().into());
                return DiskReply::Values(keys.iter().map(value).collect());
            }
            DiskRequest::Scan { from, to, rows, bytes } => {
                let inside: Vec<_> =
                    self.rows.iter().filter(|(key, _)| from[..] <= key[..] && key[..] < to[..]).collect();
                let mut found = Vec::new();
                let mut size = 0;
                for (key, value) in &inside {
                    if found.len() == *rows as usize || (!found.is_empty() && size >= *bytes as usize) {
                        break;
                    }
                    size += key.len() + value.len();
                    found.push((key.to_vec().into(), value.to_vec().into()));
                }
                let more = found.len() < inside.len();
                return DiskReply::Rows { rows: found, more };
            }
            DiskRequest::ReadBlob { id, offset, len } => {
                let part = |bytes: &Vec<u8>| {
                    bytes
                        .iter()
                        .skip(*offset as usize)
                        .take(*len as usize)
                        .copied()
                        .collect::<Vec<_>>()
                        .into()
                };
                return DiskReply::Blob(self.blobs.get(id).map(part));
            }
            DiskRequest::ScanBlobs { after, rows } => {
                let beyond = self.blobs.iter().filter(|(id, _)| after.is_none_or(|after| **id > after));
                let found = beyond.take(*rows as usize).map(|(id, bytes)| (*id, bytes.len() as u32));
                return DiskReply::Blobs(found.collect());
            }
            DiskRequest::Space => return DiskReply::Space { free: u64::MAX - self.used() },
        }
        DiskReply::Done
    }

    fn used(&self) -> u64 {
        let rows: usize = self.rows.iter().map(|(key, value)| key.len() + value.len()).sum();
        (rows + self.blobs.values().map(Vec::len).sum::<usize>()) as u64
    }
}

proptest! {
    #[test]
    fn every_request_is_answered_as_the_model_says(requests in proptest::collection::vec(request(), 1..60)) {
        let mut disk = SimDisk::new([1; 32]);
        let mut model = Model::default();
        for request in requests {
            let expected = model.answer(&request);
            prop_assert_eq!(perform(&mut disk, request), Ok(expected));
        }
        prop_assert_eq!(disk.used(), model.used());
    }
}

#[test]
fn answers_come_late_and_in_another_order() {
    let mut disk = SimDisk::new([1; 32]);
    disk.set_delay(Duration::from_millis(1), Duration::from_millis(50));
    (0..20).for_each(|number| disk.submit(Instant(0), Ticket(u64::from(number)), put_blob(number)));
    assert!(disk.finish_one(Instant(999)).is_none(), "none before the shortest delay");
    let order: Vec<u64> =
        core::iter::from_fn(|| disk.finish_one(LATER)).map(|(ticket, _)| ticket.0).collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..20).collect::<Vec<_>>(), "each exactly once");
    assert_ne!(order, sorted);
}

#[test]
fn nothing_is_there_before_its_request_is_finished() {
    let mut disk = SimDisk::new([1; 32]);
    disk.set_delay(Duration::from_millis(1), Duration::from_millis(1));
    disk.submit(Instant(0), Ticket(1), put_blob(5));
    assert!(disk.blobs().is_empty() && disk.rows().is_empty());
    assert_eq!(disk.next_done(), Some(Instant(1000)));
    assert_eq!(disk.finish_one(Instant(1000)), Some((Ticket(1), Ok(DiskReply::Done))));
    assert_eq!((disk.blobs().len(), disk.rows().len()), (1, 1));
}

#[test]
fn a_crash_does_each_unfinished_request_whole_or_not_at_all() {
    let mut disk = SimDisk::new([3; 32]);
    assert_eq!(perform(&mut disk, put_blob(100)), Ok(DiskReply::Done));
    (0..50).for_each(|number| disk.submit(Instant(0), Ticket(u64::from(number)), put_blob(number)));
    disk.crash();
    assert_eq!(disk.next_done(), None);
    let kept = disk.blobs().len();
    assert!(disk.blobs().contains_key(&blob(100).0), "what was answered stays");
    assert!((10..41).contains(&(kept - 1)), "{kept}");
    for number in 0..50 {
        let has_row = disk.rows().contains_key(&key(number));
        assert_eq!(disk.blobs().contains_key(&blob(number).0), has_row);
    }
}

#[test]
fn a_full_disk_does_nothing_of_a_request_but_still_removes() {
    let mut disk = SimDisk::new([1; 32]);
    assert_eq!(perform(&mut disk, put_blob(40)), Ok(DiskReply::Done));
    disk.set_capacity(disk.used() + 20);
    assert_eq!(perform(&mut disk, put_blob(41)), Err(DiskError::NoSpace));
    assert_eq!(perform(&mut disk, DiskRequest::Space), Ok(DiskReply::Space { free: 20 }));
    assert!(!disk.rows().contains_key(&key(41)));
    let remove = DiskRequest::RemoveBlob { id: blob(40).0, first: vec![TableOp::Remove { key: key(40) }] };
    assert_eq!(perform(&mut disk, remove), Ok(DiskReply::Done));
    assert_eq!(perform(&mut disk, put_blob(41)), Ok(DiskReply::Done));
}

#[test]
fn failures_hit_what_they_are_meant_for_and_change_nothing() {
    let mut disk = SimDisk::new([1; 32]);
    disk.fail_next(RequestKind::PutBlob, DiskError::Io);
    disk.fail_next(RequestKind::ReadBlob, DiskError::Corrupt);
    assert_eq!(perform(&mut disk, DiskRequest::Apply { ops: vec![put(1)] }), Ok(DiskReply::Done));
    assert_eq!(perform(&mut disk, put_blob(2)), Err(DiskError::Io));
    assert_eq!(perform(&mut disk, put_blob(2)), Ok(DiskReply::Done));
    let read = || DiskRequest::ReadBlob { id: blob(2).0, offset: 0, len: 9 };
    assert_eq!(perform(&mut disk, read()), Err(DiskError::Corrupt));
    assert_eq!(perform(&mut disk, read()), Ok(DiskReply::Blob(Some(blob(2).1))));
    disk.set_failing(Some(DiskError::Fatal));
    assert_eq!(perform(&mut disk, DiskRequest::Space), Err(DiskError::Fatal));
    disk.set_failing(None);
    assert!(disk.rot(&blob(2).0) && !disk.rot(&blob(9).0));
    assert_ne!(perform(&mut disk, read()), Ok(DiskReply::Blob(Some(blob(2).1))));
}

#[test]
fn a_key_that_no_index_takes_is_refused() {
    let mut disk = SimDisk::new([1; 32]);
    for len in [0, 65_536] {
        let op = TableOp::Put { key: vec![0; len].into(), value: Bytes::new() };
        assert_eq!(perform(&mut disk, DiskRequest::Apply { ops: vec![put(1), op] }), Err(DiskError::Io));
    }
    assert!(disk.rows().is_empty());
}

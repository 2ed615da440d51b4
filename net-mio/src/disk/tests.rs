//! What every disk must do, against a model of a few lines: the same requests, the same answers.

use super::*;
use bytes::Bytes;
use proptest::prelude::*;
use quantumsync_core::id::BlobId;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A disk and the answers of its requests.
pub(super) struct Driver<D> {
    pub(super) disk: D,
    sink: AnswerSink,
    answers: Receiver<(Ticket, DiskResult)>,
    issued: u64,
}

impl<D: Disk> Driver<D> {
    pub(super) fn new(disk: D) -> Self {
        let (sender, answers) = channel();
        let sender = Mutex::new(sender);
        let sink: AnswerSink = Arc::new(move |ticket, result| {
            // Fails when the test has ended.
            let _ = sender.lock().unwrap().send((ticket, result));
        });
        Self { disk, sink, answers, issued: 0 }
    }

    /// Performs one request.
    pub(super) fn perform(&mut self, request: DiskRequest) -> DiskResult {
        self.perform_all([request]).remove(0)
    }

    /// Submits all of these, then waits for one answer to each.
    pub(super) fn perform_all(&mut self, requests: impl IntoIterator<Item = DiskRequest>) -> Vec<DiskResult> {
        let first = self.issued;
        for request in requests {
            self.disk.submit(request, Answer::new(Ticket(self.issued), Arc::clone(&self.sink)));
            self.issued += 1;
        }
        let mut results = BTreeMap::new();
        while (results.len() as u64) < self.issued - first {
            let answer = self.answers.recv_timeout(Duration::from_secs(60));
            let (ticket, result) = answer.expect("every request is answered");
            assert!(
                ticket.0 >= first && results.insert(ticket, result).is_none(),
                "answered twice: {ticket}"
            );
        }
        results.into_values().collect()
    }
}

/// Rows and blobs as they should be.
#[derive(Default)]
struct Model {
    rows: BTreeMap<Bytes, Bytes>,
    blobs: BTreeMap<BlobId, Bytes>,
}

impl Model {
    fn perform(&mut self, request: DiskRequest) -> DiskReply {
        match request {
            DiskRequest::Apply { ops } => self.apply(ops),
            DiskRequest::PutBlob { id, bytes, then } => {
                self.blobs.insert(id, bytes);
                self.apply(then)
            }
            DiskRequest::RemoveBlob { id, first } => {
                self.blobs.remove(&id);
                self.apply(first)
            }
            DiskRequest::Get { keys } => {
                DiskReply::Values(keys.iter().map(|key| self.rows.get(key).cloned()).collect())
            }
            DiskRequest::Scan { from, to, rows, bytes } => {
                let all = self.rows.iter().filter(|(key, _)| from <= **key && **key < to);
                let all: Vec<_> = all.map(|(key, value)| (key.clone(), value.clone())).collect();
                let mut found = Vec::new();
                let mut size = 0;
                for row in &all {
                    if found.len() == rows as usize || (!found.is_empty() && size >= bytes as usize) {
                        break;
                    }
                    size += row.0.len() + row.1.len();
                    found.push(row.clone());
                }
                DiskReply::Rows { more: found.len() < all.len(), rows: found }
            }
            DiskRequest::ReadBlob { id, offset, len } => {
                let part = |bytes: &Bytes| {
                    let from = bytes.len().min(offset as usize);
                    bytes.slice(from..bytes.len().min(from + len as usize))
                };
                DiskReply::Blob(self.blobs.get(&id).map(part))
            }
            DiskRequest::ScanBlobs { after, rows } => {
                let blobs = self.blobs.iter().filter(|(id, _)| after.is_none_or(|after| **id > after));
                let blobs = blobs.map(|(id, bytes)| (*id, bytes.len() as u32));
                DiskReply::Blobs(blobs.take(rows as usize).collect())
            }
            DiskRequest::Space => DiskReply::Space { free: 0 },
        }
    }

    fn apply(&mut self, ops: Vec<TableOp>) -> DiskReply {
        for op in ops {
            match op {
                TableOp::Put { key, value } => self.rows.insert(key, value),
                TableOp::Remove { key } => self.rows.remove(&key),
            };
        }
        DiskReply::Done
    }
}

/// The blob of a small number: always the same bytes, of a length on one side or the other of every limit.
pub(super) fn blob(n: u8) -> (BlobId, Bytes) {
    let lengths = [0, 1, 4096, (64 << 10) - 1, 64 << 10, 200_000];
    let length = lengths[usize::from(n) % lengths.len()];
    let bytes = (0..length).map(|i: usize| (i * 31 + usize::from(n)) as u8).collect::<Vec<u8>>();
    (BlobId([n.wrapping_mul(67); 32]), bytes.into())
}

pub(super) fn put(n: u8) -> DiskRequest {
    let (id, bytes) = blob(n);
    DiskRequest::PutBlob { id, bytes, then: vec![row(n, n)] }
}

pub(super) fn read(n: u8) -> DiskRequest {
    DiskRequest::ReadBlob { id: blob(n).0, offset: 0, len: u32::MAX }
}

pub(super) fn remove(n: u8) -> DiskRequest {
    DiskRequest::RemoveBlob { id: blob(n).0, first: vec![TableOp::Remove { key: Bytes::from(vec![n]) }] }
}

pub(super) fn row(key: u8, value: u8) -> TableOp {
    TableOp::Put { key: Bytes::from(vec![key]), value: Bytes::from(vec![value; 9]) }
}

fn any_key() -> impl Strategy<Value = Bytes> {
    // Few letters, so that keys meet each other and begin with each other.
    proptest::collection::vec(0u8..3, 1..4).prop_map(Bytes::from)
}

fn any_ops() -> impl Strategy<Value = Vec<TableOp>> {
    let value = proptest::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from);
    let op = prop_oneof![
        3 => (any_key(), value).prop_map(|(key, value)| TableOp::Put { key, value }),
        1 => any_key().prop_map(|key| TableOp::Remove { key }),
    ];
    proptest::collection::vec(op, 0..6)
}

fn any_request() -> impl Strategy<Value = DiskRequest> {
    let id = (0u8..7).prop_map(|n| blob(n).0);
    let bound = prop_oneof![any_key(), Just(Bytes::new()), Just(Bytes::from(vec![1; KEY_MAX + 5]))];
    let limit = prop_oneof![0u32..6, Just(u32::MAX)];
    prop_oneof![
        any_ops().prop_map(|ops| DiskRequest::Apply { ops }),
        ((0u8..6), any_ops()).prop_map(|(n, then)| {
            let (id, bytes) = blob(n);
            DiskRequest::PutBlob { id, bytes, then }
        }),
        (id.clone(), any_ops()).prop_map(|(id, first)| DiskRequest::RemoveBlob { id, first }),
        proptest::collection::vec(any_key(), 0..4).prop_map(|keys| DiskRequest::Get { keys }),
        (bound.clone(), bound, limit.clone(), prop_oneof![0u32..60, Just(u32::MAX)])
            .prop_map(|(from, to, rows, bytes)| DiskRequest::Scan { from, to, rows, bytes }),
        (id.clone(), prop_oneof![Just(0), 0u32..300_000, Just(u32::MAX)], limit.clone())
            .prop_map(|(id, offset, len)| DiskRequest::ReadBlob { id, offset, len }),
        (proptest::option::of(id), limit).prop_map(|(after, rows)| DiskRequest::ScanBlobs { after, rows }),
    ]
}

fn open(folder: &Path) -> Driver<FsDisk> {
    Driver::new(FsDisk::open(folder, FsOptions::default()).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_memory_disk_answers_like_the_model(requests in proptest::collection::vec(any_request(), 1..60)) {
        let mut model = Model::default();
        let mut driver = Driver::new(MemoryDisk::new(u64::MAX));
        for request in requests {
            prop_assert_eq!(driver.perform(request.clone()), Ok(model.perform(request)));
        }
    }
}

proptest! {
    // Each case opens several databases and waits for a device.
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_disk_of_files_answers_like_the_model_also_when_it_is_opened_again(
        lives in proptest::collection::vec(proptest::collection::vec(any_request(), 1..25), 1..4)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut model = Model::default();
        for requests in lives {
            let mut driver = open(folder.path());
            for request in requests {
                prop_assert_eq!(driver.perform(request.clone()), Ok(model.perform(request)));
            }
        }
    }
}

fn keeps_many_requests_at_once(driver: &mut Driver<impl Disk>) {
    let ids: BTreeSet<_> = (0..60).map(|n| blob(n).0).collect();
    let results = driver.perform_all((0..60).map(put));
    assert!(results.iter().all(|result| *result == Ok(DiskReply::Done)), "{results:?}");
    let scan = DiskRequest::ScanBlobs { after: None, rows: 1000 };
    let Ok(DiskReply::Blobs(found)) = driver.perform(scan) else { panic!("a list of blobs") };
    assert_eq!(found.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>(), ids);
    for n in 0..60 {
        assert_eq!(driver.perform(read(n)), Ok(DiskReply::Blob(Some(blob(n).1))));
    }
}

#[test]
fn a_memory_disk_performs_many_requests_at_once() {
    keeps_many_requests_at_once(&mut Driver::new(MemoryDisk::new(u64::MAX)));
}

#[test]
fn a_disk_of_files_performs_many_requests_at_once() {
    let folder = tempfile::tempdir().unwrap();
    keeps_many_requests_at_once(&mut open(folder.path()));
    keeps_many_requests_at_once(&mut open(folder.path()));
}

fn refuses_keys_that_no_row_can_have(driver: &mut Driver<impl Disk>) {
    for length in [0, KEY_MAX + 1] {
        let key = Bytes::from(vec![1; length]);
        let ops = vec![row(1, 1), TableOp::Put { key: key.clone(), value: Bytes::new() }];
        assert_eq!(driver.perform(DiskRequest::Apply { ops: ops.clone() }), Err(DiskError::Io));
        for n in [1, 5] {
            let (id, bytes) = blob(n);
            let request = DiskRequest::PutBlob { id, bytes, then: ops.clone() };
            assert_eq!(driver.perform(request), Err(DiskError::Io));
            assert_eq!(driver.perform(read(n)), Ok(DiskReply::Blob(None)));
        }
        let keys = vec![key, Bytes::from_static(&[1])];
        assert_eq!(driver.perform(DiskRequest::Get { keys }), Ok(DiskReply::Values(vec![None, None])));
    }
}

#[test]
fn a_key_that_no_row_can_have_is_refused_and_nothing_is_done() {
    let folder = tempfile::tempdir().unwrap();
    refuses_keys_that_no_row_can_have(&mut open(folder.path()));
    refuses_keys_that_no_row_can_have(&mut Driver::new(MemoryDisk::new(u64::MAX)));
}

#[test]
fn a_full_memory_disk_refuses_what_grows_it_and_goes_on_after_a_removal() {
    let mut driver = Driver::new(MemoryDisk::new(200_100));
    assert_eq!(driver.perform(put(5)), Ok(DiskReply::Done));
    assert_eq!(driver.perform(DiskRequest::Space), Ok(DiskReply::Space { free: 90 }));
    assert_eq!(driver.perform(put(2)), Err(DiskError::NoSpace));
    assert_eq!(driver.perform(read(2)), Ok(DiskReply::Blob(None)));
    let ops = vec![row(5, 7), row(6, 6)];
    assert_eq!(driver.perform(DiskRequest::Apply { ops }), Ok(DiskReply::Done));
    assert_eq!(driver.perform(DiskRequest::Space), Ok(DiskReply::Space { free: 80 }));
    assert_eq!(driver.perform(remove(5)), Ok(DiskReply::Done));
    assert_eq!(driver.perform(put(2)), Ok(DiskReply::Done));
}

#[test]
fn a_request_that_is_dropped_is_answered_all_the_same() {
    let mut driver = Driver::new(Losing);
    assert_eq!(driver.perform(DiskRequest::Space), Err(DiskError::Io));
}

/// A disk that loses requests.
struct Losing;

impl Disk for Losing {
    fn submit(&mut self, _request: DiskRequest, _answer: Answer) {}
}

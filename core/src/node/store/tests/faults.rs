//! A disk that fails, and a driver that errs: nothing is acknowledged, nothing hangs.

use super::bench::*;
use crate::driver::{DiskReply, DiskRequest};
use crate::error::{ApiMisuse, DiskError};
use crate::id::{BlobId, Ticket};
use crate::job::JobResult;
use crate::node::store::{Damage, Keep, Origin, StoreOutput};
use crate::wire::{ErrorCode, Request, Response};
use core::time::Duration;

const MUTATION: fn(&DiskRequest) -> bool = |request| request.is_mutation();

#[test]
fn a_disk_error_is_told_by_its_kind_and_the_retry_succeeds() {
    let owner = Owner::new(1);
    let kinds = [
        (DiskError::NoSpace, ErrorCode::NoSpace),
        (DiskError::Io, ErrorCode::Disk),
        (DiskError::Corrupt, ErrorCode::Damaged),
    ];
    for (fault, code) in kinds {
        let mut bench = Bench::new();
        for request in [owner.put(1, 1, 9), owner.have(1, 2, [9]), put_record(&owner.record(1, 1))] {
            bench.faults.push((MUTATION, fault));
            assert_code(&bench.ask(OTHER, request.clone()), code);
            assert!(!matches!(bench.ask(OTHER, request), Response::Error(_)));
        }
        assert!(bench.store.is_idle() && bench.faults.is_empty());
    }
}

#[test]
fn reads_that_fail_are_told_and_nothing_stays_locked() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask(OTHER, owner.put(1, 1, 9));
    bench.ask(OTHER, put_record(&owner.record(1, 1)));
    let record = Request::GetRecord { owner: owner.id(), name: name(1) };
    let list = Request::ListRecords { owner: owner.id(), after: None, rows: 9, shards: (0, 255) };
    let evict = Request::Evict { owner: owner.id(), name: None };
    let verify = Request::Verify { after: None };
    for request in [get(9), record, list, Request::Status, verify, owner.have(1, 2, [9]), evict] {
        bench.faults.push((|request| !request.is_mutation(), DiskError::Io));
        assert_code(&bench.ask(OTHER, request.clone()), ErrorCode::Disk);
        assert!(!matches!(bench.ask(OTHER, request), Response::Error(_)));
        assert_eq!(bench.store.pending(), 0);
    }
}

#[test]
fn a_copy_that_the_disk_calls_corrupt_is_dropped_and_repaired_like_one_with_a_wrong_hash() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask(OTHER, owner.put(1, 1, 9));
    for _ in 0..2 {
        bench.faults.push((|request| matches!(request, DiskRequest::ReadBlob { .. }), DiskError::Corrupt));
    }
    assert_code(&bench.ask(OTHER, get(9)), ErrorCode::Damaged);
    assert!(bench.disk.blobs.is_empty());
    bench.ask(OTHER, owner.put(1, 1, 9));
    assert!(matches!(bench.ask(OTHER, get(9)), Response::Blob { .. }));
}

#[test]
fn a_copy_that_was_repaired_meanwhile_is_not_dropped() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask(OTHER, owner.put(1, 1, 9));
    // The first read says so, the second one finds it sound.
    bench.faults.push((|request| matches!(request, DiskRequest::ReadBlob { .. }), DiskError::Corrupt));
    assert_code(&bench.ask(OTHER, get(9)), ErrorCode::Damaged);
    assert!(matches!(bench.ask(OTHER, get(9)), Response::Blob { .. }));
}

/// A store and a delete with an error at the n-th request of the disk; true if it came so far.
fn error_at(n: usize) -> bool {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.fail_after = Some(n);
    let requests = [
        owner.put(1, 1, 10),
        owner.put(1, 1, 11),
        put_record(&owner.record(1, 1)),
        owner.have(1, 2, [10]),
        put_record(&owner.record(1, 2)),
        put_record(&owner.tombstone(1, 3)),
    ];
    for request in requests {
        let first = bench.ask(owner.client(), request.clone());
        if matches!(first, Response::Error(_)) {
            assert_code(&first, ErrorCode::Disk);
            assert!(!matches!(bench.ask(owner.client(), request), Response::Error(_)));
        }
    }
    bench.advance(Duration::from_secs(10));
    assert_eq!((bench.disk.count(kind::PIN), bench.disk.blobs.len()), (0, 2), "error at {n}");
    bench.advance(LINGER + Duration::from_secs(10));
    assert_eq!((bench.disk.rows.len(), bench.disk.blobs.len()), (3, 0), "error at {n}");
    bench.fail_after.is_none()
}

#[test]
fn an_error_at_any_request_of_the_disk_only_delays_what_was_to_be_done() {
    let mut n = 0;
    while error_at(n) {
        n += 1;
    }
    assert!(n > 40, "{n}");
}

#[test]
fn state_that_could_not_be_written_is_written_later_and_the_newest_value_counts() {
    let mut bench = Bench::new();
    bench.faults.push((MUTATION, DiskError::Io));
    bench.store.save_state(bench.now, b"view", "old".into());
    bench.run();
    assert!(!bench.store.is_idle());
    bench.store.save_state(bench.now, b"view", "new".into());
    bench.advance(Duration::from_secs(10));
    bench.restart();
    assert_eq!(bench.loaded.take().unwrap().state, [("view".into(), "new".into())]);
}

#[test]
fn after_a_fatal_error_everything_is_answered_and_nothing_more_is_asked_of_the_disk() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask(OTHER, owner.put(1, 1, 9));
    let requests = [get(9), owner.put(1, 1, 9), Request::Status, put_record(&owner.record(1, 1))];
    let tokens = requests.map(|request| bench.submit(OTHER, Keep::Replica, request));
    bench.faults.push((|_| true, DiskError::Fatal));
    bench.run();
    assert_eq!(bench.fatal, Some(DiskError::Fatal));
    for token in tokens {
        assert_code(&bench.replies[&token], ErrorCode::Disk);
    }
    assert_code(&bench.ask(OTHER, get(9)), ErrorCode::Disk);
    bench.advance(Duration::from_secs(600));
    assert!(bench.store.is_idle() && !bench.step());
}

#[test]
fn a_disk_that_does_not_load_is_fatal() {
    let setup = Bench::new().setup;
    let mut bench = Bench::on(Disk::default(), setup.clone());
    bench.faults.push((|_| true, DiskError::Io));
    bench.run();
    assert_eq!((bench.fatal, bench.loaded.take()), (Some(DiskError::Io), None));
    // Rows without the first one that was ever written are no disk of ours.
    let mut disk = Disk::default();
    disk.rows.insert([&[8, 1], &b"view"[..]].concat().into(), "x".into());
    let mut bench = Bench::on(disk, setup);
    bench.run();
    assert_eq!(bench.fatal, Some(DiskError::Corrupt));
}

#[test]
fn answers_to_no_request_or_of_another_kind_have_no_effect() {
    let mut bench = Bench::new();
    let record = Request::GetRecord { owner: Owner::new(1).id(), name: name(1) };
    bench.store.submit(bench.now, 1, OTHER, Keep::Replica, record);
    let Some(StoreOutput::Disk { ticket, .. }) = bench.store.poll() else { panic!() };
    let nothing = || DiskReply::Values([None, None].into());
    let now = bench.now;
    let unknown = Ticket(ticket.0 + 1);
    let store = &mut bench.store;
    assert_eq!(store.handle_disk(now, unknown, Ok(DiskReply::Done)), Err(ApiMisuse::UnknownTicket(unknown)));
    assert_eq!(store.handle_disk(now, ticket, Ok(DiskReply::Done)), Err(ApiMisuse::WrongResult(ticket)));
    let hashed = JobResult::Hashed(BlobId([0; 32]));
    assert_eq!(store.handle_job(now, ticket, hashed), Err(ApiMisuse::UnknownTicket(ticket)));
    assert_eq!(store.handle_disk(now, ticket, Ok(nothing())), Ok(()));
    assert_eq!(store.handle_disk(now, ticket, Ok(nothing())), Err(ApiMisuse::UnknownTicket(ticket)));
    assert!(matches!(bench.store.poll(), Some(StoreOutput::Reply { token: 1, .. })));
}

#[test]
fn rows_of_any_bytes_never_make_it_panic() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    for name in 1..5 {
        bench.ask(OTHER, owner.put(name, 1, 9));
        bench.ask(OTHER, put_record(&owner.record_until(name, 1, START_MS + 1)));
    }
    for cut in [0, 1, 5, 20, 40, 200] {
        let mut hurt = Bench::on(bench.disk.clone(), bench.setup.clone());
        for (key, value) in &mut hurt.disk.rows {
            if key[0] != 8 {
                *value = value.slice(..value.len().min(cut));
            }
        }
        hurt.run();
        hurt.store.set_clock_ok(hurt.now, true);
        let list = Request::ListRecords { owner: owner.id(), after: None, rows: 9, shards: (0, 255) };
        let evict = Request::Evict { owner: owner.id(), name: None };
        for request in [list, Request::Status, get(9), owner.have(1, 1, [9]), owner.put(2, 1, 9), evict] {
            hurt.ask(Origin::Own, request);
        }
        hurt.ask(OTHER, put_record(&owner.floor(9, 9)));
        hurt.advance(Duration::from_secs(600));
        assert_eq!(hurt.store.pending(), 0);
    }
}

#[test]
fn a_bit_that_flips_anywhere_in_a_records_row_is_noticed_and_told_once() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask(OTHER, put_record(&owner.record(1, 1)));
    let (key, sound) = bench.disk.rows.iter().find(|(key, _)| key[0] == kind::REC).unwrap();
    let (key, sound) = (key.clone(), sound.clone());
    let record = Request::GetRecord { owner: owner.id(), name: name(1) };
    for at in 0..sound.len() {
        let mut hurt = Bench::on(bench.disk.clone(), bench.setup.clone());
        let mut row = sound.to_vec();
        row[at] ^= 4;
        hurt.disk.rows.insert(key.clone(), row.into());
        hurt.run();
        for _ in 0..2 {
            assert_code(&hurt.ask(OTHER, record.clone()), ErrorCode::Damaged);
        }
        assert_eq!(hurt.damages, [Damage::Record(owner.id(), name(1))], "byte {at}");
        let position = crate::node::view::record_position(SUITE, &owner.id(), name(1).0[0]);
        assert!(hurt.store.is_in_doubt(&position));
        // With nobody to ask, what is valid and comes again mends it.
        assert!(!matches!(hurt.ask(OTHER, put_record(&owner.record(1, 1))), Response::Error(_)));
        assert!(!hurt.store.is_in_doubt(&position));
    }
}

#[test]
fn a_pinned_blob_that_is_not_there_is_told_when_it_is_asked_for_and_one_dropped_by_hand_is_not() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask(OTHER, owner.put(1, 1, 9));
    bench.ask(OTHER, put_record(&owner.record(1, 1)));
    assert_code(&bench.ask(OTHER, get(8)), ErrorCode::NotFound);
    assert_eq!(bench.damages, [], "nobody here wants it");
    let (id, bytes) = bench.disk.blobs.pop_first().unwrap();
    assert_code(&bench.ask(OTHER, get(9)), ErrorCode::NotFound);
    assert_eq!(bench.damages, [Damage::Blob(id, bytes.len() as u32)]);
    bench.damages.clear();
    bench.disk.blobs.insert(id, bytes);
    bench.ask(Origin::Own, Request::Evict { owner: owner.id(), name: None });
    assert_code(&bench.ask(OTHER, get(9)), ErrorCode::NotFound);
    assert_eq!(bench.damages, [], "it was dropped on purpose");
}

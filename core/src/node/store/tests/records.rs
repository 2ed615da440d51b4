//! `PutRecord` and `GetRecord`: what replaces what, and what is refused.

use super::bench::*;
use crate::config::limit;
use crate::id::{NodeId, Position};
use crate::node::store::{Keep, Origin};
use crate::record::Record;
use crate::wire::{ErrorCode, PulledRecord, Request, Response};
use alloc::sync::Arc;
use alloc::vec;

const HALF_LEASE: i64 = (limit::LEASE_MS / 2) as i64;
const SKEW: i64 = limit::CLOCK_SKEW_MS as i64;

fn put(bench: &mut Bench, origin: Origin, record: &Record) -> Response {
    bench.ask(origin, put_record(record))
}

/// The record comes with what a member holds.
fn pulled(bench: &mut Bench, record: &Record) {
    let row = PulledRecord { record: record.clone(), age_ms: 0, expired: false };
    let answer = bench.call(|store, now, token| store.keep_pulled(now, token, NodeId([9; 32]), row));
    assert_eq!(answer, stored(1));
}

#[test]
fn a_record_is_replaced_only_by_one_of_higher_order() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let (old, new) = (owner.inline(1, 1), owner.inline(1, 2));
    assert_eq!(put(&mut bench, owner.client(), &new), stored(1));
    assert_stale(&put(&mut bench, owner.client(), &old), &new);
    assert_eq!(bench.record_of(&owner, 1), (Some(new.clone()), None));
    let newest = owner.tombstone(1, 3);
    assert_eq!(put(&mut bench, OTHER, &newest), stored(1));
    assert_eq!(bench.record_of(&owner, 1).0, Some(newest));
    assert_eq!(bench.record_of(&owner, 2), (None, None));
}

#[test]
fn two_records_of_one_version_settle_on_the_same_one_in_either_order() {
    let owner = Owner::new(1);
    let both = [owner.inline(1, 1), owner.tombstone(1, 1)];
    let winner = both.iter().max_by_key(|record| record.order()).unwrap();
    for order in [[0, 1], [1, 0]] {
        let mut bench = Bench::new();
        for record in order.map(|i| &both[i]) {
            put(&mut bench, OTHER, record);
        }
        assert_eq!(bench.record_of(&owner, 1).0.as_ref(), Some(winner));
    }
}

#[test]
fn the_same_signed_bytes_again_are_a_success_and_write_nothing() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let record = owner.inline(1, 1);
    put(&mut bench, owner.client(), &record);
    let before = bench.log.len();
    assert_eq!(put(&mut bench, owner.client(), &record), stored(1));
    assert_eq!(put(&mut bench, OTHER, &record.to_stub()), stored(1));
    assert_eq!(bench.log.len(), before);
}

#[test]
fn a_stub_takes_the_place_of_no_record_unless_a_member_that_had_it_whole_has_given_it_up() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let (file, newer) = (owner.inline(1, 1), owner.inline(1, 2));
    assert_code(&put(&mut bench, OTHER, &file.to_stub()), ErrorCode::NotFound);
    put(&mut bench, owner.client(), &file);
    assert_code(&put(&mut bench, OTHER, &newer.to_stub()), ErrorCode::NotFound);
    assert_eq!(bench.record_of(&owner, 1).0, Some(file));
    pulled(&mut bench, &newer.to_stub());
    assert_eq!(bench.record_of(&owner, 1).0, Some(newer.to_stub()));
    // What has no parts is all there.
    assert_eq!(put(&mut bench, OTHER, &owner.tombstone(1, 3)), stored(1));
}

#[test]
fn a_stub_is_completed_by_the_whole_record() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let record = owner.inline(1, 1);
    pulled(&mut bench, &record.to_stub());
    assert_eq!(bench.status().copies_missing, 1);
    put(&mut bench, OTHER, &record);
    assert_eq!(bench.record_of(&owner, 1).0, Some(record));
    assert_eq!(bench.status().copies_missing, 0);
}

#[test]
fn a_client_may_write_only_its_own_and_only_whole_records() {
    let (mut bench, owner, other) = (Bench::new(), Owner::new(1), Owner::new(2));
    let record = owner.inline(1, 1);
    assert_code(&put(&mut bench, other.client(), &record), ErrorCode::Forbidden);
    assert_code(&put(&mut bench, owner.client(), &record.to_stub()), ErrorCode::Invalid);
    assert_code(&put(&mut bench, owner.client(), &record.without_body()), ErrorCode::Invalid);
    assert_eq!(bench.record_of(&owner, 1), (None, None));
}

#[test]
fn a_record_with_a_wrong_signature_is_refused() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let stub = owner.inline(1, 1).to_stub();
    let mut forged = stub.bytes().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let forged = Record::parse(SUITE, forged.into()).unwrap();
    assert_code(&put(&mut bench, OTHER, &forged), ErrorCode::Invalid);
    assert_eq!(bench.record_of(&owner, 1), (None, None));
}

#[test]
fn a_client_with_a_clock_far_ahead_is_refused_unless_it_is_one_step_above_what_is_stored() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let ahead = owner.inline(1, SKEW + 1);
    assert_eq!(put(&mut bench, owner.client(), &owner.inline(1, SKEW)), stored(1));
    assert_code(&put(&mut bench, owner.client(), &ahead), ErrorCode::Future);
    // Another node may bring it (its entry node let it in); then the owner can go on from there.
    assert_eq!(put(&mut bench, OTHER, &ahead), stored(1));
    assert_code(&put(&mut bench, owner.client(), &owner.inline(1, SKEW + 9)), ErrorCode::Future);
    let step = owner.next_step(1, SKEW + 1);
    assert_eq!(put(&mut bench, owner.client(), &step), stored(1));
}

#[test]
fn a_client_that_slept_longer_than_half_a_lease_is_refused() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let old = owner.inline(1, -HALF_LEASE - 1);
    assert_code(&put(&mut bench, owner.client(), &old), ErrorCode::Past);
    assert_eq!(put(&mut bench, owner.client(), &owner.inline(1, -HALF_LEASE)), stored(1));
    // Repair brings records of any age, and a retry of what is stored is no write.
    assert_eq!(put(&mut bench, OTHER, &owner.inline(2, -HALF_LEASE - 1)), stored(1));
    assert_eq!(put(&mut bench, owner.client(), &owner.inline(2, -HALF_LEASE - 1)), stored(1));
}

#[test]
fn a_floor_is_never_too_old_but_may_be_too_far_ahead() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let old = owner.floor(-HALF_LEASE - 1, -HALF_LEASE - 1);
    assert_eq!(put(&mut bench, owner.client(), &old), stored(1));
    assert_code(&put(&mut bench, owner.client(), &owner.floor(SKEW + 1, 5)), ErrorCode::Future);
}

/// Durable here, but not as one of the copies that count.
const HINT: Response = Response::Stored { copies: 0, wanted: 1 };

#[test]
fn a_hint_keeps_the_whole_record_on_a_node_that_is_no_replica() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.store.set_view(nowhere());
    let record = owner.inline(1, 1);
    assert_eq!(bench.ask_to(owner.client(), Keep::Hint, put_record(&record)), HINT);
    bench.restart();
    bench.store.set_view(nowhere());
    assert_eq!(bench.record_of(&owner, 1).0, Some(record));
    // What kills it is kept in its place, until its own replicas have that.
    let tombstone = owner.tombstone(1, 2);
    assert_eq!(put(&mut bench, OTHER, &tombstone), HINT);
    assert_eq!(bench.record_of(&owner, 1).0, Some(tombstone));
}

#[test]
fn a_hint_makes_a_whole_record_of_the_stub_that_was_kept_for_its_pins() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.store.set_view(nowhere());
    bench.ask(OTHER, owner.put(1, 2, 9));
    put(&mut bench, OTHER, &owner.record(1, 2));
    assert_eq!(bench.record_of(&owner, 1).0, Some(owner.record(1, 2).to_stub()));
    assert_eq!(bench.ask_to(OTHER, Keep::Hint, put_record(&owner.record(1, 2))), HINT);
    assert_eq!(bench.record_of(&owner, 1).0, Some(owner.record(1, 2)));
}

#[test]
fn an_entry_node_that_is_no_replica_checks_and_keeps_nothing() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let before = bench.disk.rows.clone();
    let check =
        |bench: &mut Bench, record: &Record, keep| bench.ask_to(owner.client(), keep, put_record(record));
    for keep in [Keep::Nothing, Keep::Cache] {
        assert_eq!(check(&mut bench, &owner.inline(1, 1), keep), stored(0));
        assert_code(&check(&mut bench, &owner.inline(1, SKEW + 1), keep), ErrorCode::Future);
    }
    assert_eq!(bench.disk.rows, before);
}

#[test]
fn a_node_that_is_no_replica_keeps_a_record_only_as_the_proof_of_what_is_pinned_here() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.store.set_view(nowhere());
    assert_eq!(put(&mut bench, OTHER, &owner.inline(1, 1)), Response::Stored { copies: 0, wanted: 1 });
    assert_eq!(bench.disk.count(kind::REC), 0);

    bench.ask(OTHER, owner.put(1, 2, 9));
    put(&mut bench, OTHER, &owner.record(1, 2));
    let stub = bench.record_of(&owner, 1).0.unwrap();
    assert_eq!(stub, owner.record(1, 2).to_stub());

    put(&mut bench, OTHER, &owner.tombstone(1, 3));
    // Its pin is gone, so the proof is not needed any more.
    assert_eq!([kind::PIN, kind::REC, kind::PROOF].map(|kind| bench.disk.count(kind)), [0; 3]);
}

#[test]
fn a_node_that_becomes_a_replica_takes_the_whole_record() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.store.set_view(nowhere());
    bench.ask(OTHER, owner.put(1, 2, 9));
    put(&mut bench, OTHER, &owner.record(1, 2));
    bench.store.set_view(Arc::new(Rule(|_: &Position| true)));
    assert_eq!(put(&mut bench, OTHER, &owner.record(1, 2)), stored(1));
    assert_eq!(bench.record_of(&owner, 1).0, Some(owner.record(1, 2)));
}

#[test]
fn everything_not_above_the_floor_is_refused_with_the_floor() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let floor = owner.floor(10, 10);
    assert_eq!(put(&mut bench, owner.client(), &floor), stored(1));
    assert_stale(&put(&mut bench, owner.client(), &owner.inline(1, 10)), &floor);
    assert_stale(&put(&mut bench, OTHER, &owner.tombstone(1, 9)), &floor);
    assert_stale(&bench.ask(OTHER, owner.put(1, 10, 9)), &floor);
    assert_stale(&bench.ask(OTHER, owner.have(1, 10, [9])), &floor);
    assert_eq!(put(&mut bench, owner.client(), &owner.inline(1, 11)), stored(1));
    assert_eq!(bench.ask(OTHER, owner.put(2, 11, 9)), stored(1));
    assert_stale(&put(&mut bench, owner.client(), &owner.floor(9, 9)), &floor);
}

#[test]
fn a_writers_grant_counts_until_the_floor_voids_its_epoch() {
    let (mut bench, owner, writer) = (Bench::new(), Owner::new(1), Owner::new(2));
    let put_blob = |name, since| Request::PutBlob {
        pins: vec![owner.pin_by(&writer, 3, name, since, 9)],
        blob: blob(9).1,
    };
    assert_eq!(bench.ask(OTHER, put_blob(1, 20)), stored(1));
    assert_eq!(put(&mut bench, OTHER, &owner.tombstone_by(&writer, 3, 2, 20)), stored(1));
    put(&mut bench, OTHER, &owner.floor_of_grants(10, 10, 4));
    assert_code(&bench.ask(OTHER, put_blob(1, 21)), ErrorCode::Invalid);
    assert_code(&put(&mut bench, OTHER, &owner.tombstone_by(&writer, 3, 2, 21)), ErrorCode::Invalid);
    assert_eq!(put(&mut bench, OTHER, &owner.tombstone_by(&writer, 4, 2, 21)), stored(1));
}

#[test]
fn every_answer_about_a_record_carries_the_floor_and_hides_what_is_below_it() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.settle = None;
    put(&mut bench, owner.client(), &owner.inline(1, 5));
    let floor = owner.floor(10, 10);
    put(&mut bench, owner.client(), &floor);
    // Not removed yet, but dead at once.
    assert_eq!(bench.disk.count(kind::REC), 2);
    assert_eq!(bench.record_of(&owner, 1), (None, Some(floor.clone())));
    let ask = Request::GetRecord { owner: owner.id(), name: name(0) };
    let answer = Response::Record { record: Some(floor.clone()), floor: Some(floor), fresh: false };
    assert_eq!(bench.ask(OTHER, ask), answer);
}

#[test]
fn a_damaged_row_is_told_and_repaired_by_the_record_that_comes_again() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let record = owner.inline(1, 1);
    put(&mut bench, OTHER, &record);
    let row = bench.disk.rows.iter_mut().find(|(key, _)| key[0] == kind::REC).unwrap().1;
    let mut rotten = row.to_vec();
    *rotten.last_mut().unwrap() ^= 1;
    *row = rotten.into();
    let ask = Request::GetRecord { owner: owner.id(), name: name(1) };
    assert_code(&bench.ask(OTHER, ask), ErrorCode::Damaged);
    assert_eq!(put(&mut bench, OTHER, &record), stored(1));
    assert_eq!(bench.record_of(&owner, 1).0, Some(record));
}

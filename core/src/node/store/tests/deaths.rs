//! Pins that are confirmed, pins that die, proofs that are offered, blobs that go.

use super::bench::*;
use crate::node::store::rows::{OwnRow, PinStatus};
use crate::record::Record;
use crate::wire::{Request, Response};
use alloc::vec::Vec;
use core::time::Duration;

/// A file of three blobs, stored as clients do.
fn store(bench: &mut Bench, owner: &Owner, name: u8, ms: i64) -> Record {
    for n in 0..3 {
        assert_eq!(bench.ask(owner.client(), owner.put(name, ms, 10 * name + n)), stored(1));
    }
    let record = owner.record(name, ms);
    assert_eq!(bench.ask(owner.client(), put_record(&record)), stored(1));
    record
}

fn counts(bench: &Bench) -> (usize, usize) {
    (bench.disk.count(kind::PIN), bench.disk.blobs.len())
}

fn statuses(bench: &Bench) -> Vec<PinStatus> {
    let rows = bench.disk.rows.iter().filter(|(key, _)| key[0] == kind::OWN);
    rows.map(|(_, value)| OwnRow::decode(value).unwrap().status).collect()
}

#[test]
fn a_record_confirms_the_pins_that_it_lists() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask(owner.client(), owner.put(1, 1, 10));
    bench.ask(owner.client(), owner.put(1, 2, 11));
    assert_eq!(statuses(&bench), [PinStatus::Pending; 2]);
    bench.ask(owner.client(), put_record(&owner.record(1, 1)));
    assert_eq!(statuses(&bench), [PinStatus::Confirmed, PinStatus::Pending]);
    // One that comes after its record, in repair.
    bench.ask(OTHER, owner.put(1, 1, 12));
    assert_eq!(statuses(&bench)[1], PinStatus::Confirmed);
    assert_eq!((bench.disk.count(kind::PROOF), bench.offers.len()), (0, 0));
}

#[test]
fn a_delete_removes_pins_then_after_the_linger_blobs_and_leaves_the_tombstone() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    store(&mut bench, &owner, 1, 1);
    let tombstone = owner.tombstone(1, 2);
    bench.ask(owner.client(), put_record(&tombstone));
    assert_eq!(counts(&bench), (0, 3));
    assert!(matches!(bench.ask(OTHER, get(10)), Response::Blob { .. }), "a reader in flight");
    bench.advance(LINGER);
    assert_eq!(counts(&bench), (0, 0));
    let left = [kind::REC, kind::LINGER, kind::PROOF, kind::OWN].map(|kind| bench.disk.count(kind));
    assert_eq!(left, [1, 0, 0, 0]);
    assert_eq!(bench.record_of(&owner, 1).0, Some(tombstone));
}

#[test]
fn a_new_version_removes_the_old_ones_pins_and_no_others() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    store(&mut bench, &owner, 1, 1);
    store(&mut bench, &owner, 2, 1);
    bench.ask(owner.client(), owner.put(1, 9, 99));
    // The new version shares blob 10 with the old one.
    bench.ask(owner.client(), owner.have(1, 5, [10]));
    bench.ask(owner.client(), put_record(&owner.record(1, 5)));
    bench.advance(LINGER);
    assert_eq!(counts(&bench), (5, 5), "blob 10 anew, the upload under way, and the other name's three");
    assert!(matches!(bench.ask(OTHER, get(10)), Response::Blob { .. }));
}

#[test]
fn a_blob_that_another_owner_pins_stays() {
    let (mut bench, owner, other) = (Bench::new(), Owner::new(1), Owner::new(2));
    store(&mut bench, &owner, 1, 1);
    bench.ask(other.client(), other.put(1, 1, 10));
    bench.ask(owner.client(), put_record(&owner.tombstone(1, 2)));
    bench.advance(LINGER * 2);
    assert_eq!(counts(&bench), (1, 1));
}

#[test]
fn a_blob_that_is_pinned_again_during_the_linger_stays() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    store(&mut bench, &owner, 1, 1);
    bench.ask(owner.client(), put_record(&owner.tombstone(1, 2)));
    bench.advance(LINGER / 2);
    bench.ask(owner.client(), owner.put(1, 3, 10));
    bench.advance(LINGER * 2);
    assert_eq!(counts(&bench), (1, 1));
    assert_eq!(bench.disk.count(kind::LINGER), 0);
}

#[test]
fn a_blob_that_loses_its_last_pin_twice_lingers_from_the_second_time() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    store(&mut bench, &owner, 1, 1);
    bench.ask(owner.client(), put_record(&owner.tombstone(1, 2)));
    bench.advance(LINGER / 2);
    bench.ask(owner.client(), owner.put(1, 3, 10));
    bench.ask(owner.client(), put_record(&owner.tombstone(1, 4)));
    bench.advance(LINGER / 2);
    assert_eq!(counts(&bench), (0, 1), "the others have had their time");
    bench.advance(LINGER / 2 - Duration::from_secs(1));
    assert!(matches!(bench.ask(OTHER, get(10)), Response::Blob { .. }), "a reader in flight");
    bench.advance(Duration::from_secs(1));
    assert_eq!(counts(&bench), (0, 0));
    assert_eq!((bench.disk.count(kind::LINGER), bench.disk.count(kind::UNPINNED)), (0, 0));
}

#[test]
fn a_dead_pin_stays_until_its_proof_is_durable_on_enough_replicas() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    store(&mut bench, &owner, 1, 1);
    bench.settle = None;
    let tombstone = owner.tombstone(1, 2);
    bench.ask(owner.client(), put_record(&tombstone));
    bench.advance(Duration::from_secs(5));
    assert_eq!(counts(&bench), (3, 3));
    let (offer, stub) = bench.offers.pop().unwrap();
    assert_eq!(stub, tombstone.to_stub());
    bench.store.settled(bench.now, offer + 7, 2, 2);
    bench.run();
    assert_eq!(counts(&bench), (3, 3), "an offer that was never made settles nothing");
    bench.store.settled(bench.now, offer, 2, 2);
    bench.run();
    assert_eq!(counts(&bench), (0, 3));
}

#[test]
fn a_proof_that_was_not_settled_is_offered_again_and_again_until_it_is() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    store(&mut bench, &owner, 1, 1);
    bench.settle = Some((1, 2));
    bench.ask(owner.client(), put_record(&owner.tombstone(1, 2)));
    bench.advance(Duration::from_secs(3600));
    let offers = bench.offers.len();
    assert!((8..25).contains(&offers), "{offers}: the wait doubles");
    assert_eq!(counts(&bench), (3, 3));
    bench.settle = Some((2, 2));
    bench.advance(bench.setup.config.offer_again_longest + LINGER);
    assert_eq!(counts(&bench), (0, 0));
    assert_eq!(bench.offers.len(), offers + 1);
}

#[test]
fn an_offer_that_nobody_settles_is_made_again_after_its_deadline() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    store(&mut bench, &owner, 1, 1);
    bench.settle = None;
    bench.ask(owner.client(), put_record(&owner.tombstone(1, 2)));
    bench.settle = Some((2, 2));
    bench.advance(bench.setup.config.offer_deadline + bench.setup.config.offer_again_first);
    assert_eq!((bench.offers.len(), counts(&bench)), (2, (0, 3)));
}

#[test]
fn proofs_and_lingers_go_on_after_a_restart() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    store(&mut bench, &owner, 1, 1);
    bench.settle = None;
    bench.ask(owner.client(), put_record(&owner.tombstone(1, 2)));
    bench.settle = Some((2, 2));
    bench.restart();
    bench.advance(Duration::ZERO);
    assert_eq!(counts(&bench), (0, 3));
    bench.restart();
    bench.advance(LINGER);
    assert_eq!(counts(&bench), (0, 0));
}

#[test]
fn linger_counts_in_running_time_and_not_while_the_node_is_off() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.advance(Duration::from_secs(1000));
    store(&mut bench, &owner, 1, 1);
    bench.ask(owner.client(), put_record(&owner.tombstone(1, 2)));
    bench.now.unix_ms += 24 * 3600 * 1000;
    bench.restart();
    bench.advance(LINGER / 2);
    assert_eq!(counts(&bench), (0, 3));
    bench.advance(LINGER / 2 + bench.setup.config.running_time_every);
    assert_eq!(counts(&bench), (0, 0));
}

#[test]
fn more_deaths_than_are_worked_on_at_once_all_come_to_their_end() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    for name in 1..=25 {
        store(&mut bench, &owner, name, 1);
    }
    bench.settle = None;
    for name in 1..=25 {
        bench.ask(owner.client(), put_record(&owner.tombstone(name, 2)));
    }
    assert_eq!(bench.offers.len(), bench.setup.config.offers_in_flight);
    // A pass that waits for a place is no deadline that drivers would spin on.
    bench.advance(Duration::from_secs(5));
    bench.settle = Some((2, 2));
    for (offer, _) in bench.offers.clone() {
        bench.store.settled(bench.now, offer, 2, 2);
        bench.run();
    }
    bench.advance(Duration::from_secs(1));
    assert_eq!((counts(&bench).0, bench.disk.count(kind::PROOF)), (0, 0));
}

#[test]
fn a_record_that_comes_while_its_predecessor_is_offered_is_offered_too() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    store(&mut bench, &owner, 1, 1);
    bench.settle = None;
    bench.ask(owner.client(), put_record(&owner.tombstone(1, 2)));
    store(&mut bench, &owner, 1, 3);
    let last = owner.tombstone(1, 4);
    bench.ask(owner.client(), put_record(&last));
    bench.settle = Some((2, 2));
    bench.store.settled(bench.now, bench.offers[0].0, 2, 2);
    bench.run();
    assert_eq!(bench.offers.last().unwrap().1, last.to_stub());
    assert_eq!((counts(&bench).0, bench.disk.count(kind::PROOF)), (0, 0));
}

#[test]
fn a_floor_removes_all_records_and_pins_not_above_it_once_it_is_durable_enough() {
    let (mut bench, owner, other) = (Bench::new(), Owner::new(1), Owner::new(2));
    for name in 1..=6 {
        store(&mut bench, &owner, name, i64::from(name));
    }
    for name in 100..=250 {
        bench.ask(owner.client(), put_record(&owner.inline(name, 2)));
    }
    store(&mut bench, &other, 1, 1);
    bench.ask(owner.client(), owner.put(9, 8, 90));
    bench.settle = None;
    let floor = owner.floor(4, 4);
    bench.ask(owner.client(), put_record(&floor));
    assert_eq!(counts(&bench).0, 22);
    assert_eq!(bench.offers.pop().unwrap(), (0, floor.clone()));
    bench.store.settled(bench.now, 0, 2, 2);
    bench.run();
    bench.advance(LINGER);
    // Names 5 and 6, the upload under way, and all of the other owner.
    assert_eq!(counts(&bench), (3 + 3 + 1 + 3, 3 + 3 + 1 + 3));
    assert_eq!((bench.disk.count(kind::REC), bench.disk.count(kind::PROOF)), (2 + 1 + 1, 0));
    assert_eq!(bench.record_of(&owner, 5), (Some(owner.record(5, 5)), Some(floor)));
}

#[test]
fn a_floor_goes_on_after_a_restart_in_the_middle() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    for name in 1..=9 {
        store(&mut bench, &owner, name, 1);
    }
    bench.submit(owner.client(), crate::node::store::Keep::Replica, put_record(&owner.floor(4, 4)));
    while bench.disk.count(kind::PIN) == 27 {
        assert!(bench.step());
    }
    bench.restart();
    bench.advance(LINGER);
    assert_eq!(counts(&bench), (0, 0));
    assert_eq!((bench.disk.count(kind::REC), bench.disk.count(kind::PROOF)), (1, 0));
}

#[test]
fn a_record_that_was_never_pinned_here_costs_no_proof() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask(owner.client(), put_record(&owner.inline(1, 1)));
    let before = bench.log.len();
    bench.ask(owner.client(), put_record(&owner.tombstone(1, 2)));
    assert_eq!((bench.log.len(), bench.offers.len()), (before + 1, 0));
}

#[test]
fn a_file_of_more_pins_than_one_step_removes_goes_whole() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    for n in 0..=255 {
        bench.ask(owner.client(), owner.put(1, 1, n));
    }
    let pins = (0..=255).map(|n| owner.pin(1, 1, n)).collect();
    bench.ask(owner.client(), Request::Have { pins });
    bench.ask(owner.client(), put_record(&owner.record(1, 1)));
    assert_eq!(counts(&bench), (256, 256));
    bench.ask(owner.client(), put_record(&owner.tombstone(1, 2)));
    bench.advance(LINGER);
    assert_eq!(counts(&bench), (0, 0));
}

//! Quotas of owners, and the disk's floor.

use super::bench::*;
use crate::config::Config;
use crate::error::DiskError;
use crate::node::store::Keep;
use crate::wire::{ErrorCode, PulledPin, Request};
use alloc::vec;
use core::time::Duration;

/// Room for three of the tests' blobs.
fn bench() -> Bench {
    Bench::with(Config { quota: 1000, ..Config::default() })
}

#[test]
fn a_client_has_room_for_its_quota_and_no_more() {
    let (mut bench, owner, other) = (bench(), Owner::new(1), Owner::new(2));
    for n in 0..3 {
        assert_eq!(bench.ask(owner.client(), owner.put(1, 1, n)), stored(1));
    }
    assert_code(&bench.ask(owner.client(), owner.put(1, 1, 3)), ErrorCode::Quota);
    assert_eq!(bench.ask(other.client(), other.put(1, 1, 3)), stored(1));
    // What replicas hand each other is counted, but never refused.
    assert_eq!(bench.ask(OTHER, owner.put(1, 1, 4)), stored(1));
    assert_code(&bench.ask(other.client(), owner.put(1, 1, 5)), ErrorCode::Forbidden);
}

#[test]
fn blobs_that_come_at_once_share_the_room_and_one_that_the_disk_refuses_takes_none() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    bench.faults.push((|request| request.is_mutation(), DiskError::Io));
    let tokens = [0, 1, 2, 3, 4].map(|n| bench.submit(owner.client(), Keep::Replica, owner.put(1, 1, n)));
    bench.run();
    let taken = tokens.iter().filter(|token| bench.replies[*token] == stored(1)).count();
    assert_eq!(taken, 2, "of three that there was room for the disk refused one");
    assert_eq!(bench.ask(owner.client(), owner.put(1, 1, 5)), stored(1));
    assert_code(&bench.ask(owner.client(), owner.put(1, 1, 6)), ErrorCode::Quota);
}

#[test]
fn a_blob_counts_once_however_many_pins_it_has() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    for since in 1..9 {
        assert_eq!(bench.ask(owner.client(), owner.put(1, since, 1)), stored(1));
    }
    bench.ask(owner.client(), owner.have(2, 1, [1]));
    assert_eq!(bench.ask(owner.client(), owner.put(1, 1, 2)), stored(1));
    assert_eq!(bench.ask(owner.client(), owner.put(1, 1, 3)), stored(1));
    assert_code(&bench.ask(owner.client(), owner.put(1, 1, 4)), ErrorCode::Quota);
}

#[test]
fn what_is_deleted_makes_room_and_a_restart_counts_the_same() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    for n in 0..3 {
        bench.ask(owner.client(), owner.put(1, 1, n));
        bench.ask(owner.client(), owner.put(1, 2, n));
    }
    bench.restart();
    assert_code(&bench.ask(owner.client(), owner.put(2, 1, 3)), ErrorCode::Quota);
    bench.ask(owner.client(), put_record(&owner.record(1, 1)));
    bench.ask(owner.client(), put_record(&owner.tombstone(1, 3)));
    assert_eq!(bench.disk.count(kind::PIN), 0);
    for n in 3..6 {
        assert_eq!(bench.ask(owner.client(), owner.put(2, 1, n)), stored(1));
    }
    assert_code(&bench.ask(owner.client(), owner.put(2, 1, 6)), ErrorCode::Quota);
}

#[test]
fn pins_that_are_pulled_count_too() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    let row = |n| PulledPin { pin: owner.pin(1, 1, n), lease_ms: 0, pending: true };
    bench.ask(OTHER, Request::PutPins { pins: vec![row(1), row(2), row(3)] });
    assert_code(&bench.ask(owner.client(), owner.put(1, 1, 4)), ErrorCode::Quota);
}

#[test]
fn a_cached_copy_is_nobodys() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    for n in 0..9 {
        assert_eq!(bench.ask_to(owner.client(), Keep::Cache, owner.put(1, 1, n)), stored(0));
    }
}

#[test]
fn below_the_disks_floor_nothing_is_taken_but_what_deletes() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let floor = bench.setup.config.disk_floor;
    assert_eq!(bench.ask(owner.client(), owner.put(1, 1, 1)), stored(1));
    bench.ask(owner.client(), put_record(&owner.record(1, 1)));
    bench.disk.free = Some(floor + 100);
    bench.advance(bench.setup.config.space_every);
    assert_code(&bench.ask(owner.client(), owner.put(1, 1, 2)), ErrorCode::NoSpace);
    assert_code(&bench.ask(OTHER, owner.put(1, 1, 2)), ErrorCode::NoSpace);
    assert_code(&bench.ask(owner.client(), put_record(&owner.inline(2, 1))), ErrorCode::NoSpace);
    // What is here already costs nothing more.
    assert_eq!(bench.ask(owner.client(), owner.put(1, 2, 1)), stored(1));
    assert_eq!(bench.ask(owner.client(), put_record(&owner.tombstone(1, 3))), stored(1));
    assert_eq!(bench.ask(owner.client(), put_record(&owner.floor(4, 4))), stored(1));
    bench.disk.free = Some(floor * 2);
    bench.advance(Duration::from_secs(60));
    assert_eq!(bench.ask(owner.client(), put_record(&owner.inline(2, 5))), stored(1), "there is room again");
    assert_eq!(bench.ask(owner.client(), owner.put(1, 5, 2)), stored(1));
}

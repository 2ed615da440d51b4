//! Tombstones that are dropped, and those that are not yet.

use super::bench::*;
use crate::config::Config;
use crate::record::Record;
use crate::wire::{PulledRecord, Request, Response};
use core::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A store in which a tombstone may go after three days.
fn bench() -> Bench {
    let hour = Duration::from_secs(3600);
    Bench::with(Config { tombstone_after: DAY * 3, running_time_every: hour, ..Config::default() })
}

fn is_clean(bench: &mut Bench, record: &Record) -> bool {
    match bench.ask(OTHER, Request::Forget { record: record.clone() }) {
        Response::Forgotten { clean } => clean,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_tombstone_goes_when_it_is_old_and_nothing_older_is_left_anywhere() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    bench.clean = true;
    bench.ask(OTHER, put_record(&owner.tombstone(1, 2)));
    bench.ask(OTHER, put_record(&owner.inline(2, 2)));
    bench.advance(DAY * 3 - Duration::from_secs(60));
    assert_eq!((bench.disk.count(kind::REC), bench.forgets.len()), (2, 0));
    bench.advance(DAY * 2);
    assert_eq!(bench.forgets, [owner.tombstone(1, 2), owner.tombstone(1, 2)], "asked for twice, a day apart");
    assert_eq!((bench.record_of(&owner, 1).0, bench.disk.count(kind::REC)), (None, 1));
}

#[test]
fn a_tombstone_stays_as_long_as_one_member_has_not_said_that_it_is_clean() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    bench.ask(OTHER, put_record(&owner.tombstone(1, 2)));
    bench.advance(DAY * 10);
    assert!(bench.forgets.len() > 5);
    // One good answer is not enough, and a bad one takes it back.
    for clean in [true, false, true] {
        bench.clean = clean;
        bench.advance(DAY);
        assert_eq!(bench.disk.count(kind::REC), 1);
    }
    bench.clean = true;
    bench.advance(DAY);
    assert_eq!(bench.disk.count(kind::REC), 0);
}

#[test]
fn two_restarts_do_not_bring_the_two_answers_closer_together() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    bench.ask(OTHER, put_record(&owner.tombstone(1, 2)));
    bench.advance(DAY * 4);
    for _ in 0..3 {
        bench.restart();
        bench.clean = true;
        bench.advance(bench.setup.config.check_again * 2);
        assert_eq!((bench.forgets.len(), bench.disk.count(kind::REC)), (1, 1));
    }
}

#[test]
fn the_age_of_a_tombstone_is_not_lost_on_its_way_to_a_new_disk() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    bench.clean = true;
    let age_ms = (DAY * 3).as_millis() as u64;
    let row = PulledRecord { record: owner.tombstone(1, 2), age_ms, expired: false };
    bench.store.keep_pulled(bench.now, 7777, NODE, row);
    bench.run();
    assert_eq!(bench.disk.count(kind::REC), 1);
    bench.advance(DAY * 2);
    assert_eq!(bench.disk.count(kind::REC), 0);
}

#[test]
fn a_floor_and_a_living_record_are_never_dropped_for_their_age() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    bench.clean = true;
    bench.ask(OTHER, put_record(&owner.floor(1, 1)));
    bench.ask(OTHER, put_record(&owner.record(1, 2)));
    bench.advance(DAY * 30);
    assert_eq!((bench.disk.count(kind::REC), bench.forgets.len()), (2, 0));
}

#[test]
fn who_holds_nothing_of_the_name_or_the_tombstone_itself_is_clean() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    let tombstone = owner.tombstone(1, 5);
    assert!(is_clean(&mut bench, &tombstone));
    bench.ask(OTHER, put_record(&tombstone));
    bench.ask(OTHER, put_record(&owner.inline(2, 1)));
    // An upload that began after the delete has nothing to do with it.
    bench.ask(OTHER, owner.put(1, 6, 10));
    assert!(is_clean(&mut bench, &tombstone));
}

#[test]
fn who_holds_an_older_record_or_pins_that_are_dead_or_a_newer_record_is_not_clean() {
    let owner = Owner::new(1);
    let tombstone = owner.tombstone(1, 5);
    let held: [Request; 3] =
        [put_record(&owner.inline(1, 4)), owner.put(1, 5, 10), put_record(&owner.inline(1, 6))];
    for request in held {
        let mut bench = bench();
        bench.ask(OTHER, request.clone());
        assert!(!is_clean(&mut bench, &tombstone), "{request:?}");
    }
    let mut bench = bench();
    bench.ask(OTHER, put_record(&owner.inline(1, 4)));
    let row = bench.disk.rows.iter_mut().find(|(key, _)| key[0] == kind::REC).unwrap().1;
    *row = row.slice(..row.len() - 1);
    assert!(!is_clean(&mut bench, &tombstone), "nobody knows what stood there");
}

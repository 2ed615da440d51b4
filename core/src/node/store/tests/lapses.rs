//! Leases: pins whose object no record ever listed go when every replica has promised that none will.

use super::bench::*;
use crate::config::{Config, limit};
use crate::node::store::{HeldObject, Keep};
use crate::wire::{ErrorCode, PulledPin, Request, Response};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

const LEASE: Duration = Duration::from_millis(limit::LEASE_MS);
const HOUR: Duration = Duration::from_secs(3600);

/// A store that loses no running time worth mentioning and looks at its pins every hour.
fn bench() -> Bench {
    Bench::with(Config { running_time_every: HOUR, ..Config::default() })
}

fn left(bench: &Bench) -> (usize, usize) {
    (bench.disk.count(kind::PIN), bench.disk.blobs.len())
}

fn asked(bench: &mut Bench) -> Vec<HeldObject> {
    core::mem::take(&mut bench.checks).into_iter().flat_map(|(_, objects)| objects).collect()
}

#[test]
fn an_upload_that_was_given_up_goes_after_its_lease_when_every_replica_has_promised() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    bench.ask(owner.client(), owner.put(1, 1, 10));
    bench.ask(owner.client(), owner.put(1, 1, 11));
    bench.advance(LEASE - HOUR);
    assert!(asked(&mut bench).iter().all(|object| object.is_pending && !object.is_over));
    bench.advance(HOUR * 24 * 30);
    assert!(asked(&mut bench).last().is_some_and(|object| object.is_over));
    assert_eq!(left(&bench), (2, 2), "as long as one replica does not answer");
    bench.lapse = Some(true);
    bench.advance(HOUR * 2);
    assert_eq!(left(&bench), (0, 0));
}

#[test]
fn what_a_record_lists_has_no_lease() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    bench.lapse = Some(true);
    bench.ask(owner.client(), owner.put(1, 1, 10));
    bench.ask(owner.client(), put_record(&owner.record(1, 1)));
    bench.advance(LEASE * 3);
    assert!(asked(&mut bench).iter().all(|object| !object.is_pending && !object.is_over));
    assert_eq!(left(&bench), (1, 1));
}

#[test]
fn a_record_that_comes_while_a_lease_is_being_ended_keeps_its_pins() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    bench.ask(owner.client(), owner.put(1, 1, 10));
    bench.advance(LEASE);
    bench.lapse = None;
    while bench.checks.last().is_none_or(|(_, objects)| !objects[0].is_over) {
        // The question is still open then.
        bench.advance(bench.setup.config.offer_deadline / 2);
    }
    let (check, objects) = bench.checks.pop().unwrap();
    bench.ask(OTHER, put_record(&owner.record(1, 1)));
    bench.store.checked(bench.now, check, vec![objects[0].check]);
    bench.run();
    assert_eq!(left(&bench), (1, 1));
}

#[test]
fn a_lease_counts_in_running_time_and_a_clock_a_year_off_ends_none() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    bench.lapse = Some(true);
    bench.ask(owner.client(), owner.put(1, 1, 10));
    bench.now.unix_ms += 365 * 24 * 3600 * 1000;
    bench.restart();
    bench.advance(LEASE / 2);
    assert_eq!(left(&bench), (1, 1));
}

#[test]
fn a_pending_pin_keeps_the_age_of_its_lease_when_it_comes_to_a_new_disk() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    bench.lapse = Some(true);
    bench.ask(OTHER, owner.put(2, 1, 10));
    let lease_ms = limit::LEASE_MS - 60_000;
    let pins = vec![PulledPin { pin: owner.pin(1, 1, 10), lease_ms, pending: true }];
    assert!(matches!(bench.ask_to(OTHER, Keep::Replica, Request::PutPins { pins }), Response::PinsKept(_)));
    assert_eq!(left(&bench), (2, 1));
    bench.advance(HOUR * 2);
    assert_eq!(left(&bench), (1, 1), "the young one stays");
}

#[test]
fn a_question_is_about_one_shard_and_every_object_is_asked_for_once_in_a_round() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    for blob in 0..5 {
        bench.ask(OTHER, owner.put(1, 1, blob));
    }
    for since in 2..=90 {
        bench.ask(OTHER, owner.put(1, since, 7));
    }
    for name in 2..=4 {
        bench.ask(OTHER, owner.put(name, 1, 8));
    }
    bench.advance(bench.setup.config.check_again);
    let sizes: Vec<_> = bench.checks.iter().map(|(_, objects)| objects.len()).collect();
    assert_eq!(sizes, [limit::CHECK_PINS, 90 - limit::CHECK_PINS, 1, 1, 1]);
    bench.store.check_pins_soon(bench.now);
    bench.advance(bench.setup.config.check_again);
    assert_eq!(bench.checks.len(), 10, "again, when a member is back");
}

#[test]
fn a_question_that_is_never_answered_ends_at_its_deadline() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    bench.lapse = None;
    bench.ask(OTHER, owner.put(1, 1, 8));
    bench.ask(OTHER, owner.put(2, 1, 8));
    bench.advance(bench.setup.config.check_again + bench.setup.config.offer_deadline);
    assert_eq!(bench.checks.len(), 2);
    bench.store.checked(bench.now, bench.checks[0].0, vec![]);
    bench.run();
    assert_eq!(bench.checks.len(), 2, "a late answer is none");
}

#[test]
fn a_pin_that_was_given_up_is_not_taken_back_from_a_holder_with_a_younger_lease() {
    let (mut bench, owner) = (bench(), Owner::new(1));
    bench.lapse = Some(true);
    bench.ask(owner.client(), owner.put(1, 1, 10));
    bench.advance(LEASE + HOUR * 2);
    assert_eq!(left(&bench), (0, 0));
    let pins = vec![PulledPin { pin: owner.pin(1, 1, 10), lease_ms: 0, pending: true }];
    bench.ask_to(OTHER, Keep::Replica, Request::PutPins { pins });
    assert_code(&bench.ask(owner.client(), owner.put(1, 1, 10)), ErrorCode::Past);
    assert_eq!(left(&bench), (0, 0));
    assert_eq!(bench.ask(owner.client(), owner.put(1, 2, 10)), stored(1), "another pass is another object");
}

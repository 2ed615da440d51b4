//! `CheckPins`, and promises that no record will be kept for an object.

use super::bench::*;
use crate::config::limit;
use crate::record::Record;
use crate::wire::{ErrorCode, PinCheck, PinState, Request, Response};
use alloc::vec;
use alloc::vec::Vec;

fn check(owner: &Owner, name: u8, since: i64) -> PinCheck {
    PinCheck {
        owner: owner.id(),
        name: super::things::name(name),
        object: object(name, since),
        since: version(since),
    }
}

fn ask(bench: &mut Bench, lapse: bool, checks: Vec<PinCheck>) -> Vec<PinState> {
    match bench.ask(OTHER, Request::CheckPins { lapse, checks }) {
        Response::Checked(states) => states,
        other => panic!("{other:?}"),
    }
}

fn put(bench: &mut Bench, record: &Record) -> Response {
    bench.ask(OTHER, put_record(record))
}

#[test]
fn a_check_tells_what_the_newest_record_makes_of_an_object() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    put(&mut bench, &owner.record(1, 5));
    let states = [4, 5, 6].map(|since| ask(&mut bench, false, vec![check(&owner, 1, since)]).remove(0));
    let dead = PinState::Dead(owner.record(1, 5).to_stub());
    assert_eq!(states, [dead, PinState::Listed, PinState::Nothing]);
    assert_eq!(bench.disk.count(kind::PROMISE), 0, "nobody asked for a promise");
    let floor = owner.floor(9, 9);
    put(&mut bench, &floor);
    assert_eq!(ask(&mut bench, true, vec![check(&owner, 1, 9)]), [PinState::Dead(floor)]);
}

#[test]
fn a_check_is_about_one_shard_and_no_more_objects_than_allowed() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let over = (0..=limit::CHECK_PINS as i64).map(|since| check(&owner, 1, since)).collect();
    for checks in [vec![], over, vec![check(&owner, 1, 1), check(&owner, 2, 1)]] {
        assert_code(&bench.ask(OTHER, Request::CheckPins { lapse: false, checks }), ErrorCode::Invalid);
    }
}

#[test]
fn after_a_promise_no_record_that_lists_the_object_is_kept_whoever_brings_it() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    assert_eq!(ask(&mut bench, true, vec![check(&owner, 1, 5)]), [PinState::Nothing]);
    bench.restart();
    assert_code(&put(&mut bench, &owner.record(1, 5)), ErrorCode::Past);
    assert_code(&bench.ask(owner.client(), put_record(&owner.record(1, 5))), ErrorCode::Past);
    assert_eq!(bench.record_of(&owner, 1).0, None);
    // Another object of the same name is none of its business.
    assert_eq!(put(&mut bench, &owner.record(1, 4)), stored(1));
    assert_eq!(bench.disk.count(kind::PROMISE), 1);
}

#[test]
fn what_is_listed_here_is_not_promised_away() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    put(&mut bench, &owner.record(1, 5));
    assert_eq!(ask(&mut bench, true, vec![check(&owner, 1, 5)]), [PinState::Listed]);
    assert_eq!(bench.disk.count(kind::PROMISE), 0);
    assert_eq!(put(&mut bench, &owner.record(1, 5)), stored(1));
}

#[test]
fn a_promise_falls_with_a_record_above_it_and_with_a_floor() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    ask(&mut bench, true, vec![check(&owner, 1, 5), check(&owner, 1, 7), check(&owner, 1, 9)]);
    put(&mut bench, &owner.tombstone(1, 8));
    assert_eq!(bench.disk.count(kind::PROMISE), 1);
    // What the promises would refuse the tombstone refuses now.
    assert_stale(&put(&mut bench, &owner.record(1, 7)), &owner.tombstone(1, 8));
    put(&mut bench, &owner.floor(10, 10));
    assert_eq!(bench.disk.count(kind::PROMISE), 0);
}

#[test]
fn promises_are_taken_over_from_others_unless_something_newer_is_known() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    put(&mut bench, &owner.tombstone(1, 8));
    let promises = vec![check(&owner, 1, 5), check(&owner, 1, 9)];
    bench.store.keep_promises(bench.now, 7777, promises);
    bench.run();
    assert_eq!(bench.replies.remove(&7777), Some(stored(1)));
    assert_eq!(bench.disk.count(kind::PROMISE), 1);
    assert_code(&put(&mut bench, &owner.record(1, 9)), ErrorCode::Past);
}

#[test]
fn a_damaged_record_makes_no_promise() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    put(&mut bench, &owner.record(1, 5));
    let row = bench.disk.rows.iter_mut().find(|(key, _)| key[0] == kind::REC).unwrap().1;
    *row = row.slice(..row.len() - 1);
    let question = Request::CheckPins { lapse: true, checks: vec![check(&owner, 1, 5)] };
    assert_code(&bench.ask(OTHER, question), ErrorCode::Damaged);
    assert_eq!(bench.disk.count(kind::PROMISE), 0);
}

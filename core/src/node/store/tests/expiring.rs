//! Records that expire.

use super::bench::*;
use crate::node::store::Origin;
use crate::wire::{Request, Response};
use alloc::vec;
use core::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// A stored file that expires in an hour.
fn expiring() -> (Bench, Owner) {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask(owner.client(), owner.put(1, 1, 9));
    let record = owner.record_until(1, 1, START_MS + 3_600_000);
    assert_eq!(bench.ask(owner.client(), put_record(&record)), stored(1));
    (bench, owner)
}

fn counts(bench: &Bench) -> [usize; 4] {
    [kind::REC, kind::EXPIRE, kind::PIN, kind::PROOF].map(|kind| bench.disk.count(kind))
}

#[test]
fn a_record_that_expires_leaves_its_stub_and_its_pins_die() {
    let (mut bench, owner) = expiring();
    bench.store.set_clock_ok(bench.now, true);
    bench.advance(HOUR - Duration::from_millis(1));
    assert_eq!(counts(&bench), [1, 1, 1, 0]);
    bench.advance(Duration::from_millis(1));
    assert_eq!(counts(&bench), [1, 0, 0, 0]);
    let record = bench.record_of(&owner, 1).0.unwrap();
    assert!(record.is_stub());
    assert_eq!(bench.offers.last().unwrap().1, record);
    assert_eq!(bench.status().tombstones, 1);
    bench.advance(LINGER);
    assert!(bench.disk.blobs.is_empty());
}

#[test]
fn nothing_expires_while_the_clock_does_not_agree_with_the_others() {
    let (mut bench, _) = expiring();
    bench.advance(HOUR * 5);
    assert_eq!(counts(&bench), [1, 1, 1, 0]);
    bench.store.set_clock_ok(bench.now, true);
    bench.run();
    assert_eq!(counts(&bench), [1, 0, 0, 0]);
}

#[test]
fn a_record_that_was_replaced_in_time_does_not_expire() {
    let (mut bench, owner) = expiring();
    bench.ask(owner.client(), put_record(&owner.inline(1, 5)));
    assert_eq!(bench.disk.count(kind::EXPIRE), 0);
    bench.store.set_clock_ok(bench.now, true);
    bench.advance(HOUR * 2);
    assert_eq!(bench.record_of(&owner, 1).0, Some(owner.inline(1, 5)));
}

#[test]
fn a_record_that_comes_late_expires_at_once_and_stays_expired() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.store.set_clock_ok(bench.now, true);
    let record = owner.record_until(1, 1, START_MS - 1);
    bench.ask(OTHER, put_record(&record));
    assert_eq!(counts(&bench), [1, 0, 0, 0]);
    assert_eq!(bench.ask(OTHER, put_record(&record)), stored(1));
    assert!(bench.record_of(&owner, 1).0.unwrap().is_stub());
    let list = Request::ListRecords { owner: owner.id(), after: None, rows: 9, shards: (0, 255) };
    let Response::Records { records, .. } = bench.ask(owner.client(), list.clone()) else { panic!() };
    assert_eq!(records, vec![]);
    let Response::Records { records, .. } = bench.ask(Origin::Own, list) else { panic!() };
    assert_eq!(records, vec![record.to_stub()]);
}

#[test]
fn expiry_goes_on_after_a_restart() {
    let (mut bench, _) = expiring();
    bench.now.unix_ms += 2 * 3_600_000;
    bench.restart();
    bench.store.set_clock_ok(bench.now, true);
    bench.run();
    assert_eq!(counts(&bench), [1, 0, 0, 0]);
}

#[test]
fn a_clock_that_jumps_is_noticed_within_a_minute() {
    let (mut bench, _) = expiring();
    bench.store.set_clock_ok(bench.now, true);
    bench.run();
    bench.now.unix_ms += 2 * 3_600_000;
    bench.advance(Duration::from_secs(60));
    assert_eq!(counts(&bench), [1, 0, 0, 0]);
}

//! Traces about pins: lapsed too early, raised, immortal, removed by a proof that one disk held.

use super::*;

#[test]
fn race_1_a_pin_does_not_lapse_while_a_replica_that_is_down_may_hold_its_record() {
    let mut play = Play::of(3);
    let x = blob(1);
    let v5 = play.version();
    play.isolate(1);
    assert_eq!(play.put_blob(0, X, v5, &x), 2);
    let record = play.listing(v5, X, &x);
    assert_eq!(play.put_record(1, &record), Response::Stored { copies: 1, wanted: 2 });
    play.crash(1);
    play.rejoin(1);
    play.days(9);
    assert_eq!(play.holders(&x), [0, 2]);
    play.restart(1);
    play.settle();
    play.assert_settled_on(&record, &x);
}

#[test]
fn a_pin_whose_record_never_came_lapses_after_its_lease() {
    let mut play = Play::of(3);
    let x = blob(1);
    let since = play.version();
    assert!(play.put_blob(0, X, since, &x) >= 2);
    play.days(6);
    assert_eq!(play.holders(&x), [0, 1, 2]);
    play.days(3);
    assert_eq!(play.holders(&x), []);
}

#[test]
fn race_2_a_record_signed_half_a_lease_ago_is_refused_and_leaves_no_hole() {
    let mut play = Play::of(3);
    let x = blob(1);
    let since = play.version();
    assert!(play.put_blob(0, X, since, &x) >= 2);
    play.days(9);
    let record = play.listing(since, X, &x);
    assert_eq!(refusal(play.put_record(0, &record)), ErrorCode::Past);
    play.settle();
    play.assert_no_hole(0, &x);
}

#[test]
fn race_2_a_retry_after_the_tombstone_was_dropped_revives_nothing() {
    let mut play = Play::of(3);
    let x = blob(1);
    let v4 = play.version();
    assert!(play.put_blob(0, X, v4, &x) >= 2);
    let record = play.listing(v4, X, &x);
    let v6 = play.version();
    assert!(copies(&play.put_record(1, &play.tombstone(v6))) >= 2);
    play.days(33);
    assert!(play.read(0).record.is_none(), "the tombstone is dropped");
    assert_eq!(refusal(play.put_record(0, &record)), ErrorCode::Past);
    play.settle();
    assert!(play.read(1).record.is_none());
}

#[test]
fn race_2_a_lapse_is_a_promise_to_refuse_the_record() {
    let mut play = Play::of(3);
    let x = blob(1);
    let since = play.version();
    assert!(play.put_blob(0, X, since, &x) >= 2);
    play.days(9);
    assert_eq!(play.holders(&x), []);
    // Handed on by another member, which knows nothing of clocks.
    let record = play.listing(since, X, &x);
    let (member, _) = play.town.add_member(|_| None);
    play.town.run_until(MINUTE, |town| town.probe(member, |probe, _| probe.is_open()));
    let answer = play.town.ask(member, put(&record));
    assert_eq!(refusal(answer), ErrorCode::Past);
}

#[test]
fn race_3_a_second_pass_that_dies_takes_nothing_from_the_first() {
    let mut play = Play::of(3);
    let x = blob(1);
    let record = play.store(0, X, &x);
    let v8 = play.version();
    assert!(play.have(0, X_AGAIN, v8, &x) >= 2);
    // Even under the old id nothing is raised.
    play.have(0, X, v8, &x);
    play.days(9);
    play.assert_settled_on(&record, &x);
}

#[test]
fn race_5_the_age_of_a_lease_travels_with_its_pin() {
    let mut play = Play::of(3);
    let x = blob(1);
    let since = play.version();
    assert!(play.put_blob(0, X, since, &x) >= 2);
    play.days(6);
    play.lose_disk(2);
    play.restart(2);
    play.settle();
    assert_eq!(play.holders(&x), [0, 1, 2], "the new disk has its copy");
    play.days(3);
    assert_eq!(play.holders(&x), [], "and no copy outlives the lease");
}

#[test]
fn race_6_a_proof_on_one_disk_removes_no_pin() {
    let mut play = Play::with(3, 2);
    play.choose_owner(|replicas| replicas.contains(&0) && replicas.contains(&1));
    let x = play.choose_blob(|replicas| replicas.contains(&0) && replicas.contains(&2));
    play.store(0, X, &x);
    let v6 = play.version();
    play.isolate(1);
    assert_eq!(play.put_record(0, &play.tombstone(v6)), Response::Stored { copies: 1, wanted: 2 });
    play.minutes(2);
    assert!(play.holders(&x).contains(&2), "its proof is on one disk only");
    play.lose_disk(0);
    play.rejoin(1);
    play.restart(0);
    play.settle();
    for at in 0..3 {
        play.assert_no_hole(at, &x);
    }
}

#[test]
fn a_wall_clock_that_is_a_year_off_ends_no_lease() {
    let mut play = Play::of(3);
    let x = blob(1);
    let since = play.version();
    assert!(play.put_blob(0, X, since, &x) >= 2);
    let year_ms = 365 * 24 * 3600 * 1000;
    play.town.world.set_clock(HostId(0), year_ms);
    play.town.world.set_clock(HostId(1), -year_ms);
    play.days(6);
    assert_eq!(play.holders(&x), [0, 1, 2]);
}

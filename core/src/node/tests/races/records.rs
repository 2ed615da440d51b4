//! Traces about records: quarantined though acknowledged, outlived by hints, dropped too early, hidden by floors.

use super::*;

#[test]
fn race_7_what_was_acknowledged_outlives_a_month_of_partition() {
    let mut play = Play::of(3);
    let x = blob(1);
    let record = play.store(1, X, &x);
    for node in 0..3 {
        play.isolate(node);
    }
    play.days(33);
    for node in 0..3 {
        play.rejoin(node);
    }
    play.settle();
    play.assert_settled_on(&record, &x);
}

#[test]
fn race_8_a_hint_does_not_outlive_the_tombstone_that_it_did_not_see() {
    let mut play = Play::of(4);
    play.choose_owner(|replicas| !replicas.contains(&0));
    let x = blob(1);
    play.isolate(0);
    let v4 = play.version();
    play.put_blob(0, X, v4, &x);
    assert_eq!(copies(&play.put_record(0, &play.listing(v4, X, &x))), 0, "only a hint");
    let v6 = play.version();
    assert!(copies(&play.put_record(1, &play.tombstone(v6))) >= 2);
    play.days(33);
    play.rejoin(0);
    play.settle();
    play.settle();
    for at in 0..4 {
        let told = play.read(at);
        assert!(told.record.is_none_or(|record| record.header().live.is_empty()), "at {at}");
    }
}

#[test]
fn race_9_a_member_on_a_new_disk_does_not_count_as_reconciled() {
    let mut play = Play::of(3);
    let x = blob(1);
    let v4 = play.version();
    assert!(play.put_blob(0, X, v4, &x) >= 2);
    let late = play.listing(v4, X, &x);
    let v6 = play.version();
    assert!(copies(&play.put_record(1, &play.tombstone(v6))) >= 2);
    play.days(29);
    play.lose_disk(0);
    play.isolate(0);
    play.restart(0);
    // Whoever held it back hands it on now: to the one disk that knows nothing.
    let (member, _) = play.town.add_member(|_| None);
    play.town.run_until(MINUTE, |town| town.probe(member, |probe, _| probe.is_open()));
    play.town.ask(member, put(&late));
    play.town.world.crash(member);
    play.days(4);
    play.rejoin(0);
    play.settle();
    for at in 0..3 {
        let told = play.read(at);
        assert!(told.record.is_none_or(|record| record.header().live.is_empty()), "at {at}");
    }
}

#[test]
fn race_10_an_acknowledgement_of_a_disk_that_is_gone_does_not_count() {
    let mut play = Play::of(4);
    play.choose_owner(|replicas| !replicas.contains(&3));
    let x = blob(1);
    let v5 = play.version();
    assert!(play.put_blob(3, X, v5, &x) >= 2);
    play.crash(0);
    let slow = Duration::from_secs(5);
    play.town.world.disk_mut(HostId(1)).set_delay(slow, slow);
    let record = play.listing(v5, X, &x);
    let client = play.town.add_client(&play.owner, HostId(3));
    let id = play.town.probe(client, |probe, _| probe.ask(put(&record)));
    play.town.world.run_for(SECOND);
    // It has acknowledged, and now its disk is gone.
    play.lose_disk(2);
    play.restart(2);
    assert!(play.town.run_until(MINUTE, |town| town.probe(client, |probe, _| probe.has_answer(id))));
    let answer = play.town.probe(client, |probe, _| probe.take_answer(id)).unwrap();
    assert!(copies(&answer) < 2, "{answer:?}");
}

#[test]
fn race_12_a_member_that_does_not_know_that_it_is_a_replica_has_no_vote() {
    let mut play = Play::of(5);
    play.choose_owner(|replicas| replicas[0] != 4 && replicas[1] != 4 && replicas[2] != 4);
    let replicas = play.record_replicas();
    let (first, second, third) = (replicas[0], replicas[1], replicas[2]);
    let x = blob(1);
    let v5 = play.version();
    assert!(play.put_blob(first, X, v5, &x) >= 2);
    play.isolate(third);
    let record = play.listing(v5, X, &x);
    assert!(copies(&play.put_record(first, &record)) >= 2);
    play.rejoin(third);
    play.cut(second, third);
    play.crash(first);
    // Longer than `gone_after`, so that the third has others in its set.
    play.days(1);
    let told = play.read(third);
    assert!(told.record.is_some() || !told.fresh, "{told:?}");
}

#[test]
fn race_13_a_reader_learns_of_a_floor_that_its_own_entry_does_not_know() {
    let mut play = Play::of(3);
    let x = blob(1);
    let record = play.store(0, X, &x);
    play.isolate(0);
    let above = play.version();
    assert!(copies(&play.put_record(1, &play.owner.floor(above))) >= 2);
    play.rejoin(0);
    // As soon as a link stands, before anything was repaired.
    let joined = |town: &mut Town| town.node(HostId(0), |node, _| node.hub.peers.linked().count() > 0);
    assert!(play.town.run_until(30 * MINUTE, joined));
    let told = play.read(0);
    assert!(told.record.is_none() || told.floor.is_some() || !told.fresh, "{told:?}");
    play.settle();
    let told = play.read(0);
    assert!(told.record.is_none_or(|told| told.order() != record.order()));
    assert_eq!(play.holders(&x), []);
}

#[test]
fn the_only_old_copy_that_returns_after_the_tombstone_time_revives_nothing() {
    let mut play = Play::of(3);
    let x = blob(1);
    play.store(0, X, &x);
    play.crash(2);
    let v6 = play.version();
    assert!(copies(&play.put_record(0, &play.tombstone(v6))) >= 2);
    play.days(40);
    assert_eq!(play.holders(&x), [2]);
    play.restart(2);
    play.settle();
    assert_eq!(play.holders(&x), []);
    for at in 0..3 {
        let told = play.read(at);
        assert!(told.record.is_none_or(|record| record.header().live.is_empty()), "at {at}");
    }
}

#[test]
fn a_member_that_was_away_during_a_delete_removes_its_copy_soon_after_it_is_back() {
    let mut play = Play::of(3);
    let x = blob(1);
    play.store(0, X, &x);
    play.crash(2);
    let v6 = play.version();
    assert!(copies(&play.put_record(0, &play.tombstone(v6))) >= 2);
    play.minutes(10);
    play.restart(2);
    let gone = |town: &mut Town| town.holders(&SUITE.blob_id(&blob(1))).is_empty();
    // Linger and ten seconds, once it is linked.
    play.town.wait_whole();
    let linger = play.town.wanted.linger.unwrap();
    assert!(play.town.run_until(linger + 10 * SECOND, gone));
}

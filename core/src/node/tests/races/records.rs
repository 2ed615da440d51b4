//! Traces about records: quarantined though acknowledged, outlived by hints, dropped too early, hidden by floors.

use super::*;

/// Through no node is there anything of the file but its tombstone.
fn assert_deleted(play: &mut Play) {
    for at in 0..play.town.nodes.len() {
        let told = play.read(at);
        assert!(told.record.is_none_or(|record| record.header().live.is_empty()), "at {at}");
    }
}

/// A member that asks what it is told to, once its link is open.
fn open_member(play: &mut Play) -> HostId {
    let (member, _) = play.town.add_member(|_| None);
    assert!(play.town.run_until(MINUTE, |town| town.probe(member, |probe, _| probe.is_open())));
    member
}

/// Waits until this node has a link to any other.
fn wait_for_a_link(play: &mut Play, node: usize) {
    let linked = |town: &mut Town| town.node(HostId(node), |node, _| node.hub.peers.linked().count() > 0);
    assert!(play.town.run_until(30 * MINUTE, linked));
}

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
    assert_deleted(&mut play);
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
    let member = open_member(&mut play);
    play.town.ask(member, put(&late));
    play.town.world.crash(member);
    play.days(4);
    play.rejoin(0);
    play.settle();
    assert_deleted(&mut play);
}

#[test]
fn race_9_a_member_that_is_syncing_says_of_no_tombstone_that_nothing_older_is_left() {
    let mut play = Play::of(3);
    let v6 = play.version();
    let tombstone = play.tombstone(v6);
    assert!(copies(&play.put_record(1, &tombstone)) >= 2);
    play.minutes(1);
    let member = open_member(&mut play);
    let forget = Request::Forget { record: tombstone.to_stub() };
    assert_eq!(play.town.ask(member, forget.clone()), Response::Forgotten { clean: true });
    play.crash(2);
    play.lose_disk(0);
    play.restart(0);
    play.settle();
    // It knows the tombstone; but whatever the third still has, it has not taken over.
    let member = open_member(&mut play);
    assert_eq!(play.town.ask(member, forget), Response::Forgotten { clean: false });
}

#[test]
fn race_10_an_acknowledgement_of_a_disk_that_is_gone_does_not_count() {
    let mut play = Play::of(4);
    play.choose_owner(|replicas| !replicas.contains(&3));
    let x = blob(1);
    let v5 = play.version();
    assert!(play.put_blob(3, X, v5, &x) >= 2);
    play.crash(0);
    // It acknowledges in time, and after the other's disk is gone.
    let slow = Duration::from_millis(500);
    play.town.world.disk_mut(HostId(1)).set_delay(slow, slow);
    let record = play.listing(v5, X, &x);
    let client = play.town.add_client(&play.owner, HostId(3));
    let id = play.town.probe(client, |probe, _| probe.ask(put(&record)));
    play.town.world.run_for(Duration::from_millis(300));
    // It has acknowledged, and now its disk is gone.
    play.lose_disk(2);
    assert!(play.town.run_until(MINUTE, |town| town.probe(client, |probe, _| probe.has_answer(id))));
    let answer = play.town.probe(client, |probe, _| probe.take_answer(id)).unwrap();
    assert_eq!(answer, Response::Stored { copies: 1, wanted: 2 });
}

#[test]
fn race_12_a_member_that_does_not_know_that_it_is_a_replica_has_no_vote() {
    let mut play = Play::of(5);
    let (first, second, third, others) = play.stand();
    // On neither of those who are asked in the end: a pin would bring the record's stub along.
    let x = play.choose_blob(|replicas| !replicas.contains(&third) && !replicas.contains(&others[0]));
    play.isolate(third);
    let v5 = play.version();
    assert!(play.put_blob(first, X, v5, &x) >= 2);
    let record = play.listing(v5, X, &x);
    assert!(copies(&play.put_record(first, &record)) >= 2);
    // The third puts all others out, and they do not put it out: for them its silence began anew.
    play.minutes(11 * 60);
    for node in [first, second, others[0], others[1]] {
        play.crash(node);
        play.restart(node);
    }
    play.minutes(2 * 60);
    play.crash(first);
    play.heal(third, others[0]);
    wait_for_a_link(&mut play, third);
    for _ in 0..10 {
        play.town.world.run_for(SECOND);
        let told = play.read(third);
        assert!(told.record.is_some() || !told.fresh, "{told:?}");
    }
}

#[test]
fn race_12_who_comes_back_learns_how_the_others_were_placed_without_it() {
    let mut play = Play::of(5);
    let (first, second, third, others) = play.stand();
    let x = blob(1);
    let v5 = play.store(first, X, &x);
    play.isolate(third);
    // Longer than `gone_after`: a fourth takes its place, and takes over what it needs.
    play.days(1);
    // It comes back to the second alone, which has lost the others: they are two of three without it, and so are these.
    for other in [first, others[0], others[1]] {
        play.cut(second, other);
    }
    play.heal(second, third);
    wait_for_a_link(&mut play, third);
    play.minutes(5);
    let v6 = play.version();
    assert!(copies(&play.put_record(first, &play.tombstone(v6))) >= 2, "the others go on");
    for at in [second, third] {
        let told = play.read(at);
        assert!(!told.fresh, "at {at}: {told:?}");
    }
    let v7 = play.version();
    assert!(copies(&play.put_record(second, &play.tombstone(v7))) < 2, "one majority at a time");
    assert!(v5.header().version < v6);
}

#[test]
fn race_13_a_reader_learns_of_a_floor_that_its_own_entry_does_not_know() {
    let mut play = Play::of(3);
    let x = blob(1);
    let record = play.store(0, X, &x);
    play.isolate(0);
    let above = play.version();
    assert!(copies(&play.put_record(1, &play.owner.floor(above))) >= 2);
    // As soon as a link stands, before anything was repaired: what is taken over takes its time.
    play.town.world.disk_mut(HostId(0)).set_delay(SECOND, SECOND);
    play.rejoin(0);
    wait_for_a_link(&mut play, 0);
    let told = play.read(0);
    assert!(told.record.is_none() || told.floor.is_some() || !told.fresh, "{told:?}");
    play.town.world.disk_mut(HostId(0)).set_delay(Duration::ZERO, Duration::ZERO);
    play.settle();
    let told = play.read(0);
    assert!(told.record.is_none_or(|told| told.order() != record.order()));
    assert_eq!(play.holders(&x), []);
}

#[test]
fn race_13_a_disk_that_took_over_everything_knows_the_floor_too() {
    let mut play = Play::of(3);
    // All of it in the record: no pin asks what became of it.
    let version = play.version();
    let inline = play.owner.sign(play.owner.header(NAME, version, vec![]), &[5; 176]);
    assert!(copies(&play.put_record(0, &inline)) >= 2);
    play.minutes(1);
    play.isolate(0);
    let above = play.version();
    assert!(copies(&play.put_record(1, &play.owner.floor(above))) >= 2);
    play.lose_disk(2);
    play.rejoin(0);
    play.restart(2);
    play.settle();
    // Now only those are left that did not take the floor from its owner.
    play.crash(1);
    for at in [0, 2] {
        let told = play.read(at);
        assert!(told.fresh && told.record.is_none() && told.floor.is_some(), "at {at}: {told:?}");
    }
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
    assert_deleted(&mut play);
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

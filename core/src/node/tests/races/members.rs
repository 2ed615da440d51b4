//! Traces about members: too few of a set asked, a set of one's own, one leave after another.

use super::*;

#[test]
fn race_11_a_new_disk_that_reached_one_of_a_set_has_no_vote() {
    let mut play = Play::of(3);
    let x = blob(1);
    let v5 = play.version();
    play.isolate(1);
    assert!(play.put_blob(0, X, v5, &x) >= 2);
    let record = play.listing(v5, X, &x);
    assert_eq!(copies(&play.put_record(0, &record)), 2);
    play.crash(2);
    play.lose_disk(0);
    play.rejoin(1);
    play.restart(0);
    // Longer than `gone_after`.
    play.days(1);
    for at in 0..2 {
        let told = play.read(at);
        assert!(!told.fresh, "at {at}: {told:?}");
    }
    play.restart(2);
    play.settle();
    play.assert_settled_on(&record, &x);
}

#[test]
fn race_14_a_node_that_never_reached_its_network_acknowledges_nothing() {
    let mut play = Play::of(1);
    let peers = vec![(None, addr(0))];
    let setup = play.town.setup(1, peers);
    // Cut before it takes its first breath.
    let alone = play.town.add_with(setup);
    play.cut(0, alone.0);
    play.town.world.run_for(MINUTE);
    let client = play.town.add_client(&play.owner, alone);
    let since = play.version();
    let request = play.owner.put_blob(NAME, X, since, &blob(1));
    let answer = play.town.ask_within(client, request, 2 * MINUTE);
    assert!(!matches!(answer, Some(Response::Stored { copies: 1.., .. })), "{answer:?}");
    let answer = play.town.ask_within(client, put(&play.tombstone(since)), 2 * MINUTE);
    assert!(!matches!(answer, Some(Response::Stored { copies: 1.., .. })), "{answer:?}");
}

#[test]
fn a_member_that_crashes_while_it_syncs_goes_on_and_ends_with_everything() {
    let mut play = Play::of(3);
    let blobs: Vec<Bytes> = (1..40).map(blob).collect();
    for (number, blob) in blobs.iter().enumerate() {
        let since = play.version();
        let object = object(number as u8 + 1);
        let request = play.owner.put_blob(name(number as u8 + 1), object, since, blob);
        assert!(copies(&play.ask(0, request)) >= 2);
        let record = play.owner.record(name(number as u8 + 1), since, object, blob.len() as u64);
        assert!(copies(&play.put_record(0, &record)) >= 2);
    }
    play.minutes(1);
    play.lose_disk(2);
    let millisecond = Duration::from_millis(1);
    play.town.world.disk_mut(HostId(2)).set_delay(millisecond, 3 * millisecond);
    for pause in 1..12 {
        play.restart(2);
        play.town.world.run_for(pause * 20 * millisecond);
        play.crash(2);
    }
    play.restart(2);
    play.settle();
    for blob in &blobs {
        assert_eq!(play.holders(blob), [0, 1, 2]);
    }
    let control = play.town.add_control(HostId(2));
    let status = play.town.status(control);
    assert!(!status.syncing && status.copies_missing == 0, "{status:?}");
}

#[test]
fn race_15_one_leave_after_another_ends_and_takes_nothing_along() {
    let mut play = Play::of(5);
    let x = blob(1);
    let record = play.store(0, X, &x);
    for node in [2, 3] {
        assert!(play.leave(node), "node {node} leaves");
        play.crash(node);
    }
    play.settle();
    play.assert_settled_on(&record, &x);
    let control = play.town.add_control(HostId(0));
    let status = play.town.status(control);
    assert_eq!((status.members, status.syncing, status.copies_missing), (3, false, 0), "{status:?}");
}

#[test]
fn race_15_who_was_away_while_two_of_its_set_left_waits_for_neither() {
    let mut play = Play::of(5);
    let x = blob(1);
    let record = play.store(0, X, &x);
    play.crash(4);
    play.days(1);
    for node in [2, 3] {
        assert!(play.leave(node), "node {node} leaves");
        play.crash(node);
    }
    play.restart(4);
    play.settle();
    play.assert_settled_on(&record, &x);
    let control = play.town.add_control(HostId(4));
    let status = play.town.status(control);
    assert_eq!((status.members, status.syncing, status.waits_for.len()), (3, false, 0), "{status:?}");
}

#[test]
fn race_15_the_only_two_that_hold_something_leave_one_after_the_other() {
    let mut play = Play::with(5, 2);
    play.choose_owner(|replicas| replicas.contains(&2) && replicas.contains(&3));
    let x = play.choose_blob(|replicas| replicas.contains(&2) && replicas.contains(&3));
    let record = play.store(2, X, &x);
    assert_eq!(play.holders(&x), [2, 3]);
    // Whoever takes over from them needs a while for it.
    for node in [0, 1, 4] {
        play.town.world.disk_mut(HostId(node)).set_delay(SECOND, SECOND);
    }
    for node in [2, 3] {
        assert!(play.leave(node), "node {node} leaves");
        play.lose_disk(node);
    }
    play.settle();
    play.assert_settled_on(&record, &x);
}

#[test]
fn a_banned_member_that_joins_again_brings_back_nothing_that_was_deleted_meanwhile() {
    let mut play = Play::of(3);
    let x = blob(1);
    play.store(0, X, &x);
    let node = play.town.id(HostId(2));
    let control = play.town.add_control(HostId(0));
    assert_eq!(play.town.ask(control, Request::Ban { node }), Response::Done);
    play.minutes(1);
    assert!(play.town.events(HostId(2)).contains(&NodeEvent::Removed));
    play.crash(2);
    let v6 = play.version();
    assert_eq!(copies(&play.put_record(0, &play.tombstone(v6))), 2);
    play.days(33);
    assert!(play.read(0).record.is_none(), "the tombstone is dropped");
    play.town.rejoin(HostId(2));
    play.settle();
    play.settle();
    for at in 0..2 {
        let told = play.read(at);
        assert!(told.record.is_none(), "at {at}: {told:?}");
    }
    let told = play.read(2);
    assert!(told.record.is_some() && !told.fresh, "its owner is offered it: {told:?}");
    let control = play.town.add_control(HostId(2));
    let status = play.town.status(control);
    assert_eq!((status.members, status.syncing, status.records), (3, false, 0), "{status:?}");
}

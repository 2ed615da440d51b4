//! Writes through an entry node: counted where durable, refused where wrong, degraded where peers are missing.

use super::*;
use crate::error::DiskError;
use crate::sim::RequestKind;
use crate::wire::ErrorCode;

/// Stores one blob and its record; returns both answers.
fn store(town: &mut Town, owner: &Owner, client: HostId, number: u8) -> (Response, Response) {
    let since = version(town, 0);
    let bytes = blob(number);
    let blob_answer = town.ask(client, owner.put_blob(name(number), object(number), since, &bytes));
    let record = owner.record(name(number), since, object(number), bytes.len() as u64);
    (blob_answer, town.ask(client, put(&record)))
}

#[test]
fn a_write_is_acknowledged_on_a_majority_and_reaches_every_replica() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(1));
    let (blob_answer, record_answer) = store(&mut town, &owner, client, 1);
    assert!(matches!(blob_answer, Response::Stored { copies: 2.., wanted: 2 }), "{blob_answer:?}");
    assert!(matches!(record_answer, Response::Stored { copies: 2.., wanted: 2 }), "{record_answer:?}");
    town.world.run_for(SECOND);
    assert_eq!(town.holders(&SUITE.blob_id(&blob(1))).len(), 3);
}

#[test]
fn a_network_of_one_acknowledges_alone() {
    let mut town = Town::of(1);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let stored = Response::Stored { copies: 1, wanted: 1 };
    assert_eq!(store(&mut town, &owner, client, 1), (stored.clone(), stored));
}

#[test]
fn with_two_of_three_dead_a_write_is_degraded_and_says_so() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    town.world.crash(HostId(1));
    town.world.crash(HostId(2));
    town.world.run_for(SECOND);
    let degraded = Response::Stored { copies: 1, wanted: 2 };
    assert_eq!(store(&mut town, &owner, client, 1), (degraded.clone(), degraded));
}

#[test]
fn a_frozen_peer_does_not_hold_up_the_others() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    town.world.cut(HostId(0), HostId(2), crate::sim::Cut::Silent);
    let before = town.world.now().mono;
    let (blob_answer, record_answer) = store(&mut town, &owner, client, 1);
    assert_eq!(blob_answer, Response::Stored { copies: 2, wanted: 2 });
    assert_eq!(record_answer, Response::Stored { copies: 2, wanted: 2 });
    assert!(town.world.now().mono.since(before) < SECOND);
}

#[test]
fn with_two_of_three_frozen_a_write_ends_degraded_once_they_are_suspect() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    town.world.cut(HostId(0), HostId(1), crate::sim::Cut::Silent);
    town.world.cut(HostId(0), HostId(2), crate::sim::Cut::Silent);
    let before = town.world.now().mono;
    let since = version(&town, 0);
    let answer = town.ask(client, owner.put_blob(name(1), object(1), since, &blob(1)));
    assert_eq!(answer, Response::Stored { copies: 1, wanted: 2 });
    assert!(town.world.now().mono.since(before) <= town.config.suspect_after + SECOND);
}

#[test]
fn a_record_older_than_the_stored_one_is_refused_with_that_one() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let newer = owner.tombstone(name(1), version(&town, 10));
    let older = owner.tombstone(name(1), version(&town, 5));
    assert!(matches!(town.ask(client, put(&newer)), Response::Stored { .. }));
    match town.ask(client, put(&older)) {
        Response::Error(error) => {
            assert_eq!(error.code, ErrorCode::Stale);
            assert_eq!(error.current.map(|record| record.order()), Some(newer.order()));
        }
        other => panic!("{other:?}"),
    }
    // The same bytes again are a success.
    assert!(matches!(town.ask(client, put(&newer)), Response::Stored { .. }));
}

#[test]
fn a_client_writes_only_for_the_owner_it_proved() {
    let mut town = Town::of(1);
    let (owner, other) = (Owner::new(&town, 1), Owner::new(&town, 2));
    let client = town.add_client(&owner, HostId(0));
    let since = version(&town, 0);
    let forbidden = Response::Error(ErrorCode::Forbidden.into());
    let requests = [
        put(&other.tombstone(name(1), since)),
        other.put_blob(name(1), object(1), since, &blob(1)),
        Request::Have { pins: vec![other.pin(name(1), object(1), since, &blob(1))] },
    ];
    for request in requests {
        assert_eq!(town.ask(client, request), forbidden);
    }
    let nobody = town.add_control(HostId(0));
    assert_eq!(town.ask(nobody, put(&owner.tombstone(name(1), since))), forbidden);
}

#[test]
fn a_record_without_its_parts_is_no_write_of_a_client() {
    let mut town = Town::of(1);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let stub = owner.record(name(1), version(&town, 0), object(1), 1).to_stub();
    assert_eq!(town.ask(client, put(&stub)), Response::Error(ErrorCode::Invalid.into()));
}

#[test]
fn have_finds_what_is_there_under_a_pin_of_the_same_owner_and_pins_it_again() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    store(&mut town, &owner, client, 1);
    let since = version(&town, 0);
    let pins =
        vec![owner.pin(name(2), object(2), since, &blob(1)), owner.pin(name(2), object(2), since, &blob(9))];
    match town.ask(client, Request::Have { pins }) {
        Response::Have { copies, wanted } => {
            assert_eq!(wanted, 2);
            assert!(copies[0] >= 2 && copies[1] == 0, "{copies:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_entry_node_that_is_no_replica_places_the_write_on_those_that_are() {
    let mut town = Town::of(6);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(4));
    for number in 1..9 {
        let (blob_answer, record_answer) = store(&mut town, &owner, client, number);
        assert!(matches!(blob_answer, Response::Stored { copies: 2.., wanted: 2 }), "{blob_answer:?}");
        assert!(matches!(record_answer, Response::Stored { copies: 2.., wanted: 2 }), "{record_answer:?}");
        town.world.run_for(SECOND);
        let id = SUITE.blob_id(&blob(number));
        let placed =
            town.node(HostId(0), |node, _| node.hub.view.replicas(&crate::node::view::blob_position(&id)));
        let holders: Vec<_> = town.holders(&id).into_iter().map(|host| town.id(host)).collect();
        assert!(placed.iter().all(|node| holders.contains(node)));
        // The entry node's own copy beside them, at most.
        assert!(holders.len() <= placed.len() + 1);
    }
}

#[test]
fn a_full_disk_of_one_replica_still_leaves_a_majority() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    town.world.disk_mut(HostId(2)).fail_next(RequestKind::PutBlob, DiskError::NoSpace);
    let since = version(&town, 0);
    let answer = town.ask(client, owner.put_blob(name(1), object(1), since, &blob(1)));
    assert!(matches!(answer, Response::Stored { copies: 2, wanted: 2 }), "{answer:?}");
}

#[test]
fn full_disks_everywhere_are_told_as_such() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    for host in 0..3 {
        town.world.disk_mut(HostId(host)).fail_next(RequestKind::PutBlob, DiskError::NoSpace);
    }
    let since = version(&town, 0);
    let answer = town.ask(client, owner.put_blob(name(1), object(1), since, &blob(1)));
    assert_eq!(answer, Response::Error(ErrorCode::NoSpace.into()));
}

#[test]
fn a_damaged_blob_is_refused() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let pin = owner.pin(name(1), object(1), version(&town, 0), &blob(1));
    let answer = town.ask(client, Request::PutBlob { pins: vec![pin], blob: blob(2) });
    assert_eq!(answer, Response::Error(ErrorCode::Invalid.into()));
    town.world.run_for(SECOND);
    assert!(town.holders(&SUITE.blob_id(&blob(2))).is_empty());
}

#[test]
fn an_acknowledgement_over_a_link_that_has_ended_is_void() {
    let mut town = Town::of(1);
    // One that acknowledges and leaves, one that never answers.
    let says_stored: Script = |request| match request {
        Request::PutBlob { .. } => Some(Response::Stored { copies: 1, wanted: 1 }),
        Request::Ping { unix_ms } => Some(Response::Pong { unix_ms: *unix_ms }),
        _ => None,
    };
    let mute: Script = |request| match request {
        Request::Ping { unix_ms } => Some(Response::Pong { unix_ms: *unix_ms }),
        _ => None,
    };
    let (quick, quick_id) = town.add_voter(says_stored);
    town.add_voter(mute);
    town.let_vote(quick, quick_id);
    assert!(
        town.run_until(SECOND, |town| town.node(HostId(0), |node, _| node.hub.peers.linked().count() == 2))
    );
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    town.world.disk_mut(HostId(0)).fail_next(RequestKind::PutBlob, DiskError::NoSpace);
    let since = version(&town, 0);
    let id = town.probe(client, |probe, _| probe.ask(owner.put_blob(name(1), object(1), since, &blob(1))));
    assert!(town.run_until(SECOND, |town| {
        town.probe(quick, |probe, _| {
            probe.seen.iter().any(|request| matches!(request, Request::PutBlob { .. }))
        })
    }));
    town.world.run_for(Duration::from_millis(100));
    town.world.crash(quick);
    assert!(town.run_until(town.config.bulk_deadline * 2, |town| {
        town.probe(client, |probe, _| probe.has_answer(id))
    }));
    let answer = town.probe(client, |probe, _| probe.take_answer(id));
    assert_eq!(answer, Some(Response::Error(ErrorCode::NoSpace.into())));
}

#[test]
fn a_member_that_is_too_far_behind_goes_without_and_the_write_says_so() {
    let mut town = Town::with(3, Config { link_backlog: 1, ..Config::default() });
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let since = version(&town, 0);
    let ids: Vec<u32> = (1..=2)
        .map(|number| {
            let request = owner.put_blob(name(number), object(number), since, &blob(number));
            town.probe(client, |probe, _| probe.ask(request))
        })
        .collect();
    let answers: Vec<Response> = ids
        .into_iter()
        .map(|id| {
            town.run_until(Duration::from_secs(90), |town| {
                town.probe(client, |probe, _| probe.has_answer(id))
            });
            town.probe(client, |probe, _| probe.take_answer(id)).expect("an answer comes")
        })
        .collect();
    // The first is under way to both when the second comes, which stays on the entry node alone.
    assert!(matches!(answers[0], Response::Stored { copies: 2.., wanted: 2 }), "{:?}", answers[0]);
    assert_eq!(answers[1], Response::Stored { copies: 1, wanted: 2 });
}

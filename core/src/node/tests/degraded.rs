//! Writes that do not reach W: they say so soon, and what there is stays, if only as a hint on the entry node.

use super::*;
use crate::node::view::{blob_position, record_position};
use crate::sim::Cut;
use crate::wire::ErrorCode;

/// A blob of which this node is no replica, in a town of more nodes than copies.
fn blob_elsewhere(town: &mut Town, host: HostId) -> (u8, Bytes, Vec<NodeId>) {
    let own = town.id(host);
    let found = (1..=u8::MAX).find_map(|number| {
        let bytes = blob(number);
        let position = blob_position(&SUITE.blob_id(&bytes));
        let replicas = town.node(host, |node, _| node.hub.view.replicas(&position));
        (!replicas.contains(&own)).then_some((number, bytes, replicas))
    });
    found.expect("not every blob lies on every node")
}

fn crash_all(town: &mut Town, nodes: &[NodeId]) {
    for host in town.nodes.clone() {
        if nodes.contains(&town.id(host)) {
            town.world.crash(host);
        }
    }
    town.world.run_for(SECOND);
}

#[test]
fn an_entry_node_that_is_no_replica_keeps_a_blob_for_those_that_are_away() {
    let mut town = Town::of(6);
    let owner = Owner::new(&town, 1);
    let entry = HostId(0);
    let client = town.add_client(&owner, entry);
    let (number, bytes, replicas) = blob_elsewhere(&mut town, entry);
    crash_all(&mut town, &replicas);
    let since = version(&town, 0);
    let answer = town.ask(client, owner.put_blob(name(number), object(1), since, &bytes));
    assert_eq!(answer, Response::Stored { copies: 0, wanted: 2 });
    // It is no passing copy: it outlives those, and a crash.
    town.world.crash(entry);
    town.restart(entry);
    town.world.run_for(town.config.cache_for * 2);
    assert!(town.holders(&SUITE.blob_id(&bytes)).contains(&entry));
}

#[test]
fn an_entry_node_that_is_no_replica_keeps_a_record_whole_for_those_that_are_away() {
    let mut town = Town::of(6);
    let owner = Owner::new(&town, 1);
    let entry = HostId(0);
    let own = town.id(entry);
    let shard = (1..=u8::MAX).find(|shard| {
        let position = record_position(SUITE, &owner.id(), *shard);
        !town.node(entry, |node, _| node.hub.view.replicas(&position)).contains(&own)
    });
    let number = shard.expect("not every shard lies on every node");
    let position = record_position(SUITE, &owner.id(), number);
    let replicas = town.node(entry, |node, _| node.hub.view.replicas(&position));
    crash_all(&mut town, &replicas);
    let client = town.add_client(&owner, entry);
    let record = owner.record(name(number), version(&town, 0), object(1), 1);
    assert_eq!(town.ask(client, put(&record)), Response::Stored { copies: 0, wanted: 2 });
    town.world.crash(entry);
    town.restart(entry);
    town.world.run_for(SECOND);
    let client = town.add_client(&owner, entry);
    match town.ask(client, owner.get(name(number))) {
        Response::Record { record: Some(found), fresh: false, .. } => assert_eq!(found, record),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_minority_answers_at_once_when_the_others_are_known_to_be_away() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    town.world.cut(HostId(0), HostId(1), Cut::Silent);
    town.world.cut(HostId(0), HostId(2), Cut::Silent);
    town.world.run_for(town.config.idle_close + SECOND);
    // Dials under way, which come to nothing, hold up nobody.
    for round in 0..40 {
        let before = town.world.now().mono;
        let since = version(&town, 0);
        let degraded = Response::Stored { copies: 1, wanted: 2 };
        assert_eq!(town.ask(client, owner.put_blob(name(1), object(round), since, &blob(1))), degraded);
        assert_eq!(town.ask(client, put(&owner.record(name(1), since, object(round), 10_000))), degraded);
        assert!(matches!(town.ask(client, owner.get(name(1))), Response::Record { fresh: false, .. }));
        let took = town.world.now().mono.since(before);
        assert!(took < Duration::from_millis(100), "{took:?} in round {round}");
        town.world.run_for(Duration::from_millis(330));
    }
}

#[test]
fn what_is_refused_as_older_is_not_kept_as_a_hint() {
    let mut town = Town::of(6);
    let owner = Owner::new(&town, 1);
    let entry = HostId(0);
    let client = town.add_client(&owner, entry);
    let (number, bytes, _) = blob_elsewhere(&mut town, entry);
    let since = version(&town, 0);
    let newer = owner.tombstone(name(number), version(&town, 10));
    assert!(matches!(town.ask(client, put(&newer)), Response::Stored { copies: 2.., .. }));
    match town.ask(client, owner.put_blob(name(number), object(1), since, &bytes)) {
        Response::Error(error) => assert_eq!(error.code, ErrorCode::Stale),
        // No holder of the record is a replica of the blob: then nobody can know.
        other => assert!(matches!(other, Response::Stored { copies: 2.., .. }), "{other:?}"),
    }
    let older = owner.tombstone(name(number), since);
    assert!(matches!(town.ask(client, put(&older)), Response::Error(_)));
}

#[test]
fn each_side_of_mutual_relaying_at_full_credit_gets_its_answers() {
    // One copy of everything: about half of what a client gives to one node belongs to the other.
    let credit = crate::config::limit::MESSAGE;
    let config = Config { credit_terminal: credit, credit_relay: credit, ..Config::default() };
    let mut town = Town::empty(config);
    town.wanted.replicas = Some(1);
    town.add_node(vec![]);
    town.add_node(vec![(None, addr(0))]);
    town.wait_whole();
    for host in 0..2 {
        town.world.disk_mut(HostId(host)).set_delay(Duration::from_millis(1), Duration::from_millis(9));
    }
    let owner = Owner::new(&town, 1);
    let clients = [town.add_client(&owner, HostId(0)), town.add_client(&owner, HostId(1))];
    let since = version(&town, 0);
    let mut asked = Vec::new();
    for number in 0..60 {
        for (side, client) in clients.into_iter().enumerate() {
            let bytes = Bytes::from(vec![number * 2 + side as u8; 700_000]);
            let request = owner.put_blob(name(1), object(1), since, &bytes);
            asked.push((client, town.probe(client, |probe, _| probe.ask(request))));
        }
    }
    for (client, id) in asked {
        let limit = Duration::from_secs(120);
        town.run_until(limit, |town| town.probe(client, |probe, _| probe.has_answer(id)));
        let answer = town.probe(client, |probe, _| probe.take_answer(id));
        assert_eq!(answer, Some(Response::Stored { copies: 1, wanted: 1 }));
    }
}

#[test]
fn a_slow_replica_delays_nobody_else_and_everyone_is_answered() {
    let mut town = Town::of(3);
    let slow = HostId(2);
    town.world.disk_mut(slow).set_delay(Duration::from_millis(400), Duration::from_millis(900));
    let since = version(&town, 0);
    let mut asked = Vec::new();
    for number in 0..8 {
        let owner = Owner::new(&town, number + 1);
        let client = town.add_client(&owner, HostId(0));
        for part in 0..12 {
            let bytes = Bytes::from(vec![number * 12 + part; 500_000]);
            let request = owner.put_blob(name(1), object(1), since, &bytes);
            asked.push((client, town.probe(client, |probe, _| probe.ask(request))));
        }
    }
    let before = town.world.now().mono;
    for (client, id) in asked {
        let limit = town.config.bulk_deadline;
        town.run_until(limit, |town| town.probe(client, |probe, _| probe.has_answer(id)));
        let answer = town.probe(client, |probe, _| probe.take_answer(id));
        assert!(matches!(answer, Some(Response::Stored { copies: 2.., wanted: 2 })), "{answer:?}");
    }
    let took = town.world.now().mono.since(before);
    assert!(took < town.config.bulk_deadline, "{took:?}");
}

#[test]
fn a_disk_that_hangs_on_one_replica_holds_up_no_answer() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    for host in [1, 2] {
        let long = Duration::from_secs(3600);
        town.world.disk_mut(HostId(host)).set_delay(long, long);
    }
    let since = version(&town, 0);
    let before = town.world.now().mono;
    let answer = town.ask(client, put(&owner.record(name(1), since, object(1), 1)));
    assert_eq!(answer, Response::Stored { copies: 1, wanted: 2 });
    assert!(matches!(town.ask(client, owner.get(name(1))), Response::Record { fresh: false, .. }));
    assert!(matches!(town.ask(client, owner.list()), Response::Records { complete: false, .. }));
    let took = town.world.now().mono.since(before);
    assert!(took <= 3 * (town.config.request_deadline + SECOND), "{took:?}");
}

#[test]
fn what_a_node_writes_when_it_has_just_woken_reaches_those_that_it_has_not_heard_yet() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    town.world.run_for(SECOND * 5);
    // It takes everybody for silent, and nobody has noticed that it slept.
    town.world.jump(HostId(0), SECOND * 9);
    let record = owner.record(name(1), version(&town, 0), object(1), 10);
    assert_eq!(town.ask(client, put(&record)), Response::Stored { copies: 1, wanted: 2 });
    town.world.run_for(SECOND);
    for host in 0..3 {
        let records = town.world.disk(HostId(host)).rows().keys().filter(|key| key[0] == 1).count();
        assert_eq!(records, 1, "host {host}");
    }
}

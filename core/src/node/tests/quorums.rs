//! Reads of records: what a quorum agrees on, what is said without one, and what they mend.

use super::votes::agreeable;
use super::*;
use crate::error::PeerFault;

fn repaired(town: &mut Town, host: HostId, record: &Record) -> bool {
    town.run_until(SECOND, |town| {
        town.probe(host, |probe, _| {
            probe
                .seen
                .iter()
                .any(|request| matches!(request, Request::PutRecord { record: sent } if sent == record))
        })
    })
}

#[test]
fn a_replica_that_misses_a_record_gets_it_from_a_read() {
    let mut town = Town::of(2);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let record = owner.record(name(1), version(&town, 0), object(1), 1);
    town.ask(client, put(&record));
    let (member, _) = town.add_voter(agreeable);
    match town.ask(client, owner.get(name(1))) {
        Response::Record { record: Some(found), fresh: true, .. } => assert_eq!(found, record),
        other => panic!("{other:?}"),
    }
    assert!(repaired(&mut town, member, &record));
}

#[test]
fn a_read_with_one_replica_that_is_behind_gives_the_newest() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let old = owner.record(name(1), version(&town, 0), object(1), 1);
    town.ask(client, put(&old));
    town.world.run_for(SECOND);
    town.world.crash(HostId(2));
    let new = owner.record(name(1), version(&town, 10), object(2), 1);
    assert_eq!(town.ask(client, put(&new)), Response::Stored { copies: 2, wanted: 2 });
    town.world.crash(HostId(1));
    town.restart(HostId(2));
    let linked = |town: &mut Town| town.node(HostId(0), |node, _| node.hub.peers.linked().count() == 1);
    assert!(town.run_until(Duration::from_secs(60), linked));
    let late = town.add_client(&owner, HostId(2));
    match town.ask(late, owner.get(name(1))) {
        Response::Record { record: Some(found), fresh: true, .. } => assert_eq!(found, new),
        other => panic!("{other:?}"),
    }
}

#[test]
fn late_answers_about_an_earlier_part_of_a_list_are_nobodys_fault() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    for number in 1..20 {
        let dead = owner.tombstone(name(number), version(&town, 0));
        assert!(matches!(town.ask(client, put(&dead)), Response::Stored { .. }));
    }
    town.ask(client, put(&owner.record(name(20), version(&town, 0), object(1), 1)));
    town.world.run_for(SECOND);
    // One answers later than the quorum that is waited for.
    town.world.disk_mut(HostId(2)).set_delay(Duration::from_millis(3), Duration::from_millis(3));
    let request = Request::ListRecords { owner: owner.id(), after: None, rows: 1, shards: (0, 255) };
    match town.ask(client, request) {
        Response::Records { records, .. } => assert_eq!(records.len(), 1),
        other => panic!("{other:?}"),
    }
    town.world.run_for(SECOND);
    let faults = |event: &NodeEvent| matches!(event, NodeEvent::Fault { fault: PeerFault::WrongContent, .. });
    assert!(!town.events(HostId(0)).iter().any(faults));
}

#[test]
fn the_same_signed_bytes_are_a_success_at_every_entry_node() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let record = owner.record(name(1), version(&town, 0), object(1), 1);
    for entry in 0..3 {
        let client = town.add_client(&owner, HostId(entry));
        let answer = town.ask(client, put(&record));
        assert!(matches!(answer, Response::Stored { copies: 2.., wanted: 2 }), "{answer:?}");
    }
}

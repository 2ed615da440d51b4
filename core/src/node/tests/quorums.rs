//! Reads of records: what a quorum agrees on, what is said without one, and what they mend.

use super::repair::{LONG, store, wait_caught_up};
use super::votes::agreeable;
use super::*;
use crate::error::PeerFault;
use crate::sim::Cut;

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

/// Starts the node again that leaves the first dials to the others, without any address but those on its disk; `away`:
/// on its own.
fn start_again_the_last(town: &mut Town, away: bool) -> HostId {
    let last = town.nodes.clone().into_iter().max_by_key(|host| town.id(*host)).unwrap();
    town.world.crash(last);
    for other in town.nodes.clone() {
        if away && town.world.is_up(other) {
            town.world.crash(other);
        }
    }
    // The others dial it again only now and then.
    town.world.run_for(SECOND * 5);
    let setup = NodeSetup { is_new: false, ..town.setup(u8::try_from(last.0).unwrap(), vec![]) };
    town.world.start(last, |now| Host::Node(Box::new(Node::new(now, setup))));
    last
}

#[test]
fn a_node_that_has_just_started_says_that_too_few_answer_only_when_it_has_dialled_them() {
    let owner = Owner::new(&Town::empty(Config::default()), 1);
    let requests: [fn(&Town, &Owner) -> Request; 5] = [
        |_, owner| owner.get(name(1)),
        |_, owner| owner.list(),
        |town, owner| owner.put_blob(name(2), object(2), version(town, 0), &blob(2)),
        |town, owner| put(&owner.record(name(2), version(town, 0), object(2), 1)),
        |town, owner| Request::Have { pins: vec![owner.pin(name(1), object(3), version(town, 0), &blob(1))] },
    ];
    for (away, request) in [false, true].into_iter().flat_map(|away| requests.map(|request| (away, request)))
    {
        let mut town = Town::with(3, Config { redial_first: SECOND, ..Config::default() });
        let client = town.add_client(&owner, HostId(0));
        store(&mut town, &owner, client, 1);
        let entry = start_again_the_last(&mut town, away);
        let client = town.add_client(&owner, entry);
        assert_eq!(town.node(entry, |node, _| node.hub.peers.linked().count()), 0);
        let before = town.world.now().mono;
        let request = request(&town, &owner);
        let answer = town.ask(client, request);
        let is_full = match &answer {
            Response::Record { record: Some(_), fresh, .. } => *fresh,
            Response::Records { complete, .. } => *complete,
            Response::Stored { copies, wanted: 2 } => *copies >= 2,
            Response::Have { copies, wanted: 2 } => copies[0] >= 2,
            other => panic!("{other:?}"),
        };
        assert_eq!(is_full, !away, "{answer:?}");
        assert!(town.world.now().mono.since(before) < SECOND * 2, "{answer:?}");
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

/// How many milliseconds of the world's time an answer takes.
fn millis_of(town: &mut Town, client: HostId, request: Request) -> u64 {
    let before = town.world.now().mono;
    let answer = town.ask(client, request);
    assert!(!matches!(answer, Response::Error(_)), "{answer:?}");
    u64::try_from(town.world.now().mono.since(before).as_millis()).unwrap()
}

/// A link's way there and back, twice, and the disks.
const SOON: u64 = 10;

#[test]
fn a_read_does_not_wait_for_a_member_that_is_away_or_has_just_come_back() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    store(&mut town, &owner, client, 1);
    town.world.run_for(SECOND);
    for cut in [Cut::Reset, Cut::Silent] {
        (0..2).for_each(|host| town.world.cut(HostId(2), HostId(host), cut));
        for _ in 0..20 {
            assert!(millis_of(&mut town, client, owner.get(name(1))) <= SOON);
            assert!(millis_of(&mut town, client, owner.list()) <= SOON);
            town.world.run_for(SECOND);
        }
        (0..2).for_each(|host| town.world.heal(HostId(2), HostId(host)));
        for _ in 0..100 {
            assert!(millis_of(&mut town, client, owner.get(name(1))) <= SOON);
            assert!(millis_of(&mut town, client, owner.list()) <= SOON);
            town.world.run_for(SECOND / 10);
        }
        town.wait_whole();
    }
}

#[test]
fn a_read_does_not_wait_for_votes_that_will_not_come() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    for number in 1..4 {
        store(&mut town, &owner, client, number);
    }
    // Two are lost for good, and nobody bans them: those that came instead wait for them, and have no vote.
    for lost in [1, 2] {
        town.world.crash(HostId(lost));
        town.world.run_for(SECOND);
        let new = town.add_node(vec![(None, addr(0))]);
        assert!(town.run_until(LONG, |town| town.node(new, |node, _| node.hub.peers.linked().count() == 2)));
        wait_caught_up(&mut town);
    }
    town.world.run_for(31 * SECOND);
    let mut uncertain = 0;
    let up: Vec<_> = town.nodes.iter().copied().filter(|host| town.world.is_up(*host)).collect();
    assert_eq!(up.len(), 3);
    for entry in up {
        let reader = town.add_client(&owner, entry);
        for number in 1..4 {
            let millis = millis_of(&mut town, reader, owner.get(name(number)));
            assert!(millis <= SOON, "{millis} ms at {entry:?}");
            let answer = town.ask(reader, owner.get(name(number)));
            uncertain += u32::from(matches!(answer, Response::Record { fresh: false, .. }));
        }
        let millis = millis_of(&mut town, reader, owner.list());
        assert!(millis <= SOON, "{millis} ms for a list at {entry:?}");
    }
    assert!(uncertain > 0, "there is no quorum for all of it");
}

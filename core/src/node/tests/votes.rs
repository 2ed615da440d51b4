//! Same set or no vote: answers of members that place things elsewhere count for nothing, and the views are compared.

use super::*;
use crate::node::View;
use crate::wire::ErrorCode;

/// Keeps whatever it is given, or says so.
pub(super) fn agreeable(request: &Request) -> Option<Response> {
    match request {
        Request::PutBlob { .. } | Request::PutRecord { .. } => {
            Some(Response::Stored { copies: 1, wanted: 1 })
        }
        Request::Have { pins } => Some(Response::Have { copies: vec![1; pins.len()], wanted: 1 }),
        Request::GetRecord { .. } => Some(Response::Record { record: None, floor: None, fresh: false }),
        Request::ListRecords { .. } => {
            Some(Response::Records { records: vec![], next: None, floor: None, complete: false })
        }
        Request::Ping { unix_ms } => Some(Response::Pong { unix_ms: *unix_ms }),
        _ => None,
    }
}

fn seen(town: &mut Town, host: HostId, wanted: impl Fn(&Request) -> bool) -> usize {
    town.probe(host, |probe, _| probe.seen.iter().filter(|request| wanted(request)).count())
}

fn views_asked(town: &mut Town, host: HostId) -> usize {
    seen(town, host, |request| matches!(request, Request::View(_)))
}

/// A town of one node and one member, which agrees to everything and votes for nothing.
fn town_of_two() -> (Town, HostId, NodeId) {
    let mut town = Town::of(1);
    let (member, id) = town.add_voter(agreeable);
    town.probe(member, |probe, _| probe.votes = None);
    (town, member, id)
}

#[test]
fn a_copy_on_a_member_without_a_vote_does_not_count_and_its_view_is_compared() {
    let (mut town, member, _) = town_of_two();
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let views = views_asked(&mut town, member);
    let since = version(&town, 0);
    let degraded = Response::Stored { copies: 1, wanted: 2 };
    assert_eq!(town.ask(client, owner.put_blob(name(1), object(1), since, &blob(1))), degraded);
    assert!(views_asked(&mut town, member) > views);
    assert_eq!(town.ask(client, put(&owner.tombstone(name(1), since))), degraded);
    let pins = vec![owner.pin(name(1), object(2), version(&town, 1), &blob(1))];
    match town.ask(client, Request::Have { pins }) {
        // The record has killed the pins here, so not even this node has it.
        Response::Have { copies, wanted: 2 } => assert!(copies[0] < 2),
        Response::Error(error) => assert_eq!(error.code, ErrorCode::Stale),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_vote_for_another_set_does_not_count() {
    let (mut town, member, id) = town_of_two();
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let others = Arc::new(View::new(SUITE, 3, [(id, 8), (NodeId([77; 32]), 8)], 2));
    town.probe(member, |probe, _| probe.votes = Some((SUITE, id, others)));
    let since = version(&town, 0);
    let answer = town.ask(client, owner.put_blob(name(1), object(1), since, &blob(1)));
    assert_eq!(answer, Response::Stored { copies: 1, wanted: 2 });
    town.let_vote(member, id);
    let answer = town.ask(client, owner.put_blob(name(1), object(1), since, &blob(1)));
    assert_eq!(answer, Response::Stored { copies: 2, wanted: 2 });
}

#[test]
fn a_write_counts_in_full_once_the_views_agree_and_its_bytes_go_once() {
    let (mut town, member, id) = town_of_two();
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let since = version(&town, 0);
    let asked = town.probe(client, |probe, _| probe.ask(owner.put_blob(name(1), object(1), since, &blob(1))));
    town.world.run_for(SECOND);
    assert!(!town.probe(client, |probe, _| probe.has_answer(asked)), "it is tried again");
    town.let_vote(member, id);
    town.world.run_for(SECOND);
    let answer = town.probe(client, |probe, _| probe.take_answer(asked));
    assert_eq!(answer, Some(Response::Stored { copies: 2, wanted: 2 }));
    assert_eq!(seen(&mut town, member, |request| matches!(request, Request::PutBlob { .. })), 1);
}

#[test]
fn a_have_counts_in_full_once_the_views_agree() {
    let (mut town, member, id) = town_of_two();
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let since = version(&town, 0);
    town.let_vote(member, id);
    town.ask(client, owner.put_blob(name(1), object(1), since, &blob(1)));
    town.probe(member, |probe, _| probe.votes = None);
    let pins = vec![owner.pin(name(1), object(2), version(&town, 1), &blob(1))];
    let asked = town.probe(client, |probe, _| probe.ask(Request::Have { pins }));
    town.world.run_for(SECOND);
    assert!(!town.probe(client, |probe, _| probe.has_answer(asked)), "it is asked again");
    town.let_vote(member, id);
    town.world.run_for(SECOND);
    let answer = town.probe(client, |probe, _| probe.take_answer(asked));
    assert_eq!(answer, Some(Response::Have { copies: vec![2], wanted: 2 }));
}

#[test]
fn what_was_looked_up_before_a_change_of_the_view_is_no_vote() {
    let requests: [fn(&Town, &Owner) -> Request; 3] = [
        |_, owner| owner.get(name(1)),
        |town, owner| put(&owner.tombstone(name(2), version(town, 0))),
        |_, owner| owner.list(),
    ];
    for request in requests {
        let mut town = Town::of(1);
        let owner = Owner::new(&town, 1);
        let (member, id) = town.add_voter(agreeable);
        town.world.run_for(SECOND);
        let request = request(&town, &owner);
        // The store's answer takes long; meanwhile the view is another one, and all of that is durable.
        let slow = Duration::from_secs(3);
        town.world.disk_mut(HostId(0)).set_delay(slow, slow);
        let asked = town.probe(member, |probe, _| probe.ask(request.clone()));
        town.world.run_for(SECOND / 10);
        town.world.disk_mut(HostId(0)).set_delay(Duration::ZERO, Duration::ZERO);
        town.add_voter(agreeable);
        town.world.run_for(SECOND);
        assert!(!town.probe(member, |probe, _| probe.has_answer(asked)));
        town.world.run_for(10 * SECOND);
        assert!(town.probe(member, |probe, _| probe.take_answer(asked)).is_some());
        let last =
            |town: &mut Town| town.probe(member, |probe, _| probe.answered_votes.last().copied().flatten());
        assert_eq!(last(&mut town), None, "{request:?}");
        town.let_vote(member, id);
        town.ask(member, request);
        assert!(last(&mut town).is_some(), "asked again it counts");
    }
}

#[test]
fn a_copy_that_a_member_says_to_have_nowhere_does_not_count() {
    let mut town = Town::of(1);
    town.add_voter(|request| match request {
        Request::PutBlob { .. } | Request::PutRecord { .. } => {
            Some(Response::Stored { copies: 0, wanted: 1 })
        }
        request => agreeable(request),
    });
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let since = version(&town, 0);
    let degraded = Response::Stored { copies: 1, wanted: 2 };
    assert_eq!(town.ask(client, owner.put_blob(name(1), object(1), since, &blob(1))), degraded);
    assert_eq!(town.ask(client, put(&owner.tombstone(name(1), since))), degraded);
}

#[test]
fn of_a_have_only_those_items_count_for_which_there_is_a_vote() {
    let (mut town, member, id) = town_of_two();
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let since = version(&town, 0);
    town.let_vote(member, id);
    town.ask(client, owner.put_blob(name(1), object(1), since, &blob(1)));
    let have = |town: &Town| {
        let pins = vec![owner.pin(name(1), object(2), version(town, 1), &blob(1))];
        Request::Have { pins }
    };
    let request = have(&town);
    assert_eq!(town.ask(client, request), Response::Have { copies: vec![2], wanted: 2 });
    town.probe(member, |probe, _| probe.votes = None);
    let request = have(&town);
    assert_eq!(town.ask(client, request), Response::Have { copies: vec![1], wanted: 2 });
}

#[test]
fn an_answer_without_a_vote_makes_no_read_certain() {
    let (mut town, member, id) = town_of_two();
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let nothing = |fresh| Response::Record { record: None, floor: None, fresh };
    assert_eq!(town.ask(client, owner.get(name(1))), nothing(false));
    assert!(matches!(town.ask(client, owner.list()), Response::Records { complete: false, .. }));
    town.let_vote(member, id);
    assert_eq!(town.ask(client, owner.get(name(1))), nothing(true));
    assert!(matches!(town.ask(client, owner.list()), Response::Records { complete: true, .. }));
}

#[test]
fn members_tell_each_other_for_which_set_they_answer_and_clients_nothing() {
    let mut town = Town::of(1);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    town.ask(client, owner.get(name(1)));
    assert_eq!(town.probe(client, |probe, _| probe.answered_votes.clone()), [None]);
    let (member, _) = town.add_voter(agreeable);
    let position = crate::node::view::record_position(SUITE, &owner.id(), 1);
    let set = town.node(HostId(0), |node, _| node.hub.view.set_hash(&position));
    town.ask(member, owner.get(name(1)));
    let vote = town.probe(member, |probe, _| probe.answered_votes.last().copied().flatten());
    assert_eq!(vote, Some(crate::wire::Vote::of(set)));
}

#[test]
fn a_floor_needs_a_majority_of_every_shard() {
    let mut town = Town::of(6);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let everyone = town.ask(client, put(&owner.floor(version(&town, 0))));
    assert!(matches!(everyone, Response::Stored { copies: 2.., wanted: 2 }), "{everyone:?}");
    // Four of six have the next one; of some shards that is one of three.
    town.world.crash(HostId(4));
    town.world.crash(HostId(5));
    town.world.run_for(SECOND);
    let answer = town.ask(client, put(&owner.floor(version(&town, 10))));
    assert_eq!(answer, Response::Stored { copies: 1, wanted: 2 });
}

#[test]
fn a_forged_tombstone_hides_no_file_and_a_forged_floor_none_either() {
    for forged_floor in [false, true] {
        let mut town = Town::of(1);
        let owner = Owner::new(&town, 1);
        let client = town.add_client(&owner, HostId(0));
        let since = version(&town, 0);
        town.ask(client, put(&owner.record(name(1), since, object(1), 1)));
        let script: Script = if forged_floor { tells_a_forged_floor } else { tells_a_forged_tombstone };
        let (_, id) = town.add_voter(script);
        match town.ask(client, owner.list()) {
            Response::Records { records, floor, .. } => {
                assert_eq!((records.len(), floor), (1, None), "{forged_floor}");
            }
            other => panic!("{other:?}"),
        }
        let faulty = |event: &NodeEvent| {
            matches!(event, NodeEvent::Fault { fault: crate::error::PeerFault::WrongContent, .. })
        };
        assert!(town.events(HostId(0)).iter().any(faulty), "{id}");
    }
}

/// A floor or tombstone that the owner did not sign, far in the future of what it wrote.
fn forged(floor: bool) -> Record {
    let network = network_id(SUITE, SigningKey::from_seed(SUITE, Secret::new([0xaa; 32])).public());
    let owner = Owner { key: SigningKey::from_seed(SUITE, Secret::new([1; 32])), network };
    let stranger = Owner { key: SigningKey::from_seed(SUITE, Secret::new([66; 32])), network };
    let late = Version::new(1_900_000_000_000, 0, [1; 8]).unwrap();
    let mut header = owner.header(if floor { Name::default() } else { name(1) }, late, vec![]);
    if floor {
        header.kind = Kind::Floor;
        header.floor = Some(Floor { version: late, grant_epoch: 0 });
    }
    let record = Record::sign(SUITE, &network, &stranger.key, header.clone(), &[], &[]);
    // A key that signs for another is refused: the bytes are put together by hand.
    record.unwrap_or_else(|_| {
        let record = owner.sign(header, &[]);
        let mut bytes = record.bytes().to_vec();
        let at = bytes.len() - 1;
        bytes[at] ^= 1;
        Record::parse(SUITE, bytes.into()).unwrap()
    })
}

fn tells_a_forged_tombstone(request: &Request) -> Option<Response> {
    match request {
        Request::ListRecords { .. } => {
            Some(Response::Records { records: vec![forged(false)], next: None, floor: None, complete: false })
        }
        _ => agreeable(request),
    }
}

fn tells_a_forged_floor(request: &Request) -> Option<Response> {
    match request {
        Request::ListRecords { .. } => Some(Response::Records {
            records: vec![],
            next: None,
            floor: Some(forged(true)),
            complete: false,
        }),
        Request::GetRecord { .. } => {
            Some(Response::Record { record: None, floor: Some(forged(true)), fresh: false })
        }
        _ => agreeable(request),
    }
}

#[test]
fn a_forged_floor_is_not_passed_on_with_a_record() {
    let mut town = Town::of(1);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let record = owner.record(name(1), version(&town, 0), object(1), 1);
    town.ask(client, put(&record));
    town.add_voter(tells_a_forged_floor);
    match town.ask(client, owner.get(name(1))) {
        Response::Record { record: Some(found), floor: None, .. } => {
            assert_eq!(found.order(), record.order());
        }
        other => panic!("{other:?}"),
    }
}

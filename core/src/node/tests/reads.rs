//! Reads through an entry node: from its own disk, else from others, checked, hedged, and honest about what is not known.

use super::*;
use crate::config::limit;

use crate::error::{DiskError, PeerFault};
use crate::node::view::record_position;
use crate::sim::{Cut, RequestKind};
use crate::wire::ErrorCode;

/// Answers pings, and nothing else.
fn mute(request: &Request) -> Option<Response> {
    match request {
        Request::Ping { unix_ms } => Some(Response::Pong { unix_ms: *unix_ms }),
        _ => None,
    }
}

/// Says that every blob is three zeros, and that every record is unknown to it.
fn liar(request: &Request) -> Option<Response> {
    match request {
        Request::GetBlob { .. } => {
            Some(Response::Blob { source: NodeId([0; 32]), bytes: Bytes::from_static(&[0, 0, 0]) })
        }
        _ => mute(request),
    }
}

fn linked(town: &mut Town, host: HostId) -> usize {
    town.node(host, |node, _| node.hub.peers.linked().count())
}

/// A blob and its record, durable on all nodes.
fn stored(town: &mut Town, owner: &Owner, client: HostId, number: u8) -> Bytes {
    let since = version(town, 0);
    let bytes = blob(number);
    town.ask(client, owner.put_blob(name(number), object(number), since, &bytes));
    town.ask(client, put(&owner.record(name(number), since, object(number), bytes.len() as u64)));
    town.world.run_for(SECOND);
    bytes
}

/// An owner for whom the replicas of the first name's record are such.
fn owner_whose_record_lies(town: &mut Town, wanted: impl Fn(&[NodeId]) -> bool) -> Owner {
    for number in 1..=u8::MAX {
        let owner = Owner::new(town, number);
        let position = record_position(SUITE, &owner.id(), name(1).0[0]);
        let replicas = town.node(HostId(0), |node, _| node.hub.view.replicas(&position));
        if wanted(&replicas) {
            return owner;
        }
    }
    panic!("no owner's record lies so");
}

#[test]
fn a_read_whose_own_disk_stalls_is_not_certain_that_nothing_is_there() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(1));
    let record = owner.record(name(1), version(&town, 0), object(1), 10);
    assert!(matches!(town.ask(client, put(&record)), Response::Stored { copies: 2.., .. }));
    let until = town.world.now().mono + SECOND * 60;
    town.world.disk_mut(HostId(0)).stall(until);
    let client = town.add_client(&owner, HostId(0));
    match town.ask(client, owner.get(name(1))) {
        Response::Record { record, fresh, .. } => assert!(!fresh, "{record:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_comes_while_the_quarantine_is_looked_through_is_told() {
    let mut town = Town::empty(Config::default());
    town.wanted.replicas = Some(1);
    town.add_node(vec![]);
    town.add_node(vec![(None, addr(0))]);
    town.wait_whole();
    let other = town.id(HostId(1));
    let owner = owner_whose_record_lies(&mut town, |replicas| replicas.contains(&other));
    let writer = town.add_client(&owner, HostId(1));
    let record = owner.record(name(1), version(&town, 0), object(1), 10);
    assert_eq!(town.ask(writer, put(&record)), Response::Stored { copies: 1, wanted: 1 });
    let client = town.add_client(&owner, HostId(0));
    let now = town.world.now().mono;
    town.world.disk_mut(HostId(1)).stall(now + SECOND * 12);
    let asked = town.probe(client, |probe, _| probe.ask(owner.get(name(1))));
    // This node's own store has answered; what it has in quarantine it cannot tell for a while.
    town.world.run_for(SECOND * 5);
    town.world.disk_mut(HostId(0)).stall(now + SECOND * 18);
    assert!(town.run_until(SECOND * 30, |town| town.probe(client, |probe, _| probe.has_answer(asked))));
    match town.probe(client, |probe, _| probe.take_answer(asked)) {
        Some(Response::Record { record: Some(found), .. }) => assert_eq!(found.order(), record.order()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_newer_record_that_comes_while_an_older_one_is_checked_is_told_in_its_place() {
    let mut town = Town::of(4);
    let own = town.id(HostId(0));
    let owner = owner_whose_record_lies(&mut town, |replicas| !replicas.contains(&own));
    let writer = town.add_client(&owner, HostId(2));
    let old = owner.record(name(1), version(&town, 0), object(1), 10);
    assert_eq!(town.ask(writer, put(&old)), Response::Stored { copies: 2, wanted: 2 });
    town.world.run_for(SECOND);
    (2..4).for_each(|host| town.world.cut(HostId(1), HostId(host), Cut::Reset));
    let new = owner.record(name(1), version(&town, 10), object(2), 10);
    assert_eq!(town.ask(writer, put(&new)), Response::Stored { copies: 2, wanted: 2 });
    town.world.run_for(SECOND);
    town.world.crash(HostId(3));
    let client = town.add_client(&owner, HostId(0));
    let now = town.world.now().mono;
    town.world.disk_mut(HostId(2)).stall(now + SECOND * 12);
    town.world.set_job_delay(HostId(0), SECOND * 5, SECOND * 5);
    match town.ask(client, owner.get(name(1))) {
        Response::Record { record: Some(found), .. } => assert_eq!(found.order(), new.order()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_local_copy_is_read_first() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(2));
    let bytes = stored(&mut town, &owner, client, 1);
    let source = town.id(HostId(2));
    assert_eq!(town.ask(client, read(&bytes)), Response::Blob { source, bytes: bytes.clone() });
    let part = Request::GetBlob { id: SUITE.blob_id(&bytes), offset: 9_990, len: 100 };
    assert_eq!(town.ask(client, part), Response::Blob { source, bytes: bytes.slice(9_990..) });
}

#[test]
fn what_was_evicted_here_comes_from_a_replica_and_is_here_again() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let bytes = stored(&mut town, &owner, client, 1);
    let home = town.add_control(HostId(0));
    let evicted = town.ask(home, Request::Evict { owner: owner.id(), name: None });
    assert!(matches!(evicted, Response::Evicted { blobs: 1, .. }), "{evicted:?}");
    let own = town.id(HostId(0));
    match town.ask(client, read(&bytes)) {
        Response::Blob { source, bytes: came } => {
            assert_ne!(source, own);
            assert_eq!(came, bytes);
        }
        other => panic!("{other:?}"),
    }
    town.world.run_for(SECOND);
    assert_eq!(town.ask(client, read(&bytes)), Response::Blob { source: own, bytes });
}

#[test]
fn a_range_of_what_is_elsewhere_is_cut_from_the_checked_whole() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let bytes = stored(&mut town, &owner, client, 1);
    let home = town.add_control(HostId(0));
    let part = |offset, len| Request::GetBlob { id: SUITE.blob_id(&bytes), offset, len };
    for (offset, len, expected) in [(100, 50, 100..150), (9_999, 0, 9_999..10_000)] {
        town.ask(home, Request::Evict { owner: owner.id(), name: None });
        let answer = town.ask(client, part(offset, len));
        let expected = bytes.slice(expected);
        assert!(matches!(&answer, Response::Blob { bytes: came, .. } if *came == expected), "{answer:?}");
    }
    town.ask(home, Request::Evict { owner: owner.id(), name: None });
    assert_eq!(town.ask(client, part(20_000, 5)), Response::Error(ErrorCode::Invalid.into()));
}

#[test]
fn a_damaged_local_copy_is_replaced_by_a_sound_one() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let bytes = stored(&mut town, &owner, client, 1);
    let id = SUITE.blob_id(&bytes);
    assert!(town.world.disk_mut(HostId(0)).rot(&id));
    let answer = town.ask(client, read(&bytes));
    assert!(matches!(&answer, Response::Blob { bytes: came, .. } if *came == bytes), "{answer:?}");
    town.world.run_for(SECOND);
    assert_eq!(town.world.disk(HostId(0)).blobs().get(&id), Some(&bytes));
}

#[test]
fn a_read_from_a_slow_peer_is_hedged_with_the_next_one() {
    let mut town = Town::of(2);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(1));
    let bytes = stored(&mut town, &owner, client, 1);
    for _ in 0..3 {
        town.add_member(mute);
    }
    assert!(town.run_until(SECOND * 5, |town| linked(town, HostId(0)) == 4));
    let home = town.add_control(HostId(0));
    town.ask(home, Request::Evict { owner: owner.id(), name: None });
    let reader = town.add_client(&owner, HostId(0));
    let before = town.world.now().mono;
    let answer = town.ask(reader, read(&bytes));
    assert!(matches!(&answer, Response::Blob { bytes: came, .. } if *came == bytes), "{answer:?}");
    assert!(town.world.now().mono.since(before) <= town.config.hedge_after * 4);
}

#[test]
fn a_peer_that_sends_other_bytes_is_found_out_and_the_next_one_is_asked() {
    let mut town = Town::of(2);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(1));
    let bytes = stored(&mut town, &owner, client, 1);
    let mut liars = Vec::new();
    for _ in 0..4 {
        liars.push(town.add_member(liar));
    }
    assert!(town.run_until(SECOND * 5, |town| linked(town, HostId(0)) == 5));
    let home = town.add_control(HostId(0));
    town.ask(home, Request::Evict { owner: owner.id(), name: None });
    let answer = town.ask(client, read(&bytes));
    assert!(matches!(&answer, Response::Blob { bytes: came, .. } if *came == bytes), "{answer:?}");
    let reader = town.add_client(&owner, HostId(0));
    let answer = town.ask(reader, read(&bytes));
    assert!(matches!(&answer, Response::Blob { bytes: came, .. } if *came == bytes), "{answer:?}");
    let found_out = town
        .events(HostId(0))
        .iter()
        .any(|event| matches!(event, NodeEvent::Fault { fault: PeerFault::WrongContent, .. }));
    let asked = liars.iter().any(|(host, _)| {
        town.probe(*host, |probe, _| {
            probe.seen.iter().any(|request| matches!(request, Request::GetBlob { .. }))
        })
    });
    assert_eq!(found_out, asked);
}

/// A town of three in which the first has dropped what it had of this blob.
fn town_without_own_copy() -> (Town, HostId, Bytes) {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let bytes = stored(&mut town, &owner, client, 1);
    let home = town.add_control(HostId(0));
    town.ask(home, Request::Evict { owner: owner.id(), name: None });
    (town, client, bytes)
}

#[test]
fn a_blob_that_this_node_cannot_keep_is_read_all_the_same() {
    let (mut town, client, bytes) = town_without_own_copy();
    town.world.disk_mut(HostId(0)).fail_next(RequestKind::PutBlob, DiskError::NoSpace);
    let answer = town.ask(client, read(&bytes));
    assert!(matches!(&answer, Response::Blob { bytes: came, .. } if *came == bytes), "{answer:?}");
    assert_eq!(faults(&town, HostId(0)), []);
    assert!(town.world.disk(HostId(0)).blobs().is_empty(), "the disk was asked to keep it");
}

#[test]
fn what_this_node_could_not_check_is_no_fault_of_who_sent_it() {
    let (mut town, client, bytes) = town_without_own_copy();
    // Its own copy, and the place of that of each of the others.
    for _ in 0..3 {
        town.world.disk_mut(HostId(0)).fail_next(RequestKind::ReadBlob, DiskError::Io);
    }
    assert_eq!(town.ask(client, read(&bytes)), Response::Error(ErrorCode::Disk.into()));
    assert_eq!(faults(&town, HostId(0)), []);
    let answer = town.ask(client, read(&bytes));
    assert!(matches!(&answer, Response::Blob { bytes: came, .. } if *came == bytes), "{answer:?}");
}

#[test]
fn who_is_too_busy_to_answer_may_have_it() {
    let mut town = Town::of(1);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    town.add_voter(|request| match request {
        Request::GetBlob { .. } => Some(Response::Error(ErrorCode::Busy.into())),
        request => mute(request),
    });
    assert!(town.run_until(SECOND * 5, |town| linked(town, HostId(0)) == 1));
    assert_eq!(town.ask(client, read(&blob(1))), Response::Error(ErrorCode::Busy.into()));
}

#[test]
fn bytes_that_are_not_those_of_the_id_are_passed_on_to_nobody() {
    let mut town = Town::of(1);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    town.add_voter(liar);
    assert_eq!(town.ask(client, read(&blob(1))), Response::Error(ErrorCode::Damaged.into()));
}

#[test]
fn a_blob_that_nobody_has_is_not_found_and_with_a_replica_away_not_known() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    assert_eq!(town.ask(client, read(b"nowhere")), Response::Error(ErrorCode::NotFound.into()));
    town.world.crash(HostId(2));
    town.world.run_for(SECOND);
    assert_eq!(town.ask(client, read(b"nowhere")), Response::Error(ErrorCode::Deadline.into()));
}

#[test]
fn the_newest_record_wins_whichever_node_is_asked() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    stored(&mut town, &owner, client, 1);
    // Node 2 misses the newer version.
    town.world.cut(HostId(0), HostId(2), Cut::Reset);
    town.world.cut(HostId(1), HostId(2), Cut::Reset);
    let newer = owner.tombstone(name(1), version(&town, 10));
    assert!(matches!(town.ask(client, put(&newer)), Response::Stored { copies: 2, wanted: 2 }));
    let late = town.add_client(&owner, HostId(2));
    match town.ask(late, owner.get(name(1))) {
        Response::Record { record: Some(record), fresh: false, .. } => {
            assert!(record.order() < newer.order())
        }
        other => panic!("{other:?}"),
    }
    town.world.heal(HostId(0), HostId(2));
    town.world.heal(HostId(1), HostId(2));
    town.wait_whole();
    match town.ask(late, owner.get(name(1))) {
        Response::Record { record: Some(record), fresh: true, .. } => {
            assert_eq!(record.order(), newer.order())
        }
        other => panic!("{other:?}"),
    }
    // Having passed the newer one on, node 2 holds it itself.
    town.world.run_for(SECOND);
    town.world.crash(HostId(0));
    town.world.crash(HostId(1));
    town.world.run_for(SECOND);
    match town.ask(late, owner.get(name(1))) {
        Response::Record { record: Some(record), fresh: false, .. } => {
            assert_eq!(record.order(), newer.order())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn that_there_is_no_record_is_certain_only_with_a_quorum() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let none = |fresh| Response::Record { record: None, floor: None, fresh };
    assert_eq!(town.ask(client, owner.get(name(7))), none(true));
    town.world.crash(HostId(1));
    town.world.crash(HostId(2));
    town.world.run_for(SECOND);
    assert_eq!(town.ask(client, owner.get(name(7))), none(false));
}

#[test]
fn a_node_that_joined_later_still_finds_what_was_placed_before_it() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let blobs: Vec<_> = (1..9).map(|number| stored(&mut town, &owner, client, number)).collect();
    for _ in 0..3 {
        town.add_node(vec![(None, addr(0))]);
    }
    town.wait_whole();
    let newcomer = town.add_client(&owner, *town.nodes.last().unwrap());
    for (number, bytes) in (1..).zip(&blobs) {
        let answer = town.ask(newcomer, owner.get(name(number)));
        assert!(matches!(&answer, Response::Record { record: Some(_), .. }), "{answer:?}");
        let answer = town.ask(newcomer, read(bytes));
        assert!(matches!(&answer, Response::Blob { bytes: came, .. } if came == bytes), "{answer:?}");
    }
}

#[test]
fn a_list_is_merged_from_all_replicas_and_hides_the_deleted() {
    let mut town = Town::of(6);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    for number in 1..20 {
        let since = version(&town, 0);
        town.ask(client, put(&owner.record(name(number), since, object(number), 1)));
    }
    for number in [3, 8] {
        town.ask(client, put(&owner.tombstone(name(number), version(&town, 5))));
    }
    town.world.run_for(SECOND);
    let expected: Vec<_> = (1..20).filter(|number| ![3, 8].contains(number)).map(name).collect();
    for entry in 0..6 {
        let reader = town.add_client(&owner, HostId(entry));
        match town.ask(reader, owner.list()) {
            Response::Records { records, next: None, complete: true, .. } => {
                assert_eq!(records.iter().map(|record| record.header().name).collect::<Vec<_>>(), expected);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_list_comes_in_pages_that_fit_together() {
    let mut town = Town::of(4);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    for number in 1..20 {
        let since = version(&town, 0);
        town.ask(client, put(&owner.record(name(number), since, object(number), 1)));
    }
    town.world.run_for(SECOND);
    let (mut after, mut names) = (None, Vec::new());
    loop {
        let page = Request::ListRecords { owner: owner.id(), after, rows: 3, shards: (0, 255) };
        match town.ask(client, page) {
            Response::Records { records, next, complete: true, .. } => {
                assert!(records.len() <= 3);
                names.extend(records.iter().map(|record| record.header().name));
                after = next;
            }
            other => panic!("{other:?}"),
        }
        if after.is_none() {
            break;
        }
    }
    assert_eq!(names, (1..20).map(name).collect::<Vec<_>>());
}

#[test]
fn a_list_without_a_quorum_says_that_it_is_not_complete() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    stored(&mut town, &owner, client, 1);
    town.world.crash(HostId(1));
    town.world.crash(HostId(2));
    town.world.run_for(SECOND);
    let answer = town.ask(client, owner.list());
    assert!(
        matches!(&answer, Response::Records { records, complete: false, .. } if records.len() == 1),
        "{answer:?}"
    );
}

#[test]
fn reads_wait_while_the_answers_before_them_fill_their_link() {
    let mut town = Town::with(1, Config { answer_window: 1, ..Config::default() });
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let bytes = stored(&mut town, &owner, client, 1);
    town.world.disk_mut(HostId(0)).set_delay(SECOND, SECOND);
    let ids: Vec<u32> = (0..5).map(|_| town.probe(client, |probe, _| probe.ask(read(&bytes)))).collect();
    town.world.run_for(SECOND / 4);
    assert_eq!(town.node(HostId(0), |node, _| node.hub.links.waiting_reads()), 4, "further reads wait");
    town.world.run_for(SECOND * 6);
    for id in ids {
        let answer = town.probe(client, |probe, _| probe.take_answer(id));
        assert!(matches!(answer, Some(Response::Blob { .. })), "each is answered in its turn: {answer:?}");
    }
}

#[test]
fn records_wait_for_answers_that_nobody_reads_and_not_for_blobs_under_way() {
    let mut town = Town::with(1, Config { answer_window: 1, ..Config::default() });
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let bytes = stored(&mut town, &owner, client, 1);
    town.world.disk_mut(HostId(0)).set_delay(SECOND, SECOND);
    let waiting = |town: &mut Town| town.node(HostId(0), |node, _| node.hub.links.waiting_reads());
    for _ in 0..3 {
        town.probe(client, |probe, _| probe.ask(read(&bytes)));
    }
    let first = town.probe(client, |probe, _| probe.ask(owner.get(name(1))));
    town.world.run_for(SECOND / 4);
    assert_eq!(waiting(&mut town), 2, "the blobs after the first");
    let others: Vec<u32> =
        (0..200).map(|_| town.probe(client, |probe, _| probe.ask(owner.get(name(1))))).collect();
    town.world.run_for(SECOND / 4);
    // As many of the longest records as have room.
    let begun = limit::BLOB / limit::RECORD;
    assert_eq!(waiting(&mut town), 2 + 200 - begun);
    town.world.run_for(SECOND * 20);
    for id in others.into_iter().chain([first]) {
        let answer = town.probe(client, |probe, _| probe.take_answer(id));
        assert!(matches!(answer, Some(Response::Record { .. })), "each is answered: {answer:?}");
    }
}

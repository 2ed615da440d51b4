//! Deleting: tombstones and floors reach every peer, pins die by them, and blobs go after their linger.

use super::*;
use crate::wire::{ErrorCode, MembershipPage};

fn stored(town: &mut Town, owner: &Owner, client: HostId, number: u8) -> BlobId {
    let since = version(town, 0);
    let bytes = blob(number);
    town.ask(client, owner.put_blob(name(number), object(number), since, &bytes));
    town.ask(client, put(&owner.record(name(number), since, object(number), bytes.len() as u64)));
    town.world.run_for(SECOND);
    SUITE.blob_id(&bytes)
}

#[test]
fn after_a_delete_and_the_linger_no_peer_holds_the_blob() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let id = stored(&mut town, &owner, client, 1);
    assert_eq!(town.holders(&id).len(), 3);
    let tombstone = owner.tombstone(name(1), version(&town, 10));
    assert!(matches!(town.ask(client, put(&tombstone)), Response::Stored { copies: 2.., wanted: 2 }));
    assert!(town.run_until(Duration::from_secs(30), |town| town.holders(&id).is_empty()));
    for host in 0..3 {
        let reader = town.add_client(&owner, HostId(host));
        match town.ask(reader, owner.get(name(1))) {
            Response::Record { record: Some(record), .. } => assert!(record.header().is_tombstone()),
            other => panic!("{other:?}"),
        }
        let status = town.status(reader);
        assert_eq!((status.blobs, status.blob_bytes, status.records, status.tombstones), (0, 0, 0, 1));
    }
}

#[test]
fn a_delete_reaches_the_holders_that_are_no_replicas_of_the_record() {
    let mut town = Town::of(7);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(3));
    let ids: Vec<_> = (1..7).map(|number| stored(&mut town, &owner, client, number)).collect();
    for number in 1..7 {
        let tombstone = owner.tombstone(name(number), version(&town, 10));
        assert!(matches!(town.ask(client, put(&tombstone)), Response::Stored { copies: 2.., wanted: 2 }));
    }
    // A cached copy of the entry node goes in its own time.
    town.world.run_for(town.config.cache_for + Duration::from_secs(60));
    for id in ids {
        assert_eq!(town.holders(&id), []);
    }
}

#[test]
fn a_floor_clears_everything_of_its_owner_and_nothing_of_others() {
    let mut town = Town::of(4);
    let (owner, other) = (Owner::new(&town, 1), Owner::new(&town, 2));
    let client = town.add_client(&owner, HostId(0));
    let neighbour = town.add_client(&other, HostId(1));
    let ids: Vec<_> = (1..5).map(|number| stored(&mut town, &owner, client, number)).collect();
    let kept = stored(&mut town, &other, neighbour, 9);
    let floor = owner.floor(version(&town, 10));
    assert!(matches!(town.ask(client, put(&floor)), Response::Stored { copies: 2.., wanted: 2 }));
    town.world.run_for(town.config.cache_for + Duration::from_secs(60));
    for id in ids {
        assert_eq!(town.holders(&id), []);
    }
    assert!(town.holders(&kept).len() >= 3);
    let client = town.add_client(&owner, HostId(0));
    match town.ask(client, owner.list()) {
        Response::Records { records, floor: Some(_), .. } => assert!(records.is_empty()),
        answer => panic!("{answer:?}"),
    }
}

#[test]
fn a_proof_that_only_one_replica_holds_kills_no_pin_until_a_majority_has_it() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let id = stored(&mut town, &owner, client, 1);
    town.world.crash(HostId(1));
    town.world.crash(HostId(2));
    town.world.run_for(SECOND);
    let tombstone = owner.tombstone(name(1), version(&town, 10));
    assert_eq!(town.ask(client, put(&tombstone)), Response::Stored { copies: 1, wanted: 2 });
    town.world.run_for(Duration::from_secs(60));
    assert!(town.holders(&id).contains(&HostId(0)));
    town.restart(HostId(1));
    // The holder offers the proof again, and now it is durable.
    assert!(town.run_until(Duration::from_secs(1200), |town| !town.holders(&id).contains(&HostId(0))));
    assert!(town.run_until(Duration::from_secs(60), |town| !town.holders(&id).contains(&HostId(1))));
}

/// A member that takes what it is given; it says of no tombstone that nothing older is left.
fn holds_something_older(request: &Request) -> Option<Response> {
    match request {
        Request::Ping { unix_ms } => Some(Response::Pong { unix_ms: *unix_ms }),
        Request::View(page) => {
            Some(Response::View(MembershipPage { digest: page.digest, ..MembershipPage::default() }))
        }
        Request::PutRecord { .. } => Some(Response::Stored { copies: 1, wanted: 1 }),
        Request::Forget { .. } => Some(Response::Forgotten { clean: false }),
        _ => Some(Response::Error(ErrorCode::NotFound.into())),
    }
}

/// The same, when nothing is left.
fn holds_nothing_older(request: &Request) -> Option<Response> {
    match request {
        Request::Forget { .. } => Some(Response::Forgotten { clean: true }),
        other => holds_something_older(other),
    }
}

/// The same, and it does not say.
fn does_not_say(request: &Request) -> Option<Response> {
    match request {
        Request::Forget { .. } => None,
        other => holds_something_older(other),
    }
}

#[test]
fn a_tombstone_stays_while_a_member_holds_something_older_or_does_not_say_and_is_sent_to_who_does() {
    let config = Config { tombstone_after: SECOND * 60, forget_every: SECOND * 60, ..Config::default() };
    for (script, is_sent) in [(holds_something_older as Script, true), (does_not_say, false)] {
        let mut town = Town::with(1, config.clone());
        let (member, _) = town.add_voter(holds_nothing_older);
        let owner = Owner::new(&town, 1);
        let client = town.add_client(&owner, HostId(0));
        let tombstone = owner.tombstone(name(1), version(&town, 0));
        assert_eq!(town.ask(client, put(&tombstone)), Response::Stored { copies: 2, wanted: 2 });
        town.world.run_for(SECOND * 50);
        town.probe(member, |probe, _| {
            probe.seen.clear();
            probe.script = script;
        });
        town.world.run_for(SECOND * 600);
        let seen = town.probe(member, |probe, _| core::mem::take(&mut probe.seen));
        assert!(seen.iter().any(|request| matches!(request, Request::Forget { .. })));
        let is_it = |request: &Request| matches!(request, Request::PutRecord { record } if record.order() == tombstone.order());
        assert_eq!(seen.iter().any(is_it), is_sent);
        let tombstones = |town: &mut Town| {
            let home = town.add_control(HostId(0));
            town.status(home).tombstones
        };
        assert_eq!(tombstones(&mut town), 1);
        town.probe(member, |probe, _| probe.script = holds_nothing_older);
        town.world.run_for(SECOND * 600);
        assert_eq!(tombstones(&mut town), 0);
    }
}

//! Deleting: tombstones and floors reach every peer, pins die by them, and blobs go after their linger.

use super::*;

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

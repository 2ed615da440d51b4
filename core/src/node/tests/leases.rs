//! What became of pins, asked of others: deaths that were missed, leases that end, tombstones that are dropped.

use super::*;
use crate::config::limit;
use crate::node::store::audit::Held;
use crate::node::view::record_position;
use crate::sim::Cut;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Days pass cheaply: nobody asks whether links live, and what is done now and then is done seldom.
fn slow() -> Config {
    Config {
        heartbeat: DAY,
        suspect_after: DAY * 2,
        idle_close: DAY * 3,
        client_idle: DAY * 3,
        gossip_every: HOUR * 6,
        running_time_every: HOUR,
        check_every: HOUR * 6,
        tombstone_after: DAY * 3,
        ..Config::default()
    }
}

/// A network of which nobody is out of the placement, however long it is away.
fn patient(n: u8) -> Town {
    let mut town = Town::empty(slow());
    town.wanted.gone_after = Some(DAY * 365);
    for host in 0..n {
        let peers = if host == 0 { vec![] } else { vec![(None, addr(0))] };
        town.add_node(peers);
    }
    town.wait_whole();
    town
}

fn stored(town: &mut Town, owner: &Owner, client: HostId, number: u8) -> BlobId {
    let since = version(town, 0);
    let bytes = blob(number);
    town.ask(client, owner.put_blob(name(number), object(number), since, &bytes));
    town.ask(client, put(&owner.record(name(number), since, object(number), bytes.len() as u64)));
    town.world.run_for(SECOND);
    SUITE.blob_id(&bytes)
}

/// A node other than the first that holds this blob and keeps no records of the name.
fn mere_holder(town: &mut Town, owner: &Owner, number: u8, id: &BlobId) -> Option<HostId> {
    let position = record_position(SUITE, &owner.id(), name(number).0[0]);
    let replicas = town.node(HostId(0), |node, _| node.hub.view.replicas(&position));
    let holders = town.holders(id);
    holders.into_iter().find(|host| host.0 != 0 && !replicas.contains(&town.id(*host)))
}

#[test]
fn a_holder_that_missed_a_delete_asks_for_it_when_it_is_back() {
    let mut town = patient(7);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let found = (1..20).find_map(|number| {
        let id = stored(&mut town, &owner, client, number);
        Some((number, id, mere_holder(&mut town, &owner, number, &id)?))
    });
    let (number, id, holder) = found.expect("some blob lies where its record does not");
    town.world.crash(holder);
    town.world.run_for(SECOND);
    let tombstone = owner.tombstone(name(number), version(&town, 10));
    assert!(matches!(town.ask(client, put(&tombstone)), Response::Stored { copies: 2.., wanted: 2 }));
    town.world.run_for(Duration::from_secs(60));
    town.restart(holder);
    assert!(town.holders(&id).contains(&holder));
    // The first node may hold a cached copy for a while.
    assert!(town.run_until(Duration::from_secs(60), |town| !town.holders(&id).contains(&holder)));
}

#[test]
fn an_upload_that_was_given_up_is_forgotten_only_when_every_replica_has_promised() {
    let mut town = patient(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let bytes = blob(1);
    let since = version(&town, 0);
    town.ask(client, owner.put_blob(name(1), object(1), since, &bytes));
    town.world.run_for(SECOND);
    let id = SUITE.blob_id(&bytes);
    assert_eq!(town.holders(&id).len(), 3);
    town.world.crash(HostId(2));
    town.world.run_for(Duration::from_millis(limit::LEASE_MS) + DAY * 2);
    assert!(town.holders(&id).len() >= 2, "the third may have its record");
    town.restart(HostId(2));
    town.world.run_for(DAY);
    assert_eq!(town.holders(&id), [HostId(2)], "its own lease counts in the time that it ran");
    town.world.run_for(DAY * 7);
    assert_eq!(town.holders(&id), []);
    // Whoever comes with the record now is refused by all of them.
    let late = owner.record(name(1), since, object(1), bytes.len() as u64);
    let client = town.add_client(&owner, HostId(1));
    match town.ask(client, put(&late)) {
        Response::Error(error) => assert_eq!(error.code, crate::wire::ErrorCode::Past),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_replica_that_was_alone_for_longer_than_a_lease_takes_the_record_that_the_others_have() {
    let mut town = patient(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let bytes = blob(1);
    let since = version(&town, 0);
    town.ask(client, owner.put_blob(name(1), object(1), since, &bytes));
    town.world.run_for(SECOND);
    for other in 0..2 {
        town.world.cut(HostId(other), HostId(2), Cut::Reset);
    }
    let record = owner.record(name(1), since, object(1), bytes.len() as u64);
    assert!(matches!(town.ask(client, put(&record)), Response::Stored { copies: 2, wanted: 2 }));
    town.world.run_for(Duration::from_millis(limit::LEASE_MS) + DAY);
    for other in 0..2 {
        town.world.heal(HostId(other), HostId(2));
    }
    let has_record = |town: &mut Town| {
        let rows = town.world.disk(HostId(2)).rows();
        Held::on(SUITE, rows, &owner.id(), &name(1)).is_some_and(|held| !held.is_proof)
    };
    assert!(town.run_until(Duration::from_secs(7200), has_record), "a promise keeps it out");
    assert_eq!(town.holders(&SUITE.blob_id(&bytes)).len(), 3);
}

#[test]
fn a_member_with_the_only_old_copy_revives_nothing_however_late_it_returns() {
    let mut town = patient(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let id = stored(&mut town, &owner, client, 1);
    town.world.crash(HostId(2));
    town.world.run_for(SECOND);
    let tombstone = owner.tombstone(name(1), version(&town, 10));
    assert!(matches!(town.ask(client, put(&tombstone)), Response::Stored { copies: 2, wanted: 2 }));
    // Long past the time of tombstones, but one member has not said that it has nothing older.
    town.world.run_for(DAY * 10);
    town.restart(HostId(2));
    assert!(town.run_until(Duration::from_secs(120), |town| town.holders(&id).is_empty()));
    for host in 0..3 {
        let reader = town.add_client(&owner, HostId(host));
        match town.ask(reader, owner.get(name(1))) {
            Response::Record { record, .. } => {
                assert!(record.is_none_or(|record| record.header().is_tombstone()));
            }
            other => panic!("{other:?}"),
        }
    }
    // Now that everybody is clean, it goes.
    let gone = |town: &mut Town| {
        (0..3).all(|host| {
            let reader = town.add_control(HostId(host));
            town.status(reader).tombstones == 0
        })
    };
    town.world.run_for(DAY * 7);
    assert!(gone(&mut town));
}

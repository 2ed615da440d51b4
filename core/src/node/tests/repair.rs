//! Coming to hold the same: joining empty, coming back, healing, handing on.

use alloc::collections::BTreeMap;

use super::sources::nothing_held;
use super::*;
use crate::node::view::blob_position;
use crate::sim::{Cut, SimDisk};

/// Longer than any of this takes: suspicion, redials, and a few pulls.
pub(super) const LONG: Duration = Duration::from_secs(180);

/// Stores one blob and its record, on as many copies as can be had.
pub(super) fn store(town: &mut Town, owner: &Owner, client: HostId, number: u8) -> BlobId {
    store_as(town, owner, client, number, blob(number))
}

fn store_as(town: &mut Town, owner: &Owner, client: HostId, number: u8, bytes: Bytes) -> BlobId {
    let since = version(town, 0);
    let mut id = [number; 16];
    id[8..].copy_from_slice(&since.ms().to_be_bytes());
    let object = ObjectId(id);
    let answer = town.ask(client, owner.put_blob(name(number), object, since, &bytes));
    assert!(matches!(answer, Response::Stored { .. }), "{answer:?}");
    let answer = town.ask(client, put(&owner.record(name(number), since, object, bytes.len() as u64)));
    assert!(matches!(answer, Response::Stored { .. }), "{answer:?}");
    town.world.run_for(Duration::from_millis(20));
    SUITE.blob_id(&bytes)
}

fn delete(town: &mut Town, owner: &Owner, client: HostId, number: u8) {
    let tombstone = owner.tombstone(name(number), version(town, 10));
    let answer = town.ask(client, put(&tombstone));
    assert!(matches!(answer, Response::Stored { .. }), "{answer:?}");
    town.world.run_for(Duration::from_millis(20));
}

/// As a script does: asks a node until nothing is missing there and it is not syncing.
fn is_caught_up(town: &mut Town, host: HostId) -> bool {
    let status = town.node(host, |node, _| {
        let mut status = Status::default();
        node.hub.repair_status(&mut status);
        status
    });
    if status.syncing {
        return false;
    }
    let home = town.add_control(host);
    let status = town.status(home);
    town.world.crash(home);
    status.copies_missing == 0 && !status.syncing
}

pub(super) fn wait_caught_up(town: &mut Town) {
    for host in town.nodes.clone() {
        if town.world.is_up(host) {
            assert!(
                town.run_until(LONG, |town| {
                    town.world.run_for(SECOND / 4);
                    is_caught_up(town, host)
                }),
                "{host:?} catches up"
            );
        }
    }
}

/// Records (without what belongs to one node alone) and pins that a node holds.
fn rows(town: &Town, host: HostId) -> BTreeMap<Bytes, Bytes> {
    let rows = town.world.disk(host).rows().iter();
    let kept = rows.filter_map(|(key, value)| match key[0] {
        1 => Some((key.clone(), value.slice(33..))),
        2 => Some((key.clone(), value.clone())),
        _ => None,
    });
    kept.collect()
}

fn assert_alike(town: &mut Town, hosts: &[HostId]) {
    let first = hosts[0];
    for host in &hosts[1..] {
        let alike = |town: &mut Town| {
            rows(town, first) == rows(town, *host)
                && town.world.disk(first).blobs().keys().eq(town.world.disk(*host).blobs().keys())
        };
        if !town.run_until(LONG, |town| {
            town.world.run_for(SECOND);
            alike(town)
        }) {
            assert_eq!(rows(town, first), rows(town, *host), "{first:?} and {host:?}");
            panic!("{first:?} and {host:?} hold different blobs");
        }
    }
}

fn pulls_everything(town: &mut Town, ids: &[BlobId]) {
    for id in ids {
        let holders = town.holders(id);
        let up = town.nodes.iter().filter(|host| town.world.is_up(**host)).count();
        assert!(holders.len() >= up.min(3), "{id:?} is only on {holders:?}");
    }
}

#[test]
fn an_empty_node_that_joins_comes_to_hold_what_belongs_to_it() {
    let mut town = Town::of(2);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let ids: Vec<_> = (1..9).map(|number| store(&mut town, &owner, client, number)).collect();
    delete(&mut town, &owner, client, 1);
    let floor = Owner::new(&town, 2).floor(version(&town, 0));
    let floored = town.add_client(&Owner::new(&town, 2), HostId(0));
    town.ask(floored, put(&floor));
    let new = town.add_node(vec![(None, addr(0))]);
    wait_caught_up(&mut town);
    pulls_everything(&mut town, &ids[1..]);
    assert_alike(&mut town, &[HostId(0), HostId(1), new]);
}

#[test]
fn a_network_says_soon_that_it_is_in_sync_though_its_nodes_came_one_after_another() {
    let mut town = Town::of(1);
    let begin = town.world.now().mono;
    for _ in 0..2 {
        town.add_node(vec![(None, addr(0))]);
        town.world.run_for(Duration::from_millis(500));
    }
    town.wait_whole();
    wait_caught_up(&mut town);
    let took = town.world.now().mono - begin;
    assert!(took < SECOND * 4, "{took:?}");
}

#[test]
fn who_starts_again_waits_for_one_that_is_dead_only_until_it_was_dialled() {
    let mut town = Town::of(3);
    wait_caught_up(&mut town);
    // The first, too, may look again at once what the third has.
    town.world.run_for(town.config.pull_again);
    town.world.crash(HostId(1));
    let start_again = |town: &mut Town| {
        town.world.crash(HostId(2));
        town.world.run_for(SECOND);
        town.restart(HostId(2));
        town.world.now().mono
    };
    let begin = start_again(&mut town);
    wait_caught_up(&mut town);
    let took = town.world.now().mono - begin;
    assert!(took < SECOND * 2, "{took:?}");

    // Two may have what the third lacks: they may start, too.
    town.world.crash(HostId(0));
    let begin = start_again(&mut town);
    wait_caught_up(&mut town);
    let took = town.world.now().mono - begin;
    assert!(took > town.config.suspect_after - SECOND, "{took:?}");
}

#[test]
fn two_of_three_lost_one_after_the_other_lose_nothing() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let ids: Vec<_> = (1..9).map(|number| store(&mut town, &owner, client, number)).collect();
    for lost in [1, 2] {
        town.world.crash(HostId(lost));
        *town.world.disk_mut(HostId(lost)) = SimDisk::new([lost as u8; 32]);
        town.world.run_for(SECOND);
        town.restart(HostId(lost));
        town.wait_whole();
        wait_caught_up(&mut town);
        pulls_everything(&mut town, &ids);
    }
    assert_alike(&mut town, &[HostId(0), HostId(1), HostId(2)]);
}

#[test]
fn two_of_three_lost_for_good_are_replaced_by_new_ones() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let ids: Vec<_> = (1..9).map(|number| store(&mut town, &owner, client, number)).collect();
    for lost in [1, 2] {
        town.world.crash(HostId(lost));
        town.world.run_for(SECOND);
        let new = town.add_node(vec![(None, addr(0))]);
        // Whom it misses among the dead it waits for, and may never count: it is enough that it has what there is.
        assert!(town.run_until(LONG, |town| town.node(new, |node, _| node.hub.peers.linked().count() == 2)));
        wait_caught_up(&mut town);
    }
    let entry = *town.nodes.last().unwrap();
    let reader = town.add_client(&owner, entry);
    for (number, id) in (1..).zip(ids) {
        assert!(!town.holders(&id).is_empty());
        let answer = town.ask(reader, read(&blob(number)));
        assert!(matches!(answer, Response::Blob { .. }), "{answer:?}");
        let answer = town.ask(reader, owner.get(name(number)));
        assert!(matches!(answer, Response::Record { record: Some(_), .. }), "{answer:?}");
    }
}

#[test]
fn a_member_back_with_its_old_disk_gets_what_it_missed_and_loses_what_died() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    for number in 1..6 {
        store(&mut town, &owner, client, number);
    }
    town.world.crash(HostId(2));
    let new = store(&mut town, &owner, client, 6);
    let over = store_as(&mut town, &owner, client, 2, blob(77));
    delete(&mut town, &owner, client, 1);
    town.restart(HostId(2));
    town.wait_whole();
    wait_caught_up(&mut town);
    for id in [new, over] {
        assert!(town.holders(&id).contains(&HostId(2)));
    }
    assert_alike(&mut town, &[HostId(0), HostId(1), HostId(2)]);
    assert_eq!(town.holders(&SUITE.blob_id(&blob(1))), []);
}

#[test]
fn both_sides_of_a_partition_agree_after_it() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let (few, many) = (HostId(2), [HostId(0), HostId(1)]);
    let (left, right) = (town.add_client(&owner, HostId(0)), town.add_client(&owner, few));
    for number in 1..5 {
        store(&mut town, &owner, left, number);
    }
    many.iter().for_each(|host| town.world.cut(few, *host, Cut::Reset));
    town.world.run_for(SECOND);
    store(&mut town, &owner, left, 5);
    store(&mut town, &owner, right, 6);
    store_as(&mut town, &owner, left, 2, blob(72));
    store_as(&mut town, &owner, right, 2, blob(73));
    delete(&mut town, &owner, left, 3);
    delete(&mut town, &owner, right, 4);
    many.iter().for_each(|host| town.world.heal(few, *host));
    town.wait_whole();
    wait_caught_up(&mut town);
    assert_alike(&mut town, &[many[0], many[1], few]);
    // The loser of the race, and what was deleted on one side only, are nowhere.
    for gone in [72, 3, 4] {
        assert_eq!(town.holders(&SUITE.blob_id(&blob(gone))), [], "{gone}");
    }
    assert_eq!(town.holders(&SUITE.blob_id(&blob(73))).len(), 3);
}

#[test]
fn a_damaged_copy_is_brought_back_from_another_replica() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let id = store(&mut town, &owner, client, 1);
    town.world.run_for(SECOND);
    assert!(town.world.disk_mut(HostId(1)).rot(&id));
    let home = town.add_control(HostId(1));
    let answer = town.ask(home, Request::Verify { after: None });
    assert!(matches!(&answer, Response::Verified { damaged, .. } if *damaged == [id]), "{answer:?}");
    assert!(!town.holders(&id).contains(&HostId(1)));
    // At once, not with the next walk.
    town.world.run_for(SECOND);
    assert!(town.holders(&id).contains(&HostId(1)));
    assert_eq!(town.world.disk(HostId(1)).blobs().get(&id), Some(&blob(1)));
}

#[test]
fn what_was_evicted_is_left_alone_for_an_hour() {
    let config = Config { pull_every: Duration::from_secs(600), ..Config::default() };
    let mut town = Town::with(3, config);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let id = store(&mut town, &owner, client, 1);
    let home = town.add_control(HostId(1));
    town.ask(home, Request::Evict { owner: owner.id(), name: None });
    town.world.run_for(Duration::from_secs(3000));
    assert!(!town.holders(&id).contains(&HostId(1)));
    town.world.run_for(Duration::from_secs(1800));
    assert!(town.holders(&id).contains(&HostId(1)));
}

#[test]
fn strays_go_only_when_every_member_of_the_set_has_confirmed() {
    let mut town = Town::of(3);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let ids: Vec<_> = (1..21).map(|number| store(&mut town, &owner, client, number)).collect();
    town.world.run_for(SECOND);
    // A fourth, to whom much of it belongs now, and whom two of the three do not reach.
    let new = town.add_node(vec![(None, addr(2))]);
    (0..2).for_each(|host| town.world.cut(new, HostId(host), Cut::Reset));
    town.world.run_for(Duration::from_secs(60));
    let new_id = town.id(new);
    let mut moved = Vec::new();
    for id in &ids {
        let set = town.node(HostId(0), |node, _| node.hub.view.replicas(&blob_position(id)));
        if set.contains(&new_id) {
            moved.push(id);
        }
    }
    assert!(moved.len() > 5);
    for id in moved {
        let holders = town.holders(id);
        assert!((0..2).all(|host| holders.contains(&HostId(host))), "{id:?}: {holders:?}");
    }
    (0..2).for_each(|host| town.world.heal(new, HostId(host)));
    town.wait_whole();
    wait_caught_up(&mut town);
    assert!(
        town.run_until(LONG, |town| {
            town.world.run_for(SECOND);
            let mut left = 0;
            for host in town.nodes.clone() {
                left += town.node(host, |node, _| node.hub.strays_left());
            }
            left == 0
        }),
        "all strays are handed on"
    );
    // Linger.
    town.world.run_for(Duration::from_secs(30));
    for id in &ids {
        assert_eq!(town.holders(id).len(), 3, "{id:?}");
    }
    let records: usize = town
        .nodes
        .clone()
        .into_iter()
        .map(|host| rows(&town, host).keys().filter(|key| key[0] == 1).count())
        .sum();
    assert!(records >= 3 * ids.len());
}

#[test]
fn a_hint_reaches_its_replicas_when_they_are_back() {
    let mut town = Town::of(7);
    let owner = Owner::new(&town, 1);
    let entry = HostId(0);
    let client = town.add_client(&owner, entry);
    let own = town.id(entry);
    // Something of which the entry node is no replica.
    let number = (1..200).find(|number| {
        let id = SUITE.blob_id(&blob(*number));
        town.node(entry, |node, _| !node.hub.view.replicas(&blob_position(&id)).contains(&own))
    });
    let number = number.unwrap();
    (1..7).for_each(|host| town.world.cut(entry, HostId(host), Cut::Reset));
    town.world.run_for(SECOND);
    let since = version(&town, 0);
    let bytes = blob(number);
    let answer = town.ask(client, owner.put_blob(name(number), object(1), since, &bytes));
    assert_eq!(answer, Response::Stored { copies: 0, wanted: 2 });
    (1..7).for_each(|host| town.world.heal(entry, HostId(host)));
    town.wait_whole();
    let id = SUITE.blob_id(&bytes);
    assert!(town.run_until(LONG, |town| {
        town.world.run_for(SECOND);
        town.holders(&id).iter().filter(|host| **host != entry).count() == 3
    }));
    // The hint itself goes, after its linger.
    town.world.run_for(Duration::from_secs(60));
    assert_eq!(town.holders(&id).len(), 3);
    assert!(!town.holders(&id).contains(&entry));
}

#[test]
fn a_pull_goes_on_after_its_link_was_lost() {
    let mut town = Town::of(2);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let ids: Vec<_> = (1..31).map(|number| store(&mut town, &owner, client, number)).collect();
    let new = town.add_node(vec![(None, addr(0))]);
    for _ in 0..5 {
        town.world.run_for(Duration::from_millis(40));
        for host in [0, 1] {
            town.world.cut(new, HostId(host), Cut::Reset);
            town.world.heal(new, HostId(host));
        }
    }
    town.wait_whole();
    wait_caught_up(&mut town);
    pulls_everything(&mut town, &ids);
    assert_alike(&mut town, &[HostId(0), HostId(1), new]);
}

#[test]
fn nothing_is_pulled_again_and_again_because_a_link_comes_and_goes() {
    let mut town = Town::of(2);
    let (_, _) = (town.id(HostId(0)), town.id(HostId(1)));
    town.world.run_for(SECOND * 30);
    let silent = town.add_member(nothing_held).0;
    let mut pulls = 0;
    for _ in 0..20 {
        town.world.run_for(SECOND / 2);
        pulls += town.probe(silent, |probe, _| {
            let seen = core::mem::take(&mut probe.seen);
            seen.iter().filter(|request| is_first_page(request)).count()
        });
        town.world.cut(HostId(0), silent, Cut::Reset);
        town.world.heal(HostId(0), silent);
        town.probe(silent, |probe, _| probe.dial(addr(0)));
    }
    assert!(pulls <= 4, "{pulls} pulls in ten seconds");
}

#[test]
fn who_was_silent_for_long_is_caught_up_with_though_the_link_stood() {
    let mut town = Town::of(2);
    let silent = town.add_member(nothing_held).0;
    town.world.run_for(SECOND * 30);
    let first_pages = |town: &mut Town| {
        let seen = town.probe(silent, |probe, _| core::mem::take(&mut probe.seen));
        seen.iter().filter(|request| is_first_page(request)).count()
    };
    assert!(first_pages(&mut town) > 0);
    town.probe(silent, |probe, _| probe.silent = true);
    town.world.run_for(town.config.suspect_after + SECOND);
    assert_eq!(first_pages(&mut town), 0);
    town.probe(silent, |probe, now| {
        probe.silent = false;
        probe.ask(Request::Ping { unix_ms: now.unix_ms });
    });
    town.world.run_for(SECOND * 2);
    assert!(first_pages(&mut town) > 0);
    assert_eq!(town.probe(silent, |probe, _| probe.disconnects), 0, "the link is the same");
}

fn is_first_page(request: &Request) -> bool {
    matches!(request, Request::PullRecords { part: crate::wire::PullPart::Floors, rows: 1.., .. })
}

//! Versions: other devices, refusals, promises about what was seen.

use super::entry::refusal;
use super::*;
use crate::config::limit;
use crate::vault::tombstone;
use crate::wire::ErrorCode;

const MINUTE_MS: u64 = 60_000;

fn is_put_record(request: &Request) -> bool {
    matches!(request, Request::PutRecord { .. })
}

/// The first `PutRecord` meets a record that another device has written meanwhile.
fn meet_another_record(world: &mut World, record: Record) {
    let mut record = Some(record);
    world.intercept(move |entry, request| {
        if is_put_record(request)
            && let Some(record) = record.take()
        {
            let header = record.header();
            entry.records.insert((header.owner, header.name), record.clone());
        }
        None
    });
}

fn objects_put(world: &World) -> Vec<Vec<crate::id::ObjectId>> {
    let objects = |request: &Request| match request {
        Request::PutRecord { record } => Some(record.header().live.iter().map(|live| live.object).collect()),
        _ => None,
    };
    world.entry.log.iter().filter_map(objects).collect()
}

fn pins_asked(world: &World) -> usize {
    world.entry.log.iter().map(|r| if let Request::Have { pins } = r { pins.len() } else { 0 }).sum()
}

#[test]
fn a_store_that_another_device_overtook_begins_anew_above_it() {
    let mut world = World::new();
    let content = noise(9 << 20, 1);
    let newer = world.record_of_another_device("a", START.unix_ms + 5 * MINUTE_MS, "other");
    let newer_version = newer.header().version;
    meet_another_record(&mut world, newer);
    let stored = world.store("a", content.clone()).unwrap();
    let Outcome::Stored { version, .. } = stored else { panic!("{stored:?}") };
    assert!(version > newer_version);
    let objects = objects_put(&world);
    assert!(objects.len() == 2 && objects[0] != objects[1], "a new version is a new object");
    let pieces = world.entry.blobs.len();
    assert_eq!(pins_asked(&world), 2 * pieces, "every piece is pinned for both");
    assert!(world.entry.blob_bytes_sent() < 10 << 20, "and no piece sent twice");
    assert!(world.get("a").unwrap() == content);
}

#[test]
fn a_small_file_that_was_overtaken_is_signed_anew() {
    let mut world = World::new();
    let newer = world.record_of_another_device("a", START.unix_ms + MINUTE_MS, "other");
    meet_another_record(&mut world, newer);
    world.store("a", "mine").unwrap();
    assert_eq!(world.get("a").unwrap(), b"mine");
}

#[test]
fn a_clock_far_ahead_is_not_merged() {
    let mut world = World::new();
    let newer = world.record_of_another_device("a", START.unix_ms + 16 * MINUTE_MS, "other");
    meet_another_record(&mut world, newer);
    assert_eq!(world.store("a", "mine"), Err(OpError::Clock));
}

#[test]
fn a_clock_that_the_network_refuses_is_named() {
    for code in [ErrorCode::Future, ErrorCode::Past] {
        let mut world = World::new();
        world.intercept(move |_, request| is_put_record(request).then(|| vec![refusal(code, None)]));
        assert_eq!(world.store("a", "mine"), Err(OpError::Clock));
        assert_eq!(world.store("a", noise(100_000, 1)), Err(OpError::Clock));
    }
}

#[test]
fn a_key_that_is_always_overtaken_is_a_conflict_in_the_end() {
    let mut world = World::new();
    let record = world.record_of_another_device("a", START.unix_ms, "other");
    world.intercept(move |_, request| {
        is_put_record(request).then(|| vec![refusal(ErrorCode::Stale, Some(record.to_stub()))])
    });
    assert_eq!(world.store("a", "mine"), Err(OpError::Conflict));
    assert_eq!(world.store("a", noise(2 << 20, 1)), Err(OpError::Conflict));
    assert!(objects_put(&world).len() < 30, "tries are bounded");
}

#[test]
fn a_pin_below_the_floor_moves_the_whole_store_above_it() {
    let mut world = World::new();
    let content = noise(6 << 20, 1);
    let owner = world.owner();
    let version = Version::new(START.unix_ms + MINUTE_MS, 0, [2; 8]).unwrap();
    let vault = vault(world.suite, 7);
    let floor = crate::vault::floor_record(vault.keys(), &network(world.suite), version, 0).unwrap();
    let mut puts = 0;
    world.intercept(move |entry, request| {
        puts += u32::from(matches!(request, Request::PutBlob { .. }));
        if puts == 2 {
            entry.floors.insert(owner, floor.clone());
        }
        None
    });
    world.store("a", content.clone()).unwrap();
    assert!(world.get("a").unwrap() == content);
    let objects = objects_put(&world).pop().unwrap();
    for (_, pins) in world.entry.blobs.values() {
        assert!(pins.contains(&(owner, objects[0])), "every piece is pinned for what the record lists");
    }
}

#[test]
fn a_piece_that_vanished_is_a_conflict_and_one_under_another_pin_is_pinned_again() {
    for is_gone in [true, false] {
        let mut world = World::new();
        let content = noise(5 << 20, 3);
        let newer = world.record_of_another_device("a", START.unix_ms + MINUTE_MS, "other");
        let mut newer = Some(newer);
        world.intercept(move |entry, request| {
            if is_put_record(request)
                && let Some(newer) = newer.take()
            {
                entry.records.insert((newer.header().owner, newer.header().name), newer);
                let first = *entry.blobs.keys().next().unwrap();
                if is_gone {
                    entry.blobs.remove(&first);
                } else {
                    entry.blobs.get_mut(&first).unwrap().1.clear();
                }
            }
            None
        });
        let stored = world.store("a", content.clone());
        if is_gone {
            assert_eq!(stored, Err(OpError::Conflict));
        } else {
            assert!(matches!(stored, Ok(Outcome::Stored { .. })), "{stored:?}");
            assert!(world.get("a").unwrap() == content);
        }
    }
}

#[test]
fn pieces_that_lost_their_pins_are_had_again_one_after_the_other() {
    let mut world = World::new();
    let content = noise(24 << 20, 3);
    let mut newer = Some(world.record_of_another_device("a", START.unix_ms + MINUTE_MS, "other"));
    let pieces = alloc::rc::Rc::new(core::cell::Cell::new(0));
    let counted = pieces.clone();
    world.intercept(move |entry, request| {
        if is_put_record(request)
            && let Some(newer) = newer.take()
        {
            entry.records.insert((newer.header().owner, newer.header().name), newer);
            // The harness wants one blob at least pinned for whatever is put.
            entry.blobs.values_mut().skip(1).for_each(|(_, pins)| pins.clear());
            counted.set(entry.blobs.len());
        }
        None
    });
    world.store("a", content.clone()).unwrap();
    assert!(pieces.get() > 10);
    let mut under_way = 0;
    for request in world.entry.log.iter().skip_while(|request| !is_put_record(request)) {
        match request {
            Request::GetBlob { .. } => under_way += 1,
            Request::PutBlob { .. } => under_way -= 1,
            _ => {}
        }
        assert!(under_way <= 2, "a piece and a node of the tree");
    }
    assert!(world.get("a").unwrap() == content);
}

#[test]
fn a_record_that_slept_for_half_a_lease_is_made_anew() {
    let mut world = World::new();
    let content = noise(3 << 20, 4);
    let mut asleep = false;
    world.intercept(move |_, request| {
        // The first record is never answered: the device sleeps.
        (is_put_record(request) && !core::mem::replace(&mut asleep, true)).then(Vec::new)
    });
    let op = world.begin_store("a", content.clone(), StoreOptions::default());
    world.run();
    assert_eq!(objects_put(&world).len(), 1);
    world.now.unix_ms += limit::LEASE_MS / 2 + 1;
    world.cut();
    world.end_of(op).unwrap();
    let objects = objects_put(&world);
    assert!(objects.len() == 2 && objects[0] != objects[1], "{objects:?}");
    assert_eq!(pins_asked(&world), 2 * world.entry.blobs.len());
    assert!(world.get("a").unwrap() == content);
}

#[test]
fn copies_are_the_least_over_everything() {
    let mut world = World::new();
    let mut blobs = 0;
    world.intercept(move |entry, request| {
        blobs += u32::from(matches!(request, Request::PutBlob { .. }));
        entry.copies = if matches!(request, Request::PutBlob { .. }) && blobs == 2 { 1 } else { 2 };
        None
    });
    let stored = world.store("a", noise(4 << 20, 5)).unwrap();
    assert!(matches!(stored, Outcome::Stored { copies: 1, wanted: 2, .. }), "{stored:?}");
    world.intercept = None;
    world.entry.copies = 1;
    assert!(matches!(world.delete("a"), Ok(Outcome::Deleted { copies: 1, wanted: 2, .. })));
    assert!(matches!(world.clear(), Ok(Outcome::Cleared { copies: 1, wanted: 2, .. })));
}

#[test]
fn an_older_record_than_was_seen_is_not_accepted() {
    let mut world = World::new();
    world.store("a", "old").unwrap();
    let old = world.entry.records.clone();
    world.pass(Duration::from_secs(1));
    world.store("a", "new").unwrap();
    world.store("b", "other").unwrap();
    world.entry.records.extend(old);
    assert_eq!(world.get("a"), Err(OpError::Rollback));
    let (entries, complete) = world.list("").unwrap();
    assert_eq!((keys(&entries), complete), (vec!["b".to_string()], false));
    let disk = world.disk.clone();
    let mut restarted = world.hand_over(7, 1);
    restarted.disk = disk;
    assert_eq!(restarted.get("a"), Err(OpError::Rollback), "also after a restart");
    let mut other_device = restarted.hand_over(7, 2);
    assert_eq!(other_device.get("a").unwrap(), b"old", "who has not seen the newer one cannot know");
}

#[test]
fn what_a_seen_floor_killed_stays_dead_without_it() {
    let mut world = World::new();
    world.store("a", "content").unwrap();
    world.clear().unwrap();
    world.entry.floors.clear();
    assert_eq!(world.get("a"), Err(OpError::NotFound));
    assert_eq!(world.list("").unwrap().0, []);
}

#[test]
fn a_deletion_that_was_seen_is_not_taken_back() {
    let mut world = World::new();
    world.store("a", "content").unwrap();
    let old = world.entry.records.clone();
    world.pass(Duration::from_secs(1));
    let vault = vault(world.suite, 7);
    let name = vault.keys().name(0, "a");
    let version = Version::new(world.now.unix_ms, 0, [2; 8]).unwrap();
    let deleted = tombstone(vault.keys(), &network(world.suite), &name, version).unwrap();
    world.entry.records.insert((vault.owner(), name), deleted);
    assert_eq!(world.get("a"), Err(OpError::NotFound));
    world.entry.records = old;
    assert_eq!(world.get("a"), Err(OpError::Rollback));
}

#[test]
fn a_disk_that_fails_ends_the_operation_with_its_error() {
    let mut world = World::new();
    world.store("a", "content").unwrap();
    world.disk_error = Some(DiskError::Io);
    let failed = Err(OpError::Disk(DiskError::Io));
    assert_eq!(world.store("b", "content"), failed);
    assert_eq!(world.get("a").map(drop), Err(OpError::Disk(DiskError::Io)));
    assert_eq!(world.delete("a"), failed);
    assert_eq!(world.list("").map(drop), Err(OpError::Disk(DiskError::Io)));
    assert_eq!(world.clear(), failed);
    world.disk_error = None;
    assert_eq!(world.get("a").unwrap(), b"content");
}

#[test]
fn a_row_that_is_no_version_is_a_damaged_disk() {
    let mut world = World::new();
    world.store("a", "content").unwrap();
    for row in world.disk.values_mut() {
        *row = Bytes::from_static(b"short");
    }
    assert_eq!(world.get("a"), Err(OpError::Disk(DiskError::Corrupt)));
}

#[test]
fn a_fresh_get_refuses_what_no_quorum_agreed_on() {
    let mut world = World::new();
    world.store("a", "content").unwrap();
    world.entry.fresh = false;
    let fresh = GetOptions { fresh: true, range: None };
    assert_eq!(world.get_with("a", fresh).map(drop), Err(OpError::NotFresh));
    let (_, outcome) = world.get_with("a", GetOptions::default()).unwrap();
    assert!(matches!(outcome, Outcome::Got { fresh: false, .. }), "{outcome:?}");
}

#[test]
fn stores_of_one_key_at_the_same_moment_have_versions_of_their_own() {
    let mut world = World::new();
    let contents = [noise(100_000, 1), noise(100_000, 2), noise(10, 3)];
    let ops = contents.clone().map(|content| world.begin_store("a", content, StoreOptions::default()));
    let mut versions = Vec::new();
    for op in ops {
        let outcome = world.end_of(op).unwrap();
        let Outcome::Stored { version, .. } = outcome else { panic!("{outcome:?}") };
        versions.push(version);
    }
    let newest = versions.iter().enumerate().max_by_key(|(_, version)| **version).unwrap().0;
    assert!(world.get("a").unwrap() == contents[newest]);
    versions.sort();
    versions.dedup();
    assert_eq!(versions.len(), 3);
}

#[test]
fn a_get_that_an_own_store_overtakes_is_no_rollback() {
    let mut world = World::new();
    world.store("a", "old").unwrap();
    let old = world.entry.records.clone();
    world.pass(Duration::from_secs(1));
    world.entry.is_mute = true;
    let get = world.client.get(world.now, "a", GetOptions::default());
    world.run();
    let store = world.begin_store("a", "new", StoreOptions::default());
    world.run();
    // The entry node read the old record before it took the new one, and answers in the other order.
    world.intercept(move |entry, request| {
        let Request::GetRecord { .. } = request else { return None };
        entry.held =
            Some(Response::Record { record: old.values().next().cloned(), floor: None, fresh: true });
        Some(Vec::new())
    });
    world.entry.is_mute = false;
    world.end_of(store).unwrap();
    world.entry.let_go();
    world.end_of(get).unwrap();
    assert_eq!(world.got[&get], b"old");
}

#[test]
fn that_a_file_was_deleted_or_has_expired_only_a_quorum_can_say() {
    let mut world = World::new();
    world.store("deleted", "content").unwrap();
    world.delete("deleted").unwrap();
    let expires = StoreOptions { ttl_ms: Some(1000), ..StoreOptions::default() };
    let expired = world.begin_store("expired", "content", expires);
    world.end_of(expired).unwrap();
    world.pass(Duration::from_secs(2));
    for key in ["deleted", "expired"] {
        assert_eq!(world.get(key), Err(OpError::NotFound));
        // Whoever did not answer may have a later file.
        world.entry.fresh = false;
        assert_eq!(world.get(key), Err(OpError::NotFresh));
        world.entry.fresh = true;
    }
}

#[test]
fn that_a_file_is_not_there_only_a_quorum_can_say() {
    let mut world = World::new();
    world.entry.fresh = false;
    assert_eq!(world.get("a"), Err(OpError::NotFresh));
    // Those who did not answer may have it: the deletion goes out all the same.
    assert!(matches!(world.delete("a"), Ok(Outcome::Deleted { .. })));
    world.entry.fresh = true;
    assert_eq!(world.delete("b"), Err(OpError::NotFound));
}

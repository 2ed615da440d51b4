//! `Evict`, `Verify`, `Status`, and the store's own state.

use super::bench::*;
use crate::config::Config;
use crate::id::{NodeId, OwnerId, Position};
use crate::node::store::rows::RecordRow;
use crate::node::store::{Damage, Keep, Origin};
use crate::record::Record;
use crate::wire::{ErrorCode, Request, Response};
use alloc::sync::Arc;
use alloc::vec;
use bytes::Bytes;
use core::time::Duration;

fn filled() -> (Bench, Owner) {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    for name in 1..=3 {
        for n in 0..3 {
            bench.ask(OTHER, owner.put(name, 1, 10 * name + n));
        }
        bench.ask(OTHER, put_record(&owner.record(name, 1)));
    }
    for name in 100..=140 {
        bench.ask(OTHER, put_record(&owner.inline(name, 1)));
    }
    (bench, owner)
}

fn evict(bench: &mut Bench, owner: &Owner, name: Option<u8>) -> (u64, u64) {
    match bench.ask(Origin::Own, Request::Evict { owner: owner.id(), name: name.map(self::name) }) {
        Response::Evicted { blobs, bytes } => (blobs, bytes),
        other => panic!("{other:?}"),
    }
}

#[test]
fn evicting_a_name_drops_its_bytes_keeps_its_pins_and_is_filled_again() {
    let (mut bench, owner) = filled();
    assert_eq!(evict(&mut bench, &owner, Some(2)), (3, 320 + 321 + 322));
    assert_eq!(evict(&mut bench, &owner, Some(2)), (0, 0));
    assert_eq!((bench.disk.blobs.len(), bench.disk.count(kind::PIN)), (6, 9));
    assert_eq!(bench.disk.count(kind::EVICTED), 3);
    assert_eq!(bench.status().copies_missing, 3);
    assert_code(&bench.ask(OTHER, get(20)), ErrorCode::NotFound);
    bench.ask(OTHER, owner.put(2, 1, 20));
    assert!(matches!(bench.ask(OTHER, get(20)), Response::Blob { .. }));
    assert_eq!((bench.status().copies_missing, bench.disk.count(kind::EVICTED)), (2, 2));
}

#[test]
fn evicting_an_inline_file_leaves_its_stub_and_the_record_fills_it_again() {
    let (mut bench, owner) = filled();
    assert_eq!(evict(&mut bench, &owner, Some(100)), (0, 128 + 256));
    let record = owner.inline(100, 1);
    assert_eq!(bench.record_of(&owner, 100).0, Some(record.to_stub()));
    assert_eq!(bench.status().copies_missing, 1);
    bench.ask(OTHER, put_record(&record));
    assert_eq!(bench.record_of(&owner, 100).0, Some(record));
    assert_eq!(bench.status().copies_missing, 0);
}

#[test]
fn evicting_everything_of_an_owner_leaves_other_owners_alone() {
    let (mut bench, owner) = filled();
    let other = Owner::new(2);
    bench.ask(OTHER, other.put(1, 1, 99));
    bench.ask(OTHER, put_record(&other.inline(5, 1)));
    let (blobs, _) = evict(&mut bench, &owner, None);
    assert_eq!((blobs, bench.disk.blobs.len()), (9, 1));
    assert_eq!(bench.status().copies_missing, 9 + 41);
    assert_eq!(bench.record_of(&other, 5).0, Some(other.inline(5, 1)));
    assert_eq!(
        bench.record_of(&owner, 1).0,
        Some(owner.record(1, 1)),
        "only bytes of blobs and inline files go"
    );
}

#[test]
fn evicting_drops_cached_copies_too_so_that_the_next_get_asks_the_peers() {
    let (mut bench, owner) = filled();
    bench.ask_to(OTHER, Keep::Cache, owner.put(7, 1, 70));
    bench.ask_to(OTHER, Keep::Cache, owner.put(7, 1, 70));
    // Cached first, pinned then: that copy is not the cache's any more.
    bench.ask_to(OTHER, Keep::Cache, owner.put(7, 1, 71));
    bench.ask(OTHER, owner.put(7, 1, 71));
    assert_eq!(evict(&mut bench, &owner, Some(9)), (0, 0));
    assert_code(&bench.ask(OTHER, get(70)), ErrorCode::NotFound);
    assert_eq!(bench.disk.blobs.len(), 10);
}

#[test]
fn verify_finds_every_damaged_copy_and_drops_it() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    for n in 0..200 {
        bench.ask(OTHER, owner.put(1, 1, n));
    }
    let mut want = vec![blob(3).0, blob(77).0, blob(150).0];
    want.sort_unstable();
    for id in &want {
        let rotten = bench.disk.blobs[id].iter().rev().map(|byte| byte ^ 1).collect();
        bench.disk.blobs.insert(*id, rotten);
    }
    let (mut found, mut hashed, mut pages, mut after) = (vec![], 0, 0, None);
    loop {
        match bench.ask(Origin::Own, Request::Verify { after }) {
            Response::Verified { checked, damaged, next, .. } => {
                found.extend(damaged);
                hashed += checked;
                pages += 1;
                after = next;
            }
            other => panic!("{other:?}"),
        }
        if after.is_none() {
            break;
        }
    }
    assert_eq!((found, hashed, pages), (want, 200, 4));
    assert_eq!(bench.status().copies_missing, 3);
}

#[test]
fn verify_names_every_damaged_record_and_leaves_it_as_a_mark_until_it_is_mended() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    for name in 1..=100 {
        bench.ask(OTHER, put_record(&owner.record(name, 1)));
    }
    // One whose form is damaged, one of which a signed byte is, and one that lies where another belongs.
    // And one whose checksum is right, and whose signature is not.
    let mut rows: alloc::vec::Vec<_> =
        bench.disk.rows.keys().filter(|key| key[0] == kind::REC).cloned().collect();
    rows.truncate(5);
    let damage = |bench: &mut Bench, key: &Bytes, at: fn(usize) -> usize| {
        let mut value = bench.disk.rows[key].to_vec();
        let at = at(value.len());
        value[at] ^= 1;
        bench.disk.rows.insert(key.clone(), value.into());
    };
    damage(&mut bench, &rows[0], |_| 25);
    damage(&mut bench, &rows[1], |_| 40);
    let other = bench.disk.rows[&rows[3]].clone();
    bench.disk.rows.insert(rows[2].clone(), other);
    let mut row = RecordRow::decode(SUITE, &bench.disk.rows[&rows[4]]).unwrap();
    let mut record = row.record.bytes().to_vec();
    record[row.record.to_stub().bytes().len() - 1] ^= 1;
    row.record = Record::parse(SUITE, record.into()).unwrap();
    bench.disk.rows.insert(rows[4].clone(), row.encode(SUITE));
    let verify = |bench: &mut Bench| {
        let (mut found, mut checked, mut after) = (0, 0, None);
        loop {
            match bench.ask(Origin::Own, Request::VerifyRecords { after }) {
                Response::VerifiedRecords(page) => {
                    found += page.damaged.len();
                    checked += page.checked;
                    after = page.next;
                }
                other => panic!("{other:?}"),
            }
            if after.is_none() {
                return (found, checked);
            }
        }
    };
    assert_eq!(verify(&mut bench), (4, 100));
    let rows_of =
        |damages: &[Damage]| damages.iter().filter(|damage| matches!(damage, Damage::Row(_))).count();
    assert_eq!((bench.damages.len(), rows_of(&bench.damages)), (4, 1));
    assert_eq!(verify(&mut bench), (4, 100));
    for name in 1..=100 {
        bench.ask(OTHER, put_record(&owner.record(name, 1)));
    }
    assert_eq!(verify(&mut bench), (0, 100));
}

#[test]
fn a_status_tells_what_waits_and_what_lies_elsewhere() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask(OTHER, owner.put(1, 1, 1));
    bench.ask(OTHER, owner.put(2, 1, 2));
    bench.ask(OTHER, put_record(&owner.record(2, 1)));
    let status = bench.status();
    assert_eq!((status.pending_pins, status.unlisted_pins, status.strays), (1, 0, 0));
    // A record that is lost without a trace.
    bench.disk.rows.retain(|key, _| key[0] != kind::REC);
    let status = bench.status();
    assert_eq!((status.pending_pins, status.unlisted_pins, status.strays), (1, 1, 0));
}

#[test]
fn status_counts_what_is_held_and_what_is_missing() {
    let (mut bench, owner) = filled();
    bench.ask(OTHER, put_record(&owner.tombstone(200, 1)));
    bench.disk.blobs.remove(&blob(11).0);
    bench.disk.blobs.remove(&blob(32).0);
    let status = bench.status();
    assert_eq!((status.node, status.network), (NODE, NETWORK));
    assert_eq!((status.blobs, status.records, status.tombstones), (7, 44, 1));
    assert_eq!(status.blob_bytes, bench.disk.blobs.values().map(|b| b.len() as u64).sum::<u64>());
    assert_eq!((status.copies_wanted, status.copies_present, status.copies_missing), (9 + 45, 7 + 45, 2));
    assert_eq!(status.free_bytes, 1 << 40);
}

#[test]
fn status_counts_the_same_in_pages_of_any_length() {
    let (bench, _) = filled();
    for rows in 1..6 {
        let mut setup = bench.setup.clone();
        setup.config.scan_rows = rows;
        // Of bytes a scan then has room for one row.
        setup.config.scan_bytes = if rows == 1 { 1 } else { setup.config.scan_bytes };
        let mut paged = Bench::on(bench.disk.clone(), setup);
        paged.run();
        let status = paged.status();
        assert_eq!((status.blobs, status.records, status.copies_wanted), (9, 44, 53), "{rows}");
        assert_eq!(status.copies_missing, 0);
    }
}

#[test]
fn status_counts_as_wanted_only_what_is_placed_here() {
    let (mut bench, _) = filled();
    bench.store.set_view(Arc::new(Rule(|position: &Position| position.0[0] < 128)));
    let status = bench.status();
    assert_eq!(status.blobs, 9);
    assert!((1..53).contains(&status.copies_wanted), "{status:?}");
    assert_eq!(status.copies_missing, 0);
    bench.store.set_view(nowhere());
    assert_eq!(bench.status().copies_wanted, 0);
}

#[test]
fn a_new_disk_is_told_and_keeps_its_incarnation_for_ever() {
    let mut bench = Bench::new();
    let first = bench.loaded.take().unwrap();
    assert!(first.new_disk);
    bench.restart();
    let second = bench.loaded.take().unwrap();
    assert_eq!((second.new_disk, second.incarnation), (false, first.incarnation));
}

#[test]
fn the_nodes_rows_survive_and_the_last_value_counts() {
    let mut bench = Bench::new();
    for value in ["a", "b", "c"] {
        bench.store.save_state(bench.now, b"view", Bytes::from(value));
        bench.store.save_state(bench.now, b"gone", Bytes::from(value));
    }
    bench.store.remove_state(bench.now, b"gone");
    bench.run();
    assert!(bench.store.is_idle());
    bench.restart();
    assert_eq!(bench.loaded.take().unwrap().state, [(Bytes::from("view"), Bytes::from("c"))]);
}

#[test]
fn running_time_goes_on_over_restarts_and_loses_at_most_one_interval() {
    let mut bench = Bench::new();
    let every = bench.setup.config.running_time_every;
    for _ in 0..5 {
        bench.advance(every * 10 + every / 2);
        bench.restart();
    }
    let ran = bench.loaded.take().unwrap().running_ms;
    let real = (every * 50 + every * 5 / 2).as_millis() as u64;
    assert!(ran <= real && real - ran <= 5 * every.as_millis() as u64, "{ran} of {real}");
}

#[test]
fn nothing_is_remembered_of_what_is_stored() {
    let (mut bench, owner) = filled();
    bench.ask(OTHER, put_record(&owner.tombstone(1, 2)));
    bench.advance(LINGER * 2);
    bench.status();
    assert_eq!(std::format!("{:?}", bench.store), std::format!("{:?}", Bench::new().store));
}

#[test]
fn requests_that_come_before_the_store_is_loaded_wait_for_it() {
    let (disk, setup) = (Bench::new().disk, Bench::new().setup);
    let mut bench = Bench::on(disk, setup);
    let status = bench.status();
    assert_eq!(status.node, NODE);
    assert!(bench.loaded.is_some());
}

#[test]
fn a_full_waiting_room_is_answered_busy_and_everything_else_in_the_end() {
    let config = Config { store_waiting: 10, node_window: 4 << 20, ..Config::default() };
    let (mut bench, owner) = (Bench::with(config), Owner::new(1));
    bench.ask(OTHER, owner.put(1, 1, 9));
    let tokens: vec::Vec<u64> = (0..30).map(|_| bench.submit(OTHER, Keep::Replica, get(9))).collect();
    bench.run();
    let busy = tokens.iter().filter(|token| matches!(bench.replies[token], Response::Error(_))).count();
    assert_eq!((bench.replies.len(), busy), (30, 19));
    assert_eq!(bench.store.pending(), 0);
}

#[test]
fn blobs_that_wait_are_bounded_by_their_bytes_and_more_are_answered_busy() {
    // One runs, two wait.
    let config = Config { store_waiting_bytes: 1400, node_window: 1, ..Config::default() };
    let (mut bench, owner) = (Bench::with(config), Owner::new(1));
    let put = |bench: &mut Bench| bench.submit(OTHER, Keep::Replica, owner.put(1, 1, 9));
    let tokens: vec::Vec<u64> = (0..10).map(|_| put(&mut bench)).collect();
    bench.run();
    let is_busy = |token: &&u64| matches!(&bench.replies[*token], Response::Error(error) if error.code == ErrorCode::Busy);
    assert_eq!((bench.replies.len(), tokens.iter().filter(is_busy).count()), (10, 7));
}

#[test]
fn reads_that_wait_hold_nothing_and_so_none_of_them_is_turned_away() {
    let config = Config { store_waiting_bytes: 1, node_window: 4 << 20, ..Config::default() };
    let (mut bench, owner) = (Bench::with(config), Owner::new(1));
    bench.ask(OTHER, owner.put(1, 1, 9));
    let tokens: vec::Vec<u64> = (0..100).map(|_| bench.submit(OTHER, Keep::Replica, get(9))).collect();
    bench.run();
    assert!(tokens.iter().all(|token| matches!(bench.replies[token], Response::Blob { .. })));
}

#[test]
fn no_more_disk_requests_are_under_way_than_allowed() {
    let config = Config { max_disk_requests: 3, ..Config::default() };
    let (mut bench, owner) = (Bench::with(config), Owner::new(1));
    let tokens: vec::Vec<u64> =
        (0..20).map(|name| bench.submit(OTHER, Keep::Replica, owner.put(name, 1, name))).collect();
    let mut most = 0;
    while bench.step() {
        most = most.max(bench.disk_in_flight());
    }
    assert_eq!(most, 3);
    assert!(tokens.iter().all(|token| matches!(bench.replies[token], Response::Stored { .. })));
}

#[test]
fn requests_that_are_not_the_stores_are_unsupported() {
    let mut bench = Bench::new();
    for request in [Request::Peers, Request::Invite { node: true }, Request::Ping { unix_ms: 1 }] {
        assert_code(&bench.ask(Origin::Node(NodeId([1; 32])), request), ErrorCode::Unsupported);
    }
    let origin = Origin::Client { owner: OwnerId([1; 32]) };
    assert_code(&bench.ask(origin, Request::Peers), ErrorCode::Unsupported);
    bench.advance(Duration::from_secs(1));
}

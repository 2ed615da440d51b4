//! `Have`, `PutBlob`, `GetBlob`, and blobs that come back from other nodes.

use super::bench::*;
use crate::driver::DiskRequest;
use crate::id::NodeId;
use crate::node::store::{Keep, Origin};
use crate::wire::{ErrorCode, Request, Response};
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

fn found(bench: &mut Bench, request: Request) -> Vec<u8> {
    match bench.ask(OTHER, request) {
        Response::Have { copies, wanted: 1 } => copies,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_blob_that_was_put_is_read_back_whole_and_in_parts() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    assert_eq!(bench.ask(owner.client(), owner.put(1, 0, 9)), stored(1));
    let (id, bytes) = blob(9);
    let read = |offset, len| Request::GetBlob { id, offset, len };
    let answer = |bytes: Bytes| Response::Blob { source: NODE, bytes };
    assert_eq!(bench.ask(OTHER, read(0, 0)), answer(bytes.clone()));
    assert_eq!(bench.ask(owner.client(), read(5, 10)), answer(bytes.slice(5..15)));
    assert_eq!(bench.ask(OTHER, read(300, u32::MAX)), answer(bytes.slice(300..)));
    assert_eq!(bench.ask(OTHER, read(309, 0)), answer(Bytes::new()));
    assert_code(&bench.ask(OTHER, read(310, 0)), ErrorCode::Invalid);
    assert_code(&bench.ask(OTHER, get(8)), ErrorCode::NotFound);
}

#[test]
fn a_blob_whose_hash_length_or_signature_is_wrong_is_refused_and_leaves_nothing() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let before = bench.disk.rows.clone();
    let pin = owner.pin(1, 0, 9);
    let mut forged = pin.bytes().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let forged = crate::record::Pin::parse(forged.into()).unwrap();
    let bad = [
        (vec![pin.clone()], Bytes::from(vec![8; 309])),
        (vec![pin.clone()], blob(8).1),
        (vec![forged], blob(9).1),
        (vec![pin.clone(), owner.pin(1, 0, 8)], blob(9).1),
        (vec![pin.clone(); 17], blob(9).1),
        (vec![], blob(9).1),
    ];
    for (pins, blob) in bad {
        assert_code(&bench.ask(OTHER, Request::PutBlob { pins, blob }), ErrorCode::Invalid);
    }
    let stranger = Owner::new(2).client();
    assert_code(&bench.ask(stranger, owner.put(1, 0, 9)), ErrorCode::Forbidden);
    assert_code(&bench.ask(stranger, owner.have(1, 0, [9])), ErrorCode::Forbidden);
    assert_eq!(bench.disk.rows, before);
    assert!(bench.disk.blobs.is_empty());
}

#[test]
fn a_retried_put_adds_its_pin_and_writes_the_bytes_only_once() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    for since in [0, 0, 5] {
        assert_eq!(bench.ask(owner.client(), owner.put(1, since, 9)), stored(1));
    }
    let writes = bench.log.iter().filter(|request| matches!(request, DiskRequest::PutBlob { .. }));
    assert_eq!(writes.count(), 1);
    assert_eq!(bench.disk.count(kind::PIN), 2);
}

#[test]
fn have_says_yes_only_where_the_blob_is_and_a_pin_of_the_same_owner_is_on_it() {
    let (mut bench, owner, other) = (Bench::new(), Owner::new(1), Owner::new(2));
    bench.ask(owner.client(), owner.put(1, 0, 9));
    bench.ask(owner.client(), owner.put(1, 0, 10));
    bench.disk.blobs.remove(&blob(10).0);
    assert_eq!(found(&mut bench, owner.have(2, 1, [9, 10, 11])), [1, 0, 0]);
    assert_eq!(found(&mut bench, other.have(2, 1, [9])), [0]);
    // The yes has added a pin; the noes have not.
    assert_eq!(bench.disk.count(kind::PIN), 3);
}

#[test]
fn a_yes_of_have_is_a_pin_that_survives_a_crash() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask(owner.client(), owner.put(1, 0, 9));
    assert_eq!(found(&mut bench, owner.have(2, 1, [9])), [1]);
    bench.restart();
    // The first name lets go of it; the second one's pin holds it.
    bench.ask(owner.client(), put_record(&owner.tombstone(1, 3)));
    bench.advance(LINGER * 2);
    assert_eq!(bench.disk.count(kind::PIN), 1);
    assert!(bench.disk.blobs.contains_key(&blob(9).0));
}

#[test]
fn a_have_of_the_most_pins_is_answered_in_their_order() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    for n in (0..=255).step_by(3) {
        bench.ask(owner.client(), owner.put(1, 0, n));
    }
    let copies = found(&mut bench, owner.have(1, 7, 0..=255));
    assert!(copies.iter().zip(0..).all(|(copy, n): (_, u32)| (*copy == 1) == n.is_multiple_of(3)));
    let pins = vec![owner.pin(1, 0, 1); 257];
    assert_code(&bench.ask(OTHER, Request::Have { pins }), ErrorCode::Invalid);
    assert_code(&bench.ask(OTHER, Request::Have { pins: vec![] }), ErrorCode::Invalid);
}

#[test]
fn a_pin_that_a_newer_record_has_killed_is_refused_with_that_record() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask(owner.client(), owner.put(2, 0, 9));
    let newer = owner.tombstone(1, 5);
    bench.ask(owner.client(), put_record(&newer));
    assert_stale(&bench.ask(owner.client(), owner.put(1, 4, 9)), &newer);
    assert_stale(&bench.ask(owner.client(), owner.have(1, 5, [9])), &newer);
    assert_eq!(bench.ask(owner.client(), owner.put(1, 6, 9)), stored(1));
}

#[test]
fn a_damaged_copy_is_never_answered_and_the_next_put_repairs_it() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask(owner.client(), owner.put(1, 0, 9));
    let (id, bytes) = blob(9);
    bench.disk.blobs.insert(id, Bytes::from_static(b"rotten"));
    let part = Request::GetBlob { id, offset: 0, len: 1 };
    assert_code(&bench.ask(OTHER, part), ErrorCode::Damaged);
    assert_code(&bench.ask(OTHER, get(9)), ErrorCode::NotFound);
    assert_eq!(found(&mut bench, owner.have(1, 1, [9])), [0]);
    assert_eq!(bench.status().copies_missing, 1);
    assert_eq!(bench.ask(owner.client(), owner.put(1, 0, 9)), stored(1));
    assert_eq!(bench.ask(OTHER, get(9)), Response::Blob { source: NODE, bytes });
}

#[test]
fn a_blob_fetched_from_a_peer_is_kept_only_if_pins_here_miss_it() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let check = |bench: &mut Bench, n: u8, bytes: Bytes| {
        bench.store.check_blob(bench.now, 1000, blob(n).0, bytes);
        bench.run();
        bench.replies.remove(&1000).unwrap()
    };
    bench.ask(owner.client(), owner.put(1, 0, 9));
    bench.disk.blobs.clear();
    assert_code(&check(&mut bench, 9, blob(8).1), ErrorCode::Invalid);
    assert_eq!(check(&mut bench, 9, blob(9).1), Response::Stored { copies: 1, wanted: 1 });
    assert_eq!(check(&mut bench, 9, blob(9).1), Response::Stored { copies: 0, wanted: 0 });
    assert_eq!(check(&mut bench, 8, blob(8).1), Response::Stored { copies: 0, wanted: 0 });
    assert_eq!(bench.disk.blobs.keys().copied().collect::<Vec<_>>(), [blob(9).0]);
}

#[test]
fn a_check_alone_finds_what_is_wrong_and_keeps_nothing() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let before = bench.disk.rows.clone();
    let wrong = Request::PutBlob { pins: vec![owner.pin(1, 0, 9)], blob: blob(8).1 };
    assert_code(&bench.ask_to(OTHER, Keep::Nothing, wrong), ErrorCode::Invalid);
    assert_eq!(bench.ask_to(owner.client(), Keep::Nothing, owner.put(1, 0, 9)), stored(0));
    let have = bench.ask_to(owner.client(), Keep::Nothing, owner.have(1, 0, [9]));
    assert_eq!(have, Response::Have { copies: vec![0], wanted: 0 });
    assert_eq!(bench.disk.rows, before);
    assert!(bench.disk.blobs.is_empty());
}

#[test]
fn a_cached_copy_counts_for_nobody_and_goes_after_its_time() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    assert_eq!(bench.ask_to(owner.client(), Keep::Cache, owner.put(1, 0, 9)), stored(0));
    assert!(matches!(bench.ask(OTHER, get(9)), Response::Blob { .. }));
    assert_eq!(found(&mut bench, owner.have(1, 0, [9])), [0]);
    assert_eq!(bench.status().copies_wanted, 0);
    let cache_for = bench.setup.config.cache_for;
    bench.advance(cache_for - Duration::from_secs(1));
    assert!(!bench.disk.blobs.is_empty());
    bench.advance(Duration::from_secs(1));
    assert!(bench.disk.blobs.is_empty());
}

#[test]
fn a_cached_copy_that_is_pinned_meanwhile_stays() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask_to(owner.client(), Keep::Cache, owner.put(1, 0, 9));
    assert_eq!(bench.ask(Origin::Node(NodeId([9; 32])), owner.put(1, 0, 9)), stored(1));
    bench.advance(bench.setup.config.cache_for * 2);
    assert!(bench.disk.blobs.contains_key(&blob(9).0));
    assert_eq!(bench.disk.count(kind::LINGER), 0);
}

#[test]
fn a_hint_keeps_a_blob_under_its_pins_and_counts_as_no_copy() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let hint = Response::Stored { copies: 0, wanted: 1 };
    assert_eq!(bench.ask_to(owner.client(), Keep::Hint, owner.put(1, 1, 10)), hint);
    let have = Response::Have { copies: vec![0], wanted: 1 };
    assert_eq!(bench.ask_to(owner.client(), Keep::Hint, owner.have(1, 2, [10])), have);
    assert_eq!((bench.disk.blobs.len(), bench.disk.count(kind::PIN)), (1, 2));
    bench.advance(bench.setup.config.cache_for * 2);
    assert_eq!(bench.disk.blobs.len(), 1, "it is no cached copy");
}

//! Pieces and records that are damaged, incomplete or gone.

use super::entry::refusal;
use super::*;
use crate::id::BlobId;
use crate::wire::ErrorCode;

fn flipped(bytes: &Bytes) -> Bytes {
    let mut bytes = bytes.to_vec();
    bytes[0] ^= 1;
    bytes.into()
}

/// The entry node passes on the first `count` blobs with a flipped bit.
fn flip_blobs(world: &mut World, count: u32) {
    let mut left = count;
    world.intercept(move |entry, request| {
        let Request::GetBlob { id, .. } = request else { return None };
        left = left.checked_sub(1)?;
        let bytes = flipped(&entry.blobs[id].0);
        Some(vec![Response::Blob { source: entry.node(), bytes }])
    });
}

#[test]
fn a_wrong_blob_is_asked_for_again_on_another_link() {
    let mut world = World::new();
    let content = noise(6 << 20, 1);
    world.store("a", content.clone()).unwrap();
    flip_blobs(&mut world, 1);
    assert!(world.get("a").unwrap() == content);
    assert_eq!(world.faults(), [PeerFault::WrongContent]);
}

#[test]
fn a_file_whose_pieces_are_always_wrong_is_damaged() {
    let mut world = World::new();
    world.store("a", noise(100_000, 1)).unwrap();
    flip_blobs(&mut world, u32::MAX);
    assert_eq!(world.get("a"), Err(OpError::Damaged));
}

#[test]
fn a_blob_of_another_length_is_a_fault() {
    let mut world = World::new();
    world.store("a", noise(100_000, 1)).unwrap();
    world.intercept(|entry, request| {
        let Request::GetBlob { id, .. } = request else { return None };
        let bytes = entry.blobs[id].0.slice(1..);
        Some(vec![Response::Blob { source: entry.node(), bytes }])
    });
    assert_eq!(world.get("a"), Err(OpError::Peer(PeerFault::WrongContent)));
}

#[test]
fn a_piece_that_nobody_has_is_missing() {
    let mut world = World::new();
    world.store("a", noise(100_000, 1)).unwrap();
    world.entry.blobs.clear();
    assert_eq!(world.get("a"), Err(OpError::Missing));
}

#[test]
fn what_the_entry_node_says_of_a_piece_is_passed_on() {
    for (code, error) in [
        (ErrorCode::Damaged, OpError::Damaged),
        (ErrorCode::Deadline, OpError::Deadline),
        (ErrorCode::Disk, OpError::PeerDisk),
        (ErrorCode::Forbidden, OpError::Forbidden),
    ] {
        let mut world = World::new();
        world.store("a", noise(100_000, 1)).unwrap();
        world.intercept(move |_, request| {
            matches!(request, Request::GetBlob { .. }).then(|| vec![refusal(code, None)])
        });
        assert_eq!(world.get("a"), Err(error));
    }
}

#[test]
fn a_record_without_its_parts_is_a_miss() {
    let mut world = World::new();
    world.store("small", "content").unwrap();
    let whole = world.entry.records.clone();
    for forget in [Record::to_stub, Record::without_body] {
        world.entry.records = whole.iter().map(|(key, record)| (*key, forget(record))).collect();
        assert_eq!(world.get("small"), Err(OpError::Missing));
    }
    world.entry.records = whole;
    assert_eq!(world.get("small").unwrap(), b"content");
}

#[test]
fn a_full_peer_is_told_from_a_quota_that_is_used_up() {
    for (code, error) in [(ErrorCode::NoSpace, OpError::NoSpace), (ErrorCode::Quota, OpError::Quota)] {
        let mut world = World::new();
        world.intercept(move |_, request| {
            matches!(request, Request::PutBlob { .. }).then(|| vec![refusal(code, None)])
        });
        assert_eq!(world.store("a", noise(100_000, 1)), Err(error));
    }
}

/// What a store comes to that another device overtakes, so that it pins everything anew along its tree, whose nodes the
/// entry node gives like this.
fn overtaken(
    node: impl Fn(&mut Entry, &BlobId, u32) -> Option<Response> + 'static,
) -> (World, Result<Outcome, OpError>) {
    let mut world = World::new();
    let mut newer = Some(world.record_of_another_device("a", START.unix_ms + 60_000, "other"));
    let mut asked = 0;
    world.intercept(move |entry, request| match request {
        Request::PutRecord { .. } => {
            let newer = newer.take()?;
            entry.records.insert((newer.header().owner, newer.header().name), newer);
            None
        }
        Request::GetBlob { id, .. } => {
            asked += 1;
            node(entry, id, asked).map(|response| vec![response])
        }
        _ => None,
    });
    let stored = world.store("a", noise(9 << 20, 1));
    (world, stored)
}

fn given(entry: &Entry, bytes: Bytes) -> Option<Response> {
    Some(Response::Blob { source: entry.node(), bytes })
}

#[test]
fn a_node_of_a_stores_own_tree_that_comes_back_wrong_is_asked_for_again_on_another_link() {
    let once = |entry: &mut Entry, id: &BlobId, asked| {
        let wrong = flipped(&entry.blobs[id].0);
        if asked == 1 { given(entry, wrong) } else { None }
    };
    let (mut world, stored) = overtaken(once);
    assert!(matches!(stored, Ok(Outcome::Stored { .. })), "{stored:?}");
    assert_eq!(world.faults(), [PeerFault::WrongContent]);
    world.intercept = None;
    assert!(world.get("a").unwrap() == noise(9 << 20, 1));
}

#[test]
fn a_store_whose_own_tree_does_not_come_back_says_why() {
    let always = |entry: &mut Entry, id: &BlobId, _| given(entry, flipped(&entry.blobs[id].0));
    assert_eq!(overtaken(always).1, Err(OpError::Damaged));
    let shorter = |entry: &mut Entry, id: &BlobId, _| given(entry, entry.blobs[id].0.slice(1..));
    assert_eq!(overtaken(shorter).1, Err(PeerFault::WrongContent.into()));
    let other = |_: &mut Entry, _: &BlobId, _| Some(Response::Done);
    assert_eq!(overtaken(other).1, Err(PeerFault::UnexpectedAnswer.into()));
    let gone = |_: &mut Entry, _: &BlobId, _| Some(refusal(ErrorCode::NotFound, None));
    assert_eq!(overtaken(gone).1, Err(OpError::Conflict));
    let full = |_: &mut Entry, _: &BlobId, _| Some(refusal(ErrorCode::NoSpace, None));
    assert_eq!(overtaken(full).1, Err(OpError::NoSpace));
}

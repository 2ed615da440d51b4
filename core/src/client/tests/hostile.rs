//! An entry node that answers what it should not: each its named fault, and no harm.

use super::entry::refusal;
use super::*;
use crate::config::limit;
use crate::id::{BlobId, Name};
use crate::wire::{ErrorCode, ListCursor, PullCursor, VerifiedRecords};

fn fault(fault: PeerFault) -> Result<Vec<u8>, OpError> {
    Err(OpError::Peer(fault))
}

/// Every `GetRecord` is answered with this record.
fn answer_with(world: &mut World, record: Record) {
    world.intercept(move |_, request| {
        let record = Some(record.clone());
        let response = Response::Record { record, floor: None, fresh: true };
        matches!(request, Request::GetRecord { .. }).then(|| vec![response])
    });
}

#[test]
fn a_record_of_another_name_is_a_fault() {
    let mut world = World::new();
    let other = world.record_of_another_device("b", START.unix_ms, "x");
    answer_with(&mut world, other);
    assert_eq!(world.get("a"), fault(PeerFault::WrongContent));
    assert_eq!(world.faults().first(), Some(&PeerFault::WrongContent));
    assert_eq!(world.delete("a"), Err(OpError::Peer(PeerFault::WrongContent)));
}

#[test]
fn a_record_of_another_owner_is_a_fault() {
    let mut other = World::of_device(Suite::Sim, Config::default(), 8, 1);
    other.store("a", "x").unwrap();
    let record = other.entry.records.values().next().unwrap().clone();
    let mut world = World::new();
    answer_with(&mut world, record);
    assert_eq!(world.get("a"), fault(PeerFault::WrongContent));
}

#[test]
fn a_record_that_nobody_signed_is_a_fault() {
    let mut world = World::with(Suite::Real, Config::default());
    let record = world.record_of_another_device("a", START.unix_ms, "x");
    let mut bytes = record.bytes().to_vec();
    let last_of_signature = record.stub().len() - 1;
    bytes[last_of_signature] ^= 1;
    answer_with(&mut world, Record::parse(Suite::Real, bytes.into()).unwrap());
    assert_eq!(world.get("a"), fault(PeerFault::WrongContent));
}

#[test]
fn a_file_in_the_place_of_the_floor_is_a_fault() {
    let mut world = World::new();
    let record = world.record_of_another_device("a", START.unix_ms, "x");
    world.intercept(move |_, request| {
        let response = Response::Record { record: None, floor: Some(record.clone()), fresh: true };
        matches!(request, Request::GetRecord { .. }).then(|| vec![response])
    });
    assert_eq!(world.get("a"), fault(PeerFault::WrongContent));
}

#[test]
fn a_wrong_record_with_stale_is_a_fault() {
    let mut world = World::new();
    let other = world.record_of_another_device("b", START.unix_ms, "x");
    world.intercept(move |_, request| {
        matches!(request, Request::PutRecord { .. } | Request::Have { .. })
            .then(|| vec![refusal(ErrorCode::Stale, Some(other.clone()))])
    });
    for content in [noise(10, 1), noise(100_000, 1)] {
        assert_eq!(world.store("a", content), Err(OpError::Peer(PeerFault::WrongContent)));
    }
}

#[test]
fn an_answer_that_nobody_asked_for_is_a_fault() {
    let mut world = World::new();
    world.intercept(|entry, request| {
        let response = entry.answer(request);
        Some(vec![response.clone(), response])
    });
    let op = world.client.status(world.now);
    // The first of the two answers is good.
    assert!(world.end_of(op).is_ok());
    assert_eq!(world.faults(), [PeerFault::UnexpectedAnswer]);
}

#[test]
fn an_answer_of_another_kind_is_a_fault() {
    let mut world = World::new();
    world.intercept(|_, _| Some(vec![Response::Pong { unix_ms: 0 }]));
    assert_eq!(world.get("a"), fault(PeerFault::UnexpectedAnswer));
    assert_eq!(world.store("a", noise(100_000, 1)), Err(OpError::Peer(PeerFault::UnexpectedAnswer)));
    let op = world.client.status(world.now);
    assert_eq!(world.end_of(op), Err(OpError::Peer(PeerFault::UnexpectedAnswer)));
}

#[test]
fn an_answer_about_fewer_pins_than_were_asked_is_a_fault() {
    let mut world = World::new();
    world.intercept(|_, request| {
        matches!(request, Request::Have { .. })
            .then(|| vec![Response::Have { copies: Vec::new(), wanted: 1 }])
    });
    assert_eq!(world.store("a", noise(100_000, 1)), Err(OpError::Peer(PeerFault::WrongContent)));
}

#[test]
fn a_peer_that_wants_no_copies_stores_nothing() {
    let mut world = World::new();
    world.intercept(|_, request| match request {
        Request::Have { pins } => Some(vec![Response::Have { copies: vec![0; pins.len()], wanted: 0 }]),
        _ => None,
    });
    let content = noise(100_000, 1);
    world.store("a", content.clone()).unwrap();
    assert!(world.get("a").unwrap() == content, "the pieces were sent all the same");
}

#[test]
fn a_list_that_goes_in_circles_is_a_fault() {
    let mut world = World::new();
    world.store("a", "x").unwrap();
    let after = Some(ListCursor(Name([0; 32])));
    for script in [
        // The same page for ever.
        Box::new(|entry: &mut Entry, request: &Request| {
            let Request::ListRecords { .. } = request else { return None };
            let records = entry.records.values().map(Record::without_body).collect::<Vec<_>>();
            let next = records.last().map(|record| ListCursor(record.header().name));
            Some(vec![Response::Records { records, next, floor: None, complete: true }])
        }) as Intercept,
        // Nothing, and more of it.
        Box::new(move |_: &mut Entry, request: &Request| {
            let next = after;
            matches!(request, Request::ListRecords { .. })
                .then(|| vec![Response::Records { records: Vec::new(), next, floor: None, complete: true }])
        }),
    ] {
        world.intercept = Some(script);
        assert_eq!(world.list("").map(drop), Err(OpError::Peer(PeerFault::WrongContent)));
        assert_eq!(world.clear(), Err(OpError::Peer(PeerFault::WrongContent)));
    }
}

#[test]
fn an_endless_list_of_nothing_ends() {
    let mut world = World::new();
    let mut page = 0u64;
    world.intercept(move |_, request| {
        page += 1;
        let mut name = [0; 32];
        name[..8].copy_from_slice(&page.to_be_bytes());
        let next = Some(ListCursor(Name(name)));
        matches!(request, Request::ListRecords { .. })
            .then(|| vec![Response::Records { records: Vec::new(), next, floor: None, complete: true }])
    });
    assert_eq!(world.list("").map(drop), Err(OpError::Peer(PeerFault::WrongContent)));
}

#[test]
fn a_row_of_a_list_that_nobody_signed_is_left_out() {
    let mut world = World::new();
    world.store("a", "x").unwrap();
    world.store("b", "x").unwrap();
    let name = vault(Suite::Sim, 7).keys().name(0, "a");
    let record = world.entry.records.get_mut(&(vault(Suite::Sim, 7).owner(), name)).unwrap();
    let mut bytes = record.bytes().to_vec();
    let last_of_signature = record.stub().len() - 1;
    bytes[last_of_signature] ^= 1;
    *record = Record::parse(Suite::Sim, bytes.into()).unwrap();
    let (entries, complete) = world.list("").unwrap();
    assert_eq!((keys(&entries), complete), (vec!["b".to_string()], false));
}

#[test]
fn a_verify_that_goes_in_circles_is_a_fault_and_what_it_names_is_bounded() {
    let mut world = World::new();
    let next = Some(BlobId([1; 32]));
    world.intercept(move |_, request| {
        let damaged = vec![BlobId([2; 32]); limit::DAMAGED];
        matches!(request, Request::Verify { .. })
            .then(|| vec![Response::Verified { checked: 1, bytes: 2, damaged, next }])
    });
    let op = world.client.verify(world.now);
    assert_eq!(world.end_of(op), Err(OpError::Peer(PeerFault::WrongContent)));
    let mut pages = 3;
    world.intercept(move |_, request| {
        let after = match request {
            Request::Verify { after } => after,
            Request::VerifyRecords { .. } => {
                return Some(vec![Response::VerifiedRecords(VerifiedRecords::default())]);
            }
            _ => return None,
        };
        pages -= 1;
        let next = BlobId(after.map_or([1; 32], |BlobId(after)| after.map(|byte| byte + 1)));
        let damaged = vec![BlobId([2; 32]); limit::DAMAGED];
        let next = (pages > 0).then_some(next);
        Some(vec![Response::Verified { checked: u64::MAX, bytes: 2, damaged, next }])
    });
    let op = world.client.verify(world.now);
    let verified = world.end_of(op).unwrap();
    let Outcome::Verified { checked: u64::MAX, bytes: 6, damaged, .. } = verified else {
        panic!("{verified:?}")
    };
    assert_eq!(damaged.len(), limit::DAMAGED);
    let next = Some(PullCursor::default());
    world.intercept(move |_, request| match request {
        Request::Verify { .. } => {
            Some(vec![Response::Verified { checked: 0, bytes: 0, damaged: vec![], next: None }])
        }
        Request::VerifyRecords { .. } => {
            Some(vec![Response::VerifiedRecords(VerifiedRecords { next, ..VerifiedRecords::default() })])
        }
        _ => None,
    });
    let op = world.client.verify(world.now);
    assert_eq!(world.end_of(op), Err(OpError::Peer(PeerFault::WrongContent)));
}

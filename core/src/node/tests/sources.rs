//! Members from whom something is taken over: those that lie are found out, and who may not ask is told nothing.

use super::*;
use crate::wire::{ErrorCode, PinsPage, PullCursor, PulledPin, RecordsPage};

/// What a member answers that holds nothing.
pub(super) fn nothing_held(request: &Request) -> Option<Response> {
    match request {
        Request::Ping { .. } => Some(Response::Pong { unix_ms: 0 }),
        Request::PullRecords { .. } => Some(Response::PulledRecords(RecordsPage::default())),
        Request::PullPins { .. } => Some(Response::PulledPins(PinsPage::default())),
        _ => None,
    }
}

fn cursor(number: u8) -> PullCursor {
    PullCursor { at: [number; 32], ..PullCursor::default() }
}

fn liar_is_found(script: Script) {
    let mut town = Town::of(1);
    town.add_member(script);
    let found = town.run_until(Duration::from_secs(60), |town| {
        faults(town, HostId(0)).contains(&PeerFault::WrongContent)
    });
    assert!(found, "{:?}", faults(&town, HostId(0)));
    // And it is not asked again and again.
    town.world.run_for(Duration::from_secs(60));
    assert!(faults(&town, HostId(0)).len() < 30);
}

#[test]
fn a_source_whose_pages_never_end_is_at_fault() {
    liar_is_found(|request| match request {
        Request::PullRecords { after, .. } => {
            let next = Some(cursor(after.map_or(1, |after| after.at[0].saturating_add(1))));
            Some(Response::PulledRecords(RecordsPage { next, ..RecordsPage::default() }))
        }
        request => nothing_held(request),
    });
}

/// An owner of towns like these, and something of its.
fn lying_pin(number: u8) -> PulledPin {
    let town = Town::empty(Config::default());
    let owner = Owner::new(&town, 1);
    let pin = owner.pin(name(number), object(number), version(&town, 0), &blob(number));
    PulledPin { pin, lease_ms: 0, pending: true }
}

#[test]
fn a_source_whose_rows_are_out_of_order_is_at_fault() {
    liar_is_found(|request| match request {
        Request::PullPins { .. } => {
            let pin = lying_pin(1);
            Some(Response::PulledPins(PinsPage { pins: vec![pin.clone(), pin], next: None }))
        }
        request => nothing_held(request),
    });
}

#[test]
fn a_source_whose_pins_nobody_signed_is_at_fault() {
    liar_is_found(|request| match request {
        Request::PullPins { .. } => {
            let mut bytes = lying_pin(1).pin.bytes().to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            let pin = Pin::parse(Bytes::from(bytes)).unwrap();
            let row = PulledPin { pin, lease_ms: 0, pending: true };
            Some(Response::PulledPins(PinsPage { pins: vec![row], next: None }))
        }
        request => nothing_held(request),
    });
}

#[test]
fn a_source_whose_blobs_are_others_is_at_fault() {
    liar_is_found(|request| match request {
        Request::PullPins { .. } => {
            Some(Response::PulledPins(PinsPage { pins: vec![lying_pin(1)], next: None }))
        }
        Request::GetBlob { .. } => {
            Some(Response::Blob { source: NodeId([0; 32]), bytes: Bytes::from_static(b"another") })
        }
        request => nothing_held(request),
    });
}

#[test]
fn who_places_the_members_otherwise_is_told_nothing() {
    let mut town = Town::of(2);
    let (member, _) = town.add_member(nothing_held);
    town.world.run_for(SECOND);
    let pull = Request::PullPins { placement: [9; 32], after: None, rows: 10 };
    match town.ask(member, pull) {
        Response::Error(error) => assert_eq!(error.code, ErrorCode::OtherSet),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_client_may_neither_pull_nor_put_pins() {
    let mut town = Town::of(1);
    let owner = Owner::new(&town, 1);
    let client = town.add_client(&owner, HostId(0));
    let pull = Request::PullPins { placement: [0; 32], after: None, rows: 1 };
    let prove = Request::Prove { nonce: [0; 32], blobs: vec![] };
    for request in [pull, prove, Request::PutPins { pins: vec![lying_pin(1)] }] {
        match town.ask(client, request) {
            Response::Error(error) => assert_eq!(error.code, ErrorCode::Forbidden),
            other => panic!("{other:?}"),
        }
    }
}

//! What a store gives to members that pull, takes from them, proves, and drops when others have it.

use super::bench::*;
use crate::id::{BlobId, Position};
use crate::node::store::rows::{OwnRow, PinStatus, RecordRow};
use crate::node::store::{Look, Origin};
use crate::wire::{
    ErrorCode, PinKept, PinsKept, PinsPage, PullCursor, PullPart, PulledPin, PulledRecord, RecordsPage,
    Request, Response,
};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);
const DAY_MS: u64 = 24 * 3600 * 1000;

fn pull(part: PullPart, after: Option<PullCursor>, rows: u16) -> Request {
    Request::PullRecords { placement: [0; 32], part, after, rows }
}

fn records_page(response: Response) -> RecordsPage {
    match response {
        Response::PulledRecords(page) => page,
        other => panic!("{other:?}"),
    }
}

fn pins_page(response: Response) -> PinsPage {
    match response {
        Response::PulledPins(page) => page,
        other => panic!("{other:?}"),
    }
}

fn kept(response: Response) -> PinsKept {
    match response {
        Response::PinsKept(kept) => kept,
        other => panic!("{other:?}"),
    }
}

/// All pages of a pull, of so many rows each.
fn all_records(bench: &mut Bench, part: PullPart, rows: u16) -> Vec<PulledRecord> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = records_page(bench.ask(OTHER, pull(part, after, rows)));
        assert!(page.records.len() <= usize::from(rows));
        assert!(page.next.is_none() || !page.records.is_empty(), "a page that goes on is not empty");
        all.extend(page.records);
        match page.next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

fn all_pins(bench: &mut Bench, rows: u16) -> Vec<PulledPin> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = pins_page(bench.ask(OTHER, Request::PullPins { placement: [0; 32], after, rows }));
        assert!(page.next.is_none() || !page.pins.is_empty(), "a page that goes on is not empty");
        all.extend(page.pins);
        match page.next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

fn look(bench: &mut Bench, what: Look) -> Response {
    bench.call(|store, now, token| store.look(now, token, what, None))
}

fn own_rows(bench: &Bench) -> Vec<OwnRow> {
    let rows = bench.disk.rows.iter().filter(|(key, _)| key[0] == kind::OWN);
    rows.map(|(_, value)| OwnRow::decode(value).unwrap()).collect()
}

fn record_rows(bench: &Bench) -> Vec<RecordRow> {
    let rows = bench.disk.rows.iter().filter(|(key, _)| key[0] == kind::REC);
    rows.map(|(_, value)| RecordRow::decode(SUITE, value).unwrap()).collect()
}

#[test]
fn pages_of_any_size_hold_every_record_once_and_floors_apart() {
    let (mut bench, owner, other) = (Bench::new(), Owner::new(1), Owner::new(2));
    for name in 1..20 {
        bench.ask(OTHER, put_record(&owner.record(name, 5)));
        bench.ask(OTHER, put_record(&other.inline(name, 5)));
    }
    bench.ask(OTHER, put_record(&owner.floor(4, 4)));
    bench.ask(OTHER, put_record(&other.floor(4, 4)));
    for rows in [1, 3, 256] {
        let records = all_records(&mut bench, PullPart::Records, rows);
        assert_eq!(records.len(), 38);
        assert!(records.iter().all(|row| row.record.is_complete() && row.record.header().floor.is_none()));
        let floors = all_records(&mut bench, PullPart::Floors, rows);
        assert_eq!(floors.len(), 2);
        assert!(floors.iter().all(|row| row.record.header().floor.is_some()));
    }
    let nothing = records_page(bench.ask(OTHER, pull(PullPart::Floors, None, 0)));
    assert_eq!(nothing, RecordsPage::default());
}

#[test]
fn pages_of_any_size_hold_every_pin_once_with_the_age_of_its_lease() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    for n in 0..20 {
        bench.ask(owner.client(), owner.put(1, 1, n));
    }
    bench.advance(DAY);
    for rows in [1, 3, 256] {
        let pins = all_pins(&mut bench, rows);
        assert_eq!(pins.len(), 20);
        assert!(pins.iter().all(|row| row.pending && (DAY_MS..DAY_MS + 60_000).contains(&row.lease_ms)));
    }
}

#[test]
fn only_what_belongs_to_the_asker_is_in_its_pages() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask(owner.client(), owner.put(1, 1, 1));
    bench.ask(OTHER, put_record(&owner.record(1, 1)));
    // Here everything is this node's: the asker is no replica of anything.
    bench.store.set_view(Arc::new(Rule(|_| true)));
    assert_eq!(all_records(&mut bench, PullPart::Records, 10), []);
    assert_eq!(all_pins(&mut bench, 10), []);
    let client = bench.ask(owner.client(), pull(PullPart::Records, None, 1));
    assert_code(&client, ErrorCode::Forbidden);
}

#[test]
fn a_pulled_pin_keeps_the_age_of_its_lease_and_waits_for_this_nodes_own_sight_of_its_record() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.advance(DAY);
    let row = PulledPin { pin: owner.pin(1, 1, 7), lease_ms: DAY_MS / 2, pending: false };
    let answer = kept(bench.ask(OTHER, Request::PutPins { pins: vec![row.clone()] }));
    assert_eq!(answer, PinsKept { kept: vec![PinKept::Missing], killers: vec![] });
    let own = own_rows(&bench)[0];
    assert_eq!(own.status, PinStatus::Pending);
    let given = all_pins(&mut bench, 10)[0].lease_ms;
    assert!((DAY_MS / 2..DAY_MS / 2 + 60_000).contains(&given), "{given}");
    // It does not become younger by coming again.
    let younger = PulledPin { lease_ms: 0, ..row };
    kept(bench.ask(OTHER, Request::PutPins { pins: vec![younger.clone()] }));
    assert_eq!(own_rows(&bench)[0], own);
    assert_eq!(bench.call(|store, now, token| store.check_blob(now, token, blob(7).0, blob(7).1)), stored(1));
    let answer = kept(bench.ask(OTHER, Request::PutPins { pins: vec![younger] }));
    assert_eq!(answer.kept, [PinKept::Whole]);
    bench.ask(OTHER, put_record(&owner.record(1, 1)));
    assert_eq!(own_rows(&bench)[0].status, PinStatus::Confirmed);
}

#[test]
fn a_pulled_pin_that_is_dead_here_is_answered_with_what_killed_it() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let tombstone = owner.tombstone(1, 5);
    bench.ask(OTHER, put_record(&tombstone));
    let pins = [1, 2, 3].map(|n| PulledPin { pin: owner.pin(1, 1, n), lease_ms: 0, pending: false });
    let answer = kept(bench.ask(OTHER, Request::PutPins { pins: pins.to_vec() }));
    assert_eq!(answer, PinsKept { kept: vec![PinKept::Refused; 3], killers: vec![tombstone.to_stub()] });
    assert_eq!(bench.disk.count(kind::PIN), 0);
}

#[test]
fn a_pulled_tombstone_keeps_its_age() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.advance(DAY);
    let row = PulledRecord { record: owner.tombstone(1, 5), age_ms: DAY_MS / 2, expired: false };
    let answer = bench.call(|store, now, token| store.keep_pulled(now, token, NODE, row));
    assert_eq!(answer, stored(1));
    let given = all_records(&mut bench, PullPart::Records, 10);
    assert!((DAY_MS / 2..DAY_MS / 2 + 60_000).contains(&given[0].age_ms));
}

#[test]
fn possession_is_proved_by_a_hash_over_the_nonce_and_the_bytes() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask(owner.client(), owner.put(1, 1, 1));
    let nonce = [7; 32];
    let prove = |blobs: Vec<BlobId>| Request::Prove { nonce, blobs };
    let expected = SUITE.hash(&[&nonce, &blob(1).1]);
    let answer = bench.ask(OTHER, prove(vec![blob(1).0, blob(2).0]));
    assert_eq!(answer, Response::Proved(vec![Some(expected), None]));
    // A damaged copy proves nothing, and counts as missing from then on.
    bench.disk.blobs.insert(blob(1).0, blob(3).1);
    assert_eq!(bench.ask(OTHER, prove(vec![blob(1).0])), Response::Proved(vec![None]));
    assert_eq!(bench.status().copies_missing, 1);
    assert_code(&bench.ask(OTHER, prove(vec![blob(1).0; 17])), ErrorCode::Invalid);
}

#[test]
fn pins_whose_record_rotted_and_is_nowhere_else_are_pending_again() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask(owner.client(), owner.put(1, 1, 7));
    bench.ask(owner.client(), put_record(&owner.record(1, 1)));
    assert_eq!(own_rows(&bench)[0].status, PinStatus::Confirmed);
    let row = bench.disk.rows.iter_mut().find(|(key, _)| key[0] == kind::REC).unwrap().1;
    *row = row.iter().map(|byte| byte ^ 1).collect();
    let mended = bench.call(|store, now, token| store.mend(now, token, owner.id(), name(1), None));
    assert!(matches!(mended, Response::Stored { .. }), "{mended:?}");
    assert_eq!(record_rows(&bench).len(), 0);
    assert_eq!(own_rows(&bench)[0].status, PinStatus::Pending);
}

#[test]
fn what_is_missing_is_named_until_it_is_here_or_was_dropped_by_hand() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    for n in 1..4 {
        let row = PulledPin { pin: owner.pin(1, 1, n), lease_ms: 0, pending: true };
        bench.ask(OTHER, Request::PutPins { pins: vec![row] });
    }
    let row = PulledRecord { record: owner.inline(2, 1).to_stub(), age_ms: 0, expired: false };
    bench.call(|store, now, token| store.keep_pulled(now, token, NODE, row));
    assert_eq!(pins_page(look(&mut bench, Look::MissingBlobs)).pins.len(), 3);
    assert_eq!(records_page(look(&mut bench, Look::MissingRecords)).records.len(), 1);
    assert_eq!(bench.status().copies_missing, 4);
    for n in 1..4 {
        bench.call(|store, now, token| store.check_blob(now, token, blob(n).0, blob(n).1));
    }
    bench.ask(OTHER, put_record(&owner.inline(2, 1)));
    assert_eq!(pins_page(look(&mut bench, Look::MissingBlobs)), PinsPage::default());
    assert_eq!(records_page(look(&mut bench, Look::MissingRecords)), RecordsPage::default());
    assert_eq!(bench.status().copies_missing, 0);
    bench.ask(Origin::Own, Request::Evict { owner: owner.id(), name: None });
    assert_eq!(pins_page(look(&mut bench, Look::MissingBlobs)), PinsPage::default());
    assert_eq!(records_page(look(&mut bench, Look::MissingRecords)), RecordsPage::default());
    bench.advance(Duration::from_secs(3700));
    assert_eq!(pins_page(look(&mut bench, Look::MissingBlobs)).pins.len(), 3);
    assert_eq!(records_page(look(&mut bench, Look::MissingRecords)).records.len(), 1);
}

#[test]
fn strays_are_what_belongs_to_others_and_go_when_told_and_not_before() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.ask(owner.client(), owner.put(1, 1, 1));
    bench.ask(owner.client(), put_record(&owner.record(1, 1)));
    assert_eq!(pins_page(look(&mut bench, Look::StrayPins)), PinsPage::default());
    let pins = vec![owner.pin(1, 1, 1)];
    let keep = |store: &mut crate::node::store::LocalStore, now, token| {
        store.drop_stray_pins(now, token, vec![owner.pin(1, 1, 1)]);
    };
    assert!(matches!(bench.call(keep), Response::Stored { copies: 1, .. }), "it belongs here");
    bench.store.set_view(nowhere());
    assert_eq!(pins_page(look(&mut bench, Look::StrayPins)).pins.len(), 1);
    let strays = records_page(look(&mut bench, Look::StrayRecords)).records;
    assert_eq!(strays.len(), 1);
    bench.advance(DAY);
    assert_eq!((bench.disk.count(kind::PIN), bench.disk.blobs.len()), (1, 1));
    // The record goes first: a pin keeps its stub.
    let record = strays[0].record.clone();
    let dropped = bench.call(|store, now, token| store.drop_stray_record(now, token, record));
    assert!(matches!(dropped, Response::Stored { copies: 0, .. }));
    assert!(record_rows(&bench)[0].proof_only && record_rows(&bench)[0].record.is_stub());
    assert_eq!(records_page(look(&mut bench, Look::StrayRecords)), RecordsPage::default());
    let dropped = bench.call(|store, now, token| store.drop_stray_pins(now, token, pins));
    assert!(matches!(dropped, Response::Stored { copies: 0, .. }));
    assert_eq!((bench.disk.count(kind::PIN), bench.disk.blobs.len()), (0, 1), "readers in flight");
    assert_eq!(record_rows(&bench), [], "no pin needs the stub any more");
    bench.advance(LINGER + Duration::from_secs(1));
    assert_eq!(bench.disk.blobs.len(), 0);
}

#[test]
fn a_floor_lies_on_every_member_and_is_no_stray() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.store.set_view(nowhere());
    bench.ask(OTHER, put_record(&owner.floor(5, 5)));
    assert_eq!((bench.status().strays, record_rows(&bench).len()), (0, 1));
}

#[test]
fn a_stub_that_came_to_belong_here_stays_when_its_last_pin_goes() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.store.set_view(nowhere());
    bench.ask(OTHER, owner.put(1, 1, 1));
    bench.settle = None;
    bench.ask(OTHER, put_record(&owner.tombstone(1, 5)));
    assert!(record_rows(&bench)[0].proof_only);
    bench.store.set_view(Arc::new(Rule(|_: &Position| true)));
    let (offer, _) = bench.offers.pop().expect("the proof is offered");
    bench.call(|store, now, token| {
        store.settled(now, offer, 2, 2);
        store.look(now, token, Look::MissingBlobs, None);
    });
    assert_eq!((bench.disk.count(kind::PIN), record_rows(&bench).len()), (0, 1));
}

#[test]
fn an_expired_record_of_which_the_proof_is_held_is_taken_over_by_who_becomes_its_replica() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.store.set_clock_ok(bench.now, true);
    bench.store.set_view(nowhere());
    bench.ask(OTHER, owner.put(1, 1, 9));
    bench.settle = None;
    let record = owner.record_until(1, 1, START_MS - 1);
    bench.ask(OTHER, put_record(&record));
    assert!(record_rows(&bench)[0].proof_only && record_rows(&bench)[0].expired);
    bench.store.set_view(Arc::new(Rule(|_: &Position| true)));
    assert_eq!(bench.ask(OTHER, put_record(&record.to_stub())), stored(1));
    assert!(!record_rows(&bench)[0].proof_only && record_rows(&bench)[0].expired);
}

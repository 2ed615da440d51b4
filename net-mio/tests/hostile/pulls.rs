//! Attacks by what members catch up by: floods of its questions, and answers to it that are none.

use std::collections::BTreeMap;

use crate::bytes::Out;
use crate::common::{noise, wait_for};
use crate::link::{Answers, Link, kind};
use crate::noise::sha256;
use crate::requests::{code, get_blob, newest, put_record, store_blob, store_record};
use crate::ring::{Ring, record_position};
use crate::signed::{Keys, Owner, random, version};
use crate::target::Target;

/// The parts of what is pulled.
const FLOORS: u8 = 0;
const RECORDS: u8 = 1;
const PROMISES: u8 = 2;
/// As many requests as may be open at once.
const OPEN: usize = 256;

/// A question for a page of this part of the records, or of pins.
fn pull(placement: &[u8; 32], part: Option<u8>) -> Vec<u8> {
    let out = Out::new().raw(placement).raw(part.as_slice());
    out.u8(0).u16(256).done()
}

pub(crate) fn floods_of_questions(target: &Target) {
    let (mut client, owner) = target.client();
    let blobs: Vec<_> =
        (0..4).map(|number| store_blob(&mut client, &owner, &noise(number, 1 << 20))).collect();
    let name = random();
    store_record(&mut client, &owner.record(&name, &version(0), 0));
    let alone = Ring::new(3, &[target.node()]).digest();
    let sixteen = blobs.iter().cycle().take(16);
    let prove = sixteen.fold(Out::new().raw(&random()).u16(16), |out, id| out.raw(id)).done();
    let checks = (0..64).fold(Out::new().u8(0).u16(64), |out, number| {
        out.raw(&owner.id()).raw(&name).raw(&[number; 16]).raw(&version(0))
    });
    let rounds: [(u8, Vec<u8>, usize); 7] = [
        (kind::PROVE, prove, 48),
        (kind::PULL_RECORDS, pull(&alone, Some(FLOORS)), OPEN),
        (kind::PULL_RECORDS, pull(&alone, Some(RECORDS)), OPEN),
        (kind::PULL_RECORDS, pull(&alone, Some(PROMISES)), OPEN),
        (kind::PULL_PINS, pull(&alone, None), OPEN),
        (kind::CHECK_PINS, checks.done(), OPEN),
        (kind::FORGET, put_record(&owner.record(&name, &version(1), 0)), OPEN),
    ];
    let mut member = Link::member(target.addr(), &target.keys, random());
    for (kind, body, count) in rounds {
        for _ in 0..count {
            member.request(kind, &body);
        }
        for _ in 0..count {
            let (_, answered, answer) = member.answer().expect("each is answered");
            // Among many attackers the members may be placed otherwise just then.
            let placed_otherwise = answered == kind::ERROR && answer[0] == code::OTHER_SET;
            assert!(answered == kind | 0x80 || placed_otherwise, "{kind:02x}: {answered:02x} {answer:?}");
        }
    }
    // One more than may be open at once is one too many here, too.
    for _ in 0..2 * OPEN {
        member.request(kind::PROVE, &Out::new().raw(&random()).u16(1).raw(&blobs[0]).done());
    }
    target.await_end(&mut member, "TooManyRequests");
}

fn record_row(record: &[u8], age_ms: u64) -> Vec<u8> {
    Out::new().long(record).u64(age_ms).u8(0).done()
}

fn pin_row(pin: &[u8], age_ms: u64) -> Vec<u8> {
    Out::new().short(pin).u64(age_ms).u8(1).done()
}

fn records_page(rows: &[Vec<u8>], next: Option<&[u8]>) -> Vec<u8> {
    let rows = list(Out::new().u8(0xb7), rows).u16(0);
    end(rows, next)
}

fn pins_page(rows: &[Vec<u8>], next: Option<&[u8]>) -> Vec<u8> {
    end(list(Out::new().u8(0xb8), rows), next)
}

fn list(out: Out, rows: &[Vec<u8>]) -> Out {
    let out = out.u16(u16::try_from(rows.len()).unwrap());
    rows.iter().fold(out, |out, row| out.raw(row))
}

fn end(page: Out, next: Option<&[u8]>) -> Vec<u8> {
    match next {
        Some(cursor) => page.u8(1).raw(cursor),
        None => page.u8(0),
    }
    .done()
}

/// Where a record stands in a pull.
fn cursor(owner: &Owner, name: &[u8; 32]) -> Vec<u8> {
    Out::new().raw(&record_position(&owner.id(), name[0])).raw(&owner.id()).raw(name).raw(&[0; 16]).done()
}

/// The question that a page answers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Floors,
    Records,
    Promises,
    Pins,
}

/// Answers pulls with these pages, and with empty ones where there is none.
fn gives(pages: BTreeMap<Asked, Vec<u8>>) -> Answers {
    Box::new(move |kind, body| {
        let asked = match (kind, body.get(32)) {
            (kind::PULL_RECORDS, Some(&FLOORS)) => Asked::Floors,
            (kind::PULL_RECORDS, Some(&RECORDS)) => Asked::Records,
            (kind::PULL_RECORDS, Some(&PROMISES)) => Asked::Promises,
            (kind::PULL_PINS, _) => Asked::Pins,
            _ => return None,
        };
        pages.get(&asked).cloned()
    })
}

pub(crate) fn pages_that_are_none(target: &Target) {
    let owner = Owner::new(&target.keys);
    let elsewhere = Owner { keys: Keys { network: random(), ..target.keys.clone() }, ..owner.clone() };
    let names: Vec<[u8; 32]> = (0..2).map(|_| random()).collect();
    let row = |owner: &Owner, name: &[u8; 32]| record_row(&owner.record(name, &version(0), 200), 0);
    let mut two: Vec<_> = names.iter().map(|name| (cursor(&owner, name), row(&owner, name))).collect();
    two.sort();
    let back: Vec<_> = two.iter().rev().map(|(_, row)| row.clone()).collect();
    let (first, last) = (two[0].1.clone(), two[1].0.clone());
    let blob = random();
    let pin = owner.pin(&version(0), &blob, 10_000);
    let forged = elsewhere.pin(&version(0), &blob, 10_000);
    let pins = [pin_row(&pin, 0), pin_row(&pin, 0)];
    let cases: Vec<(Asked, Vec<u8>, &str)> = vec![
        // Bytes, another answer, more than there may be.
        (Asked::Floors, Out::new().u8(0xb7).raw(&noise(1, 300)).done(), "Malformed"),
        (Asked::Floors, pins_page(&[], None), "UnexpectedAnswer"),
        (Asked::Promises, Out::new().u8(0xb0).u64(0).done(), "UnexpectedAnswer"),
        (Asked::Records, records_page(&vec![first.clone(); 257], None), "Malformed(Limit)"),
        (Asked::Records, Out::new().u8(0xb7).raw(&vec![0; 300_000]).done(), "TooLarge"),
        // Pages that would never end: empty ones that go on, one again and again, one that goes back, one that ends before it.
        (Asked::Floors, records_page(&[], Some(&[7; 112])), "WrongContent"),
        (Asked::Records, records_page(std::slice::from_ref(&first), Some(&two[0].0)), "WrongContent"),
        (Asked::Records, records_page(&back, None), "WrongContent"),
        (Asked::Records, records_page(&[two[1].1.clone()], Some(&two[0].0)), "WrongContent"),
        (Asked::Pins, pins_page(&[], Some(&last)), "WrongContent"),
        (Asked::Pins, pins_page(&pins, None), "WrongContent"),
        // What its owner did not sign.
        (Asked::Records, records_page(&[row(&elsewhere, &names[0])], None), "WrongContent"),
        (Asked::Pins, pins_page(&[pin_row(&forged, 0)], None), "WrongContent"),
    ];
    for (asked, page, fault) in cases {
        let mut member = Link::member(target.addr(), &target.keys, random());
        member.answers = gives(BTreeMap::from([(asked, page)]));
        while member.serve().is_some() {}
        target.await_fault(member.frames.addr(), fault);
    }
}

pub(crate) fn rows_out_of_time_and_place(target: &Target) {
    let (mut link, owner) = target.client();
    // A pin that is dead here, as its record here proves: that is told to who still has it.
    let dead = [1; 32];
    let tombstone = owner.record(&dead, &version(0), 0);
    store_record(&mut link, &tombstone);
    let blob = noise(11, 1000);
    let pin = owner.pin(&version(-1000), &sha256(&[&blob]), blob.len());
    // A record and a tombstone as old as numbers go, and a record where no records of that part are.
    let stranger = Owner::new(&target.keys);
    let (name, other) = (random(), random());
    let record = stranger.record(&name, &version(0), 200);
    let mut rows = [
        (cursor(&stranger, &name), record_row(&record, u64::MAX)),
        (cursor(&stranger, &other), record_row(&stranger.record(&other, &version(0), 0), u64::MAX)),
    ];
    rows.sort();
    let rows = rows.map(|(_, row)| row);
    let misplaced = [record_row(&stranger.record(&random(), &version(0), 300), 0)];
    let old = stranger.pin(&version(1000), &random(), 1000);
    let mut pins =
        [(sha256(&[&blob]), pin_row(&pin, 0)), (old[100..132].try_into().unwrap(), pin_row(&old, u64::MAX))];
    pins.sort();
    let pages = BTreeMap::from([
        (Asked::Floors, records_page(&misplaced, None)),
        (Asked::Records, records_page(&rows, None)),
        (Asked::Pins, pins_page(&pins.map(|(_, row)| row), None)),
    ]);
    let mut member = Link::member(target.addr(), &target.keys, random());
    member.answers = gives(pages);
    // After the page of pins it is told of what is dead: by kind and id, a length, and the record. At last the
    // placements are compared.
    let mut told = false;
    wait_for("the pull comes to its end", || {
        let message = member.serve().expect("nothing of it is a fault");
        told |= message[0] == kind::PUT_RECORD && message[5 + 4..].starts_with(&tombstone);
        (message[0] == kind::PULL_RECORDS && message.ends_with(&[FLOORS, 0, 0, 0])).then_some(())
    });
    assert!(told || !target.is_alone(), "alone it has all records, and tells which one has killed the pin");
    let mut reader = Link::client(target.addr(), &stranger);
    if target.is_alone() {
        assert_eq!(newest(&mut reader, &stranger, &name), record);
    }
    let refused = reader.refused(kind::GET_BLOB, &get_blob(&sha256(&[&blob])));
    assert!(refused == code::NOT_FOUND || !target.is_alone(), "{refused}");
}

#[test]
fn a_flood_of_what_members_catch_up_by_is_answered_a_window_at_a_time() {
    Target::start().withstand(floods_of_questions);
}

#[test]
fn what_is_pulled_leads_to_an_end_and_is_what_its_owner_signed() {
    Target::start().withstand(pages_that_are_none);
}

#[test]
fn rows_out_of_time_and_place_change_nothing() {
    Target::start().withstand(rows_out_of_time_and_place);
}

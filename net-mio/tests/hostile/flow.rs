//! Attacks on an open link by how much comes, how fast, and how it is cut.

use crate::bytes::Out;
use crate::link::{FIRST, Frames, LAST, Link, kind, request, segment};
use crate::requests::{get_blob, get_record, have, put_blob, store_blob, store_record};
use crate::signed::{Owner, random, version};
use crate::target::Target;

const MIB: usize = 1 << 20;
/// Open links of clients that one address may have (the README's limit).
const CLIENTS: usize = 128;

pub(crate) fn more_requests_than_announced(target: &Target) {
    let (mut link, _) = target.client();
    // In one frame, so that none of them can have been answered.
    let status = |id| segment(id, FIRST | LAST, Some(5), &request(kind::STATUS, id, &[]));
    link.send_plain(&(1..=257).flat_map(status).collect::<Vec<_>>());
    target.await_end(&mut link, "TooManyRequests");
    // One request's id twice.
    let (mut link, _) = target.client();
    link.send_plain(&[status(1), status(1)].concat());
    target.await_end(&mut link, "NotAllowed");
}

pub(crate) fn as_many_requests_as_allowed(target: &Target) {
    let (mut link, owner) = target.client();
    let body = get_record(&owner.id(), &[1; 32]);
    let frame = |from: u32| {
        let get = |id| {
            let message = request(kind::GET_RECORD, id, &body);
            segment(id, FIRST | LAST, Some(u32::try_from(message.len()).unwrap()), &message)
        };
        (from..from + 256).flat_map(get).collect::<Vec<_>>()
    };
    for round in 0..8 {
        link.send_plain(&frame(round * 1000));
        for _ in 0..256 {
            assert!(link.answer().is_some(), "each is answered");
        }
    }
}

pub(crate) fn more_bytes_than_credit_was_given_for(target: &Target) {
    let overdraw = |mut link: Link, owner: &Owner| {
        let pin = owner.pin(&version(0), &[3; 32], 4 * MIB);
        let body = Out::new().u16(1).short(&pin).done();
        // Three messages of 4 MiB are begun on a credit of 9.
        for id in 1..=3 {
            link.send_segment(id, FIRST, Some(4 << 20), &request(kind::PUT_BLOB, id, &body));
        }
        target.await_end(&mut link, "CreditExceeded");
    };
    let (link, owner) = target.client();
    overdraw(link, &owner);
    overdraw(Link::member(target.addr(), &target.keys, random()), &owner);
}

pub(crate) fn messages_and_segments_past_their_limits(target: &Target) {
    let (_, owner) = target.client();
    let pin = Out::new().u16(1).short(&owner.pin(&version(0), &[3; 32], 10)).done();
    let put = request(kind::PUT_BLOB, 1, &pin);
    let status = request(kind::STATUS, 1, &[]);
    let parts = |count: u32| {
        let part = |id| segment(id, FIRST, Some(1000), &request(kind::PUT_BLOB, id, &pin[..20]));
        (1..=count).flat_map(part).collect::<Vec<_>>()
    };
    let [first, last, alone] = [FIRST, LAST, FIRST | LAST];
    let cases = [
        (segment(1, first, Some(4_325_377), &put), "TooLarge"),
        (segment(1, first, Some(262_145), &status), "TooLarge"),
        (segment(1, first, Some(u32::MAX), &put), "TooLarge"),
        (parts(65), "TooLarge"),
        // The length of a segment past its frame, a flag that is none, a part of nothing, too few and too many bytes.
        (Out::new().u32(1).u8(alone).u16(60_000).raw(&[0; 50]).done(), "Malformed(Short)"),
        (segment(1, 4, None, &status), "Malformed(Value)"),
        (segment(1, last, None, &status), "Malformed(Value)"),
        (segment(1, alone, Some(900), &status), "Malformed(Short)"),
        (segment(1, alone, Some(4), &status), "Malformed(Trailing)"),
        (segment(1, first, Some(900), &status[..3]), "Malformed(Short)"),
        ([parts(1), parts(1)].concat(), "Malformed(Value)"),
        ([parts(1), segment(1, 0, None, &[])].concat(), "Malformed(Value)"),
        ([parts(1), segment(1, 0, None, &[0; 2000])].concat(), "Malformed(Trailing)"),
    ];
    for (plain, fault) in cases {
        let (mut link, _) = target.client();
        link.send_plain(&plain);
        target.await_end(&mut link, fault);
    }
}

pub(crate) fn streams_that_never_end(target: &Target) {
    let (mut link, owner) = target.client();
    let pin = Out::new().u16(1).short(&owner.pin(&version(0), &[3; 32], 10)).done();
    // As many as there may be, of which each goes on by a byte at a time.
    for stream in 100..164 {
        link.send_segment(stream, FIRST, Some(100_000), &request(kind::PUT_BLOB, stream, &pin[..20]));
    }
    for byte in 0..50 {
        for stream in 100..164 {
            link.send_segment(stream, 0, None, &[byte]);
        }
        // Whoever needs no stream is still served.
        assert_eq!(link.ask(kind::STATUS, &[]).0, 0x97);
    }
    link.send_segment(164, FIRST, Some(100_000), &request(kind::PUT_BLOB, 164, &pin[..20]));
    target.await_end(&mut link, "TooLarge");
}

pub(crate) fn answers_that_are_never_read(target: &Target) {
    let (mut link, owner) = target.client();
    let blob = store_blob(&mut link, &owner, &crate::common::noise(3, 4 * MIB - 100));
    let name = random();
    store_record(&mut link, &owner.record(&name, &version(0), 60_000));
    let mut deaf: Vec<_> = (0..4).map(|_| Link::client(target.addr(), &owner)).collect();
    for link in &mut deaf {
        // On each 40 MiB of blobs and 13 of records.
        for _ in 0..10 {
            link.request(kind::GET_BLOB, &get_blob(&blob));
        }
        for _ in 0..224 {
            link.request(kind::GET_RECORD, &get_record(&owner.id(), &name));
        }
    }
    // The node has taken up all that it will: a link opened after them is served.
    let mut link = Link::client(target.addr(), &owner);
    for _ in 0..5 {
        assert_eq!(link.ask(kind::GET_BLOB, &get_blob(&blob)).0, 0x92);
    }
    // Who begins to read after all gets everything that was asked for.
    let slow = &mut deaf[0];
    let kinds: Vec<u8> = (0..234).map(|_| slow.answer().expect("an answer").1).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == 0x92).count(), 10);
    assert_eq!(kinds.iter().filter(|kind| **kind == 0x94).count(), 224);
}

pub(crate) fn clients_up_to_the_limit_of_an_address(target: &Target) {
    let owner = Owner::new(&target.keys);
    let dial = || Link::client_over(Frames::dial_from(68, target.addr()), &owner);
    let mut links: Vec<_> = (0..CLIENTS).map(|_| dial()).collect();
    assert_eq!(links[CLIENTS - 1].ask(kind::STATUS, &[]).0, 0x97);
    for _ in 0..4 {
        let mut link = dial();
        // Full.
        assert!(link.goodbye().is_none_or(|reason| reason == 5));
        target.await_fault(link.frames.addr(), "TooManyLinks");
    }
    // Those within it are served, and make room when they end.
    assert_eq!(links[0].ask(kind::STATUS, &[]).0, 0x97);
    links.truncate(CLIENTS / 2);
    crate::common::wait_for("there is room again", || {
        let mut link = dial();
        link.request(kind::STATUS, &[]);
        link.answer()
    });
}

pub(crate) fn uploads_at_full_speed(target: &Target) {
    let (mut link, owner) = target.client();
    // Within credit, but of a pin that names another blob: the node hashes each and keeps none.
    let bytes = crate::common::noise(5, MIB);
    let message = put_blob(&owner.pin(&version(0), &[3; 32], MIB), &bytes);
    for _ in 0..40 {
        assert_eq!(link.refused(kind::PUT_BLOB, &message), crate::requests::code::INVALID);
    }
    // As many pins as a message may have.
    let pins: Vec<_> = (0..250).map(|n| owner.pin(&version(0), &[n; 32], 10)).collect();
    for _ in 0..4 {
        assert_eq!(link.ask(kind::HAVE, &have(&pins)).0, 0x90);
    }
}

#[test]
fn a_flood_of_requests_ends_where_it_was_announced_to() {
    Target::start().withstand(more_requests_than_announced);
}

#[test]
fn as_many_requests_as_are_allowed_are_all_answered() {
    Target::start().withstand(as_many_requests_as_allowed);
}

#[test]
fn nobody_sends_more_than_they_have_credit_for() {
    Target::start().withstand(more_bytes_than_credit_was_given_for);
}

#[test]
fn what_is_too_long_or_wrongly_cut_ends_the_link() {
    Target::start().withstand(messages_and_segments_past_their_limits);
}

#[test]
fn messages_that_never_end_hold_up_nothing_and_are_bounded() {
    Target::start().withstand(streams_that_never_end);
}

#[test]
fn who_never_reads_answers_gets_no_more_of_them_than_the_window() {
    Target::start().withstand(answers_that_are_never_read);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the honest would share the attacker's only address")]
fn one_address_has_so_many_open_links_and_keeps_nobody_else_out() {
    Target::start().withstand(clients_up_to_the_limit_of_an_address);
}

#[test]
fn uploads_that_are_not_what_they_say_cost_others_nothing() {
    Target::start().withstand(uploads_at_full_speed);
}

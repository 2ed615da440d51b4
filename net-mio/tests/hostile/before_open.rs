//! Attacks by those who are not let in, or not yet.

use std::io::Read as _;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use crate::bytes::Out;
use crate::link::{FIRST, Frames, LAST, Link, kind};
use crate::noise::Handshake;
use crate::signed::{Keys, Owner, random};
use crate::target::Target;

/// Half-open links that one address may have (the README's limit).
const HALF_OPEN: usize = 32;

pub(crate) fn garbage_instead_of_a_handshake(target: &Target) {
    // A length that nobody has before the link is open, a first message that is none, and one under another psk.
    let long = [0xff; 300].to_vec();
    let wrong = Out::new().short(&[7; 48]).done();
    let foreign = Keys { psk: random(), ..target.keys.clone() };
    let first = Handshake::new(true, &foreign.psk, random(), random()).first();
    let foreign = Out::new().short(&first).done();
    let cases = [(long, "TooManyBytesBeforeOpen"), (wrong, "Handshake"), (foreign, "Handshake")];
    for (garbage, fault) in cases {
        let mut frames = Frames::dial(target.addr());
        frames.raw(&garbage);
        assert_eq!(frames.read(), None, "not a byte is said to a stranger");
        target.await_fault(frames.addr(), fault);
    }
}

pub(crate) fn garbage_after_the_handshake(target: &Target) {
    // A frame that does not open, before the Hello and on an open link.
    let mut link = Link::connect(target.addr(), &target.keys, random());
    link.frames.send(&[9; 100]);
    target.await_end(&mut link, "BadFrame");
    let (mut link, _) = target.client();
    link.frames.send(&[9; 60_000]);
    target.await_end(&mut link, "BadFrame");
    // A frame that comes twice.
    let (mut link, _) = target.client();
    let plain = crate::link::segment(1, FIRST | LAST, Some(5), &crate::link::request(kind::STATUS, 1, &[]));
    let frame = link.secured.sending.seal(&[], &plain);
    link.frames.send(&frame);
    link.frames.send(&frame);
    target.await_end(&mut link, "BadFrame");
    // Good frames that hold no segments.
    let (mut link, _) = target.client();
    link.send_plain(&[1, 2, 3]);
    target.await_end(&mut link, "Malformed(Short)");
}

pub(crate) fn too_many_bytes_before_the_link_is_open(target: &Target) {
    // A Hello that never ends, a byte in each frame.
    let mut link = Link::connect(target.addr(), &target.keys, random());
    let begun = Out::new().u8(kind::HELLO).u32(0).done();
    let mut going = link.send_segment(1, FIRST, Some(200_000), &begun);
    let mut sent = 0;
    while going && sent < 30_000_000 {
        going = link.send_segment(1, 0, None, &[0]);
        sent += 26;
    }
    assert!(!going, "the node closes before more was sent than sockets hold");
    link.frames.await_end();
    target.await_fault(link.frames.addr(), "TooManyBytesBeforeOpen");
    // Requests before the Hello.
    let mut link = Link::connect(target.addr(), &target.keys, random());
    link.request(kind::STATUS, &[]);
    target.await_end(&mut link, "NotAllowed");
}

pub(crate) fn claims_without_proof(target: &Target) {
    let owner = Owner::new(&target.keys);
    let hello = |version, role, owner, control| Link::hello(version, role, None, owner, control);
    // Another's key with a signature of somebody else; a proof of another link; the home's role by a key of one's own; no proof.
    let connect = || Link::connect(target.addr(), &target.keys, random());
    let proof = connect().proof(&owner, 1);
    let mut stolen = proof.clone();
    stolen[..32].copy_from_slice(&Owner::new(&target.keys).id());
    let own_control = |link: &Link| Some(link.proof(&owner, 2));
    type Claim<'a> = &'a dyn Fn(&Link) -> Vec<u8>;
    let claims: [(Claim, &str); 6] = [
        (&|_| hello(1, 1, Some(stolen.clone()), None), "BadProof"),
        (&|_| hello(1, 1, Some(proof.clone()), None), "BadProof"),
        (&|link| hello(1, 2, None, own_control(link)), "BadProof"),
        (&|_| hello(1, 2, None, None), "BadProof"),
        (&|_| hello(1, 0, None, None), "NotAdmitted"),
        (&|_| hello(2, 1, None, None), "Version(2)"),
    ];
    for (claim, fault) in claims {
        let mut link = connect();
        let hello = claim(&link);
        link.send(&hello);
        target.await_end(&mut link, fault);
    }
}

pub(crate) fn handshakes_sent_back_and_again(target: &Target) {
    // The node's own message for an answer to it.
    let mut frames = Frames::dial(target.addr());
    let mut handshake = Handshake::new(true, &target.keys.psk, random(), random());
    let first = handshake.first();
    frames.send(&first);
    let second = frames.read().expect("an answer");
    frames.send(&second);
    frames.await_end();
    target.await_fault(frames.addr(), "Handshake");
    // A handshake that was heard on the way: it is answered once more, and ends with the third message.
    let third = handshake.third(&second);
    let mut frames = Frames::dial(target.addr());
    frames.send(&first);
    assert!(frames.read().is_some_and(|answer| answer.len() == 96 && answer != second));
    frames.send(&third);
    frames.await_end();
    target.await_fault(frames.addr(), "Handshake");
}

pub(crate) fn stalled_handshakes(target: &Target) {
    let start = Instant::now();
    // Nothing at all; a length and no more; a first message; all but the Hello.
    let silent = Frames::dial(target.addr());
    let mut begun = Frames::dial(target.addr());
    begun.raw(&[0, 48, 1]);
    let mut first = Frames::dial(target.addr());
    first.send(&Handshake::new(true, &target.keys.psk, random(), random()).first());
    let greeting = Link::connect(target.addr(), &target.keys, random()).frames;
    for mut frames in [silent, begun, first, greeting] {
        frames.await_end();
        target.await_fault(frames.addr(), "HandshakeTimeout");
    }
    assert!(start.elapsed() >= Duration::from_secs(9), "a slow link has its ten seconds");
}

pub(crate) fn half_open_links_up_to_the_limit(target: &Target) {
    let mut links: Vec<_> = (0..HALF_OPEN + 8).map(|_| Frames::dial_from(67, target.addr())).collect();
    let refused = |frames: &mut Frames| {
        frames.0.set_nonblocking(true).unwrap();
        let ended =
            !matches!(frames.0.read(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock);
        frames.0.set_nonblocking(false).unwrap();
        ended
    };
    crate::common::wait_for("those above the limit are turned away", || {
        let ended = links.iter_mut().filter_map(|frames| refused(frames).then_some(())).count();
        (ended >= 8).then_some(())
    });
    let last = links.last_mut().unwrap();
    last.await_end();
    target.await_fault(last.addr(), "TooManyLinks");
    // Those within it can go on, and make room when they end.
    links[0].send(&Handshake::new(true, &target.keys.psk, random(), random()).first());
    assert!(links[0].read().is_some());
    for frames in &links {
        // It may have ended already.
        let _ = frames.0.shutdown(Shutdown::Both);
    }
    crate::common::wait_for("there is room again", || {
        let mut frames = Frames::dial_from(67, target.addr());
        frames.send(&Handshake::new(true, &target.keys.psk, random(), random()).first());
        // An empty one says that no link is taken.
        frames.read().filter(|answer| !answer.is_empty())
    });
}

#[test]
fn garbage_before_the_handshake_gets_no_answer_and_a_name() {
    Target::start().withstand(garbage_instead_of_a_handshake);
}

#[test]
fn garbage_after_the_handshake_ends_the_link() {
    Target::start().withstand(garbage_after_the_handshake);
}

#[test]
fn who_is_not_known_yet_may_send_a_few_kilobytes() {
    Target::start().withstand(too_many_bytes_before_the_link_is_open);
}

#[test]
fn nobody_is_believed_to_be_who_they_cannot_prove_to_be() {
    Target::start().withstand(claims_without_proof);
}

#[test]
fn a_reflected_or_replayed_handshake_opens_nothing() {
    Target::start().withstand(handshakes_sent_back_and_again);
}

#[test]
fn stalled_handshakes_end_at_their_deadline() {
    Target::start().withstand(stalled_handshakes);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the honest would share the attacker's only address")]
fn half_open_links_of_one_address_keep_nobody_else_out() {
    Target::start().withstand(half_open_links_up_to_the_limit);
}

//! Each limit that a session enforces, reached by a peer that obeys nothing, and the fault that names it.

use bytes::BytesMut;

use super::hostile::Hostile;
use super::*;
use crate::config::limit;
use crate::crypto::label;
use crate::error::MalformedMessage;
use crate::wire::{Class, CloseReason, OwnerProof, Role};

#[test]
fn a_class_that_exceeds_its_credit_is_a_fault() {
    let config = Config { credit_relay: 10_000, ..Config::default() };
    let mut hostile = Hostile::open(&config);
    hostile.send(&put(1, 6_000));
    assert_eq!(hostile.node.fault, None);
    hostile.send(&put(2, 6_000));
    assert_eq!(hostile.node.fault, Some(PeerFault::CreditExceeded));
    assert_eq!(hostile.node.request_ids(), [1]);
}

#[test]
fn credit_is_charged_when_a_message_begins_and_not_when_it_ends() {
    let config = Config { credit_relay: 10_000, ..Config::default() };
    let mut hostile = Hostile::open(&config);
    let (head, _) = put(1, 6_000).encode();
    hostile.segment(50, Some(6_300), false, &head);
    hostile.segment(51, Some(6_300), false, &head);
    // The same id again is looked at before the credit.
    assert_eq!(hostile.node.fault, Some(PeerFault::NotAllowed));
    let mut hostile = Hostile::open(&config);
    hostile.segment(50, Some(6_300), false, &head);
    let (head, _) = put(2, 6_000).encode();
    hostile.segment(51, Some(6_300), false, &head);
    assert_eq!(hostile.node.fault, Some(PeerFault::CreditExceeded));
}

#[test]
fn a_message_over_the_limit_is_a_fault_before_it_has_come() {
    let mut hostile = Hostile::open(&Config::default());
    hostile.segment(9, Some(limit::MESSAGE as u32 + 1), false, &put(1, 10).encode().0);
    assert_eq!(hostile.node.fault, Some(PeerFault::TooLarge));
}

#[test]
fn a_control_request_is_bounded_though_no_credit_pays_for_it() {
    let mut hostile = Hostile::open(&Config::default());
    hostile.segment(9, Some(limit::CONTROL_MESSAGE as u32 + 1), false, &ping(1).encode().0);
    assert_eq!(hostile.node.fault, Some(PeerFault::TooLarge));
}

#[test]
fn more_messages_under_way_than_streams_are_a_fault() {
    let config = Config { max_streams: 4, ..Config::default() };
    let mut hostile = Hostile::open(&config);
    for id in 0..4 {
        hostile.segment(100 + id, Some(1_000), false, &put(id, 10).encode().0);
        assert_eq!(hostile.node.fault, None);
    }
    hostile.segment(104, Some(1_000), false, &put(4, 10).encode().0);
    assert_eq!(hostile.node.fault, Some(PeerFault::TooLarge));
}

#[test]
fn more_requests_than_announced_are_a_fault() {
    let config = Config { max_requests: 3, ..Config::default() };
    let mut hostile = Hostile::open(&config);
    (0..3).for_each(|id| hostile.send(&ping(id)));
    assert_eq!(hostile.node.fault, None);
    // An answer counts when it is out, not when it is queued.
    hostile.node.session.send(&stored(0));
    hostile.read();
    hostile.send(&ping(3));
    assert_eq!(hostile.node.fault, None);
    hostile.node.session.send(&stored(1));
    hostile.send(&ping(4));
    assert_eq!(hostile.node.fault, Some(PeerFault::TooManyRequests));
}

#[test]
fn an_answer_that_nobody_asked_for_is_a_fault() {
    let mut hostile = Hostile::open(&Config::default());
    hostile.send(&stored(1));
    assert_eq!(hostile.node.fault, Some(PeerFault::UnexpectedAnswer));
}

#[test]
fn a_second_answer_is_a_fault() {
    let mut pair = Pair::open(&Config::default());
    pair.dialler.session.send(&ping(1));
    pair.run();
    pair.answerer.session.send(&stored(1));
    pair.answerer.session.send(&stored(1));
    pair.run();
    assert_eq!(pair.dialler.fault, Some(PeerFault::UnexpectedAnswer));
    assert_eq!(pair.dialler.messages(), [&stored(1)]);
}

#[test]
fn an_answer_longer_than_its_request_can_have_is_a_fault() {
    let mut pair = Pair::open(&Config::default());
    let request = Request::GetBlob { id: BlobId([4; 32]), offset: 0, len: 10 };
    pair.dialler.session.send(&Message::Request { id: 1, request });
    pair.run();
    pair.answerer.session.send(&blob_answer(1, 1 << 20));
    pair.run();
    assert_eq!(pair.dialler.fault, Some(PeerFault::TooLarge));
}

#[test]
fn a_client_is_asked_nothing() {
    let mut pair = Pair::open(&Config::default());
    pair.answerer.session.send(&ping(1));
    pair.run();
    assert_eq!(pair.dialler.fault, Some(PeerFault::NotAllowed));
}

#[test]
fn a_second_hello_is_a_fault() {
    let mut hello = None;
    let mut hostile = Hostile::dial(&Config::default(), client(7), |sent, _| hello = Some(sent.clone()));
    hostile.send(&Message::Hello(hello.unwrap()));
    assert_eq!(hostile.node.fault, Some(PeerFault::NotAllowed));
}

#[test]
fn nothing_but_a_hello_or_goodbye_comes_before_the_link_is_open() {
    for message in [ping(1), stored(1), Message::Credit { class: Class::Relay, bytes: 1 }] {
        let (mut hostile, _) = Hostile::connect(&Config::default());
        hostile.send(&message);
        assert_eq!(hostile.node.fault, Some(PeerFault::NotAllowed));
    }
    let (mut hostile, _) = Hostile::connect(&Config::default());
    hostile.send(&Message::Goodbye(CloseReason::Full));
    assert_eq!(hostile.node.messages(), [&Message::Goodbye(CloseReason::Full)]);
    assert_eq!(hostile.node.fault, None);
}

#[test]
fn another_version_is_named() {
    let hostile = Hostile::dial(&Config::default(), client(7), |hello, _| hello.version = 2);
    assert_eq!(hostile.node.fault, Some(PeerFault::Version(2)));
}

#[test]
fn a_claim_without_its_proof_is_a_fault() {
    let forged =
        |key: &SigningKey, hash: &[u8; 32], label: &str, binding: &super::super::handshake::Binding| {
            let parts: [&[u8]; 4] = [hash, &[Role::Client as u8], &binding.dialler, &binding.answerer];
            OwnerProof { key: OwnerId(*key.public()), signature: key.sign(label, &network(), &parts) }
        };
    // A proof of another link, one under another label, and one whose key is another's.
    for case in 0..3 {
        let hostile = Hostile::dial(&Config::default(), client(7), |hello, binding| {
            let mut proof = match case {
                0 => forged(&signing_key(7), &[1; 32], label::LINK_OWNER, binding),
                1 => forged(&signing_key(7), &binding.hash, label::LINK_CONTROL, binding),
                _ => forged(&signing_key(8), &binding.hash, label::LINK_OWNER, binding),
            };
            if case == 2 {
                proof.key = OwnerId(*signing_key(7).public());
            }
            hello.owner = Some(proof);
        });
        assert_eq!(hostile.node.fault, Some(PeerFault::BadProof), "case {case}");
    }
    // A role without its proof.
    let hostile = Hostile::dial(&Config::default(), client(7), |hello, _| hello.role = Role::Control);
    assert_eq!(hostile.node.fault, Some(PeerFault::BadProof));
    let hostile = Hostile::dial(&Config::default(), client(7), |hello, _| hello.role = Role::Node);
    assert_eq!(hostile.node.fault, Some(PeerFault::NotAdmitted));
    // The admission of a node, shown by somebody else.
    let hostile = Hostile::dial(&Config::default(), client(7), |hello, _| {
        hello.role = Role::Node;
        hello.admission = Some(admission(20, 0, &founder()));
    });
    assert_eq!(hostile.node.fault, Some(PeerFault::NotAdmitted));
}

#[test]
fn segments_that_make_no_message_are_malformed() {
    let head = put(1, 100).encode().0;
    type Attack = fn(&mut Hostile, &[u8]);
    let cases: [(&str, MalformedMessage, Attack); 7] = [
        ("a part of nothing", MalformedMessage::Value, |h, head| h.segment(9, None, false, head)),
        ("less than announced", MalformedMessage::Short, |h, head| h.segment(9, Some(900), true, head)),
        ("more than announced", MalformedMessage::Trailing, |h, head| h.segment(9, Some(9), true, head)),
        ("whole without an end", MalformedMessage::Value, |h, head| {
            h.segment(9, Some(head.len() as u32), false, head);
        }),
        ("begun twice", MalformedMessage::Value, |h, head| {
            h.segment(9, Some(900), false, head);
            h.segment(9, Some(900), false, &ping(2).encode().0);
        }),
        ("an empty part", MalformedMessage::Value, |h, head| {
            h.segment(9, Some(900), false, head);
            h.segment(9, None, false, &[]);
        }),
        ("no header", MalformedMessage::Short, |h, head| h.segment(9, Some(900), false, &head[..3])),
    ];
    for (what, malformed, attack) in cases {
        let mut hostile = Hostile::open(&Config::default());
        attack(&mut hostile, &head);
        assert_eq!(hostile.node.fault, Some(PeerFault::Malformed(malformed)), "{what}");
    }
    let mut hostile = Hostile::open(&Config::default());
    hostile.frame(BytesMut::from(&[1, 2, 3][..]));
    assert_eq!(hostile.node.fault, Some(PeerFault::Malformed(MalformedMessage::Short)));
}

#[test]
fn a_faulted_session_still_says_goodbye() {
    let mut hostile = Hostile::open(&Config::default());
    hostile.read();
    hostile.send(&stored(1));
    assert!(!hostile.node.session.is_drained());
    let goodbye = Message::Goodbye(CloseReason::Fault).encode().0;
    assert!(hostile.read().ends_with(&goodbye));
    assert!(hostile.node.session.is_drained());
}

#[test]
fn a_request_of_an_unknown_kind_is_given_to_the_owner() {
    let mut hostile = Hostile::open(&Config::default());
    hostile.send(&Message::UnknownRequest { id: 5 });
    assert_eq!(hostile.node.messages(), [&Message::UnknownRequest { id: 5 }]);
}

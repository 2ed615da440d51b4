//! From the first byte to an open link, and every way in which it does not open.

use alloc::format;
use alloc::string::ToString as _;
use core::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::wire::{CloseReason, Role};

#[test]
fn two_nodes_open_a_link_and_know_each_other() {
    let pair = Pair::open_nodes(&Config::default());
    let (seen_by_dialler, seen_by_answerer) =
        (pair.dialler.session.peer().unwrap(), pair.answerer.session.peer().unwrap());
    assert_eq!((seen_by_dialler.role, seen_by_dialler.node), (Role::Node, node_id(20)));
    assert_eq!((seen_by_answerer.role, seen_by_answerer.node), (Role::Node, node_id(10)));
    assert_eq!(seen_by_dialler.admission.as_ref().unwrap().node, node_id(20));
    assert_eq!(seen_by_dialler.incarnation, [20; 16]);
    assert_eq!(seen_by_dialler.addrs, ["192.0.2.1:4270".parse().unwrap()]);
    assert_eq!(seen_by_dialler.unix_ms, NOW.unix_ms);
}

#[test]
fn a_client_proves_its_owner() {
    let pair = Pair::open(&Config::default());
    let peer = pair.answerer.session.peer().unwrap();
    assert_eq!((peer.role, peer.owner), (Role::Client, Some(OwnerId(*signing_key(7).public()))));
    assert_eq!(peer.admission, None);
}

#[test]
fn the_home_of_a_node_proves_its_control_key() {
    let home = local(LocalRole::Client { owner: None, control: Some(signing_key(99)) });
    let mut pair = Pair::new(&Config::default(), home, node(20));
    pair.run();
    assert_eq!(pair.answerer.session.peer().unwrap().role, Role::Control);

    let stranger = local(LocalRole::Client { owner: None, control: Some(signing_key(98)) });
    let mut pair = Pair::new(&Config::default(), stranger, node(20));
    pair.run();
    assert_eq!(pair.answerer.fault, Some(PeerFault::BadProof));
}

#[test]
fn the_link_key_of_the_previous_epoch_is_still_accepted() {
    let mut answerer = node(20);
    answerer.psks.insert(0, (2, Secret::new([0x66; 32])));
    let mut pair = Pair::new(&Config::default(), client(7), answerer);
    pair.run();
    assert!(pair.dialler.opened() && pair.answerer.opened());
}

#[test]
fn whoever_takes_no_link_now_says_so_before_the_handshake() {
    let mut pair = Pair::new(&Config::default(), client(7), node(20));
    pair.answerer.session.close(CloseReason::Shutdown);
    pair.run();
    assert!(pair.dialler.session.heard() && !pair.dialler.opened());
    assert_eq!((pair.dialler.fault, pair.answerer.fault), (None, None));
}

#[test]
fn a_wrong_link_key_ends_the_handshake_before_anything_is_answered() {
    let mut dialler = client(7);
    dialler.psks = vec![(1, Secret::new([0x77; 32]))];
    let mut pair = Pair::new(&Config::default(), dialler, node(20));
    pair.run();
    assert_eq!(pair.answerer.fault, Some(PeerFault::Handshake));
    assert!(!pair.answerer.session.heard() && pair.answerer.session.is_drained());
    assert!(!pair.dialler.session.heard());
}

#[test]
fn a_dial_without_a_link_key_is_a_fault_and_not_a_panic() {
    let mut dialler = client(7);
    dialler.psks.clear();
    let mut session = Session::dial(&Config::default(), NOW, Arc::new(dialler), None, [0; 32]);
    assert!(session.handle_timeout(NOW).is_err());
}

#[test]
fn a_node_of_another_network_is_not_admitted() {
    let mut stranger = node(20);
    if let LocalRole::Node { admission: own, .. } = &mut stranger.role {
        *own = admission(20, 0, &signing_key(2));
    }
    assert_dialler_refuses(stranger, None, PeerFault::NotAdmitted);
}

#[test]
fn an_admission_of_another_node_is_not_accepted() {
    let mut thief = node(20);
    if let LocalRole::Node { admission: own, .. } = &mut thief.role {
        *own = admission(21, 0, &founder());
    }
    assert_dialler_refuses(thief, None, PeerFault::NotAdmitted);
}

#[test]
fn an_expired_admission_opens_no_link() {
    let with_end = |not_after| {
        let mut side = node(20);
        if let LocalRole::Node { admission: own, .. } = &mut side.role {
            *own = admission(20, not_after, &founder());
        }
        side
    };
    assert_dialler_refuses(with_end(NOW.unix_ms - 1), None, PeerFault::NotAdmitted);
    let mut pair = Pair::new(&Config::default(), client(7), with_end(NOW.unix_ms));
    pair.run();
    assert!(pair.dialler.opened());
    // The answering side looks as closely.
    let mut pair = Pair::new(&Config::default(), with_end(1), node(21));
    pair.run();
    assert_eq!(pair.answerer.fault, Some(PeerFault::NotAdmitted));
}

#[test]
fn another_node_than_the_expected_one_is_refused() {
    assert_dialler_refuses(node(20), Some(node_id(21)), PeerFault::WrongNode);
}

#[test]
fn a_node_that_reaches_itself_is_no_peer() {
    assert_dialler_refuses_from(node(20), node(20), None, PeerFault::Oneself);
}

#[test]
fn a_proof_of_an_owner_from_another_network_is_no_proof() {
    let mut liar = client(7);
    liar.network = NetworkId([9; 32]);
    // Its own check of the answering side would stop it first.
    let mut pair = Pair::new(&Config::default(), liar, node(20));
    pair.run();
    assert_eq!(pair.dialler.fault, Some(PeerFault::NotAdmitted));
    assert!(!pair.answerer.opened());
}

#[test]
fn a_side_that_is_answered_with_its_own_bytes_does_not_open() {
    let mut end = End::new(Session::dial(&Config::default(), NOW, Arc::new(node(10)), None, [2; 32]));
    for bytes in end.transmit() {
        end.receive(bytes);
    }
    assert_eq!(end.fault, Some(PeerFault::Handshake));

    // Nor does one that is answered with the bytes of another link of its peer.
    let recorded = {
        let mut pair = Pair::new(&Config::default(), node(10), node(20));
        let mut recorded = Vec::new();
        for _ in 0..4 {
            pair.dialler.transmit().into_iter().for_each(|bytes| pair.answerer.receive(bytes));
            for bytes in pair.answerer.transmit() {
                recorded.push(bytes.clone());
                pair.dialler.receive(bytes);
            }
        }
        recorded
    };
    let mut end = End::new(Session::dial(&Config::default(), NOW, Arc::new(node(10)), None, [9; 32]));
    end.transmit();
    recorded.into_iter().for_each(|bytes| end.receive(bytes));
    assert_eq!(end.fault, Some(PeerFault::Handshake));
}

#[test]
fn a_handshake_that_never_ends_is_ended() {
    let config = Config::default();
    let mut session = Session::accept(&config, NOW, Arc::new(node(20)), [3; 32]);
    let deadline = session.poll_timeout().unwrap();
    assert_eq!(deadline, NOW.mono + config.handshake_deadline);
    assert_eq!(
        session.handle_timeout(NOW.after(config.handshake_deadline - Duration::from_micros(1))),
        Ok(())
    );
    let late = NOW.after(config.handshake_deadline);
    assert_eq!(session.handle_timeout(late), Err(PeerFault::HandshakeTimeout));
    assert_eq!(session.receive(late, Bytes::from_static(&[0])), Err(PeerFault::HandshakeTimeout));
    assert!(session.is_drained());
}

#[test]
fn an_open_link_has_no_deadline() {
    let mut pair = Pair::open(&Config::default());
    assert_eq!(pair.answerer.session.poll_timeout(), None);
    assert_eq!(pair.answerer.session.handle_timeout(NOW.after(Duration::from_secs(1000))), Ok(()));
}

#[test]
fn bytes_beyond_a_handshake_before_the_link_is_open_are_a_fault() {
    let config = Config::default();
    let mut end = End::new(Session::accept(&config, NOW, Arc::new(node(20)), [3; 32]));
    let len = u16::try_from(config.pre_open_bytes + 1).unwrap();
    end.receive(Bytes::copy_from_slice(&len.to_be_bytes()));
    assert_eq!(end.fault, Some(PeerFault::TooManyBytesBeforeOpen));
}

#[test]
fn the_bytes_before_open_are_counted_over_all_frames() {
    let config = Config { pre_open_bytes: 100, ..Config::default() };
    // Two messages of the handshake together exceed what each alone does not.
    let mut pair = Pair::new(&config, client(7), node(20));
    pair.run();
    assert_eq!(pair.answerer.fault, Some(PeerFault::TooManyBytesBeforeOpen));
}

#[test]
fn what_is_sent_before_the_link_is_open_arrives_after_it() {
    let mut pair = Pair::new(&Config::default(), client(7), node(20));
    pair.dialler.session.send(&put(1, 100_000));
    pair.dialler.session.send(&ping(2));
    assert!(pair.dialler.session.queued(crate::wire::Class::Relay) > 100_000);
    pair.run();
    assert!(pair.answerer.opened());
    assert_eq!(pair.answerer.request_ids(), [2, 1]);
    assert!(pair.dialler.session.is_drained());
}

#[test]
fn who_is_refused_is_told_why() {
    let mut expired = node(10);
    if let LocalRole::Node { admission: own, .. } = &mut expired.role {
        *own = admission(10, 1, &founder());
    }
    let mut pair = Pair::new(&Config::default(), expired, node(20));
    pair.run();
    assert_eq!(pair.dialler.messages(), [&Message::Goodbye(CloseReason::NotAdmitted)]);
}

#[test]
fn nothing_secret_shows_in_debug_output() {
    let pair = Pair::open(&Config::default());
    let shown = format!(
        "{:?} {:?} {:?}",
        pair.dialler.session,
        pair.answerer.session,
        local(LocalRole::Client { owner: Some(signing_key(7)), control: Some(signing_key(8)) })
    );
    // In hexadecimal or as a list of numbers.
    for secret in [PSK[0], 7, 8, 2, 3] {
        assert!(!shown.contains(&format!("{secret:02x}").repeat(8)));
        assert!(!shown.contains(&[secret.to_string().as_str(); 8].join(", ")));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_link_opens_and_works_however_its_bytes_are_cut(cuts in proptest::collection::vec(1_usize..5_000, 1..40)) {
        let mut pair = Pair::new(&Config::default(), client(7), node(20));
        pair.dialler.session.send(&put(1, 70_000));
        pair.dialler.session.send(&get(2));
        let mut sizes = cuts.into_iter().cycle();
        let mut answered = false;
        loop {
            let (out, back) = (pair.dialler.transmit().concat(), pair.answerer.transmit().concat());
            if out.is_empty() && back.is_empty() {
                break;
            }
            deliver(&mut pair.answerer, &out, &mut sizes);
            deliver(&mut pair.dialler, &back, &mut sizes);
            if pair.answerer.request_ids().len() == 2 && !answered {
                answered = true;
                pair.answerer.session.send(&blob_answer(2, 200_000));
                pair.answerer.session.send(&stored(1));
            }
        }
        prop_assert_eq!(&pair.dialler.fault, &None);
        prop_assert_eq!(&pair.answerer.fault, &None);
        prop_assert!(pair.answerer.messages().contains(&&put(1, 70_000)));
        prop_assert_eq!(pair.dialler.messages(), [&stored(1), &blob_answer(2, 200_000)]);
    }
}

fn deliver(end: &mut End, mut bytes: &[u8], sizes: &mut impl Iterator<Item = usize>) {
    while !bytes.is_empty() {
        let (portion, rest) = bytes.split_at(sizes.next().unwrap().min(bytes.len()));
        end.receive(Bytes::copy_from_slice(portion));
        bytes = rest;
    }
}

fn assert_dialler_refuses(answerer: LocalSide, expect: Option<NodeId>, fault: PeerFault) {
    assert_dialler_refuses_from(client(7), answerer, expect, fault);
}

/// The dialler must end the link before it shows who it is.
fn assert_dialler_refuses_from(
    dialler: LocalSide,
    answerer: LocalSide,
    expect: Option<NodeId>,
    fault: PeerFault,
) {
    let mut pair = Pair::expecting(&Config::default(), dialler, answerer, expect);
    pair.run();
    assert_eq!(pair.dialler.fault, Some(fault));
    assert!(!pair.dialler.opened() && !pair.answerer.opened());
    assert_eq!(pair.answerer.session.peer().map(|peer| peer.node), None);
}

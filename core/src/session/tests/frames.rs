//! Frames on an open link: whatever is altered, repeated, dropped or exchanged ends it; new keys do not.

use super::*;

#[test]
fn a_flipped_bit_anywhere_in_a_frame_is_a_fault() {
    let mut probe = Pair::open(&Config::default());
    probe.dialler.session.send(&ping(1));
    let frame_len = probe.dialler.transmit().concat().len();
    for position in 2..frame_len {
        let mut pair = Pair::open(&Config::default());
        pair.dialler.session.send(&ping(1));
        let mut frame = pair.dialler.transmit().concat();
        frame[position] ^= 1 << (position % 8);
        pair.answerer.receive(frame.into());
        assert_eq!(pair.answerer.fault, Some(PeerFault::BadFrame), "byte {position}");
        assert!(pair.answerer.messages().is_empty());
    }
}

#[test]
fn a_frame_that_comes_twice_is_a_fault() {
    let mut pair = Pair::open(&Config::default());
    pair.dialler.session.send(&ping(1));
    let frame = Bytes::from(pair.dialler.transmit().concat());
    pair.answerer.receive(frame.clone());
    assert_eq!(pair.answerer.fault, None);
    pair.answerer.receive(frame);
    assert_eq!(pair.answerer.fault, Some(PeerFault::BadFrame));
    assert_eq!(pair.answerer.request_ids(), [1]);
}

#[test]
fn frames_out_of_order_are_a_fault() {
    let mut pair = Pair::open(&Config::default());
    pair.dialler.session.send(&ping(1));
    let first = pair.dialler.transmit().concat();
    pair.dialler.session.send(&ping(2));
    let second = pair.dialler.transmit().concat();
    pair.answerer.receive(second.into());
    assert_eq!(pair.answerer.fault, Some(PeerFault::BadFrame));
    pair.answerer.receive(first.into());
    assert!(pair.answerer.messages().is_empty(), "a faulted session stays faulted");
}

#[test]
fn a_frame_of_the_other_direction_is_a_fault() {
    let mut pair = Pair::open(&Config::default());
    pair.dialler.session.send(&ping(1));
    let frame = pair.dialler.transmit().concat();
    pair.dialler.receive(frame.into());
    assert_eq!(pair.dialler.fault, Some(PeerFault::BadFrame));
}

#[test]
fn a_frame_shorter_than_its_tag_is_a_fault() {
    for len in [0, 1, 15] {
        let mut pair = Pair::open(&Config::default());
        let mut frame = vec![0, len];
        frame.resize(2 + usize::from(len), 0);
        pair.answerer.receive(frame.into());
        assert_eq!(pair.answerer.fault, Some(PeerFault::BadFrame));
    }
}

#[test]
fn both_sides_take_new_keys_at_the_same_frame() {
    let config = Config { rekey_frames: 3, ..Config::default() };
    let mut pair = Pair::open(&config);
    for id in 0..20 {
        pair.dialler.session.send(&ping(id));
        pair.run();
        pair.answerer.session.send(&stored(id));
        pair.run();
    }
    assert_eq!((&pair.dialler.fault, &pair.answerer.fault), (&None, &None));
    assert_eq!(pair.answerer.request_ids().len(), 20);
    assert_eq!(pair.dialler.messages().len(), 20);
}

#[test]
fn sides_that_renew_keys_at_different_frames_part() {
    let often = Config { rekey_frames: 2, ..Config::default() };
    let mut pair = Pair::new(&often, client(7), node(20));
    pair.answerer = End::new(Session::accept(&Config::default(), NOW, Arc::new(node(20)), [3; 32]));
    pair.run();
    for id in 0..4 {
        pair.dialler.session.send(&ping(id));
        pair.run();
    }
    assert_eq!(pair.answerer.fault, Some(PeerFault::BadFrame));
}

#[test]
fn a_transparent_suite_carries_the_same_messages() {
    let sim = |mut side: LocalSide| {
        side.suite = Suite::Sim;
        let network_key = SigningKey::from_seed(Suite::Sim, Secret::new([1; 32]));
        side.network_key = *network_key.public();
        if let LocalRole::Node { identity, admission, .. } = &mut side.role {
            *identity = LinkIdentity::from_secret(Suite::Sim, identity.secret().clone());
            admission.node = identity.node_id(Suite::Sim);
            *admission = admission.clone().sign(&side.network, &network_key);
        }
        side
    };
    let mut pair = Pair::new(&Config::default(), sim(node(10)), sim(node(20)));
    pair.run();
    assert!(pair.dialler.opened() && pair.answerer.opened());
    let marked = Bytes::from(b"a marked plaintext ".repeat(3));
    let response = Response::Blob { source: node_id(20), bytes: marked.clone() };
    pair.dialler.session.send(&get(1));
    pair.run();
    pair.answerer.session.send(&Message::response(1, response));
    let frames = pair.answerer.transmit().concat();
    assert!(frames.windows(marked.len()).any(|window| window == marked), "links are transparent");
    pair.dialler.receive(frames.into());
    assert_eq!(pair.dialler.messages().len(), 1);
}

#[test]
fn no_plaintext_shows_in_the_bytes_of_a_real_link() {
    let mut pair = Pair::open(&Config::default());
    pair.dialler.session.send(&get(1));
    pair.run();
    let marked = Bytes::from(b"a marked plaintext ".repeat(3));
    let response = Response::Blob { source: node_id(20), bytes: marked };
    pair.answerer.session.send(&Message::response(1, response));
    let frames = pair.answerer.transmit().concat();
    assert!(!frames.windows(8).any(|window| window == b"a marked"));
}

//! A link from the first byte of its handshake to both `Hello`s.

use crate::block::Block;
use crate::given::{NOW_MS, PSK, SUITE, keys, network, network_signing, node};
use crate::network::admission;
use bytes::Bytes;
use quantumsync_core::config::Config;
use quantumsync_core::crypto::{LinkIdentity, Secret};
use quantumsync_core::session::{LocalRole, LocalSide, Session, SessionEvent};
use quantumsync_core::time::{Instant, Now};
use quantumsync_core::wire::{Hello, Message, Role};
use std::sync::Arc;

const DIALLER: [u8; 32] = [0x11; 32];
const ANSWERER: [u8; 32] = [0x22; 32];
const INCARNATION: [u8; 16] = [0x33; 16];

pub(crate) fn blocks() -> Vec<Block> {
    vec![handshake()]
}

fn side(role: LocalRole) -> Arc<LocalSide> {
    let psks = vec![(1, Secret::new(PSK))];
    Arc::new(LocalSide {
        suite: SUITE,
        network: network(),
        network_key: *network_signing().public(),
        psks,
        role,
    })
}

/// The secret key that a side draws from its entropy, and which of its bytes on the wire proves it.
fn ephemeral(entropy: [u8; 32]) -> LinkIdentity {
    let secret = SUITE.hmac(&entropy, &[b"quantumsync/1/link/random", &0_u64.to_be_bytes()]);
    LinkIdentity::from_secret(SUITE, Secret::new(secret))
}

fn all(session: &mut Session) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(more) = session.poll_transmit() {
        assert!(session.sent(more.len()));
        bytes.extend_from_slice(&more);
    }
    bytes
}

fn pass(from: &mut Session, to: &mut Session, now: Now) -> Vec<u8> {
    let bytes = all(from);
    to.receive(now, Bytes::from(bytes.clone())).expect("a peer without fault");
    bytes
}

fn handshake() -> Block {
    let now = Now { mono: Instant(0), unix_ms: NOW_MS };
    let config = Config::default();
    let client = side(LocalRole::Client { owner: Some(keys().sign), control: None });
    let node_role = LocalRole::Node {
        identity: node(),
        admission: admission(),
        addrs: vec!["192.0.2.1:4270".parse().expect("an address")],
        incarnation: INCARNATION,
        control: None,
    };
    let mut dialler = Session::dial(&config, now, client, Some(node().node_id(SUITE)), DIALLER);
    let mut answerer = Session::accept(&config, now, side(node_role), ANSWERER);

    let first = pass(&mut dialler, &mut answerer, now);
    let second = pass(&mut answerer, &mut dialler, now);
    let third = pass(&mut dialler, &mut answerer, now);
    let answerer_hello = pass(&mut answerer, &mut dialler, now);
    let dialler_hello = pass(&mut dialler, &mut answerer, now);
    assert!(matches!(dialler.poll_event(), Some(SessionEvent::Open(_))));
    assert!(matches!(answerer.poll_event(), Some(SessionEvent::Open(_))));

    let (own, other) = (ephemeral(DIALLER), ephemeral(ANSWERER));
    assert_eq!(first[2..34], own.public()[..]);
    assert_eq!(second[2..34], other.public()[..]);
    let client_static = SUITE.hmac(&DIALLER, &[b"quantumsync/1/link/static"]);
    let hello = hello(&config);
    // Length of the frame, header of the segment, length of the message, tag.
    assert_eq!(answerer_hello.len(), 2 + 7 + 4 + hello.len() + 16);
    Block::new("link")
        .part("the dialler's ephemeral secret key", own.secret().expose())
        .part("the dialler's static secret key", &client_static)
        .part("the answerer's ephemeral secret key", other.secret().expose())
        .part("first message, with its length", &first)
        .part("second message, with its length", &second)
        .part("third message, with its length", &third)
        .part("the answerer's Hello", &hello)
        .part("its frame", &answerer_hello)
        .part("the frame of the dialler's Hello", &dialler_hello)
}

/// What the answerer says.
fn hello(config: &Config) -> Vec<u8> {
    let hello = Hello {
        version: 1,
        role: Role::Node,
        admission: Some(admission()),
        owner: None,
        control: None,
        addrs: vec!["192.0.2.1:4270".parse().expect("an address")],
        unix_ms: NOW_MS,
        max_requests: config.max_requests,
        credit_terminal: u32::try_from(config.credit_terminal).expect("some MiB"),
        credit_relay: u32::try_from(config.credit_relay).expect("some MiB"),
        incarnation: INCARNATION,
    };
    let (head, payload) = Message::Hello(hello).encode();
    assert!(payload.is_empty());
    head.to_vec()
}

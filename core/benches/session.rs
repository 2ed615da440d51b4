//! Bytes through a link, both sides on one thread, beside the bare cipher over frames of the same length.
//!
//! Prints figures and asserts nothing: `cargo bench -p quantumsync-core --bench session`.
#![allow(clippy::disallowed_types, reason = "a benchmark has a clock")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use bytes::Bytes;
use quantumsync_core::config::Config;
use quantumsync_core::crypto::{LinkIdentity, Secret, SigningKey, Suite};
use quantumsync_core::id::{BlobId, NodeId};
use quantumsync_core::record::{Admission, network_id};
use quantumsync_core::session::{LocalRole, LocalSide, Session, SessionEvent};
use quantumsync_core::time::{Instant, Now};
use quantumsync_core::wire::{Message, Request, Response};

const NOW: Now = Now { mono: Instant(0), unix_ms: 1_800_000_000_000 };
const BLOB: usize = 4 << 20;
const ROUNDS: usize = 5;
const FRAME: usize = 65_519;

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let rounds: usize = if std::env::args().any(|arg| arg == "--bench") { 64 } else { 1 };
    let best = |measure: &dyn Fn(usize) -> f64| (0..ROUNDS).map(|_| measure(rounds)).fold(0.0, f64::max);
    let cipher = best(&cipher_alone);
    let bulk = best(&|rounds| session_bulk(rounds, BLOB));
    println!("AES-256-GCM alone, sealed and opened   {cipher:8.0} MB/s");
    println!("session, blobs of 4 MiB, both sides    {bulk:8.0} MB/s   {:.2} of the cipher", bulk / cipher);
    let small = best(&|rounds| session_bulk(rounds * 64, 4096));
    println!(
        "session, answers of 4 KiB, both sides  {small:8.0} MB/s   {:.0} messages/s",
        small * 1e6 / 4096.0
    );
}

fn cipher_alone(rounds: usize) -> f64 {
    let cipher = aes_gcm::Aes256Gcm::new(&[1; 32].into());
    let mut frame = vec![7; FRAME];
    let start = Clock::now();
    let frames = rounds * BLOB / FRAME;
    for number in 0..frames {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&(number as u64).to_be_bytes());
        let tag = cipher.encrypt_inout_detached(&nonce.into(), &[], (&mut frame[..]).into()).unwrap();
        cipher.decrypt_inout_detached(&nonce.into(), &[], (&mut frame[..]).into(), &tag).unwrap();
    }
    black_box(&frame);
    rate(frames * FRAME, start.elapsed())
}

fn session_bulk(rounds: usize, len: usize) -> f64 {
    let (mut dialler, mut answerer) = link();
    let blob = Bytes::from(vec![7; len]);
    let start = Clock::now();
    for round in 0..rounds {
        let id = round as u32;
        let request = Request::GetBlob { id: BlobId([1; 32]), offset: 0, len: 0 };
        dialler.send(&Message::Request { id, request });
        if round % 32 != 31 && len < BLOB {
            continue;
        }
        carry(&mut dialler, &mut answerer);
        while let Some(event) = answerer.poll_event() {
            if let SessionEvent::Message { message: Message::Request { id, .. }, .. } = event {
                let response = Response::Blob { source: NodeId([2; 32]), bytes: blob.clone() };
                answerer.send(&Message::response(id, response));
            }
        }
        carry(&mut answerer, &mut dialler);
        while let Some(event) = dialler.poll_event() {
            black_box(event);
        }
    }
    rate(rounds * len, start.elapsed())
}

fn carry(from: &mut Session, to: &mut Session) {
    while let Some(bytes) = from.poll_transmit() {
        assert!(from.sent(bytes.len()));
        to.receive(NOW, bytes).unwrap();
    }
}

fn link() -> (Session, Session) {
    let config = Config::default();
    let mut dialler = Session::dial(&config, NOW, Arc::new(node(1)), None, [1; 32]);
    let mut answerer = Session::accept(&config, NOW, Arc::new(node(2)), [2; 32]);
    for _ in 0..3 {
        carry(&mut dialler, &mut answerer);
        carry(&mut answerer, &mut dialler);
    }
    assert!(dialler.peer().is_some() && answerer.peer().is_some());
    (dialler, answerer)
}

fn node(seed: u8) -> LocalSide {
    let suite = Suite::Real;
    let network_key = SigningKey::from_seed(suite, Secret::new([9; 32]));
    let network = network_id(suite, network_key.public());
    let identity = LinkIdentity::from_secret(suite, Secret::new([seed; 32]));
    let admission = Admission {
        node: identity.node_id(suite),
        positions: 8,
        volatile: false,
        serial: 1,
        not_after: 0,
        signature: network_key.sign("", &network, &[]),
        unknown: Default::default(),
    };
    LocalSide {
        suite,
        network,
        network_key: *network_key.public(),
        psks: vec![(1, Secret::new([5; 32]))],
        role: LocalRole::Node {
            identity,
            admission: admission.sign(&network, &network_key),
            addrs: Vec::new(),
            incarnation: [seed; 16],
            control: None,
        },
    }
}

fn rate(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / time.as_secs_f64() / 1e6
}

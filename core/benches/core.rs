//! Messages through the codec, and pieces through the seal beside the primitives that a seal is made of.
//!
//! Prints figures and asserts nothing: `cargo bench -p quantumsync-core --bench core`.
#![allow(clippy::disallowed_types, reason = "a benchmark has a clock")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use aes::cipher::{KeyIvInit as _, StreamCipher as _};
use bytes::Bytes;
use quantumsync_core::crypto::{Secret, Suite, open_piece, seal_piece};
use quantumsync_core::id::{BlobId, NodeId};
use quantumsync_core::wire::{Message, Request, Response};
use sha2::Digest as _;

const PIECE: usize = 1 << 20;
const ROUNDS: usize = 5;

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let scale: usize = if std::env::args().any(|arg| arg == "--bench") { 256 } else { 1 };
    codec(scale * 4000);
    pieces(scale);
}

fn codec(messages: usize) {
    let request =
        Message::Request { id: 7, request: Request::GetBlob { id: BlobId([1; 32]), offset: 0, len: 0 } };
    let blob = Response::Blob { source: NodeId([2; 32]), bytes: Bytes::from(vec![3; 4096]) };
    let answer = Message::response(7, blob);
    for (name, message) in [("request of a blob", request), ("answer of 4 KiB", answer)] {
        let (head, tail) = message.encode();
        let whole = Bytes::from([&head[..], &tail[..]].concat());
        let encode = best(messages, || {
            black_box(black_box(&message).encode());
        });
        let decode = best(messages, || {
            black_box(Message::decode(Suite::Real, black_box(whole.clone())).unwrap());
        });
        println!("codec, {name:18}  {:6.2} M encoded/s  {:6.2} M decoded/s", encode / 1e6, decode / 1e6);
    }
}

/// The fastest of a few runs, in calls a second.
fn best(calls: usize, mut call: impl FnMut()) -> f64 {
    let run = |call: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        calls as f64 / start.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(|_| run(&mut call)).fold(0.0, f64::max)
}

fn pieces(pieces: usize) {
    let key = Secret::new([1; 32]);
    let mut payload = vec![0; PIECE];
    blake3::Hasher::new().update(b"a piece").finalize_xof().fill(&mut payload);
    let payload = Bytes::from(payload);

    let fingerprint = time(pieces, || {
        black_box(blake3::keyed_hash(key.expose(), black_box(&payload)));
    });
    let mut buffer = payload.to_vec();
    let cipher = time(pieces, || {
        let mut ctr = ctr::Ctr64BE::<aes::Aes256>::new(&[2; 32].into(), &[0; 16].into());
        ctr.apply_keystream(black_box(&mut buffer));
    });
    let hash = time(pieces, || {
        black_box(sha2::Sha256::digest(black_box(&payload)));
    });
    let seal = time(pieces, || {
        black_box(seal_piece(Suite::Real, &key, black_box(&payload)));
    });
    let sealed = seal_piece(Suite::Real, &key, &payload);
    let open = time(pieces, || {
        // A copy of its own, as a link gives it: then it is decrypted where it lies.
        let blob = Bytes::from(sealed.bytes.to_vec());
        black_box(open_piece(Suite::Real, &sealed.id, &sealed.key, blob, PIECE as u32).unwrap());
    });

    let rate = |time: Duration| (pieces * PIECE) as f64 / time.as_secs_f64() / 1e6;
    let sum = fingerprint + cipher + hash;
    println!("BLAKE3 keyed                {:6.0} MB/s", rate(fingerprint));
    println!("AES-256-CTR                 {:6.0} MB/s", rate(cipher));
    println!("SHA-256                     {:6.0} MB/s", rate(hash));
    println!("the three, one after another{:6.0} MB/s", rate(sum));
    let ratio = |time: Duration, of: Duration| of.as_secs_f64() / time.as_secs_f64();
    println!("sealing a piece of 1 MiB    {:6.0} MB/s   {:.2} of the three", rate(seal), ratio(seal, sum));
    println!(
        "opening a piece of 1 MiB    {:6.0} MB/s   {:.2} of cipher and hash",
        rate(open),
        ratio(open, cipher + hash)
    );
}

/// The shortest of a few runs.
fn time(calls: usize, mut call: impl FnMut()) -> Duration {
    let run = |call: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        start.elapsed()
    };
    (0..ROUNDS).map(|_| run(&mut call)).min().expect("there is at least one run")
}

//! Files through the vault: cutting beside the slice algorithm of another crate, whole uploads, whole downloads.
//!
//! Prints figures and asserts nothing: `cargo bench -p quantumsync-core --bench vault`.
#![allow(clippy::disallowed_types, reason = "a benchmark has a clock")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fastcdc::v2020::{Normalization, cut_gear, select_masks};
use quantumsync_core::config::Config;
use quantumsync_core::crypto::{SealedPiece, Secret, Suite, open_piece, seal_piece};
use quantumsync_core::id::BlobId;
use quantumsync_core::rng::Rng;
use quantumsync_core::vault::{
    CHUNK_AVERAGE, CHUNK_MAX, CHUNK_MIN, Content, Download, DownloadStep, Root, Upload, UploadStep, Vault,
    gear_table,
};

const PORTION: usize = 256 << 10;
const ROUNDS: usize = 5;

type Blobs = BTreeMap<BlobId, Bytes>;

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let size: usize = if std::env::args().any(|arg| arg == "--bench") { 256 << 20 } else { 8 << 20 };
    let mut data = vec![0; size];
    Rng::from_seed([7; 32]).fill(&mut data);
    let data = Bytes::from(data);
    let vault = Vault::create(Suite::Real, [1; 32]);

    print("cut by slices (crate fastcdc)", size, best(|| slices(&vault, &data)));
    print(
        "cut, upload without sealing",
        size,
        best(|| drop(upload(&vault, &data, |_, payload| unsealed(payload)))),
    );
    print("upload", size, best(|| drop(upload(&vault, &data, seal))));
    let (root, blobs) = upload(&vault, &data, seal);
    print("download", size, best(|| download(&root, &blobs)));
}

fn slices(vault: &Vault, mut data: &[u8]) {
    let gear = gear_table(Suite::Real, &vault.keys().read.chunk);
    let shifted = gear.map(|word| word << 1);
    let (short, long) = select_masks(CHUNK_AVERAGE, Normalization::Level1);
    while !data.is_empty() {
        let (_, len) = cut_gear(
            data,
            CHUNK_MIN,
            CHUNK_AVERAGE,
            CHUNK_MAX,
            short,
            long,
            short << 1,
            long << 1,
            &*gear,
            &shifted,
        );
        data = &data[black_box(len)..];
    }
}

fn seal(dedup_key: &Secret<32>, payload: Bytes) -> SealedPiece {
    seal_piece(Suite::Real, dedup_key, &payload)
}

/// As if it were sealed: what is left is cutting, joining and keeping count.
fn unsealed(payload: Bytes) -> SealedPiece {
    let plain_len = payload.len() as u32;
    SealedPiece { id: BlobId([0; 32]), key: Secret::new([0; 32]), bytes: payload, plain_len }
}

fn upload(vault: &Vault, data: &Bytes, seal: impl Fn(&Secret<32>, Bytes) -> SealedPiece) -> (Root, Blobs) {
    let mut upload = Upload::new(vault.keys(), &Config::default());
    let (mut rest, mut blobs) = (data.clone(), Blobs::new());
    loop {
        match upload.poll() {
            Some(UploadStep::Seal { slot, dedup_key, payload }) => {
                upload.sealed(slot, seal(&dedup_key, payload)).expect("the slot waits for it");
            }
            Some(UploadStep::Piece { slot, id, bytes }) => {
                blobs.insert(id, bytes);
                upload.stored(slot).expect("the slot waits for it");
            }
            None => match upload.result() {
                Some(Content::Tree { root, .. }) => return (root, blobs),
                Some(Content::Inline(_)) => unreachable!("the file is large"),
                None if rest.is_empty() => upload.finish().expect("it runs"),
                None => {
                    let portion = rest.split_to(upload.want().min(rest.len()).min(PORTION));
                    upload.provide(portion).expect("it is wanted");
                }
            },
        }
    }
}

fn download(root: &Root, blobs: &Blobs) {
    let mut download = Download::new(root.clone(), 0, root.length, &Config::default()).expect("it is a root");
    loop {
        match download.poll().expect("every step is answered") {
            DownloadStep::Fetch { slot, id, .. } => {
                download.fetched(slot, blobs[&id].clone()).expect("the slot waits for it");
            }
            DownloadStep::Open { slot, id, key, blob, plain_len } => {
                let opened = open_piece(Suite::Real, &id, &key, blob, plain_len);
                download.opened(slot, opened).expect("it opens");
            }
            DownloadStep::Data { bytes, .. } => download.consumed(black_box(bytes).len()),
            DownloadStep::Done => return,
        }
    }
}

/// The fastest of a few rounds.
fn best(mut round: impl FnMut()) -> Duration {
    let time = |_| {
        let start = Instant::now();
        round();
        start.elapsed()
    };
    (0..ROUNDS).map(time).min().unwrap_or_default()
}

fn print(name: &str, bytes: usize, time: Duration) {
    println!("{name:32} {:8.0} MB/s", bytes as f64 / 1e6 / time.as_secs_f64());
}

//! What the vault's parts do together.

mod chunks;
mod content;
mod file;
mod keys;
mod records;
mod separation;
mod trees;
mod windows;

use super::*;
use crate::config::{Config, limit};
use crate::crypto::{OpenError, SealedPiece, open_piece, padded_len, seal_piece};
use crate::id::BlobId;
use crate::rng::Rng;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// What peers would keep.
pub(super) type Blobs = BTreeMap<BlobId, Bytes>;

/// A vault of its own for each number.
pub(super) fn vault(number: u8) -> Vault {
    Vault::create(Suite::Real, [number; 32])
}

/// Bytes that look random, the same for the same seed.
pub(super) fn bytes(seed: u8, len: usize) -> Bytes {
    let mut bytes = vec![0; len];
    Rng::from_seed([seed; 32]).fill(&mut bytes);
    bytes.into()
}

pub(super) fn seal(dedup_key: &Secret<32>, payload: &[u8]) -> SealedPiece {
    seal_piece(Suite::Real, dedup_key, payload)
}

/// Uploads `data` in portions of at most `portion`, sealing and storing each piece as soon as it comes.
pub(super) fn upload(vault: &Vault, data: &Bytes, portion: usize) -> (Content, Blobs) {
    let mut upload = Upload::new(vault.keys(), &Config::default());
    let (mut blobs, mut rest) = (Blobs::new(), data.clone());
    loop {
        while let Some(step) = upload.poll() {
            match step {
                UploadStep::Seal { slot, dedup_key, payload } => {
                    upload.sealed(slot, seal(&dedup_key, &payload)).unwrap();
                }
                UploadStep::Piece { slot, id, bytes } => {
                    blobs.insert(id, bytes);
                    upload.stored(slot).unwrap();
                }
            }
        }
        if let Some(content) = upload.result() {
            return (content, blobs);
        }
        let take = upload.want().min(portion).min(rest.len());
        match rest.is_empty() {
            true => upload.finish().unwrap(),
            false => upload.provide(rest.split_to(take)).unwrap(),
        }
    }
}

pub(super) fn root_of(content: &Content) -> Root {
    match content {
        Content::Tree { root, .. } => root.clone(),
        Content::Inline(_) => panic!("the content is inline"),
    }
}

/// Downloads a range from blobs, and says which it fetched.
pub(super) fn download(
    root: &Root,
    blobs: &Blobs,
    first: u64,
    last_excl: u64,
) -> Result<(Vec<u8>, Vec<BlobId>), ManifestError> {
    let mut download = Download::new(root.clone(), first, last_excl, &Config::default())?;
    let (mut data, mut fetched) = (Vec::new(), Vec::new());
    loop {
        match download.poll().expect("every step was answered") {
            DownloadStep::Fetch { slot, id, .. } => {
                fetched.push(id);
                download.fetched(slot, blobs[&id].clone())?;
            }
            DownloadStep::Open { slot, id, key, blob, plain_len } => {
                download.opened(slot, open_piece(Suite::Real, &id, &key, blob, plain_len))?;
            }
            DownloadStep::Data { offset, bytes } => {
                assert_eq!(offset, first + data.len() as u64, "data come in order");
                data.extend_from_slice(&bytes);
                download.consumed(bytes.len());
            }
            DownloadStep::Done => return Ok((data, fetched)),
        }
    }
}

/// The tree over these pieces as an upload would build it, however small they are.
pub(super) fn tree_of(vault: &Vault, pieces: &[Bytes]) -> (Root, Blobs) {
    let (mut tree, mut blobs) = (tree::TreeBuilder::default(), Blobs::new());
    let keys = &vault.keys().read;
    let mut place = |tree: &mut tree::TreeBuilder, level, length, key: &Secret<32>, payload: &[u8]| {
        let piece = seal(key, payload);
        tree.begin(level, 0);
        tree.sealed(level, 0, manifest::Child { id: piece.id, key: piece.key, length });
        blobs.insert(piece.id, piece.bytes);
    };
    for (at, piece) in pieces.iter().enumerate() {
        place(&mut tree, 0, piece.len() as u64, &keys.dedup_data, piece);
        while let Some(node) = tree.next_node(at + 1 == pieces.len()) {
            place(&mut tree, node.level, node.length, &keys.dedup_manifest, &node.payload);
        }
    }
    let length = pieces.iter().map(|piece| piece.len() as u64).sum();
    let (level, child) = tree.root().expect("everything is sealed");
    (Root { id: child.id, key: child.key.clone(), level, length, pieces: pieces.len() as u32 }, blobs)
}

/// So many pieces of one byte each.
pub(super) fn tiny_pieces(count: usize) -> Vec<Bytes> {
    (0..count).map(|at| Bytes::copy_from_slice(&[at as u8])).collect()
}

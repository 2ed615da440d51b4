//! The two sealing functions. Every use of CTR is a one-time key with IV 0.

use super::{Secret, Suite};
use crate::id::BlobId;
use alloc::vec::Vec;
use bytes::Bytes;
use thiserror::Error;

/// Why something sealed does not open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum OpenError {
    /// The bytes are not those of the id.
    #[error("the bytes do not have the hash of their id")]
    Hash,
    /// The authentication tag is wrong: another key, or altered.
    #[error("the seal is broken or of another key")]
    Seal,
    /// It opens, but to something that this version does not know or that is not canonical.
    #[error("what is inside has an unknown or wrong format")]
    Format,
}

/// A sealed piece: what peers keep, and the key that only the manifest holds.
#[derive(Clone, Debug)]
pub struct SealedPiece {
    /// Hash of `bytes`.
    pub id: BlobId,
    /// Opens it.
    pub key: Secret<32>,
    /// The blob.
    pub bytes: Bytes,
    /// Length of the payload.
    pub plain_len: u32,
}

/// Which part of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Key string, size, times, roots.
    Head = 0,
    /// Content of an inline file.
    Body = 1,
}

/// Length of the blob of a piece with this many bytes of payload: two bytes of header, padded by Padmé.
pub const fn padded_len(_plain_len: u32) -> u32 {
    todo!()
}

/// Seals a piece: deterministic, so that equal payloads under one key give equal blobs.
pub fn seal_piece(_suite: Suite, _dedup_key: &Secret<32>, _payload: &[u8]) -> SealedPiece {
    todo!()
}

/// Checks the hash, decrypts, checks format, padding and length; the payload is a slice of one new buffer.
pub fn open_piece(
    _suite: Suite,
    _id: &BlobId,
    _key: &Secret<32>,
    _blob: Bytes,
    _plain_len: u32,
) -> Result<Bytes, OpenError> {
    todo!()
}

/// Length of a sealed record part: synthetic IV 16, ciphertext, tag 32.
pub const fn sealed_part_len(plain_len: usize) -> usize {
    plain_len + 48
}

/// Seals the head or body of a record: `s ‖ ciphertext ‖ tag`. `header` is the record's header before its
/// parts' lengths and hashes. The caller has padded the plaintext.
pub fn seal_record_part(
    _suite: Suite,
    _record_key: &Secret<32>,
    _siv_key: &Secret<32>,
    _part: Part,
    _header: &[u8],
    _plain: &[u8],
) -> Vec<u8> {
    todo!()
}

/// Opens what [`seal_record_part`] made; a holder of only `K_rec` can (the synthetic IV is not recomputed).
pub fn open_record_part(
    _suite: Suite,
    _record_key: &Secret<32>,
    _part: Part,
    _header: &[u8],
    _sealed: &[u8],
) -> Result<Vec<u8>, OpenError> {
    todo!()
}

//! The two sealing functions. Every use of CTR is a one-time key with IV 0.

use super::keys::cut;
use super::{Secret, Suite, label};
use crate::config::limit;
use crate::id::BlobId;
use alloc::vec::Vec;
use bytes::{Bytes, BytesMut};
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

/// First byte of a piece's body: this layout.
const FORMAT: u8 = 1;
/// Second byte of a piece's body: the payload as it is.
const ENCODING_RAW: u8 = 0;
/// Bytes of a body before the payload.
const HEADER: usize = 2;
/// Bytes of a synthetic IV.
const SIV: usize = 16;
/// Bytes of a tag.
const TAG: usize = 32;

/// Length of the blob of a piece with this many bytes of payload: two bytes of header, padded by Padmé.
///
/// Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files", 2019) keeps as many leading bits of a
/// length as that length's exponent has bits, so it adds at most 12 % and tells O(log log n) bits of the length.
/// A payload of [`limit::PIECE`] or less never pads past [`limit::BLOB`].
pub const fn padded_len(plain_len: u32) -> u32 {
    // In 64 bits nothing of what follows overflows.
    let len = plain_len as u64 + HEADER as u64;
    let exponent = len.ilog2();
    let kept_bits = exponent.ilog2() + 1;
    let mask = (1u64 << (exponent - kept_bits)) - 1;
    let padded = (len + mask) & !mask;
    if padded > u32::MAX as u64 { u32::MAX } else { padded as u32 }
}

/// Seals a piece: deterministic, so that equal payloads under one key give equal blobs.
///
/// The payload is at most [`limit::PIECE`]: peers keep no blob over [`limit::BLOB`].
pub fn seal_piece(suite: Suite, dedup_key: &Secret<32>, payload: &[u8]) -> SealedPiece {
    debug_assert!(payload.len() <= limit::PIECE, "the chunker cuts smaller pieces");
    let plain_len = payload.len() as u32;
    let padded = padded_len(plain_len) as usize;
    let mut bytes = Vec::with_capacity(padded);
    bytes.extend_from_slice(&[FORMAT, ENCODING_RAW]);
    bytes.extend_from_slice(payload);
    bytes.resize(padded, 0);

    let fingerprint = suite.fingerprint(dedup_key, &bytes);
    let key: Secret<32> = suite.expand(&fingerprint, label::PIECE, &[]);
    suite.apply_keystream(key.expose(), &mut bytes);
    SealedPiece { id: suite.blob_id(&bytes), key, bytes: bytes.into(), plain_len }
}

/// Checks the hash, decrypts, checks format, padding and length. Decrypts in place if nobody else holds `blob`,
/// else into one new buffer; the payload is a slice of it.
pub fn open_piece(
    suite: Suite,
    id: &BlobId,
    key: &Secret<32>,
    blob: Bytes,
    plain_len: u32,
) -> Result<Bytes, OpenError> {
    if suite.blob_id(&blob) != *id {
        return Err(OpenError::Hash);
    }
    if plain_len as usize > limit::PIECE || blob.len() != padded_len(plain_len) as usize {
        return Err(OpenError::Format);
    }
    let mut body = BytesMut::from(blob);
    suite.apply_keystream(key.expose(), &mut body);
    let body = body.freeze();
    let end = HEADER + plain_len as usize;
    // A blob has at least its header, because padding only adds.
    if body[..HEADER] != [FORMAT, ENCODING_RAW] || body[end..].iter().any(|&byte| byte != 0) {
        return Err(OpenError::Format);
    }
    Ok(body.slice(HEADER..end))
}

/// Length of a sealed record part: synthetic IV 16, ciphertext, tag 32.
pub const fn sealed_part_len(plain_len: usize) -> usize {
    SIV + plain_len + TAG
}

/// Seals the head or body of a record: `s ‖ ciphertext ‖ tag`. `header` is the record's header before its
/// parts' lengths and hashes, which tells its own end. The caller has padded the plaintext.
pub fn seal_record_part(
    suite: Suite,
    record_key: &Secret<32>,
    siv_key: &Secret<32>,
    part: Part,
    header: &[u8],
    plain: &[u8],
) -> Vec<u8> {
    let part = [part as u8];
    let siv: [u8; SIV] = cut(&suite.hmac(siv_key.expose(), &[&part, header, plain]));
    let keys = PartKeys::derive(suite, record_key, &siv);

    let mut sealed = Vec::with_capacity(sealed_part_len(plain.len()));
    sealed.extend_from_slice(&siv);
    sealed.extend_from_slice(plain);
    suite.apply_keystream(keys.encryption(), &mut sealed[SIV..]);
    let tag = suite.hmac(keys.authentication(), &[&part, header, &sealed]);
    sealed.extend_from_slice(&tag);
    sealed
}

/// Opens what [`seal_record_part`] made; a holder of only `K_rec` can (the synthetic IV is not recomputed).
pub fn open_record_part(
    suite: Suite,
    record_key: &Secret<32>,
    part: Part,
    header: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, OpenError> {
    let (authentic, tag) = sealed.split_last_chunk::<TAG>().ok_or(OpenError::Format)?;
    let (siv, ciphertext) = authentic.split_first_chunk::<SIV>().ok_or(OpenError::Format)?;
    let keys = PartKeys::derive(suite, record_key, siv);
    if !suite.hmac_matches(keys.authentication(), &[&[part as u8], header, authentic], tag) {
        return Err(OpenError::Seal);
    }
    let mut plain = ciphertext.to_vec();
    suite.apply_keystream(keys.encryption(), &mut plain);
    Ok(plain)
}

/// `K_enc ‖ K_mac` of one sealed part.
struct PartKeys(Secret<64>);

impl PartKeys {
    fn derive(suite: Suite, record_key: &Secret<32>, siv: &[u8; SIV]) -> Self {
        Self(suite.expand(record_key, label::SEAL, &[siv]))
    }

    fn encryption(&self) -> &[u8; 32] {
        self.0.expose().first_chunk().expect("64 bytes begin with 32")
    }

    fn authentication(&self) -> &[u8; 32] {
        self.0.expose().last_chunk().expect("64 bytes end with 32")
    }
}

//! The two sealing functions.

use super::SUITES;
use crate::config::limit;
use crate::crypto::{
    OpenError, Part, Secret, Suite, open_piece, open_record_part, padded_len, seal_piece, seal_record_part,
    sealed_part_len,
};
use crate::id::BlobId;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use proptest::prelude::*;

const DEDUP: Secret<32> = Secret::new([1; 32]);
const RECORD: Secret<32> = Secret::new([2; 32]);
const SIV: Secret<32> = Secret::new([3; 32]);

fn open(suite: Suite, piece: &crate::crypto::SealedPiece) -> Result<Bytes, OpenError> {
    open_piece(suite, &piece.id, &piece.key, piece.bytes.clone(), piece.plain_len)
}

/// Opens bytes of one's own making: their id is right, so what is inside decides.
fn open_forged(suite: Suite, body: &[u8], plain_len: u32) -> Result<Bytes, OpenError> {
    let key = Secret::new([4; 32]);
    let mut blob = body.to_vec();
    suite.apply_keystream(key.expose(), &mut blob);
    open_piece(suite, &suite.blob_id(&blob), &key, blob.into(), plain_len)
}

#[test]
fn padding_follows_padme_and_never_passes_the_largest_blob() {
    // Two bytes of header; the padded lengths are those of Padmé for 2, 3, 9, 10, 102, 1002 and 16,386 bytes.
    let vectors = [(0, 2), (1, 3), (7, 10), (8, 10), (100, 104), (1000, 1024), (16 * 1024, 17_408)];
    for (plain, padded) in vectors {
        assert_eq!(padded_len(plain), padded, "{plain}");
    }
    assert_eq!(padded_len(limit::PIECE as u32) as usize, limit::BLOB);
    assert_eq!(padded_len(u32::MAX), u32::MAX);
    for plain in (0..limit::PIECE as u32).step_by(61) {
        let (len, padded) = (plain + 2, padded_len(plain));
        assert!(padded >= len && padded <= limit::BLOB as u32, "{plain}");
        assert!(padded - len <= len / 8, "{plain}: more than 12 % added");
        assert!(padded <= padded_len(plain + 1), "{plain}: not monotone");
    }
}

#[test]
fn pieces_of_every_length_open_to_what_was_sealed() {
    let lengths = (0..70).chain([1023, 1024, 1 << 16, (1 << 20) + 1, limit::PIECE - 1, limit::PIECE]);
    for len in lengths {
        for suite in SUITES {
            let payload: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
            let piece = seal_piece(suite, &DEDUP, &payload);
            assert_eq!(piece.plain_len as usize, len);
            assert_eq!(piece.bytes.len(), padded_len(len as u32) as usize);
            assert_eq!(piece.id, suite.blob_id(&piece.bytes));
            assert_eq!(open(suite, &piece).as_deref(), Ok(&payload[..]));
        }
    }
}

#[test]
fn equal_payloads_give_equal_blobs_under_one_key_and_others_under_another() {
    let payload = [5; 1000];
    let piece = seal_piece(Suite::Real, &DEDUP, &payload);
    let again = seal_piece(Suite::Real, &DEDUP, &payload);
    assert!(piece.id == again.id && piece.key == again.key && piece.bytes == again.bytes);
    let elsewhere = seal_piece(Suite::Real, &Secret::new([9; 32]), &payload);
    assert!(piece.id != elsewhere.id && piece.key != elsewhere.key);
}

#[test]
fn two_payloads_of_one_length_have_keys_of_their_own() {
    let one = seal_piece(Suite::Real, &DEDUP, &[5; 1000]);
    let mut last = [5; 1000];
    last[999] = 6;
    let other = seal_piece(Suite::Real, &DEDUP, &last);
    assert!(one.key != other.key, "one keystream over two payloads would show how they differ");
}

#[test]
fn payloads_that_differ_only_in_trailing_zeros_are_different_pieces_or_lengths() {
    // 100 and 101 bytes are padded alike, and the padding is zeros: the length in the manifest tells them apart.
    let (short, long) =
        (seal_piece(Suite::Real, &DEDUP, &[0; 100]), seal_piece(Suite::Real, &DEDUP, &[0; 101]));
    assert_eq!(short.id, long.id);
    assert_eq!(open(Suite::Real, &short).map(|payload| payload.len()), Ok(100));
    assert_eq!(open(Suite::Real, &long).map(|payload| payload.len()), Ok(101));
}

#[test]
fn a_blob_that_others_hold_stays_as_it_is_when_it_is_opened() {
    let piece = seal_piece(Suite::Real, &DEDUP, &[5; 1000]);
    let copy = piece.bytes.to_vec();
    assert!(open(Suite::Real, &piece).is_ok());
    assert_eq!(piece.bytes, copy);
}

#[test]
fn a_blob_that_nobody_else_holds_is_opened_in_its_own_memory() {
    let piece = seal_piece(Suite::Real, &DEDUP, &[5; 1000]);
    let start = piece.bytes.as_ptr() as usize;
    let payload = open_piece(Suite::Real, &piece.id, &piece.key, piece.bytes, 1000).expect("it opens");
    assert_eq!(payload.as_ptr() as usize, start + 2);
}

#[test]
fn a_wrong_key_or_length_or_id_opens_nothing() {
    let piece = seal_piece(Suite::Real, &DEDUP, &[5; 100]);
    let open = |id: &BlobId, key: &Secret<32>, len| {
        open_piece(Suite::Real, id, key, piece.bytes.clone(), len).map(|_| ())
    };
    assert_eq!(open(&piece.id, &piece.key, 100), Ok(()));
    assert_eq!(open(&BlobId([0; 32]), &piece.key, 100), Err(OpenError::Hash));
    assert_eq!(open(&piece.id, &Secret::new([8; 32]), 100), Err(OpenError::Format));
    // Shorter than the payload by less than the padding can hide: the bytes after it are not zeros.
    assert_eq!(open(&piece.id, &piece.key, 99), Err(OpenError::Format));
    assert_eq!(open(&piece.id, &piece.key, 0), Err(OpenError::Format));
    assert_eq!(open(&piece.id, &piece.key, 1000), Err(OpenError::Format));
    assert_eq!(open(&piece.id, &piece.key, u32::MAX), Err(OpenError::Format));
}

#[test]
fn only_the_canonical_body_of_a_payload_opens() {
    for suite in SUITES {
        let mut body = vec![0; padded_len(100) as usize];
        body[0] = 1;
        assert!(open_forged(suite, &body, 100).is_ok());
        for index in [0, 1, 102, body.len() - 1] {
            let mut altered = body.clone();
            altered[index] ^= 0x80;
            assert_eq!(open_forged(suite, &altered, 100), Err(OpenError::Format), "byte {index}");
        }
        let longer = [&body[..], &[0]].concat();
        assert_eq!(open_forged(suite, &longer, 100), Err(OpenError::Format));
        assert_eq!(open_forged(suite, &body[..body.len() - 1], 100), Err(OpenError::Format));
        assert_eq!(open_forged(suite, &[], 0), Err(OpenError::Format));
        let over = limit::PIECE as u32 + 1;
        let mut large = vec![0; padded_len(over) as usize];
        large[0] = 1;
        assert_eq!(open_forged(suite, &large, over), Err(OpenError::Format));
    }
}

#[test]
fn record_parts_open_only_as_the_part_under_the_header_and_with_the_key_they_were_sealed_for() {
    for suite in SUITES {
        let sealed = seal_record_part(suite, &RECORD, &SIV, Part::Head, b"header", b"plain");
        let open = |key: &Secret<32>, part, header| open_record_part(suite, key, part, header, &sealed);
        assert_eq!(open(&RECORD, Part::Head, b"header").as_deref(), Ok(&b"plain"[..]));
        assert_eq!(open(&RECORD, Part::Body, b"header"), Err(OpenError::Seal));
        assert_eq!(open(&RECORD, Part::Head, b"Header"), Err(OpenError::Seal));
        assert_eq!(open(&SIV, Part::Head, b"header"), Err(OpenError::Seal));
    }
}

#[test]
fn two_contents_of_one_record_part_share_no_keystream() {
    let seal = |plain: &[u8]| seal_record_part(Suite::Real, &RECORD, &SIV, Part::Head, b"header", plain);
    let (one, other) = (seal(&[0; 64]), seal(&[1; 64]));
    assert_ne!(one[..16], other[..16]);
    assert!(one[16..80].iter().zip(&other[16..80]).any(|(a, b)| a ^ b != 1));
    assert_eq!(one, seal(&[0; 64]), "sealing needs no randomness");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_payload_opens_to_itself(payload in proptest::collection::vec(any::<u8>(), 0..5000)) {
        for suite in SUITES {
            let opened = open(suite, &seal_piece(suite, &DEDUP, &payload));
            prop_assert_eq!(opened.as_deref(), Ok(&payload[..]));
        }
    }

    #[test]
    fn a_flip_anywhere_in_a_blob_is_noticed(
        payload in proptest::collection::vec(any::<u8>(), 0..500),
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
    ) {
        for suite in SUITES {
            let piece = seal_piece(suite, &DEDUP, &payload);
            let mut blob = piece.bytes.to_vec();
            let index = at.index(blob.len());
            blob[index] ^= 1 << bit;
            let opened = open_piece(suite, &piece.id, &piece.key, blob.into(), piece.plain_len);
            prop_assert_eq!(opened, Err(OpenError::Hash));
        }
    }

    #[test]
    fn any_record_part_opens_to_itself_and_not_after_a_flip(
        plain in proptest::collection::vec(any::<u8>(), 0..500),
        header in proptest::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
    ) {
        for suite in SUITES {
            let mut sealed = seal_record_part(suite, &RECORD, &SIV, Part::Body, &header, &plain);
            prop_assert_eq!(sealed.len(), sealed_part_len(plain.len()));
            let open = |sealed: &[u8]| open_record_part(suite, &RECORD, Part::Body, &header, sealed);
            prop_assert_eq!(open(&sealed), Ok(plain.clone()));
            let index = at.index(sealed.len());
            sealed[index] ^= 1 << bit;
            prop_assert_eq!(open(&sealed), Err(OpenError::Seal));
        }
    }

    #[test]
    fn no_bytes_make_opening_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        plain_len in any::<u32>(),
    ) {
        for suite in SUITES {
            prop_assert!(open_record_part(suite, &RECORD, Part::Head, b"", &bytes).is_err());
            let id = suite.blob_id(&bytes);
            let _ = open_piece(suite, &id, &RECORD, bytes.clone().into(), plain_len);
        }
    }
}

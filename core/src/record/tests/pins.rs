//! Pins: form and signature.

use alloc::vec::Vec;

use bytes::Bytes;
use proptest::prelude::*;

use super::arbitrary::*;
use crate::config::limit;
use crate::crypto::label;
use crate::id::NetworkId;
use crate::record::*;

/// A pin with this field, signed as such.
fn with_field(pin: &Pin, tag: u16, value: &[u8]) -> Bytes {
    let signed_len = pin.bytes().len() - 64;
    let mut bytes = pin.bytes()[..signed_len].to_vec();
    bytes.extend(tag.to_be_bytes());
    bytes.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
    bytes.extend(value);
    let signer = if pin.body().grant.is_some() { key(2) } else { key(1) };
    let signature = signer.sign(label::PIN, &NETWORK, &[&bytes]);
    bytes.extend(signature.0);
    Bytes::from(bytes)
}

proptest! {
    #[test]
    fn a_pin_reads_back_from_its_bytes_and_verifies(pin in pin()) {
        let read = Pin::parse(pin.bytes().clone()).unwrap();
        prop_assert_eq!(&read, &pin);
        prop_assert_eq!(verify_pin(SUITE, &NETWORK, &read, None), Ok(()));
        let elsewhere = NetworkId([8; 32]);
        prop_assert_eq!(verify_pin(SUITE, &elsewhere, &read, None), Err(SignedError::Signature));
    }

    #[test]
    fn a_pin_cut_or_lengthened_never_passes(pin in pin(), at: prop::sample::Index, byte: u8) {
        let cut = pin.bytes().slice(..at.index(pin.bytes().len()));
        let longer = Bytes::from([pin.bytes(), &[byte][..]].concat());
        for bytes in [cut, longer] {
            if let Ok(read) = Pin::parse(bytes) {
                prop_assert!(verify_pin(SUITE, &NETWORK, &read, None).is_err());
            }
        }
    }

    #[test]
    fn a_pin_with_a_changed_byte_never_passes(pin in pin(), at: prop::sample::Index, change in 1..=255_u8) {
        let mut bytes = pin.bytes().to_vec();
        bytes[at.index(pin.bytes().len())] ^= change;
        if let Ok(read) = Pin::parse(Bytes::from(bytes)) {
            prop_assert!(verify_pin(SUITE, &NETWORK, &read, None).is_err());
        }
    }

    #[test]
    fn unknown_fields_of_a_pin_survive_under_its_signature(pin in pin(), value: Vec<u8>) {
        let bytes = with_field(&pin, 9, &value);
        let read = Pin::parse(bytes.clone()).unwrap();
        prop_assert_eq!(read.bytes(), &bytes);
        prop_assert_eq!(read.body(), pin.body());
        prop_assert_eq!(verify_pin(SUITE, &NETWORK, &read, None), Ok(()));
    }

    #[test]
    fn any_bytes_are_a_pin_or_a_typed_error(bytes: Vec<u8>) {
        let _ = Pin::parse(Bytes::from(bytes));
    }
}

#[test]
fn the_optional_fields_of_a_pin_are_bounded() {
    let body = PinBody {
        owner: owner(1),
        name: crate::id::Name([1; 32]),
        object: crate::id::ObjectId([1; 16]),
        since: Version::ZERO,
        blob: crate::id::BlobId([1; 32]),
        length: 1,
        grant: None,
    };
    let pin = Pin::sign(&NETWORK, &key(1), body);
    let largest = alloc::vec![0; limit::FIELDS - 6];
    assert!(Pin::parse(with_field(&pin, 9, &largest)).is_ok());
    let larger = alloc::vec![0; limit::FIELDS - 5];
    assert_eq!(Pin::parse(with_field(&pin, 9, &larger)), Err(SignedError::Limit));
}

//! Records: form, canonical encoding, parts, order, signature.

use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use proptest::prelude::*;

use super::arbitrary::*;
use crate::config::limit;
use crate::id::{Name, NetworkId, ObjectId};
use crate::record::*;

fn parse(bytes: Vec<u8>) -> Result<Record, SignedError> {
    Record::parse(SUITE, Bytes::from(bytes))
}

/// A tombstone of owner 1.
fn tombstone() -> Header {
    Header {
        name: Name([3; 32]),
        kind: Kind::File,
        floor: None,
        ..floor_header(Version::new(1000, 0, [1; 8]).unwrap(), 0)
    }
}

fn sign_by_owner(header: Header) -> Result<Record, SignedError> {
    Record::sign(SUITE, &NETWORK, &key(1), header, &[], &[])
}

proptest! {
    #[test]
    fn a_record_reads_back_from_its_bytes_and_verifies(record in record()) {
        let read = Record::parse(SUITE, record.bytes().clone()).unwrap();
        prop_assert_eq!(&read, &record);
        prop_assert_eq!(verify_record(SUITE, &NETWORK, &read, None), Ok(()));
    }

    #[test]
    fn a_record_cut_anywhere_is_refused_or_a_form_of_itself(record in record(), at: prop::sample::Index) {
        let cut = record.bytes().slice(..at.index(record.bytes().len()));
        if let Ok(read) = Record::parse(SUITE, cut.clone()) {
            prop_assert!(cut == record.stub() || cut == *record.without_body().bytes());
            prop_assert_eq!(read.order(), record.order());
        }
    }

    #[test]
    fn bytes_after_a_whole_record_are_refused(record in record(), byte: u8) {
        prop_assume!(record.is_complete());
        let bytes = [record.bytes(), &[byte][..]].concat();
        prop_assert_eq!(parse(bytes), Err(SignedError::Part));
    }

    #[test]
    fn a_changed_byte_never_passes(record in record(), at: prop::sample::Index, change in 1..=255_u8) {
        let mut bytes = record.bytes().to_vec();
        bytes[at.index(record.bytes().len())] ^= change;
        if let Ok(read) = parse(bytes) {
            prop_assert!(verify_record(SUITE, &NETWORK, &read, None).is_err());
        }
    }

    #[test]
    fn any_bytes_are_a_record_or_a_typed_error(bytes: Vec<u8>) {
        let _ = parse(bytes);
    }

    #[test]
    fn all_forms_of_a_record_are_the_same_version_of_it(record in record()) {
        for form in [record.to_stub(), record.without_body()] {
            prop_assert_eq!(form.order(), record.order());
            prop_assert_eq!(form.header(), record.header());
            prop_assert_eq!(form.signed_bytes(), record.signed_bytes());
            prop_assert_eq!(&Record::parse(SUITE, form.bytes().clone()).unwrap(), &form);
        }
    }

    #[test]
    fn the_order_of_records_is_total(a in record(), b in record()) {
        prop_assert_eq!(a.order() == b.order(), a.signed_bytes() == b.signed_bytes());
        prop_assert_eq!(a.order().cmp(&b.order()), b.order().cmp(&a.order()).reverse());
        if a.header().version > b.header().version {
            prop_assert!(a.order() > b.order());
        }
    }

    #[test]
    fn unknown_fields_survive_and_stay_under_the_signature(header in header(), value: Vec<u8>) {
        let mut header = header;
        prop_assume!(header.unknown.insert(77, Bytes::from(value.clone())).is_ok());
        let record = sign(header, b"head", &[]);
        let read = Record::parse(SUITE, record.bytes().clone()).unwrap();
        prop_assert_eq!(&read.header().unknown.get(77).unwrap()[..], &value[..]);
        prop_assert_eq!(read.bytes(), record.bytes());
        prop_assert_eq!(verify_record(SUITE, &NETWORK, &read, None), Ok(()));
    }

    #[test]
    fn sealing_depends_on_all_that_stands_before_the_parts_and_on_nothing_after(header in header()) {
        let bare = sign(header.clone(), &[], &[]);
        let full = sign(header.clone(), b"head", b"body");
        prop_assert_eq!(full.header().sealing_prefix(), bare.header().sealing_prefix());
        let mut other = header.clone();
        other.expires ^= 1;
        prop_assert_ne!(other.sealing_prefix(), header.sealing_prefix());
    }
}

#[test]
fn a_record_of_another_network_does_not_verify() {
    let record = sign_by_owner(tombstone()).unwrap();
    let elsewhere = NetworkId([8; 32]);
    assert_eq!(verify_record(SUITE, &elsewhere, &record, None), Err(SignedError::Signature));
}

#[test]
fn only_the_owner_or_the_grants_writer_can_sign() {
    let by = |n, header| Record::sign(SUITE, &NETWORK, &key(n), header, &[], &[]).map(|_| ());
    let granted = Header { grant: Some(any_grant()), ..tombstone() };
    assert_eq!(by(1, tombstone()), Ok(()));
    assert_eq!(by(2, tombstone()), Err(SignedError::Signature));
    assert_eq!(by(2, granted.clone()), Ok(()));
    assert_eq!(by(1, granted), Err(SignedError::Signature));
}

#[test]
fn a_part_is_whole_and_has_its_hash_or_is_absent() {
    let record = Record::sign(SUITE, &NETWORK, &key(1), tombstone(), b"the head", b"the body").unwrap();
    assert!(record.is_complete() && !record.is_stub());
    assert_eq!((&record.head()[..], &record.body()[..]), (&b"the head"[..], &b"the body"[..]));
    let bare = record.without_body();
    assert!(!bare.is_complete() && !bare.is_stub() && bare.body().is_empty());
    assert_eq!(bare.head(), record.head());
    let stub = record.to_stub();
    assert!(!stub.is_complete() && stub.is_stub() && stub.head().is_empty());
    let mut swapped = record.stub().to_vec();
    swapped.extend_from_slice(b"the bodythe head");
    assert_eq!(parse(swapped), Err(SignedError::Part));
}

#[test]
fn a_record_without_parts_is_no_stub() {
    let record = sign_by_owner(tombstone()).unwrap();
    assert!(record.is_complete() && !record.is_stub() && record.header().is_tombstone());
}

#[test]
fn a_record_over_64_kib_is_refused_in_making_and_in_reading() {
    let room = limit::RECORD - sign_by_owner(tombstone()).unwrap().bytes().len();
    let make = |len| Record::sign(SUITE, &NETWORK, &key(1), tombstone(), &vec![1; len], &[]);
    let largest = make(room).unwrap();
    assert_eq!(Record::parse(SUITE, largest.bytes().clone()), Ok(largest.clone()));
    assert_eq!(make(room + 1), Err(SignedError::Limit));
    let claims_more = largest.to_stub().bytes().iter().copied().chain(vec![1; room + 1]).collect();
    assert_eq!(parse(claims_more), Err(SignedError::Limit));
}

#[test]
fn live_objects_stand_in_rising_order_and_are_bounded() {
    let live = |ids: &[u8]| {
        let object = |id: &u8| LiveObject { object: ObjectId([*id; 16]), bytes: 1, blobs: 1 };
        sign_by_owner(Header { live: ids.iter().map(object).collect(), ..tombstone() }).map(|_| ())
    };
    assert_eq!(live(&[1, 2, 9]), Ok(()));
    assert_eq!(live(&[2, 1]), Err(SignedError::Malformed));
    assert_eq!(live(&[1, 1]), Err(SignedError::Malformed));
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(all.len(), limit::LIVE);
    assert_eq!(live(&all), Ok(()));
    assert_eq!(live(&[&all[..], &[255]].concat()), Err(SignedError::Limit));
}

#[test]
fn optional_fields_are_bounded_and_never_hide_a_known_one() {
    let mut fields = Fields::default();
    fields.insert(9, Bytes::from(vec![0; limit::FIELDS - 6])).unwrap();
    assert_eq!(fields.insert(10, Bytes::new()), Err(SignedError::Limit));
    let full = Header { unknown: fields, ..tombstone() };
    assert!(sign_by_owner(full.clone()).is_ok());
    assert_eq!(sign_by_owner(Header { file_epoch: 1, ..full }).map(|_| ()), Err(SignedError::Limit));
    for known in 1..=3 {
        let mut fields = Fields::default();
        fields.insert(known, Bytes::from_static(&[0; 4])).unwrap();
        let record = sign_by_owner(Header { unknown: fields, ..tombstone() });
        assert_eq!(record.map(|_| ()), Err(SignedError::Malformed), "tag {known}");
    }
}

#[test]
fn a_floor_record_is_bare_and_signed_by_the_owner_alone() {
    let version = Version::new(1000, 5, [1; 8]).unwrap();
    let above = Version::new(1000, 6, [1; 8]).unwrap();
    let floor = || floor_header(version, 3);
    let refused = |header| sign_by_owner(header).map(|_| ()).unwrap_err();
    assert!(sign_by_owner(floor()).is_ok());
    assert_eq!(refused(Header { name: Name([3; 32]), ..floor() }), SignedError::Malformed);
    assert_eq!(refused(Header { floor: None, ..floor() }), SignedError::Malformed);
    assert_eq!(refused(Header { kind: Kind::File, ..floor() }), SignedError::Malformed);
    assert_eq!(refused(Header { expires: 1, ..floor() }), SignedError::Malformed);
    assert_eq!(refused(Header { file_epoch: 1, ..floor() }), SignedError::Malformed);
    let too_high = Some(Floor { version: above, grant_epoch: 3 });
    assert_eq!(refused(Header { floor: too_high, ..floor() }), SignedError::Malformed);
    let with_head = Record::sign(SUITE, &NETWORK, &key(1), floor(), b"head", &[]);
    assert_eq!(with_head.map(|_| ()), Err(SignedError::Malformed));
    let granted = Header { grant: Some(any_grant()), ..floor() };
    let granted = Record::sign(SUITE, &NETWORK, &key(2), granted, &[], &[]);
    assert_eq!(granted.map(|_| ()), Err(SignedError::Grant));
}

#[test]
fn a_body_stands_only_beside_a_head() {
    let record = Record::sign(SUITE, &NETWORK, &key(1), tombstone(), &[], b"body");
    assert_eq!(record.map(|_| ()), Err(SignedError::Malformed));
}

/// What no signer of ours would make is refused in reading, too: the same record has one form.
#[test]
fn a_header_in_another_form_than_the_canonical_one_is_refused() {
    let record = sign_by_owner(tombstone()).unwrap();
    let with_header = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut header = record.signed_bytes().to_vec();
        change(&mut header);
        let len = u16::try_from(header.len()).unwrap().to_be_bytes();
        parse([&len[..], &header, &record.bytes()[record.bytes().len() - 64..]].concat()).map(|_| ())
    };
    assert_eq!(with_header(&|_| ()), Ok(()));
    // The epoch 0 is told by leaving the field out.
    assert_eq!(with_header(&|h| h.extend([0, 1, 0, 0, 0, 4, 0, 0, 0, 0])), Err(SignedError::Malformed));
    assert_eq!(with_header(&|h| h.extend([0, 1, 0, 0, 0, 4, 0, 0, 0, 1])), Ok(()));
    // Fields out of order, given twice, cut.
    assert_eq!(with_header(&|h| h.extend([0, 9, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0])), Err(SignedError::Malformed));
    assert_eq!(with_header(&|h| h.extend([0, 9, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0])), Err(SignedError::Malformed));
    assert_eq!(with_header(&|h| h.extend([0, 9, 0, 0, 0, 1])), Err(SignedError::Malformed));
    // A hash of no part, a floor of a file, a version past the end of time.
    assert_eq!(with_header(&|h| *h.last_mut().unwrap() = 1), Err(SignedError::Malformed));
    let floor = [&[0, 2, 0, 0, 0, 20][..], &[0; 20]].concat();
    assert_eq!(with_header(&|h| h.extend(&floor)), Err(SignedError::Malformed));
    assert_eq!(with_header(&|h| h[69] = 0xFF), Err(SignedError::Malformed));
    // Another magic, format or kind.
    assert_eq!(with_header(&|h| h[0] = b'X'), Err(SignedError::Unknown));
    assert_eq!(with_header(&|h| h[3] = 2), Err(SignedError::Unknown));
    assert_eq!(with_header(&|h| h[68] = 2), Err(SignedError::Unknown));
}

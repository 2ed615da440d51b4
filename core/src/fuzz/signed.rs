//! What is signed: records, pins, admissions, removals, settings.

use bytes::Bytes;

use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::crypto::{Secret, SigningKey, Suite};
use crate::id::{NetworkId, OwnerId};
use crate::record::{
    Admission, Grant, Header, Pin, PinBody, Record, Removal, Settings, SignedError, verify_pin, verify_record,
};

const NETWORK: NetworkId = NetworkId([7; 32]);

/// Any of the signed things, or none.
///
/// What parses keeps its bytes, or is written again to them; all forms of a record are the same version of it; signed again by
/// another key, the same content parses to the same, and verifies.
pub fn record(bytes: &[u8]) {
    let given = Bytes::copy_from_slice(bytes);
    for suite in [Suite::Real, Suite::Sim] {
        if let Ok(record) = Record::parse(suite, given.clone()) {
            assert_eq!(record.bytes(), &given);
            forms(suite, &record);
            resigned(&record);
            let _ = verify_record(suite, &NETWORK, &record, None);
        }
    }
    with_parts(bytes);
    if let Ok(pin) = Pin::parse(given.clone()) {
        assert_eq!(pin.bytes(), &given);
        let _ = verify_pin(Suite::Real, &NETWORK, &pin, None);
        resigned_pin(&pin);
    }
    written_again(&given, Admission::decode, Admission::encode);
    written_again(&given, Removal::decode, Removal::encode);
    written_again(&given, Settings::decode, Settings::encode);
}

/// The stub and the record without its body parse to themselves and have its order.
fn forms(suite: Suite, record: &Record) {
    assert!(record.bytes().len() <= limit::RECORD);
    assert!(!(record.is_stub() && record.is_complete()));
    let prefix = record.header().sealing_prefix();
    assert_eq!(record.signed_bytes()[..prefix.len()], prefix, "the header has one form");
    for form in [record.to_stub(), record.without_body()] {
        assert_eq!(Record::parse(suite, form.bytes().clone()).as_ref(), Ok(&form));
        assert_eq!(form.order(), record.order());
        assert_eq!(form.header(), record.header());
        assert!(form.body().is_empty());
    }
}

/// The same header over the same parts, signed by a key of ours.
fn resigned(record: &Record) {
    let (head, body) = (record.head(), record.body());
    let again = sign(record.header().clone(), &head, &body);
    let again = match again {
        // Without its parts it may be no record of its kind any more.
        Err(_) if !record.is_complete() => return,
        again => again.expect("the same content is valid under another key"),
    };
    let parsed = Record::parse(Suite::Sim, again.bytes().clone());
    assert_eq!(parsed.as_ref(), Ok(&again));
    if again.header().grant.is_none() {
        assert_eq!(verify_record(Suite::Sim, &NETWORK, &again, None), Ok(()));
    }
    if record.is_complete() {
        let (old, new) = (record.header(), again.header());
        let same =
            Header { owner: old.owner, grant: old.grant, head: old.head, body: old.body, ..new.clone() };
        assert_eq!(&same, old);
    }
}

/// `header length u16 ‖ header ‖ head length u8 ‖ head ‖ body`, whose hashes need not be right: they are made so.
fn with_parts(bytes: &[u8]) {
    let mut reader = Reader::new(Bytes::copy_from_slice(bytes));
    let Ok(header) = reader.bytes16(limit::RECORD) else { return };
    // Only a stub parses without its parts, so this is one.
    let mut stub = Writer::default();
    stub.bytes16(&header);
    stub.raw(&[0; 64]);
    let Ok(stub) = Record::parse(Suite::Sim, stub.freeze()) else { return };
    let rest = reader.rest();
    let at = rest.first().map_or(0, |len| usize::from(*len)).min(rest.len());
    let (head, body) = rest.split_at(at);
    let Ok(record) = sign(stub.header().clone(), head, body) else { return };
    assert_eq!(Record::parse(Suite::Sim, record.bytes().clone()).as_ref(), Ok(&record));
    assert_eq!((&record.head()[..], &record.body()[..]), (head, body));
    assert!(record.is_complete());
    forms(Suite::Sim, &record);
}

/// Signs in the place of whoever signed before: owner and writer become keys of ours.
fn sign(mut header: Header, head: &[u8], body: &[u8]) -> Result<Record, SignedError> {
    header.owner = OwnerId(*key(1).public());
    let signer = if header.grant.is_some() { key(2) } else { key(1) };
    header.grant = header.grant.map(granted);
    Record::sign(Suite::Sim, &NETWORK, &signer, header, head, body)
}

fn resigned_pin(pin: &Pin) {
    let body = PinBody {
        owner: OwnerId(*key(1).public()),
        grant: pin.body().grant.map(granted),
        ..pin.body().clone()
    };
    let signer = if body.grant.is_some() { key(2) } else { key(1) };
    let again = Pin::sign(&NETWORK, &signer, body);
    assert_eq!(Pin::parse(again.bytes().clone()).as_ref(), Ok(&again));
    if again.body().grant.is_none() {
        assert_eq!(verify_pin(Suite::Sim, &NETWORK, &again, None), Ok(()));
    }
}

fn granted(grant: Grant) -> Grant {
    Grant { writer: *key(2).public(), ..grant }.sign(&NETWORK, &key(1))
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(Suite::Sim, Secret::new([number; 32]))
}

/// What is read off the front of the bytes is written to the bytes that it was read from.
fn written_again<T>(
    given: &Bytes,
    decode: impl Fn(&mut Reader) -> Result<T, SignedError>,
    encode: impl Fn(&T, &mut Writer),
) {
    let mut reader = Reader::new(given.clone());
    let Ok(thing) = decode(&mut reader) else { return };
    let mut out = Writer::default();
    encode(&thing, &mut out);
    assert_eq!(out.written(), &given[..given.len() - reader.rest().len()]);
}

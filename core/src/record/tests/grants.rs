//! Grants: what another writer may sign, and until when.

use alloc::vec::Vec;

use super::arbitrary::*;
use crate::crypto::Signature;
use crate::id::{BlobId, Name, ObjectId};
use crate::record::*;

const NAME: Name = Name([3; 32]);

fn version() -> Version {
    Version::new(1000, 0, [1; 8]).unwrap()
}

fn grant(change: impl FnOnce(&mut Grant)) -> Grant {
    let mut grant = any_grant();
    change(&mut grant);
    grant.sign(&NETWORK, &key(1))
}

/// What comes of a record and a pin under this grant; the same for both.
fn verdict(grant: Grant, floor: Option<&Floor>) -> Result<(), SignedError> {
    let header = Header {
        name: NAME,
        kind: Kind::File,
        floor: None,
        grant: Some(grant),
        ..floor_header(version(), 0)
    };
    let record = Record::sign(SUITE, &NETWORK, &key(2), header, &[], &[]).unwrap();
    let record = verify_record(SUITE, &NETWORK, &record, floor);
    let body = PinBody {
        owner: owner(1),
        name: NAME,
        object: ObjectId([1; 16]),
        since: version(),
        blob: BlobId([1; 32]),
        length: 1,
        grant: Some(grant),
    };
    let pin = Pin::sign(&NETWORK, &key(2), body);
    assert_eq!(record, verify_pin(SUITE, &NETWORK, &pin, floor));
    record
}

#[test]
fn a_grant_covers_everything_or_its_one_name() {
    assert_eq!(verdict(grant(|_| ()), None), Ok(()));
    assert_eq!(verdict(grant(|g| g.scope = NAME), None), Ok(()));
    assert_eq!(verdict(grant(|g| g.scope = Name([4; 32])), None), Err(SignedError::Grant));
}

#[test]
fn a_grant_ends_by_the_clock_of_the_version() {
    assert_eq!(verdict(grant(|g| g.not_after = 1000), None), Ok(()));
    assert_eq!(verdict(grant(|g| g.not_after = 999), None), Err(SignedError::Grant));
}

#[test]
fn a_floor_of_a_higher_epoch_ends_a_grant() {
    let floor = |grant_epoch| Floor { version: Version::ZERO, grant_epoch };
    assert_eq!(verdict(grant(|g| g.epoch = 5), Some(&floor(5))), Ok(()));
    assert_eq!(verdict(grant(|g| g.epoch = 5), Some(&floor(6))), Err(SignedError::Grant));
}

#[test]
fn a_grant_that_the_owner_did_not_sign_is_worth_nothing() {
    let forged = Grant { signature: Signature([0; 64]), ..any_grant() };
    assert_eq!(verdict(forged, None), Err(SignedError::Signature));
    let by_writer = any_grant().sign(&NETWORK, &key(2));
    assert_eq!(verdict(by_writer, None), Err(SignedError::Signature));
    let raised = Grant { epoch: 6, ..any_grant() };
    assert_eq!(verdict(raised, None), Err(SignedError::Signature));
}

#[test]
fn a_record_with_a_grant_has_two_signatures_to_verify() {
    let header = Header { name: NAME, kind: Kind::File, floor: None, ..floor_header(version(), 0) };
    let own = Record::sign(SUITE, &NETWORK, &key(1), header.clone(), &[], &[]).unwrap();
    let header = Header { grant: Some(any_grant()), ..header };
    let granted = Record::sign(SUITE, &NETWORK, &key(2), header, &[], &[]).unwrap();
    let keys = |record| -> Vec<[u8; 32]> {
        record_claims(&NETWORK, record, None).unwrap().iter().map(|claim| claim.key).collect()
    };
    assert_eq!(keys(&own), [*key(1).public()]);
    assert_eq!(keys(&granted), [*key(1).public(), *key(2).public()]);
}

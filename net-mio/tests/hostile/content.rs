//! Attacks by a user of the network with what is stored: replays, forgeries, and what belongs to others.

use crate::bytes::{In, Out};
use crate::link::{Link, kind};
use crate::noise::sha256;
use crate::requests::{
    code, get_blob, get_record, have, list_records, newest, put_blob, put_record, store_blob, store_record,
};
use crate::signed::{Keys, Owner, PIN, RECORD, random, version};
use crate::target::Target;

const MINUTE: i64 = 60_000;

pub(crate) fn old_records_and_tombstones_again(target: &Target) {
    let (mut link, owner) = target.client();
    let name = random();
    let versions = [version(-3 * MINUTE), version(-2 * MINUTE), version(-MINUTE), version(0)];
    let heads = [200, 0, 300, 0];
    let records: Vec<_> =
        versions.iter().zip(heads).map(|(version, head)| owner.record(&name, version, head)).collect();
    for (at, record) in records.iter().enumerate() {
        store_record(&mut link, record);
        // By a user, and by a member that kept what it once saw.
        let mut member = Link::member(target.addr(), &target.keys, random());
        for old in &records[..at] {
            for link in [&mut link, &mut member] {
                let (kind, error) = link.ask(kind::PUT_RECORD, &put_record(old));
                if (kind, error[0]) == (0x91, 0) {
                    // Liars have all its places: it is kept aside, and counts nowhere.
                    continue;
                }
                assert_eq!((kind, error[0]), (kind::ERROR, code::STALE));
                // The answer proves what is newer, without its parts.
                let mut rest = In(&error[2..]);
                let length = usize::try_from(rest.u32()).unwrap();
                assert_eq!((error[1], rest.take(length)), (1, &record[..length]));
            }
        }
        assert_eq!(newest(&mut link, &owner, &name), *record);
    }
    // Older than half a lease, and from the future: refused whatever is known.
    for (after, refusal) in [(-4 * 24 * 60 * MINUTE, code::PAST), (30 * MINUTE, code::FUTURE)] {
        let record = owner.record(&random(), &version(after), 200);
        assert_eq!(link.refused(kind::PUT_RECORD, &put_record(&record)), refusal);
    }
}

pub(crate) fn records_of_another_network_and_forged_ones(target: &Target) {
    let (mut link, owner) = target.client();
    let (name, since) = (random(), version(0));
    let good = owner.record(&name, &since, 200);
    store_record(&mut link, &good);
    let newer = version(1);
    let elsewhere = Owner { keys: Keys { network: random(), ..target.keys.clone() }, ..owner.clone() };
    let foreign = elsewhere.record(&name, &newer, 200);
    let mut altered = owner.record(&name, &newer, 200);
    altered[2 + 70] ^= 1;
    let mut unsigned = owner.record(&name, &newer, 200);
    unsigned[2 + 171] ^= 1;
    // The signature is a good one, of the same key over the same bytes, for another purpose.
    let mut other_label = owner.record(&name, &newer, 200);
    let header = other_label[2..2 + 171].to_vec();
    other_label[2 + 171..2 + 171 + 64].copy_from_slice(&owner.keys.sign(&owner.seed, PIN, &header));
    let mut member = Link::member(target.addr(), &target.keys, random());
    for forged in [foreign, altered, unsigned, other_label] {
        for link in [&mut link, &mut member] {
            assert_eq!(link.refused(kind::PUT_RECORD, &put_record(&forged)), code::INVALID);
        }
    }
    assert_eq!(newest(&mut link, &owner, &name), good);
}

pub(crate) fn forged_pins(target: &Target) {
    let (mut link, owner) = target.client();
    let blob = crate::common::noise(7, 10_000);
    let (id, since) = (sha256(&[&blob]), version(0));
    let good = owner.pin(&since, &id, blob.len());
    let mut unsigned = good.clone();
    unsigned[150] ^= 1;
    let body = owner.pin_body(&since, &id, blob.len());
    let other_label = owner.keys.signed(&owner.seed, RECORD, body);
    let elsewhere = Owner { keys: Keys { network: random(), ..target.keys.clone() }, ..owner.clone() };
    let foreign = elsewhere.pin(&since, &id, blob.len());
    let wrong_length = owner.pin(&since, &id, blob.len() + 1);
    let wrong_blob = owner.pin(&since, &[4; 32], blob.len());
    let mut member = Link::member(target.addr(), &target.keys, random());
    for pin in [unsigned, other_label, foreign, wrong_length, wrong_blob] {
        for link in [&mut link, &mut member] {
            assert_eq!(link.refused(kind::PUT_BLOB, &put_blob(&pin, &blob)), code::INVALID);
        }
    }
    // Nothing of it was kept; among many attackers nobody may be sure that others have not.
    let refused = link.refused(kind::GET_BLOB, &get_blob(&id));
    assert!(refused == code::NOT_FOUND || !target.is_alone(), "{refused}");
}

pub(crate) fn claims_to_have_what_one_has_not(target: &Target) {
    let (mut link, owner) = target.client();
    let blob = store_blob(&mut link, &owner, &crate::common::noise(8, 10_000));
    let is_there = |link: &mut Link, pin: Vec<u8>| {
        let (kind, answer) = link.ask(kind::HAVE, &have(&[pin]));
        assert_eq!((kind, &answer[..2]), (0x90, &[0, 1][..]));
        answer[2] > 0
    };
    let since = version(0);
    // Who holds it may be too busy to say so at once.
    crate::common::wait_for("it is there", || {
        is_there(&mut link, owner.pin(&since, &blob, 10_000)).then_some(())
    });
    // A blob that is nowhere, and one of another length.
    assert!(!is_there(&mut link, owner.pin(&since, &[5; 32], 10_000)));
    assert!(!is_there(&mut link, owner.pin(&since, &blob, 9_999)));
    // Somebody who has only heard of the blob's id learns nothing and keeps nothing.
    let (mut thief_link, thief) = target.client();
    assert!(!is_there(&mut thief_link, thief.pin(&since, &blob, 10_000)));
}

pub(crate) fn writes_for_another_owner(target: &Target) {
    let (mut link, _) = target.client();
    let other = Owner::new(&target.keys);
    let blob = crate::common::noise(9, 1000);
    let pin = other.pin(&version(0), &sha256(&[&blob]), blob.len());
    let record = other.record(&random(), &version(0), 0);
    let writes = [
        (kind::PUT_BLOB, put_blob(&pin, &blob)),
        (kind::HAVE, have(&[pin])),
        (kind::PUT_RECORD, put_record(&record)),
        (kind::LIST_RECORDS, list_records(&other.id())),
    ];
    let mut nobody = Link::connect(target.addr(), &target.keys, random());
    nobody.open(1, None, None);
    for (kind, body) in &writes {
        assert_eq!(link.refused(*kind, body), code::FORBIDDEN);
        assert_eq!(nobody.refused(*kind, body), code::FORBIDDEN);
    }
}

pub(crate) fn control_by_those_who_are_not_at_home(target: &Target) {
    let (mut client, owner) = target.client();
    let mut member = Link::member(target.addr(), &target.keys, random());
    for link in [&mut client, &mut member] {
        let verbs = [
            (kind::EVICT, Out::new().raw(&owner.id()).u8(0).done()),
            (kind::VERIFY, vec![0]),
            (kind::PEERS, vec![]),
            (kind::INVITE, vec![1]),
            (kind::LEAVE, vec![0]),
            (kind::BAN, vec![7; 32]),
        ];
        for (kind, body) in verbs {
            assert_eq!(link.refused(kind, &body), code::FORBIDDEN);
        }
    }
    // Nor may a user speak as a member does.
    let page = crate::requests::view(&[0; 32], &[], &[], None);
    assert_eq!(client.refused(kind::VIEW, &page), code::FORBIDDEN);
    assert_eq!(client.ask(kind::GET_RECORD, &get_record(&owner.id(), &[1; 32])).0, 0x94);
}

#[test]
fn a_replayed_record_or_tombstone_is_stale() {
    Target::start().withstand(old_records_and_tombstones_again);
}

#[test]
fn a_record_of_another_network_or_without_its_owners_signature_is_invalid() {
    Target::start().withstand(records_of_another_network_and_forged_ones);
}

#[test]
fn a_forged_pin_keeps_nothing() {
    Target::start().withstand(forged_pins);
}

#[test]
fn nobody_is_told_that_a_blob_is_here_that_is_not_theirs() {
    Target::start().withstand(claims_to_have_what_one_has_not);
}

#[test]
fn nobody_writes_or_lists_for_another_owner() {
    Target::start().withstand(writes_for_another_owner);
}

#[test]
fn only_the_home_commands_its_node() {
    Target::start().withstand(control_by_those_who_are_not_at_home);
}

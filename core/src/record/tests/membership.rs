//! Admissions, removals, settings, and what becomes of them together.

use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::arbitrary::*;
use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::crypto::{Signature, Suite};
use crate::id::{NetworkId, NodeId};
use crate::record::*;

const ELSEWHERE: NetworkId = NetworkId([8; 32]);

#[derive(Clone, Debug)]
enum Word {
    Admission(Admission),
    Removal(Removal),
}

fn words() -> impl Strategy<Value = Vec<Word>> {
    vec(prop_oneof![admission().prop_map(Word::Admission), removal().prop_map(Word::Removal)], 0..12)
}

fn tell(membership: &mut Membership, words: &[Word]) {
    for word in words {
        match word.clone() {
            Word::Admission(admission) => membership.add_admission(admission, limit::MEMBERS),
            Word::Removal(removal) => membership.add_removal(removal, limit::MEMBERS),
        };
    }
}

fn told(words: &[Word]) -> Membership {
    let mut membership = Membership::default();
    tell(&mut membership, words);
    membership
}

/// All that one membership knows, as another would be told of it.
fn known(membership: &Membership) -> Vec<Word> {
    let admissions = membership.members().cloned().map(Word::Admission);
    admissions.chain(membership.removals().cloned().map(Word::Removal)).collect()
}

fn bytes_of(encode: impl FnOnce(&mut Writer)) -> Bytes {
    let mut out = Writer::default();
    encode(&mut out);
    out.freeze()
}

/// Reads back what was written, with more behind it; every truncation is a typed error.
fn reads_back<T: PartialEq + core::fmt::Debug>(
    thing: &T,
    bytes: Bytes,
    decode: fn(&mut Reader) -> Result<T, SignedError>,
) {
    let mut reader = Reader::new(Bytes::from([&bytes[..], b"more"].concat()));
    assert_eq!(decode(&mut reader).as_ref(), Ok(thing));
    assert_eq!(&reader.rest()[..], b"more");
    for len in 0..bytes.len() {
        assert_eq!(decode(&mut Reader::new(bytes.slice(..len))), Err(SignedError::Malformed), "{len} bytes");
    }
}

proptest! {
    #[test]
    fn what_a_network_signs_reads_back_and_verifies(
        admission in admission(), removal in removal(), settings in settings(),
    ) {
        let network_key = *key(0).public();
        reads_back(&admission, bytes_of(|out| admission.encode(out)), Admission::decode);
        reads_back(&removal, bytes_of(|out| removal.encode(out)), Removal::decode);
        reads_back(&settings, bytes_of(|out| settings.encode(out)), Settings::decode);
        for (network, verdict) in [(NETWORK, Ok(())), (ELSEWHERE, Err(SignedError::Signature))] {
            prop_assert_eq!(admission.verify(SUITE, &network, &network_key), verdict);
            prop_assert_eq!(removal.verify(SUITE, &network, &network_key), verdict);
            prop_assert_eq!(settings.verify(SUITE, &network, &network_key), verdict);
        }
        prop_assert!(admission.verify(SUITE, &NETWORK, key(1).public()).is_err());
    }

    #[test]
    fn a_changed_admission_never_passes(admission in admission(), at: prop::sample::Index, change in 1..=255_u8) {
        let mut bytes = bytes_of(|out| admission.encode(out)).to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        if let Ok(read) = Admission::decode(&mut Reader::new(Bytes::from(bytes))) {
            prop_assert!(read.verify(SUITE, &NETWORK, key(0).public()).is_err());
        }
    }

    #[test]
    fn gossip_in_any_order_converges(words in words(), seed: u64) {
        let mut shuffled = words.clone();
        // Any permutation will do; this one depends on the seed.
        shuffled.sort_by_key(|word| {
            let bytes = match word {
                Word::Admission(admission) => bytes_of(|out| admission.encode(out)),
                Word::Removal(removal) => bytes_of(|out| removal.encode(out)),
            };
            SUITE.hash(&[&bytes, &seed.to_be_bytes()])
        });
        prop_assert_eq!(told(&words), told(&shuffled));
        prop_assert_eq!(told(&words).digest(SUITE), told(&shuffled).digest(SUITE));
    }

    #[test]
    fn merging_is_associative_commutative_and_idempotent(a in words(), b in words(), c in words()) {
        let merge = |a: &Membership, b: &Membership| {
            let mut merged = a.clone();
            tell(&mut merged, &known(b));
            merged
        };
        let (a, b, c) = (told(&a), told(&b), told(&c));
        prop_assert_eq!(merge(&a, &b), merge(&b, &a));
        prop_assert_eq!(merge(&merge(&a, &b), &c), merge(&a, &merge(&b, &c)));
        prop_assert_eq!(merge(&a, &a), a);
    }

    #[test]
    fn digests_are_equal_exactly_when_the_same_is_known(a in words(), b in words()) {
        let (a, b) = (told(&a), told(&b));
        prop_assert_eq!(a == b, a.digest(SUITE) == b.digest(SUITE));
        prop_assert_eq!(a.member_count(), a.members().count());
    }
}

fn admit(node: u8, serial: u64) -> Admission {
    let signature = Signature([0; 64]);
    let (node, unknown) = (NodeId([node; 32]), Fields::default());
    Admission { node, positions: 8, volatile: false, serial, not_after: 0, unknown, signature }
        .sign(&NETWORK, &key(0))
}

fn remove(node: u8, serial: u64) -> Removal {
    let (node, unknown) = (NodeId([node; 32]), Fields::default());
    Removal { node, banned: true, serial, unknown, signature: Signature([0; 64]) }.sign(&NETWORK, &key(0))
}

#[test]
fn the_higher_serial_wins_and_at_equal_ones_the_removal() {
    use MembershipChange::{Changed, Known};
    let node = NodeId([1; 32]);
    let mut membership = Membership::default();
    assert_eq!(membership.add_admission(admit(1, 3), 9), Changed);
    assert_eq!(membership.add_admission(admit(1, 3), 9), Known);
    assert_eq!(membership.add_removal(remove(1, 2), 9), Known);
    assert!(membership.member(&node).is_some());
    assert_eq!(membership.add_removal(remove(1, 3), 9), Changed);
    assert!(membership.member(&node).is_none() && membership.removal(&node).is_some());
    assert_eq!(membership.add_admission(admit(1, 3), 9), Known);
    assert_eq!(membership.add_admission(admit(1, 4), 9), Changed);
    assert!(membership.member(&node).is_some() && membership.removal(&node).is_none());
}

#[test]
fn a_full_membership_refuses_strangers_but_never_the_removal_of_a_member() {
    use MembershipChange::{Changed, Full};
    let mut membership = Membership::default();
    assert_eq!(membership.add_admission(admit(1, 1), 2), Changed);
    assert_eq!(membership.add_admission(admit(2, 1), 2), Changed);
    assert_eq!(membership.add_admission(admit(3, 1), 2), Full);
    assert_eq!(membership.add_admission(admit(2, 2), 2), Changed);
    assert_eq!(membership.add_removal(remove(7, 1), 1), Changed);
    assert_eq!(membership.add_removal(remove(8, 1), 1), Full);
    assert_eq!(membership.add_removal(remove(2, 3), 1), Changed);
    assert_eq!(membership.add_admission(admit(3, 1), 2), Changed);
    assert_eq!(membership.add_admission(admit(2, 4), 2), Full);
}

#[test]
fn values_out_of_range_are_brought_into_it_before_they_are_signed() {
    let admission = |positions| Admission { positions, ..admit(1, 1) }.sign(&NETWORK, &key(0)).positions;
    assert_eq!((admission(0), admission(200)), (1, limit::POSITIONS));
    let settings = Settings {
        number: 1,
        replicas: 0,
        gone_after: Duration::MAX,
        linger: Duration::from_micros(1500),
        unknown: Fields::default(),
        signature: Signature([0; 64]),
    };
    let settings = settings.sign(&NETWORK, &key(0));
    assert_eq!((settings.replicas, settings.linger), (1, Duration::from_millis(1)));
    let bytes = bytes_of(|out| settings.encode(out));
    assert_eq!(Settings::decode(&mut Reader::new(bytes)), Ok(settings));
}

#[test]
fn values_out_of_range_are_refused_in_reading() {
    let encoded = |positions| bytes_of(|out| Admission { positions, ..admit(1, 1) }.encode(out));
    for positions in [0, limit::POSITIONS + 1] {
        let read = Admission::decode(&mut Reader::new(encoded(positions)));
        assert_eq!(read, Err(SignedError::Limit));
    }
}

#[test]
fn the_identity_of_a_network_follows_from_its_founding_key_alone() {
    let id = network_id(Suite::Real, &[1; 32]);
    assert_eq!(id, network_id(Suite::Real, &[1; 32]));
    assert_ne!(id, network_id(Suite::Real, &[2; 32]));
}

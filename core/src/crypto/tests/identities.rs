//! Signatures, node ids, passwords, and that secrets stay secret.

use super::{SUITES, array};
use crate::crypto::{
    LinkIdentity, Master, PasswordParams, Secret, Signature, SigningKey, SpaceKeys, Suite, hash_password,
    label, node_id, signed_message,
};
use crate::id::NetworkId;
use alloc::format;
use alloc::vec::Vec;
use proptest::prelude::*;

const NETWORK: NetworkId = NetworkId([7; 32]);

#[test]
fn a_signed_message_names_its_label_and_network_first() {
    let message = signed_message("ab", &NETWORK, &[b"c", b"", b"de"]);
    let expected: Vec<u8> = [&[2][..], b"ab", &[7; 32], b"cde"].concat();
    assert_eq!(message, expected);
}

#[test]
fn a_signature_holds_for_its_key_label_network_and_message_only() {
    for suite in SUITES {
        let key = SigningKey::from_seed(suite, Secret::new([1; 32]));
        let other = SigningKey::from_seed(suite, Secret::new([2; 32]));
        let signature = key.sign(label::PIN, &NETWORK, &[b"bytes"]);
        let holds = |key: &SigningKey, label, network, bytes: &[u8]| {
            suite.verify(key.public(), &signed_message(label, network, &[bytes]), &signature)
        };
        assert!(holds(&key, label::PIN, &NETWORK, b"bytes"));
        assert!(!holds(&other, label::PIN, &NETWORK, b"bytes"));
        assert!(!holds(&key, label::RECORD, &NETWORK, b"bytes"));
        assert!(!holds(&key, label::PIN, &NetworkId([8; 32]), b"bytes"));
        assert!(!holds(&key, label::PIN, &NETWORK, b"byteS"));
    }
}

#[test]
fn a_flip_anywhere_breaks_a_signature() {
    for suite in SUITES {
        let key = SigningKey::from_seed(suite, Secret::new([1; 32]));
        let signature = key.sign(label::RECORD, &NETWORK, &[b"bytes"]);
        let message = signed_message(label::RECORD, &NETWORK, &[b"bytes"]);
        for bit in 0..512 {
            let mut altered = signature;
            altered.0[bit / 8] ^= 1 << (bit % 8);
            assert!(!suite.verify(key.public(), &message, &altered), "bit {bit}");
        }
    }
}

#[test]
fn a_small_order_key_verifies_nothing() {
    // The neutral element as key and as R with S = 0: valid for every message under lax verification.
    let neutral: [u8; 32] = array("0100000000000000000000000000000000000000000000000000000000000000");
    let mut signature = Signature([0; 64]);
    signature.0[..32].copy_from_slice(&neutral);
    assert!(!Suite::Real.verify(&neutral, b"any message", &signature));
}

#[test]
fn a_signature_with_s_past_the_group_order_is_refused() {
    let key = SigningKey::from_seed(Suite::Real, Secret::new([3; 32]));
    let mut signature = key.sign(label::PIN, &NETWORK, &[]);
    let order: [u8; 32] = array("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0;
    for (byte, add) in signature.0[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert!(!Suite::Real.verify(key.public(), &signed_message(label::PIN, &NETWORK, &[]), &signature));
}

#[test]
fn a_node_is_the_hash_of_its_static_key() {
    for suite in SUITES {
        let identity = LinkIdentity::from_secret(suite, Secret::new([9; 32]));
        assert_eq!(identity.node_id(suite), node_id(suite, identity.public()));
        assert_eq!(identity.node_id(suite).0, suite.hash(&[identity.public()]));
    }
}

#[test]
fn a_password_hash_depends_on_password_salt_and_cost() {
    let params = PasswordParams { memory_kib: 8, passes: 1, lanes: 1 };
    let hash = hash_password(b"password", &[1; 16], params).expect("in bounds");
    assert_eq!(hash_password(b"password", &[1; 16], params), Some(hash.clone()));
    assert_ne!(hash_password(b"Password", &[1; 16], params), Some(hash.clone()));
    assert_ne!(hash_password(b"password", &[2; 16], params), Some(hash.clone()));
    assert_ne!(
        hash_password(b"password", &[1; 16], PasswordParams { passes: 2, ..params }),
        Some(hash.clone())
    );
    // As the library's own short cut has it.
    let mut plain = [0; 32];
    argon2::Argon2::new(
        argon2::Algorithm::Argon2id,
        argon2::Version::V0x13,
        argon2::Params::new(8, 1, 1, Some(32)).expect("in bounds"),
    )
    .hash_password_into(b"password", &[1; 16], &mut plain)
    .expect("it runs");
    assert_eq!(hash, Secret::new(plain));
}

#[test]
fn costs_out_of_bounds_are_refused_before_anything_runs() {
    let refused = [
        (7, 1, 1),
        (0, 1, 1),
        (1024 * 1024 + 1, 1, 1),
        (u32::MAX, u32::MAX, u32::MAX),
        (64, 0, 1),
        (64, 17, 1),
        (64, 1, 0),
        (1024, 1, 9),
        (63, 1, 8),
    ];
    for (memory_kib, passes, lanes) in refused {
        let params = PasswordParams { memory_kib, passes, lanes };
        assert!(!params.in_bounds());
        assert_eq!(hash_password(b"", &[0; 16], params), None);
    }
    assert!(PasswordParams::DEFAULT.in_bounds());
}

proptest! {
    #[test]
    fn secrets_never_show_in_debug(bytes in any::<[u8; 32]>()) {
        for suite in SUITES {
            let secret = Secret::new(bytes);
            let keys = SpaceKeys::derive(suite, &Master(secret.clone()));
            let shown = [
                format!("{secret:?}"),
                format!("{:?}", Master(secret.clone())),
                format!("{:?}", keys.read),
            ];
            for text in shown {
                prop_assert!(!text.chars().any(|c| c.is_ascii_digit()), "{text}");
            }
            // What also holds public keys: none of the secrets, as text of a byte array or as hexadecimal.
            let text = format!("{keys:?} {:?}", LinkIdentity::from_secret(suite, secret.clone()));
            for hidden in [&secret, keys.sign.seed(), &keys.name_key, &keys.read.record, &keys.read.siv] {
                let listed = format!("{:?}", hidden.expose());
                let hexadecimal = data_encoding::HEXLOWER.encode(hidden.expose());
                prop_assert!(!text.contains(&listed) && !text.contains(&hexadecimal));
            }
        }
    }
}

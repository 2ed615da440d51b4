//! The hierarchy of keys: everything follows from the entropy, and nothing coincides.

use super::SUITES;
use crate::crypto::{Master, Secret, SpaceKeys, Suite, label};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

fn space(suite: Suite, entropy: u8) -> SpaceKeys {
    SpaceKeys::derive(suite, &Master(Secret::new([entropy; 32])))
}

/// Everything that is derived, one after the other.
fn everything(keys: &SpaceKeys) -> Vec<Vec<u8>> {
    let name = keys.name(0, "photo.jpg");
    let secrets = [
        keys.sign.seed(),
        &keys.name_key,
        &keys.read.record,
        &keys.read.dedup_data,
        &keys.read.dedup_manifest,
        &keys.read.chunk,
        &keys.read.siv,
        &keys.read.object_id,
        &keys.read.salt,
        &keys.record_key(&name, 0),
        &keys.record_key(&name, 1),
        &keys.record_key(&keys.name(0, "photo.jpeg"), 0),
    ];
    let mut all: Vec<Vec<u8>> = secrets.iter().map(|secret| secret.expose().to_vec()).collect();
    all.push(keys.owner().0.to_vec());
    all.push(name.0.to_vec());
    all.push(keys.name(1, "photo.jpg").0.to_vec());
    all.push(keys.object_id(&name, &[0; 16]).0.to_vec());
    all.push(keys.object_id(&name, &[1; 16]).0.to_vec());
    all.push(keys.writer_tag(&Secret::new([1; 32]), &name).to_vec());
    all.push(keys.writer_tag(&Secret::new([2; 32]), &name).to_vec());
    all
}

#[test]
fn the_same_entropy_gives_the_same_keys() {
    for suite in SUITES {
        assert_eq!(everything(&space(suite, 1)), everything(&space(suite, 1)));
    }
}

#[test]
fn no_two_keys_of_a_space_and_none_of_two_spaces_are_the_same() {
    for suite in SUITES {
        let (mut all, other) = (everything(&space(suite, 1)), everything(&space(suite, 2)));
        // Device tags belong to the device alone.
        all.truncate(all.len() - 2);
        all.extend(other);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }
}

#[test]
fn no_two_labels_are_the_same() {
    let table = include_str!("../kdf.rs");
    let labels: Vec<&str> =
        table.lines().filter_map(|line| line.trim().strip_prefix("pub const ")?.split('"').nth(1)).collect();
    assert!(labels.len() > 20 && labels.contains(&label::PIECE), "the table was not found");
    assert_eq!(labels.iter().collect::<BTreeSet<_>>().len(), labels.len());
    for label in labels {
        assert!(label.starts_with("quantumsync/1") && label.len() <= 255, "{label}");
    }
}

#[test]
fn fields_of_a_derivation_cannot_be_shifted_into_each_other() {
    for suite in SUITES {
        let key = Secret::new([1; 32]);
        let expand = |label, fields: &[&[u8]]| -> Secret<32> { suite.expand(&key, label, fields) };
        let all = [
            expand("a", &[b"bc", b"d"]),
            expand("a", &[b"b", b"cd"]),
            expand("a", &[b"bcd"]),
            expand("a", &[b"bc", b"d", b""]),
            expand("ab", &[b"c", b"d"]),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|other| one != other), "{i}");
        }
    }
}

#[test]
fn a_longer_output_begins_with_the_shorter_one() {
    for suite in SUITES {
        let short: Secret<32> = suite.expand(&Secret::new([1; 32]), label::SEAL, &[]);
        let long: Secret<64> = suite.expand(&Secret::new([1; 32]), label::SEAL, &[]);
        assert_eq!(long.expose()[..32], short.expose()[..]);
    }
}

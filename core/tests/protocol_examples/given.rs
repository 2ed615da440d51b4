//! What all examples begin with; told in the chapter "Conventions" of `PROTOCOL.md`.

use quantumsync_core::crypto::{LinkIdentity, Master, Secret, SigningKey, SpaceKeys, Suite};
use quantumsync_core::id::NetworkId;
use quantumsync_core::record::{Grant, Version, network_id};

pub(crate) const SUITE: Suite = Suite::Real;
/// 2026-11-21 00:00:00 UTC.
pub(crate) const NOW_MS: u64 = 1_795_219_200_000;
pub(crate) const PSK: [u8; 32] = [0xb0; 32];

pub(crate) fn keys() -> SpaceKeys {
    let master = core::array::from_fn(|i| u8::try_from(i).expect("there are 32"));
    SpaceKeys::derive(SUITE, &Master(Secret::new(master)))
}

pub(crate) fn network_signing() -> SigningKey {
    SigningKey::from_seed(SUITE, Secret::new([0xa0; 32]))
}

pub(crate) fn network() -> NetworkId {
    network_id(SUITE, network_signing().public())
}

pub(crate) fn node() -> LinkIdentity {
    LinkIdentity::from_secret(SUITE, Secret::new([0xc0; 32]))
}

pub(crate) fn device() -> Secret<32> {
    Secret::new([0xd0; 32])
}

/// Another writer, to whom grants are given.
pub(crate) fn writer() -> SigningKey {
    SigningKey::from_seed(SUITE, Secret::new([0xe0; 32]))
}

/// The version with counter `n` that this device gives to this key string.
pub(crate) fn version(key: &str, n: u16) -> Version {
    let keys = keys();
    let tag = keys.writer_tag(&device(), &keys.name(0, key));
    Version::new(NOW_MS, n, tag).expect("far before the year 2500")
}

pub(crate) fn grant() -> Grant {
    let unsigned = Grant {
        writer: *writer().public(),
        scope: quantumsync_core::id::Name([0; 32]),
        epoch: 1,
        not_after: NOW_MS + 1000,
        signature: quantumsync_core::crypto::Signature([0; 64]),
    };
    unsigned.sign(&network(), &keys().sign)
}

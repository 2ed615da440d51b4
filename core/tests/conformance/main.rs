//! The conformance cases of `bindings/conformance`: what every binding must do, as this crate does it. Its README has their form.
//!
//! With `QUANTUMSYNC_REWRITE=1` the cases are written; without it they must be what stands there.

mod client;
mod errors;
mod machine;
mod node;
mod seal;
mod vault;
mod world;

use std::fs;
use std::path::Path;

use quantumsync_core::crypto::{Secret, SigningKey, Suite};
use quantumsync_core::id::NodeId;
use quantumsync_core::wire::Token;
use serde_json::{Value, json};

/// The wall clock of all cases: a day in 2027.
pub(crate) const UNIX_MS: u64 = 1_800_000_000_000;
/// The words of all vaults but those of `vault.json`.
pub(crate) const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
    abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";

#[test]
fn the_conformance_cases_are_what_this_crate_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bindings/conformance");
    let files = [
        ("client.json", client::cases()),
        ("errors.json", errors::cases()),
        ("seal.json", seal::cases()),
        ("vault.json", vault::cases()),
    ];
    for (name, cases) in files {
        let path = folder.join(name);
        let made =
            serde_json::to_string_pretty(&json!({ "format": 1, "cases": cases })).expect("it is JSON") + "\n";
        if std::env::var_os("QUANTUMSYNC_REWRITE").is_some() {
            fs::write(&path, made).expect("the case can be written");
        } else {
            let kept = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                kept == made,
                "{name} is not current: run this test with QUANTUMSYNC_REWRITE=1 and look at the difference"
            );
        }
    }
}

/// The network of all cases.
pub(crate) fn signing() -> SigningKey {
    SigningKey::from_seed(Suite::Real, Secret::new([1; 32]))
}

/// A client's token, for nodes at these addresses.
pub(crate) fn token(peers: &[(NodeId, &str)]) -> Token {
    let address = |text: &str| text.parse().expect("it is an address");
    Token {
        psk_epoch: 0,
        psk: Secret::new([2; 32]),
        network_key: *signing().public(),
        signing_seed: None,
        peers: peers.iter().map(|&(node, addr)| (node, address(addr))).collect(),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Pseudo-random bytes that every language can make.
pub(crate) fn pattern(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
        (state >> 16) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// A list of cases, each with its name.
pub(crate) fn named(cases: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let with_name = |(name, mut case): (&str, Value)| {
        case["name"] = json!(name);
        case
    };
    cases.into_iter().map(with_name).collect()
}

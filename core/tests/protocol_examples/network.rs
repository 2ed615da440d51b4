//! What a network signs, and tokens.

use crate::block::{Block, dissect};
use crate::given::{PSK, SUITE, network, network_signing, node};
use core::time::Duration;
use quantumsync_core::config::limit;
use quantumsync_core::crypto::{Secret, Signature};
use quantumsync_core::id::NodeId;
use quantumsync_core::record::{Admission, Fields, Membership, Removal, Settings};
use quantumsync_core::wire::{Token, Writer};

pub(crate) fn blocks() -> Vec<Block> {
    vec![
        ids(),
        admission_block(),
        removal_block(),
        settings_block(),
        digest(),
        client_token(),
        node_token(),
        limits(),
    ]
}

fn ids() -> Block {
    Block::new("network")
        .part("network key", network_signing().public())
        .part("network id", network().as_bytes())
        .part("the node's static public key", node().public())
        .part("NodeId", node().node_id(SUITE).as_bytes())
}

pub(crate) fn admission() -> Admission {
    let admission = Admission {
        node: node().node_id(SUITE),
        positions: 8,
        volatile: false,
        serial: 1,
        not_after: 0,
        unknown: Fields::default(),
        signature: Signature([0; 64]),
    };
    admission.sign(&network(), &network_signing())
}

pub(crate) fn removal() -> Removal {
    let mut unknown = Fields::default();
    unknown.insert(9, b"note".as_slice().into()).expect("there is room");
    let removal =
        Removal { node: NodeId([0x0e; 32]), banned: true, serial: 2, unknown, signature: Signature([0; 64]) };
    removal.sign(&network(), &network_signing())
}

pub(crate) fn settings() -> Settings {
    let settings = Settings {
        number: 1,
        replicas: 3,
        gone_after: Duration::from_secs(900),
        linger: Duration::from_secs(60),
        unknown: Fields::default(),
        signature: Signature([0; 64]),
    };
    settings.sign(&network(), &network_signing())
}

fn written(encode: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut out = Writer::default();
    encode(&mut out);
    out.written().to_vec()
}

fn admission_block() -> Block {
    let parts = [
        ("\"QSa\", format 1", 4),
        ("node", 32),
        ("positions", 1),
        ("volatile", 1),
        ("serial", 8),
        ("not after", 8),
        ("length of optional fields", 2),
        ("signature", 64),
    ];
    dissect("admission", &written(|out| admission().encode(out)), &parts)
}

fn removal_block() -> Block {
    let parts = [
        ("\"QSx\", format 1", 4),
        ("node", 32),
        ("banned", 1),
        ("serial", 8),
        ("length of optional fields", 2),
        ("an unknown field: tag 9, 4 bytes", 10),
        ("signature", 64),
    ];
    dissect("removal", &written(|out| removal().encode(out)), &parts)
}

fn settings_block() -> Block {
    let parts = [
        ("\"QSs\", format 1", 4),
        ("number", 8),
        ("replicas", 1),
        ("gone after, ms", 8),
        ("linger, ms", 8),
        ("length of optional fields", 2),
        ("signature", 64),
    ];
    dissect("settings", &written(|out| settings().encode(out)), &parts)
}

fn digest() -> Block {
    let mut membership = Membership::default();
    membership.add_admission(admission(), 9);
    membership.add_removal(removal(), 9);
    Block::new("membership-digest").part("", &membership.digest(SUITE))
}

pub(crate) fn token(signing_seed: Option<Secret<32>>) -> Token {
    let peers = vec![
        (node().node_id(SUITE), "192.0.2.1:4270".parse().expect("an address")),
        (NodeId([0x0f; 32]), "[2001:db8::1]:4270".parse().expect("an address")),
    ];
    Token {
        psk_epoch: 1,
        psk: Secret::new(PSK),
        network_key: *network_signing().public(),
        signing_seed,
        peers,
    }
}

fn client_token() -> Block {
    Block::new("token-client").line(&token(None).to_text())
}

fn node_token() -> Block {
    let token = token(Some(network_signing().seed().clone()));
    Block::new("token-node").line(&token.to_text())
}

/// The limits that decide what is valid.
fn limits() -> Block {
    let limits = [
        ("blob", limit::BLOB),
        ("payload of a piece", limit::PIECE),
        ("record", limit::RECORD),
        ("content of an inline file", limit::INLINE),
        ("key string", limit::KEY),
        ("live objects of a record", limit::LIVE),
        ("positions of a member", usize::from(limit::POSITIONS)),
        ("copies (R)", usize::from(limit::REPLICAS)),
        ("members, and removals of nodes that were none", limit::MEMBERS),
        ("addresses of a member", limit::ADDRS),
        ("previous placements", limit::PLACEMENTS),
        ("pins of a Have", limit::HAVE_PINS),
        ("pins of a PutBlob", limit::BLOB_PINS),
        ("rows of a pull, pins of a PutPins", limit::PULL_ROWS),
        ("bytes of the rows of one list", limit::PULL_BYTES),
        ("blobs of a Prove", limit::PROVE_BLOBS),
        ("objects of a CheckPins", limit::CHECK_PINS),
        ("bytes of the records of its answer", limit::CHECK_BYTES),
        ("records of a page", usize::from(limit::LIST_ROWS)),
        ("bytes of the records of a page", limit::LIST_BYTES),
        ("damaged blobs of a page", limit::DAMAGED),
        ("text of a version of a program", limit::VERSION_TEXT),
        ("optional fields of one thing or message", limit::FIELDS),
        ("text of a token", limit::TOKEN),
        ("message", limit::MESSAGE),
        ("message that no credit pays for, blobs and lists apart", limit::CONTROL_MESSAGE),
    ];
    limits
        .iter()
        .fold(Block::new("limits"), |block, (what, limit)| block.line(&format!("{limit:>9}  {what}")))
}

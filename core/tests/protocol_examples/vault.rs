//! The chunker, a stored file, a vault file.

use crate::block::{Block, dissect};
use crate::given::{NOW_MS, SUITE, keys, network, version};
use bytes::Bytes;
use quantumsync_core::config::Config;
use quantumsync_core::crypto::{Part, open_record_part, seal_piece};
use quantumsync_core::vault::{Content, FileDraft, Upload, UploadStep, Vault, file_record, gear_table};

/// The length of the file "big.bin".
const BIG: usize = 5 << 20;

pub(crate) fn blocks() -> Vec<Block> {
    let big = Big::store();
    vec![gear(), big.pieces(), big.manifest(), big.head(), vault_open(), vault_passphrase(), words()]
}

fn gear() -> Block {
    let table = gear_table(SUITE, &keys().read.chunk);
    let word = |n: usize| table[n].to_be_bytes();
    Block::new("gear").part("word 0", &word(0)).part("word 1", &word(1)).part("word 255", &word(255))
}

/// Bytes that anyone can make again: SHA-256 of 0, 1, 2, … as eight bytes, one after the other.
fn big_bytes() -> Bytes {
    let mut bytes = Vec::with_capacity(BIG);
    for n in 0..(BIG / 32) as u64 {
        bytes.extend_from_slice(&SUITE.hash(&[&n.to_be_bytes()]));
    }
    bytes.into()
}

/// What an upload of "big.bin" gave to be sealed, in its order, and what came of it.
struct Big {
    payloads: Vec<Bytes>,
    ids: Vec<[u8; 32]>,
    content: Content,
}

impl Big {
    fn store() -> Self {
        let mut upload = Upload::new(&keys(), &Config::default());
        let mut rest = big_bytes();
        let (mut payloads, mut ids) = (Vec::new(), Vec::new());
        while upload.result().is_none() {
            let want = upload.want().min(rest.len());
            if want > 0 {
                upload.provide(rest.split_to(want)).expect("it asked for them");
                if rest.is_empty() {
                    upload.finish().expect("once");
                }
            }
            while let Some(step) = upload.poll() {
                match step {
                    UploadStep::Seal { slot, dedup_key, payload } => {
                        let piece = seal_piece(SUITE, &dedup_key, &payload);
                        payloads.push(payload);
                        ids.push(piece.id.0);
                        upload.sealed(slot, piece).expect("it waits for it");
                    }
                    UploadStep::Piece { slot, .. } => upload.stored(slot).expect("it waits for it"),
                }
            }
        }
        Self { payloads, ids, content: upload.result().expect("it is done") }
    }

    fn pieces(&self) -> Block {
        let count = self.payloads.len() - 1;
        (0..count).fold(Block::new("pieces"), |block, i| {
            block.part(&format!("BlobId of piece {i}, {} bytes", self.payloads[i].len()), &self.ids[i])
        })
    }

    fn manifest(&self) -> Block {
        let count = self.payloads.len() - 1;
        let mut parts = vec![("level", 1), ("children", 2)];
        for _ in 0..count {
            parts.extend([("BlobId", 32), ("K", 32), ("length", 8)]);
        }
        dissect("manifest-node", &self.payloads[count], &parts)
    }

    fn head(&self) -> Block {
        let keys = keys();
        let draft = FileDraft {
            key: "big.bin",
            since: version("big.bin", 0),
            parent: None,
            modified_ms: NOW_MS,
            expires: 0,
            content: &self.content,
        };
        let record = file_record(&keys, &network(), &draft).expect("within the limits");
        let key = keys.record_key(&record.header().name, 0);
        let prefix = record.header().sealing_prefix();
        let plain = open_record_part(SUITE, &key, Part::Head, &prefix, &record.head()).expect("it opens");
        let parts = [
            ("format", 1),
            ("length of the key string", 2),
            ("\"big.bin\"", 7),
            ("size", 8),
            ("modified, ms", 8),
            ("parents", 2),
            ("live objects", 2),
            ("object id", 16),
            ("BlobId of the root", 32),
            ("K of the root", 32),
            ("level", 1),
            ("length", 8),
            ("pieces", 4),
            ("length of optional fields", 2),
            ("padding", 128 - 125),
        ];
        dissect("head-tree", &plain, &parts)
    }
}

fn vault() -> Vault {
    Vault::create(SUITE, core::array::from_fn(|i| u8::try_from(i).expect("there are 32")))
}

/// Entropy for a vault file: file key, salt, the rest unused.
fn entropy() -> [u8; 64] {
    let mut entropy = [0xf1; 64];
    entropy[32..48].fill(0xf2);
    entropy
}

fn vault_open() -> Block {
    let file = vault().lock(None, entropy()).expect("there is memory");
    assert!(Vault::open(SUITE, &file, None).is_ok());
    let parts = [
        ("\"qsvault\" 0", 8),
        ("version", 2),
        ("slots", 1),
        ("kind: opens without passphrase", 1),
        ("length", 2),
        ("salt", 16),
        ("sealed file key", 80),
        ("sealed master", 80),
        ("checksum", 32),
    ];
    dissect("vault-open", &file, &parts)
}

fn vault_passphrase() -> Block {
    let file = vault().lock(Some("correct horse"), entropy()).expect("there is memory");
    let parts = [
        ("\"qsvault\" 0", 8),
        ("version", 2),
        ("slots", 1),
        ("kind: passphrase", 1),
        ("length", 2),
        ("memory, KiB", 4),
        ("passes", 4),
        ("lanes", 4),
        ("salt", 16),
        ("sealed file key", 80),
        ("sealed master", 80),
        ("checksum", 32),
    ];
    dissect("vault-passphrase", &file, &parts)
}

fn words() -> Block {
    Block::new("words").line(&vault().words())
}

//! Whole files sealed without a network: their blobs, and their record byte by byte.

use quantumsync_core::Bytes;
use quantumsync_core::config::Config;
use quantumsync_core::crypto::{Secret, Suite, seal_piece};
use quantumsync_core::record::Version;
use quantumsync_core::vault::{FileDraft, Upload, UploadStep, Vault, file_record, normalise_key};
use serde_json::{Value, json};

use crate::{UNIX_MS, WORDS, hex, named, pattern, token};

const DEVICE: [u8; 32] = [3; 32];

pub(crate) fn cases() -> Value {
    named([
        ("an empty file", sealed("empty", 0, None)),
        ("the largest file that stands in its record", sealed("inline", 16 << 10, None)),
        ("the smallest file of a blob", sealed("folder/file.txt", (16 << 10) + 1, None)),
        (
            "a file of several pieces, and a key that is not in normal form",
            sealed("cafe\u{301}", 6_000_000, None),
        ),
        ("a file that expires", sealed("soon gone", 100, Some(86_400_000))),
    ])
}

fn sealed(key: &str, length: usize, ttl_ms: Option<u64>) -> Value {
    let vault = Vault::from_words(Suite::Real, WORDS).expect("they are words");
    let keys = vault.keys();
    let normal = normalise_key(key).expect("it is a key");
    let mut upload = Upload::new(keys, &Config::default());
    let mut content = Bytes::from(pattern(length, 1));
    let mut blobs = Vec::new();
    loop {
        upload.provide(content.split_to(content.len().min(upload.want()))).expect("it was asked for");
        if content.is_empty() {
            upload.finish().expect("it was not finished before");
        }
        while let Some(step) = upload.poll() {
            match step {
                UploadStep::Seal { slot, dedup_key, payload } => {
                    let piece = seal_piece(Suite::Real, &dedup_key, &payload);
                    upload.sealed(slot, piece).expect("it waits for this");
                }
                UploadStep::Piece { slot, id, bytes } => {
                    blobs.push(json!({ "id": id.to_string(), "length": bytes.len() }));
                    upload.stored(slot).expect("it waits for this");
                }
            }
        }
        if content.is_empty() {
            break;
        }
    }
    let content = upload.result().expect("all is stored");
    let writer = keys.writer_tag(&Secret::new(DEVICE), &keys.name(0, &normal));
    let draft = FileDraft {
        key: &normal,
        since: Version::next(UNIX_MS, Version::ZERO, writer).expect("it is not the end of time"),
        parent: None,
        modified_ms: UNIX_MS - 1000,
        expires: ttl_ms.map_or(0, |ttl| UNIX_MS + ttl),
        content: &content,
    };
    let token = token(&[]);
    let record = file_record(keys, &token.network(Suite::Real), &draft).expect("it fits");
    json!({
        "words": WORDS,
        "token": token.to_text().as_str(),
        "device": hex(&DEVICE),
        "now_ms": UNIX_MS,
        "modified_ms": UNIX_MS - 1000,
        "ttl_ms": ttl_ms,
        "key": key,
        "content": { "length": length, "pattern": 1 },
        "blobs": blobs,
        "record": hex(record.bytes()),
    })
}

//! Records, pins and grants.

use crate::block::{Block, dissect};
use crate::given::{NOW_MS, SUITE, grant, keys, network, version, writer};
use quantumsync_core::crypto::{Part, open_record_part, padded_len};
use quantumsync_core::id::{BlobId, NetworkId};
use quantumsync_core::record::{
    Fields, Header, Kind, PartInfo, Pin, PinBody, Record, verify_pin, verify_record,
};
use quantumsync_core::vault::{Content, FileDraft, file_record, floor_record, pin, tombstone};

pub(crate) const KEY: &str = "notes.txt";

pub(crate) fn blocks() -> Vec<Block> {
    vec![
        tombstone_block(),
        floor_block(),
        file_block(),
        head_block(),
        body_block(),
        granted_block(),
        grant_block(),
        pin_block(),
    ]
}

fn net() -> NetworkId {
    network()
}

pub(crate) fn tombstone_record() -> Record {
    let keys = keys();
    tombstone(&keys, &net(), &keys.name(0, KEY), version(KEY, 1)).expect("within the limits")
}

pub(crate) fn floor() -> Record {
    floor_record(&keys(), &net(), version(KEY, 2), 1).expect("within the limits")
}

/// The file "notes.txt" that says "hello", modified a second before.
pub(crate) fn file() -> Record {
    let content = Content::Inline(b"hello".as_slice().into());
    let draft = FileDraft {
        key: KEY,
        since: version(KEY, 0),
        parent: None,
        modified_ms: NOW_MS - 1000,
        expires: 0,
        content: &content,
    };
    file_record(&keys(), &net(), &draft).expect("within the limits")
}

/// A header's parts up to its optional fields.
fn header_parts() -> Vec<(&'static str, usize)> {
    vec![
        ("length of the header", 2),
        ("\"QSr\", format 1", 4),
        ("owner", 32),
        ("name", 32),
        ("kind", 1),
        ("version", 16),
        ("key epoch", 4),
        ("live objects", 2),
        ("expires", 8),
        ("length of the head", 4),
        ("SHA-256 of the head", 32),
        ("length of the body", 4),
        ("SHA-256 of the body", 32),
    ]
}

fn checked(record: &Record) -> &Record {
    verify_record(SUITE, &net(), record, None).expect("a valid record");
    record
}

fn tombstone_block() -> Block {
    let mut parts = header_parts();
    parts.push(("signature", 64));
    dissect("record-tombstone", checked(&tombstone_record()).bytes(), &parts)
}

fn floor_block() -> Block {
    let mut parts = header_parts();
    parts.extend([
        ("tag: floor", 2),
        ("its length", 4),
        ("floor version", 16),
        ("least grant epoch", 4),
        ("signature", 64),
    ]);
    dissect("record-floor", checked(&floor()).bytes(), &parts)
}

fn file_block() -> Block {
    let record = file();
    let mut parts = header_parts();
    parts.extend([
        ("signature", 64),
        ("sealed head", record.head().len()),
        ("sealed body", record.body().len()),
    ]);
    dissect("record-file", checked(&record).bytes(), &parts)
}

fn plain(part: Part, sealed: &[u8]) -> Vec<u8> {
    let (keys, record) = (keys(), file());
    let key = keys.record_key(&record.header().name, 0);
    open_record_part(SUITE, &key, part, &record.header().sealing_prefix(), sealed).expect("it opens")
}

fn head_block() -> Block {
    let parts = [
        ("format", 1),
        ("length of the key string", 2),
        ("\"notes.txt\"", 9),
        ("size", 8),
        ("modified, ms", 8),
        ("parents", 2),
        ("live objects: none, the content is inline", 2),
        ("length of optional fields", 2),
        ("padding", 128 - 34),
    ];
    dissect("head-plaintext", &plain(Part::Head, &file().head()), &parts)
}

fn body_block() -> Block {
    let len = usize::try_from(padded_len(126)).expect("a short length");
    let parts = [("format, encoding", 2), ("\"hello\"", 5), ("padding", len - 7)];
    dissect("body-plaintext", &plain(Part::Body, &file().body()), &parts)
}

/// A tombstone by another writer, with a file epoch and an unknown field: all optional fields there are.
fn granted_block() -> Block {
    let keys = keys();
    let mut unknown = Fields::default();
    unknown.insert(9, b"note".as_slice().into()).expect("there is room");
    let header = Header {
        owner: keys.owner(),
        name: keys.name(0, KEY),
        kind: Kind::File,
        version: version(KEY, 3),
        key_epoch: 0,
        live: Vec::new(),
        expires: 0,
        head: PartInfo::default(),
        body: PartInfo::default(),
        file_epoch: 1,
        floor: None,
        grant: Some(grant()),
        unknown,
    };
    let record = Record::sign(SUITE, &net(), &writer(), header, &[], &[]).expect("within the limits");
    let mut parts = header_parts();
    parts.extend([
        ("tag: file epoch", 2),
        ("its length", 4),
        ("file epoch", 4),
        ("tag: grant", 2),
        ("its length", 4),
        ("the grant of the block `grant`", 140),
        ("an unknown field: tag 9, 4 bytes", 10),
        ("the writer's signature", 64),
    ]);
    dissect("record-granted", checked(&record).bytes(), &parts)
}

fn grant_block() -> Block {
    let grant = grant();
    Block::new("grant")
        .part("writer", &grant.writer)
        .part("scope: everything", grant.scope.as_bytes())
        .part("epoch", &grant.epoch.to_be_bytes())
        .part("not after, ms", &grant.not_after.to_be_bytes())
        .part("the owner's signature", &grant.signature.0)
}

pub(crate) fn file_pin() -> Pin {
    let keys = keys();
    let (name, since) = (keys.name(0, KEY), version(KEY, 0));
    let object = keys.object_id(&name, &since.to_bytes());
    pin(&keys, &net(), &name, object, since, BlobId([0x0b; 32]), 704)
}

/// The same by the writer with the grant.
pub(crate) fn granted_pin() -> Pin {
    let body = PinBody { grant: Some(grant()), ..file_pin().body().clone() };
    Pin::sign(&net(), &writer(), body)
}

fn pin_block() -> Block {
    let parts = [
        ("\"QSp\", format 1", 4),
        ("owner", 32),
        ("name", 32),
        ("object", 16),
        ("since", 16),
        ("blob", 32),
        ("its length", 4),
        ("tag: grant", 2),
        ("its length", 4),
        ("the grant of the block `grant`", 140),
        ("the writer's signature", 64),
    ];
    let pin = granted_pin();
    verify_pin(SUITE, &net(), &pin, None).expect("a valid pin");
    dissect("pin", pin.bytes(), &parts)
}

//! Building and opening signed records: the vault's words to the world.

use alloc::vec::Vec;
use bytes::Bytes;

use super::head::{body_len, decode_body, encode_body};
use super::{Content, Head, HeadContent, HeadError};
use crate::config::limit;
use crate::crypto::{Part, SpaceKeys, open_record_part, seal_record_part, sealed_part_len};
use crate::id::{BlobId, Name, NetworkId, ObjectId};
use crate::record::{
    Fields, Floor, Header, Kind, LiveObject, PartInfo, Pin, PinBody, Record, SignedError, Version,
};

/// The read epoch that [`SpaceKeys`] has keys of.
const KEY_EPOCH: u32 = 0;

/// What [`file_record`] makes a record of.
#[derive(Clone, Debug)]
pub struct FileDraft<'a> {
    /// The key string, in normal form: see [`normalise_key`](super::normalise_key).
    pub key: &'a str,
    /// The version reserved when the upload began.
    pub since: Version,
    /// The version that this one replaces, if the writer knew one.
    pub parent: Option<Version>,
    /// When the file was modified, in Unix milliseconds.
    pub modified_ms: u64,
    /// Unix milliseconds after which it counts as deleted; 0 for never.
    pub expires: u64,
    /// The content.
    pub content: &'a Content,
}

/// The signed record of a file. Fails only over a limit of the format.
pub fn file_record(
    keys: &SpaceKeys,
    network: &NetworkId,
    draft: &FileDraft<'_>,
) -> Result<Record, SignedError> {
    let name = keys.name(Kind::File as u8, draft.key);
    let mut header = header(keys, Kind::File, name, draft.since);
    header.expires = draft.expires;
    let content = match draft.content {
        Content::Inline(_) => HeadContent::Inline,
        Content::Tree { root, blobs, bytes } => {
            let object = keys.object_id(&name, &draft.since.to_bytes());
            header.live.push(LiveObject { object, bytes: *bytes, blobs: *blobs });
            HeadContent::Tree { object, root: root.clone() }
        }
    };
    let head = Head {
        key: draft.key.into(),
        size: draft.content.size(),
        modified_ms: draft.modified_ms,
        parents: draft.parent.into_iter().collect(),
        content,
    };

    let record_key = keys.record_key(&name, header.file_epoch);
    let prefix = header.sealing_prefix();
    let seal =
        |part, plain: &[u8]| seal_record_part(keys.suite, &record_key, &keys.read.siv, part, &prefix, plain);
    let sealed_head = seal(Part::Head, &head.encode());
    let sealed_body = match draft.content {
        Content::Inline(content) => seal(Part::Body, &encode_body(content)),
        Content::Tree { .. } => Vec::new(),
    };
    Record::sign(keys.suite, network, &keys.sign, header, &sealed_head, &sealed_body)
}

/// The signed record that deletes what is under `name`.
pub fn tombstone(
    keys: &SpaceKeys,
    network: &NetworkId,
    name: &Name,
    version: Version,
) -> Result<Record, SignedError> {
    Record::sign(keys.suite, network, &keys.sign, header(keys, Kind::File, *name, version), &[], &[])
}

/// The signed floor: everything of this owner that is not above `version` is dead.
pub fn floor_record(
    keys: &SpaceKeys,
    network: &NetworkId,
    version: Version,
    grant_epoch: u32,
) -> Result<Record, SignedError> {
    let mut header = header(keys, Kind::Floor, Name::default(), version);
    header.floor = Some(Floor { version, grant_epoch });
    Record::sign(keys.suite, network, &keys.sign, header, &[], &[])
}

/// The signed pin of one blob of an upload.
pub fn pin(
    keys: &SpaceKeys,
    network: &NetworkId,
    name: &Name,
    object: ObjectId,
    since: Version,
    blob: BlobId,
    length: u32,
) -> Pin {
    let body = PinBody { owner: keys.owner(), name: *name, object, since, blob, length, grant: None };
    Pin::sign(network, &keys.sign, body)
}

/// Opens the head of a file's record whose signature was verified. Checks the owner, that the key string inside makes the
/// record's name and, if given, is `expected`, and that header and head agree.
pub fn open_head(keys: &SpaceKeys, record: &Record, expected: Option<&str>) -> Result<Head, HeadError> {
    let header = record.header();
    let head = Head::decode(open_part(keys, record, Part::Head, &record.head())?)?;
    if keys.name(Kind::File as u8, &head.key) != header.name || expected.is_some_and(|key| key != head.key) {
        return Err(HeadError::Name);
    }
    let agree = match (&head.content, header.live.as_slice()) {
        (HeadContent::Inline, []) => {
            head.size <= limit::INLINE as u64
                && header.body.len as usize == sealed_part_len(body_len(head.size as usize))
        }
        (HeadContent::Tree { object, root }, [live]) => {
            *object == live.object
                && *object == keys.object_id(&header.name, &header.version.to_bytes())
                && root.length == head.size
                && header.body.len == 0
        }
        _ => false,
    };
    if agree { Ok(head) } else { Err(HeadError::Mismatch) }
}

/// Opens the body: the content of the inline file that `head`, of the same record, tells of.
pub fn open_body(keys: &SpaceKeys, record: &Record, head: &Head) -> Result<Bytes, HeadError> {
    decode_body(open_part(keys, record, Part::Body, &record.body())?, head.size)
}

/// The header of a record without parts or objects.
fn header(keys: &SpaceKeys, kind: Kind, name: Name, version: Version) -> Header {
    Header {
        owner: keys.owner(),
        name,
        kind,
        version,
        key_epoch: KEY_EPOCH,
        live: Vec::new(),
        expires: 0,
        head: PartInfo::default(),
        body: PartInfo::default(),
        file_epoch: 0,
        floor: None,
        grant: None,
        unknown: Fields::default(),
    }
}

fn open_part(keys: &SpaceKeys, record: &Record, part: Part, sealed: &[u8]) -> Result<Vec<u8>, HeadError> {
    let header = record.header();
    if header.owner != keys.owner() {
        return Err(HeadError::Owner);
    }
    if header.kind != Kind::File || header.key_epoch != KEY_EPOCH {
        return Err(HeadError::Kind);
    }
    if sealed.is_empty() {
        return Err(HeadError::Absent);
    }
    let record_key = keys.record_key(&header.name, header.file_epoch);
    Ok(open_record_part(keys.suite, &record_key, part, &header.sealing_prefix(), sealed)?)
}

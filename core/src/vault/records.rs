//! Building and opening signed records: the vault's words to the world.

use bytes::Bytes;

use super::{Content, Head, HeadError};
use crate::crypto::SpaceKeys;
use crate::id::{BlobId, Name, NetworkId, ObjectId};
use crate::record::{Pin, Record, SignedError, Version};

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
    _keys: &SpaceKeys,
    _network: &NetworkId,
    _draft: &FileDraft<'_>,
) -> Result<Record, SignedError> {
    todo!()
}

/// The signed record that deletes what is under `name`.
pub fn tombstone(
    _keys: &SpaceKeys,
    _network: &NetworkId,
    _name: &Name,
    _version: Version,
) -> Result<Record, SignedError> {
    todo!()
}

/// The signed floor: everything of this owner that is not above `version` is dead.
pub fn floor_record(
    _keys: &SpaceKeys,
    _network: &NetworkId,
    _version: Version,
    _grant_epoch: u32,
) -> Result<Record, SignedError> {
    todo!()
}

/// The signed pin of one blob of an upload.
pub fn pin(
    _keys: &SpaceKeys,
    _network: &NetworkId,
    _name: &Name,
    _object: ObjectId,
    _since: Version,
    _blob: BlobId,
    _length: u32,
) -> Pin {
    todo!()
}

/// Opens the head of a file's record whose signature was verified. Checks the owner, that the key string inside makes the
/// record's name and, if given, is `expected`, and that header and head agree.
pub fn open_head(_keys: &SpaceKeys, _record: &Record, _expected: Option<&str>) -> Result<Head, HeadError> {
    todo!()
}

/// Opens the body: the content of the inline file that `head`, of the same record, tells of.
pub fn open_body(_keys: &SpaceKeys, _record: &Record, _head: &Head) -> Result<Bytes, HeadError> {
    todo!()
}

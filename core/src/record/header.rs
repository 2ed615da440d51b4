//! The signed header of a record.

use super::Version;
use crate::crypto::Signature;
use crate::id::{Name, ObjectId, OwnerId};
use alloc::vec::Vec;
use bytes::Bytes;

/// What a record is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// A file.
    File = 0,
    /// The owner's floor: everything below it is dead. Name 0…0.
    Floor = 1,
    // 2 grant, 3 device head, 4 successor, 5 profile: reserved.
}

/// An object that a record still wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LiveObject {
    /// Its id.
    pub object: ObjectId,
    /// Its padded bytes, over all blobs.
    pub bytes: u64,
    /// How many blobs it has, manifest included.
    pub blobs: u32,
}

/// Length and SHA-256 of a sealed part; both zero if there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PartInfo {
    /// Bytes.
    pub len: u32,
    /// SHA-256 of them.
    pub hash: [u8; 32],
}

/// Field of a floor record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Floor {
    /// Records and `since`s of the owner that are not above this are dead.
    pub version: Version,
    /// Grants of a lower epoch are void.
    pub grant_epoch: u32,
}

/// The owner's leave for another key to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grant {
    /// The writer's Ed25519 public key.
    pub writer: [u8; 32],
    /// What it may write: 0…0 everything of the owner, else one name.
    pub scope: Name,
    /// Void once the floor's grant epoch is above this.
    pub epoch: u32,
    /// Unix milliseconds; 0 for no end. Compared with the version's milliseconds.
    pub not_after: u64,
    /// The owner's, over the four fields before it.
    pub signature: Signature,
}

/// An optional field that this version does not know: kept, and covered by the signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownField {
    /// Its tag.
    pub tag: u16,
    /// Its bytes.
    pub value: Bytes,
}

/// A record's header, in the order of its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// Whose.
    pub owner: OwnerId,
    /// Under which name.
    pub name: Name,
    /// What for.
    pub kind: Kind,
    /// Which version.
    pub version: Version,
    /// The read epoch of the keys that sealed the parts.
    pub key_epoch: u32,
    /// The objects still wanted, in the order of their ids; empty, without a body, is a tombstone.
    pub live: Vec<LiveObject>,
    /// Unix milliseconds after which it counts as deleted; 0 for never.
    pub expires: u64,
    /// The sealed head.
    pub head: PartInfo,
    /// The sealed body of an inline file.
    pub body: PartInfo,
    /// The file epoch (optional field; 0 if it is not there).
    pub file_epoch: u32,
    /// Of a floor record (optional field).
    pub floor: Option<Floor>,
    /// Of a record that another than the owner signed (optional field).
    pub grant: Option<Grant>,
    /// The rest, in the order of their tags.
    pub unknown: Vec<UnknownField>,
}

impl Header {
    /// True if nothing is under this name any more.
    pub fn is_tombstone(&self) -> bool {
        self.live.is_empty() && self.head.len == 0 && self.body.len == 0
    }
    /// The header's bytes before the parts' lengths and hashes: what sealing a part authenticates.
    pub fn sealing_prefix(&self) -> Vec<u8> {
        todo!()
    }
}

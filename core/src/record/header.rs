//! The signed header of a record.

use alloc::vec::Vec;
use bytes::Bytes;

use super::{Fields, Grant, SignedError, Version};
use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::id::{Name, ObjectId, OwnerId};

/// The first bytes of a header: what it is, and the format's version.
const MAGIC: [u8; 4] = *b"QSr\x01";
/// The name of floor records, and of no other.
const NO_NAME: Name = Name([0; 32]);

mod tag {
    pub(super) const FILE_EPOCH: u16 = 1;
    pub(super) const FLOOR: u16 = 2;
    pub(super) const GRANT: u16 = super::super::grant::TAG;
    pub(super) const ALL: [u16; 3] = [FILE_EPOCH, FLOOR, GRANT];
}

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
    /// Records and `since`s of the owner that are not above this are dead. Not above the record's own version.
    pub version: Version,
    /// Grants of a lower epoch are void.
    pub grant_epoch: u32,
}

/// A record's header, in the order of its bytes.
///
/// A floor record has name 0…0 and the field `floor`, never expires, lists no object, has no parts and no
/// file epoch, and is signed by the owner; a record of another kind has a name and no field `floor`.
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
    /// The objects still wanted, in the order of their ids; empty, without parts, is a tombstone.
    /// At most [`limit::LIVE`].
    pub live: Vec<LiveObject>,
    /// Unix milliseconds after which it counts as deleted; 0 for never.
    pub expires: u64,
    /// The sealed head.
    pub head: PartInfo,
    /// The sealed body of an inline file; only beside a head.
    pub body: PartInfo,
    /// The file epoch (optional field; 0 if it is not there).
    pub file_epoch: u32,
    /// Of a floor record (optional field).
    pub floor: Option<Floor>,
    /// Of a record that another than the owner signed (optional field).
    pub grant: Option<Grant>,
    /// Optional fields that this version does not know: none with a tag of the three above.
    pub unknown: Fields,
}

impl Header {
    /// True if nothing is under this name any more.
    pub fn is_tombstone(&self) -> bool {
        self.live.is_empty() && self.head.len == 0 && self.body.len == 0
    }

    /// The header's bytes before the parts' lengths and hashes: what sealing a part authenticates.
    pub fn sealing_prefix(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(256);
        self.encode_prefix(&mut out);
        out.freeze().into()
    }

    /// The bytes that are signed; an error says why such a header may not be.
    pub(super) fn encode(&self) -> Result<Bytes, SignedError> {
        self.check()?;
        let mut out = Writer::with_capacity(256);
        self.encode_prefix(&mut out);
        for part in [&self.head, &self.body] {
            out.u32(part.len);
            out.raw(&part.hash);
        }
        self.fields()?.encode(&mut out);
        Ok(out.freeze())
    }

    /// Reads a header that fills `bytes`, in its one canonical form.
    pub(super) fn decode(bytes: Bytes) -> Result<Self, SignedError> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != MAGIC {
            return Err(SignedError::Unknown);
        }
        let owner = OwnerId(reader.array()?);
        let name = Name(reader.array()?);
        let kind = match reader.u8()? {
            0 => Kind::File,
            1 => Kind::Floor,
            _ => return Err(SignedError::Unknown),
        };
        let version = Version::decode(&mut reader)?;
        let key_epoch = reader.u32()?;
        let count = reader.count(limit::LIVE)?;
        let live = (0..count).map(|_| LiveObject::decode(&mut reader)).collect::<Result<_, _>>()?;
        let expires = reader.u64()?;
        let head = PartInfo { len: reader.u32()?, hash: reader.array()? };
        let body = PartInfo { len: reader.u32()?, hash: reader.array()? };
        let mut fields = Fields::decode(reader)?;
        let header = Self {
            owner,
            name,
            kind,
            version,
            key_epoch,
            live,
            expires,
            head,
            body,
            file_epoch: decode_file_epoch(fields.take(tag::FILE_EPOCH))?,
            floor: fields.take(tag::FLOOR).map(Floor::decode).transpose()?,
            grant: fields.take(tag::GRANT).map(Grant::decode).transpose()?,
            unknown: fields,
        };
        header.check()?;
        Ok(header)
    }

    fn encode_prefix(&self, out: &mut Writer) {
        out.raw(&MAGIC);
        out.raw(self.owner.as_bytes());
        out.raw(self.name.as_bytes());
        out.u8(self.kind as u8);
        out.raw(&self.version.to_bytes());
        out.u32(self.key_epoch);
        let count = out.count(self.live.len(), limit::LIVE);
        for live in self.live.iter().take(count) {
            out.raw(live.object.as_bytes());
            out.u64(live.bytes);
            out.u32(live.blobs);
        }
        out.u64(self.expires);
    }

    /// All optional fields, known and unknown.
    fn fields(&self) -> Result<Fields, SignedError> {
        let mut fields = self.unknown.clone();
        if self.file_epoch != 0 {
            fields.insert(tag::FILE_EPOCH, Bytes::copy_from_slice(&self.file_epoch.to_be_bytes()))?;
        }
        if let Some(floor) = &self.floor {
            fields.insert(tag::FLOOR, floor.encode())?;
        }
        if let Some(grant) = &self.grant {
            fields.insert(tag::GRANT, grant.encode())?;
        }
        Ok(fields)
    }

    /// Everything that holds for each header, whether it is to be signed or was read.
    fn check(&self) -> Result<(), SignedError> {
        let parts = [&self.head, &self.body];
        if self.live.len() > limit::LIVE || parts.iter().any(|part| part.len as usize > limit::RECORD) {
            return Err(SignedError::Limit);
        }
        let rising = self.live.is_sorted_by(|a, b| a.object < b.object);
        let parts_canonical = parts.iter().all(|part| part.len != 0 || part.hash == [0; 32]);
        let body_beside_head = self.body.len == 0 || self.head.len != 0;
        let known_once = tag::ALL.iter().all(|tag| self.unknown.get(*tag).is_none());
        if !(rising && parts_canonical && body_beside_head && known_once) {
            return Err(SignedError::Malformed);
        }
        match (self.kind, &self.floor) {
            (Kind::File, None) if self.name != NO_NAME => Ok(()),
            (Kind::Floor, Some(floor)) => self.check_floor(floor),
            _ => Err(SignedError::Malformed),
        }
    }

    fn check_floor(&self, floor: &Floor) -> Result<(), SignedError> {
        if self.grant.is_some() {
            return Err(SignedError::Grant);
        }
        let bare = self.is_tombstone() && self.expires == 0 && self.file_epoch == 0;
        if bare && self.name == NO_NAME && floor.version <= self.version {
            Ok(())
        } else {
            Err(SignedError::Malformed)
        }
    }
}

impl Version {
    pub(super) fn decode(reader: &mut Reader) -> Result<Self, SignedError> {
        Self::from_bytes(reader.array()?).ok_or(SignedError::Malformed)
    }
}

impl LiveObject {
    fn decode(reader: &mut Reader) -> Result<Self, SignedError> {
        Ok(Self { object: ObjectId(reader.array()?), bytes: reader.u64()?, blobs: reader.u32()? })
    }
}

impl Floor {
    fn encode(&self) -> Bytes {
        let mut out = Writer::with_capacity(20);
        out.raw(&self.version.to_bytes());
        out.u32(self.grant_epoch);
        out.freeze()
    }

    fn decode(value: Bytes) -> Result<Self, SignedError> {
        let mut reader = Reader::new(value);
        let floor = Self { version: Version::decode(&mut reader)?, grant_epoch: reader.u32()? };
        if reader.rest().is_empty() { Ok(floor) } else { Err(SignedError::Malformed) }
    }
}

/// The epoch 0 is told by leaving the field out, and in no other way.
fn decode_file_epoch(value: Option<Bytes>) -> Result<u32, SignedError> {
    let Some(value) = value else { return Ok(0) };
    let bytes = <[u8; 4]>::try_from(&value[..]).map_err(|_| SignedError::Malformed)?;
    match u32::from_be_bytes(bytes) {
        0 => Err(SignedError::Malformed),
        epoch => Ok(epoch),
    }
}

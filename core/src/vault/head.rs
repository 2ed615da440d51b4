//! The plaintext of a record's two sealed parts: head and body.

//!
//! ```text
//! head = format u8 = 1 ‖ length u16 ‖ key string ‖ size u64 ‖ modified ms u64 ‖ count u16 ‖ parent version 16 × count
//!        ‖ count u16 ‖ live object × count ‖ length u16 ‖ optional fields ‖ zeros to the next multiple of 128
//! live object = ObjectId 16 ‖ BlobId 32 ‖ key 32 ‖ level u8 ‖ length u64 ‖ pieces u32     none: the content is inline
//! body = format u8 = 1 ‖ encoding u8 = 0 ‖ content ‖ zeros to the padded length
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;
use thiserror::Error;

use super::{Root, normalise_key};
use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::crypto::{OpenError, Secret, padded_len};
use crate::error::{MalformedMessage, OpError};
use crate::id::{BlobId, ObjectId};
use crate::record::Version;

const HEAD_FORMAT: u8 = 1;
/// Heads are a multiple of this long: tells little of the key's length.
const HEAD_STEP: usize = 128;
/// Parents of one version: more devices than write one key at once.
const MAX_PARENTS: usize = 8;
const BODY_HEADER: [u8; 2] = [1, 0];
/// The least content that a body is padded for.
const BODY_LEAST: usize = 126;

/// The content of a file as an upload leaves it.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// At most 16 KiB: stands in the record itself.
    Inline(Bytes),
    /// Pieces under a tree.
    Tree {
        /// Where it begins.
        root: Root,
        /// Blobs of the object, manifest included; equal pieces count each time.
        blobs: u32,
        /// Their padded bytes.
        bytes: u64,
    },
}

impl Content {
    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        match self {
            Self::Inline(bytes) => bytes.len() as u64,
            Self::Tree { root, .. } => root.length,
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(bytes) => write!(f, "Inline({} bytes)", bytes.len()),
            Self::Tree { root, blobs, .. } => write!(f, "Tree({} bytes in {blobs} blobs)", root.length),
        }
    }
}

/// Where the content is, as a head tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HeadContent {
    /// In the record's body: see [`open_body`](super::open_body).
    Inline,
    /// In the pieces of this object.
    Tree {
        /// The object.
        object: ObjectId,
        /// Where its tree begins.
        root: Root,
    },
}

/// What a record's head says.
#[derive(Clone, PartialEq, Eq)]
pub struct Head {
    /// The key string, in normal form.
    pub key: String,
    /// Bytes of the file.
    pub size: u64,
    /// When the file was modified, in Unix milliseconds, as its writer says.
    pub modified_ms: u64,
    /// The versions that the writer replaced; one, or none for a new key.
    pub parents: Vec<Version>,
    /// Where the content is.
    pub content: HeadContent,
}

/// Why a record does not open for this vault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum HeadError {
    /// Of another owner.
    #[error("the record is of another owner")]
    Owner,
    /// Not the record of a file, or sealed under an epoch that this vault has no keys of.
    #[error("the record is of a kind or epoch that this vault does not open")]
    Kind,
    /// The part is not there: a tombstone, a stub, or a row of a list.
    #[error("this part of the record is not here")]
    Absent,
    /// The part's seal is broken, or it is of another key.
    #[error("the record does not open: {0}")]
    Seal(#[from] OpenError),
    /// It opens, to something that no writer of this version makes.
    #[error("what is inside the record is malformed or of an unknown format")]
    Format,
    /// The key string inside does not make the record's name, or is not the one asked for.
    #[error("the record is not the one of this key")]
    Name,
    /// Header and head tell of different contents.
    #[error("the record's header and head do not agree")]
    Mismatch,
}

impl From<MalformedMessage> for HeadError {
    fn from(_: MalformedMessage) -> Self {
        Self::Format
    }
}

/// A part that is not there is a miss; one that is there and does not open is of other keys.
impl From<HeadError> for OpError {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::Absent => Self::Missing,
            HeadError::Owner
            | HeadError::Kind
            | HeadError::Seal(_)
            | HeadError::Format
            | HeadError::Name
            | HeadError::Mismatch => Self::WrongKey,
        }
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Head({} bytes, {:?})", self.size, self.content)
    }
}

impl Head {
    /// The plaintext of a sealed head.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(4 * HEAD_STEP);
        out.u8(HEAD_FORMAT);
        out.bytes16(self.key.as_bytes());
        out.u64(self.size);
        out.u64(self.modified_ms);
        let parents = out.count(self.parents.len(), MAX_PARENTS);
        self.parents.iter().take(parents).for_each(|parent| out.raw(&parent.to_bytes()));
        match &self.content {
            HeadContent::Inline => out.u16(0),
            HeadContent::Tree { object, root } => {
                out.u16(1);
                out.raw(object.as_bytes());
                out.raw(root.id.as_bytes());
                out.raw(root.key.expose());
                out.u8(root.level);
                out.u64(root.length);
                out.u32(root.pieces);
            }
        }
        out.bytes16(&[]);
        let mut plain = Vec::from(out.freeze());
        plain.resize(plain.len().next_multiple_of(HEAD_STEP), 0);
        plain
    }

    /// Reads what [`encode`](Self::encode) or a later version, with fields of its own, made.
    pub(super) fn decode(plain: Vec<u8>) -> Result<Self, HeadError> {
        let len = plain.len();
        let mut reader = Reader::new(plain.into());
        if reader.u8()? != HEAD_FORMAT {
            return Err(HeadError::Format);
        }
        let key = reader.bytes16(limit::KEY)?;
        let key = core::str::from_utf8(&key).map_err(|_| HeadError::Format)?;
        if normalise_key(key).as_deref() != Ok(key) {
            return Err(HeadError::Format);
        }
        let size = reader.u64()?;
        let modified_ms = reader.u64()?;
        let parents = (0..reader.count(MAX_PARENTS)?)
            .map(|_| Version::from_bytes(reader.array()?).ok_or(HeadError::Format))
            .collect::<Result<_, _>>()?;
        let content = match reader.count(1)? {
            0 => HeadContent::Inline,
            _ => HeadContent::Tree { object: ObjectId(reader.array()?), root: root(&mut reader)? },
        };
        Reader::new(reader.bytes16(limit::FIELDS)?).finish()?;
        let padding = reader.rest();
        if !len.is_multiple_of(HEAD_STEP) || padding.len() >= HEAD_STEP || padding.iter().any(|&b| b != 0) {
            return Err(HeadError::Format);
        }
        Ok(Self { key: key.into(), size, modified_ms, parents, content })
    }
}

fn root(reader: &mut Reader) -> Result<Root, HeadError> {
    Ok(Root {
        id: BlobId(reader.array()?),
        key: Secret::new(reader.array()?),
        level: reader.u8()?,
        length: reader.u64()?,
        pieces: reader.u32()?,
    })
}

/// Length of the plaintext of a sealed body with this much content.
pub(super) fn body_len(content: usize) -> usize {
    padded_len(content.max(BODY_LEAST) as u32) as usize
}

/// The plaintext of a sealed body.
pub(super) fn encode_body(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body_len(content.len()));
    out.extend_from_slice(&BODY_HEADER);
    out.extend_from_slice(content);
    out.resize(body_len(content.len()), 0);
    out
}

/// The content of a body of this size.
pub(super) fn decode_body(plain: Vec<u8>, size: u64) -> Result<Bytes, HeadError> {
    if size > limit::INLINE as u64 {
        return Err(HeadError::Mismatch);
    }
    let size = size as usize;
    let end = BODY_HEADER.len() + size;
    if plain.len() != body_len(size) || plain[..2] != BODY_HEADER || plain[end..].iter().any(|&b| b != 0) {
        return Err(HeadError::Format);
    }
    Ok(Bytes::from(plain).slice(BODY_HEADER.len()..end))
}

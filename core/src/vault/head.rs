//! The plaintext of a record's two sealed parts: head and body.

use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use thiserror::Error;

use super::Root;
use crate::crypto::OpenError;
use crate::id::ObjectId;
use crate::record::Version;

/// The content of a file as an upload leaves it.
#[derive(Clone, PartialEq, Eq, Debug)]
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
#[derive(Clone, PartialEq, Eq, Debug)]
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

//! The manifest: a tree of fixed fan-out over the pieces of a file.
//!
//! The number of pieces alone decides the tree's shape. Pieces are level 0; a node of level n has children of level n − 1,
//! [`FAN_OUT`] of them except in the last node of a level; the root is the lowest level that has one node, so the root of a
//! file of one piece is that piece. A node's payload is
//! `level u8 ‖ children u16 ‖ (BlobId 32 ‖ key 32 ‖ length u64) × children`, `length` being the bytes of the file below.

use alloc::vec::Vec;
use bytes::{BufMut as _, Bytes};
use thiserror::Error;

use crate::config::limit;
use crate::crypto::{OpenError, Secret};
use crate::id::BlobId;

/// Children of a full node.
pub const FAN_OUT: u32 = 256;

/// Why a stored tree is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ManifestError {
    /// A blob does not open.
    #[error("a blob of the file does not open: {0}")]
    Open(#[from] OpenError),
    /// The root's level is not that of its number of pieces, or is over the limit.
    #[error("the root of the file's tree has a wrong level")]
    Root,
    /// A node is of another level than its place.
    #[error("a node of the file's tree has a wrong level")]
    Level,
    /// A node has another number of children than its place.
    #[error("a node of the file's tree has a wrong number of children")]
    FanOut,
    /// A length is zero, too large for what is below it, or the lengths do not add up.
    #[error("the lengths in the file's tree do not add up")]
    Length,
    /// A range outside the file.
    #[error("the range is not inside the file")]
    Range,
    /// An answer for a slot that waits for none.
    #[error("an answer for a slot that does not wait for it")]
    Slot,
}

/// Where a tree begins; stands in the sealed head of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Root {
    /// The root's blob.
    pub id: BlobId,
    /// Opens it.
    pub key: Secret<32>,
    /// Its level: 0 if it is the only piece.
    pub level: u8,
    /// Bytes of the file.
    pub length: u64,
    /// Pieces of the file.
    pub pieces: u32,
}

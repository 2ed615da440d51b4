//! The manifest: a tree of fixed fan-out over the pieces of a file.
//!
//! The number of pieces alone decides the tree's shape. Pieces are level 0; a node of level n has children of level
//! n − 1, [`FAN_OUT`] of them but in the last node of a level; the root is the lowest level that has one node, so the
//! root of a file of one piece is that piece. A node's payload is
//! `level u8 ‖ children u16 ‖ (BlobId 32 ‖ key 32 ‖ length u64) × children`, each length the bytes of the file below.

use alloc::vec::Vec;
use bytes::Bytes;
use thiserror::Error;

use crate::config::limit;
use crate::crypto::{OpenError, Secret, padded_len};
use crate::id::BlobId;

/// Children of a full node: a node is one small blob, and 4 GiB have two levels of them.
pub const FAN_OUT: u32 = 256;

/// Bytes of a node before its children.
pub(super) const NODE_HEADER: usize = 3;
/// Bytes of a child.
pub(super) const CHILD: usize = 32 + 32 + 8;

/// Why a stored tree is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ManifestError {
    /// A blob does not open.
    #[error("a blob of the file does not open: {0}")]
    Open(#[from] OpenError),
    /// The root is not that of a tree of so many pieces and bytes.
    #[error("the root of the file's tree has an impossible level, number of pieces or length")]
    Root,
    /// A node is of another level than its place.
    #[error("a node of the file's tree has a wrong level")]
    Level,
    /// A node has another number of children than its place.
    #[error("a node of the file's tree has a wrong number of children")]
    FanOut,
    /// A length is impossible for what is below it, or the lengths do not add up.
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

/// A place in a tree: what is known of a node or piece before its blob is there.
#[derive(Clone, Debug)]
pub(super) struct NodeRef {
    pub(super) id: BlobId,
    pub(super) key: Secret<32>,
    pub(super) level: u8,
    /// Where what is below it begins in the file.
    pub(super) offset: u64,
    /// Bytes of the file below it.
    pub(super) length: u64,
    /// Pieces below it.
    pieces: u32,
}

impl NodeRef {
    /// The place of a root, if there is a tree of this form.
    pub(super) fn root(root: Root) -> Result<Self, ManifestError> {
        if root.level != level_of(root.pieces) || !possible(root.length, root.pieces) {
            return Err(ManifestError::Root);
        }
        let Root { id, key, level, length, pieces } = root;
        Ok(Self { id, key, level, offset: 0, length, pieces })
    }

    /// Length of the blob's payload.
    pub(super) fn plain_len(&self) -> u32 {
        match self.children() {
            // A piece of possible length fits.
            0 => self.length as u32,
            count => (NODE_HEADER + CHILD * count as usize) as u32,
        }
    }

    /// Length of the blob.
    pub(super) fn blob_len(&self) -> u32 {
        padded_len(self.plain_len())
    }

    /// Where what is below it ends in the file.
    pub(super) const fn end(&self) -> u64 {
        self.offset + self.length
    }

    /// Reads the opened payload of a node: its children, if they are what this place must have.
    pub(super) fn expand(&self, payload: &[u8]) -> Result<Vec<Self>, ManifestError> {
        let Some((header, children)) = payload.split_first_chunk::<NODE_HEADER>() else {
            return Err(ManifestError::FanOut);
        };
        if header[0] != self.level {
            return Err(ManifestError::Level);
        }
        let count = self.children();
        let told = u32::from(u16::from_be_bytes([header[1], header[2]]));
        if told != count || children.len() != CHILD * count as usize {
            return Err(ManifestError::FanOut);
        }

        let full = FAN_OUT.saturating_pow(u32::from(self.level) - 1);
        let mut nodes = Vec::with_capacity(count as usize);
        let (mut offset, mut pieces_left) = (self.offset, self.pieces);
        for child in children.as_chunks::<CHILD>().0 {
            let (id, rest) = child.split_at(32);
            let (key, length) = rest.split_at(32);
            let length = u64::from_be_bytes(array(length));
            let pieces = full.min(pieces_left);
            if !possible(length, pieces) {
                return Err(ManifestError::Length);
            }
            let key = Secret::new(array(key));
            nodes.push(Self { id: BlobId(array(id)), key, level: self.level - 1, offset, length, pieces });
            // The offset stays far below 2^64: see `possible`.
            offset += length;
            pieces_left -= pieces;
        }
        if offset == self.end() { Ok(nodes) } else { Err(ManifestError::Length) }
    }

    /// How many children its node has; 0 for a piece.
    fn children(&self) -> u32 {
        match self.level {
            0 => 0,
            level => self.pieces.div_ceil(FAN_OUT.saturating_pow(u32::from(level) - 1)),
        }
    }
}

/// Exactly `N` bytes; callers cut them so.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}

/// True if so many pieces can have so many bytes. 2^32 pieces have less than 2^54 bytes, so sums of such lengths never
/// overflow.
fn possible(length: u64, pieces: u32) -> bool {
    pieces > 0 && length >= u64::from(pieces) && length <= u64::from(pieces) * limit::PIECE as u64
}

/// The level of the root over so many pieces: at most 4, for 2^32.
pub(super) fn level_of(pieces: u32) -> u8 {
    let (mut level, mut nodes) = (0, pieces);
    while nodes > 1 {
        nodes = nodes.div_ceil(FAN_OUT);
        level += 1;
    }
    level
}

/// A sealed node or piece, as its parent will name it.
pub(super) struct Child {
    pub(super) id: BlobId,
    pub(super) key: Secret<32>,
    pub(super) length: u64,
}

/// The payload of a node of this level over these children, at most [`FAN_OUT`].
pub(super) fn node_payload(level: u8, children: &[Child]) -> Bytes {
    let mut payload = Vec::with_capacity(NODE_HEADER + CHILD * children.len());
    payload.push(level);
    payload.extend_from_slice(&(children.len() as u16).to_be_bytes());
    for child in children {
        payload.extend_from_slice(child.id.as_bytes());
        payload.extend_from_slice(child.key.expose());
        payload.extend_from_slice(&child.length.to_be_bytes());
    }
    payload.into()
}

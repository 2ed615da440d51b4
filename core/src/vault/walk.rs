//! Naming the blobs of a stored tree, for a new pass of pins: fetches the nodes of the manifest, never a piece.

use bytes::Bytes;

use super::{ManifestError, Root};
use crate::crypto::{OpenError, Secret};
use crate::id::BlobId;

/// What a walk wants done or tells.
#[derive(Clone, Debug)]
pub enum WalkStep {
    /// Get this node; answer [`PieceWalk::fetched`].
    Fetch {
        /// Names it in its answer.
        slot: u64,
        /// Its id.
        id: BlobId,
        /// Its bytes.
        len: u32,
    },
    /// Check and open this node (`Job::OpenPiece`); answer [`PieceWalk::opened`].
    Open {
        /// Names it in its answer.
        slot: u64,
        /// Its id.
        id: BlobId,
        /// Opens it.
        key: Secret<32>,
        /// What was fetched.
        blob: Bytes,
        /// The length of its payload.
        plain_len: u32,
    },
    /// A blob of the tree: node or piece.
    Blob {
        /// Its id.
        id: BlobId,
        /// Its padded bytes.
        len: u32,
    },
    /// Every blob was told; nothing follows.
    Done,
}

/// One walk over a tree, in order, with constant memory. It goes on only as it is polled.
pub struct PieceWalk {}

impl PieceWalk {
    /// A walk over the tree of this root.
    pub fn new(_root: Root) -> Result<Self, ManifestError> {
        todo!()
    }
    /// The next thing to do or to know; `None` while an answer is awaited.
    pub fn poll(&mut self) -> Option<WalkStep> {
        todo!()
    }
    /// A node came.
    pub fn fetched(&mut self, _slot: u64, _blob: Bytes) -> Result<(), ManifestError> {
        todo!()
    }
    /// A node was opened; errors as in [`Download::opened`](super::Download::opened).
    pub fn opened(&mut self, _slot: u64, _result: Result<Bytes, OpenError>) -> Result<(), ManifestError> {
        todo!()
    }
}

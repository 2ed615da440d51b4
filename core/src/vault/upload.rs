//! One streaming upload: cuts, seals, builds the tree, and holds no more than its window.

use bytes::Bytes;
use thiserror::Error;

use super::Content;
use crate::config::Config;
use crate::crypto::{SealedPiece, Secret, SpaceKeys};
use crate::id::BlobId;

/// What an upload wants done.
#[derive(Clone, Debug)]
pub enum UploadStep {
    /// Seal this payload (`Job::SealPiece`); answer [`Upload::sealed`].
    Seal {
        /// Names the piece in its answer.
        slot: u64,
        /// The fingerprint key.
        dedup_key: Secret<32>,
        /// The piece, or the node of the manifest.
        payload: Bytes,
    },
    /// Make this blob durable; answer [`Upload::stored`].
    Piece {
        /// Names the piece in its answer.
        slot: u64,
        /// The blob's id.
        id: BlobId,
        /// The blob.
        bytes: Bytes,
    },
}

/// Why an upload does not take a call. The call had no effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum UploadError {
    /// More bytes than [`Upload::want`] said.
    #[error("more bytes than the upload asked for")]
    TooMuch,
    /// Bytes after the end.
    #[error("the upload was finished before")]
    Finished,
    /// An answer for a slot that waits for none.
    #[error("an answer for a slot that does not wait for it")]
    Slot,
    /// The file is larger than the format allows.
    #[error("the file is larger than the format allows")]
    TooLarge,
}

/// One file on its way in. Pieces may be sealed and stored in any order.
pub struct Upload {}

impl Upload {
    /// An upload under these keys, within the limits of `config`.
    pub fn new(_keys: &SpaceKeys, _config: &Config) -> Self {
        todo!()
    }
    /// How many bytes it takes now; 0 while its window is full, and after the end.
    pub fn want(&self) -> usize {
        todo!()
    }
    /// The next bytes of the file, at most [`want`](Self::want).
    pub fn provide(&mut self, _bytes: Bytes) -> Result<(), UploadError> {
        todo!()
    }
    /// The file ends here.
    pub fn finish(&mut self) -> Result<(), UploadError> {
        todo!()
    }
    /// The next thing to do; `None` until the next call of another method.
    pub fn poll(&mut self) -> Option<UploadStep> {
        todo!()
    }
    /// A piece was sealed.
    pub fn sealed(&mut self, _slot: u64, _piece: SealedPiece) -> Result<(), UploadError> {
        todo!()
    }
    /// A piece is durable where it has to be.
    pub fn stored(&mut self, _slot: u64) -> Result<(), UploadError> {
        todo!()
    }
    /// Bytes provided so far.
    pub fn received(&self) -> u64 {
        todo!()
    }
    /// The content, once the file has ended and every piece is stored.
    pub fn result(&self) -> Option<Content> {
        todo!()
    }
}

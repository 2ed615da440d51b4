//! Naming the blobs of a stored tree, for a new pass of pins: fetches the nodes of the manifest, never a piece.

use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

use super::manifest::NodeRef;
use super::{ManifestError, Root};
use crate::crypto::{OpenError, Secret};
use crate::id::BlobId;

/// What a walk wants done or tells. No piece passes through it.
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
pub struct PieceWalk {
    /// What is left of each level, the lowest last.
    left: Vec<vec::IntoIter<NodeRef>>,
    /// The node that is to be expanded next.
    node: Option<(NodeRef, Progress)>,
    next_slot: u64,
    ended: bool,
}

enum Progress {
    Told,
    Fetching,
    Fetched(Bytes),
    Opening,
}

impl PieceWalk {
    /// A walk over the tree of this root.
    pub fn new(root: Root) -> Result<Self, ManifestError> {
        let left = vec![vec![NodeRef::root(root)?].into_iter()];
        Ok(Self { left, node: None, next_slot: 0, ended: false })
    }

    /// The next thing to do or to know; `None` while an answer is awaited, and after the end.
    pub fn poll(&mut self) -> Option<WalkStep> {
        if self.ended {
            return None;
        }
        let Some((place, progress)) = &mut self.node else { return self.tell() };
        match core::mem::replace(progress, Progress::Opening) {
            Progress::Told => {
                *progress = Progress::Fetching;
                Some(WalkStep::Fetch { slot: self.next_slot, id: place.id, len: place.blob_len() })
            }
            Progress::Fetched(blob) => {
                let (id, key, plain_len) = (place.id, place.key.clone(), place.plain_len());
                Some(WalkStep::Open { slot: self.next_slot, id, key, blob, plain_len })
            }
            waiting => {
                *progress = waiting;
                None
            }
        }
    }

    /// A node came.
    pub fn fetched(&mut self, slot: u64, blob: Bytes) -> Result<(), ManifestError> {
        match &mut self.node {
            Some((place, progress @ Progress::Fetching)) if slot == self.next_slot => {
                if blob.len() != place.blob_len() as usize {
                    return Err(OpenError::Hash.into());
                }
                *progress = Progress::Fetched(blob);
                Ok(())
            }
            _ => Err(ManifestError::Slot),
        }
    }

    /// A node was opened; errors as in [`Download::opened`](super::Download::opened).
    pub fn opened(&mut self, slot: u64, result: Result<Bytes, OpenError>) -> Result<(), ManifestError> {
        let Some((place, progress @ Progress::Opening)) = &mut self.node else {
            return Err(ManifestError::Slot);
        };
        if slot != self.next_slot {
            return Err(ManifestError::Slot);
        }
        let payload = result.inspect_err(|_| *progress = Progress::Fetching)?;
        let children = place.expand(&payload).inspect_err(|_| self.ended = true)?;
        self.left.push(children.into_iter());
        self.node = None;
        self.next_slot += 1;
        Ok(())
    }

    /// Names the next blob, and keeps it for expansion if it is a node.
    fn tell(&mut self) -> Option<WalkStep> {
        while let Some(level) = self.left.last_mut() {
            let Some(place) = level.next() else {
                self.left.pop();
                continue;
            };
            let step = WalkStep::Blob { id: place.id, len: place.blob_len() };
            if place.level > 0 {
                self.node = Some((place, Progress::Told));
            }
            return Some(step);
        }
        self.ended = true;
        Some(WalkStep::Done)
    }
}

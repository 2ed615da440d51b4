//! A new pass over a stored tree: every blob of it is pinned under a new reservation.

use super::context::{Context, Stop, refused};
use super::place::{MAX_PENDING, Placer};
use super::requests::RequestId;
use crate::crypto::OpenError;
use crate::error::{OpError, PeerFault};
use crate::id::BlobId;
use crate::job::Job;
use crate::vault::{PieceWalk, Root, WalkStep};
use crate::wire::{ErrorCode, Request, Response};
use bytes::Bytes;

/// Copies of one node of the tree that are tried.
const MAX_TRIES: u32 = 3;

/// A node of the tree that the walk needs.
#[derive(Clone, Copy)]
struct Node {
    slot: u64,
    id: BlobId,
    len: u32,
}

/// The walk, and what it waits for.
pub(super) struct Pass {
    walk: PieceWalk,
    node: Option<Node>,
    fetching: Option<RequestId>,
    next_slot: u64,
    tries: u32,
    walked: bool,
}

impl Pass {
    pub(super) fn new(root: Root) -> Result<Self, OpError> {
        let walk = PieceWalk::new(root).map_err(|_| OpError::Conflict)?;
        Ok(Self { walk, node: None, fetching: None, next_slot: 0, tries: 0, walked: false })
    }

    /// Hands blobs on to `placer`; `true` when every blob is durable.
    pub(super) fn go_on(&mut self, cx: &mut Context<'_>, placer: &mut Placer) -> Result<bool, OpError> {
        while !self.walked && placer.pending() < MAX_PENDING {
            match self.walk.poll() {
                Some(WalkStep::Fetch { slot, id, len }) => {
                    self.node = Some(Node { slot, id, len });
                    self.fetch(cx);
                }
                Some(WalkStep::Open { id, key, blob, plain_len, .. }) => {
                    cx.job(Job::OpenPiece { suite: cx.env.suite, id, key, blob, plain_len });
                }
                Some(WalkStep::Blob { id, len }) => {
                    placer.add(self.next_slot, id, len, None);
                    self.next_slot += 1;
                }
                Some(WalkStep::Done) => self.walked = true,
                None => break,
            }
        }
        placer.flush(cx)?;
        Ok(self.walked && placer.pending() == 0)
    }

    fn fetch(&mut self, cx: &mut Context<'_>) {
        self.fetching = self.node.map(|node| cx.ask(Request::GetBlob { id: node.id, offset: 0, len: 0 }));
    }

    /// True if it made this request.
    pub(super) fn is_own(&self, request: RequestId) -> bool {
        self.fetching == Some(request)
    }

    /// A node of the tree came, or did not.
    pub(super) fn answered(&mut self, response: Response) -> Result<(), Stop> {
        let Some(node) = self.node else { return Ok(()) };
        match response {
            Response::Blob { bytes, .. } if bytes.len() == node.len as usize => {
                self.fetching = None;
                self.walk.fetched(node.slot, bytes).map_err(|_| OpError::Conflict.into())
            }
            Response::Blob { .. } => Err(PeerFault::WrongContent.into()),
            Response::Error(error) if error.code == ErrorCode::NotFound => Err(OpError::Conflict.into()),
            Response::Error(error) => Err(refused(&error).into()),
            _ => Err(PeerFault::UnexpectedAnswer.into()),
        }
    }

    /// A node of the tree was opened. One whose bytes are not those of its id is asked for again: the entry node should have
    /// looked.
    pub(super) fn opened(
        &mut self,
        cx: &mut Context<'_>,
        result: Result<Bytes, OpenError>,
    ) -> Result<(), Stop> {
        let Some(node) = self.node else { return Ok(()) };
        let is_other = matches!(result, Err(OpenError::Hash));
        match self.walk.opened(node.slot, result) {
            Ok(()) => {
                self.node = None;
                Ok(())
            }
            Err(_) if is_other && self.tries < MAX_TRIES => {
                self.tries += 1;
                self.fetch(cx);
                Err(PeerFault::WrongContent.into())
            }
            Err(_) => Err(OpError::Damaged.into()),
        }
    }
}

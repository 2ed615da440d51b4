//! Counting durable copies: who answered what, and what that makes of a write.

use alloc::vec::Vec;

use super::hub::{Failure, Hub};
use crate::id::NodeId;
use crate::record::Record;
use crate::wire::{ErrorCode, Response, WireError};

/// One replica's part in a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Vote {
    /// Not answered yet.
    Open,
    /// Durable there, as long as its link and disk are those of this epoch.
    Durable { epoch: u64 },
    /// Refused, or out of reach.
    Failed,
}

/// The replicas of one write.
#[derive(Debug)]
pub(super) struct Tally {
    wanted: u8,
    votes: Vec<(NodeId, Vote)>,
    worst: Option<WireError>,
}

impl Tally {
    /// `wanted`: W.
    pub(super) fn new(replicas: &[NodeId], wanted: u8) -> Self {
        Self { wanted, votes: replicas.iter().map(|node| (*node, Vote::Open)).collect(), worst: None }
    }

    pub(super) const fn wanted(&self) -> u8 {
        self.wanted
    }

    /// It is durable on `node`.
    pub(super) fn durable(&mut self, hub: &Hub, node: NodeId) {
        self.vote(node, Vote::Durable { epoch: hub.epoch(&node) });
    }

    /// It will not be durable on `node`.
    pub(super) fn failed(&mut self, node: NodeId, failure: Failure) {
        self.vote(node, Vote::Failed);
        if let Failure::Refused(error) = failure {
            self.refused(error);
        }
    }

    /// Someone refused; kept if it tells more than what is known.
    pub(super) fn refused(&mut self, error: WireError) {
        self.worst = Some(match self.worst.take() {
            Some(known) if !tells_more(&error, &known) => known,
            _ => error,
        });
    }

    fn vote(&mut self, node: NodeId, vote: Vote) {
        if let Some((_, known)) = self.votes.iter_mut().find(|(of, _)| *of == node) {
            *known = vote;
        }
    }

    /// On how many replicas it is durable and will be found: what a link or disk acknowledged that is no more is void.
    pub(super) fn copies(&self, hub: &Hub) -> u8 {
        let counts = |(node, vote): &&(NodeId, Vote)| matches!(vote, Vote::Durable { epoch } if *epoch == hub.epoch(node));
        u8::try_from(self.votes.iter().filter(counts).count()).unwrap_or(u8::MAX)
    }

    pub(super) fn is_reached(&self, hub: &Hub) -> bool {
        self.copies(hub) >= self.wanted
    }

    /// True if no answer is to come.
    pub(super) fn is_complete(&self) -> bool {
        self.votes.iter().all(|(_, vote)| *vote != Vote::Open)
    }

    /// The answer as things stand: stored, on fewer copies than wanted perhaps, or why not.
    pub(super) fn verdict(&self, hub: &Hub) -> Response {
        let copies = self.copies(hub);
        match &self.worst {
            _ if copies >= self.wanted => Response::Stored { copies, wanted: self.wanted },
            Some(error) if copies == 0 || error.code == ErrorCode::Stale => Response::Error(error.clone()),
            _ if copies > 0 => Response::Stored { copies, wanted: self.wanted },
            _ => Response::Error(ErrorCode::Deadline.into()),
        }
    }
}

impl From<ErrorCode> for WireError {
    fn from(code: ErrorCode) -> Self {
        Self { code, current: None }
    }
}

/// True for what the client must know although others may have taken the write: the same everywhere, or a reason
/// to begin anew.
pub(super) const fn is_final(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Stale
            | ErrorCode::Past
            | ErrorCode::Future
            | ErrorCode::Invalid
            | ErrorCode::Forbidden
            | ErrorCode::Quota
            | ErrorCode::Unsupported
    )
}

fn tells_more(new: &WireError, known: &WireError) -> bool {
    const fn rank(code: ErrorCode) -> u8 {
        match code {
            ErrorCode::Stale => 3,
            code if is_final(code) => 2,
            ErrorCode::NoSpace => 1,
            _ => 0,
        }
    }
    let order = |error: &WireError| (rank(error.code), error.current.as_ref().map(Record::order));
    order(new) > order(known)
}

//! A blob for a client: from this node's own disk, else from the other members, the likeliest and nearest first.
//!
//! A late answer is hedged with a question to the next one. What comes from others is checked against its id
//! before anyone sees it.

use alloc::vec::Vec;
use bytes::Bytes;

use super::calls::{Answered, Failure};
use super::hub::Hub;
use super::link::Caller;
use super::operation::{Operation, Progress};
use super::store::{Keep, Origin, part};
use super::view::blob_position;
#[cfg(any(test, feature = "sim"))]
use crate::config::{Config, limit};
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::{BlobId, NodeId};
use crate::time::Instant;
use crate::wire::{ErrorCode, Request, Response, WireError};

/// The slot of this node's own copy.
const OWN: u32 = 0;
/// The slot of others' copies.
const OTHER: u32 = 1;
/// From here on, slots of checks: each blob that came has its own.
const CHECK: u32 = 2;

/// A `GetBlob` of a client.
#[derive(Debug)]
pub(super) struct ReadBlob {
    op: u64,
    caller: Caller,
    id: BlobId,
    offset: u32,
    len: u32,
    /// Whom to ask next, the last one first.
    candidates: Vec<NodeId>,
    asked: usize,
    /// What came and is being checked.
    checking: Vec<(u32, NodeId, Bytes)>,
    checks: u32,
    /// What to say if nobody has it.
    failure: ErrorCode,
    hedge_at: Instant,
    deadline: Instant,
}

impl ReadBlob {
    pub(super) fn new(
        hub: &mut Hub,
        op: u64,
        caller: Caller,
        origin: Origin,
        (id, offset, len): (BlobId, u32, u32),
    ) -> Self {
        let deadline = hub.now.mono + hub.setup.config.bulk_deadline;
        hub.ask_own(op, OWN, origin, Keep::Nothing, Request::GetBlob { id, offset, len });
        Self {
            op,
            caller,
            id,
            offset,
            len,
            candidates: Vec::new(),
            asked: 0,
            checking: Vec::new(),
            checks: CHECK,
            failure: ErrorCode::NotFound,
            hedge_at: deadline,
            deadline,
        }
    }

    /// Not here: the replicas, then any other member that responds.
    fn look_elsewhere(&mut self, hub: &mut Hub) -> Progress {
        let mut replicas = hub.view.replicas(&blob_position(&self.id));
        replicas.retain(|node| !hub.is_own(node));
        if replicas.iter().any(|node| !hub.is_responsive(node)) {
            self.failed(ErrorCode::Deadline);
        }
        hub.by_priority(&mut replicas);
        let mut others = hub.responsive();
        others.retain(|node| !replicas.contains(node));
        hub.by_priority(&mut others);
        others.reverse();
        replicas.reverse();
        others.extend(replicas);
        self.candidates = others;
        self.ask_next(hub)
    }

    fn ask_next(&mut self, hub: &mut Hub) -> Progress {
        if let Some(node) = self.candidates.pop() {
            self.asked += 1;
            self.hedge_at = hub.now.mono + hub.setup.config.hedge_after;
            hub.ask(self.op, OTHER, node, Request::GetBlob { id: self.id, offset: 0, len: 0 });
            return Progress::Going;
        }
        self.hedge_at = self.deadline;
        if self.asked > 0 || !self.checking.is_empty() {
            return Progress::Going;
        }
        hub.answer(&self.caller, Response::Error(self.failure.into()));
        Progress::Done
    }

    fn came(&mut self, hub: &mut Hub, from: NodeId, bytes: Bytes) -> Progress {
        let slot = self.checks;
        self.checks += 1;
        self.checking.push((slot, from, bytes.clone()));
        hub.check_own(self.op, slot, self.id, bytes);
        Progress::Going
    }

    fn checked(&mut self, hub: &mut Hub, slot: u32, result: Result<Response, Failure>) -> Progress {
        let Some(at) = self.checking.iter().position(|(of, ..)| *of == slot) else { return Progress::Going };
        let (_, source, bytes) = self.checking.swap_remove(at);
        match result {
            Ok(_) => {
                let response = match part(&bytes, self.offset, self.len) {
                    Some(bytes) => Response::Blob { source, bytes },
                    None => Response::Error(ErrorCode::Invalid.into()),
                };
                hub.answer(&self.caller, response);
                return Progress::Done;
            }
            Err(Failure::Refused(error)) if error.code == ErrorCode::Invalid => {
                self.failed(ErrorCode::Damaged);
                hub.distrust(&source);
            }
            // Not checked: no fault of who sent it.
            Err(failure) => self.failed(failure.code()),
        }
        self.ask_next(hub)
    }

    /// A copy could not be had. That nobody has one is said only if all replicas have; and who is too busy has to be asked again.
    fn failed(&mut self, code: ErrorCode) {
        if code != ErrorCode::NotFound && self.failure != ErrorCode::Busy {
            self.failure = code;
        }
    }
}

/// Why a replica did not give the blob: its words decide no more than that.
const fn why_not(result: &Result<Response, Failure>) -> ErrorCode {
    match result {
        Err(Failure::Refused(WireError {
            code: code @ (ErrorCode::NotFound | ErrorCode::Damaged | ErrorCode::Busy),
            ..
        })) => *code,
        _ => ErrorCode::Deadline,
    }
}

impl Operation for ReadBlob {
    fn answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        match (answer.slot, answer.result) {
            (OWN, Ok(response @ Response::Blob { .. })) => {
                hub.answer(&self.caller, response);
                Progress::Done
            }
            // It is here, and shorter than the offset.
            (OWN, Err(Failure::Refused(error))) if error.code == ErrorCode::Invalid => {
                hub.answer(&self.caller, Response::Error(error));
                Progress::Done
            }
            (OWN, result) => {
                self.failed(result.err().map_or(ErrorCode::NotFound, |failure| failure.code()));
                self.look_elsewhere(hub)
            }
            (OTHER, Ok(Response::Blob { bytes, .. })) => {
                self.asked = self.asked.saturating_sub(1);
                self.came(hub, answer.from, bytes)
            }
            (OTHER, result) => {
                self.asked = self.asked.saturating_sub(1);
                // Whoever is no replica may have it, but nobody relies on that.
                if hub.view.replicas(&blob_position(&self.id)).contains(&answer.from) {
                    self.failed(why_not(&result));
                }
                self.ask_next(hub)
            }
            (slot, result) => self.checked(hub, slot, result),
        }
    }

    fn timeout(&mut self, hub: &mut Hub) -> Progress {
        if hub.now.mono >= self.deadline {
            hub.answer(&self.caller, Response::Error(ErrorCode::Deadline.into()));
            return Progress::Done;
        }
        self.ask_next(hub)
    }

    fn deadline(&self) -> Instant {
        self.hedge_at.min(self.deadline)
    }

    #[cfg(any(test, feature = "sim"))]
    fn gauge(&self, _: &Config, gauges: &mut Gauges) {
        let held = self.checking.iter().map(|(.., blob)| blob.len()).sum();
        let most = limit::MEMBERS * limit::BLOB;
        gauges.bytes("node: bytes of a blob that is read", held, most, "limit::MEMBERS, limit::BLOB");
    }
}

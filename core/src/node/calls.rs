//! The calls under way: what a node asks of its own store or of another member, each answered exactly once, if only with
//! its failure.
//!
//! Knows nothing of what operations make of the answers.

use alloc::vec::Vec;
use bytes::Bytes;

use super::ballot::Ballot;
use super::hub::Hub;
use super::link::{Caller, weight};
use super::store::{Keep, Origin};
use crate::id::{BlobId, ConnId, Name, NodeId, OwnerId};
use crate::time::Instant;
use crate::wire::{ErrorCode, Request, Response, Vote, WireError};

/// Calls that wait for a dial to come to something.
pub(super) type Parked = Vec<(u64, Request)>;

/// The answer to a call of an operation.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) op: u64,
    pub(super) slot: u32,
    pub(super) from: NodeId,
    pub(super) result: Result<Response, Failure>,
    /// What the answerer stands for; none if its view is another than this node's.
    pub(super) vote: Option<Vote>,
}

/// Why a call came to nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// It was refused.
    Refused(WireError),
    /// No link, or it ended before the answer.
    Lost,
}

impl Failure {
    /// What it is to whoever waits for more than this call.
    pub(super) const fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(error) => error.code,
            Self::Lost => ErrorCode::Deadline,
        }
    }
}

/// Who waits for a call. `word`: what [`Hub::word`] was when this node's own store was asked.
#[derive(Debug)]
pub(super) enum Call {
    Operation { op: u64, slot: u32, to: NodeId, ballot: Ballot, word: u64 },
    Caller { caller: Caller, ballot: Ballot, word: u64 },
    Ping { sent: Instant },
    Gossip { everything: bool },
}

/// What came of an answer that is not for an operation.
#[derive(Debug)]
pub(super) enum Routed {
    /// Dealt with.
    Done,
    /// The answer to a `Ping` of this time.
    Pong { sent: Instant, response: Response },
    /// The answer to a `View`; `everything`: of one that told all.
    Gossip { everything: bool, response: Response },
}

impl Hub {
    fn call(&mut self, call: Call) -> u64 {
        let id = self.next_call;
        self.next_call += 1;
        self.calls.insert(id, call);
        id
    }

    /// Asks this node's own store for an operation.
    pub(super) fn ask_own(&mut self, op: u64, slot: u32, origin: Origin, keep: Keep, request: Request) {
        let (ballot, word) = (self.ballot(&request), self.word());
        let call = self.call(Call::Operation { op, slot, to: self.own, ballot, word });
        self.store.submit(self.now, call, origin, keep, request);
    }

    /// The token of something else that an operation asks of this node's own store.
    pub(super) fn own_call(&mut self, op: u64, slot: u32) -> u64 {
        self.call(Call::Operation { op, slot, to: self.own, ballot: Ballot::Nothing, word: 0 })
    }

    /// Has this node's own store check a blob that came from elsewhere.
    pub(super) fn check_own(&mut self, op: u64, slot: u32, id: BlobId, blob: Bytes) {
        let call = self.own_call(op, slot);
        self.store.check_blob(self.now, call, id, blob);
    }

    /// Asks this node's own store for what is in quarantine of a name.
    pub(super) fn ask_quarantine(&mut self, op: u64, slot: u32, owner: OwnerId, name: Name) {
        let call = self.call(Call::Operation { op, slot, to: self.own, ballot: Ballot::Nothing, word: 0 });
        self.store.quarantined(self.now, call, owner, name);
    }

    /// Asks this node's own store for whoever sent the request. Another member is told for which set the answer stands.
    pub(super) fn ask_for(&mut self, caller: Caller, origin: Origin, request: Request) {
        let ballot = match origin {
            Origin::Node(_) => self.ballot(&request),
            _ => Ballot::Nothing,
        };
        let word = self.word();
        let call = self.call(Call::Caller { caller, ballot, word });
        self.store.submit(self.now, call, origin, Keep::Replica, request);
    }

    /// Asks another member for an operation: at once, or as soon as the dial under way, or the first one to come, comes
    /// to something. Nobody waits for one that was silent for long.
    pub(super) fn ask(&mut self, op: u64, slot: u32, to: NodeId, request: Request) {
        let ballot = self.ballot(&request);
        let call = self.call(Call::Operation { op, slot, to, ballot, word: 0 });
        if let Some(conn) = self.peers.link(&to).filter(|_| self.is_responsive(&to)) {
            if !self.links.ask(conn, call, request) {
                self.fail(call);
            }
        } else if self.peers.is_expected(&to) && !self.peers.is_silent(self.now, &to) {
            self.park(to, call, request);
        } else {
            self.tell_silent(&to, request);
            self.fail(call);
        }
    }

    /// What is written goes to a silent member, too, while its link stands, and nobody waits for the answer: where only this node
    /// takes it for silent, as after its own sleep, nothing else would bring it there soon.
    fn tell_silent(&mut self, to: &NodeId, request: Request) {
        if let Some(conn) = self.peers.link(to)
            && matches!(request, Request::PutRecord { .. } | Request::PutBlob { .. })
        {
            let unheard = self.next_call;
            self.next_call += 1;
            let _ = self.links.ask(conn, unheard, request);
        }
    }

    /// Has a call wait for a dial. As much may wait for it as on a link.
    fn park(&mut self, to: NodeId, call: u64, request: Request) {
        let config = &self.setup.config;
        let parked = self.parked.entry(to).or_default();
        let bytes: usize = parked.iter().map(|(_, request)| weight(request)).sum();
        if parked.len() < config.max_operations && bytes < config.link_backlog {
            parked.push((call, request));
        } else {
            self.fail(call);
        }
    }

    /// Asks every linked member for its clock. Where there is always traffic nobody is silent, and nobody would ask.
    pub(super) fn ping_all(&mut self) {
        let linked: Vec<_> = self.peers.linked().collect();
        for (node, conn) in linked {
            self.ping(node, conn);
        }
    }

    pub(super) fn ping(&mut self, node: NodeId, conn: ConnId) {
        if self.peers.awaits_pong(&node) {
            return;
        }
        let call = self.call(Call::Ping { sent: self.now.mono });
        // Asked or, with too much waiting on the link, not: from now on silence counts.
        self.peers.pinged(self.now, &node);
        if !self.links.ask(conn, call, Request::Ping { unix_ms: self.now.unix_ms }) {
            self.calls.remove(&call);
        }
    }

    /// Tells a member of the membership.
    pub(super) fn gossip(&mut self, conn: ConnId, request: Request, everything: bool) {
        let call = self.call(Call::Gossip { everything });
        if !self.links.ask(conn, call, request) {
            self.calls.remove(&call);
        }
    }

    fn ballot(&self, request: &Request) -> Ballot {
        Ballot::of(self.setup.suite, request)
    }

    /// A call was answered; by another member with what it stands for.
    pub(super) fn route(&mut self, call: u64, mut response: Response, vote: Option<Vote>) -> Routed {
        // An operation that is over left its calls behind.
        let Some(waiting) = self.calls.remove(&call) else { return Routed::Done };
        match waiting {
            Call::Operation { op, slot, to, ballot, word } => {
                let vote = match self.is_own(&to) {
                    true => self.cast(&ballot, word, &mut response),
                    false => self.check_vote(&to, &ballot, &mut response, vote),
                };
                let result = match response {
                    Response::Error(error) => Err(Failure::Refused(error)),
                    response => Ok(response),
                };
                self.answers.push_back(Answered { op, slot, from: to, result, vote });
                Routed::Done
            }
            Call::Caller { caller, ballot, word } => {
                let vote = self.cast(&ballot, word, &mut response);
                self.answer_with(&caller, response, vote);
                self.links.release(&caller);
                Routed::Done
            }
            Call::Ping { sent } => Routed::Pong { sent, response },
            Call::Gossip { everything } => Routed::Gossip { everything, response },
        }
    }

    /// These calls will not be answered.
    pub(super) fn fail_all(&mut self, calls: Vec<u64>) {
        calls.into_iter().for_each(|call| self.fail(call));
    }

    /// Those of these calls that operations wait for will not be answered in time.
    pub(super) fn fail_operations(&mut self, mut calls: Vec<u64>) {
        calls.retain(|call| matches!(self.calls.get(call), Some(Call::Operation { .. })));
        self.fail_all(calls);
    }

    fn fail(&mut self, call: u64) {
        if let Some(Call::Operation { op, slot, to, .. }) = self.calls.remove(&call) {
            self.answers.push_back(Answered { op, slot, from: to, result: Err(Failure::Lost), vote: None });
        }
    }

    /// A link to the member is open: what waited for it goes out.
    pub(super) fn unpark(&mut self, node: &NodeId, conn: ConnId) {
        for (call, request) in self.parked.remove(node).unwrap_or_default() {
            if !self.links.ask(conn, call, request) {
                self.fail(call);
            }
        }
    }

    /// A dial of the member, or its last link, has ended: what waited for it has failed, unless another is to come.
    pub(super) fn missed(&mut self, node: &NodeId) {
        if !self.peers.is_expected(node) {
            self.fail_parked(node);
        }
    }

    /// The member cannot be reached: what waited for it has failed.
    pub(super) fn fail_parked(&mut self, node: &NodeId) {
        let parked = self.parked.remove(node).unwrap_or_default();
        self.fail_all(parked.into_iter().map(|(call, _)| call).collect());
    }
}

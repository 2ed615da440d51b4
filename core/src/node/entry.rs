//! A write that entered the network here: checked, kept, sent to the replicas, and counted.
//!
//! The client is answered as soon as W copies are durable; the rest go on in the background, and the client's
//! credit comes back when they are through: a slow replica slows down who writes to it, and nobody else.
//!
//! A copy counts only from a member that sees the same replicas. Where views differ they are compared, and the members
//! are asked again. Where W cannot be reached the write is *degraded*: what there is stays, and this node keeps a *hint*
//! if it is no replica, so that repair can finish it.

use alloc::collections::BTreeSet;

use super::calls::{Answered, Failure};
use super::hub::Hub;
use super::link::Caller;
use super::operation::{Operation, Progress};
use super::store::{Keep, Origin};
use super::tally::{Tally, is_final};
use super::view::blob_position;
use crate::id::NodeId;
use crate::record::Record;
use crate::time::Instant;
use crate::wire::{ErrorCode, Request, Response};

/// The slots of a round's questions follow each other: so many rounds, so many times this.
const SLOTS: u32 = 4;
/// The slot of this node's own store, where it is no replica, or only checks.
const OWN: u32 = 0;
/// The slot of the replicas, this node among them.
const REPLICA: u32 = 1;
/// The slot of members that only get to know of a record.
const OTHER: u32 = 2;
/// The slot of the hint.
const HINT: u32 = 3;

/// How often a write is tried again because views differ: with [`Config::vote_again`](crate::config::Config::vote_again)
/// between, two seconds.
const MOST_ROUNDS: u32 = 8;

/// What is to happen next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// A record waits for this node's own checks before it goes to anyone.
    Checking,
    /// The replicas are asked.
    Spreading,
    /// They are asked again at this time.
    Again(Instant),
    /// The hint is on its way to the disk.
    Hinting,
}

/// A `PutBlob` or `PutRecord` of a client.
#[derive(Debug)]
pub(super) struct Write {
    op: u64,
    caller: Caller,
    origin: Origin,
    request: Request,
    tally: Tally,
    stage: Stage,
    round: u32,
    /// Who has the bytes, whether it counts or not.
    holders: BTreeSet<NodeId>,
    /// It is durable on this node's own disk.
    kept: bool,
    answered: bool,
    deadline: Instant,
}

impl Write {
    /// Begins with a blob: to this node and the replicas at once. Each checks it before it keeps it.
    pub(super) fn blob(hub: &mut Hub, op: u64, caller: Caller, origin: Origin, request: Request) -> Self {
        let deadline = hub.now.mono + hub.setup.config.bulk_deadline;
        let mut write = Self::new(hub, op, caller, origin, request, deadline);
        write.spread(hub);
        write
    }

    /// Begins with a record: with this node's checks of clocks and owners, which the others leave to it.
    pub(super) fn record(hub: &mut Hub, op: u64, caller: Caller, origin: Origin, record: Record) -> Self {
        let deadline = hub.now.mono + hub.setup.config.request_deadline;
        let request = Request::PutRecord { record };
        let mut write = Self::new(hub, op, caller, origin, request, deadline);
        write.stage = Stage::Checking;
        hub.ask_own(op, OWN, origin, Keep::Nothing, write.request.clone());
        write
    }

    fn new(hub: &Hub, op: u64, caller: Caller, origin: Origin, request: Request, deadline: Instant) -> Self {
        Self {
            op,
            caller,
            origin,
            tally: tally(hub, &request),
            request,
            stage: Stage::Spreading,
            round: 0,
            holders: BTreeSet::new(),
            kept: false,
            answered: false,
            deadline,
        }
    }

    const fn slot(&self, slot: u32) -> u32 {
        self.round * SLOTS + slot
    }

    /// To all replicas at once; what has no parts to everybody else, too.
    fn spread(&mut self, hub: &mut Hub) {
        self.stage = Stage::Spreading;
        for node in self.tally.nodes() {
            let request = self.request_for(&node);
            if hub.is_own(&node) {
                hub.ask_own(self.op, self.slot(REPLICA), self.origin, Keep::Replica, request);
            } else {
                hub.ask(self.op, self.slot(REPLICA), node, request);
            }
        }
        match &self.request {
            Request::PutRecord { record } => {
                let stub = record.to_stub();
                if stub.is_complete() {
                    self.tell_others(hub, stub);
                }
            }
            _ if !self.tally.contains(&hub.own) => {
                hub.ask_own(self.op, self.slot(OWN), self.origin, Keep::Cache, self.request.clone());
            }
            _ => {}
        }
    }

    /// The stub of a record to all that are no replicas, whose pins it confirms or kills. Of what has parts not before
    /// they are durable: it would make known what nobody may ever read.
    fn tell_others(&self, hub: &mut Hub, stub: Record) {
        let stub = Request::PutRecord { record: stub };
        for node in hub.responsive().into_iter().filter(|node| !self.tally.contains(node)) {
            hub.ask(self.op, self.slot(OTHER), node, stub.clone());
        }
        if !self.tally.contains(&hub.own) {
            hub.ask_own(self.op, self.slot(OTHER), Origin::Own, Keep::Replica, stub);
        }
    }

    /// Who has the blob is only asked for its vote.
    fn request_for(&self, node: &NodeId) -> Request {
        match &self.request {
            Request::PutBlob { pins, .. } if self.holders.contains(node) => {
                Request::Have { pins: pins.iter().take(1).cloned().collect() }
            }
            request => request.clone(),
        }
    }

    /// All replicas anew, as this node sees them now.
    fn begin_again(&mut self, hub: &mut Hub) {
        self.round += 1;
        self.tally = tally(hub, &self.request);
        self.spread(hub);
    }

    /// A replica has answered.
    fn count(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        match answer.result {
            Ok(Response::Stored { copies: 1.., .. }) => {
                self.holders.insert(answer.from);
                self.kept |= hub.is_own(&answer.from);
                self.tally.durable(hub, answer.from, answer.vote);
            }
            // Kept nowhere: by its own view it is no replica.
            Ok(Response::Stored { .. }) => self.tally.durable(hub, answer.from, None),
            // It has it, or had it a moment ago and has no vote.
            Ok(Response::Have { .. }) => self.tally.durable(hub, answer.from, answer.vote),
            Ok(_) => self.tally.failed(answer.from, Failure::Lost),
            Err(Failure::Refused(error)) if hub.is_own(&answer.from) && is_final(error.code) => {
                self.answer(hub, Response::Error(error));
                return Progress::Done;
            }
            Err(failure) => self.tally.failed(answer.from, failure),
        }
        self.progress(hub)
    }

    /// This node's own check of a record has ended.
    fn checked(&mut self, hub: &mut Hub, result: Result<Response, Failure>) -> Progress {
        let error = match result {
            Ok(_) if !self.tally.is_current(hub) => {
                self.begin_again(hub);
                return self.progress(hub);
            }
            Ok(_) => {
                self.spread(hub);
                return self.progress(hub);
            }
            Err(Failure::Refused(error)) => error,
            Err(_) => ErrorCode::Disk.into(),
        };
        self.answer(hub, Response::Error(error));
        Progress::Done
    }

    fn progress(&mut self, hub: &mut Hub) -> Progress {
        if self.stage != Stage::Spreading {
            return Progress::Going;
        }
        if !self.answered && self.tally.is_reached(hub) {
            let verdict = self.tally.verdict(hub, self.kept);
            self.answer(hub, verdict);
            if let Request::PutRecord { record } = &self.request
                && !record.to_stub().is_complete()
            {
                self.tell_others(hub, record.to_stub());
            }
        }
        if !self.tally.is_complete() {
            return Progress::Going;
        }
        if self.answered {
            return Progress::Done;
        }
        let again = hub.now.mono + hub.setup.config.vote_again;
        if self.round < MOST_ROUNDS && again < self.deadline && self.tally.may_agree(hub) {
            self.stage = Stage::Again(again);
            return Progress::Going;
        }
        self.end_degraded(hub)
    }

    /// W is out of reach. What there is stays, if only on this node.
    fn end_degraded(&mut self, hub: &mut Hub) -> Progress {
        let is_replica = self.tally.contains(&hub.own);
        if !is_replica && !self.kept && !self.tally.is_refused() && self.stage != Stage::Hinting {
            self.stage = Stage::Hinting;
            self.deadline = hub.now.mono + hub.setup.config.request_deadline;
            hub.ask_own(self.op, self.slot(HINT), self.origin, Keep::Hint, self.request.clone());
            return Progress::Going;
        }
        let verdict = self.tally.verdict(hub, self.kept);
        self.answer(hub, verdict);
        Progress::Done
    }

    fn hinted(&mut self, hub: &mut Hub, result: Result<Response, Failure>) -> Progress {
        match result {
            Ok(_) => {
                self.kept = true;
                hub.stray_kept();
            }
            Err(Failure::Refused(error)) if is_final(error.code) => {
                self.answer(hub, Response::Error(error));
                return Progress::Done;
            }
            Err(failure) => self.tally.failed(hub.own, failure),
        }
        self.end_degraded(hub)
    }

    fn answer(&mut self, hub: &mut Hub, response: Response) {
        if !self.answered {
            self.answered = true;
            hub.answer(&self.caller, response);
        }
    }
}

impl Operation for Write {
    fn answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        if answer.slot / SLOTS != self.round {
            // Of an earlier round: that it has it is as good as ever, for a later one.
            if let Ok(Response::Stored { .. }) = answer.result {
                self.holders.insert(answer.from);
            }
            return Progress::Going;
        }
        match answer.slot % SLOTS {
            OWN if self.stage == Stage::Checking => self.checked(hub, answer.result),
            OWN => match answer.result {
                Err(Failure::Refused(error)) if is_final(error.code) => {
                    self.answer(hub, Response::Error(error));
                    Progress::Done
                }
                _ => self.progress(hub),
            },
            REPLICA => self.count(hub, answer),
            HINT => self.hinted(hub, answer.result),
            _ => self.progress(hub),
        }
    }

    fn timeout(&mut self, hub: &mut Hub) -> Progress {
        match self.stage {
            _ if self.answered => Progress::Done,
            Stage::Again(at) if hub.now.mono >= at && hub.now.mono < self.deadline => {
                self.begin_again(hub);
                self.progress(hub)
            }
            Stage::Checking => {
                self.answer(hub, Response::Error(ErrorCode::Deadline.into()));
                Progress::Done
            }
            _ => self.end_degraded(hub),
        }
    }

    fn deadline(&self) -> Instant {
        match self.stage {
            Stage::Again(at) => at.min(self.deadline),
            _ => self.deadline,
        }
    }
}

fn tally(hub: &Hub, request: &Request) -> Tally {
    match request {
        Request::PutRecord { record } => Tally::record(hub, record),
        Request::PutBlob { pins, .. } => {
            let position = pins.first().map(|pin| blob_position(&pin.body().blob));
            Tally::at(hub, position.unwrap_or_default())
        }
        _ => Tally::at(hub, Default::default()),
    }
}

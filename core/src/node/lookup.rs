//! The newest record of a name for a client: what a quorum of its replicas agrees on, else the newest that is known.
//!
//! That there is none is said only when everybody who can be reached has said so.

use alloc::vec::Vec;

use super::hub::{Answered, Failure, Hub};
use super::link::Caller;
use super::operation::{Operation, Progress};
use super::store::{Keep, Origin};
use super::view::record_position;
use crate::error::PeerFault;
use crate::id::{Name, NodeId, OwnerId};
use crate::record::Record;
use crate::time::Instant;
use crate::wire::{ErrorCode, Request, Response};

/// The slot of every question.
const ASK: u32 = 0;
/// The slot of the check of another's record.
const CHECK: u32 = 1;

/// A `GetRecord` of a client.
#[derive(Debug)]
pub(super) struct ReadRecord {
    op: u64,
    caller: Caller,
    owner: OwnerId,
    name: Name,
    replicas: Vec<NodeId>,
    wanted: usize,
    /// Who answered, replicas only.
    votes: usize,
    heard: bool,
    open: usize,
    asked_others: bool,
    found: Vec<(NodeId, Record)>,
    checking: Option<(NodeId, Record)>,
    floor: Option<Record>,
    deadline: Instant,
}

impl ReadRecord {
    pub(super) fn new(
        hub: &mut Hub,
        op: u64,
        caller: Caller,
        origin: Origin,
        (owner, name): (OwnerId, Name),
    ) -> Self {
        let replicas = hub.view.replicas(&record_position(hub.setup.suite, &owner, name.0[0]));
        let mut read = Self {
            op,
            caller,
            owner,
            name,
            wanted: usize::from(hub.view.quorum()),
            votes: 0,
            heard: false,
            open: 1,
            asked_others: false,
            found: Vec::new(),
            checking: None,
            floor: None,
            deadline: hub.now.mono + hub.setup.config.request_deadline,
            replicas,
        };
        hub.ask_own(op, ASK, origin, Keep::Nothing, Request::GetRecord { owner, name });
        let others: Vec<_> = read.replicas.iter().copied().filter(|node| !hub.is_own(node)).collect();
        read.ask(hub, others);
        read
    }

    fn ask(&mut self, hub: &mut Hub, nodes: Vec<NodeId>) {
        for node in nodes {
            self.open += 1;
            hub.ask(self.op, ASK, node, Request::GetRecord { owner: self.owner, name: self.name });
        }
    }

    fn heard(&mut self, from: NodeId, votes: bool, record: Option<Record>, floor: Option<Record>) {
        self.heard = true;
        self.votes += usize::from(votes);
        self.found.extend(record.map(|record| (from, record)));
        if let Some(floor) = floor
            && self.floor.as_ref().is_none_or(|known| known.order() < floor.order())
        {
            self.floor = Some(floor);
        }
    }

    /// The newest; of equals one with its parts, and this node's own before others'.
    fn newest(&self, hub: &Hub) -> Option<&(NodeId, Record)> {
        self.found.iter().max_by_key(|(from, record)| (record.order(), has_parts(record), hub.is_own(from)))
    }

    fn progress(&mut self, hub: &mut Hub) -> Progress {
        if self.checking.is_some() {
            return Progress::Going;
        }
        let good = self.votes >= self.wanted && self.newest(hub).is_some_and(|(_, record)| has_parts(record));
        if good {
            return self.conclude(hub);
        }
        if self.open > 0 {
            return Progress::Going;
        }
        if !self.asked_others {
            self.asked_others = true;
            let mut others = hub.responsive();
            others.retain(|node| !self.replicas.contains(node));
            self.ask(hub, others);
            if self.open > 0 {
                return Progress::Going;
            }
        }
        self.conclude(hub)
    }

    /// Answers with the newest, once this node has checked it if it came from another.
    fn conclude(&mut self, hub: &mut Hub) -> Progress {
        match self.newest(hub).cloned() {
            Some((from, record)) if !hub.is_own(&from) => {
                // A replica keeps it, too: so a copy that is old or was dropped comes back.
                let keep = if self.replicas.contains(&hub.own) { Keep::Replica } else { Keep::Nothing };
                hub.ask_own(self.op, CHECK, Origin::Own, keep, Request::PutRecord { record: record.clone() });
                self.checking = Some((from, record));
                Progress::Going
            }
            newest => self.answer(hub, newest.map(|(_, record)| record)),
        }
    }

    fn answer(&mut self, hub: &mut Hub, record: Option<Record>) -> Progress {
        let response = if self.heard {
            Response::Record { record, floor: self.floor.take(), fresh: self.votes >= self.wanted }
        } else {
            Response::Error(ErrorCode::Deadline.into())
        };
        hub.answer(&self.caller, response);
        Progress::Done
    }

    fn checked(&mut self, hub: &mut Hub, result: Result<Response, Failure>) -> Progress {
        let Some((from, record)) = self.checking.take() else { return Progress::Going };
        let invalid = matches!(&result, Err(Failure::Refused(error)) if error.code == ErrorCode::Invalid);
        if !invalid {
            return self.answer(hub, Some(record));
        }
        self.found.retain(|(_, found)| *found != record);
        if let Some(conn) = hub.peers.link(&from) {
            hub.fault(conn, PeerFault::WrongContent);
        }
        self.progress(hub)
    }
}

impl Operation for ReadRecord {
    fn answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        if answer.slot == CHECK {
            return self.checked(hub, answer.result);
        }
        self.open = self.open.saturating_sub(1);
        if let Ok(Response::Record { record, floor, .. }) = answer.result {
            let asked_for =
                |record: &Record| record.header().owner == self.owner && record.header().name == self.name;
            if record.as_ref().is_some_and(|record| !asked_for(record)) {
                if let Some(conn) = hub.peers.link(&answer.from) {
                    hub.fault(conn, PeerFault::WrongContent);
                }
            } else {
                self.heard(answer.from, answer.vote.is_some(), record, floor);
            }
        }
        self.progress(hub)
    }

    fn timeout(&mut self, hub: &mut Hub) -> Progress {
        if self.checking.is_none() {
            return self.expire(hub);
        }
        // What was not checked in time is not passed on.
        let own = self.found.iter().filter(|(from, _)| hub.is_own(from)).map(|(_, record)| record);
        let newest = own.max_by_key(|record| record.order()).cloned();
        self.answer(hub, newest)
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }
}

impl ReadRecord {
    /// The deadline has passed without a quorum: the newest known goes out, after its check.
    fn expire(&mut self, hub: &mut Hub) -> Progress {
        self.deadline = hub.now.mono + hub.setup.config.request_deadline;
        self.asked_others = true;
        self.open = 0;
        self.conclude(hub)
    }
}

/// True if nothing that the record names is missing here.
fn has_parts(record: &Record) -> bool {
    record.is_complete()
}

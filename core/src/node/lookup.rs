//! The newest record of a name for a client: what a quorum of its replicas agrees on, else the newest that is known.
//!
//! That there is none is said only when everybody who can be reached has said so, and is marked unless a quorum has. What
//! comes from others is checked here before it is passed on. Replicas that turn out to be behind are brought up to date.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::calls::{Answered, Failure};
use super::hub::Hub;
use super::link::Caller;
use super::operation::{Operation, Progress};
use super::store::{Keep, Origin};
use super::view::record_position;
#[cfg(any(test, feature = "sim"))]
use crate::config::{Config, limit};
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::{Name, NodeId, OwnerId};
use crate::record::{Kind, Record, Version};
use crate::time::Instant;
use crate::wire::{ErrorCode, Request, Response};

/// The slot of every question.
const ASK: u32 = 0;
/// The slot of the check of another's record.
const CHECK: u32 = 1;
/// The slot of the check of another's floor.
const CHECK_FLOOR: u32 = 2;
/// The slot of what is sent to replicas that are behind. Nobody waits for it.
const REPAIR: u32 = 3;
/// The slot of what this node has in quarantine.
const QUARANTINE: u32 = 4;

/// How often the replicas are asked again because views differ.
const MOST_ROUNDS: u32 = 8;

/// What ranks a record among those of its name.
type Order = (Version, [u8; 32]);

/// What is to happen next.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Stage {
    /// Answers come.
    Asking,
    /// The replicas are asked again at this time.
    Again(Instant),
    /// What came from this member is checked by this node's own store.
    Checking { from: NodeId, record: Record },
    /// Nothing is known of the name: for its owner this node looks into its quarantine. A record that comes now is told.
    InQuarantine,
    /// The client has its answer; those who answer until then, and are behind, get the record.
    Repairing { until: Instant },
}

/// A `GetRecord` of a client.
#[derive(Debug)]
pub(super) struct ReadRecord {
    op: u64,
    caller: Caller,
    origin: Origin,
    owner: OwnerId,
    name: Name,
    replicas: Vec<NodeId>,
    wanted: usize,
    stage: Stage,
    round: u32,
    /// Whose answers count, and what they hold; another set's answers are among `found` alone.
    votes: BTreeMap<NodeId, Option<Order>>,
    /// Replicas that answered without a vote.
    voteless: Vec<NodeId>,
    heard: bool,
    open: usize,
    asked_others: bool,
    found: Vec<(NodeId, Record)>,
    floors: Vec<(NodeId, Record)>,
    /// A floor that this node's own store has, or has checked.
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
        let mut read = Self {
            op,
            caller,
            origin,
            owner,
            name,
            replicas: Vec::new(),
            wanted: 0,
            stage: Stage::Asking,
            round: 0,
            votes: BTreeMap::new(),
            voteless: Vec::new(),
            heard: false,
            open: 0,
            asked_others: false,
            found: Vec::new(),
            floors: Vec::new(),
            floor: None,
            deadline: hub.now.mono + hub.setup.config.request_deadline,
        };
        read.begin(hub);
        read
    }

    /// Asks this node's own store and the replicas, as this node sees them now.
    fn begin(&mut self, hub: &mut Hub) {
        self.stage = Stage::Asking;
        self.votes.clear();
        self.voteless.clear();
        self.replicas = hub.view.replicas(&record_position(hub.setup.suite, &self.owner, self.name.0[0]));
        self.wanted = usize::from(hub.view.quorum());
        self.open += 1;
        let request = Request::GetRecord { owner: self.owner, name: self.name };
        hub.ask_own(self.op, ASK, self.origin, Keep::Nothing, request);
        let others = self.replicas.iter().copied().filter(|node| !hub.is_own(node)).collect();
        self.ask(hub, others);
    }

    fn ask(&mut self, hub: &mut Hub, nodes: Vec<NodeId>) {
        for node in nodes {
            self.open += 1;
            hub.ask(self.op, ASK, node, Request::GetRecord { owner: self.owner, name: self.name });
        }
    }

    fn heard(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        self.open = self.open.saturating_sub(1);
        let from = answer.from;
        let Ok(Response::Record { record, floor, .. }) = answer.result else { return self.progress(hub) };
        let is_asked =
            |record: &Record| record.header().owner == self.owner && record.header().name == self.name;
        let is_floor =
            |floor: &Record| floor.header().owner == self.owner && floor.header().kind == Kind::Floor;
        if !record.as_ref().is_none_or(is_asked) || !floor.as_ref().is_none_or(is_floor) {
            hub.distrust(&from);
            return self.progress(hub);
        }
        if let Stage::Repairing { .. } = self.stage {
            self.repair(hub, from, record.map(|record| record.order()));
            return self.progress(hub);
        }
        self.heard = true;
        if answer.vote.is_some() {
            self.votes.insert(from, record.as_ref().map(Record::order));
        } else if self.replicas.contains(&from) {
            self.voteless.push(from);
        }
        self.found.extend(record.map(|record| (from, record)));
        match floor {
            Some(floor) if hub.is_own(&from) => self.raise_floor(floor),
            Some(floor) => self.floors.push((from, floor)),
            None => {}
        }
        self.progress(hub)
    }

    fn raise_floor(&mut self, floor: Record) {
        if self.floor.as_ref().is_none_or(|known| known.order() < floor.order()) {
            self.floor = Some(floor);
        }
    }

    /// The newest; of equals one with its parts, and this node's own before others'.
    fn newest(&self, hub: &Hub) -> Option<&(NodeId, Record)> {
        self.found
            .iter()
            .max_by_key(|(from, record)| (record.order(), record.is_complete(), hub.is_own(from)))
    }

    fn progress(&mut self, hub: &mut Hub) -> Progress {
        match self.stage {
            Stage::Repairing { .. } if self.open == 0 => return Progress::Done,
            Stage::InQuarantine if !self.found.is_empty() => return self.conclude(hub),
            Stage::Asking => {}
            _ => return Progress::Going,
        }
        if self.votes.len() >= self.wanted && self.newest(hub).is_some_and(|(_, record)| record.is_complete())
        {
            return self.conclude(hub);
        }
        if self.open > 0 {
            return Progress::Going;
        }
        let again = hub.now.mono + hub.setup.config.vote_again;
        let hopeful = self.voteless.iter().filter(|node| hub.may_vote_soon(node)).count();
        if self.votes.len() < self.wanted
            && self.votes.len() + hopeful >= self.wanted
            && self.round < MOST_ROUNDS
            && again < self.deadline
        {
            self.stage = Stage::Again(again);
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

    /// Answers with the newest, once this node has checked what came from others: the floor first, then the record.
    fn conclude(&mut self, hub: &mut Hub) -> Progress {
        let known = self.floor.as_ref().map(Record::order);
        self.floors.retain(|(_, floor)| Some(floor.order()) > known);
        if let Some((from, floor)) = self.floors.iter().max_by_key(|(_, floor)| floor.order()).cloned() {
            return self.check(hub, CHECK_FLOOR, from, floor);
        }
        match self.newest(hub).cloned() {
            Some((from, record)) if !hub.is_own(&from) => self.check(hub, CHECK, from, record),
            newest => self.answer(hub, newest.map(|(_, record)| record)),
        }
    }

    /// A replica keeps what it checks, too: so a copy that is old or was dropped comes back.
    fn check(&mut self, hub: &mut Hub, slot: u32, from: NodeId, record: Record) -> Progress {
        let is_replica = slot == CHECK_FLOOR || self.replicas.contains(&hub.own);
        let keep = if is_replica { Keep::Replica } else { Keep::Nothing };
        hub.ask_own(self.op, slot, Origin::Own, keep, Request::PutRecord { record: record.clone() });
        self.stage = Stage::Checking { from, record };
        Progress::Going
    }

    fn checked(&mut self, hub: &mut Hub, slot: u32, result: Result<Response, Failure>) -> Progress {
        let Stage::Checking { from, record } = self.stage.clone() else { return Progress::Going };
        self.stage = Stage::Asking;
        let refused = result.err().map(|failure| failure.code());
        match slot {
            // It was not looked at.
            _ if refused == Some(ErrorCode::Busy) => {
                hub.answer(&self.caller, Response::Error(ErrorCode::Busy.into()));
                Progress::Done
            }
            _ if refused == Some(ErrorCode::Invalid) => {
                self.found.retain(|(_, found)| *found != record);
                self.floors.retain(|(_, floor)| *floor != record);
                self.votes.remove(&from);
                hub.distrust(&from);
                self.progress(hub)
            }
            CHECK_FLOOR => {
                self.raise_floor(record);
                self.conclude(hub)
            }
            _ => {
                // A newer one may have come meanwhile, with a vote that has been counted.
                let checked = self.found.iter_mut().filter(|(_, found)| *found == record);
                checked.for_each(|(from, _)| *from = hub.own);
                self.conclude(hub)
            }
        }
    }

    fn answer(&mut self, hub: &mut Hub, record: Option<Record>) -> Progress {
        let is_owner = matches!(self.origin, Origin::Client { owner } if owner == self.owner);
        if record.is_none() && self.heard && is_owner {
            self.stage = Stage::InQuarantine;
            hub.ask_quarantine(self.op, QUARANTINE, self.owner, self.name);
            return Progress::Going;
        }
        let fresh = self.votes.len() >= self.wanted;
        self.reply(hub, record, fresh)
    }

    /// What is in quarantine is for the owner alone: it is handed to no replica.
    fn quarantined(&mut self, hub: &mut Hub, result: Result<Response, Failure>) -> Progress {
        let Ok(Response::Record { record: Some(record), .. }) = result else {
            let fresh = self.votes.len() >= self.wanted;
            return self.reply(hub, None, fresh);
        };
        self.votes.clear();
        self.replicas.clear();
        self.reply(hub, Some(record), false)
    }

    fn reply(&mut self, hub: &mut Hub, record: Option<Record>, fresh: bool) -> Progress {
        let floor = self.floor.as_ref().and_then(|floor| floor.header().floor.as_ref());
        // What the floor has killed is not shown, whoever still has it.
        let is_above = |record: &Record| {
            record.header().floor.is_some()
                || floor.is_none_or(|floor| record.header().version > floor.version)
        };
        let record = record.filter(is_above);
        let response = if self.heard {
            Response::Record { record: record.clone(), floor: self.floor.clone(), fresh }
        } else {
            Response::Error(ErrorCode::Deadline.into())
        };
        hub.answer(&self.caller, response);
        self.stage = Stage::Repairing { until: hub.now.mono + hub.setup.config.hedge_after };
        self.found = record.map(|record| (hub.own, record)).into_iter().collect();
        for (node, held) in core::mem::take(&mut self.votes) {
            self.repair(hub, node, held);
        }
        self.progress(hub)
    }

    /// Sends the newest to a replica that has an older one, or none.
    fn repair(&mut self, hub: &mut Hub, node: NodeId, held: Option<Order>) {
        let Some((_, record)) = self.found.first() else { return };
        let is_behind = held.is_none_or(|held| held < record.order());
        if is_behind && record.is_complete() && self.replicas.contains(&node) && !hub.is_own(&node) {
            hub.ask(self.op, REPAIR, node, Request::PutRecord { record: record.clone() });
        }
    }

    /// The deadline has passed without a quorum: the newest known goes out, after its check.
    fn expire(&mut self, hub: &mut Hub) -> Progress {
        self.deadline = hub.now.mono + hub.setup.config.request_deadline;
        self.stage = Stage::Asking;
        self.asked_others = true;
        self.open = 0;
        self.conclude(hub)
    }
}

impl Operation for ReadRecord {
    fn answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        match answer.slot {
            ASK => self.heard(hub, answer),
            REPAIR => Progress::Going,
            QUARANTINE => match self.stage {
                Stage::InQuarantine => self.quarantined(hub, answer.result),
                _ => Progress::Going,
            },
            slot => self.checked(hub, slot, answer.result),
        }
    }

    fn timeout(&mut self, hub: &mut Hub) -> Progress {
        match self.stage {
            Stage::Repairing { .. } => Progress::Done,
            Stage::InQuarantine => self.quarantined(hub, Err(Failure::Lost)),
            Stage::Again(at) if hub.now.mono >= at && hub.now.mono < self.deadline => {
                self.round += 1;
                self.begin(hub);
                self.progress(hub)
            }
            Stage::Asking | Stage::Again(_) => self.expire(hub),
            Stage::Checking { .. } => {
                // What was not checked in time is not passed on; and as it may be the newest, nothing else is certain.
                self.votes.clear();
                let own = self.found.iter().filter(|(from, _)| hub.is_own(from)).map(|(_, record)| record);
                let newest = own.max_by_key(|record| record.order()).cloned();
                self.reply(hub, newest, false)
            }
        }
    }

    fn deadline(&self) -> Instant {
        match self.stage {
            Stage::Again(at) => at.min(self.deadline),
            Stage::Repairing { until } => until,
            Stage::Asking | Stage::Checking { .. } | Stage::InQuarantine => self.deadline,
        }
    }

    #[cfg(any(test, feature = "sim"))]
    fn gauge(&self, _: &Config, gauges: &mut Gauges) {
        let found = self.found.len().max(self.floors.len()).max(self.votes.len());
        gauges.count("node: answers about a record", found, limit::MEMBERS, "limit::MEMBERS");
    }
}

//! A write that entered the network here: checked, kept, sent to the replicas, and counted.
//!
//! The client is answered as soon as W copies are durable; the rest go on in the background, and the client's
//! credit comes back when they are through: a slow replica slows down who writes to it, and nobody else.

use alloc::vec::Vec;

use super::hub::{Answered, Failure, Hub};
use super::link::Caller;
use super::operation::{Operation, Progress};
use super::store::{Keep, Origin};
use super::tally::{Tally, is_final};
use super::view::{blob_position, record_position};
use crate::id::NodeId;
use crate::record::{Kind, Record};
use crate::time::Instant;
use crate::wire::{Request, Response};

/// The slot of this node's own store.
const OWN: u32 = 0;
/// The slot of the replicas.
const REPLICA: u32 = 1;
/// The slot of members that only get to know of a record.
const OTHER: u32 = 2;

/// A `PutBlob` or `PutRecord` of a client.
#[derive(Debug)]
pub(super) struct Write {
    op: u64,
    caller: Caller,
    replicas: Vec<NodeId>,
    tally: Tally,
    /// A record waits for this node's own checks before it goes to others.
    held: Option<Record>,
    answered: bool,
    deadline: Instant,
}

impl Write {
    /// Begins with a blob: to this node and the replicas at once. Each checks it before it keeps it.
    pub(super) fn blob(hub: &mut Hub, op: u64, caller: Caller, origin: Origin, request: Request) -> Self {
        let replicas = match &request {
            Request::PutBlob { pins, .. } => {
                pins.first().map(|pin| hub.view.replicas(&blob_position(&pin.body().blob)))
            }
            _ => None,
        };
        let replicas = replicas.unwrap_or_default();
        let deadline = hub.now.mono + hub.setup.config.bulk_deadline;
        let write = Self::new(hub, op, caller, replicas, deadline);
        for node in write.others(hub) {
            hub.ask(op, REPLICA, node, request.clone());
        }
        let keep = if write.replicas.contains(&hub.own) { Keep::Replica } else { Keep::Cache };
        hub.ask_own(op, OWN, origin, keep, request);
        write
    }

    /// Begins with a record: first to this node, whose checks of clocks and owners the others leave to it.
    pub(super) fn record(hub: &mut Hub, op: u64, caller: Caller, origin: Origin, record: Record) -> Self {
        let replicas = record_replicas(hub, &record);
        let deadline = hub.now.mono + hub.setup.config.request_deadline;
        let mut write = Self::new(hub, op, caller, replicas, deadline);
        let keep = if write.replicas.contains(&hub.own) { Keep::Replica } else { Keep::Nothing };
        hub.ask_own(op, OWN, origin, keep, Request::PutRecord { record: record.clone() });
        write.held = Some(record);
        write
    }

    fn new(hub: &Hub, op: u64, caller: Caller, replicas: Vec<NodeId>, deadline: Instant) -> Self {
        let tally = Tally::new(&replicas, hub.view.quorum());
        Self { op, caller, replicas, tally, held: None, answered: false, deadline }
    }

    fn others(&self, hub: &Hub) -> Vec<NodeId> {
        self.replicas.iter().copied().filter(|node| !hub.is_own(node)).collect()
    }

    /// The record is sound: to the other replicas, and its stub to everybody else, whose pins it confirms or kills.
    fn spread(&mut self, hub: &mut Hub, record: &Record) {
        for node in self.others(hub) {
            hub.ask(self.op, REPLICA, node, Request::PutRecord { record: record.clone() });
        }
        let stub = record.to_stub();
        for node in hub.responsive().into_iter().filter(|node| !self.replicas.contains(node)) {
            hub.ask(self.op, OTHER, node, Request::PutRecord { record: stub.clone() });
        }
        if !self.replicas.contains(&hub.own) {
            hub.ask_own(self.op, OTHER, Origin::Own, Keep::Replica, Request::PutRecord { record: stub });
        }
    }

    fn own_answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        match answer.result {
            Ok(_) if answer.vote.is_some() => self.tally.durable(hub, hub.own),
            Ok(_) => self.tally.failed(hub.own, Failure::OtherSet),
            Err(Failure::Refused(error)) if is_final(error.code) => {
                self.answer(hub, Response::Error(error));
                return Progress::Done;
            }
            Err(failure) => self.tally.failed(hub.own, failure),
        }
        if let Some(record) = self.held.take() {
            self.spread(hub, &record);
        }
        self.progress(hub)
    }

    fn answer(&mut self, hub: &mut Hub, response: Response) {
        if !self.answered {
            self.answered = true;
            hub.answer(&self.caller, response);
        }
    }

    fn progress(&mut self, hub: &mut Hub) -> Progress {
        let complete = self.held.is_none() && self.tally.is_complete();
        if !self.answered && (complete || self.tally.is_reached(hub)) {
            let verdict = self.tally.verdict(hub);
            self.answer(hub, verdict);
        }
        if complete { Progress::Done } else { Progress::Going }
    }
}

impl Operation for Write {
    fn answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        match answer.slot {
            OWN => return self.own_answered(hub, answer),
            REPLICA => match answer.result {
                Ok(Response::Stored { .. }) if answer.vote.is_some() => self.tally.durable(hub, answer.from),
                Ok(Response::Stored { .. }) => self.tally.failed(answer.from, Failure::OtherSet),
                Ok(_) => self.tally.failed(answer.from, Failure::Lost),
                Err(failure) => self.tally.failed(answer.from, failure),
            },
            _ => {}
        }
        self.progress(hub)
    }

    fn timeout(&mut self, hub: &mut Hub) -> Progress {
        let verdict = self.tally.verdict(hub);
        self.answer(hub, verdict);
        Progress::Done
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }
}

/// The members that are to keep a record: its replicas, or, of an owner's floor, everyone.
pub(super) fn record_replicas(hub: &Hub, record: &Record) -> Vec<NodeId> {
    let header = record.header();
    match header.kind {
        Kind::Floor => hub.members.ids().collect(),
        Kind::File => hub.view.replicas(&record_position(hub.setup.suite, &header.owner, header.name.0[0])),
    }
}

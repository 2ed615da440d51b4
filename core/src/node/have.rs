//! A client's question which blobs need not be sent again.
//!
//! Each pin goes to the replicas of its blob, where it is kept if the blob is there under a pin of the same owner.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use super::hub::{Answered, Failure, Hub};
use super::link::Caller;
use super::operation::{Operation, Progress};
use super::store::{Keep, Origin};
use super::tally::{Tally, is_final};
use super::view::blob_position;
use crate::id::NodeId;
use crate::record::Pin;
use crate::time::Instant;
use crate::wire::{Request, Response};

/// The slot of the check of what this node is no replica of.
const CHECK: u32 = 0;
/// The slot of the replicas, this node among them.
const REPLICA: u32 = 1;

/// A `Have` of a client.
#[derive(Debug)]
pub(super) struct Have {
    caller: Caller,
    /// Which pins each member was asked about.
    asked: BTreeMap<NodeId, Vec<usize>>,
    /// One for each pin.
    tallies: Vec<Tally>,
    answered: bool,
    deadline: Instant,
}

impl Have {
    pub(super) fn new(hub: &mut Hub, op: u64, caller: Caller, origin: Origin, pins: &[Pin]) -> Self {
        let mut have = Self {
            caller,
            asked: BTreeMap::new(),
            tallies: Vec::with_capacity(pins.len()),
            answered: false,
            deadline: hub.now.mono + hub.setup.config.request_deadline,
        };
        let mut unplaced = Vec::new();
        for (index, pin) in pins.iter().enumerate() {
            let tally = Tally::at(hub, blob_position(&pin.body().blob));
            if !tally.contains(&hub.own) {
                unplaced.push(pin.clone());
            }
            for node in tally.nodes() {
                have.asked.entry(node).or_default().push(index);
            }
            have.tallies.push(tally);
        }
        if !unplaced.is_empty() {
            hub.ask_own(op, CHECK, origin, Keep::Nothing, Request::Have { pins: unplaced });
        }
        for (node, indices) in &have.asked {
            let pins = indices.iter().filter_map(|index| pins.get(*index).cloned()).collect();
            let request = Request::Have { pins };
            if hub.is_own(node) {
                hub.ask_own(op, REPLICA, origin, Keep::Replica, request);
            } else {
                hub.ask(op, REPLICA, *node, request);
            }
        }
        have
    }

    fn answer(&mut self, hub: &mut Hub, response: Response) {
        if !self.answered {
            self.answered = true;
            hub.answer(&self.caller, response);
        }
    }

    fn verdict(&self, hub: &Hub) -> Response {
        Response::Have {
            copies: self.tallies.iter().map(|tally| tally.copies(hub)).collect(),
            wanted: hub.view.quorum(),
        }
    }

    fn progress(&mut self, hub: &mut Hub) -> Progress {
        let complete = self.tallies.iter().all(Tally::is_complete);
        if !self.answered && (complete || self.tallies.iter().all(|tally| tally.is_reached(hub))) {
            let verdict = self.verdict(hub);
            self.answer(hub, verdict);
        }
        if complete { Progress::Done } else { Progress::Going }
    }
}

impl Operation for Have {
    fn answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        if let Err(Failure::Refused(error)) = &answer.result
            && hub.is_own(&answer.from)
            && is_final(error.code)
        {
            self.answer(hub, Response::Error(error.clone()));
            return Progress::Done;
        }
        if answer.slot == CHECK {
            return self.progress(hub);
        }
        let indices = self.asked.get(&answer.from).cloned().unwrap_or_default();
        let copies = match answer.result {
            Ok(Response::Have { copies, .. }) if copies.len() == indices.len() => copies,
            _ => vec![0; indices.len()],
        };
        for (index, copies) in indices.into_iter().zip(copies) {
            let Some(tally) = self.tallies.get_mut(index) else { continue };
            if copies > 0 {
                tally.durable(hub, answer.from, answer.vote);
            } else {
                tally.failed(answer.from, Failure::Lost);
            }
        }
        self.progress(hub)
    }

    fn timeout(&mut self, hub: &mut Hub) -> Progress {
        let verdict = self.verdict(hub);
        self.answer(hub, verdict);
        Progress::Done
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }
}

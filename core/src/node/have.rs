//! A client's question which blobs need not be sent again.
//!
//! Each pin goes to the replicas of its blob, where it is kept if the blob is there under a pin of the same owner. Where
//! views differ they are compared, and the members are asked again: a no would cost the client the bytes.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use super::calls::{Answered, Failure};
use super::hub::Hub;
use super::link::Caller;
use super::operation::{Operation, Progress};
use super::store::{Keep, Origin};
use super::tally::{Tally, is_final};
use super::view::blob_position;
use crate::id::NodeId;
use crate::record::Pin;
use crate::time::Instant;
use crate::wire::{Request, Response};

/// The slots of a round's questions follow each other: so many rounds, so many times this.
const SLOTS: u32 = 2;
/// The slot of the check of what this node is no replica of.
const CHECK: u32 = 0;
/// The slot of the replicas, this node among them.
const REPLICA: u32 = 1;

/// How often it is asked again because views differ.
const MOST_ROUNDS: u32 = 8;

/// A `Have` of a client.
#[derive(Debug)]
pub(super) struct Have {
    op: u64,
    caller: Caller,
    origin: Origin,
    pins: Vec<Pin>,
    round: u32,
    /// The members are asked again at this time.
    again_at: Option<Instant>,
    /// Which pins each member was asked about in this round.
    asked: BTreeMap<NodeId, Vec<usize>>,
    /// One for each pin.
    tallies: Vec<Tally>,
    answered: bool,
    deadline: Instant,
}

impl Have {
    pub(super) fn new(hub: &mut Hub, op: u64, caller: Caller, origin: Origin, pins: Vec<Pin>) -> Self {
        let tallies: Vec<_> = pins.iter().map(|pin| tally(hub, pin)).collect();
        let mut have = Self {
            op,
            caller,
            origin,
            pins,
            round: 0,
            again_at: None,
            asked: BTreeMap::new(),
            tallies,
            answered: false,
            deadline: hub.now.mono + hub.setup.config.request_deadline,
        };
        let unplaced = have.pins.iter().zip(&have.tallies);
        let unplaced = unplaced.filter(|(_, tally)| !tally.contains(&hub.own)).map(|(pin, _)| pin.clone());
        let unplaced: Vec<_> = unplaced.collect();
        if !unplaced.is_empty() {
            hub.ask_own(op, CHECK, origin, Keep::Nothing, Request::Have { pins: unplaced });
        }
        have.ask(hub, (0..have.pins.len()).collect());
        have
    }

    /// Asks the replicas of these pins.
    fn ask(&mut self, hub: &mut Hub, indices: Vec<usize>) {
        self.asked.clear();
        for index in indices {
            for node in self.tallies.get(index).map(Tally::nodes).unwrap_or_default() {
                self.asked.entry(node).or_default().push(index);
            }
        }
        let slot = self.round * SLOTS + REPLICA;
        for (node, indices) in &self.asked {
            let pins = indices.iter().filter_map(|index| self.pins.get(*index).cloned()).collect();
            let request = Request::Have { pins };
            if hub.is_own(node) {
                hub.ask_own(self.op, slot, self.origin, Keep::Replica, request);
            } else {
                hub.ask(self.op, slot, *node, request);
            }
        }
    }

    /// Asks anew about those pins of which too little is known, as this node sees their replicas now.
    fn ask_again(&mut self, hub: &mut Hub) {
        self.round += 1;
        let mut open = Vec::new();
        for (index, (pin, tally_of)) in self.pins.iter().zip(&mut self.tallies).enumerate() {
            if !tally_of.is_reached(hub) {
                *tally_of = tally(hub, pin);
                open.push(index);
            }
        }
        self.ask(hub, open);
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
        if self.again_at.is_some() {
            return Progress::Going;
        }
        let complete = self.tallies.iter().all(Tally::is_complete);
        let reached = self.tallies.iter().all(|tally| tally.is_reached(hub));
        let again = hub.now.mono + hub.setup.config.vote_again;
        let may_agree = |tally: &Tally| !tally.is_reached(hub) && tally.may_agree(hub);
        if complete
            && !reached
            && !self.answered
            && self.round < MOST_ROUNDS
            && again < self.deadline
            && self.tallies.iter().any(may_agree)
        {
            self.again_at = Some(again);
            return Progress::Going;
        }
        if complete || reached {
            let verdict = self.verdict(hub);
            self.answer(hub, verdict);
        }
        if complete { Progress::Done } else { Progress::Going }
    }

    /// A member has told which of the pins that it was asked about it holds.
    fn count(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        let indices = self.asked.get(&answer.from).cloned().unwrap_or_default();
        let (copies, is_lost) = match answer.result {
            Ok(Response::Have { copies, .. }) if copies.len() == indices.len() => (copies, false),
            _ => (vec![0; indices.len()], true),
        };
        // Whoever places things elsewhere says no to what it would say yes to in a moment.
        let is_elsewhere = !is_lost && !hub.is_own(&answer.from) && hub.is_placed_otherwise(&answer.from);
        if is_elsewhere && copies.contains(&0) {
            hub.compare(&answer.from);
        }
        for (index, copies) in indices.into_iter().zip(copies) {
            let Some(tally) = self.tallies.get_mut(index) else { continue };
            if copies > 0 {
                tally.durable(hub, answer.from, answer.vote);
            } else if is_elsewhere {
                tally.other_set(answer.from);
            } else {
                tally.failed(answer.from, Failure::Lost);
            }
        }
        self.progress(hub)
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
        if answer.slot == self.round * SLOTS + REPLICA {
            return self.count(hub, answer);
        }
        self.progress(hub)
    }

    fn timeout(&mut self, hub: &mut Hub) -> Progress {
        if self.again_at.take_if(|at| *at <= hub.now.mono).is_some() && hub.now.mono < self.deadline {
            self.ask_again(hub);
            return self.progress(hub);
        }
        let verdict = self.verdict(hub);
        self.answer(hub, verdict);
        Progress::Done
    }

    fn deadline(&self) -> Instant {
        self.again_at.map_or(self.deadline, |at| at.min(self.deadline))
    }
}

/// The replicas of a pin's blob, as this node sees them now.
fn tally(hub: &Hub, pin: &Pin) -> Tally {
    Tally::at(hub, blob_position(&pin.body().blob))
}

//! Handing on what is held here and belongs to others: what an entry node kept as a hint, what a change of the ring moved.
//!
//! Everything goes to all members of its set. It is dropped here only when each of them has confirmed, with its vote,
//! that it holds the record, or the pins and (by a proof over a fresh nonce) the blob; on the disk that it has still.
//! Until then nothing goes. What a member shows to be dead is dropped by that proof, as anything else is.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use bytes::Bytes;

use super::calls::{Answered, Failure};
use super::hand_on::HandOnBlob;
use super::hub::Hub;
use super::operation::{Operation, Progress};
use super::store::Look;
use super::view::record_position;
#[cfg(any(test, feature = "sim"))]
use crate::config::{Config, limit};
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::NodeId;
use crate::record::Record;
use crate::time::Instant;
use crate::wire::{ErrorCode, PullCursor, PulledPin, Request, Response};

/// The slot of the search for strays.
const LOOK: u32 = 0;
/// How many slots each item has.
pub(super) const SLOTS: u32 = 8;

/// The members that must confirm, and what they were when they were asked.
#[derive(Debug)]
pub(super) struct Confirmations {
    /// The member, its epoch, and whether it has confirmed.
    members: Vec<(NodeId, u64, bool)>,
}

impl Confirmations {
    /// `None` if one of the set cannot be reached, or if this node belongs to it.
    pub(super) fn of(hub: &Hub, set: &[NodeId]) -> Option<Self> {
        let all = !set.is_empty() && set.iter().all(|node| !hub.is_own(node) && hub.is_responsive(node));
        let members = set.iter().map(|node| (*node, hub.epoch(node), false)).collect();
        all.then_some(Self { members })
    }

    pub(super) fn nodes(&self) -> Vec<NodeId> {
        self.members.iter().map(|(node, ..)| *node).collect()
    }

    pub(super) fn confirm(&mut self, node: &NodeId) {
        for (of, _, confirmed) in &mut self.members {
            *confirmed |= of == node;
        }
    }

    /// True if all have, and none has lost its disk or link since it was asked.
    pub(super) fn is_complete(&self, hub: &Hub) -> bool {
        self.members.iter().all(|(node, epoch, confirmed)| *confirmed && *epoch == hub.epoch(node))
    }
}

/// What becomes of an item after an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Handed {
    /// Answers are to come.
    Going,
    /// It is dropped here.
    Dropped,
    /// It stays for now.
    Left,
}

/// One record on its way.
#[derive(Debug)]
struct HandOnRecord {
    record: Record,
    confirmations: Confirmations,
    open: usize,
    dropping: bool,
}

#[derive(Debug)]
enum Item {
    Record(HandOnRecord),
    Blob(HandOnBlob),
}

/// What waits for its turn.
#[derive(Debug)]
enum Waiting {
    Record(Record),
    /// Pins on one blob.
    Pins(Vec<PulledPin>),
}

/// One walk over all strays.
#[derive(Debug)]
pub(super) struct HandOn {
    op: u64,
    look: Look,
    after: Option<PullCursor>,
    looking: bool,
    waiting: VecDeque<Waiting>,
    items: BTreeMap<u32, Item>,
    next_item: u32,
    left: u64,
    deadline: Instant,
}

impl HandOn {
    pub(super) fn new(hub: &mut Hub, op: u64) -> Self {
        let mut walk = Self {
            op,
            look: Look::StrayRecords,
            after: None,
            looking: false,
            waiting: VecDeque::new(),
            items: BTreeMap::new(),
            next_item: 1,
            left: 0,
            deadline: hub.now.mono,
        };
        walk.look(hub);
        walk
    }

    fn look(&mut self, hub: &mut Hub) {
        self.looking = true;
        hub.look(self.op, LOOK, self.look, self.after);
        self.heed(hub);
    }

    fn heed(&mut self, hub: &mut Hub) {
        self.deadline = hub.now.mono + hub.setup.config.bulk_deadline;
        hub.repair.strays.open = self.left + (self.waiting.len() + self.items.len()) as u64;
    }

    fn found(&mut self, hub: &mut Hub, response: Response) -> Progress {
        self.looking = false;
        match response {
            Response::PulledRecords(page) => {
                self.waiting.extend(page.records.into_iter().map(|row| Waiting::Record(row.record)));
                self.after = page.next;
            }
            Response::PulledPins(page) => {
                for row in page.pins {
                    match self.waiting.back_mut() {
                        Some(Waiting::Pins(pins))
                            if pins
                                .last()
                                .is_some_and(|last| last.pin.body().blob == row.pin.body().blob) =>
                        {
                            pins.push(row);
                        }
                        _ => self.waiting.push_back(Waiting::Pins(Vec::from([row]))),
                    }
                }
                self.after = page.next;
            }
            _ => return self.end(hub),
        }
        self.progress(hub)
    }

    fn begin_waiting(&mut self, hub: &mut Hub) {
        while self.items.len() < hub.setup.config.hand_on_at_once.max(1) {
            let Some(next) = self.waiting.pop_front() else { return };
            let first_slot = self.next_item * SLOTS;
            let item = match next {
                Waiting::Record(record) => {
                    HandOnRecord::begin(hub, self.op, first_slot, record).map(Item::Record)
                }
                Waiting::Pins(pins) => HandOnBlob::begin(hub, self.op, first_slot, pins).map(Item::Blob),
            };
            match item {
                Some(item) => drop(self.items.insert(self.next_item, item)),
                None => self.left += 1,
            }
            self.next_item += 1;
        }
    }

    fn progress(&mut self, hub: &mut Hub) -> Progress {
        self.begin_waiting(hub);
        self.heed(hub);
        if self.looking || !self.items.is_empty() || !self.waiting.is_empty() {
            return Progress::Going;
        }
        if self.after.is_none() {
            if self.look == Look::StrayPins {
                return self.end(hub);
            }
            self.look = Look::StrayPins;
        }
        self.look(hub);
        Progress::Going
    }

    fn end(&self, hub: &mut Hub) -> Progress {
        hub.hand_on_ended(self.left + (self.waiting.len() + self.items.len()) as u64);
        Progress::Done
    }
}

impl Operation for HandOn {
    fn answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        if answer.slot == LOOK {
            return match answer.result {
                Ok(response) => self.found(hub, response),
                Err(_) => {
                    // The disk has failed: what is left is not known.
                    self.left += 1;
                    self.end(hub)
                }
            };
        }
        let (number, first_slot) = (answer.slot / SLOTS, answer.slot / SLOTS * SLOTS);
        let handed = match self.items.get_mut(&number) {
            Some(Item::Record(item)) => item.answered(hub, (self.op, first_slot), answer),
            Some(Item::Blob(item)) => item.answered(hub, (self.op, first_slot), answer),
            None => return Progress::Going,
        };
        if handed != Handed::Going {
            self.items.remove(&number);
            self.left += u64::from(handed == Handed::Left);
        }
        self.progress(hub)
    }

    fn timeout(&mut self, hub: &mut Hub) -> Progress {
        self.end(hub)
    }

    fn is_background(&self) -> bool {
        true
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    #[cfg(any(test, feature = "sim"))]
    fn gauge(&self, config: &Config, gauges: &mut Gauges) {
        let at_once = config.hand_on_at_once.max(1);
        gauges.count("node: strays that wait", self.waiting.len(), limit::PULL_ROWS, "limit::PULL_ROWS");
        gauges.count("node: strays under way", self.items.len(), at_once, "hand_on_at_once");
    }
}

impl HandOnRecord {
    fn begin(hub: &mut Hub, op: u64, slot: u32, record: Record) -> Option<Self> {
        let header = record.header();
        let set = hub.view.replicas(&record_position(hub.setup.suite, &header.owner, header.name.0[0]));
        let confirmations = Confirmations::of(hub, &set)?;
        for node in &set {
            hub.ask(op, slot, *node, Request::PutRecord { record: record.clone() });
        }
        Some(Self { record, confirmations, open: set.len(), dropping: false })
    }

    fn answered(&mut self, hub: &mut Hub, (op, slot): (u64, u32), answer: Answered) -> Handed {
        if self.dropping {
            return match answer.result {
                Ok(Response::Stored { copies: 0, .. }) => Handed::Dropped,
                _ => Handed::Left,
            };
        }
        self.open -= 1;
        let is_there = match &answer.result {
            Ok(Response::Stored { copies, .. }) => *copies > 0,
            // Something newer is there: nobody needs this one.
            Err(Failure::Refused(error)) => error.code == ErrorCode::Stale,
            _ => false,
        };
        if is_there && answer.vote.is_some() {
            self.confirmations.confirm(&answer.from);
        }
        if self.open > 0 {
            return Handed::Going;
        }
        if !self.confirmations.is_complete(hub) {
            return Handed::Left;
        }
        self.dropping = true;
        hub.drop_stray_record(op, slot, self.record.clone());
        Handed::Going
    }
}

/// The bytes of a blob that a store gave back whole.
pub(super) fn blob_of(result: Result<Response, Failure>) -> Option<Bytes> {
    match result {
        Ok(Response::Blob { bytes, .. }) => Some(bytes),
        _ => None,
    }
}

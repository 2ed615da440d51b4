//! Making the proof of a death durable where its record belongs, so that the pins it kills may go.
//!
//! What it kills is the store's to know: here a stub is put and counted like any record.

use super::calls::{Answered, Failure};
use super::hub::Hub;
use super::operation::{Operation, Progress};
use super::store::{Keep, Origin};
use super::tally::Tally;
use crate::record::Record;
use crate::time::Instant;
use crate::wire::{ErrorCode, Request};

/// One proof that the store offers.
#[derive(Debug)]
pub(super) struct Settle {
    offer: u64,
    tally: Tally,
    deadline: Instant,
}

impl Settle {
    pub(super) fn new(hub: &mut Hub, op: u64, offer: u64, stub: &Record) -> Self {
        let tally = Tally::record(hub, stub);
        for node in tally.nodes() {
            let request = Request::PutRecord { record: stub.clone() };
            if hub.is_own(&node) {
                hub.ask_own(op, 0, Origin::Own, Keep::Replica, request);
            } else {
                hub.ask(op, 0, node, request);
            }
        }
        Self { offer, tally, deadline: hub.now.mono + hub.setup.config.request_deadline }
    }

    fn conclude(&self, hub: &mut Hub) -> Progress {
        let (copies, wanted) = (self.tally.copies(hub), self.tally.wanted());
        hub.store.settled(hub.now, self.offer, copies, wanted);
        Progress::Done
    }
}

impl Operation for Settle {
    fn answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        match answer.result {
            Ok(_) => self.tally.durable(hub, answer.from, answer.vote),
            // A newer record is there: what it does not list is as dead as by this one.
            Err(Failure::Refused(error)) if error.code == ErrorCode::Stale => {
                self.tally.durable(hub, answer.from, answer.vote);
            }
            Err(failure) => self.tally.failed(answer.from, failure),
        }
        if self.tally.is_reached(hub) || self.tally.is_complete() {
            return self.conclude(hub);
        }
        Progress::Going
    }

    fn timeout(&mut self, hub: &mut Hub) -> Progress {
        self.conclude(hub)
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }
}

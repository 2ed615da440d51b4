//! A tombstone is dropped only when nothing is left that it keeps dead: asked of every member.
//!
//! Whoever cannot be reached may hold the only old copy, and so may whoever is still Syncing: then it stays. A
//! member that does hold something older is sent the tombstone.

use super::calls::Answered;
use super::hub::Hub;
use super::operation::{Operation, Progress};
use super::store::{Keep, Origin};
use crate::record::Record;
use crate::time::Instant;
use crate::wire::{Request, Response};

/// The slot of the question.
const ASK: u32 = 0;
/// The slot of the tombstone, for who holds something older.
const PUT: u32 = 1;

/// One tombstone that the store would drop.
#[derive(Debug)]
pub(super) struct Forget {
    op: u64,
    forget: u64,
    stub: Record,
    open: usize,
    clean: bool,
    deadline: Instant,
}

impl Forget {
    pub(super) fn new(hub: &mut Hub, op: u64, forget: u64, stub: Record) -> Self {
        let members: alloc::vec::Vec<_> = hub.members.ids().collect();
        for node in &members {
            let request = Request::Forget { record: stub.clone() };
            if hub.is_own(node) {
                hub.ask_own(op, ASK, Origin::Own, Keep::Nothing, request);
            } else {
                hub.ask(op, ASK, *node, request);
            }
        }
        let deadline = hub.now.mono + hub.setup.config.request_deadline;
        let clean = hub.members.joined && !hub.is_syncing();
        Self { op, forget, stub, open: members.len(), clean, deadline }
    }

    fn conclude(&self, hub: &mut Hub) -> Progress {
        hub.store.forgotten(hub.now, self.forget, &self.stub, self.clean && self.open == 0);
        Progress::Done
    }
}

impl Operation for Forget {
    fn answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        self.open = self.open.saturating_sub(1);
        match (answer.slot, answer.result) {
            (ASK, Ok(Response::Forgotten { clean: true })) | (PUT, _) => {}
            (ASK, Ok(Response::Forgotten { clean: false })) if !hub.is_own(&answer.from) => {
                self.clean = false;
                self.open += 1;
                hub.ask(self.op, PUT, answer.from, Request::PutRecord { record: self.stub.clone() });
            }
            _ => self.clean = false,
        }
        if self.open == 0 { self.conclude(hub) } else { Progress::Going }
    }

    fn timeout(&mut self, hub: &mut Hub) -> Progress {
        self.conclude(hub)
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }
}

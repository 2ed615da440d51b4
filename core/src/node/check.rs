//! What became of the objects that pins are held for here: asked of the replicas of their records.
//!
//! What newer records and floors they know goes into this node's own store, whose rules then act on it. An object
//! that no record lists is given up only when every replica has promised never to list it: those that are out of
//! the placement too, each standing for the same set. Deletes nothing itself.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::hub::{Answered, Hub};
use super::operation::{Operation, Progress};
use super::store::{HeldObject, Keep, Origin};
use super::view::record_position;
use crate::id::NodeId;
use crate::record::Record;
use crate::time::Instant;
use crate::wire::{PinCheck, PinState, Request, Response};

/// The slot of the question what is known.
const KNOWN: u32 = 0;
/// The slot of the question whether a lease may end.
const LAPSE: u32 = 1;
/// The slot of records that are fetched because they list what is pending here.
const FETCH: u32 = 2;
/// The slot of records that are put into this node's own store.
const PUT: u32 = 3;

/// One question of the store about its pins.
#[derive(Debug)]
pub(super) struct Check {
    op: u64,
    check: u64,
    asked: [Vec<HeldObject>; 2],
    /// How many members are asked whether leases may end, and for each object how many have promised.
    judges: usize,
    promises: Vec<usize>,
    /// Records on their way into the own store, the newest of each name.
    taken: BTreeMap<PinName, Record>,
    open: usize,
    deadline: Instant,
}

type PinName = (crate::id::OwnerId, crate::id::Name);

impl Check {
    pub(super) fn new(hub: &mut Hub, op: u64, check: u64, objects: Vec<HeldObject>) -> Self {
        let (over, rest): (Vec<_>, Vec<_>) = objects.into_iter().partition(|object| object.is_over);
        let promises = over.iter().map(|_| 0).collect();
        let deadline = hub.now.mono + hub.setup.config.request_deadline;
        let mut check = Self {
            op,
            check,
            asked: [rest, over],
            judges: 0,
            promises,
            taken: BTreeMap::new(),
            open: 0,
            deadline,
        };
        let first = check.asked.iter().flatten().next().map(|object| object.check);
        let Some(PinCheck { owner, name, .. }) = first else { return check };
        let position = record_position(hub.setup.suite, &owner, name.0[0]);
        let replicas = hub.view.replicas(&position);
        // Who is out of the placement has a word in it as long as it is a member.
        let mut judges = hub.members.view(|_| false).replicas(&position);
        judges.extend(replicas.iter().filter(|node| !judges.contains(node)).collect::<Vec<_>>());
        check.judges = judges.len();
        check.ask(hub, KNOWN, &replicas);
        check.ask(hub, LAPSE, &judges);
        check
    }

    fn ask(&mut self, hub: &mut Hub, slot: u32, nodes: &[NodeId]) {
        let objects = &self.asked[slot as usize];
        if objects.is_empty() {
            return;
        }
        for node in nodes {
            let checks = objects.iter().map(|object| object.check).collect();
            let request = Request::CheckPins { lapse: slot == LAPSE, checks };
            self.open += 1;
            if hub.is_own(node) {
                hub.ask_own(self.op, slot, Origin::Own, Keep::Nothing, request);
            } else {
                hub.ask(self.op, slot, *node, request);
            }
        }
    }

    fn states(&mut self, hub: &mut Hub, answer: &Answered, states: &[PinState]) {
        let objects = self.asked[answer.slot as usize].clone();
        for (index, (object, state)) in objects.iter().zip(states).enumerate() {
            match state {
                PinState::Nothing if answer.slot == LAPSE && answer.vote.is_some() => {
                    self.promises[index] += 1;
                }
                PinState::Nothing => {}
                PinState::Dead(record) => self.take(hub, record),
                PinState::Listed if object.is_pending && !hub.is_own(&answer.from) => {
                    let PinCheck { owner, name, .. } = object.check;
                    self.open += 1;
                    hub.ask(self.op, FETCH, answer.from, Request::GetRecord { owner, name });
                }
                PinState::Listed => {}
            }
        }
    }

    /// Puts a record into the own store, as its stub, unless it is there already.
    fn take(&mut self, hub: &mut Hub, record: &Record) {
        let name = (record.header().owner, record.header().name);
        if self.taken.get(&name).is_some_and(|taken| taken.order() >= record.order()) {
            return;
        }
        let stub = record.to_stub();
        self.taken.insert(name, stub.clone());
        self.open += 1;
        hub.ask_own(self.op, PUT, Origin::Own, Keep::Replica, Request::PutRecord { record: stub });
    }

    fn conclude(&self, hub: &mut Hub) -> Progress {
        let all = self.judges;
        let over = self.asked[LAPSE as usize].iter().zip(&self.promises);
        let lapsed = over.filter(|(_, count)| **count == all).map(|(object, _)| object.check).collect();
        hub.store.checked(hub.now, self.check, lapsed);
        Progress::Done
    }
}

impl Operation for Check {
    fn answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        self.open = self.open.saturating_sub(1);
        match (&answer.result, answer.slot) {
            (Ok(Response::Checked(states)), KNOWN | LAPSE) => {
                let states = states.clone();
                self.states(hub, &answer, &states);
            }
            (Ok(Response::Record { record, floor, .. }), FETCH) => {
                for record in [record, floor].into_iter().flatten() {
                    self.take(hub, record);
                }
            }
            _ => {}
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

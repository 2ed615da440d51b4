//! What became of the objects that pins are held for here: asked of the replicas of their records.
//!
//! What newer records and floors they know goes into this node's own store, whose rules then act on it. An object
//! that no record lists is given up only when every replica has promised never to list it: those that are out of
//! the placement too, each standing for the same set. They are asked for that only when all have said that they know of
//! nothing: a promise beside a record that another one holds would keep that record from here for ever. Deletes nothing
//! itself.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use super::calls::Answered;
use super::hub::Hub;
use super::operation::{Operation, Progress};
use super::store::{HeldObject, Keep, Origin};
use super::view::record_position;
use crate::id::NodeId;
use crate::record::Record;
use crate::time::Instant;
use crate::wire::{PinCheck, PinState, Request, Response};

/// The slot of the question what is known.
const KNOWN: u32 = 0;
/// The slot of the question what is known of objects whose lease is over.
const OVER: u32 = 1;
/// The slot of the question whether a lease may end.
const LAPSE: u32 = 2;
/// The slot of records that are fetched because they list what is pending here.
const FETCH: u32 = 3;
/// The slot of records that are put into this node's own store.
const PUT: u32 = 4;

/// One question of the store about its pins.
#[derive(Debug)]
pub(super) struct Check {
    op: u64,
    check: u64,
    /// What is asked in each slot, and of how many it was answered that nothing is known of it, by members with a vote.
    asked: [Vec<HeldObject>; 3],
    unknown: [Vec<usize>; 3],
    /// Who has a word in the end of a lease.
    judges: Vec<NodeId>,
    /// Records on their way into the own store, the newest of each name.
    taken: BTreeMap<PinName, Record>,
    open: usize,
    deadline: Instant,
}

type PinName = (crate::id::OwnerId, crate::id::Name);

impl Check {
    pub(super) fn new(hub: &mut Hub, op: u64, check: u64, objects: Vec<HeldObject>) -> Self {
        let (over, rest): (Vec<_>, Vec<_>) = objects.into_iter().partition(|object| object.is_over);
        let deadline = hub.now.mono + hub.setup.config.request_deadline;
        let mut check = Self {
            op,
            check,
            unknown: [vec![0; rest.len()], vec![0; over.len()], Vec::new()],
            asked: [rest, over, Vec::new()],
            judges: Vec::new(),
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
        check.judges = judges;
        check.ask(hub, KNOWN, &replicas);
        check.ask(hub, OVER, &check.judges.clone());
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
                PinState::Nothing if answer.vote.is_some() => {
                    self.unknown[answer.slot as usize][index] += 1;
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

    /// All answers are there, or will not come: asks for promises where nobody knows anything, or ends.
    fn go_on(&mut self, hub: &mut Hub) -> Progress {
        let nobody_knows = self.unknown_to_all(OVER);
        if self.asked[LAPSE as usize].is_empty() && !nobody_knows.is_empty() {
            self.deadline = hub.now.mono + hub.setup.config.request_deadline;
            self.unknown[LAPSE as usize] = vec![0; nobody_knows.len()];
            self.asked[LAPSE as usize] = nobody_knows;
            self.ask(hub, LAPSE, &self.judges.clone());
            return Progress::Going;
        }
        self.conclude(hub)
    }

    fn conclude(&self, hub: &mut Hub) -> Progress {
        let lapsed = self.unknown_to_all(LAPSE).into_iter().map(|object| object.check).collect();
        hub.store.checked(hub.now, self.check, lapsed);
        Progress::Done
    }

    /// What everyone who has a word has said to know nothing of.
    fn unknown_to_all(&self, slot: u32) -> Vec<HeldObject> {
        let counted = self.asked[slot as usize].iter().zip(&self.unknown[slot as usize]);
        counted.filter(|(_, count)| **count == self.judges.len()).map(|(object, _)| *object).collect()
    }
}

impl Operation for Check {
    fn answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        self.open = self.open.saturating_sub(1);
        match (&answer.result, answer.slot) {
            (Ok(Response::Checked(states)), KNOWN | OVER | LAPSE) => {
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
        if self.open == 0 { self.go_on(hub) } else { Progress::Going }
    }

    fn timeout(&mut self, hub: &mut Hub) -> Progress {
        self.conclude(hub)
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }
}

//! Which names have pins that may be dead: one `proof` row each, worked off a few at a time.
//!
//! A name is compared with its record ([`dead`](super::dead)); if pins of it are dead, the record is offered to
//! the node, which makes it durable on enough replicas; only then are the pins removed. What is not settled
//! stays as a row and is tried again by the next pass over all rows, after a wait that doubles.

use super::LocalStore;
use super::api::StoreOutput;
use super::effects::Effect;
use super::keys::{self, FLOOR_NAME, Range};
use super::operation::{Op, Purpose};
use super::rows::RecordRow;
use crate::id::{Name, OwnerId};
use crate::time::Instant;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

/// Something dead, by this proof.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    pub(super) owner: OwnerId,
    pub(super) name: Name,
    /// The record of the name, or the floor (as stubs, with what is known about them).
    pub(super) row: RecordRow,
}

impl Proof {
    pub(super) fn is_floor(&self) -> bool {
        self.name == FLOOR_NAME
    }
}

/// An offer that is not settled yet.
#[derive(Debug)]
struct Offer {
    op: Op,
    proof: Proof,
    deadline: Instant,
}

/// A walk over all rows.
#[derive(Debug)]
enum Pass {
    /// None is needed.
    Idle,
    /// It begins then.
    At(Instant),
    /// It goes on here when a place is free; `reading` while the disk is asked.
    Walking { rest: Range, reading: bool },
}

/// The names being worked on.
#[derive(Debug)]
pub(super) struct Proofs {
    active: BTreeSet<(OwnerId, Name)>,
    offers: BTreeMap<u64, Offer>,
    next_offer: u64,
    pass: Pass,
    /// A name found no place: a pass must follow.
    overlooked: bool,
    /// A name was not settled: a pass must follow, after a wait.
    unsettled: bool,
    wait: Duration,
}

impl Proofs {
    /// After a start everything that stands in the table is looked at.
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            active: BTreeSet::new(),
            offers: BTreeMap::new(),
            next_offer: 0,
            pass: Pass::At(now),
            overlooked: false,
            unsettled: false,
            wait: Duration::ZERO,
        }
    }

    /// What it holds.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn counts(&self) -> [(&'static str, usize); 2] {
        [
            ("store: proofs of deaths under way", self.active.len()),
            ("store: proofs that are offered", self.offers.len()),
        ]
    }
}

impl LocalStore {
    /// The next deadline. A pass that waits for a place is none: it goes on when a place is free.
    pub(super) fn proof_timeout(&self) -> Option<Instant> {
        let pass = match self.proofs.pass {
            Pass::At(at) if self.has_proof_slot() => Some(at),
            Pass::Idle | Pass::At(_) | Pass::Walking { .. } => None,
        };
        self.proofs.offers.values().map(|offer| offer.deadline).chain(pass).min()
    }

    fn has_proof_slot(&self) -> bool {
        self.proofs.active.len() < self.config.offers_in_flight.max(1)
    }

    /// A row was written for this name: begins at once, if there is a place.
    pub(super) fn kick_proof(&mut self, owner: OwnerId, name: Name) {
        if self.proofs.active.contains(&(owner, name)) {
            // It looks again before it removes its row.
            return;
        }
        if self.has_proof_slot() {
            self.begin_proof(owner, name);
        } else {
            self.proofs.overlooked = true;
        }
    }

    fn begin_proof(&mut self, owner: OwnerId, name: Name) {
        self.proofs.active.insert((owner, name));
        let op = self.begin_own(Purpose::Proof(owner, name));
        self.judge_name(op, owner, name);
    }

    /// A name is done, or has to wait for the next pass.
    pub(super) fn proof_ended(&mut self, owner: OwnerId, name: Name, done: bool) {
        self.proofs.active.remove(&(owner, name));
        if done {
            self.proofs.wait = Duration::ZERO;
        } else {
            self.proofs.unsettled = true;
        }
        self.go_on_with_proofs();
    }

    /// Offers a proof; the operation holds no locks meanwhile.
    pub(super) fn offer(&mut self, op: Op, proof: Proof) {
        self.unlock(op);
        let offer = self.proofs.next_offer;
        self.proofs.next_offer += 1;
        let stub = proof.row.record.to_stub();
        let deadline = self.now.mono + self.config.offer_deadline;
        self.proofs.offers.insert(offer, Offer { op, proof, deadline });
        self.outputs.push_back(StoreOutput::Offer { offer, stub });
    }

    pub(super) fn offer_settled(&mut self, offer: u64, enough: bool) {
        let Some(Offer { op, proof, .. }) = self.proofs.offers.remove(&offer) else { return };
        if enough {
            self.remove_dead(op, proof);
        } else {
            self.end(op);
            self.proof_ended(proof.owner, proof.name, false);
        }
    }

    /// Begins, goes on with or ends the pass.
    pub(super) fn go_on_with_proofs(&mut self) {
        let now = self.now.mono;
        let late = self.proofs.offers.iter().filter(|(_, offer)| offer.deadline <= now);
        let late: Vec<u64> = late.map(|(id, _)| *id).collect();
        late.into_iter().for_each(|offer| self.offer_settled(offer, false));
        if !self.is_ready || !self.has_proof_slot() {
            return;
        }
        match &mut self.proofs.pass {
            Pass::At(at) if *at <= now => {
                self.proofs.overlooked = false;
                self.proofs.unsettled = false;
                self.proofs.pass = Pass::Walking { rest: keys::proof_all(), reading: false };
                self.walk_proofs();
            }
            Pass::Idle if self.proofs.unsettled => {
                let longest = self.config.offer_again_longest;
                let first = self.config.offer_again_first.min(longest);
                self.proofs.wait = (self.proofs.wait * 2).clamp(first, longest);
                self.proofs.pass = Pass::At(now + self.proofs.wait);
            }
            Pass::Idle if self.proofs.overlooked => {
                self.proofs.pass = Pass::At(now);
                self.go_on_with_proofs();
            }
            Pass::Walking { reading: false, .. } => self.walk_proofs(),
            Pass::Idle | Pass::At(_) | Pass::Walking { .. } => {}
        }
    }

    fn walk_proofs(&mut self) {
        let free = self.config.offers_in_flight.max(1).saturating_sub(self.proofs.active.len());
        let Pass::Walking { rest, reading } = &mut self.proofs.pass else { return };
        *reading = true;
        let range = rest.clone();
        let rows = u32::try_from(free).unwrap_or(u32::MAX).max(1);
        let scan = Effect::scan(range.clone(), rows, self.config.scan_bytes);
        self.attempt(vec![scan], move |store, result| match result {
            Ok(mut answers) => {
                let (rows, more) = answers.rows();
                store.proofs_found(&range, &rows, more);
            }
            Err(_) => store.proofs.pass = Pass::At(store.now.mono + store.config.offer_again_first),
        });
    }

    fn proofs_found(&mut self, range: &Range, rows: &[(Bytes, Bytes)], more: bool) {
        let mut last = None;
        for (key, _) in rows {
            let Some((owner, name)) = keys::parse_proof(key) else {
                last = Some(key);
                continue;
            };
            if !self.proofs.active.contains(&(owner, name)) {
                if !self.has_proof_slot() {
                    break;
                }
                self.begin_proof(owner, name);
            }
            last = Some(key);
        }
        let whole = !more && last == rows.last().map(|(key, _)| key);
        self.proofs.pass = if whole {
            Pass::Idle
        } else {
            let rest = last.map_or_else(|| range.clone(), |key| range.after(key));
            Pass::Walking { rest, reading: false }
        };
        self.go_on_with_proofs();
    }
}

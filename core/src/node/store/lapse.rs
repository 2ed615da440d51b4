//! Leases: what became of the objects that pins are held for, and the end of those that no record ever listed.
//!
//! The walk over the pins has the node ask the replicas of their records. What is dead by a newer record dies when
//! that record is put; this module only gives up pins whose lease is over, on the promises of *every* replica.

use super::LocalStore;
use super::api::{HeldObject, StoreOutput};
use super::effects::Effect;
use super::keys::{self, OwnKey, Range};
use super::known::{Known, Wanted};
use super::locks::{Hold, LockKey};
use super::operation::Op;
use super::promise::promise_row;
use super::rows::{OwnRow, PinStatus, Verdict, verdict};
use super::walk::Round;
use crate::config::limit;
use crate::time::Now;
use crate::wire::PinCheck;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// Pins that are removed in one durable step.
const REMOVE_STEP: u32 = 64;

impl LocalStore {
    /// Has the pins compared with the records of others soon: a member is back that may know of newer ones.
    pub fn check_pins_soon(&mut self, now: Now) {
        self.now = now;
        self.walk_soon(Round::Pins);
        self.go_on();
    }

    /// What came of a [`StoreOutput::Check`]: those of its objects, in their order, that every replica of their
    /// records has promised to list never (a shorter list says no for the rest). A check that is not open is ignored.
    pub fn checked(&mut self, now: Now, check: u64, lapsed: Vec<PinCheck>) {
        self.now = now;
        if let Some((op, rest)) = self.walk_answered(Round::Pins, check) {
            self.give_up(op, lapsed, rest);
        }
        self.go_on();
    }

    /// Reads on until there are objects to ask for.
    pub(super) fn walk_pins(&mut self, op: Op, rest: Range) {
        let scan = Effect::scan(rest.clone(), self.config.scan_rows, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            let (objects, next) = store.objects(&rows, more, &rest);
            match next {
                Some(next) if objects.is_empty() => store.walk_pins(op, next),
                next if objects.is_empty() => store.walked(op, Round::Pins, next),
                next => {
                    let check = store.walk_asks(op, Round::Pins, next);
                    store.outputs.push_back(StoreOutput::Check { check, objects });
                }
            }
        });
    }

    /// The first objects of these rows, as many as one question may be about, and where to go on.
    fn objects(&self, rows: &[(Bytes, Bytes)], more: bool, rest: &Range) -> (Vec<HeldObject>, Option<Range>) {
        let mut objects: Vec<HeldObject> = Vec::new();
        let mut last = None;
        for (key, value) in rows {
            if let (Some(own), Some(row)) = (OwnKey::parse(key), OwnRow::decode(value)) {
                let object = self.held_object(&own, &row);
                let full = objects.len() >= limit::CHECK_PINS;
                match objects.last_mut() {
                    Some(known) if known.check == object.check => {
                        known.is_pending |= object.is_pending;
                        known.is_over |= object.is_over;
                    }
                    Some(known) if full || !same_shard(&known.check, &object.check) => break,
                    _ => objects.push(object),
                }
            }
            last = Some(key);
        }
        let whole = !more && last == rows.last().map(|(key, _)| key);
        let next = last.filter(|_| !whole).map(|key| {
            // The rest of the last object's pins would only ask the same again.
            match OwnKey::parse(key) {
                Some(own) => rest.beginning(keys::own_object(&own.owner, &own.name, &own.object).to),
                None => rest.after(key),
            }
        });
        (objects, next)
    }

    fn held_object(&self, own: &OwnKey, row: &OwnRow) -> HeldObject {
        let check = PinCheck { owner: own.owner, name: own.name, object: own.object, since: row.since };
        let is_pending = row.status == PinStatus::Pending;
        let is_over = is_pending && self.running_ms().saturating_sub(row.lease_ms) >= limit::LEASE_MS;
        HeldObject { check, is_pending, is_over }
    }

    /// Removes the pins of these objects; then the walk goes on.
    fn give_up(&mut self, op: Op, mut lapsed: Vec<PinCheck>, rest: Option<Range>) {
        match lapsed.pop() {
            None => self.walked(op, Round::Pins, rest),
            Some(object) => {
                let pins = keys::own_object(&object.owner, &object.name, &object.object);
                self.give_up_object(op, object, pins, move |store| store.give_up(op, lapsed, rest));
            }
        }
    }

    fn give_up_object(
        &mut self,
        op: Op,
        object: PinCheck,
        pins: Range,
        then: impl FnOnce(&mut Self) + Send + 'static,
    ) {
        let scan = Effect::scan(pins.clone(), REMOVE_STEP, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            let next = rows.last().filter(|_| more).map(|(key, _)| pins.after(key));
            let found: Vec<OwnKey> = rows.iter().filter_map(|(key, _)| OwnKey::parse(key)).collect();
            let mut locks = vec![(LockKey::Record(object.owner, object.name), Hold::Shared)];
            locks.extend(found.iter().map(|own| (LockKey::Blob(own.blob), Hold::Alone)));
            store.lock(op, locks, move |store, op| {
                store.give_up_pins(op, object, found, move |store| {
                    store.unlock(op);
                    match next {
                        Some(next) => store.give_up_object(op, object, next, then),
                        None => then(store),
                    }
                });
            });
        });
    }

    /// Looks again, with everything locked, and removes those that are pending still.
    fn give_up_pins(
        &mut self,
        op: Op,
        object: PinCheck,
        found: Vec<OwnKey>,
        then: impl FnOnce(&mut Self) + Send + 'static,
    ) {
        let (get, wanted) = Wanted::new(self.suite).name(&object.owner, &object.name).effect();
        let own = Effect::get(found.iter().map(OwnKey::own).collect());
        self.gather(op, vec![get, own], move |store, mut answers| {
            let known = Known::new(wanted, answers.values());
            let record = known.record(&object.owner, &object.name);
            let is_open = verdict(&object.object, object.since, record.as_ref()) == Verdict::Pending;
            let is_pending = |value: &Option<Bytes>| {
                let row = value.as_ref().and_then(|value| OwnRow::decode(value));
                row.is_some_and(|row| row.status == PinStatus::Pending && row.since == object.since)
            };
            let pending = found.into_iter().zip(answers.values()).filter(|(_, value)| is_pending(value));
            let pending: Vec<OwnKey> = pending.map(|(own, _)| own).filter(|_| is_open).collect();
            if pending.is_empty() {
                return store.ready.push_back(Box::new(then));
            }
            // Another holder, whose lease is younger, may hand its pins on: they are not taken.
            let promise = Effect::apply(vec![promise_row(&object)]);
            store.gather(op, vec![promise], move |store, _| store.unpin(op, pending, then));
        });
    }
}

fn same_shard(a: &PinCheck, b: &PinCheck) -> bool {
    (a.owner, a.name.0[0]) == (b.owner, b.name.0[0])
}

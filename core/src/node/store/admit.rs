//! `PutPins`: pins that come from another member without their blobs, pulled or handed on.
//!
//! Judged like any others, by this node's own records; but their leases go on from the age that they have.

use super::LocalStore;
use super::api::Origin;
use super::blob::HAVE_STEP;
use super::effects::Effect;
use super::keys;
use super::known::{Known, Wanted};
use super::operation::{Op, Refusal};
use super::quota::held;
use crate::config::limit;
use crate::driver::TableOp;
use crate::record::{Pin, Record};
use crate::wire::{ErrorCode, PinKept, PinsKept, PulledPin, Response};
use alloc::vec;
use alloc::vec::Vec;

/// Pins being admitted.
struct Admission {
    origin: Origin,
    pins: Vec<PulledPin>,
    kept: PinsKept,
    /// Bytes of the records by which some are dead.
    bytes: usize,
}

impl LocalStore {
    pub(super) fn put_pins(&mut self, op: Op, origin: Origin, pins: Vec<PulledPin>) {
        if pins.is_empty() || pins.len() > limit::PULL_ROWS {
            return self.refuse(op, ErrorCode::Invalid);
        }
        if !pins.iter().all(|row| origin.may_write(&row.pin.body().owner)) {
            return self.refuse(op, ErrorCode::Forbidden);
        }
        self.admit_step(op, Admission { origin, pins, kept: PinsKept::default(), bytes: 0 });
    }

    fn admit_step(&mut self, op: Op, mut admission: Admission) {
        let rest = &admission.pins[admission.kept.kept.len()..];
        if rest.is_empty() {
            return self.reply(op, Response::PinsKept(core::mem::take(&mut admission.kept)));
        }
        let step = rest[..rest.len().min(HAVE_STEP)].to_vec();
        let pins: Vec<Pin> = step.iter().map(|row| row.pin.clone()).collect();
        let Some(verify) = self.verify_pins(&pins) else { return self.refuse(op, ErrorCode::Invalid) };
        self.lock(op, Self::pin_locks(&pins), move |store, op| {
            let (get, wanted) = Wanted::new(store.suite).pins(&pins).effect();
            let evicted = pins.iter().map(|pin| keys::evicted(&pin.body().blob)).collect();
            let mut effects = vec![verify, get, Effect::get(evicted)];
            effects.extend(pins.iter().map(|pin| Effect::is_there(pin.body().blob)));
            let held = held(&pins);
            effects.extend(store.ask_held(&held));
            store.gather(op, effects, move |store, mut answers| {
                if !answers.all_verified() {
                    return store.refuse(op, ErrorCode::Invalid);
                }
                let known = Known::new(wanted, answers.values());
                // To this node itself: what was dropped by hand is not to be fetched yet.
                let is_own = admission.origin == Origin::Own;
                let evicted = answers.values();
                let evicted = evicted.iter().map(|at| is_own && store.is_evicted(at.as_deref()));
                let evicted: Vec<bool> = evicted.collect();
                let there = evicted.into_iter().map(|evicted| answers.blob().is_some() || evicted);
                let there: Vec<bool> = there.collect();
                let new = store.new_held(held, &mut answers);
                let changes = store.admit_rows(&mut admission, &step, &there, &known);
                let effect = (!changes.is_empty()).then(|| Effect::apply(changes));
                store.gather(op, effect.into_iter().collect(), move |store, _| {
                    let kept = &admission.kept.kept[admission.kept.kept.len() - step.len()..];
                    let kept = step.iter().zip(kept).filter(|(_, kept)| **kept != PinKept::Refused);
                    store.charge_pins(new, kept.map(|(row, _)| &row.pin));
                    store.admit_step(op, admission);
                });
            });
        });
    }

    fn admit_rows(
        &self,
        admission: &mut Admission,
        step: &[PulledPin],
        there: &[bool],
        known: &Known,
    ) -> Vec<TableOp> {
        let mut changes = Vec::new();
        for (row, there) in step.iter().zip(there) {
            let kept = match self.admit_aged_pin(known, &row.pin, row.lease_ms) {
                Ok(more) => {
                    changes.extend(more);
                    if *there { PinKept::Whole } else { PinKept::Missing }
                }
                Err(refusal) => {
                    if let Refusal::Stale(killer) = refusal {
                        admission.add(*killer);
                    }
                    PinKept::Refused
                }
            };
            admission.kept.kept.push(kept);
        }
        changes
    }
}

impl Admission {
    /// Tells of a record that killed pins, once and if it fits.
    fn add(&mut self, killer: Record) {
        let bytes = killer.bytes().len() + 4;
        let killers = &mut self.kept.killers;
        if !killers.contains(&killer) && self.bytes + bytes <= limit::PULL_BYTES {
            self.bytes += bytes;
            killers.push(killer);
        }
    }
}

//! `CheckPins`: what is known here of objects that another member holds pins for.
//!
//! Answers from this disk alone. What becomes of the pins is decided by who holds them ([`lapse`](super::lapse)).

use super::LocalStore;
use super::effects::Effect;
use super::known::{Known, Wanted};
use super::locks::{Hold, LockKey};
use super::operation::Op;
use super::promise::{promise_locks, promise_row};
use super::rows::{Verdict, below, verdict};
use crate::config::limit;
use crate::driver::TableOp;
use crate::wire::{ErrorCode, PinCheck, PinState, Response};
use alloc::vec;
use alloc::vec::Vec;

impl LocalStore {
    pub(super) fn check_pins(&mut self, op: Op, lapse: bool, checks: Vec<PinCheck>) {
        let shard = |check: &PinCheck| (check.owner, check.name.0[0]);
        let one_shard = checks.windows(2).all(|pair| shard(&pair[0]) == shard(&pair[1]));
        if checks.is_empty() || checks.len() > limit::CHECK_PINS || !one_shard {
            return self.refuse(op, ErrorCode::Invalid);
        }
        let mut locks = promise_locks(&checks);
        if !lapse {
            locks.iter_mut().for_each(|(_, hold): &mut (LockKey, Hold)| *hold = Hold::Shared);
        }
        self.lock(op, locks, move |store, op| {
            let names = checks.iter().fold(Wanted::new(store.suite), |w, c| w.name(&c.owner, &c.name));
            let (get, wanted) = names.effect();
            store.gather(op, vec![get], move |store, mut answers| {
                let known = Known::new(wanted, answers.values());
                let damaged = checks.iter().filter(|c| store.heed_damage(&known, &c.owner, &c.name));
                if damaged.count() > 0 {
                    // What stood there may be the very record: nothing can be said.
                    return store.refuse(op, ErrorCode::Damaged);
                }
                let states = states(&known, &checks);
                let promised = checks.iter().zip(&states).filter(|(_, s)| lapse && **s == PinState::Nothing);
                let changes: Vec<TableOp> = promised.map(|(check, _)| promise_row(check)).collect();
                let apply = (!changes.is_empty()).then(|| Effect::apply(changes));
                store.gather(op, apply.into_iter().collect(), move |store, _| {
                    store.reply(op, Response::Checked(states));
                });
            });
        });
    }
}

/// The states of the first of these, as many as an answer has room for.
fn states(known: &Known, checks: &[PinCheck]) -> Vec<PinState> {
    let mut bytes = 0;
    let fits = |state: &PinState| {
        if let PinState::Dead(record) = state {
            bytes += record.bytes().len();
        }
        bytes <= limit::CHECK_BYTES
    };
    checks.iter().map(|check| state(known, check)).take_while(fits).collect()
}

fn state(known: &Known, check: &PinCheck) -> PinState {
    let floor = known.floor(&check.owner);
    if let Some(floor) = floor.filter(|floor| below(Some(floor), check.since)) {
        return PinState::Dead(floor.record);
    }
    let row = known.record(&check.owner, &check.name);
    match (verdict(&check.object, check.since, row.as_ref()), row) {
        (Verdict::Listed, _) => PinState::Listed,
        (Verdict::Dead, Some(row)) => PinState::Dead(row.record.to_stub()),
        _ => PinState::Nothing,
    }
}

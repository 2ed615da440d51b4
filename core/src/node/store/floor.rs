//! What a floor removes beside pins: the owner's records that are not above it, shard by shard.
//!
//! Only once the floor is durable here. Pins are [`dead`](super::dead)'s.

use super::LocalStore;
use super::effects::{Effect, remove};
use super::keys::{self, Range};
use super::locks::{Hold, LockKey};
use super::operation::Op;
use super::proof::Proof;
use super::rows::RecordRow;
use crate::driver::TableOp;
use crate::id::Name;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// Records that are removed in one durable step.
const REMOVE_STEP: u32 = 64;

impl LocalStore {
    /// Removes the records of the owner that are not above the floor; then the floor's work is done.
    pub(super) fn remove_below(&mut self, op: Op, proof: Proof) {
        let range = keys::rec_shard(self.suite, &proof.owner, 0);
        self.remove_records(op, proof, 0, range);
    }

    fn remove_records(&mut self, op: Op, proof: Proof, shard: u8, rest: Range) {
        let scan = Effect::scan(rest.clone(), REMOVE_STEP, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            let below: Vec<Name> = rows
                .iter()
                .filter(|(_, value)| store.is_below(value, &proof))
                .filter_map(|(key, _)| Some(keys::parse_rec(key)?.2))
                .collect();
            let next = match rows.last() {
                Some((last, _)) if more => Some((shard, rest.after(last))),
                _ => shard.checked_add(1).map(|s| (s, keys::rec_shard(store.suite, &proof.owner, s))),
            };
            if below.is_empty() {
                return store.removed_records(op, proof, next);
            }
            let owner = proof.owner;
            let locks = below.iter().map(|name| (LockKey::Record(owner, *name), Hold::Alone));
            store.lock(op, locks.collect(), move |store, op| {
                store.remove_records_step(op, proof, below, next);
            });
        });
    }

    /// Looks again, with the records locked, and removes what is still below.
    fn remove_records_step(&mut self, op: Op, proof: Proof, names: Vec<Name>, next: Option<(u8, Range)>) {
        let rows: Vec<Bytes> = names.iter().map(|name| keys::rec(self.suite, &proof.owner, name)).collect();
        self.gather(op, vec![Effect::get(rows.clone())], move |store, mut answers| {
            let mut changes: Vec<TableOp> = Vec::new();
            for ((name, key), value) in names.iter().zip(rows).zip(answers.values()) {
                let Some(value) = value.filter(|value| store.is_below(value, &proof)) else { continue };
                changes.push(remove(key));
                let expires =
                    RecordRow::decode(store.suite, &value).map_or(0, |row| row.record.header().expires);
                if expires != 0 {
                    changes.push(remove(keys::expire(expires, &proof.owner, name)));
                }
            }
            let apply = (!changes.is_empty()).then(|| Effect::apply(changes));
            store.gather(op, apply.into_iter().collect(), move |store, _| {
                store.removed_records(op, proof, next);
            });
        });
    }

    fn removed_records(&mut self, op: Op, proof: Proof, next: Option<(u8, Range)>) {
        self.unlock(op);
        match next {
            Some((shard, rest)) => self.remove_records(op, proof, shard, rest),
            None => {
                let promises = keys::promises_to(&proof.owner);
                self.remove_promises(op, proof, promises);
            }
        }
    }

    /// True for a row that the floor makes worthless; a damaged one stays, to be found.
    fn is_below(&self, value: &Bytes, floor: &Proof) -> bool {
        RecordRow::decode(self.suite, value).is_some_and(|row| !Self::is_shown(&row.record, Some(&floor.row)))
    }
}

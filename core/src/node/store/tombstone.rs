//! Tombstones that are old enough to be dropped, and whether anything is left that they keep dead.
//!
//! A tombstone goes in two steps, each of which asks every member: found clean everywhere once, its row is marked, and
//! is not handed on any more; found so again half a day later, when nothing that was under way then still is, it goes.

use super::LocalStore;
use super::api::StoreOutput;
use super::blob::millis;
use super::effects::{Effect, put, remove};
use super::keys::{self, FLOOR_NAME, Range};
use super::known::{Known, Wanted};
use super::locks::{Hold, LockKey};
use super::operation::Op;
use super::rows::{OwnRow, RecordFacts, RecordRow};
use super::walk::Round;
use crate::record::Record;
use crate::time::Now;
use crate::wire::Response;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use core::cmp::Ordering;

impl LocalStore {
    /// What came of a [`StoreOutput::Forget`]: `clean` if every member has said that nothing older is left. One that is
    /// not open is ignored.
    pub fn forgotten(&mut self, now: Now, forget: u64, stub: &Record, clean: bool) {
        self.now = now;
        if let Some((op, rest)) = self.walk_answered(Round::Tombstones, forget) {
            self.forget_step(op, stub, clean, rest);
        }
        self.go_on();
    }

    /// `Forget`: is anything of the name here that is older than this tombstone, or newer?
    pub(super) fn is_clean(&mut self, op: Op, record: &Record) {
        let (owner, name) = (record.header().owner, record.header().name);
        let (version, order) = (record.header().version, record.order());
        self.lock(op, vec![(LockKey::Record(owner, name), Hold::Shared)], move |store, op| {
            let (get, wanted) =
                Wanted::new(store.suite).name(&owner, &name).quarantined(&owner, &name).effect();
            let pins =
                Effect::scan(keys::own_name(&owner, &name), store.config.scan_rows, store.config.scan_bytes);
            store.gather(op, vec![get, pins], move |store, mut answers| {
                let known = Known::new(wanted, answers.values());
                let (pins, more) = answers.rows();
                let is_dead = |value: &Bytes| OwnRow::decode(value).is_none_or(|row| row.since <= version);
                let dead_pins = more || pins.iter().any(|(_, value)| is_dead(value));
                let held = known.record(&owner, &name);
                let other = held.is_some_and(|held| held.record.order().cmp(&order) != Ordering::Equal);
                let doubtful = known.is_damaged(&owner, &name) || known.quarantined(&owner, &name).is_some();
                store.reply(op, Response::Forgotten { clean: !(dead_pins || other || doubtful) });
            });
        });
    }

    /// Reads on until there is a tombstone that is old enough.
    pub(super) fn walk_tombstones(&mut self, op: Op, rest: Range) {
        let scan = Effect::scan(rest.clone(), self.config.scan_rows, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            let old = rows
                .iter()
                .enumerate()
                .find_map(|(index, (key, value))| Some((index, store.old_tombstone(key, value)?)));
            let last = match &old {
                Some((index, _)) => Some(*index).filter(|index| more || index + 1 < rows.len()),
                None => rows.len().checked_sub(1).filter(|_| more),
            };
            let next = last.map(|index| rest.after(&rows[index].0));
            match (old, next) {
                (Some((_, stub)), next) => {
                    let forget = store.walk_asks(op, Round::Tombstones, next);
                    store.outputs.push_back(StoreOutput::Forget { forget, stub });
                }
                (None, Some(next)) => store.walk_tombstones(op, next),
                (None, None) => store.walked(op, Round::Tombstones, None),
            }
        });
    }

    fn old_tombstone(&self, key: &[u8], value: &Bytes) -> Option<Record> {
        let (_, _, name) = keys::parse_rec(key)?;
        if name == FLOOR_NAME || !RecordFacts::decode(value)?.is_gone() {
            return None;
        }
        let row = RecordRow::decode(self.suite, value)?;
        let age_ms = self.running_ms().saturating_sub(row.stored_ms);
        let is_old = age_ms >= millis(self.config.tombstone_after);
        (is_old && !row.proof_only).then(|| row.record.to_stub())
    }

    /// Marks the tombstone, or drops it if it is marked; then the walk goes on.
    fn forget_step(&mut self, op: Op, stub: &Record, clean: bool, rest: Option<Range>) {
        let (owner, name, order) = (stub.header().owner, stub.header().name, stub.order());
        self.lock(op, vec![(LockKey::Record(owner, name), Hold::Alone)], move |store, op| {
            let key = keys::rec(store.suite, &owner, &name);
            store.gather(op, vec![Effect::get(vec![key.clone()])], move |store, mut answers| {
                let value = answers.values().into_iter().next().flatten();
                let row = value.and_then(|value| RecordRow::decode(store.suite, &value));
                let row = row.filter(|row| row.record.order() == order && row.is_gone());
                let now_ms = store.running_ms();
                let apart_ms = millis(store.config.forget_every / 2);
                let mut changes = Vec::new();
                match row {
                    Some(row) if clean && row.settled_ms == 0 => {
                        changes.push(put(key, RecordRow { settled_ms: now_ms, ..row }.encode(store.suite)));
                    }
                    Some(row) if clean && now_ms.saturating_sub(row.settled_ms) >= apart_ms => {
                        changes.push(remove(key));
                        let expires = row.record.header().expires;
                        if expires != 0 {
                            changes.push(remove(keys::expire(expires, &owner, &name)));
                        }
                    }
                    Some(row) if !clean && row.settled_ms != 0 => {
                        changes.push(put(key, RecordRow { settled_ms: 0, ..row }.encode(store.suite)));
                    }
                    _ => {}
                }
                let apply = (!changes.is_empty()).then(|| Effect::apply(changes));
                store.gather(op, apply.into_iter().collect(), move |store, _| {
                    store.walked(op, Round::Tombstones, rest);
                });
            });
        });
    }
}

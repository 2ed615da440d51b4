//! Promises: objects that no record will be kept for, because pins of them were given up.
//!
//! One row each, written before the answer to the question that asks for it. A promise falls when a record of the
//! name at or above its `since` is known, or such a floor: then that refuses whatever the promise would.

use super::LocalStore;
use super::effects::{Effect, put, remove};
use super::keys::{self, Range};
use super::known::{Known, Wanted};
use super::locks::{Hold, LockKey};
use super::operation::{Op, Room};
use super::proof::Proof;
use super::rows::{Verdict, below, verdict};
use crate::config::limit;
use crate::driver::TableOp;
use crate::id::{Name, OwnerId};
use crate::record::Version;
use crate::time::Now;
use crate::wire::{ErrorCode, PinCheck, Response};
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// Promises of one name that fall in the step that keeps its record. Others fall with the next one.
pub(super) const FALL_STEP: u32 = 64;

impl LocalStore {
    /// Takes promises that another member has made; one [`StoreOutput::Reply`](super::StoreOutput::Reply) with this
    /// token follows: `Stored` when they are durable.
    pub fn keep_promises(&mut self, now: Now, token: u64, promises: Vec<PinCheck>) {
        self.now = now;
        self.admit(token, Room::default(), move |store, op| store.put_promises(op, promises));
        self.go_on();
    }

    fn put_promises(&mut self, op: Op, promises: Vec<PinCheck>) {
        if promises.len() > limit::CHECK_PINS {
            return self.refuse(op, ErrorCode::Invalid);
        }
        self.lock(op, promise_locks(&promises), move |store, op| {
            let names = promises.iter().fold(Wanted::new(store.suite), |w, p| w.name(&p.owner, &p.name));
            let (get, wanted) = names.effect();
            store.gather(op, vec![get], move |store, mut answers| {
                let known = Known::new(wanted, answers.values());
                let stand = promises.iter().filter(|promise| is_open(&known, promise));
                let changes: Vec<TableOp> = stand.map(promise_row).collect();
                let apply = (!changes.is_empty()).then(|| Effect::apply(changes));
                store.gather(op, apply.into_iter().collect(), move |store, _| {
                    store.reply(op, Response::Stored { copies: 1, wanted: 1 });
                });
            });
        });
    }

    /// Removes the promises that a floor makes needless; then its work is done.
    pub(super) fn remove_promises(&mut self, op: Op, proof: Proof, rest: Range) {
        self.unlock(op);
        let scan = Effect::scan(rest.clone(), FALL_STEP, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            let next = rows.last().filter(|_| more).map(|(key, _)| rest.after(key));
            let fallen = rows.into_iter().filter(|(_, since)| falls_below(since, &proof));
            let fallen: Vec<Bytes> = fallen.map(|(key, _)| key).collect();
            let names: BTreeSet<_> = fallen.iter().filter_map(|key| keys::parse_promise(key)).collect();
            let locks = names.iter().map(|(owner, name, _)| (LockKey::Record(*owner, *name), Hold::Alone));
            store.lock(op, locks.collect(), move |store, op| {
                let changes: Vec<TableOp> = fallen.into_iter().map(remove).collect();
                let apply = (!changes.is_empty()).then(|| Effect::apply(changes));
                store.gather(op, apply.into_iter().collect(), move |store, _| match next {
                    Some(rest) => store.remove_promises(op, proof, rest),
                    None => store.finish_proof(op, proof),
                });
            });
        });
    }
}

/// What has to be locked while promises are made.
pub(super) fn promise_locks(promises: &[PinCheck]) -> Vec<(LockKey, Hold)> {
    let mut locks = Vec::with_capacity(2 * promises.len());
    for promise in promises {
        locks.push((LockKey::Owner(promise.owner), Hold::Shared));
        locks.push((LockKey::Record(promise.owner, promise.name), Hold::Alone));
    }
    locks
}

/// The change that makes a promise.
pub(super) fn promise_row(promise: &PinCheck) -> TableOp {
    let key = keys::promise(&promise.owner, &promise.name, &promise.object);
    put(key, Bytes::copy_from_slice(&promise.since.to_bytes()))
}

/// The changes that let those of these promises fall that a record of this version makes needless.
pub(super) fn fallen(rows: &[(Bytes, Bytes)], version: Version) -> impl Iterator<Item = TableOp> {
    let needless = move |since: &Bytes| since_of(since).is_none_or(|since| since <= version);
    rows.iter().filter(move |(_, since)| needless(since)).map(|(key, _)| remove(key.clone()))
}

/// True if nothing is known at or above the version of the object.
fn is_open(known: &Known, promise: &PinCheck) -> bool {
    let floor = known.floor(&promise.owner);
    let record = known.record(&promise.owner, &promise.name);
    !below(floor.as_ref(), promise.since)
        && verdict(&promise.object, promise.since, record.as_ref()) == Verdict::Pending
}

fn falls_below(since: &[u8], floor: &Proof) -> bool {
    since_of(since).is_none_or(|since| below(Some(&floor.row), since))
}

fn since_of(value: &[u8]) -> Option<Version> {
    Version::from_bytes(<[u8; 16]>::try_from(value).ok()?)
}

/// The promises of a name, for the step that keeps its record.
pub(super) fn promises_scan(owner: &OwnerId, name: &Name, bytes: u32) -> Effect {
    Effect::scan(keys::promises_of(owner, name), FALL_STEP, bytes)
}

//! The life of pins: confirmed by the record that lists them, removed by the one that does not.
//!
//! A pin is dead only by a valid newer record of its name (or one that expired, or the floor). It is removed only
//! after that proof is durable on enough replicas. When the last pin of a blob goes, the same durable step says
//! when to look at the blob again ([`linger`](super::linger)).

use super::LocalStore;
use super::effects::{Answers, Effect, put, remove};
use super::keys::{self, OwnKey, Range};
use super::known::{Known, Wanted};
use super::locks::{Hold, LockKey};
use super::operation::Op;
use super::proof::Proof;
use super::quota::Held;
use super::rows::{OwnRow, PinStatus, RecordRow, Verdict, below, verdict};
use crate::driver::TableOp;
use crate::id::{BlobId, Name, OwnerId};
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// Dead pins that are removed in one durable step.
const REMOVE_STEP: u32 = 64;

/// A comparison of a name's pins with its record, under way.
struct Judging {
    proof: Proof,
    rest: Range,
    any_dead: bool,
    any: bool,
}

impl LocalStore {
    /// Compares the pins of a name with its record: confirms, and finds out whether any are dead.
    pub(super) fn judge_name(&mut self, op: Op, owner: OwnerId, name: Name) {
        self.lock(op, vec![(LockKey::Record(owner, name), Hold::Alone)], move |store, op| {
            let (get, wanted) = Wanted::new(store.suite).name(&owner, &name).effect();
            store.gather(op, vec![get], move |store, mut answers| {
                let known = Known::new(wanted, answers.values());
                let Some(row) = known.record(&owner, &name) else {
                    // Its record went with the floor, or is damaged: nothing is dead by it.
                    return store.close_proof(op, owner, name, Vec::new());
                };
                let proof = Proof { owner, name, row };
                if proof.is_floor() {
                    return store.offer(op, proof);
                }
                let rest = keys::own_name(&owner, &name);
                store.judge_pins(op, Judging { proof, rest, any_dead: false, any: false });
            });
        });
    }

    fn judge_pins(&mut self, op: Op, judging: Judging) {
        let scan = Effect::scan(judging.rest.clone(), self.config.scan_rows, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            store.pins_found(op, judging, &rows, more);
        });
    }

    fn pins_found(&mut self, op: Op, mut judging: Judging, rows: &[(Bytes, Bytes)], more: bool) {
        let mut changes = Vec::new();
        for (key, value) in rows {
            let (Some(own), Some(row)) = (OwnKey::parse(key), OwnRow::decode(value)) else { continue };
            judging.any = true;
            match verdict(&own.object, row.since, Some(&judging.proof.row)) {
                Verdict::Dead => judging.any_dead = true,
                Verdict::Listed if row.status == PinStatus::Pending => {
                    let row = OwnRow { status: PinStatus::Confirmed, ..row };
                    changes.push(put(key.clone(), row.encode()));
                }
                // What confirmed it was damaged, and an older record has taken its place.
                Verdict::Pending if row.status == PinStatus::Confirmed => {
                    let row = OwnRow { status: PinStatus::Pending, ..row };
                    changes.push(put(key.clone(), row.encode()));
                }
                Verdict::Listed | Verdict::Pending => {}
            }
        }
        let apply = (!changes.is_empty()).then(|| Effect::apply(changes));
        let last = rows.last().map(|(key, _)| key.clone());
        self.gather(op, apply.into_iter().collect(), move |store, _| match last {
            Some(last) if more => {
                judging.rest = judging.rest.after(&last);
                store.judge_pins(op, judging);
            }
            _ if judging.any_dead => store.offer(op, judging.proof),
            _ => store.nothing_dead(op, judging.proof, judging.any),
        });
    }

    /// Ends the work on a name under the lock of its record. The stub of a record that belongs to other nodes
    /// goes when no pins are left that need it.
    fn nothing_dead(&mut self, op: Op, proof: Proof, any_pins: bool) {
        // What has come to belong here meanwhile is kept for itself.
        let unneeded =
            proof.row.proof_only && !any_pins && !self.is_replica_of_record(&proof.owner, &proof.name);
        let mut changes = Vec::new();
        if unneeded {
            changes.push(remove(keys::rec(self.suite, &proof.owner, &proof.name)));
            let expires = proof.row.record.header().expires;
            if expires != 0 {
                changes.push(remove(keys::expire(expires, &proof.owner, &proof.name)));
            }
        }
        self.close_proof(op, proof.owner, proof.name, changes);
    }

    fn close_proof(&mut self, op: Op, owner: OwnerId, name: Name, mut changes: Vec<TableOp>) {
        changes.push(remove(keys::proof(&owner, &name)));
        self.gather(op, vec![Effect::apply(changes)], move |store, _| {
            store.end(op);
            store.proof_ended(owner, name, true);
        });
    }

    /// Removes what is dead by this proof, which is durable on enough replicas.
    pub(super) fn remove_dead(&mut self, op: Op, proof: Proof) {
        let all = if proof.is_floor() {
            keys::own_owner(&proof.owner)
        } else {
            keys::own_name(&proof.owner, &proof.name)
        };
        self.remove_pins(op, proof, all);
    }

    fn remove_pins(&mut self, op: Op, proof: Proof, rest: Range) {
        let scan = Effect::scan(rest.clone(), REMOVE_STEP, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            let dead: Vec<OwnKey> =
                rows.iter().filter_map(|(key, value)| dead_key(&proof, key, value)).collect();
            let rest = match rows.last() {
                Some((last, _)) if more => Some(rest.after(last)),
                _ => None,
            };
            if dead.is_empty() {
                return store.removed_pins(op, proof, rest);
            }
            let mut locks = Vec::with_capacity(2 * dead.len());
            for own in &dead {
                locks.push((LockKey::Record(own.owner, own.name), Hold::Shared));
                locks.push((LockKey::Blob(own.blob), Hold::Alone));
            }
            store.lock(op, locks, move |store, op| store.remove_step(op, proof, dead, rest));
        });
    }

    /// Removes these pins in one step, with their blobs locked.
    fn remove_step(&mut self, op: Op, proof: Proof, dead: Vec<OwnKey>, rest: Option<Range>) {
        self.unpin(op, dead, move |store| store.removed_pins(op, proof, rest));
    }

    /// Removes these pins in one step, with their blobs locked; blobs without pins begin to linger.
    pub(super) fn unpin(&mut self, op: Op, dead: Vec<OwnKey>, then: impl FnOnce(&mut Self) + Send + 'static) {
        let mut by_blob: BTreeMap<BlobId, Vec<Bytes>> = BTreeMap::new();
        for own in &dead {
            by_blob.entry(own.blob).or_default().push(own.pin());
        }
        let mut by_owner: BTreeMap<Held, u32> = BTreeMap::new();
        for own in &dead {
            *by_owner.entry((own.blob, own.owner)).or_default() += 1;
        }
        let scans = by_blob.iter().map(|(blob, pins)| {
            // One more than go: is there any that stays?
            let rows = u32::try_from(pins.len() + 1).unwrap_or(u32::MAX);
            Effect::scan(keys::pins_of(blob), rows, self.config.scan_bytes)
        });
        let scans = scans.chain(self.ask_going(&by_owner)).collect();
        self.gather(op, scans, move |store, mut answers| {
            let mut changes: Vec<TableOp> =
                dead.iter().flat_map(|own| [remove(own.pin()), remove(own.own())]).collect();
            let due = store.running_ms().saturating_add(super::blob::millis(store.linger));
            for (blob, pins) in &by_blob {
                if !stays(&mut answers, pins) {
                    changes.push(put(keys::linger(due, blob), Bytes::new()));
                    let due = Bytes::copy_from_slice(&due.to_be_bytes());
                    changes.push(put(keys::unpinned(blob), due));
                }
            }
            store.gather(op, vec![Effect::apply(changes)], move |store, _| {
                store.discharge_going(&by_owner, &mut answers);
                store.linger_from(due);
                then(store);
            });
        });
    }

    fn removed_pins(&mut self, op: Op, proof: Proof, rest: Option<Range>) {
        self.unlock(op);
        match rest {
            Some(rest) => self.remove_pins(op, proof, rest),
            None if proof.is_floor() => self.remove_below(op, proof),
            None => self.finish_proof(op, proof),
        }
    }

    /// All that was dead is removed. If the record changed meanwhile, all begins anew.
    pub(super) fn finish_proof(&mut self, op: Op, proof: Proof) {
        let (owner, name) = (proof.owner, proof.name);
        self.lock(op, vec![(LockKey::Record(owner, name), Hold::Alone)], move |store, op| {
            let (get, wanted) = Wanted::new(store.suite).name(&owner, &name).effect();
            let pins = Effect::scan(keys::own_name(&owner, &name), 1, store.config.scan_bytes);
            store.gather(op, vec![get, pins], move |store, mut answers| {
                let known = Known::new(wanted, answers.values());
                let any_pins = !answers.rows().0.is_empty();
                if known.record(&owner, &name).is_some_and(|row| same_proof(&row, &proof.row)) {
                    store.nothing_dead(op, proof, any_pins);
                } else {
                    store.judge_name(op, owner, name);
                }
            });
        });
    }
}

/// True if both make the same pins dead.
fn same_proof(a: &RecordRow, b: &RecordRow) -> bool {
    a.record.order() == b.record.order() && a.expired == b.expired
}

/// The key of a row whose pin is dead by this proof.
fn dead_key(proof: &Proof, key: &[u8], value: &[u8]) -> Option<OwnKey> {
    let (own, row) = (OwnKey::parse(key)?, OwnRow::decode(value)?);
    let dead = if proof.is_floor() {
        below(Some(&proof.row), row.since)
    } else {
        verdict(&own.object, row.since, Some(&proof.row)) == Verdict::Dead
    };
    dead.then_some(own)
}

/// True if a pin is on the blob that is not among those that go.
fn stays(answers: &mut Answers, going: &[Bytes]) -> bool {
    let (rows, more) = answers.rows();
    more || rows.iter().any(|(key, _)| !going.contains(key))
}

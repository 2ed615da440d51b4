//! `Have`, `PutBlob` and `GetBlob`: bytes and their pins, kept together and durably before the answer.
//!
//! Whether the pins are alive is judged by the records here; what a blob says nobody here can know.

use super::LocalStore;
use super::api::{Keep, Origin};
use super::effects::{Effect, put, remove};
use super::keys;
use super::known::{Known, Wanted};
use super::locks::{Hold, LockKey};
use super::operation::{Op, Refusal};
use super::quota::{Held, held};
use crate::config::limit;
use crate::driver::{DiskRequest, TableOp};
use crate::error::DiskError;
use crate::id::BlobId;
use crate::job::{Job, SignatureClaim};
use crate::record::{Pin, pin_claims};
use crate::wire::{ErrorCode, Response};
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use core::ops::ControlFlow;

/// Pins of a `Have` that are looked up together: bounds the reads of one request in the disk's queue.
pub(super) const HAVE_STEP: usize = 64;

/// A `Have` under way.
struct HavePass {
    pins: Vec<Pin>,
    keep: Keep,
    copies: Vec<u8>,
}

/// What is here of a blob that is put.
struct Place {
    /// Its bytes.
    is_there: bool,
    /// The owners who had no pin on it.
    new: BTreeSet<Held>,
}

/// What a whole read of a blob found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// It is not here.
    Absent,
    /// It is here and has its hash; so many bytes.
    Sound(usize),
    /// It was here, damaged, and was dropped: the next put brings it back.
    Damaged(usize),
}

impl LocalStore {
    /// What has to be alone or shared while pins are added.
    pub(super) fn pin_locks(pins: &[Pin]) -> Vec<(LockKey, Hold)> {
        let mut locks = Vec::with_capacity(3 * pins.len());
        for body in pins.iter().map(Pin::body) {
            locks.push((LockKey::Owner(body.owner), Hold::Shared));
            locks.push((LockKey::Record(body.owner, body.name), Hold::Shared));
            locks.push((LockKey::Blob(body.blob), Hold::Alone));
        }
        locks
    }

    /// The signatures on these pins; `None` if a grant does not even cover its pin.
    pub(super) fn verify_pins(&self, pins: &[Pin]) -> Option<Effect> {
        let mut claims: Vec<SignatureClaim> = Vec::with_capacity(pins.len());
        for pin in pins {
            claims.extend(pin_claims(&self.network, pin, None).ok()?);
        }
        Some(Effect::Job(Job::VerifySignatures { suite: self.suite, claims }))
    }

    pub(super) fn put_blob(&mut self, op: Op, origin: Origin, keep: Keep, pins: Vec<Pin>, blob: Bytes) {
        let Some(id) = pins.first().map(|pin| pin.body().blob) else {
            return self.refuse(op, ErrorCode::Invalid);
        };
        let fits = pins.len() <= limit::BLOB_PINS
            && blob.len() <= limit::BLOB
            && pins.iter().all(|pin| pin.body().blob == id && pin.body().length as usize == blob.len());
        if !fits {
            return self.refuse(op, ErrorCode::Invalid);
        }
        if !pins.iter().all(|pin| origin.may_write(&pin.body().owner)) {
            return self.refuse(op, ErrorCode::Forbidden);
        }
        let Some(verify) = self.verify_pins(&pins) else { return self.refuse(op, ErrorCode::Invalid) };
        self.lock(op, Self::pin_locks(&pins), move |store, op| {
            let (get, wanted) = Wanted::new(store.suite).pins(&pins).effect();
            let hash = Effect::Job(Job::HashBlob { suite: store.suite, blob: blob.clone() });
            let held = held(&pins);
            let mut effects = vec![hash, verify, get, Effect::is_there(id)];
            effects.extend(store.ask_held(&held));
            let space = store.ask_space();
            let asks_space = space.is_some();
            effects.extend(space);
            store.gather(op, effects, move |store, mut answers| {
                if !answers.hash_is(&id) || !answers.all_verified() {
                    return store.refuse(op, ErrorCode::Invalid);
                }
                let known = Known::new(wanted, answers.values());
                let is_there = answers.blob().is_some();
                let new = store.new_held(held, &mut answers);
                if asks_space {
                    store.note_space(&mut answers);
                }
                if origin.is_client() && !store.has_quota(&new, blob.len()) {
                    return store.refuse(op, ErrorCode::Quota);
                }
                store.keep_blob(op, keep, &pins, blob, &known, Place { is_there, new });
            });
        });
    }

    /// The last step of `PutBlob`: everything about it is checked.
    fn keep_blob(
        &mut self,
        op: Op,
        keep: Keep,
        pins: &[Pin],
        blob: Bytes,
        known: &Known,
        Place { is_there, mut new }: Place,
    ) {
        let mut changes = Vec::new();
        for pin in pins {
            match self.admit_pin(known, pin) {
                Ok(more) => changes.extend(more),
                Err(refusal) => return self.refuse(op, refusal),
            }
        }
        let id = pins[0].body().blob;
        let stored =
            Response::Stored { copies: u8::from(keep == Keep::Replica), wanted: u8::from(keep.is_durable()) };
        match keep {
            Keep::Replica | Keep::Hint | Keep::Pulled | Keep::Mended => {}
            Keep::Cache if !is_there => {
                let due = self.running_ms().saturating_add(millis(self.config.cache_for));
                self.linger_from(due);
                changes = vec![put(keys::linger(due, &id), Bytes::new())];
                new.clear();
            }
            Keep::Cache | Keep::Nothing => return self.reply(op, stored),
        }
        let len = blob.len();
        let effect = if is_there {
            (!changes.is_empty()).then(|| Effect::apply(changes))
        } else if self.has_space(len) {
            changes.push(remove(keys::evicted(&id)));
            self.space_used(len);
            Some(Effect::Disk(DiskRequest::PutBlob { id, bytes: blob, then: changes }))
        } else {
            return self.refuse(op, ErrorCode::NoSpace);
        };
        // Before it is on the disk: others of this owner may be on their way, too.
        self.charge(&new, len);
        self.attempt(effect.into_iter().collect(), move |store, result| match result {
            Ok(_) => store.reply(op, stored),
            Err(error) => {
                store.discharge(&new, len);
                store.fail(op, error);
            }
        });
    }

    /// Checks a blob that came from another node, and keeps it if pins here miss it.
    pub(super) fn refill(&mut self, op: Op, id: BlobId, blob: Bytes) {
        self.lock(op, vec![(LockKey::Blob(id), Hold::Alone)], move |store, op| {
            let hash = Effect::Job(Job::HashBlob { suite: store.suite, blob: blob.clone() });
            let pins = Effect::scan(keys::pins_of(&id), 1, store.config.scan_bytes);
            store.gather(op, vec![hash, pins, Effect::is_there(id)], move |store, mut answers| {
                if !answers.hash_is(&id) {
                    return store.refuse(op, ErrorCode::Invalid);
                }
                let is_pinned = !answers.rows().0.is_empty();
                let is_missed = is_pinned && answers.blob().is_none();
                let then = vec![remove(keys::evicted(&id))];
                let keep = is_missed.then_some(Effect::Disk(DiskRequest::PutBlob { id, bytes: blob, then }));
                // The bytes are what they should be, even if this disk does not take them.
                store.attempt(keep.into_iter().collect(), move |store, result| {
                    let (copies, wanted) = (u8::from(is_missed && result.is_ok()), u8::from(is_missed));
                    store.reply(op, Response::Stored { copies, wanted });
                });
            });
        });
    }

    pub(super) fn have(&mut self, op: Op, origin: Origin, keep: Keep, pins: Vec<Pin>) {
        if pins.is_empty() || pins.len() > limit::HAVE_PINS {
            return self.refuse(op, ErrorCode::Invalid);
        }
        if !pins.iter().all(|pin| origin.may_write(&pin.body().owner)) {
            return self.refuse(op, ErrorCode::Forbidden);
        }
        let copies = Vec::with_capacity(pins.len());
        self.have_step(op, HavePass { pins, keep, copies });
    }

    fn have_step(&mut self, op: Op, pass: HavePass) {
        let wanted = u8::from(pass.keep.is_durable());
        let rest = &pass.pins[pass.copies.len()..];
        if rest.is_empty() {
            return self.reply(op, Response::Have { copies: pass.copies, wanted });
        }
        let step = rest[..rest.len().min(HAVE_STEP)].to_vec();
        let Some(verify) = self.verify_pins(&step) else { return self.refuse(op, ErrorCode::Invalid) };
        self.lock(op, Self::pin_locks(&step), move |store, op| {
            let (get, wanted) = Wanted::new(store.suite).pins(&step).effect();
            let mut effects = vec![verify, get];
            for body in step.iter().map(Pin::body) {
                effects.push(Effect::is_there(body.blob));
                let range = keys::pins_of_owner(&body.blob, &body.owner);
                effects.push(Effect::scan(range, 1, store.config.scan_bytes));
            }
            store.gather(op, effects, move |store, mut answers| {
                if !answers.all_verified() {
                    return store.refuse(op, ErrorCode::Invalid);
                }
                let known = Known::new(wanted, answers.values());
                let found = step.iter().map(|pin| {
                    let is_there = answers.blob().is_some();
                    let (rows, _) = answers.rows();
                    // The owner has signed the length before, and it was compared with the bytes.
                    let other = rows.into_iter().next().and_then(|(_, value)| Pin::parse(value).ok());
                    is_there && other.is_some_and(|other| other.body().length == pin.body().length)
                });
                let found: Vec<bool> = found.collect();
                store.have_found(op, pass, &step, &found, &known);
            });
        });
    }

    fn have_found(&mut self, op: Op, mut pass: HavePass, step: &[Pin], found: &[bool], known: &Known) {
        let mut changes: Vec<TableOp> = Vec::new();
        for (pin, found) in step.iter().zip(found) {
            match self.admit_pin(known, pin) {
                Ok(more) if *found && pass.keep.is_durable() => changes.extend(more),
                Ok(_) => {}
                Err(refusal) => return self.refuse(op, refusal),
            }
            pass.copies.push(u8::from(*found && pass.keep == Keep::Replica));
        }
        let effect = (!changes.is_empty()).then(|| Effect::apply(changes));
        self.gather(op, effect.into_iter().collect(), move |store, _| store.have_step(op, pass));
    }

    pub(super) fn get_blob(&mut self, op: Op, id: BlobId, offset: u32, len: u32) {
        self.lock(op, vec![(LockKey::Blob(id), Hold::Shared)], move |store, op| {
            store.read_whole(op, id, move |store, read| {
                store.unlock(op);
                match read {
                    ControlFlow::Break(Found::Absent) => {
                        store.miss(op, id, move |store| store.refuse(op, ErrorCode::NotFound));
                    }
                    ControlFlow::Break(_) => {
                        // Another may have repaired it meanwhile: look again, alone, before dropping it.
                        store.check_copy(op, id, move |store, _| {
                            store.miss(op, id, move |store| store.refuse(op, ErrorCode::Damaged));
                        });
                    }
                    ControlFlow::Continue(bytes) => {
                        let response = match part(&bytes, offset, len) {
                            Some(bytes) => Response::Blob { source: store.node, bytes },
                            None => Refusal::Code(ErrorCode::Invalid).into(),
                        };
                        store.reply(op, response);
                    }
                }
            });
        });
    }

    /// Reads a blob whole and checks its hash.
    pub(super) fn read_whole(
        &mut self,
        op: Op,
        id: BlobId,
        then: impl FnOnce(&mut Self, ControlFlow<Found, Bytes>) + Send + 'static,
    ) {
        let len = u32::try_from(limit::BLOB).unwrap_or(u32::MAX);
        self.resize(op, limit::BLOB);
        let read = Effect::Disk(DiskRequest::ReadBlob { id, offset: 0, len });
        self.attempt(vec![read], move |store, result| {
            let bytes = match result.map(|mut answers| answers.blob()) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return then(store, ControlFlow::Break(Found::Absent)),
                Err(DiskError::Corrupt) => return then(store, ControlFlow::Break(Found::Damaged(0))),
                Err(error) => return store.fail(op, error),
            };
            store.resize(op, bytes.len());
            let hash = Effect::Job(Job::HashBlob { suite: store.suite, blob: bytes.clone() });
            store.gather(op, vec![hash], move |store, mut answers| {
                let sound = answers.hash_is(&id);
                then(
                    store,
                    if sound {
                        ControlFlow::Continue(bytes)
                    } else {
                        ControlFlow::Break(Found::Damaged(bytes.len()))
                    },
                );
            });
        });
    }

    /// Reads a blob alone and drops it if it is damaged; its pins stay, so it counts as missing.
    pub(super) fn check_copy(
        &mut self,
        op: Op,
        id: BlobId,
        then: impl FnOnce(&mut Self, Found) + Send + 'static,
    ) {
        self.lock(op, vec![(LockKey::Blob(id), Hold::Alone)], move |store, op| {
            store.read_whole(op, id, move |store, read| match read {
                ControlFlow::Continue(bytes) => {
                    store.unlock(op);
                    then(store, Found::Sound(bytes.len()));
                }
                ControlFlow::Break(copy @ Found::Damaged(_)) => {
                    let drop = Effect::Disk(DiskRequest::RemoveBlob { id, first: Vec::new() });
                    store.gather(op, vec![drop], move |store, _| {
                        store.unlock(op);
                        then(store, copy);
                    });
                }
                ControlFlow::Break(copy) => {
                    store.unlock(op);
                    then(store, copy);
                }
            });
        });
    }
}

/// So many milliseconds.
pub(super) fn millis(duration: core::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What was asked for of a blob; `len` 0 is all after `offset`. `None` if it begins past the end.
pub(in crate::node) fn part(bytes: &Bytes, offset: u32, len: u32) -> Option<Bytes> {
    let offset = usize::try_from(offset).ok().filter(|offset| *offset <= bytes.len())?;
    let left = bytes.len() - offset;
    let len = if len == 0 { left } else { usize::try_from(len).unwrap_or(left).min(left) };
    Some(bytes.slice(offset..offset + len))
}

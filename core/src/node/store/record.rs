//! `PutRecord` and `GetRecord`: of each name the newest valid record, whose signature is checked before a byte is kept.
//!
//! Pins are left to [`dead`](super::dead), which looks at them as soon as a record is durable.

use super::LocalStore;
use super::api::{Keep, Origin};
use super::effects::{Effect, put, remove};
use super::keys::{self, FLOOR_NAME};
use super::known::{Known, Wanted};
use super::locks::{Hold, LockKey};
use super::operation::{Op, Refusal};
use super::promise::{fallen, promises_scan};
use super::rows::{RecordRow, parts_len};
use crate::config::limit;
use crate::driver::TableOp;
use crate::id::{Name, OwnerId};
use crate::job::Job;
use crate::record::{Kind, Record, Version, record_claims};
use crate::wire::{ErrorCode, Response};
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use core::cmp::Ordering;

/// What stands here beside a record of its name.
struct Beside {
    /// Pins.
    has_pins: bool,
    /// One that is no newer, in quarantine.
    in_quarantine: bool,
    /// The removals of promises that the record makes needless.
    fallen: Vec<TableOp>,
}

impl LocalStore {
    pub(super) fn put_record(&mut self, op: Op, origin: Origin, keep: Keep, record: Record) {
        self.put_aged_record(op, origin, keep, record, 0);
    }

    /// The same for a record that another member has held for so long: a tombstone does not become younger by travelling.
    pub(super) fn put_aged_record(
        &mut self,
        op: Op,
        origin: Origin,
        keep: Keep,
        record: Record,
        age_ms: u64,
    ) {
        let header = record.header();
        if !origin.may_write(&header.owner) {
            return self.refuse(op, ErrorCode::Forbidden);
        }
        let is_floor = header.kind == Kind::Floor;
        // A client sends all of its record; what nodes hand on may be the proof alone.
        if origin.is_client() && !record.is_complete() {
            return self.refuse(op, ErrorCode::Invalid);
        }
        let Ok(claims) = record_claims(&self.network, &record, None) else {
            return self.refuse(op, ErrorCode::Invalid);
        };
        let (owner, name) = (header.owner, header.name);
        let locks = vec![
            (LockKey::Owner(owner), if is_floor { Hold::Alone } else { Hold::Shared }),
            (LockKey::Record(owner, name), Hold::Alone),
        ];
        self.lock(op, locks, move |store, op| {
            let verify = Effect::Job(Job::VerifySignatures { suite: store.suite, claims });
            let listed = record.header().live.iter().map(|live| &live.object);
            let wanted = Wanted::new(store.suite).name(&owner, &name).promises(&owner, &name, listed);
            let wanted = wanted.quarantined(&owner, &name);
            let (get, wanted) = wanted.effect();
            let pins = Effect::scan(keys::own_name(&owner, &name), 1, store.config.scan_bytes);
            let promises = promises_scan(&owner, &name, store.config.scan_bytes);
            // What deletes is taken on a full disk, too.
            let space = if parts_len(&record) > 0 { store.ask_space() } else { None };
            let asks_space = space.is_some();
            let effects = [verify, get, pins, promises].into_iter().chain(space).collect();
            store.gather(op, effects, move |store, mut answers| {
                if !answers.all_verified() {
                    return store.refuse(op, ErrorCode::Invalid);
                }
                let known = Known::new(wanted, answers.values());
                let is_kept = keep.is_durable() && store.must_be_mended(&owner, &name);
                if store.heed_damage(&known, &owner, &name) && is_kept {
                    let mends = keep == Keep::Mended && (is_floor || !known.is_damaged(&owner, &FLOOR_NAME));
                    if !mends {
                        return store.refuse(op, ErrorCode::Damaged);
                    }
                }
                let has_pins = !answers.rows().0.is_empty();
                let fallen = fallen(&answers.rows().0, record.header().version).collect();
                if asks_space {
                    store.note_space(&mut answers);
                }
                match store.judge_record(origin, &record, &known) {
                    Ok(held) => {
                        let quarantined = known.quarantined(&owner, &name);
                        let in_quarantine =
                            quarantined.is_some_and(|row| row.record.order() <= record.order());
                        let beside = Beside { has_pins, in_quarantine, fallen };
                        store.keep_record(op, keep, (&record, age_ms), held.as_ref(), beside);
                    }
                    // What stood there cannot have been newer than what kills this one.
                    Err(Refusal::Stale(_) | Refusal::Code(ErrorCode::Past)) if keep == Keep::Mended => {
                        store.drop_damaged(op, owner, name);
                    }
                    Err(refusal) => store.refuse(op, refusal),
                }
            });
        });
    }

    /// Decides whether a valid record may be kept beside what is known; gives back what is held of its name.
    fn judge_record(
        &self,
        origin: Origin,
        record: &Record,
        known: &Known,
    ) -> Result<Option<RecordRow>, Refusal> {
        let header = record.header();
        let floor = known.floor(&header.owner);
        if header.grant.is_some() {
            let limits = floor.as_ref().and_then(RecordRow::floor);
            record_claims(&self.network, record, limits).map_err(|_| ErrorCode::Invalid)?;
        }
        if let Some(floor) = floor.as_ref().filter(|floor| !Self::is_shown(record, Some(floor))) {
            return Err(Refusal::stale(floor));
        }
        let held = known.record(&header.owner, &header.name);
        if let Some(held) = &held {
            match record.order().cmp(&held.record.order()) {
                Ordering::Less => return Err(Refusal::stale(held)),
                Ordering::Equal => return Ok(Some(held.clone())),
                Ordering::Greater => {}
            }
        }
        if header.live.iter().any(|live| known.is_promised(&header.owner, &header.name, &live.object)) {
            // Pins of that object were given up on the word that no record would ever list it.
            return Err(ErrorCode::Past.into());
        }
        if origin.is_client() {
            let held = held.as_ref().map(|held| held.record.header().version);
            let floor = floor.as_ref().map(|floor| floor.record.header().version);
            self.judge_ahead(header.version, held.into_iter().chain(floor))?;
            // A floor stands one step above what its owner has seen, which may be old, and revives nothing.
            if header.floor.is_none() {
                self.judge_age(header.version)?;
            }
        }
        Ok(held)
    }

    /// What an entry node asks of a client's clock. A version one step above one that is stored stays possible,
    /// so that a clock that once ran ahead locks nobody out.
    fn judge_ahead(
        &self,
        version: Version,
        stored: impl IntoIterator<Item = Version>,
    ) -> Result<(), ErrorCode> {
        let now_ms = self.now.unix_ms;
        if version.ms() > now_ms.saturating_add(limit::CLOCK_SKEW_MS)
            && !stored.into_iter().any(|stored| version.is_next_step(stored))
        {
            return Err(ErrorCode::Future);
        }
        Ok(())
    }

    /// What a client signed is good for half a lease.
    fn judge_age(&self, version: Version) -> Result<(), ErrorCode> {
        let is_past = version.ms().saturating_add(limit::LEASE_MS / 2) < self.now.unix_ms;
        if is_past { Err(ErrorCode::Past) } else { Ok(()) }
    }

    /// The last step of `PutRecord`: the record is valid and not older than what is held.
    fn keep_record(
        &mut self,
        op: Op,
        keep: Keep,
        (record, age_ms): (&Record, u64),
        held: Option<&RecordRow>,
        Beside { has_pins, in_quarantine, fallen }: Beside,
    ) {
        let checked = Response::Stored { copies: 0, wanted: 0 };
        if !keep.is_durable() {
            return self.reply(op, checked);
        }
        let header = record.header();
        let (owner, name) = (header.owner, header.name);
        let is_floor = header.kind == Kind::Floor;
        let is_replica = is_floor || self.is_replica_of_record(&owner, &name);
        let is_known = held.is_some_and(|held| held.record.order() == record.order());
        // What is held whole for others is replaced by what is newer, and no less: it has to reach its replicas.
        let whole = is_replica || keep == Keep::Hint || held.is_some_and(|held| !held.proof_only);
        let stored = Response::Stored {
            copies: u8::from(is_replica && matches!(keep, Keep::Replica | Keep::Pulled)),
            wanted: 1,
        };
        let complete = |held: &RecordRow| {
            !whole || (!held.proof_only && (held.expired || held.parts_len() >= parts_len(record)))
        };
        if (is_known && held.is_some_and(complete)) || (!whole && !has_pins) {
            if keep == Keep::Mended {
                return self.drop_damaged(op, owner, name);
            }
            return self.reply(op, stored);
        }
        let is_spent = header.expires != 0 && header.expires <= self.now.unix_ms;
        if whole && record.is_stub() && !is_spent && matches!(keep, Keep::Replica | Keep::Hint) {
            // In the place of a whole one it would take away what can be read, for what perhaps nobody has.
            return self.refuse(op, ErrorCode::NotFound);
        }
        // What deletes is taken on a full disk, too: it is what makes room.
        if parts_len(record) > 0 && whole && !self.has_space(record.bytes().len()) {
            return self.refuse(op, ErrorCode::NoSpace);
        }
        let row = RecordRow {
            record: if whole { record.clone() } else { record.to_stub() },
            stored_ms: held.filter(|_| is_known).map_or_else(|| self.aged(age_ms), |held| held.stored_ms),
            evicted_ms: 0,
            expired: false,
            proof_only: !whole,
            settled_ms: 0,
        };
        let mut changes = vec![put(keys::rec(self.suite, &owner, &name), row.encode(self.suite))];
        changes.extend(expiry_changes(record, held.filter(|_| !is_known)));
        if is_floor {
            changes.push(put(keys::floor_index(&owner), Bytes::new()));
        }
        changes.extend(fallen);
        if in_quarantine {
            changes.push(remove(keys::quarantine(&owner, &name)));
        }
        let has_work = !is_known && (has_pins || is_floor);
        if has_work {
            changes.push(put(keys::proof(&owner, &name), Bytes::new()));
        }
        let expires = header.expires;
        self.gather(op, vec![Effect::apply(changes)], move |store, _| {
            store.end_doubt(owner, name);
            store.reply(op, stored);
            store.expiry_from(expires);
            if has_work {
                store.kick_proof(owner, name);
            }
        });
    }

    /// True if this node is a replica of the records of this owner whose names begin as this one.
    pub(super) fn is_replica_of_record(&self, owner: &OwnerId, name: &Name) -> bool {
        let position = crate::node::view::record_position(self.suite, owner, name.0[0]);
        self.view.as_ref().is_none_or(|view| view.is_replica(&self.node, &position))
    }

    pub(super) fn get_record(&mut self, op: Op, owner: OwnerId, name: Name) {
        let (get, wanted) = Wanted::new(self.suite).name(&owner, &name).effect();
        self.gather(op, vec![get], move |store, mut answers| {
            let known = Known::new(wanted, answers.values());
            if store.heed_damage(&known, &owner, &name) {
                return store.refuse(op, ErrorCode::Damaged);
            }
            let floor = known.floor(&owner);
            let record = known.record(&owner, &name).map(|row| row.record);
            let record = record.filter(|record| Self::is_shown(record, floor.as_ref()));
            let floor = floor.map(|floor| floor.record);
            store.reply(op, Response::Record { record, floor, fresh: false });
        });
    }
}

/// The rows that make a record expire in time, and no longer the one that it replaces.
fn expiry_changes(record: &Record, replaced: Option<&RecordRow>) -> Vec<TableOp> {
    let header = record.header();
    let row = |expires: u64| keys::expire(expires, &header.owner, &header.name);
    let old = replaced.map(|held| held.record.header().expires).filter(|old| *old != 0);
    let new = (header.expires != 0).then(|| put(row(header.expires), Bytes::new()));
    old.map(|old| remove(row(old))).into_iter().chain(new).collect()
}

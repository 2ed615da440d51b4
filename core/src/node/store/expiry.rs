//! Records that expire: their stub stays as a tombstone of the same version, and their pins are dead by it.
//!
//! Expiry is the one thing that goes by the wall clock, so it acts only while that agrees with the others'.

use super::LocalStore;
use super::effects::{Effect, put, remove};
use super::keys;
use super::known::{Known, Wanted};
use super::linger::Next;
use super::locks::{Hold, LockKey};
use super::operation::{Op, Purpose};
use super::rows::RecordRow;
use crate::id::{Name, OwnerId};
use alloc::vec;
use bytes::Bytes;
use core::time::Duration;

/// Wait after an error of the disk.
const AFTER_ERROR: Duration = Duration::from_secs(5);
/// The wall clock may jump: look at it at least this often while something is to expire.
const LOOK_EVERY: Duration = Duration::from_secs(60);

impl LocalStore {
    /// A record that expires then was stored; 0 is never.
    pub(super) fn expiry_from(&mut self, expires: u64) {
        if expires != 0 {
            self.expiring.add(expires);
        }
    }

    /// When to look at the clock again.
    pub(super) fn expiry_timeout(&self) -> Option<crate::time::Instant> {
        let next = self.expiring.timeout(self.now.mono, self.now.unix_ms)?;
        self.clock_ok.then(|| next.min(self.now.mono + LOOK_EVERY))
    }

    /// Expires what is due.
    pub(super) fn go_on_with_expiry(&mut self) {
        if self.is_ready && self.clock_ok && self.expiring.is_due(self.now.mono, self.now.unix_ms) {
            self.expiring = Next::Now { again: false };
            let op = self.begin_own(Purpose::Expiry);
            self.walk_expiry(op);
        }
    }

    pub(super) fn expiry_failed(&mut self) {
        self.expiring = Next::NotBefore(self.now.mono + AFTER_ERROR);
    }

    fn walk_expiry(&mut self, op: Op) {
        self.unlock(op);
        let scan = Effect::scan(keys::expire_all(), 1, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, _) = answers.rows();
            let first = rows.first().and_then(|(key, _)| keys::parse_expire(key));
            match first {
                Some((at, owner, name)) if store.clock_ok && at <= store.now.unix_ms => {
                    let locks = vec![(LockKey::Record(owner, name), Hold::Alone)];
                    store.lock(op, locks, move |store, op| store.expire(op, at, owner, name));
                }
                _ => {
                    store.end(op);
                    store.expiring.looked(first.map(|(at, ..)| at));
                }
            }
        });
    }

    /// Expires one record, with it locked, unless a newer one came.
    fn expire(&mut self, op: Op, at: u64, owner: OwnerId, name: Name) {
        let (get, wanted) = Wanted::new(self.suite).name(&owner, &name).effect();
        self.gather(op, vec![get], move |store, mut answers| {
            let row = Known::new(wanted, answers.values()).record(&owner, &name);
            let mut changes = vec![remove(keys::expire(at, &owner, &name))];
            let expired = row.filter(|row| row.record.header().expires == at);
            let has_work = expired.is_some();
            if let Some(row) = expired {
                let row = RecordRow {
                    record: row.record.to_stub(),
                    stored_ms: store.running_ms(),
                    expired: true,
                    settled_ms: 0,
                    ..row
                };
                changes.push(put(keys::rec(store.suite, &owner, &name), row.encode(store.suite)));
                changes.push(put(keys::proof(&owner, &name), Bytes::new()));
            }
            store.gather(op, vec![Effect::apply(changes)], move |store, _| {
                store.unlock(op);
                if has_work {
                    store.kick_proof(owner, name);
                }
                store.walk_expiry(op);
            });
        });
    }
}

//! Quarantine: the living records of a member that was removed and comes back as new.
//!
//! The network may have forgotten the tombstones that killed them, so they are no records any more: nobody is given
//! them but their owner, who asks for them when nothing else is known of a name. A record of the name that is put ends
//! it. Tombstones and floors stay what they are: they bring nothing back.

use super::LocalStore;
use super::effects::{Effect, put, remove};
use super::keys::{self, Range};
use super::locks::{Hold, LockKey};
use super::operation::{Op, Purpose, Room};
use super::rows::RecordRow;
use crate::driver::TableOp;
use crate::id::{Name, OwnerId};
use crate::time::Now;
use crate::wire::Response;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// The state row that stands while it goes on, so that a crash does not end it half-way.
pub(super) const UNDER_WAY: &str = "quarantine";
/// Records that are moved in one durable step.
const STEP: u32 = 64;

impl LocalStore {
    /// Puts all records into quarantine. Requests wait until that is durable, over crashes, too; so does what
    /// [`save_state`](Self::save_state) writes.
    pub fn quarantine_all(&mut self, now: Now) {
        self.now = now;
        if self.is_ready {
            self.begin_quarantine();
        }
        self.go_on();
    }

    pub(super) fn begin_quarantine(&mut self) {
        self.is_ready = false;
        let op = self.begin_own(Purpose::Quarantine);
        let row = put(keys::own_state(UNDER_WAY), Bytes::new());
        self.gather(op, vec![Effect::apply(vec![row])], move |store, _| {
            store.quarantine_page(op, keys::rec_all());
        });
    }

    fn quarantine_page(&mut self, op: Op, rest: Range) {
        self.unlock(op);
        let scan = Effect::scan(rest.clone(), STEP, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            let next = rows.last().filter(|_| more).map(|(key, _)| rest.after(key));
            let names = rows.iter().filter_map(|(key, _)| keys::parse_rec(key));
            let names: Vec<_> = names.map(|(_, owner, name)| (owner, name)).collect();
            let locks = names.iter().map(|(owner, name)| (LockKey::Record(*owner, *name), Hold::Alone));
            store.lock(op, locks.collect(), move |store, op| store.quarantine_step(op, names, next));
        });
    }

    fn quarantine_step(&mut self, op: Op, names: Vec<(OwnerId, Name)>, next: Option<Range>) {
        let rows = names.iter().map(|(owner, name)| keys::rec(self.suite, owner, name)).collect::<Vec<_>>();
        self.gather(op, vec![Effect::get(rows.clone())], move |store, mut answers| {
            let mut changes: Vec<TableOp> = Vec::new();
            for (((owner, name), key), value) in names.iter().zip(rows).zip(answers.values()) {
                let Some(value) = value else { continue };
                let row = RecordRow::decode(store.suite, &value);
                let Some(row) = row.filter(|row| !row.is_gone() && row.floor().is_none()) else { continue };
                changes.push(remove(key));
                let expires = row.record.header().expires;
                if expires != 0 {
                    changes.push(remove(keys::expire(expires, owner, name)));
                }
                if !row.proof_only {
                    changes.push(put(keys::quarantine(owner, name), value));
                }
            }
            if next.is_none() {
                changes.push(remove(keys::own_state(UNDER_WAY)));
            }
            let apply = (!changes.is_empty()).then(|| Effect::apply(changes));
            store.gather(op, apply.into_iter().collect(), move |store, _| match next {
                Some(rest) => store.quarantine_page(op, rest),
                None => {
                    store.end(op);
                    store.is_ready = true;
                    store.begin_waiting();
                }
            });
        });
    }

    /// What is in quarantine of a name, for its owner; one [`StoreOutput::Reply`](super::StoreOutput::Reply) with this
    /// token follows, as to a `GetRecord`.
    pub fn quarantined(&mut self, now: Now, token: u64, owner: OwnerId, name: Name) {
        self.now = now;
        self.admit(token, Room::default(), move |store, op| {
            let row = Effect::get(vec![keys::quarantine(&owner, &name)]);
            store.gather(op, vec![row], move |store, mut answers| {
                let value = answers.values().into_iter().next().flatten();
                let row = value.and_then(|value| RecordRow::decode(store.suite, &value));
                let record = row.map(|row| row.record);
                store.reply(op, Response::Record { record, floor: None, fresh: false });
            });
        });
        self.go_on();
    }
}

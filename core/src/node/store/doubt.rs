//! Rows of records that rotted: what this node cannot know any more, and must not speak about.
//!
//! A damaged row stays where it is until it is mended from what the other replicas hold: it is its own mark, over
//! crashes, too. Whoever needs it is refused; of what lies beside it this node says only what is no vote. A row that
//! no name can be given to puts all that this disk says in doubt. Knows nothing of how things are mended.

use super::LocalStore;
use super::api::{Damage, Keep, StoreOutput};
use super::effects::{Effect, put, remove};
use super::keys::{self, FLOOR_NAME, Range};
use super::known::{Known, Wanted};
use super::locks::{Hold, LockKey};
use super::operation::{Op, Room};
use super::rows::{OwnRow, PinStatus, RecordRow};
use crate::config::limit;
use crate::driver::TableOp;
use crate::id::{BlobId, Name, OwnerId, Position};
use crate::node::view::{blob_position, record_position};
use crate::record::{Pin, Record};
use crate::time::Now;
use crate::wire::Response;
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// The names whose rows are known to be damaged.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    names: BTreeSet<(Position, OwnerId, Name)>,
    /// There are more: nothing is certain until some are mended, and the others found again.
    more: bool,
    /// How often one was mended.
    mended: u64,
}

#[cfg(any(test, feature = "sim"))]
impl Doubts {
    /// How many names there are.
    pub(super) fn count(&self) -> usize {
        self.names.len()
    }
}

impl LocalStore {
    /// True if a record that lies here may be unknown to this node: an answer about this position is no vote.
    pub fn is_in_doubt(&self, position: &Position) -> bool {
        let from = (*position, OwnerId([0; 32]), Name([0; 32]));
        let first = self.doubts.names.range(from..).next();
        self.doubts.more || first.is_some_and(|(at, ..)| at == position)
    }

    /// Changes whenever a doubt is over: what was read before may be less than what is known now.
    pub const fn doubts_over(&self) -> u64 {
        self.doubts.mended
    }

    /// Puts what the other replicas hold of a name, `None` for nothing, in place of its damaged row; one
    /// [`StoreOutput::Reply`] with this token follows: `Stored`, or the error `Invalid` for a record that nobody signed.
    pub fn mend(&mut self, now: Now, token: u64, owner: OwnerId, name: Name, record: Option<Record>) {
        self.now = now;
        let room = Room::brings(record.as_ref().map_or(0, |record| record.bytes().len()));
        self.admit(token, room, move |store, op| match record {
            Some(record) => store.put_record(op, super::Origin::Own, Keep::Mended, record),
            None => store.drop_damaged(op, owner, name),
        });
        self.go_on();
    }

    /// Removes a row that [`Damage::Row`] told of, after whatever state was given to be saved before.
    pub fn drop_row(&mut self, now: Now, key: Bytes) {
        self.now = now;
        self.change_row(key, None);
        self.go_on();
    }

    /// How many names this node, a replica of them, knows nothing of.
    pub(super) fn doubtful_copies(&self) -> u64 {
        let replica = |(_, owner, name): &&(Position, OwnerId, Name)| self.is_replica_of_record(owner, name);
        self.doubts.names.iter().filter(replica).count() as u64
    }

    /// The row of this name is damaged.
    pub(super) fn doubt(&mut self, owner: OwnerId, name: Name) {
        let doubt = (record_position(self.suite, &owner, name.0[0]), owner, name);
        if self.doubts.names.len() >= limit::DOUBTS && !self.doubts.names.contains(&doubt) {
            self.doubts.more = true;
        } else if self.doubts.names.insert(doubt) {
            self.outputs.push_back(StoreOutput::Damaged(Damage::Record(owner, name)));
        }
    }

    /// The row of this name is what it should be, or gone.
    pub(super) fn end_doubt(&mut self, owner: OwnerId, name: Name) {
        let doubt = (record_position(self.suite, &owner, name.0[0]), owner, name);
        if self.doubts.names.remove(&doubt) {
            self.doubts.mended += 1;
            // The walk that looks for what is missing finds the others.
            self.doubts.more = false;
        }
    }

    /// The name's row or its owner's floor is damaged: whatever stood there, nothing can be said.
    pub(super) fn heed_damage(&mut self, known: &Known, owner: &OwnerId, name: &Name) -> bool {
        let mut damaged = false;
        for name in [name, &FLOOR_NAME] {
            if known.is_damaged(owner, name) {
                self.doubt(*owner, *name);
                damaged = true;
            }
        }
        damaged
    }

    /// True if a damaged row of this name must be mended before anything is kept for it: others may hold what is newer.
    pub(super) fn must_be_mended(&self, owner: &OwnerId, name: &Name) -> bool {
        let is_ours = *name == FLOOR_NAME || self.is_replica_of_record(owner, name);
        is_ours && self.view.as_ref().is_some_and(|view| view.has_others())
    }

    /// Looks at a row in the range of records. `true` if it is a record of its name.
    pub(super) fn check_row(&mut self, key: &Bytes, value: &Bytes) -> bool {
        let placed = keys::parse_rec(key)
            .filter(|(position, owner, name)| *position == record_position(self.suite, owner, name.0[0]));
        match (placed, RecordRow::decode(self.suite, value)) {
            (Some((_, owner, name)), Some(row))
                if row.record.header().owner == owner && row.record.header().name == name =>
            {
                true
            }
            (Some((_, owner, name)), None) => {
                self.doubt(owner, name);
                false
            }
            // It stood elsewhere once, and what it was is missing there.
            _ => {
                self.outputs.push_back(StoreOutput::Damaged(Damage::Row(key.clone())));
                false
            }
        }
    }

    pub(super) fn drop_damaged(&mut self, op: Op, owner: OwnerId, name: Name) {
        self.lock(op, vec![(LockKey::Record(owner, name), Hold::Alone)], move |store, op| {
            let (get, wanted) = Wanted::new(store.suite).name(&owner, &name).effect();
            store.gather(op, vec![get], move |store, mut answers| {
                let known = Known::new(wanted, answers.values());
                if !known.is_damaged(&owner, &name) {
                    return store.dropped(op, owner, name);
                }
                store.reopen_pins(op, keys::own_name(&owner, &name), move |store| {
                    let row = keys::rec(store.suite, &owner, &name);
                    store.gather(op, vec![Effect::apply(vec![remove(row)])], move |store, _| {
                        store.dropped(op, owner, name);
                    });
                });
            });
        });
    }

    fn dropped(&mut self, op: Op, owner: OwnerId, name: Name) {
        self.end_doubt(owner, name);
        self.reply(op, Response::Stored { copies: 0, wanted: 0 });
    }

    /// Pins whose record is nowhere are again what they were before it came: their leases decide.
    fn reopen_pins(&mut self, op: Op, rest: Range, then: impl FnOnce(&mut Self) + Send + 'static) {
        let scan = Effect::scan(rest.clone(), self.config.scan_rows, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            let changes: Vec<_> = rows.iter().filter_map(|(key, value)| reopened(key, value)).collect();
            let next = rows.last().filter(|_| more).map(|(key, _)| rest.after(key));
            let apply = (!changes.is_empty()).then(|| Effect::apply(changes));
            store.gather(op, apply.into_iter().collect(), move |store, _| match next {
                Some(next) => store.reopen_pins(op, next, then),
                None => then(store),
            });
        });
    }

    /// Asks for a blob whose bytes are missing, if pins here want them and they were not dropped by hand.
    pub(super) fn miss(&mut self, op: Op, id: BlobId, then: impl FnOnce(&mut Self) + Send + 'static) {
        let pins = Effect::scan(keys::pins_of(&id), 1, self.config.scan_bytes);
        let evicted = Effect::get(vec![keys::evicted(&id)]);
        self.gather(op, vec![pins, evicted], move |store, mut answers| {
            let pin = answers.rows().0.into_iter().next().and_then(|(_, value)| Pin::parse(value).ok());
            let evicted = answers.values().into_iter().next().flatten();
            let position = blob_position(&id);
            let is_ours = store.view.as_ref().is_none_or(|view| view.is_replica(&store.node, &position));
            if let Some(pin) = pin.filter(|_| is_ours && !store.is_evicted(evicted.as_deref())) {
                store.outputs.push_back(StoreOutput::Damaged(Damage::Blob(id, pin.body().length)));
            }
            then(store);
        });
    }
}

/// The change that makes a confirmed pin a pending one.
fn reopened(key: &Bytes, value: &[u8]) -> Option<TableOp> {
    let row = OwnRow::decode(value).filter(|row| row.status == PinStatus::Confirmed)?;
    Some(put(key.clone(), OwnRow { status: PinStatus::Pending, ..row }.encode()))
}

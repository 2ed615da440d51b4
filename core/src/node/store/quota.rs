//! Quotas: how many bytes of blobs each owner has here, each blob once however many pins it has of that owner.
//!
//! Counted at the start by one walk over the pins, and only where a quota is set. Asked about where a client's write
//! enters; what nodes bring is counted and never refused, or a quota would cost copies.

use super::LocalStore;
use super::effects::{Answers, Effect};
use super::keys::{self, Range};
use crate::id::{BlobId, OwnerId};
use crate::record::Pin;
use alloc::collections::BTreeMap;
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// Owners that are counted one by one; all others share one count, and one quota. Bounds the memory for them.
pub(super) const OWNERS: usize = 4096;

/// A blob of an owner's.
pub(super) type Held = (BlobId, OwnerId);

/// What the owners have here.
#[derive(Debug, Default)]
pub(super) struct Usage {
    owners: BTreeMap<OwnerId, u64>,
    others: u64,
}

impl Usage {
    /// How many owners are counted.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn count(&self) -> usize {
        self.owners.len()
    }

    fn of(&mut self, owner: &OwnerId) -> &mut u64 {
        if self.owners.len() >= OWNERS && !self.owners.contains_key(owner) {
            return &mut self.others;
        }
        self.owners.entry(*owner).or_default()
    }
}

impl LocalStore {
    /// The questions which of these blobs have a pin of the owner's; none where there is no quota.
    pub(super) fn ask_held(&self, held: &BTreeSet<Held>) -> Vec<Effect> {
        if self.config.quota == 0 {
            return Vec::new();
        }
        let scan =
            |(blob, owner): &Held| Effect::scan(keys::pins_of_owner(blob, owner), 1, self.config.scan_bytes);
        held.iter().map(scan).collect()
    }

    /// The answers: those that have none.
    pub(super) fn new_held(&self, held: BTreeSet<Held>, answers: &mut Answers) -> BTreeSet<Held> {
        if self.config.quota == 0 {
            return BTreeSet::new();
        }
        held.into_iter().filter(|_| answers.rows().0.is_empty()).collect()
    }

    /// True if the quota of each of these owners has room for so many bytes.
    pub(super) fn has_quota(&mut self, new: &BTreeSet<Held>, bytes: usize) -> bool {
        let quota = self.config.quota;
        new.iter().all(|(_, owner)| self.usage.of(owner).saturating_add(bytes as u64) <= quota)
    }

    /// Counts a blob that these owners have from now on.
    pub(super) fn charge(&mut self, new: &BTreeSet<Held>, bytes: usize) {
        for (_, owner) in new {
            let used = self.usage.of(owner);
            *used = used.saturating_add(bytes as u64);
        }
    }

    /// A blob that was counted has not come to be here.
    pub(super) fn discharge(&mut self, new: &BTreeSet<Held>, bytes: usize) {
        for (_, owner) in new {
            let used = self.usage.of(owner);
            *used = used.saturating_sub(bytes as u64);
        }
    }

    /// Counts the blobs of those of these pins that are new.
    pub(super) fn charge_pins<'a>(&mut self, mut new: BTreeSet<Held>, pins: impl Iterator<Item = &'a Pin>) {
        for body in pins.map(Pin::body) {
            let held = (body.blob, body.owner);
            if new.remove(&held) {
                self.charge(&BTreeSet::from([held]), body.length as usize);
            }
        }
    }

    /// The questions which pins these owners have on these blobs, `going` of which go: is there any that stays?
    pub(super) fn ask_going(&self, going: &BTreeMap<Held, u32>) -> Vec<Effect> {
        let quota = self.config.quota > 0;
        let pins = |(blob, owner): &Held| keys::pins_of_owner(blob, owner);
        let scan = |(held, count): (&Held, &u32)| {
            Effect::scan(pins(held), count.saturating_add(1), self.config.scan_bytes)
        };
        going.iter().filter(|_| quota).map(scan).collect()
    }

    /// The answers: counts those no more of which none stays.
    pub(super) fn discharge_going(&mut self, going: &BTreeMap<Held, u32>, answers: &mut Answers) {
        if self.config.quota == 0 {
            return;
        }
        for ((_, owner), count) in going {
            let (rows, more) = answers.rows();
            let length = rows.first().and_then(|(_, value)| Pin::parse(value.clone()).ok());
            if !more && rows.len() <= *count as usize {
                let length = length.map_or(0, |pin| u64::from(pin.body().length));
                let used = self.usage.of(owner);
                *used = used.saturating_sub(length);
            }
        }
    }

    /// Counts what is here, then goes on.
    pub(super) fn count_usage(
        &mut self,
        rest: Range,
        last: Option<Held>,
        then: impl FnOnce(&mut Self) + Send + 'static,
    ) {
        let scan = Effect::scan(rest.clone(), self.config.scan_rows, self.config.scan_bytes);
        self.attempt(vec![scan], move |store, result| {
            let (rows, more) = match result {
                Ok(mut answers) => answers.rows(),
                Err(error) => return store.fail_for_good(error),
            };
            let next = rows.last().filter(|_| more).map(|(key, _)| rest.after(key));
            let last = store.count_pins(rows, last);
            match next {
                Some(next) => store.count_usage(next, last, then),
                None => then(store),
            }
        });
    }

    /// Pins of one owner on one blob follow each other, so each blob is counted once.
    fn count_pins(&mut self, rows: Vec<(Bytes, Bytes)>, mut last: Option<Held>) -> Option<Held> {
        for pin in rows.into_iter().filter_map(|(_, value)| Pin::parse(value).ok()) {
            let held = (pin.body().blob, pin.body().owner);
            if last != Some(held) {
                self.charge(&BTreeSet::from([held]), pin.body().length as usize);
                last = Some(held);
            }
        }
        last
    }
}

/// The blobs that these pins are on, with their owners.
pub(super) fn held<'a>(pins: impl IntoIterator<Item = &'a Pin>) -> BTreeSet<Held> {
    pins.into_iter().map(|pin| (pin.body().blob, pin.body().owner)).collect()
}

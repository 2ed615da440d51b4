//! Blobs whose last pin is gone: removed when their linger is over and still nothing pins them.
//!
//! Linger counts in running time. Cached copies use the same rows.

use super::LocalStore;
use super::effects::{Effect, remove};
use super::keys;
use super::locks::{Hold, LockKey};
use super::operation::{Op, Purpose};
use crate::driver::{DiskRequest, TableOp};
use crate::id::BlobId;
use crate::time::Instant;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

/// Rows that are looked at together.
const STEP: u32 = 16;
/// Wait after an error of the disk.
const AFTER_ERROR: Duration = Duration::from_secs(5);

/// When to look next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// Nothing is known to wait.
    Nothing,
    /// At this time of the queue's clock.
    Due(u64),
    /// Not before this moment: an error came.
    NotBefore(Instant),
    /// Being looked at; `again` if something came meanwhile.
    Now { again: bool },
}

impl Next {
    /// Something is due at `due`.
    pub(super) fn add(&mut self, due: u64) {
        match self {
            Self::Nothing => *self = Self::Due(due),
            Self::Due(next) => *next = due.min(*next),
            Self::Now { again } => *again = true,
            Self::NotBefore(_) => {}
        }
    }

    /// True if it is time to look: `clock` is the queue's.
    pub(super) fn is_due(self, now: Instant, clock: u64) -> bool {
        match self {
            Self::Due(due) => due <= clock,
            Self::NotBefore(at) => at <= now,
            Self::Nothing | Self::Now { .. } => false,
        }
    }

    /// When it will be time.
    pub(super) fn timeout(self, now: Instant, clock: u64) -> Option<Instant> {
        match self {
            Self::Due(due) => Some(now + Duration::from_millis(due.saturating_sub(clock))),
            Self::NotBefore(at) => Some(at),
            Self::Nothing | Self::Now { .. } => None,
        }
    }

    /// A look is over: the first row that stays is due then.
    pub(super) fn looked(&mut self, first: Option<u64>) {
        *self = match (*self, first) {
            (Self::Now { again: true }, _) => Self::Due(0),
            (_, Some(due)) => Self::Due(due),
            (_, None) => Self::Nothing,
        };
    }
}

impl LocalStore {
    /// A linger row was, or is being, written.
    pub(super) fn linger_from(&mut self, due: u64) {
        self.lingering.add(due);
    }

    /// Looks at what is due.
    pub(super) fn go_on_with_linger(&mut self) {
        if self.is_ready && self.lingering.is_due(self.now.mono, self.running_ms()) {
            self.lingering = Next::Now { again: false };
            let op = self.begin_own(Purpose::Linger);
            self.walk_linger(op);
        }
    }

    pub(super) fn linger_failed(&mut self) {
        self.lingering = Next::NotBefore(self.now.mono + AFTER_ERROR);
    }

    fn walk_linger(&mut self, op: Op) {
        self.unlock(op);
        let scan = Effect::scan(keys::linger_all(), STEP, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, _) = answers.rows();
            let now_ms = store.running_ms();
            let parsed = rows.iter().filter_map(|(key, _)| keys::parse_linger(key));
            let due: Vec<(u64, BlobId)> = parsed.clone().filter(|(due, _)| *due <= now_ms).collect();
            if due.is_empty() {
                let first = parsed.map(|(due, _)| due).min();
                store.end(op);
                return store.lingering.looked(first);
            }
            store.remove_unpinned(op, due, now_ms, move |store| store.walk_linger(op));
        });
    }

    /// Locks the blobs of these linger rows and removes those that nothing pins and that lost their last pin a
    /// linger before `now_ms`; the rows go in any case.
    pub(super) fn remove_unpinned(
        &mut self,
        op: Op,
        rows: Vec<(u64, BlobId)>,
        now_ms: u64,
        then: impl FnOnce(&mut Self) + Send + 'static,
    ) {
        let mut by_blob: BTreeMap<BlobId, Vec<TableOp>> = BTreeMap::new();
        for (due, blob) in rows {
            by_blob.entry(blob).or_default().push(remove(keys::linger(due, &blob)));
        }
        let locks = by_blob.keys().map(|blob| (LockKey::Blob(*blob), Hold::Alone)).collect();
        self.lock(op, locks, move |store, op| {
            let pins = |blob| Effect::scan(keys::pins_of(blob), 1, store.config.scan_bytes);
            let mut effects = vec![Effect::get(by_blob.keys().map(keys::unpinned).collect())];
            effects.extend(by_blob.keys().map(pins));
            store.gather(op, effects, move |store, mut answers| {
                let mut effects = Vec::with_capacity(by_blob.len());
                for ((id, mut rows), last) in by_blob.into_iter().zip(answers.values()) {
                    // Pinned and unpinned again meanwhile, it lingers from then on.
                    let last = last.and_then(|last| Some(u64::from_be_bytes(*last.first_chunk()?)));
                    let is_over = last.is_none_or(|last| last <= now_ms);
                    if is_over {
                        rows.push(remove(keys::unpinned(&id)));
                    }
                    if answers.rows().0.is_empty() && is_over {
                        rows.push(remove(keys::evicted(&id)));
                        effects.push(Effect::Disk(DiskRequest::RemoveBlob { id, first: rows }));
                    } else {
                        effects.push(Effect::apply(rows));
                    }
                }
                store.gather(op, effects, move |store, _| then(store));
            });
        });
    }
}

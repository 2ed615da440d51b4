//! What the store knows of itself: which disk this is, how long it has run, and the node's small rows.

use super::LocalStore;
use super::api::{Loaded, StoreOutput};
use super::blob::millis;
use super::effects::{Effect, put, remove};
use super::keys::{self, Range};
use super::quarantine::UNDER_WAY;
use crate::driver::TableOp;
use crate::error::DiskError;
use crate::time::Instant;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

const INCARNATION: &str = "incarnation";
const RUNNING: &str = "running";
/// Where the running time of a new disk begins: what comes from other members may be older than the disk, and its age
/// is not to be lost. Far beyond any age that matters, far below the end of the numbers.
const BEGINNING_MS: u64 = 1 << 41;
/// Wait after an error of the disk.
const AFTER_ERROR: Duration = Duration::from_secs(5);

/// Running time and rows that are not durable yet.
#[derive(Debug)]
pub(super) struct State {
    /// Running milliseconds before this start.
    base_ms: u64,
    started: Instant,
    /// Rows to be written; `None` removes. Later values replace earlier ones.
    changed: BTreeMap<Bytes, Option<Bytes>>,
    /// How many changes there have been, and how many of them, the first ones, are durable.
    changes: u64,
    durable: u64,
    writing: bool,
    /// The last attempt failed: nothing is written before `next_write`.
    failed: bool,
    next_write: Instant,
}

impl State {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            base_ms: BEGINNING_MS,
            started: now,
            changed: BTreeMap::new(),
            changes: 0,
            durable: 0,
            writing: false,
            failed: false,
            next_write: now,
        }
    }

    /// How many rows are not written yet.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn unwritten(&self) -> usize {
        self.changed.len()
    }

    /// True if all of it is durable (the running time aside).
    pub(super) fn is_written(&self) -> bool {
        self.changed.is_empty() && !self.writing
    }

    /// How many changes are durable, counted from the start.
    pub(super) const fn durable(&self) -> u64 {
        self.durable
    }

    /// When to write the running time again.
    pub(super) fn timeout(&self) -> Option<Instant> {
        (!self.writing).then_some(self.next_write)
    }
}

impl LocalStore {
    /// For how long this node has run in all: what ages count in.
    pub(super) fn running_ms(&self) -> u64 {
        self.state.base_ms.saturating_add(millis(self.now.mono - self.state.started))
    }

    /// When, in running milliseconds, something began that is so old, if that was before this disk, too.
    pub(super) fn aged(&self, age_ms: u64) -> u64 {
        self.running_ms().saturating_sub(age_ms)
    }

    pub(super) fn load(&mut self, range: Range, mut rows: Vec<(Bytes, Bytes)>) {
        let scan = Effect::scan(range.clone(), self.config.scan_rows, self.config.scan_bytes);
        self.attempt(vec![scan], move |store, result| {
            let (found, more) = match result {
                Ok(mut answers) => answers.rows(),
                Err(error) => return store.fail_for_good(error),
            };
            let last = found.last().map(|(key, _)| key.clone());
            rows.extend(found);
            match last {
                Some(last) if more => store.load(range.after(&last), rows),
                _ => store.loaded(rows),
            }
        });
    }

    fn loaded(&mut self, rows: Vec<(Bytes, Bytes)>) {
        let find = |name| {
            let key = keys::own_state(name);
            let value = rows.iter().find(|(k, _)| *k == key).map(|(_, value)| value)?;
            Some(value.first_chunk().map(|bytes| u64::from_be_bytes(*bytes)))
        };
        let incarnation = match (find(INCARNATION), rows.is_empty()) {
            (Some(Some(incarnation)), _) => incarnation,
            (None, true) => return self.begin_new_disk(),
            // Rows without the one that was written first, or one that does not parse.
            _ => return self.fail_for_good(DiskError::Corrupt),
        };
        self.state.base_ms = find(RUNNING).flatten().unwrap_or(BEGINNING_MS);
        let state = rows.iter().filter_map(|(key, value)| Some((keys::node_state_key(key)?, value.clone())));
        let state = state.collect();
        let key = keys::own_state(UNDER_WAY);
        let quarantine = rows.iter().any(|(k, _)| *k == key);
        let begin = move |store: &mut Self| {
            store.begin_work(incarnation, false, state);
            if quarantine {
                store.begin_quarantine();
            }
        };
        if self.config.quota > 0 {
            self.count_usage(keys::pin_all(), None, begin);
        } else {
            begin(self);
        }
    }

    fn begin_new_disk(&mut self) {
        let mut bytes = [0; 8];
        self.rng.fill(&mut bytes);
        let row = put(keys::own_state(INCARNATION), Bytes::copy_from_slice(&bytes));
        self.attempt(vec![Effect::apply(vec![row])], move |store, result| match result {
            Ok(_) => store.begin_work(u64::from_be_bytes(bytes), true, Vec::new()),
            Err(error) => store.fail_for_good(error),
        });
    }

    fn begin_work(&mut self, incarnation: u64, new_disk: bool, state: Vec<(Bytes, Bytes)>) {
        self.state.started = self.now.mono;
        self.is_ready = true;
        let running_ms = self.running_ms().saturating_sub(BEGINNING_MS);
        self.outputs.push_back(StoreOutput::Ready(Loaded { incarnation, new_disk, running_ms, state }));
        // What the queues hold is not known yet: look.
        self.linger_from(0);
        self.expiry_from(1);
        self.begin_waiting();
    }

    /// Returns the number of this change.
    pub(super) fn change_state(&mut self, key: &[u8], value: Option<Bytes>) -> u64 {
        self.change_row(keys::node_state(key), value)
    }

    /// The same for any row; never written before what was changed earlier.
    pub(super) fn change_row(&mut self, key: Bytes, value: Option<Bytes>) -> u64 {
        self.state.changed.insert(key, value);
        self.state.changes += 1;
        self.state.changes
    }

    /// Writes what has changed, and the running time when it is time for it.
    pub(super) fn go_on_with_state(&mut self) {
        let is_time = self.state.next_write <= self.now.mono;
        let idle = (self.state.changed.is_empty() || self.state.failed) && !is_time;
        if !self.is_ready || self.state.writing || idle || self.fatal.is_some() {
            return;
        }
        let changed = core::mem::take(&mut self.state.changed);
        let running = Bytes::copy_from_slice(&self.running_ms().to_be_bytes());
        let mut changes: Vec<TableOp> = vec![put(keys::own_state(RUNNING), running)];
        changes.extend(changed.iter().map(|(key, value)| match value {
            Some(value) => put(key.clone(), value.clone()),
            None => remove(key.clone()),
        }));
        let changes_so_far = self.state.changes;
        self.state.writing = true;
        self.state.next_write = self.now.mono + self.config.running_time_every;
        self.attempt(vec![Effect::apply(changes)], move |store, result| {
            store.state.writing = false;
            store.state.failed = result.is_err();
            if result.is_ok() {
                store.state.durable = changes_so_far;
            } else {
                // What was changed again meanwhile is newer.
                for (key, value) in changed {
                    store.state.changed.entry(key).or_insert(value);
                }
                store.state.next_write = store.now.mono + AFTER_ERROR;
            }
        });
    }
}

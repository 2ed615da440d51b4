//! What this node should hold and does not: blobs under pins without their bytes, records without their parts.
//!
//! Named page by page, so that the node fetches them from others. What was dropped by hand is left alone for a while.

use super::LocalStore;
use super::blob::millis;
use super::effects::Effect;
use super::keys::{self, FLOOR_NAME, Range};
use super::operation::Op;
use super::pages::pin_key;
use super::rows::RecordRow;
use crate::config::limit;
use crate::node::view::blob_position;
use crate::record::Pin;
use crate::wire::{PinsPage, PullCursor, PulledPin, PulledRecord, RecordsPage, Response};
use alloc::vec;
use alloc::vec::Vec;

/// Records of a page: they are fetched one by one.
const RECORDS: usize = 64;

impl LocalStore {
    /// A page of missing blobs, each with one of its pins.
    pub(super) fn missing_blobs(&mut self, op: Op, after: Option<PullCursor>) {
        let all = keys::pin_all();
        let rest = match after {
            Some(after) => all.cut(&pin_key(&after)),
            None => all,
        };
        self.look_for_blobs(op, rest);
    }

    fn look_for_blobs(&mut self, op: Op, rest: Range) {
        let rows = u32::try_from(limit::PULL_ROWS).unwrap_or(u32::MAX);
        let scan = Effect::scan(rest.clone(), rows, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            let rest = rows.last().filter(|_| more).map(|(key, _)| rest.after(key));
            let mut pins: Vec<Pin> =
                rows.into_iter().filter_map(|(_, value)| Pin::parse(value).ok()).collect();
            let last = pins.last().map(PullCursor::of_pin);
            pins.dedup_by_key(|pin| pin.body().blob);
            pins.retain(|pin| {
                let position = blob_position(&pin.body().blob);
                store.view.as_ref().is_none_or(|view| view.is_replica(&store.node, &position))
            });
            let evicted = pins.iter().map(|pin| keys::evicted(&pin.body().blob)).collect();
            let mut effects = vec![Effect::get(evicted)];
            effects.extend(pins.iter().map(|pin| Effect::is_there(pin.body().blob)));
            store.gather(op, effects, move |store, mut answers| {
                let evicted = answers.values();
                let missing = pins
                    .into_iter()
                    .zip(evicted)
                    .filter(|(_, evicted)| answers.blob().is_none() && !store.is_evicted(evicted.as_deref()));
                let row = |(pin, _)| PulledPin { pin, lease_ms: 0, pending: false };
                let pins: Vec<PulledPin> = missing.map(row).collect();
                match rest {
                    Some(rest) if pins.is_empty() => store.look_for_blobs(op, rest),
                    rest => {
                        let next = last.filter(|_| rest.is_some());
                        store.reply(op, Response::PulledPins(PinsPage { pins, next }));
                    }
                }
            });
        });
    }

    /// A page of records whose parts are missing, as stubs.
    pub(super) fn missing_records(&mut self, op: Op, after: Option<PullCursor>) {
        let all = keys::rec_all();
        let rest = match after {
            Some(after) => all.cut(&keys::rec(self.suite, &after.owner, &after.name)),
            None => all,
        };
        self.look_for_records(op, rest, RecordsPage::default());
    }

    fn look_for_records(&mut self, op: Op, rest: Range, mut page: RecordsPage) {
        let scan = Effect::scan(rest.clone(), self.config.scan_rows, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            for (key, value) in &rows {
                if !store.check_row(key, value) {
                    continue;
                }
                let Some((_, owner, name)) = keys::parse_rec(key) else { continue };
                let row = RecordRow::decode(store.suite, value).filter(|_| name != FLOOR_NAME);
                let is_left_alone =
                    |row: &RecordRow| row.evicted_ms != 0 && store.is_left_alone(row.evicted_ms);
                let misses =
                    row.filter(|row| !(row.record.is_complete() || row.is_gone() || is_left_alone(row)));
                let Some(row) = misses.filter(|_| store.is_replica_of_record(&owner, &name)) else {
                    continue;
                };
                let record = row.record.to_stub();
                let cursor = store.record_cursor(&record);
                page.records.push(PulledRecord { record, age_ms: 0, expired: false });
                if page.records.len() == RECORDS {
                    page.next = Some(cursor);
                    return store.reply(op, Response::PulledRecords(page));
                }
            }
            match rows.last() {
                Some((last, _)) if more => store.look_for_records(op, rest.after(last), page),
                _ => store.reply(op, Response::PulledRecords(page)),
            }
        });
    }

    /// True for a row that says that a blob was dropped by hand not long ago.
    pub(super) fn is_evicted(&self, row: Option<&[u8]>) -> bool {
        let at = row.and_then(|row| row.first_chunk());
        at.is_some_and(|at| self.is_left_alone(u64::from_be_bytes(*at)))
    }

    /// True while what was dropped by hand at this running time is not to be brought back.
    fn is_left_alone(&self, evicted_ms: u64) -> bool {
        self.running_ms().saturating_sub(evicted_ms) < millis(self.config.evicted_for)
    }
}

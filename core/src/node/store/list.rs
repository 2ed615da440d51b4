//! `ListRecords`: the records of an owner, shard by shard, in the order of their names.
//!
//! Of this disk alone: whose word is the newest, the asker finds out.

use super::LocalStore;
use super::api::Origin;
use super::effects::Effect;
use super::keys::{self, FLOOR_NAME, Range};
use super::operation::Op;
use super::rows::RecordRow;
use crate::config::limit;
use crate::id::{Name, OwnerId};
use crate::record::Record;
use crate::wire::{ErrorCode, ListCursor, Response};
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use core::ops::ControlFlow;

/// Shards that are read at once.
const SHARDS: u8 = 8;
/// Bytes read of one shard at once: eight of them stay within 1 MiB, and the largest row fits.
const SHARD_BYTES: u32 = 128 << 10;
/// Records of a page take at most so many bytes.
const PAGE_BYTES: usize = 1 << 20;
/// Room that a list needs: what is read at once, and the page.
pub(super) const LIST_ROOM: usize = 2 * PAGE_BYTES;

/// A page being put together.
struct Page {
    owner: OwnerId,
    after: Option<Name>,
    rows: usize,
    last_shard: u8,
    show_dead: bool,
    records: Vec<Record>,
    bytes: usize,
    floor: Option<RecordRow>,
    damaged: Vec<Name>,
}

impl Page {
    /// What is to be read next of a shard.
    fn range(&self, store: &LocalStore, shard: u8) -> Range {
        let range = keys::rec_shard(store.suite, &self.owner, shard);
        match self.after {
            Some(after) if after.0[0] == shard => range.after(&keys::rec(store.suite, &self.owner, &after)),
            _ => range,
        }
    }

    /// Takes one row; breaks when the page is full.
    fn take(&mut self, store: &LocalStore, key: &Bytes, value: &Bytes) -> ControlFlow<()> {
        let Some((_, _, name)) = keys::parse_rec(key) else { return ControlFlow::Continue(()) };
        let row = RecordRow::decode_of(store.suite, value, &self.owner, &name);
        if row.is_none() {
            self.damaged.push(name);
        }
        if let Some(record) = row.and_then(|row| self.shown(&name, row)) {
            let len = record.bytes().len();
            if self.records.len() >= self.rows || self.bytes + len > PAGE_BYTES {
                return ControlFlow::Break(());
            }
            self.bytes += len;
            self.records.push(record);
        }
        self.after = Some(name);
        ControlFlow::Continue(())
    }

    fn shown(&self, name: &Name, row: RecordRow) -> Option<Record> {
        let shown = *name != FLOOR_NAME
            && LocalStore::is_shown(&row.record, self.floor.as_ref())
            && (self.show_dead || !row.is_gone());
        shown.then(|| if row.is_gone() { row.record.to_stub() } else { row.record.without_body() })
    }

    /// The answer; `more` if the page was full before all shards were read.
    fn response(self, more: bool) -> Response {
        Response::Records {
            records: self.records,
            next: self.after.filter(|_| more).map(ListCursor),
            floor: self.floor.map(|floor| floor.record),
            complete: true,
        }
    }
}

impl LocalStore {
    pub(super) fn list_records(
        &mut self,
        op: Op,
        origin: Origin,
        owner: OwnerId,
        after: Option<ListCursor>,
        rows: u16,
        (first, last): (u8, u8),
    ) {
        if !origin.may_write(&owner) {
            return self.refuse(op, ErrorCode::Forbidden);
        }
        if first > last || rows == 0 {
            return self.refuse(op, ErrorCode::Invalid);
        }
        let page = Page {
            owner,
            after: after.map(|cursor| cursor.0),
            rows: usize::from(rows.min(limit::LIST_ROWS)),
            last_shard: last,
            show_dead: !origin.is_client(),
            records: Vec::new(),
            bytes: 0,
            floor: None,
            damaged: Vec::new(),
        };
        let first = page.after.map_or(first, |name| name.0[0].max(first));
        let floor = keys::floor(self.suite, &owner);
        self.gather(op, vec![Effect::get(vec![floor])], move |store, mut answers| {
            let value = answers.values().into_iter().next().flatten();
            let decoded = |value: &Bytes| RecordRow::decode_of(store.suite, value, &owner, &FLOOR_NAME);
            let floor = value.as_ref().and_then(decoded);
            if value.is_some() && floor.is_none() {
                // What it covers is not known.
                store.doubt(owner, FLOOR_NAME);
                return store.refuse(op, ErrorCode::Damaged);
            }
            store.list_shards(op, Page { floor, ..page }, Some(first));
        });
    }

    fn list_shards(&mut self, op: Op, page: Page, shard: Option<u8>) {
        let Some(shard) = shard.filter(|shard| *shard <= page.last_shard) else {
            return self.reply(op, page.response(false));
        };
        let last = shard.saturating_add(SHARDS - 1).min(page.last_shard);
        let rows = u32::from(limit::LIST_ROWS);
        let scans = (shard..=last).map(|shard| Effect::scan(page.range(self, shard), rows, SHARD_BYTES));
        self.gather(op, scans.collect(), move |store, mut answers| {
            let mut page = page;
            for shard in shard..=last {
                let (rows, more) = answers.rows();
                let full = rows.iter().try_for_each(|(key, value)| page.take(store, key, value)).is_break();
                page.damaged.drain(..).for_each(|name| store.doubt(page.owner, name));
                if full {
                    return store.reply(op, page.response(true));
                }
                if more && !rows.is_empty() {
                    // The rest of this shard is read before the ones behind it.
                    return store.list_shards(op, page, Some(shard));
                }
            }
            store.list_shards(op, page, last.checked_add(1));
        });
    }
}

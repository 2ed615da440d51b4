//! Walks over what is held: of which another member is a replica (it pulls that), or nobody's here (strays).
//!
//! A walk reads only the positions that it wants, gives a page and a cursor, and remembers nothing: the next
//! page begins after the cursor. Memory is that of one scan and one page.

use super::LocalStore;
use super::effects::Effect;
use super::keys::{self, FLOOR_NAME, OwnKey, Range};
use super::known::own_key;
use super::operation::Op;
use super::rows::{OwnRow, PinStatus, RecordRow};
use crate::config::limit;
use crate::id::{BlobId, NodeId, OwnerId, Position};
use crate::node::view::{blob_position, record_position, successor};
use crate::record::{Pin, Record, Version};
use crate::wire::{
    ErrorCode, PinCheck, PinsPage, PullCursor, PulledPin, PulledRecord, RecordsPage, Response,
};
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// Bytes of a row beside its record or pin: length, age, flag; generously.
const ROW_BYTES: usize = 16;

/// Whose rows a walk gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Walk {
    /// Those of which this member is a replica.
    Of(NodeId),
    /// Those of which this node is none.
    Strays,
}

/// Where a walk stands.
#[derive(Clone, Debug)]
enum At {
    /// At the first row of this position or after it.
    Position(Position),
    /// After this row, which stands at this position.
    Row(Position, Bytes),
}

impl At {
    const fn position(&self) -> &Position {
        match self {
            Self::Position(position) | Self::Row(position, _) => position,
        }
    }

    /// After the last row of a run: at the next position, if there is one.
    fn beyond(last: &Position) -> Option<Self> {
        successor(last).map(Self::Position)
    }
}

/// A page being put together.
struct Page<T> {
    walk: Walk,
    rows: usize,
    bytes: usize,
    page: T,
}

impl<T: Default> Page<T> {
    fn new(walk: Walk, rows: usize) -> Self {
        Self { walk, rows: rows.min(limit::PULL_ROWS), bytes: 0, page: T::default() }
    }

    /// Takes room for a row with so many bytes after `count` others; `false` if the page is full.
    fn takes(&mut self, count: usize, bytes: usize) -> bool {
        let bytes = bytes + ROW_BYTES;
        let fits = count < self.rows && self.bytes + bytes <= limit::PULL_BYTES;
        self.bytes += if fits { bytes } else { 0 };
        fits
    }
}

impl LocalStore {
    /// The next positions of a walk.
    fn run(&self, walk: Walk, from: &Position) -> Option<(Position, Position)> {
        let everything = Some((*from, Position([u8::MAX; 32])));
        match (walk, &self.view) {
            (Walk::Of(node), Some(view)) => view.run(&node, from, true),
            (Walk::Strays, Some(view)) => view.run(&self.node, from, false),
            // Without a view everything belongs here.
            (Walk::Of(_), None) => everything,
            (Walk::Strays, None) => None,
        }
    }

    fn wants(&self, walk: Walk, position: &Position) -> bool {
        match (walk, &self.view) {
            (Walk::Of(node), Some(view)) => view.is_replica(&node, position),
            (Walk::Strays, Some(view)) => !view.is_replica(&self.node, position),
            (Walk::Of(_), None) => true,
            (Walk::Strays, None) => false,
        }
    }

    /// A page of the owners' floors.
    pub(super) fn floors_page(&mut self, op: Op, after: Option<PullCursor>, rows: usize) {
        let mut range = keys::floor_index_all();
        if let Some(after) = after {
            range = range.cut(&keys::floor_index(&after.owner));
        }
        // Floors are small: with the most optional fields they may have, so many fit a page.
        let rows = rows.min(FLOORS) as u32;
        let scan = Effect::scan(range.clone(), rows.max(1), self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (index, more) = answers.rows();
            let index: Vec<_> = index.into_iter().take(rows as usize).map(|(key, _)| key).collect();
            let owners: Vec<OwnerId> = index.iter().filter_map(|key| keys::parse_floor_index(key)).collect();
            let more = more && rows > 0;
            let floors = owners.iter().map(|owner| keys::floor(store.suite, owner)).collect();
            store.gather(op, vec![Effect::get(floors)], move |store, mut answers| {
                let mut records = Vec::with_capacity(owners.len());
                for (owner, value) in owners.iter().zip(answers.values()) {
                    let Some(value) = value else { continue };
                    let Some(row) = RecordRow::decode_of(store.suite, &value, owner, &FLOOR_NAME) else {
                        // Without it the page would pass for all that is known here.
                        store.doubt(*owner, FLOOR_NAME);
                        return store.refuse(op, ErrorCode::Damaged);
                    };
                    records.push(store.pulled(row));
                }
                let last = owners.last().map(|owner| PullCursor { owner: *owner, ..PullCursor::default() });
                match last.filter(|_| more) {
                    // A page that goes on is not empty.
                    Some(last) if records.is_empty() => store.floors_page(op, Some(last), rows as usize),
                    next => {
                        let page = RecordsPage { records, next, ..RecordsPage::default() };
                        store.reply(op, Response::PulledRecords(page));
                    }
                }
            });
        });
    }

    /// A page of promises to keep no record for an object, of names of which `node` is a replica.
    pub(super) fn promises_page(&mut self, op: Op, node: NodeId, after: Option<PullCursor>, rows: usize) {
        let all = keys::promise_all();
        let rest = match after {
            Some(after) => all.cut(&keys::promise(&after.owner, &after.name, &after.object)),
            None => all,
        };
        let page = Page::new(Walk::Of(node), rows);
        self.go_on_promises(op, page, rest);
    }

    fn go_on_promises(&mut self, op: Op, mut page: Page<RecordsPage>, rest: Range) {
        if page.rows == 0 {
            return self.reply(op, Response::PulledRecords(page.page));
        }
        let scan = Effect::scan(rest.clone(), self.config.scan_rows, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            for (key, value) in &rows {
                let since = value.first_chunk().and_then(|since| Version::from_bytes(*since));
                let (Some((owner, name, object)), Some(since)) = (keys::parse_promise(key), since) else {
                    continue;
                };
                if !store.wants(page.walk, &record_position(store.suite, &owner, name.0[0])) {
                    continue;
                }
                if page.page.promises.len() == page.rows {
                    let last = page.page.promises.last();
                    page.page.next = last.map(|last| PullCursor {
                        at: [0; 32],
                        owner: last.owner,
                        name: last.name,
                        object: last.object,
                    });
                    return store.reply(op, Response::PulledRecords(page.page));
                }
                page.page.promises.push(PinCheck { owner, name, object, since });
            }
            match rows.last() {
                Some((last, _)) if more => store.go_on_promises(op, page, rest.after(last)),
                _ => store.reply(op, Response::PulledRecords(page.page)),
            }
        });
    }

    /// A page of records.
    pub(super) fn records_page(&mut self, op: Op, walk: Walk, after: Option<PullCursor>, rows: usize) {
        let at = after.map_or(At::Position(Position([0; 32])), |after| {
            let position = Position(after.at);
            At::Row(position, keys::rec_at(&position, &after.owner, &after.name))
        });
        self.go_on_records(op, Page::new(walk, rows), at);
    }

    fn go_on_records(&mut self, op: Op, page: Page<RecordsPage>, at: At) {
        let run = self.run(page.walk, at.position()).filter(|_| page.rows > 0);
        let Some((first, last)) = run else { return self.reply(op, Response::PulledRecords(page.page)) };
        let mut range = keys::rec_between(&first, &last);
        if let At::Row(_, key) = &at {
            range = range.cut(key);
        }
        let scan = Effect::scan(range, self.config.scan_rows, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            let mut page = page;
            for (key, value) in &rows {
                let Some((position, owner, name)) = keys::parse_rec(key) else { continue };
                if name == FLOOR_NAME || !store.wants(page.walk, &position) {
                    continue;
                }
                // The stub that pins here need is no stray: it goes with them; and a replica takes no stub of what it
                // does not have whole. What is about to be dropped everywhere stays where it is.
                let row = RecordRow::decode_of(store.suite, value, &owner, &name);
                if row.is_none() {
                    store.doubt(owner, name);
                    if page.walk != Walk::Strays {
                        // Whoever takes over from here would believe that this was all.
                        return store.refuse(op, ErrorCode::Damaged);
                    }
                }
                let row = row.filter(|row| row.settled_ms == 0);
                let is_given = |row: &RecordRow| {
                    !row.proof_only || (page.walk != Walk::Strays && (row.expired || !row.record.is_stub()))
                };
                let Some(row) = row.filter(is_given) else { continue };
                if !page.takes(page.page.records.len(), row.record.bytes().len()) {
                    page.page.next = page.page.records.last().map(|row| store.record_cursor(&row.record));
                    return store.reply(op, Response::PulledRecords(page.page));
                }
                page.page.records.push(store.pulled(row));
            }
            match next_at(&rows, more, &last) {
                Some(at) => store.go_on_records(op, page, at),
                None => store.reply(op, Response::PulledRecords(page.page)),
            }
        });
    }

    fn pulled(&self, row: RecordRow) -> PulledRecord {
        let age_ms = self.running_ms().saturating_sub(row.stored_ms);
        PulledRecord { record: row.record, age_ms, expired: row.expired }
    }

    /// Where a record stands in a walk.
    pub(super) fn record_cursor(&self, record: &Record) -> PullCursor {
        let header = record.header();
        let at = record_position(self.suite, &header.owner, header.name.0[0]).0;
        PullCursor { at, owner: header.owner, name: header.name, ..PullCursor::default() }
    }

    /// A page of pins.
    pub(super) fn pins_page(&mut self, op: Op, walk: Walk, after: Option<PullCursor>, rows: usize) {
        let at = after
            .map_or(At::Position(Position([0; 32])), |after| At::Row(Position(after.at), pin_key(&after)));
        self.go_on_pins(op, Page::new(walk, rows), at);
    }

    fn go_on_pins(&mut self, op: Op, page: Page<PinsPage>, at: At) {
        let run = self.run(page.walk, at.position()).filter(|_| page.rows > 0);
        let Some((first, last)) = run else { return self.reply(op, Response::PulledPins(page.page)) };
        let mut range = keys::pin_between(&first, &last);
        if let At::Row(_, key) = &at {
            range = range.cut(key);
        }
        let scan = Effect::scan(range, limit::PULL_ROWS as u32, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            let next = next_at(&rows, more, &last);
            let pins = rows.into_iter().filter_map(|(_, value)| Pin::parse(value).ok());
            let pins: Vec<Pin> =
                pins.filter(|pin| store.wants(page.walk, &blob_position(&pin.body().blob))).collect();
            let own = pins.iter().map(|pin| own_key(pin).own()).collect();
            store.gather(op, vec![Effect::get(own)], move |store, mut answers| {
                let mut page = page;
                for (pin, own) in pins.into_iter().zip(answers.values()) {
                    let Some(own) = own.and_then(|value| OwnRow::decode(&value)) else { continue };
                    if !page.takes(page.page.pins.len(), pin.bytes().len()) {
                        page.page.next = page.page.pins.last().map(|row| PullCursor::of_pin(&row.pin));
                        return store.reply(op, Response::PulledPins(page.page));
                    }
                    page.page.pins.push(PulledPin {
                        pin,
                        lease_ms: store.running_ms().saturating_sub(own.lease_ms),
                        pending: own.status == PinStatus::Pending,
                    });
                }
                match next {
                    Some(at) => store.go_on_pins(op, page, at),
                    None => store.reply(op, Response::PulledPins(page.page)),
                }
            });
        });
    }
}

/// Floors in one page: with all the optional fields they may have they take under 5 KiB each.
const FLOORS: usize = 40;

/// The row of a pin at a cursor.
pub(super) fn pin_key(cursor: &PullCursor) -> Bytes {
    let blob = BlobId(cursor.at);
    OwnKey { owner: cursor.owner, name: cursor.name, object: cursor.object, blob }.pin()
}

/// Where a walk goes on after these rows of a run that ends with `last`.
fn next_at(rows: &[(Bytes, Bytes)], more: bool, last: &Position) -> Option<At> {
    match rows.last() {
        // A key is its kind, then the position.
        Some((key, _)) if more => {
            let position = key.get(1..)?.first_chunk().map(|at| Position(*at))?;
            Some(At::Row(position, key.clone()))
        }
        _ => At::beyond(last),
    }
}

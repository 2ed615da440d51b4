//! A list for a client: every member tells what it holds of the owner, and the newest of each name wins.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::hub::{Answered, Hub};
use super::link::Caller;
use super::operation::{Operation, Progress};
use super::store::{Keep, Origin};
use crate::config::limit;
use crate::error::PeerFault;
use crate::id::{Name, OwnerId};
use crate::record::Record;
use crate::time::Instant;
use crate::wire::{ErrorCode, ListCursor, Request, Response, Shards};

/// One member's part.
#[derive(Debug)]
struct Page {
    /// For which shards its answer counts.
    votes: Shards,
    records: Vec<Record>,
    next: Option<Name>,
}

/// A `ListRecords` of a client.
#[derive(Debug)]
pub(super) struct List {
    op: u64,
    caller: Caller,
    owner: OwnerId,
    after: Option<Name>,
    rows: usize,
    shards: (u8, u8),
    open: usize,
    pages: Vec<Page>,
    found: Vec<Record>,
    floor: Option<Record>,
    complete: bool,
    deadline: Instant,
}

impl List {
    pub(super) fn new(
        hub: &mut Hub,
        op: u64,
        caller: Caller,
        owner: OwnerId,
        after: Option<ListCursor>,
        (rows, shards): (u16, (u8, u8)),
    ) -> Self {
        let mut list = Self {
            op,
            caller,
            owner,
            after: after.map(|cursor| cursor.0),
            rows: usize::from(rows.clamp(1, limit::LIST_ROWS)),
            shards,
            open: 0,
            pages: Vec::new(),
            found: Vec::new(),
            floor: None,
            complete: true,
            deadline: hub.now.mono + hub.setup.config.request_deadline,
        };
        list.ask(hub);
        list
    }

    /// Asks everybody for the next page.
    fn ask(&mut self, hub: &mut Hub) {
        let request = Request::ListRecords {
            owner: self.owner,
            after: self.after.map(ListCursor),
            // Never more than `LIST_ROWS`, which is a u16.
            rows: self.rows as u16,
            shards: self.shards,
        };
        // As from a node: with tombstones, which hide what is older elsewhere.
        hub.ask_own(self.op, 0, Origin::Node(hub.own), Keep::Nothing, request.clone());
        let others: Vec<_> = hub.members.ids().filter(|node| !hub.is_own(node)).collect();
        self.open = 1 + others.len();
        for node in others {
            hub.ask(self.op, 0, node, request.clone());
        }
    }

    /// True if enough replicas of every shard that is left have answered.
    fn is_covered(&self, hub: &Hub) -> bool {
        let first = self.after.map_or(self.shards.0, |name| name.0[0].max(self.shards.0));
        (first..=self.shards.1).all(|shard| {
            let answered = self.pages.iter().filter(|page| page.votes.contains(shard)).count();
            answered >= usize::from(hub.view.quorum())
        })
    }

    /// Everybody has answered, or enough: merges the pages as far as all of them go, and goes on if rows are wanted.
    fn conclude(&mut self, hub: &mut Hub) -> Progress {
        self.complete &= self.is_covered(hub);
        if self.pages.is_empty() {
            hub.answer(&self.caller, Response::Error(ErrorCode::Deadline.into()));
            return Progress::Done;
        }
        let end = self.pages.iter().filter_map(|page| page.next).min();
        let mut newest: BTreeMap<Name, Record> = BTreeMap::new();
        for record in core::mem::take(&mut self.pages).into_iter().flat_map(|page| page.records) {
            let name = record.header().name;
            if end.is_some_and(|end| name > end) {
                continue;
            }
            let rank = |record: &Record| (record.order(), !record.is_stub());
            match newest.get(&name) {
                Some(known) if rank(known) >= rank(&record) => {}
                _ => drop(newest.insert(name, record)),
            }
        }
        for (name, record) in newest {
            if self.found.len() == self.rows {
                return self.answer(hub, true);
            }
            self.after = Some(name);
            if self.is_dead(hub, &record) {
                continue;
            }
            if record.is_stub() {
                // Its head is somewhere, but nobody who answered has it.
                self.complete = false;
                continue;
            }
            self.found.push(record.without_body());
        }
        if let Some(end) = end {
            self.after = Some(end);
        }
        if end.is_none() || self.found.len() == self.rows {
            return self.answer(hub, end.is_some());
        }
        self.ask(hub);
        Progress::Going
    }

    fn is_dead(&self, hub: &Hub, record: &Record) -> bool {
        let header = record.header();
        let floor = self.floor.as_ref().and_then(|floor| floor.header().floor.as_ref());
        header.is_tombstone()
            || floor.is_some_and(|floor| header.version <= floor.version)
            || (header.expires != 0 && header.expires <= hub.now.unix_ms)
    }

    fn answer(&mut self, hub: &mut Hub, more: bool) -> Progress {
        let response = Response::Records {
            records: core::mem::take(&mut self.found),
            next: self.after.filter(|_| more).map(ListCursor),
            floor: self.floor.take(),
            complete: self.complete,
        };
        hub.answer(&self.caller, response);
        Progress::Done
    }
}

impl Operation for List {
    fn answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        self.open = self.open.saturating_sub(1);
        if let Ok(Response::Records { records, next, floor, .. }) = answer.result {
            let next = next.map(|cursor| cursor.0);
            let votes = answer.vote.and_then(|vote| vote.shards).unwrap_or_default();
            if is_page(&records, self.owner, self.after, next) {
                self.pages.push(Page { votes, records, next });
            } else if let Some(conn) = hub.peers.link(&answer.from) {
                hub.fault(conn, PeerFault::WrongContent);
            }
            if let Some(floor) = floor
                && self.floor.as_ref().is_none_or(|known| known.order() < floor.order())
            {
                self.floor = Some(floor);
            }
        }
        if self.open == 0 || self.is_covered(hub) { self.conclude(hub) } else { Progress::Going }
    }

    fn timeout(&mut self, hub: &mut Hub) -> Progress {
        self.complete = false;
        if self.pages.is_empty() && !self.found.is_empty() {
            return self.answer(hub, true);
        }
        match self.conclude(hub) {
            Progress::Done => Progress::Done,
            // No time for another page.
            Progress::Going => self.answer(hub, true),
        }
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }
}

/// True for rows of this owner in the order of their names after `after`, and a `next` that goes on from there.
fn is_page(records: &[Record], owner: OwnerId, after: Option<Name>, next: Option<Name>) -> bool {
    let names = records.iter().map(|record| Some(record.header().name)).chain(next.map(Some));
    let mut last = after;
    let mut rising = true;
    for (index, name) in names.enumerate() {
        // The cursor is the last row's name, or one after it.
        rising &= last < name || (index == records.len() && index > 0 && last == name);
        last = name;
    }
    rising && records.iter().all(|record| record.header().owner == owner)
}

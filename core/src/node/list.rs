//! A list for a client: every member tells what it holds of the owner, and the newest of each name wins.
//!
//! What decides a row is checked here first, if it came from another: a forged tombstone would hide a file as well as a
//! forged row would show one.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::calls::{Answered, Failure};
use super::hub::Hub;
use super::link::Caller;
use super::operation::{Operation, Progress};
use super::store::{Keep, Origin};
use super::view::record_position;
#[cfg(any(test, feature = "sim"))]
use crate::config::Config;
use crate::config::limit;
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::{Name, NodeId, OwnerId};
use crate::record::{Kind, Record, Version};
use crate::time::Instant;
use crate::wire::{ErrorCode, ListCursor, Request, Response, Shards};

/// How often everybody is asked again because views differ.
const MOST_ROUNDS: u32 = 8;

/// One member's part.
#[derive(Debug)]
struct Page {
    from: NodeId,
    /// For which shards its answer counts.
    votes: Shards,
    records: Vec<Record>,
    floor: Option<Record>,
    next: Option<Name>,
}

/// A record that this node's own store looks at.
#[derive(Debug)]
struct Check {
    from: NodeId,
    order: (Version, [u8; 32]),
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
    /// What came of the page that is asked for.
    pages: Vec<Page>,
    checks: BTreeMap<u32, Check>,
    /// The slot of the last question or check. Each check has its own; a question has one for all who are asked.
    last_slot: u32,
    asked: u32,
    /// What was checked of others' records.
    sound: BTreeSet<(Version, [u8; 32])>,
    round: u32,
    again_at: Option<Instant>,
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
            checks: BTreeMap::new(),
            last_slot: 0,
            asked: 0,
            sound: BTreeSet::new(),
            round: 0,
            again_at: None,
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
        self.pages.clear();
        self.sound.clear();
        self.last_slot += 1;
        self.asked = self.last_slot;
        // As from a node: with tombstones, which hide what is older elsewhere.
        hub.ask_own(self.op, self.asked, Origin::Node(hub.own), Keep::Nothing, request.clone());
        let others: Vec<_> = hub.members.ids().filter(|node| !hub.is_own(node)).collect();
        self.open = 1 + others.len();
        for node in others {
            hub.ask(self.op, self.asked, node, request.clone());
        }
    }

    /// True if of every shard that is left so many replicas have answered as a quorum has, with their votes; `hopeful`: or
    /// so that they may vote soon.
    fn is_covered(&self, hub: &Hub, hopeful: bool) -> bool {
        let first = self.after.map_or(self.shards.0, |name| name.0[0].max(self.shards.0));
        let froms = self.pages.iter().map(|page| page.from);
        let hopefuls: BTreeSet<_> = froms.filter(|node| hopeful && hub.may_vote_soon(node)).collect();
        (first..=self.shards.1).all(|shard| {
            let replicas = match hopeful {
                true => hub.view.replicas(&record_position(hub.setup.suite, &self.owner, shard)),
                false => Vec::new(),
            };
            let counts = |page: &&Page| {
                page.votes.contains(shard) || (hopefuls.contains(&page.from) && replicas.contains(&page.from))
            };
            self.pages.iter().filter(counts).count() >= usize::from(hub.view.quorum())
        })
    }

    /// An answer came, or a check has ended.
    fn progress(&mut self, hub: &mut Hub) -> Progress {
        if !self.checks.is_empty() || self.again_at.is_some() {
            return Progress::Going;
        }
        let covered = self.is_covered(hub, false);
        if self.open > 0 && !covered {
            return Progress::Going;
        }
        let again = hub.now.mono + hub.setup.config.vote_again;
        if !covered && self.round < MOST_ROUNDS && again < self.deadline && self.is_covered(hub, true) {
            self.again_at = Some(again);
            return Progress::Going;
        }
        self.check(hub);
        if self.checks.is_empty() { self.conclude(hub, covered) } else { Progress::Going }
    }

    /// Has this node's own store look at what decides a row, or is the floor, and came from others.
    fn check(&mut self, hub: &mut Hub) {
        let own = hub.own;
        let wanted =
            |(from, record): &(NodeId, Record)| *from != own && !self.sound.contains(&record.order());
        let unsound: Vec<_> = self.newest().into_values().chain(self.newest_floor()).filter(wanted).collect();
        for (from, record) in unsound {
            self.last_slot += 1;
            self.checks.insert(self.last_slot, Check { from, order: record.order() });
            // Every member keeps floors.
            let keep = if record.header().kind == Kind::Floor { Keep::Replica } else { Keep::Nothing };
            hub.ask_own(self.op, self.last_slot, Origin::Own, keep, Request::PutRecord { record });
        }
    }

    fn checked(&mut self, hub: &mut Hub, slot: u32, result: Result<Response, Failure>) -> Progress {
        let Some(check) = self.checks.remove(&slot) else { return Progress::Going };
        match result.err().map(|failure| failure.code()) {
            // It was not looked at.
            Some(ErrorCode::Busy) => {
                hub.answer(&self.caller, Response::Error(ErrorCode::Busy.into()));
                return Progress::Done;
            }
            Some(ErrorCode::Invalid) => {
                self.pages.retain(|page| page.from != check.from);
                hub.distrust(&check.from);
            }
            _ => {
                self.sound.insert(check.order);
            }
        }
        self.progress(hub)
    }

    /// As far as all pages go: of each name the newest, and of equals one with its head.
    fn newest(&self) -> BTreeMap<Name, (NodeId, Record)> {
        let end = self.pages.iter().filter_map(|page| page.next).min();
        let mut newest: BTreeMap<Name, (NodeId, Record)> = BTreeMap::new();
        let rank = |record: &Record| (record.order(), !record.is_stub());
        for (from, record) in
            self.pages.iter().flat_map(|page| page.records.iter().map(|record| (page.from, record)))
        {
            let name = record.header().name;
            let known = newest.get(&name);
            if end.is_none_or(|end| name <= end) && known.is_none_or(|(_, known)| rank(known) < rank(record))
            {
                newest.insert(name, (from, record.clone()));
            }
        }
        newest
    }

    fn newest_floor(&self) -> Option<(NodeId, Record)> {
        let floors = self.pages.iter().filter_map(|page| Some((page.from, page.floor.clone()?)));
        let known = self.floor.as_ref().map(Record::order);
        floors.filter(|(_, floor)| Some(floor.order()) > known).max_by_key(|(_, floor)| floor.order())
    }

    /// Everybody has answered, or enough, and all is checked: takes the rows, and goes on if more are wanted.
    fn conclude(&mut self, hub: &mut Hub, covered: bool) -> Progress {
        self.complete &= covered;
        if self.pages.is_empty() && self.found.is_empty() {
            hub.answer(&self.caller, Response::Error(ErrorCode::Deadline.into()));
            return Progress::Done;
        }
        if let Some((_, floor)) = self.newest_floor() {
            self.floor = Some(floor);
        }
        let end = self.pages.iter().filter_map(|page| page.next).min();
        for (name, (_, record)) in self.newest() {
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
        if end.is_none() || self.found.len() == self.rows || hub.now.mono >= self.deadline {
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
        // Late answers about earlier pages are neither.
        if answer.slot != self.asked {
            return self.checked(hub, answer.slot, answer.result);
        }
        self.open = self.open.saturating_sub(1);
        if let Ok(Response::Records { records, next, floor, .. }) = answer.result {
            let next = next.map(|cursor| cursor.0);
            let votes = answer.vote.and_then(|vote| vote.shards).unwrap_or_default();
            let is_floor =
                |floor: &Record| floor.header().owner == self.owner && floor.header().kind == Kind::Floor;
            if !is_page(&records, self.owner, self.after, next) || !floor.as_ref().is_none_or(is_floor) {
                hub.distrust(&answer.from);
            } else if self.checks.is_empty() {
                self.pages.retain(|page| page.from != answer.from);
                self.pages.push(Page { from: answer.from, votes, records, floor, next });
            }
        }
        self.progress(hub)
    }

    fn timeout(&mut self, hub: &mut Hub) -> Progress {
        if self.again_at.take_if(|at| *at <= hub.now.mono).is_some() && hub.now.mono < self.deadline {
            self.round += 1;
            self.ask(hub);
            return Progress::Going;
        }
        // What was not checked in time is not passed on.
        self.checks.clear();
        let (own, sound) = (hub.own, &self.sound);
        let is_sound = |record: &Record| sound.contains(&record.order());
        for page in self.pages.iter_mut().filter(|page| page.from != own) {
            page.records.retain(is_sound);
            page.floor.take_if(|floor| !is_sound(floor));
        }
        self.conclude(hub, false)
    }

    fn deadline(&self) -> Instant {
        self.again_at.map_or(self.deadline, |at| at.min(self.deadline))
    }

    #[cfg(any(test, feature = "sim"))]
    fn gauge(&self, _: &Config, gauges: &mut Gauges) {
        let held = |records: &[Record]| records.iter().map(|record| record.bytes().len()).sum::<usize>();
        let pages = self.pages.iter().map(|page| held(&page.records)).sum::<usize>();
        let checks = limit::MEMBERS * usize::from(limit::LIST_ROWS);
        gauges.count("node: pages of a list", self.pages.len(), limit::MEMBERS, "limit::MEMBERS");
        gauges.count("node: rows of a list that are checked", self.checks.len(), checks, "limit::LIST_ROWS");
        gauges.bytes(
            "node: bytes of a list",
            pages + held(&self.found),
            (limit::MEMBERS + 1) * limit::LIST_BYTES,
            "limit::MEMBERS, limit::LIST_BYTES",
        );
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

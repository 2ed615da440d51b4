//! The highest version seen of each name, on disk: a vault never accepts a record older than one it has seen.
//!
//! An operation loads the rows of its names, reads them, raises them, and is told when what it raised is durable. A row
//! stays in memory while an operation holds it, so that it is never written lower than before.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use bytes::Bytes;

#[cfg(any(test, feature = "sim"))]
use crate::config::{Config, limit};
use crate::driver::{DiskReply, DiskRequest, TableOp};
use crate::error::{ApiMisuse, DiskError};
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::{Name, NetworkId, OpId, OwnerId, Ticket};
use crate::record::Version;

/// The name of an owner's own record: the floor.
pub(super) const FLOOR_NAME: Name = Name([0; 32]);

/// Versions given out that are remembered: more than one moment's only where versions are ahead of the clock, as after it
/// was set back.
const RESERVED: usize = 4096;

#[derive(Debug, Default)]
struct Row {
    /// What is on disk; `None` until it was read.
    durable: Option<Version>,
    /// What it is to become; never below `durable`.
    highest: Version,
    /// Operations that hold it.
    holders: BTreeSet<OpId>,
    /// A write is under way.
    writing: bool,
}

impl Row {
    fn is_settled(&self) -> bool {
        self.durable.is_some_and(|durable| durable >= self.highest)
    }
}

#[derive(Debug)]
enum Request {
    Load(Vec<Name>),
    Write(Vec<(Name, Version)>),
}

/// What an operation waits for: these rows are read, and durable as high as they are known.
#[derive(Debug, Default)]
struct Holder {
    names: BTreeSet<Name>,
    waiting: bool,
}

/// The rows in use.
#[derive(Debug)]
pub(super) struct Seen {
    prefix: Vec<u8>,
    rows: BTreeMap<Name, Row>,
    holders: BTreeMap<OpId, Holder>,
    /// Versions given out, as long as another of the same time could be.
    reserved: BTreeMap<Name, Version>,
    requests: BTreeMap<Ticket, Request>,
    issued: VecDeque<(Ticket, DiskRequest)>,
    settled: VecDeque<(OpId, Result<(), DiskError>)>,
}

impl Seen {
    pub(super) fn new(network: &NetworkId, owner: Option<OwnerId>) -> Self {
        let owner = owner.unwrap_or_default();
        Self {
            prefix: [b"seen/".as_slice(), network.as_bytes(), owner.as_bytes()].concat(),
            rows: BTreeMap::new(),
            holders: BTreeMap::new(),
            reserved: BTreeMap::new(),
            requests: BTreeMap::new(),
            issued: VecDeque::new(),
            settled: VecDeque::new(),
        }
    }

    /// Holds and reads these rows for `op`. `true` if they are there now; else it will be [`settled`](Self::next_settled).
    pub(super) fn load(&mut self, op: OpId, names: &[Name], tickets: &mut Tickets) -> bool {
        let holder = self.holders.entry(op).or_default();
        let mut unread = Vec::new();
        for name in names {
            if !holder.names.insert(*name) {
                continue;
            }
            let row = self.rows.entry(*name).or_insert_with(|| {
                unread.push(*name);
                Row::default()
            });
            row.holders.insert(op);
        }
        if !unread.is_empty() {
            let keys = unread.iter().map(|name| self.key(name)).collect();
            self.issue(tickets, DiskRequest::Get { keys }, Request::Load(unread));
        }
        // A write that failed for another operation is tried again.
        self.write_what_rose(names.iter().copied(), tickets);
        self.wait(op)
    }

    /// The highest version known of a name that is loaded.
    pub(super) fn highest(&self, name: &Name) -> Version {
        self.rows.get(name).map_or(Version::ZERO, |row| row.highest)
    }

    /// A version of a loaded name above `highest`, everything seen and everything reserved before, not before `not_before_ms`.
    /// No two operations get the same one; `None` past the end of time.
    pub(super) fn reserve(
        &mut self,
        name: &Name,
        not_before_ms: u64,
        highest: Version,
        writer: [u8; 8],
    ) -> Option<Version> {
        let reserved = self.reserved.get(name).copied().unwrap_or(Version::ZERO);
        let version = Version::next(not_before_ms, highest.max(self.highest(name)).max(reserved), writer)?;
        // What was reserved before this time is below whatever comes.
        self.reserved.retain(|_, reserved| reserved.ms() >= not_before_ms);
        self.reserved.insert(*name, version);
        if self.reserved.len() > RESERVED {
            // The clock reaches the lowest one first.
            let lowest = self.reserved.iter().min_by_key(|(_, version)| **version).map(|(name, _)| *name);
            lowest.and_then(|name| self.reserved.remove(&name));
        }
        Some(version)
    }

    /// Raises rows that `op` has loaded. `true` if everything is durable now; else it will be settled.
    pub(super) fn raise(&mut self, op: OpId, versions: &[(Name, Version)], tickets: &mut Tickets) -> bool {
        for (name, version) in versions {
            if let Some(row) = self.rows.get_mut(name) {
                row.highest = row.highest.max(*version);
            }
        }
        self.write_what_rose(versions.iter().map(|(name, _)| *name), tickets);
        self.wait(op)
    }

    /// Lets go of all rows of `op`.
    pub(super) fn release(&mut self, op: OpId) {
        let Some(holder) = self.holders.remove(&op) else { return };
        for name in holder.names {
            if let Some(row) = self.rows.get_mut(&name) {
                row.holders.remove(&op);
                self.forget_if_unused(&name);
            }
        }
        self.settled.retain(|(waiting, _)| *waiting != op);
    }

    /// Takes the disk's answer.
    pub(super) fn answer(
        &mut self,
        ticket: Ticket,
        result: Result<DiskReply, DiskError>,
        tickets: &mut Tickets,
    ) -> Result<(), ApiMisuse> {
        let fits = match (self.requests.get(&ticket), &result) {
            (None, _) => return Err(ApiMisuse::UnknownTicket(ticket)),
            (Some(_), Err(_)) => true,
            (Some(Request::Load(names)), Ok(DiskReply::Values(values))) => names.len() == values.len(),
            (Some(Request::Write(_)), Ok(DiskReply::Done)) => true,
            _ => false,
        };
        if !fits {
            return Err(ApiMisuse::WrongResult(ticket));
        }
        match (self.requests.remove(&ticket), result) {
            (Some(Request::Load(names)), Ok(DiskReply::Values(values))) => self.loaded(&names, &values),
            (Some(Request::Load(names)), Err(error)) => self.not_loaded(&names, error),
            (Some(Request::Write(written)), result) => self.written(&written, result.err(), tickets),
            _ => {}
        }
        Ok(())
    }

    /// A disk request to hand out.
    pub(super) fn next_request(&mut self) -> Option<(Ticket, DiskRequest)> {
        self.issued.pop_front()
    }

    /// An operation whose wait is over.
    pub(super) fn next_settled(&mut self) -> Option<(OpId, Result<(), DiskError>)> {
        self.settled.pop_front()
    }

    /// Tells what it holds of so many operations.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn gauge(&self, operations: usize, config: &Config, gauges: &mut Gauges) {
        let names = usize::from(limit::LIST_ROWS) + 1;
        let rows = operations.max(config.max_operations) * names;
        gauges.count("client: names in use", self.rows.len(), rows, "max_operations, limit::LIST_ROWS");
        gauges.count("client: operations with names", self.holders.len(), operations, "operations");
        let most = self.holders.values().map(|holder| holder.names.len()).max().unwrap_or(0);
        gauges.count("client: names of an operation", most, names, "limit::LIST_ROWS");
        gauges.count("client: versions given out", self.reserved.len(), RESERVED, "seen::RESERVED");
        gauges.count(
            "client: disk requests",
            self.requests.len(),
            2 * config.max_operations,
            "max_operations",
        );
        gauges.count("client: disk requests to be made", self.issued.len(), 0, "taken at once");
        gauges.count("client: operations to be told of their names", self.settled.len(), 0, "taken at once");
    }

    fn loaded(&mut self, names: &[Name], values: &[Option<Bytes>]) {
        let mut damaged = Vec::new();
        for (name, value) in names.iter().zip(values) {
            let version = match value {
                None => Some(Version::ZERO),
                Some(value) => <[u8; 16]>::try_from(&value[..]).ok().and_then(Version::from_bytes),
            };
            match (self.rows.get_mut(name), version) {
                (Some(row), Some(version)) => {
                    row.durable = Some(version);
                    row.highest = row.highest.max(version);
                    self.forget_if_unused(name);
                }
                (Some(_), None) => damaged.push(*name),
                (None, _) => {}
            }
        }
        if !damaged.is_empty() {
            self.not_loaded(&damaged, DiskError::Corrupt);
        }
        self.settle(names);
    }

    /// Rows that could not be read are forgotten, so that the next operation reads them again.
    fn not_loaded(&mut self, names: &[Name], error: DiskError) {
        self.failed(names, error);
        for name in names {
            for op in self.rows.remove(name).unwrap_or_default().holders {
                if let Some(holder) = self.holders.get_mut(&op) {
                    holder.names.remove(name);
                }
            }
        }
    }

    fn written(&mut self, written: &[(Name, Version)], error: Option<DiskError>, tickets: &mut Tickets) {
        let names: Vec<Name> = written.iter().map(|(name, _)| *name).collect();
        for (name, version) in written {
            if let Some(row) = self.rows.get_mut(name) {
                row.writing = false;
                if error.is_none() {
                    row.durable = row.durable.max(Some(*version));
                }
            }
        }
        match error {
            Some(error) => self.failed(&names, error),
            None => {
                self.write_what_rose(names.iter().copied(), tickets);
                self.settle(&names);
            }
        }
        for name in &names {
            self.forget_if_unused(name);
        }
    }

    /// The disk failed on these rows: whoever waits for one of them ends.
    fn failed(&mut self, names: &[Name], error: DiskError) {
        for op in self.holders_of(names) {
            if let Some(holder) = self.holders.get_mut(&op).filter(|holder| holder.waiting) {
                holder.waiting = false;
                self.settled.push_back((op, Err(error)));
            }
        }
    }

    fn write_what_rose(&mut self, names: impl Iterator<Item = Name>, tickets: &mut Tickets) {
        let mut rose = Vec::new();
        for name in names {
            if let Some(row) = self.rows.get_mut(&name)
                && row.durable.is_some()
                && !row.is_settled()
                && !row.writing
            {
                row.writing = true;
                rose.push((name, row.highest));
            }
        }
        if !rose.is_empty() {
            let put = |(name, version): &(Name, Version)| TableOp::Put {
                key: self.key(name),
                value: Bytes::copy_from_slice(&version.to_bytes()),
            };
            let ops = rose.iter().map(put).collect();
            self.issue(tickets, DiskRequest::Apply { ops }, Request::Write(rose));
        }
    }

    fn wait(&mut self, op: OpId) -> bool {
        let Some(holder) = self.holders.get_mut(&op) else { return true };
        holder.waiting = !is_settled(&self.rows, holder);
        !holder.waiting
    }

    /// Tells those who waited for one of these rows and now have all of theirs.
    fn settle(&mut self, names: &[Name]) {
        for op in self.holders_of(names) {
            if let Some(holder) = self.holders.get_mut(&op)
                && holder.waiting
                && is_settled(&self.rows, holder)
            {
                holder.waiting = false;
                self.settled.push_back((op, Ok(())));
            }
        }
    }

    fn holders_of(&self, names: &[Name]) -> BTreeSet<OpId> {
        names.iter().filter_map(|name| self.rows.get(name)).flat_map(|row| &row.holders).copied().collect()
    }

    fn forget_if_unused(&mut self, name: &Name) {
        if self
            .rows
            .get(name)
            .is_some_and(|row| row.holders.is_empty() && row.durable.is_some() && !row.writing)
        {
            self.rows.remove(name);
        }
    }

    fn issue(&mut self, tickets: &mut Tickets, disk: DiskRequest, request: Request) {
        let ticket = tickets.next();
        self.requests.insert(ticket, request);
        self.issued.push_back((ticket, disk));
    }

    fn key(&self, name: &Name) -> Bytes {
        [self.prefix.as_slice(), name.as_bytes()].concat().into()
    }
}

fn is_settled(rows: &BTreeMap<Name, Row>, holder: &Holder) -> bool {
    holder.names.iter().all(|name| rows.get(name).is_none_or(Row::is_settled))
}

/// Numbers for requests to the disk and jobs, never used again.
#[derive(Debug, Default)]
pub(super) struct Tickets(u64);

impl Tickets {
    pub(super) fn next(&mut self) -> Ticket {
        self.0 += 1;
        Ticket(self.0)
    }
}

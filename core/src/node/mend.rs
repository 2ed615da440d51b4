//! Mending what this node's own store has found damaged or missing: at once, so many at a time, each once.
//!
//! A blob comes from whoever has it. Of a record whose row rotted nobody knows how new it was: as after the loss of a disk,
//! so many other replicas are asked that whatever was acknowledged is among what they hold, and the newest takes its place.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use super::calls::{Answered, Failure};
use super::fetch::{Fetch, Missing};
use super::hub::Hub;
use super::operation::{Operation, Progress};
use super::refill::candidates;
use super::repair::longer;
use super::store::Damage;
use super::syncing::Witnesses;
use super::view::{blob_position, record_position};
use crate::config::{Config, limit};
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::{Name, NodeId, OwnerId};
use crate::record::Record;
use crate::time::Instant;
use crate::wire::{ErrorCode, Request, Response};

/// The slot of questions to other replicas.
const ASK: u32 = 0;
/// The slot of this node's own store, putting the newest in place.
const KEEP: u32 = 1;
/// Blobs that wait: beyond that the walk over all that is missing brings them back.
pub(super) const BLOBS: usize = 256;

/// What is to be mended.
#[derive(Debug, Default)]
pub(super) struct Mending {
    items: BTreeMap<Missing, Item>,
}

#[derive(Debug)]
struct Item {
    at: Instant,
    wait: Duration,
    running: bool,
    /// It is mended, and looked at once more.
    again: bool,
}

impl Mending {
    /// Everything may be had now: a member is back.
    pub(super) fn kick(&mut self, now: Instant) {
        self.items.values_mut().filter(|item| !item.running).for_each(|item| item.at = item.at.min(now));
    }

    /// How many things are not mended yet.
    pub(super) fn open(&self) -> u64 {
        self.items.len() as u64
    }

    /// How many of them are being mended.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn running(&self) -> usize {
        self.items.values().filter(|item| item.running).count()
    }

    /// What is to be begun now.
    pub(super) fn begin(&mut self, now: Instant, config: &Config) -> Option<Missing> {
        let (_, missing) = self.next(config).filter(|(at, _)| now >= *at)?;
        self.items.get_mut(&missing)?.running = true;
        Some(missing)
    }

    pub(super) fn timeout(&self, config: &Config) -> Option<Instant> {
        self.next(config).map(|(at, _)| at)
    }

    fn next(&self, config: &Config) -> Option<(Instant, Missing)> {
        let running = self.items.values().filter(|item| item.running).count();
        let idle = self.items.iter().filter(|(_, item)| !item.running);
        let next = idle.map(|(missing, item)| (item.at, *missing)).min();
        next.filter(|_| running < config.mends_at_once)
    }
}

impl Hub {
    /// This node's own store has noticed a damage.
    pub(super) fn damaged(&mut self, damage: Damage) {
        let now = self.now.mono;
        let missing = match damage {
            Damage::Record(owner, name) => Missing::Record(owner, name),
            Damage::Blob(..) if self.repair.mending.items.len() >= BLOBS + limit::DOUBTS => {
                return self.repair.refill.kick(now);
            }
            Damage::Blob(id, length) => Missing::Blob(id, length),
            Damage::Row(key) => return self.distrust_disk(key),
        };
        let item = Item { at: now, wait: Duration::ZERO, running: false, again: false };
        self.repair.mending.items.entry(missing).or_insert(item);
    }

    fn mend_ended(&mut self, missing: Missing, done: bool) {
        let is_once = matches!(missing, Missing::Blob(..));
        if done && self.repair.mending.items.get(&missing).is_none_or(|item| is_once || item.again) {
            self.repair.mending.items.remove(&missing);
        } else if let Some(item) = self.repair.mending.items.get_mut(&missing) {
            let config = &self.setup.config;
            item.running = false;
            if done {
                // What was written while nothing was taken here is among the others by then.
                item.again = true;
                item.at = self.now.mono + config.request_deadline;
                return;
            }
            item.wait = longer(item.wait, config.pull_retry, config.pull_every);
            item.at = self.now.mono + item.wait;
        }
    }

    /// Gives this node's own store what takes the place of a damaged row.
    fn mend_own(&mut self, op: u64, owner: OwnerId, name: Name, record: Option<Record>) {
        let call = self.own_call(op, KEEP);
        self.store.mend(self.now, call, owner, name, record);
    }
}

/// A blob being fetched.
#[derive(Debug)]
pub(super) struct MendBlob {
    missing: Missing,
    fetch: Fetch,
    deadline: Instant,
}

impl MendBlob {
    pub(super) fn new(hub: &mut Hub, op: u64, missing: Missing) -> Self {
        let mut fetch = Fetch::new(&hub.setup.config, op, 0, hub.now.mono);
        if let Missing::Blob(id, _) = missing {
            let candidates = candidates(hub, &blob_position(&id));
            fetch.want(missing, candidates);
        }
        fetch.go_on(hub);
        Self { missing, fetch, deadline: hub.now.mono + hub.setup.config.bulk_deadline }
    }

    fn progress(&self, hub: &mut Hub) -> Progress {
        if !self.fetch.is_idle() {
            return Progress::Going;
        }
        // Where nobody has it, the next walk over all that is missing asks again.
        hub.mend_ended(self.missing, self.fetch.failed == 0);
        Progress::Done
    }
}

impl Operation for MendBlob {
    fn answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        self.fetch.answered(hub, answer);
        self.progress(hub)
    }

    fn timeout(&mut self, hub: &mut Hub) -> Progress {
        if hub.now.mono >= self.deadline {
            hub.mend_ended(self.missing, false);
            return Progress::Done;
        }
        self.fetch.go_on(hub);
        self.progress(hub)
    }

    fn is_background(&self) -> bool {
        true
    }

    fn deadline(&self) -> Instant {
        self.fetch.wake().map_or(self.deadline, |wake| wake.min(self.deadline))
    }

    #[cfg(any(test, feature = "sim"))]
    fn gauge(&self, config: &Config, gauges: &mut Gauges) {
        self.fetch.gauge(config, 1, gauges);
    }
}

/// A record whose row rotted, being asked of those who may have it.
#[derive(Debug)]
pub(super) struct MendRecord {
    op: u64,
    owner: OwnerId,
    name: Name,
    witnesses: Witnesses,
    votes: BTreeSet<NodeId>,
    /// Who has answered, and be it that its own row is damaged, too.
    answered: BTreeSet<NodeId>,
    found: Vec<(NodeId, Record)>,
    open: usize,
    /// Whose record is being put in place; this node's own id for nothing.
    keeping: Option<NodeId>,
    deadline: Instant,
}

impl MendRecord {
    pub(super) fn new(hub: &mut Hub, op: u64, owner: OwnerId, name: Name) -> Self {
        let witnesses = hub.witnesses(&record_position(hub.setup.suite, &owner, name.0[0]));
        let everyone: Vec<_> = witnesses.everyone.iter().copied().collect();
        let open = everyone.len();
        for node in everyone {
            hub.ask(op, ASK, node, Request::GetRecord { owner, name });
        }
        let deadline = match open {
            // With nobody to ask it ends at once.
            0 => hub.now.mono,
            _ => hub.now.mono + hub.setup.config.request_deadline,
        };
        Self {
            op,
            owner,
            name,
            witnesses,
            votes: BTreeSet::new(),
            answered: BTreeSet::new(),
            found: Vec::new(),
            open,
            keeping: None,
            deadline,
        }
    }

    fn heard(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        self.open = self.open.saturating_sub(1);
        let from = answer.from;
        match answer.result {
            Ok(Response::Record { record, .. }) => {
                let header = record.as_ref().map(Record::header);
                if header.is_some_and(|header| header.owner != self.owner || header.name != self.name) {
                    hub.distrust(&from);
                    return self.progress(hub);
                }
                self.answered.insert(from);
                if answer.vote.is_some() && self.witnesses.set.contains(&from) {
                    self.votes.insert(from);
                }
                self.found.extend(record.map(|record| (from, record)));
            }
            Err(Failure::Refused(error)) if error.code == ErrorCode::Damaged => {
                self.answered.insert(from);
            }
            _ => {}
        }
        self.progress(hub)
    }

    fn progress(&mut self, hub: &mut Hub) -> Progress {
        if self.keeping.is_some() {
            return Progress::Going;
        }
        let everyone = !self.answered.is_empty() && self.witnesses.everyone.is_subset(&self.answered);
        if everyone || (self.witnesses.wanted > 0 && self.votes.len() >= self.witnesses.wanted) {
            let newest =
                self.found.iter().max_by_key(|(_, record)| (record.order(), record.is_complete())).cloned();
            self.keeping = Some(newest.as_ref().map_or(hub.own, |(from, _)| *from));
            hub.mend_own(self.op, self.owner, self.name, newest.map(|(_, record)| record));
            return Progress::Going;
        }
        if self.open > 0 { Progress::Going } else { self.end(hub, false) }
    }

    fn kept(&mut self, hub: &mut Hub, result: Result<Response, Failure>) -> Progress {
        let from = self.keeping.take().unwrap_or(hub.own);
        match result {
            Ok(_) => self.end(hub, true),
            Err(Failure::Refused(error)) if error.code == ErrorCode::Invalid && from != hub.own => {
                hub.distrust(&from);
                self.found.retain(|(of, _)| *of != from);
                self.votes.remove(&from);
                self.answered.remove(&from);
                self.progress(hub)
            }
            Err(_) => self.end(hub, false),
        }
    }

    fn end(&self, hub: &mut Hub, done: bool) -> Progress {
        hub.mend_ended(Missing::Record(self.owner, self.name), done);
        Progress::Done
    }
}

impl Operation for MendRecord {
    fn answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        match answer.slot {
            KEEP => self.kept(hub, answer.result),
            _ => self.heard(hub, answer),
        }
    }

    fn timeout(&mut self, hub: &mut Hub) -> Progress {
        self.end(hub, false)
    }

    fn is_background(&self) -> bool {
        true
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }
}

//! Counting durable copies: who answered what, and what that makes of a write.
//!
//! Whose answer counts `ballot` says. Asks nobody, and keeps nothing beyond one write.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::ballot::Ballot;
use super::calls::Failure;
use super::hub::Hub;
use super::view::View;
use crate::crypto::Suite;
use crate::id::{NodeId, Position};
use crate::record::{Kind, Record};
use crate::wire::{ErrorCode, Response, Shards, Vote, WireError};

/// One member's part in a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    /// Not answered yet.
    Open,
    /// Durable there, as long as its link and disk are those of this epoch.
    Durable { epoch: u64, vote: Vote },
    /// Durable there, and for nothing: it places the item elsewhere, or is catching up.
    OtherSet,
    /// Refused, or out of reach.
    Failed,
}

/// Replicas of which a majority is needed.
#[derive(Clone, PartialEq, Eq, Debug)]
struct ReplicaSet {
    nodes: Vec<NodeId>,
    /// Of a floor: the shards that lie there.
    shards: Shards,
}

/// The members that are to keep one item.
#[derive(Debug)]
pub(super) struct Tally {
    ballot: Ballot,
    view: Arc<View>,
    wanted: u8,
    /// One; of a floor one for each different set of its owner's shards.
    sets: Vec<ReplicaSet>,
    parts: BTreeMap<NodeId, Part>,
    worst: Option<WireError>,
}

impl Tally {
    /// For what lies at this position.
    pub(super) fn at(hub: &Hub, position: Position) -> Self {
        Self::new(hub, Ballot::One(position), Vec::new())
    }

    /// For a record: its replicas. A floor goes to every member, and needs W of each shard's.
    pub(super) fn record(hub: &Hub, record: &Record) -> Self {
        let header = record.header();
        let everyone = match header.kind {
            Kind::Floor => hub.members.ids().collect(),
            Kind::File => Vec::new(),
        };
        Self::new(hub, Ballot::record(hub.setup.suite, header), everyone)
    }

    fn new(hub: &Hub, ballot: Ballot, others: Vec<NodeId>) -> Self {
        let sets = replica_sets(hub.setup.suite, &hub.view, &ballot);
        let nodes = sets.iter().flat_map(|set| set.nodes.iter().copied()).chain(others);
        let parts = nodes.map(|node| (node, Part::Open)).collect();
        Self { ballot, view: hub.view.clone(), wanted: hub.view.quorum(), sets, parts, worst: None }
    }

    pub(super) const fn wanted(&self) -> u8 {
        self.wanted
    }

    /// Who is to keep it.
    pub(super) fn nodes(&self) -> Vec<NodeId> {
        self.parts.keys().copied().collect()
    }

    pub(super) fn contains(&self, node: &NodeId) -> bool {
        self.parts.contains_key(node)
    }

    /// It is durable on `node`; without its vote that counts for nothing.
    pub(super) fn durable(&mut self, hub: &Hub, node: NodeId, vote: Option<Vote>) {
        let epoch = hub.epoch(&node);
        self.set(node, vote.map_or(Part::OtherSet, |vote| Part::Durable { epoch, vote }));
    }

    /// `node` says no, but as one that places the item elsewhere.
    pub(super) fn other_set(&mut self, node: NodeId) {
        self.set(node, Part::OtherSet);
    }

    /// It will not be durable on `node`.
    pub(super) fn failed(&mut self, node: NodeId, failure: Failure) {
        self.set(node, Part::Failed);
        if let Failure::Refused(error) = failure {
            self.refused(error);
        }
    }

    /// Someone refused; kept if it tells more than what is known.
    fn refused(&mut self, error: WireError) {
        self.worst = Some(match self.worst.take() {
            Some(known) if !tells_more(&error, &known) => known,
            _ => error,
        });
    }

    fn set(&mut self, node: NodeId, part: Part) {
        if let Some(known) = self.parts.get_mut(&node) {
            *known = part;
        }
    }

    /// True if this node still sees the sets for which the copies were counted.
    pub(super) fn is_current(&self, hub: &Hub) -> bool {
        let same = || {
            self.wanted == hub.view.quorum()
                && self.sets == replica_sets(hub.setup.suite, &hub.view, &self.ballot)
        };
        Arc::ptr_eq(&self.view, &hub.view) || same()
    }

    /// On how many replicas it is durable and will be found: what a link or disk acknowledged that is no more is void,
    /// and so is everything when the sets are others now.
    pub(super) fn copies(&self, hub: &Hub) -> u8 {
        if !self.is_current(hub) {
            return 0;
        }
        self.least(|node, set| match self.parts.get(node) {
            Some(Part::Durable { epoch, vote }) => *epoch == hub.epoch(node) && covers(vote, set),
            _ => false,
        })
    }

    /// True if what is missing are votes alone: once all see the same sets it may be enough.
    pub(super) fn may_agree(&self, hub: &Hub) -> bool {
        let durable = |node: &NodeId, _: &ReplicaSet| {
            matches!(self.parts.get(node), Some(Part::Durable { .. } | Part::OtherSet))
        };
        !self.is_refused() && (!self.is_current(hub) || self.least(durable) >= self.wanted)
    }

    /// Of all sets, the least number of members that `counts`.
    fn least(&self, counts: impl Fn(&NodeId, &ReplicaSet) -> bool) -> u8 {
        let count = |set: &ReplicaSet| set.nodes.iter().filter(|node| counts(node, set)).count();
        u8::try_from(self.sets.iter().map(count).min().unwrap_or(0)).unwrap_or(u8::MAX)
    }

    pub(super) fn is_reached(&self, hub: &Hub) -> bool {
        self.copies(hub) >= self.wanted
    }

    /// True if no answer is to come.
    pub(super) fn is_complete(&self) -> bool {
        self.parts.values().all(|part| *part != Part::Open)
    }

    /// True if whoever wrote must begin anew.
    pub(super) fn is_refused(&self) -> bool {
        self.worst.as_ref().is_some_and(|error| error.code == ErrorCode::Stale)
    }

    /// The answer as things stand: stored, on fewer copies than wanted perhaps, or why not. `kept`: it is durable on this
    /// node's own disk, from where it will reach its replicas.
    pub(super) fn verdict(&self, hub: &Hub, kept: bool) -> Response {
        let copies = self.copies(hub);
        let stored = Response::Stored { copies, wanted: self.wanted };
        match &self.worst {
            _ if copies >= self.wanted => stored,
            Some(error) if self.is_refused() => Response::Error(error.clone()),
            _ if copies > 0 || kept => stored,
            Some(error) => Response::Error(error.clone()),
            None => Response::Error(ErrorCode::Deadline.into()),
        }
    }
}

/// The replica sets of which each needs its majority.
fn replica_sets(suite: Suite, view: &View, ballot: &Ballot) -> Vec<ReplicaSet> {
    let mut sets: Vec<ReplicaSet> = Vec::new();
    for (shard, position) in ballot.positions(suite) {
        let nodes = view.replicas(&position);
        match sets.iter_mut().find(|set| set.nodes == nodes) {
            Some(set) => set.shards.insert(shard),
            None => sets.push(ReplicaSet { nodes, shards: [shard].into_iter().collect() }),
        }
    }
    sets
}

/// True if the vote stands for all that lies on this set.
fn covers(vote: &Vote, set: &ReplicaSet) -> bool {
    vote.shards.is_none_or(|shards| set.shards.iter().all(|shard| shards.contains(shard)))
}

impl From<ErrorCode> for WireError {
    fn from(code: ErrorCode) -> Self {
        Self { code, current: None }
    }
}

/// True for what the client must know although others may have taken the write: the same everywhere, or a reason
/// to begin anew.
pub(super) const fn is_final(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Stale
            | ErrorCode::Past
            | ErrorCode::Future
            | ErrorCode::Invalid
            | ErrorCode::Forbidden
            | ErrorCode::Quota
            | ErrorCode::Unsupported
    )
}

fn tells_more(new: &WireError, known: &WireError) -> bool {
    const fn rank(code: ErrorCode) -> u8 {
        match code {
            ErrorCode::Stale => 3,
            code if is_final(code) => 2,
            ErrorCode::NoSpace => 1,
            _ => 0,
        }
    }
    let order = |error: &WireError| (rank(error.code), error.current.as_ref().map(Record::order));
    order(new) > order(known)
}

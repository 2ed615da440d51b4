//! Same set or no vote: an answer counts only from a member whose own view places what was asked about as the asker's does.
//!
//! Knows what requests and answers are about, and whose votes agree; not what operations make of them.

use alloc::vec::Vec;

use super::hub::Hub;
use super::store::Placement as _;
use super::view::{View, blob_position, record_position};
use crate::crypto::Suite;
use crate::id::{NodeId, OwnerId, Position, SetHash};
use crate::record::{Header, Kind};
use crate::time::Instant;
use crate::wire::{ErrorCode, PinKept, Request, Response, Shards, Vote};

/// What the answer to a request may be a vote about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Ballot {
    /// Nothing: whoever answers, the answer is worth the same.
    Nothing,
    /// One item.
    One(Position),
    /// Several, each of them answered.
    Each(Vec<Position>),
    /// The records of an owner in these shards and those between.
    Shards { owner: OwnerId, first: u8, last: u8 },
}

impl Ballot {
    pub(super) fn of(suite: Suite, request: &Request) -> Self {
        match request {
            Request::Have { pins } => {
                Self::Each(pins.iter().map(|pin| blob_position(&pin.body().blob)).collect())
            }
            Request::PutPins { pins } => {
                Self::Each(pins.iter().map(|row| blob_position(&row.pin.body().blob)).collect())
            }
            Request::Prove { blobs, .. } => Self::Each(blobs.iter().map(blob_position).collect()),
            Request::PutBlob { pins, .. } => {
                pins.first().map_or(Self::Nothing, |pin| Self::One(blob_position(&pin.body().blob)))
            }
            Request::PutRecord { record } => Self::record(suite, record.header()),
            Request::GetRecord { owner, name } => Self::One(record_position(suite, owner, name.0[0])),
            Request::ListRecords { owner, shards: (first, last), .. } => {
                Self::Shards { owner: *owner, first: *first, last: *last }
            }
            // All of one shard: the store sees to it.
            Request::CheckPins { checks, .. } => checks.first().map_or(Self::Nothing, |check| {
                Self::One(record_position(suite, &check.owner, check.name.0[0]))
            }),
            _ => Self::Nothing,
        }
    }

    /// Where it lies, each position with the shard that it is, if it is one.
    pub(super) fn positions(&self, suite: Suite) -> Vec<(u8, Position)> {
        match self {
            Self::Nothing => Vec::new(),
            Self::One(position) => Vec::from([(0, *position)]),
            Self::Each(positions) => positions.iter().map(|position| (0, *position)).collect(),
            Self::Shards { owner, first, last } => {
                (*first..=*last).map(|shard| (shard, record_position(suite, owner, shard))).collect()
            }
        }
    }

    /// A floor belongs to all of its owner's shards.
    pub(super) fn record(suite: Suite, header: &Header) -> Self {
        match header.kind {
            Kind::File => Self::One(record_position(suite, &header.owner, header.name.0[0])),
            Kind::Floor => Self::Shards { owner: header.owner, first: 0, last: u8::MAX },
        }
    }

    /// The vote of a node that stands for `set` of a position. Of several items those for which it stands for none
    /// are answered with no.
    pub(super) fn cast(
        &self,
        suite: Suite,
        response: &mut Response,
        set: impl Fn(&Position) -> Option<SetHash>,
    ) -> Option<Vote> {
        self.cast_in(suite, response, None, set)
    }

    /// The same, of a list for these shards only.
    fn cast_in(
        &self,
        suite: Suite,
        response: &mut Response,
        among: Option<&Shards>,
        set: impl Fn(&Position) -> Option<SetHash>,
    ) -> Option<Vote> {
        match self {
            Self::Nothing => None,
            Self::One(position) => set(position).map(Vote::of),
            Self::Each(positions) => {
                let mut sets = Vec::new();
                for (item, position) in positions.iter().enumerate().take(items(response)) {
                    match set(position) {
                        Some(set) if is_yes(response, item) => sets.push(set),
                        Some(_) => {}
                        None => say_no(response, item),
                    }
                }
                joint(suite, &sets).map(Vote::of)
            }
            Self::Shards { owner, first, last } => {
                let set_of = |shard| Some((shard, set(&record_position(suite, owner, shard))?));
                let asked = (*first..=*last).filter(|shard| among.is_none_or(|among| among.contains(*shard)));
                let (shards, sets): (Vec<u8>, Vec<_>) = asked.filter_map(set_of).unzip();
                let shards = Some(shards.into_iter().collect());
                joint(suite, &sets).map(|set| Vote { set, shards })
            }
        }
    }

    /// True if `vote` stands for the sets that `view` gives.
    pub(super) fn agrees(&self, view: &View, suite: Suite, response: &mut Response, vote: &Vote) -> bool {
        let set = |position: &Position| Some(view.set_hash(position));
        let own = self.cast_in(suite, response, vote.shards.as_ref(), set);
        own.is_some_and(|own| own == *vote)
    }
}

impl Hub {
    /// This node's vote with an answer of its own store, for what it stands for now. What the store did while this
    /// node stood otherwise is none: it may have looked before what belongs here came, or have kept what has gone since.
    pub(super) fn cast(&self, ballot: &Ballot, word: u64, response: &mut Response) -> Option<Vote> {
        let vote = |position: &Position| self.vote(position).filter(|_| word == self.word());
        ballot.cast(self.setup.suite, response, vote)
    }

    /// Changes whenever that for which this node's word counts may have.
    pub(super) const fn word(&self) -> u64 {
        // Both only grow.
        self.standing.changes.wrapping_add(self.store.doubts_over())
    }

    /// A member's vote, if it stands for the sets that this node sees, too. If not, the views are to agree soon.
    pub(super) fn check_vote(
        &mut self,
        from: &NodeId,
        ballot: &Ballot,
        response: &mut Response,
        vote: Option<Vote>,
    ) -> Option<Vote> {
        let suite = self.setup.suite;
        let set =
            |position: &Position| self.view.is_replica(from, position).then(|| self.view.set_hash(position));
        let expected = ballot.cast(suite, response, set);
        let refused = matches!(response, Response::Error(error) if error.code != ErrorCode::Stale);
        let agreed = vote.filter(|vote| ballot.agrees(&self.view, suite, response, vote));
        if expected != agreed && !refused {
            self.compare(from);
        }
        agreed
    }

    /// True if a member that has just answered without a vote may have one in a moment: its view is another, or it makes
    /// something durable. One that has still to take over what belongs to it may wait for others, and for long.
    pub(super) fn may_vote_soon(&self, node: &NodeId) -> bool {
        if self.is_own(node) {
            return !self.is_syncing();
        }
        self.told(node).is_none_or(|told| !told.syncing) || self.is_placed_otherwise(node)
    }

    /// True for a member that told last of another view than this node's.
    pub(super) fn is_placed_otherwise(&self, node: &NodeId) -> bool {
        self.told(node).is_some_and(|told| told.placement != self.view.digest())
    }

    /// Compares memberships with a member whose view is another one.
    pub(super) fn compare(&mut self, node: &NodeId) {
        let again = self.setup.config.vote_again;
        let recently = |at: &Instant| self.now.mono.since(*at) < again;
        if self.compared.get(node).is_some_and(recently) {
            return;
        }
        if let Some(conn) = self.peers.link(node) {
            // What is older than this is no reason to wait.
            self.compared.retain(|_, at| self.now.mono.since(*at) < again);
            self.compared.insert(*node, self.now.mono);
            let question = self.question();
            self.gossip(conn, Request::View(question), false);
        }
    }
}

fn joint(suite: Suite, sets: &[SetHash]) -> Option<SetHash> {
    let parts: Vec<&[u8]> = sets.iter().map(|set| &set.as_bytes()[..]).collect();
    (!parts.is_empty()).then(|| SetHash(suite.hash(&parts)))
}

/// To how many items this is the answer.
const fn items(response: &Response) -> usize {
    match response {
        Response::Have { copies, .. } => copies.len(),
        Response::Proved(proofs) => proofs.len(),
        Response::PinsKept(kept) => kept.kept.len(),
        _ => 0,
    }
}

fn is_yes(response: &Response, item: usize) -> bool {
    match response {
        Response::Have { copies, .. } => copies.get(item).is_some_and(|copies| *copies > 0),
        Response::Proved(proofs) => proofs.get(item).is_some_and(Option::is_some),
        Response::PinsKept(kept) => kept.kept.get(item).is_some_and(|kept| *kept != PinKept::Refused),
        _ => false,
    }
}

fn say_no(response: &mut Response, item: usize) {
    match response {
        Response::Have { copies, .. } => copies.get_mut(item).into_iter().for_each(|copies| *copies = 0),
        Response::Proved(proofs) => proofs.get_mut(item).into_iter().for_each(|proof| *proof = None),
        // What is kept is kept; that it counts for nothing the vote tells.
        _ => {}
    }
}

//! What this node must take over from others before its word counts.
//!
//! Whenever the placement changes, the one before it is remembered, here and, by gossip, by everyone who comes to
//! belong to the new one. A replica that was none before counts only when it has taken over from so many of each
//! earlier set that whatever a majority of that set acknowledged is among it. Where there are more placements than are
//! remembered, only who has taken over from every member counts. Placements are forgotten when all members have taken
//! over from all. Knows nothing of how things are taken over.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use bytes::Bytes;

use super::View;
use super::hub::Hub;
use super::store::Placement as _;
use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::crypto::Suite;
use crate::error::MalformedMessage;
use crate::id::{NodeId, Position};
use crate::wire::{PastMember, PastPlacement};

/// Placements forgotten that are still told by others who have not, and those left out: a few rounds of changes.
const FORGOTTEN: usize = 64;

/// A placement that was, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct Past {
    told: PastPlacement,
    placed: View,
    /// The ring that acknowledged: with fewer members placed than there are copies, that of all members.
    sets: View,
    /// This node's disk was the present one then.
    same_disk: bool,
}

impl Past {
    fn new(suite: Suite, told: PastPlacement, same_disk: bool) -> Self {
        let ring = |all: bool| {
            let members = told.members.iter().filter(|member| all || member.placed);
            let members = members.map(|member| (member.node, member.positions));
            View::new(suite, told.replicas, members, told.members.len())
        };
        let placed = ring(false);
        let full = usize::from(told.replicas).min(told.members.len());
        let sets = if placed.copies() < full { ring(true) } else { placed.clone() };
        Self { told, placed, sets, same_disk }
    }

    fn is_like(&self, told: &PastPlacement) -> bool {
        self.told.members == told.members && self.told.replicas == told.replicas
    }
}

/// What is known of earlier placements.
#[derive(Debug, Default)]
pub(super) struct History {
    previous: Vec<Past>,
    /// The members from whom everything was taken over in this round.
    reconciled: BTreeSet<NodeId>,
    round: u64,
    /// Placements from which everything was taken over, and the epoch in which that was so.
    forgotten: BTreeMap<[u8; 32], u64>,
    /// Placements of a later epoch were made when this node had its present disk.
    disk_epoch: u64,
    /// Placements that there was no room for.
    left_out: BTreeSet<[u8; 32]>,
    /// The highest epoch of those, here or with others; 0 for none.
    left_out_epoch: u64,
}

/// Who may hold what this node has lost at a position.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Witnesses {
    /// The other replicas.
    pub(super) set: BTreeSet<NodeId>,
    /// Whatever a majority acknowledged is among what so many of them hold.
    pub(super) wanted: usize,
    /// All who can have acknowledged anything there: what none of them holds is nowhere.
    pub(super) everyone: BTreeSet<NodeId>,
}

/// Who belongs to the network, and what became of members that are none any more.
pub(super) trait Roll {
    /// Those that do.
    fn everyone(&self) -> Vec<NodeId>;
    /// It left in good order, and so handed on what it had.
    fn has_left(&self, node: &NodeId) -> bool;
    /// It was banned, and nothing will come of it.
    fn is_banned(&self, node: &NodeId) -> bool;
}

impl History {
    pub(super) fn is_empty(&self) -> bool {
        self.previous.is_empty()
    }

    #[cfg(any(test, feature = "sim"))]
    pub(super) fn count(&self) -> usize {
        self.previous.len()
    }

    pub(super) fn told(&self) -> Vec<PastPlacement> {
        self.previous.iter().map(|past| past.told.clone()).collect()
    }

    /// True if there were placements that nobody is told of, because there was no room for them.
    const fn has_left_out(&self) -> bool {
        self.left_out_epoch > 0
    }

    /// Others may have left out placements of epochs up to this one. `true` if that was not known.
    pub(super) fn learn_left_out(&mut self, epoch: u64) -> bool {
        let forgotten = self.forgotten.values().max().is_some_and(|forgotten| epoch <= *forgotten);
        let is_news = epoch > self.left_out_epoch && !forgotten;
        if is_news {
            self.left_out_epoch = epoch;
            self.begin_round();
        }
        is_news
    }

    /// The placement was this one until now.
    pub(super) fn push(&mut self, suite: Suite, told: PastPlacement) {
        self.insert(Past::new(suite, told, true));
    }

    /// Others were placed like this. `true` if that was not known.
    pub(super) fn learn(&mut self, suite: Suite, told: PastPlacement) -> bool {
        // Most are: no ring is made for them.
        if self.previous.iter().any(|known| known.is_like(&told)) {
            return false;
        }
        let same_disk = told.epoch > self.disk_epoch;
        let past = Past::new(suite, told, same_disk);
        let forgotten = self.forgotten.get(&past.placed.digest());
        let is_forgotten = forgotten.is_some_and(|epoch| past.told.epoch <= *epoch);
        !is_forgotten && self.insert(past)
    }

    /// This disk is new to the network: whatever was acknowledged up to `epoch` was not on it.
    pub(super) fn begin(&mut self, epoch: u64) {
        self.disk_epoch = epoch;
        for past in &mut self.previous {
            past.same_disk = false;
        }
    }

    /// This disk has lost some of what was acknowledged until now, and nobody knows what.
    fn distrust(&mut self, suite: Suite, current: PastPlacement) {
        let epoch = current.epoch;
        let past = Past::new(suite, current, false);
        let known = |known: &Past| known.is_like(&past.told) && !known.same_disk;
        if !(self.reconciled.is_empty() && self.previous.iter().any(known)) {
            self.begin(epoch);
            self.insert(past);
        }
    }

    fn insert(&mut self, past: Past) -> bool {
        if past.placed.copies() < usize::from(past.placed.quorum()) {
            // Nothing can have been acknowledged in it.
            return false;
        }
        self.previous.retain(|known| !known.is_like(&past.told) || known.same_disk != past.same_disk);
        if self.previous.len() < limit::PLACEMENTS {
            self.previous.push(past);
        } else if !self.leave_out(&past) {
            return false;
        }
        self.begin_round();
        true
    }

    /// There is no room for one more. Were one of the others given up for it, members that know different ones would
    /// teach them each other for ever. `false` if it was left out before.
    fn leave_out(&mut self, past: &Past) -> bool {
        if self.left_out.len() == FORGOTTEN {
            self.left_out.pop_first();
        }
        self.left_out_epoch = self.left_out_epoch.max(past.told.epoch).max(1);
        self.left_out.insert(past.placed.digest())
    }

    /// What was taken over so far may be out of date.
    fn begin_round(&mut self) {
        self.reconciled.clear();
        self.round += 1;
    }

    /// Everything was taken over from all: nobody needs the placements before.
    fn forget(&mut self, epoch: u64) {
        let left_out = core::mem::take(&mut self.left_out).into_iter();
        let previous = self.previous.drain(..).map(|past| past.placed.digest());
        self.forgotten.extend(previous.chain(left_out).map(|digest| (digest, epoch)));
        self.left_out_epoch = 0;
        while self.forgotten.len() > FORGOTTEN {
            let oldest = self.forgotten.iter().min_by_key(|(_, epoch)| **epoch);
            let Some(digest) = oldest.map(|(digest, _)| *digest) else { break };
            self.forgotten.remove(&digest);
        }
    }

    /// True if `own`, a replica at `position` now, may lack what was acknowledged there.
    fn lacks(&self, own: &NodeId, position: &Position, roll: &impl Roll) -> bool {
        self.missed(own, roll).next().is_some() || self.unmet(own, position, roll).next().is_some()
    }

    /// The members that must be taken over from because of placements that nobody remembers.
    fn missed<'a>(&'a self, own: &'a NodeId, roll: &impl Roll) -> impl Iterator<Item = NodeId> + 'a {
        let everyone = if self.has_left_out() { roll.everyone() } else { Vec::new() };
        everyone.into_iter().filter(move |node| node != own && !self.reconciled.contains(node))
    }

    /// The sets of which too few were reconciled with, for each who of them was not, and how many are needed.
    fn unmet<'a>(
        &'a self,
        own: &'a NodeId,
        position: &'a Position,
        roll: &'a impl Roll,
    ) -> impl Iterator<Item = (Vec<NodeId>, usize)> + 'a {
        // Who was a replica all along has its part, like everyone who was.
        let settled = |past: &Past| past.same_disk && past.placed.is_replica(own, position);
        let newly = self.previous.iter().rposition(|past| !settled(past)).map_or(0, |at| at + 1);
        self.previous[..newly].iter().filter_map(move |past| {
            let set = past.sets.replicas(position);
            let banned = set.iter().filter(|node| roll.is_banned(node)).count();
            let wanted = (set.len() + 1).saturating_sub(usize::from(past.sets.quorum()));
            // A disk that was lost is like a member that was banned.
            let lost = usize::from(set.contains(own) && !past.same_disk);
            let wanted = wanted.min(set.len().saturating_sub(banned + lost));
            let has = |node: &&NodeId| {
                (*node == own && past.same_disk) || self.reconciled.contains(*node) || roll.has_left(node)
            };
            let done = set.iter().filter(has).count();
            let open: Vec<_> = set
                .iter()
                .filter(|node| !has(node) && *node != own && !roll.is_banned(node))
                .copied()
                .collect();
            (done < wanted).then(|| (open, wanted - done))
        })
    }

    /// Every position at which one of the sets, earlier or in `view`, begins to differ from the one before.
    fn borders(&self, view: &View) -> Vec<Position> {
        let earlier = self.previous.iter().flat_map(|past| past.sets.borders().chain(past.placed.borders()));
        let mut borders: Vec<_> = view.borders().chain(earlier).copied().collect();
        borders.sort_unstable();
        borders.dedup();
        borders
    }

    /// Appends all of it.
    pub(super) fn encode(&self, out: &mut Writer) {
        out.u64(self.disk_epoch);
        out.u64(self.round);
        // At most limit::PLACEMENTS, at most one for each member, and at most FORGOTTEN.
        out.u16(self.previous.len() as u16);
        for past in &self.previous {
            past.told.encode(out);
            out.flag(past.same_disk);
        }
        out.u16(self.reconciled.len() as u16);
        self.reconciled.iter().for_each(|node| out.raw(node.as_bytes()));
        out.u16(self.forgotten.len() as u16);
        for (digest, epoch) in &self.forgotten {
            out.raw(digest);
            out.u64(*epoch);
        }
        out.u64(self.left_out_epoch);
        out.u16(self.left_out.len() as u16);
        self.left_out.iter().for_each(|digest| out.raw(digest));
    }

    /// Reads it back.
    pub(super) fn decode(suite: Suite, row: &mut Reader) -> Result<Self, MalformedMessage> {
        let (disk_epoch, round) = (row.u64()?, row.u64()?);
        let previous = (0..row.count(limit::PLACEMENTS)?)
            .map(|_| Ok(Past::new(suite, PastPlacement::decode(row)?, row.flag()?)))
            .collect::<Result<_, MalformedMessage>>()?;
        let reconciled = (0..row.count(usize::from(u16::MAX))?)
            .map(|_| Ok(NodeId(row.array()?)))
            .collect::<Result<_, MalformedMessage>>()?;
        let forgotten = (0..row.count(FORGOTTEN)?)
            .map(|_| Ok((row.array()?, row.u64()?)))
            .collect::<Result<_, MalformedMessage>>()?;
        let left_out_epoch = row.u64()?;
        let left_out =
            (0..row.count(FORGOTTEN)?).map(|_| row.array()).collect::<Result<_, MalformedMessage>>()?;
        Ok(Self { previous, reconciled, round, forgotten, disk_epoch, left_out, left_out_epoch })
    }
}

impl Hub {
    /// True while there is any position at which this node is a replica and its word does not count.
    pub(super) const fn is_syncing(&self) -> bool {
        !self.members.joined || self.standing.syncing
    }

    /// True while this node's word does not count at `position`.
    pub(super) fn is_syncing_at(&self, position: &Position) -> bool {
        !self.members.joined || self.standing.history.lacks(&self.own, position, &self.members)
    }

    /// Looks anew whether this node is Syncing anywhere.
    pub(super) fn look_for_gaps(&mut self) {
        let history = &self.standing.history;
        let lacking = |position: &Position| {
            self.view.is_replica(&self.own, position) && history.lacks(&self.own, position, &self.members)
        };
        let syncing = !history.is_empty() && history.borders(&self.view).iter().any(lacking);
        self.standing.syncing = syncing;
        self.standing.changes += 1;
    }

    /// Whom to ask for what this node has lost at a position: as if its disk had been lost.
    pub(super) fn witnesses(&self, position: &Position) -> Witnesses {
        let standing = &self.standing;
        let current = Past::new(self.setup.suite, standing.current.clone(), false);
        let replicas = current.sets.replicas(position);
        let set: BTreeSet<_> = replicas.iter().copied().filter(|node| !self.is_own(node)).collect();
        let wanted = (replicas.len() + 1).saturating_sub(usize::from(current.sets.quorum())).min(set.len());
        let earlier = standing.history.previous.iter().flat_map(|past| past.sets.replicas(position));
        let unknown = standing.history.missed(&self.own, &self.members);
        let members = earlier.chain(unknown);
        let members = members.filter(|node| !self.is_own(node) && self.members.admission(node).is_some());
        let everyone = members.chain(set.iter().copied()).collect();
        Witnesses { set, wanted, everyone }
    }

    /// A row of this disk belongs to no name, so whatever is not here may have been: this node takes over everything
    /// anew, and its word counts for nothing until then.
    pub(super) fn distrust_disk(&mut self, row: Bytes) {
        if !self.members.joined {
            // It counts for nothing anyway. The row is found again.
            return;
        }
        self.standing.history.distrust(self.setup.suite, self.standing.current.clone());
        self.look_for_gaps();
        self.rest_on_standing();
        self.store.drop_row(self.now, row);
        self.gossip_to_all();
    }

    /// The members from whom to take over what they hold for this node: all, until every member has done so.
    pub(super) fn sources(&self) -> Vec<NodeId> {
        let history = &self.standing.history;
        if history.is_empty() || !self.members.joined {
            return Vec::new();
        }
        let held = |node: &NodeId| {
            history.has_left_out()
                || self.view.is_placed(node)
                || history.previous.iter().any(|past| past.sets.is_placed(node))
        };
        self.members
            .ids()
            .filter(|node| !self.is_own(node) && !history.reconciled.contains(node) && held(node))
            .collect()
    }

    /// Changes whenever everything is to be taken over anew.
    pub(super) const fn sync_round(&self) -> u64 {
        self.standing.history.round
    }

    /// Everything was taken over from `node`. What began in an earlier round is ignored.
    pub(super) fn reconciled(&mut self, node: NodeId, round: u64) {
        let before = (self.is_syncing(), self.is_settled());
        let history = &mut self.standing.history;
        if round != history.round || history.is_empty() || !history.reconciled.insert(node) {
            return;
        }
        self.look_for_gaps();
        self.save_standing();
        self.forget_placements();
        if before != (self.is_syncing(), self.is_settled()) {
            self.gossip_to_all();
        }
    }

    /// True if this node lacks nothing, and has looked at every member of the placement.
    pub(super) fn is_settled(&self) -> bool {
        let history = &self.standing.history;
        let seen = |(node, _): &(NodeId, u8)| self.is_own(node) || history.reconciled.contains(node);
        self.members.joined
            && (history.is_empty() || (!self.is_syncing() && self.view.members().iter().all(seen)))
    }

    /// Forgets earlier placements once every member of this one is settled in it.
    pub(super) fn forget_placements(&mut self) {
        if self.standing.history.is_empty() || !self.is_settled() || self.unsettled().next().is_some() {
            return;
        }
        // Alone, or with too few, nothing was settled with those who know more.
        if self.view.copies() < usize::from(self.view.quorum()) {
            return;
        }
        self.standing.history.forget(self.standing.current.epoch);
        self.look_for_gaps();
        self.save_standing();
    }

    /// The other members of the placement that are not known to be settled in it.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = NodeId> {
        let digest = self.view.digest();
        let settled = move |node: &NodeId| {
            let told = self.peers.told(node);
            self.is_responsive(node) && told.is_some_and(|told| told.settled && told.placement == digest)
        };
        let others = self.view.members().iter().map(|(node, _)| *node).filter(|node| !self.is_own(node));
        others.filter(move |node| !settled(node))
    }

    /// The members that must return, or be banned, before this node's word counts everywhere.
    pub(super) fn waits_for(&self) -> Vec<NodeId> {
        let history = &self.standing.history;
        let mut missing = BTreeSet::new();
        if self.is_syncing() {
            missing.extend(history.missed(&self.own, &self.members).filter(|node| !self.is_giving(node)));
            for position in history.borders(&self.view) {
                if !self.view.is_replica(&self.own, &position) {
                    continue;
                }
                for (open, wanted) in history.unmet(&self.own, &position, &self.members) {
                    let (here, away): (Vec<_>, Vec<_>) =
                        open.into_iter().partition(|node| self.is_giving(node));
                    if here.len() < wanted {
                        missing.extend(away);
                    }
                }
            }
        }
        missing.into_iter().collect()
    }
}

/// What a placement looks like to those who come after it.
pub(super) fn describe(epoch: u64, replicas: u8, counted: &[(NodeId, u8)], view: &View) -> PastPlacement {
    let member = |(node, positions): &(NodeId, u8)| PastMember {
        node: *node,
        positions: *positions,
        placed: view.is_placed(node),
    };
    PastPlacement { epoch, replicas, members: counted.iter().map(member).collect() }
}

#[cfg(test)]
mod tests;

//! Where the members stand: who of them is out of the placement, who comes back, and what this node's word counts for.
//!
//! A member is out when nobody who can be reached has heard it for the network's patience, or when it says that it
//! leaves. It is taken back only after it has durably noted that it was out. Knows nothing of what lies where.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

use super::View;
use super::held::Held;
use super::hub::Hub;
use super::leave::Leave;
use super::peers::Told;
use super::store::Placement as _;
use super::syncing::{History, describe};
use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::crypto::Suite;
use crate::error::MalformedMessage;
use crate::id::{NodeId, Position, SetHash};
use crate::time::Instant;
use crate::wire::{MembershipPage, Out, PastPlacement, Request, Standing};

/// The row of the node's state that holds the placement.
pub(super) const PLACEMENT_ROW: &[u8] = b"placement";
/// What is heard of a member through another counts as this much older, in parts of the network's patience: so
/// word that goes in circles never makes a silent member young.
const HEARSAY: u32 = 32;
/// By how much one word of a member raises the epoch at most: it never comes to the end of its numbers.
const EPOCH_STEP: u64 = 1 << 20;
/// Members compare what they have heard so often within the network's patience.
const COMPARED: u32 = 8;

/// How this node stands.
#[derive(Debug)]
pub(super) struct OwnStanding {
    /// The placement as it is now.
    pub(super) current: PastPlacement,
    /// What has to be taken over from those before.
    pub(super) history: History,
    /// There are positions where this node lacks something: follows from the two above.
    pub(super) syncing: bool,
    /// Counts whatever may change for what this node's word counts.
    pub(super) changes: u64,
    pub(super) leave: Option<Leave>,
    /// Who is out, and why.
    out: BTreeMap<NodeId, Out>,
    /// The highest epoch known.
    epoch: u64,
    /// This node's word rests on so many changes of its state being durable.
    pub(super) rests_on: u64,
    /// Answers that wait for that, or for what was changed in the membership.
    pub(super) held: VecDeque<Held>,
    /// When all members were last asked what they have heard.
    asked: Option<Instant>,
}

impl OwnStanding {
    pub(super) fn new() -> Self {
        Self {
            current: PastPlacement { epoch: 0, replicas: 1, members: Vec::new() },
            history: History::default(),
            syncing: false,
            changes: 0,
            leave: None,
            out: BTreeMap::new(),
            epoch: 0,
            rests_on: 0,
            held: VecDeque::new(),
            asked: None,
        }
    }

    /// Only these can be out.
    fn keep_out_of(&mut self, counted: &[(NodeId, u8)]) {
        self.out.retain(|node, _| counted.iter().any(|(member, _)| member == node));
    }

    /// A member knows of so many changes.
    fn follow_epochs(&mut self, told: &Standing) {
        let highest = told.previous.iter().map(|past| past.epoch).fold(told.epoch, u64::max);
        self.epoch = self.epoch.max(highest.min(self.epoch.saturating_add(EPOCH_STEP)));
    }

    /// How many answers to `View` wait.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// How many members are out.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn out(&self) -> usize {
        self.out.len()
    }

    fn encode(&self) -> Bytes {
        let mut row = Writer::default();
        row.u64(self.epoch);
        self.current.encode(&mut row);
        // At most one for each member.
        row.u16(self.out.len() as u16);
        for (node, why) in &self.out {
            row.raw(node.as_bytes());
            row.u8(*why as u8);
        }
        self.history.encode(&mut row);
        row.freeze()
    }

    /// Reads the row that an earlier run of this node left.
    pub(super) fn decode(suite: Suite, row: Bytes) -> Result<Self, MalformedMessage> {
        let mut row = Reader::new(row);
        let epoch = row.u64()?;
        let current = PastPlacement::decode(&mut row)?;
        let out = (0..row.count(limit::MEMBERS)?)
            .map(|_| Ok((NodeId(row.array()?), Out::from_number(row.u8()?)?)))
            .collect::<Result<_, MalformedMessage>>()?;
        let history = History::decode(suite, &mut row)?;
        Ok(Self { current, history, out, epoch, ..Self::new() })
    }
}

impl Hub {
    /// Makes the ring again: the members have changed, or who of them is out.
    pub(super) fn place(&mut self) {
        let counted = self.members.counted();
        self.standing.keep_out_of(&counted);
        let leaves = self.is_leaving();
        let view =
            self.members.view(|node| self.standing.out.contains_key(node) || (leaves && *node == self.own));
        let epoch = self.standing.epoch.saturating_add(1);
        let current = describe(epoch, self.members.replicas(), &counted, &view);
        self.view = Arc::new(view);
        self.store.set_view(self.view.clone());
        let old = &mut self.standing.current;
        if old.members != current.members || old.replicas != current.replicas {
            let old = core::mem::replace(old, current);
            self.standing.epoch = epoch;
            if self.members.joined {
                self.standing.history.push(self.setup.suite, old);
            }
        }
        self.look_for_gaps();
        self.rest_on_standing();
    }

    /// What this node's answers about `position` count for: the hash of the set that it belongs to there. `None` if
    /// they count for nothing: it is no replica, does not hold all of it yet or any more, or might forget why it says so.
    pub(super) fn vote(&self, position: &Position) -> Option<SetHash> {
        let counts = self.store.saved() >= self.standing.rests_on
            && !self.store.is_in_doubt(position)
            && self.view.is_replica(&self.own, position)
            && !self.is_syncing_at(position);
        counts.then(|| self.view.set_hash(position))
    }

    /// The same as another member's if both place everything alike.
    pub(super) fn placement_digest(&self) -> [u8; 32] {
        self.view.digest()
    }

    /// The other members that are out.
    pub(super) fn out_of_placement(&self) -> impl Iterator<Item = NodeId> {
        self.standing.out.keys().copied().filter(|node| !self.is_own(node))
    }

    /// Why a member is out, if it is.
    pub(super) fn is_out(&self, node: &NodeId) -> Option<Out> {
        self.standing.out.get(node).copied()
    }

    /// Makes the standing durable. Not before the membership is: it says nothing without it.
    pub(super) fn save_standing(&mut self) -> u64 {
        if !self.members.joined {
            return 0;
        }
        let row = self.standing.encode();
        self.store.save_state(self.now, PLACEMENT_ROW, row)
    }

    /// The same; until it is durable this node's word counts for nothing.
    pub(super) fn rest_on_standing(&mut self) {
        self.standing.rests_on = self.save_standing().max(self.standing.rests_on);
    }

    /// How often members compare.
    pub(super) fn gossip_every(&self) -> Duration {
        self.setup.config.gossip_every.min(self.gone_after() / COMPARED)
    }

    /// What this node tells of its standing.
    pub(super) fn tell_standing(&self, noted: Option<[u8; 32]>) -> Standing {
        let unheard = |node: NodeId| Some((node, millis(self.peers.last_heard(self.now, &node)?)));
        Standing {
            syncing: self.is_syncing(),
            leaving: self.is_leaving(),
            settled: self.is_settled(),
            noted,
            placement: self.view.digest(),
            epoch: self.standing.current.epoch,
            out: self.standing.out.iter().map(|(node, why)| (*node, *why)).collect(),
            unheard: self.peers.ids().filter_map(unheard).collect(),
            previous: self.standing.history.told(),
        }
    }

    /// A page that asks whether the other side knows and sees the same.
    pub(super) fn question(&self) -> MembershipPage {
        MembershipPage { standing: Some(Box::new(self.tell_standing(None))), ..self.members.question() }
    }

    /// A page with everything that this node knows.
    pub(super) fn everything(&self) -> MembershipPage {
        let page = self.members.page(|member| self.addrs(member));
        MembershipPage { standing: Some(Box::new(self.tell_standing(None))), ..page }
    }

    /// A member tells how it stands. Returns its placement if this node is out of it and has noted that.
    pub(super) fn heed(&mut self, node: NodeId, told: &Standing) -> Option<[u8; 32]> {
        let hearsay = self.gone_after() / HEARSAY;
        let nearer = self.nearer(told, hearsay);
        self.peers.tells(self.now, &node, told, hearsay);
        if !self.members.joined || !self.peers.contains(&node) {
            return None;
        }
        self.standing.follow_epochs(told);
        if told.placement == self.view.digest() {
            let epoch = told.epoch.min(self.standing.epoch);
            self.standing.current.epoch = self.standing.current.epoch.max(epoch);
        }
        let mut learned = self.learn_left_out(told);
        for past in self.credible(told) {
            let current = &self.standing.current;
            if past.members == current.members && past.replicas == current.replicas {
                // This node has not followed yet: it remembers that it was in it itself when it does.
                continue;
            }
            learned |= self.standing.history.learn(self.setup.suite, past);
        }
        let is_named = told.out.iter().any(|(out, _)| *out == self.own);
        let noted = if is_named && !self.is_leaving() { self.placement_of(node, told) } else { None };
        if let Some(placement) = noted.clone() {
            learned |= self.standing.history.learn(self.setup.suite, placement);
        }
        if learned {
            self.look_for_gaps();
            self.rest_on_standing();
        }
        if self.follow_out(node, told, &nearer) {
            self.place();
            self.gossip_to_all();
        }
        self.decide_gone();
        self.forget_placements();
        self.go_on_leaving();
        noted.map(|_| told.placement)
    }

    /// The earlier placements of which a member tells that can have been: all of their members belong to the network,
    /// or once did. What such have can be had, or they can be banned; nodes that never were could be waited for for ever.
    fn credible(&self, told: &Standing) -> Vec<PastPlacement> {
        let known = |node: &NodeId| self.members.admission(node).is_some() || self.members.is_removed(node);
        let credible = |past: &&PastPlacement| {
            past.members.is_sorted_by(|a, b| a.node < b.node)
                && past.members.iter().all(|member| known(&member.node))
        };
        let until = self.standing.epoch;
        let past = |past: &PastPlacement| PastPlacement { epoch: past.epoch.min(until), ..past.clone() };
        told.previous.iter().filter(credible).map(past).collect()
    }

    /// Who remembers as many earlier placements as there is room for may have left some out.
    fn learn_left_out(&mut self, told: &Standing) -> bool {
        let highest = told.previous.iter().map(|past| past.epoch.min(self.standing.epoch)).max();
        let highest = highest.filter(|_| told.previous.len() == limit::PLACEMENTS);
        highest.is_some_and(|epoch| self.standing.history.learn_left_out(epoch.max(1)))
    }

    /// The placement that a member tells of, if this node knows the same members. Who leaves is out of its own without a word.
    fn placement_of(&self, from: NodeId, told: &Standing) -> Option<PastPlacement> {
        let counted = self.members.counted();
        let is_out =
            |node: &NodeId| (told.leaving && *node == from) || told.out.iter().any(|(out, _)| out == node);
        let view: View = self.members.view(is_out);
        let same = view.digest() == told.placement;
        same.then(|| describe(told.epoch.min(self.standing.epoch), self.members.replicas(), &counted, &view))
    }

    /// The members without a link of whom the one who tells has heard later than anyone whose word came here. Others'
    /// word of them is not taken: where not all reach each other, two that disagree would turn each other for ever.
    fn nearer(&self, told: &Standing, hearsay: Duration) -> Vec<NodeId> {
        let is_nearer = |node: &NodeId| {
            let theirs =
                told.unheard.iter().find(|(of, _)| of == node).map(|(_, ms)| Duration::from_millis(*ms));
            match (theirs, self.peers.last_heard(self.now, node)) {
                (Some(theirs), Some(own)) => theirs.saturating_add(hearsay) <= own,
                (None, Some(_)) => false,
                (_, None) => true,
            }
        };
        let unlinked = |node: &NodeId| !self.is_own(node) && self.peers.link(node).is_none();
        self.members.ids().filter(unlinked).filter(is_nearer).collect()
    }

    /// Takes over what a member says of itself, and of those that it is nearer to, being out. `true` if that changes anything.
    fn follow_out(&mut self, from: NodeId, told: &Standing, nearer: &[NodeId]) -> bool {
        let before = self.standing.out.clone();
        if told.leaving {
            self.standing.out.insert(from, Out::Leaving);
        }
        let reach = self.gone_after() / 2;
        for node in nearer.iter().copied().filter(|node| *node != from) {
            let theirs = told.out.iter().find(|(out, _)| *out == node).map(|(_, why)| *why);
            let heard = told.unheard.iter().find(|(of, _)| *of == node);
            match theirs {
                Some(Out::Leaving) => {
                    self.standing.out.insert(node, Out::Leaving);
                }
                None if heard.is_some_and(|(_, ms)| u128::from(*ms) < reach.as_millis()) => {
                    // It has answered to them.
                    self.standing.out.remove(&node);
                }
                _ => {}
            }
        }
        // Who has no place, as one that is volatile among others, can be out of none: that it leaves is no news each time.
        self.standing.keep_out_of(&self.members.counted());
        self.standing.out != before
    }

    /// A member has answered that it noted to have been out of this placement: it is in again.
    pub(super) fn take_back(&mut self, node: NodeId, told: &Standing) {
        if told.noted != Some(self.view.digest()) || told.leaving || self.standing.out.remove(&node).is_none()
        {
            return;
        }
        self.place();
        self.gossip_to_all();
    }

    /// This node knows its network from now on: by `told`, or because there is nobody else.
    pub(super) fn begin_standing(&mut self, from: NodeId, told: Option<&Standing>) -> bool {
        let Some(told) = told else { return true };
        self.standing.follow_epochs(told);
        let Some(placement) = self.placement_of(from, told) else { return false };
        let epoch = self.standing.epoch;
        self.standing.history.begin(epoch);
        // Who is new has acknowledged nothing in the placement that it comes into.
        let placement = Some(placement).filter(|_| !self.setup.is_new);
        for past in self.credible(told).into_iter().chain(placement) {
            self.standing.history.learn(self.setup.suite, past);
        }
        self.learn_left_out(told);
        true
    }

    /// Puts out whom nobody has heard for too long. Whoever can be reached is asked before.
    pub(super) fn decide_gone(&mut self) {
        if !self.members.joined {
            return;
        }
        let patience = self.gone_after();
        let mut gone = Vec::new();
        let mut ask = false;
        for node in self.placed_others() {
            let unheard = self.peers.unheard(self.now, &node);
            let Some(over) = unheard.checked_sub(patience) else { continue };
            let everyone = self.responsive().into_iter().all(|other| {
                self.peers.told(&other).is_some_and(|told| self.now.mono.since(told.at) <= over)
            });
            if everyone || over >= patience {
                gone.push(node);
            } else {
                ask |= self.standing.asked.is_none_or(|asked| self.now.mono.since(asked) > over);
            }
        }
        if !gone.is_empty() {
            self.standing.out.extend(gone.into_iter().map(|node| (node, Out::Gone)));
            self.place();
            self.gossip_to_all();
        } else if ask {
            self.gossip_to_all();
        }
    }

    /// When to look again whether somebody is gone.
    pub(super) fn next_gone(&self) -> Option<Instant> {
        let patience = self.gone_after();
        let due = |node: NodeId| {
            let unheard = self.peers.unheard(self.now, &node);
            // Who is over it already waits for the others' word, or for as long again.
            let limit = if unheard < patience { patience } else { patience * 2 };
            limit.checked_sub(unheard).map(|left| self.now.mono + left)
        };
        self.members.joined.then(|| self.placed_others().into_iter().filter_map(due).min()).flatten()
    }

    fn placed_others(&self) -> Vec<NodeId> {
        self.view.members().iter().map(|(node, _)| *node).filter(|node| !self.is_own(node)).collect()
    }

    /// Compares memberships and standings with every linked member.
    pub(super) fn gossip_to_all(&mut self) {
        self.standing.asked = Some(self.now.mono);
        let question = self.question();
        let linked: Vec<_> = self.peers.linked().collect();
        for (_, conn) in linked {
            self.gossip(conn, Request::View(question.clone()), false);
        }
    }

    /// What was last told by a member over the link that it has.
    pub(super) fn told(&self, node: &NodeId) -> Option<&Told> {
        self.peers.told(node).filter(|_| self.peers.link(node).is_some())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

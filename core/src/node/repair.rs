//! When to take from whom, to bring back what is missing, and to hand on what belongs to others.
//!
//! Only the times and the order; what a pull, a refill or a hand-off is, is theirs to know. Bounded: so many pulls at
//! once, none of one member more often than [`Config::pull_again`], one refill and one hand-off at a time.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use super::View;
use super::fetch::Missing;
use super::hub::Hub;
use super::mend::Mending;
use super::pull::{Pulled, Resume};
use super::store::{Keep, Look, Origin};
use crate::config::Config;
use crate::error::PeerFault;
use crate::id::{BlobId, NodeId};
use crate::record::{Pin, Record};
use crate::time::Instant;
use crate::wire::{PinCheck, PullCursor, PulledRecord, Request, Status};

/// What is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Due {
    /// Take from this member, from here on.
    Pull(NodeId, Option<Resume>),
    /// Bring back this, which was found damaged or missing.
    Mend(Missing),
    /// Bring back what is missing.
    Refill,
    /// Hand on what belongs to others.
    HandOn,
}

/// A member as a source.
#[derive(Debug)]
struct Source {
    /// When to take from it next.
    at: Instant,
    /// Something may be there that is not here: not only the slow comparison in the background.
    lacking: bool,
    running: bool,
    /// It became lacking once more while a pull was running.
    again: bool,
    /// When the last pull began.
    begun: Option<Instant>,
    /// A pull came to its end since this node started.
    once: bool,
    /// The wait after the next pull that is broken off.
    wait: Duration,
    /// Since when pulls from it, over links that stood, have brought nothing.
    fruitless: Option<Instant>,
    resume: Option<Resume>,
}

/// Work of a node on what it holds itself.
#[derive(Debug)]
pub(super) struct Chore {
    at: Instant,
    running: bool,
    again: bool,
    wait: Duration,
    /// What is left to be done, as far as is known.
    pub(super) open: u64,
    /// Nothing has changed since it was last looked for.
    pub(super) settled: bool,
}

impl Chore {
    const fn new(now: Instant) -> Self {
        Self { at: now, running: false, again: false, wait: Duration::ZERO, open: 0, settled: false }
    }

    /// There may be something to do.
    pub(super) const fn kick(&mut self, now: Instant) {
        self.settled = false;
        self.wait = Duration::ZERO;
        if self.running {
            self.again = true;
        } else {
            self.at = now;
        }
    }

    fn ended(&mut self, now: Instant, left: u64, config: &Config) {
        self.running = false;
        self.open = left;
        self.settled = !self.again;
        if core::mem::take(&mut self.again) {
            self.at = now;
        } else if left == 0 {
            self.wait = Duration::ZERO;
            self.at = now + config.pull_every;
        } else {
            self.wait = longer(self.wait, config.pull_retry, config.pull_every);
            self.at = now + self.wait;
        }
    }

    const fn timeout(&self) -> Option<Instant> {
        if self.running { None } else { Some(self.at) }
    }
}

/// The next wait after this one.
pub(super) fn longer(wait: Duration, first: Duration, longest: Duration) -> Duration {
    (wait * 2).clamp(first.min(longest), longest)
}

/// When everything is due.
#[derive(Debug)]
pub(super) struct Repair {
    sources: BTreeMap<NodeId, Source>,
    round: u64,
    /// The ring by which strays were last looked for.
    placed: Option<Arc<View>>,
    pub(super) refill: Chore,
    pub(super) strays: Chore,
    pub(super) mending: Mending,
}

impl Repair {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            sources: BTreeMap::new(),
            round: 0,
            placed: None,
            refill: Chore::new(now),
            strays: Chore::new(now),
            mending: Mending::default(),
        }
    }

    /// How many members there are to pull from.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn sources(&self) -> usize {
        self.sources.len()
    }

    /// How many pulls are under way.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn pulls(&self) -> usize {
        self.sources.values().filter(|source| source.running).count()
    }

    /// What this member has may be lacking here.
    fn lack(&mut self, now: Instant, node: NodeId, not_before: Duration) {
        let source = self.sources.entry(node).or_insert_with(|| Source {
            at: now,
            lacking: false,
            running: false,
            again: false,
            begun: None,
            once: false,
            wait: Duration::ZERO,
            fruitless: None,
            resume: None,
        });
        source.again |= source.running;
        let at = source.begun.map_or(now, |begun| now.max(begun + not_before));
        // What is due sooner anyway stays so.
        source.at = if source.lacking { source.at.min(at) } else { at };
        source.lacking = true;
    }
}

impl Hub {
    /// A member is there that was not: each side looks what the other has.
    pub(super) fn repair_from(&mut self, node: NodeId) {
        self.repair.lack(self.now.mono, node, self.setup.config.pull_again);
        self.repair.mending.kick(self.now.mono);
        if self.repair.refill.open > 0 {
            self.repair.refill.kick(self.now.mono);
        }
        if self.repair.strays.open > 0 {
            self.repair.strays.kick(self.now.mono);
        }
    }

    /// This node's disk took something not: as far as anybody knows, it is with the others only.
    pub(super) fn write_missed(&mut self) {
        let members: Vec<_> = self.peers.ids().collect();
        for node in members {
            self.repair.lack(self.now.mono, node, self.setup.config.pull_again);
        }
    }

    /// Something was kept here that belongs to others.
    pub(super) const fn stray_kept(&mut self) {
        self.repair.strays.kick(self.now.mono);
    }

    /// How much this node still holds that lies elsewhere, and has not handed on; at least 1 while that is not known.
    pub(super) fn strays_left(&self) -> u64 {
        self.repair.strays.open.max(u64::from(!self.repair.strays.settled))
    }

    /// Follows the membership: who is no member is no source; a new round asks everybody anew.
    fn heed_changes(&mut self) {
        let now = self.now.mono;
        if self.repair.placed.as_ref().is_none_or(|placed| !Arc::ptr_eq(placed, &self.view)) {
            self.repair.placed = Some(self.view.clone());
            self.repair.strays.kick(now);
            self.repair.refill.kick(now);
            let members = &self.members;
            self.repair.sources.retain(|node, source| source.running || members.admission(node).is_some());
        }
        let round = self.sync_round();
        if self.repair.round != round {
            self.repair.round = round;
            for node in self.sources() {
                self.repair.lack(now, node, Duration::ZERO);
            }
        }
    }

    /// What is to be begun now.
    pub(super) fn repair_due(&mut self) -> Option<Due> {
        if self.local.is_none() || !self.members.joined {
            return None;
        }
        self.heed_changes();
        let now = self.now.mono;
        if let Some(node) = self.pull_due() {
            let source = self.repair.sources.get_mut(&node)?;
            source.running = true;
            source.begun = Some(now);
            source.fruitless.get_or_insert(now);
            return Some(Due::Pull(node, source.resume.take()));
        }
        let repair = &mut self.repair;
        if let Some(missing) = repair.mending.begin(now, &self.setup.config) {
            return Some(Due::Mend(missing));
        }
        for (chore, due) in [(&mut repair.refill, Due::Refill), (&mut repair.strays, Due::HandOn)] {
            if !chore.running && now >= chore.at {
                chore.running = true;
                return Some(due);
            }
        }
        None
    }

    fn pull_due(&self) -> Option<NodeId> {
        let running = self.repair.sources.values().filter(|source| source.running).count();
        if running >= self.setup.config.pulls_at_once {
            return None;
        }
        let due = |(node, source): &(&NodeId, &Source)| {
            !source.running && self.now.mono >= source.at && self.is_responsive(node)
        };
        let first =
            self.repair.sources.iter().filter(due).min_by_key(|(_, source)| (!source.lacking, source.at));
        first.map(|(node, _)| *node)
    }

    /// When to look again.
    pub(super) fn repair_timeout(&self) -> Option<Instant> {
        if self.local.is_none() || !self.members.joined {
            return None;
        }
        let running = self.repair.sources.values().filter(|source| source.running).count();
        let free = running < self.setup.config.pulls_at_once;
        let pulls = self
            .repair
            .sources
            .iter()
            .filter(|(node, source)| free && !source.running && self.is_responsive(node));
        let mending = self.repair.mending.timeout(&self.setup.config);
        let chores = [self.repair.refill.timeout(), self.repair.strays.timeout(), mending];
        pulls.map(|(_, source)| source.at).chain(chores.into_iter().flatten()).min()
    }

    /// A pull is over; `missing`: pins came whose blobs that member does not have.
    pub(super) fn pull_ended(&mut self, node: NodeId, ended: Pulled, missing: bool) {
        let config = &self.setup.config;
        let now = self.now.mono;
        let is_away = self.peers.link(&node).is_none();
        if let Some(source) = self.repair.sources.get_mut(&node) {
            source.running = false;
            source.fruitless = source.fruitless.filter(|_| !is_away);
            let again = core::mem::take(&mut source.again);
            match ended {
                Pulled::Whole { resumed } => {
                    source.once = true;
                    source.wait = Duration::ZERO;
                    source.fruitless = None;
                    // What came to be behind the place at which it went on is taken by another one.
                    source.lacking = again || resumed;
                    source.at = match source.lacking {
                        true => source.begun.unwrap_or(now) + config.pull_again,
                        false => now + config.pull_every,
                    };
                }
                Pulled::Broken(resume) => {
                    source.wait = longer(source.wait, config.pull_retry, config.pull_again);
                    source.at = now + source.wait;
                    source.resume = Some(resume);
                }
            }
        }
        if missing {
            self.repair.refill.kick(now);
        }
    }

    /// A page of this member has been taken over, or some of its blobs.
    pub(super) fn pull_went_on(&mut self, node: &NodeId) {
        if let Some(source) = self.repair.sources.get_mut(node) {
            source.fruitless = None;
        }
    }

    /// True if there is something to be had from this member soon. Who is there and does not let others take over
    /// what it holds is no better than who is away.
    pub(super) fn is_giving(&self, node: &NodeId) -> bool {
        let patience = self.setup.config.pull_patience;
        let source = self.repair.sources.get(node);
        let fruitless = source.and_then(|source| source.fruitless);
        self.is_responsive(node) && fruitless.is_none_or(|since| self.now.mono.since(since) < patience)
    }

    pub(super) fn refill_ended(&mut self, left: u64) {
        self.repair.refill.ended(self.now.mono, left, &self.setup.config);
    }

    pub(super) fn hand_on_ended(&mut self, left: u64) {
        self.repair.strays.ended(self.now.mono, left, &self.setup.config);
    }

    /// Adds what repair knows: whether there is still something to be had from members that can be reached.
    pub(super) fn repair_status(&self, status: &mut Status) {
        let lacking =
            self.repair.sources.iter().filter(|(node, source)| source.lacking && self.is_giving(node));
        let lacking = lacking.count() as u64;
        let sources = self.is_syncing() && self.sources().iter().any(|node| self.is_giving(node));
        status.syncing |= lacking > 0 || self.is_looking_round() || sources;
        status.pending_ops +=
            lacking + self.repair.refill.open + self.repair.strays.open + self.repair.mending.open();
    }

    /// True while this node has just started and others may turn up from whom it has not taken anything yet. For so few
    /// that whatever was acknowledged is also with one of the rest it does not wait, once they were dialled in vain.
    fn is_looking_round(&self) -> bool {
        let once = |node: &NodeId| self.repair.sources.get(node).is_some_and(|source| source.once);
        let open: Vec<_> = self.peers.ids().filter(|node| !once(node)).collect();
        let few = open.len() < usize::from(self.view.quorum());
        self.now.mono.since(self.started) < self.setup.config.suspect_after
            && open.iter().any(|node| !few || self.peers.is_untried(node))
    }

    /// A member sent what it must not send: its link goes.
    pub(super) fn blame(&mut self, node: &NodeId, fault: PeerFault) {
        if let Some(conn) = self.peers.link(node) {
            self.fault(conn, fault);
        }
    }

    /// Gives this node's own store a record that was pulled.
    pub(super) fn keep_pulled(&mut self, op: u64, slot: u32, from: NodeId, row: PulledRecord) {
        let call = self.own_call(op, slot);
        self.store.keep_pulled(self.now, call, from, row);
    }

    /// Gives this node's own store promises that others have made.
    pub(super) fn keep_promises(&mut self, op: u64, slot: u32, promises: Vec<PinCheck>) {
        let call = self.own_call(op, slot);
        self.store.keep_promises(self.now, call, promises);
    }

    /// Has this node's own store prove that a blob is here.
    pub(super) fn prove_own(&mut self, op: u64, slot: u32, nonce: [u8; 32], blob: BlobId) {
        let call = self.own_call(op, slot);
        let request = Request::Prove { nonce, blobs: Vec::from([blob]) };
        self.store.submit(self.now, call, Origin::Own, Keep::Replica, request);
    }

    /// Has this node's own store look through its table.
    pub(super) fn look(&mut self, op: u64, slot: u32, what: Look, after: Option<PullCursor>) {
        let call = self.own_call(op, slot);
        self.store.look(self.now, call, what, after);
    }

    /// Has this node's own store drop pins that others hold.
    pub(super) fn drop_stray_pins(&mut self, op: u64, slot: u32, pins: Vec<Pin>) {
        let call = self.own_call(op, slot);
        self.store.drop_stray_pins(self.now, call, pins);
    }

    /// Has this node's own store drop a record that others hold.
    pub(super) fn drop_stray_record(&mut self, op: u64, slot: u32, record: Record) {
        let call = self.own_call(op, slot);
        self.store.drop_stray_record(self.now, call, record);
    }
}

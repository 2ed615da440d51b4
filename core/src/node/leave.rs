//! How members go for good: by their own wish, when nothing of what they hold is needed any more, or banned.
//!
//! Only the steps and their order: that others have taken over they say themselves, and strays are `strays`' to count.

use alloc::vec::Vec;

use super::NodeEvent;
use super::hub::Hub;
use super::link::Caller;
use super::membership::News;
use crate::id::NodeId;
use crate::time::Instant;
use crate::wire::{ErrorCode, MembershipPage, Request, Response};

/// How long a node that has left waits to tell so to whoever asked it to.
const LAST_WORD: core::time::Duration = core::time::Duration::from_secs(2);

/// A node on its way out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Leave {
    /// Others take over what it holds.
    Draining {
        /// It stays if that lasts longer.
        until: Instant,
    },
    /// Its removal is signed, and told to everyone.
    Told,
    /// Somebody knows.
    Done {
        /// When it goes, whether or not it is asked once more.
        until: Instant,
    },
    /// It took too long, and the node stays: who asked it to leave does not know yet.
    Failed,
}

impl Leave {
    /// True while the node is out of the placement because of it.
    pub(super) const fn is_under_way(&self) -> bool {
        !matches!(self, Self::Failed)
    }
}

impl Hub {
    /// The home asks this node to leave, again and again until it is done; or to stay after all.
    pub(super) fn leave(&mut self, caller: &Caller, cancel: bool) {
        if self.setup.signing.is_none() {
            return self.refuse(caller, ErrorCode::Forbidden);
        }
        match self.standing.leave {
            None if cancel => {}
            // There must be somebody to take over.
            None if !self.members.joined || self.others() == 0 => {
                return self.refuse(caller, ErrorCode::Invalid);
            }
            None => self.begin_leaving(),
            Some(Leave::Draining { .. }) if cancel => self.stay(None),
            Some(Leave::Failed) => {
                self.standing.leave = None;
                return self.refuse(caller, ErrorCode::Deadline);
            }
            Some(Leave::Done { .. }) => {
                self.settle(caller, Response::Leave { done: true, waits_for: Vec::new(), strays: 0 });
                self.ending = Some(NodeEvent::Left);
                return;
            }
            Some(_) => {}
        }
        self.go_on_leaving();
        let waits_for = if self.is_leaving() { self.leave_waits_for() } else { Vec::new() };
        let strays = self.strays_left();
        self.settle(caller, Response::Leave { done: false, waits_for, strays });
    }

    /// True while this node is out of the placement by its own wish.
    pub(super) fn is_leaving(&self) -> bool {
        self.standing.leave.as_ref().is_some_and(Leave::is_under_way)
    }

    fn leave_waits_for(&self) -> Vec<NodeId> {
        let out = self.out_of_placement().filter(|_| !self.others_suffice());
        self.unsettled().chain(out).collect()
    }

    /// True if so many others stand on the ring that they can acknowledge anything: what one who is alone, or nearly,
    /// takes for settled says nothing about those who are away.
    fn others_suffice(&self) -> bool {
        self.view.copies() > usize::from(self.members.replicas()).min(self.others()) / 2
    }

    /// True if what this node holds is nowhere else, as far as the network wants it.
    pub(super) fn keeps_the_only_copy(&self) -> bool {
        self.members.replicas() < 2 || self.others() == 0
    }

    /// Members that could hold what counts, beside this one: one that is volatile holds none of it.
    fn others(&self) -> usize {
        self.members.counted().iter().filter(|(node, _)| *node != self.own).count()
    }

    fn begin_leaving(&mut self) {
        let until = self.now.mono + self.setup.config.leave_deadline;
        self.standing.leave = Some(Leave::Draining { until });
        self.place();
        self.gossip_to_all();
    }

    /// It comes back as one that was gone: the others take it in when it has noted how they were placed without it.
    fn stay(&mut self, why: Option<Leave>) {
        self.standing.leave = why;
        self.place();
        self.gossip_to_all();
    }

    /// Takes the next step out, if it is time.
    pub(super) fn go_on_leaving(&mut self) {
        match self.standing.leave {
            Some(Leave::Draining { until }) => {
                if self.others_suffice() && self.unsettled().next().is_none() && self.strays_left() == 0 {
                    self.say_farewell();
                } else if self.now.mono >= until {
                    self.stay(Some(Leave::Failed));
                }
            }
            Some(Leave::Done { until }) if self.now.mono >= until => self.ending = Some(NodeEvent::Left),
            _ => {}
        }
    }

    /// When to take that step without being asked.
    pub(super) fn next_leaving(&self) -> Option<Instant> {
        match self.standing.leave? {
            Leave::Draining { until } | Leave::Done { until } => Some(until),
            Leave::Told | Leave::Failed => None,
        }
    }

    /// Everything is elsewhere: signs that this node is no member any more, and tells everyone.
    fn say_farewell(&mut self) {
        let removal = self.setup.signing.as_ref().and_then(|key| self.members.removal(key, self.own, false));
        let Some(removal) = removal else { return };
        self.standing.leave = Some(Leave::Told);
        let (news, _) = self
            .members
            .merge(&MembershipPage { removals: Vec::from([removal]), ..MembershipPage::default() });
        let page = self.members.page_of(&news, |node| self.addrs(node));
        let linked: Vec<_> = self.peers.linked().collect();
        for (_, conn) in linked {
            self.gossip(conn, Request::View(page.clone()), true);
        }
    }

    /// Another node has shown that it knows all that this one has signed.
    pub(super) fn farewell_is_known(&mut self) {
        if self.is_unheard() {
            self.standing.leave = Some(Leave::Done { until: self.now.mono + LAST_WORD });
            self.save();
        }
    }

    /// True once this node has signed that it is no member any more.
    pub(super) const fn has_said_farewell(&self) -> bool {
        matches!(self.standing.leave, Some(Leave::Told | Leave::Done { .. }))
    }

    /// True while it has, and nobody is known to know.
    pub(super) const fn is_unheard(&self) -> bool {
        matches!(self.standing.leave, Some(Leave::Told))
    }

    /// The home bans a member.
    pub(super) fn ban(&mut self, caller: &Caller, node: NodeId) {
        // A word that only this node has must be one that it keeps.
        let keeps = !self.setup.volatile || self.members.counted().iter().any(|(node, _)| *node == self.own);
        let refused = if self.setup.signing.is_none() {
            Some(ErrorCode::Forbidden)
        } else if self.is_own(&node) || !keeps {
            Some(ErrorCode::Invalid)
        } else if self.members.admission(&node).is_none() {
            Some(ErrorCode::NotFound)
        } else {
            None
        };
        if let Some(code) = refused {
            return self.refuse(caller, code);
        }
        let removal = self.setup.signing.as_ref().and_then(|key| self.members.removal(key, node, true));
        let page = MembershipPage { removals: removal.into_iter().collect(), ..MembershipPage::default() };
        let (news, _): (News, _) = self.members.merge(&page);
        self.learned(&news, &page, self.own);
        self.hold_ban(*caller);
    }
}

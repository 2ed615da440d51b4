//! How the membership spreads: every change is told at once, and digests are compared when links open and now and then.
//!
//! What a word is worth `membership` decides; what follows for who is out of the placement, `placement`.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::NodeEvent;
use super::hub::Hub;
use super::link::Caller;
use super::membership::{News, page_from_row, page_to_row};
use super::placement::{OwnStanding, PLACEMENT_ROW};
use super::store::Loaded;
use super::syncing::Roll as _;
use crate::error::{DiskError, PeerFault};
use crate::id::{ConnId, NodeId};
use crate::session::{LocalRole, LocalSide};
use crate::wire::{CloseReason, MembershipPage, Request, Response};

/// The row of the node's state that holds the membership.
const MEMBERSHIP_ROW: &[u8] = b"membership";

impl Hub {
    /// A removed node that is told to join again does so as one that was never there.
    fn comes_as_new(&mut self) -> bool {
        let comes = self.setup.rejoin && self.setup.signing.is_some();
        if comes {
            // What its disk holds counts for nothing, as if it were lost; and the network may have forgotten the
            // tombstones of what it holds.
            self.members.joined = false;
            self.setup.is_new = false;
            self.store.quarantine_all(self.now);
        }
        comes
    }

    /// The disk is loaded: begins to take part, with the membership that was known before.
    pub(super) fn take_up(&mut self, loaded: Loaded) {
        let Loaded { incarnation, state, .. } = loaded;
        let row =
            |name: &[u8]| state.iter().find(|(key, _)| &key[..] == name).map(|(_, value)| value.clone());
        let page = row(MEMBERSHIP_ROW).and_then(|value| page_from_row(self.setup.suite, value));
        if let Some(page) = &page {
            // Signed words, verified like anybody's: what does not hold is left out.
            let _ = self.members.merge(page);
            self.members.joined |= self.members.settings().is_some();
        }
        if self.members.joined && self.members.settings().is_none() {
            self.members.found(&self.setup);
        }
        if self.members.is_removed(&self.own) && !self.comes_as_new() {
            self.ending = Some(NodeEvent::Removed);
            return;
        }
        if let Some(row) = row(PLACEMENT_ROW).filter(|_| self.members.joined) {
            match OwnStanding::decode(self.setup.suite, row) {
                Ok(standing) => self.standing = standing,
                Err(_) => {
                    self.ending = Some(NodeEvent::Fatal(DiskError::Corrupt));
                    return;
                }
            }
        }
        let Some(admission) = self.members.admit_own(&self.setup, self.own) else {
            self.ending = Some(NodeEvent::NotAdmitted);
            return;
        };
        let mut name = [0; 16];
        name[8..].copy_from_slice(&incarnation.to_be_bytes());
        let local = Arc::new(LocalSide {
            suite: self.setup.suite,
            network: self.members.network(),
            network_key: self.setup.network_key,
            psks: self.setup.psks.clone(),
            role: LocalRole::Node {
                identity: self.setup.identity.clone(),
                admission,
                addrs: self.own_addrs(),
                incarnation: name,
                control: Some(self.setup.control),
            },
        });
        self.local = Some(local.clone());
        self.event(NodeEvent::Ready);
        self.membership_changed();
        self.take_hints(&page.unwrap_or_default());
        if self.members.settings().is_some() {
            self.settings_changed();
        }
        self.save();
        self.check_clock();
        for (conn, fault) in self.links.begin_held(self.now, &local) {
            self.fault(conn, fault);
        }
    }

    pub(super) fn gossip_answered(
        &mut self,
        conn: ConnId,
        node: NodeId,
        everything: bool,
        response: Response,
    ) {
        match response {
            Response::View(page) => {
                self.merge(conn, node, &page);
                self.join(node, &page);
                if let Some(standing) = &page.standing {
                    self.heed(node, standing);
                    self.take_back(node, standing);
                }
                if page.digest == self.members.digest() {
                    self.farewell_is_known();
                }
                if page.digest != self.members.digest() && !everything && self.peers.link(&node).is_some() {
                    // Still not the same: this side knows more.
                    let all = self.everything();
                    self.gossip(conn, Request::View(all), true);
                }
            }
            Response::Error(_) => {}
            _ => self.fault(conn, PeerFault::UnexpectedAnswer),
        }
    }

    /// This was a member's answer to what this node knows: with it the membership is known whole, if the member knew it.
    fn join(&mut self, from: NodeId, page: &MembershipPage) {
        // Only a member that has joined itself tells settings.
        if self.members.joined || page.settings.is_none() || self.members.settings().is_none() {
            return;
        }
        if !self.begin_standing(from, page.standing.as_deref()) {
            // It places others than this node knows of: that is told in a moment.
            self.gossip_at = self.gossip_at.min(self.now.mono + self.setup.config.redial_first);
            return;
        }
        self.members.joined = true;
        self.check_clock();
        self.save();
        self.place();
        self.gossip_to_all();
    }

    /// A member tells what it knows; it is told what we know if that is not the same.
    pub(super) fn answer_view(&mut self, caller: &Caller, node: NodeId, page: &MembershipPage) {
        self.merge(caller.conn, node, page);
        let noted = page.standing.as_deref().and_then(|standing| self.heed(node, standing));
        self.hold_view(*caller, page.digest, noted);
    }

    fn merge(&mut self, conn: ConnId, from: NodeId, page: &MembershipPage) {
        let (news, result) = self.members.merge(page);
        // Who dropped this node at its farewell answers no more, but shows the word at the next link.
        if self.members.removed(&self.own).is_some_and(|own| page.removals.contains(own)) {
            self.farewell_is_known();
        }
        self.learned(&news, page, from);
        if let Err(fault) = result {
            self.fault(conn, fault);
        }
    }

    /// Acts on news and passes them on to everyone but whom they came from.
    pub(super) fn learned(&mut self, news: &News, page: &MembershipPage, from: NodeId) {
        if !news.admissions.is_empty() || !news.removals.is_empty() {
            self.membership_changed();
        }
        self.take_hints(page);
        if news.settings {
            self.settings_changed();
        }
        if news.is_empty() {
            return;
        }
        self.save();
        let page = self.members.page_of(news, |node| self.addrs(node));
        let page = MembershipPage { standing: Some(Box::new(self.tell_standing(None))), ..page };
        let linked: Vec<_> = self.peers.linked().filter(|(node, _)| *node != from).collect();
        for (_, conn) in linked {
            self.gossip(conn, Request::View(page.clone()), false);
        }
    }

    /// Follows the members: a new ring, new peers to dial, links of removed ones closed.
    fn membership_changed(&mut self) {
        self.place();
        let gone: Vec<_> = self.peers.ids().filter(|node| self.members.admission(node).is_none()).collect();
        for node in gone {
            self.drop_member(&node);
        }
        let new: Vec<_> =
            self.members.ids().filter(|node| !self.is_own(node) && !self.peers.contains(node)).collect();
        for node in new {
            // Both sides dial: the one whose link would stay goes first.
            let wait = if self.own < node { Default::default() } else { self.setup.config.redial_first };
            self.peers.add(self.now, node, wait);
            let addrs = self.bootstrap.became_member(&node);
            self.peers.hint(&node, &addrs);
        }
        // Who has signed that itself goes when another one knows.
        if self.members.is_banned(&self.own)
            || (self.members.is_removed(&self.own) && !self.has_said_farewell())
        {
            self.ending = Some(NodeEvent::Removed);
        }
    }

    fn drop_member(&mut self, node: &NodeId) {
        let links: Vec<_> =
            self.links.iter().filter(|(_, link)| link.is_to(node)).map(|(conn, _)| conn).collect();
        let has_left = self.members.has_left(node);
        let was_up = self.peers.link(node).is_some();
        self.peers.remove(node);
        self.fail_parked(node);
        // Who has left waits for the word that this is known, and closes then.
        for conn in links.into_iter().filter(|_| !has_left) {
            self.tell_removal(conn, node);
            self.close(conn, CloseReason::NotAdmitted);
        }
        if was_up {
            self.event(NodeEvent::PeerDown { node: *node });
        }
        self.addresses_changed();
    }

    /// Tells a node that was removed by whose word, so that it knows and needs not believe a closed link.
    pub(super) fn tell_removal(&mut self, conn: ConnId, node: &NodeId) {
        let removals = self.members.removed(node).cloned().into_iter().collect();
        let page = MembershipPage { removals, ..self.members.question() };
        self.gossip(conn, Request::View(page), false);
    }

    /// Addresses that somebody tells of members: worth dialling, nothing more.
    fn take_hints(&mut self, page: &MembershipPage) {
        let mut new = false;
        for (admission, addrs) in &page.admissions {
            new |= self.peers.hint(&admission.node, addrs);
        }
        if new {
            self.addresses_changed();
        }
    }

    pub(super) fn addresses_changed(&mut self) {
        let known = self.peers.known();
        self.event(NodeEvent::KnownPeers(known));
        self.save();
    }

    fn settings_changed(&mut self) {
        let Some(settings) = self.members.settings().cloned() else { return };
        self.store.set_linger(settings.linger);
        self.place();
        let agrees = self.setup.settings.is_none_or(|wanted| wanted.agrees_with(&settings));
        self.event(NodeEvent::Settings(settings.clone()));
        if !agrees {
            self.event(NodeEvent::SettingsConflict(settings));
        }
    }

    /// Keeps the membership for the next start, once it is one to start from.
    pub(super) fn save(&mut self) {
        if self.members.joined {
            let mut page = self.members.page(|node| self.addrs(node));
            // Until somebody knows that this node has left, it comes back after a crash, and leaves anew.
            page.removals.retain(|removal| removal.node != self.own || !self.is_unheard());
            let saved = self.store.save_state(self.now, MEMBERSHIP_ROW, page_to_row(page));
            self.saved_membership = saved;
        }
    }
}

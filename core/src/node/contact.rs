//! What happens on links: they are dialled, open, carry messages, fall silent and end.
//!
//! Decides nothing about what requests mean.

use alloc::vec::Vec;

use super::NodeEvent;
use super::calls::Routed;
use super::hub::Hub;
use super::link::{Caller, Link};
use crate::config::limit;
use crate::error::PeerFault;
use crate::id::{ConnId, NodeId};
use crate::session::{PeerSide, SessionEvent};
use crate::time::Instant;
use crate::wire::{Class, CloseReason, ErrorCode, MembershipPage, Message, Request, Response, Role};

impl Hub {
    /// Dials whoever is due.
    pub(super) fn dial_due(&mut self) {
        if self.local.is_none() {
            return;
        }
        for (expect, addr) in self.bootstrap.due(self.now) {
            if self.links.has_room() {
                let conn = self.links.dial(self.now, addr, expect, &mut self.out);
                self.bootstrap.dialled(addr, conn);
            }
        }
        for (node, addr) in self.peers.due(self.now) {
            if self.setup.listen.contains(&addr) {
                // It was there before this node.
                self.peers.missed(self.now, &node);
                self.missed(&node);
            } else if self.links.has_room() {
                let conn = self.links.dial(self.now, addr, Some(node), &mut self.out);
                self.peers.dialled(&node, conn);
            }
        }
    }

    /// Takes what a link brought. Requests that need more than this come back.
    pub(super) fn take(&mut self, conn: ConnId, event: SessionEvent) -> Option<(Caller, Request)> {
        match event {
            SessionEvent::Open(peer) => {
                self.opened(conn, &peer);
                None
            }
            SessionEvent::Message { message, class, bytes } => self.message(conn, message, class, bytes),
        }
    }

    fn opened(&mut self, conn: ConnId, side: &PeerSide) {
        if side.role != Role::Node {
            let clients = self.links.get(conn).map_or(0, |link| self.links.clients_of(link.remote().ip()));
            if side.role == Role::Client && clients > self.setup.config.clients_per_addr {
                self.refuse_link(conn, CloseReason::Full, PeerFault::TooManyLinks);
            }
            return;
        }
        let node = side.node;
        if self.is_own(&node) {
            self.bootstrap.resolved(conn);
            self.close(conn, CloseReason::Other);
            return;
        }
        let Some(admission) = side.admission.as_ref().filter(|admission| !self.members.overrules(admission))
        else {
            self.tell_removal(conn, &node);
            self.refuse_link(conn, CloseReason::NotAdmitted, PeerFault::NotAdmitted);
            return;
        };
        let Some(news) = self.members.admit(admission) else {
            self.refuse_link(conn, CloseReason::Full, PeerFault::TooManyLinks);
            return;
        };
        self.learned(&news, &MembershipPage::default(), node);
        self.bootstrap.resolved(conn);
        let expected = self.links.get(conn).and_then(|link| link.expect);
        if expected.is_some_and(|expected| expected != node) && self.answers_for_another(conn, &node) {
            return;
        }
        let addr = self.links.get(conn).map(Link::remote);
        let reached = addr.filter(|_| conn.is_dialled());
        let opened = self.peers.opened(self.now, &self.own, conn, side, reached);
        if let Some(retired) = opened.retired {
            // It is the new one itself, if the old one is to stay.
            let by = self.peers.link(&node).unwrap_or(conn);
            self.links.retire(retired, by);
        }
        if let (true, Some(addr)) = (opened.first, addr) {
            let addr = self.peers.addrs(&node).first().copied().unwrap_or(addr);
            self.event(NodeEvent::PeerUp { node, addr });
        }
        if opened.addrs {
            self.addresses_changed();
        }
        if opened.first {
            self.repair_from(node);
        }
        if let Some(conn) = self.peers.link(&node) {
            self.ping(node, conn);
            // First of all, so that it knows of changes before it votes.
            self.gossip(conn, Request::View(self.question()), false);
            self.unpark(&node, conn);
            // It may know of deaths that this node has missed.
            self.store.check_pins_soon(self.now);
        }
        self.check_clock();
    }

    /// Another member answers at an address than the one that was dialled there. True if it is known to be where it
    /// is: then the link has no use.
    fn answers_for_another(&mut self, conn: ConnId, node: &NodeId) -> bool {
        if let Some(missed) = self.peers.dial_ended(self.now, conn) {
            self.missed(&missed);
        }
        let is_linked = self.peers.link(node).is_some();
        if is_linked {
            self.close(conn, CloseReason::Duplicate);
        }
        is_linked
    }

    fn refuse_link(&mut self, conn: ConnId, reason: CloseReason, fault: PeerFault) {
        if let Some(remote) = self.links.get(conn).map(Link::remote) {
            self.event(NodeEvent::Fault { conn, remote, fault });
        }
        self.close(conn, reason);
    }

    fn message(
        &mut self,
        conn: ConnId,
        message: Message,
        class: Class,
        bytes: u32,
    ) -> Option<(Caller, Request)> {
        let peer = self.links.get(conn).and_then(Link::peer)?;
        let node = peer.node;
        match message {
            Message::Request { id, request } => {
                self.links.took_request(conn);
                Some((Caller { conn, id, class, bytes }, request))
            }
            Message::UnknownRequest { id } => {
                self.links.took_request(conn);
                self.refuse(&Caller { conn, id, class, bytes }, ErrorCode::Unsupported);
                None
            }
            Message::Response { id, response, vote } => {
                if let Some(call) = self.links.answered(conn, id) {
                    match self.route(call, response, vote) {
                        Routed::Done => {}
                        Routed::Pong { sent, response } => self.ponged(conn, node, sent, response),
                        Routed::Gossip { everything, response } => {
                            self.gossip_answered(conn, node, everything, response);
                        }
                    }
                }
                None
            }
            Message::Goodbye(_) => {
                let calls = self.links.cut(self.now, conn);
                self.lost(conn, Some(node), calls);
                None
            }
            // The session keeps these to itself.
            Message::Hello(_) | Message::Credit { .. } => None,
        }
    }

    fn ponged(&mut self, conn: ConnId, node: NodeId, sent: Instant, response: Response) {
        match response {
            Response::Pong { unix_ms } => {
                self.peers.ponged(self.now, &node, sent, unix_ms);
                self.check_clock();
            }
            Response::Error(_) => {}
            _ => self.fault(conn, PeerFault::UnexpectedAnswer),
        }
    }

    /// Looks after silence: asks who is quiet whether it lives, goes on without who is suspect, closes what is dead.
    pub(super) fn heed_silence(&mut self) {
        let now = self.now.mono;
        let config = self.setup.config.clone();
        let quiet = |last: Instant| now.since(last);
        let links: Vec<_> =
            self.links.iter().filter_map(|(conn, link)| Some((conn, link.last_received()?))).collect();
        for (conn, last) in links {
            let Some((link, peer)) = self.links.get(conn).and_then(|link| Some((link, link.peer()?))) else {
                continue;
            };
            if peer.role != Role::Node {
                if !link.is_busy() && quiet(last) >= config.client_idle {
                    self.close(conn, CloseReason::Idle);
                }
                continue;
            }
            let node = peer.node;
            if quiet(last) >= config.idle_close {
                self.fault(conn, PeerFault::Silent);
            } else if quiet(last) >= config.heartbeat && self.peers.link(&node) == Some(conn) {
                self.ping(node, conn);
            }
        }
        for conn in self.peers.newly_suspect(self.now) {
            let calls = self.links.calls(conn);
            self.fail_operations(calls);
        }
    }

    /// When a link is to be looked at for its silence.
    pub(super) fn next_silence(&self) -> Option<Instant> {
        let config = &self.setup.config;
        let due = |(conn, link): (ConnId, &Link)| {
            let (last, peer) = (link.last_received()?, link.peer()?);
            if peer.role != Role::Node {
                return (!link.is_busy()).then_some(last + config.client_idle);
            }
            let asked = self.peers.awaits_pong(&peer.node) || self.peers.link(&peer.node) != Some(conn);
            Some(last + if asked { config.idle_close } else { config.heartbeat })
        };
        self.links.iter().filter_map(due).min()
    }

    /// Tells the store whether this node's clock agrees with the others'.
    pub(super) fn check_clock(&mut self) {
        let ok = match self.peers.clock_ahead_ms() {
            Some(ahead) => ahead.unsigned_abs() <= limit::CLOCK_SKEW_MS,
            None => self.members.joined && self.members.count() <= 1,
        };
        self.store.set_clock_ok(self.now, ok);
    }
}

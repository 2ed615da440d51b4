//! What every part of a node shares: its store, its links, the members; and how links and requests end.
//!
//! Knows nothing of what operations make of answers; the calls to other members and to the store are `calls`.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::bootstrap::Bootstrap;
use super::calls::{Answered, Call, Parked};
use super::link::{Caller, Link};
use super::links::{Links, Outputs};
use super::membership::Members;
use super::peers::{Peers, is_dialable};
use super::placement::OwnStanding;
use super::repair::Repair;
use super::store::{LocalStore, Origin};
use super::{NodeEvent, NodeSetup, SettingsWanted, View};
use crate::config::limit;
use crate::driver::Output;
use crate::error::PeerFault;
use crate::id::{ConnId, NodeId};
use crate::session::LocalSide;
use crate::time::{Instant, Now};
use crate::wire::{CloseReason, ErrorCode, Out, PeerState, Request, Response, Vote};

/// What a link is taken to carry, for a guess at when a busy member will answer: a gigabit, some 100 bytes in each
/// microsecond.
const BYTES_PER_US: usize = 100;

/// Everything but the operations.
#[derive(Debug)]
pub(super) struct Hub {
    pub(super) now: Now,
    pub(super) started: Instant,
    pub(super) setup: NodeSetup,
    pub(super) own: NodeId,
    pub(super) store: LocalStore,
    pub(super) links: Links,
    pub(super) peers: Peers,
    pub(super) bootstrap: Bootstrap,
    pub(super) members: Members,
    pub(super) repair: Repair,
    pub(super) view: Arc<View>,
    /// Who is out of it, and what has to be taken over from earlier ones.
    pub(super) standing: OwnStanding,
    /// The membership as it is now is durable when so many changes of the state are.
    pub(super) saved_membership: u64,
    /// What this node shows of itself on links; none until its disk is loaded.
    pub(super) local: Option<Arc<LocalSide>>,
    pub(super) out: Outputs,
    /// Answers on their way to operations.
    pub(super) answers: VecDeque<Answered>,
    /// Requests of clients that no operation has begun yet.
    pub(super) requests: VecDeque<Asking>,
    /// How many operations run, for the status.
    pub(super) open_operations: usize,
    pub(super) gossip_at: Instant,
    /// Why this node must stop, if it must.
    pub(super) ending: Option<NodeEvent>,
    pub(super) calls: BTreeMap<u64, Call>,
    pub(super) next_call: u64,
    pub(super) parked: BTreeMap<NodeId, Parked>,
    /// With whom memberships were compared lately because of a vote.
    pub(super) compared: BTreeMap<NodeId, Instant>,
}

/// A request of a client, checked as far as its role goes.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) caller: Caller,
    pub(super) origin: Origin,
    pub(super) request: Request,
    pub(super) until: Instant,
}

impl Hub {
    pub(super) fn new(now: Now, setup: NodeSetup, store: LocalStore, members: Members) -> Self {
        let config = &setup.config;
        let own = setup.identity.node_id(setup.suite);
        let view = Arc::new(members.view(|_| false));
        Self {
            now,
            started: now.mono,
            own,
            store,
            links: Links::new(config.clone()),
            peers: Peers::new(config.clone(), setup.seed),
            bootstrap: Bootstrap::new(now, config, own, &setup.peers),
            members,
            repair: Repair::new(now.mono),
            view,
            standing: OwnStanding::new(),
            saved_membership: 0,
            local: None,
            out: VecDeque::new(),
            answers: VecDeque::new(),
            requests: VecDeque::new(),
            open_operations: 0,
            gossip_at: now.mono + config.gossip_every,
            ending: None,
            calls: BTreeMap::new(),
            next_call: 0,
            parked: BTreeMap::new(),
            compared: BTreeMap::new(),
            setup,
        }
    }

    pub(super) fn event(&mut self, event: NodeEvent) {
        self.out.push_back(Output::Event(event));
    }

    /// Answers a request that came over a link. Its credit is released apart, when nothing of it is held any more.
    pub(super) fn answer(&mut self, caller: &Caller, response: Response) {
        self.answer_with(caller, response, None);
    }

    pub(super) fn answer_with(&mut self, caller: &Caller, mut response: Response, vote: Option<Vote>) {
        if let Response::Status(status) = &mut response {
            self.complete_status(status);
        }
        self.links.answer(caller, response, vote);
    }

    /// Answers a request at once.
    pub(super) fn settle(&mut self, caller: &Caller, response: Response) {
        self.answer(caller, response);
        self.links.release(caller);
    }

    pub(super) fn refuse(&mut self, caller: &Caller, code: ErrorCode) {
        self.settle(caller, Response::Error(code.into()));
    }

    /// A peer broke the protocol: its link goes.
    pub(super) fn fault(&mut self, conn: ConnId, fault: PeerFault) {
        let Some(remote) = self.links.get(conn).map(Link::remote) else { return };
        let node = self.links.get(conn).and_then(|link| link.peer()).map(|peer| peer.node);
        let calls = self.links.cut(self.now, conn);
        let unnamed = self.bootstrap.is_unnamed(conn);
        if fault == PeerFault::Oneself {
            // Trying again would reach nobody else.
            self.bootstrap.resolved(conn);
        }
        // Where nobody in particular was expected, this node's own address is no surprise.
        if fault != PeerFault::Oneself || !unnamed {
            self.event(NodeEvent::Fault { conn, remote, fault });
        }
        self.lost(conn, node, calls);
    }

    /// A member sent what cannot be: its link goes.
    pub(super) fn distrust(&mut self, node: &NodeId) {
        if let Some(conn) = self.peers.link(node) {
            self.fault(conn, PeerFault::WrongContent);
        }
    }

    /// Says goodbye on a link.
    pub(super) fn close(&mut self, conn: ConnId, reason: CloseReason) {
        let node = self.links.get(conn).and_then(|link| link.peer()).map(|peer| peer.node);
        let calls = self.links.close(self.now, conn, reason);
        self.lost(conn, node, calls);
    }

    /// Bytes came over this link.
    pub(super) fn heard(&mut self, conn: ConnId) {
        let node = self.links.get(conn).and_then(Link::peer).map(|peer| peer.node);
        if let Some(node) = node.filter(|node| self.peers.heard(self.now, node)) {
            self.repair_from(node);
        }
    }

    /// Nothing more comes over this link; `node`: to which member, if it was open.
    pub(super) fn lost(&mut self, conn: ConnId, node: Option<NodeId>, calls: Vec<u64>) {
        self.fail_all(calls);
        self.bootstrap.ended(self.now, conn, self.peers.rng());
        if let Some(node) = node {
            let other = self.links.iter().find(|(other, link)| {
                *other != conn
                    && link.peer().is_some_and(|peer| peer.node == node && self.peers.contains(&node))
            });
            let other = other.map(|(other, _)| other);
            if self.peers.closed(self.now, &node, conn, other) {
                self.event(NodeEvent::PeerDown { node });
                self.missed(&node);
            }
        }
        if let Some(node) = self.peers.dial_ended(self.now, conn) {
            self.missed(&node);
        }
    }

    pub(super) fn is_own(&self, node: &NodeId) -> bool {
        *node == self.own
    }

    /// See [`Peers::epoch`]; this node's own disk stays what it is while it runs.
    pub(super) fn epoch(&self, node: &NodeId) -> u64 {
        if self.is_own(node) { 0 } else { self.peers.epoch(node) }
    }

    /// True if the member has a link and has been heard of lately.
    pub(super) fn is_responsive(&self, node: &NodeId) -> bool {
        self.peers.link(node).is_some() && !self.peers.is_silent(self.now, node)
    }

    /// Members in the order in which to ask them for a blob: those that respond, those that will have answered sooner,
    /// by id. What a near member has still to send counts as time, so that load spreads to those further away.
    pub(super) fn by_priority(&self, nodes: &mut [NodeId]) {
        nodes.sort_by_cached_key(|node| {
            let link = self.peers.link(node).and_then(|conn| self.links.get(conn));
            let queued = link.map_or(usize::MAX, |link| link.in_flight() / BYTES_PER_US);
            let rtt = self.peers.rtt_us(node);
            (!self.is_responsive(node), rtt == 0, queued.saturating_add(rtt as usize), *node)
        });
    }

    /// The members that have a link and respond, this node left out.
    pub(super) fn responsive(&self) -> Vec<NodeId> {
        self.peers.linked().map(|(node, _)| node).filter(|node| self.is_responsive(node)).collect()
    }

    pub(super) fn gone_after(&self) -> Duration {
        self.members.settings().map_or(SettingsWanted::DEFAULT_GONE_AFTER, |settings| settings.gone_after)
    }

    pub(super) fn state(&self, node: &NodeId) -> PeerState {
        if self.is_own(node) {
            return PeerState::Own;
        }
        match self.is_out(node) {
            Some(Out::Gone) => PeerState::Gone,
            Some(Out::Leaving) => PeerState::Leaving,
            None => self.peers.state(self.now, node, self.gone_after()),
        }
    }

    /// Where a member may be reached, as told to others.
    pub(super) fn addrs(&self, node: &NodeId) -> Vec<SocketAddr> {
        if self.is_own(node) { self.own_addrs() } else { self.peers.addrs(node).to_vec() }
    }

    pub(super) fn own_addrs(&self) -> Vec<SocketAddr> {
        self.setup.listen.iter().copied().filter(is_dialable).take(limit::ADDRS).collect()
    }
}

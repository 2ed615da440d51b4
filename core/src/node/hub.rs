//! What every part of a node shares: its store, its links, the members, and the calls under way to any of them.
//!
//! A call goes to this node's own store or to another member, and is answered exactly once, if only with its
//! failure. Knows nothing of what operations make of the answers.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::SocketAddr;
use core::time::Duration;

use super::ballot::Ballot;
use super::bootstrap::Bootstrap;
use super::link::{Caller, Link, weight};
use super::links::{Links, Outputs};
use super::membership::Members;
use super::peers::{Peers, is_dialable};
use super::placement::OwnStanding;
use super::repair::Repair;
use super::store::{Keep, LocalStore, Origin};
use super::{NodeEvent, NodeSetup, SettingsWanted, View};
use crate::config::limit;
use crate::driver::Output;
use crate::error::PeerFault;
use crate::id::{BlobId, ConnId, Name, NodeId, OwnerId};
use crate::session::LocalSide;
use crate::time::{Instant, Now};
use crate::wire::{CloseReason, ErrorCode, Out, PeerState, Request, Response, Vote, WireError};

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
    next_call: u64,
    pub(super) parked: BTreeMap<NodeId, Parked>,
    /// With whom memberships were compared lately because of a vote.
    pub(super) compared: BTreeMap<NodeId, Instant>,
}

/// Calls that wait for a dial to come to something.
pub(super) type Parked = Vec<(u64, Request)>;

/// A request of a client, checked as far as its role goes.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) caller: Caller,
    pub(super) origin: Origin,
    pub(super) request: Request,
    pub(super) until: Instant,
}

/// The answer to a call of an operation.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) op: u64,
    pub(super) slot: u32,
    pub(super) from: NodeId,
    pub(super) result: Result<Response, Failure>,
    /// What the answerer stands for; none if its view is another than this node's.
    pub(super) vote: Option<Vote>,
}

/// Why a call came to nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// It was refused.
    Refused(WireError),
    /// No link, or it ended before the answer.
    Lost,
}

/// Who waits for a call. `word`: what [`Hub::word`] was when this node's own store was asked.
#[derive(Debug)]
pub(super) enum Call {
    Operation { op: u64, slot: u32, to: NodeId, ballot: Ballot, word: u64 },
    Caller { caller: Caller, ballot: Ballot, word: u64 },
    Ping { sent: Instant },
    Gossip { everything: bool },
}

/// What came of an answer that is not for an operation.
#[derive(Debug)]
pub(super) enum Routed {
    /// Dealt with.
    Done,
    /// The answer to a `Ping` of this time.
    Pong { sent: Instant, response: Response },
    /// The answer to a `View`; `everything`: of one that told all.
    Gossip { everything: bool, response: Response },
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

    fn call(&mut self, call: Call) -> u64 {
        let id = self.next_call;
        self.next_call += 1;
        self.calls.insert(id, call);
        id
    }

    /// Asks this node's own store for an operation.
    pub(super) fn ask_own(&mut self, op: u64, slot: u32, origin: Origin, keep: Keep, request: Request) {
        let (ballot, word) = (self.ballot(&request), self.word());
        let call = self.call(Call::Operation { op, slot, to: self.own, ballot, word });
        self.store.submit(self.now, call, origin, keep, request);
    }

    /// The token of something else that an operation asks of this node's own store.
    pub(super) fn own_call(&mut self, op: u64, slot: u32) -> u64 {
        self.call(Call::Operation { op, slot, to: self.own, ballot: Ballot::Nothing, word: 0 })
    }

    /// Has this node's own store check a blob that came from elsewhere.
    pub(super) fn check_own(&mut self, op: u64, slot: u32, id: BlobId, blob: Bytes) {
        let call = self.own_call(op, slot);
        self.store.check_blob(self.now, call, id, blob);
    }

    /// Asks this node's own store for what is in quarantine of a name.
    pub(super) fn ask_quarantine(&mut self, op: u64, slot: u32, owner: OwnerId, name: Name) {
        let call = self.call(Call::Operation { op, slot, to: self.own, ballot: Ballot::Nothing, word: 0 });
        self.store.quarantined(self.now, call, owner, name);
    }

    /// Asks this node's own store for whoever sent the request. Another member is told for which set the answer stands.
    pub(super) fn ask_for(&mut self, caller: Caller, origin: Origin, request: Request) {
        let ballot = match origin {
            Origin::Node(_) => self.ballot(&request),
            _ => Ballot::Nothing,
        };
        let word = self.word();
        let call = self.call(Call::Caller { caller, ballot, word });
        self.store.submit(self.now, call, origin, Keep::Replica, request);
    }

    /// Asks another member for an operation: at once, or as soon as the dial under way, or the first one to come, comes
    /// to something. Nobody waits for one that was silent for long.
    pub(super) fn ask(&mut self, op: u64, slot: u32, to: NodeId, request: Request) {
        let ballot = self.ballot(&request);
        let call = self.call(Call::Operation { op, slot, to, ballot, word: 0 });
        if let Some(conn) = self.peers.link(&to).filter(|_| self.is_responsive(&to)) {
            if !self.links.ask(conn, call, request) {
                self.fail(call);
            }
        } else if self.peers.is_expected(&to) && !self.peers.is_silent(self.now, &to) {
            self.park(to, call, request);
        } else {
            self.fail(call);
        }
    }

    /// Has a call wait for a dial. As much may wait for it as on a link.
    fn park(&mut self, to: NodeId, call: u64, request: Request) {
        let config = &self.setup.config;
        let parked = self.parked.entry(to).or_default();
        let bytes: usize = parked.iter().map(|(_, request)| weight(request)).sum();
        if parked.len() < config.max_operations && bytes < config.link_backlog {
            parked.push((call, request));
        } else {
            self.fail(call);
        }
    }

    /// Asks every linked member for its clock. Where there is always traffic nobody is silent, and nobody would ask.
    pub(super) fn ping_all(&mut self) {
        let linked: Vec<_> = self.peers.linked().collect();
        for (node, conn) in linked {
            self.ping(node, conn);
        }
    }

    pub(super) fn ping(&mut self, node: NodeId, conn: ConnId) {
        if self.peers.awaits_pong(&node) {
            return;
        }
        let call = self.call(Call::Ping { sent: self.now.mono });
        // Asked or, with too much waiting on the link, not: from now on silence counts.
        self.peers.pinged(self.now, &node);
        if !self.links.ask(conn, call, Request::Ping { unix_ms: self.now.unix_ms }) {
            self.calls.remove(&call);
        }
    }

    /// Tells a member of the membership.
    pub(super) fn gossip(&mut self, conn: ConnId, request: Request, everything: bool) {
        let call = self.call(Call::Gossip { everything });
        if !self.links.ask(conn, call, request) {
            self.calls.remove(&call);
        }
    }

    fn ballot(&self, request: &Request) -> Ballot {
        Ballot::of(self.setup.suite, request)
    }

    /// A call was answered; by another member with what it stands for.
    pub(super) fn route(&mut self, call: u64, mut response: Response, vote: Option<Vote>) -> Routed {
        // An operation that is over left its calls behind.
        let Some(waiting) = self.calls.remove(&call) else { return Routed::Done };
        match waiting {
            Call::Operation { op, slot, to, ballot, word } => {
                let vote = match self.is_own(&to) {
                    true => self.cast(&ballot, word, &mut response),
                    false => self.check_vote(&to, &ballot, &mut response, vote),
                };
                let result = match response {
                    Response::Error(error) => Err(Failure::Refused(error)),
                    response => Ok(response),
                };
                self.answers.push_back(Answered { op, slot, from: to, result, vote });
                Routed::Done
            }
            Call::Caller { caller, ballot, word } => {
                let vote = self.cast(&ballot, word, &mut response);
                self.answer_with(&caller, response, vote);
                self.links.release(&caller);
                Routed::Done
            }
            Call::Ping { sent } => Routed::Pong { sent, response },
            Call::Gossip { everything } => Routed::Gossip { everything, response },
        }
    }

    /// These calls will not be answered.
    pub(super) fn fail_all(&mut self, calls: Vec<u64>) {
        calls.into_iter().for_each(|call| self.fail(call));
    }

    /// Those of these calls that operations wait for will not be answered in time.
    pub(super) fn fail_operations(&mut self, mut calls: Vec<u64>) {
        calls.retain(|call| matches!(self.calls.get(call), Some(Call::Operation { .. })));
        self.fail_all(calls);
    }

    fn fail(&mut self, call: u64) {
        if let Some(Call::Operation { op, slot, to, .. }) = self.calls.remove(&call) {
            self.answers.push_back(Answered { op, slot, from: to, result: Err(Failure::Lost), vote: None });
        }
    }

    /// A link to the member is open: what waited for it goes out.
    pub(super) fn unpark(&mut self, node: &NodeId, conn: ConnId) {
        for (call, request) in self.parked.remove(node).unwrap_or_default() {
            if !self.links.ask(conn, call, request) {
                self.fail(call);
            }
        }
    }

    /// A dial of the member, or its last link, has ended: what waited for it has failed, unless another is to come.
    pub(super) fn missed(&mut self, node: &NodeId) {
        if !self.peers.is_expected(node) {
            self.fail_parked(node);
        }
    }

    /// The member cannot be reached: what waited for it has failed.
    pub(super) fn fail_parked(&mut self, node: &NodeId) {
        let parked = self.parked.remove(node).unwrap_or_default();
        self.fail_all(parked.into_iter().map(|(call, _)| call).collect());
    }

    /// Answers a request that came over a link. Its credit is released apart, when nothing of it is held any more.
    pub(super) fn answer(&mut self, caller: &Caller, response: Response) {
        self.answer_with(caller, response, None);
    }

    fn answer_with(&mut self, caller: &Caller, mut response: Response, vote: Option<Vote>) {
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

//! The one link to an entry node: dials the addresses in turn, waits between rounds, keeps one session.
//!
//! Knows nothing of operations: it is told when a link is needed, and tells what came over it. Which address is dialled
//! and when stands in `dial`.

mod dial;

use alloc::boxed::Box;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::SocketAddr;
use core::time::Duration;

use crate::client::event::ClientEvent;
use crate::client::round::{Failure, Round};
use crate::config::Config;
use crate::driver::Output;
use crate::error::{ApiMisuse, OpError, PeerFault};
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::{ConnId, NodeId};
use crate::rng::Rng;
#[cfg(any(test, feature = "sim"))]
use crate::session::Share;
use crate::session::{LocalSide, PeerSide, Session, SessionEvent};
use crate::time::{Instant, Now};
use crate::wire::{Class, CloseReason, Message};

/// What happened to the link.
#[expect(
    clippy::large_enum_variant,
    reason = "all but a few are messages, and no more wait than one input brought"
)]
#[derive(Debug)]
pub(in crate::client) enum LinkEvent {
    /// It is open.
    Opened { node: NodeId, addr: SocketAddr },
    /// A message came; give class and bytes back with [`Link::release`].
    Message { message: Message, class: Class, bytes: u32 },
    /// It was open and is gone.
    Lost { fault: Option<PeerFault> },
    /// Every address was tried, none led to an open link.
    Unreached(OpError),
}

#[derive(Debug)]
enum State {
    /// No link, and none needed.
    Idle,
    /// No link; dial then.
    Waiting(Instant),
    Dialling {
        conn: ConnId,
        deadline: Instant,
    },
    /// The handshake is under way, or the link is open.
    Up {
        conn: ConnId,
        session: Box<Session>,
    },
    /// The client was closed.
    Closed,
}

type Outputs = VecDeque<Output<ClientEvent>>;

/// The link.
pub(in crate::client) struct Link {
    config: Config,
    local: Arc<LocalSide>,
    entry: Vec<(Option<NodeId>, SocketAddr)>,
    rng: Rng,
    state: State,
    events: VecDeque<LinkEvent>,
    /// Links that were given up and whose end was not yet reported.
    given_up: BTreeSet<ConnId>,
    dialled: u64,
    /// Which address is dialled, or was last.
    at: usize,
    round: Round,
    /// How often in a row it closed the link after our first message.
    refusals: u32,
    wait: Duration,
    /// When the driver last reported bytes as sent.
    moved: Instant,
}

impl Link {
    pub(in crate::client) fn new(
        now: Now,
        config: Config,
        local: LocalSide,
        entry: Vec<(Option<NodeId>, SocketAddr)>,
        seed: [u8; 32],
    ) -> Self {
        Self {
            wait: config.redial_first,
            config,
            local: Arc::new(local),
            entry,
            rng: Rng::from_seed(seed),
            state: State::Idle,
            events: VecDeque::new(),
            given_up: BTreeSet::new(),
            dialled: 0,
            at: 0,
            round: Round::default(),
            refusals: 0,
            moved: now.mono,
        }
    }

    /// Somebody waits for an answer: dial, if nothing is under way.
    pub(in crate::client) fn need(&mut self, now: Now, outputs: &mut Outputs) {
        if matches!(self.state, State::Idle) {
            self.dial(now, outputs);
        }
    }

    /// Nobody waits any more: stop dialling in vain. A link that stands stays.
    pub(in crate::client) fn rest(&mut self) {
        if matches!(self.state, State::Waiting(_)) {
            self.state = State::Idle;
        }
    }

    /// What happened.
    pub(in crate::client) fn poll_event(&mut self) -> Option<LinkEvent> {
        self.events.pop_front()
    }

    /// How many requests the peer bears at once, when the link is open.
    pub(in crate::client) fn peer(&self) -> Option<&PeerSide> {
        match &self.state {
            State::Up { session, .. } => session.peer(),
            _ => None,
        }
    }

    /// When the peer or the driver last moved something on the open link.
    pub(in crate::client) fn last_moved(&self) -> Option<Instant> {
        match &self.state {
            State::Up { session, .. } if session.peer().is_some() => {
                Some(session.last_received().max(self.moved))
            }
            _ => None,
        }
    }

    /// When the driver last reported bytes as sent.
    pub(in crate::client) fn last_sent(&self) -> Instant {
        self.moved
    }

    /// How many addresses there are.
    pub(in crate::client) fn entries(&self) -> usize {
        self.entry.len()
    }

    /// Queues a message.
    pub(in crate::client) fn send(&mut self, message: &Message) {
        if let State::Up { session, .. } = &mut self.state {
            session.send(message);
        }
    }

    /// Gives credit back.
    pub(in crate::client) fn release(&mut self, class: Class, bytes: u32) {
        if let State::Up { session, .. } = &mut self.state {
            session.release(class, bytes);
        }
    }

    /// The dial succeeded.
    pub(in crate::client) fn connected(
        &mut self,
        now: Now,
        conn: ConnId,
        entropy: [u8; 32],
        outputs: &mut Outputs,
    ) -> Result<(), ApiMisuse> {
        match &self.state {
            _ if self.given_up.contains(&conn) => Ok(()),
            State::Dialling { conn: dialled, .. } if *dialled == conn => {
                let expect = self.entry.get(self.at).and_then(|(node, _)| *node);
                let session = Session::dial(&self.config, now, self.local.clone(), expect, entropy);
                let session = Box::new(session);
                self.moved = now.mono;
                self.state = State::Up { conn, session };
                self.pump(outputs);
                Ok(())
            }
            State::Up { conn: up, .. } if *up == conn => Err(ApiMisuse::DuplicateConn(conn)),
            _ => Err(ApiMisuse::UnknownConn(conn)),
        }
    }

    /// The dial failed.
    pub(in crate::client) fn dial_failed(
        &mut self,
        now: Now,
        conn: ConnId,
        outputs: &mut Outputs,
    ) -> Result<(), ApiMisuse> {
        match &self.state {
            _ if self.given_up.remove(&conn) => Ok(()),
            State::Dialling { conn: dialled, .. } if *dialled == conn => {
                self.failed(now, Failure::Unreachable, outputs);
                Ok(())
            }
            _ => Err(ApiMisuse::UnknownConn(conn)),
        }
    }

    /// Bytes came.
    pub(in crate::client) fn received(
        &mut self,
        now: Now,
        conn: ConnId,
        bytes: Bytes,
        outputs: &mut Outputs,
    ) -> Result<(), ApiMisuse> {
        if self.given_up.contains(&conn) {
            return Ok(());
        }
        let result = self.session(conn)?.receive(now, bytes);
        self.take_session_events();
        match result {
            Ok(()) => self.pump(outputs),
            Err(fault) => self.fault(now, fault, outputs),
        }
        Ok(())
    }

    /// Bytes left.
    pub(in crate::client) fn sent(
        &mut self,
        now: Now,
        conn: ConnId,
        bytes: usize,
        outputs: &mut Outputs,
    ) -> Result<(), ApiMisuse> {
        if self.given_up.contains(&conn) {
            return Ok(());
        }
        if !self.session(conn)?.sent(bytes) {
            return Err(ApiMisuse::SentTooMuch(conn));
        }
        self.moved = now.mono;
        self.pump(outputs);
        Ok(())
    }

    /// The link ended.
    pub(in crate::client) fn disconnected(
        &mut self,
        now: Now,
        conn: ConnId,
        outputs: &mut Outputs,
    ) -> Result<(), ApiMisuse> {
        if self.given_up.remove(&conn) {
            return Ok(());
        }
        let session = self.session(conn)?;
        if session.peer().is_some() {
            self.next_address();
            self.lost(now, None);
        } else if session.heard() {
            self.failed(now, Failure::Unreachable, outputs);
        } else {
            self.refused(now, outputs);
        }
        Ok(())
    }

    /// The peer broke the protocol, as whoever reads its messages finds: ends the link and counts as one way in less.
    pub(in crate::client) fn fault(&mut self, now: Now, fault: PeerFault, outputs: &mut Outputs) {
        let State::Up { conn, session } = &mut self.state else { return };
        let conn = *conn;
        let was_open = session.peer().is_some();
        session.close(CloseReason::Fault);
        self.pump(outputs);
        self.give_up(conn, outputs);
        if was_open {
            self.next_address();
            self.lost(now, Some(fault));
        } else if fault == PeerFault::HandshakeTimeout {
            self.failed(now, Failure::Unreachable, outputs);
        } else {
            self.failed(now, Failure::Fault(fault), outputs);
        }
    }

    /// Says goodbye; nothing is dialled after it.
    pub(in crate::client) fn close(&mut self, outputs: &mut Outputs) {
        match core::mem::replace(&mut self.state, State::Closed) {
            State::Dialling { conn, .. } => self.give_up(conn, outputs),
            State::Up { conn, mut session } => {
                session.close(CloseReason::Shutdown);
                self.state = State::Up { conn, session };
                self.pump(outputs);
                self.state = State::Closed;
                self.give_up(conn, outputs);
            }
            _ => {}
        }
        self.events.clear();
    }

    /// Acts on what is due.
    pub(in crate::client) fn handle_timeout(&mut self, now: Now, outputs: &mut Outputs) {
        match &mut self.state {
            State::Waiting(at) if *at <= now.mono => self.dial(now, outputs),
            State::Dialling { conn, deadline } if *deadline <= now.mono => {
                let conn = *conn;
                self.give_up(conn, outputs);
                self.failed(now, Failure::Unreachable, outputs);
            }
            State::Up { session, .. } => {
                let result = session.handle_timeout(now);
                match result {
                    Ok(()) => self.pump(outputs),
                    Err(fault) => self.fault(now, fault, outputs),
                }
            }
            _ => {}
        }
    }

    /// When something is due.
    pub(in crate::client) fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting(at) => Some(*at),
            State::Dialling { deadline, .. } => Some(*deadline),
            State::Up { session, .. } => session.poll_timeout(),
            State::Idle | State::Closed => None,
        }
    }

    /// Hands out what the session has to send.
    pub(in crate::client) fn pump(&mut self, outputs: &mut Outputs) {
        if let State::Up { conn, session } = &mut self.state {
            while let Some(bytes) = session.poll_transmit() {
                outputs.push_back(Output::Send { conn: *conn, bytes });
            }
        }
    }

    /// Tells what it holds.
    #[cfg(any(test, feature = "sim"))]
    pub(in crate::client) fn gauge(&self, config: &Config, share: Share, gauges: &mut Gauges) {
        gauges.count("client: events of the link", self.events.len(), 0, "taken at once");
        gauges.count("client: addresses tried in vain", self.round.len(), self.entry.len(), "addresses");
        if let State::Up { session, .. } = &self.state {
            session.gauge(config, share, gauges);
        }
    }

    fn take_session_events(&mut self) {
        let State::Up { session, .. } = &mut self.state else { return };
        while let Some(event) = session.poll_event() {
            match event {
                SessionEvent::Open(peer) => {
                    self.round = Round::default();
                    self.refusals = 0;
                    self.wait = self.config.redial_first;
                    if let Some((_, addr)) = self.entry.get(self.at) {
                        self.events.push_back(LinkEvent::Opened { node: peer.node, addr: *addr });
                    }
                }
                SessionEvent::Message { message, class, bytes } => {
                    self.events.push_back(LinkEvent::Message { message, class, bytes });
                }
            }
        }
    }

    fn session(&mut self, conn: ConnId) -> Result<&mut Session, ApiMisuse> {
        match &mut self.state {
            State::Up { conn: up, session } if *up == conn => Ok(session),
            _ => Err(ApiMisuse::UnknownConn(conn)),
        }
    }
}

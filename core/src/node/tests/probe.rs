//! One end of links that does as it is told: asks what a test wants, and answers by a script.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::config::Config;
use crate::crypto::Suite;
use crate::driver::{Input, Machine, Output};
use crate::error::{ApiMisuse, PeerFault};
use crate::id::{ConnId, NodeId};
use crate::node::ballot::Ballot;
use crate::node::store::Placement as _;
use crate::node::{NodeEvent, View};
use crate::session::{LocalSide, Session, SessionEvent};
use crate::time::{Instant, Now};
use crate::wire::{CloseReason, Message, Request, Response, Vote};

/// What to answer; nothing is answered to `None`.
pub(super) type Script = fn(&Request) -> Option<Response>;

#[derive(Debug)]
pub(super) struct Probe {
    config: Config,
    local: Arc<LocalSide>,
    pub(super) script: Script,
    links: BTreeMap<ConnId, Session>,
    open: Vec<ConnId>,
    asked: u32,
    answers: BTreeMap<u32, Response>,
    /// What came with each answer.
    pub(super) answered_votes: Vec<Option<Vote>>,
    dials: u64,
    out: VecDeque<Output<NodeEvent>>,
    pub(super) goodbyes: Vec<CloseReason>,
    pub(super) faults: Vec<PeerFault>,
    pub(super) seen: Vec<Request>,
    pub(super) disconnects: usize,
    /// Answers carry this member's vote, as this view has it.
    pub(super) votes: Option<(Suite, NodeId, Arc<View>)>,
    /// Links stand, but nothing is said on them.
    pub(super) silent: bool,
}

impl Probe {
    pub(super) fn new(config: Config, local: Arc<LocalSide>, script: Script) -> Self {
        Self {
            config,
            local,
            script,
            links: BTreeMap::new(),
            open: Vec::new(),
            asked: 0,
            answers: BTreeMap::new(),
            answered_votes: Vec::new(),
            dials: 0,
            out: VecDeque::new(),
            goodbyes: Vec::new(),
            faults: Vec::new(),
            seen: Vec::new(),
            disconnects: 0,
            votes: None,
            silent: false,
        }
    }

    pub(super) fn dial(&mut self, addr: SocketAddr) {
        let conn = ConnId::dialled(self.dials);
        self.dials += 1;
        self.out.push_back(Output::Dial { conn, addr });
    }

    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Asks on the first link that is open.
    pub(super) fn ask(&mut self, request: Request) -> u32 {
        self.asked += 1;
        let id = self.asked;
        if let Some(session) = self.open.first().and_then(|conn| self.links.get_mut(conn)) {
            session.send(&Message::Request { id, request });
        }
        self.pump_all();
        id
    }

    pub(super) fn has_answer(&self, id: u32) -> bool {
        self.answers.contains_key(&id)
    }

    pub(super) fn take_answer(&mut self, id: u32) -> Option<Response> {
        self.answers.remove(&id)
    }

    fn pump_all(&mut self) {
        let conns: Vec<_> = self.links.keys().copied().collect();
        conns.into_iter().for_each(|conn| self.pump(conn));
    }

    fn pump(&mut self, conn: ConnId) {
        let Some(session) = self.links.get_mut(&conn) else { return };
        while let Some(event) = session.poll_event() {
            match event {
                SessionEvent::Open(_) => self.open.push(conn),
                SessionEvent::Message { message, class, bytes } => {
                    match message {
                        Message::Request { id, request } => {
                            if let Some(mut response) = (self.script)(&request) {
                                let vote = self.votes.as_ref().and_then(|(suite, own, view)| {
                                    let set = |at: &_| view.is_replica(own, at).then(|| view.set_hash(at));
                                    Ballot::of(*suite, &request).cast(*suite, &mut response, set)
                                });
                                session.send(&Message::Response { id, response, vote });
                            }
                            self.seen.push(request);
                        }
                        Message::Response { id, response, vote } => {
                            self.answers.insert(id, response);
                            self.answered_votes.push(vote);
                        }
                        Message::Goodbye(reason) => self.goodbyes.push(reason),
                        _ => {}
                    }
                    session.release(class, bytes);
                }
            }
        }
        while !self.silent
            && let Some(bytes) = session.poll_transmit()
        {
            self.out.push_back(Output::Send { conn, bytes });
        }
    }
}

impl Machine for Probe {
    type Event = NodeEvent;

    fn handle_input(&mut self, now: Now, input: Input) -> Result<(), ApiMisuse> {
        match input {
            Input::Connected { conn, entropy, .. } => {
                let local = self.local.clone();
                let session = if conn.is_dialled() {
                    Session::dial(&self.config, now, local, None, entropy)
                } else {
                    Session::accept(&self.config, now, local, entropy)
                };
                self.links.insert(conn, session);
                self.pump(conn);
            }
            Input::Received { conn, bytes } => {
                let result = self.links.get_mut(&conn).map(|session| session.receive(now, bytes));
                if let Some(Err(fault)) = result {
                    self.faults.push(fault);
                }
                self.pump(conn);
            }
            Input::Sent { conn, bytes } => {
                if let Some(session) = self.links.get_mut(&conn) {
                    assert!(session.sent(bytes));
                }
                self.pump(conn);
            }
            Input::Disconnected { conn } | Input::DialFailed { conn } => {
                self.disconnects += 1;
                self.open.retain(|open| *open != conn);
                self.links.remove(&conn);
            }
            Input::Timeout | Input::Disk { .. } | Input::Job { .. } => {}
        }
        Ok(())
    }

    fn poll_output(&mut self) -> Option<Output<NodeEvent>> {
        self.out.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

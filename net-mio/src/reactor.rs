//! All sockets of a machine on one event queue: who has something to do gets a turn, each in its turn.
//!
//! The reactor turns readiness into [`Input`]s and knows no machine. The events are edge-triggered, so what is
//! ready stays in a queue of its own until the system says `WouldBlock`; one turn is one system call, so that a
//! busy link delays another by no more than that.

use crate::buffers::Buffers;
use crate::clock::wait_until;
use crate::conn::{Link, Phase, Turn};
use crate::listen::{Accepted, Listener};
use bytes::Bytes;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use quantumsync_core::driver::Input;
use quantumsync_core::id::ConnId;
use quantumsync_core::time::Instant;
use slab::Slab;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// A link that is closed gets this long to send what it was given.
const FLUSH: Duration = Duration::from_secs(1);
/// Events that one wait takes from the system; more come with the next.
const EVENTS: usize = 256;
/// Tokens from here up are listeners, below it links.
const FIRST_LISTENER: usize = usize::MAX / 2;
const WAKER: Token = Token(FIRST_LISTENER - 1);

/// Sockets, buffers and deadlines.
pub(crate) struct Reactor {
    poll: Poll,
    events: Events,
    listeners: Vec<Listener>,
    links: Slab<Link>,
    by_id: HashMap<ConnId, usize>,
    /// Tokens that are ready, in the order of their turns.
    ready: VecDeque<Token>,
    /// When links in transition end at the latest, and when listeners try again.
    deadlines: BTreeSet<(Instant, Token)>,
    /// Answers that need no turn.
    answers: VecDeque<Input>,
    buffers: Buffers,
    accepted: u64,
    limits: Limits,
    /// No new links.
    ending: bool,
}

/// What a reactor allows.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_links: usize,
    pub(crate) dial_deadline: Duration,
}

impl Reactor {
    pub(crate) fn new(limits: Limits) -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS),
            listeners: Vec::new(),
            links: Slab::new(),
            by_id: HashMap::new(),
            ready: VecDeque::new(),
            deadlines: BTreeSet::new(),
            answers: VecDeque::new(),
            buffers: Buffers::default(),
            accepted: 0,
            limits,
            ending: false,
        })
    }

    pub(crate) fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), WAKER)
    }

    /// Listens on one more address; returns the one it got.
    pub(crate) fn listen(&mut self, addr: SocketAddr) -> io::Result<SocketAddr> {
        let mut listener = Listener::bind(addr)?;
        let bound = listener.socket.local_addr()?;
        let token = Token(FIRST_LISTENER + self.listeners.len());
        self.poll.registry().register(&mut listener.socket, token, Interest::READABLE)?;
        self.listeners.push(listener);
        Ok(bound)
    }

    /// Opens a link; its outcome comes as an input.
    pub(crate) fn dial(&mut self, now: Instant, conn: ConnId, addr: SocketAddr) {
        if self.ending {
            self.answers.push_back(Input::DialFailed { conn });
            return;
        }
        let link = TcpStream::connect(addr).map(|stream| Link::dialling(conn, stream));
        match link.and_then(|link| self.register(link)) {
            Ok(token) => {
                self.deadlines.insert((now + self.limits.dial_deadline, token));
            }
            Err(error) => {
                tracing::debug!(%conn, %addr, %error, "a dial failed at once");
                self.answers.push_back(Input::DialFailed { conn });
            }
        }
    }

    /// Queues bytes. A link that ended meanwhile takes none: its machine will hear of the end.
    pub(crate) fn send(&mut self, conn: ConnId, bytes: Bytes) {
        if let Some(&key) = self.by_id.get(&conn) {
            self.links[key].send(bytes);
            self.enqueue(Token(key));
        }
    }

    /// Begins the end of a link, as [`Output::Close`](quantumsync_core::driver::Output::Close) says. A dial
    /// without outcome has failed.
    pub(crate) fn close(&mut self, now: Instant, conn: ConnId) {
        let Some(&key) = self.by_id.get(&conn) else { return };
        if self.links[key].phase == Phase::Dialling {
            let input = self.remove(key);
            self.answers.push_back(input);
            return;
        }
        self.links[key].close();
        self.deadlines.insert((now + FLUSH, Token(key)));
        self.enqueue(Token(key));
    }

    /// Stops listening and dialling, and begins the end of every link.
    pub(crate) fn close_all(&mut self, now: Instant) {
        self.ending = true;
        self.listeners.clear();
        let all: Vec<ConnId> = self.links.iter().map(|(_, link)| link.id).collect();
        all.into_iter().for_each(|conn| self.close(now, conn));
    }

    pub(crate) fn has_links(&self) -> bool {
        !self.links.is_empty()
    }

    /// Waits until something is ready, the waker was used or `deadline` has come.
    pub(crate) fn wait(&mut self, now: Instant, deadline: Option<Instant>) -> io::Result<()> {
        let busy = !self.ready.is_empty() || !self.answers.is_empty();
        let own = self.deadlines.first().map(|&(at, _)| at);
        let first = if busy { Some(now) } else { deadline.into_iter().chain(own).min() };
        match self.poll.poll(&mut self.events, first.map(|at| wait_until(at, now))) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        let mut noticed = Vec::new();
        for event in &self.events {
            let token = event.token();
            if let Some(link) = self.links.get_mut(token.0) {
                link.notice(event);
            }
            noticed.push(token);
        }
        noticed.into_iter().filter(|token| *token != WAKER).for_each(|token| self.enqueue(token));
        Ok(())
    }

    /// Ends what is past its deadline.
    pub(crate) fn expire(&mut self, now: Instant) {
        while let Some(&(at, token)) = self.deadlines.first()
            && at <= now
        {
            self.deadlines.pop_first();
            match token.0.checked_sub(FIRST_LISTENER) {
                Some(_) => self.enqueue(token),
                None => {
                    let input = self.remove(token.0);
                    self.answers.push_back(input);
                }
            }
        }
    }

    /// What happened next, or nothing that anybody has to know for now. One system call at most is made.
    pub(crate) fn turn(&mut self, now: Instant) -> Option<Step> {
        if let Some(input) = self.answers.pop_front() {
            return Some(Step::Input(input));
        }
        let token = self.ready.pop_front()?;
        let input = match token.0.checked_sub(FIRST_LISTENER) {
            Some(listener) => self.accept(now, listener),
            None => self.turn_of_link(now, token.0),
        };
        Some(input.map_or(Step::Quiet, Step::Input))
    }

    fn accept(&mut self, now: Instant, index: usize) -> Option<Input> {
        if self.links.len() >= self.limits.max_links {
            // Taken up again when a link ends.
            return None;
        }
        let token = Token(FIRST_LISTENER + index);
        let listener = self.listeners.get_mut(index)?;
        match listener.accept(now) {
            Accepted::Link(stream, remote) => {
                self.enqueue(token);
                self.welcome(stream, remote)
            }
            Accepted::Lost => {
                self.enqueue(token);
                None
            }
            Accepted::Nobody => None,
            Accepted::Failed => {
                self.deadlines.extend(listener.paused_until.map(|at| (at, token)));
                None
            }
        }
    }

    fn welcome(&mut self, stream: TcpStream, remote: SocketAddr) -> Option<Input> {
        let conn = ConnId::accepted(self.accepted);
        self.accepted += 1;
        let entropy =
            fresh_entropy().inspect_err(|error| tracing::error!(%error, "a link was refused")).ok()?;
        set_nodelay(&stream, conn);
        match self.register(Link::accepted(conn, stream)) {
            Ok(token) => {
                self.enqueue(token);
                Some(Input::Connected { conn, remote, entropy })
            }
            Err(error) => {
                tracing::warn!(%error, "an accepted link cannot be watched");
                None
            }
        }
    }

    fn turn_of_link(&mut self, now: Instant, key: usize) -> Option<Input> {
        let link = self.links.get_mut(key)?;
        link.queued = false;
        let (conn, before) = (link.id, link.phase);
        let turn = link.turn(&mut self.buffers);
        if link.phase != before && link.phase == Phase::Emptying {
            self.deadlines.insert((now + FLUSH, Token(key)));
        }
        if !matches!(turn, Turn::Idle | Turn::Ended) {
            self.enqueue(Token(key));
        }
        match turn {
            Turn::Idle | Turn::Again => None,
            Turn::Connected(remote) => Some(self.connected(key, conn, remote)),
            Turn::Received(bytes) => Some(Input::Received { conn, bytes }),
            Turn::Sent(bytes) => Some(Input::Sent { conn, bytes }),
            Turn::Ended => Some(self.remove(key)),
        }
    }

    fn connected(&mut self, key: usize, conn: ConnId, remote: SocketAddr) -> Input {
        match fresh_entropy() {
            Ok(entropy) => {
                self.forget_deadlines(Token(key));
                set_nodelay(&self.links[key].stream, conn);
                Input::Connected { conn, remote, entropy }
            }
            Err(error) => {
                tracing::error!(%error, "a link was refused");
                self.links[key].phase = Phase::Dialling;
                self.remove(key)
            }
        }
    }

    fn register(&mut self, mut link: Link) -> io::Result<Token> {
        let entry = self.links.vacant_entry();
        let key = entry.key();
        self.poll.registry().register(
            &mut link.stream,
            Token(key),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        self.by_id.insert(link.id, key);
        entry.insert(link);
        Ok(Token(key))
    }

    /// Takes a link away; the input that tells of it.
    fn remove(&mut self, key: usize) -> Input {
        let mut link = self.links.remove(key);
        let conn = link.id;
        self.by_id.remove(&conn);
        self.forget_deadlines(Token(key));
        self.ready.retain(|token| !(link.queued && token.0 == key));
        if let Err(error) = self.poll.registry().deregister(&mut link.stream) {
            tracing::debug!(%conn, %error, "a link was not watched any more");
        }
        if self.links.len() + 1 == self.limits.max_links {
            (0..self.listeners.len()).for_each(|index| self.enqueue(Token(FIRST_LISTENER + index)));
        }
        match link.phase {
            Phase::Dialling => Input::DialFailed { conn },
            _ => Input::Disconnected { conn },
        }
    }

    fn forget_deadlines(&mut self, token: Token) {
        self.deadlines.retain(|&(_, other)| other != token);
    }

    /// Gives a token a turn, once.
    fn enqueue(&mut self, token: Token) {
        if let Some(link) = self.links.get_mut(token.0) {
            if !std::mem::replace(&mut link.queued, true) {
                self.ready.push_back(token);
            }
        } else if token.0 >= FIRST_LISTENER && !self.ready.contains(&token) {
            self.ready.push_back(token);
        }
    }
}

/// What a turn came to.
pub(crate) enum Step {
    /// Tell the machine.
    Input(Input),
    /// Nothing to tell; others may have something.
    Quiet,
}

fn fresh_entropy() -> io::Result<[u8; 32]> {
    let mut entropy = [0; 32];
    getrandom::fill(&mut entropy).map_err(io::Error::other)?;
    Ok(entropy)
}

fn set_nodelay(stream: &TcpStream, conn: ConnId) {
    // Only slower without it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%conn, %error, "small writes may be delayed");
    }
}

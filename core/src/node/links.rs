//! The links of a node: opened, kept within their limits, and closed; what comes over them is handed on.
//!
//! Knows nothing of members, placement or the meaning of a request.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use super::link::{Caller, Link, Phase, has_read_room, is_brief, reserve, weight};
use crate::config::Config;
use crate::driver::Output;
use crate::error::{ApiMisuse, PeerFault};
use crate::id::{ConnId, NodeId};
use crate::node::NodeEvent;
use crate::session::{LocalSide, PeerSide, Session, SessionEvent};
use crate::time::{Instant, Now};
use crate::wire::{CloseReason, Message, Request, Response, Role, Vote};

/// How long a goodbye may take to leave: the driver's own patience with [`Output::Close`].
const CLOSING: Duration = Duration::from_secs(1);

/// Effects on their way to the driver.
pub(super) type Outputs = VecDeque<Output<NodeEvent>>;

/// All links.
#[derive(Debug)]
pub(super) struct Links {
    config: Config,
    links: BTreeMap<ConnId, Link>,
    touched: BTreeSet<ConnId>,
    dialled: u64,
}

/// A link that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) peer: Option<PeerSide>,
    /// The calls that will not be answered any more.
    pub(super) calls: Vec<u64>,
}

impl Links {
    pub(super) const fn new(config: Config) -> Self {
        Self { config, links: BTreeMap::new(), touched: BTreeSet::new(), dialled: 0 }
    }

    pub(super) fn get(&self, conn: ConnId) -> Option<&Link> {
        self.links.get(&conn)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ConnId, &Link)> {
        self.links.iter().map(|(conn, link)| (*conn, link))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// How many links this node has dialled so far.
    #[cfg(test)]
    pub(super) const fn dials(&self) -> u64 {
        self.dialled
    }

    /// Room for one more link that this node opens.
    pub(super) fn has_room(&self) -> bool {
        self.links.len() < self.config.max_links
    }

    /// The next link on which something may have happened.
    pub(super) fn next_touched(&mut self) -> Option<ConnId> {
        self.touched.pop_first()
    }

    /// Opens a link.
    pub(super) fn dial(
        &mut self,
        now: Now,
        addr: SocketAddr,
        expect: Option<NodeId>,
        out: &mut Outputs,
    ) -> ConnId {
        let conn = ConnId::dialled(self.dialled);
        self.dialled += 1;
        // The driver's own patience comes first.
        let until = now.mono + self.config.dial_deadline + CLOSING;
        self.links.insert(conn, Link::new(addr, Phase::Dialling { until }, expect));
        out.push_back(Output::Dial { conn, addr });
        conn
    }

    /// A link stands. Without `local` (this node does not know its own admission yet) it is held for a moment.
    /// A fault means that it was turned away.
    pub(super) fn connected(
        &mut self,
        now: Now,
        (conn, remote): (ConnId, SocketAddr),
        entropy: [u8; 32],
        local: Option<&Arc<LocalSide>>,
    ) -> Result<Result<(), PeerFault>, ApiMisuse> {
        if conn.is_dialled() {
            let link = self.links.get_mut(&conn).ok_or(ApiMisuse::UnknownConn(conn))?;
            match (&link.phase, local) {
                (Phase::Dialling { .. }, Some(local)) => {
                    // An address is a hint: whoever is admitted may answer there, as whoever it is.
                    let session = Session::dial(&self.config, now, local.clone(), None, entropy);
                    link.phase = Phase::Half(session);
                }
                // Closed while it was dialled.
                (Phase::Closing { .. } | Phase::Closed, _) => {}
                _ => return Err(ApiMisuse::DuplicateConn(conn)),
            }
            self.touched.insert(conn);
            return Ok(Ok(()));
        }
        if self.links.contains_key(&conn) {
            return Err(ApiMisuse::DuplicateConn(conn));
        }
        let refused = self.links.len() >= self.config.max_links
            || self.half_open_of(remote.ip()) >= self.config.half_open_per_addr;
        let phase = match local {
            _ if refused => Phase::Closing { session: None, until: now.mono },
            Some(local) => Phase::Half(Session::accept(&self.config, now, local.clone(), entropy)),
            None => Phase::Held { entropy, bytes: Vec::new() },
        };
        self.links.insert(conn, Link::new(remote, phase, None));
        self.touched.insert(conn);
        Ok(if refused { Err(PeerFault::TooManyLinks) } else { Ok(()) })
    }

    /// How many links of clients, the home left out, are open at this address.
    pub(super) fn clients_of(&self, ip: IpAddr) -> usize {
        let is_client = |link: &Link| link.peer().is_some_and(|peer| peer.role == Role::Client);
        self.iter().filter(|(_, link)| link.remote.ip() == ip && is_client(link)).count()
    }

    fn half_open_of(&self, ip: IpAddr) -> usize {
        self.iter()
            .filter(|(conn, link)| !conn.is_dialled() && link.is_half_open() && link.remote.ip() == ip)
            .count()
    }

    /// Begins the handshakes of the links that were held. Returns what of them is at fault.
    pub(super) fn begin_held(&mut self, now: Now, local: &Arc<LocalSide>) -> Vec<(ConnId, PeerFault)> {
        let mut faults = Vec::new();
        for (conn, link) in &mut self.links {
            let Phase::Held { entropy, bytes } = &mut link.phase else { continue };
            let mut session = Session::accept(&self.config, now, local.clone(), *entropy);
            let held = core::mem::take(bytes);
            let result = held.into_iter().try_for_each(|bytes| session.receive(now, bytes));
            link.phase = Phase::Half(session);
            self.touched.insert(*conn);
            faults.extend(result.err().map(|fault| (*conn, fault)));
        }
        faults
    }

    /// Bytes came.
    pub(super) fn received(
        &mut self,
        now: Now,
        conn: ConnId,
        bytes: Bytes,
    ) -> Result<Result<(), PeerFault>, ApiMisuse> {
        let link = self.links.get_mut(&conn).ok_or(ApiMisuse::UnknownConn(conn))?;
        self.touched.insert(conn);
        Ok(match &mut link.phase {
            Phase::Half(session) | Phase::Open(session) => session.receive(now, bytes),
            Phase::Held { bytes: held, .. } => {
                let length: usize = held.iter().map(Bytes::len).sum();
                if length + bytes.len() > self.config.pre_open_bytes {
                    Err(PeerFault::TooManyBytesBeforeOpen)
                } else {
                    held.push(bytes);
                    Ok(())
                }
            }
            Phase::Dialling { .. } | Phase::Closing { .. } | Phase::Closed => Ok(()),
        })
    }

    /// Bytes left.
    pub(super) fn sent(&mut self, now: Now, conn: ConnId, bytes: usize) -> Result<(), ApiMisuse> {
        let link = self.links.get_mut(&conn).ok_or(ApiMisuse::UnknownConn(conn))?;
        if bytes > 0 && matches!(link.phase, Phase::Held { .. } | Phase::Dialling { .. }) {
            return Err(ApiMisuse::SentTooMuch(conn));
        }
        if let Some(session) = link.session() {
            if !session.sent(bytes) {
                return Err(ApiMisuse::SentTooMuch(conn));
            }
            link.stuck = session.is_sending().then_some(now.mono);
        }
        self.touched.insert(conn);
        Ok(())
    }

    /// The link is no more.
    pub(super) fn remove(&mut self, conn: ConnId) -> Result<Ended, ApiMisuse> {
        let mut link = self.links.remove(&conn).ok_or(ApiMisuse::UnknownConn(conn))?;
        self.touched.remove(&conn);
        let calls = link.take_calls();
        Ok(Ended { peer: link.peer, calls })
    }

    /// What happened on a link.
    pub(super) fn next_event(&mut self, conn: ConnId) -> Option<SessionEvent> {
        let link = self.links.get_mut(&conn)?;
        let event = match &mut link.phase {
            Phase::Half(session) | Phase::Open(session) => session.poll_event()?,
            _ => return None,
        };
        if let SessionEvent::Open(peer) = &event {
            link.peer = Some(peer.clone());
            if let Phase::Half(session) = core::mem::replace(&mut link.phase, Phase::Closed) {
                link.phase = Phase::Open(session);
            }
        }
        Some(event)
    }

    /// A request came over this link and will be answered.
    pub(super) fn took_request(&mut self, conn: ConnId) {
        if let Some(link) = self.links.get_mut(&conn) {
            link.unanswered += 1;
        }
    }

    /// Queues a read until the answers before it have left; `None` if it waits.
    pub(super) fn admit_read(&mut self, caller: Caller, request: Request) -> Option<Request> {
        let window = self.config.answer_window;
        let link = self.links.get_mut(&caller.conn)?;
        let waits = link.reads.iter().any(|(_, before)| is_brief(before) == is_brief(&request));
        if !waits && has_read_room(link, window, &request) {
            link.reading.insert(caller.id, reserve(&request));
            return Some(request);
        }
        link.reads.push_back((caller, request));
        None
    }

    /// The next read of a link for which there is room now.
    pub(super) fn next_read(&mut self, conn: ConnId) -> Option<(Caller, Request)> {
        let window = self.config.answer_window;
        let link = self.links.get_mut(&conn)?;
        let first = |brief| link.reads.iter().position(|(_, request)| is_brief(request) == brief);
        let firsts = [first(true), first(false)];
        for at in firsts.into_iter().flatten() {
            let request = link.reads.get(at).map(|(_, request)| request.clone())?;
            if has_read_room(link, window, &request) {
                let (caller, request) = link.reads.remove(at)?;
                link.reading.insert(caller.id, reserve(&request));
                return Some((caller, request));
            }
        }
        None
    }

    /// Reads that wait for answers before them, on all links.
    #[cfg(test)]
    pub(super) fn waiting_reads(&self) -> usize {
        self.links.values().map(|link| link.reads.len()).sum()
    }

    /// Answers a request; its credit stays with [`Self::release`].
    pub(super) fn answer(&mut self, caller: &Caller, response: Response, vote: Option<Vote>) {
        let Some(link) = self.links.get_mut(&caller.conn) else { return };
        link.unanswered = link.unanswered.saturating_sub(1);
        link.reading.remove(&caller.id);
        if let Some(session) = link.open_session() {
            session.send(&Message::Response { id: caller.id, response, vote });
            self.touched.insert(caller.conn);
        }
    }

    /// Gives back the credit that a request held.
    pub(super) fn release(&mut self, caller: &Caller) {
        let link = self.links.get_mut(&caller.conn);
        if let Some(session) = link.and_then(Link::open_session)
            && caller.bytes > 0
        {
            session.release(caller.class, caller.bytes);
            self.touched.insert(caller.conn);
        }
    }

    /// Asks the peer; `false` if the link is not open, or so much waits on it that the peer does not keep up.
    #[must_use]
    pub(super) fn ask(&mut self, conn: ConnId, call: u64, request: Request) -> bool {
        let Some(link) = self.links.get_mut(&conn) else { return false };
        let full =
            link.in_flight >= self.config.link_backlog || link.waiting.len() >= self.config.max_operations;
        if full || !matches!(link.phase, Phase::Open(_)) {
            return false;
        }
        link.in_flight += weight(&request);
        link.waiting.push_back((call, request));
        link.send_waiting();
        self.touched.insert(conn);
        true
    }

    /// An answer came: to which call.
    pub(super) fn answered(&mut self, conn: ConnId, id: u32) -> Option<u64> {
        let link = self.links.get_mut(&conn)?;
        let asked = link.asked.remove(&id)?;
        link.in_flight = link.in_flight.saturating_sub(asked.weight);
        link.send_waiting();
        self.touched.insert(conn);
        if !core::mem::replace(&mut link.proved, true) {
            let replaced = self.links.iter().filter(|(_, link)| link.retiring == Some(conn));
            self.touched.extend(replaced.map(|(conn, _)| *conn));
        }
        Some(asked.call)
    }

    /// The calls that wait on a link.
    pub(super) fn calls(&self, conn: ConnId) -> Vec<u64> {
        let Some(link) = self.links.get(&conn) else { return Vec::new() };
        link.asked
            .values()
            .map(|asked| asked.call)
            .chain(link.waiting.iter().map(|(call, _)| *call))
            .collect()
    }

    /// Ends the link once nothing is under way on it, and the one to the same node that took its place is known to be
    /// open on the other side, too: there is always one.
    pub(super) fn retire(&mut self, conn: ConnId, by: ConnId) {
        if let Some(link) = self.links.get_mut(&conn) {
            link.retiring = Some(by);
            self.touched.insert(conn);
        }
    }

    /// Says goodbye, and closes once that is out. Returns the calls that will not be answered any more.
    pub(super) fn close(&mut self, now: Now, conn: ConnId, reason: CloseReason) -> Vec<u64> {
        if let Some(session) = self.links.get_mut(&conn).and_then(Link::session) {
            session.close(reason);
        }
        self.cut(now, conn)
    }

    /// Closes after a fault, or because the peer said goodbye.
    pub(super) fn cut(&mut self, now: Now, conn: ConnId) -> Vec<u64> {
        let Some(link) = self.links.get_mut(&conn) else { return Vec::new() };
        let session = match core::mem::replace(&mut link.phase, Phase::Closed) {
            Phase::Closed => return Vec::new(),
            Phase::Closing { session, until } => {
                link.phase = Phase::Closing { session, until };
                return Vec::new();
            }
            Phase::Half(session) | Phase::Open(session) => Some(session),
            Phase::Dialling { .. } | Phase::Held { .. } => None,
        };
        link.phase = Phase::Closing { session, until: now.mono + CLOSING };
        self.touched.insert(conn);
        link.take_calls()
    }

    /// Gives the driver what the link has to send, and closes it if it is time.
    pub(super) fn flush(&mut self, now: Now, conn: ConnId, out: &mut Outputs) {
        let retiring = self.links.get(&conn).filter(|link| !link.is_busy()).and_then(|link| link.retiring);
        if let Some(by) = retiring {
            let proved = self.links.get(&by).map(|by| by.proved && by.peer().is_some());
            if proved != Some(false)
                && let Some(link) = self.links.get_mut(&conn)
            {
                link.retiring = None;
            }
            if proved == Some(true) {
                self.close(now, conn, CloseReason::Duplicate);
            }
        }
        let Some(link) = self.links.get_mut(&conn) else { return };
        while let Some(bytes) = link.session().and_then(Session::poll_transmit) {
            link.stuck.get_or_insert(now.mono);
            out.push_back(Output::Send { conn, bytes });
        }
        if let Phase::Closing { session, until } = &link.phase
            && (now.mono >= *until || session.as_ref().is_none_or(Session::is_drained))
        {
            link.phase = Phase::Closed;
            out.push_back(Output::Close { conn });
        }
    }

    /// The dials that were not answered in time.
    pub(super) fn overdue_dials(&self, now: Now) -> Vec<ConnId> {
        let overdue = |link: &Link| matches!(link.phase, Phase::Dialling { until } if now.mono >= until);
        self.iter().filter(|(_, link)| overdue(link)).map(|(conn, _)| conn).collect()
    }

    /// Checks the links' deadlines; returns those at fault.
    pub(super) fn handle_timeout(&mut self, now: Now) -> Vec<(ConnId, PeerFault)> {
        let mut faults = Vec::new();
        for (conn, link) in &mut self.links {
            match &mut link.phase {
                Phase::Half(session) => {
                    faults.extend(session.handle_timeout(now).err().map(|fault| (*conn, fault)));
                }
                Phase::Open(_) if link.stuck.is_some_and(|at| now.mono >= at + self.config.bulk_deadline) => {
                    faults.push((*conn, PeerFault::Stalled));
                }
                Phase::Closing { until, .. } if now.mono >= *until => {
                    self.touched.insert(*conn);
                }
                _ => {}
            }
        }
        faults
    }

    /// The next deadline of a link, its silence not counted.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let deadline = |link: &Link| match &link.phase {
            Phase::Half(session) => session.poll_timeout(),
            Phase::Dialling { until } | Phase::Closing { until, .. } => Some(*until),
            Phase::Open(_) => link.stuck.map(|at| at + self.config.bulk_deadline),
            _ => None,
        };
        self.links.values().filter_map(deadline).min()
    }
}

//! One link of a node: what it is up to, what was asked on it, and what it still owes.
//!
//! Knows nothing of other links, of members, or of the meaning of a request.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::SocketAddr;

use crate::config::limit;
use crate::id::{ConnId, NodeId};
use crate::session::{PeerSide, Session};
use crate::time::Instant;
use crate::wire::{Class, Message, Request};

/// Who waits for the answer to a request that came over a link, and the credit it holds meanwhile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Caller {
    pub(super) conn: ConnId,
    pub(super) id: u32,
    pub(super) class: Class,
    pub(super) bytes: u32,
}

/// Where a link stands.
#[derive(Debug)]
pub(super) enum Phase {
    /// Dialled; the driver has not answered yet.
    Dialling { until: Instant },
    /// Accepted before this node knew its own admission: what came meanwhile.
    Held { entropy: [u8; 32], bytes: Vec<Bytes> },
    /// The handshake is under way.
    Half(Session),
    /// Both sides know each other.
    Open(Session),
    /// To be closed as soon as what the session owes, a goodbye mostly, is on its way.
    Closing { session: Option<Session>, until: Instant },
    /// The driver was told to close it.
    Closed,
}

/// A request on its way over a link.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) call: u64,
    pub(super) weight: usize,
}

/// One link.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) remote: SocketAddr,
    pub(super) phase: Phase,
    /// Who must answer, if that is known.
    pub(super) expect: Option<NodeId>,
    /// Who answered, as proved.
    pub(super) peer: Option<PeerSide>,
    /// Requests whose answers are to come.
    pub(super) asked: BTreeMap<u32, Asked>,
    /// Calls that wait for room among those that the peer bears at once.
    pub(super) waiting: VecDeque<(u64, Request)>,
    pub(super) next_request: u32,
    /// Bytes of `asked` and `waiting`.
    pub(super) in_flight: usize,
    /// Requests of the peer that it waits for.
    pub(super) unanswered: usize,
    /// Its reads that wait until earlier answers have left.
    pub(super) reads: VecDeque<(Caller, Request)>,
    /// Room that reads under way hold in the answer window.
    pub(super) reading: BTreeMap<u32, usize>,
    /// Since when nothing has left of what was given out to be sent.
    pub(super) stuck: Option<Instant>,
    /// The link to the same node that took its place.
    pub(super) retiring: Option<ConnId>,
    /// An answer has come over it: the other side has it open, too.
    pub(super) proved: bool,
}

impl Link {
    pub(super) fn new(remote: SocketAddr, phase: Phase, expect: Option<NodeId>) -> Self {
        Self {
            remote,
            phase,
            expect,
            peer: None,
            asked: BTreeMap::new(),
            waiting: VecDeque::new(),
            next_request: 0,
            in_flight: 0,
            unanswered: 0,
            reads: VecDeque::new(),
            reading: BTreeMap::new(),
            stuck: None,
            retiring: None,
            proved: false,
        }
    }

    /// Who is on the other side, once that is proved and until the link is closed.
    pub(super) const fn peer(&self) -> Option<&PeerSide> {
        match self.phase {
            Phase::Open(_) => self.peer.as_ref(),
            _ => None,
        }
    }

    /// True if it leads to this node, or was dialled to find it.
    pub(super) fn is_to(&self, node: &NodeId) -> bool {
        self.peer.as_ref().map(|peer| &peer.node).or(self.expect.as_ref()) == Some(node)
    }

    pub(super) const fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Bytes asked for or being written on this link, for choosing among peers.
    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// When anything last came over an open link.
    pub(super) const fn last_received(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Open(session) => Some(session.last_received()),
            _ => None,
        }
    }

    pub(super) const fn is_half_open(&self) -> bool {
        matches!(self.phase, Phase::Held { .. } | Phase::Half(_))
    }

    pub(super) const fn session(&mut self) -> Option<&mut Session> {
        match &mut self.phase {
            Phase::Half(session) | Phase::Open(session) => Some(session),
            Phase::Closing { session, .. } => session.as_mut(),
            Phase::Dialling { .. } | Phase::Held { .. } | Phase::Closed => None,
        }
    }

    /// True if requests are under way on it, in either direction.
    pub(super) fn is_busy(&self) -> bool {
        self.unanswered > 0 || !self.asked.is_empty() || !self.waiting.is_empty()
    }

    pub(super) const fn open_session(&mut self) -> Option<&mut Session> {
        match &mut self.phase {
            Phase::Open(session) => Some(session),
            _ => None,
        }
    }

    /// Sends what waits for room among the requests that the peer bears at once.
    pub(super) fn send_waiting(&mut self) {
        let bears = self.peer.as_ref().map_or(0, |peer| usize::from(peer.max_requests));
        while self.asked.len() < bears {
            let Some((call, request)) = self.waiting.pop_front() else { return };
            let Phase::Open(session) = &mut self.phase else { return };
            let id = self.next_request;
            self.next_request = self.next_request.wrapping_add(1);
            let weight = weight(&request);
            self.asked.insert(id, Asked { call, weight });
            session.send(&Message::Request { id, request });
        }
    }

    pub(super) fn take_calls(&mut self) -> Vec<u64> {
        let asked = core::mem::take(&mut self.asked).into_values().map(|asked| asked.call);
        let calls =
            asked.chain(core::mem::take(&mut self.waiting).into_iter().map(|(call, _)| call)).collect();
        self.in_flight = 0;
        calls
    }
}

/// How much of a link a request takes, in bytes; a read of unknown length counts as the usual piece.
pub(super) fn weight(request: &Request) -> usize {
    match request {
        Request::PutBlob { blob, .. } => blob.len(),
        Request::GetBlob { len: 0, .. } => limit::BLOB / 4,
        Request::GetBlob { len, .. } => *len as usize,
        Request::PutRecord { record } => record.bytes().len(),
        _ => 0,
    }
}

/// What is read for a page of what another member holds: several times the page.
const PAGE: usize = limit::BLOB / 4;

/// How much of the answer window a read holds until its answer is queued: as much as the answer may have. Pages and proofs
/// hold what is read for them at a time, else one link could have all of the disk.
pub(super) const fn reserve(request: &Request) -> usize {
    match request {
        Request::GetBlob { len: 0, .. } | Request::ListRecords { .. } | Request::Prove { .. } => limit::BLOB,
        Request::View(_) | Request::CheckPins { .. } | Request::PutPins { .. } => limit::CONTROL_MESSAGE,
        Request::PullRecords { .. } | Request::PullPins { .. } => PAGE,
        Request::GetBlob { len, .. } => *len as usize,
        Request::GetRecord { .. } => limit::RECORD,
        _ => 0,
    }
}

/// Reads whose answers are short: they wait for answers that are not read, and not for longer ones under way.
pub(super) const fn is_brief(request: &Request) -> bool {
    matches!(
        request,
        Request::GetRecord { .. }
            | Request::View(_)
            | Request::CheckPins { .. }
            | Request::PullRecords { .. }
            | Request::PullPins { .. }
            | Request::PutPins { .. }
    )
}

/// True if the answers that wait on the link, and those to come, leave room for one more. What bulk fills of the window is
/// never more than the window and a blob, so that brief answers have room beyond it.
pub(super) fn has_read_room(link: &mut Link, window: usize, request: &Request) -> bool {
    let (longest, window) =
        if is_brief(request) { (PAGE, window + limit::BLOB) } else { (usize::MAX, window) };
    let reserved: usize = link.reading.values().filter(|reserved| **reserved <= longest).sum();
    let queued = link.open_session().map_or(0, |session| session.queued(Class::Control));
    reserved + queued < window
}

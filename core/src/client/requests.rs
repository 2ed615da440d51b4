//! Requests to the entry node: which wait, which are open on the link, for which operation, and whether an answer fits.
//!
//! A request stays until it is answered or its operation ends; when the link is lost it is sent again on the next one, which
//! is harmless because every request can be repeated.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::time::Duration;

#[cfg(any(test, feature = "sim"))]
use crate::config::limit;
use crate::error::PeerFault;
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::OpId;
use crate::time::{Instant, Now};
use crate::wire::{ErrorCode, Message, Request, Response, WireError};

/// Names a request to its operation, and to the peer.
pub(super) type RequestId = u32;

#[derive(Debug)]
struct Entry {
    /// Who waits for it; `None` if that operation ended before the answer came.
    op: Option<OpId>,
    /// What is asked; kept to be sent again. `None` as above.
    request: Option<Request>,
    /// Unix milliseconds from which on it must not be sent any more.
    good_until: Option<Now>,
    /// It is open on the present link.
    sent: bool,
}

/// What to do next.
#[expect(clippy::large_enum_variant, reason = "acted on at once, never kept")]
#[derive(Debug)]
pub(super) enum NextStep {
    /// Send this.
    Send(Message),
    /// This request is too old to be sent: its operation is to be told `Past`.
    Expired(RequestId, OpId),
}

/// All requests of a client.
#[derive(Debug)]
pub(super) struct Requests {
    entries: BTreeMap<RequestId, Entry>,
    of_op: BTreeMap<OpId, BTreeSet<RequestId>>,
    queue: VecDeque<RequestId>,
    /// Refused for now: to be asked again at this time.
    later: BTreeSet<(Instant, RequestId)>,
    open: usize,
    /// Since when there is always one open.
    open_since: Instant,
    next: RequestId,
    /// The open question whether the peer lives.
    ping: Option<RequestId>,
    retry_after: Duration,
}

impl Requests {
    pub(super) fn new(retry_after: Duration) -> Self {
        Self {
            entries: BTreeMap::new(),
            of_op: BTreeMap::new(),
            queue: VecDeque::new(),
            later: BTreeSet::new(),
            open: 0,
            open_since: Instant::default(),
            next: 0,
            ping: None,
            retry_after,
        }
    }

    /// Queues a request. After `good_until`, by either clock, it is answered `Past` here instead of being sent.
    pub(super) fn ask(&mut self, op: OpId, request: Request, good_until: Option<Now>) -> RequestId {
        let id = self.next_id();
        self.entries.insert(id, Entry { op: Some(op), request: Some(request), good_until, sent: false });
        self.of_op.entry(op).or_default().insert(id);
        self.queue.push_back(id);
        id
    }

    /// Ids come round after 2^32 requests; one that is still in use is passed over.
    fn next_id(&mut self) -> RequestId {
        while self.entries.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        id
    }

    /// A question whether the peer lives, which bears `max` open requests; `None` if one is open, or there is no room.
    pub(super) fn ping(&mut self, now: Now, max: u16) -> Option<Message> {
        if self.ping.is_some() || self.open >= usize::from(max) {
            return None;
        }
        let id = self.next_id();
        // Our clock is nobody's business.
        let request = Request::Ping { unix_ms: 0 };
        let entry = Entry { op: None, request: Some(request.clone()), good_until: None, sent: true };
        self.entries.insert(id, entry);
        self.ping = Some(id);
        self.opened(now);
        Some(Message::Request { id, request })
    }

    /// True while it is not answered.
    pub(super) const fn is_pinging(&self) -> bool {
        self.ping.is_some()
    }

    const fn opened(&mut self, now: Now) {
        if self.open == 0 {
            self.open_since = now.mono;
        }
        self.open += 1;
    }

    /// The next thing to do with a link on which the peer bears `max` open requests.
    pub(super) fn next_step(&mut self, now: Now, max: u16) -> Option<NextStep> {
        // One place is left for a ping.
        let max = usize::from(max).saturating_sub(1).max(1);
        while self.open < max {
            let id = self.queue.pop_front()?;
            let Some(Entry { op: Some(op), request: Some(request), good_until, sent }) =
                self.entries.get_mut(&id)
            else {
                continue;
            };
            if good_until.is_some_and(|until| now.is_past(until)) {
                return Some(NextStep::Expired(id, *op));
            }
            *sent = true;
            let request = request.clone();
            self.opened(now);
            return Some(NextStep::Send(Message::Request { id, request }));
        }
        None
    }

    /// Looks at an answer: for whom it is, if somebody waits. Then [`done`](Self::done) or [`again`](Self::again).
    pub(super) fn answered(
        &mut self,
        now: Now,
        id: RequestId,
        response: &Response,
    ) -> Result<Option<OpId>, PeerFault> {
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.sent) else {
            return Err(PeerFault::UnexpectedAnswer);
        };
        if let Some(request) = &entry.request {
            check(request, response)?;
        }
        entry.sent = false;
        self.open -= 1;
        self.ping.take_if(|ping| *ping == id);
        let Some(op) = entry.op else {
            self.entries.remove(&id);
            return Ok(None);
        };
        let refused_for_now = matches!(
            response,
            Response::Error(WireError { code: ErrorCode::Busy | ErrorCode::Stopping, .. })
        );
        if refused_for_now {
            self.later.insert((now.mono + self.retry_after, id));
            return Ok(None);
        }
        Ok(Some(op))
    }

    /// The answer was accepted.
    pub(super) fn done(&mut self, id: RequestId) {
        let Some(Entry { op: Some(op), .. }) = self.entries.remove(&id) else { return };
        if let Some(ids) = self.of_op.get_mut(&op) {
            ids.remove(&id);
            if ids.is_empty() {
                self.of_op.remove(&op);
            }
        }
    }

    /// The answer was refused: the next link is asked again.
    pub(super) fn again(&mut self, id: RequestId) {
        if self.entries.contains_key(&id) {
            self.queue.push_front(id);
        }
    }

    /// The link is gone: everything open waits for the next one, in its old order.
    pub(super) fn link_lost(&mut self) {
        let mut waiting: VecDeque<RequestId> = VecDeque::new();
        self.entries.retain(|_, entry| entry.op.is_some());
        for (id, entry) in &mut self.entries {
            if core::mem::take(&mut entry.sent) {
                waiting.push_back(*id);
            }
        }
        waiting.append(&mut self.queue);
        self.queue = waiting;
        self.open = 0;
        self.ping = None;
    }

    /// Forgets the requests of an operation that ended; those that are open keep their ids until they are answered.
    pub(super) fn forget(&mut self, op: OpId) {
        let Some(ids) = self.of_op.remove(&op) else { return };
        for id in ids {
            match self.entries.get_mut(&id) {
                Some(entry) if entry.sent => {
                    entry.op = None;
                    entry.request = None;
                }
                _ => {
                    self.entries.remove(&id);
                }
            }
        }
        self.later.retain(|(_, id)| self.entries.contains_key(id));
        self.queue.retain(|id| self.entries.contains_key(id));
    }

    /// Queues again what is due.
    pub(super) fn handle_timeout(&mut self, now: Now) {
        while let Some(&(at, id)) = self.later.first()
            && at <= now.mono
        {
            self.later.pop_first();
            self.queue.push_back(id);
        }
    }

    /// When something is to be asked again.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.later.first().map(|(at, _)| *at)
    }

    /// Tells what it holds of so many operations; the peer bears so many requests.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn gauge(&self, operations: usize, bears: usize, gauges: &mut Gauges) {
        // An operation asks about a batch of pins, and sends or fetches as many blobs; what was asked for one that has ended
        // stays until it is answered.
        let each = 1 + 2 * limit::HAVE_PINS;
        let most = operations * each + bears.max(usize::from(u8::MAX) + 1);
        gauges.count(
            "client: requests",
            self.entries.len(),
            most,
            "limit::HAVE_PINS, max_requests of the peer",
        );
        gauges.count("client: operations that wait for answers", self.of_op.len(), operations, "operations");
        gauges.count("client: requests that wait", self.queue.len(), self.entries.len(), "requests");
        gauges.count("client: requests for later", self.later.len(), self.entries.len(), "requests");
        gauges.count("client: open requests", self.open, bears, "max_requests of the peer");
    }

    /// True if the operation waits for an answer.
    pub(super) fn is_waiting(&self, op: OpId) -> bool {
        self.of_op.contains_key(&op)
    }

    /// True if any operation waits for an answer.
    pub(super) fn is_any_waiting(&self) -> bool {
        !self.of_op.is_empty()
    }

    /// Since when there is always a request open on the present link; `None` if there is none.
    pub(super) fn open_since(&self) -> Option<Instant> {
        (self.open > 0).then_some(self.open_since)
    }
}

/// Whether this can be an answer to that: its kind, and the counts and lengths that the request decides.
fn check(request: &Request, response: &Response) -> Result<(), PeerFault> {
    let fits = match (request, response) {
        (_, Response::Error(_)) => true,
        (Request::Have { pins }, Response::Have { copies, .. }) => {
            return if pins.len() == copies.len() { Ok(()) } else { Err(PeerFault::WrongContent) };
        }
        (Request::PutBlob { .. } | Request::PutRecord { .. }, Response::Stored { .. })
        | (Request::GetBlob { .. }, Response::Blob { .. })
        | (Request::GetRecord { .. }, Response::Record { .. })
        | (Request::ListRecords { .. }, Response::Records { .. })
        | (Request::Status, Response::Status(_))
        | (Request::Evict { .. }, Response::Evicted { .. })
        | (Request::Verify { .. }, Response::Verified { .. })
        | (Request::VerifyRecords { .. }, Response::VerifiedRecords(_))
        | (Request::Peers, Response::Peers(_))
        | (Request::Invite { .. }, Response::Invite { .. })
        | (Request::Leave { .. }, Response::Leave { .. })
        | (Request::Ban { .. }, Response::Done)
        | (Request::Ping { .. }, Response::Pong { .. }) => true,
        _ => false,
    };
    if fits { Ok(()) } else { Err(PeerFault::UnexpectedAnswer) }
}

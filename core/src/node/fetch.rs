//! Fetching what is missing here from other members: so many bytes under way, so many a second, and one member after
//! the other until one has it.
//!
//! Whatever comes is checked by this node's own store before it counts. Knows nothing of why something is missing.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use super::calls::{Answered, Failure};
use super::hub::Hub;
use super::store::{Keep, Origin};
use crate::config::{Config, limit};
use crate::error::PeerFault;
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::{BlobId, Name, NodeId, OwnerId};
use crate::time::Instant;
use crate::wire::{ErrorCode, Request, Response};

/// What is missing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Missing {
    /// A blob, and its length as its pin tells.
    Blob(BlobId, u32),
    /// The parts of a record.
    Record(OwnerId, Name),
}

impl Missing {
    fn request(self) -> Request {
        match self {
            Self::Blob(id, _) => Request::GetBlob { id, offset: 0, len: 0 },
            Self::Record(owner, name) => Request::GetRecord { owner, name },
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Blob(_, length) => (length as usize).min(limit::BLOB),
            Self::Record(..) => limit::RECORD,
        }
    }
}

/// One of the missing things.
#[derive(Debug)]
struct Item {
    missing: Missing,
    /// Whom to ask, the next one last.
    candidates: Vec<NodeId>,
    /// Who has sent what is being checked.
    sender: Option<NodeId>,
    /// Someone could not be asked, or did not answer: that nobody has it is not known.
    uncertain: bool,
}

/// Things being fetched for one operation.
#[derive(Debug)]
pub(super) struct Fetch {
    op: u64,
    window: usize,
    rate: usize,
    waiting: VecDeque<Item>,
    under_way: BTreeMap<u32, Item>,
    bytes: usize,
    next_slot: u32,
    not_before: Instant,
    /// Asked for in vain: everybody has answered, and nobody has it.
    pub(super) absent: u64,
    /// Not had, and somebody may have it; or this node's own disk did not keep it.
    pub(super) failed: u64,
}

impl Fetch {
    /// `first_slot`: all slots from here on are its own.
    pub(super) const fn new(config: &Config, op: u64, first_slot: u32, now: Instant) -> Self {
        Self {
            op,
            window: config.pull_window,
            rate: config.pull_rate,
            waiting: VecDeque::new(),
            under_way: BTreeMap::new(),
            bytes: 0,
            next_slot: first_slot,
            not_before: now,
            absent: 0,
            failed: 0,
        }
    }

    /// Wants this of one of these members, the first one first.
    pub(super) fn want(&mut self, missing: Missing, mut candidates: Vec<NodeId>) {
        candidates.reverse();
        self.waiting.push_back(Item { missing, candidates, sender: None, uncertain: false });
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty()
    }

    /// What was wanted and is not had yet.
    pub(super) fn open(&self) -> u64 {
        (self.waiting.len() + self.under_way.len()) as u64
    }

    /// Tells what it holds; `most`: so many things may be wanted at once.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn gauge(&self, config: &Config, most: usize, gauges: &mut Gauges) {
        gauges.count("node: things that an operation wants", self.open() as usize, most, "limit::PULL_ROWS");
        let window = config.pull_window.max(limit::BLOB);
        gauges.bytes("node: bytes that an operation fetches", self.bytes, window, "pull_window");
    }

    /// When [`go_on`](Self::go_on) has something to do although nothing has come.
    pub(super) fn wake(&self) -> Option<Instant> {
        (!self.waiting.is_empty() && self.has_room()).then_some(self.not_before)
    }

    fn has_room(&self) -> bool {
        let next = self.waiting.front().map_or(0, |item| item.missing.bytes());
        self.bytes == 0 || self.bytes + next <= self.window
    }

    /// Asks as far as the window and the rate allow.
    pub(super) fn go_on(&mut self, hub: &mut Hub) {
        while self.has_room() && hub.now.mono >= self.not_before {
            let Some(item) = self.waiting.pop_front() else { return };
            let bytes = item.missing.bytes();
            self.bytes += bytes;
            self.not_before = hub.now.mono + time_of(bytes, self.rate);
            self.ask_next(hub, item);
        }
    }

    fn ask_next(&mut self, hub: &mut Hub, mut item: Item) {
        let Some(node) = item.candidates.pop() else {
            self.bytes -= item.missing.bytes();
            if item.uncertain {
                self.failed += 1;
            } else {
                self.absent += 1;
            }
            return;
        };
        let slot = self.next_slot;
        self.next_slot += 1;
        hub.ask(self.op, slot, node, item.missing.request());
        self.under_way.insert(slot, item);
    }

    /// Takes an answer to one of its slots.
    pub(super) fn answered(&mut self, hub: &mut Hub, answer: Answered) {
        let Some(mut item) = self.under_way.remove(&answer.slot) else { return };
        match item.sender.take() {
            Some(sender) => self.checked(hub, item, sender, answer.result),
            None => match (item.missing, answer.result) {
                (Missing::Blob(id, _), Ok(Response::Blob { bytes, .. })) => {
                    let slot = self.check(item, answer.from);
                    hub.check_own(self.op, slot, id, bytes);
                }
                (Missing::Record(owner, name), Ok(Response::Record { record: Some(record), .. }))
                    if record.header().owner == owner
                        && record.header().name == name
                        && record.is_complete() =>
                {
                    let slot = self.check(item, answer.from);
                    let request = Request::PutRecord { record };
                    hub.ask_own(self.op, slot, Origin::Node(answer.from), Keep::Replica, request);
                }
                (_, result) => {
                    item.uncertain |= !is_absence(&result);
                    self.ask_next(hub, item);
                }
            },
        }
        self.go_on(hub);
    }

    fn check(&mut self, mut item: Item, sender: NodeId) -> u32 {
        item.sender = Some(sender);
        let slot = self.next_slot;
        self.next_slot += 1;
        self.under_way.insert(slot, item);
        slot
    }

    fn checked(&mut self, hub: &mut Hub, mut item: Item, sender: NodeId, result: Result<Response, Failure>) {
        match result {
            Err(Failure::Refused(error)) if error.code == ErrorCode::Invalid => {
                hub.blame(&sender, PeerFault::WrongContent);
                item.uncertain = true;
                return self.ask_next(hub, item);
            }
            // What is newer is here by now.
            Err(Failure::Refused(error)) if error.code == ErrorCode::Stale => {}
            Ok(Response::Stored { copies: 0, wanted: 1.. }) => self.failed += 1,
            Ok(_) => {}
            Err(_) => self.failed += 1,
        }
        self.bytes -= item.missing.bytes();
    }
}

/// True if the member has said that it does not have it.
fn is_absence(result: &Result<Response, Failure>) -> bool {
    match result {
        Ok(Response::Record { .. }) => true,
        Err(Failure::Refused(error)) => matches!(error.code, ErrorCode::NotFound | ErrorCode::Damaged),
        _ => false,
    }
}

/// How long so many bytes take at this rate.
fn time_of(bytes: usize, rate: usize) -> Duration {
    // At most a blob, so the product fits.
    Duration::from_micros(bytes as u64 * 1_000_000 / (rate.max(1) as u64))
}

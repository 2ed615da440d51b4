//! Which requests are open on a link, in both directions: an answer comes only to a request, and only once.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::config::limit;
use crate::error::PeerFault;
use crate::wire::{Class, Outline, Request};

/// The open requests of one link.
#[derive(Debug)]
pub(super) struct Exchange {
    /// Ours, with the longest answer that each can have; none once the answer has begun to arrive.
    asked: BTreeMap<u32, usize>,
    /// The peer's, until their answers are out.
    to_answer: BTreeSet<u32>,
    max_requests: usize,
    takes_requests: bool,
}

impl Exchange {
    /// `takes_requests`: only nodes are asked.
    pub(super) const fn new(max_requests: u16, takes_requests: bool) -> Self {
        Self {
            asked: BTreeMap::new(),
            to_answer: BTreeSet::new(),
            max_requests: max_requests as usize,
            takes_requests,
        }
    }

    /// We ask.
    pub(super) fn ask(&mut self, id: u32, request: &Request) {
        self.asked.insert(id, longest_answer(request));
    }

    /// Our answer to a request is out.
    pub(super) fn answered(&mut self, id: u32) {
        self.to_answer.remove(&id);
    }

    /// How many requests of ours, and how many of the peer's, are open.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn open(&self) -> (usize, usize) {
        (self.asked.len(), self.to_answer.len())
    }

    /// Checks a message of this length that begins to arrive on an open link; returns what pays for it.
    pub(super) fn admit(&mut self, outline: Outline, len: usize) -> Result<Class, PeerFault> {
        match outline {
            Outline::Hello => Err(PeerFault::NotAllowed),
            Outline::Link => within(len, limit::CONTROL_MESSAGE).map(|()| Class::Control),
            Outline::Request { id, class } => {
                if !self.takes_requests {
                    return Err(PeerFault::NotAllowed);
                }
                if class == Class::Control {
                    within(len, limit::CONTROL_MESSAGE)?;
                }
                if self.to_answer.len() >= self.max_requests {
                    return Err(PeerFault::TooManyRequests);
                }
                if self.to_answer.insert(id) { Ok(class) } else { Err(PeerFault::NotAllowed) }
            }
            Outline::Response { id } => {
                let longest = self.asked.remove(&id).ok_or(PeerFault::UnexpectedAnswer)?;
                within(len, longest).map(|()| Class::Control)
            }
        }
    }
}

fn within(len: usize, longest: usize) -> Result<(), PeerFault> {
    if len <= longest { Ok(()) } else { Err(PeerFault::TooLarge) }
}

/// What the answer to a request may take of our memory, which no credit bounds.
const fn longest_answer(request: &Request) -> usize {
    match request {
        Request::GetBlob { len: 0, .. } | Request::ListRecords { .. } => limit::MESSAGE,
        Request::GetBlob { len, .. } => limit::CONTROL_MESSAGE.saturating_add(*len as usize),
        _ => limit::CONTROL_MESSAGE,
    }
}

//! How long is waited for answers: when a link is asked whether it lives or given up, and when operations end without one.
//!
//! Knows times only: what an operation or a request is about, the rest of the machine knows.

use alloc::vec::Vec;
use core::time::Duration;

use super::{Running, Slot};
use crate::error::{OpError, PeerFault};
use crate::id::OpId;
use crate::time::{Instant, Now};

/// How many times its patience an operation waits while bytes still leave, but nothing is answered: a slow link is borne,
/// a peer that never answers is not.
const SLOW_FACTOR: u32 = 10;

impl Running {
    pub(super) fn handle_timeout(&mut self, now: Now) {
        self.link.handle_timeout(now, &mut self.effects.outputs);
        self.effects.requests.handle_timeout(now);
        if self.silent_at().is_some_and(|at| at <= now.mono) {
            let max = self.link.peer().map_or(0, |peer| peer.max_requests);
            match self.effects.requests.ping(now, max) {
                Some(ping) => self.link.send(&ping),
                None => self.link.fault(now, PeerFault::Silent, &mut self.effects.outputs),
            }
        }
        if self.check_at.is_some_and(|at| at <= now.mono) {
            self.end_what_is_late(now);
        }
    }

    /// When a link on which requests are open and nothing moves is asked whether it lives, or given up: soon, where there is
    /// another way in.
    pub(super) fn silent_at(&self) -> Option<Instant> {
        let config = &self.env.config;
        let since = self.link.last_moved()?.max(self.effects.requests.open_since()?);
        let patience = match self.link.entries() {
            _ if !self.effects.requests.is_pinging() => config.heartbeat,
            0 | 1 => config.idle_close,
            _ => config.suspect_after,
        };
        Some(since + patience)
    }

    /// How long an operation waits for an answer: as long as the entry node itself may take, and the way to it.
    pub(super) fn patience(&self) -> Duration {
        self.env.config.bulk_deadline + self.env.config.request_deadline
    }

    /// True while an entry node that restarts may not be back yet.
    pub(super) fn was_there_just_now(&self, now: Now) -> bool {
        self.lost_at.is_some_and(|at| now.mono < at + self.env.config.suspect_after)
    }

    fn end_what_is_late(&mut self, now: Now) {
        let patience = self.patience();
        let sent = self.link.last_sent();
        let due = |slot: &Slot| {
            let slow = sent.max(slot.progress) + patience;
            slow.min(slot.progress + patience * SLOW_FACTOR)
        };
        let late: Vec<OpId> =
            self.waiting().filter(|(_, slot)| due(slot) <= now.mono).map(|(op, _)| op).collect();
        self.check_at = self.waiting().map(|(_, slot)| due(slot)).filter(|due| *due > now.mono).min();
        if late.is_empty() {
            return;
        }
        let error = match self.link.peer() {
            Some(_) => OpError::Deadline,
            None => self.last_error.clone().unwrap_or(OpError::Deadline),
        };
        for op in late {
            self.fail(op, error.clone());
        }
        // Whoever let an operation wait for so long is not to be relied on for the next.
        self.link.fault(now, PeerFault::Silent, &mut self.effects.outputs);
    }
}

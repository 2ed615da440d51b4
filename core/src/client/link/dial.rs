//! Which address is dialled, and when: one after the other, in rounds, with waits between that double.
//!
//! Knows nothing of what goes over a link that opens.

use core::time::Duration;

use super::{Link, LinkEvent, Outputs, State};
use crate::client::round::Failure;
use crate::driver::Output;
use crate::error::PeerFault;
use crate::id::ConnId;
use crate::time::Now;

/// How often in a row an address closes the link after our first message until it is believed to mean it.
const REFUSALS: u32 = 3;

impl Link {
    pub(super) fn dial(&mut self, now: Now, outputs: &mut Outputs) {
        let Some((_, addr)) = self.entry.get(self.at).copied() else {
            self.end_round(now);
            return;
        };
        let conn = ConnId::dialled(self.dialled);
        self.dialled += 1;
        self.state = State::Dialling { conn, deadline: now.mono + self.config.dial_deadline };
        outputs.push_back(Output::Dial { conn, addr });
    }

    /// The peer closed after our first message, or the link broke by chance: what happens each time is meant.
    pub(super) fn refused(&mut self, now: Now, outputs: &mut Outputs) {
        self.refusals += 1;
        if self.refusals < REFUSALS {
            self.dial(now, outputs);
        } else {
            self.failed(now, Failure::Refused, outputs);
        }
    }

    /// This address did not lead to an open link: the next one is tried.
    pub(super) fn failed(&mut self, now: Now, failure: Failure, outputs: &mut Outputs) {
        self.refusals = 0;
        self.next_address();
        if self.round.add(failure) < self.entry.len() {
            self.dial(now, outputs);
        } else {
            self.end_round(now);
        }
    }

    pub(super) fn next_address(&mut self) {
        self.at = (self.at + 1) % self.entry.len().max(1);
    }

    fn end_round(&mut self, now: Now) {
        let verdict = core::mem::take(&mut self.round).verdict();
        self.events.push_back(LinkEvent::Unreached(verdict));
        self.wait_to_redial(now);
    }

    pub(super) fn lost(&mut self, now: Now, fault: Option<PeerFault>) {
        self.events.push_back(LinkEvent::Lost { fault });
        self.wait_to_redial(now);
    }

    /// Waits between half and the whole of a time that doubles with each round in vain.
    fn wait_to_redial(&mut self, now: Now) {
        let half = self.wait / 2;
        let jitter = self.rng.below(u32::try_from(half.as_micros()).unwrap_or(u32::MAX));
        self.state = State::Waiting(now.mono + half + Duration::from_micros(u64::from(jitter)));
        self.wait = (self.wait * 2).min(self.config.redial_longest);
    }

    pub(super) fn give_up(&mut self, conn: ConnId, outputs: &mut Outputs) {
        self.given_up.insert(conn);
        outputs.push_back(Output::Close { conn });
    }
}

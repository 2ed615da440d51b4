//! What the store goes over now and then on its own, with questions to others: pins of which it is to be known what
//! became of their objects, and tombstones that are old enough to be dropped.
//!
//! A walk reads a page, asks the node one question, waits for what comes of it, and goes on: there is never more
//! than one question of each sort.

use super::LocalStore;
use super::keys::{self, Range};
use super::operation::{Op, Purpose};
use crate::time::Instant;
use core::time::Duration;

/// Wait after an error of the disk.
const AFTER_ERROR: Duration = Duration::from_secs(5);

/// Which walk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Round {
    /// Over the pins.
    Pins,
    /// Over the tombstones.
    Tombstones,
}

#[derive(Debug)]
enum Phase {
    /// It begins then.
    At(Instant),
    /// The disk is busy with it.
    Working,
    /// The node was asked this, and has until then; the walk goes on with the rest.
    Asked { question: u64, rest: Option<Range>, deadline: Instant },
}

/// One walk.
#[derive(Debug)]
pub(super) struct Walk {
    phase: Phase,
    /// When it began last.
    began: Instant,
    /// It was wanted again since then.
    again: bool,
    next_question: u64,
}

impl Walk {
    pub(super) fn new(first: Instant) -> Self {
        Self { phase: Phase::At(first), began: Instant(0), again: false, next_question: 0 }
    }

    /// The next deadline.
    pub(super) const fn timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::At(at) | Phase::Asked { deadline: at, .. } => Some(at),
            Phase::Working => None,
        }
    }
}

impl LocalStore {
    const fn walk(&mut self, round: Round) -> &mut Walk {
        match round {
            Round::Pins => &mut self.pins_walk,
            Round::Tombstones => &mut self.tombstones_walk,
        }
    }

    const fn every(&self, round: Round) -> Duration {
        match round {
            Round::Pins => self.config.check_every,
            Round::Tombstones => self.config.forget_every,
        }
    }

    /// Has a walk begin soon, but not more often than every [`Config::check_again`](crate::config::Config::check_again).
    pub(super) fn walk_soon(&mut self, round: Round) {
        let again = self.config.check_again;
        let walk = self.walk(round);
        match &mut walk.phase {
            Phase::At(at) => *at = (walk.began + again).min(*at),
            Phase::Working | Phase::Asked { .. } => walk.again = true,
        }
    }

    /// Begins what is due, and goes on without an answer that is late.
    pub(super) fn go_on_with_walks(&mut self) {
        for round in [Round::Pins, Round::Tombstones] {
            let now = self.now.mono;
            let walk = self.walk(round);
            match walk.phase {
                Phase::At(at) if at <= now => {
                    walk.began = now;
                    walk.again = false;
                    self.walk_on(round, None);
                }
                Phase::Asked { question, deadline, .. } if deadline <= now => {
                    if let Some((op, rest)) = self.walk_answered(round, question) {
                        self.walked(op, round, rest);
                    }
                }
                Phase::At(_) | Phase::Working | Phase::Asked { .. } => {}
            }
        }
    }

    fn walk_on(&mut self, round: Round, rest: Option<Range>) {
        let op = self.begin_own(Purpose::Walk(round));
        self.walk(round).phase = Phase::Working;
        match round {
            Round::Pins => self.walk_pins(op, rest.unwrap_or_else(keys::own_all)),
            Round::Tombstones => self.walk_tombstones(op, rest.unwrap_or_else(keys::rec_all)),
        }
    }

    /// Waits for the answer to a question, and gives its number.
    pub(super) fn walk_asks(&mut self, op: Op, round: Round, rest: Option<Range>) -> u64 {
        self.end(op);
        let deadline = self.now.mono + self.config.offer_deadline;
        let walk = self.walk(round);
        let question = walk.next_question;
        walk.next_question += 1;
        walk.phase = Phase::Asked { question, rest, deadline };
        question
    }

    /// The answer has come: who goes on with it, and what is left. `None` if nobody waits for it.
    pub(super) fn walk_answered(&mut self, round: Round, question: u64) -> Option<(Op, Option<Range>)> {
        let walk = self.walk(round);
        let Phase::Asked { question: asked, rest, .. } = &mut walk.phase else { return None };
        if *asked != question {
            return None;
        }
        let rest = rest.take();
        walk.phase = Phase::Working;
        Some((self.begin_own(Purpose::Walk(round)), rest))
    }

    /// A page is done with: on with the rest, if there is any.
    pub(super) fn walked(&mut self, op: Op, round: Round, rest: Option<Range>) {
        self.end(op);
        if rest.is_some() {
            return self.walk_on(round, rest);
        }
        let (again, every) = (self.config.check_again, self.every(round));
        let walk = self.walk(round);
        let wait = if walk.again { again.min(every) } else { every };
        walk.phase = Phase::At(walk.began + wait);
    }

    pub(super) fn walk_failed(&mut self, round: Round) {
        self.walk(round).phase = Phase::At(self.now.mono + AFTER_ERROR);
    }
}

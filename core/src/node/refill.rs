//! Bringing back what should be here and is not: damaged, dropped or never had. From the other replicas, then from anybody.
//!
//! What is missing the own store says, page by page; how bytes come, and how many, is `fetch`'s to know.

use super::calls::Answered;
use super::fetch::{Fetch, Missing};
use super::hub::Hub;
use super::operation::{Operation, Progress};
use super::store::Look;
use super::view::{blob_position, record_position};
#[cfg(any(test, feature = "sim"))]
use crate::config::{Config, limit};
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::{NodeId, Position};
use crate::time::Instant;
use crate::wire::{PullCursor, Response};
use alloc::vec::Vec;

/// The slot of the search for what is missing.
const LOOK: u32 = 0;
/// The first slot of what is fetched.
const FETCH: u32 = 1;

/// One walk over everything that is missing.
#[derive(Debug)]
pub(super) struct Refill {
    op: u64,
    look: Look,
    after: Option<PullCursor>,
    looking: bool,
    fetch: Fetch,
    deadline: Instant,
}

impl Refill {
    pub(super) fn new(hub: &mut Hub, op: u64) -> Self {
        let fetch = Fetch::new(&hub.setup.config, op, FETCH, hub.now.mono);
        let deadline = hub.now.mono;
        let mut refill =
            Self { op, look: Look::MissingRecords, after: None, looking: false, fetch, deadline };
        refill.look(hub);
        refill
    }

    fn look(&mut self, hub: &mut Hub) {
        self.looking = true;
        hub.look(self.op, LOOK, self.look, self.after);
        self.heed(hub);
    }

    fn heed(&mut self, hub: &mut Hub) {
        self.deadline = hub.now.mono + hub.setup.config.bulk_deadline;
        hub.repair.refill.open = self.fetch.open() + self.fetch.absent + self.fetch.failed;
    }

    fn found(&mut self, hub: &mut Hub, response: Response) -> Progress {
        self.looking = false;
        let suite = hub.setup.suite;
        match response {
            Response::PulledRecords(page) => {
                for row in page.records {
                    let (owner, name) = (row.record.header().owner, row.record.header().name);
                    let candidates = candidates(hub, &record_position(suite, &owner, name.0[0]));
                    self.fetch.want(Missing::Record(owner, name), candidates);
                }
                self.after = page.next;
            }
            Response::PulledPins(page) => {
                for row in page.pins {
                    let body = row.pin.body();
                    let candidates = candidates(hub, &blob_position(&body.blob));
                    self.fetch.want(Missing::Blob(body.blob, body.length), candidates);
                }
                self.after = page.next;
            }
            _ => return self.end(hub),
        }
        self.progress(hub)
    }

    fn progress(&mut self, hub: &mut Hub) -> Progress {
        self.fetch.go_on(hub);
        self.heed(hub);
        if self.looking || !self.fetch.is_idle() {
            return Progress::Going;
        }
        if self.after.is_none() {
            if self.look == Look::MissingBlobs {
                return self.end(hub);
            }
            self.look = Look::MissingBlobs;
        }
        self.look(hub);
        Progress::Going
    }

    fn end(&self, hub: &mut Hub) -> Progress {
        let left = self.fetch.open() + self.fetch.absent + self.fetch.failed;
        hub.refill_ended(left);
        Progress::Done
    }
}

impl Operation for Refill {
    fn answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        match (answer.slot, answer.result) {
            (LOOK, Ok(response)) => self.found(hub, response),
            (LOOK, Err(_)) => {
                // The disk has failed: what is missing is not known.
                self.fetch.failed += 1;
                self.end(hub)
            }
            (slot, result) => {
                self.fetch.answered(hub, Answered { slot, result, ..answer });
                self.progress(hub)
            }
        }
    }

    fn timeout(&mut self, hub: &mut Hub) -> Progress {
        if hub.now.mono >= self.deadline {
            return self.end(hub);
        }
        self.fetch.go_on(hub);
        Progress::Going
    }

    fn is_background(&self) -> bool {
        true
    }

    fn deadline(&self) -> Instant {
        self.fetch.wake().map_or(self.deadline, |wake| wake.min(self.deadline))
    }

    #[cfg(any(test, feature = "sim"))]
    fn gauge(&self, config: &Config, gauges: &mut Gauges) {
        self.fetch.gauge(config, limit::PULL_ROWS, gauges);
    }
}

/// Whom to ask for what lies at a position: its replicas, then everybody else who responds.
pub(super) fn candidates(hub: &Hub, position: &Position) -> Vec<NodeId> {
    let mut replicas = hub.view.replicas(position);
    replicas.retain(|node| !hub.is_own(node));
    hub.by_priority(&mut replicas);
    let mut others = hub.responsive();
    others.retain(|node| !replicas.contains(node));
    hub.by_priority(&mut others);
    replicas.extend(others);
    replicas
}

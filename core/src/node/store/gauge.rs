//! What a store holds in its queues, buffers and tables, beside its limits.

use super::LocalStore;
use super::quota::OWNERS;
use crate::config::{Config, limit};
use crate::gauge::Gauges;

/// Operations of its own that are there once: lingering, expiry, a quarantine, and one walk of each sort.
const CHORES: usize = 5;
/// Effects of one operation at once, at most: a scan and a read for each pin of a `Have`.
const EFFECTS: usize = 2 * limit::HAVE_PINS;
/// Small rows of its own, and one for each damaged row of the disk that is to go.
const STATE_ROWS: usize = 8 + limit::DOUBTS;

impl LocalStore {
    /// Tells what it holds.
    pub(in crate::node) fn gauge(&self, config: &Config, gauges: &mut Gauges) {
        let slots = config.max_disk_requests.max(1);
        let operations = slots + config.offers_in_flight.max(1) + CHORES;
        gauges.count("store: steps to be taken", self.ready.len(), 0, "taken at once");
        self.operations.gauge(config, operations, gauges);
        let running = self.operations.running();
        gauges.count(
            "store: operations that hold locks or wait for them",
            self.locks.count(),
            running,
            "operations",
        );
        gauges.count("store: disk requests under way", self.effects.on_disk(), slots, "max_disk_requests");
        gauges.count(
            "store: effects under way",
            self.effects.count(),
            operations * EFFECTS,
            "max_disk_requests, limit::HAVE_PINS",
        );
        for (of, value) in self.proofs.counts() {
            gauges.count(of, value, config.offers_in_flight.max(1), "offers_in_flight");
        }
        gauges.count(
            "store: rows of state to be written",
            self.state.unwritten(),
            STATE_ROWS,
            "limit::DOUBTS",
        );
        gauges.count("store: owners whose bytes are counted", self.usage.count(), OWNERS, "quota::OWNERS");
        gauges.count(
            "store: names whose rows are damaged",
            self.doubts.count(),
            limit::DOUBTS,
            "limit::DOUBTS",
        );
    }

    /// How many requests it has not answered.
    pub(in crate::node) fn asked(&self) -> usize {
        self.operations.asked()
    }
}

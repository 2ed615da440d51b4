//! What a client holds in its queues, buffers and tables, beside its limits.

use super::Running;
use crate::config::{Config, limit};
use crate::gauge::Gauges;
use crate::session::Share;

impl Running {
    /// Tells what it holds.
    pub(in crate::client) fn gauge(&self, config: &Config, gauges: &mut Gauges) {
        let operations = self.operations.len();
        gauges.count("client: operations", operations, config.max_operations, "max_operations");
        for slot in self.operations.values() {
            slot.operation.gauge(config, gauges);
        }
        let jobs = operations * config.pieces_in_flight.max(1);
        let bears = self.link.peer().map_or(0, |peer| usize::from(peer.max_requests));
        // Those of operations that have ended are there until the driver answers.
        gauges.count(
            "client: jobs",
            self.effects.jobs.len(),
            jobs.max(config.max_operations),
            "pieces_in_flight",
        );
        self.effects.requests.gauge(operations, bears, gauges);
        self.effects.window.gauge(operations, config, gauges);
        self.effects.seen.gauge(operations, config, gauges);
        let requests = usize::from(config.max_requests) * limit::CONTROL_MESSAGE;
        let share = Share { coming: config.client_window, going: config.client_window + requests };
        self.link.gauge(config, share, gauges);
        gauges.memory("client: memory");
    }
}

//! Whether every machine stays inside its limits: looks at all their queues, buffers and tables during a run. Must not know
//! what they are for: each tells of its own ([`Gauge`]).

use alloc::collections::BTreeMap;
use alloc::format;

use super::super::peer::Peer;
use super::super::world::World;
use super::crowd::{Crowd, Rule};
use super::watch::Watching;
use crate::config::Config;
use crate::gauge::{Gauge, Gauges};

/// Moments at which something happens between two looks: more often, and looking would take longer than running.
const MOMENTS: u32 = 64;

/// What was seen of the sizes of all machines.
#[derive(Debug)]
pub(super) struct Bounds {
    /// What sizes are compared with: not what the machines themselves take for their limits.
    config: Config,
    /// For use at each look.
    gauges: Gauges,
    /// Of each table the fullest that was seen.
    pub(super) fullest: BTreeMap<&'static str, Gauge>,
    left: u32,
}

impl Bounds {
    pub(super) fn new(config: Config) -> Self {
        Self { config, gauges: Gauges::default(), fullest: BTreeMap::new(), left: MOMENTS }
    }

    /// Looks, if it is time again.
    pub(super) fn moment(&mut self, world: &World<Peer>, watching: &Watching, crowd: &mut Crowd) {
        self.left -= 1;
        if self.left == 0 {
            self.look(world, watching, crowd);
        }
    }

    /// Looks at every machine, and tells once of each table that is larger than it may be.
    pub(super) fn look(&mut self, world: &World<Peer>, watching: &Watching, crowd: &mut Crowd) {
        self.left = MOMENTS;
        for (host, machine) in world.machines() {
            self.gauges.clear();
            match machine {
                Peer::Node(node) => node.gauge(&self.config, &mut self.gauges),
                Peer::Client(client) => client.gauge(&self.config, &mut self.gauges),
                // What a liar holds is its own business.
                Peer::Liar(_) => {}
            }
            for gauge in self.gauges.rows() {
                let is_over = gauge.value > gauge.limit;
                let before = self.fullest.get(gauge.of);
                if is_over && before.is_none_or(|before| before.value <= before.limit) {
                    let Gauge { of, value, limit, by } = gauge;
                    let what = format!("{}: {of}: {value} of at most {limit} ({by})", watching.name_of(host));
                    crowd.violated(world.now().mono, Rule::Bounds, what);
                }
                if before.is_none_or(|before| fullness(before) <= fullness(gauge)) {
                    self.fullest.insert(gauge.of, *gauge);
                }
            }
        }
    }
}

/// First by whether it is too much, then by how much it is.
const fn fullness(gauge: &Gauge) -> (bool, usize) {
    (gauge.value > gauge.limit, gauge.value)
}

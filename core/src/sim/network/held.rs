//! What waits for hosts that stand still: their systems take connections and bytes for them, as far as their buffers go.

use alloc::collections::{BTreeMap, BTreeSet};

use super::arrival::Arrival;
use super::{Due, End, HostId, Network};
use crate::id::ConnId;

/// So many bytes a system takes for a link of which nobody reads.
const BUFFER: usize = 256 * 1024;

/// All that waits, by the host that stands still.
#[derive(Debug, Default)]
pub(super) struct Held(BTreeMap<HostId, Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// What has arrived there, and the word to others that bytes for it were taken.
    arrivals: BTreeMap<Due, (HostId, Arrival)>,
    /// Bytes that nobody has read.
    unread: BTreeMap<ConnId, usize>,
}

impl Held {
    pub(super) fn forget(&mut self, ends: &BTreeSet<End>) {
        for waiting in self.0.values_mut() {
            waiting.arrivals.retain(|_, (host, arrival)| !ends.contains(&(*host, arrival.conn())));
        }
    }
}

impl Network {
    /// The host stands still: what arrives waits.
    pub(in crate::sim) fn pause(&mut self, host: HostId) {
        self.held.0.entry(host).or_default();
    }

    /// The host goes on: what waited comes first, in the order in which it came.
    pub(in crate::sim) fn resume(&mut self, host: HostId) {
        if let Some(waiting) = self.held.0.remove(&host) {
            self.under_way.extend(waiting.arrivals);
        }
    }

    /// Keeps what has to wait for a host that stands still, and gives back what need not.
    pub(super) fn hold(&mut self, due: Due, host: HostId, arrival: Arrival) -> Option<Arrival> {
        if self.held.0.is_empty() {
            return Some(arrival);
        }
        if let Some(waiting) = self.held.0.get_mut(&host) {
            if let Arrival::Received { conn, bytes } = &arrival {
                *waiting.unread.entry(*conn).or_default() += bytes.len();
            }
            waiting.arrivals.insert(due, (host, arrival));
            return None;
        }
        if let Arrival::Sent { conn, .. } = arrival
            && let Some(to) = self.links.get(&(host, conn)).and_then(|link| link.other)
            && let Some(waiting) = self.held.0.get_mut(&to.0)
            && waiting.unread.get(&to.1).is_some_and(|unread| *unread > BUFFER)
        {
            waiting.arrivals.insert(due, (host, arrival));
            return None;
        }
        Some(arrival)
    }
}

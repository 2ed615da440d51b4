//! What waits: for hosts that stand still, whose systems take connections and bytes for them as far as their buffers go; and
//! what is held back on its way between two hosts.

use alloc::collections::{BTreeMap, BTreeSet};

use super::arrival::Arrival;
use super::{Due, End, HostId, Network};
use crate::id::ConnId;

/// So many bytes a system takes for a link of which nobody reads.
const BUFFER: usize = 256 * 1024;

/// All that waits.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// By the host that stands still.
    hosts: BTreeMap<HostId, Waiting>,
    /// By the two hosts between which it is held back.
    ways: BTreeMap<(HostId, HostId), BTreeMap<Due, (HostId, Arrival)>>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// What has arrived there, and the word to others that bytes for it were taken.
    arrivals: BTreeMap<Due, (HostId, Arrival)>,
    /// Bytes that nobody has read.
    unread: BTreeMap<ConnId, usize>,
}

impl Held {
    pub(super) fn forget(&mut self, ends: &BTreeSet<End>) {
        let arrivals = self.hosts.values_mut().map(|waiting| &mut waiting.arrivals);
        for arrivals in arrivals.chain(self.ways.values_mut()) {
            arrivals.retain(|_, (host, arrival)| !ends.contains(&(*host, arrival.conn())));
        }
    }
}

impl Network {
    /// The host stands still: what arrives waits.
    pub(in crate::sim) fn pause(&mut self, host: HostId) {
        self.held.hosts.entry(host).or_default();
    }

    /// The host goes on: what waited comes first, in the order in which it came.
    pub(in crate::sim) fn resume(&mut self, host: HostId) {
        if let Some(waiting) = self.held.hosts.remove(&host) {
            self.under_way.extend(waiting.arrivals);
        }
    }

    /// Bytes from one host to the other wait on their way.
    pub(in crate::sim) fn hold_way(&mut self, from: HostId, to: HostId) {
        self.held.ways.entry((from, to)).or_default();
    }

    /// They come out, in the order in which they were sent.
    pub(in crate::sim) fn release_way(&mut self, from: HostId, to: HostId) {
        self.under_way.extend(self.held.ways.remove(&(from, to)).unwrap_or_default());
    }

    /// All that waits on its way comes out.
    pub(in crate::sim) fn release_ways(&mut self) {
        let ways = core::mem::take(&mut self.held.ways);
        self.under_way.extend(ways.into_values().flatten());
    }

    /// Keeps what has to wait for a host that stands still, and gives back what need not.
    pub(super) fn hold(&mut self, due: Due, host: HostId, arrival: Arrival) -> Option<Arrival> {
        if self.held.hosts.is_empty() && self.held.ways.is_empty() {
            return Some(arrival);
        }
        if let Arrival::Received { conn, .. } = &arrival
            && let Some(link) = self.links.get(&(host, *conn))
            && let Some(waiting) = self.held.ways.get_mut(&(link.far, host))
        {
            waiting.insert(due, (host, arrival));
            return None;
        }
        if let Some(waiting) = self.held.hosts.get_mut(&host) {
            if let Arrival::Received { conn, bytes } = &arrival {
                *waiting.unread.entry(*conn).or_default() += bytes.len();
            }
            waiting.arrivals.insert(due, (host, arrival));
            return None;
        }
        if let Arrival::Sent { conn, .. } = arrival
            && let Some(to) = self.links.get(&(host, conn)).and_then(|link| link.other)
            && let Some(waiting) = self.held.hosts.get_mut(&to.0)
            && waiting.unread.get(&to.1).is_some_and(|unread| *unread > BUFFER)
        {
            waiting.arrivals.insert(due, (host, arrival));
            return None;
        }
        Some(arrival)
    }
}

//! What goes wrong between hosts: links end, nothing gets through, in one direction or in both, or it takes long.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use super::arrival::Arrival;
use super::{Cut, End, HostId, Link, Network, pair};
use crate::time::Instant;

impl Network {
    pub(in crate::sim) fn cut(&mut self, now: Instant, a: HostId, b: HostId, cut: Cut) {
        self.cuts.insert(pair(a, b), cut);
        match cut {
            Cut::Reset => self.reset(now, a, b),
            Cut::Silent => {
                self.silence(a, b);
                self.silence(b, a);
            }
        }
    }

    /// Nothing gets from one host to the other any more. What that one sends still arrives.
    pub(in crate::sim) fn cut_one_way(&mut self, from: HostId, to: HostId) {
        self.one_way.insert((from, to));
        self.silence(from, to);
    }

    /// The two can reach each other again; links that had gone silent end, as those do that wait too long for lost bytes.
    pub(in crate::sim) fn heal(&mut self, now: Instant, a: HostId, b: HostId) {
        self.cuts.remove(&pair(a, b));
        self.one_way.remove(&(a, b));
        self.one_way.remove(&(b, a));
        self.end_links(now, |end, link| link.dead && pair(end.0, link.far) == pair(a, b));
    }

    /// The links between two hosts end.
    pub(in crate::sim) fn reset(&mut self, now: Instant, a: HostId, b: HostId) {
        self.end_links(now, |end, link| pair(end.0, link.far) == pair(a, b));
    }

    /// All that a host sends and gets is under way for so much longer.
    pub(in crate::sim) fn slow(&mut self, host: HostId, extra: Duration) {
        if extra.is_zero() {
            self.slow.remove(&host);
        } else {
            self.slow.insert(host, extra);
        }
    }

    /// The links that have ended by chance since this was asked last, by their hosts.
    pub(in crate::sim) fn take_resets(&mut self) -> Vec<(HostId, HostId)> {
        core::mem::take(&mut self.resets)
    }

    pub(super) fn is_reset_by_chance(&mut self) -> bool {
        let chance = self.options.reset_per_million;
        chance > 0 && self.rng.below(1_000_000) < chance
    }

    pub(super) fn end_links(&mut self, now: Instant, which: impl Fn(&End, &Link) -> bool) {
        let chosen: Vec<End> =
            self.links.iter().filter(|(end, link)| which(end, link)).map(|(end, _)| *end).collect();
        let mut ended = Vec::new();
        for end in chosen {
            let Some(link) = self.links.remove(&end) else { continue };
            ended.push(end);
            ended.extend(link.other.filter(|other| self.links.remove(other).is_some()));
        }
        self.forget_under_way(&ended.iter().copied().collect());
        for (host, conn) in ended {
            self.schedule(now, host, Arrival::Disconnected { conn });
        }
    }

    /// Nothing arrives at these ends of what is under way.
    pub(super) fn forget_under_way(&mut self, ends: &BTreeSet<End>) {
        if ends.is_empty() {
            return;
        }
        self.under_way.retain(|_, (host, arrival)| !ends.contains(&(*host, arrival.conn())));
        self.held.forget(ends);
    }

    /// What leaves the first host for the second is lost, also what has left already.
    fn silence(&mut self, from: HostId, to: HostId) {
        let ends: Vec<End> = self.ends_of(from).collect();
        let mut far = BTreeSet::new();
        let mut near = BTreeSet::new();
        for end in ends {
            if let Some(link) = self.links.get_mut(&end).filter(|link| link.far == to) {
                link.dead = true;
                near.insert(end);
                far.extend(link.other);
            }
        }
        self.under_way.retain(|_, (host, arrival)| match arrival {
            Arrival::Received { conn, .. } | Arrival::Connected { conn, .. } => {
                !far.contains(&(*host, *conn))
            }
            Arrival::Sent { conn, .. } => !near.contains(&(*host, *conn)),
            Arrival::Disconnected { .. } | Arrival::DialFailed { .. } => true,
        });
    }
}

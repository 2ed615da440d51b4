//! A network in memory: reliable, ordered links with latency, bytes cut into any portions, machines that cannot reach each other.
//!
//! Knows hosts by their number and links by their two ends; not what runs on a host.

mod arrival;
mod faults;
mod held;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;

use crate::id::ConnId;
use crate::rng::Rng;
use crate::time::Instant;

pub(super) use self::arrival::Arrival;
use self::arrival::Known;
use self::held::Held;

/// So long a link that is closed still delivers what was sent before, as the driver contract has it.
const LINGER: Duration = Duration::from_secs(1);

/// A machine's place in a world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HostId(pub usize);

/// How the network behaves.
#[derive(Clone, Debug)]
pub struct NetworkOptions {
    /// Every portion of bytes is under way for a time between these.
    pub latency: (Duration, Duration),
    /// Bytes arrive in portions of at most this length, of any length below it.
    pub longest_portion: usize,
    /// Keep a copy of all bytes that are sent.
    pub capture: bool,
    /// So many bytes a second go through each link in each direction; `None`: any number.
    pub bandwidth: Option<u64>,
    /// How many of a million portions end their link.
    pub reset_per_million: u32,
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            latency: (Duration::from_micros(200), Duration::from_micros(800)),
            longest_portion: 256 * 1024,
            capture: false,
            bandwidth: None,
            reset_per_million: 0,
        }
    }
}

/// Bytes that one host sent to another.
#[derive(Clone, Debug)]
pub struct Captured {
    /// Who sent.
    pub from: HostId,
    /// To whom.
    pub to: HostId,
    /// What.
    pub bytes: Bytes,
}

/// How two hosts are kept apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// Links end at once, and dials fail.
    Reset,
    /// Links stay, but nothing comes through any more, not even their end; dials are never answered.
    Silent,
}

/// One end of a link.
type End = (HostId, ConnId);

/// When something arrives; what arrives at one moment does in the order in which it left.
type Due = (Instant, u64);

/// All links, and what is under way on them.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) options: NetworkOptions,
    listeners: BTreeMap<SocketAddr, HostId>,
    addrs: BTreeMap<HostId, SocketAddr>,
    /// The ends of links that stand.
    links: BTreeMap<End, Link>,
    /// What the machine of each end knows of it.
    known: BTreeMap<End, Known>,
    cuts: BTreeMap<(HostId, HostId), Cut>,
    /// Nothing gets from the first to the second.
    one_way: BTreeSet<(HostId, HostId)>,
    /// So much longer is all under way that these hosts send and get.
    slow: BTreeMap<HostId, Duration>,
    under_way: BTreeMap<Due, (HostId, Arrival)>,
    held: Held,
    /// Links that ended by chance, for whoever watches.
    resets: Vec<(HostId, HostId)>,
    captured: Vec<Captured>,
    next: u64,
    accepted: u64,
    rng: Rng,
}

/// What an end knows of the way to the other.
#[derive(Debug)]
struct Link {
    /// The host of the other end.
    far: HostId,
    /// The other end, as long as this one matters to it.
    other: Option<End>,
    /// The link stands, but nothing that leaves here comes through.
    dead: bool,
    /// When the last portion towards this end arrives: the next one not before it.
    last_arrival: Instant,
    /// Until then the wire towards this end is taken by what was sent.
    busy_until: Instant,
}

impl Network {
    pub(super) fn new(options: NetworkOptions, rng: Rng) -> Self {
        Self {
            options,
            listeners: BTreeMap::new(),
            addrs: BTreeMap::new(),
            links: BTreeMap::new(),
            known: BTreeMap::new(),
            cuts: BTreeMap::new(),
            one_way: BTreeSet::new(),
            slow: BTreeMap::new(),
            under_way: BTreeMap::new(),
            held: Held::default(),
            resets: Vec::new(),
            captured: Vec::new(),
            next: 0,
            accepted: 0,
            rng,
        }
    }

    pub(super) fn add_host(&mut self, host: HostId, addr: SocketAddr, listens: bool) {
        self.addrs.insert(host, addr);
        if listens {
            self.listeners.insert(addr, host);
        }
    }

    /// The host takes part no more: its links end, as far as anybody can learn of that, and its address is answered by nobody.
    pub(super) fn remove_host(&mut self, now: Instant, host: HostId) {
        self.resume(host);
        self.listeners.retain(|_, listener| *listener != host);
        let ends: Vec<End> = self.ends_of(host).collect();
        for end in ends {
            let Some(link) = self.links.remove(&end) else { continue };
            self.part(now, &link);
        }
        self.under_way.retain(|_, (to, _)| *to != host);
        self.known.retain(|end, _| end.0 != host);
    }

    pub(super) fn dial(&mut self, now: Instant, from: HostId, conn: ConnId, addr: SocketAddr) {
        self.known.insert((from, conn), Known::Dialling);
        let listener = self.listeners.get(&addr).copied();
        let arrival = now + self.latency(from, listener);
        let back = arrival + self.latency(from, listener);
        let Some(to) = listener else {
            return self.schedule(back, from, Arrival::DialFailed { conn });
        };
        match self.cuts.get(&pair(from, to)) {
            Some(Cut::Silent) => return,
            Some(Cut::Reset) => return self.schedule(back, from, Arrival::DialFailed { conn }),
            // A link is made by a message each way.
            None if self.one_way.contains(&(from, to)) || self.one_way.contains(&(to, from)) => return,
            None => {}
        }
        self.accepted += 1;
        let far = ConnId::accepted(self.accepted);
        self.links.insert((from, conn), Link::new((to, far), back));
        self.links.insert((to, far), Link::new((from, conn), arrival));
        let remote = self.addrs.get(&from).copied().unwrap_or(addr);
        self.schedule(arrival, to, Arrival::Connected { conn: far, remote });
        self.schedule(back, from, Arrival::Connected { conn, remote: addr });
    }

    pub(super) fn send(&mut self, now: Instant, from: HostId, conn: ConnId, bytes: Bytes) {
        let Some(link) = self.links.get(&(from, conn)) else { return };
        let (far, way) = (link.far, link.way());
        if self.options.capture {
            self.captured.push(Captured { from, to: far, bytes: bytes.clone() });
        }
        let Some(to) = way else { return };
        let mut rest = bytes;
        while !rest.is_empty() {
            let longest = u32::try_from(self.options.longest_portion.max(1)).unwrap_or(u32::MAX);
            let len = (1 + self.rng.below(longest) as usize).min(rest.len());
            let portion = rest.split_to(len);
            let at = self.arrival(now, from, to, len);
            self.schedule(at, to.0, Arrival::Received { conn: to.1, bytes: portion });
            self.schedule(at, from, Arrival::Sent { conn, bytes: len });
            if self.is_reset_by_chance() {
                self.resets.push((from, to.0));
                return self.end_links(now, |end, _| *end == to);
            }
        }
    }

    /// What was sent before still arrives; then both ends learn that the link has ended.
    pub(super) fn close(&mut self, now: Instant, from: HostId, conn: ConnId) {
        let Some(known) = self.known.get_mut(&(from, conn)) else { return };
        let before = core::mem::replace(known, Known::Closing);
        let Some(link) = self.links.remove(&(from, conn)) else {
            // The end of an open link is under way already; a dial may never be answered.
            if before == Known::Dialling {
                self.schedule(now, from, Arrival::Disconnected { conn });
            }
            return;
        };
        let Some(to) = link.way() else {
            self.part(now, &link);
            let at = now + self.latency(from, None);
            return self.schedule(at, from, Arrival::Disconnected { conn });
        };
        let at = self.last_arrival_of_closed(now, from, to);
        self.links.remove(&to);
        self.schedule(at, to.0, Arrival::Disconnected { conn: to.1 });
        self.schedule(at, from, Arrival::Disconnected { conn });
    }

    pub(super) fn captured(&self) -> &[Captured] {
        &self.captured
    }

    pub(super) fn next_arrival(&self) -> Option<Instant> {
        self.under_way.keys().next().map(|(at, _)| *at)
    }

    /// The next thing that has arrived and that its host still waits for.
    pub(super) fn take_arrival(&mut self, now: Instant) -> Option<(HostId, Arrival)> {
        loop {
            let entry = self.under_way.first_entry().filter(|entry| entry.key().0 <= now)?;
            let (due, (host, arrival)) = entry.remove_entry();
            let Some(arrival) = self.hold(due, host, arrival) else { continue };
            if let Some(arrival) = self.fit(host, arrival) {
                return Some((host, arrival));
            }
        }
    }

    /// When the last of what was sent before arrives. What the wire cannot take soon is given up.
    fn last_arrival_of_closed(&mut self, now: Instant, from: HostId, to: End) -> Instant {
        let at = self.arrival(now, from, to, 0);
        let limit = now + LINGER + self.options.latency.1 + self.extra_latency(from, Some(to.0));
        if self.options.bandwidth.is_none() || at <= limit {
            return at;
        }
        self.under_way.retain(|due, (host, arrival)| due.0 <= limit || (*host, arrival.conn()) != to);
        limit
    }

    /// One end of a link is gone: the other learns it, if anything comes through, or stays alone.
    fn part(&mut self, now: Instant, gone: &Link) {
        match (gone.way(), gone.other) {
            (Some(other), _) => {
                self.links.remove(&other);
                self.forget_under_way(&BTreeSet::from([other]));
                self.schedule(now, other.0, Arrival::Disconnected { conn: other.1 });
            }
            (None, Some(other)) => {
                if let Some(link) = self.links.get_mut(&other) {
                    (link.other, link.dead) = (None, true);
                }
            }
            (None, None) => {}
        }
    }

    fn ends_of(&self, host: HostId) -> impl Iterator<Item = End> {
        let ends = (host, ConnId::accepted(0))..=(host, ConnId::dialled(u64::MAX >> 1));
        self.links.range(ends).map(|(end, _)| *end)
    }

    /// When a portion that leaves now arrives at this end: never before one that left earlier.
    fn arrival(&mut self, now: Instant, from: HostId, end: End, len: usize) -> Instant {
        let latency = self.latency(from, Some(end.0));
        let bandwidth = self.options.bandwidth;
        let Some(link) = self.links.get_mut(&end) else { return now + latency };
        let left = match bandwidth {
            None => now,
            Some(rate) => {
                let micros = (len as u64).saturating_mul(1_000_000).div_ceil(rate.max(1));
                link.busy_until = link.busy_until.max(now) + Duration::from_micros(micros);
                link.busy_until
            }
        };
        link.last_arrival = link.last_arrival.max(left + latency);
        link.last_arrival
    }

    fn latency(&mut self, from: HostId, to: Option<HostId>) -> Duration {
        let (least, most) = self.options.latency;
        let spread = u32::try_from(most.saturating_sub(least).as_micros()).unwrap_or(u32::MAX);
        let by_chance = Duration::from_micros(u64::from(self.rng.below(spread.saturating_add(1))));
        least + by_chance + self.extra_latency(from, to)
    }

    fn extra_latency(&self, from: HostId, to: Option<HostId>) -> Duration {
        let extra = |host| self.slow.get(&host).copied().unwrap_or_default();
        extra(from).saturating_add(to.map_or(Duration::ZERO, extra))
    }

    fn schedule(&mut self, at: Instant, host: HostId, arrival: Arrival) {
        self.next += 1;
        self.under_way.insert((at, self.next), (host, arrival));
    }
}

impl Link {
    const fn new(other: End, last_arrival: Instant) -> Self {
        Self { far: other.0, other: Some(other), dead: false, last_arrival, busy_until: Instant(0) }
    }

    /// Where that comes out which leaves here.
    fn way(&self) -> Option<End> {
        self.other.filter(|_| !self.dead)
    }
}

fn pair(a: HostId, b: HostId) -> (HostId, HostId) {
    (a.min(b), a.max(b))
}

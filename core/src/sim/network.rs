//! A network in memory: reliable, ordered links with latency, bytes cut into any portions, machines that cannot reach each other.
//!
//! Knows hosts by their number and links by their two ends; not what runs on a host.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;

use crate::id::ConnId;
use crate::rng::Rng;
use crate::time::Instant;

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
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            latency: (Duration::from_micros(200), Duration::from_micros(800)),
            longest_portion: 256 * 1024,
            capture: false,
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

/// What a machine knows of one of its ends: it is told nothing that does not fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Known {
    /// It dials, and waits for an answer.
    Dialling,
    /// It was told that the link stands.
    Open,
    /// It asked to close it, and waits for the end.
    Closing,
}

/// What happens to a host.
#[derive(Debug)]
pub(super) enum Arrival {
    Connected { conn: ConnId, remote: SocketAddr },
    DialFailed { conn: ConnId },
    Received { conn: ConnId, bytes: Bytes },
    Sent { conn: ConnId, bytes: usize },
    Disconnected { conn: ConnId },
}

/// All links, and what is under way on them.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) options: NetworkOptions,
    listeners: BTreeMap<SocketAddr, HostId>,
    addrs: BTreeMap<HostId, SocketAddr>,
    /// The other end of each end, while the link stands.
    links: BTreeMap<End, Link>,
    /// What the machine of each end knows of it.
    known: BTreeMap<End, Known>,
    cuts: BTreeMap<(HostId, HostId), Cut>,
    under_way: BTreeMap<(Instant, u64), (HostId, Arrival)>,
    captured: Vec<Captured>,
    next: u64,
    accepted: u64,
    rng: Rng,
}

#[derive(Debug)]
struct Link {
    other: End,
    /// When the last portion towards this end arrives: the next one not before it.
    last_arrival: Instant,
    /// The link stands, but nothing comes through.
    dead: bool,
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
            under_way: BTreeMap::new(),
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

    /// The host takes part no more: its links end, its address is answered by nobody.
    pub(super) fn remove_host(&mut self, now: Instant, host: HostId) {
        self.listeners.retain(|_, listener| *listener != host);
        self.end_links(now, |end, _| end.0 == host);
        self.links.retain(|end, _| end.0 != host);
        self.under_way.retain(|_, (to, _)| *to != host);
        self.known.retain(|end, _| end.0 != host);
    }

    pub(super) fn dial(&mut self, now: Instant, from: HostId, conn: ConnId, addr: SocketAddr) {
        self.known.insert((from, conn), Known::Dialling);
        let arrival = now + self.latency();
        let back = arrival + self.latency();
        let Some(to) = self.listeners.get(&addr).copied() else {
            return self.schedule(back, from, Arrival::DialFailed { conn });
        };
        match self.cut_between(from, to) {
            Some(Cut::Silent) => return,
            Some(Cut::Reset) => return self.schedule(back, from, Arrival::DialFailed { conn }),
            None => {}
        }
        self.accepted += 1;
        let far = ConnId::accepted(self.accepted);
        let link = |other, last_arrival| Link { other, last_arrival, dead: false };
        self.links.insert((from, conn), link((to, far), back));
        self.links.insert((to, far), link((from, conn), arrival));
        let remote = self.addrs.get(&from).copied().unwrap_or(addr);
        self.schedule(arrival, to, Arrival::Connected { conn: far, remote });
        self.schedule(back, from, Arrival::Connected { conn, remote: addr });
    }

    pub(super) fn send(&mut self, now: Instant, from: HostId, conn: ConnId, bytes: Bytes) {
        let Some(link) = self.links.get(&(from, conn)) else { return };
        let (to, dead) = (link.other, link.dead);
        if self.options.capture {
            self.captured.push(Captured { from, to: to.0, bytes: bytes.clone() });
        }
        if dead {
            return;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let longest = u32::try_from(self.options.longest_portion.max(1)).unwrap_or(u32::MAX);
            let len = (1 + self.rng.below(longest) as usize).min(rest.len());
            let portion = rest.split_to(len);
            let at = self.arrival(now, to);
            self.schedule(at, to.0, Arrival::Received { conn: to.1, bytes: portion });
            self.schedule(at, from, Arrival::Sent { conn, bytes: len });
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
        let at = self.arrival(now, link.other);
        if !link.dead {
            self.links.remove(&link.other);
            self.schedule(at, link.other.0, Arrival::Disconnected { conn: link.other.1 });
        }
        self.schedule(at, from, Arrival::Disconnected { conn });
    }

    pub(super) fn cut(&mut self, now: Instant, a: HostId, b: HostId, cut: Cut) {
        self.cuts.insert(pair(a, b), cut);
        let between = |end: &End, link: &Link| pair(end.0, link.other.0) == pair(a, b);
        match cut {
            Cut::Reset => self.end_links(now, between),
            Cut::Silent => {
                let ends: BTreeSet<End> =
                    self.links.iter().filter(|(end, link)| between(end, link)).map(|(end, _)| *end).collect();
                for end in &ends {
                    if let Some(link) = self.links.get_mut(end) {
                        link.dead = true;
                    }
                }
                self.under_way.retain(|_, (host, arrival)| {
                    let ends_it =
                        matches!(arrival, Arrival::Disconnected { .. } | Arrival::DialFailed { .. });
                    ends_it || !ends.contains(&(*host, arrival.conn()))
                });
            }
        }
    }

    /// The two can reach each other again; links that had gone silent end.
    pub(super) fn heal(&mut self, now: Instant, a: HostId, b: HostId) {
        self.cuts.remove(&pair(a, b));
        self.end_links(now, |end, link| link.dead && pair(end.0, link.other.0) == pair(a, b));
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
            let due = self.under_way.first_entry().filter(|entry| entry.key().0 <= now)?;
            let (host, arrival) = due.remove();
            if let Some(arrival) = self.fit(host, arrival) {
                return Some((host, arrival));
            }
        }
    }

    /// What of this the machine is told, by what it knows of the link.
    fn fit(&mut self, host: HostId, arrival: Arrival) -> Option<Arrival> {
        let conn = arrival.conn();
        let end = (host, conn);
        let known = self.known.get(&end).copied();
        match (&arrival, known) {
            (Arrival::Connected { .. }, Some(Known::Dialling)) => {
                self.known.insert(end, Known::Open);
                Some(arrival)
            }
            (Arrival::Connected { .. }, None) if !conn.is_dialled() => {
                self.known.insert(end, Known::Open);
                Some(arrival)
            }
            (Arrival::Disconnected { .. } | Arrival::DialFailed { .. }, Some(Known::Dialling)) => {
                self.known.remove(&end);
                Some(Arrival::DialFailed { conn })
            }
            (Arrival::Disconnected { .. }, Some(Known::Open | Known::Closing)) => {
                self.known.remove(&end);
                Some(arrival)
            }
            (Arrival::Received { .. } | Arrival::Sent { .. }, Some(Known::Open))
            | (Arrival::Sent { .. }, Some(Known::Closing)) => Some(arrival),
            _ => None,
        }
    }

    fn end_links(&mut self, now: Instant, which: impl Fn(&End, &Link) -> bool) {
        let ended: Vec<End> =
            self.links.iter().filter(|(end, link)| which(end, link)).map(|(end, _)| *end).collect();
        for end in ended {
            let Some(link) = self.links.remove(&end) else { continue };
            for end in [end, link.other] {
                self.links.remove(&end);
                self.under_way.retain(|_, (host, arrival)| (*host, arrival.conn()) != end);
                self.schedule(now, end.0, Arrival::Disconnected { conn: end.1 });
            }
        }
    }

    /// When a portion that leaves now arrives at this end: never before one that left earlier.
    fn arrival(&mut self, now: Instant, end: End) -> Instant {
        let at = now + self.latency();
        match self.links.get_mut(&end) {
            Some(link) => {
                link.last_arrival = link.last_arrival.max(at);
                link.last_arrival
            }
            None => at,
        }
    }

    fn latency(&mut self) -> Duration {
        let (least, most) = self.options.latency;
        let spread = u32::try_from(most.saturating_sub(least).as_micros()).unwrap_or(u32::MAX);
        least + Duration::from_micros(u64::from(self.rng.below(spread.saturating_add(1))))
    }

    fn cut_between(&self, a: HostId, b: HostId) -> Option<Cut> {
        self.cuts.get(&pair(a, b)).copied()
    }

    fn schedule(&mut self, at: Instant, host: HostId, arrival: Arrival) {
        self.next += 1;
        self.under_way.insert((at, self.next), (host, arrival));
    }
}

impl Arrival {
    const fn conn(&self) -> ConnId {
        match self {
            Self::Connected { conn, .. }
            | Self::DialFailed { conn }
            | Self::Received { conn, .. }
            | Self::Sent { conn, .. }
            | Self::Disconnected { conn } => *conn,
        }
    }
}

fn pair(a: HostId, b: HostId) -> (HostId, HostId) {
    (a.min(b), a.max(b))
}

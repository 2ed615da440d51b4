//! The other members as this node sees them: where they are, how long they have been silent, how far away they are,
//! and when to dial them again.
//!
//! Decides nothing about what is stored where. Knows links only by their ids.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use crate::config::{Config, limit};
use crate::id::{ConnId, NodeId};
use crate::rng::Rng;
use crate::session::PeerSide;
use crate::time::{Instant, Now};
use crate::wire::{PeerState, Standing};

/// One member.
#[derive(Debug)]
pub(super) struct Peer {
    /// Where it may be reached, the likeliest first.
    addrs: Vec<SocketAddr>,
    link: Option<ConnId>,
    dial: Option<ConnId>,
    redial: Redial,
    heard: Instant,
    /// Nothing came from it since this node began: `heard` is when that was.
    is_unknown: bool,
    /// When others heard it last.
    heard_of: Option<Instant>,
    told: Option<Told>,
    rtt_us: u32,
    ping: Option<Instant>,
    epoch: u64,
    incarnation: [u8; 16],
    clock_ahead_ms: i64,
    suspected: bool,
}

/// What a member told last of how it stands.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) at: Instant,
    pub(super) syncing: bool,
    pub(super) settled: bool,
    pub(super) placement: [u8; 32],
}

/// When an address is dialled again, and which of several.
#[derive(Debug)]
pub(super) struct Redial {
    at: Instant,
    wait: Duration,
    tries: usize,
}

impl Redial {
    pub(super) const fn new(at: Instant, config: &Config) -> Self {
        Self { at, wait: config.redial_first, tries: 0 }
    }

    pub(super) const fn at(&self) -> Instant {
        self.at
    }

    /// The dial failed. After all of so many addresses were tried the wait doubles.
    pub(super) fn failed(&mut self, now: Now, addrs: usize, config: &Config, rng: &mut Rng) {
        self.tries = self.tries.wrapping_add(1);
        self.again(now, rng);
        if self.tries.is_multiple_of(addrs.max(1)) {
            self.wait = (self.wait * 2).min(config.redial_longest);
        }
    }

    /// Dial again after the present wait, half of which is jitter.
    fn again(&mut self, now: Now, rng: &mut Rng) {
        let half = self.wait / 2;
        // Waits are bounded by the configuration, far below the 71 minutes that 32 bits of microseconds hold.
        let jitter = rng.below(u32::try_from(half.as_micros()).unwrap_or(u32::MAX));
        self.at = now.mono + half + Duration::from_micros(u64::from(jitter));
    }

    /// It was reached: the next loss is met with the first wait again.
    fn reached(&mut self, config: &Config) {
        self.wait = config.redial_first;
        self.tries = 0;
    }
}

/// All members but this node.
#[derive(Debug)]
pub(super) struct Peers {
    config: Config,
    rng: Rng,
    peers: BTreeMap<NodeId, Peer>,
}

impl Peers {
    pub(super) fn new(config: Config, seed: [u8; 32]) -> Self {
        Self { config, rng: Rng::from_seed(seed), peers: BTreeMap::new() }
    }

    pub(super) const fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// A member, by admission; dialled when an address is known, after `wait`.
    pub(super) fn add(&mut self, now: Now, node: NodeId, wait: Duration) {
        let config = &self.config;
        self.peers.entry(node).or_insert_with(|| Peer {
            addrs: Vec::new(),
            link: None,
            dial: None,
            redial: Redial::new(now.mono + wait, config),
            heard: now.mono,
            is_unknown: true,
            heard_of: None,
            told: None,
            rtt_us: 0,
            ping: None,
            epoch: 0,
            incarnation: [0; 16],
            clock_ahead_ms: 0,
            suspected: false,
        });
    }

    /// Not a member any more.
    pub(super) fn remove(&mut self, node: &NodeId) {
        self.peers.remove(node);
    }

    #[cfg(any(test, feature = "sim"))]
    pub(super) fn count(&self) -> usize {
        self.peers.len()
    }

    /// The most addresses that are known of one.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn most_addrs(&self) -> usize {
        self.peers.values().map(|peer| peer.addrs.len()).max().unwrap_or(0)
    }

    pub(super) fn contains(&self, node: &NodeId) -> bool {
        self.peers.contains_key(node)
    }

    pub(super) fn addrs(&self, node: &NodeId) -> &[SocketAddr] {
        self.peers.get(node).map_or(&[], |peer| &peer.addrs)
    }

    /// Addresses to try, told by whoever: after those known already. `true` if one is new.
    pub(super) fn hint(&mut self, node: &NodeId, addrs: &[SocketAddr]) -> bool {
        let Some(peer) = self.peers.get_mut(node) else { return false };
        let before = peer.addrs.len();
        for addr in addrs.iter().filter(|addr| is_dialable(addr)) {
            if peer.addrs.len() < limit::ADDRS && !peer.addrs.contains(addr) {
                peer.addrs.push(*addr);
            }
        }
        peer.addrs.len() > before
    }

    /// Addresses of the member itself, and that at which it was reached: they go first. `true` if anything changed.
    fn confirm(&mut self, node: &NodeId, addrs: impl Iterator<Item = SocketAddr>) -> bool {
        let Some(peer) = self.peers.get_mut(node) else { return false };
        let old = core::mem::take(&mut peer.addrs);
        for addr in addrs.chain(old.iter().copied()).filter(is_dialable) {
            if peer.addrs.len() < limit::ADDRS && !peer.addrs.contains(&addr) {
                peer.addrs.push(addr);
            }
        }
        peer.addrs != old
    }

    /// Each member with the address to try first.
    pub(super) fn known(&self) -> Vec<(NodeId, SocketAddr)> {
        self.peers.iter().filter_map(|(node, peer)| Some((*node, *peer.addrs.first()?))).collect()
    }

    pub(super) fn link(&self, node: &NodeId) -> Option<ConnId> {
        self.peers.get(node)?.link
    }

    /// True while this node has only just come to know of it, and has not been through its addresses yet.
    pub(super) fn is_untried(&self, node: &NodeId) -> bool {
        self.peers.get(node).is_some_and(|peer| peer.is_unknown && peer.redial.tries < peer.addrs.len())
    }

    /// True while a link to it may stand at any moment.
    pub(super) fn is_expected(&self, node: &NodeId) -> bool {
        self.peers.get(node).is_some_and(|peer| peer.dial.is_some()) || self.is_untried(node)
    }

    /// Changes whenever a disk or the last link is another one than before: earlier acknowledgements are void then.
    pub(super) fn epoch(&self, node: &NodeId) -> u64 {
        self.peers.get(node).map_or(0, |peer| peer.epoch)
    }

    /// The members to dial now.
    pub(super) fn due(&self, now: Now) -> Vec<(NodeId, SocketAddr)> {
        let due = |(node, peer): (&NodeId, &Peer)| {
            let idle = peer.link.is_none() && peer.dial.is_none();
            let addr = peer.addrs.get(peer.redial.tries % peer.addrs.len().max(1))?;
            (idle && now.mono >= peer.redial.at).then_some((*node, *addr))
        };
        self.peers.iter().filter_map(due).collect()
    }

    pub(super) fn dialled(&mut self, node: &NodeId, conn: ConnId) {
        if let Some(peer) = self.peers.get_mut(node) {
            peer.dial = Some(conn);
        }
    }

    /// The member is not at the address that was due: the next one, or later again.
    pub(super) fn missed(&mut self, now: Now, node: &NodeId) {
        if let Some(peer) = self.peers.get_mut(node) {
            peer.redial.failed(now, peer.addrs.len(), &self.config, &mut self.rng);
        }
    }

    /// A link ended. Returns the member to which it was a dial, if nothing else may reach that soon.
    pub(super) fn dial_ended(&mut self, now: Now, conn: ConnId) -> Option<NodeId> {
        let (node, peer) = self.peers.iter_mut().find(|(_, peer)| peer.dial == Some(conn))?;
        peer.dial = None;
        peer.redial.failed(now, peer.addrs.len(), &self.config, &mut self.rng);
        peer.link.is_none().then_some(*node)
    }

    /// A link to the member is open. Of two, the one stays that the node with the lower id dialled, and among those
    /// the newer; returns the one that goes. `reached`: the address, if this node dialled.
    pub(super) fn opened(
        &mut self,
        now: Now,
        own: &NodeId,
        conn: ConnId,
        side: &PeerSide,
        reached: Option<SocketAddr>,
    ) -> Opened {
        let Some(peer) = self.peers.get_mut(&side.node) else { return Opened::default() };
        if peer.dial == Some(conn) {
            peer.dial = None;
        }
        peer.redial.reached(&self.config);
        peer.heard = now.mono;
        peer.is_unknown = false;
        peer.suspected = false;
        peer.clock_ahead_ms = side.unix_ms.cast_signed().saturating_sub(now.unix_ms.cast_signed());
        if peer.incarnation != side.incarnation {
            peer.epoch += 1;
            peer.incarnation = side.incarnation;
        }
        let first = peer.link.is_none();
        if first {
            peer.told = None;
        }
        let preferred = |conn: ConnId| conn.is_dialled() == (own < &side.node);
        let retired = match peer.link {
            Some(old) if preferred(old) && !preferred(conn) => Some(conn),
            old => {
                peer.link = Some(conn);
                old
            }
        };
        let addrs = self.confirm(&side.node, reached.into_iter().chain(side.addrs.iter().copied()));
        Opened { first, retired, addrs }
    }

    /// A link that was open has ended; `replacement` is another open one. `true` if the member is out of reach now.
    pub(super) fn closed(
        &mut self,
        now: Now,
        node: &NodeId,
        conn: ConnId,
        replacement: Option<ConnId>,
    ) -> bool {
        let Some(peer) = self.peers.get_mut(node) else { return false };
        if peer.link != Some(conn) {
            return false;
        }
        peer.link = replacement;
        peer.ping = None;
        if replacement.is_some() {
            return false;
        }
        peer.epoch += 1;
        peer.redial.again(now, &mut self.rng);
        true
    }

    /// Something came from it. `true` if it had been silent for so long that others went on without it, or this node
    /// without them: each may lack what the other has, though the link stayed.
    pub(super) fn heard(&mut self, now: Now, node: &NodeId) -> bool {
        let was_silent = self.is_silent(now, node);
        let Some(peer) = self.peers.get_mut(node) else { return false };
        peer.heard = now.mono;
        peer.is_unknown = false;
        was_silent && peer.link.is_some()
    }

    /// A member tells how it stands, and whom it has heard: `hearsay` is added to how long ago that was.
    pub(super) fn tells(&mut self, now: Now, node: &NodeId, standing: &Standing, hearsay: Duration) {
        if let Some(peer) = self.peers.get_mut(node) {
            peer.told = Some(Told {
                at: now.mono,
                syncing: standing.syncing,
                settled: standing.settled,
                placement: standing.placement,
            });
        }
        for (of, ms) in &standing.unheard {
            let Some(peer) = self.peers.get_mut(of) else { continue };
            let ago = Duration::from_millis(*ms).saturating_add(hearsay);
            let at = u64::try_from(ago.as_micros()).ok().and_then(|us| now.mono.0.checked_sub(us));
            peer.heard_of = peer.heard_of.max(at.map(Instant));
        }
    }

    /// What a member told last over the links that it had without a break.
    pub(super) fn told(&self, node: &NodeId) -> Option<&Told> {
        self.peers.get(node)?.told.as_ref()
    }

    /// For how long nobody has heard the member, as far as this node knows; `None` if nobody ever has.
    pub(super) fn last_heard(&self, now: Now, node: &NodeId) -> Option<Duration> {
        let peer = self.peers.get(node)?;
        let own = (!peer.is_unknown).then_some(peer.heard);
        own.max(peer.heard_of).map(|at| now.mono.since(at))
    }

    /// The same; who was never heard has been silent since this node knows of it.
    pub(super) fn unheard(&self, now: Now, node: &NodeId) -> Duration {
        let peer = self.peers.get(node);
        peer.map_or(Duration::ZERO, |peer| {
            now.mono.since(peer.heard_of.map_or(peer.heard, |at| at.max(peer.heard)))
        })
    }

    /// The member was asked whether it lives.
    pub(super) fn pinged(&mut self, now: Now, node: &NodeId) {
        if let Some(peer) = self.peers.get_mut(node) {
            peer.ping = Some(now.mono);
        }
    }

    /// True if it was asked, and nothing has come since.
    pub(super) fn awaits_pong(&self, node: &NodeId) -> bool {
        self.peers.get(node).is_some_and(|peer| peer.ping.is_some_and(|asked| asked >= peer.heard))
    }

    /// It answered a question of this time, with its clock.
    pub(super) fn ponged(&mut self, now: Now, node: &NodeId, sent: Instant, unix_ms: u64) {
        let Some(peer) = self.peers.get_mut(node) else { return };
        peer.ping = None;
        let sample = u32::try_from(now.mono.since(sent).as_micros()).unwrap_or(u32::MAX).max(1);
        // An eighth of the new sample, as TCP smooths (RFC 6298).
        peer.rtt_us = match peer.rtt_us {
            0 => sample,
            old => old - old / 8 + sample / 8,
        };
        peer.clock_ahead_ms = unix_ms.cast_signed().saturating_sub(now.unix_ms.cast_signed());
    }

    pub(super) fn rtt_us(&self, node: &NodeId) -> u32 {
        self.peers.get(node).map_or(0, |peer| peer.rtt_us)
    }

    /// How long nothing came from the member.
    pub(super) fn silence(&self, now: Now, node: &NodeId) -> Duration {
        self.peers.get(node).map_or(Duration::MAX, |peer| now.mono.since(peer.heard))
    }

    /// True if nothing came from it for so long that it is suspect.
    pub(super) fn is_silent(&self, now: Now, node: &NodeId) -> bool {
        self.silence(now, node) >= self.config.suspect_after
    }

    /// Alive while there is a link and word; gone after the network's patience.
    pub(super) fn state(&self, now: Now, node: &NodeId, gone_after: Duration) -> PeerState {
        let Some(peer) = self.peers.get(node) else { return PeerState::Gone };
        let silence = now.mono.since(peer.heard);
        if silence >= gone_after {
            PeerState::Gone
        } else if silence >= self.config.suspect_after || peer.link.is_none() {
            PeerState::Suspect
        } else {
            PeerState::Alive
        }
    }

    /// Members with a link that have just become suspect: whoever waits for them should go on without.
    pub(super) fn newly_suspect(&mut self, now: Now) -> Vec<ConnId> {
        let after = self.config.suspect_after;
        let suspect = |peer: &mut Peer| {
            let silent = now.mono.since(peer.heard) >= after;
            let newly = silent && !peer.suspected;
            peer.suspected = silent;
            newly.then_some(peer.link?)
        };
        self.peers.values_mut().filter_map(suspect).collect()
    }

    /// How far the clocks of the members with a link are ahead of ours, in the middle; `None` without any.
    pub(super) fn clock_ahead_ms(&self) -> Option<i64> {
        let linked = self.peers.values().filter(|peer| peer.link.is_some());
        let mut ahead: Vec<i64> = linked.map(|peer| peer.clock_ahead_ms).collect();
        ahead.sort_unstable();
        ahead.get(ahead.len() / 2).copied()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = NodeId> {
        self.peers.keys().copied()
    }

    /// The members with a link, and it.
    pub(super) fn linked(&self) -> impl Iterator<Item = (NodeId, ConnId)> {
        self.peers.iter().filter_map(|(node, peer)| Some((*node, peer.link?)))
    }

    /// When the next member is to be dialled, or is silent for too long.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let dial = |peer: &Peer| {
            let idle = peer.link.is_none() && peer.dial.is_none() && !peer.addrs.is_empty();
            idle.then_some(peer.redial.at)
        };
        let suspect = |peer: &Peer| {
            (peer.link.is_some() && !peer.suspected).then_some(peer.heard + self.config.suspect_after)
        };
        self.peers.values().flat_map(|peer| [dial(peer), suspect(peer)]).flatten().min()
    }
}

/// What a new link changed.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// The member had no link before.
    pub(super) first: bool,
    /// This one is not needed any more.
    pub(super) retired: Option<ConnId>,
    /// Its addresses are others than before.
    pub(super) addrs: bool,
}

/// False for what stands for "any address", which nobody can dial.
pub(super) fn is_dialable(addr: &SocketAddr) -> bool {
    !addr.ip().is_unspecified() && addr.port() != 0
}

//! Where to begin: addresses that are dialled until the members behind them are known.
//!
//! What those members know of others comes as membership, and is dialled in turn: so one address is enough.

use alloc::vec::Vec;
use core::net::SocketAddr;

use super::peers::{Redial, is_dialable};
use crate::config::{Config, limit};
use crate::id::{ConnId, NodeId};
use crate::rng::Rng;
use crate::time::{Instant, Now};

/// An address of whom we do not know, or not as a member.
#[derive(Debug)]
struct Seed {
    expect: Option<NodeId>,
    addr: SocketAddr,
    dial: Option<ConnId>,
    redial: Redial,
}

/// The addresses that are left.
#[derive(Debug)]
pub(super) struct Bootstrap {
    config: Config,
    seeds: Vec<Seed>,
}

impl Bootstrap {
    pub(super) fn new(
        now: Now,
        config: &Config,
        own: NodeId,
        peers: &[(Option<NodeId>, SocketAddr)],
    ) -> Self {
        let seed = |(expect, addr): &(Option<NodeId>, SocketAddr)| Seed {
            expect: *expect,
            addr: *addr,
            dial: None,
            redial: Redial::new(now.mono, config),
        };
        let usable = peers.iter().filter(|(node, addr)| *node != Some(own) && is_dialable(addr));
        Self { config: config.clone(), seeds: usable.take(limit::MEMBERS).map(seed).collect() }
    }

    /// Those to dial now.
    pub(super) fn due(&self, now: Now) -> Vec<(Option<NodeId>, SocketAddr)> {
        let due = |seed: &&Seed| seed.dial.is_none() && now.mono >= seed.redial.at();
        self.seeds.iter().filter(due).map(|seed| (seed.expect, seed.addr)).collect()
    }

    pub(super) fn dialled(&mut self, addr: SocketAddr, conn: ConnId) {
        for seed in self.seeds.iter_mut().filter(|seed| seed.addr == addr) {
            seed.dial = Some(conn);
        }
    }

    /// A dial, or what it became, ended: try again later.
    pub(super) fn ended(&mut self, now: Now, conn: ConnId, rng: &mut Rng) {
        for seed in self.seeds.iter_mut().filter(|seed| seed.dial == Some(conn)) {
            seed.dial = None;
            seed.redial.failed(now, 1, &self.config, rng);
        }
    }

    /// The member behind this link is known now, and looked after as such.
    pub(super) fn resolved(&mut self, conn: ConnId) {
        self.seeds.retain(|seed| seed.dial != Some(conn));
    }

    /// True if this link was dialled without knowing who is there.
    pub(super) fn is_unnamed(&self, conn: ConnId) -> bool {
        self.seeds.iter().any(|seed| seed.dial == Some(conn) && seed.expect.is_none())
    }

    /// This node is a member: its address is a hint like others. Returns its addresses.
    pub(super) fn became_member(&mut self, node: &NodeId) -> Vec<SocketAddr> {
        let of_it = |seed: &&Seed| seed.expect.as_ref() == Some(node);
        let addrs = self.seeds.iter().filter(of_it).map(|seed| seed.addr).collect();
        self.seeds.retain(|seed| seed.expect.as_ref() != Some(node) || seed.dial.is_some());
        addrs
    }

    #[cfg(any(test, feature = "sim"))]
    pub(super) fn count(&self) -> usize {
        self.seeds.len()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.seeds.iter().filter(|seed| seed.dial.is_none()).map(|seed| seed.redial.at()).min()
    }
}

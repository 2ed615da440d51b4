//! Draws the script of a run by chance. Must not know how it is played, nor what is right.

use alloc::vec::Vec;

use super::chance::Chance;
use super::profile::{Kind, Profile};
use super::script::{Action, Apart, Device, Script, Setup, Step, Who};
use crate::crypto::Suite;

/// Lengths of files: nothing, inside a record, just beyond, a piece, and several.
const LENGTHS: &[(u32, (u32, u32))] =
    &[(1, (0, 1)), (6, (1, 600)), (2, (16_300, 16_500)), (4, (16_385, 70_000))];
/// Of large ones: many pieces.
const LARGE: (u32, u32) = (300_000, 2_500_000);
/// Times between two steps: at once, while something is under way, and after it has ended, in milliseconds.
const PAUSES: &[(u32, (u32, u32))] =
    &[(4, (0, 0)), (6, (0, 20)), (6, (20, 500)), (4, (500, 5_000)), (1, (5_000, 40_000))];

/// The script of a run of this kind.
pub(super) fn draw(profile: &Profile, seed: u64, chance: &mut Chance) -> Script {
    let setup = setup(profile, seed, chance);
    let mut plan = Plan {
        profile,
        nodes: u32::from(setup.nodes),
        devices: setup.clients.len() as u32,
        steps: Vec::new(),
    };
    let rounds = chance.between(1, profile.rounds);
    // Mostly the nodes have found each other before anything happens; always where the first may go down before it is one.
    if profile.loses_nodes() || !chance.one_in(4) {
        plan.push(0, Action::Calm);
    }
    for round in 0..rounds {
        if round > 0 {
            plan.push(0, Action::Calm);
        }
        for _ in 0..chance.between(profile.steps.0, profile.steps.1) {
            if chance.is_over() {
                break;
            }
            plan.step(chance);
        }
    }
    Script { setup, steps: plan.steps }
}

fn setup(profile: &Profile, seed: u64, chance: &mut Chance) -> Setup {
    let usual = Setup::default();
    let nodes = chance.between(profile.nodes.0, profile.nodes.1);
    let vaults = chance.between(1, profile.vaults);
    let devices = chance.between(profile.devices.0, profile.devices.1);
    let clients = (0..devices).map(|number| {
        let is_copy = number > 0 && profile.copies > 0 && chance.one_in(profile.copies);
        let copy_of = is_copy.then(|| small(chance.below(number)));
        let first = chance.below(nodes);
        let entry = (0..chance.between(1, nodes)).map(|at| small((first + at) % nodes)).collect();
        // A vault has several devices more often than not.
        Device { vault: small(chance.below(vaults)), entry, copy_of }
    });
    let mut clients: Vec<Device> = clients.collect();
    for at in 0..clients.len() {
        if let Some(original) = clients[at].copy_of {
            clients[at].vault = clients[usize::from(original)].vault;
        }
    }
    let latency_us = match profile.is_rough {
        true => {
            *[(200, 800), (1_000, 60_000), (20_000, 400_000)].get(chance.below(3) as usize).unwrap_or(&(0, 0))
        }
        false => usual.latency_us,
    };
    Setup {
        seed,
        suite: if profile.is_real { Suite::Real } else { Suite::Sim },
        nodes: small(nodes),
        volatile: if profile.has_volatile { small(chance.between(1, nodes - 1)) } else { 0 },
        liars: small(chance.below(profile.liars + 1)),
        replicas: match profile.replicas {
            Some((least, most)) => small(chance.between(least, most)),
            None if chance.one_in(5) => small(chance.between(1, 5)),
            None => 3,
        },
        gone_after_s: if profile.goes_soon { chance.between(15, 120) } else { usual.gone_after_s },
        linger_s: chance.between(0, 20),
        quota: if profile.has_quota { chance.between(1_000, 200_000).into() } else { 0 },
        vaults: small(vaults),
        clients,
        latency_us,
        portion: if profile.is_rough && chance.one_in(2) { chance.between(50, 5_000) } else { usual.portion },
        bandwidth: if profile.is_rough && chance.one_in(3) { chance.between(20_000, 2_000_000) } else { 0 },
        resets: if profile.is_rough && chance.one_in(3) { chance.between(10, 3_000) } else { 0 },
        disk_us: if profile.has_rough_disks {
            (0, chance.between(0, 30_000))
        } else {
            (0, chance.between(0, 300))
        },
        disk_errors: if profile.has_rough_disks && chance.one_in(3) { chance.between(10, 5_000) } else { 0 },
        torn: profile.has_rough_disks && chance.one_in(2),
        jobs_us: if profile.has_rough_disks { (0, chance.between(0, 30_000)) } else { usual.jobs_us },
    }
}

struct Plan<'a> {
    profile: &'a Profile,
    nodes: u32,
    devices: u32,
    steps: Vec<Step>,
}

impl Plan<'_> {
    fn push(&mut self, after_ms: u32, action: Action) {
        self.steps.push(Step { after_ms, action });
    }

    fn step(&mut self, chance: &mut Chance) {
        let Some(kind) = chance.weighted(self.profile.kinds) else { return };
        let after = chance.weighted(PAUSES).map_or(0, |(least, most)| chance.between(least, most));
        match kind {
            Kind::Split => self.split(after, chance),
            Kind::Isolate => self.isolate(after, chance),
            // Longer than anyone waits for a member.
            Kind::Silence => {
                let long = chance.between(10_000, 200_000);
                let action = Action::Start { who: self.any_node(chance) };
                self.push(long, action);
            }
            kind => {
                if let Some(action) = self.action(kind, chance) {
                    self.push(after, action);
                }
            }
        }
    }

    /// Two sides that cannot reach each other.
    fn split(&mut self, after: u32, chance: &mut Chance) {
        let how = *[Apart::Reset, Apart::Silent].get(chance.below(2) as usize).unwrap_or(&Apart::Reset);
        let side: Vec<bool> = (0..self.nodes).map(|_| chance.below(2) == 0).collect();
        let mut after = after;
        for a in 0..self.nodes {
            for b in a + 1..self.nodes {
                if side[a as usize] != side[b as usize] {
                    self.push(after, Action::Cut { a: Who::Node(small(a)), b: Who::Node(small(b)), how });
                    after = 0;
                }
            }
        }
    }

    /// A node that no other one reaches, or that reaches none.
    fn isolate(&mut self, after: u32, chance: &mut Chance) {
        let how = *[Apart::Reset, Apart::Silent, Apart::OneWay]
            .get(chance.below(3) as usize)
            .unwrap_or(&Apart::Reset);
        let alone = chance.below(self.nodes);
        let hears = chance.below(2) == 0;
        let mut after = after;
        for other in (0..self.nodes).filter(|other| *other != alone) {
            let (a, b) = if hears { (alone, other) } else { (other, alone) };
            self.push(after, Action::Cut { a: Who::Node(small(a)), b: Who::Node(small(b)), how });
            after = 0;
        }
    }

    fn action(&mut self, kind: Kind, chance: &mut Chance) -> Option<Action> {
        let client = small(chance.below(self.devices));
        let node = small(chance.below(self.nodes));
        let key = small(chance.below(self.profile.keys));
        let who = Who::Node(node);
        Some(match kind {
            Kind::Store => {
                let (least, most) = chance.weighted(LENGTHS)?;
                let bytes = chance.between(least, most);
                Action::Store { client, key, bytes, content: small(chance.below(24)), ttl_s: 0 }
            }
            Kind::StoreLarge => {
                let bytes = chance.between(LARGE.0, LARGE.1);
                Action::Store { client, key, bytes, content: small(chance.below(6)), ttl_s: 0 }
            }
            Kind::StoreForAWhile => {
                let bytes = chance.between(0, 20_000);
                let ttl_s = chance.between(1, 120);
                Action::Store { client, key, bytes, content: small(chance.below(24)), ttl_s }
            }
            Kind::Get => Action::Get { client, key, fresh: false },
            Kind::Fresh => Action::Get { client, key, fresh: true },
            Kind::Range => {
                Action::Range { client, key, from: chance.below(20_000), bytes: chance.below(5_000) }
            }
            Kind::Delete => Action::Delete { client, key },
            Kind::Clear => Action::Clear { client },
            Kind::List => Action::List { client },
            Kind::Cancel => Action::Cancel { client },
            Kind::Evict => Action::Evict { node, vault: 0 },
            Kind::Verify => Action::Verify { node },
            Kind::Crash => Action::Crash { who },
            Kind::CrashDevice => Action::Crash { who: Who::Client(client) },
            Kind::Start => Action::Start { who: self.any(chance) },
            Kind::Stop => Action::Stop { node },
            Kind::Lose => Action::Lose { who },
            Kind::LoseDevice => Action::Lose { who: Who::Client(client) },
            Kind::Join => {
                self.nodes += 1;
                Action::Join
            }
            Kind::Leave => Action::Leave { node },
            Kind::Ban => Action::Ban { node, by: small(chance.below(self.nodes)) },
            Kind::Pause => Action::Pause { who: self.any(chance) },
            Kind::Resume => Action::Resume { who: self.any(chance) },
            Kind::Cut => {
                let how = *[Apart::Reset, Apart::Silent, Apart::OneWay].get(chance.below(3) as usize)?;
                Action::Cut { a: self.any(chance), b: who, how }
            }
            Kind::Heal => Action::Heal { a: self.any(chance), b: who },
            Kind::HealAll => Action::HealAll,
            Kind::Reset => Action::Reset { a: self.any(chance), b: who },
            Kind::Slow => Action::Slow { who: self.any(chance), ms: chance.between(1, 3_000) },
            Kind::Full => Action::Full { node },
            Kind::Roomy => Action::Roomy { node },
            Kind::Fail => Action::Fail { node },
            Kind::Sound => Action::Sound { node },
            Kind::Rot => Action::Rot { node },
            Kind::Misdirect => Action::Misdirect { node, reads: chance.between(1, 5) },
            Kind::Stall => Action::Stall { node, ms: chance.between(100, 30_000) },
            Kind::Clock => {
                // Mostly within what is borne, now and then far beyond.
                let most = *[60_000, 600_000, 840_000, 4_000_000].get(chance.below(4) as usize)?;
                let ahead_ms = i64::from(chance.below(2 * most)) - i64::from(most);
                Action::Clock { who: self.any(chance), ahead_ms }
            }
            Kind::Drift => {
                let ppm = i32::try_from(chance.below(100_000)).unwrap_or(0) - 50_000;
                Action::Drift { who: self.any(chance), ppm }
            }
            Kind::WallDrift => {
                let ppm = i32::try_from(chance.below(4_000)).unwrap_or(0) - 2_000;
                Action::WallDrift { who: self.any(chance), ppm }
            }
            Kind::Sleep => {
                let most = *[5_000, 60_000, 3_600_000, 700_000_000].get(chance.below(4) as usize)?;
                Action::Sleep { who: self.any(chance), ms: chance.below(most).into() }
            }
            Kind::Age => {
                // Between two looks at a tombstone, a lease, its half, and longer than a tombstone stays.
                let days = *[1, 4, 8, 31].get(chance.below(4) as usize)?;
                Action::Age { ms: days * 24 * 3_600_000 }
            }
            Kind::Ended => Action::Ended { client: None },
            Kind::Split | Kind::Isolate | Kind::Silence => return None,
        })
    }

    fn any_node(&self, chance: &mut Chance) -> Who {
        Who::Node(small(chance.below(self.nodes)))
    }

    /// A device now and then, mostly a node.
    fn any(&self, chance: &mut Chance) -> Who {
        match chance.one_in(4) {
            true => Who::Client(small(chance.below(self.devices))),
            false => self.any_node(chance),
        }
    }
}

/// Numbers of machines and contents are far below 256.
fn small(number: u32) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

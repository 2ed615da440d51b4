//! Kinds of runs: which machines there are, what users do, and what goes wrong. Must not know how choices are made.

/// A kind of run.
#[derive(Debug)]
pub struct Profile {
    /// What it is called.
    pub name: &'static str,
    /// What it is about, in a line.
    pub about: &'static str,
    /// Nodes at the beginning, at least and at most.
    pub(super) nodes: (u32, u32),
    /// Devices, at least and at most.
    pub(super) devices: (u32, u32),
    /// Vaults at most.
    pub(super) vaults: u32,
    /// One in so many devices is a copy of an earlier one; 0 for none.
    pub(super) copies: u32,
    /// Keys that users use: few, so that they meet.
    pub(super) keys: u32,
    /// Members that lie, at most.
    pub(super) liars: u32,
    /// The real cryptography.
    pub(super) is_real: bool,
    /// A network that is late, slow, and cuts everything small.
    pub(super) is_rough: bool,
    /// Disks that are late, fail now and then, and tear what a crash interrupts.
    pub(super) has_rough_disks: bool,
    /// Members leave the placement after a short silence.
    pub(super) goes_soon: bool,
    /// A small quota.
    pub(super) has_quota: bool,
    /// Rounds, each ended by a calm, at most.
    pub(super) rounds: u32,
    /// Steps of a round, at least and at most.
    pub(super) steps: (u32, u32),
    /// What happens, by weights.
    pub(super) kinds: &'static [(u32, Kind)],
}

/// What can happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Store,
    StoreLarge,
    StoreForAWhile,
    Get,
    Fresh,
    Range,
    Delete,
    Clear,
    List,
    Cancel,
    Evict,
    Verify,
    Crash,
    CrashDevice,
    Start,
    Stop,
    Lose,
    LoseDevice,
    Join,
    Leave,
    Ban,
    Pause,
    Resume,
    Cut,
    Split,
    Heal,
    HealAll,
    Reset,
    Slow,
    Full,
    Roomy,
    Fail,
    Sound,
    Rot,
    Misdirect,
    Stall,
    Clock,
    Drift,
    Sleep,
    Silence,
    Ended,
}

use Kind::{
    Ban, Cancel, Clear, Clock, Crash, CrashDevice, Cut, Delete, Drift, Ended, Evict, Fail, Fresh, Full, Get,
    Heal, HealAll, Join, Leave, List, Lose, LoseDevice, Misdirect, Pause, Range, Reset, Resume, Roomy, Rot,
    Silence, Sleep, Slow, Sound, Split, Stall, Start, Stop, Store, StoreForAWhile, StoreLarge, Verify,
};

const PLAIN: Profile = Profile {
    name: "",
    about: "",
    nodes: (3, 4),
    devices: (1, 3),
    vaults: 2,
    copies: 0,
    keys: 4,
    liars: 0,
    is_real: false,
    is_rough: false,
    has_rough_disks: false,
    goes_soon: false,
    has_quota: false,
    rounds: 2,
    steps: (6, 24),
    kinds: &[],
};

/// All kinds of runs.
pub const PROFILES: &[Profile] = &[
    Profile {
        name: "everyday",
        about: "users at work, nothing wrong",
        nodes: (1, 5),
        vaults: 3,
        steps: (10, 40),
        kinds: &[
            (8, Store),
            (1, StoreLarge),
            (2, StoreForAWhile),
            (6, Get),
            (3, Fresh),
            (2, Range),
            (4, Delete),
            (1, Clear),
            (3, List),
            (1, Cancel),
            (1, Evict),
            (1, Verify),
            (2, Ended),
        ],
        ..PLAIN
    },
    Profile {
        name: "devices",
        about: "many devices of one vault at the same few keys, copies of devices among them",
        devices: (2, 5),
        vaults: 1,
        copies: 3,
        keys: 2,
        steps: (10, 40),
        kinds: &[
            (10, Store),
            (6, Fresh),
            (4, Get),
            (5, Delete),
            (2, Clear),
            (2, List),
            (1, Cancel),
            (1, CrashDevice),
            (1, LoseDevice),
            (1, Reset),
            (2, Ended),
        ],
        ..PLAIN
    },
    Profile {
        name: "links",
        about: "links that are late, break, go silent in one direction or both, and partitions",
        nodes: (2, 5),
        is_rough: true,
        kinds: &[
            (8, Store),
            (5, Get),
            (4, Fresh),
            (3, Delete),
            (1, Clear),
            (2, List),
            (3, Cut),
            (3, Split),
            (2, Heal),
            (2, HealAll),
            (3, Reset),
            (2, Slow),
            (1, Pause),
            (2, Resume),
            (1, Ended),
        ],
        ..PLAIN
    },
    Profile {
        name: "crashes",
        about: "nodes and devices that go down at any moment and come back",
        nodes: (2, 5),
        has_rough_disks: true,
        kinds: &[
            (8, Store),
            (1, StoreLarge),
            (4, Get),
            (3, Fresh),
            (4, Delete),
            (1, Clear),
            (1, List),
            (6, Crash),
            (6, Start),
            (1, Stop),
            (2, CrashDevice),
            (1, Pause),
            (2, Resume),
            (1, Ended),
        ],
        ..PLAIN
    },
    Profile {
        name: "disks",
        about: "disks that fill up, fail, stall, rot, answer with other bytes, or are lost",
        has_rough_disks: true,
        kinds: &[
            (9, Store),
            (1, StoreLarge),
            (5, Get),
            (3, Fresh),
            (3, Delete),
            (1, Verify),
            (1, Evict),
            (2, Full),
            (2, Roomy),
            (2, Fail),
            (2, Sound),
            (2, Rot),
            (2, Misdirect),
            (2, Stall),
            (2, Lose),
            (1, Crash),
            (2, Start),
            (1, Ended),
        ],
        ..PLAIN
    },
    Profile {
        name: "members",
        about: "nodes that join, leave, are banned, are silent for longer than the others wait, or lose their disks",
        nodes: (3, 5),
        goes_soon: true,
        kinds: &[
            (8, Store),
            (4, Get),
            (4, Fresh),
            (4, Delete),
            (1, Clear),
            (1, List),
            (3, Join),
            (2, Leave),
            (1, Ban),
            (2, Lose),
            (3, Crash),
            (4, Start),
            (2, Split),
            (2, HealAll),
            (3, Silence),
            (1, Ended),
        ],
        ..PLAIN
    },
    Profile {
        name: "clocks",
        about: "clocks that are off, run at other speeds, jump, and machines that sleep",
        kinds: &[
            (8, Store),
            (4, StoreForAWhile),
            (4, Get),
            (5, Fresh),
            (4, Delete),
            (1, Clear),
            (2, List),
            (5, Clock),
            (2, Drift),
            (3, Sleep),
            (1, Crash),
            (2, Start),
            (1, Silence),
            (1, Ended),
        ],
        ..PLAIN
    },
    Profile {
        name: "quotas",
        about: "owners that have less room than they want",
        has_quota: true,
        vaults: 3,
        kinds: &[
            (10, Store),
            (2, StoreLarge),
            (4, Get),
            (2, Fresh),
            (5, Delete),
            (1, Clear),
            (1, Crash),
            (2, Start),
            (1, Cancel),
            (2, Ended),
        ],
        ..PLAIN
    },
    Profile {
        name: "secrecy",
        about: "the real cryptography, searched for plaintext and secrets",
        is_real: true,
        devices: (1, 2),
        rounds: 1,
        steps: (3, 9),
        kinds: &[
            (8, Store),
            (4, Get),
            (2, Fresh),
            (2, Delete),
            (1, Clear),
            (1, List),
            (1, Crash),
            (2, Start),
            (1, Reset),
        ],
        ..PLAIN
    },
    Profile {
        name: "liars",
        about: "members that lie, replay, withhold, flood and forge: nobody is given what nobody stored, and everything ends",
        nodes: (3, 5),
        liars: 2,
        kinds: &[
            (10, Store),
            (6, Get),
            (4, Fresh),
            (4, Delete),
            (1, Clear),
            (2, List),
            (1, Crash),
            (2, Start),
            (1, Reset),
            (1, Ended),
        ],
        ..PLAIN
    },
    Profile {
        name: "storm",
        about: "everything at once",
        nodes: (3, 6),
        devices: (2, 4),
        copies: 6,
        is_rough: true,
        has_rough_disks: true,
        goes_soon: true,
        rounds: 3,
        steps: (10, 40),
        kinds: &[
            (20, Store),
            (2, StoreLarge),
            (3, StoreForAWhile),
            (8, Get),
            (8, Fresh),
            (2, Range),
            (8, Delete),
            (2, Clear),
            (4, List),
            (1, Cancel),
            (1, Evict),
            (1, Verify),
            (4, Crash),
            (2, CrashDevice),
            (6, Start),
            (1, Stop),
            (1, Lose),
            (1, LoseDevice),
            (2, Join),
            (1, Leave),
            (1, Ban),
            (2, Pause),
            (3, Resume),
            (3, Cut),
            (2, Split),
            (2, Heal),
            (3, HealAll),
            (3, Reset),
            (1, Slow),
            (1, Full),
            (2, Roomy),
            (1, Fail),
            (2, Sound),
            (1, Rot),
            (1, Misdirect),
            (1, Stall),
            (2, Clock),
            (1, Drift),
            (1, Sleep),
            (2, Silence),
            (2, Ended),
        ],
        ..PLAIN
    },
];

impl Profile {
    /// True if nodes go down, or for good.
    pub(super) fn loses_nodes(&self) -> bool {
        let loses = |kind| matches!(kind, Crash | Stop | Lose | Leave | Ban);
        self.kinds.iter().any(|(_, kind)| loses(*kind))
    }

    /// The profile of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PROFILES.iter().find(|profile| profile.name == name)
    }
}

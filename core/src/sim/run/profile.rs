//! What a kind of run is: which machines there are, what users do, and what goes wrong. Must not know how choices are made.

/// A kind of run.
#[derive(Debug)]
pub struct Profile {
    /// What it is called.
    pub name: &'static str,
    /// What it is about, in a line.
    pub about: &'static str,
    /// Nodes at the beginning, at least and at most.
    pub(super) nodes: (u32, u32),
    /// Some of them are volatile.
    pub(super) has_volatile: bool,
    /// Devices, at least and at most.
    pub(super) devices: (u32, u32),
    /// Vaults at most.
    pub(super) vaults: u32,
    /// One in so many devices is a copy of an earlier one; 0 for none.
    pub(super) copies: u32,
    /// Copies of everything, at least and at most; without it three, and now and then any number.
    pub(super) replicas: Option<(u32, u32)>,
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
    Isolate,
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
    WallDrift,
    Sleep,
    Age,
    Silence,
    Ended,
}

impl Profile {
    /// True if nodes go down, or for good.
    pub(super) fn loses_nodes(&self) -> bool {
        let loses = |kind| matches!(kind, Kind::Crash | Kind::Stop | Kind::Lose | Kind::Leave | Kind::Ban);
        self.kinds.iter().any(|(_, kind)| loses(*kind))
    }

    /// The profile of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        super::profiles::PROFILES.iter().find(|profile| profile.name == name)
    }
}

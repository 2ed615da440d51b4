//! The clocks of one host beside those of the world: they drift, they jump, and the monotonic one never goes back.
//!
//! All in whole numbers, exact in both directions: a machine that asks for a moment of its own clock is woken at the first
//! moment of the world's at which its clock shows that. Clocks that do not drift are read all the time, so they cost no division.

use core::time::Duration;

use crate::time::{Instant, Now};

/// When the wall clocks of a world begin: 2027-01-15.
const START_UNIX_MS: u64 = 1_800_000_000_000;
const MILLION: u64 = 1_000_000;

/// The world's own clocks at this moment.
pub(super) const fn of_world(at: Instant) -> Now {
    Now { mono: at, unix_ms: START_UNIX_MS.saturating_add(at.0 / 1000) }
}

/// Both clocks of a host.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HostClock {
    mono: Mono,
    wall: Wall,
}

impl HostClock {
    /// What they show at this moment of the world.
    pub(super) fn read(&self, at: Instant) -> Now {
        Now { mono: self.mono.read(at), unix_ms: self.wall.read(at) }
    }

    /// The first moment of the world at which the monotonic clock shows this or more.
    pub(super) fn when(&self, mono: Instant) -> Instant {
        self.mono.when(mono)
    }

    pub(super) fn set_drift(&mut self, at: Instant, ppm: i32) {
        self.mono = Mono { world: at, own: self.mono.read(at), ppm };
    }

    pub(super) fn jump(&mut self, at: Instant, ahead: Duration) {
        self.mono = Mono { world: at, own: self.mono.read(at) + ahead, ..self.mono };
    }

    pub(super) fn set_wall(&mut self, at: Instant, ahead_ms: i64) {
        self.wall = Wall { world: at, ahead_us: i128::from(ahead_ms) * 1000, ..self.wall };
    }

    pub(super) fn set_wall_drift(&mut self, at: Instant, ppm: i32) {
        self.wall = Wall { world: at, ahead_us: self.wall.ahead_us(at), ppm };
    }
}

/// Showed `own` when the world's showed `world`, and gains so many millionths since.
#[derive(Clone, Copy, Debug, Default)]
struct Mono {
    world: Instant,
    own: Instant,
    ppm: i32,
}

impl Mono {
    fn read(&self, at: Instant) -> Instant {
        let passed = at.0.saturating_sub(self.world.0);
        if self.ppm == 0 {
            return Instant(self.own.0.saturating_add(passed));
        }
        let own = u128::from(passed) * self.speed() / u128::from(MILLION);
        Instant(self.own.0.saturating_add(u64::try_from(own).unwrap_or(u64::MAX)))
    }

    fn when(&self, own: Instant) -> Instant {
        let ahead = own.0.saturating_sub(self.own.0);
        if self.ppm == 0 {
            return Instant(self.world.0.saturating_add(ahead));
        }
        let passed = (u128::from(ahead) * u128::from(MILLION)).div_ceil(self.speed());
        Instant(self.world.0.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX)))
    }

    /// Its microseconds in a second of the world: at least one, for a clock that stands still never comes to a deadline.
    fn speed(&self) -> u128 {
        u128::from(MILLION.saturating_add_signed(self.ppm.into()).max(1))
    }
}

/// Was so far ahead when the world's showed `world`, and gains so many millionths since.
#[derive(Clone, Copy, Debug, Default)]
struct Wall {
    world: Instant,
    ahead_us: i128,
    ppm: i32,
}

impl Wall {
    fn read(&self, at: Instant) -> u64 {
        let world_us = i128::from(START_UNIX_MS) * 1000 + i128::from(at.0);
        u64::try_from((world_us + self.ahead_us(at)).max(0)).unwrap_or(u64::MAX) / 1000
    }

    fn ahead_us(&self, at: Instant) -> i128 {
        if self.ppm == 0 {
            return self.ahead_us;
        }
        let passed = i128::from(at.0.saturating_sub(self.world.0));
        self.ahead_us + (passed * i128::from(self.ppm)).div_euclid(i128::from(MILLION))
    }
}

//! Time as the driver tells it: the core has no clock of its own.

use core::ops::{Add, Sub};
use core::time::Duration;

/// A moment of the driver's monotonic clock, in microseconds since a start of its choosing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Instant(pub u64);

impl Instant {
    /// How long `self` is after `earlier`; zero if it is not.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

/// Both clocks at one moment. Deadlines and ages use [`Now::mono`]; only versions and expiry use
/// [`Now::unix_ms`], which may jump.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// The monotonic clock.
    pub mono: Instant,
    /// Milliseconds since 1970-01-01 UTC by the wall clock.
    pub unix_ms: u64,
}

impl Now {
    /// Both clocks after `duration`, for drivers with a virtual clock.
    pub fn after(self, duration: Duration) -> Self {
        let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self { mono: self.mono + duration, unix_ms: self.unix_ms.saturating_add(ms) }
    }
}

impl Now {
    /// True if `limit` has passed, by whichever clock: one may stand still while a machine sleeps, the other may be set.
    pub const fn is_past(self, limit: Self) -> bool {
        self.mono.0 > limit.mono.0 || self.unix_ms > limit.unix_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_has_passed_when_either_clock_says_so() {
        let limit = Now { mono: Instant(10), unix_ms: 10 };
        let is_past = |mono, unix_ms| Now { mono: Instant(mono), unix_ms }.is_past(limit);
        assert_eq!([is_past(10, 10), is_past(11, 0), is_past(0, 11)], [false, true, true]);
    }

    #[test]
    fn time_saturates_instead_of_wrapping() {
        assert_eq!(Instant(5) - Instant(9), Duration::ZERO);
        assert_eq!(Instant(u64::MAX - 1) + Duration::from_secs(9), Instant(u64::MAX));
        assert_eq!(Instant(0) + Duration::MAX, Instant(u64::MAX));
    }
}

//! The two clocks that a machine is told.

use quantumsync_core::time::{Instant, Now};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Reads both clocks; its monotonic time begins when it is made.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    start: std::time::Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { start: std::time::Instant::now() }
    }

    pub(crate) fn now(&self) -> Now {
        // One microsecond is the beginning: Instant(0) means "at once" to a driver.
        let mono = Instant(1) + self.start.elapsed();
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono, unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX) }
    }
}

/// How long to wait for `deadline`, in whole milliseconds and never too short: a wait that is cut down
/// to the millisecond wakes too early and turns idle for the rest of it.
pub(crate) fn wait_until(deadline: Instant, now: Instant) -> Duration {
    let micros = deadline.0.saturating_sub(now.0);
    Duration::from_millis(micros.div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_to_whole_milliseconds() {
        let wait = |micros: u64| wait_until(Instant(1_000 + micros), Instant(1_000)).as_micros();
        assert_eq!([0, 1, 999, 1000, 1001].map(wait), [0, 1000, 1000, 1000, 2000]);
        assert_eq!(wait_until(Instant(5), Instant(9)), Duration::ZERO);
    }

    #[test]
    fn the_monotonic_clock_never_says_zero_and_never_goes_back() {
        let clock = Clock::new();
        let first = clock.now().mono;
        assert!(first > Instant(0) && clock.now().mono >= first);
    }
}

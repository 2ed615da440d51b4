//! Time as the caller tells it to a machine.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use quantumsync_core::time;

use crate::guard::guard_or;

/// Both clocks at one moment.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct qs_now {
    /// Microseconds of a monotonic clock, since a start of the caller's choosing.
    pub mono_us: u64,
    /// Milliseconds since 1970-01-01 UTC.
    pub unix_ms: u64,
}

/// No deadline: nothing is due before something happens.
pub const QS_NEVER: u64 = u64::MAX;

/// The time by the system's clocks, for callers that have none of their own. From any thread; all see the same clocks.
#[unsafe(no_mangle)]
pub extern "C" fn qs_clock() -> qs_now {
    static START: OnceLock<Instant> = OnceLock::new();
    guard_or(qs_now::default(), || {
        let mono = START.get_or_init(Instant::now).elapsed().as_micros();
        // A clock before 1970 is refused by the network, as any that is wrong by more than minutes.
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        Ok(qs_now {
            mono_us: u64::try_from(mono).unwrap_or(u64::MAX),
            unix_ms: u64::try_from(unix).unwrap_or(u64::MAX),
        })
    })
}

impl From<qs_now> for time::Now {
    fn from(now: qs_now) -> Self {
        Self { mono: time::Instant(now.mono_us), unix_ms: now.unix_ms }
    }
}

//! Versions: a hybrid logical clock with a writer's tag, totally ordered.

use core::fmt;

/// 48-bit Unix milliseconds ‖ 16-bit counter ‖ 8-byte writer tag; ordered as these 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version([u8; 16]);

impl Version {
    /// Below every version that a writer makes.
    pub const ZERO: Self = Self([0; 16]);
    /// The last millisecond of a version: the year 2500.
    pub const MAX_MS: u64 = 16_725_225_600_000 - 1;

    /// Puts a version together; `None` past [`MAX_MS`](Self::MAX_MS).
    pub fn new(_ms: u64, _counter: u16, _writer: [u8; 8]) -> Option<Self> {
        todo!()
    }
    /// Reads 16 bytes; `None` past [`MAX_MS`](Self::MAX_MS).
    pub fn from_bytes(_bytes: [u8; 16]) -> Option<Self> {
        todo!()
    }
    /// The 16 bytes.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }
    /// Its milliseconds.
    pub fn ms(self) -> u64 {
        todo!()
    }
    /// The least version of `writer` that is above `highest` (compared without the writer) and not before `now_ms`; `None` past the end of time.
    pub fn next(_now_ms: u64, _highest: Self, _writer: [u8; 8]) -> Option<Self> {
        todo!()
    }
    /// True if `self` has the milliseconds and counter that [`next`](Self::next) gives when the clock stands still: one step above `previous`.
    pub fn is_next_step(self, _previous: Self) -> bool {
        todo!()
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v")?;
        crate::id::write_hex(f, &self.0)
    }
}

//! Versions: a hybrid logical clock with a writer's tag, totally ordered.

use core::fmt;

/// 48-bit Unix milliseconds ‖ 16-bit counter ‖ 8-byte writer tag; ordered as these 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version([u8; 16]);

impl Version {
    /// Below every version that a writer makes.
    pub const ZERO: Self = Self([0; 16]);
    /// The last millisecond of a version: the end of the year 2499.
    pub const MAX_MS: u64 = 16_725_225_600_000 - 1;

    /// Puts a version together; `None` past [`MAX_MS`](Self::MAX_MS).
    pub fn new(ms: u64, counter: u16, writer: [u8; 8]) -> Option<Self> {
        if ms > Self::MAX_MS {
            return None;
        }
        let mut bytes = [0; 16];
        // MAX_MS is below 2^48, so nothing is lost to the left.
        bytes[..8].copy_from_slice(&(ms << 16 | u64::from(counter)).to_be_bytes());
        bytes[8..].copy_from_slice(&writer);
        Some(Self(bytes))
    }

    /// Reads 16 bytes; `None` past [`MAX_MS`](Self::MAX_MS).
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        let version = Self(bytes);
        (version.ms() <= Self::MAX_MS).then_some(version)
    }

    /// The 16 bytes.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// Its milliseconds.
    pub fn ms(self) -> u64 {
        self.clock() >> 16
    }

    /// The least version of `writer` that is above `highest` (compared without the writer) and not before `now_ms`; `None` past the end of time.
    pub fn next(now_ms: u64, highest: Self, writer: [u8; 8]) -> Option<Self> {
        if now_ms > highest.ms() {
            return Self::new(now_ms, 0, writer);
        }
        // A full counter carries into the milliseconds.
        let clock = highest.clock() + 1;
        Self::new(clock >> 16, clock as u16, writer)
    }

    /// True if `self` has the milliseconds and counter that [`next`](Self::next) gives when the clock stands still: one step above `previous`.
    pub fn is_next_step(self, previous: Self) -> bool {
        self.clock() == previous.clock() + 1
    }

    /// Milliseconds and counter as one number, far below the end of its range.
    fn clock(self) -> u64 {
        let [clock, _] = [&self.0[..8], &self.0[8..]];
        clock.iter().fold(0, |clock, byte| clock << 8 | u64::from(*byte))
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v")?;
        crate::id::write_hex(f, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WRITER: [u8; 8] = [9; 8];

    fn version(ms: u64, counter: u16) -> Version {
        Version::new(ms, counter, WRITER).unwrap()
    }

    #[test]
    fn the_next_version_follows_the_clock_or_the_highest_one_known() {
        assert_eq!(Version::next(500, version(400, 7), WRITER), Some(version(500, 0)));
        assert_eq!(Version::next(400, version(400, 7), WRITER), Some(version(400, 8)));
        assert_eq!(Version::next(300, version(400, 7), WRITER), Some(version(400, 8)));
        assert_eq!(Version::next(0, version(400, u16::MAX), WRITER), Some(version(401, 0)));
    }

    #[test]
    fn a_writer_with_a_low_tag_still_steps_above_one_with_a_high_tag() {
        let highest = Version::new(400, 7, [0xFF; 8]).unwrap();
        let next = Version::next(0, highest, [0; 8]).unwrap();
        assert!(next > highest && next.is_next_step(highest));
    }

    #[test]
    fn versions_end_with_the_year_2499() {
        let last = version(Version::MAX_MS, u16::MAX);
        assert_eq!(Version::next(0, last, WRITER), None);
        assert_eq!(Version::new(Version::MAX_MS + 1, 0, WRITER), None);
        assert_eq!(Version::from_bytes([0xFF; 16]), None);
        assert_eq!(Version::from_bytes(last.to_bytes()), Some(last));
    }

    #[test]
    fn only_the_very_next_clock_value_is_a_step() {
        assert!(version(401, 0).is_next_step(version(400, u16::MAX)));
        assert!(!version(400, 9).is_next_step(version(400, 7)));
        assert!(!version(400, 7).is_next_step(version(400, 7)));
    }

    /// Of few milliseconds, counters and writers, so that they meet.
    fn any_version() -> impl Strategy<Value = Version> {
        let ms = prop_oneof![400..403_u64, Just(Version::MAX_MS)];
        let counter = prop_oneof![0..2_u16, Just(u16::MAX)];
        (ms, counter, 0..3_u8)
            .prop_map(|(ms, counter, writer)| Version::new(ms, counter, [writer; 8]).unwrap())
    }

    proptest! {
        #[test]
        fn a_version_reads_back_from_its_bytes_and_is_ordered_as_they_are(a in any_version(), b in any_version()) {
            prop_assert_eq!(Version::from_bytes(a.to_bytes()), Some(a));
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
            prop_assert_eq!(a == b, a.to_bytes() == b.to_bytes());
        }

        #[test]
        fn the_order_of_versions_is_total(a in any_version(), b in any_version(), c in any_version()) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert!(!(a <= b && b <= c) || a <= c);
            prop_assert!(a.ms() >= b.ms() || a < b);
        }

        #[test]
        fn the_next_version_is_above_all_of_its_time_and_before_whatever_skips_one(
            now in 399..404_u64, highest in any_version(), writer in 0..3_u8,
        ) {
            match Version::next(now, highest, [writer; 8]) {
                Some(next) => {
                    prop_assert!(next > highest && next.ms() >= now);
                    prop_assert!(next.is_next_step(highest) || (next.ms() == now && now > highest.ms()));
                }
                None => prop_assert!(highest.ms() == Version::MAX_MS),
            }
        }
    }
}

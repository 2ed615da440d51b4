//! Where a run's choices come from: a seed, or bytes that a fuzzer chose. Must not know what is chosen.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::rng::Rng;

/// A source of choices. The same source gives the same choices on every platform.
#[derive(Clone, Debug)]
pub struct Chance(Source);

#[derive(Clone, Debug)]
enum Source {
    Seed(Box<Rng>),
    Bytes { bytes: Vec<u8>, at: usize },
}

impl Chance {
    /// Choices without end.
    pub fn of_seed(seed: u64) -> Self {
        Self(Source::Seed(Box::new(Rng::from_seed(wide(seed)))))
    }

    /// As many choices as these bytes decide; after them always the first of what there is to choose from.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Source::Bytes { bytes: bytes.to_vec(), at: 0 })
    }

    /// A number below `bound`; zero if `bound` is zero.
    pub fn below(&mut self, bound: u32) -> u32 {
        match &mut self.0 {
            Source::Seed(rng) => rng.below(bound),
            Source::Bytes { bytes, at } => {
                // As few bytes as the bound needs: each of the fuzzer's then decides much.
                let wanted = match bound {
                    0 | 1 => 0,
                    2..=0x100 => 1,
                    0x101..=0x1_0000 => 2,
                    _ => 4,
                };
                let from = (*at).min(bytes.len());
                let to = (from + wanted).min(bytes.len());
                *at = to;
                let number =
                    bytes[from..to].iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
                number.checked_rem(bound).unwrap_or(0)
            }
        }
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: u32, most: u32) -> u32 {
        least + self.below(most.saturating_sub(least).saturating_add(1))
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: u32) -> bool {
        self.below(times) == times.saturating_sub(1)
    }

    /// One of these, by their weights; `None` if there are none.
    pub fn weighted<T: Copy>(&mut self, choices: &[(u32, T)]) -> Option<T> {
        let mut left = self.below(choices.iter().map(|(weight, _)| weight).sum());
        choices.iter().find_map(|(weight, choice)| match left.checked_sub(*weight) {
            None => Some(*choice),
            Some(rest) => {
                left = rest;
                None
            }
        })
    }

    /// True when bytes that were given are used up.
    pub const fn is_over(&self) -> bool {
        match &self.0 {
            Source::Seed(_) => false,
            Source::Bytes { bytes, at } => *at >= bytes.len(),
        }
    }
}

/// A seed as the generators take it.
pub(super) fn wide(seed: u64) -> [u8; 32] {
    let mut wide = [0; 32];
    wide[..8].copy_from_slice(&seed.to_be_bytes());
    wide
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_decide_how_often_a_choice_is_made() {
        let mut chance = Chance::of_seed(1);
        let mut count = [0; 3];
        for _ in 0..4000 {
            count[chance.weighted(&[(1, 0), (0, 1), (3, 2)]).unwrap()] += 1;
        }
        assert!((800..1200).contains(&count[0]) && count[1] == 0, "{count:?}");
        assert_eq!(chance.weighted::<u8>(&[]), None);
    }

    #[test]
    fn bytes_decide_one_after_the_other_and_then_the_first_choice_is_made() {
        let mut chance = Chance::of_bytes(&[7, 1, 2]);
        assert_eq!((chance.below(10), chance.below(1000), chance.is_over()), (7, 258, true));
        assert_eq!((chance.below(10), chance.between(3, 9), chance.one_in(5)), (0, 3, false));
    }
}

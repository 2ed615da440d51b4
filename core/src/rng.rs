//! Seeded randomness for jitter and the like. Never for keys: those come from the driver's entropy
//! through [`crate::crypto`].

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// A deterministic generator: the same seed gives the same sequence on every platform.
#[derive(Clone, Debug)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// The generator of this seed.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ChaCha8Rng::from_seed(seed))
    }

    /// A number below `bound`; zero if `bound` is zero. The bias of at most 2^-32 does not matter to jitter.
    pub fn below(&mut self, bound: u32) -> u32 {
        // The product of two 32-bit numbers shifted by 32 fits 32 bits.
        ((u64::from(self.0.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_sequence() {
        let mut a = Rng::from_seed([7; 32]);
        let mut b = Rng::from_seed([7; 32]);
        assert!((0..100).all(|_| a.below(1000) == b.below(1000)));
    }

    #[test]
    fn numbers_stay_below_their_bound() {
        let mut rng = Rng::from_seed([1; 32]);
        assert_eq!(rng.below(0), 0);
        assert!((1..500).all(|bound| rng.below(bound) < bound));
    }
}

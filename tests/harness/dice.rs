//! The only source of chance in a scenario: the same seed, the same run.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// A seeded die.
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number from `low` up to and with `high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.0.next_u64() % (high - low + 1)
    }

    /// True once in `n` times; never for 0.
    pub fn one_in(&mut self, n: u64) -> bool {
        n > 0 && self.0.next_u64().is_multiple_of(n)
    }

    /// One of several; `None` of none.
    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> Option<T> {
        let last = choices.len().checked_sub(1)? as u64;
        let index = usize::try_from(self.between(0, last)).ok()?;
        choices.get(index).cloned()
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

//! Bytes that no honest device writes, and a meter for what refusing them costs.
//!
//! Tests of the model, scenarios, benchmarks and fuzz targets all need them, so they stand below all of those: this
//! crate knows the format of a change and Automerge's own encoder, and nothing of ours. Never part of the product.

#![warn(missing_docs)]
#![expect(clippy::unwrap_used, reason = "a forger may fail loudly: what goes in is honest")]

pub mod chunk;
pub mod meter;

use automerge::{Change, ExpandedChange};

/// Rewrites an honest change with Automerge's own encoder: the result is well formed and has a right checksum, but
/// is not what its author could have made.
pub fn forge(honest: &[u8], twist: impl FnOnce(&mut ExpandedChange)) -> Vec<u8> {
    let mut change = Change::try_from(honest).unwrap().decode();
    twist(&mut change);
    Change::from(change).raw_bytes().to_vec()
}

/// A small generator of its own, so that a failure repeats: the same seed, the same run.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Starts from a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`, which is not 0.
    pub const fn below(&mut self, end: usize) -> usize {
        // SplitMix64: the low bits are as good as the high ones.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) >> 1) as usize % end
    }

    /// True once in `n` times.
    pub const fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of several.
    pub const fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// A place for every index below `count`, in any order.
    pub fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for index in (1..count).rev() {
            order.swap(index, self.below(index + 1));
        }
        order
    }
}

/// Damages bytes in one place: a bit, a byte, one more, one less, or a piece copied over another.
pub fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) {
    if bytes.is_empty() {
        return bytes.push(dice.below(256) as u8);
    }
    let at = dice.below(bytes.len());
    match dice.below(6) {
        0 => bytes[at] ^= 1 << dice.below(8),
        1 => bytes[at] = dice.below(256) as u8,
        2 => bytes[at] = bytes[at].wrapping_add(1),
        3 => bytes.insert(at, dice.below(256) as u8),
        4 => drop(bytes.remove(at)),
        _ => {
            let from = dice.below(bytes.len());
            let size = dice.below(8).min(bytes.len() - from).min(bytes.len() - at);
            bytes.copy_within(from..from + size, at);
        }
    }
}

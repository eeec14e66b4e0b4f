//! Bytes that do not compress, the same in every run.

use std::iter;

/// Returns an endless sequence of bytes that depends on `seed` alone: the highest byte of each state of a linear congruential
/// generator.
pub fn noise(seed: u32) -> impl Iterator<Item = u8> {
    let step = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    iter::successors(step(&seed), step).map(|state| state.to_be_bytes()[0])
}

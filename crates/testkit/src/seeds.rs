//! Runs a test with many seeds.

use std::ops::Range;
use std::{env, thread};

use crate::Schedule;

/// The environment variable that replaces the seeds of a test.
const VARIABLE: &str = "WEBSOCKET_SEED";

/// Runs a test once with the [`Schedule`] of each seed. If it panics, the seed is printed to the standard error:
///
/// ```text
/// seed 1234 failed: WEBSOCKET_SEED=1234 runs it again
/// ```
///
/// The environment variable `WEBSOCKET_SEED` replaces `seeds`, with one seed (`1234`) or a range (`0..1000000`).
///
/// ```
/// use protocol_websocket_testkit::for_each_seed;
///
/// for_each_seed(0..100, |mut schedule| {
///     let bytes = schedule.bytes(10);
///     assert_eq!(bytes.len(), 10);
/// });
/// ```
///
/// # Panics
///
/// If `run` panics, or if the variable has another value.
pub fn for_each_seed(seeds: Range<u64>, mut run: impl FnMut(Schedule)) {
    let seeds = env::var(VARIABLE).map_or(seeds, |value| parse(&value));
    for seed in seeds {
        let printer = SeedPrinter(seed);
        run(Schedule::from_seed(seed));
        drop(printer);
    }
}

/// Parses a seed or a range of seeds.
fn parse(value: &str) -> Range<u64> {
    let range = match value.split_once("..") {
        Some((start, end)) => start.parse().ok().zip(end.parse().ok()),
        None => value.parse().ok().and_then(|seed: u64| Some((seed, seed.checked_add(1)?))),
    };
    let Some((start, end)) = range else { panic!("{VARIABLE} is not a seed or a range of seeds: {value:?}") };
    start..end
}

/// Prints a seed if it is dropped during a panic.
struct SeedPrinter(u64);

impl Drop for SeedPrinter {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("seed {0} failed: {VARIABLE}={0} runs it again", self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_has_a_seed_or_a_range() {
        assert_eq!((parse("7"), parse("0..1000")), (7..8, 0..1000));
        for invalid in ["", "x", "1..", "..2", "-1", "18446744073709551615"] {
            assert!(std::panic::catch_unwind(|| parse(invalid)).is_err(), "{invalid}");
        }
    }
}

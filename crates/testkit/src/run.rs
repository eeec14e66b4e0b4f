//! A runtime without real time.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::{Instant, timeout};

/// The maximum duration of a test, by its own clock.
const MAX_TIME: Duration = Duration::from_secs(24 * 3600);
/// The maximum number of polls of the test while its clock does not advance.
const MAX_POLLS: usize = 1_000_000;

/// Runs a test in a runtime of tokio with one thread, whose clock is paused: when all tasks wait, the clock advances to
/// the next timer at once ([`tokio::time::pause`]). So a test of a keepalive of minutes takes no time, and its result does not
/// depend on the speed of the machine. Tasks that have not ended when `test` ends are dropped.
///
/// `#[tokio::test(start_paused = true)]` does the same, with the feature `test-util` of tokio and without the limits.
///
/// ```
/// use std::time::Duration;
/// use tokio::time::{Instant, sleep};
///
/// protocol_websocket_testkit::run(async {
///     let start = Instant::now();
///     sleep(Duration::from_secs(3600)).await;
///     assert_eq!(start.elapsed().as_secs(), 3600);
/// });
/// ```
///
/// Only `test` itself is watched. A spawned task that never waits, or that always wakes itself, stops the clock, and `run` does
/// not return: set a time limit in the test runner.
///
/// # Panics
///
/// - If the test has not ended after a day by its clock, for instance because two ends wait for each other.
/// - If `test` is polled a million times while the clock does not advance, because it wakes itself.
/// - If `run` is called inside a runtime, or if the test panics.
pub fn run<F: Future>(test: F) -> F::Output {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.unwrap_or_else(|error| panic!("the runtime cannot be built: {error}"));
    let result = runtime.block_on(async {
        let (mut test, mut polls, mut at) = (pin!(test), 0, Instant::now());
        let limited = poll_fn(|context| {
            let now = Instant::now();
            polls = if now == at { polls + 1 } else { 0 };
            at = now;
            assert!(polls < MAX_POLLS, "the test wakes itself, so its clock stands still");
            test.as_mut().poll(context)
        });
        timeout(MAX_TIME, limited).await
    });
    result.unwrap_or_else(|_| panic!("the test has not ended after a day by its clock"))
}

//! The seed of a failure, in a process of its own.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::env;
use std::process::Command;

use protocol_websocket_testkit::for_each_seed;

/// Set in the process that fails.
const FAILS: &str = "TESTKIT_FAILS";

#[test]
fn fails_if_asked() {
    for_each_seed(0..10, |mut schedule| {
        println!("choice {}", schedule.below(1 << 30));
        assert!(env::var(FAILS).is_err() || schedule.below(3) > 0);
    });
}

/// Runs the test above. Returns the seed of the failure, and the last choice.
fn run_again(seed: Option<&str>) -> (String, String) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "fails_if_asked", "--nocapture"]).env(FAILS, "1").env_remove("WEBSOCKET_SEED");
    if let Some(seed) = seed {
        command.env("WEBSOCKET_SEED", seed);
    }
    let output = command.output().unwrap();
    assert!(!output.status.success());
    let (out, log) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let (_, rest) = log.split_once(" failed: WEBSOCKET_SEED=").unwrap_or_else(|| panic!("{log}"));
    let seed = rest.split_once(" runs it again").unwrap().0;
    (seed.to_owned(), out.lines().rfind(|line| line.contains("choice ")).unwrap().to_owned())
}

#[test]
fn failure_prints_its_seed_which_fails_in_the_same_way() {
    let (seed, choice) = run_again(None);
    let (again, same) = run_again(Some(&seed));
    assert_eq!(again, seed);
    // The first line also has the name of the test.
    assert_eq!(same.rsplit_once("choice ").unwrap().1, choice.rsplit_once("choice ").unwrap().1);
}

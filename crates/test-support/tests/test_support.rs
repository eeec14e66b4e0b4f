//! Tests of the test support, because other tests would pass if its measurements were wrong.
#![allow(clippy::unwrap_used)]

use std::fmt;
#[cfg(unix)]
use std::process::Command;

use test_support::errors::assert_distinct_texts;
use test_support::heap::{CountingAllocator, current, measure};
use test_support::noise::noise;
#[cfg(unix)]
use test_support::program::Program;
use test_support::split::{split_at_all, split_everywhere, split_in_sizes};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn heap_counts_live_peak_and_allocated_bytes() {
    let (bytes, heap) = measure(|| vec![0_u8; 1000]);
    assert_eq!((heap.live, heap.peak, heap.allocations, heap.allocated), (1000, 1000, 1, 1000));
    let ((), heap) = measure(|| drop(bytes));
    assert_eq!((heap.live, heap.peak, heap.allocations, heap.allocated), (-1000, 0, 0, 0));
    let ((), heap) = measure(|| {
        let mut bytes: Vec<u8> = Vec::with_capacity(100);
        bytes.extend_from_slice(&[1; 100]);
        bytes.reserve_exact(200);
    });
    assert_eq!((heap.live, heap.peak, heap.allocations, heap.allocated), (0, 300, 2, 400));
}

#[test]
fn heap_counts_each_thread_separately() {
    let before = current();
    let other = std::thread::spawn(|| measure(|| vec![0_u8; 1 << 20]).1).join().unwrap();
    assert_eq!(other.live, 1 << 20);
    assert!(current().allocated - before.allocated < 1 << 20);
}

#[test]
fn pieces_are_the_bytes() {
    assert_eq!(split_at_all(b"abc", []), [b"abc"]);
    assert_eq!(split_at_all(b"abc", [2, 1]), [&b"a"[..], b"b", b"c"]);
    assert_eq!(split_at_all(b"abc", [0, 3]), [&b""[..], b"abc", b""]);
    assert!(split_everywhere(b"ab").eq([(&b""[..], &b"ab"[..]), (b"a", b"b"), (b"ab", b"")]));
    assert_eq!(split_in_sizes(b"abcde", &[1, 0, 2]), [&b"a"[..], b"", b"bc", b"d", b"", b"e"]);
    assert!(split_in_sizes(b"", &[]).is_empty());
}

#[test]
fn noise_is_the_same_in_every_run() {
    assert!(noise(1).take(100).eq(noise(1).take(100)));
    assert!(!noise(1).take(100).eq(noise(2).take(100)));
}

#[derive(Debug)]
struct TextError(&'static str);

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for TextError {}

#[test]
fn distinct_texts_pass() {
    assert_distinct_texts(&[&TextError("key is missing"), &TextError("key is malformed")]);
}

#[test]
#[should_panic(expected = "the same text")]
fn equal_texts_fail() {
    assert_distinct_texts(&[&TextError("key is missing"), &TextError("key is missing")]);
}

#[test]
#[should_panic(expected = "full stop")]
fn text_with_full_stop_fails() {
    assert_distinct_texts(&[&TextError("key is missing.")]);
}

#[cfg(unix)]
#[test]
fn program_prints_logs_reads_and_ends() {
    let script = "echo one; echo two >&2; echo connect to ws://localhost/; read line; echo got $line; exit 3";
    let mut program = Program::start(Command::new("sh").args(["-c", script]));
    assert_eq!((program.logged("t"), program.printed("")), ("two".to_owned(), "one".to_owned()));
    assert_eq!(program.url(), "ws://localhost/");
    program.write_line("three");
    assert_eq!(program.printed("got"), "got three");
    program.end_input();
    assert_eq!(program.wait().code(), Some(3));
}

#[cfg(target_os = "linux")]
#[test]
fn group_is_killed_on_drop() {
    let program = Program::start_group(Command::new("sh").args(["-c", "sleep 1000 & echo $!; wait"]));
    let stat = format!("/proc/{}/stat", program.printed(""));
    let is_running = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(is_running());
    drop(program);
    while is_running() {
        std::thread::yield_now();
    }
}

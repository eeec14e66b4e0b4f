//! The memory of a log that an attacker wrote is limited by the length of the log.
#![allow(clippy::unwrap_used, clippy::cast_possible_wrap)]

use std::fmt::Write as _;

use protocol_websocket_record::{Log, LogErrorKind, Recording};
use test_support::heap::{CountingAllocator, measure};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const FIRST: &str = r#"{"format":"protocol-websocket-record","version":1,"start":"2026-01-02T03:04:05Z"}"#;
/// The maximum of the bytes in memory for each byte of a log, as `Recording::read` documents it.
const MAX_FACTOR: i64 = 20;

/// Returns a log of lines that are made from their numbers.
fn log(lines: usize, line: impl Fn(usize) -> String) -> String {
    let mut log = format!("{FIRST}\n");
    for number in 0..lines {
        writeln!(log, "{}", line(number)).unwrap();
    }
    log
}

#[test]
fn memory_of_a_recording_is_a_small_multiple_of_its_log() {
    let list = |item: &str, count| vec![item; count].join(",");
    let head = |headers: String| {
        format!(r#"{{"type":"head","time":0,"connection":1,"direction":"sent","status":1,"headers":[{headers}]}}"#)
    };
    let logs = [
        ("connections", log(10_000, |number| format!(r#"{{"type":"dropped","time":0,"connection":{number}}}"#))),
        (
            "connections with frames",
            log(5000, |number| {
                let frame = r#""direction":"sent","opcode":"text","fin":true,"wire_len":0,"text":"""#;
                format!(r#"{{"type":"frame","time":0,"connection":{number},{frame}}}"#)
            }),
        ),
        ("heads", log(5000, |_| head(String::new()))),
        ("header fields", log(100, |_| head(list(r#"["",""]"#, 1000)))),
        (
            "extensions",
            log(2000, |number| {
                let extensions = list(r#""""#, 64);
                format!(
                    r#"{{"type":"open","time":0,"connection":{number},"version":"RFC 6455","extensions":[{extensions}]}}"#
                )
            }),
        ),
        ("one line of header fields", log(1, |_| head(list(r#"["",""]"#, 100_000)))),
        (
            "one line of extensions",
            log(1, |_| {
                format!(
                    r#"{{"type":"open","time":0,"connection":1,"version":"RFC 6455","extensions":[{}]}}"#,
                    list(r#""""#, 200_000)
                )
            }),
        ),
    ];
    for (name, log) in logs {
        let (recording, heap) = measure(|| Recording::read(Log::new(log.as_bytes()).unwrap()));
        let is_json_error = recording.is_err_and(|error| matches!(error.kind(), LogErrorKind::Json(_)));
        assert_eq!(is_json_error, name.starts_with("one line"), "{name}");
        assert!(heap.peak <= MAX_FACTOR * log.len() as i64, "{name}: {} bytes for {}", heap.peak, log.len());
    }
}

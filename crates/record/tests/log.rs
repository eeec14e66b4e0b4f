//! Reading logs, valid and not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::io::{self, BufReader, Read};
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use protocol_websocket_connection::{CloseCode, Direction, EndedBy, OpCode, Role, Rsv, Version};
use protocol_websocket_record::{Entry, Log, LogError, LogErrorKind, Record, RecordedPayload, Recording, Value};

const FIRST: &str = r#"{"format":"protocol-websocket-record","version":1,"start":"2026-01-02T03:04:05.000006Z"}"#;

fn log(lines: &[&str]) -> String {
    std::iter::once(&FIRST).chain(lines).flat_map(|line| [line, "\n"]).collect()
}

fn read(text: &str) -> Vec<Result<Record, LogError>> {
    Log::new(text.as_bytes()).unwrap().collect()
}

/// Returns the kind of the error of a log with this line.
fn error_of(line: &str) -> LogErrorKind {
    let text = log(&[line]);
    let mut records = read(&text);
    assert_eq!(records.len(), 1, "{line}");
    let error = records.remove(0).unwrap_err();
    assert_eq!(error.line(), 2);
    assert!(error.to_string().starts_with("line 2: "), "{error}");
    match error {
        error if matches!(error.kind(), LogErrorKind::Member(_)) => {
            let LogErrorKind::Member(name) = error.kind() else { panic!() };
            LogErrorKind::Member(name)
        }
        error => LogErrorKind::Json(error.kind().to_string().into()),
    }
}

#[test]
fn every_type_of_line_is_parsed() {
    let text = log(&[
        r#"{"type":"connection","time":1,"connection":7,"role":"client"}"#,
        r#"{"type":"head","time":2,"connection":7,"direction":"sent","method":"GET","target":"/","headers":[["a","b"],["c",null]]}"#,
        r#"{"type":"open","time":3,"connection":7,"version":"draft-hixie-75","subprotocol":null,"extensions":["x"]}"#,
        r#"{"type":"open","time":3,"connection":7,"version":"RFC 6455","subprotocol":"chat"}"#,
        r#"{"type":"frame","time":4,"connection":7,"direction":"received","opcode":"text","fin":false,"rsv":[1,3],"piece":"last","wire_len":9,"text":"\u00e9"}"#,
        r#"{"type":"input","time":5,"connection":7,"base64":"gQA="}"#,
        r#"{"type":"ended","time":6,"connection":7,"by":"timeout","code":1006,"clean":false,"error":"late"}"#,
    ]);
    let start = Log::new(text.as_bytes()).unwrap().start();
    assert_eq!(start.duration_since(SystemTime::UNIX_EPOCH).unwrap(), Duration::from_micros(1_767_323_045_000_006));
    let records: Vec<Record> = read(&text).into_iter().map(Result::unwrap).collect();
    assert!(records.iter().all(|record| record.connection == 7));
    assert_eq!(records[1].time, Duration::from_micros(2));
    assert_eq!(records[0].entry, Entry::Connection(Role::Client));
    let Entry::Head(head) = &records[1].entry else { panic!() };
    assert_eq!(head.headers, [("a".into(), Value::Shown("b".into())), ("c".into(), Value::Masked)]);
    let Entry::Open(open) = &records[2].entry else { panic!() };
    assert_eq!((open.version, &open.subprotocol), (Version::Hixie75, &Some(Value::Masked)));
    let Entry::Open(open) = &records[3].entry else { panic!() };
    assert_eq!((&open.subprotocol, open.extensions.len()), (&Some(Value::Shown("chat".into())), 0));
    let Entry::Frame(frame) = &records[4].entry else { panic!() };
    assert_eq!((frame.direction, frame.opcode, frame.rsv), (Direction::Received, OpCode::Text, Rsv::RSV1 | Rsv::RSV3));
    assert_eq!((frame.fin, frame.is_first, frame.is_last, frame.wire_len), (false, false, true, 9));
    assert_eq!(frame.payload, RecordedPayload::Text("é".into()));
    assert_eq!(records[5].entry, Entry::Input(vec![0x81, 0]));
    let Entry::Ended(ended) = &records[6].entry else { panic!() };
    assert_eq!((ended.by, ended.code, &ended.reason), (EndedBy::Timeout, CloseCode::ABNORMAL, &None));
}

#[test]
fn unknown_types_and_members_are_skipped() {
    let text = log(&[
        r#"{"type":"later","time":1,"connection":1,"role":"?"}"#,
        r#"{"type":"dropped","time":1,"connection":1,"later":[{}]}"#,
    ]);
    let records: Vec<Record> = read(&text).into_iter().map(Result::unwrap).collect();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].entry, Entry::Dropped);
}

#[test]
fn rejects_what_is_not_a_log() {
    for text in ["", "\n", "{}\n", "[]\n", "GET / HTTP/1.1\n", r#"{"format":"har","version":1,"start":""}"#] {
        let error = Log::new(text.as_bytes()).unwrap_err();
        assert!(matches!(error.kind(), LogErrorKind::Format), "{text:?}: {error}");
    }
    let endless = BufReader::new(io::repeat(b'{'));
    assert!(matches!(Log::new(endless).unwrap_err().kind(), LogErrorKind::Format));
    let later = FIRST.replace("\"version\":1", "\"version\":2");
    let error = Log::new(later.as_bytes()).unwrap_err();
    assert!(matches!(error.kind(), LogErrorKind::Version(2)));
    assert_eq!(error.to_string(), "line 1: unsupported version 2 of the log");
    for start in ["", "yesterday", "1800-01-01T00:00:00Z"] {
        let text = FIRST.replace("2026-01-02T03:04:05.000006Z", start);
        assert!(matches!(Log::new(text.as_bytes()).unwrap_err().kind(), LogErrorKind::Member("start")), "{start}");
    }
}

#[test]
fn rejects_invalid_lines() {
    for (line, member) in [
        (r#"{"type":"connection","time":1,"connection":1,"role":"proxy"}"#, "role"),
        (r#"{"type":"head","time":1,"connection":1,"method":"GET","target":"/","headers":[]}"#, "direction"),
        (r#"{"type":"head","time":1,"connection":1,"direction":"sent","headers":[]}"#, "status, or method and target"),
        (r#"{"type":"head","time":1,"connection":1,"direction":"sent","status":101}"#, "headers"),
        (r#"{"type":"open","time":1,"connection":1,"version":"13"}"#, "version"),
        (r#"{"type":"frame","time":1,"connection":1,"direction":"sent","opcode":"mux","fin":true}"#, "opcode"),
        (
            r#"{"type":"frame","time":1,"connection":1,"direction":"sent","opcode":"text","fin":true,"wire_len":0}"#,
            "text, base64 or len",
        ),
        (
            r#"{"type":"frame","time":1,"connection":1,"direction":"sent","opcode":"text","fin":true,"wire_len":0,"text":"","len":0}"#,
            "text, base64 or len",
        ),
        (
            r#"{"type":"frame","time":1,"connection":1,"direction":"sent","opcode":"text","wire_len":0,"text":""}"#,
            "fin",
        ),
        (
            r#"{"type":"frame","time":1,"connection":1,"direction":"sent","opcode":"text","fin":true,"text":""}"#,
            "wire_len",
        ),
        (
            r#"{"type":"frame","time":1,"connection":1,"direction":"sent","opcode":"text","fin":true,"wire_len":0,"rsv":[4],"text":""}"#,
            "rsv",
        ),
        (
            r#"{"type":"frame","time":1,"connection":1,"direction":"sent","opcode":"text","fin":true,"piece":"all","wire_len":0,"text":""}"#,
            "piece",
        ),
        (
            r#"{"type":"frame","time":1,"connection":1,"direction":"sent","opcode":"text","fin":true,"wire_len":0,"len":0,"sha256":"+1"}"#,
            "sha256",
        ),
        (r#"{"type":"input","time":1,"connection":1,"base64":"?"}"#, "base64"),
        (r#"{"type":"ended","time":1,"connection":1,"by":"us","clean":true}"#, "code"),
    ] {
        assert!(matches!(error_of(line), LogErrorKind::Member(name) if name == member), "{line}");
    }
    for line in [
        "",
        "{",
        "null",
        r#"{"type":"dropped","time":-1,"connection":1}"#,
        r#"{"type":"dropped","time":1}"#,
        r#"{"type":"dropped","time":1,"time":2,"connection":1}"#,
        r#"{"type":"dropped","time":1,"connection":1} more"#,
        r#"{"type":"ended","time":1,"connection":1,"code":65536}"#,
    ] {
        assert!(matches!(error_of(line), LogErrorKind::Json(_)), "{line}");
    }
    // Nested too deep for a recursive parser.
    let deep = format!(r#"{{"type":"dropped","time":1,"connection":1,"x":{}}}"#, "[".repeat(100_000));
    assert!(matches!(error_of(&deep), LogErrorKind::Json(_)));
}

#[test]
fn limits_hold() {
    let line = r#"{"type":"dropped","time":1,"connection":1}"#;
    let text = log(&[line, line, line]);
    let len = line.len() as u64 + 1;
    let limited = |log: Log<&[u8]>| -> Vec<_> { log.collect() };
    assert!(limited(Log::new(text.as_bytes()).unwrap().max_line(len)).iter().all(Result::is_ok));
    let records = limited(Log::new(text.as_bytes()).unwrap().max_line(len - 1));
    assert!(matches!(records[..], [Err(ref error)] if matches!(error.kind(), LogErrorKind::LineTooLong)));
    let all = text.len() as u64;
    assert!(limited(Log::new(text.as_bytes()).unwrap().max_len(all)).iter().all(Result::is_ok));
    let records = limited(Log::new(text.as_bytes()).unwrap().max_len(all - 1));
    assert_eq!(records.len(), 3);
    assert!(matches!(records[2], Err(ref error) if matches!(error.kind(), LogErrorKind::TooLong)));
}

#[test]
fn error_of_the_reader_is_the_source() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("unplugged"))
        }
    }
    let text = FIRST.to_owned() + "\n";
    let mut log = Log::new(BufReader::new(text.as_bytes().chain(Failing))).unwrap();
    let error = log.next().unwrap().unwrap_err();
    assert!(matches!(error.kind(), LogErrorKind::Io(_)));
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "unplugged");
    assert!(log.next().is_none());
}

#[test]
fn messages_of_a_log_without_its_beginning_are_joined() {
    let frame =
        |rest: &str| format!(r#"{{"type":"frame","time":1,"connection":1,"direction":"sent","wire_len":1,{rest}}}"#);
    let text = log(&[
        &frame(r#""opcode":"continuation","fin":true,"text":"end""#),
        &frame(r#""opcode":"text","fin":false,"text":"lost""#),
        &frame(r#""opcode":"text","fin":true,"text":"next""#),
        &frame(r#""opcode":"text","fin":true,"len":1"#),
    ]);
    let recording = Recording::read(Log::new(text.as_bytes()).unwrap()).unwrap();
    let [connection] = &recording.connections[..] else { panic!() };
    assert_eq!((connection.role, connection.messages.len()), (None, 3));
    assert!(connection.messages[0].is_same(OpCode::Binary, b"end"));
    assert!(connection.messages[1].is_same(OpCode::Text, b"next"));
    assert!(!connection.messages[2].is_same(OpCode::Text, b"x"), "a payload without a hash is equal to nothing");
    assert!(recording.connection(1).is_some() && recording.connection(2).is_none());
    recording.write_har(io::sink()).unwrap();
}

proptest! {
    /// No input makes a reader panic, and valid lines before an invalid one are read.
    #[test]
    fn arbitrary_bytes_are_read_or_rejected(bytes in any::<Vec<u8>>(), time in any::<u64>(), connection in any::<u64>()) {
        let _ = Log::new(&bytes[..]);
        let line = format!(r#"{{"type":"dropped","time":{time},"connection":{connection}}}"#);
        let mut text = log(&[&line]).into_bytes();
        let whole = text.clone();
        text.extend_from_slice(&bytes);
        let records: Vec<_> = Log::new(&text[..]).unwrap().collect();
        prop_assert!(records[0].is_ok() && records.iter().filter(|record| record.is_err()).count() <= 1);
        let recording = Recording::read(Log::new(&whole[..]).unwrap()).unwrap();
        recording.write_har(io::sink()).unwrap();
    }
}

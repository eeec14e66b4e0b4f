//! `HeadReader`: line ends, limits, and results that do not depend on how the input is split.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::hash::{BuildHasher, RandomState};

use bytes::BytesMut;
use proptest::prelude::*;
use protocol_websocket_http::{HeadLimits, HeadReader, ParseError, RequestHead, ResponseHead};
use test_support::split::split_at_all;

fn request(text: impl AsRef<[u8]>) -> Result<Option<RequestHead>, ParseError> {
    HeadReader::default().request(&mut BytesMut::from(text.as_ref()))
}

fn response(text: impl AsRef<[u8]>) -> Result<Option<ResponseHead>, ParseError> {
    HeadReader::default().response(&mut BytesMut::from(text.as_ref()))
}

#[test]
fn reads_any_request() {
    let head = request("OPTIONS * HTTP/1.0\r\nA: b\r\n\r\n").unwrap().unwrap();
    assert_eq!((head.method(), head.target(), head.minor_version()), ("OPTIONS", "*", 0));
    assert!(head.headers().iter().eq([("A", &b"b"[..])]));
    assert!(!head.is_upgrade());
    let head = request("GET / HTTP/1.1\r\nUpgrade: h2c, WebSocket\r\n\r\n").unwrap().unwrap();
    assert!(head.is_upgrade());
}

#[test]
fn reads_consecutive_heads() {
    let mut reader = HeadReader::default();
    let mut input = BytesMut::from(&b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\nX: y\r\n\r\n\x81\x05\n\n"[..]);
    assert_eq!(reader.request(&mut input).unwrap().unwrap().target(), "/a");
    assert_eq!(reader.request(&mut input).unwrap().unwrap().target(), "/b");
    assert_eq!(input, &b"\x81\x05\n\n"[..]);
}

#[test]
fn starts_again_after_a_split_head() {
    let mut reader = HeadReader::default();
    let (start, rest) = ("GET /a HTTP/1.1\r\nX: y\r\nLong: ".to_owned() + &"z".repeat(1000), "\r\n\r\n");
    let mut input = BytesMut::from(start.as_bytes());
    assert_eq!(reader.request(&mut input), Ok(None));
    input.extend_from_slice(rest.as_bytes());
    assert_eq!(reader.request(&mut input).unwrap().unwrap().target(), "/a");
    let many = "GET /b HTTP/1.1\r\n".to_owned() + &"X: y\r\n".repeat(60) + "\r\n";
    input.extend_from_slice(many.as_bytes());
    assert_eq!(reader.request(&mut input).unwrap().unwrap().headers().len(), 60);
}

#[test]
fn accepts_crlf_and_lf() {
    let head = request("GET / HTTP/1.1\nA: b\r\nC: d\n\r\n").unwrap().unwrap();
    assert!(head.headers().iter().eq([("A", &b"b"[..]), ("C", b"d")]));
    assert!(request("GET / HTTP/1.1\nA: b\n\n").unwrap().is_some());
    assert!(request("GET / HTTP/1.1\r\nA: b\r\n\n").unwrap().is_some());
    assert!(request("\r\n\n\r\nGET / HTTP/1.1\r\n\r\n").unwrap().is_some());
}

#[test]
fn trims_values() {
    let head = request("GET / HTTP/1.1\r\nA: \t b c\t \r\nD:\r\nE: \r\n\r\n").unwrap().unwrap();
    assert!(head.headers().iter().eq([("A", &b"b c"[..]), ("D", b""), ("E", b"")]));
}

#[test]
fn rejects_malformed_field_lines() {
    for field in [
        "Upgrade : websocket",
        "Upgrade\t: websocket",
        " Upgrade: websocket",
        "A: b\r\n folded: c",
        "A: b\r\n\tfolded",
        "no colon",
        ": no name",
        "A: b\rC: d",
        "A: b\r",
        "A: b\r\r",
        "A\r: b",
        "A: \0",
        "A: \x01",
        "A: \x7F",
        "A: \x0B",
        "A\0: b",
        "A b: c",
        "A(: b",
        "Ä: b",
    ] {
        let text = format!("GET / HTTP/1.1\r\n{field}\r\nHost: x\r\n\r\n");
        assert_eq!(request(&text), Err(ParseError::Field), "{field:?}");
        let text = format!("HTTP/1.1 101 x\r\n{field}\r\nHost: x\r\n\r\n");
        assert_eq!(response(&text), Err(ParseError::Field), "{field:?}");
    }
}

#[test]
fn rejects_malformed_request_lines() {
    for line in [
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET\t/ HTTP/1.1",
        " GET / HTTP/1.1",
        "GET / x HTTP/1.1",
        "GET /",
        "GET",
        "G@T / HTTP/1.1",
        "GET / HTTP/2.0",
        "GET / HTTP/1.2",
        "GET / http/1.1",
        "GET / HTTP/1.1\r",
        "\rGET / HTTP/1.1",
        "GET /\0 HTTP/1.1",
        "GET /\x7F HTTP/1.1",
        "GET /é HTTP/1.1",
        "HTTP/1.1 101 Switching Protocols",
    ] {
        let text = format!("{line}\r\nHost: x\r\n\r\n");
        assert_eq!(request(&text), Err(ParseError::RequestLine), "{line:?}");
    }
}

#[test]
fn accepts_any_reason_phrase() {
    for (line, status, reason) in [
        ("HTTP/1.1 101 Switching Protocols", 101, "Switching Protocols"),
        ("HTTP/1.1 101 WebSocket Protocol Handshake", 101, "WebSocket Protocol Handshake"),
        ("HTTP/1.1 101 ", 101, ""),
        ("HTTP/1.1 101", 101, ""),
        ("HTTP/1.1 404 n\u{E4}", 404, ""),
        ("HTTP/1.0 999 x", 999, "x"),
    ] {
        let head = response(format!("{line}\r\nA: b\r\n\r\n")).unwrap().unwrap();
        assert_eq!((head.status(), head.reason()), (status, reason), "{line:?}");
        assert_eq!(head.headers().get_str("a"), Some("b"));
    }
}

#[test]
fn rejects_malformed_status_lines() {
    for line in [
        "HTTP/1.1 10",
        "HTTP/1.1 1011 x",
        "HTTP/1.1  101 x",
        "HTTP/2.0 101 x",
        "HTTP/1.1 1x1 x",
        "HTTP/1.1 +10 x",
        "HTTP/1.1 101 a\0",
        "HTTP/1.1\t101 x",
        "GET / HTTP/1.1",
        "ICY 200 OK",
    ] {
        assert_eq!(response(format!("{line}\r\nA: b\r\n\r\n")), Err(ParseError::ResponseLine), "{line:?}");
    }
}

#[test]
fn rejects_other_protocols_at_the_first_byte() {
    // A TLS record.
    assert_eq!(request(b"\x16"), Err(ParseError::RequestLine));
    assert_eq!(request(b"\r\n\x16"), Err(ParseError::RequestLine));
    assert_eq!(response(b"\x81"), Err(ParseError::ResponseLine));
}

/// Feeds one byte at a time. Returns the error, and the number of bytes up to it.
fn rejected_after<T>(
    text: &[u8],
    next: impl Fn(&mut HeadReader, &mut BytesMut) -> Result<Option<T>, ParseError>,
) -> Option<(ParseError, usize)> {
    let (mut reader, mut input) = (HeadReader::default(), BytesMut::new());
    text.iter().enumerate().find_map(|(at, &byte)| {
        input.extend_from_slice(&[byte]);
        next(&mut reader, &mut input).err().map(|error| (error, at + 1))
    })
}

#[test]
fn rejects_a_malformed_first_line_when_complete() {
    for line in ["FOO", "GET / FTP/1.1", "GET /", "GET  / HTTP/1.1", "GET / HTTP/2.0", "GET /\u{e9} HTTP/1.1", "A: b"] {
        for (before, end) in [("", "\n"), ("", "\r\n"), ("\r\n\n", "\r\n")] {
            let text = format!("{before}{line}{end}");
            let expected = Some((ParseError::RequestLine, text.len()));
            assert_eq!(rejected_after(text.as_bytes(), HeadReader::request), expected, "{text:?}");
            assert_eq!(request(&text), Err(ParseError::RequestLine), "{text:?}");
        }
    }
    for line in ["SSH-2.0-OpenSSH_9.6", "220 mx.example.com ESMTP", "HTTP/1.1 10", "ICY 200 OK", "+OK ready"] {
        for end in ["\n", "\r\n"] {
            let text = format!("{line}{end}");
            let expected = Some((ParseError::ResponseLine, text.len()));
            assert_eq!(rejected_after(text.as_bytes(), HeadReader::response), expected, "{text:?}");
            assert_eq!(response(&text), Err(ParseError::ResponseLine), "{text:?}");
        }
    }
}

/// The last byte of each text is the first invalid one.
#[test]
fn rejects_controls_in_the_first_line_at_once() {
    let is_invalid = |byte: &u8| byte.is_ascii_control() && !b"\t\r\n".contains(byte);
    let after_cr = (0..=u8::MAX).filter(|&byte| byte != b'\n').map(|byte| vec![b'\r', byte]);
    for invalid in (0..=u8::MAX).filter(is_invalid).map(|byte| vec![byte]).chain(after_cr) {
        for start in ["", "GET", "GET /", "GET / HTTP/1.1", "\r\n\nGET / HTTP/1.1"] {
            let text = [start.as_bytes(), &invalid].concat();
            let expected = Some((ParseError::RequestLine, text.len()));
            assert_eq!(rejected_after(&text, HeadReader::request), expected, "{}", text.escape_ascii());
        }
        for start in ["", "HTTP/1.1", "HTTP/1.1 101 ", "HTTP/1.1 101 Switching Protocols"] {
            let text = [start.as_bytes(), &invalid].concat();
            let expected = Some((ParseError::ResponseLine, text.len()));
            assert_eq!(rejected_after(&text, HeadReader::response), expected, "{}", text.escape_ascii());
        }
    }
}

/// The last byte of each text is the first invalid one.
#[test]
fn rejects_a_malformed_field_line_at_its_first_invalid_byte() {
    let mut fields: Vec<Vec<u8>> = [
        &b"no "[..],
        b"no\n",
        b"no\r",
        b" ",
        b"\t",
        b":",
        b"A ",
        b"A\t",
        b"A(",
        b"\xC4",
        b"A: b\r\r",
        b"A: b\rC",
        b"A:\r\r",
        b"A: b\r\0",
        b"\r\r",
        b"\rA",
        b"A: b\r\n ",
        b"A: b\n\t",
        b"A:\n:",
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    for control in (0..=u8::MAX).filter(|byte| byte.is_ascii_control() && !b"\t\r\n".contains(byte)) {
        fields.extend(["", "A", "A:", "A: b", "A: b\t c"].map(|start| [start.as_bytes(), &[control]].concat()));
    }
    for field in &fields {
        for good in ["", "A: b\r\n", "A: b\nC:\n"] {
            let text = [b"GET / HTTP/1.1\r\n", good.as_bytes(), field].concat();
            let expected = Some((ParseError::Field, text.len()));
            assert_eq!(rejected_after(&text, HeadReader::request), expected, "{}", text.escape_ascii());
            assert_eq!(request([&text, &b"\r\n\r\n"[..]].concat()), Err(ParseError::Field), "{}", text.escape_ascii());
            let text = [b"HTTP/1.1 101\n", good.as_bytes(), field].concat();
            let expected = Some((ParseError::Field, text.len()));
            assert_eq!(rejected_after(&text, HeadReader::response), expected, "{}", text.escape_ascii());
            assert_eq!(response([&text, &b"\r\n\r\n"[..]].concat()), Err(ParseError::Field), "{}", text.escape_ascii());
        }
    }
}

#[test]
fn accepts_a_head_of_the_maximum_length() {
    let head = |len: usize| format!("\r\nGET / HTTP/1.1\r\nA: {}\r\n\r\n", "b".repeat(len - 25));
    for len in [100, 16 * 1024] {
        let mut reader = HeadReader::new(HeadLimits::default().max_len(len));
        let mut input = BytesMut::from(&*format!("{}more", head(len)));
        assert!(reader.request(&mut input).unwrap().is_some());
        assert_eq!(input, "more");
        let mut input = BytesMut::from(&*head(len + 1));
        assert_eq!(reader.request(&mut input), Err(ParseError::TooLong));
    }
    assert_eq!(HeadLimits::default().max_len, 16 * 1024);
}

#[test]
fn rejects_an_endless_head_at_the_limit() {
    for start in ["GET / HTTP/1.1\r\nX: ", "GET /", "\r\n", "G"] {
        let mut reader = HeadReader::new(HeadLimits::default().max_len(1000));
        let mut input = BytesMut::from(start);
        let more = if start == "\r\n" { b'\n' } else { b'a' };
        for _ in input.len()..1000 {
            assert_eq!(reader.request(&mut input), Ok(None));
            input.extend_from_slice(&[more]);
        }
        assert_eq!(reader.request(&mut input), Err(ParseError::TooLong), "{start:?}");
    }
}

#[test]
fn accepts_the_maximum_number_of_fields() {
    let text = |fields: usize, end: &str| format!("GET / HTTP/1.1\r\n{}{end}", "A: b\r\n".repeat(fields));
    for fields in [0, 1, 31, 32, 33, 100] {
        let limits = HeadLimits::default().max_headers(fields);
        let mut reader = HeadReader::new(limits);
        let head = reader.request(&mut BytesMut::from(&*text(fields, "\r\n"))).unwrap().unwrap();
        assert_eq!(head.headers().len(), fields);
        // The error is returned at the line, before the end of the head.
        let mut input = BytesMut::from(&*text(fields + 1, ""));
        assert_eq!(reader.request(&mut input), Err(ParseError::TooManyHeaders));
    }
    assert_eq!(HeadLimits::default().max_headers, 100);
}

#[test]
fn malformed_field_over_the_maximum_is_one_too_many() {
    let mut reader = HeadReader::new(HeadLimits::default().max_headers(1));
    let mut input = BytesMut::from("GET / HTTP/1.1\r\nA: b\r\nmalformed line");
    assert_eq!(reader.request(&mut input), Ok(None));
    input.extend_from_slice(b"\r\n");
    assert_eq!(reader.request(&mut input), Err(ParseError::TooManyHeaders));
}

#[test]
fn repeats_its_error() {
    let mut reader = HeadReader::default();
    let mut input = BytesMut::from("GET / HTTP/1.1\r\nA : b\r\n\r\n");
    assert_eq!(reader.request(&mut input), Err(ParseError::Field));
    let mut input = BytesMut::from("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(reader.request(&mut input), Err(ParseError::Field));
    assert_eq!(input, "GET / HTTP/1.1\r\n\r\n");
}

#[test]
fn checks_parts_like_bytes() {
    let head = RequestHead::from_parts("GET", "/", [("a", " b\t")]).unwrap();
    assert_eq!(head.headers().get_str("A"), Some("b"));
    for (name, value) in [("a b", "c"), ("", "c"), ("a", "b\nc"), ("a", "\0")] {
        assert_eq!(RequestHead::from_parts("GET", "/", [(name, value)]), Err(ParseError::Field));
        assert_eq!(ResponseHead::from_parts(101, [(name, value)]), Err(ParseError::Field));
    }
    let none: [(&str, &str); 0] = [];
    for (method, target) in [("", "/"), ("G T", "/"), ("GET", ""), ("GET", "/ "), ("GET", "/\n"), ("GET", "/é")] {
        assert_eq!(RequestHead::from_parts(method, target, none), Err(ParseError::RequestLine));
    }
    assert_eq!(ResponseHead::from_parts(1000, none), Err(ParseError::ResponseLine));
    assert_eq!(ResponseHead::from_parts(999, none).unwrap().status(), 999);
}

#[test]
fn compares_and_hashes_all_parts_of_heads() {
    let state = RandomState::new();
    let heads = |texts: &[&str]| texts.iter().map(|text| request(text).unwrap().unwrap()).collect::<Vec<_>>();
    let same = heads(&["GET / HTTP/1.1\r\nA: b\r\n\r\n", "\nGET / HTTP/1.1\na:b \n\n"]);
    assert_eq!(same[0], same[1]);
    assert_eq!(state.hash_one(&same[0]), state.hash_one(&same[1]));
    for other in heads(&[
        "PUT / HTTP/1.1\r\nA: b\r\n\r\n",
        "GET /x HTTP/1.1\r\nA: b\r\n\r\n",
        "GET / HTTP/1.0\r\nA: b\r\n\r\n",
        "GET / HTTP/1.1\r\nA: c\r\n\r\n",
        "GET / HTTP/1.1\r\nC: b\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\nA: b\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
    ]) {
        assert_ne!(same[0], other);
        assert_ne!(state.hash_one(&same[0]), state.hash_one(&other), "{other:?}");
    }
    let heads = |texts: &[&str]| texts.iter().map(|text| response(text).unwrap().unwrap()).collect::<Vec<_>>();
    let same = heads(&["HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "HTTP/1.1 200 OK\na:b \n\n"]);
    assert_eq!(same[0], same[1]);
    assert_eq!(state.hash_one(&same[0]), state.hash_one(&same[1]));
    for other in heads(&[
        "HTTP/1.0 200 OK\r\nA: b\r\n\r\n",
        "HTTP/1.1 201 OK\r\nA: b\r\n\r\n",
        "HTTP/1.1 200 Ok\r\nA: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: c\r\n\r\n",
    ]) {
        assert_ne!(same[0], other);
        assert_ne!(state.hash_one(&same[0]), state.hash_one(&other), "{other:?}");
    }
}

/// The result of a read, and the bytes that stay in the input.
type Outcome = (Result<Option<RequestHead>, ParseError>, Option<Vec<u8>>);

fn read_split(bytes: &[u8], limits: HeadLimits, splits: &[usize]) -> Outcome {
    let mut reader = HeadReader::new(limits);
    let mut input = BytesMut::new();
    let mut pieces = split_at_all(bytes, splits.iter().copied()).into_iter();
    while let Some(piece) = pieces.next() {
        input.extend_from_slice(piece);
        match reader.request(&mut input) {
            Ok(None) => {}
            Ok(head) => return (Ok(head), Some([&input[..], &pieces.as_slice().concat()].concat())),
            error => return (error, None),
        }
    }
    (Ok(None), Some(input.to_vec()))
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[A-Za-z-]{1,12}: [ -~]{0,20}".prop_map(String::into_bytes),
        1 => "[ -~\t\r\u{e9}]{0,20}".prop_map(String::into_bytes),
        1 => Just(Vec::new()),
    ]
}

proptest! {
    #[test]
    fn result_does_not_depend_on_the_split(
        before in "(\r?\n){0,2}",
        first in prop_oneof![8 => Just("GET /chat HTTP/1.1"), 1 => Just("GET  /"), 1 => Just("\x16")],
        lines in prop::collection::vec((line(), any::<bool>()), 0..12),
        ended in prop::bool::weighted(0.8),
        after in prop::collection::vec(any::<u8>(), 0..20),
        max_len in 20..300_usize,
        splits in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut bytes = [before.as_bytes(), first.as_bytes(), b"\r\n"].concat();
        for (line, crlf) in &lines {
            bytes.extend_from_slice(line);
            bytes.extend_from_slice(if *crlf { b"\r\n" } else { b"\n" });
        }
        if ended {
            bytes.extend_from_slice(b"\r\n");
            bytes.extend_from_slice(&after);
        }
        let limits = HeadLimits::default().max_len(max_len).max_headers(8);
        let whole = read_split(&bytes, limits, &[]);
        let splits: Vec<_> = splits.iter().map(|split| split.index(bytes.len())).collect();
        prop_assert_eq!(&read_split(&bytes, limits, &splits), &whole);
        let bytewise: Vec<_> = (0..bytes.len()).collect();
        prop_assert_eq!(&read_split(&bytes, limits, &bytewise), &whole);
    }

    /// All lines but the last are valid. The last one ends with its first invalid byte.
    #[test]
    fn waits_for_valid_lines_and_rejects_the_first_invalid_byte(
        before in "(\r?\n){0,2}",
        good in prop::collection::vec("[A-Za-z-]{1,12}:[ -~\t\u{e9}]{0,20}", 0..8),
        bad in prop_oneof![
            "[A-Za-z-]{1,12}[\r\n]",
            "[A-Za-z-]{0,12}[ \t\0]",
            "[A-Za-z-]{1,12}:[ -~]{0,20}(\r[ -~\r]|[\0\x7F])",
        ],
        end in "\r?\n",
    ) {
        let lines = ["GET / HTTP/1.1"].into_iter().chain(good.iter().map(String::as_str));
        let text = before + &lines.flat_map(|line| [line, &end]).collect::<String>() + &bad;
        prop_assert_eq!(rejected_after(text.as_bytes(), HeadReader::request), Some((ParseError::Field, text.len())));
        prop_assert_eq!(request(&text), Err(ParseError::Field));
    }

    #[test]
    fn any_bytes_give_the_same_result_byte_by_byte(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let bytewise: Vec<_> = (0..bytes.len()).collect();
        let limits = HeadLimits::default();
        prop_assert_eq!(read_split(&bytes, limits, &bytewise), read_split(&bytes, limits, &[]));
    }

    #[test]
    fn roundtrips_request_heads(
        method in "[A-Z]{1,8}",
        target in "/[!-~]{0,30}",
        fields in prop::collection::vec(("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}", "([!-~\u{e9}]([ -~\t]{0,20}[!-~])?)?"), 0..40),
    ) {
        let head = RequestHead::from_parts(&method, &target, fields).unwrap();
        let mut bytes = BytesMut::new();
        head.encode(&mut bytes);
        let again = request(&bytes).unwrap().unwrap();
        prop_assert_eq!(&again, &head);
        let mut twice = BytesMut::new();
        again.encode(&mut twice);
        prop_assert_eq!(twice, bytes);
    }

    #[test]
    fn roundtrips_response_heads(
        status in 0..=999_u16,
        fields in prop::collection::vec(("[A-Za-z-]{1,12}", "([!-~]([ -~\t]{0,20}[!-~])?)?"), 0..40),
    ) {
        let head = ResponseHead::from_parts(status, fields).unwrap();
        let mut bytes = BytesMut::new();
        head.encode(&mut bytes);
        prop_assert_eq!(response(&bytes).unwrap().unwrap(), head);
    }
}

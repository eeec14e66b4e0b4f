//! Requests to a proxy for a tunnel, and its responses.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use bytes::BytesMut;
use protocol_websocket_http::{BuildError, HeadLimits, ParseError, Tunnel, TunnelError, TunnelReader};
use test_support::errors::assert_distinct_texts;
use test_support::split::{split_everywhere, split_in_sizes};

fn encoded(tunnel: &Tunnel) -> Result<String, BuildError> {
    let mut output = BytesMut::new();
    let result = tunnel.encode(&mut output);
    assert_eq!(result.is_err(), output.is_empty());
    result.map(|()| String::from_utf8(output.to_vec()).unwrap())
}

/// Reads pieces until there is a result. Returns it with the bytes that are left, and those of the pieces that are left.
fn read(pieces: &[&[u8]], limits: HeadLimits) -> (Result<Option<u16>, TunnelError>, Vec<u8>) {
    let mut reader = TunnelReader::new(limits);
    let mut input = BytesMut::new();
    for (index, piece) in pieces.iter().enumerate() {
        input.extend_from_slice(piece);
        let result = reader.read(&mut input);
        if result == Ok(None) {
            continue;
        }
        let rest = [&input, &*pieces[index + 1..].concat()].concat();
        // Further calls change nothing.
        let again = reader.read(&mut input);
        assert_eq!(again, result.clone().map(|_| None));
        return (result.map(|head| head.map(|head| head.status())), rest);
    }
    (Ok(None), input.to_vec())
}

#[track_caller]
fn assert_at_every_split(response: &str, expected: &Result<Option<u16>, TunnelError>, rest: &str) {
    let bytes = response.as_bytes();
    let limits = HeadLimits::default();
    for (first, second) in split_everywhere(bytes) {
        let result = read(&[first, second], limits);
        assert_eq!((&result.0, &*result.1), (expected, rest.as_bytes()), "{:?}", String::from_utf8_lossy(first));
    }
    assert_eq!(&read(&split_in_sizes(bytes, &[1]), limits).0, expected);
}

#[test]
fn writes_target_host_and_credentials() {
    for (host, port, authority) in
        [("example.com", 443, "example.com:443"), ("127.0.0.1", 80, "127.0.0.1:80"), ("[::1]", 8080, "[::1]:8080")]
    {
        let text = encoded(&Tunnel::new(host, port)).unwrap();
        assert_eq!(text, format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n"));
    }
    let tunnel = Tunnel::new("h", 1).header("User-Agent", "a/1").basic_auth("Aladdin", "open sesame");
    let text = encoded(&tunnel).unwrap();
    assert!(text.ends_with("User-Agent: a/1\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"));
    assert!(!format!("{tunnel:?}").contains("QWxhZGRpbjpv"), "{tunnel:?}");
}

#[test]
fn rejects_values_that_the_proxy_would_read_otherwise() {
    for host in ["", "a b", "a:80", "a:", "a/b", "a\r\nX: y", "::1", "u@h", "[::1"] {
        assert_eq!(encoded(&Tunnel::new(host, 443)), Err(BuildError::Host), "{host}");
    }
    let tunnel = || Tunnel::new("h", 443);
    for (tunnel, error) in [
        (tunnel().basic_auth("a:b", "c"), BuildError::Credentials),
        (tunnel().basic_auth("a", "b\n"), BuildError::Credentials),
        (tunnel().header("X", "a\r\nY: b"), BuildError::Field),
        (tunnel().header("a b", "c"), BuildError::Field),
        (tunnel().header("host", "other"), BuildError::ReservedField),
        (tunnel().header("Content-Length", "1"), BuildError::ReservedField),
        (tunnel().header("transfer-encoding", "chunked"), BuildError::ReservedField),
        (tunnel().basic_auth("a", "b").basic_auth("c", "d"), BuildError::RepeatedField),
    ] {
        assert_eq!(encoded(&tunnel), Err(error), "{tunnel:?}");
    }
}

#[test]
fn reads_each_status_of_2xx_at_every_split() {
    for status in [200, 204, 299] {
        let response = format!("HTTP/1.1 {status} OK\r\nVia: proxy\r\n\r\nbytes of the tunnel");
        assert_at_every_split(&response, &Ok(Some(status)), "bytes of the tunnel");
    }
    assert_at_every_split("HTTP/1.0 200 Connection established\r\n\r\n", &Ok(Some(200)), "");
    assert_at_every_split("HTTP/1.1 200 OK\n\n\n", &Ok(Some(200)), "\n");
}

//= https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
//# A client MUST ignore any Content-Length or Transfer-Encoding header
//# fields received in a successful response to CONNECT.
#[test]
fn ignores_the_length_of_a_body_in_a_successful_response() {
    for field in ["Content-Length: 5", "Transfer-Encoding: chunked", "Content-Length: x"] {
        assert_at_every_split(&format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\nhello"), &Ok(Some(200)), "hello");
    }
}

#[test]
fn skips_interim_responses() {
    let response =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\nrest";
    assert_at_every_split(response, &Ok(Some(200)), "rest");
}

#[test]
fn reports_other_statuses_with_the_head_at_every_split() {
    for status in [101, 300, 302, 403, 407, 502, 0, 999] {
        let response = format!("HTTP/1.1 {status:03} No\r\nProxy-Authenticate: Basic\r\n\r\nbody");
        let (result, _) = read(&[response.as_bytes()], HeadLimits::default());
        let Err(TunnelError::Refused(head)) = &result else { panic!("{result:?}") };
        assert_eq!((head.status(), head.headers().get_str("proxy-authenticate")), (status, Some("Basic")));
        assert_at_every_split(&response, &result, "body");
    }
}

#[test]
fn rejects_other_protocols_at_every_split() {
    for response in ["SSH-2.0-OpenSSH_9.9\r\n", "\x05\x00", "HTTP/2 200\r\n\r\n", "\x15\x03\x01\x00\x02\x02F"] {
        let expected = Err(TunnelError::Head(ParseError::ResponseLine));
        for (first, second) in split_everywhere(response.as_bytes()) {
            assert_eq!(read(&[first, second], HeadLimits::default()).0, expected, "{response:?}");
        }
    }
    assert_eq!(
        read(&[b"HTTP/1.1 200 OK\r\nVia : x\r\n\r\n"], HeadLimits::default()).0,
        Err(TunnelError::Head(ParseError::Field))
    );
}

#[test]
fn limits_all_heads_together() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n";
    let response = format!("{interim}{interim}HTTP/1.1 200 OK\r\nVia: b\r\n\r\n");
    for (max_len, max_headers, expected) in [
        (response.len(), 3, Ok(Some(200))),
        (response.len() - 1, 3, Err(TunnelError::Head(ParseError::TooLong))),
        (response.len(), 2, Err(TunnelError::Head(ParseError::TooManyHeaders))),
        (10, 3, Err(TunnelError::Head(ParseError::TooLong))),
    ] {
        let limits = HeadLimits::new().max_len(max_len).max_headers(max_headers);
        assert_eq!(read(&[response.as_bytes()], limits).0, expected);
        assert_eq!(read(&split_in_sizes(response.as_bytes(), &[1]), limits).0, expected);
    }
}

#[test]
fn each_error_has_its_own_text() {
    let refused = read(&[b"HTTP/1.1 403 No\r\n\r\n"], HeadLimits::default()).0.unwrap_err();
    assert_distinct_texts(&[&TunnelError::Head(ParseError::ResponseLine), &refused]);
    assert!(std::error::Error::source(&refused).is_none());
    let head = TunnelError::Head(ParseError::Field);
    assert_eq!(std::error::Error::source(&head).map(ToString::to_string), Some(ParseError::Field.to_string()));
}

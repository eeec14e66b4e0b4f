//! The contents of requests, at a server: S1 to S12, S16 and S18.

use bytes::BytesMut;
use protocol_websocket::{
    Accept, BuildError, Config, Connection, Error, Event, Frame, HeadLimits, ParseError, Request, State, Version,
    Versions,
};

use test_support::attacks::{AMBIGUOUS_FIELDS, REQUEST_LINES};

use crate::endpoint::{AcceptingServer, VERSIONS, head, masked, send};

const V13: Version = Version::Rfc6455;

/// Malformed in the versions that have extensions.
const EXTENSIONS: &str = "Sec-WebSocket-Extensions: x; y=\",permessage-deflate,\"\r\n";

/// Checks that a request is refused with a status, and that the response contains no part of the request.
fn assert_refused(request: &str, status: u16) {
    let wire = [request.as_bytes(), head(V13, "", "").as_bytes(), &masked(&[Frame::text("smuggled")])].concat();
    for piece in [1, wire.len()] {
        let mut server = AcceptingServer::new(Config::new());
        let received = send(&mut server, &wire, piece);
        let response = String::from_utf8_lossy(&received.output);
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {response}");
        assert!(response.contains("\r\nConnection: close"), "{request:?}: {response}");
        assert_eq!(response.matches("HTTP/1.1 ").count(), 1, "{request:?}: {response}");
        assert!(!response.contains("smuggled"), "{request:?}: {response}");
        assert!(received.events.is_empty() && received.remaining.is_empty() && server.0.state() == State::Closed);
        let again = send(&mut server, head(V13, "", "").as_bytes(), 1000);
        assert_eq!((again.result, again.output.len(), again.remaining.len()), (received.result, 0, 0), "{request:?}");
    }
}

#[test]
fn rejects_ambiguous_requests_in_every_version() {
    for version in VERSIONS {
        AMBIGUOUS_FIELDS
            .iter()
            .for_each(|(field, lines, status)| assert_refused(&head(version, field, lines), *status));
        for (line, status) in REQUEST_LINES {
            assert_refused(&head(version, "", "").replace("GET /smuggled HTTP/1.1", line), *status);
        }
    }
    assert_refused(&head(V13, "", EXTENSIONS), 400);
    assert_refused(&head(Version::Hybi10, "", EXTENSIONS), 400);
}

/// A proxy that checks the origin reads the header fields of version 13 only.
#[test]
fn ignores_draft_header_fields_in_version_13() {
    let lines = "Sec-WebSocket-Origin: https://example.com\r\nWebSocket-Protocol: admin\r\n";
    let head = head(V13, "", lines);
    let request = Request::parse(&mut BytesMut::from(&*head), HeadLimits::default()).unwrap().unwrap();
    assert_eq!((request.origin(), request.subprotocols().next()), (None, None));
    assert!(!request.origin_is(&["https://example.com"]) && !request.is_same_origin(true));
    let accepted = Accept::new().subprotocol("admin").encode(&request, &mut BytesMut::new());
    assert_eq!(accepted, Err(BuildError::SubprotocolNotOffered));
}

#[test]
fn rejects_invalid_and_repeated_keys() {
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for bad in [
        String::new(),
        key.repeat(2),
        key.replace("==", ""),
        key.replace("==", "="),
        key.replace('N', "-"),
        key.replace('N', " "),
        key.replace("ZQ==", "ZSA="),
        key.replace("b25j", ""),
        key.replace("ZQ==", "ZQ==ZQ=="),
        key.replace("ZQ==", &"A".repeat(4096)),
        "Sec-WebSocket-Key:\r\n".into(),
    ] {
        assert_ne!(bad, key);
        assert_refused(&head(V13, "Sec-WebSocket-Key", &bad), 400);
    }
    // hybi-10 does not fix the length, and old clients send 15 bytes.
    for bad in [
        String::new(),
        key.repeat(2),
        key.replace('N', "-"),
        key.replace('N', " "),
        key.replace("ZQ==", "ZQ==ZQ=="),
        key.replace("ZQ==", &"A".repeat(4096)),
        "Sec-WebSocket-Key:\r\n".into(),
    ] {
        assert_refused(&head(Version::Hybi10, "Sec-WebSocket-Key", &bad), 400);
    }
}

#[test]
fn rejects_unsupported_versions_with_426() {
    for bad in ["", "013", "+13", "13.0", "4294967309", "13, 8", "777", "13\r\nSec-WebSocket-Version: 13", "\u{FF11}3"]
    {
        let request = head(V13, "Sec-WebSocket-Version", &format!("Sec-WebSocket-Version: {bad}\r\n"));
        assert_refused(&request, 426);
        let received = send(&mut AcceptingServer::new(Config::new()), request.as_bytes(), 1000);
        assert!(String::from_utf8_lossy(&received.output).contains("\r\nSec-WebSocket-Version: 13, 8\r\n"), "{bad}");
    }
}

#[test]
fn rejects_keys_of_two_versions() {
    for other in ["Sec-WebSocket-Key1: 1 1\r\n", "Sec-WebSocket-Key1: 1 1\r\nSec-WebSocket-Key2: 1 1\r\n"] {
        assert_refused(&head(V13, "", other), 400);
        assert_refused(&head(Version::Hybi10, "", other), 400);
    }
    assert_refused(&head(Version::Hybi00, "", "Sec-WebSocket-Version: 13\r\n"), 400);
}

/// RFC 9112 §2.2 allows a recipient to take a bare LF as the end of a line, as Perl does. A bare CR is refused.
#[test]
fn bare_lf_ends_a_line() {
    let head = head(V13, "Upgrade", "X: a\nUpgrade: websocket\n").replace("\r\n", "\n");
    let request = Request::parse(&mut BytesMut::from(&*head), HeadLimits::default()).unwrap().unwrap();
    assert_eq!(request.headers().get_str("x"), Some("a"));
    assert_eq!(request.headers().get_str("upgrade"), Some("websocket"));
}

#[test]
fn absolute_target_overrides_host() {
    let head = head(V13, "", "").replace("/smuggled", "http://other:8080/path");
    let request = Request::parse(&mut BytesMut::from(&*head), HeadLimits::default()).unwrap().unwrap();
    assert_eq!((request.host(), request.resource_name()), ("other:8080", "/path"));
}

#[test]
fn selects_websocket_from_several_upgrades() {
    let head = head(V13, "Upgrade", "Upgrade: h2c, websocket\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n");
    let received = send(&mut AcceptingServer::new(Config::new()), head.as_bytes(), 1000);
    let response = String::from_utf8_lossy(&received.output);
    assert!(response.contains("\r\nUpgrade: websocket\r\n") && !response.contains("h2c"), "{response}");
}

/// A browser sends the visitor's cookies with a request of another site's page, and the page's true origin.
#[test]
fn origin_checks_reject_other_sites() {
    let from = |origin: &str| {
        let head = head(V13, "", &format!("Cookie: session=1\r\n{origin}"));
        Request::parse(&mut BytesMut::from(&*head), HeadLimits::default()).unwrap().unwrap()
    };
    let ours = ["https://example.com", "http://localhost:3000"];
    for good in ["https://example.com", "https://EXAMPLE.com:443", "http://localhost:3000"] {
        assert!(from(&format!("Origin: {good}\r\n")).origin_is(&ours), "{good}");
    }
    for other in [
        "https://evil.example",
        "https://example.com.evil.example",
        "https://evilexample.com",
        "https://sub.example.com",
        "https://example.com@evil.example",
        "https://evil.example/https://example.com",
        "https://example.com:8443",
        "http://example.com",
        "http://localhost",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
        "file://",
        "null",
        "*",
        "",
        "chrome-extension://example.com",
        "app://example.com",
        "javascript://example.com",
        "://example.com",
        "https://example.com https://evil.example",
        "https://evil.example https://example.com",
    ] {
        let request = from(&format!("Origin: {other}\r\n"));
        assert!(!request.origin_is(&ours) && !request.origin_is(&["*", "null", ""]), "{other}");
        assert!(!request.is_same_origin(true), "{other}");
        // Same origin only if browsers reach the server without TLS.
        assert_eq!(request.is_same_origin(false), other == "http://example.com", "{other}");
    }
    let ours_over_tls = from("Origin: https://example.com\r\n");
    assert!(ours_over_tls.is_same_origin(true) && !ours_over_tls.is_same_origin(false));
    // Not a browser, because a browser sends an origin. The application decides whether to accept it.
    let without = from("");
    assert!(!without.origin_is(&ours) && without.origin().is_none());
    assert!(!without.is_same_origin(true) && !without.is_same_origin(false));
}

/// An attacker in the network can change a page that came over plain `http`. The browser sends the cookies of the `https`
/// site with the connections that this page opens.
#[test]
fn plain_http_page_is_not_same_origin_as_tls_server() {
    for host in ["example.com", "example.com:443", "example.com:80"] {
        let head = head(V13, "Host", &format!("Host: {host}\r\nOrigin: http://example.com\r\nCookie: session=1\r\n"));
        let request = Request::parse(&mut BytesMut::from(&*head), HeadLimits::default()).unwrap().unwrap();
        assert!(!request.is_same_origin(true), "{host}");
    }
}

#[test]
fn reads_early_frames_once_and_after_the_response() {
    let wire = [head(V13, "", "").as_bytes(), &masked(&[Frame::text("early"), Frame::ping("")])].concat();
    let (mut server, mut input, mut output) =
        (Connection::server(Config::new()), BytesMut::from(&wire[..]), BytesMut::new());
    let Ok(Some(Event::Upgrade(upgrade))) = server.receive(&mut input, &mut output) else { panic!() };
    assert!(matches!(server.receive(&mut input, &mut output), Ok(None)));
    assert_eq!(input, masked(&[Frame::text("early"), Frame::ping("")]));
    server.accept(upgrade, &Accept::new(), &mut output).unwrap();
    let mut events = Vec::new();
    while let Some(event) = server.receive(&mut input, &mut output).unwrap() {
        events.push(event);
    }
    assert!(
        matches!(&events[..], [Event::Open(_), Event::Message(early), Event::Ping(_)] if early.as_text() == Some("early"))
    );
    assert!(input.is_empty());
}

#[test]
fn versions_rfc6455_rejects_the_drafts() {
    for version in VERSIONS {
        let received = send(
            &mut AcceptingServer::new(Config::new().versions(Versions::RFC6455)),
            head(version, "", "").as_bytes(),
            1000,
        );
        let expected =
            if version == V13 { Ok(()) } else { Err(Error::Request(ParseError::Version(Versions::RFC6455))) };
        assert_eq!(received.result, expected, "{version}");
    }
}

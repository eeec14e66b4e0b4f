//! What a request may say: S1 to S12, S16 and S18, at a server.

use bytes::BytesMut;
use protocol_websocket::{
    Accept, BuildError, Config, Error, Event, Frame, HeadLimits, ParseError, Request, Server, State, Version, Versions,
};

use crate::ends::{Open, VERSIONS, head, masked, send};

const V13: Version = Version::Rfc6455;

/// Fields that two readers could read in two ways: what stands where, for which field, and the status.
pub(crate) const SMUGGLED: &[(&str, &str, u16)] = &[
    ("Host", "", 400),
    ("", "Host: example.com\r\n", 400),
    ("Host", "Host: a b\r\n", 400),
    ("Host", "Host: u@a\r\n", 400),
    ("Host", "Host: a, b:c\r\n", 400),
    ("Host", "Host:\r\n", 400),
    ("", "Content-Length: 5\r\n", 400),
    ("", "Content-Length: 0\r\nContent-Length: 5\r\n", 400),
    ("", "Content-Length: +0\r\n", 400),
    ("", "Transfer-Encoding: chunked\r\n", 400),
    ("", "Content-Length: 0\r\nTransfer-Encoding: identity\r\n", 400),
    ("", "Transfer-Encoding : chunked\r\n", 400),
    ("Upgrade", "Upgrade : websocket\r\n", 400),
    ("Upgrade", "X: a\r\n Upgrade: websocket\r\n", 400),
    ("Upgrade", "X: a\r\n\tb\r\nUpgrade: websocket\r\n", 400),
    ("Upgrade", "X: a\rUpgrade: websocket\r\n", 400),
    ("Upgrade", "X: a\r\rUpgrade: websocket\r\n", 400),
    ("", "X: a\0b\r\n", 400),
    ("", "X: a\x7Fb\r\n", 400),
    ("", "X: \x1B\r\n", 400),
    ("", "X\0: a\r\n", 400),
    ("", "X\x7F: a\r\n", 400),
    ("", "X y: a\r\n", 400),
    ("", ": a\r\n", 400),
    ("", "smuggled\r\n", 400),
    ("Upgrade", "", 426),
    ("Upgrade", "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", 426),
    ("Upgrade", "Upgrade: websocketx\r\n", 426),
    ("Upgrade", "Upgrade: web\u{17F}ocket\r\n", 426),
    ("Upgrade", "Upgrade: websoc\u{212A}et\r\n", 426),
    ("Upgrade", "Upgrade: \"websocket\"\r\n", 426),
    ("Connection", "", 426),
    ("Connection", "Connection: Upgraded\r\n", 426),
    ("Connection", "Connection: keep-alive; Upgrade\r\n", 426),
    // Of two fields each version reads its own.
    (
        "",
        "Origin: http://a\r\nOrigin: http://a\r\nSec-WebSocket-Origin: http://a\r\nSec-WebSocket-Origin: http://a\r\n",
        400,
    ),
    ("", "Origin: http://a\r\nSec-WebSocket-Origin: http://a\r\nOrigin: http://b\r\n", 400),
    ("", "Origin: http://a\r\nSec-WebSocket-Origin: http://b\r\n", 400),
    ("", "WebSocket-Protocol: a\"b\r\nSec-WebSocket-Protocol: a\"b\r\n", 400),
];

/// Versions with extensions.
const EXTENSIONS: &str = "Sec-WebSocket-Extensions: x; y=\",permessage-deflate,\"\r\n";

pub(crate) const REQUEST_LINES: &[(&str, u16)] = &[
    ("GET /smuggled HTTP/1.0", 426),
    ("GET /smuggled HTTP/0.9", 400),
    ("GET /smuggled HTTP/2.0", 400),
    ("GET /smuggled HTTP/1.1 x", 400),
    ("GET /smuggled", 400),
    ("GET /a smuggled HTTP/1.1", 400),
    ("GET /\0 HTTP/1.1", 400),
    ("GET /\r HTTP/1.1", 400),
    ("GET /\u{E9} HTTP/1.1", 400),
    ("GET /smuggled#a HTTP/1.1", 400),
    ("GET smuggled HTTP/1.1", 400),
    ("GET * HTTP/1.1", 400),
    ("GET http://u@smuggled/ HTTP/1.1", 400),
    ("GET ws://smuggled/ HTTP/1.1", 400),
    ("POST /smuggled HTTP/1.1", 405),
    ("CONNECT smuggled:80 HTTP/1.1", 405),
    ("get /smuggled HTTP/1.1", 405),
    ("\x16\x03\x01\x02", 400),
];

/// Refused with this status, whatever follows; and nothing of what was sent is in the answer.
fn refused(request: &str, status: u16) {
    let wire = [request.as_bytes(), head(V13, "", "").as_bytes(), &masked(&[Frame::text("smuggled")])].concat();
    for piece in [1, wire.len()] {
        let mut server = Open::new(Config::new());
        let told = send(&mut server, &wire, piece);
        let answer = String::from_utf8_lossy(&told.output);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {answer}");
        assert!(answer.contains("\r\nConnection: close"), "{request:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{request:?}: {answer}");
        assert!(!answer.contains("smuggled"), "{request:?}: {answer}");
        assert!(told.events.is_empty() && told.left.is_empty() && server.0.state() == State::Closed);
        let again = send(&mut server, head(V13, "", "").as_bytes(), 1000);
        assert_eq!((again.end, again.output.len(), again.left.len()), (told.end, 0, 0), "{request:?}");
    }
}

#[test]
fn what_two_readers_could_read_differently_is_refused_in_every_version() {
    for version in VERSIONS {
        SMUGGLED.iter().for_each(|(field, lines, status)| refused(&head(version, field, lines), *status));
        for (line, status) in REQUEST_LINES {
            refused(&head(version, "", "").replace("GET /smuggled HTTP/1.1", line), *status);
        }
    }
    refused(&head(V13, "", EXTENSIONS), 400);
    refused(&head(Version::Hybi10, "", EXTENSIONS), 400);
}

/// Another reader of the request, such as a proxy that checks the origin, knows the fields of version 13 alone.
#[test]
fn the_fields_of_a_draft_mean_nothing_in_version_13() {
    let lines = "Sec-WebSocket-Origin: https://example.com\r\nWebSocket-Protocol: admin\r\n";
    let head = head(V13, "", lines);
    let request = Request::parse(&mut BytesMut::from(&*head), HeadLimits::default()).unwrap().unwrap();
    assert_eq!((request.origin(), request.subprotocols().next()), (None, None));
    assert!(!request.origin_is(&["https://example.com"]) && !request.is_same_origin(true));
    let accepted = Accept::new().subprotocol("admin").encode(&request, &mut BytesMut::new());
    assert_eq!(accepted, Err(BuildError::SubprotocolNotOffered));
}

#[test]
fn a_key_is_16_bytes_of_base64_once() {
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
        refused(&head(V13, "Sec-WebSocket-Key", &bad), 400);
    }
    // hybi-10 has no rule for the length, and old clients send 15 bytes.
    for bad in [
        String::new(),
        key.repeat(2),
        key.replace('N', "-"),
        key.replace('N', " "),
        key.replace("ZQ==", "ZQ==ZQ=="),
        key.replace("ZQ==", &"A".repeat(4096)),
        "Sec-WebSocket-Key:\r\n".into(),
    ] {
        refused(&head(Version::Hybi10, "Sec-WebSocket-Key", &bad), 400);
    }
}

#[test]
fn a_version_is_13_or_8_once_or_is_told_what_is() {
    for bad in ["", "013", "+13", "13.0", "4294967309", "13, 8", "777", "13\r\nSec-WebSocket-Version: 13", "\u{FF11}3"]
    {
        let request = head(V13, "Sec-WebSocket-Version", &format!("Sec-WebSocket-Version: {bad}\r\n"));
        refused(&request, 426);
        let told = send(&mut Open::new(Config::new()), request.as_bytes(), 1000);
        assert!(String::from_utf8_lossy(&told.output).contains("\r\nSec-WebSocket-Version: 13, 8\r\n"), "{bad}");
    }
}

#[test]
fn two_versions_at_once_are_none() {
    for other in ["Sec-WebSocket-Key1: 1 1\r\n", "Sec-WebSocket-Key1: 1 1\r\nSec-WebSocket-Key2: 1 1\r\n"] {
        refused(&head(V13, "", other), 400);
        refused(&head(Version::Hybi10, "", other), 400);
    }
    refused(&head(Version::Hybi00, "", "Sec-WebSocket-Version: 13\r\n"), 400);
}

/// RFC 9112 §2.2 lets a recipient take a lone LF for the end of a line. We do, as Perl does, and no lone CR.
#[test]
fn a_lone_lf_ends_a_line() {
    let head = head(V13, "Upgrade", "X: a\nUpgrade: websocket\n").replace("\r\n", "\n");
    let request = Request::parse(&mut BytesMut::from(&*head), HeadLimits::default()).unwrap().unwrap();
    assert_eq!(request.headers().get_str("x"), Some("a"));
    assert_eq!(request.headers().get_str("upgrade"), Some("websocket"));
}

#[test]
fn an_absolute_target_decides_over_the_host() {
    let head = head(V13, "", "").replace("/smuggled", "http://other:8080/path");
    let request = Request::parse(&mut BytesMut::from(&*head), HeadLimits::default()).unwrap().unwrap();
    assert_eq!((request.host(), request.resource_name()), ("other:8080", "/path"));
}

#[test]
fn of_several_upgrades_only_ours_is_answered() {
    let head = head(V13, "Upgrade", "Upgrade: h2c, websocket\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n");
    let told = send(&mut Open::new(Config::new()), head.as_bytes(), 1000);
    let answer = String::from_utf8_lossy(&told.output);
    assert!(answer.contains("\r\nUpgrade: websocket\r\n") && !answer.contains("h2c"), "{answer}");
}

/// Of a page that somebody else's server made, the browser tells the origin: with the visitor's cookies, but truly.
#[test]
fn a_page_of_another_site_is_told_apart() {
    let from = |origin: &str| {
        let head = head(V13, "", &format!("Cookie: session=1\r\n{origin}"));
        Request::parse(&mut BytesMut::from(&*head), HeadLimits::default()).unwrap().unwrap()
    };
    let ours = ["https://example.com", "http://localhost:3000"];
    for good in ["https://example.com", "https://EXAMPLE.com:443", "http://localhost:3000"] {
        assert!(from(&format!("Origin: {good}\r\n")).origin_is(&ours), "{good}");
    }
    for evil in [
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
        let request = from(&format!("Origin: {evil}\r\n"));
        assert!(!request.origin_is(&ours) && !request.origin_is(&["*", "null", ""]), "{evil}");
        assert!(!request.is_same_origin(true), "{evil}");
        // The page of a server without TLS, and of no server that browsers reach over TLS.
        assert_eq!(request.is_same_origin(false), evil == "http://example.com", "{evil}");
    }
    let ours_over_tls = from("Origin: https://example.com\r\n");
    assert!(ours_over_tls.is_same_origin(true) && !ours_over_tls.is_same_origin(false));
    // Not a browser, which would have named one: whether it is let in is the application's to say.
    let without = from("");
    assert!(!without.origin_is(&ours) && without.origin().is_none());
    assert!(!without.is_same_origin(true) && !without.is_same_origin(false));
}

/// An attacker in the network can change a page that came over plain `http`, and the browser sends the cookies of the
/// `https` site with what that page opens.
#[test]
fn a_page_over_plain_http_is_not_of_the_same_origin_as_a_server_over_tls() {
    for host in ["example.com", "example.com:443", "example.com:80"] {
        let head = head(V13, "Host", &format!("Host: {host}\r\nOrigin: http://example.com\r\nCookie: session=1\r\n"));
        let request = Request::parse(&mut BytesMut::from(&*head), HeadLimits::default()).unwrap().unwrap();
        assert!(!request.is_same_origin(true), "{host}");
    }
}

#[test]
fn frames_behind_the_request_are_read_once_and_not_before_the_answer() {
    let wire = [head(V13, "", "").as_bytes(), &masked(&[Frame::text("early"), Frame::ping("")])].concat();
    let (mut server, mut input, mut output) = (Server::new(Config::new()), BytesMut::from(&wire[..]), BytesMut::new());
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
fn the_drafts_are_turned_off_in_one_call() {
    for version in VERSIONS {
        let told =
            send(&mut Open::new(Config::new().versions(Versions::RFC6455)), head(version, "", "").as_bytes(), 1000);
        let expected =
            if version == V13 { Ok(()) } else { Err(Error::Request(ParseError::Version(Versions::RFC6455))) };
        assert_eq!(told.end, expected, "{version}");
    }
}

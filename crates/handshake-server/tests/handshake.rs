//! The server's side of the handshake, from bytes to a response.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use bytes::BytesMut;
use proptest::prelude::*;
use protocol_websocket_handshake_server::http::{
    Accept, BuildError, ExtensionParams, HeadLimits, HeadReader, Negotiated, ParseError, Reject, Versions,
};
use protocol_websocket_handshake_server::{Accepted, ServerHandshake, Upgrade};
use test_support::heads::{RFC6455_REQUEST, RFC6455_RESPONSE};
use test_support::split::split_at_all;

fn upgrade() -> Upgrade {
    ServerHandshake::new().parse(&mut BytesMut::from(RFC6455_REQUEST)).unwrap().unwrap()
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
//# the server MUST complete the following steps to accept the connection
#[test]
fn accepts_the_example_of_the_rfc() {
    let mut output = BytesMut::new();
    let accepted = upgrade().accept(&Accept::new().subprotocol("chat"), &mut output).unwrap();
    assert_eq!(output, RFC6455_RESPONSE);
    assert_eq!(accepted, Accepted::Open(Negotiated::default().subprotocol("chat")));
}

#[test]
fn leaves_first_frames_in_the_input() {
    let mut handshake = ServerHandshake::new();
    let frame = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    let mut input = BytesMut::from(&[RFC6455_REQUEST.as_bytes(), frame].concat()[..]);
    assert!(handshake.parse(&mut input).unwrap().is_some());
    assert_eq!(input, &frame[..]);
    input.extend_from_slice(RFC6455_REQUEST.as_bytes());
    let len = input.len();
    assert!(handshake.parse(&mut input).unwrap().is_none());
    assert_eq!(input.len(), len);
}

#[test]
fn repeats_its_error() {
    for (bad, error) in [
        (RFC6455_REQUEST.replace("Host:", "Host :"), ParseError::Field),
        (RFC6455_REQUEST.replace("Version: 13", "Version: 12"), ParseError::Version(Versions::ALL)),
        (RFC6455_REQUEST.replace("GET", "PUT"), ParseError::Method),
    ] {
        let mut handshake = ServerHandshake::new();
        assert_eq!(handshake.parse(&mut BytesMut::from(&*bad)).unwrap_err(), error);
        let mut input = BytesMut::from(RFC6455_REQUEST);
        assert_eq!(handshake.parse(&mut input).unwrap_err(), error);
        assert_eq!(input, RFC6455_REQUEST);
    }
}

#[test]
fn enforces_limits() {
    let parse = |limits: HeadLimits| ServerHandshake::new().limits(limits).parse(&mut BytesMut::from(RFC6455_REQUEST));
    let limits = HeadLimits::default();
    assert!(parse(limits.max_len(RFC6455_REQUEST.len()).max_headers(7)).unwrap().is_some());
    assert_eq!(parse(limits.max_len(RFC6455_REQUEST.len() - 1)).unwrap_err(), ParseError::TooLong);
    assert_eq!(parse(limits.max_headers(6)).unwrap_err(), ParseError::TooManyHeaders);
    assert!(parse(HeadLimits::PERL).unwrap().is_some());
}

#[test]
fn checks_parts_and_heads() {
    let head = HeadReader::default().request(&mut BytesMut::from(RFC6455_REQUEST)).unwrap().unwrap();
    assert_eq!(Upgrade::from_head(head.clone()).unwrap().request(), upgrade().request());
    let parts = Upgrade::from_parts(head.method(), head.target(), head.headers().iter()).unwrap();
    assert_eq!(parts.request(), upgrade().request());
    let none: [(&str, &str); 0] = [];
    assert_eq!(Upgrade::from_parts("GET", "/", none).unwrap_err(), ParseError::Host);
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
//# The value chosen MUST be derived from the client's handshake, specifically by selecting one of
//# the values from the |Sec-WebSocket-Protocol| field
//= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
//# Extensions not listed by the client MUST NOT be listed.
//= https://www.rfc-editor.org/rfc/rfc6455#section-9
//# A server MUST NOT respond with any extension not requested by the client.
#[test]
fn rejects_values_that_were_not_offered() {
    for (accept, error) in [
        (Accept::new().subprotocol("other"), BuildError::SubprotocolNotOffered),
        (Accept::new().extension(ExtensionParams::new("x")), BuildError::ExtensionNotOffered),
    ] {
        let mut output = BytesMut::new();
        assert_eq!(upgrade().accept(&accept, &mut output), Err(error));
        assert!(output.is_empty());
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
//# it MUST return an appropriate HTTP error code (e.g., 403 Forbidden) and abort
#[test]
fn rejects_a_request() {
    let mut output = BytesMut::new();
    upgrade().reject(&Reject::new(403).body("no"), &mut output).unwrap();
    assert!(output.starts_with(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 2\r\n"));
    assert!(output.ends_with(b"\r\n\r\nno"));
    let mut output = BytesMut::new();
    assert_eq!(upgrade().reject(&Reject::new(101), &mut output), Err(BuildError::Status));
    assert!(output.is_empty());
}

#[test]
fn upgrade_is_small() {
    assert!(size_of::<Upgrade>() <= 16);
}

#[cfg(feature = "http")]
#[test]
fn converts_an_http_request() {
    let builder = http::Request::builder()
        .uri("/chat")
        .header("Host", "example.com")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13");
    assert_eq!(Upgrade::try_from(&builder.body(()).unwrap()).unwrap_err(), ParseError::Key);
    let mut output = BytesMut::new();
    let (mut parts, body) = http::Request::new(()).into_parts();
    parts.uri = "/chat".parse().unwrap();
    for (name, value) in upgrade().request().headers().iter() {
        let name = http::HeaderName::try_from(name).unwrap();
        parts.headers.append(name, http::HeaderValue::from_bytes(value).unwrap());
    }
    assert_eq!(Upgrade::try_from(&parts).unwrap().request(), upgrade().request());
    let upgrade = Upgrade::try_from(&http::Request::from_parts(parts, body)).unwrap();
    let _ = upgrade.accept(&Accept::new().subprotocol("chat"), &mut output).unwrap();
    assert_eq!(output, RFC6455_RESPONSE);
}

proptest! {
    #[test]
    fn result_does_not_depend_on_the_split(
        at in any::<prop::sample::Index>(),
        change in prop::collection::vec(any::<u8>(), 0..4),
        splits in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let mut text = RFC6455_REQUEST.as_bytes().to_vec();
        let from = at.index(text.len());
        text.splice(from..(from + change.len()).min(RFC6455_REQUEST.len()), change);
        text.extend_from_slice(b"\x81\x80");
        let whole = parse_split(&text, &[]);
        let splits: Vec<_> = splits.iter().map(|split| split.index(text.len())).collect();
        prop_assert_eq!(parse_split(&text, &splits), whole.clone());
        let bytewise: Vec<_> = (0..text.len()).collect();
        prop_assert_eq!(parse_split(&text, &bytewise), whole);
    }
}

/// Returns the output for a request that is split at these positions, and the bytes that stay in the input.
fn parse_split(bytes: &[u8], splits: &[usize]) -> (BytesMut, Vec<u8>) {
    let (mut handshake, mut input, mut output) = (ServerHandshake::new(), BytesMut::new(), BytesMut::new());
    let mut pieces = split_at_all(bytes, splits.iter().copied()).into_iter();
    while let Some(piece) = pieces.next() {
        input.extend_from_slice(piece);
        match handshake.parse(&mut input) {
            Ok(None) => {}
            Ok(Some(upgrade)) => {
                let _ = upgrade.accept(&Accept::new(), &mut output).unwrap();
                return (output, [&input[..], &pieces.as_slice().concat()].concat());
            }
            Err(error) => {
                error.reply(&mut output);
                return (output, Vec::new());
            }
        }
    }
    (output, input.to_vec())
}

//! The client's side of the drafts. A response of draft-ietf-hybi-00 has 16 bytes after its head.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use bytes::BytesMut;
use proptest::prelude::*;
use protocol_websocket_handshake_client::http::{Destination, HeadReader, Offer, Request, ResponseError, Version};
use protocol_websocket_handshake_client::{ClientHandshake, HandshakeError, Outcome};
use test_support::split::split_at_all;

const VERSIONS: [Version; 4] = [Version::Rfc6455, Version::Hybi10, Version::Hybi00, Version::Hixie75];

const RESPONSE: &str = concat!(
    "HTTP/1.1 101 WebSocket Protocol Handshake\r\n",
    "Upgrade: WebSocket\r\n",
    "Connection: Upgrade\r\n",
    "Sec-WebSocket-Origin: http://example.com\r\n",
    "Sec-WebSocket-Location: ws://example.com/demo\r\n",
    "Sec-WebSocket-Protocol: sample\r\n",
    "Set-Cookie: id=7\r\n",
    "\r\n",
);

fn connect(secure: bool, version: Version) -> (ClientHandshake, BytesMut) {
    let mut count = 0_u8;
    let mut random = |buf: &mut [u8]| {
        count = count.wrapping_mul(5).wrapping_add(113);
        buf.fill(count);
    };
    let (offer, mut output) = (Offer::new().version(version).subprotocol("sample"), BytesMut::new());
    let destination = Destination::new("example.com", "/demo").secure(secure);
    let handshake = ClientHandshake::new(destination, &offer, &mut random, &mut output).unwrap();
    (handshake, output)
}

fn hybi00() -> ClientHandshake {
    connect(false, Version::Hybi00).0
}

/// Returns the whole response, followed by other bytes.
fn response(handshake: &ClientHandshake, rest: &[u8]) -> BytesMut {
    let digest = handshake.sent().digest().unwrap();
    BytesMut::from(&[RESPONSE.as_bytes(), &digest, rest].concat()[..])
}

#[test]
fn hybi_00_opens_after_the_challenge_response() {
    let (mut handshake, mut wire) = connect(false, Version::Hybi00);
    // A server receives the head and eight bytes.
    let head = HeadReader::default().request(&mut wire).unwrap().unwrap();
    let numbers = Request::from_head(head).unwrap().key_numbers().unwrap();
    let digest = numbers.digest(wire[..].try_into().unwrap());
    let mut input = BytesMut::from(&[RESPONSE.as_bytes(), &digest, b"\0Hello\xFF"].concat()[..]);
    let Some(Outcome::Open(response)) = handshake.parse(&mut input).unwrap() else { panic!() };
    assert_eq!(response.negotiated().version, Version::Hybi00);
    assert_eq!(response.negotiated().subprotocol.as_deref(), Some("sample"));
    assert_eq!(response.headers().get_str("set-cookie"), Some("id=7"));
    // The first frames stay in the input. After the response nothing else is removed.
    assert_eq!(input[..], *b"\0Hello\xFF");
    assert!(handshake.parse(&mut input).unwrap().is_none());
    assert_eq!(input.len(), 7);
}

#[test]
fn repeats_the_error_for_a_wrong_challenge_response() {
    for at in 0..16 {
        let mut handshake = hybi00();
        let good = response(&handshake, b"");
        let mut bad = good.clone();
        bad[RESPONSE.len() + at] ^= 1;
        let wrong = HandshakeError::Response(ResponseError::Checksum);
        assert_eq!(handshake.parse(&mut bad).unwrap_err(), wrong);
        assert_eq!(handshake.parse(&mut good.clone()).unwrap_err(), wrong);
    }
}

#[test]
fn waits_for_the_challenge_response() {
    let mut handshake = hybi00();
    let whole = response(&handshake, b"");
    let mut input = BytesMut::from(&whole[..whole.len() - 1]);
    assert!(handshake.parse(&mut input).unwrap().is_none());
    assert_eq!(input.len(), 15);
    input.extend_from_slice(&whole[whole.len() - 1..]);
    assert!(matches!(handshake.parse(&mut input), Ok(Some(Outcome::Open(_)))));
}

#[test]
fn rejection_has_no_challenge_response() {
    for version in VERSIONS {
        let (mut handshake, _) = connect(false, version);
        let mut input = BytesMut::from("HTTP/1.1 403 Forbidden\r\n\r\nno");
        assert!(matches!(handshake.parse(&mut input), Ok(Some(Outcome::Rejected(_)))));
        assert_eq!(input, "no");
    }
}

#[test]
fn compares_the_scheme_that_old_servers_repeat() {
    let plain = concat!(
        "HTTP/1.1 101 Web Socket Protocol Handshake\r\n",
        "Upgrade: WebSocket\r\n",
        "Connection: Upgrade\r\n",
        "WebSocket-Origin: http://example.com\r\n",
        "WebSocket-Location: ws://example.com/demo\r\n",
        "\r\n",
    );
    let encrypted = plain.replace("http:", "https:").replace("ws:", "wss:");
    let parse = |secure, text: &str| connect(secure, Version::Hixie75).0.parse(&mut BytesMut::from(text));
    assert!(matches!(parse(false, plain), Ok(Some(Outcome::Open(_)))));
    assert!(matches!(parse(true, &encrypted), Ok(Some(Outcome::Open(_)))));
    let wrong = HandshakeError::Response(ResponseError::Origin);
    assert_eq!(parse(true, plain).unwrap_err(), wrong);
    let wrong = HandshakeError::Response(ResponseError::Location);
    assert_eq!(parse(true, &encrypted.replace("wss:", "ws:")).unwrap_err(), wrong);
}

proptest! {
    #[test]
    fn outcome_does_not_depend_on_the_split(
        at in any::<prop::sample::Index>(),
        change in prop::collection::vec(any::<u8>(), 0..3),
        splits in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let mut bytes = response(&hybi00(), b"\0first").to_vec();
        let from = at.index(bytes.len());
        let to = (from + change.len()).min(bytes.len());
        bytes.splice(from..to, change);
        let whole = parse_split(&bytes, &[]);
        let splits: Vec<_> = splits.iter().map(|split| split.index(bytes.len())).collect();
        prop_assert_eq!(parse_split(&bytes, &splits), whole.clone());
        let bytewise: Vec<_> = (0..bytes.len()).collect();
        prop_assert_eq!(parse_split(&bytes, &bytewise), whole);
    }
}

/// Returns the outcome of a response that is split at these positions, and the bytes after it.
fn parse_split(bytes: &[u8], splits: &[usize]) -> (String, Vec<u8>) {
    let (mut handshake, mut input) = (hybi00(), BytesMut::new());
    let mut outcome = String::from("none");
    for piece in split_at_all(bytes, splits.iter().copied()) {
        input.extend_from_slice(piece);
        match handshake.parse(&mut input) {
            Ok(None) => {}
            Ok(Some(found)) => outcome = format!("{found:?}"),
            Err(error) => return (format!("{error:?}"), Vec::new()),
        }
    }
    (outcome, input.to_vec())
}

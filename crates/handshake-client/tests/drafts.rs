//! The client's side of the drafts, above all of draft-ietf-hybi-00, whose answer has 16 bytes behind its head.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use bytes::BytesMut;
use proptest::prelude::*;
use protocol_websocket_handshake_client::http::{HeadReader, Offer, Request, ResponseError, Version};
use protocol_websocket_handshake_client::url::Url;
use protocol_websocket_handshake_client::{ClientHandshake, HandshakeError, Outcome};
use test_support::split::split_at_all;

const VERSIONS: [Version; 4] = [Version::Rfc6455, Version::Hybi10, Version::Hybi00, Version::Hixie75];

const ANSWER: &str = concat!(
    "HTTP/1.1 101 WebSocket Protocol Handshake\r\n",
    "Upgrade: WebSocket\r\n",
    "Connection: Upgrade\r\n",
    "Sec-WebSocket-Origin: http://example.com\r\n",
    "Sec-WebSocket-Location: ws://example.com/demo\r\n",
    "Sec-WebSocket-Protocol: sample\r\n",
    "Set-Cookie: id=7\r\n",
    "\r\n",
);

fn ask(url: &str, version: Version) -> (ClientHandshake, BytesMut) {
    let mut count = 0_u8;
    let mut random = |buf: &mut [u8]| {
        count = count.wrapping_mul(5).wrapping_add(113);
        buf.fill(count);
    };
    let (offer, mut output) = (Offer::new().version(version).subprotocol("sample"), BytesMut::new());
    let handshake = ClientHandshake::new(&Url::parse(url).unwrap(), &offer, &mut random, &mut output).unwrap();
    (handshake, output)
}

fn hybi00() -> ClientHandshake {
    ask("ws://example.com/demo", Version::Hybi00).0
}

/// The whole answer, and what follows it.
fn answer(handshake: &ClientHandshake, rest: &[u8]) -> BytesMut {
    let digest = handshake.request().digest().unwrap();
    BytesMut::from(&[ANSWER.as_bytes(), &digest, rest].concat()[..])
}

#[test]
fn hybi_00_opens_when_the_server_knows_the_keys() {
    let (mut handshake, mut wire) = ask("ws://example.com/demo", Version::Hybi00);
    // As a server sees it: the head, and eight bytes.
    let head = HeadReader::default().request(&mut wire).unwrap().unwrap();
    let numbers = Request::from_head(head).unwrap().key_numbers().unwrap();
    let digest = numbers.digest(wire[..].try_into().unwrap());
    let mut input = BytesMut::from(&[ANSWER.as_bytes(), &digest, b"\0Hello\xFF"].concat()[..]);
    let Some(Outcome::Open(response)) = handshake.parse(&mut input).unwrap() else { panic!() };
    assert_eq!(response.negotiated().version, Version::Hybi00);
    assert_eq!(response.negotiated().subprotocol.as_deref(), Some("sample"));
    assert_eq!(response.headers().get_str("set-cookie"), Some("id=7"));
    // The first frames are left, and nothing more is taken.
    assert_eq!(input[..], *b"\0Hello\xFF");
    assert!(handshake.parse(&mut input).unwrap().is_none());
    assert_eq!(input.len(), 7);
}

#[test]
fn a_wrong_checksum_stays_an_error() {
    for at in 0..16 {
        let mut handshake = hybi00();
        let good = answer(&handshake, b"");
        let mut bad = good.clone();
        bad[ANSWER.len() + at] ^= 1;
        let wrong = HandshakeError::Answer(ResponseError::Checksum);
        assert_eq!(handshake.parse(&mut bad).unwrap_err(), wrong);
        assert_eq!(handshake.parse(&mut good.clone()).unwrap_err(), wrong);
    }
}

#[test]
fn a_checksum_is_waited_for() {
    let mut handshake = hybi00();
    let whole = answer(&handshake, b"");
    let mut input = BytesMut::from(&whole[..whole.len() - 1]);
    assert!(handshake.parse(&mut input).unwrap().is_none());
    assert_eq!(input.len(), 15);
    input.extend_from_slice(&whole[whole.len() - 1..]);
    assert!(matches!(handshake.parse(&mut input), Ok(Some(Outcome::Open(_)))));
}

#[test]
fn a_refusal_has_no_checksum() {
    for version in VERSIONS {
        let (mut handshake, _) = ask("ws://example.com/demo", version);
        let mut input = BytesMut::from("HTTP/1.1 403 Forbidden\r\n\r\nno");
        assert!(matches!(handshake.parse(&mut input), Ok(Some(Outcome::Rejected(_)))));
        assert_eq!(input, "no");
    }
}

#[test]
fn the_scheme_is_part_of_what_old_servers_repeat() {
    let plain = concat!(
        "HTTP/1.1 101 Web Socket Protocol Handshake\r\n",
        "Upgrade: WebSocket\r\n",
        "Connection: Upgrade\r\n",
        "WebSocket-Origin: http://example.com\r\n",
        "WebSocket-Location: ws://example.com/demo\r\n",
        "\r\n",
    );
    let encrypted = plain.replace("http:", "https:").replace("ws:", "wss:");
    let parse = |url: &str, text: &str| ask(url, Version::Hixie75).0.parse(&mut BytesMut::from(text));
    assert!(matches!(parse("ws://example.com/demo", plain), Ok(Some(Outcome::Open(_)))));
    assert!(matches!(parse("wss://example.com/demo", &encrypted), Ok(Some(Outcome::Open(_)))));
    let wrong = HandshakeError::Answer(ResponseError::Origin);
    assert_eq!(parse("wss://example.com/demo", plain).unwrap_err(), wrong);
    let wrong = HandshakeError::Answer(ResponseError::Location);
    assert_eq!(parse("wss://example.com/demo", &encrypted.replace("wss:", "ws:")).unwrap_err(), wrong);
}

proptest! {
    #[test]
    fn every_cut_gives_the_same(
        at in any::<prop::sample::Index>(),
        change in prop::collection::vec(any::<u8>(), 0..3),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let mut bytes = answer(&hybi00(), b"\0first").to_vec();
        let from = at.index(bytes.len());
        let to = (from + change.len()).min(bytes.len());
        bytes.splice(from..to, change);
        let whole = in_pieces(&bytes, &[]);
        let cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        prop_assert_eq!(in_pieces(&bytes, &cuts), whole.clone());
        let bytewise: Vec<_> = (0..bytes.len()).collect();
        prop_assert_eq!(in_pieces(&bytes, &bytewise), whole);
    }
}

/// What comes of bytes in pieces, and what is left of them after an answer.
fn in_pieces(bytes: &[u8], cuts: &[usize]) -> (String, Vec<u8>) {
    let (mut handshake, mut input) = (hybi00(), BytesMut::new());
    let mut outcome = String::from("none");
    for piece in split_at_all(bytes, cuts.iter().copied()) {
        input.extend_from_slice(piece);
        match handshake.parse(&mut input) {
            Ok(None) => {}
            Ok(Some(found)) => outcome = format!("{found:?}"),
            Err(error) => return (format!("{error:?}"), Vec::new()),
        }
    }
    (outcome, input.to_vec())
}

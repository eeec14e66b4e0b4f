//! The server's side of the drafts, above all of draft-ietf-hybi-00, whose request has eight bytes behind its head.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use bytes::BytesMut;
use proptest::prelude::*;
use protocol_websocket_handshake_server::http::{
    Accept, BuildError, HeadReader, Negotiated, ParseError, Reject, Version, Versions,
};
use protocol_websocket_handshake_server::{Accepted, AwaitingKey3, ServerHandshake, Upgrade};

/// draft-ietf-hybi-00 §1.2.
const HEAD: &str = concat!(
    "GET /demo HTTP/1.1\r\n",
    "Host: example.com\r\n",
    "Connection: Upgrade\r\n",
    "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n",
    "Sec-WebSocket-Protocol: sample\r\n",
    "Upgrade: WebSocket\r\n",
    "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n",
    "Origin: http://example.com\r\n",
    "\r\n",
);
const KEY3: &str = "^n:ds[4U";

const ANSWER: &str = concat!(
    "HTTP/1.1 101 WebSocket Protocol Handshake\r\n",
    "Upgrade: WebSocket\r\n",
    "Connection: Upgrade\r\n",
    "Sec-WebSocket-Origin: http://example.com\r\n",
    "Sec-WebSocket-Location: ws://example.com/demo\r\n",
    "Sec-WebSocket-Protocol: sample\r\n",
    "\r\n",
);
const DIGEST: &str = "8jKS'y:G*Co,Wxa-";

fn negotiated() -> Negotiated {
    Negotiated::default().version(Version::Hybi00).subprotocol("sample")
}

fn awaiting(input: &mut BytesMut, output: &mut BytesMut) -> AwaitingKey3 {
    let upgrade = ServerHandshake::new().parse(input).unwrap().unwrap();
    match upgrade.accept(&Accept::new().subprotocol("sample"), output).unwrap() {
        Accepted::AwaitingKey3(key3) => key3,
        accepted => panic!("{accepted:?}"),
    }
}

#[test]
fn the_example_of_the_draft_is_answered() {
    let mut input = BytesMut::from([HEAD, KEY3, "\0first"].concat().as_str());
    let mut output = BytesMut::new();
    let mut key3 = awaiting(&mut input, &mut output);
    assert_eq!(output, ANSWER);
    assert_eq!(key3.parse(&mut input, &mut output), Some(negotiated()));
    assert_eq!(output, *[ANSWER, DIGEST].concat());
    // The first frames are left, and nothing more is taken.
    assert_eq!(input, "\0first");
    input.extend_from_slice(b"enough\xFF");
    assert_eq!(key3.parse(&mut input, &mut output), None);
    assert_eq!((input.len(), output.len()), (13, ANSWER.len() + DIGEST.len()));
}

#[test]
fn a_proxy_sees_the_head_of_the_answer_before_it_sends_the_rest() {
    let (mut input, mut output) = (BytesMut::from(HEAD), BytesMut::new());
    let mut key3 = awaiting(&mut input, &mut output);
    assert_eq!(output.split(), ANSWER);
    for at in 0..KEY3.len() {
        assert_eq!(key3.parse(&mut input, &mut output), None);
        assert_eq!((input.len(), output.len()), (at, 0));
        input.extend_from_slice(&KEY3.as_bytes()[at..=at]);
    }
    assert_eq!(key3.parse(&mut input, &mut output), Some(negotiated()));
    assert_eq!((&output[..], input.len()), (DIGEST.as_bytes(), 0));
}

#[test]
fn the_length_of_the_rest_may_be_told() {
    let text = HEAD.replace("Upgrade: W", "Content-Length: 8\r\nUpgrade: W");
    let (mut input, mut output) = (BytesMut::from(&*[&text, KEY3].concat()), BytesMut::new());
    assert_eq!(awaiting(&mut input, &mut output).parse(&mut input, &mut output), Some(negotiated()));
    assert_eq!(output, *[ANSWER, DIGEST].concat());
}

#[test]
fn a_request_is_refused_before_its_last_bytes_came() {
    let upgrade = ServerHandshake::new().parse(&mut BytesMut::from(HEAD)).unwrap().unwrap();
    let mut output = BytesMut::new();
    assert_eq!(upgrade.accept(&Accept::new().subprotocol("x"), &mut output), Err(BuildError::SubprotocolNotOffered));
    assert!(output.is_empty());
    let upgrade = ServerHandshake::new().parse(&mut BytesMut::from(HEAD)).unwrap().unwrap();
    upgrade.reject(&Reject::new(403), &mut output).unwrap();
    assert!(output.starts_with(b"HTTP/1.1 403 "));
}

#[test]
fn only_what_is_spoken_is_taken() {
    let parse = |spoken: Versions| ServerHandshake::new().versions(spoken).parse(&mut BytesMut::from(HEAD));
    assert!(parse(Version::Hybi00.into()).unwrap().is_some());
    let error = parse(Versions::RFC6455).unwrap_err();
    assert_eq!(error, ParseError::Version(Versions::RFC6455));
    let mut output = BytesMut::new();
    error.reply(&mut output);
    assert!(output.starts_with(b"HTTP/1.1 426 "));
    assert!(String::from_utf8_lossy(&output).contains("\r\nSec-WebSocket-Version: 13\r\n"));
    let head = HeadReader::default().request(&mut BytesMut::from(HEAD)).unwrap().unwrap();
    assert!(Upgrade::check(head.clone(), Versions::ALL).is_ok());
    assert_eq!(Upgrade::check(head, Versions::RFC6455).unwrap_err(), error);
}

#[test]
fn hixie_75_opens_at_once() {
    // draft-hixie-75 §1.2.
    let mut input = BytesMut::from(concat!(
        "GET /demo HTTP/1.1\r\n",
        "Upgrade: WebSocket\r\n",
        "Connection: Upgrade\r\n",
        "Host: example.com\r\n",
        "Origin: http://example.com\r\n",
        "WebSocket-Protocol: sample\r\n",
        "\r\n\0first",
    ));
    let upgrade = ServerHandshake::new().parse(&mut input).unwrap().unwrap();
    let mut output = BytesMut::new();
    let accepted = upgrade.accept(&Accept::new().subprotocol("sample"), &mut output).unwrap();
    assert_eq!(accepted, Accepted::Open(negotiated().version(Version::Hixie75)));
    assert!(output.starts_with(
        b"HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nWebSocket-Origin"
    ));
    assert_eq!(input, "\0first");
}

proptest! {
    #[test]
    fn every_cut_gives_the_same(
        at in any::<prop::sample::Index>(),
        change in prop::collection::vec(any::<u8>(), 0..3),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let mut bytes = [HEAD, KEY3, "\0first"].concat().into_bytes();
        let from = at.index(bytes.len());
        let to = (from + change.len()).min(bytes.len());
        bytes.splice(from..to, change);
        let whole = in_pieces(&bytes, &[]);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.sort_unstable();
        prop_assert_eq!(in_pieces(&bytes, &cuts), whole.clone());
        let bytewise: Vec<_> = (0..bytes.len()).collect();
        prop_assert_eq!(in_pieces(&bytes, &bytewise), whole);
    }
}

/// What is answered to bytes in pieces, what was agreed on, and what is left of them.
fn in_pieces(bytes: &[u8], cuts: &[usize]) -> (BytesMut, Option<Negotiated>, Vec<u8>) {
    let (mut handshake, mut input, mut output) = (ServerHandshake::new(), BytesMut::new(), BytesMut::new());
    let (mut key3, mut open, mut from) = (None, None, 0);
    for to in cuts.iter().copied().chain([bytes.len()]) {
        input.extend_from_slice(&bytes[from..to]);
        from = to;
        match handshake.parse(&mut input) {
            Ok(None) => {}
            Ok(Some(upgrade)) => match upgrade.accept(&Accept::new(), &mut output).unwrap() {
                Accepted::AwaitingKey3(awaiting) => key3 = Some(awaiting),
                Accepted::Open(negotiated) => open = Some(negotiated),
            },
            Err(error) => {
                error.reply(&mut output);
                return (output, None, Vec::new());
            }
        }
        if let Some(negotiated) = key3.as_mut().and_then(|key3| key3.parse(&mut input, &mut output)) {
            open = Some(negotiated);
        }
    }
    (output, open, input.to_vec())
}

//! The client's side of the handshake, from a destination to an outcome.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use bytes::BytesMut;
use proptest::prelude::*;
use protocol_websocket_handshake_client::http::{
    Accept, BuildError, Destination, ExtensionParams, HeadLimits, Negotiated, Offer, ParseError, Request,
    ResponseError, ResponseHead,
};
use protocol_websocket_handshake_client::{ClientHandshake, HandshakeError, Outcome};
use test_support::heads::{RFC6455_REQUEST, RFC6455_RESPONSE, sample_nonce};
use test_support::split::split_at_all;

fn offer() -> Offer {
    Offer::new().origin("http://example.com").subprotocol("chat").subprotocol("superchat")
}

fn connect(offer: &Offer, output: &mut BytesMut) -> Result<ClientHandshake, BuildError> {
    ClientHandshake::new(Destination::new("server.example.com", "/chat"), offer, &mut sample_nonce, output)
}

fn handshake() -> ClientHandshake {
    connect(&offer(), &mut BytesMut::new()).unwrap()
}

fn parse(text: &str) -> Result<Outcome, HandshakeError> {
    handshake().parse(&mut BytesMut::from(text)).map(|outcome| outcome.expect("a whole head"))
}

fn rejected(text: &str) -> ResponseHead {
    match parse(text).unwrap() {
        Outcome::Rejected(head) => head,
        outcome => panic!("{outcome:?}"),
    }
}

#[test]
fn opens_with_the_example_of_the_rfc() {
    let mut output = BytesMut::new();
    let mut handshake = connect(&offer(), &mut output).unwrap();
    assert_eq!(output, RFC6455_REQUEST);
    assert_eq!(handshake.sent().url(), "ws://server.example.com/chat");
    let mut input = BytesMut::from(&[RFC6455_RESPONSE.as_bytes(), b"\x81\x05Hello"].concat()[..]);
    match handshake.parse(&mut input).unwrap() {
        Some(Outcome::Open(response)) => assert_eq!(*response.negotiated(), Negotiated::default().subprotocol("chat")),
        outcome => panic!("{outcome:?}"),
    }
    // The first frame stays in the input. After the response nothing else is removed.
    assert_eq!(input, &b"\x81\x05Hello"[..]);
    input.extend_from_slice(RFC6455_RESPONSE.as_bytes());
    assert!(handshake.parse(&mut input).unwrap().is_none());
    assert_eq!(input.len(), 7 + RFC6455_RESPONSE.len());
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# If any of the components are invalid, the client MUST _Fail the WebSocket Connection_ and abort
//# these steps.
#[test]
fn invalid_offer_writes_nothing() {
    let mut output = BytesMut::new();
    let result = connect(&Offer::new().header("X", "a\r\nb"), &mut output);
    assert_eq!(result.unwrap_err(), BuildError::Field);
    assert!(output.is_empty());
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# The client MUST validate the server's response as follows:
#[test]
fn each_broken_rule_has_its_error() {
    use ResponseError::*;
    for (from, to, error) in [
        ("Upgrade: websocket\r\n", "", Upgrade),
        ("websocket", "h2c", Upgrade),
        ("Connection: Upgrade", "Connection: close", Connection),
        ("Sec-WebSocket-Accept", "X", AcceptMissing),
        ("xOo=", "xoo=", AcceptWrong),
        ("Upgrade\r\n", "Upgrade\r\nSec-WebSocket-Accept: x\r\n", AcceptRepeated),
        ("Protocol: chat", "Protocol: other", SubprotocolNotOffered),
        ("Protocol: chat", "Protocol: chat, superchat", SubprotocolRepeated),
        ("Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Extensions: x", ExtensionNotOffered),
        ("Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Extensions: ;", Extensions),
        ("Upgrade\r\n", "Upgrade\r\nContent-Length: 5\r\n", Body),
        ("Upgrade\r\n", "Upgrade\r\nTransfer-Encoding: chunked\r\n", Body),
        ("HTTP/1.1", "HTTP/1.0", HttpVersion),
    ] {
        assert_eq!(
            parse(&RFC6455_RESPONSE.replacen(from, to, 1)).unwrap_err(),
            HandshakeError::Response(error),
            "{to:?}"
        );
    }
}

#[test]
fn accepts_other_options_in_connection() {
    assert!(matches!(parse(&RFC6455_RESPONSE.replace(": Upgrade", ": keep-alive, Upgrade")), Ok(Outcome::Open(_))));
}

/// RFC 9110 §15.2: a client must be able to parse them, even if it does not expect them. They have no body.
#[test]
fn skips_interim_responses() {
    for interim in [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 102 Processing\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 103\n\n",
        "\r\nHTTP/1.1 199 x\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
    ] {
        let text = format!("{interim}{RFC6455_RESPONSE}");
        assert!(matches!(parse(&text), Ok(Outcome::Open(_))), "{interim}");
        let bytewise: Vec<_> = (0..text.len()).collect();
        assert_eq!(parse_split(text.as_bytes(), &bytewise), parse_split(text.as_bytes(), &[]));
        assert_eq!(rejected(&format!("{interim}HTTP/1.1 403 x\r\n\r\n")).status(), 403);
        let wrong = format!("{interim}{}", RFC6455_RESPONSE.replace("xOo=", "xoo="));
        assert_eq!(parse(&wrong).unwrap_err(), HandshakeError::Response(ResponseError::AcceptWrong));
        assert!(handshake().parse(&mut BytesMut::from(interim)).unwrap().is_none());
    }
}

#[test]
fn limits_apply_to_all_heads_together() {
    let interim = "\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\n";
    let text = format!("{interim}{interim}{RFC6455_RESPONSE}");
    let parse = |limits: HeadLimits| {
        let bytewise: Vec<_> = (0..text.len()).collect();
        let [whole, bytes] =
            [&[][..], &bytewise].map(|splits| outcome_of(handshake().limits(limits), text.as_bytes(), splits));
        assert_eq!(whole, bytes);
        handshake().limits(limits).parse(&mut BytesMut::from(&*text)).map(|outcome| outcome.is_some())
    };
    let limits = HeadLimits::default();
    assert_eq!(parse(limits.max_len(text.len()).max_headers(6)), Ok(true));
    for max_len in [2, interim.len() - 1, interim.len(), interim.len() + 1, 2 * interim.len(), text.len() - 1] {
        assert_eq!(parse(limits.max_len(max_len)), Err(HandshakeError::Head(ParseError::TooLong)), "{max_len}");
    }
    for max_headers in 0..6 {
        let expected = Err(HandshakeError::Head(ParseError::TooManyHeaders));
        assert_eq!(parse(limits.max_headers(max_headers)), expected, "{max_headers}");
    }
    // An endless sequence of them is rejected as one long head is.
    let endless = interim.repeat(1000);
    let mut input = BytesMut::from(&*endless);
    let error = handshake().limits(limits.max_headers(usize::MAX)).parse(&mut input).unwrap_err();
    assert_eq!(error, HandshakeError::Head(ParseError::TooLong));
    assert!(endless.len() - input.len() <= limits.max_len);
}

#[test]
fn rejects_other_protocols() {
    for (text, error) in [
        ("SSH-2.0-OpenSSH\r\n", ParseError::ResponseLine),
        ("220 mx.example.com ESMTP\r\n", ParseError::ResponseLine),
        ("HTTP/1.1 101 x\r\nA : b\r\n", ParseError::Field),
        ("\0", ParseError::ResponseLine),
    ] {
        assert_eq!(parse(text).unwrap_err(), HandshakeError::Head(error), "{text:?}");
    }
}

#[test]
fn repeats_its_error() {
    for bad in ["\0".to_owned(), "HTTP/1.1 100 x\r\n\r\nx\n".to_owned(), RFC6455_RESPONSE.replace("xOo=", "xoo=")] {
        let mut handshake = handshake();
        let error = handshake.parse(&mut BytesMut::from(&*bad)).unwrap_err();
        let mut input = BytesMut::from(RFC6455_RESPONSE);
        assert_eq!(handshake.parse(&mut input).unwrap_err(), error);
        assert_eq!(input, RFC6455_RESPONSE);
    }
}

#[test]
fn enforces_limits() {
    let parse = |limits: HeadLimits| handshake().limits(limits).parse(&mut BytesMut::from(RFC6455_RESPONSE));
    let limits = HeadLimits::default();
    assert!(parse(limits.max_len(RFC6455_RESPONSE.len()).max_headers(4)).unwrap().is_some());
    assert_eq!(
        parse(limits.max_len(RFC6455_RESPONSE.len() - 1)).unwrap_err(),
        HandshakeError::Head(ParseError::TooLong)
    );
    assert_eq!(parse(limits.max_headers(3)).unwrap_err(), HandshakeError::Head(ParseError::TooManyHeaders));
}

#[test]
fn rejection_leaves_its_body_in_the_input() {
    let mut input =
        BytesMut::from("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno");
    match handshake().parse(&mut input).unwrap() {
        Some(Outcome::Rejected(head)) => {
            assert_eq!((head.status(), head.reason()), (401, "Unauthorized"));
            assert_eq!(head.headers().get_str("www-authenticate"), Some("Basic"));
        }
        outcome => panic!("{outcome:?}"),
    }
    assert_eq!(input, "no");
    assert_eq!(rejected("HTTP/1.1 200\r\n\r\n").status(), 200);
    assert_eq!(rejected("HTTP/1.0 404 x\r\n\r\n").status(), 404);
}

#[test]
fn reads_the_versions_of_a_server() {
    // RFC 6455 §4.4, in both spellings.
    for fields in ["Sec-WebSocket-Version: 13, 8, 7", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8, 7"] {
        let head = rejected(&format!("HTTP/1.1 400 Bad Request\r\n{fields}\r\n\r\n"));
        assert!(head.headers().tokens("sec-websocket-version").eq(["13", "8", "7"]));
    }
}

#[test]
fn redirect_has_status_and_location() {
    for status in [301, 302, 303, 307, 308] {
        let text = format!("HTTP/1.1 {status} x\r\nLocation: /caf\u{e9}\r\nX: y\r\n\r\n");
        let Ok(Outcome::Redirect(redirect)) = parse(&text) else { panic!("{text}") };
        assert_eq!((redirect.status(), redirect.location()), (status, "/caf\u{e9}"));
        assert_eq!(redirect.headers().get_str("x"), Some("y"));
    }
}

#[test]
fn redirect_without_one_location_is_a_rejection() {
    for fields in ["", "Location: \r\n", "Location: /a\r\nLocation: /b\r\n", "X: /a\r\n"] {
        assert_eq!(rejected(&format!("HTTP/1.1 302 Found\r\n{fields}\r\n")).status(), 302, "{fields:?}");
    }
    for status in [300, 304, 305, 306] {
        assert_eq!(rejected(&format!("HTTP/1.1 {status} x\r\nLocation: /a\r\n\r\n")).status(), status);
    }
}

proptest! {
    #[test]
    fn negotiates_with_a_server(
        nonce in any::<[u8; 16]>(),
        offered in prop::collection::btree_set("[a-z]{1,6}", 0..4),
        choice in any::<prop::sample::Index>(),
        extension in prop::option::of("[a-z]{1,6}"),
    ) {
        let (mut offer, mut accept) = (Offer::new(), Accept::new());
        let mut expected = Negotiated::default();
        for name in &offered {
            offer = offer.subprotocol(name);
        }
        if !offered.is_empty() {
            let name = offered.iter().nth(choice.index(offered.len())).unwrap();
            accept = accept.subprotocol(name);
            expected = expected.subprotocol(name);
        }
        if let Some(name) = &extension {
            let selected = ExtensionParams::new(name).param("a", "1");
            offer = offer.extension(ExtensionParams::new(name).flag("a"));
            accept = accept.extension(selected.clone());
            expected = expected.extension(selected);
        }
        let (mut request, mut response) = (BytesMut::new(), BytesMut::new());
        let mut random = |buf: &mut [u8]| buf.copy_from_slice(&nonce);
        let mut handshake = ClientHandshake::new(Destination::new("example.com", "/"), &offer, &mut random, &mut request).unwrap();
        let request = Request::parse(&mut request, HeadLimits::default()).unwrap().unwrap();
        prop_assert_eq!(accept.encode(&request, &mut response).unwrap(), expected.clone());
        match handshake.parse(&mut response).unwrap() {
            Some(Outcome::Open(response)) => prop_assert_eq!(response.into_negotiated(), expected),
            outcome => prop_assert!(false, "{:?}", outcome),
        }
    }

    #[test]
    fn outcome_does_not_depend_on_the_split(
        at in any::<prop::sample::Index>(),
        change in prop::collection::vec(any::<u8>(), 0..4),
        splits in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let mut text = ["HTTP/1.1 103 x\r\nA: b\r\n\r\n", RFC6455_RESPONSE].concat().into_bytes();
        let (from, len) = (at.index(text.len()), text.len());
        text.splice(from..(from + change.len()).min(len), change);
        text.extend_from_slice(b"\x81\x00");
        let whole = parse_split(&text, &[]);
        let splits: Vec<_> = splits.iter().map(|split| split.index(text.len())).collect();
        prop_assert_eq!(parse_split(&text, &splits), whole.clone());
        let bytewise: Vec<_> = (0..text.len()).collect();
        prop_assert_eq!(parse_split(&text, &bytewise), whole);
    }
}

/// Returns the outcome of a response that is split at these positions, and the bytes after it.
fn parse_split(bytes: &[u8], splits: &[usize]) -> (String, Vec<u8>) {
    outcome_of(handshake(), bytes, splits)
}

fn outcome_of(mut handshake: ClientHandshake, bytes: &[u8], splits: &[usize]) -> (String, Vec<u8>) {
    let mut input = BytesMut::new();
    let mut pieces = split_at_all(bytes, splits.iter().copied()).into_iter();
    while let Some(piece) = pieces.next() {
        input.extend_from_slice(piece);
        match handshake.parse(&mut input) {
            Ok(None) => {}
            Ok(Some(outcome)) => return (format!("{outcome:?}"), [&input[..], &pieces.as_slice().concat()].concat()),
            Err(error) => return (format!("{error:?}"), Vec::new()),
        }
    }
    (String::new(), input.to_vec())
}

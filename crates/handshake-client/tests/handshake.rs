//! The client's side of the handshake: from a URL to an outcome.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use bytes::BytesMut;
use proptest::prelude::*;
use protocol_websocket_handshake_client::http::{
    Accept, BuildError, Extension, HeadLimits, Negotiated, Offer, ParseError, Request, ResponseError, ResponseHead,
};
use protocol_websocket_handshake_client::url::{Url, UrlError};
use protocol_websocket_handshake_client::{ClientHandshake, HandshakeError, Outcome, Redirect};
use test_support::heads::{RFC6455_REQUEST, RFC6455_RESPONSE, sample_nonce};
use test_support::split::split_at_all;

fn offer() -> Offer {
    Offer::new().origin("http://example.com").subprotocol("chat").subprotocol("superchat")
}

fn connect(url: &str, offer: &Offer, output: &mut BytesMut) -> Result<ClientHandshake, BuildError> {
    ClientHandshake::new(&Url::parse(url).unwrap(), offer, &mut sample_nonce, output)
}

fn handshake() -> ClientHandshake {
    connect("ws://server.example.com/chat", &offer(), &mut BytesMut::new()).unwrap()
}

fn parse(text: &str) -> Result<Outcome, HandshakeError> {
    handshake().parse(&mut BytesMut::from(text)).map(|outcome| outcome.expect("a whole head"))
}

fn redirect(from: &str, text: &str) -> Redirect {
    let mut handshake = connect(from, &Offer::new(), &mut BytesMut::new()).unwrap();
    match handshake.parse(&mut BytesMut::from(text)).unwrap() {
        Some(Outcome::Redirect(redirect)) => redirect,
        outcome => panic!("{outcome:?}"),
    }
}

fn rejected(text: &str) -> ResponseHead {
    match parse(text).unwrap() {
        Outcome::Rejected(head) => head,
        outcome => panic!("{outcome:?}"),
    }
}

#[test]
fn the_example_of_the_rfc_opens() {
    let mut output = BytesMut::new();
    let mut handshake = connect("ws://server.example.com/chat", &offer(), &mut output).unwrap();
    assert_eq!(output, RFC6455_REQUEST);
    assert_eq!(handshake.request().resource_name(), "/chat");
    let mut input = BytesMut::from(&[RFC6455_RESPONSE.as_bytes(), b"\x81\x05Hello"].concat()[..]);
    match handshake.parse(&mut input).unwrap() {
        Some(Outcome::Open(response)) => assert_eq!(*response.negotiated(), Negotiated::default().subprotocol("chat")),
        outcome => panic!("{outcome:?}"),
    }
    // The first frame is left, and nothing more is taken.
    assert_eq!(input, &b"\x81\x05Hello"[..]);
    input.extend_from_slice(RFC6455_RESPONSE.as_bytes());
    assert!(handshake.parse(&mut input).unwrap().is_none());
    assert_eq!(input.len(), 7 + RFC6455_RESPONSE.len());
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# MUST be valid according to the specification of WebSocket URIs specified in Section 3.
//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# The "Request-URI" part of the request MUST match the /resource name/ defined in Section 3
//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# The request MUST contain a |Host| header field
#[test]
fn the_request_names_what_the_url_names() {
    for (url, line, host) in [
        ("wss://example.com", "GET / HTTP/1.1", "Host: example.com"),
        ("wss://example.com:80/a?b", "GET /a?b HTTP/1.1", "Host: example.com:80"),
        ("ws://[::1]:3000?q", "GET /?q HTTP/1.1", "Host: [::1]:3000"),
        ("ws://user:secret@example.com/", "GET / HTTP/1.1", "Host: example.com"),
    ] {
        let mut output = BytesMut::new();
        connect(url, &Offer::new(), &mut output).unwrap();
        let text = std::str::from_utf8(&output).unwrap();
        assert!(text.starts_with(&format!("{line}\r\n{host}\r\n")), "{text}");
        assert!(!text.contains("secret") && !text.contains("Authorization"));
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# If any of the components are invalid, the client MUST _Fail the WebSocket Connection_ and abort
//# these steps.
#[test]
fn a_wrong_offer_writes_nothing() {
    let mut output = BytesMut::new();
    let result = connect("ws://a", &Offer::new().header("X", "a\r\nb"), &mut output);
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
            HandshakeError::Answer(error),
            "{to:?}"
        );
    }
}

#[test]
fn connection_may_name_more() {
    assert!(matches!(parse(&RFC6455_RESPONSE.replace(": Upgrade", ": keep-alive, Upgrade")), Ok(Outcome::Open(_))));
}

/// RFC 9110 §15.2: a client must be able to parse them, though it did not expect any. None of them has a body.
#[test]
fn interim_responses_are_skipped() {
    for interim in [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 102 Processing\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 103\n\n",
        "\r\nHTTP/1.1 199 x\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
    ] {
        let text = format!("{interim}{RFC6455_RESPONSE}");
        assert!(matches!(parse(&text), Ok(Outcome::Open(_))), "{interim}");
        let bytewise: Vec<_> = (0..text.len()).collect();
        assert_eq!(in_pieces(text.as_bytes(), &bytewise), in_pieces(text.as_bytes(), &[]));
        assert_eq!(rejected(&format!("{interim}HTTP/1.1 403 x\r\n\r\n")).status(), 403);
        let wrong = format!("{interim}{}", RFC6455_RESPONSE.replace("xOo=", "xoo="));
        assert_eq!(parse(&wrong).unwrap_err(), HandshakeError::Answer(ResponseError::AcceptWrong));
        assert!(handshake().parse(&mut BytesMut::from(interim)).unwrap().is_none());
    }
}

#[test]
fn all_heads_together_are_within_one_limit() {
    let interim = "\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\n";
    let text = format!("{interim}{interim}{RFC6455_RESPONSE}");
    let parse = |limits: HeadLimits| {
        let bytewise: Vec<_> = (0..text.len()).collect();
        let [whole, bytes] =
            [&[][..], &bytewise].map(|cuts| came_of(handshake().limits(limits), text.as_bytes(), cuts));
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
    // Without end, they are refused as one long head is.
    let endless = interim.repeat(1000);
    let mut input = BytesMut::from(&*endless);
    let error = handshake().limits(limits.max_headers(usize::MAX)).parse(&mut input).unwrap_err();
    assert_eq!(error, HandshakeError::Head(ParseError::TooLong));
    assert!(endless.len() - input.len() <= limits.max_len);
}

#[test]
fn what_is_no_http_is_refused() {
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
fn errors_stay() {
    for bad in ["\0".to_owned(), "HTTP/1.1 100 x\r\n\r\nx\n".to_owned(), RFC6455_RESPONSE.replace("xOo=", "xoo=")] {
        let mut handshake = handshake();
        let error = handshake.parse(&mut BytesMut::from(&*bad)).unwrap_err();
        let mut input = BytesMut::from(RFC6455_RESPONSE);
        assert_eq!(handshake.parse(&mut input).unwrap_err(), error);
        assert_eq!(input, RFC6455_RESPONSE);
    }
}

#[test]
fn limits_are_set() {
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
fn a_refusal_is_an_outcome_and_its_body_is_left() {
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
fn the_versions_of_a_server_are_read() {
    // RFC 6455 §4.4, in both spellings.
    for fields in ["Sec-WebSocket-Version: 13, 8, 7", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8, 7"] {
        let head = rejected(&format!("HTTP/1.1 400 Bad Request\r\n{fields}\r\n\r\n"));
        assert!(head.headers().tokens("sec-websocket-version").eq(["13", "8", "7"]));
    }
}

#[test]
fn a_redirect_is_resolved_and_not_followed() {
    for (location, target) in [
        ("wss://other.example.com/x", "wss://other.example.com/x"),
        ("https://other.example.com/x", "wss://other.example.com/x"),
        ("/there?q", "wss://example.com/there?q"),
        ("there", "wss://example.com/a/there"),
    ] {
        for status in [301, 302, 303, 307, 308] {
            let answer = format!("HTTP/1.1 {status} x\r\nLocation: {location}\r\n\r\n");
            let redirect = redirect("wss://example.com/a/b", &answer);
            assert_eq!((redirect.status(), redirect.location()), (status, location));
            assert_eq!(redirect.url(), Ok(Url::parse(target).unwrap()));
            assert!(!redirect.is_downgrade());
        }
    }
    let answer = "HTTP/1.1 302 x\r\nLocation: http://example.com/\r\n\r\n";
    assert!(redirect("wss://example.com/", answer).is_downgrade());
    assert!(!redirect("ws://example.com/", answer).is_downgrade());
    let answer = "HTTP/1.1 302 x\r\nLocation: ftp://example.com/\r\n\r\n";
    assert_eq!(redirect("ws://example.com/", answer).url(), Err(UrlError::Scheme));
}

#[test]
fn debug_of_a_redirect_hides_credentials_and_queries() {
    let mut client = connect("wss://u:s3cret@example.com/a?token=s3cret", &offer(), &mut BytesMut::new()).unwrap();
    let answer = "HTTP/1.1 302 Found\r\nLocation: https://v:s3cret@h/b?token=s3cret\r\nX-Token: s3cret\r\n\r\n";
    let outcome = client.parse(&mut BytesMut::from(answer)).unwrap().unwrap();
    let shown = format!("{outcome:?}");
    assert!(shown.contains("302") && shown.contains("wss://h/b"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn a_location_outside_utf8_is_a_redirect() {
    for (location, shown, target) in [
        (&b"/caf\xE9"[..], "/caf%E9", Ok("ws://example.com/caf%E9")),
        (b"/caf\xC3\xA9?\xE9\xFF", "/caf\u{e9}?%E9%FF", Ok("ws://example.com/caf%C3%A9?%E9%FF")),
        (b"//caf\xE9.example/", "//caf%E9.example/", Err(UrlError::Host)),
        (b"/a#\xE9", "/a#%E9", Ok("ws://example.com/a")),
    ] {
        let answer = [b"HTTP/1.1 302 x\r\nLocation: ", location, b"\r\n\r\n"].concat();
        let mut handshake = connect("ws://example.com/a/b", &Offer::new(), &mut BytesMut::new()).unwrap();
        let outcome = handshake.parse(&mut BytesMut::from(&answer[..])).unwrap();
        let Some(Outcome::Redirect(redirect)) = outcome else { panic!("{outcome:?}") };
        assert_eq!((redirect.location(), redirect.headers().get("location")), (shown, Some(location)));
        assert_eq!(redirect.url(), target.map(|target| Url::parse(target).unwrap()), "{shown}");
    }
}

/// RFC 9110 §10.2.2.
#[test]
fn a_redirect_may_have_a_fragment() {
    for (location, target) in [
        ("/there#here", "ws://example.com/there"),
        ("https://example.org/?q#", "wss://example.org/?q"),
        ("#top", "ws://example.com/a/b?c"),
    ] {
        let answer = format!("HTTP/1.1 302 x\r\nLocation: {location}\r\n\r\n");
        let redirect = redirect("ws://example.com/a/b?c", &answer);
        assert_eq!((redirect.location(), redirect.url()), (location, Ok(Url::parse(target).unwrap())));
    }
}

#[test]
fn a_redirect_without_one_target_is_a_refusal() {
    for fields in ["", "Location: \r\n", "Location: /a\r\nLocation: /b\r\n", "X: /a\r\n"] {
        assert_eq!(rejected(&format!("HTTP/1.1 302 Found\r\n{fields}\r\n")).status(), 302, "{fields:?}");
    }
    for status in [300, 304, 305, 306] {
        assert_eq!(rejected(&format!("HTTP/1.1 {status} x\r\nLocation: /a\r\n\r\n")).status(), status);
    }
}

proptest! {
    #[test]
    fn both_sides_understand_each_other(
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
            let answered = Extension::new(name).param("a", "1");
            offer = offer.extension(Extension::new(name).flag("a"));
            accept = accept.extension(answered.clone());
            expected = expected.extension(answered);
        }
        let url = Url::parse("ws://example.com/").unwrap();
        let (mut there, mut back) = (BytesMut::new(), BytesMut::new());
        let mut random = |buf: &mut [u8]| buf.copy_from_slice(&nonce);
        let mut handshake = ClientHandshake::new(&url, &offer, &mut random, &mut there).unwrap();
        let request = Request::parse(&mut there, HeadLimits::default()).unwrap().unwrap();
        prop_assert_eq!(accept.encode(&request, &mut back).unwrap(), expected.clone());
        match handshake.parse(&mut back).unwrap() {
            Some(Outcome::Open(response)) => prop_assert_eq!(response.into_negotiated(), expected),
            outcome => prop_assert!(false, "{:?}", outcome),
        }
    }

    #[test]
    fn every_cut_gives_the_same(
        at in any::<prop::sample::Index>(),
        change in prop::collection::vec(any::<u8>(), 0..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let mut text = ["HTTP/1.1 103 x\r\nA: b\r\n\r\n", RFC6455_RESPONSE].concat().into_bytes();
        let (from, len) = (at.index(text.len()), text.len());
        text.splice(from..(from + change.len()).min(len), change);
        text.extend_from_slice(b"\x81\x00");
        let whole = in_pieces(&text, &[]);
        let cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len())).collect();
        prop_assert_eq!(in_pieces(&text, &cuts), whole.clone());
        let bytewise: Vec<_> = (0..text.len()).collect();
        prop_assert_eq!(in_pieces(&text, &bytewise), whole);
    }
}

/// What comes of bytes in pieces, and what is left of them.
fn in_pieces(bytes: &[u8], cuts: &[usize]) -> (String, Vec<u8>) {
    came_of(handshake(), bytes, cuts)
}

fn came_of(mut handshake: ClientHandshake, bytes: &[u8], cuts: &[usize]) -> (String, Vec<u8>) {
    let mut input = BytesMut::new();
    let mut pieces = split_at_all(bytes, cuts.iter().copied()).into_iter();
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

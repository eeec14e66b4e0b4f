//! A request that is written to the output, and the same request as a value.
#![allow(clippy::unwrap_used)]

use bytes::BytesMut;
use protocol_websocket_http::{
    BuildError, Destination, ExtensionParams, HeadLimits, Offer, Request, ResponseError, ResponseHead, SentRequest,
    Version,
};

const VERSIONS: [Version; 4] = [Version::Rfc6455, Version::Hybi10, Version::Hybi00, Version::Hixie75];

fn random(buf: &mut [u8]) {
    buf.fill(7);
}

/// Offers with every header field that a request can have.
fn offers() -> Vec<Offer> {
    let mut offers = Vec::new();
    for version in VERSIONS {
        for offer in [Offer::new().version(version), Offer::new().version(version).perl_compat()] {
            let whole = offer.clone().subprotocol("chat").subprotocol("superchat").cookie("id", "7").header("X", "1");
            offers.push(whole.clone().origin("http://example.org").basic_auth("user", "password"));
            if offer.supports_extensions() {
                offers.push(whole.clone().extension(ExtensionParams::new("foo").param("a", "b")));
            } else {
                offers.push(whole.header("Origin", "http://example.net"));
            }
            offers.push(offer);
        }
    }
    offers
}

#[test]
fn written_request_is_that_of_the_value() {
    for offer in offers() {
        for secure in [false, true] {
            let destination = Destination::new("example.com", "/chat?a=b").port(81).secure(secure);
            let (mut written, mut encoded) = (BytesMut::from("before"), BytesMut::from("before"));
            let sent = offer.encode(destination, &mut random, &mut written).unwrap();
            let request = Request::offer(destination, &offer, &mut random).unwrap();
            request.encode(&mut encoded);
            assert_eq!(written, encoded, "{offer:?}");
            assert_eq!(sent, SentRequest::from(&request), "{offer:?}");
            assert_eq!((sent.version(), sent.digest()), (request.version(), request.digest()));
            assert_eq!(sent.accept(), request.key().map(|key| key.accept()));
            let scheme = if secure { "wss" } else { "ws" };
            assert_eq!(sent.url(), format!("{scheme}://example.com:81/chat?a=b"));
        }
    }
}

#[test]
fn written_request_can_be_parsed() {
    let mut output = BytesMut::new();
    let destination = Destination::new("example.com", "/chat");
    let sent = Offer::new().subprotocol("chat").encode(destination, &mut random, &mut output).unwrap();
    let request = Request::parse(&mut output, HeadLimits::default()).unwrap().unwrap();
    assert_eq!(SentRequest::from(&request), sent);
}

#[test]
fn invalid_request_writes_nothing() {
    let valid = Destination::new("example.com", "/");
    for (destination, offer, error) in [
        (Destination::new("", "/"), Offer::new(), BuildError::Host),
        (Destination::new("example.com", "chat"), Offer::new(), BuildError::ResourceName),
        (valid, Offer::new().subprotocol(""), BuildError::Subprotocol),
        (valid, Offer::new().cookie("a", "b").header("Cookie", "c=d"), BuildError::RepeatedField),
        (valid, Offer::new().header("Cookie", "a=b").header("cookie", "c=d"), BuildError::RepeatedField),
        (valid, Offer::new().basic_auth("a", "b").header("Authorization", "c"), BuildError::RepeatedField),
        (valid, Offer::new().origin("http://a").header("Origin", "http://a"), BuildError::RepeatedField),
    ] {
        let mut output = BytesMut::new();
        assert_eq!(offer.encode(destination, &mut random, &mut output).unwrap_err(), error);
        assert_eq!(Request::offer(destination, &offer, &mut random).unwrap_err(), error);
        assert!(output.is_empty());
    }
}

#[test]
fn rejects_what_was_not_offered() {
    let sent = Offer::new().encode(Destination::new("example.com", "/"), &mut random, &mut BytesMut::new()).unwrap();
    let accept = sent.accept().unwrap();
    let check = |name: &str, value: &str| {
        let fields: [(&str, &[u8]); 4] = [
            ("Upgrade", b"websocket"),
            ("Connection", b"Upgrade"),
            ("Sec-WebSocket-Accept", &accept),
            (name, value.as_bytes()),
        ];
        sent.check(ResponseHead::from_parts(101, fields).unwrap()).map(drop)
    };
    assert_eq!(check("Server", "x"), Ok(()));
    assert_eq!(check("Sec-WebSocket-Protocol", "chat"), Err(ResponseError::SubprotocolNotOffered));
    assert_eq!(check("Sec-WebSocket-Extensions", "foo"), Err(ResponseError::ExtensionNotOffered));
}

#[test]
fn debug_hides_query_and_subprotocols() {
    let destination = Destination::new("example.com", "/chat?token=SECRET");
    let offer = Offer::new().subprotocol("SECRET");
    let sent = offer.encode(destination, &mut random, &mut BytesMut::new()).unwrap();
    let shown = format!("{sent:?}");
    assert!(shown.contains("ws://example.com/chat") && !shown.contains("SECRET"), "{shown}");
}

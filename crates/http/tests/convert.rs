//! Conversions from and to the types of the `http` crate.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use bytes::{Bytes, BytesMut};
use protocol_websocket_http::{
    Accept, BuildError, Destination, ExtensionParams, HeadReader, Offer, ParseError, Reject, Request, RequestHead,
    Response, ResponseHead, Versions,
};

fn builder() -> http::request::Builder {
    http::Request::builder()
        .uri("/chat?x=1")
        .header("Host", "example.com")
        .header("Connection", "keep-alive")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
}

fn offered() -> Request {
    let offer = Offer::new().subprotocol("chat").extension(ExtensionParams::new("x"));
    Request::offer(Destination::new("example.com", "/chat"), &offer, &mut |buf: &mut [u8]| buf.fill(7)).unwrap()
}

#[test]
fn checks_a_request() {
    let request = Request::try_from(&builder().body("body of any type").unwrap()).unwrap();
    assert_eq!((request.host(), request.resource_name()), ("example.com", "/chat?x=1"));
    let absolute = builder().uri("http://other/p?q").body(()).unwrap();
    let request = Request::try_from(&absolute).unwrap();
    assert_eq!((request.host(), request.resource_name()), ("other", "/p?q"));
    let request = Request::try_from(&builder().uri("http://other").body(()).unwrap()).unwrap();
    assert_eq!((request.host(), request.resource_name()), ("other", "/"));
}

#[test]
fn rejects_invalid_requests() {
    let rejected = |builder: http::request::Builder| Request::try_from(&builder.body(()).unwrap()).unwrap_err();
    assert_eq!(rejected(builder().version(http::Version::HTTP_2)), ParseError::HttpVersion);
    assert_eq!(rejected(builder().version(http::Version::HTTP_10)), ParseError::HttpVersion);
    assert_eq!(rejected(builder().method("POST")), ParseError::Method);
    assert_eq!(rejected(builder().header("Host", "again")), ParseError::Host);
    assert_eq!(rejected(http::Request::builder()), ParseError::Host);
    assert_eq!(rejected(builder().uri("example.com:80")), ParseError::Target);
    assert_eq!(rejected(builder().uri("/\u{e9}")), ParseError::RequestLine, "valid in the http crate");
    let head = RequestHead::try_from(&builder().version(http::Version::HTTP_10).body(()).unwrap()).unwrap();
    assert_eq!(head.minor_version(), 0);
}

#[test]
fn head_keeps_its_http_version() {
    for (version, line) in
        [(http::Version::HTTP_10, "GET /chat?x=1 HTTP/1.0\r\n"), (http::Version::HTTP_11, "GET /chat?x=1 HTTP/1.1\r\n")]
    {
        let head = RequestHead::try_from(&builder().version(version).body(()).unwrap()).unwrap();
        let mut output = BytesMut::new();
        head.encode(&mut output);
        assert!(output.starts_with(line.as_bytes()), "{output:?}");
        assert_eq!(HeadReader::default().request(&mut output).unwrap().unwrap(), head);
    }
}

#[test]
fn converts_parts_like_whole_messages() {
    let whole = builder().body(()).unwrap();
    let (parts, ()) = whole.clone().into_parts();
    assert_eq!(RequestHead::try_from(&parts), RequestHead::try_from(&whole));
    assert_eq!(Request::try_from(&parts), Request::try_from(&whole));
    let (mut parts, ()) = http::Response::builder().status(404).header("A", "b").body(()).unwrap().into_parts();
    let head = ResponseHead::try_from(&parts).unwrap();
    assert_eq!((head.status(), head.headers().get_str("a")), (404, Some("b")));
    parts.version = http::Version::HTTP_2;
    assert_eq!(ResponseHead::try_from(&parts), Err(ParseError::HttpVersion));
}

#[test]
fn roundtrips_a_request() {
    let request = offered();
    let converted = http::Request::try_from(&request).unwrap();
    assert_eq!(converted.uri(), "/chat");
    let back = Request::try_from(&converted).unwrap();
    assert_eq!(back.key(), request.key());
    assert!(back.subprotocols().eq(["chat"]));
}

#[test]
fn roundtrips_a_response() {
    let accept = Accept::new().subprotocol("chat").header("A", "1").header("a", "2");
    let response = Response::accept(&offered(), &accept).unwrap();
    let converted = http::Response::try_from(&response).unwrap();
    assert_eq!(converted.status(), 101);
    assert_eq!(converted.headers().get_all("a").iter().count(), 2);
    let head = ResponseHead::try_from(&converted).unwrap();
    let back = Response::from_head(head, &offered()).unwrap();
    assert_eq!(back.negotiated(), response.negotiated());
}

#[test]
fn converts_a_rejection() {
    let converted = http::Response::<Bytes>::try_from(&Reject::from(ParseError::Version(Versions::ALL))).unwrap();
    assert_eq!(converted.status(), 426);
    assert_eq!(converted.headers()["sec-websocket-version"], "13, 8");
    assert_eq!(converted.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(converted.body(), &ParseError::Version(Versions::ALL).to_string());
    let none = http::Response::<Bytes>::try_from(&Reject::new(101));
    assert_eq!(none.map(|_| ()), Err(BuildError::Status));
}

#[test]
fn rejection_with_upgrade_has_the_connection_option() {
    for (reject, upgrade) in [
        (Reject::from(ParseError::Upgrade), Some("websocket")),
        (Reject::from(ParseError::Version(Versions::ALL)), Some("websocket")),
        (Reject::new(426).header("upgrade", "h2c"), Some("h2c")),
        (Reject::new(403), None),
    ] {
        let converted = http::Response::<Bytes>::try_from(&reject).unwrap();
        let field = |name| converted.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!((field("upgrade"), field("connection")), (upgrade, upgrade.map(|_| "Upgrade")), "{reject:?}");
    }
}

#[test]
fn rejects_more_header_fields_than_the_http_crate_accepts() {
    let converted = |count: usize| {
        let reject = Reject::new(426).header("Upgrade", "websocket").body("no");
        let reject = (0..count).fold(reject, |reject, number| reject.header(format!("x{number}"), ""));
        http::Response::<Bytes>::try_from(&reject).map(|response| response.headers().len())
    };
    // The map is full at 3/4 of 2^15 fields. `Upgrade`, `Connection` and `Content-Type` are added to these.
    let max = 24_576 - 3;
    assert_eq!(converted(max), Ok(max + 3));
    for count in max + 1..=max + 4 {
        assert_eq!(converted(count), Err(BuildError::TooLong), "{count}");
    }
}

#[test]
fn does_not_convert_a_304_with_a_body() {
    let converted = http::Response::<Bytes>::try_from(&Reject::new(304).body("no"));
    assert_eq!(converted.map(|_| ()), Err(BuildError::Body));
}

#[test]
fn rejects_responses_of_other_http_versions() {
    let mut response = http::Response::new(());
    *response.version_mut() = http::Version::HTTP_2;
    assert_eq!(ResponseHead::try_from(&response), Err(ParseError::HttpVersion));
    *response.version_mut() = http::Version::HTTP_10;
    assert_eq!(ResponseHead::try_from(&response).unwrap().minor_version(), 0);
}

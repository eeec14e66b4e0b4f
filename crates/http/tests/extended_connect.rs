//! The extended CONNECT of HTTP/2 (RFC 8441) and HTTP/3 (RFC 9220), in both roles.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use bytes::BytesMut;
use proptest::prelude::*;
use protocol_websocket_http::{
    Accept, BuildError, Destination, ExtensionParams, Headers, Negotiated, Offer, ParseError, Reject, Request,
    Response, ResponseError, ResponseHead, SetCookie, Version,
};

/// The request of RFC 8441 §5.1.
const EXAMPLE: [(&str, &str); 9] = [
    (":method", "CONNECT"),
    (":protocol", "websocket"),
    (":scheme", "https"),
    (":path", "/chat"),
    (":authority", "server.example.com"),
    ("sec-websocket-protocol", "chat, superchat"),
    ("sec-websocket-extensions", "permessage-deflate"),
    ("sec-websocket-version", "13"),
    ("origin", "http://www.example.com"),
];

fn example() -> Request {
    Request::from_fields(EXAMPLE).unwrap()
}

/// Checks the example with other values for fields. A field with the value `-` is left out.
fn with(changes: &[(&'static str, &'static str)]) -> Result<Request, ParseError> {
    let is_changed = |name: &str| changes.iter().find(|(changed, _)| *changed == name);
    let kept = EXAMPLE.iter().map(|field| is_changed(field.0).unwrap_or(field));
    let added = changes.iter().filter(|(name, _)| !EXAMPLE.iter().any(|field| field.0 == *name));
    Request::from_fields(kept.chain(added).filter(|(_, value)| *value != "-").copied())
}

fn offered() -> Request {
    let offer = Offer::new().subprotocol("chat").extension(ExtensionParams::new("permessage-deflate"));
    Request::offer_connect(Destination::new("example.com", "/chat?x=1").port(8443).secure(true), &offer).unwrap()
}

fn response(fields: &[(&str, &str)]) -> Result<Response, ResponseError> {
    Response::from_head(ResponseHead::from_parts(200, fields.iter().copied()).unwrap(), &offered())
}

fn pairs(fields: &Headers) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name, str::from_utf8(value).unwrap())).collect()
}

//= https://www.rfc-editor.org/rfc/rfc8441#section-5
//# it MUST have a value of "websocket"
#[test]
fn accepts_the_example_of_the_rfc() {
    let request = example();
    assert!(request.is_connect());
    assert_eq!(request.version(), Version::Rfc6455);
    assert_eq!((request.host(), request.resource_name()), ("server.example.com", "/chat"));
    assert!(request.subprotocols().eq(["chat", "superchat"]));
    assert_eq!(request.extensions(), [ExtensionParams::new("permessage-deflate")]);
    assert_eq!(request.origin(), Some("http://www.example.com"));
    assert!(request.key().is_none() && request.key_numbers().is_none() && request.digest().is_none());
    assert_eq!((request.head().method(), request.head().target()), ("CONNECT", "/chat"));
    assert!(!request.headers().iter().any(|(name, _)| name.starts_with(':')));

    let response = Response::accept(&request, &Accept::new().subprotocol("chat")).unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.negotiated(), &Negotiated::new().subprotocol("chat"));
    assert_eq!(pairs(&response.to_fields().unwrap()), [(":status", "200"), ("sec-websocket-protocol", "chat")]);
}

#[test]
fn accepts_fields_of_bytes_in_any_order_of_their_kind() {
    let mut fields: Vec<_> = EXAMPLE.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes().to_vec())).collect();
    fields[..5].reverse();
    fields[5..].reverse();
    assert!(Request::from_fields(fields).is_ok());
}

//= https://www.rfc-editor.org/rfc/rfc8441#section-5
//# The :protocol pseudo-header field MUST be included in the CONNECT
//# request
#[test]
fn rejects_other_methods_and_protocols() {
    for method in ["GET", "connect", "", "-"] {
        assert_eq!(with(&[(":method", method)]), Err(ParseError::ConnectMethod), "{method}");
    }
    for protocol in ["connect-udp", "WebSocket", "websocket, connect-udp", "", "-"] {
        assert_eq!(with(&[(":protocol", protocol)]), Err(ParseError::Protocol), "{protocol}");
    }
    // A request for a tunnel to another host.
    let tunnel = [(":method", "CONNECT"), (":authority", "example.com:443")];
    assert_eq!(Request::from_fields(tunnel), Err(ParseError::Protocol));
}

//= https://www.rfc-editor.org/rfc/rfc8441#section-5
//# The scheme of the target URI (Section 5.1 of [RFC7230]) MUST be
//# "https" for "wss"-schemed WebSockets and "http" for "ws"-schemed
//# WebSockets.
#[test]
fn scheme_shows_whether_the_url_is_wss() {
    assert!(with(&[(":scheme", "https")]).unwrap().is_secure());
    assert!(with(&[(":scheme", "HTTPS")]).unwrap().is_secure());
    // The scheme of the origin does not matter.
    assert!(!with(&[(":scheme", "http"), ("origin", "https://example.com")]).unwrap().is_secure());
    for secure in [false, true] {
        let destination = Destination::new("example.com", "/").secure(secure);
        let fields = Request::offer_connect(destination, &Offer::new()).unwrap().to_fields().unwrap();
        assert_eq!(fields.get_str(":scheme"), Some(if secure { "https" } else { "http" }));
    }
}

//= https://www.rfc-editor.org/rfc/rfc8441#section-4
//# On requests that contain the :protocol pseudo-header field, the
//# :scheme and :path pseudo-header fields of the target URI (see
//# Section 5) MUST also be included.
#[test]
fn rejects_invalid_targets() {
    for scheme in ["wss", "ws", "ftp", "https:", "", "-"] {
        assert_eq!(with(&[(":scheme", scheme)]), Err(ParseError::Target), "{scheme}");
    }
    for path in ["chat", "*", "/a b", "/a#b", "https://server.example.com/chat", "/\u{e9}", "", "-"] {
        assert_eq!(with(&[(":path", path)]), Err(ParseError::Target), "{path}");
    }
    assert_eq!(with(&[(":path", "/a%20b?c=d&e=/?")]).unwrap().resource_name(), "/a%20b?c=d&e=/?");
}

#[test]
fn rejects_invalid_authorities() {
    for authority in ["user@example.com", "a b", "[::1", "example.com:99999", "a/b", "", "-"] {
        assert_eq!(with(&[(":authority", authority)]), Err(ParseError::Host), "{authority}");
    }
    assert_eq!(with(&[(":authority", "[::1]:8443")]).unwrap().host(), "[::1]:8443");
    // RFC 8441 §5: the authority "is required on every HTTP/2 transaction".
    assert_eq!(with(&[(":authority", "-"), ("host", "server.example.com")]), Err(ParseError::Host));
}

//= https://www.rfc-editor.org/rfc/rfc9113#section-8.3.1
//# A server SHOULD treat a request as malformed if it contains a Host
//# header field that identifies an entity that differs
#[test]
fn host_must_be_absent_or_equal_to_the_authority() {
    assert!(with(&[("host", "Server.Example.Com")]).is_ok());
    for host in ["other.example.com", "server.example.com:443", ""] {
        assert_eq!(with(&[("host", host)]), Err(ParseError::Host), "{host}");
    }
    let both = EXAMPLE.into_iter().chain([("host", "server.example.com"), ("host", "other.example.com")]);
    assert_eq!(Request::from_fields(both), Err(ParseError::Host));
}

#[test]
fn rejects_other_versions() {
    for version in ["8", "13, 8", "013", "", "-"] {
        assert_eq!(with(&[("sec-websocket-version", version)]), Err(ParseError::ConnectVersion), "{version}");
    }
    let twice = EXAMPLE.into_iter().chain([("sec-websocket-version", "13")]);
    assert_eq!(Request::from_fields(twice), Err(ParseError::ConnectVersion));
}

#[test]
fn ignores_keys() {
    // HAProxy forwards the key of an HTTP/1.1 client.
    for key in ["dGhlIHNhbXBsZSBub25jZQ==", "not a key", ""] {
        let request = with(&[("sec-websocket-key", key), ("sec-websocket-key1", key)]).unwrap();
        assert!(request.key().is_none());
        let response = Response::accept(&request, &Accept::new()).unwrap();
        assert!(!response.headers().contains("sec-websocket-accept"));
    }
    assert!(response(&[("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]).is_ok());
}

//= https://www.rfc-editor.org/rfc/rfc8441#section-5
//# They MUST NOT be included in the CONNECT
//# request defined here.
#[test]
fn connection_specific_header_fields_are_neither_accepted_nor_written() {
    let specific = [
        ("connection", "Upgrade"),
        ("connection", ""),
        ("upgrade", "websocket"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "close"),
        ("transfer-encoding", "chunked"),
        ("te", "gzip"),
    ];
    for (name, value) in specific {
        assert_eq!(with(&[(name, value)]), Err(ParseError::ConnectionSpecific), "{name}");
        assert_eq!(response(&[(name, value)]), Err(ResponseError::ConnectionSpecific), "{name}");
        let head = ResponseHead::from_fields([(":status", "403"), (name, value)]);
        assert_eq!(head, Err(ParseError::ConnectionSpecific), "{name}");

        let offer = Offer::new().header(name.to_uppercase(), value);
        let destination = Destination::new("example.com", "/");
        assert_eq!(Request::offer_connect(destination, &offer), Err(BuildError::ReservedField), "{name}");
        let accept = Accept::new().header(name.to_uppercase(), value);
        assert_eq!(Response::accept(&example(), &accept), Err(BuildError::ReservedField), "{name}");
    }
    assert!(with(&[("te", "trailers")]).is_ok());
    for (name, _) in offered().to_fields().unwrap().iter() {
        assert!(!specific.iter().any(|other| other.0 == name) && name != "host" && name != "sec-websocket-key");
    }
}

#[test]
fn rejects_malformed_fields() {
    let rejected = |field: (&'static str, &'static str)| Request::from_fields(EXAMPLE.into_iter().chain([field]));
    for field in [
        ("Origin", "http://example.com"),
        ("X-a", "b"),
        ("", "a"),
        ("a b", "c"),
        ("a:", "b"),
        ("é", "a"),
        ("a", " b"),
        ("a", "b\t"),
        ("a", "b\r\nc: d"),
        ("a", "\0"),
        // Pseudo-header fields after header fields.
        (":protocol", "websocket"),
        (":status", "200"),
    ] {
        assert_eq!(rejected(field), Err(ParseError::Field), "{field:?}");
    }
    for first in [(":method", "CONNECT"), (":unknown", "a"), (":", "a"), (":status", "200"), (":Path", "/"), ("a", "b")]
    {
        let fields = [first].into_iter().chain(EXAMPLE);
        assert_eq!(Request::from_fields(fields), Err(ParseError::Field), "{first:?}");
    }
    let bytes = [(":method", &b"CONNECT"[..]), (":path", b"/\xFF")];
    assert_eq!(Request::from_fields(bytes), Err(ParseError::Field));
    assert_eq!(Request::from_fields([("", ""); 0]), Err(ParseError::ConnectMethod));
}

#[test]
fn applies_the_checks_of_an_upgrade() {
    assert_eq!(with(&[("content-length", "5")]), Err(ParseError::Body));
    assert!(with(&[("content-length", "0")]).is_ok());
    assert_eq!(with(&[("sec-websocket-protocol", "a, a")]), Err(ParseError::Subprotocols));
    assert_eq!(with(&[("sec-websocket-extensions", "a;;")]), Err(ParseError::Extensions));
    assert_eq!(with(&[("sec-websocket-origin", "http://other")]), Err(ParseError::Origin));
    let twice = EXAMPLE.into_iter().chain([("origin", "http://www.example.com")]);
    assert_eq!(Request::from_fields(twice), Err(ParseError::Origin));
}

#[test]
fn checks_the_origin_like_an_upgrade() {
    let request = with(&[("origin", "https://server.example.com")]).unwrap();
    assert!(request.is_same_origin(request.is_secure()));
    assert!(request.origin_is(&["https://server.example.com"]) && !example().is_same_origin(true));
}

//= https://www.rfc-editor.org/rfc/rfc9113#section-8.2.3
//# MAY be split into separate header fields, each with one or more
//# cookie-pairs.
#[test]
fn reads_cookies_from_several_fields() {
    let fields = EXAMPLE.into_iter().chain([("cookie", "a=1"), ("cookie", "b=2; c=3"), ("cookie", "a=4")]);
    let request = Request::from_fields(fields).unwrap();
    let cookies: Vec<_> = request.cookies().map(|cookie| (cookie.name().to_owned(), cookie.value().to_vec())).collect();
    let expected = [("a", "1"), ("b", "2"), ("c", "3"), ("a", "4")];
    assert!(
        cookies
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .eq(expected.map(|(name, value)| (name, value.as_bytes())))
    );
}

//= https://www.rfc-editor.org/rfc/rfc9220#section-3
//# the server SHOULD respond to the request with a 501 (Not
//# Implemented) status code
#[test]
fn refusals_have_no_connection_specific_header_fields() {
    for (error, status, field) in [
        (ParseError::Protocol, "501", None),
        (ParseError::ConnectMethod, "405", Some(("allow", "CONNECT"))),
        (ParseError::ConnectVersion, "400", Some(("sec-websocket-version", "13"))),
        (ParseError::ConnectionSpecific, "400", None),
        (ParseError::Target, "400", None),
    ] {
        let (fields, body) = Reject::from(error).to_fields().unwrap();
        assert_eq!(body, error.to_string());
        let length = body.len().to_string();
        let mut expected =
            vec![(":status", status), ("content-length", &length), ("content-type", "text/plain; charset=utf-8")];
        expected.extend(field);
        assert_eq!(pairs(&fields), expected);
    }
    let reject =
        Reject::new(426).header("Upgrade", "websocket").header("Keep-Alive", "timeout=5").header("Server", "a");
    assert_eq!(pairs(&reject.to_fields().unwrap().0), [(":status", "426"), ("content-length", "0"), ("server", "a")]);
    assert_eq!(pairs(&Reject::new(304).to_fields().unwrap().0), [(":status", "304")]);
    assert_eq!(Reject::new(200).to_fields().unwrap_err(), BuildError::Status);
}

#[test]
fn http_1_1_cannot_carry_the_response() {
    let mut output = BytesMut::new();
    assert_eq!(Accept::new().encode(&example(), &mut output), Err(BuildError::Connect));
    assert!(output.is_empty());
}

#[test]
fn only_an_extended_connect_has_fields() {
    let mut random = |buf: &mut [u8]| buf.fill(7);
    let request = Request::offer(Destination::new("example.com", "/"), &Offer::new(), &mut random).unwrap();
    assert!(!request.is_connect() && request.to_fields().is_none());
    assert!(Response::accept(&request, &Accept::new()).unwrap().to_fields().is_none());
}

#[test]
fn writes_the_fields_of_a_request() {
    let offer = Offer::new()
        .subprotocol("chat")
        .extension(ExtensionParams::new("permessage-deflate").flag("client_max_window_bits"))
        .origin("https://example.com")
        .cookie("a", "1")
        .cookie("b", "2")
        .header("X-Room", "5")
        .basic_auth("Aladdin", "open sesame");
    let request = Request::offer_connect(Destination::new("example.com", "/chat").port(80), &offer).unwrap();
    assert_eq!(
        pairs(&request.to_fields().unwrap()),
        [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "http"),
            (":authority", "example.com"),
            (":path", "/chat"),
            ("sec-websocket-protocol", "chat"),
            ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"),
            ("sec-websocket-version", "13"),
            ("origin", "https://example.com"),
            ("cookie", "a=1; b=2"),
            ("x-room", "5"),
            ("authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ]
    );
}

#[test]
fn rejects_offers_that_cannot_be_written() {
    let built = |host, path, offer: Offer| Request::offer_connect(Destination::new(host, path), &offer).unwrap_err();
    assert_eq!(built("a b", "/", Offer::new()), BuildError::Host);
    assert_eq!(built("a", "b", Offer::new()), BuildError::ResourceName);
    assert_eq!(built("a", "/", Offer::new().header("x", "\r\n")), BuildError::Field);
    assert_eq!(built("a", "/", Offer::new().cookie("$a", "b")), BuildError::Cookie);
    for version in [Version::Hybi10, Version::Hybi00, Version::Hixie75] {
        assert_eq!(built("a", "/", Offer::new().version(version)), BuildError::Version);
    }
    assert_eq!(
        built("a", "/", Offer::new().origin("http://a").header("Origin", "http://b")),
        BuildError::RepeatedField
    );
    assert_eq!(built("a", "/", Offer::new().cookie("a", "b").header("cookie", "c=d")), BuildError::RepeatedField);
}

#[test]
fn response_selects_what_the_client_offered() {
    let selected =
        response(&[("sec-websocket-protocol", "chat"), ("sec-websocket-extensions", "permessage-deflate; a")]);
    let expected =
        Negotiated::new().subprotocol("chat").extension(ExtensionParams::new("permessage-deflate").flag("a"));
    assert_eq!(selected.unwrap().into_negotiated(), expected);
    assert_eq!(response(&[]).unwrap().into_negotiated(), Negotiated::new());
    // RFC 9110 §9.3.6: a client ignores the length of a successful response to CONNECT.
    assert!(response(&[("content-length", "5")]).is_ok());

    assert_eq!(response(&[("sec-websocket-protocol", "other")]), Err(ResponseError::SubprotocolNotOffered));
    assert_eq!(response(&[("sec-websocket-extensions", "other")]), Err(ResponseError::ExtensionNotOffered));
    assert_eq!(response(&[("sec-websocket-extensions", "a;;")]), Err(ResponseError::Extensions));
    let not_offered = Accept::new().subprotocol("other");
    assert_eq!(Response::accept(&offered(), &not_offered), Err(BuildError::SubprotocolNotOffered));
}

#[test]
fn only_2xx_opens_the_connection() {
    for status in 0..=999 {
        let head = ResponseHead::from_parts(status, [("a", "b")]).unwrap();
        let expected = if (200..=299).contains(&status) { Ok(status) } else { Err(ResponseError::Status) };
        assert_eq!(Response::from_head(head, &offered()).map(|response| response.status()), expected);
    }
}

#[test]
fn reads_the_status_from_the_fields() {
    let head = ResponseHead::from_fields([(":status", "404"), ("server", "a")]).unwrap();
    assert_eq!((head.status(), head.reason(), head.minor_version()), (404, "", 1));
    assert_eq!(pairs(head.headers()), [("server", "a")]);
    for status in ["", "20", "2000", "+20", "2 0", "abc", "٢٠٠"] {
        assert_eq!(ResponseHead::from_fields([(":status", status)]), Err(ParseError::ResponseLine), "{status}");
    }
    assert_eq!(ResponseHead::from_fields([("", ""); 0]), Err(ParseError::ResponseLine));
    for fields in
        [[(":status", "200"), (":status", "200")], [("a", "b"), (":status", "200")], [(":path", "/"), ("a", "b")]]
    {
        assert_eq!(ResponseHead::from_fields(fields), Err(ParseError::Field));
    }
}

#[test]
fn names_in_a_response_are_in_lower_case() {
    let accept = Accept::new().header("Server", "A").cookie(SetCookie::new("a", "1")).cookie(SetCookie::new("b", "2"));
    for accept in [accept.clone(), accept.perl_compat().secure(true)] {
        let response = Response::accept(&example(), &accept).unwrap();
        let expected = [(":status", "200"), ("server", "A"), ("set-cookie", "a=1"), ("set-cookie", "b=2")];
        assert_eq!(pairs(&response.to_fields().unwrap()), expected);
    }
}

#[test]
fn client_and_server_agree() {
    let offer = ExtensionParams::new("permessage-deflate").flag("client_max_window_bits");
    let offer = Offer::new().subprotocol("chat").extension(offer).cookie("a", "1");
    for destination in [Destination::new("example.com", "/"), Destination::new("[::1]", "/a?b").port(8443).secure(true)]
    {
        let sent = Request::offer_connect(destination, &offer).unwrap();
        let received = Request::from_fields(&sent.to_fields().unwrap()).unwrap();
        assert_eq!(received, sent);
        assert_eq!((received.is_secure(), received.host()), (destination.secure, &*destination.authority()));

        let deflate = ExtensionParams::new("permessage-deflate").param("client_max_window_bits", "11");
        let accept = Accept::new().subprotocol("chat").extension(deflate.clone());
        let response = Response::accept(&received, &accept).unwrap();
        let head = ResponseHead::from_fields(&response.to_fields().unwrap()).unwrap();
        let checked = Response::from_head(head, &sent).unwrap();
        assert_eq!(checked.negotiated(), response.negotiated());
        assert_eq!(checked.negotiated(), &Negotiated::new().subprotocol("chat").extension(deflate));
    }
}

#[test]
fn requests_for_other_targets_differ() {
    assert_eq!(example(), example());
    for change in [(":authority", "other"), (":path", "/other"), (":scheme", "http"), ("origin", "http://other")] {
        assert_ne!(with(&[change]).unwrap(), example(), "{change:?}");
    }
}

#[test]
fn debug_hides_secrets() {
    let shown = format!("{:?}", with(&[(":path", "/chat?token=secret"), ("cookie", "a=secret")]).unwrap());
    assert!(shown.contains("CONNECT") && shown.contains("/chat") && !shown.contains("secret"), "{shown}");
    let shown = format!("{:?}", with(&[(":path", "/?token=secret")]).unwrap().to_fields().unwrap());
    assert!(!shown.contains("secret"), "{shown}");
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let known = EXAMPLE.map(|field| field.0.as_bytes().to_vec());
    let others = [&b":status"[..], b"cookie", b"host", b"te", b"upgrade", b"content-length", b"sec-websocket-key"];
    prop_oneof![
        8 => prop::sample::select(known.to_vec()),
        2 => prop::sample::select(others.map(<[u8]>::to_vec).to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let known = EXAMPLE.map(|field| field.1.as_bytes().to_vec());
    prop_oneof![4 => prop::sample::select(known.to_vec()), 1 => prop::collection::vec(any::<u8>(), 0..8)]
}

proptest! {
    #[test]
    fn no_fields_cause_a_panic(
        mut fields in prop::collection::vec((name(), value()), 0..16),
        kept in 0..=EXAMPLE.len(),
    ) {
        let example = EXAMPLE.iter().take(kept).map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        fields.splice(0..0, example);
        if let Ok(request) = Request::from_fields(fields.iter().map(|(name, value)| (name, value))) {
            let fields = request.to_fields().unwrap();
            prop_assert_eq!(Request::from_fields(&fields).unwrap(), request.clone());
            let _ = (request.cookies().count(), request.subprotocols().count(), request.extensions().len());
            let response = Response::accept(&request, &Accept::new()).unwrap();
            prop_assert!(Response::from_head(response.head().clone(), &request).is_ok());
        }
        if let Ok(head) = ResponseHead::from_fields(fields.iter().map(|(name, value)| (name, value))) {
            let _ = Response::from_head(head, &offered());
        }
    }
}

#[cfg(feature = "http")]
mod http_types {
    use super::*;
    use ::http::Version as HttpVersion;
    use bytes::Bytes;

    fn builder() -> ::http::request::Builder {
        ::http::Request::builder()
            .method("CONNECT")
            .version(HttpVersion::HTTP_2)
            .uri("https://server.example.com/chat?x=1")
            .header("sec-websocket-version", "13")
            .header("cookie", "a=1")
            .header("cookie", "b=2")
    }

    #[test]
    fn checks_a_request() {
        let request = builder().body("any body").unwrap();
        let checked = Request::from_connect(&request, Some("websocket")).unwrap();
        assert_eq!((checked.host(), checked.resource_name()), ("server.example.com", "/chat?x=1"));
        assert!(checked.is_secure() && checked.cookies().count() == 2);
        let (parts, _body) = request.into_parts();
        assert_eq!(Request::from_connect_parts(&parts, Some("websocket")).unwrap(), checked);
    }

    #[test]
    fn rejects_invalid_requests() {
        let rejected = |builder: ::http::request::Builder, protocol| {
            Request::from_connect(&builder.body(()).unwrap(), protocol).unwrap_err()
        };
        let websocket = Some("websocket");
        assert_eq!(rejected(builder(), None), ParseError::Protocol);
        assert_eq!(rejected(builder(), Some("connect-udp")), ParseError::Protocol);
        assert_eq!(rejected(builder().method("GET"), websocket), ParseError::ConnectMethod);
        assert_eq!(rejected(builder().uri("/chat"), websocket), ParseError::Target);
        assert_eq!(rejected(builder().uri("server.example.com:443"), websocket), ParseError::Target);
        assert_eq!(rejected(builder().uri("ftp://server.example.com/"), websocket), ParseError::Target);
        assert_eq!(rejected(builder().uri("https://user@server.example.com/"), websocket), ParseError::Host);
        assert_eq!(rejected(builder().header("upgrade", "websocket"), websocket), ParseError::ConnectionSpecific);
        let reject = Reject::from(rejected(builder().header("host", "other"), websocket));
        let response = ::http::Response::<Bytes>::try_from(&reject).unwrap();
        assert_eq!(response.status(), 400);
        assert!(!response.headers().contains_key("connection") && !response.headers().contains_key("upgrade"));
    }

    #[test]
    fn converts_request_and_response() {
        let sent = ::http::Request::try_from(&offered()).unwrap();
        assert_eq!((sent.method(), sent.version()), (&::http::Method::CONNECT, HttpVersion::HTTP_2));
        assert_eq!(sent.uri(), "https://example.com:8443/chat?x=1");
        let received = Request::from_connect(&sent, Some("websocket")).unwrap();
        assert_eq!(received, offered());

        let accept = Accept::new().subprotocol("chat");
        let response = ::http::Response::try_from(&Response::accept(&received, &accept).unwrap()).unwrap();
        assert_eq!((response.status().as_u16(), response.headers().len()), (200, 1));
        let head = ResponseHead::from_parts(response.status().as_u16(), response.headers()).unwrap();
        let checked = Response::from_head(head, &offered()).unwrap();
        assert_eq!(checked.negotiated().subprotocol.as_deref(), Some("chat"));
    }
}

//! The checks of an upgrade request, one by one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::hash::{BuildHasher, RandomState};

use bytes::BytesMut;
use proptest::prelude::*;
use protocol_websocket_http::{
    BuildError, Destination, ExtensionParams, HeadLimits, Headers, Key, Offer, ParseError, Request, RequestHead,
    SetCookie, Version, Versions,
};
use test_support::heads::{RFC6455_REQUEST, sample_nonce};

const FIELDS: [(&str, &str); 5] = [
    ("Host", "example.com"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
];

fn parse(text: &str) -> Result<Request, ParseError> {
    Request::parse(&mut BytesMut::from(text), HeadLimits::default()).map(|request| request.expect("a whole head"))
}

/// Checks a valid request in which the header fields of this name have these values.
fn with(name: &str, values: &[&str]) -> Result<Request, ParseError> {
    let others = FIELDS.into_iter().filter(|field| !field.0.eq_ignore_ascii_case(name));
    Request::from_parts("GET", "/", others.chain(values.iter().map(|value| (name, *value))))
}

/// Checks a valid request for this target.
fn at(target: &str) -> Result<Request, ParseError> {
    Request::from_parts("GET", target, FIELDS)
}

fn offer(offer: &Offer) -> Result<Request, BuildError> {
    Request::offer(Destination::new("example.com", "/"), offer, &mut sample_nonce)
}

fn text(request: &Request) -> String {
    let mut output = BytesMut::new();
    request.encode(&mut output);
    String::from_utf8(output.to_vec()).unwrap()
}

#[test]
fn parses_the_example_of_the_rfc() {
    let request = parse(RFC6455_REQUEST).unwrap();
    assert_eq!(request.version().number(), Some(13));
    assert_eq!(request.resource_name(), "/chat");
    assert_eq!(request.host(), "server.example.com");
    assert_eq!(request.origin(), Some("http://example.com"));
    assert!(request.subprotocols().eq(["chat", "superchat"]));
    assert_eq!(&request.key().unwrap().accept(), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(text(&request), RFC6455_REQUEST);
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# The method of the request MUST be GET, and the HTTP version MUST be at least 1.1.
//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# The request MUST contain an |Upgrade| header field whose value MUST include the "websocket"
//# keyword.
//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# The request MUST contain a |Connection| header field whose value MUST include the "Upgrade"
//# token.
//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# The request MUST include a header field with the name |Sec-WebSocket-Key|.
//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# The request MUST include a header field with the name |Sec-WebSocket-Version|.
//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# The value of this header field MUST be 13.
#[test]
fn builds_the_example_of_the_rfc() {
    let wanted = Offer::new().origin("http://example.com").subprotocol("chat").subprotocol("superchat");
    let request = Request::offer(Destination::new("server.example.com", "/chat"), &wanted, &mut sample_nonce).unwrap();
    assert_eq!(text(&request), RFC6455_REQUEST);
}

#[test]
fn rejects_unknown_versions_with_the_supported_ones() {
    // The example of RFC 6455 §4.4, completed with the header fields that it omits.
    let request = concat!(
        "GET /chat HTTP/1.1\r\n",
        "Host: server.example.com\r\n",
        "Upgrade: websocket\r\n",
        "Connection: Upgrade\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "Sec-WebSocket-Version: 25\r\n",
        "\r\n",
    );
    let error = parse(request).unwrap_err();
    assert_eq!(error, ParseError::Version(Versions::ALL));
    let mut output = BytesMut::new();
    error.reply(&mut output);
    assert!(String::from_utf8_lossy(&output).contains("\r\nSec-WebSocket-Version: 13, 8\r\n"));
}

#[test]
fn removes_a_request_from_the_front() {
    let mut input = BytesMut::from(&*format!("{RFC6455_REQUEST}\u{1}more"));
    assert!(Request::parse(&mut input, HeadLimits::default()).unwrap().is_some());
    assert_eq!(input, "\u{1}more");
    let mut input = BytesMut::from(&RFC6455_REQUEST[..RFC6455_REQUEST.len() - 1]);
    assert_eq!(Request::parse(&mut input, HeadLimits::default()), Ok(None));
    assert_eq!(input.len(), RFC6455_REQUEST.len() - 1);
}

#[test]
fn compares_and_hashes_heads() {
    let state = RandomState::new();
    assert_eq!(at("/"), at("/"));
    assert_eq!(state.hash_one(at("/").unwrap()), state.hash_one(at("/").unwrap()));
    assert_ne!(state.hash_one(at("/").unwrap()), state.hash_one(at("/x").unwrap()));
    assert_ne!(at("/"), at("/x"));
    assert_ne!(at("/"), with("Origin", &["null"]));
}

#[test]
fn rejects_methods_other_than_get() {
    for method in ["POST", "HEAD", "get", "CONNECT"] {
        assert_eq!(Request::from_parts(method, "/", FIELDS), Err(ParseError::Method), "{method}");
    }
    assert_eq!(parse(&RFC6455_REQUEST.replace("HTTP/1.1", "HTTP/1.0")), Err(ParseError::HttpVersion));
}

#[test]
fn requires_exactly_one_valid_host() {
    assert_eq!(with("Host", &[]), Err(ParseError::Host));
    assert_eq!(with("Host", &["a", "a"]), Err(ParseError::Host));
    for bad in ["", "a b", "a/b", "u@a", "a, b:c", "a:99999", "[::1"] {
        assert_eq!(with("Host", &[bad]), Err(ParseError::Host), "{bad:?}");
    }
    for good in ["0", "a:80", "[::1]:3000"] {
        assert_eq!(with("Host", &[good]).unwrap().host(), good);
    }
}

#[test]
fn accepts_paths_and_absolute_targets() {
    for (target, host, resource_name) in [
        ("/", "example.com", "/"),
        ("/a?b=c&d=%00", "example.com", "/a?b=c&d=%00"),
        ("//a/b", "example.com", "//a/b"),
        ("/a://b", "example.com", "/a://b"),
        ("http://h/p", "h", "/p"),
        ("HTTPS://[::1]:8443/p?q://r", "[::1]:8443", "/p?q://r"),
        ("http://h", "h", "/"),
        ("http://h?q/r", "h", "/?q/r"),
    ] {
        let request = at(target).unwrap();
        assert_eq!((request.host(), request.resource_name()), (host, resource_name), "{target}");
        assert_eq!(request.head().target(), target);
        // The path that is added to an absolute target is not part of the head.
        assert_eq!(parse(&text(&request)).unwrap(), request, "{target}");
    }
    for target in [
        "*",
        "a",
        "?q",
        "example.com:80",
        "/a#b",
        "http://h/#b",
        "http://h#b",
        "http:///p",
        "http://u@h/",
        "ftp://h/p",
        "://h/p",
        "ws://h/p",
    ] {
        assert_eq!(at(target), Err(ParseError::Target), "{target}");
    }
}

#[test]
fn rejects_a_body() {
    assert!(with("Content-Length", &["0"]).is_ok());
    assert!(with("Content-Length", &["00", "0"]).is_ok());
    for bad in ["1", "8", "", "-0", "+0", "0, 1", "0x0"] {
        assert_eq!(with("Content-Length", &[bad]), Err(ParseError::Body), "{bad:?}");
    }
    assert_eq!(with("Content-Length", &["0", "5"]), Err(ParseError::Body));
    for coding in ["chunked", "identity", ""] {
        assert_eq!(with("Transfer-Encoding", &[coding]), Err(ParseError::Body), "{coding:?}");
    }
}

#[test]
fn finds_whole_tokens_in_upgrade_and_connection() {
    for good in [&["websocket"][..], &["WebSocket"], &["h2c, websocket"], &["h2c", ",\twebsocket ,"]] {
        assert!(with("Upgrade", good).is_ok(), "{good:?}");
    }
    for bad in [
        &[][..],
        &[""],
        &["h2c"],
        &["websocketx"],
        &["xwebsocket"],
        &["web socket"],
        &["websocket/13"],
        &["web\u{17F}ocket"],
        &["\"websocket\""],
    ] {
        assert_eq!(with("Upgrade", bad), Err(ParseError::Upgrade), "{bad:?}");
    }
    for good in [&["upgrade"][..], &["keep-alive, Upgrade"], &["keep-alive", "UPGRADE"], &["a,upgrade,b"]] {
        assert!(with("Connection", good).is_ok(), "{good:?}");
    }
    for bad in [&[][..], &["keep-alive"], &["Upgraded"], &["close; upgrade"], &["up grade"]] {
        assert_eq!(with("Connection", bad), Err(ParseError::Connection), "{bad:?}");
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
//# If this version does not match a version understood by the server
//= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.5
//# the |Sec-WebSocket-Version| header field MUST NOT appear more than once in an HTTP request.
#[test]
fn requires_exactly_one_version_of_13_or_8() {
    for bad in [
        &[][..],
        &[""],
        &["013"],
        &["+13"],
        &["13.0"],
        &["4294967309"],
        &["13, 8"],
        &["08"],
        &["7"],
        &["13", "13"],
        &["13", "8"],
        &["\u{FF11}3"],
    ] {
        assert_eq!(with("Sec-WebSocket-Version", bad), Err(ParseError::Version(Versions::ALL)), "{bad:?}");
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.1
//# The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an HTTP request.
#[test]
fn requires_exactly_one_key_of_16_bytes() {
    assert!(with("sec-websocket-KEY", &["AQIDBAUGBwgJCgsMDQ4PEC=="]).is_ok());
    let key = FIELDS[3].1;
    for bad in [&[][..], &[""], &["abc"], &[key, key], &["dGhlIHNhbXBsZSBub25jZQ"], &["dGhlIHNhbXBsZSBub25jZQ==, x"]] {
        assert_eq!(with("Sec-WebSocket-Key", bad), Err(ParseError::Key), "{bad:?}");
    }
}

#[test]
fn rejects_keys_of_two_versions() {
    for name in ["Sec-WebSocket-Key1", "sec-websocket-key2"] {
        assert_eq!(with(name, &["x"]), Err(ParseError::MixedKeys));
        let without_version = FIELDS.into_iter().take(4).chain([(name, "x")]);
        assert_eq!(Request::from_parts("GET", "/", without_version), Err(ParseError::MixedKeys));
        let without_key = FIELDS.into_iter().filter(|field| field.0 != "Sec-WebSocket-Key").chain([(name, "x")]);
        assert_eq!(Request::from_parts("GET", "/", without_key), Err(ParseError::MixedKeys));
        let alone = FIELDS.into_iter().take(3).chain([(name, "x")]);
        assert_eq!(Request::from_parts("GET", "/", alone), Err(ParseError::Key));
    }
}

#[test]
fn accepts_at_most_one_origin() {
    assert_eq!(with("Origin", &[]).unwrap().origin(), None);
    assert_eq!(with("Origin", &["null"]).unwrap().origin(), Some("null"));
    assert_eq!(with("Origin", &["http://a", "http://a"]), Err(ParseError::Origin));
}

#[test]
fn lists_and_invalid_origins_never_match() {
    let allowed = ["http://example.com", "https://example.com", "null", ""];
    for unusual in
        ["http://example.com http://example.com", "http://é", "\"http://example.com\"", "http://example.com\t/", ""]
    {
        let request = with("Origin", &[unusual]).unwrap();
        assert_eq!(request.origin(), Some(unusual));
        assert!(!request.origin_is(&allowed), "{unusual}");
        assert!(!request.is_same_origin(false) && !request.is_same_origin(true), "{unusual}");
    }
    // An origin that is not UTF-8 must not look like a missing one, which applications may accept.
    let headers =
        FIELDS.map(|(name, value)| (name, value.as_bytes())).into_iter().chain([("Origin", &b"http://\xE9"[..])]);
    assert_eq!(Request::from_parts("GET", "/", headers), Err(ParseError::Origin));
}

#[test]
fn compares_whole_origins() {
    let from = |origin: &str| with("Origin", &[origin]).unwrap();
    assert!(from("https://example.com").origin_is(&["https://a", "https://EXAMPLE.com"]));
    assert!(!from("https://example.com.evil").origin_is(&["https://example.com"]));
    assert!(!from("https://example.com").origin_is(&[]));
    assert!(!with("Origin", &[]).unwrap().origin_is(&["https://example.com"]));
    assert!(from("https://example.com").is_same_origin(true));
    assert!(!from("https://evil.example.com").is_same_origin(true));
    assert!(!with("Origin", &[]).unwrap().is_same_origin(true));
}

#[test]
fn requires_unique_subprotocol_tokens() {
    let offered = |values: &[&str]| with("Sec-WebSocket-Protocol", values);
    assert!(offered(&["a, b", ",c,"]).unwrap().subprotocols().eq(["a", "b", "c"]));
    assert!(offered(&["a, A"]).is_ok());
    for bad in [&[""][..], &[","], &["a b"], &["a;b"], &["a, a"], &["a", "a"], &["é"], &["a\"b\""]] {
        assert_eq!(offered(bad), Err(ParseError::Subprotocols), "{bad:?}");
    }
    let many = |count: usize| (0..count).map(|number| format!("p{number}")).collect::<Vec<_>>().join(",");
    assert!(offered(&[&many(64)]).is_ok());
    assert_eq!(offered(&[&many(65)]), Err(ParseError::Subprotocols));
}

#[test]
fn selects_a_subprotocol_in_the_order_of_the_server() {
    let request = with("Sec-WebSocket-Protocol", &["a, b"]).unwrap();
    assert_eq!(request.select_subprotocol(&["c", "b", "a"]), Some("b"));
    assert_eq!(request.select_subprotocol(&["a", "b"]), Some("a"));
    assert_eq!(request.select_subprotocol(&["A", "c"]), None);
    assert_eq!(request.select_subprotocol(&[]), None);
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
//# the recipient of such malformed data MUST immediately _Fail the WebSocket Connection_.
#[test]
fn parses_extensions_and_rejects_malformed_lists() {
    let request = with("Sec-WebSocket-Extensions", &["a; b=1, c", "a"]).unwrap();
    let expected = [ExtensionParams::new("a").param("b", "1"), ExtensionParams::new("c"), ExtensionParams::new("a")];
    assert_eq!(request.extensions(), expected);
    assert_eq!(at("/").unwrap().extensions(), []);
    for bad in ["", "a; b=\"\\c\\c\\c", "x; y=\",permessage-deflate,\""] {
        assert_eq!(with("Sec-WebSocket-Extensions", &[bad]), Err(ParseError::Extensions), "{bad:?}");
    }
}

#[test]
fn reads_cookies_of_all_fields() {
    let request = with("Cookie", &["a=1; b=2", "c=3"]).unwrap();
    let cookies: Vec<_> = request.cookies().map(|cookie| (cookie.name(), cookie.value())).collect();
    assert_eq!(cookies, [("a", &b"1"[..]), ("b", b"2"), ("c", b"3")]);
}

#[test]
fn invalid_utf8_in_a_cookie_keeps_the_other_cookies() {
    let field = ("Cookie", &b"a=1; b=\xFF; \xE9=2; c=3"[..]);
    let headers = FIELDS.map(|(name, value)| (name, value.as_bytes())).into_iter().chain([field]);
    let request = Request::from_parts("GET", "/", headers).unwrap();
    let cookies: Vec<_> = request.cookies().map(|cookie| (cookie.name(), cookie.value())).collect();
    assert_eq!(cookies, [("a", &b"1"[..]), ("b", b"\xFF"), ("c", b"3")]);
}

#[test]
fn quotes_do_not_hide_other_cookies() {
    let request = with("Cookie", &["theme=\"a; session=SECRET; z=b\""]).unwrap();
    let cookies: Vec<_> = request.cookies().map(|cookie| (cookie.name(), cookie.value_str().unwrap())).collect();
    assert_eq!(cookies, [("theme", "\"a"), ("session", "SECRET"), ("z", "b\"")]);
}

#[test]
fn perl_compat_allows_cookie_names_with_a_dollar_sign() {
    let request = offer(&Offer::new().cookie("$Version", "1").cookie("a", "b").perl_compat()).unwrap();
    assert_eq!(request.headers().get_str("cookie"), Some("$Version=1; a=b"));
}

/// A server may set values in quotes, and of any octets.
#[test]
fn returns_cookies_unchanged() {
    for value in [&b"7"[..], b"\"7 8\"", b"Andr\xE9", b"a=b,c\\d", b""] {
        let set = SetCookie::parse(&[b"id=", value, b"; Path=/"].concat()).unwrap();
        let request = offer(&Offer::new().cookie(set.name(), set.value())).unwrap();
        let mut wire = BytesMut::new();
        request.encode(&mut wire);
        let arrived = Request::parse(&mut wire, HeadLimits::default()).unwrap().unwrap();
        assert!(arrived.cookies().map(|cookie| (cookie.name(), cookie.value())).eq([("id", value)]));
    }
}

#[test]
fn first_broken_rule_is_the_error() {
    // A browser that visits the URL: 426.
    let visit = RequestHead::from_parts("GET", "/", [("Host", "a"), ("Accept", "text/html")]).unwrap();
    assert_eq!(Request::from_head(visit).unwrap_err().status(), 426);
    // Another version may have another form of key, so that the version is the error.
    let other =
        FIELDS.into_iter().filter(|field| !field.0.starts_with("Sec-")).chain([("Sec-WebSocket-Version", "14")]);
    assert_eq!(Request::from_parts("GET", "/", other), Err(ParseError::Version(Versions::ALL)));
    // An HTML form that is sent to this URL: 405.
    assert_eq!(Request::from_parts("POST", "/", [("Host", "a"), ("Content-Length", "3")]).unwrap_err().status(), 405);
}

#[test]
fn writes_all_values_of_an_offer() {
    let wanted = Offer::new()
        .subprotocol("a")
        .extension(ExtensionParams::new("x").flag("y"))
        .extension(ExtensionParams::new("z").param("p", "1"))
        .cookie("id", "7 8")
        .cookie("theme", "")
        .basic_auth("Aladdin", "open sesame")
        .header("User-Agent", "me/1");
    let expected = concat!(
        "GET / HTTP/1.1\r\n",
        "Host: example.com\r\n",
        "Upgrade: websocket\r\n",
        "Connection: Upgrade\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "Sec-WebSocket-Protocol: a\r\n",
        "Sec-WebSocket-Version: 13\r\n",
        "Sec-WebSocket-Extensions: x; y, z; p=1\r\n",
        "Cookie: id=7 8; theme=\r\n",
        "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n",
        "User-Agent: me/1\r\n",
        "\r\n",
    );
    assert_eq!(text(&offer(&wanted).unwrap()), expected);
    assert!(!format!("{wanted:?}").contains("QWxh"));
}

#[test]
fn rejects_more_extensions_than_servers_read() {
    let with =
        |count: usize| (0..count).fold(Offer::new(), |offer, _| offer.extension(ExtensionParams::new("x").flag("y")));
    assert!(offer(&with(ExtensionParams::MAX_ITEMS / 2)).is_ok());
    assert_eq!(offer(&with(ExtensionParams::MAX_ITEMS / 2 + 1)), Err(BuildError::Extension));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# The elements that comprise this value MUST be non-empty strings
#[test]
fn rejects_values_that_would_inject_into_a_request() {
    for host in ["", "a\r\nX: y", "a b", "a\0", "a/b", "é"] {
        let result = Request::offer(Destination::new(host, "/"), &Offer::new(), &mut sample_nonce);
        assert_eq!(result, Err(BuildError::Host), "{host:?}");
    }
    for resource_name in ["", "a", "?q", "/ HTTP/1.1\r\nX: y", "/a b", "/\0", "/é", "/a#b"] {
        let result = Request::offer(Destination::new("a", resource_name), &Offer::new(), &mut sample_nonce);
        assert_eq!(result, Err(BuildError::ResourceName), "{resource_name:?}");
    }
    let new = Offer::new;
    for (wanted, error) in [
        (new().subprotocol("a\r\nX: y"), BuildError::Subprotocol),
        (new().subprotocol("a, b"), BuildError::Subprotocol),
        (new().subprotocol(""), BuildError::Subprotocol),
        (new().subprotocol("a").subprotocol("a"), BuildError::SubprotocolRepeated),
        (new().extension(ExtensionParams::new("a\n")), BuildError::Extension),
        (new().origin("http://a\r\nX: y"), BuildError::Origin),
        (new().origin(""), BuildError::Origin),
        (new().origin("http://a "), BuildError::Origin),
        (new().header("Origin", ""), BuildError::Origin),
        (new().header("origin", b"\xE9"), BuildError::Origin),
        (new().cookie("a", "b\r\nX: y"), BuildError::Cookie),
        (new().cookie("a", "b; c=d"), BuildError::Cookie),
        (new().cookie("a", "\"b"), BuildError::Cookie),
        (new().cookie("$Version", "1"), BuildError::Cookie),
        (new().cookie("a", "b").cookie("$Path", "/").header("X", "y"), BuildError::Cookie),
        (new().cookie("a", "b\"c"), BuildError::Cookie),
        (new().cookie("a", "\"b\\\""), BuildError::Cookie),
        (new().basic_auth("a:b", "c"), BuildError::Credentials),
        (new().basic_auth("a", "c\n"), BuildError::Credentials),
        (new().header("X", "a\r\nY: b"), BuildError::Field),
        (new().header("X\r\nY", "b"), BuildError::Field),
        (new().header("X", "a\0"), BuildError::Field),
        (new().header("X", " a"), BuildError::Field),
        (new().header("X", "a "), BuildError::Field),
        (new().header("host", "b"), BuildError::ReservedField),
        (new().header("UPGRADE", "b"), BuildError::ReservedField),
        (new().header("connection", "b"), BuildError::ReservedField),
        (new().header("Content-Length", "0"), BuildError::ReservedField),
        (new().header("Transfer-Encoding", "chunked"), BuildError::ReservedField),
        (new().header("sec-websocket-anything", "b"), BuildError::ReservedField),
        (new().origin("a").header("Origin", "b"), BuildError::RepeatedField),
        (new().version(Version::Hybi10).origin("a").header("Origin", "b"), BuildError::RepeatedField),
        (new().cookie("a", "b").header("cookie", "c=d"), BuildError::RepeatedField),
        (new().basic_auth("a", "b").header("Authorization", "c"), BuildError::RepeatedField),
        // The first error is returned.
        (new().origin("").subprotocol(""), BuildError::Origin),
    ] {
        assert_eq!(offer(&wanted), Err(error), "{wanted:?}");
    }
    assert!(offer(&new().header("Cookie", "a=b").header("Origin", "c")).is_ok());
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# MUST be a nonce consisting of a randomly selected 16-byte value that has been base64-encoded
//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# The nonce MUST be selected randomly for each connection.
#[test]
fn each_request_has_its_own_key() {
    let mut count = 0;
    let mut random = |buf: &mut [u8]| {
        count += 1;
        buf.fill(count);
    };
    let mut key = || Request::offer(Destination::new("a", "/"), &Offer::new(), &mut random).unwrap().key().unwrap();
    let keys: [Key; 2] = [key(), key()];
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn key_is_displayed_as_its_text() {
    let key: Key = "dGhlIHNhbXBsZSBub25jZQ==".parse().unwrap();
    let text: &str = key.as_ref();
    assert_eq!(text, "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(format!("{key:>26}"), "  dGhlIHNhbXBsZSBub25jZQ==");
}

#[test]
fn request_is_small() {
    assert!(size_of::<Request>() <= 128, "{}", size_of::<Request>());
    assert!(size_of::<Headers>() <= 64, "{}", size_of::<Headers>());
}

proptest! {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# The handshake MUST be a valid HTTP request as specified by [RFC2616].
    #[test]
    fn roundtrips_requests(
        host in "[a-z0-9.-]{1,20}(:[0-9]{1,4})?",
        resource_name in "/[!-\"$-~]{0,30}",
        subprotocols in prop::collection::btree_set("[A-Za-z0-9.-]{1,8}", 0..5),
        extensions in prop::collection::vec(("[a-z-]{1,8}", "[a-z]{1,8}", "[0-9]{0,2}"), 0..5),
        nonce in any::<[u8; 16]>(),
    ) {
        let mut wanted = Offer::new();
        for name in &subprotocols {
            wanted = wanted.subprotocol(name);
        }
        for (name, param, value) in &extensions {
            let extension = ExtensionParams::new(name);
            wanted = wanted.extension(match value.as_str() {
                "" => extension.flag(param),
                value => extension.param(param, value),
            });
        }
        let mut random = |buf: &mut [u8]| buf.copy_from_slice(&nonce);
        let request = Request::offer(Destination::new(&host, &resource_name), &wanted, &mut random).unwrap();
        prop_assert_eq!(request.host(), &host);
        prop_assert_eq!(request.resource_name(), &resource_name);
        let again = parse(&text(&request)).unwrap();
        prop_assert_eq!(&again, &request);
        prop_assert_eq!(again.key(), request.key());
        prop_assert!(again.subprotocols().eq(subprotocols.iter()));
        prop_assert_eq!(again.extensions().len(), extensions.len());
        prop_assert_eq!(again.extensions(), request.extensions());
    }

    #[test]
    fn parses_any_bytes_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), at in any::<prop::sample::Index>()) {
        let mut text = RFC6455_REQUEST.as_bytes().to_vec();
        let from = at.index(text.len());
        let to = (from + bytes.len() / 2).min(text.len());
        text.splice(from..to, bytes);
        if let Ok(Some(request)) = Request::parse(&mut BytesMut::from(&text[..]), HeadLimits::default()) {
            let mut plain = BytesMut::new();
            request.encode(&mut plain);
            prop_assert_eq!(Request::parse(&mut plain, HeadLimits::default()).unwrap().unwrap(), request);
        }
    }
}

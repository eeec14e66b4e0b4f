//! The handshakes of the drafts: detection, requests and responses of each version, and their form in Perl's module.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use bytes::BytesMut;
use protocol_websocket_http::{
    Accept, BuildError, Destination, ExtensionParams, HeadReader, KeyNumbers, Negotiated, Offer, ParseError, Request,
    RequestHead, Response, ResponseError, ResponseHead, SetCookie, Version, Versions,
};
use test_support::heads::{HIXIE75_REQUEST, sample_nonce};

const VERSIONS: [Version; 4] = [Version::Rfc6455, Version::Hybi10, Version::Hybi00, Version::Hixie75];

/// Two keys of draft-ietf-hybi-00 §1.2.
const KEYS: [(&str, &str); 2] =
    [("Sec-WebSocket-Key1", "4 @1  46546xW%0l 1 5"), ("Sec-WebSocket-Key2", "12998 5 Y3 1  .P00")];
const KEY: (&str, &str) = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
const V13: (&str, &str) = ("Sec-WebSocket-Version", "13");
const V8: (&str, &str) = ("Sec-WebSocket-Version", "8");

fn head(fields: &[(&str, &str)]) -> RequestHead {
    let common = [("Host", "example.com"), ("Upgrade", "WebSocket"), ("Connection", "Upgrade")];
    RequestHead::from_parts("GET", "/demo", common.iter().chain(fields).copied()).unwrap()
}

fn request(fields: &[(&str, &str)]) -> Result<Request, ParseError> {
    Request::from_head(head(fields))
}

/// Returns a valid request of this version with additional header fields.
fn of(version: Version, fields: &[(&str, &str)]) -> Result<Request, ParseError> {
    let own: &[(&str, &str)] = match version {
        Version::Hixie75 => &[],
        Version::Hybi00 => &KEYS,
        Version::Hybi10 => &[KEY, V8],
        _ => &[KEY, V13],
    };
    request(&[own, fields].concat())
}

fn offered(offer: &Offer, target: Destination<'_>) -> Result<Request, BuildError> {
    let mut count = 0_u8;
    let mut random = |buf: &mut [u8]| {
        if buf.len() == 16 {
            return sample_nonce(buf);
        }
        count = count.wrapping_mul(5).wrapping_add(113);
        buf.fill(count);
    };
    Request::offer(target, offer, &mut random)
}

fn build(offer: &Offer) -> Request {
    offered(offer, Destination::new("example.com", "/demo")).unwrap()
}

fn text(request: &Request) -> String {
    let mut output = BytesMut::new();
    request.head().encode(&mut output);
    String::from_utf8(output.to_vec()).unwrap()
}

fn respond(accept: &Accept, request: &Request) -> String {
    let mut output = BytesMut::new();
    accept.encode(request, &mut output).unwrap();
    String::from_utf8(output.to_vec()).unwrap()
}

#[test]
fn detects_versions() {
    for (fields, expected) in [
        (&[KEY, V13][..], Ok(Version::Rfc6455)),
        (&[KEY, V8], Ok(Version::Hybi10)),
        (&KEYS, Ok(Version::Hybi00)),
        (&[], Ok(Version::Hixie75)),
        // A key, and another version number or none.
        (&[KEY], Err(ParseError::Version(Versions::ALL))),
        (&[KEY, ("Sec-WebSocket-Version", "7")], Err(ParseError::Version(Versions::ALL))),
        (&[KEY, V13, V8], Err(ParseError::Version(Versions::ALL))),
        (&[KEY, ("Sec-WebSocket-Version", "13, 8")], Err(ParseError::Version(Versions::ALL))),
        // A version without a key, and one of the two keys of draft-ietf-hybi-00.
        (&[V13], Err(ParseError::Key)),
        (&[V8], Err(ParseError::Key)),
        (&[KEYS[0]], Err(ParseError::Key)),
        (&[KEYS[1]], Err(ParseError::Key)),
        (&[KEYS[0], KEYS[0], KEYS[1]], Err(ParseError::Key)),
        (&[KEYS[0], KEYS[1], KEYS[1]], Err(ParseError::Key)),
        // Keys of two versions.
        (&[KEY, V13, KEYS[0], KEYS[1]], Err(ParseError::MixedKeys)),
        (&[KEY, KEYS[0], KEYS[1]], Err(ParseError::MixedKeys)),
        (&[V8, KEYS[0], KEYS[1]], Err(ParseError::MixedKeys)),
        (&[KEY, KEYS[0]], Err(ParseError::MixedKeys)),
        (&[V13, KEYS[1]], Err(ParseError::MixedKeys)),
    ] {
        assert_eq!(request(fields).map(|request| request.version()), expected, "{fields:?}");
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.4
//# it MUST respond with a |Sec-WebSocket-Version| header field (or multiple |Sec-WebSocket-Version|
//# header fields) containing all versions it is willing to use.
#[test]
fn rejects_unsupported_versions_and_lists_the_supported_ones() {
    for version in VERSIONS {
        for supported in [Versions::ALL, Versions::RFC6455, Version::Hixie75.into(), Versions::of(&[])] {
            let head = of(version, &[]).unwrap().head().clone();
            let result = Request::check(head, supported).map(|request| request.version());
            let expected = if supported.contains(version) { Ok(version) } else { Err(ParseError::Version(supported)) };
            assert_eq!(result, expected);
        }
    }
    let unknown = head(&[KEY, ("Sec-WebSocket-Version", "25")]);
    assert_eq!(Request::check(unknown, Versions::RFC6455), Err(ParseError::Version(Versions::RFC6455)));
}

#[test]
fn rejects_invalid_key_numbers() {
    // draft-ietf-hybi-00 §5.2: without a space, and not a multiple of the spaces.
    for bad in ["3e6b26341780", "1 0 1", "a b", "18446744073709551616 "] {
        assert_eq!(request(&[("Sec-WebSocket-Key1", bad), KEYS[1]]), Err(ParseError::Key), "{bad}");
        assert_eq!(request(&[KEYS[0], ("Sec-WebSocket-Key2", bad)]), Err(ParseError::Key), "{bad}");
    }
    let request = of(Version::Hybi00, &[]).unwrap();
    assert_eq!(request.key_numbers(), Some(KeyNumbers::from([829_309_203, 259_970_620])));
    assert_eq!((request.key(), request.key3(), request.digest()), (None, None, None));
    assert_eq!(of(Version::Hixie75, &[]).unwrap().key_numbers(), None);
}

#[test]
fn applies_shared_checks_to_all_versions() {
    for version in VERSIONS {
        for (fields, error) in [
            (&[("Host", "b")][..], ParseError::Host),
            (&[("Transfer-Encoding", "chunked")], ParseError::Body),
            (&[("Content-Length", "9")], ParseError::Body),
            (&[(origin(version), "http://a"), (origin(version), "http://a")], ParseError::Origin),
            (&[(subprotocol(version), "a b")], ParseError::Subprotocols),
            (&[(subprotocol(version), "a, a")], ParseError::Subprotocols),
        ] {
            assert_eq!(of(version, fields), Err(error), "{version} {fields:?}");
        }
    }
}

/// Returns the name of the origin's header field.
fn origin(version: Version) -> &'static str {
    if version == Version::Hybi10 { "Sec-WebSocket-Origin" } else { "Origin" }
}

/// Returns the name of the subprotocols' header field.
fn subprotocol(version: Version) -> &'static str {
    if version == Version::Hixie75 { "WebSocket-Protocol" } else { "Sec-WebSocket-Protocol" }
}

#[test]
fn accepts_content_length_8_only_in_hybi_00() {
    for version in VERSIONS {
        let good = version == Version::Hybi00;
        assert_eq!(of(version, &[("Content-Length", "8")]).is_ok(), good, "{version}");
        assert!(of(version, &[("Content-Length", "0")]).is_ok(), "{version}");
    }
    for bad in ["08", "8, 8", "+8", "16", "7"] {
        assert_eq!(of(Version::Hybi00, &[("Content-Length", bad)]), Err(ParseError::Body), "{bad}");
    }
    let twice = [("Content-Length", "8"), ("Content-Length", "0")];
    assert_eq!(of(Version::Hybi00, &twice), Err(ParseError::Body));
}

/// A proxy that checks the other header field must not see another origin.
#[test]
fn reads_origin_from_the_field_of_the_version() {
    for version in VERSIONS {
        let own = origin(version);
        let other = if own == "Origin" { "Sec-WebSocket-Origin" } else { "Origin" };
        let read = |fields: &[(&str, &str)]| of(version, fields).map(|request| request.origin().map(String::from));
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[(own, "http://a")]), Ok(Some("http://a".into())));
        assert_eq!(read(&[(other, "http://b")]), Ok(None), "{version}");
        assert_eq!(read(&[(other, "http://b"), (other, "http://c")]), Ok(None), "{version}");
        assert_eq!(read(&[(own, "http://a"), (other, "http://a")]), Ok(Some("http://a".into())));
        for two in [[(own, "http://a"), (other, "http://b")], [(other, "http://b"), (own, "http://a")]] {
            assert_eq!(read(&two), Err(ParseError::Origin), "{version} {two:?}");
        }
        assert_eq!(read(&[(own, "http://a"), (other, "http://a"), (other, "http://b")]), Err(ParseError::Origin));
        let request = of(version, &[(other, "http://example.com")]).unwrap();
        assert!(!request.is_same_origin(false) && !request.origin_is(&["http://example.com"]), "{version}");
    }
}

#[test]
fn reads_subprotocols_from_the_field_of_the_version() {
    for version in VERSIONS {
        let own = subprotocol(version);
        let other = if own == "WebSocket-Protocol" { "Sec-WebSocket-Protocol" } else { "WebSocket-Protocol" };
        let request = of(version, &[(own, "new, newer"), (other, "other")]).unwrap();
        assert!(request.subprotocols().eq(["new", "newer"]), "{version}");
        let request = of(version, &[(other, "not a token"), (other, "")]).unwrap();
        assert_eq!(request.subprotocols().next(), None, "{version}");
        let accepted = Accept::new().subprotocol("other").encode(&request, &mut BytesMut::new());
        assert_eq!(accepted, Err(BuildError::SubprotocolNotOffered), "{version}");
    }
}

/// Version 0.4 of npm's `ws` sends the base64 of "8-" and the time, which are 15 bytes.
#[test]
fn accepts_keys_of_1_to_64_characters_in_hybi_10() {
    let with = |key: &str, version| request(&[("Sec-WebSocket-Key", key), version]);
    let long = "A".repeat(64);
    for key in ["OC0xMjM0NTY3ODkwMTIz", "A", "QQ==", &long] {
        let request = with(key, V8).unwrap();
        assert_eq!(request.key().unwrap().as_str(), key);
        let line = format!("Sec-WebSocket-Accept: {}\r\n", String::from_utf8_lossy(&request.key().unwrap().accept()));
        assert!(respond(&Accept::new(), &request).contains(&line), "{key}");
        assert_eq!(with(key, V13), Err(ParseError::Key), "{key}");
    }
    assert!(
        respond(&Accept::new(), &with("OC0xMjM0NTY3ODkwMTIz", V8).unwrap()).contains("SvAhVmNSdfAQDNxNNIgT62hN0Bo=")
    );
    for bad in ["", "=", "A-", "A===", "A=A", "A A", &"A".repeat(65)] {
        assert_eq!(with(bad, V8), Err(ParseError::Key), "{bad}");
    }
    assert_eq!(request(&[KEY, KEY, V8]), Err(ParseError::Key));
}

#[test]
fn ignores_extensions_in_the_two_oldest_versions() {
    for version in VERSIONS {
        let has = version.has_length_framing();
        // The value has no meaning there, so that any text is valid.
        assert_eq!(of(version, &[("Sec-WebSocket-Extensions", "a b")]).is_ok(), !has, "{version}");
        let request = of(version, &[("Sec-WebSocket-Extensions", "x")]).unwrap();
        assert_eq!(request.extensions().len(), usize::from(has));
        let accepted = Accept::new().extension(ExtensionParams::new("x")).encode(&request, &mut BytesMut::new());
        assert_eq!(accepted.is_ok(), has);
        let offer = Offer::new().version(version).extension(ExtensionParams::new("x"));
        let offered = offered(&offer, Destination::new("a", "/")).map(|_| ());
        assert_eq!(offered, if has { Ok(()) } else { Err(BuildError::Unsupported) });
    }
}

#[test]
fn builds_a_request_of_each_version() {
    for (version, expected) in [
        (
            Version::Rfc6455,
            "Host: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sample\r\n\
             Sec-WebSocket-Version: 13\r\nCookie: a=b\r\nX: y\r\n",
        ),
        (
            Version::Hybi10,
            "Host: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sample\r\n\
             Sec-WebSocket-Version: 8\r\nCookie: a=b\r\nX: y\r\n",
        ),
        (
            Version::Hybi00,
            "Upgrade: WebSocket\r\nConnection: Upgrade\r\nHost: example.com\r\nOrigin: http://example.com\r\n\
             Sec-WebSocket-Protocol: sample\r\nSec-WebSocket-Key1: KEY1\r\nSec-WebSocket-Key2: KEY2\r\nCookie: a=b\r\n\
             X: y\r\n",
        ),
        (
            Version::Hixie75,
            "Upgrade: WebSocket\r\nConnection: Upgrade\r\nHost: example.com\r\nOrigin: http://example.com\r\n\
             WebSocket-Protocol: sample\r\nCookie: a=b\r\nX: y\r\n",
        ),
    ] {
        let offer = Offer::new().version(version).subprotocol("sample").cookie("a", "b").header("X", "y");
        let request = build(&offer);
        let key = |name: &str| request.headers().get_str(name).unwrap_or_default();
        let expected = expected.replace("KEY1", key("Sec-WebSocket-Key1")).replace("KEY2", key("Sec-WebSocket-Key2"));
        assert_eq!(text(&request), format!("GET /demo HTTP/1.1\r\n{expected}\r\n"));
        // A server reads the same request. The eight bytes stay in the input.
        let mut wire = BytesMut::new();
        request.encode(&mut wire);
        let again = Request::parse(&mut wire, protocol_websocket_http::HeadLimits::default()).unwrap().unwrap();
        assert_eq!((again.version(), again.key_numbers()), (version, request.key_numbers()));
        assert_eq!(wire[..], *request.key3().as_ref().map_or(&[][..], |key3| key3));
        let digest = again.key_numbers().zip(request.key3()).map(|(numbers, key3)| numbers.digest(key3));
        assert_eq!(request.digest(), digest);
        assert_ne!(request.key3(), Some([0; 8]), "the bytes are random");
        assert_eq!(digest.is_some(), version == Version::Hybi00);
    }
}

#[test]
fn builds_and_accepts_the_example_of_hixie_75() {
    let example = HIXIE75_REQUEST;
    let request = build(&Offer::new().version(Version::Hixie75).subprotocol("sample"));
    assert_eq!(text(&request), example);
    let head = HeadReader::default().request(&mut BytesMut::from(example)).unwrap().unwrap();
    let expected = concat!(
        "HTTP/1.1 101 Web Socket Protocol Handshake\r\n",
        "Upgrade: WebSocket\r\n",
        "Connection: Upgrade\r\n",
        "WebSocket-Origin: http://example.com\r\n",
        "WebSocket-Location: ws://example.com/demo\r\n",
        "WebSocket-Protocol: sample\r\n",
        "\r\n",
    );
    assert_eq!(respond(&Accept::new().subprotocol("sample"), &Request::from_head(head).unwrap()), expected);
    let head = HeadReader::default().response(&mut BytesMut::from(expected)).unwrap().unwrap();
    let response = Response::from_head(head, &request).unwrap();
    assert_eq!(*response.negotiated(), Negotiated::default().version(Version::Hixie75).subprotocol("sample"));
}

#[test]
fn writes_origin_in_the_field_of_the_version() {
    let secure = Destination::new("a:444", "/").secure(true);
    for version in VERSIONS {
        let field = if version == Version::Hybi10 { "Sec-WebSocket-Origin" } else { "Origin" };
        let origin = |offer: Offer| {
            let request = offered(&offer.version(version), secure).unwrap();
            request.headers().get_str(field).map(String::from)
        };
        let own = (!version.has_length_framing()).then_some("https://a:444");
        assert_eq!(origin(Offer::new()).as_deref(), own, "{version}");
        assert_eq!(origin(Offer::new().origin("http://b")).as_deref(), Some("http://b"), "{version}");
        assert_eq!(origin(Offer::new().perl_compat()).as_deref(), Some("https://a:444"), "{version}");
    }
    let by_hand = Offer::new().version(Version::Hybi00).header("origin", "http://c");
    assert_eq!(build(&by_hand).origin(), Some("http://c"));
}

#[test]
fn location_is_secure_if_set_or_derived_from_the_origin() {
    let location = |accept: Accept, fields: &[(&str, &str)]| {
        let text = respond(&accept, &of(Version::Hixie75, fields).unwrap());
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        (field("WebSocket-Origin: "), field("WebSocket-Location: "))
    };
    let pair = |origin: &str, location: &str| (origin.to_owned(), location.to_owned());
    assert_eq!(location(Accept::new(), &[]), pair("http://example.com", "ws://example.com/demo"));
    assert_eq!(location(Accept::new().secure(true), &[]), pair("https://example.com", "wss://example.com/demo"));
    for https in ["https://page.test", "HTTPS://page.test"] {
        assert_eq!(location(Accept::new(), &[("Origin", https)]), pair(https, "wss://example.com/demo"));
        let plain = Accept::new().secure(false);
        assert_eq!(location(plain, &[("Origin", https)]), pair(https, "ws://example.com/demo"));
    }
    assert_eq!(location(Accept::new(), &[("Origin", "null")]), pair("null", "ws://example.com/demo"));
    // Only `forwarded_secure` reads this header field.
    let forwarded = [("X-Forwarded-Proto", "https")];
    assert_eq!(location(Accept::new(), &forwarded).1, "ws://example.com/demo");
}

#[test]
fn forwarded_secure_reads_the_first_scheme() {
    for (value, expected) in [
        ("https", true),
        ("HTTPS", true),
        ("wss", true),
        ("https, http", true),
        ("http, https", false),
        ("http", false),
        ("httpsx", false),
        ("", false),
    ] {
        let request = of(Version::Rfc6455, &[("X-Forwarded-Proto", value)]).unwrap();
        assert_eq!(request.forwarded_secure(), expected, "{value}");
        assert!(!request.is_secure());
    }
    assert!(!of(Version::Rfc6455, &[]).unwrap().forwarded_secure());
}

/// Returns the header fields of a response to [`build`] with the subprotocol `sample`.
fn response_fields(version: Version) -> Vec<(&'static str, &'static str)> {
    let own: &[(&str, &str)] = match version {
        Version::Hixie75 => &[
            ("WebSocket-Origin", "http://example.com"),
            ("WebSocket-Location", "ws://example.com/demo"),
            ("WebSocket-Protocol", "sample"),
        ],
        Version::Hybi00 => &[
            ("Sec-WebSocket-Origin", "http://example.com"),
            ("Sec-WebSocket-Location", "ws://example.com/demo"),
            ("Sec-WebSocket-Protocol", "sample"),
        ],
        _ => &[("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), ("Sec-WebSocket-Protocol", "sample")],
    };
    [&[("Upgrade", "WebSocket"), ("Connection", "Upgrade")], own].concat()
}

fn check(version: Version, fields: &[(&str, &str)]) -> Result<Negotiated, ResponseError> {
    let request = build(&Offer::new().version(version).subprotocol("sample"));
    let head = ResponseHead::from_parts(101, fields.iter().copied()).unwrap();
    Response::from_head(head, &request).map(Response::into_negotiated)
}

/// Checks a response in which the header field whose name ends with `end` has these values.
fn changed(version: Version, end: &str, values: &[&'static str]) -> Result<Negotiated, ResponseError> {
    let fields = response_fields(version);
    let name = fields.iter().find(|field| field.0.ends_with(end)).unwrap().0;
    let others = fields.iter().copied().filter(|field| field.0 != name);
    check(version, &others.chain(values.iter().map(|value| (name, *value))).collect::<Vec<_>>())
}

#[test]
fn rejects_responses_of_other_versions() {
    for requested in VERSIONS {
        for given in VERSIONS {
            let result = check(requested, &response_fields(given)).map(|negotiated| negotiated.version);
            // The two newest differ only in the request.
            let same = requested == given || (requested.has_length_framing() && given.has_length_framing());
            let error =
                if requested.has_length_framing() { ResponseError::AcceptMissing } else { ResponseError::Origin };
            assert_eq!(result, if same { Ok(requested) } else { Err(error) }, "{requested} {given}");
        }
    }
}

#[test]
fn compares_repeated_origin_and_url() {
    for version in [Version::Hybi00, Version::Hixie75] {
        let good = Negotiated::default().version(version).subprotocol("sample");
        assert_eq!(check(version, &response_fields(version)), Ok(good.clone()));
        assert_eq!(changed(version, "Origin", &["HTTP://Example.com"]), Ok(good));
        for bad in [&[][..], &["http://other.test"], &["null"], &[""], &["http://example.com", "http://example.com"]] {
            assert_eq!(changed(version, "Origin", bad), Err(ResponseError::Origin), "{bad:?}");
        }
        let url = "ws://example.com/demo";
        for bad in [&[][..], &["wss://example.com/demo"], &["ws://example.com/Demo"], &["/demo"], &[url, url]] {
            assert_eq!(changed(version, "Location", bad), Err(ResponseError::Location), "{bad:?}");
        }
        assert_eq!(changed(version, "Protocol", &["other"]), Err(ResponseError::SubprotocolNotOffered));
        assert_eq!(changed(version, "Protocol", &[""]), Err(ResponseError::SubprotocolNotOffered));
        assert_eq!(changed(version, "Protocol", &["sample", "sample"]), Err(ResponseError::SubprotocolRepeated));
        assert_eq!(changed(version, "Protocol", &[]).map(|negotiated| negotiated.subprotocol), Ok(None));
        assert_eq!(changed(version, "Upgrade", &["h2c"]), Err(ResponseError::Upgrade));
        assert_eq!(changed(version, "Connection", &["close"]), Err(ResponseError::Connection));
    }
}

/// In the two oldest drafts, a client that offered no subprotocol ignores the header field. eventlet, txws and
/// node-websocket-server send one in each response.
#[test]
fn ignores_subprotocols_without_an_offer_in_the_two_oldest_versions() {
    for version in VERSIONS {
        let request = build(&Offer::new().version(version));
        for given in ["sample", "a, b", ""] {
            let fields = response_fields(version).into_iter();
            let fields = fields.map(|(name, value)| (name, if name.ends_with("Protocol") { given } else { value }));
            let response = Response::from_head(ResponseHead::from_parts(101, fields).unwrap(), &request);
            let negotiated = response.map(Response::into_negotiated);
            match version.has_length_framing() {
                true => assert!(negotiated.is_err(), "{version} {given}"),
                false => assert_eq!(negotiated, Ok(Negotiated::default().version(version)), "{version} {given}"),
            }
        }
    }
}

#[test]
fn ignores_extensions_in_responses_of_the_two_oldest_versions() {
    for version in [Version::Hybi00, Version::Hixie75] {
        for extensions in ["x", "a b"] {
            let fields = [response_fields(version), vec![("Sec-WebSocket-Extensions", extensions)]].concat();
            assert_eq!(check(version, &fields), check(version, &response_fields(version)));
        }
    }
}

#[test]
fn rejects_responses_with_a_body_in_all_versions() {
    for version in VERSIONS {
        let with = |field| check(version, &[&response_fields(version)[..], &[field]].concat()).map(|_| ());
        assert_eq!(with(("Content-Length", "0")), Ok(()), "{version}");
        for field in [("Content-Length", "5"), ("Content-Length", "8"), ("Transfer-Encoding", "chunked")] {
            assert_eq!(with(field), Err(ResponseError::Body), "{version} {field:?}");
        }
        // The challenge response of hybi-00 follows the head.
        let expected = if version == Version::Hybi00 { Ok(()) } else { Err(ResponseError::Body) };
        assert_eq!(with(("Content-Length", "16")), expected, "{version}");
    }
}

#[test]
fn perl_compat_requests_match_perl() {
    for (version, field, own) in [
        (
            Version::Rfc6455,
            "Origin",
            "Sec-WebSocket-Protocol: chat, v1.x\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Version: 13\r\n",
        ),
        (
            Version::Hybi10,
            "Sec-WebSocket-Origin",
            "Sec-WebSocket-Protocol: chat, v1.x\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Version: 8\r\n",
        ),
        (
            Version::Hybi00,
            "Origin",
            "Sec-WebSocket-Protocol: chat, v1.x\r\nSec-WebSocket-Key1: KEY1\r\nSec-WebSocket-Key2: KEY2\r\n\
             Content-Length: 8\r\n",
        ),
        (Version::Hixie75, "Origin", "WebSocket-Protocol: chat, v1.x\r\n"),
    ] {
        let offer = Offer::new().header("X", "y").subprotocol("chat").subprotocol("v1.x").cookie("a", "b");
        let request = build(&offer.cookie("c", "d").version(version).perl_compat());
        let key = |name: &str| request.headers().get_str(name).unwrap_or_default();
        let own = own.replace("KEY1", key("Sec-WebSocket-Key1")).replace("KEY2", key("Sec-WebSocket-Key2"));
        let expected = format!(
            "GET /demo HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nHost: example.com\r\n\
             Cookie: a=b; c=d\r\n{field}: http://example.com\r\n{own}X: y\r\n\r\n"
        );
        assert_eq!(text(&request), expected);
    }
}

#[test]
fn perl_compat_responses_match_perl() {
    for (version, own) in [
        (Version::Rfc6455, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n"),
        (Version::Hybi10, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n"),
        (
            Version::Hybi00,
            "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Origin: null\r\n\
             Sec-WebSocket-Location: ws://example.com/demo\r\n",
        ),
        (
            Version::Hixie75,
            "WebSocket-Protocol: chat\r\nWebSocket-Origin: null\r\nWebSocket-Location: ws://example.com/demo\r\n",
        ),
    ] {
        let request = of(version, &[(origin(version), "null"), (subprotocol(version), "chat")]).unwrap();
        let accept = Accept::new().header("X", "y").subprotocol("chat");
        let accept = accept.cookie(SetCookie::new("a", "b")).cookie(SetCookie::new("c", "d").path("/"));
        let [first, second] =
            [SetCookie::new("a", "b"), SetCookie::new("c", "d").path("/")].map(|cookie| cookie.to_string());
        let expected = format!(
            "HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
             {own}Set-Cookie: {first},{second}\r\nX: y\r\n\r\n"
        );
        assert_eq!(respond(&accept.perl_compat(), &request), expected);
        let without = respond(&Accept::new().perl_compat(), &request);
        assert!(!without.contains("Set-Cookie"), "{without}");
    }
}

#[test]
fn reserves_header_fields_of_all_versions() {
    for name in ["WebSocket-Protocol", "websocket-origin", "WebSocket-Location", "Sec-WebSocket-Key1"] {
        let offer = Offer::new().header(name, "x");
        assert_eq!(offered(&offer, Destination::new("a", "/")), Err(BuildError::ReservedField));
        let accept = Accept::new().header(name, "x");
        let result = accept.encode(&of(Version::Hixie75, &[]).unwrap(), &mut BytesMut::new());
        assert_eq!(result, Err(BuildError::ReservedField));
    }
}

//! Texts for people: errors, reason phrases, and the output of `Debug`, which may be logged.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use bytes::BytesMut;
use protocol_websocket_http::{
    Accept, BuildError, Destination, ExtensionParams, HeadLimits, Offer, ParseError, PerlCookie, Reject, Request,
    RequestHead, Response, ResponseError, ResponseHead, SameSite, SetCookie, Version, Versions,
};
use test_support::errors::assert_distinct_texts;

#[test]
fn each_error_has_its_own_text() {
    assert_distinct_texts(&[
        &ParseError::Body,
        &ParseError::Connection,
        &ParseError::ConnectionSpecific,
        &ParseError::ConnectMethod,
        &ParseError::ConnectVersion,
        &ParseError::Extensions,
        &ParseError::Field,
        &ParseError::Host,
        &ParseError::HttpVersion,
        &ParseError::Key,
        &ParseError::Method,
        &ParseError::MixedKeys,
        &ParseError::Origin,
        &ParseError::Protocol,
        &ParseError::RequestLine,
        &ParseError::ResponseLine,
        &ParseError::Subprotocols,
        &ParseError::Target,
        &ParseError::TooLong,
        &ParseError::TooManyHeaders,
        &ParseError::Upgrade,
        &ParseError::Version(Versions::ALL),
    ]);
    assert_distinct_texts(&[
        &BuildError::Body,
        &BuildError::Connect,
        &BuildError::Cookie,
        &BuildError::Credentials,
        &BuildError::Extension,
        &BuildError::ExtensionNotOffered,
        &BuildError::Field,
        &BuildError::Host,
        &BuildError::Origin,
        &BuildError::Reason,
        &BuildError::RepeatedField,
        &BuildError::ReservedField,
        &BuildError::ResourceName,
        &BuildError::Status,
        &BuildError::Subprotocol,
        &BuildError::SubprotocolNotOffered,
        &BuildError::SubprotocolRepeated,
        &BuildError::TooLong,
        &BuildError::Unsupported,
        &BuildError::Version,
    ]);
    assert_distinct_texts(&[
        &ResponseError::AcceptMissing,
        &ResponseError::AcceptRepeated,
        &ResponseError::AcceptWrong,
        &ResponseError::Body,
        &ResponseError::Checksum,
        &ResponseError::Connection,
        &ResponseError::ConnectionSpecific,
        &ResponseError::ExtensionNotOffered,
        &ResponseError::ExtensionParameters,
        &ResponseError::Extensions,
        &ResponseError::ExtensionsRepeated,
        &ResponseError::HttpVersion,
        &ResponseError::Location,
        &ResponseError::Origin,
        &ResponseError::Status,
        &ResponseError::SubprotocolNotOffered,
        &ResponseError::SubprotocolRepeated,
        &ResponseError::Upgrade,
    ]);
}

#[test]
fn rejection_has_the_registered_reason_phrase() {
    for (status, phrase) in [
        (300, "Multiple Choices"),
        (301, "Moved Permanently"),
        (302, "Found"),
        (303, "See Other"),
        (307, "Temporary Redirect"),
        (308, "Permanent Redirect"),
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (406, "Not Acceptable"),
        (408, "Request Timeout"),
        (409, "Conflict"),
        (410, "Gone"),
        (421, "Misdirected Request"),
        (426, "Upgrade Required"),
        (429, "Too Many Requests"),
        (431, "Request Header Fields Too Large"),
        (500, "Internal Server Error"),
        (501, "Not Implemented"),
        (502, "Bad Gateway"),
        (503, "Service Unavailable"),
        (504, "Gateway Timeout"),
        (599, ""),
    ] {
        let mut output = BytesMut::new();
        Reject::new(status).encode(&mut output).unwrap();
        let line = format!("HTTP/1.1 {status} {phrase}\r\n");
        assert!(output.starts_with(line.as_bytes()), "{line}: {output:?}");
    }
}

#[test]
fn writes_each_same_site_value() {
    for (same_site, value) in [(SameSite::Strict, "Strict"), (SameSite::Lax, "Lax"), (SameSite::None, "None")] {
        let cookie = SetCookie::new("a", "b").same_site(SameSite::Lax).same_site(same_site);
        assert_eq!(cookie.to_string(), format!("a=b; SameSite={value}"));
    }
}

#[test]
fn debug_of_a_request_is_one_line() {
    let mut input = BytesMut::from(
        "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX: \ta\tb\u{9b}31m\t\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    let request = Request::parse(&mut input, HeadLimits::default()).unwrap().unwrap();
    let log = format!("{request:?}");
    assert!(
        log.starts_with("Request { version: Rfc6455, head: RequestHead { method: \"GET\", target: \"/chat\", "),
        "{log}"
    );
    assert!(!log.contains(char::is_control), "{log:?}");
}

/// Each value that may be a secret is `SECRET`, in upper or lower case, or follows from it.
#[test]
fn debug_hides_secrets() {
    let fixed = |bytes: &mut [u8]| bytes.copy_from_slice(&b"SECRETSECRETSECRET"[..bytes.len()]);
    let set = SetCookie::new("id", "SECRET").path("/SECRET");
    let offer = Offer::new()
        .subprotocol("bearer.SECRET")
        .header("X-Api-Key", "SECRET")
        .header("Location", "https://u:SECRET@h/?SECRET")
        .extension(ExtensionParams::new("permessage-deflate").flag("client_max_window_bits"))
        .extension(ExtensionParams::new("x-token").param("token", "SECRET"))
        .basic_auth("SECRET", "SECRET")
        .cookie("id", "SECRET");
    let destination = Destination::new("h", "/chat?access_token=SECRET");
    let request = Request::offer(destination, &offer, &mut { fixed }).unwrap();
    let accept = Accept::new().subprotocol("bearer.SECRET").cookie(set.clone()).header("X-Token", "SECRET");
    let accept = accept.extension(ExtensionParams::new("x-token").flag("SECRET"));
    let response = Response::accept(&request, &accept).unwrap();
    let old = Offer::new().version(Version::Hybi00);
    let old = Request::offer(destination, &old, &mut |bytes: &mut [u8]| bytes.fill(b'S')).unwrap();
    let reject = Reject::new(302).header("Location", "https://u:SECRET@h/?SECRET").body("SECRET");
    let reject = reject.cookie(SetCookie::new("id", "SECRET"));
    let absolute = RequestHead::from_parts("GET", "http://u:SECRET@h/a?SECRET#SECRET", [("X", "SECRET")]).unwrap();
    let redirect = ResponseHead::from_parts(302, [("Location", "https://u:SECRET@h/?SECRET")]).unwrap();
    let shown: Vec<(&str, String)> = vec![
        ("Offer", format!("{offer:?}")),
        ("Destination", format!("{destination:?}")),
        ("Request", format!("{request:?}")),
        ("RequestHead", format!("{:?} {absolute:?}", request.head())),
        ("Headers", format!("{:?}", request.headers())),
        ("ExtensionParams", format!("{:?}", request.extensions())),
        ("Accept", format!("{accept:?}")),
        ("Response", format!("{response:?}")),
        ("ResponseHead", format!("{:?} {redirect:?}", response.head())),
        ("Negotiated", format!("{:?}", response.negotiated())),
        ("Reject", format!("{reject:?}")),
        ("SetCookie", format!("{set:?}")),
        ("Cookie", format!("{:?}", request.cookies().next().unwrap())),
        ("PerlCookie", format!("{:?}", PerlCookie::parse("$Path=/; id=SECRET; $Path=/SECRET").next().unwrap())),
        ("Key", format!("{:?}", request.key().unwrap())),
        ("KeyNumbers", format!("{:?}", old.key_numbers().unwrap())),
        ("Request of hybi-00", format!("{old:?}")),
    ];
    let key = request.key().unwrap().to_string();
    let secrets = [
        "SECRET".into(),
        // The same in base64, as credentials and as a key, and the proof that follows from it.
        "U0VDUkVU".into(),
        key,
        String::from_utf8(request.key().unwrap().accept().to_vec()).unwrap(),
        old.key_numbers().unwrap().numbers()[0].to_string(),
        old.headers().get_str("Sec-WebSocket-Key1").unwrap().into(),
    ];
    for (name, shown) in &shown {
        for secret in &secrets {
            assert!(!shown.contains(secret.as_str()), "{name} shows {secret}: {shown}");
        }
    }
    // Values that help to find an error are shown.
    let request = &shown[2].1;
    for harmless in [
        "\"/chat?(hidden)\"",
        "\"Host\": \"h\"",
        "\"Sec-WebSocket-Version\": \"13\"",
        "\"X-Api-Key\"",
        "[\"permessage-deflate; client_max_window_bits\", \"x-token; (hidden)\"]",
    ] {
        assert!(request.contains(harmless), "{request}");
    }
    assert!(shown[3].1.contains("\"(hidden)@h/a?(hidden)\""), "{}", shown[3].1);
}

#[test]
fn debug_hides_malformed_extensions() {
    assert!(format!("{:?}", Offer::new()).contains("extensions: []"));
    for (value, shown) in [("", "[]"), ("a; SECRET=\"", "(hidden)"), ("SECRET SECRET", "(hidden)")] {
        let head = RequestHead::from_parts("GET", "/", [("Sec-WebSocket-Extensions", value)]).unwrap();
        let log = format!("{:?}", head.headers());
        assert_eq!(log, format!("{{\"Sec-WebSocket-Extensions\": {shown}}}"));
    }
}

/// The end of a password with a `?`, `#` or `/` is ambiguous. More is hidden then.
#[test]
fn debug_hides_passwords_in_targets() {
    for (target, shown) in [
        ("http://u:SECRET?x@h/", "target: (hidden)"),
        ("http://u:SECRET#x@h/", "target: (hidden)"),
        ("http://u:SECRET?@h/?a=SECRET", "target: (hidden)"),
        ("http://h/?a=SECRET@SECRET", "target: (hidden)"),
        ("http://u:SECRET/x@h/a", "target: \"(hidden)@h/a\""),
        ("http://u:SECRET@SECRET@h/a?SECRET", "target: \"(hidden)@h/a?(hidden)\""),
        ("u:SECRET@h", "target: \"(hidden)@h\""),
        ("/@a?SECRET@SECRET", "target: \"/@a?(hidden)\""),
        ("http://h/a", "target: \"http://h/a\""),
    ] {
        let head = RequestHead::from_parts("GET", target, [("Host", "h")]).unwrap();
        let log = format!("{head:?}");
        assert!(log.contains(shown) && !log.contains("SECRET"), "{target}: {log}");
    }
}

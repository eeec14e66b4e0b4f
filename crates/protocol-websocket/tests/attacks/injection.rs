//! Line ends and NUL in every string that is written into a head: S14, and the repeated values of S2 and O9.

use bytes::BytesMut;
use protocol_websocket::http::{Cookie, Destination, Headers, PerlCookie, RequestHead, ResponseHead, SetCookie};
use protocol_websocket::{
    Accept, Config, Connection, ExtensionParams, HeadLimits, Offer, Reject, Request, Upgrade, Url, Version,
};

use crate::endpoint::{VERSIONS, fixed_random, head};

/// Writes a string into a head, and returns the head, or `None` if the string is refused.
type Write = fn(&str) -> Option<BytesMut>;

/// Every string of a caller that is written into a head.
const STRINGS: &[(&str, Write)] = &[
    ("host", |text| encode_request(Destination::new(text, "/"), &Offer::new())),
    ("host of a URL", |text| encode_connect(&format!("ws://{text}/"))),
    ("user of a URL", |text| encode_connect(&format!("ws://{text}@h/"))),
    ("path of a URL", |text| encode_connect(&format!("ws://h/{text}"))),
    ("query of a URL", |text| encode_connect(&format!("ws://h/?{text}"))),
    ("scheme of a URL", |text| encode_connect(&format!("{text}://h/"))),
    ("URL of a redirect", |text| encode_connect(Url::parse("ws://h/").unwrap().join(text).ok()?.to_string().as_str())),
    ("resource name", |text| encode_request(Destination::new("h", &format!("/{text}")), &Offer::new())),
    ("subprotocol", |text| encode_offer(&Offer::new().subprotocol(text))),
    ("extension", |text| encode_offer(&Offer::new().extension(ExtensionParams::new(text)))),
    ("flag of an extension", |text| encode_offer(&Offer::new().extension(ExtensionParams::new("x").flag(text)))),
    ("parameter of an extension", |text| {
        encode_offer(&Offer::new().extension(ExtensionParams::new("x").param(text, "y")))
    }),
    ("value of a parameter", |text| encode_offer(&Offer::new().extension(ExtensionParams::new("x").param("y", text)))),
    ("origin", |text| encode_offer(&Offer::new().origin(text))),
    ("name of a cookie", |text| encode_offer(&Offer::new().cookie(text, "x"))),
    ("value of a cookie", |text| encode_offer(&Offer::new().cookie("x", text))),
    ("name of a joined cookie", |text| {
        encode_offer(&Offer::new().header("Cookie", PerlCookie::join([(text, None::<&str>)]).ok()?))
    }),
    ("value of a joined cookie", |text| {
        encode_offer(&Offer::new().header("Cookie", PerlCookie::join([("x", Some(text))]).ok()?))
    }),
    ("user", |text| encode_offer(&Offer::new().basic_auth(text, "x"))),
    ("password", |text| encode_offer(&Offer::new().basic_auth("x", text))),
    ("header of a request", |text| encode_offer(&Offer::new().header(text, "x"))),
    ("value of a request's header", |text| encode_offer(&Offer::new().header("X", text))),
    ("granted subprotocol", |text| encode_accept(&Accept::new().subprotocol(text))),
    ("granted extension", |text| encode_accept(&Accept::new().extension(ExtensionParams::new(text)))),
    ("granted flag", |text| encode_accept(&Accept::new().extension(ExtensionParams::new("x").flag(text)))),
    ("granted parameter", |text| encode_accept(&Accept::new().extension(ExtensionParams::new("x").param(text, "y")))),
    ("value of a granted parameter", |text| {
        encode_accept(&Accept::new().extension(ExtensionParams::new("x").param("y", text)))
    }),
    ("name of a cookie that is set", |text| set_cookie(SetCookie::new(text, "x"))),
    ("value of a cookie that is set", |text| set_cookie(SetCookie::new("x", text))),
    ("path of a cookie", |text| set_cookie(SetCookie::new("x", "y").path(text))),
    ("domain of a cookie", |text| set_cookie(SetCookie::new("x", "y").domain(text))),
    ("expiry of a cookie", |text| set_cookie(SetCookie::new("x", "y").expires(text))),
    ("attribute of a cookie", |text| set_cookie(SetCookie::new("x", "y").with(text.to_owned(), None))),
    ("value of an attribute", |text| set_cookie(SetCookie::new("x", "y").with("Comment", Some(text.into())))),
    ("cookie in the form of Perl", |text| set_cookie(SetCookie::new("x", text).perl_compat())),
    ("port in the form of Perl", |text| {
        set_cookie(SetCookie::new("x", "y").with("Port", Some(text.into())).perl_compat())
    }),
    ("header of a response", |text| encode_accept(&Accept::new().header(text, "x"))),
    ("value of a response's header", |text| encode_accept(&Accept::new().header("X", text))),
    ("reason phrase", |text| encode_reject(&Reject::new(400).reason(text.to_owned()))),
    ("header of a refusal", |text| encode_reject(&Reject::new(400).header(text, "x"))),
    ("name of a cookie of a refusal", |text| encode_reject(&Reject::new(401).cookie(SetCookie::new(text, "x")))),
    ("value of a cookie of a refusal", |text| encode_reject(&Reject::new(401).cookie(SetCookie::new("x", text)))),
    ("location", |text| encode_reject(&Reject::new(302).header("Location", text))),
    ("content type of a refusal", |text| encode_reject(&Reject::new(400).header("Content-Type", text).body("body"))),
    ("challenge", |text| {
        encode_reject(&Reject::new(401).header("WWW-Authenticate", format!("Basic realm=\"{text}\"")))
    }),
    ("name of a header field", |text| header_field(text, "x")),
    ("value of a header field", |text| header_field("x", text)),
    ("method", |text| relay(text, "/", "x", "y")),
    ("target", |text| relay("GET", &format!("/{text}"), "x", "y")),
    ("name of a relayed header field", |text| relay("GET", "/", text, "y")),
    ("value of a relayed header field", |text| relay("GET", "/", "x", text)),
    ("value of a relayed response", |text| {
        let mut output = BytesMut::new();
        ResponseHead::from_parts(200, [("x", text)]).ok()?.encode(&mut output);
        Some(output)
    }),
    ("origin that a draft repeats", |text| repeat("Origin", text)),
    ("host that a draft repeats", |text| repeat("Host", text)),
];

#[test]
fn writes_every_harmless_string() {
    for (string, write) in STRINGS {
        assert!(write("ws").is_some(), "{string}");
    }
}

#[test]
fn rejects_control_characters_in_every_string() {
    let controls = (0..=0x7F_u8).filter(|&byte| byte.is_ascii_control() && byte != b'\t').map(char::from);
    let poisons = controls.map(String::from).chain(["\r\n".into(), "\r\n\r\n".into(), "\n\n".into()]);
    for poison in poisons {
        for text in [format!("{poison}x"), format!("x{poison}y"), format!("x{poison}")] {
            for (string, write) in STRINGS {
                assert_eq!(write(&text), None, "{string}: {text:?}");
            }
        }
    }
}

/// Characters whose low byte is CR or LF, and other text that resembles a line end.
#[test]
fn lookalikes_of_line_ends_stay_in_their_line() {
    for text in ["x\u{560D}\u{560A}y: z", "x\u{2028}y", "x\u{85}y", "x%0d%0ay:%20z", "x\\r\\ny"] {
        for (string, write) in STRINGS {
            let written = write(text).unwrap_or_default();
            let lines = String::from_utf8(written.to_vec()).unwrap();
            assert!(!lines.lines().any(|line| line.starts_with('y')), "{string}: {lines:?}");
        }
    }
    let encoded = encode_connect("ws://h/%0d%0aX:%20y?%00").unwrap();
    assert!(encoded.starts_with(b"GET /%0d%0aX:%20y?%00 HTTP/1.1\r\n"), "percent-encoding is not changed");
}

/// A CGI gateway decodes the path. It is percent-encoded again before it is written.
#[test]
fn percent_encodes_decoded_paths() {
    let vars = [("PATH_INFO", "/a\r\nX: y\0"), ("HTTP_HOST", "h")];
    assert_eq!(RequestHead::from_cgi(vars).unwrap().target(), "/a%0D%0AX:%20y%00");
    assert!(RequestHead::from_cgi([("QUERY_STRING", "a\r\nX: y")]).is_err());
    assert!(RequestHead::from_cgi([("REQUEST_URI", "/a\r\nX: y")]).is_err());
    assert!(RequestHead::from_cgi([("HTTP_X", "a\r\nX: y")]).is_err());
    assert!(RequestHead::from_cgi([("HTTP_X\r\nY", "a")]).is_err());
}

/// A caller cannot write header fields that the handshake writes, or that announce a body.
#[test]
fn rejects_header_fields_of_the_handshake() {
    for name in
        ["Upgrade", "connection", "Content-Length", "TRANSFER-ENCODING", "Sec-WebSocket-Accept", "websocket-origin"]
    {
        assert_eq!(encode_offer(&Offer::new().header(name, "x")), None, "{name}");
        assert_eq!(encode_accept(&Accept::new().header(name, "x")), None, "{name}");
    }
    assert_eq!(encode_offer(&Offer::new().header("Host", "x")), None);
    for name in ["connection", "Content-Length", "Transfer-Encoding"] {
        assert_eq!(encode_reject(&Reject::new(400).header(name, "x")), None, "{name}");
    }
}

/// A server that parses by RFC 6265 and one that parses the quotes of RFC 2965 both find exactly the written cookies,
/// for all values around them.
#[test]
fn cookies_cannot_hide_or_add_cookies() {
    let values: [&[u8]; 14] = [
        b"\"a",
        b"b\"",
        b"\"",
        b"\"a\"",
        b"\"a b\"",
        b"\"a\\\"",
        b"\\\"",
        b"a\"b",
        b"a; x=y",
        b"\"; x=\"",
        b"\xFF",
        b"a=b",
        b"\\",
        b"",
    ];
    let mut written = 0;
    for first in values {
        for second in values {
            let offer = Offer::new().cookie("theme", first).cookie("session", "SECRET").cookie("z", second);
            let Some(wire) = encode_offer(&offer) else { continue };
            written += 1;
            let request = Request::parse(&mut wire.clone(), HeadLimits::default()).unwrap().unwrap();
            let sent = [("theme", first), ("session", b"SECRET"), ("z", second)];
            assert!(request.cookies().map(|cookie| (cookie.name(), cookie.value())).eq(sent), "{wire:?}");
            let field = request.headers().get("cookie").unwrap();
            let quoted: Vec<_> =
                PerlCookie::parse(field).map(|cookie| (cookie.name, cookie.value.into_owned())).collect();
            assert_eq!(quoted[1], ("session", b"SECRET".to_vec()), "{wire:?}");
            assert!(quoted.iter().map(|(name, _)| *name).eq(["theme", "session", "z"]), "{wire:?}");
            assert!(Cookie::parse(field).eq(request.cookies()));
        }
    }
    assert_eq!(written, 6 * 6, "valid values are written");
}

fn encode_request(destination: Destination<'_>, offer: &Offer) -> Option<BytesMut> {
    let mut output = BytesMut::new();
    // In every version, with and without the syntax of Perl.
    for version in VERSIONS {
        for offer in [offer.clone().version(version), offer.clone().version(version).perl_compat()] {
            if let Ok(request) = Request::offer(destination, &offer, &mut fixed_random) {
                request.encode(&mut output);
            }
        }
    }
    (!output.is_empty()).then_some(output)
}

fn encode_offer(offer: &Offer) -> Option<BytesMut> {
    encode_request(Destination::new("h", "/"), offer)
}

fn encode_connect(url: &str) -> Option<BytesMut> {
    let (url, mut output) = (Url::parse(url).ok()?, BytesMut::new());
    Connection::client(&url, &Offer::new(), Config::new(), fixed_random, &mut output).ok().map(|_| output)
}

/// Encodes the response to a request that offers all names that the tests accept.
fn encode_accept(accept: &Accept) -> Option<BytesMut> {
    let lines = "Sec-WebSocket-Protocol: ws\r\nSec-WebSocket-Extensions: x, ws\r\n";
    let mut output = BytesMut::new();
    for version in VERSIONS {
        for accept in [accept.clone(), accept.clone().perl_compat()] {
            let mut input = BytesMut::from(&*head(version, "", lines));
            let request = Request::parse(&mut input, HeadLimits::default()).unwrap().unwrap();
            let before = output.len();
            if accept.encode(&request, &mut output).is_err() {
                assert_eq!(output.len(), before, "a failed call writes nothing");
            }
        }
    }
    (!output.is_empty()).then_some(output)
}

fn set_cookie(cookie: SetCookie) -> Option<BytesMut> {
    encode_accept(&Accept::new().cookie(cookie))
}

fn encode_reject(reject: &Reject) -> Option<BytesMut> {
    let mut output = BytesMut::new();
    let written = reject.encode(&mut output);
    assert_eq!(written.is_err(), output.is_empty());
    written.ok().map(|()| output)
}

fn header_field(name: &str, value: &str) -> Option<BytesMut> {
    let mut headers = Headers::new();
    headers.push(name, value).ok()?;
    relay("GET", "/", name, value)
}

fn relay(method: &str, target: &str, name: &str, value: &str) -> Option<BytesMut> {
    let mut output = BytesMut::new();
    RequestHead::from_parts(method, target, [(name, value)]).ok()?.encode(&mut output);
    Some(output)
}

/// Encodes responses of drafts that repeat the origin and the host of the request: from bytes, and from name and value
/// pairs.
fn repeat(name: &str, value: &str) -> Option<BytesMut> {
    let mut output = BytesMut::new();
    for version in [Version::Hixie75, Version::Hybi00] {
        let mut input = BytesMut::from(&*head(version, name, &format!("{name}: {value}\r\n")));
        // A line feed in the bytes would begin another header field.
        let parsed = if value.contains('\n') { Ok(None) } else { Request::parse(&mut input, HeadLimits::default()) };
        if let Ok(Some(request)) = parsed {
            Accept::new().encode(&request, &mut output).unwrap();
        }
        let others = [("Host", "h"), ("Upgrade", "websocket"), ("Connection", "Upgrade"), (name, value)];
        let pairs = others
            .iter()
            .filter(|field| field.0 != name || field.1 == value)
            .chain(crate::endpoint::version_headers(version));
        if let Ok(upgrade) = Upgrade::from_parts("GET", "/", pairs.copied()) {
            drop(upgrade.accept(&Accept::new(), &mut output).unwrap());
        }
    }
    (!output.is_empty()).then_some(output)
}

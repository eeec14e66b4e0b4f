//! Line ends and NUL through every string that we write: S14, and what S2 and O9 have us repeat.

use bytes::BytesMut;
use protocol_websocket::http::{Cookie, Extension, Headers, PerlCookie, RequestHead, ResponseHead, SetCookie, Target};
use protocol_websocket::{Accept, Client, Config, HeadLimits, Offer, Reject, Request, Upgrade, Url, Version};

use crate::ends::{VERSIONS, fixed, head};

/// What is written of a string, if it is.
type Writes = fn(&str) -> Option<BytesMut>;

/// Every string that a caller gives us to write into a head.
const STRINGS: &[(&str, Writes)] = &[
    ("host", |text| asks(Target::new(text, "/"), &Offer::new())),
    ("host of a URL", |text| connects(&format!("ws://{text}/"))),
    ("user of a URL", |text| connects(&format!("ws://{text}@h/"))),
    ("path of a URL", |text| connects(&format!("ws://h/{text}"))),
    ("query of a URL", |text| connects(&format!("ws://h/?{text}"))),
    ("scheme of a URL", |text| connects(&format!("{text}://h/"))),
    ("where a redirect leads", |text| connects(Url::parse("ws://h/").unwrap().join(text).ok()?.to_string().as_str())),
    ("resource name", |text| asks(Target::new("h", &format!("/{text}")), &Offer::new())),
    ("subprotocol", |text| offers(&Offer::new().subprotocol(text))),
    ("extension", |text| offers(&Offer::new().extension(Extension::new(text)))),
    ("flag of an extension", |text| offers(&Offer::new().extension(Extension::new("x").flag(text)))),
    ("parameter of an extension", |text| offers(&Offer::new().extension(Extension::new("x").param(text, "y")))),
    ("value of a parameter", |text| offers(&Offer::new().extension(Extension::new("x").param("y", text)))),
    ("origin", |text| offers(&Offer::new().origin(text))),
    ("cookie", |text| offers(&Offer::new().cookie(text, "x"))),
    ("value of a cookie", |text| offers(&Offer::new().cookie("x", text))),
    ("joined cookie", |text| offers(&Offer::new().header("Cookie", PerlCookie::join([(text, None::<&str>)]).ok()?))),
    ("value of a joined cookie", |text| {
        offers(&Offer::new().header("Cookie", PerlCookie::join([("x", Some(text))]).ok()?))
    }),
    ("user", |text| offers(&Offer::new().basic_auth(text, "x"))),
    ("password", |text| offers(&Offer::new().basic_auth("x", text))),
    ("header of a request", |text| offers(&Offer::new().header(text, "x"))),
    ("value of a request's header", |text| offers(&Offer::new().header("X", text))),
    ("granted subprotocol", |text| accepts(&Accept::new().subprotocol(text))),
    ("granted extension", |text| accepts(&Accept::new().extension(Extension::new(text)))),
    ("granted flag", |text| accepts(&Accept::new().extension(Extension::new("x").flag(text)))),
    ("granted parameter", |text| accepts(&Accept::new().extension(Extension::new("x").param(text, "y")))),
    ("value of a granted parameter", |text| accepts(&Accept::new().extension(Extension::new("x").param("y", text)))),
    ("cookie that is set", |text| sets(SetCookie::new(text, "x"))),
    ("value that is set", |text| sets(SetCookie::new("x", text))),
    ("path of a cookie", |text| sets(SetCookie::new("x", "y").path(text))),
    ("domain of a cookie", |text| sets(SetCookie::new("x", "y").domain(text))),
    ("end of a cookie", |text| sets(SetCookie::new("x", "y").expires(text))),
    ("attribute of a cookie", |text| sets(SetCookie::new("x", "y").with(text.to_owned(), None))),
    ("value of an attribute", |text| sets(SetCookie::new("x", "y").with("Comment", Some(text.into())))),
    ("cookie as Perl sets it", |text| sets(SetCookie::new("x", text).perl_compat())),
    ("port as Perl sets it", |text| sets(SetCookie::new("x", "y").with("Port", Some(text.into())).perl_compat())),
    ("header of an answer", |text| accepts(&Accept::new().header(text, "x"))),
    ("value of an answer's header", |text| accepts(&Accept::new().header("X", text))),
    ("reason phrase", |text| rejects(&Reject::new(400).reason(text.to_owned()))),
    ("header of a refusal", |text| rejects(&Reject::new(400).header(text, "x"))),
    ("cookie that a refusal sets", |text| rejects(&Reject::new(401).cookie(SetCookie::new(text, "x")))),
    ("value that a refusal sets", |text| rejects(&Reject::new(401).cookie(SetCookie::new("x", text)))),
    ("location", |text| rejects(&Reject::new(302).header("Location", text))),
    ("type of a refusal's body", |text| rejects(&Reject::new(400).header("Content-Type", text).body("body"))),
    ("challenge", |text| rejects(&Reject::new(401).header("WWW-Authenticate", format!("Basic realm=\"{text}\"")))),
    ("name of a field", |text| fields(text, "x")),
    ("value of a field", |text| fields("x", text)),
    ("method", |text| relays(text, "/", "x", "y")),
    ("target", |text| relays("GET", &format!("/{text}"), "x", "y")),
    ("name of a field that is passed on", |text| relays("GET", "/", text, "y")),
    ("value of a field that is passed on", |text| relays("GET", "/", "x", text)),
    ("value of an answer that is passed on", |text| {
        let mut output = BytesMut::new();
        ResponseHead::from_parts(200, [("x", text)]).ok()?.encode(&mut output);
        Some(output)
    }),
    ("origin that a draft repeats", |text| repeats("Origin", text)),
    ("host that a draft repeats", |text| repeats("Host", text)),
];

#[test]
fn each_string_is_written_as_long_as_it_is_harmless() {
    for (string, writes) in STRINGS {
        assert!(writes("ws").is_some(), "{string}");
    }
}

#[test]
fn no_control_character_goes_through_any_string() {
    let controls = (0..=0x7F_u8).filter(|&byte| byte.is_ascii_control() && byte != b'\t').map(char::from);
    let poisons = controls.map(String::from).chain(["\r\n".into(), "\r\n\r\n".into(), "\n\n".into()]);
    for poison in poisons {
        for text in [format!("{poison}x"), format!("x{poison}y"), format!("x{poison}")] {
            for (string, writes) in STRINGS {
                assert_eq!(writes(&text), None, "{string}: {text:?}");
            }
        }
    }
}

/// A character whose last byte is that of a line end in another encoding, and what only looks like one.
#[test]
fn what_becomes_a_line_end_elsewhere_is_none_here() {
    for text in ["x\u{560D}\u{560A}y: z", "x\u{2028}y", "x\u{85}y", "x%0d%0ay:%20z", "x\\r\\ny"] {
        for (string, writes) in STRINGS {
            let written = writes(text).unwrap_or_default();
            let lines = String::from_utf8(written.to_vec()).unwrap();
            assert!(!lines.lines().any(|line| line.starts_with('y')), "{string}: {lines:?}");
        }
    }
    let encoded = connects("ws://h/%0d%0aX:%20y?%00").unwrap();
    assert!(encoded.starts_with(b"GET /%0d%0aX:%20y?%00 HTTP/1.1\r\n"), "it stays as it is");
}

/// A gateway decodes the path; it is encoded again and not written as it is.
#[test]
fn a_decoded_path_is_encoded_again() {
    let vars = [("PATH_INFO", "/a\r\nX: y\0"), ("HTTP_HOST", "h")];
    assert_eq!(RequestHead::from_cgi(vars).unwrap().target(), "/a%0D%0AX:%20y%00");
    assert!(RequestHead::from_cgi([("QUERY_STRING", "a\r\nX: y")]).is_err());
    assert!(RequestHead::from_cgi([("REQUEST_URI", "/a\r\nX: y")]).is_err());
    assert!(RequestHead::from_cgi([("HTTP_X", "a\r\nX: y")]).is_err());
    assert!(RequestHead::from_cgi([("HTTP_X\r\nY", "a")]).is_err());
}

/// What the handshake writes, and what would announce a body, is not for the caller to write again.
#[test]
fn the_fields_of_the_handshake_are_not_the_callers() {
    for name in
        ["Upgrade", "connection", "Content-Length", "TRANSFER-ENCODING", "Sec-WebSocket-Accept", "websocket-origin"]
    {
        assert_eq!(offers(&Offer::new().header(name, "x")), None, "{name}");
        assert_eq!(accepts(&Accept::new().header(name, "x")), None, "{name}");
    }
    assert_eq!(offers(&Offer::new().header("Host", "x")), None);
    for name in ["connection", "Content-Length", "Transfer-Encoding"] {
        assert_eq!(rejects(&Reject::new(400).header(name, "x")), None, "{name}");
    }
}

/// Whatever the values around it are: a server that reads RFC 6265 and one that reads the quotes of RFC 2965 find each
/// cookie that was written, and nothing else.
#[test]
fn no_cookie_gets_into_another_one() {
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
            let Some(wire) = offers(&offer) else { continue };
            written += 1;
            let request = Request::parse(&mut wire.clone(), HeadLimits::default()).unwrap().unwrap();
            let sent = [("theme", first), ("session", b"SECRET"), ("z", second)];
            assert!(request.cookies().map(|cookie| (cookie.name(), cookie.value())).eq(sent), "{wire:?}");
            let field = request.headers().get("cookie").unwrap();
            let perls: Vec<_> =
                PerlCookie::parse(field).map(|cookie| (cookie.name, cookie.value.into_owned())).collect();
            assert_eq!(perls[1], ("session", b"SECRET".to_vec()), "{wire:?}");
            assert!(perls.iter().map(|(name, _)| *name).eq(["theme", "session", "z"]), "{wire:?}");
            assert!(Cookie::parse(field).eq(request.cookies()));
        }
    }
    assert_eq!(written, 6 * 6, "a good value is written");
}

fn asks(target: Target<'_>, offer: &Offer) -> Option<BytesMut> {
    let mut output = BytesMut::new();
    // However it is worded.
    for version in VERSIONS {
        for offer in [offer.clone().version(version), offer.clone().version(version).perl_compat()] {
            if let Ok(request) = Request::offer(target, &offer, &mut fixed) {
                request.encode(&mut output);
            }
        }
    }
    (!output.is_empty()).then_some(output)
}

fn offers(offer: &Offer) -> Option<BytesMut> {
    asks(Target::new("h", "/"), offer)
}

fn connects(url: &str) -> Option<BytesMut> {
    let (url, mut output) = (Url::parse(url).ok()?, BytesMut::new());
    Client::connect(&url, &Offer::new(), Config::new(), fixed, &mut output).ok().map(|_| output)
}

/// What is accepted of a request that offers all that is granted here.
fn accepts(accept: &Accept) -> Option<BytesMut> {
    let lines = "Sec-WebSocket-Protocol: ws\r\nSec-WebSocket-Extensions: x, ws\r\n";
    let mut output = BytesMut::new();
    for version in VERSIONS {
        for accept in [accept.clone(), accept.clone().perl_compat()] {
            let mut input = BytesMut::from(&*head(version, "", lines));
            let request = Request::parse(&mut input, HeadLimits::default()).unwrap().unwrap();
            let before = output.len();
            if accept.encode(&request, &mut output).is_err() {
                assert_eq!(output.len(), before, "nothing was written");
            }
        }
    }
    (!output.is_empty()).then_some(output)
}

fn sets(cookie: SetCookie) -> Option<BytesMut> {
    accepts(&Accept::new().cookie(cookie))
}

fn rejects(reject: &Reject) -> Option<BytesMut> {
    let mut output = BytesMut::new();
    let written = reject.encode(&mut output);
    assert_eq!(written.is_err(), output.is_empty());
    written.ok().map(|()| output)
}

fn fields(name: &str, value: &str) -> Option<BytesMut> {
    let mut headers = Headers::new();
    headers.push(name, value).ok()?;
    relays("GET", "/", name, value)
}

fn relays(method: &str, target: &str, name: &str, value: &str) -> Option<BytesMut> {
    let mut output = BytesMut::new();
    RequestHead::from_parts(method, target, [(name, value)]).ok()?.encode(&mut output);
    Some(output)
}

/// The drafts answer with origin and host of the request: once in bytes, once in pairs of another HTTP server.
fn repeats(name: &str, value: &str) -> Option<BytesMut> {
    let mut output = BytesMut::new();
    for version in [Version::Hixie75, Version::Hybi00] {
        let mut input = BytesMut::from(&*head(version, name, &format!("{name}: {value}\r\n")));
        // A line feed begins another field, and is none of this one.
        let parsed = if value.contains('\n') { Ok(None) } else { Request::parse(&mut input, HeadLimits::default()) };
        if let Ok(Some(request)) = parsed {
            Accept::new().encode(&request, &mut output).unwrap();
        }
        let others = [("Host", "h"), ("Upgrade", "websocket"), ("Connection", "Upgrade"), (name, value)];
        let pairs =
            others.iter().filter(|field| field.0 != name || field.1 == value).chain(crate::ends::proof(version));
        if let Ok(upgrade) = Upgrade::from_parts("GET", "/", pairs.copied()) {
            drop(upgrade.accept(&Accept::new(), &mut output).unwrap());
        }
    }
    (!output.is_empty()).then_some(output)
}

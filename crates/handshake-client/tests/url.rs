//! Handshakes with a `Url`: the request for it, and redirects that are resolved against it.
#![cfg(feature = "url")]
#![allow(clippy::unwrap_used, clippy::panic)]

use bytes::BytesMut;
use protocol_websocket_handshake_client::http::{BuildError, Destination, Offer};
use protocol_websocket_handshake_client::url::{Url, UrlError};
use protocol_websocket_handshake_client::{ClientDestination, ClientHandshake, Outcome, Redirect};

fn connect<'a>(
    destination: impl Into<ClientDestination<'a>>,
    output: &mut BytesMut,
) -> Result<ClientHandshake, BuildError> {
    ClientHandshake::new(destination, &Offer::new(), &mut |buf: &mut [u8]| buf.fill(7), output)
}

fn redirect<'a>(from: impl Into<ClientDestination<'a>>, response: &[u8]) -> Redirect {
    let mut handshake = connect(from, &mut BytesMut::new()).unwrap();
    match handshake.parse(&mut BytesMut::from(response)).unwrap() {
        Some(Outcome::Redirect(redirect)) => redirect,
        outcome => panic!("{outcome:?}"),
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# MUST be valid according to the specification of WebSocket URIs specified in Section 3.
//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# The "Request-URI" part of the request MUST match the /resource name/ defined in Section 3
//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# The request MUST contain a |Host| header field
#[test]
fn request_has_host_and_resource_name_of_the_url() {
    for (text, line, host) in [
        ("wss://example.com", "GET / HTTP/1.1", "Host: example.com"),
        ("wss://example.com:80/a?b", "GET /a?b HTTP/1.1", "Host: example.com:80"),
        ("ws://[::1]:3000?q", "GET /?q HTTP/1.1", "Host: [::1]:3000"),
        ("ws://user:secret@example.com/", "GET / HTTP/1.1", "Host: example.com"),
    ] {
        let mut output = BytesMut::new();
        connect(&url(text), &mut output).unwrap();
        let text = std::str::from_utf8(&output).unwrap();
        assert!(text.starts_with(&format!("{line}\r\n{host}\r\n")), "{text}");
        assert!(!text.contains("secret") && !text.contains("Authorization"));
    }
}

#[test]
fn resolves_redirects_and_does_not_follow_them() {
    for (location, target) in [
        ("wss://other.example.com/x", "wss://other.example.com/x"),
        ("https://other.example.com/x", "wss://other.example.com/x"),
        ("/there?q", "wss://example.com/there?q"),
        ("there", "wss://example.com/a/there"),
    ] {
        for status in [301, 302, 303, 307, 308] {
            let response = format!("HTTP/1.1 {status} x\r\nLocation: {location}\r\n\r\n");
            let redirect = redirect(&url("wss://example.com/a/b"), response.as_bytes());
            assert_eq!((redirect.status(), redirect.location()), (status, location));
            assert_eq!(redirect.url(), Ok(url(target)));
            assert!(!redirect.is_downgrade());
        }
    }
    let response = b"HTTP/1.1 302 x\r\nLocation: ftp://example.com/\r\n\r\n";
    assert_eq!(redirect(&url("ws://example.com/"), response).url(), Err(UrlError::Scheme));
}

#[test]
fn detects_downgrades() {
    let response = b"HTTP/1.1 302 x\r\nLocation: http://example.com/\r\n\r\n";
    assert!(redirect(&url("wss://example.com/"), response).is_downgrade());
    assert!(!redirect(&url("ws://example.com/"), response).is_downgrade());
}

#[test]
fn only_relative_redirects_keep_credentials() {
    let from = url("ws://user:secret@example.com/");
    let relative = redirect(&from, b"HTTP/1.1 302 x\r\nLocation: /b\r\n\r\n");
    assert_eq!(relative.url().unwrap().credentials(), from.credentials());
    let absolute = redirect(&from, b"HTTP/1.1 302 x\r\nLocation: ws://example.com/b\r\n\r\n");
    assert_eq!(absolute.url().unwrap().credentials(), None);
}

#[test]
fn resolves_redirects_against_a_destination() {
    let response = b"HTTP/1.1 302 x\r\nLocation: there\r\n\r\n";
    let from = Destination::new("example.com", "/a/b").port(8443).secure(true);
    assert_eq!(redirect(from, response).url(), Ok(url("wss://example.com:8443/a/there")));
    assert!(!redirect(from, response).is_downgrade());
    // `Host` may be a name that no URL has.
    let redirect = redirect(Destination::new("a%22b", "/"), response);
    assert_eq!(redirect.url(), Err(UrlError::Host));
    assert!(!redirect.is_downgrade());
}

#[test]
fn debug_of_a_redirect_hides_credentials_and_queries() {
    let response = b"HTTP/1.1 302 Found\r\nLocation: https://v:s3cret@h/b?token=s3cret\r\nX-Token: s3cret\r\n\r\n";
    let redirect = redirect(&url("wss://u:s3cret@example.com/a?token=s3cret"), response);
    let shown = format!("{redirect:?} {:?}", ClientDestination::from(&url("wss://u:s3cret@h/?s3cret")));
    assert!(shown.contains("302") && shown.contains("wss://h/b"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn percent_encodes_locations_that_are_not_utf8() {
    for (location, shown, target) in [
        (&b"/caf\xE9"[..], "/caf%E9", Ok("ws://example.com/caf%E9")),
        (b"/caf\xC3\xA9?\xE9\xFF", "/caf\u{e9}?%E9%FF", Ok("ws://example.com/caf%C3%A9?%E9%FF")),
        (b"//caf\xE9.example/", "//caf%E9.example/", Err(UrlError::Host)),
        (b"/a#\xE9", "/a#%E9", Ok("ws://example.com/a")),
    ] {
        let response = [b"HTTP/1.1 302 x\r\nLocation: ", location, b"\r\n\r\n"].concat();
        let redirect = redirect(&url("ws://example.com/a/b"), &response);
        assert_eq!((redirect.location(), redirect.headers().get("location")), (shown, Some(location)));
        assert_eq!(redirect.url(), target.map(url), "{shown}");
    }
}

/// RFC 9110 §10.2.2.
#[test]
fn drops_the_fragment_of_a_redirect() {
    for (location, target) in [
        ("/there#here", "ws://example.com/there"),
        ("https://example.org/?q#", "wss://example.org/?q"),
        ("#top", "ws://example.com/a/b?c"),
    ] {
        let response = format!("HTTP/1.1 302 x\r\nLocation: {location}\r\n\r\n");
        let redirect = redirect(&url("ws://example.com/a/b?c"), response.as_bytes());
        assert_eq!((redirect.location(), redirect.url()), (location, Ok(url(target))));
    }
}

//! The contents of responses, at a client: S13, S15 and downgrades.

use bytes::BytesMut;
use protocol_websocket::{
    Config, Connection, Error, Event, HandshakeError, Offer, OsRandom, ResponseError, State, Url, Version,
};

use crate::endpoint::{AcceptingServer, Received, VERSIONS, connecting_client, send};

/// Returns the response of a server to a request.
fn response_text(request: &[u8]) -> String {
    let received = send(&mut AcceptingServer::new(Config::new()), request, request.len());
    String::from_utf8(received.output.to_vec()).unwrap()
}

/// Sends a changed response to a new client.
fn send_changed(offer: &Offer, change: impl FnOnce(String) -> String) -> Received {
    let (mut client, request) = connecting_client(offer);
    let received = send(&mut client, change(response_text(&request)).as_bytes(), 1000);
    assert_eq!(client.state() == State::Open, received.result.is_ok());
    assert!(received.output.is_empty(), "a client does not reply to an invalid response");
    received
}

fn assert_refused(offer: &Offer, error: ResponseError, change: impl FnOnce(String) -> String) {
    assert_eq!(send_changed(offer, change).result, Err(Error::Response(HandshakeError::Response(error))));
}

#[test]
fn client_accepts_only_the_accept_value_of_its_key() {
    let plain = Offer::new();
    let (field, accept) = ("Sec-WebSocket-Accept: ", "3rfwIIFc7dWP3unsr85Rkeq8rNM=");
    let line = format!("{field}{accept}\r\n");
    let right = send_changed(&plain, |response| {
        assert!(response.contains(field), "{response}");
        response
    });
    assert!(matches!(&right.events[..], [Event::Open(_)]));
    let value = |response: &str| response.split(field).nth(1).unwrap().split("\r\n").next().unwrap().to_owned();
    assert_refused(&plain, ResponseError::AcceptMissing, |response| response.replace(field, "X: "));
    assert_refused(&plain, ResponseError::AcceptRepeated, |response| {
        let twice = format!("{field}{}\r\n\r\n", value(&response));
        response.trim_end().to_owned() + "\r\n" + &twice
    });
    assert_refused(&plain, ResponseError::AcceptWrong, |response| {
        assert_ne!(value(&response), accept);
        response.replace(&format!("{field}{}\r\n", value(&response)), &line)
    });
    assert_refused(&plain, ResponseError::AcceptWrong, |response| {
        response.replace(&value(&response), &value(&response).to_lowercase())
    });
    assert_refused(&plain, ResponseError::AcceptWrong, |response| {
        response.replace(&value(&response), &value(&response)[..27])
    });
    assert_refused(&plain, ResponseError::AcceptWrong, |response| response.replace(&value(&response), ""));
}

/// A valid response to one client is invalid for the next.
#[test]
fn client_rejects_replayed_response() {
    let (url, mut requests) = (Url::parse("ws://example.com/").unwrap(), [BytesMut::new(), BytesMut::new()]);
    for (version, error) in [
        (Version::Rfc6455, ResponseError::AcceptWrong),
        (Version::Hybi10, ResponseError::AcceptWrong),
        (Version::Hybi00, ResponseError::Checksum),
    ] {
        let offer = Offer::new().version(version);
        let [mut first, mut second] = requests.each_mut().map(|request| {
            request.clear();
            Connection::client(&url, &offer, Config::new(), OsRandom::new(), request).unwrap()
        });
        let received = send(&mut AcceptingServer::new(Config::new()), &requests[0], 1000);
        let replayed = Err(Error::Response(HandshakeError::Response(error)));
        assert_eq!(
            (send(&mut first, &received.output, 1000).result, send(&mut second, &received.output, 1000).result),
            (Ok(()), replayed)
        );
    }
}

#[test]
fn client_rejects_subprotocols_and_extensions_that_it_did_not_offer() {
    let offer = Offer::new().subprotocol("chat");
    let with_line =
        |line: &'static str| move |response: String| response.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"));
    for (line, error) in [
        ("Sec-WebSocket-Protocol: other", ResponseError::SubprotocolNotOffered),
        ("Sec-WebSocket-Protocol: chat, other", ResponseError::SubprotocolRepeated),
        ("Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat", ResponseError::SubprotocolRepeated),
        ("Sec-WebSocket-Protocol: CHAT", ResponseError::SubprotocolNotOffered),
        ("Sec-WebSocket-Extensions: permessage-deflate", ResponseError::ExtensionNotOffered),
        ("Sec-WebSocket-Extensions: x; y=\"", ResponseError::Extensions),
        ("Upgrade: h2c", ResponseError::Upgrade),
    ] {
        assert_refused(&offer, error, with_line(line));
    }
    assert_eq!(send_changed(&offer, with_line("Sec-WebSocket-Protocol: chat")).result, Ok(()));
    assert_refused(&offer, ResponseError::Upgrade, |response| {
        response.replace("Upgrade: websocket", "Upgrade: websocketx")
    });
    assert_refused(&offer, ResponseError::Connection, |response| {
        response.replace("Connection: Upgrade", "Connection: close")
    });
    assert_refused(&offer, ResponseError::HttpVersion, |response| response.replace("HTTP/1.1", "HTTP/1.0"));
}

/// A proxy would take the first frames as the body, or the next response as frames.
#[test]
fn client_rejects_101_with_body_in_every_version() {
    for version in VERSIONS {
        for (field, is_accepted) in [
            ("Content-Length: 0", true),
            ("Content-Length: 16", version == Version::Hybi00),
            ("Content-Length: 5", false),
            ("Content-Length: x", false),
            ("Transfer-Encoding: chunked", false),
        ] {
            let (mut client, request) = connecting_client(&Offer::new().version(version));
            let mut response = response_bytes(&request).to_vec();
            let first = response.iter().position(|&byte| byte == b'\n').unwrap() + 1;
            response.splice(first..first, format!("{field}\r\n").into_bytes());
            let expected = if is_accepted { Ok(()) } else { Err(HandshakeError::Response(ResponseError::Body)) };
            assert_eq!(
                send(&mut client, &response, 1000).result,
                expected.map_err(Error::Response),
                "{version} {field}"
            );
            assert_eq!(client.state() == State::Open, is_accepted);
        }
    }
}

/// Except for versions 13 and 8, whose responses and frames have the same form.
#[test]
fn client_rejects_response_of_another_version() {
    for offered in VERSIONS {
        for accepted in VERSIONS {
            let (mut client, _) = connecting_client(&Offer::new().version(offered));
            let (_, request) = connecting_client(&Offer::new().version(accepted));
            let received = send(&mut client, response_bytes(&request).as_ref(), 1000);
            let same = offered == accepted || (offered.has_length_framing() && accepted.has_length_framing());
            assert_eq!(received.result.is_ok() && client.state() == State::Open, same, "{accepted} to {offered}");
        }
    }
}

/// The server supports only a draft and names its version in the refusal. The client returns the refusal and sends no
/// second request.
#[test]
fn client_does_not_retry_with_another_version() {
    let (mut client, _) = connecting_client(&Offer::new());
    let received = send(&mut client, b"HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 8\r\n\r\n", 1000);
    assert!(matches!(&received.events[..], [Event::Rejected(_)]));
    assert!(received.output.is_empty() && client.state() == State::Closed);
    // A 101 after the refusal is not read.
    let late = send(&mut client, b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 1000);
    assert!(late.events.is_empty() && late.result.is_ok());
}

#[test]
fn redirect_is_reported_and_not_followed() {
    let from = Url::parse("wss://example.com/chat").unwrap();
    for (location, to, is_downgrade) in [
        ("ws://example.com/", Some("ws://example.com/"), true),
        ("http://evil.example/", Some("ws://evil.example/"), true),
        ("//evil.example/%0d%0aX:%20y", Some("wss://evil.example/%0d%0aX:%20y"), false),
        ("//evil.example/caf\u{e9}#wss://example.com/", Some("wss://evil.example/caf%C3%A9"), false),
        ("javascript:alert(1)", None, false),
        ("file:///etc/passwd", None, false),
    ] {
        let mut request = BytesMut::new();
        let mut client =
            Connection::client(&from, &Offer::new(), Config::new(), OsRandom::new(), &mut request).unwrap();
        let response = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n");
        let received = send(&mut client, response.as_bytes(), 1000);
        let [Event::Redirect(redirect)] = &received.events[..] else { panic!("{received:?}") };
        assert_eq!(redirect.url().ok().map(|url| url.to_string()).as_deref(), to, "{location}");
        assert_eq!(redirect.is_downgrade(), is_downgrade, "{location}");
        assert!(received.output.is_empty() && client.state() == State::Closed);
    }
}

/// Returns the response of a server to a request, with the proof of hybi-00.
fn response_bytes(request: &[u8]) -> BytesMut {
    send(&mut AcceptingServer::new(Config::new()), request, request.len()).output
}

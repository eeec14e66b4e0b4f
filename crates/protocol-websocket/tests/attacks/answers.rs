//! What an answer may say: S13, S15 and downgrades, at a client.

use bytes::BytesMut;
use protocol_websocket::{
    Client, Config, Error, Event, HandshakeError, Offer, OsRandom, ResponseError, State, Url, Version,
};

use crate::ends::{Open, Told, VERSIONS, asking, send};

/// What a server answers to this request.
fn answer(request: &[u8]) -> String {
    let told = send(&mut Open::new(Config::new()), request, request.len());
    String::from_utf8(told.output.to_vec()).unwrap()
}

/// A fresh client is answered with what becomes of the right answer.
fn answered(offer: &Offer, change: impl FnOnce(String) -> String) -> Told {
    let (mut client, request) = asking(offer);
    let told = send(&mut client, change(answer(&request)).as_bytes(), 1000);
    assert_eq!(client.state() == State::Open, told.end.is_ok());
    assert!(told.output.is_empty(), "a client has nothing to say to a wrong answer");
    told
}

fn is_refused(offer: &Offer, error: ResponseError, change: impl FnOnce(String) -> String) {
    assert_eq!(answered(offer, change).end, Err(Error::Answer(HandshakeError::Answer(error))));
}

#[test]
fn only_the_proof_of_this_very_key_opens() {
    let plain = Offer::new();
    let (field, accept) = ("Sec-WebSocket-Accept: ", "3rfwIIFc7dWP3unsr85Rkeq8rNM=");
    let line = format!("{field}{accept}\r\n");
    let right = answered(&plain, |answer| {
        assert!(answer.contains(field), "{answer}");
        answer
    });
    assert!(matches!(&right.events[..], [Event::Open(_)]));
    let value = |answer: &str| answer.split(field).nth(1).unwrap().split("\r\n").next().unwrap().to_owned();
    is_refused(&plain, ResponseError::AcceptMissing, |answer| answer.replace(field, "X: "));
    is_refused(&plain, ResponseError::AcceptRepeated, |answer| {
        let twice = format!("{field}{}\r\n\r\n", value(&answer));
        answer.trim_end().to_owned() + "\r\n" + &twice
    });
    is_refused(&plain, ResponseError::AcceptWrong, |answer| {
        assert_ne!(value(&answer), accept);
        answer.replace(&format!("{field}{}\r\n", value(&answer)), &line)
    });
    is_refused(&plain, ResponseError::AcceptWrong, |answer| {
        answer.replace(&value(&answer), &value(&answer).to_lowercase())
    });
    is_refused(&plain, ResponseError::AcceptWrong, |answer| answer.replace(&value(&answer), &value(&answer)[..27]));
    is_refused(&plain, ResponseError::AcceptWrong, |answer| answer.replace(&value(&answer), ""));
}

/// The right answer to one client is the wrong one for the next.
#[test]
fn a_replayed_answer_is_wrong() {
    let (url, mut requests) = (Url::parse("ws://example.com/").unwrap(), [BytesMut::new(), BytesMut::new()]);
    for (version, error) in [
        (Version::Rfc6455, ResponseError::AcceptWrong),
        (Version::Hybi10, ResponseError::AcceptWrong),
        (Version::Hybi00, ResponseError::Checksum),
    ] {
        let offer = Offer::new().version(version);
        let [mut first, mut second] = requests.each_mut().map(|request| {
            request.clear();
            Client::connect(&url, &offer, Config::new(), OsRandom::new(), request).unwrap()
        });
        let told = send(&mut Open::new(Config::new()), &requests[0], 1000);
        let replayed = Err(Error::Answer(HandshakeError::Answer(error)));
        assert_eq!(
            (send(&mut first, &told.output, 1000).end, send(&mut second, &told.output, 1000).end),
            (Ok(()), replayed)
        );
    }
}

#[test]
fn what_was_not_offered_is_not_taken() {
    let offer = Offer::new().subprotocol("chat");
    let with = |line: &'static str| move |answer: String| answer.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"));
    for (line, error) in [
        ("Sec-WebSocket-Protocol: other", ResponseError::SubprotocolNotOffered),
        ("Sec-WebSocket-Protocol: chat, other", ResponseError::SubprotocolRepeated),
        ("Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat", ResponseError::SubprotocolRepeated),
        ("Sec-WebSocket-Protocol: CHAT", ResponseError::SubprotocolNotOffered),
        ("Sec-WebSocket-Extensions: permessage-deflate", ResponseError::ExtensionNotOffered),
        ("Sec-WebSocket-Extensions: x; y=\"", ResponseError::Extensions),
        ("Upgrade: h2c", ResponseError::Upgrade),
    ] {
        is_refused(&offer, error, with(line));
    }
    assert_eq!(answered(&offer, with("Sec-WebSocket-Protocol: chat")).end, Ok(()));
    is_refused(&offer, ResponseError::Upgrade, |answer| answer.replace("Upgrade: websocket", "Upgrade: websocketx"));
    is_refused(&offer, ResponseError::Connection, |answer| answer.replace("Connection: Upgrade", "Connection: close"));
    is_refused(&offer, ResponseError::HttpVersion, |answer| answer.replace("HTTP/1.1", "HTTP/1.0"));
}

/// A proxy would take the first frames for the body, or the next response for frames.
#[test]
fn a_101_with_a_body_opens_in_no_version() {
    for version in VERSIONS {
        for (field, is_taken) in [
            ("Content-Length: 0", true),
            ("Content-Length: 16", version == Version::Hybi00),
            ("Content-Length: 5", false),
            ("Content-Length: x", false),
            ("Transfer-Encoding: chunked", false),
        ] {
            let (mut client, request) = asking(&Offer::new().version(version));
            let mut answer = answer_in(&request).to_vec();
            let first = answer.iter().position(|&byte| byte == b'\n').unwrap() + 1;
            answer.splice(first..first, format!("{field}\r\n").into_bytes());
            let expected = if is_taken { Ok(()) } else { Err(HandshakeError::Answer(ResponseError::Body)) };
            assert_eq!(send(&mut client, &answer, 1000).end, expected.map_err(Error::Answer), "{version} {field}");
            assert_eq!(client.state() == State::Open, is_taken);
        }
    }
}

/// But for one pair: 13 and 8 have one form of answer, and one form of frames.
#[test]
fn an_answer_of_another_version_is_none() {
    for asked in VERSIONS {
        for spoken in VERSIONS {
            let (mut client, _) = asking(&Offer::new().version(asked));
            let (_, request) = asking(&Offer::new().version(spoken));
            let told = send(&mut client, answer_in(&request).as_ref(), 1000);
            let same = asked == spoken || (asked.has_length_framing() && spoken.has_length_framing());
            assert_eq!(told.end.is_ok() && client.state() == State::Open, same, "{spoken} to {asked}");
        }
    }
}

/// A server of drafts alone says which; the client hears it, and asks for no less.
#[test]
fn a_refusal_that_names_another_version_is_a_refusal() {
    let (mut client, _) = asking(&Offer::new());
    let told = send(&mut client, b"HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 8\r\n\r\n", 1000);
    assert!(matches!(&told.events[..], [Event::Rejected(_)]));
    assert!(told.output.is_empty() && client.state() == State::Closed);
    // And no 101 is read behind it.
    let late = send(&mut client, b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 1000);
    assert!(late.events.is_empty() && late.end.is_ok());
}

#[test]
fn a_redirect_is_told_and_followed_by_nobody() {
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
        let mut client = Client::connect(&from, &Offer::new(), Config::new(), OsRandom::new(), &mut request).unwrap();
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n");
        let told = send(&mut client, answer.as_bytes(), 1000);
        let [Event::Redirect(redirect)] = &told.events[..] else { panic!("{told:?}") };
        assert_eq!(redirect.url().ok().map(|url| url.to_string()).as_deref(), to, "{location}");
        assert_eq!(redirect.is_downgrade(), is_downgrade, "{location}");
        assert!(told.output.is_empty() && client.state() == State::Closed);
    }
}

/// The answer to a request, in whatever version.
fn answer_in(request: &[u8]) -> BytesMut {
    send(&mut Open::new(Config::new()), request, request.len()).output
}

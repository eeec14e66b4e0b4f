//! What is said to people: errors, each in words of its own, refusals by their usual phrases, and what may stand in a log.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::error::Error;

use bytes::BytesMut;
use protocol_websocket_http::{
    AnswerError, BuildError, HeadLimits, Key, ParseError, Reject, Request, SameSite, SetCookie, Versions,
};

/// Each says something else, on one line and in the way of errors.
fn distinct(errors: &[&dyn Error]) {
    let texts: BTreeSet<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), errors.len(), "{texts:?}");
    for text in texts {
        assert!(text.len() > 10 && !text.ends_with('.') && !text.contains('\n'), "{text}");
        assert!(text.starts_with(|first: char| first.is_lowercase()), "{text}");
    }
}

#[test]
fn every_error_has_words_of_its_own() {
    distinct(&[
        &ParseError::Body,
        &ParseError::Connection,
        &ParseError::Extensions,
        &ParseError::Field,
        &ParseError::Host,
        &ParseError::HttpVersion,
        &ParseError::Key,
        &ParseError::Method,
        &ParseError::MixedKeys,
        &ParseError::Origin,
        &ParseError::RequestLine,
        &ParseError::ResponseLine,
        &ParseError::Subprotocols,
        &ParseError::Target,
        &ParseError::TooLong,
        &ParseError::TooManyHeaders,
        &ParseError::Upgrade,
        &ParseError::Version(Versions::ALL),
    ]);
    distinct(&[
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
    ]);
    distinct(&[
        &AnswerError::AcceptMissing,
        &AnswerError::AcceptRepeated,
        &AnswerError::AcceptWrong,
        &AnswerError::Checksum,
        &AnswerError::Connection,
        &AnswerError::ExtensionNotOffered,
        &AnswerError::ExtensionParameters,
        &AnswerError::Extensions,
        &AnswerError::HttpVersion,
        &AnswerError::Location,
        &AnswerError::Origin,
        &AnswerError::Status,
        &AnswerError::SubprotocolNotOffered,
        &AnswerError::SubprotocolRepeated,
        &AnswerError::Upgrade,
    ]);
}

#[test]
fn a_refusal_has_the_usual_phrase() {
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
fn a_cookie_says_which_requests_of_other_sites_get_it() {
    for (same_site, said) in [(SameSite::Strict, "Strict"), (SameSite::Lax, "Lax"), (SameSite::None, "None")] {
        let cookie = SetCookie::new("a", "b").same_site(SameSite::Lax).same_site(same_site);
        assert_eq!(cookie.to_string(), format!("a=b; SameSite={said}"));
    }
}

#[test]
fn a_request_in_a_log_is_one_line_whatever_the_peer_sent() {
    let mut input = BytesMut::from(
        "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX: \ta\tb\u{9b}31m\t\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    let request = Request::parse(&mut input, HeadLimits::default()).unwrap().unwrap();
    let log = format!("{request:?}");
    assert!(
        log.starts_with("Request { version: Hybi17, head: RequestHead { method: \"GET\", target: \"/chat\", "),
        "{log}"
    );
    assert!(!log.contains(char::is_control), "{log:?}");
}

#[test]
fn a_key_in_a_log_is_its_text() {
    let key: Key = "dGhlIHNhbXBsZSBub25jZQ==".parse().unwrap();
    assert_eq!(format!("{key:?}"), "Key(\"dGhlIHNhbXBsZSBub25jZQ==\")");
}

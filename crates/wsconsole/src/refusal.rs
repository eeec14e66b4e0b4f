//! The response of a server that refuses or redirects the opening handshake.

use bytes::BytesMut;
use protocol_websocket::Redirect;
use protocol_websocket::http::{Headers, ResponseHead};

use crate::note::note;

/// A response whose head was printed. Its body is printed when it is complete, or when the session ends.
#[derive(Debug)]
pub(crate) struct Refusal {
    body_len: usize,
}

impl Refusal {
    /// The number of bytes of a body that are printed.
    const MAX_BODY: usize = 1024;

    /// Prints the head of a response that rejects the handshake.
    pub(crate) fn rejected(head: &ResponseHead) -> Self {
        note(&format!("refused: {} {}", head.status(), head.reason()));
        Self::print_headers(head.headers())
    }

    /// Prints the head of a redirect.
    pub(crate) fn redirected(redirect: &Redirect) -> Self {
        let target = match redirect.url() {
            Ok(url) => url.to_string(),
            Err(error) => format!("{} ({error})", redirect.location()),
        };
        note(&format!("redirected, not followed: {} to {target}", redirect.status()));
        Self::print_headers(redirect.headers())
    }

    /// Prints the header fields, and returns the refusal with the length of the body to print.
    fn print_headers(headers: &Headers) -> Self {
        for (name, value) in headers.iter() {
            note(&format!("  {name}: {}", String::from_utf8_lossy(value)));
        }
        let content_length = headers.get_str("content-length").and_then(|length| length.parse().ok());
        Self { body_len: content_length.map_or(Self::MAX_BODY, |length: usize| length.min(Self::MAX_BODY)) }
    }

    /// Returns whether all bytes that will be printed have arrived.
    pub(crate) fn is_complete(&self, body: &BytesMut) -> bool {
        body.len() >= self.body_len
    }

    pub(crate) fn print_body(&self, body: &BytesMut) {
        let printed = body.get(..self.body_len).unwrap_or(body);
        for line in String::from_utf8_lossy(printed).lines() {
            note(&format!("  | {line}"));
        }
    }
}

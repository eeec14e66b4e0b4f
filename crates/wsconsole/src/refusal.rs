use bytes::BytesMut;
use protocol_websocket::Redirect;
use protocol_websocket::http::{Headers, ResponseHead};

use crate::text::note;

/// The answer of a server that does not want to speak WebSocket here, while its body comes in.
#[derive(Debug)]
pub(crate) struct Refusal {
    body: usize,
}

impl Refusal {
    /// How much of the body is shown.
    const MAX_BODY: usize = 1024;

    pub(crate) fn rejected(head: &ResponseHead) -> Self {
        note(&format!("refused: {} {}", head.status(), head.reason()));
        Self::tell(head.headers())
    }

    pub(crate) fn redirected(redirect: &Redirect) -> Self {
        let target = match redirect.url() {
            Ok(url) => url.to_string(),
            Err(error) => format!("{} ({error})", redirect.location()),
        };
        note(&format!("redirected, not followed: {} to {target}", redirect.status()));
        Self::tell(redirect.headers())
    }

    fn tell(headers: &Headers) -> Self {
        for (name, value) in headers.iter() {
            note(&format!("  {name}: {}", String::from_utf8_lossy(value)));
        }
        let announced = headers.get_str("content-length").and_then(|length| length.parse().ok());
        Self { body: announced.map_or(Self::MAX_BODY, |length: usize| length.min(Self::MAX_BODY)) }
    }

    /// Whether as much of the body is here as will be shown.
    pub(crate) fn is_whole(&self, body: &BytesMut) -> bool {
        body.len() >= self.body
    }

    pub(crate) fn show(&self, body: &BytesMut) {
        let shown = body.get(..self.body).unwrap_or(body);
        for line in String::from_utf8_lossy(shown).lines() {
            note(&format!("  | {line}"));
        }
    }
}

use alloc::string::String;
use core::fmt::{self, Write};

use protocol_websocket_http::{Headers, Response, ResponseHead};
use protocol_websocket_url::{Url, UrlError};

/// What came of a request.
///
/// Whatever followed the head is still in the caller's input: frames, or a body.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The connection is open: [`Response::negotiated`] is what both ends agreed on. Cookies are in
    /// [`Response::headers`].
    Open(Response),
    /// The resource is elsewhere.
    Redirect(Redirect),
    /// The server refuses, or wants something first: see the status and the headers.
    Rejected(ResponseHead),
}

/// An answer 301, 302, 303, 307 or 308 with exactly one `Location`.
///
/// Nothing is followed here. Where [`url`](Self::url) leads is for the server's word alone, so the caller bounds the
/// hops, and takes cookies and credentials along only to a host that may have them.
///
/// `Debug` shows the status and both URLs, without credentials and queries.
#[derive(Clone)]
pub struct Redirect {
    from: Url,
    location: String,
    head: ResponseHead,
}

impl Redirect {
    /// A redirect, if the head is that of one.
    pub(crate) fn new(from: Url, head: ResponseHead) -> Result<Self, ResponseHead> {
        let is_redirect =
            matches!(head.status(), 301 | 302 | 303 | 307 | 308) && head.headers().get_all("location").count() == 1;
        match head.headers().get("location").map(to_text) {
            Some(location) if is_redirect && !location.is_empty() => Ok(Self { from, location, head }),
            _ => Err(head),
        }
    }

    /// `Location` as the server wrote it: absolute, or relative to the URL of the request. Bytes that are not UTF-8 are
    /// percent-encoded one by one: a Latin-1 `/é` is `/%E9`. [`headers`](Self::headers) has them as they came.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Where it leads, resolved against the URL of the request; `http` becomes `ws`, and `https` `wss`. A fragment is
    /// dropped ([`Url::join`]).
    ///
    /// # Errors
    ///
    /// When that is no URL of a WebSocket.
    pub fn url(&self) -> Result<Url, UrlError> {
        self.from.join(self.location())
    }

    /// Whether it leads from an encrypted connection to one that is not. A client should not follow then.
    #[must_use]
    pub fn is_downgrade(&self) -> bool {
        self.from.is_secure() && self.url().is_ok_and(|url| !url.is_secure())
    }

    /// The status: 301, 302, 303, 307 or 308.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.status()
    }

    /// The header fields.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        self.head.headers()
    }
}

impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redirect")
            .field("status", &self.status())
            .field("from", &self.from)
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}

/// Percent-encodes what is not UTF-8.
fn to_text(location: &[u8]) -> String {
    let mut text = String::with_capacity(location.len());
    for chunk in location.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to memory does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

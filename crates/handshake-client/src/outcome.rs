use core::fmt;

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
    head: ResponseHead,
}

impl Redirect {
    /// A redirect, if the head is that of one.
    pub(crate) fn new(from: Url, head: ResponseHead) -> Result<Self, ResponseHead> {
        let is_redirect = matches!(head.status(), 301 | 302 | 303 | 307 | 308)
            && head.headers().get_all("location").count() == 1
            && head.headers().get_str("location").is_some_and(|location| !location.is_empty());
        if is_redirect { Ok(Self { from, head }) } else { Err(head) }
    }

    /// `Location` as the server wrote it: absolute, or relative to the URL of the request.
    #[must_use]
    pub fn location(&self) -> &str {
        self.headers().get_str("location").unwrap_or_default()
    }

    /// Where it leads, resolved against the URL of the request; `http` becomes `ws`, and `https` `wss`.
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

use alloc::string::String;
use core::fmt::{self, Write};

use protocol_websocket_http::{Headers, ResponseHead};
#[cfg(feature = "url")]
use protocol_websocket_url::{Url, UrlError};

/// A response 301, 302, 303, 307 or 308 with exactly one `Location`, which is not empty.
///
/// This crate does not follow redirects. The server chooses the target, so the caller limits the number of redirects, and
/// sends cookies and credentials only to hosts that are trusted with them.
///
/// `Debug` shows the status and, with the feature `url`, both URLs without credentials and queries.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_handshake_client::http::{Destination, Offer};
/// use protocol_websocket_handshake_client::{ClientHandshake, Outcome};
///
/// let mut random = |buf: &mut [u8]| buf.fill(7); // use `OsRandom`
/// let (mut output, destination) = (BytesMut::new(), Destination::new("example.com", "/chat"));
/// let mut handshake = ClientHandshake::new(destination, &Offer::new(), &mut random, &mut output)?;
///
/// let mut input = BytesMut::from("HTTP/1.1 308 Permanent Redirect\r\nLocation: /v2/chat\r\n\r\n");
/// let Some(Outcome::Redirect(redirect)) = handshake.parse(&mut input)? else { panic!("it is a redirect") };
/// assert_eq!((redirect.status(), redirect.location()), (308, "/v2/chat"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Redirect {
    /// The URL of the request.
    #[cfg(feature = "url")]
    pub(crate) from: Result<Url, UrlError>,
    pub(crate) location: String,
    pub(crate) head: ResponseHead,
}

impl Redirect {
    /// Returns `Location` as the server sent it: absolute, or relative to the URL of the request. Bytes that are not UTF-8
    /// are percent-encoded: a Latin-1 `/é` is `/%E9`. [`headers`](Self::headers) has the original bytes.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Returns the target, resolved against the URL of the request. `http` becomes `ws`, and `https` becomes `wss`. A fragment
    /// is dropped ([`Url::join`]).
    ///
    /// ```
    /// use protocol_websocket_handshake_client::{Redirect, url::Url};
    ///
    /// /// Returns the URL for the next attempt, if the redirect may be followed.
    /// fn next(redirect: &Redirect, remaining_redirects: u32) -> Option<Url> {
    ///     if remaining_redirects == 0 || redirect.is_downgrade() {
    ///         return None;
    ///     }
    ///     redirect.url().ok()
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`UrlError`] if the target is not a valid WebSocket URL.
    #[cfg(feature = "url")]
    #[cfg_attr(docsrs, doc(cfg(feature = "url")))]
    pub fn url(&self) -> Result<Url, UrlError> {
        self.from.as_ref().map_err(|error| *error)?.join(self.location())
    }

    /// Returns whether the redirect leads from an encrypted connection to one that is not encrypted. A client should not
    /// follow such a redirect.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_handshake_client::{ClientHandshake, Outcome, http::Offer, url::Url};
    ///
    /// let mut random = |buf: &mut [u8]| buf.fill(7); // use `OsRandom`
    /// let (url, mut output) = (Url::parse("wss://example.com/chat")?, BytesMut::new());
    /// let mut handshake = ClientHandshake::new(&url, &Offer::new(), &mut random, &mut output)?;
    ///
    /// let mut input = BytesMut::from("HTTP/1.1 302 Found\r\nLocation: ws://example.com/chat\r\n\r\n");
    /// let Some(Outcome::Redirect(redirect)) = handshake.parse(&mut input)? else { panic!("it is a redirect") };
    /// assert!(redirect.is_downgrade());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "url")]
    #[cfg_attr(docsrs, doc(cfg(feature = "url")))]
    #[must_use]
    pub fn is_downgrade(&self) -> bool {
        self.from.as_ref().is_ok_and(Url::is_secure) && self.url().is_ok_and(|url| !url.is_secure())
    }

    /// Returns the status code: 301, 302, 303, 307 or 308.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.status()
    }

    /// Returns the header fields.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        self.head.headers()
    }
}

impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Redirect");
        shown.field("status", &self.status());
        #[cfg(feature = "url")]
        shown.field("from", &self.from).field("url", &self.url());
        shown.finish_non_exhaustive()
    }
}

/// Returns the `Location` of a redirect. Returns `None` if the head is not that of a redirect.
pub(crate) fn redirect_location(head: &ResponseHead) -> Option<String> {
    if !matches!(head.status(), 301 | 302 | 303 | 307 | 308) || head.headers().get_all("location").count() != 1 {
        return None;
    }
    head.headers().get("location").map(percent_encode_invalid_utf8).filter(|location| !location.is_empty())
}

/// Percent-encodes the bytes that are not UTF-8.
fn percent_encode_invalid_utf8(location: &[u8]) -> String {
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

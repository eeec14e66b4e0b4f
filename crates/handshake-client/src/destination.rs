use core::fmt;

use protocol_websocket_http::Destination;
#[cfg(feature = "url")]
use protocol_websocket_url::Url;

/// The destination of a [`ClientHandshake`](crate::ClientHandshake): a [`Destination`] or, with the feature `url`, a `&Url`.
///
/// Functions accept `impl Into<ClientDestination>`, so that callers seldom name this type:
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_handshake_client::http::{Destination, Offer};
/// use protocol_websocket_handshake_client::ClientHandshake;
///
/// let mut random = |buf: &mut [u8]| buf.fill(7); // use `OsRandom`
/// let mut output = BytesMut::new();
/// let destination = Destination::new("example.com", "/chat").port(8080);
/// ClientHandshake::new(destination, &Offer::new(), &mut random, &mut output)?;
/// assert!(output.starts_with(b"GET /chat HTTP/1.1\r\nHost: example.com:8080\r\n"));
/// # Ok::<(), protocol_websocket_handshake_client::http::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientDestination<'a> {
    pub(crate) destination: Destination<'a>,
    /// The URL of the caller. Its credentials are kept in relative redirects.
    #[cfg(feature = "url")]
    pub(crate) url: Option<&'a Url>,
}

impl<'a> ClientDestination<'a> {
    /// Returns the host, the port, the resource name and whether the connection is encrypted, for instance for an extended
    /// CONNECT of HTTP/2 ([`Request::offer_connect`](protocol_websocket_http::Request::offer_connect)).
    ///
    /// ```
    /// use protocol_websocket_handshake_client::http::{BuildError, Offer, Request};
    /// use protocol_websocket_handshake_client::ClientDestination;
    ///
    /// fn request<'a>(to: impl Into<ClientDestination<'a>>) -> Result<Request, BuildError> {
    ///     Request::offer_connect(to.into().destination(), &Offer::new())
    /// }
    /// # use protocol_websocket_handshake_client::http::Destination;
    /// # assert_eq!(request(Destination::new("example.com", "/chat"))?.host(), "example.com");
    /// # Ok::<_, BuildError>(())
    /// ```
    #[must_use]
    pub const fn destination(&self) -> Destination<'a> {
        self.destination
    }
}

impl<'a> From<Destination<'a>> for ClientDestination<'a> {
    fn from(destination: Destination<'a>) -> Self {
        Self {
            destination,
            #[cfg(feature = "url")]
            url: None,
        }
    }
}

/// Converts a URL. Its user name and password are not sent.
/// [`Offer::basic_auth`](protocol_websocket_http::Offer::basic_auth) sends them.
#[cfg(feature = "url")]
#[cfg_attr(docsrs, doc(cfg(feature = "url")))]
impl<'a> From<&'a Url> for ClientDestination<'a> {
    fn from(url: &'a Url) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# MUST be valid according to the specification of WebSocket URIs specified in Section 3.
        let destination = Destination::new(url.authority(), url.resource_name()).secure(url.is_secure());
        Self { destination, url: Some(url) }
    }
}

/// Hides the query.
impl fmt::Debug for ClientDestination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientDestination").field(&self.destination).finish()
    }
}

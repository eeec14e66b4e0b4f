//! [`Upgrade`], a valid request, and [`Accepted`], the state after it was accepted.

use bytes::BytesMut;
use protocol_websocket_http::{Accept, BuildError, Negotiated, ParseError, Reject, Request, RequestHead, Versions};

use crate::key3::AwaitingKey3;

/// A valid request that waits for a response.
///
/// The server accepts or rejects it once:
///
/// ```compile_fail,E0382
/// # use bytes::BytesMut;
/// # use protocol_websocket_handshake_server::{Upgrade, http::{Accept, Reject}};
/// fn twice(upgrade: Upgrade, output: &mut BytesMut) {
///     let _ = upgrade.accept(&Accept::new(), output);
///     let _ = upgrade.reject(&Reject::new(403), output);
/// }
/// ```
///
/// Close the connection if the upgrade is dropped without a response: the client would wait for one.
#[derive(Debug, PartialEq, Eq, Hash)]
#[must_use = "the client waits for a response"]
pub struct Upgrade {
    request: Request,
}

/// The state of the handshake after [`Upgrade::accept`].
///
/// This enum is not `non_exhaustive`, because a server must handle each state and cannot continue with an unknown one. A new
/// state would be a breaking change on purpose.
///
/// ```
/// use protocol_websocket_handshake_server::{Accepted, AwaitingKey3, http::Negotiated};
///
/// /// Returns the result of a complete handshake. Otherwise stores the state that waits for the eight bytes.
/// fn negotiated(accepted: Accepted, pending: &mut Option<AwaitingKey3>) -> Option<Negotiated> {
///     match accepted {
///         Accepted::Open(negotiated) => Some(negotiated),
///         Accepted::AwaitingKey3(key3) => {
///             *pending = Some(key3);
///             None
///         }
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "the connection may not be open yet"]
pub enum Accepted {
    /// The connection is open. The value is the result of the handshake.
    Open(Negotiated),
    /// In draft-ietf-hybi-00, the connection is open after the eight bytes that follow the head of the request arrived. Until
    /// then the server must not send frames.
    AwaitingKey3(AwaitingKey3),
}

impl Upgrade {
    /// Checks the head of a request, as [`Request::from_head`] does.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_handshake_server::{Upgrade, http::{Reject, RequestHead}};
    ///
    /// let head = RequestHead::from_parts("GET", "/status", [("Host", "example.com")])?;
    /// let mut output = BytesMut::new();
    /// if head.is_upgrade() {
    ///     let _upgrade = Upgrade::from_head(head)?; // accept or reject it
    /// } else {
    ///     Reject::new(404).encode(&mut output)?;
    /// }
    /// assert!(output.starts_with(b"HTTP/1.1 404 Not Found\r\n"));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Request::from_head`]. The caller writes the response of [`ParseError::reply`] and closes the connection.
    pub fn from_head(head: RequestHead) -> Result<Self, ParseError> {
        Request::from_head(head).map(Self::from)
    }

    /// Checks a head as [`from_head`](Self::from_head) does, for a server that supports only these versions of the protocol.
    ///
    /// ```
    /// use protocol_websocket_handshake_server::{Upgrade, http::{ParseError, RequestHead, Versions}};
    ///
    /// let draft = [("Host", "example.com"), ("Connection", "Upgrade"), ("Upgrade", "WebSocket")];
    /// let head = RequestHead::from_parts("GET", "/chat", draft)?;
    /// let error = Upgrade::check(head, Versions::RFC6455).expect_err("draft-hixie-75 is not supported");
    /// assert_eq!(error, ParseError::Version(Versions::RFC6455));
    /// # Ok::<(), ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Request::check`].
    pub fn check(head: RequestHead, supported: Versions) -> Result<Self, ParseError> {
        Request::check(head, supported).map(Self::from)
    }

    /// Checks a request of HTTP/1.1 that another HTTP library parsed.
    ///
    /// ```
    /// use protocol_websocket_handshake_server::Upgrade;
    ///
    /// let headers = [
    ///     ("host", "example.com"),
    ///     ("connection", "keep-alive, Upgrade"),
    ///     ("upgrade", "websocket"),
    ///     ("sec-websocket-version", "13"),
    ///     ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    /// ];
    /// let upgrade = Upgrade::from_parts("GET", "/chat", headers)?;
    /// assert_eq!(upgrade.request().host(), "example.com");
    /// # Ok::<(), protocol_websocket_handshake_server::http::ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Request::from_parts`].
    pub fn from_parts(
        method: &str,
        target: &str,
        headers: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>,
    ) -> Result<Self, ParseError> {
        Request::from_parts(method, target, headers).map(Self::from)
    }

    /// Returns the request.
    ///
    /// ```
    /// use protocol_websocket_handshake_server::Upgrade;
    ///
    /// let headers = [
    ///     ("host", "example.com"), ("connection", "upgrade"), ("upgrade", "websocket"),
    ///     ("sec-websocket-version", "13"), ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    /// ];
    /// let upgrade = Upgrade::from_parts("GET", "/room/7", headers)?;
    /// assert_eq!(upgrade.request().resource_name().strip_prefix("/room/"), Some("7"));
    /// # Ok::<_, protocol_websocket_handshake_server::http::ParseError>(())
    /// ```
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //# the server MUST complete the following steps to accept the connection
    /// Appends the response 101 to `output`. The connection is open after it was written, except in draft-ietf-hybi-00: see
    /// [`Accepted`].
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_handshake_server::{Accepted, Upgrade, http::{Accept, Reject}};
    ///
    /// fn respond(upgrade: Upgrade, output: &mut BytesMut) -> Option<Accepted> {
    ///     if !upgrade.request().origin_is(&["https://example.com"]) {
    ///         upgrade.reject(&Reject::new(403), output).ok();
    ///         return None;
    ///     }
    ///     match upgrade.accept(&Accept::new(), output) {
    ///         Ok(accepted) => Some(accepted),
    ///         Err(_) => {
    ///             Reject::new(500).reply(output);
    ///             None
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Accept::encode`]. Nothing was written then, and the request is dropped: the caller writes
    /// `Reject::new(500)` and closes the connection.
    #[inline]
    pub fn accept(self, accept: &Accept, output: &mut BytesMut) -> Result<Accepted, BuildError> {
        let negotiated = accept.encode(&self.request, output)?;
        Ok(match self.request.key_numbers() {
            Some(numbers) => Accepted::AwaitingKey3(AwaitingKey3::new(numbers, negotiated)),
            None => Accepted::Open(negotiated),
        })
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //# it MUST return an appropriate HTTP error code (e.g., 403 Forbidden) and abort
    /// Appends a response that rejects the upgrade to `output`. The caller writes it and closes the connection.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_handshake_server::{Upgrade, http::Reject};
    ///
    /// let headers = [
    ///     ("Host", "example.com"),
    ///     ("Connection", "Upgrade"),
    ///     ("Upgrade", "websocket"),
    ///     ("Sec-WebSocket-Version", "13"),
    ///     ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    /// ];
    /// let mut output = BytesMut::new();
    /// Upgrade::from_parts("GET", "/chat", headers)?.reject(&Reject::new(403), &mut output)?;
    /// assert!(output.starts_with(b"HTTP/1.1 403 Forbidden\r\n"));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Reject::encode`]. Nothing was written then.
    pub fn reject(self, reject: &Reject, output: &mut BytesMut) -> Result<(), BuildError> {
        reject.encode(output)
    }
}

/// Creates an upgrade from a valid request. Its response is written as text of HTTP/1.1, so
/// [`accept`](Upgrade::accept) fails with [`BuildError::Connect`] for an extended CONNECT of HTTP/2 or HTTP/3, for which
/// [`Response::accept`](protocol_websocket_http::Response::accept) builds the response.
impl From<Request> for Upgrade {
    fn from(request: Request) -> Self {
        Self { request }
    }
}

/// Checks a request that another library parsed.
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
impl<B> TryFrom<&::http::Request<B>> for Upgrade {
    type Error = ParseError;

    /// Checks the request as [`Request::from_head`] does.
    ///
    /// # Errors
    ///
    /// Those of [`Request::from_head`]. `Reject::from(error)` converts to an `http::Response`.
    fn try_from(request: &::http::Request<B>) -> Result<Self, ParseError> {
        Request::try_from(request).map(Self::from)
    }
}

/// Checks a request that another library parsed.
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
impl TryFrom<&::http::request::Parts> for Upgrade {
    type Error = ParseError;

    /// Checks the request as [`Request::from_head`] does.
    ///
    /// # Errors
    ///
    /// Those of [`Request::from_head`]. `Reject::from(error)` converts to an `http::Response`.
    fn try_from(parts: &::http::request::Parts) -> Result<Self, ParseError> {
        Request::try_from(parts).map(Self::from)
    }
}

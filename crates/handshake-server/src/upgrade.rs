use alloc::boxed::Box;

use bytes::BytesMut;
use protocol_websocket_http::{Accept, BuildError, Negotiated, ParseError, Reject, Request, RequestHead, Versions};

use crate::AwaitingKey3;

/// A good request that waits for its answer.
///
/// It is answered once:
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
/// Dropped without an answer it leaves the client waiting, so close the connection then.
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct Upgrade {
    request: Box<Request>,
}

/// What became of an [`Upgrade`] that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it says whether the connection is open"]
pub enum Accepted {
    /// The connection is open, and this is what both ends agreed on.
    Open(Negotiated),
    /// In draft-ietf-hybi-00: it will be open when the client's last eight bytes came. Until then nothing may be sent
    /// behind the answer's head.
    AwaitingKey3(AwaitingKey3),
}

impl Upgrade {
    /// Checks the head of a request, as [`Request::from_head`] does.
    ///
    /// # Errors
    ///
    /// Those of [`Request::from_head`]. The caller answers with [`ParseError::reply`] and closes the connection.
    pub fn from_head(head: RequestHead) -> Result<Self, ParseError> {
        Request::from_head(head).map(Self::from)
    }

    /// As [`from_head`](Self::from_head), for a server that speaks these versions of the protocol and no other.
    ///
    /// ```
    /// use protocol_websocket_handshake_server::{Upgrade, http::{ParseError, RequestHead, Versions}};
    ///
    /// let old = [("Host", "example.com"), ("Connection", "Upgrade"), ("Upgrade", "WebSocket")];
    /// let head = RequestHead::from_parts("GET", "/chat", old)?;
    /// let refused = Upgrade::check(head, Versions::RFC6455).expect_err("draft-hixie-75 is not spoken");
    /// assert_eq!(refused, ParseError::Version(Versions::RFC6455));
    /// # Ok::<(), ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Request::check`].
    pub fn check(head: RequestHead, spoken: Versions) -> Result<Self, ParseError> {
        Request::check(head, spoken).map(Self::from)
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

    /// The request.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //# the server MUST complete the following steps to accept the connection
    /// Appends the answer 101 to `output`. The connection is open once that is written, but for draft-ietf-hybi-00, which
    /// has more to say: see [`Accepted`].
    ///
    /// # Errors
    ///
    /// What [`Accept::encode`] cannot write. Then nothing was written, and the request is gone: the caller answers with
    /// `Reject::new(500)` and closes the connection.
    pub fn accept(self, accept: &Accept, output: &mut BytesMut) -> Result<Accepted, BuildError> {
        let negotiated = accept.encode(&self.request, output)?;
        Ok(match self.request.key_numbers() {
            Some(numbers) => Accepted::AwaitingKey3(AwaitingKey3::new(numbers, negotiated)),
            None => Accepted::Open(negotiated),
        })
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //# it MUST return an appropriate HTTP error code (e.g., 403 Forbidden) and abort
    /// Appends a refusal to `output`. The caller writes it and closes the connection.
    ///
    /// # Errors
    ///
    /// What [`Reject::encode`] cannot write. Then nothing was written.
    pub fn reject(self, reject: &Reject, output: &mut BytesMut) -> Result<(), BuildError> {
        reject.encode(output)
    }
}

impl From<Request> for Upgrade {
    fn from(request: Request) -> Self {
        Self { request: Box::new(request) }
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
    /// Those of [`Request::from_head`]. `Reject::from(error)` becomes an `http::Response`.
    fn try_from(request: &::http::Request<B>) -> Result<Self, ParseError> {
        Request::try_from(request).map(Self::from)
    }
}

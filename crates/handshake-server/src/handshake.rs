use bytes::BytesMut;
use protocol_websocket_http::{HeadLimits, HeadReader, ParseError, Versions};

use crate::upgrade::Upgrade;

/// A server's handshake whose request is not complete yet.
///
/// The bytes of the request stay in the caller's buffer until it is complete.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_handshake_server::{ServerHandshake, http::ParseError};
///
/// let mut handshake = ServerHandshake::new();
/// let mut input = BytesMut::from("GET /chat HTTP/1.1\r\n");
/// assert!(handshake.parse(&mut input)?.is_none());
/// input.extend_from_slice(b"Host: example.com\r\n\r\n");
/// assert_eq!(handshake.parse(&mut input).unwrap_err(), ParseError::Upgrade);
/// # Ok::<(), ParseError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ServerHandshake {
    reader: HeadReader,
    supported: Versions,
    /// The result, after the handshake ended. Further calls return the error again.
    ended: Option<Result<(), ParseError>>,
}

impl ServerHandshake {
    /// Creates a handshake with the default [`HeadLimits`], for all versions of the protocol.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the limits on the head. Must be called before the first [`parse`](Self::parse).
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_handshake_server::{ServerHandshake, http::{HeadLimits, ParseError}};
    ///
    /// let mut handshake = ServerHandshake::new().limits(HeadLimits::new().max_len(10));
    /// let mut input = BytesMut::from("GET /chat HTTP/1.1\r\n");
    /// assert_eq!(handshake.parse(&mut input).unwrap_err(), ParseError::TooLong);
    /// ```
    #[must_use]
    pub fn limits(mut self, limits: HeadLimits) -> Self {
        self.reader = HeadReader::new(limits);
        self
    }

    /// Sets the supported versions of the protocol. Requests of other versions are rejected with 426. The default is all four.
    ///
    /// ```
    /// use protocol_websocket_handshake_server::{ServerHandshake, http::Versions};
    ///
    /// let handshake = ServerHandshake::new().versions(Versions::RFC6455);
    /// ```
    #[must_use]
    pub fn versions(mut self, supported: Versions) -> Self {
        self.supported = supported;
        self
    }

    /// Removes the request from the front of `input`. Returns `None` if the request is not complete yet.
    ///
    /// The bytes after the request stay in `input`: frames, or the bytes for [`AwaitingKey3`](crate::AwaitingKey3). Until the
    /// request is complete, the caller appends to `input` and does not change it otherwise. Further calls return `None` and
    /// leave `input` unchanged.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_handshake_server::ServerHandshake;
    ///
    /// let (mut handshake, mut output) = (ServerHandshake::new(), BytesMut::new());
    /// match handshake.parse(&mut BytesMut::from("POST / HTTP/1.1\r\nHost: example.com\r\n\r\n")) {
    ///     Ok(Some(_upgrade)) => { /* accept or reject it */ }
    ///     Ok(None) => { /* read more */ }
    ///     Err(error) => error.reply(&mut output),
    /// }
    /// assert!(output.starts_with(b"HTTP/1.1 405 Method Not Allowed\r\n"));
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`HeadReader::request`] and [`Request::check`](protocol_websocket_http::Request::check). The caller writes the
    /// response of [`ParseError::reply`] and closes the connection. Every further call returns the same error.
    pub fn parse(&mut self, input: &mut BytesMut) -> Result<Option<Upgrade>, ParseError> {
        if let Some(result) = self.ended {
            return result.map(|()| None);
        }
        let upgrade = self
            .reader
            .request(input)
            .and_then(|head| head.map(|head| Upgrade::check(head, self.supported)).transpose());
        self.ended = match &upgrade {
            Ok(None) => None,
            Ok(Some(_)) => Some(Ok(())),
            Err(error) => Some(Err(*error)),
        };
        upgrade
    }
}

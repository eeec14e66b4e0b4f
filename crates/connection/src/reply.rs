//! Replies to the peer, which the receiving direction passes to the sending direction. They are derived from events and
//! errors, so that an early return with `?` cannot lose one.

use core::fmt;

use protocol_websocket_frame::{Close, CloseCode};

use crate::{Error, Event, EventRef, Timeout};

/// A control frame that the receiving half requires, for the sending half to write: a Pong, a Close or a Ping. It may
/// also be the notice that nothing can be sent any more.
///
/// [`Event::reply`], [`Error::reply`], [`ReceiveHalf::receive_eof`](crate::ReceiveHalf::receive_eof) and
/// [`ReceiveHalf::handle_timeout`](crate::ReceiveHalf::handle_timeout) return it. Pass it to
/// [`SendHalf::reply`](crate::SendHalf::reply). A [`Connection`](crate::Connection) that was not split needs no call.
///
/// A reply has a copy of its payload (at most 125 bytes) inside, and nothing on the heap. So a reply in a queue keeps
/// no read buffer alive.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Config, Connection, Negotiated};
///
/// let (mut receiver, mut sender) = Connection::open_server(&Negotiated::default(), Config::new()).split();
/// let mut output = BytesMut::new();
/// let event = receiver.receive(&mut BytesMut::from(&b"\x89\x82\0\0\0\0hi"[..]))?.expect("a ping");
/// if let Some(reply) = event.reply() {
///     sender.reply(reply, &mut output);
/// }
/// assert_eq!(output[..], *b"\x8A\x02hi");
/// # Ok::<_, protocol_websocket_connection::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[must_use = "the sending half writes it"]
pub struct Reply {
    pub(crate) kind: ReplyKind,
    len: u8,
    payload: [u8; MAX_PAYLOAD],
}

/// The longest payload of a control frame (RFC 6455 §5.5).
const MAX_PAYLOAD: usize = 125;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ReplyKind {
    Ping,
    Pong,
    /// The Close that replies to the peer's Close.
    Close,
    /// The Close of a connection that failed. A client then closes the transport without waiting for the server.
    Failure,
    /// The transport has ended: nothing can be sent.
    Ended,
}

impl Reply {
    fn new(kind: ReplyKind, bytes: &[u8]) -> Self {
        let mut payload = [0; MAX_PAYLOAD];
        debug_assert!(bytes.len() <= MAX_PAYLOAD, "a control frame has at most {MAX_PAYLOAD} bytes");
        let len = bytes.len().min(MAX_PAYLOAD);
        if let (Some(target), Some(source)) = (payload.get_mut(..len), bytes.get(..len)) {
            target.copy_from_slice(source);
        }
        Self { kind, len: u8::try_from(len).unwrap_or_default(), payload }
    }

    pub(crate) fn ping() -> Self {
        Self::new(ReplyKind::Ping, &[])
    }

    /// Creates the reply to a Ping. Returns `None` if the payload is too long for a Ping: no decoder returns such a
    /// Ping.
    pub(crate) fn pong(payload: &[u8]) -> Option<Self> {
        (payload.len() <= MAX_PAYLOAD).then(|| Self::new(ReplyKind::Pong, payload))
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
    //# the endpoint MUST send a Close frame in response.
    /// Creates the reply to the peer's Close, with the same code and reason.
    pub(crate) fn close(close: Option<&Close>) -> Self {
        // A received code can be sent, and a received reason is not too long.
        let payload = close.and_then(|close| close.encode().ok()).unwrap_or_default();
        Self::new(ReplyKind::Close, &payload)
    }

    pub(crate) fn failure(code: CloseCode) -> Self {
        Self::new(ReplyKind::Failure, &code.0.to_be_bytes())
    }

    pub(crate) fn ended() -> Self {
        Self::new(ReplyKind::Ended, &[])
    }

    pub(crate) fn payload(&self) -> &[u8] {
        let payload = self.payload.get(..usize::from(self.len));
        debug_assert!(payload.is_some(), "a reply has at most {MAX_PAYLOAD} bytes");
        payload.unwrap_or_default()
    }
}

/// Shows the kind of frame, not its payload.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("kind", &self.kind).field("len", &self.len).finish_non_exhaustive()
    }
}

impl Event {
    /// Returns the frame that the protocol requires after this event: a Pong after a Ping, a Close after a Close.
    /// `None` after other events.
    ///
    /// It is for a connection that was [split](crate::Connection::split): pass the reply to
    /// [`SendHalf::reply`](crate::SendHalf::reply). A [`Connection`](crate::Connection) has written it already.
    ///
    /// ```
    /// use protocol_websocket_connection::Event;
    ///
    /// assert!(Event::Ping("hi".into()).reply().is_some());
    /// assert!(Event::Message("hi".into()).reply().is_none());
    /// // No peer can send such a Ping.
    /// assert!(Event::Ping(vec![0; 126].into()).reply().is_none());
    /// ```
    #[must_use]
    pub fn reply(&self) -> Option<Reply> {
        match self {
            Self::Ping(payload) => Reply::pong(payload),
            Self::Close(close) => Some(Reply::close(close.as_ref())),
            _ => None,
        }
    }
}

impl EventRef<'_> {
    /// Returns the frame that the protocol requires after this event, like [`Event::reply`].
    #[must_use]
    pub fn reply(&self) -> Option<Reply> {
        match self {
            Self::Ping(payload) => Reply::pong(payload),
            Self::Close(close) => Some(Reply::close(close.as_ref())),
            _ => None,
        }
    }
}

impl Error {
    /// Returns the Close that reports this error to the peer, or the notice that nothing can be sent any more.
    ///
    /// It returns `None` for an error of the opening handshake, because the HTTP response of a server is in the output
    /// already, and for [`Timeout::Close`] and [`Timeout::Eof`], because the sending half returned them.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Negotiated};
    ///
    /// let (mut receiver, mut sender) = Connection::open_server(&Negotiated::default(), Config::new()).split();
    /// let mut output = BytesMut::new();
    /// // The frame is not masked.
    /// let error = receiver.receive(&mut BytesMut::from(&b"\x81\x02hi"[..])).expect_err("a broken rule");
    /// if let Some(reply) = error.reply() {
    ///     sender.reply(reply, &mut output);
    /// }
    /// assert_eq!(output[..], *b"\x88\x02\x03\xEA");
    /// ```
    #[must_use]
    pub fn reply(&self) -> Option<Reply> {
        match self {
            Self::Decode(error) => Some(Reply::failure(error.close_code())),
            Self::Timeout(Timeout::Idle) => Some(Reply::failure(CloseCode::GOING_AWAY)),
            Self::Timeout(Timeout::Pong) => Some(Reply::failure(CloseCode::INTERNAL_ERROR)),
            Self::UnexpectedEof => Some(Reply::ended()),
            _ => None,
        }
    }
}

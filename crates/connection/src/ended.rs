//! How a connection ended, as one value.

mod suspend;

use core::fmt;

use protocol_websocket_frame::{Close, CloseCode, Utf8Bytes};

use crate::state::Outgoing;
use crate::{Error, Timeout};

/// How a connection ended. [`Connection::ended`](crate::Connection::ended) returns it once no more events can arrive.
///
/// | the connection ended because | `by` | `code` | `error` | `clean` |
/// |---|---|---|---|---|
/// | the peer sent its Close first | `Peer` | the peer's | – | yes |
/// | our Close was first, and the peer replied with its own | `Us` | the peer's | – | yes |
/// | in hybi-00 or hixie-75: the stream ended after our Close | `Us` | 1005 | – | yes |
/// | the peer broke a rule of the protocol | `Us` | 1006 | [`Error::Decode`] | no |
/// | the transport ended without a Close, or during the handshake | `Transport` | 1006 | [`Error::UnexpectedEof`] | no |
/// | a deadline passed | `Timeout` | 1006 | [`Error::Timeout`] | no |
/// | client: the response was invalid | `Us` | 1006 | `Error::Response` | no |
/// | client: the server rejected or redirected | `Peer` | 1006 | – | no |
/// | server: the request was invalid | `Us` | 1006 | `Error::Request` | no |
/// | server: the application rejected, or its response could not be written | `Us` | 1006 | – | no |
///
/// [`Timeout::Eof`](crate::Timeout::Eof) does not change the value, because both Closes were sent before.
///
/// A line for the log. The peer chose the reason, so `{:?}` escapes it:
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Config, Connection, Ended, Negotiated};
///
/// fn log_line(ended: &Ended) -> String {
///     let clean = if ended.clean { "clean" } else { "not clean" };
///     match ended.error {
///         Some(error) => format!("ended by {}, {clean}: {error}", ended.by),
///         None => format!("ended by {}, {clean}: code {}, reason {:?}", ended.by, ended.code, ended.reason.as_str()),
///     }
/// }
///
/// let mut client = Connection::open_client(&Negotiated::default(), Config::new(), |key: &mut [u8]| key.fill(7));
/// assert!(client.ended().is_none());
/// client.receive(&mut BytesMut::from(&b"\x88\x05\x03\xE9bye"[..]), &mut BytesMut::new())?;
/// let ended = client.ended().expect("the peer's Close arrived");
/// assert_eq!(log_line(ended), "ended by the peer, clean: code 1001, reason \"bye\"");
///
/// let mut client = Connection::open_client(&Negotiated::default(), Config::new(), |key: &mut [u8]| key.fill(7));
/// let _ = client.receive_eof();
/// let ended = client.ended().expect("the transport ended");
/// assert_eq!(log_line(ended), "ended by the transport, not clean: the transport ended without a closing handshake");
/// # Ok::<_, protocol_websocket_connection::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Ended {
    /// The side or the event that ended the connection.
    pub by: EndedBy,
    /// The close code of the connection (RFC 6455 §7.1.5): the code of the peer's Close, 1005 if that Close has no
    /// code, 1006 if no Close arrived.
    pub code: CloseCode,
    /// The reason in the peer's Close (RFC 6455 §7.1.6), otherwise empty.
    pub reason: Utf8Bytes,
    /// The error that ended the connection, or `None` if it ended without one.
    pub error: Option<Error>,
    /// Whether both ends finished the closing handshake (RFC 6455 §7.1.4).
    pub clean: bool,
}

/// The side or the event that ended a connection, in [`Ended::by`].
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Config, Connection, EndedBy, Negotiated};
///
/// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
/// // A frame of a client must be masked.
/// let _ = server.receive(&mut BytesMut::from(&b"\x81\x02hi"[..]), &mut BytesMut::new());
/// assert_eq!(server.ended().map(|ended| ended.by), Some(EndedBy::Us));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndedBy {
    /// The peer: its Close was first, or it refused the handshake.
    Peer,
    /// This end: its Close was first, it refused the handshake, or it failed the connection because the peer broke a
    /// rule.
    Us,
    /// A deadline of [`Timeouts`](crate::Timeouts).
    Timeout,
    /// The transport: its stream ended without a Close.
    Transport,
}

impl fmt::Display for EndedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Peer => "the peer",
            Self::Us => "this end",
            Self::Timeout => "a timeout",
            Self::Transport => "the transport",
        })
    }
}

impl Ended {
    /// Returns whether a client that reconnects may succeed. Wait before: [`Backoff`](crate::Backoff).
    ///
    /// It is true if the peer closed with a [temporary](CloseCode::is_temporary) code, if the transport ended, and if a
    /// deadline passed, except [`Timeout::Close`]. It is false if this end closed first, if the peer broke a rule of the
    /// protocol, and if the opening handshake was refused or invalid. After a refusal, the status of the response
    /// decides: 408, 425, 429 and 5xx are temporary.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Negotiated};
    ///
    /// let mut client = Connection::open_client(&Negotiated::default(), Config::new(), |key: &mut [u8]| key.fill(7));
    /// client.receive(&mut BytesMut::from(&b"\x88\x02\x03\xF4"[..]), &mut BytesMut::new())?; // 1012, service restart
    /// assert!(client.ended().is_some_and(|ended| ended.is_temporary()));
    /// # Ok::<_, protocol_websocket_connection::Error>(())
    /// ```
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self.error {
            Some(Error::Timeout(timeout)) => timeout != Timeout::Close,
            Some(Error::UnexpectedEof) => true,
            Some(_) => false,
            // 1006 without an error is a refused handshake.
            None => self.by == EndedBy::Peer && self.code != CloseCode::ABNORMAL && self.code.is_temporary(),
        }
    }

    /// Returns the end by the peer's Close. [`note_outgoing`](Self::note_outgoing) corrects `by` if our Close was
    /// first.
    pub(crate) fn by_close(close: Option<&Close>) -> Self {
        let (code, reason) = close.map_or_else(Default::default, |close| (Some(close.code), close.reason.clone()));
        Self { by: EndedBy::Peer, code: code.unwrap_or(CloseCode::NO_STATUS), reason, error: None, clean: true }
    }

    /// Returns the end of the stream after our Close, in hybi-00 and hixie-75.
    pub(crate) fn by_eof_after_close() -> Self {
        Self { by: EndedBy::Us, ..Self::by_close(None) }
    }

    pub(crate) fn by_error(error: Error) -> Self {
        let by = match error {
            Error::Timeout(_) => EndedBy::Timeout,
            Error::UnexpectedEof => EndedBy::Transport,
            _ => EndedBy::Us,
        };
        Self { error: Some(error), ..Self::by_refusal(by) }
    }

    /// Returns the end of a handshake that was rejected or redirected.
    pub(crate) fn by_refusal(by: EndedBy) -> Self {
        Self { by, code: CloseCode::ABNORMAL, reason: Utf8Bytes::default(), error: None, clean: false }
    }

    /// Sets `by` to `Us` if our Close was first, which only the sending direction records.
    pub(crate) fn note_outgoing(&mut self, outgoing: Outgoing) {
        if self.clean && outgoing.closed_first() {
            self.by = EndedBy::Us;
        }
    }
}

//! The interface of observers, and the observations that a connection reports.
//!
//! Messages take the fast paths if a connection has no observers, or if none of them observes frames or input. Otherwise each
//! frame takes the slow path, which reports it.

use core::fmt;

use protocol_websocket_frame::{OpCode, Rsv};
use protocol_websocket_http::{Headers, Negotiated, redact_target};

use crate::Ended;

/// Observes one connection: its handshake, its frames and its end. [`Config::observer`](crate::Config::observer) creates one
/// for each connection.
///
/// Closures implement it. The methods are called inside the methods of the connection, so they should be fast. Both halves of a
/// [split](crate::Connection::split) connection call the same observer, from at most two threads. An observer is dropped with
/// its connection. If it received no [`Observation::Ended`] before, the application dropped the connection before it ended.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Config, Connection, Direction, Negotiated, Observation, Role};
///
/// let sent = Arc::new(AtomicU64::new(0));
/// let counter = Arc::clone(&sent);
/// let config = Config::new().observer(move |_role: Role| {
///     let counter = Arc::clone(&counter);
///     move |observation: &Observation<'_>| {
///         if let Observation::Frame(frame) = observation
///             && frame.direction == Direction::Sent
///         {
///             counter.fetch_add(frame.wire_len as u64, Ordering::Relaxed);
///         }
///     }
/// });
///
/// let mut server = Connection::open_server(&Negotiated::default(), config);
/// server.send("Hello", &mut BytesMut::new())?;
/// assert_eq!(sent.load(Ordering::Relaxed), 5);
/// # Ok::<_, protocol_websocket_connection::SendError>(())
/// ```
pub trait Observer: Send + Sync {
    /// Receives one observation.
    fn observe(&self, observation: &Observation<'_>);

    /// Returns whether this observer needs [`Observation::Frame`]. The default is `true`. It is called only when the connection
    /// is created.
    ///
    /// If no observer of a connection needs frames or [input](Self::wants_input), messages take the fast paths, and observation
    /// adds nothing to a message. If another observer needs them, this observer may receive frames, too.
    fn wants_frames(&self) -> bool {
        true
    }

    /// Returns whether this observer needs [`Observation::Input`]. The default is `false`. It is called only when the
    /// connection is created. If another observer needs the input, this observer receives it, too.
    fn wants_input(&self) -> bool {
        false
    }
}

impl<F: Fn(&Observation<'_>) + Send + Sync> Observer for F {
    fn observe(&self, observation: &Observation<'_>) {
        self(observation);
    }
}

/// A fact about a connection. Observations are reported in the order in which they occur.
///
/// `Debug` hides payloads, the reason of a Close, input, the query of a target, and the header fields that `Debug` of a request hides.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Observation<'a> {
    /// The head of the request or of the response was parsed or written. An invalid request is not reported. Connections that
    /// are created [open](crate::Connection::open_server) report no head.
    /// [`Connection::respond`](crate::Connection::respond) reports both heads.
    Head(ObservedHead<'a>),
    /// The connection opened.
    Open(&'a Negotiated),
    /// A frame, or a piece of one, was received and decoded, or was encoded into the output.
    Frame(ObservedFrame<'a>),
    /// Bytes were received and are decoded next, including those of the opening handshake. Each byte is reported once, and only
    /// if an observer [needs](Observer::wants_input) the input. In this case
    /// [`Connection::payload_buffer`](crate::Connection::payload_buffer) returns `None`.
    Input(&'a [u8]),
    /// The connection ended. In a split connection, frames that the sending half writes
    /// later follow, such as the reply to the Close. Otherwise this is the last observation.
    Ended(&'a Ended),
}

/// The direction of a head or a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the peer to this end.
    Received,
    /// From this end to the peer.
    Sent,
}

/// The head of a request or a response.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ObservedHead<'a> {
    /// The direction.
    pub direction: Direction,
    /// The first line.
    pub start_line: StartLine<'a>,
    /// The header fields. They may contain secrets: cookies, credentials and keys.
    pub headers: &'a Headers,
}

/// The first line of a request or a response (RFC 9112 §2.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StartLine<'a> {
    /// The line of a request.
    #[non_exhaustive]
    Request {
        /// The method: `GET`.
        method: &'a str,
        /// The target: a path and a query, which may contain secrets.
        target: &'a str,
    },
    /// The line of a response.
    #[non_exhaustive]
    Response {
        /// The status code.
        status: u16,
    },
}

/// A frame, or a piece of a received frame.
///
/// A sent frame is reported once. A received frame is reported once, too, if the connection delivers whole messages and has
/// no extension. Otherwise it may be reported in several pieces, when its bytes arrive and when an extension decodes them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ObservedFrame<'a> {
    /// The direction.
    pub direction: Direction,
    /// The opcode in the frame header.
    pub opcode: OpCode,
    /// The reserved bits in the frame header, such as that of a compressed message.
    pub rsv: Rsv,
    /// Whether the frame ends with this piece and has the bit FIN.
    pub fin: bool,
    /// The number of payload bytes of this piece on the wire: after the encoding by extensions, without the frame header.
    pub wire_len: usize,
    /// The payload of this piece for the application: unmasked, before the encoding by extensions or after the decoding by
    /// them. A frame of [`send_frame`](crate::Connection::send_frame) has the payload that was passed to this method.
    pub payload: &'a [u8],
    /// Whether this is the first piece of the frame.
    pub is_first: bool,
    /// Whether this is the last piece of the frame.
    pub is_last: bool,
}

impl fmt::Debug for Observation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(head) => head.fmt(f),
            Self::Open(negotiated) => f.debug_tuple("Open").field(negotiated).finish(),
            Self::Frame(frame) => frame.fmt(f),
            Self::Input(bytes) => f.debug_struct("Input").field("len", &bytes.len()).finish_non_exhaustive(),
            Self::Ended(ended) => f
                .debug_struct("Ended")
                .field("by", &ended.by)
                .field("code", &ended.code)
                .field("error", &ended.error)
                .field("clean", &ended.clean)
                .finish_non_exhaustive(),
        }
    }
}

impl fmt::Debug for StartLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { method, target } => write!(f, "{method} {}", redact_target(target)),
            Self::Response { status } => status.fmt(f),
        }
    }
}

impl fmt::Debug for ObservedFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { direction, opcode, rsv, fin, wire_len, payload, is_first, is_last } = self;
        f.debug_struct("ObservedFrame")
            .field("direction", direction)
            .field("opcode", opcode)
            .field("rsv", rsv)
            .field("fin", fin)
            .field("wire_len", wire_len)
            .field("payload_len", &payload.len())
            .field("is_first", is_first)
            .field("is_last", is_last)
            .finish()
    }
}

//! The sending side of a session: its connection, and the bytes that are not written yet.

use bytes::Bytes;
use protocol_websocket_frame::{AsMessage, Close, Frame, Part};

use crate::stats::Counters;
use crate::unsent::Unsent;
#[cfg(feature = "server")]
use crate::{Accept, Reject, Upgrade};
use crate::{Connection, Prepared, SendError};

/// The maximum number of bytes that are allocated for the replies to a read before they are queued.
const MAX_EXPECTED: u32 = 64 * 1024;

/// The methods of a [`Session`](crate::Session) that send. The bytes to write are in the session afterwards.
///
/// A session dereferences to its outbox, so `session.send("hello")` works.
/// [`Session::poll_event_with`](crate::Session::poll_event_with) passes it to the closure, so that an event can be
/// answered while it borrows from the session's input.
///
/// Each method queues all bytes of its message or none: after an error nothing was queued, except with
/// [`SendError::Build`].
#[derive(Debug)]
pub struct Outbox {
    pub(crate) connection: Connection,
    pub(crate) unsent: Unsent,
    /// No event is left: `poll_event` returned `None`, and nothing has changed since.
    pub(crate) is_drained: bool,
    /// The number of bytes that the replies to the last read may have together, until one of them is queued.
    pub(crate) expected: u32,
    pub(crate) counters: Counters,
}

impl Outbox {
    /// The minimum length in bytes of a payload that [`send`](Self::send) shares instead of copying it: 4 KiB.
    pub const MIN_SHARED: usize = Frame::<Bytes>::MIN_SHARED;

    pub(crate) const fn new(connection: Connection, unsent: Unsent, is_drained: bool) -> Self {
        Self { connection, unsent, is_drained, expected: 0, counters: Counters::new() }
    }

    /// Responds to an [`Event::Upgrade`](crate::Event::Upgrade) with 101: see [`Connection::accept`]. The connection is
    /// then open. Poll events again after this call: the first one is [`Event::Open`](crate::Event::Open).
    ///
    /// # Errors
    ///
    /// As [`Connection::accept`]. Returns [`SendError::Closed`] if the transport has ended or the handshake has timed out
    /// meanwhile.
    #[cfg(feature = "server")]
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub fn accept(&mut self, upgrade: Upgrade, accept: &Accept) -> Result<(), SendError> {
        self.connection.accept(upgrade, accept, &mut self.unsent.buffer)?;
        self.is_drained = false;
        Ok(())
    }

    /// Responds to an [`Event::Upgrade`](crate::Event::Upgrade) with a status other than 101: see
    /// [`Connection::reject`]. The connection has then ended.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    #[cfg(feature = "server")]
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub fn reject(&mut self, upgrade: Upgrade, reject: &Reject) -> Result<(), SendError> {
        self.connection.reject(upgrade, reject, &mut self.unsent.buffer)
    }

    /// Queues a message in one frame: a string as text, bytes as binary.
    ///
    /// A payload of at least 4 KiB is not copied if it is passed as a [`Message`](crate::Message), `Bytes`, `Vec<u8>` or
    /// `String`: the session keeps it until it is written. A client masks it in place, or in a copy if other owners share
    /// its bytes.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use protocol_websocket_connection::{Config, Connection, Negotiated, Session};
    ///
    /// let mut server = Session::new(Connection::open_server(&Negotiated::default(), Config::new()));
    /// let large = Bytes::from(vec![7; 100_000]);
    /// server.send(large.clone())?;
    /// let chunks: Vec<&[u8]> = server.unsent_chunks().collect();
    /// assert_eq!((chunks[0].len(), chunks[1].as_ptr()), (10, large.as_ptr()));
    /// # Ok::<_, protocol_websocket_connection::SendError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Connection::send`].
    #[inline]
    pub fn send(&mut self, message: impl AsMessage) -> Result<(), SendError> {
        let len = message.as_message().as_bytes().len();
        if len >= Self::MIN_SHARED {
            self.send_long(message)?;
        } else {
            self.copy(message)?;
        }
        self.counters.add_sent(len);
        Ok(())
    }

    #[inline]
    fn copy(&mut self, message: impl AsMessage) -> Result<(), SendError> {
        if self.expected > 0 {
            self.reserve();
        }
        self.connection.send(message, &mut self.unsent.buffer)
    }

    #[inline(never)]
    fn send_long(&mut self, message: impl AsMessage) -> Result<(), SendError> {
        let payload = self.connection.send_shared(message, &mut self.unsent.buffer)?;
        self.push(payload);
        Ok(())
    }

    /// Notes that `len` bytes were read. The replies of a server that responds to each message have about that length.
    pub(crate) fn expect_replies(&mut self, len: usize) {
        self.expected = u32::try_from(len).map_or(MAX_EXPECTED, |len| len.min(MAX_EXPECTED));
    }

    /// Allocates once for the replies to a read, because a buffer that grows with each reply copies what is in it.
    #[inline(never)]
    fn reserve(&mut self) {
        let expected = core::mem::take(&mut self.expected);
        self.unsent.buffer.reserve(expected as usize);
    }

    /// Queues a payload that was not copied to the buffer.
    fn push(&mut self, payload: Option<Bytes>) {
        if let Some(payload) = payload {
            self.unsent.push(payload);
            self.note_shared();
        }
    }

    /// Queues a message that is encoded once for many connections: see [`Prepared`]. A long payload is shared.
    ///
    /// # Errors
    ///
    /// As [`Connection::send`].
    pub fn send_prepared(&mut self, prepared: &mut Prepared) -> Result<(), SendError> {
        let len = prepared.message().len();
        if len < Self::MIN_SHARED {
            self.connection.send_prepared(prepared, &mut self.unsent.buffer)?;
        } else {
            let payload = self.connection.send_prepared_shared(prepared, &mut self.unsent.buffer)?;
            self.push(payload);
        }
        self.counters.add_sent(len);
        Ok(())
    }

    /// Queues a part of a message: see [`Connection::send_part`].
    ///
    /// # Errors
    ///
    /// As [`Connection::send_part`].
    pub fn send_part(&mut self, part: Part) -> Result<(), SendError> {
        let (len, is_last) = (part.bytes.len(), part.last);
        self.connection.send_part(part, &mut self.unsent.buffer)?;
        self.counters.add_sent_part(len, is_last);
        Ok(())
    }

    /// Queues a frame without applying the extensions: see [`Connection::send_frame`].
    ///
    /// # Errors
    ///
    /// As [`Connection::send_frame`].
    pub fn send_frame(&mut self, frame: &Frame) -> Result<(), SendError> {
        self.connection.send_frame(frame, &mut self.unsent.buffer)?;
        self.counters.add_sent_frame(frame, self.unsent.len());
        Ok(())
    }

    /// Queues a Ping: see [`Connection::ping`].
    ///
    /// # Errors
    ///
    /// As [`Connection::ping`].
    pub fn ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), SendError> {
        self.connection.ping(payload.as_ref(), &mut self.unsent.buffer)?;
        self.note_ping(payload.as_ref());
        Ok(())
    }

    /// Notes that a Ping was queued.
    pub(crate) fn note_ping(&mut self, payload: &[u8]) {
        self.counters.round_trip.note_ping(payload, self.unsent.len());
    }

    /// Queues a Pong: see [`Connection::pong`].
    ///
    /// # Errors
    ///
    /// As [`Connection::pong`].
    pub fn pong(&mut self, payload: impl AsRef<[u8]>) -> Result<(), SendError> {
        self.connection.pong(payload, &mut self.unsent.buffer)
    }

    /// Queues a Close: see [`Connection::close`]. Continue to read until [`Session::ended`](crate::Session::ended)
    /// returns how the connection ended.
    ///
    /// # Errors
    ///
    /// As [`Connection::close`].
    pub fn close(&mut self, close: impl Into<Option<Close>>) -> Result<(), SendError> {
        self.connection.close(close, &mut self.unsent.buffer)
    }

    /// Returns the number of bytes that are not written yet, including shared payloads.
    ///
    /// A peer that does not read makes this number grow with each message that is sent to it. A server that sends to
    /// many peers closes those whose number is too large.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.unsent.len()
    }

    /// Returns whether more bytes are unsent than the [high-water mark](crate::Config::high_water_mark). Then a program
    /// should wait before it sends more, and the session does not read if they grow further: see
    /// [`Session::wants_read`](crate::Session::wants_read).
    #[must_use]
    pub fn is_over_high_water_mark(&self) -> bool {
        self.unsent() > self.high_water_mark()
    }

    /// Returns [`Config::high_water_mark`](crate::Config::high_water_mark), in bytes.
    #[must_use]
    pub fn high_water_mark(&self) -> usize {
        self.connection.config().high_water_mark
    }

    /// Returns the connection, for instance for its [`state`](Connection::state) and its
    /// [`negotiated`](Connection::negotiated).
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Frees the memory that extensions do not need until the next message: see [`Connection::release_memory`].
    pub fn release_memory(&mut self) {
        self.connection.release_memory();
    }

    /// Removes `len` bytes that were written.
    pub(crate) fn advance(&mut self, len: usize) {
        self.unsent.advance(len);
        self.note_shared();
    }

    pub(crate) fn discard(&mut self) {
        if !self.unsent.is_empty() {
            self.connection.receiver.note_discarded();
        }
        self.unsent.clear();
        self.note_shared();
    }

    fn note_shared(&mut self) {
        self.connection.sender.note_elsewhere(self.unsent.shared_len());
    }
}

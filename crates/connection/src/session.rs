//! A connection with its buffers: the rules of an event loop, without I/O.
//!
//! A [`Connection`] leaves the buffers and the order of the calls to its caller. A session has the buffers and keeps the
//! order: all events of the input before the end of the transport, each write noted, a failure's Close written, no read
//! while the peer does not read the replies. An adapter for a runtime reads, writes and waits.
//!
//! The session reads the clock through its caller once for each read and each write, not once for each message. The
//! time of an arrival therefore is the time of the read, whenever the events are polled.

mod suspend;

use alloc::boxed::Box;
#[cfg(any(feature = "client", feature = "server"))]
use alloc::sync::Arc;
use core::ops::{Deref, DerefMut};
use core::time::Duration;

use bytes::{Buf, BufMut, BytesMut};
#[cfg(feature = "client")]
use protocol_websocket_http::BuildError;

#[cfg(any(feature = "client", feature = "server"))]
use crate::Config;
use crate::state::Incoming;
use crate::timeouts::earlier;
use crate::unsent::Unsent;
#[cfg(feature = "client")]
use crate::{ClientDestination, Offer, Random};
use crate::{Connection, Ended, Event, EventRef, Outbox, State, Stats, Timeouts};

/// A connection with its buffers and the order of its calls, without I/O. The caller has the transport and the clock.
///
/// In an event loop:
///
/// 1. while [`wants_read`](Self::wants_read) returns true, append the transport's bytes to
///    [`read_buffer`](Self::read_buffer), and call [`received`](Self::received), or
///    [`received_eof`](Self::received_eof) at the end;
/// 2. call [`poll_event`](Self::poll_event) until it returns `None`. Send replies and other messages by the methods of
///    the [`Outbox`], to which a session dereferences;
/// 3. write [`unsent_chunks`](Self::unsent_chunks) to the transport, and call [`written`](Self::written) with the
///    number of bytes;
/// 4. wait for the transport, or until [`poll_timeout`](Self::poll_timeout), and then call
///    [`handle_timeout`](Self::handle_timeout);
/// 5. once [`ended`](Self::ended) returns how the connection ended, shut down the transport's output, discard its input
///    for a moment, and close it. If the transport was closed with unread input, its reset could destroy the last
///    bytes that were written.
///
/// Take a [`Connection`] instead if the program has one read buffer for many connections, or its own rules.
///
#[cfg_attr(feature = "server", doc = "```")]
#[cfg_attr(not(feature = "server"), doc = "```ignore")]
/// use std::time::Duration;
/// use protocol_websocket_connection::{Accept, Config, Event, Session};
///
/// /// Handles the bytes that were read, and sends each message back.
/// fn echo(session: &mut Session) -> Result<(), Box<dyn std::error::Error>> {
///     while let Some(event) = session.poll_event() {
///         match event {
///             Event::Upgrade(upgrade) => session.accept(upgrade, &Accept::new())?,
///             Event::Message(message) => session.send(message)?,
///             _ => {}
///         }
///     }
///     Ok(())
/// }
///
/// let mut session = Session::server(Config::new());
/// let now = Duration::ZERO; // the time since the start of the program
/// // In place of a read from a socket:
/// session.read_buffer().extend_from_slice(
///     b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\x81\x82\0\0\0\0hi",
/// );
/// session.received(now);
/// echo(&mut session)?;
/// // In place of a write to a socket:
/// let wire = session.unsent_chunks().collect::<Vec<_>>().concat();
/// session.written(wire.len(), now);
/// assert!(wire.starts_with(b"HTTP/1.1 101 ") && wire.ends_with(b"\x81\x02hi"));
/// assert!(session.wants_read() && session.ended().is_none());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Session {
    outbox: Outbox,
    input: BytesMut,
    now: Duration,
    /// The time of the last call of [`Connection::handle_timeout`].
    handled_at: Duration,
    /// The progress of the last bytes of a connection that is closing or has ended. In a box, because that is rare.
    last_writes: Option<Box<LastWrites>>,
    /// Bytes were written since the last call of [`Connection::handle_timeout`].
    has_progress: bool,
    /// The transport has no more input.
    has_eof: bool,
    /// The transport failed, so nothing can be written.
    has_failed: bool,
    /// The number of unsent bytes at the first read over the high-water mark, until they are not over it any more. While
    /// there are more, the transport is not read.
    read_limit: u32,
}

/// The times from which a peer has to read the last bytes.
#[derive(Debug)]
struct LastWrites {
    begun_at: Duration,
    written_at: Duration,
}

/// The input of a session while an event borrows from it. On drop, the bytes that were read are removed, so they are not
/// decoded again after a panic of the caller's closure. They were unmasked in place.
struct ReadInput<'a> {
    input: &'a mut BytesMut,
    /// The number of bytes that were read.
    len: usize,
}

impl Drop for ReadInput<'_> {
    #[inline]
    fn drop(&mut self) {
        self.input.advance(self.len);
    }
}

/// How many times [`Timeouts::close`](crate::Timeouts::close) a peer that takes a byte now and then has for the last bytes.
const MAX_LAST_WRITES: u32 = 10;
/// The deadline for a byte of a failed connection that has other deadlines, but not `Timeouts::close`.
const FAILED_TIMEOUT: Duration = Duration::from_secs(5);

/// The read limit before the first read over the high-water mark.
const NO_READ_LIMIT: u32 = u32::MAX;

/// The parts of a [`Session`]: everything that it keeps, so that another loop can continue.
///
/// ```
/// use protocol_websocket_connection::{Config, Connection, Negotiated, Session};
///
/// let mut session = Session::new(Connection::open_server(&Negotiated::default(), Config::new()));
/// let parts = session.into_parts();
/// assert!(parts.input.is_empty() && parts.unsent.is_empty());
/// session = Session::from_parts(parts);
/// # let _ = session;
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct SessionParts {
    /// The connection.
    pub connection: Connection,
    /// The bytes that were received, and whose events were not polled.
    pub input: BytesMut,
    /// The bytes that are not written yet.
    pub unsent: BytesMut,
    /// The time of the last call that has a time.
    pub now: Duration,
}

impl Session {
    /// Creates a session of a connection that has sent nothing, such as one of [`Connection::respond`], of
    /// [`Connection::open_client`], or of [`Connection::server`].
    #[must_use]
    pub fn new(connection: Connection) -> Self {
        Self::with(connection, BytesMut::new(), BytesMut::new())
    }

    fn with(connection: Connection, input: BytesMut, output: BytesMut) -> Self {
        // A connection that has failed already returns no event, but the first poll queues its Close.
        let is_drained = input.is_empty() && connection.ended().is_none();
        Self {
            outbox: Outbox::new(connection, Unsent::from(output), is_drained),
            input,
            now: Duration::ZERO,
            handled_at: Duration::ZERO,
            last_writes: None,
            has_progress: false,
            has_eof: false,
            has_failed: false,
            read_limit: NO_READ_LIMIT,
        }
    }

    /// Creates a server's session, which begins with the first byte of the client's request: see
    /// [`Connection::server`].
    #[cfg(feature = "server")]
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    #[must_use]
    pub fn server(config: impl Into<Arc<Config>>) -> Self {
        Self::new(Connection::server(config))
    }

    /// Creates a client's session, and queues the upgrade request: see [`Connection::client`].
    ///
    /// ```
    /// use protocol_websocket_connection::{Config, Destination, Offer, Session};
    ///
    /// let destination = Destination::new("example.com", "/chat");
    /// // For a real connection: `OsRandom`.
    /// let random = |bytes: &mut [u8]| bytes.fill(7);
    /// let client = Session::client(destination, &Offer::new(), Config::new(), random)?;
    /// assert!(client.unsent_chunks().all(|chunk| chunk.starts_with(b"GET /chat HTTP/1.1\r\n")));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError`] if `offer` or the destination is invalid.
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    pub fn client<'a>(
        destination: impl Into<ClientDestination<'a>>,
        offer: &Offer,
        config: impl Into<Arc<Config>>,
        random: impl Random + 'static,
    ) -> Result<Self, BuildError> {
        let mut output = BytesMut::new();
        let connection = Connection::client(destination, offer, config, random, &mut output)?;
        Ok(Self::with(connection, BytesMut::new(), output))
    }

    /// Creates a session that continues where another one stopped. To begin with bytes that an HTTP library has read
    /// after the request, set [`SessionParts::input`].
    #[must_use]
    pub fn from_parts(parts: SessionParts) -> Self {
        let SessionParts { connection, input, unsent, now } = parts;
        let mut session = Self { now, ..Self::with(connection, input, unsent) };
        // The connection may have an event without input, for instance after `accept`.
        session.outbox.is_drained = false;
        session.started(now);
        session
    }

    /// Returns everything that the session keeps. Whether the transport has ended is not part of it.
    #[must_use]
    pub fn into_parts(self) -> SessionParts {
        let Self { outbox, input, now, .. } = self;
        let Outbox { mut connection, unsent, .. } = outbox;
        connection.sender.note_inserted(unsent.shared_len());
        connection.sender.note_elsewhere(0);
        let unsent = unsent.into_bytes();
        SessionParts { connection, input, unsent, now }
    }

    /// Returns the time of the last call that has a time. A loop that continues a session begins its clock there.
    #[must_use]
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// Notes that the connection begins at the time `now`, for [`Stats::age`]. Without this call, it begins with the first call
    /// that has a time.
    pub fn started(&mut self, now: Duration) {
        self.set_time(now);
    }

    /// Returns the counts of sent and received messages and bytes, and the round trip of the last Ping.
    ///
    /// ```
    /// use std::time::Duration;
    /// use protocol_websocket_connection::{Config, Connection, Event, Negotiated, Session};
    ///
    /// let mut server = Session::new(Connection::open_server(&Negotiated::default(), Config::new()));
    /// server.started(Duration::from_secs(100));
    /// server.send("hello")?;
    /// server.ping("p")?;
    /// server.written(10, Duration::from_secs(101));
    /// server.read_buffer().extend_from_slice(b"\x8A\x81\0\0\0\0p");
    /// server.received(Duration::from_secs(103));
    /// assert_eq!(server.poll_event(), Some(Event::Pong("p".into())));
    /// let stats = server.stats();
    /// assert_eq!((stats.messages_sent, stats.payload_sent), (1, 5));
    /// assert_eq!((stats.round_trip, stats.age), (Some(Duration::from_secs(2)), Duration::from_secs(3)));
    /// # Ok::<_, protocol_websocket_connection::SendError>(())
    /// ```
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.outbox.counters.stats(self.unsent(), self.now)
    }

    /// Returns whether the transport should be read: not while events are left, not after the end, and not under
    /// backpressure.
    ///
    /// There is backpressure while the connection is open and both conditions are true:
    ///
    /// - More bytes are unsent than the [high-water mark](crate::Config::high_water_mark).
    /// - More bytes are unsent than at the first read over it.
    ///
    /// So the session stops reading from a peer that sends requests and does not read the replies. A program that has
    /// queued much and then only receives continues to receive, because otherwise two such ends would wait for each other.
    /// After our Close, the unsent bytes do not count, because no replies follow.
    ///
    /// While an [`Event::Upgrade`] waits for the application's response, it is true until the input has as many bytes
    /// as a [head](crate::HeadLimits) may have, so that the end of the transport is noticed.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        self.can_read() && !self.is_under_backpressure()
    }

    fn is_under_backpressure(&self) -> bool {
        self.unsent_in_u32() > self.read_limit && self.connection().state() == State::Open
    }

    fn unsent_in_u32(&self) -> u32 {
        u32::try_from(self.unsent()).unwrap_or(u32::MAX)
    }

    /// Returns whether the transport can be read: as [`wants_read`](Self::wants_read), but also under backpressure. For a
    /// program that replies to nothing meanwhile, for instance because it waits until its own message is written.
    #[must_use]
    pub fn can_read(&self) -> bool {
        if self.has_eof || !self.outbox.is_drained {
            return false;
        }
        let connection = &self.outbox.connection;
        match connection.receiver.incoming {
            Incoming::Connecting => self.input.len() < connection.config().head_limits.max_len,
            Incoming::Open => true,
            Incoming::Ended | Incoming::Refused => false,
        }
    }

    /// Returns the buffer to which the transport's bytes are appended. Call [`received`](Self::received) after a read.
    ///
    /// It is empty and has no memory when nothing is left of the input, so an idle session keeps no read buffer. A loop
    /// that reads into a buffer of its own, for instance one for each thread, copies the bytes here.
    pub const fn read_buffer(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// Returns the memory of a long payload in progress, if more than 64 KiB of it are missing: see
    /// [`Connection::payload_buffer`]. If there is one, read into it instead of the [`read_buffer`](Self::read_buffer),
    /// and call [`received`](Self::received). That saves a copy.
    pub fn payload_buffer(&mut self) -> Option<impl BufMut + '_> {
        if self.outbox.is_drained { self.outbox.connection.payload_buffer() } else { None }
    }

    /// Notes that bytes were appended to the [`read_buffer`](Self::read_buffer) or to the
    /// [`payload_buffer`](Self::payload_buffer), and the time of that read. After the end they are discarded, except
    /// the body of a response other than 101.
    pub fn received(&mut self, now: Duration) {
        self.note_read(self.input.len(), now);
        self.outbox.expect_replies(self.input.len());
        self.note_input();
    }

    /// Notes a read, after which `available` bytes are in the input.
    fn note_read(&mut self, available: usize, now: Duration) {
        self.set_time(now);
        self.outbox.connection.receiver.note_arrival(self.now, available);
        if self.read_limit == NO_READ_LIMIT && self.is_over_high_water_mark() {
            self.read_limit = self.unsent_in_u32();
        }
    }

    /// Notes the end of the transport's input: a read returned 0 bytes. Events of bytes that were received before are
    /// still returned, and then the connection ends. Bytes that are unsent, such as the reply to the peer's Close, can
    /// still be written.
    pub fn received_eof(&mut self) {
        self.has_eof = true;
        self.note_input();
    }

    /// Notes that a read or a write failed. As [`received_eof`](Self::received_eof), but the unsent bytes are discarded.
    pub fn transport_failed(&mut self) {
        self.has_failed = true;
        self.outbox.discard();
        self.received_eof();
    }

    /// Notes that events may be left, unless all events were polled and the connection has ended: then none follows.
    fn note_input(&mut self) {
        let connection = &self.outbox.connection;
        self.outbox.is_drained &= connection.ended().is_some();
        if self.outbox.is_drained {
            if connection.receiver.incoming == Incoming::Ended {
                self.input.clear();
            }
            self.note_drained();
        }
    }

    /// Returns the next event. Call it until it returns `None`: then more bytes are needed, or the application's
    /// response to an upgrade, or the connection has ended.
    ///
    /// A failure is not an event: the events end, its Close or HTTP response is unsent, and
    /// [`ended`](Self::ended) has the error once that was written.
    #[inline]
    pub fn poll_event(&mut self) -> Option<Event> {
        if self.outbox.is_drained {
            return None;
        }
        if let Some(message) = self.outbox.connection.receiver.receive_message(&mut self.input) {
            self.outbox.counters.add_received(message.len());
            return Some(Event::Message(message));
        }
        let mut event = None;
        self.poll_slow(&mut event);
        event
    }

    #[inline(never)]
    fn poll_slow(&mut self, event: &mut Option<Event>) {
        if !self.has_read_all() {
            let Outbox { connection, unsent, .. } = &mut self.outbox;
            *event = connection.receive(&mut self.input, &mut unsent.buffer).unwrap_or_default();
        }
        match event {
            Some(event) => self.outbox.counters.note_event(event, self.now),
            None => self.note_drained(),
        }
    }

    /// Returns whether the last message was the end of the input, so that the decoder need not look.
    fn has_read_all(&self) -> bool {
        self.input.is_empty() && self.outbox.connection.receiver.needs_input()
    }

    /// Passes the next event to `f`, and returns its result, or `None` if there is no event. As
    /// [`poll_event`](Self::poll_event), but the payload of the event borrows from the input if possible, which is
    /// faster for short messages: see [`Connection::receive_lent`]. `f` can send through the [`Outbox`]. If `f` panics, the
    /// event is lost, and the session can be used further.
    ///
    /// ```
    /// use std::time::Duration;
    /// use protocol_websocket_connection::{Config, Connection, EventRef, Negotiated, Session};
    ///
    /// let mut server = Session::new(Connection::open_server(&Negotiated::default(), Config::new()));
    /// server.read_buffer().extend_from_slice(b"\x81\x82\0\0\0\0hi");
    /// server.received(Duration::ZERO);
    /// while let Some(sent) = server.poll_event_with(|event, outbox| match event {
    ///     EventRef::Message(message) => outbox.send(message),
    ///     _ => Ok(()),
    /// }) {
    ///     sent?;
    /// }
    /// assert_eq!(server.unsent_chunks().next(), Some(&b"\x81\x02hi"[..]));
    /// # Ok::<_, protocol_websocket_connection::SendError>(())
    /// ```
    #[inline]
    pub fn poll_event_with<R>(&mut self, f: impl FnOnce(EventRef<'_>, &mut Outbox) -> R) -> Option<R> {
        if self.input.is_empty() && (self.outbox.is_drained || self.outbox.connection.receiver.needs_input()) {
            self.note_drained();
            return None;
        }
        let mut read = ReadInput { input: &mut self.input, len: 0 };
        let available = read.input.len();
        let mut input = &mut read.input[..];
        let Outbox { connection, unsent, .. } = &mut self.outbox;
        let event = connection.receive_lent(&mut input, &mut unsent.buffer).unwrap_or_default();
        read.len = available - input.len();
        let result = event.map(|event| {
            self.outbox.counters.note_lent(&event, self.now);
            f(event, &mut self.outbox)
        });
        drop(read);
        if result.is_none() {
            self.note_drained();
        }
        result
    }

    /// Receives bytes that were read to a buffer of the caller at the time `now`, and passes the first event to `f`, as
    /// [`poll_event_with`](Self::poll_event_with) does. It replaces [`read_buffer`](Self::read_buffer) and
    /// [`received`](Self::received) for a read.
    ///
    /// The event borrows from `bytes`, so a read with one message needs no memory for it. The bytes after the first
    /// event are copied to the session: poll its events next. The content of `bytes` is changed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use protocol_websocket_connection::{Config, Connection, EventRef, Negotiated, Session};
    ///
    /// let mut server = Session::new(Connection::open_server(&Negotiated::default(), Config::new()));
    /// let mut buffer = *b"\x81\x82\0\0\0\0hi"; // one for many connections
    /// let sent = server.receive_with(&mut buffer, Duration::ZERO, |event, outbox| match event {
    ///     EventRef::Message(message) => outbox.send(message),
    ///     _ => Ok(()),
    /// });
    /// assert_eq!(sent, Some(Ok(())));
    /// assert_eq!(server.unsent_chunks().next(), Some(&b"\x81\x02hi"[..]));
    /// ```
    pub fn receive_with<R>(
        &mut self,
        bytes: &mut [u8],
        now: Duration,
        f: impl FnOnce(EventRef<'_>, &mut Outbox) -> R,
    ) -> Option<R> {
        if !self.input.is_empty() || self.outbox.connection.receiver.incoming != Incoming::Open {
            self.input.extend_from_slice(bytes);
            self.received(now);
            return self.poll_event_with(f);
        }
        let len = bytes.len();
        self.note_read(len, now);
        self.outbox.is_drained = false;
        let Outbox { connection, unsent, .. } = &mut self.outbox;
        let mut rest = bytes;
        let event = connection.receive_lent(&mut rest, &mut unsent.buffer).unwrap_or_default();
        let Some(event) = event else {
            self.note_drained();
            return None;
        };
        if !rest.is_empty() {
            self.input.extend_from_slice(rest);
            self.outbox.expect_replies(len);
        }
        self.outbox.counters.note_lent(&event, self.now);
        Some(f(event, &mut self.outbox))
    }

    /// Notes that no event is left, and then the end of the transport.
    fn note_drained(&mut self) {
        (self.outbox.is_drained, self.outbox.expected) = (true, 0);
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        if self.has_eof {
            // `ended` has the error.
            let _ = self.outbox.connection.receive_eof();
            if self.has_failed {
                self.outbox.discard();
            }
        }
    }

    /// Returns the bytes to write, in order: the encoded bytes, and between them the shared payloads. No chunk is empty.
    /// Write the first chunk, or several with one vectored write, and call [`written`](Self::written).
    pub fn unsent_chunks(&self) -> impl Iterator<Item = &[u8]> {
        self.outbox.unsent.chunks()
    }

    /// Removes the first `len` of the unsent bytes, which were written at the time `now`. A pong that was kept under
    /// backpressure is queued if the unsent bytes are not over the [high-water mark](crate::Config::high_water_mark) any more,
    /// and the deadlines of a Ping or a Close that was written start. If the deadline for the last bytes of a connection
    /// that is closing has passed, the rest is discarded, as by [`handle_timeout`](Self::handle_timeout).
    ///
    /// # Panics
    ///
    /// If `len` is more than [`unsent`](Outbox::unsent).
    pub fn written(&mut self, len: usize, now: Duration) {
        assert!(len <= self.unsent(), "more bytes were written than were unsent");
        self.set_time(now);
        self.outbox.advance(len);
        self.outbox.counters.round_trip.note_written(len, self.now);
        if !self.is_over_high_water_mark() {
            self.read_limit = NO_READ_LIMIT;
        }
        if len > 0 {
            self.has_progress = true;
            match &mut self.last_writes {
                Some(writes) if !self.outbox.unsent.is_empty() => writes.written_at = self.now,
                writes => *writes = None,
            }
        }
        let Outbox { connection, unsent, .. } = &mut self.outbox;
        connection.flush_unsent(unsent.len(), &mut unsent.buffer);
        // A deadline starts with a call at once, or again.
        if self.last_writes.is_some() || self.poll_timeout().is_some_and(|at| at <= self.handled_at) {
            self.handle_timeout(now);
        }
    }

    /// Returns the time of the next [`handle_timeout`](Self::handle_timeout), by the caller's clock: the time since a
    /// fixed point that the caller chooses. `None` while no deadline runs. If the time has passed, call it at once. The
    /// result changes with each call of another method.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        earlier(self.outbox.connection.poll_timeout(), self.stall_deadline())
    }

    /// Handles the deadlines that are due at the time `now`: queues a Ping, frees memory of idle
    /// extensions, or ends the connection. Read the available
    /// input and poll its events before this call. Otherwise a peer may time out although its bytes are in the
    /// socket.
    ///
    /// The deadlines are those of [`Timeouts`](crate::Timeouts), and two for a peer that does not read:
    ///
    /// - If our Ping is unanswered, and [`Timeouts::pong_timeout`](crate::Timeouts::pong_timeout) passes without a byte
    ///   written or received, the connection fails as if the Ping had been written.
    /// - If the connection is closing or has ended, and [`Timeouts::close`](crate::Timeouts::close) passes without a
    ///   byte written, or ten times as long until all bytes are written, the unsent bytes are discarded. If that timeout
    ///   is not set, but another one is, it is 5 s for a connection that has ended with an error.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.set_time(now);
        self.handled_at = self.now;
        let Outbox { connection, unsent, .. } = &mut self.outbox;
        if !core::mem::take(&mut self.has_progress) {
            connection.receiver.note_stalled();
        }
        // `ended` has the error.
        if let Ok(true) = connection.handle_timeout_unsent(self.now, unsent.len(), &mut unsent.buffer) {
            self.outbox.note_ping(&[]);
        }
        if self.stall_deadline().is_some_and(|at| at <= self.now) {
            if self.last_writes.take().is_some() {
                self.outbox.connection.time_out_close();
                self.outbox.discard();
            } else {
                self.last_writes = Some(Box::new(LastWrites { begun_at: self.now, written_at: self.now }));
            }
        }
    }

    /// Returns the time at which the unsent bytes are discarded. If it is not later than the present time, the
    /// deadline starts with the next call of `handle_timeout`.
    fn stall_deadline(&self) -> Option<Duration> {
        let connection = &self.outbox.connection;
        let is_ending = matches!(connection.state(), State::Closing | State::Closed);
        if !is_ending || self.outbox.unsent.is_empty() {
            return None;
        }
        let timeouts = &connection.config().timeouts;
        let has_failed = || connection.ended().is_some_and(|ended| ended.error.is_some());
        let timeout = match timeouts.close {
            None if *timeouts != Timeouts::NONE && has_failed() => FAILED_TIMEOUT,
            timeout => timeout?,
        };
        Some(self.last_writes.as_ref().map_or(self.handled_at, |writes| {
            let last = writes.begun_at.saturating_add(timeout.saturating_mul(MAX_LAST_WRITES));
            writes.written_at.saturating_add(timeout).min(last)
        }))
    }

    /// Returns [`Timeouts::close`](crate::Timeouts::close). It also limits how long the caller reads and discards the
    /// transport's input after the [end](Self::ended).
    #[must_use]
    pub fn close_timeout(&self) -> Option<Duration> {
        self.connection().config().timeouts.close
    }

    /// Returns [`Timeouts::idle`](crate::Timeouts::idle). A caller that stops reading for a while, for instance because
    /// it has a message that the program has not taken, cannot measure it meanwhile.
    #[must_use]
    pub fn idle_timeout(&self) -> Option<Duration> {
        self.connection().config().timeouts.idle
    }

    fn set_time(&mut self, now: Duration) {
        self.now = self.now.max(now);
        self.outbox.counters.note_time(self.now);
    }

    /// Returns how the connection ended, once all its events were polled and nothing is left to write. Until then, and
    /// while the connection is open, it returns `None`. The result does not change any more. It is not clean if our reply
    /// to the peer's Close was discarded.
    ///
    /// At a client, [`poll_timeout`](Self::poll_timeout) is then the deadline for the server to close the transport.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        self.outbox.connection.ended().filter(|_| self.outbox.is_drained && self.outbox.unsent.is_empty())
    }
}

impl Deref for Session {
    type Target = Outbox;

    #[inline]
    fn deref(&self) -> &Outbox {
        &self.outbox
    }
}

impl DerefMut for Session {
    #[inline]
    fn deref_mut(&mut self) -> &mut Outbox {
        &mut self.outbox
    }
}

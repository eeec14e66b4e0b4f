//! A WebSocket over a blocking transport.

use std::fmt;
use std::time::Duration;

use protocol_websocket::{
    AsMessage, Close, Ended, Event, EventRef, Message, Negotiated, Outbox, Part, Prepared, SendError, Session,
};

use crate::driver::{Driver, WouldBlock, buffered_event};
use crate::{Error, Parts, Stats, Transport};

/// A WebSocket connection over a blocking transport `S`, such as a TCP stream: client or server, compressed or not.
///
/// [`recv`](Self::recv) waits for the next message. Meanwhile it also writes what was queued, replies to pings and enforces
/// the deadlines of the [configuration](protocol_websocket::Config::timeouts). A program that waits in `recv` needs no
/// other code for them. Between the calls nothing happens: a peer whose Ping is not replied to ends the connection.
///
/// [`queue`](Self::queue) appends a message to the unsent bytes and does not wait. `recv` writes it when no received
/// message is left, so many replies need one write. [`send`](Self::send) queues and writes at once.
///
/// As an iterator, it returns the messages that `recv` returns.
///
/// # Threads
///
/// A WebSocket is used by one thread at a time. If other threads have messages to send, this thread receives them from a
/// channel. With [`set_timeout`](Self::set_timeout), `recv` returns often enough to look:
///
/// ```
/// use std::sync::mpsc::Receiver;
/// use std::time::Duration;
/// use protocol_websocket_blocking::{Error, Message, Transport, WebSocket};
///
/// fn run<S: Transport>(mut websocket: WebSocket<S>, outgoing: Receiver<Message>) -> Result<(), Error> {
///     websocket.set_timeout(Duration::from_millis(20));
///     loop {
///         for message in outgoing.try_iter() {
///             websocket.queue(message)?; // `recv` writes it
///         }
///         match websocket.recv() {
///             Some(Ok(message)) => println!("{message:?}"),
///             Some(Err(Error::WouldBlock)) => {} // nothing was received
///             Some(Err(error)) => return Err(error),
///             None => return Ok(()),
///         }
///     }
/// }
/// # let _ = run::<std::net::TcpStream>;
/// ```
///
/// The crate `protocol-websocket-tokio` has senders for many tasks and wakes up for each message.
///
/// # Example
///
#[cfg_attr(feature = "server", doc = "```")]
#[cfg_attr(not(feature = "server"), doc = "```ignore")]
/// use protocol_websocket_blocking::{Accept, Error, Transport, accept, config};
///
/// /// Sends each message back.
/// fn echo<S: Transport>(stream: S) -> Result<(), Error> {
///     let mut websocket = accept(stream, config())?.accept(Accept::new())?;
///     while let Some(message) = websocket.recv() {
///         websocket.queue(message?)?;
///     }
///     Ok(())
/// }
/// # let _ = echo::<std::net::TcpStream>;
/// ```
pub struct WebSocket<S> {
    driver: Driver<S>,
    /// An event that arrived while the program waited for a write.
    next: Option<Event>,
    /// The error of the connection was returned.
    has_returned_error: bool,
}

impl<S: Transport> WebSocket<S> {
    /// Receives the next message. Returns `None` after the closing handshake, and once the connection has failed and its
    /// error was returned. [`ended`](Self::ended) has the close code.
    ///
    /// At the end, the Close is written, the output of the transport is shut down, and its input is read until it ends,
    /// for at most [`Timeouts::close`](protocol_websocket::Timeouts::close). So the peer receives the Close and no
    /// reset. If the peer did not read, or did not reply to our Close, within this timeout, only the input that has
    /// arrived is read.
    ///
    /// # Errors
    ///
    /// [`Error::Connection`] or [`Error::Io`], once, if the connection ended without a closing handshake.
    /// [`Error::WouldBlock`] if no message arrived in time. [`Error::Parts`] with
    /// [`Delivery::Parts`](protocol_websocket::Delivery::Parts): call [`recv_part`](Self::recv_part).
    pub fn recv(&mut self) -> Option<Result<Message, Error>> {
        loop {
            return Some(match self.recv_event()? {
                Ok(Event::Message(message)) => Ok(message),
                Ok(part @ Event::Part(_)) => {
                    self.next = Some(part);
                    Err(Error::Parts)
                }
                Ok(_) => continue,
                Err(error) => Err(error),
            });
        }
    }

    /// Receives the next part of a message. With [`Delivery::Parts`](protocol_websocket::Delivery::Parts) in the
    /// configuration, parts are returned as they arrive, so a long message takes little memory. Otherwise a part is a
    /// whole message.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_part(&mut self) -> Option<Result<Part, Error>> {
        loop {
            return Some(match self.recv_event()? {
                Ok(Event::Part(part)) => Ok(part),
                Ok(Event::Message(message)) => Ok(message.into()),
                Ok(_) => continue,
                Err(error) => Err(error),
            });
        }
    }

    /// Receives the next event: a message, and also a Ping, a Pong or a Close. The connection has already replied to
    /// a Ping. A Ping or Pong that arrives while [`send`](Self::send), [`flush`](Self::flush) or [`ready`](Self::ready)
    /// waits is not returned.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_event(&mut self) -> Option<Result<Event, Error>> {
        if let Some(event) = self.next.take() {
            return Some(Ok(event));
        }
        let event = self.driver.next(buffered_event);
        self.returned(event)
    }

    /// Passes the next event to `f`, and returns its result. As [`recv_event`](Self::recv_event), but the payload of the
    /// event borrows from the buffer of the connection, so a short message needs no memory of its own. `f` can send
    /// through the [`Outbox`]: the next call, [`flush`](Self::flush) or [`recv`](Self::recv) writes that. `f` is called at
    /// most once.
    ///
    /// ```
    /// use std::net::TcpStream;
    /// use protocol_websocket_blocking::{Error, EventRef, WebSocket};
    ///
    /// /// Sends each message back.
    /// fn echo(mut websocket: WebSocket<TcpStream>) -> Result<(), Error> {
    ///     while let Some(sent) = websocket.recv_with(|event, outbox| match event {
    ///         EventRef::Message(message) => outbox.send(message),
    ///         _ => Ok(()),
    ///     }) {
    ///         sent??;
    ///     }
    ///     Ok(())
    /// }
    /// # let _ = echo;
    /// ```
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_with<R>(&mut self, mut f: impl FnMut(EventRef<'_>, &mut Outbox) -> R) -> Option<Result<R, Error>> {
        if let Some(event) = self.next.take() {
            return Some(Ok(f(event.into(), &mut self.driver.session)));
        }
        let result = self.driver.next(|session| session.poll_event_with(&mut f));
        self.returned(result)
    }

    /// Returns the result of a call that received an event, or the error of the connection at the end, once.
    fn returned<T>(&mut self, received: Result<Option<T>, WouldBlock>) -> Option<Result<T, Error>> {
        match received {
            Ok(Some(value)) => Some(Ok(value)),
            Err(WouldBlock) => Some(Err(Error::WouldBlock)),
            Ok(None) if self.has_returned_error => None,
            Ok(None) => {
                self.has_returned_error = true;
                self.driver.error().map(Err)
            }
        }
    }

    /// Writes everything that was queued.
    ///
    /// While the peer takes no bytes, the transport is also read, so that pings are replied to and two ends that both
    /// send do not block each other. It stops reading when a message is in front, which [`recv`](Self::recv) returns
    /// later. The deadlines of the connection end it if the peer neither reads nor sends.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] or [`Error::Connection`] if the connection ended before everything was written.
    /// [`Error::WouldBlock`] if it was not written in time: call it again.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.write(false)
    }

    /// Waits until the unsent bytes are not over the
    /// [high-water mark](protocol_websocket::Config::high_water_mark).
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub fn ready(&mut self) -> Result<(), Error> {
        self.write(true)
    }

    fn write(&mut self, only_to_mark: bool) -> Result<(), Error> {
        self.driver.flush(&mut self.next, only_to_mark).map_err(|WouldBlock| Error::WouldBlock)?;
        self.driver.write_error().map_or(Ok(()), Err)
    }

    /// Queues a message and writes everything that was queued. A loop that replies to each message needs fewer writes
    /// with [`queue`](Self::queue).
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if the message cannot be queued, otherwise as [`flush`](Self::flush).
    pub fn send(&mut self, message: impl AsMessage) -> Result<(), Error> {
        self.queue(message)?;
        self.flush()
    }

    /// Closes the connection: sends a Close with `close`, for instance `CloseCode::NORMAL`, unless one was sent before.
    /// Then waits for the peer's Close, for at most [`Timeouts::close`](protocol_websocket::Timeouts::close) after the
    /// write. If it arrives, the transport is ended as [`recv`](Self::recv) does, for at most the same time again, because
    /// the peer may end the stream later than it sends its Close. If it does not arrive, the transport is ended at once. The
    /// write of the unsent bytes takes at most ten times that timeout, and less if the peer does not read. Messages that
    /// arrive meanwhile are dropped.
    ///
    /// # Errors
    ///
    /// [`Error::WouldBlock`] alone, if the connection has not ended in time. The next call continues.
    pub fn close(&mut self, close: impl Into<Option<Close>>) -> Result<Ended, Error> {
        self.queue_close(close);
        self.next = None;
        while self.driver.next(buffered_event).map_err(|WouldBlock| Error::WouldBlock)?.is_some() {}
        self.has_returned_error = true;
        let Some(ended) = self.ended() else { unreachable!("the events of the connection have ended") };
        Ok(ended.clone())
    }

    /// Returns the transport, the connection, the received bytes and events that were not returned, and the queued bytes
    /// that were not written. The transport has the [timeouts](Transport::read_timeout) again that it had before the first
    /// read or write of this WebSocket.
    pub fn into_parts(self) -> Parts<S> {
        let Driver { io, session, .. } = self.driver;
        Parts { io: io.into_inner(), session: session.into_parts(), next: self.next }
    }

    /// Waits for the end of the connection, which has begun.
    #[cfg(feature = "server")]
    pub(crate) fn end(&mut self) {
        while self.recv_event().is_some_and(|event| !matches!(event, Err(Error::WouldBlock))) {}
    }
}

impl<S> WebSocket<S> {
    /// Creates a WebSocket of a connection whose opening handshake is done, such as one of
    /// [`Connection::respond`](protocol_websocket::Connection::respond) in an HTTP server.
    pub fn new(io: S, session: Session) -> Self {
        let now = session.now();
        Self { driver: Driver::new(io, session, now), next: None, has_returned_error: false }
    }

    /// Creates a WebSocket that continues where another one stopped: see [`into_parts`](Self::into_parts).
    pub fn from_parts(parts: Parts<S>) -> Self {
        let Parts { io, session, next } = parts;
        Self { next, ..Self::new(io, Session::from_parts(session)) }
    }

    /// Sets how long each of the following calls waits at most, or `None` for any time, which is the default. After this
    /// time, the call returns [`Error::WouldBlock`]. Its precision is that of the transport's timeouts.
    pub fn set_timeout(&mut self, timeout: impl Into<Option<Duration>>) {
        self.driver.set_timeout(timeout.into());
    }

    /// Queues a message: a string as text, bytes as binary. It is written by the next [`recv`](Self::recv),
    /// [`flush`](Self::flush) or [`ready`](Self::ready).
    ///
    /// A payload of at least 4 KiB is not copied if it is passed as a [`Message`], `Bytes`, `Vec<u8>` or `String`. It is
    /// kept until it is written. A shorter or borrowed payload is copied.
    ///
    /// # Errors
    ///
    /// As [`Connection::send`](protocol_websocket::Connection::send). Then nothing is queued.
    pub fn queue(&mut self, message: impl AsMessage) -> Result<(), SendError> {
        self.driver.session.send(message)
    }

    /// Queues a message that is encoded once for many connections: see [`Prepared`].
    ///
    /// # Errors
    ///
    /// As [`queue`](Self::queue).
    pub fn queue_prepared(&mut self, prepared: &mut Prepared) -> Result<(), SendError> {
        self.driver.session.send_prepared(prepared)
    }

    /// Queues a part of a message: see [`Connection::send_part`](protocol_websocket::Connection::send_part).
    ///
    /// # Errors
    ///
    /// As [`Connection::send_part`](protocol_websocket::Connection::send_part).
    pub fn queue_part(&mut self, part: Part) -> Result<(), SendError> {
        self.driver.session.send_part(part)
    }

    /// Queues a Ping: see [`Connection::ping`](protocol_websocket::Connection::ping). The connection sends pings by
    /// itself if the configuration has
    /// [`Timeouts::ping_interval`](protocol_websocket::Timeouts::ping_interval).
    ///
    /// # Errors
    ///
    /// As [`Connection::ping`](protocol_websocket::Connection::ping).
    pub fn queue_ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), SendError> {
        self.driver.session.ping(payload)
    }

    /// Queues a Pong that no Ping asked for, for instance as a heartbeat in one direction (RFC 6455 §5.5.3): see
    /// [`Connection::pong`](protocol_websocket::Connection::pong). The connection replies to the peer's pings by itself.
    ///
    /// # Errors
    ///
    /// As [`Connection::pong`](protocol_websocket::Connection::pong).
    pub fn queue_pong(&mut self, payload: impl AsRef<[u8]>) -> Result<(), SendError> {
        self.driver.session.pong(payload)
    }

    /// Queues a Close with `close`, for instance `CloseCode::NORMAL`, unless one was sent before. Nothing can be sent after
    /// it, and [`recv`](Self::recv) returns the messages that arrive until the peer's Close. [`close`](Self::close) drops
    /// them.
    pub fn queue_close(&mut self, close: impl Into<Option<Close>>) {
        self.driver.queue_close(close.into());
    }

    /// Returns how the connection ended, or `None` while messages may still arrive.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        self.driver.session.connection().ended()
    }

    /// Returns the result of the opening handshake: the version, the subprotocol and the extensions.
    #[must_use]
    pub fn negotiated(&self) -> &Negotiated {
        self.driver.session.connection().negotiated()
    }

    /// Frees the memory that permessage-deflate does not need until the next message: see
    /// [`Connection::release_memory`](protocol_websocket::Connection::release_memory). For a connection that will be idle.
    pub fn release_memory(&mut self) {
        self.driver.session.release_memory();
    }

    /// Returns the number of bytes that were queued and not written.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.driver.session.unsent()
    }

    /// Returns the numbers of messages and bytes that were sent and received since this WebSocket was created, and the round
    /// trip of the last Ping. The numbers of a WebSocket that was created from [`Parts`] begin with zero.
    ///
    /// ```
    /// use std::net::TcpStream;
    /// use protocol_websocket_blocking::WebSocket;
    ///
    /// fn log(websocket: &WebSocket<TcpStream>) {
    ///     let stats = websocket.stats();
    ///     println!("{} messages of {} bytes received", stats.messages_received, stats.payload_received);
    ///     println!("{} bytes read, {} written, {} unsent", stats.bytes_read, stats.bytes_written, stats.unsent);
    ///     println!("open for {:?}, round trip {:?}", stats.age, stats.round_trip);
    /// }
    /// # let _ = log;
    /// ```
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.driver.stats()
    }

    /// Returns the transport.
    #[must_use]
    pub const fn get_ref(&self) -> &S {
        self.driver.io.get_ref()
    }

    /// Returns the transport, for instance to make it non-blocking. Bytes that the caller reads or writes are missing in
    /// the connection. Its timeouts are set again before the next read or write.
    #[must_use]
    pub const fn get_mut(&mut self) -> &mut S {
        self.driver.io.get_mut()
    }

    /// Sets whether the end of the connection shuts down the output and reads the rest of the input.
    #[cfg(feature = "client")]
    pub(crate) const fn set_linger(&mut self, linger: bool) {
        self.driver.set_linger(linger);
    }

    #[cfg(feature = "server")]
    pub(crate) const fn session_mut(&mut self) -> &mut Session {
        &mut self.driver.session
    }

    #[cfg(any(feature = "client", feature = "server"))]
    pub(crate) fn write_error(&self) -> Option<Error> {
        self.driver.write_error()
    }
}

/// Returns the messages that [`recv`](WebSocket::recv) returns.
impl<S: Transport> Iterator for WebSocket<S> {
    type Item = Result<Message, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.recv()
    }
}

impl<S> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("connection", self.driver.session.connection()).finish_non_exhaustive()
    }
}

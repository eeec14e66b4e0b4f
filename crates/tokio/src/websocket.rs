//! A WebSocket over a transport.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use protocol_websocket::{
    AsMessage, Close, Ended, Event, EventRef, Message, Negotiated, Outbox, Part, Prepared, SendError, Session,
};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::driver::Driver;
use crate::poll_event::{PollEvent, poll_message, poll_part};
use crate::take::{Lent, Owned, Take};
use crate::wakers::{Side, Wakers};
use crate::{Error, Parts, Stats};

/// A WebSocket connection over a transport `S`, such as a TCP stream: client or server, compressed or not.
///
/// [`recv`](Self::recv) returns the next message. While it is polled, it also writes what was queued, replies to pings
/// and enforces the deadlines of the [configuration](protocol_websocket::Config::timeouts). A program that waits in `recv`
/// needs no other code for them.
///
/// [`queue`](Self::queue) appends a message to the unsent bytes and does not wait. `recv` writes it when no received
/// message is left, so many replies need one write. [`send`](Self::send) queues and writes at once.
///
/// A program that only sends must also receive, because the peer's pings, its Close and the deadlines are handled while
/// `recv` is polled. Call [`split`](Self::split), whose task does it, or poll `recv` next to the other work with
/// `tokio::select!`.
///
/// # Backpressure
///
/// If the peer does not read, `recv` stops reading once its program has replied to much: see
/// [`Session::wants_read`](protocol_websocket::Session::wants_read). A program that sends much without requests waits with
/// [`ready`](Self::ready) or [`flush`](Self::flush) before it queues more.
///
/// # Cancellation
///
/// All futures can be dropped at any time, for instance by `tokio::select!`. Nothing that was received is lost, and
/// messages are sent whole or not at all. The message of a [`send`](Self::send) that was polled once stays queued.
///
/// # Runtime
///
/// The futures run in a task of tokio, on any number of threads. The transport may have its own requirements: a
/// `TcpStream` of tokio needs `enable_io`. The deadlines need the timer of the runtime (`enable_time` or `enable_all`).
/// Outside of a runtime, and in one without a timer, a future panics with tokio's message when it first waits for a
/// deadline. That is the first wait with the [default configuration](fn@crate::config), and the end of the stream with any
/// configuration.
///
/// Every 32 events spend a unit of the budget of tokio's cooperative scheduling, so a task that receives buffered messages
/// lets the other tasks run after 4,096 messages at the latest.
///
#[cfg_attr(feature = "server", doc = "```")]
#[cfg_attr(not(feature = "server"), doc = "```ignore")]
/// use protocol_websocket_tokio::{Accept, WebSocket, accept, config};
/// use tokio::io::{AsyncRead, AsyncWrite};
///
/// /// Sends each message back.
/// async fn echo<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Result<(), protocol_websocket_tokio::Error> {
///     let mut websocket = accept(stream, config()).await?.accept(Accept::new()).await?;
///     while let Some(message) = websocket.recv().await {
///         websocket.queue(message?)?;
///     }
///     Ok(())
/// }
/// # let _ = echo::<tokio::net::TcpStream>;
/// ```
pub struct WebSocket<S> {
    /// In a box, so that futures, which move a WebSocket, stay small.
    pub(crate) inner: Box<Inner<S>>,
}

pub(crate) struct Inner<S> {
    pub(crate) io: S,
    pub(crate) driver: Driver,
    wakers: Wakers,
    /// An event that arrived while the program waited for a write. In a box, because that is rare.
    pub(crate) next: Option<Box<Event>>,
    /// The error of the connection was returned.
    pub(crate) has_returned_error: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Creates a WebSocket of a connection whose opening handshake is done, such as one of
    /// [`Connection::respond`](protocol_websocket::Connection::respond) in an HTTP server.
    ///
    /// The deadlines of the configuration need a [runtime](Self#runtime) with a timer.
    ///
    #[cfg_attr(feature = "server", doc = "```")]
    #[cfg_attr(not(feature = "server"), doc = "```ignore")]
    /// use protocol_websocket_tokio::protocol_websocket::{BuildError, Connection};
    /// use protocol_websocket_tokio::{Accept, Error, Request, Response, Session, WebSocket, config};
    /// use tokio::net::TcpStream;
    ///
    /// /// Checks the request. The HTTP server sends the response.
    /// fn respond(request: &Request) -> Result<(Response, Connection), BuildError> {
    ///     Connection::respond(request, Accept::new(), config())
    /// }
    ///
    /// /// Continues with the stream of the HTTP server after that.
    /// async fn run(stream: TcpStream, connection: Connection) -> Result<(), Error> {
    ///     let mut websocket = WebSocket::new(stream, Session::new(connection));
    ///     websocket.send("welcome").await
    /// }
    /// # let _ = (respond, run);
    /// ```
    pub fn new(io: S, session: Session) -> Self {
        let now = session.now();
        let driver = Driver::new(session, now);
        Self { inner: Box::new(Inner { io, driver, wakers: Wakers::new(), next: None, has_returned_error: false }) }
    }

    /// Creates a WebSocket that continues where another one stopped: see [`into_parts`](Self::into_parts).
    pub fn from_parts(parts: Parts<S>) -> Self {
        let Parts { io, session, next } = parts;
        let mut websocket = Self::new(io, Session::from_parts(session));
        websocket.inner.next = next.map(Box::new);
        websocket
    }

    /// Returns the transport, the connection, the received bytes and events that were not returned, and the queued bytes
    /// that were not written.
    #[must_use]
    pub fn into_parts(self) -> Parts<S> {
        let Inner { io, driver, next, .. } = *self.inner;
        Parts { io, session: driver.session.into_parts(), next: next.map(|event| *event) }
    }

    /// Receives the next message. Returns `None` after the closing handshake, and once the connection has failed and its
    /// error was returned. [`ended`](Self::ended) has the close code. Pings and pongs are not returned: see
    /// [`recv_event`](Self::recv_event).
    ///
    /// Messages of one read may share its memory, of up to 64 KiB. A program that keeps short messages for long copies them.
    ///
    /// At the end, the Close is written, the output of the transport is shut down, and its input is read until it ends,
    /// for at most [`Timeouts::close`](protocol_websocket::Timeouts::close). So the peer receives the Close and no
    /// reset. If the peer did not read, or did not reply to our Close, within this timeout, only the input that has
    /// arrived is read.
    ///
    /// # Errors
    ///
    /// [`Error::Connection`] or [`Error::Io`], once, if the connection ended without a closing handshake.
    /// [`Error::Parts`] with [`Delivery::Parts`](protocol_websocket::Delivery::Parts): call
    /// [`recv_part`](Self::recv_part).
    pub async fn recv(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    pub(crate) fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        poll_message(self, context)
    }

    /// Receives the next part of a message. With [`Delivery::Parts`](protocol_websocket::Delivery::Parts) in the
    /// configuration, parts are returned as they arrive, so a long message takes little memory. Otherwise a part is a
    /// whole message.
    ///
    /// ```
    /// use protocol_websocket_tokio::{Error, WebSocket};
    /// use tokio::io::{AsyncWrite, AsyncWriteExt};
    /// use tokio::net::TcpStream;
    ///
    /// /// Writes the next message to a file as it arrives. Returns whether all of it has arrived.
    /// async fn receive_file<W>(websocket: &mut WebSocket<TcpStream>, mut file: W) -> Result<bool, Error>
    /// where
    ///     W: AsyncWrite + Unpin,
    /// {
    ///     while let Some(part) = websocket.recv_part().await {
    ///         let part = part?;
    ///         file.write_all(&part.bytes).await?;
    ///         if part.last {
    ///             file.flush().await?;
    ///             return Ok(true);
    ///         }
    ///     }
    ///     Ok(false)
    /// }
    /// # let _ = receive_file::<tokio::io::Sink>;
    /// ```
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub async fn recv_part(&mut self) -> Option<Result<Part, Error>> {
        poll_fn(|context| poll_part(self, context)).await
    }

    /// Receives the next event: a message, and also a Ping, a Pong or a Close. The connection has already replied to
    /// a Ping. A Ping or Pong that arrives while [`send`](Self::send), [`flush`](Self::flush) or [`ready`](Self::ready)
    /// waits is not returned.
    ///
    /// ```
    /// use protocol_websocket_tokio::{Error, Event, WebSocket};
    /// use tokio::net::TcpStream;
    ///
    /// async fn log(mut websocket: WebSocket<TcpStream>) -> Result<(), Error> {
    ///     while let Some(event) = websocket.recv_event().await {
    ///         match event? {
    ///             Event::Message(message) => println!("{} bytes", message.len()),
    ///             Event::Ping(payload) => println!("ping of {} bytes", payload.len()),
    ///             Event::Close(close) => println!("closed: {close:?}"),
    ///             _ => {}
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// # let _ = log;
    /// ```
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub async fn recv_event(&mut self) -> Option<Result<Event, Error>> {
        poll_fn(|context| self.poll_recv_event(context)).await
    }

    /// Passes the next event to `f`, and returns its result. As [`recv_event`](Self::recv_event), but the payload of the
    /// event borrows from the buffer of the read, so a message that arrived in one read is not copied and needs no
    /// memory. `f` can send through the [`Outbox`]: the next call, [`flush`](Self::flush) or [`recv`](Self::recv) writes
    /// that.
    ///
    /// `f` is called at most once, and the future is ready then. So the future can be dropped at any time, as that of
    /// [`recv`](Self::recv).
    ///
    /// ```
    /// use protocol_websocket_tokio::{Error, EventRef, WebSocket};
    /// use tokio::net::TcpStream;
    ///
    /// /// Sends each message back, without an allocation.
    /// async fn echo(mut websocket: WebSocket<TcpStream>) -> Result<(), Error> {
    ///     while let Some(sent) = websocket
    ///         .recv_with(|event, outbox| match event {
    ///             EventRef::Message(message) => outbox.send(message),
    ///             _ => Ok(()),
    ///         })
    ///         .await
    ///     {
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
    pub async fn recv_with<R>(&mut self, f: impl FnMut(EventRef<'_>, &mut Outbox) -> R) -> Option<Result<R, Error>> {
        let mut take = Lent(f);
        poll_fn(|context| {
            if let Some(event) = self.inner.next.take() {
                return Poll::Ready(Some(Ok(take.lent((*event).into(), &mut self.inner.driver.session))));
            }
            self.poll_take(&mut take, context)
        })
        .await
    }

    /// Takes the next event, after the one that arrived while the program waited for a write.
    fn poll_take<T: Take>(
        &mut self,
        take: &mut T,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<T::Output, Error>>> {
        let Inner { io, driver, wakers, has_returned_error, .. } = &mut *self.inner;
        if let Some(event) = ready!(driver.poll_buffered(take, context)) {
            return Poll::Ready(Some(Ok(event)));
        }
        let waker = wakers.register(Side::Reader, context);
        let event = ready!(driver.poll_event_with(io, take, Session::wants_read, &mut Context::from_waker(waker)));
        wakers.unregister(Side::Reader);
        Poll::Ready(match event {
            Some(event) => Some(Ok(event)),
            None if *has_returned_error => None,
            None => {
                *has_returned_error = true;
                driver.error().map(Err)
            }
        })
    }

    /// Queues a message: a string as text, bytes as binary. It is written by the next [`recv`](Self::recv) or
    /// [`flush`](Self::flush).
    ///
    /// A payload of at least 4 KiB is not copied if it is passed as a [`Message`], `Bytes`, `Vec<u8>` or `String`. It is
    /// kept until it is written. A shorter or borrowed payload is copied.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] once a Close was sent or the connection has ended. Otherwise as
    /// [`Connection::send`](protocol_websocket::Connection::send). Then nothing is queued.
    pub fn queue(&mut self, message: impl AsMessage) -> Result<(), SendError> {
        self.inner.driver.session.send(message)
    }

    /// Queues a message that is encoded and compressed once for many connections: see [`Prepared`]. A long payload is
    /// shared.
    ///
    /// # Errors
    ///
    /// As [`queue`](Self::queue).
    pub fn queue_prepared(&mut self, prepared: &mut Prepared) -> Result<(), SendError> {
        self.inner.driver.session.send_prepared(prepared)
    }

    /// Queues a part of a message: see [`Connection::send_part`](protocol_websocket::Connection::send_part).
    ///
    /// ```
    /// use protocol_websocket_tokio::protocol_websocket::MessageKind;
    /// use protocol_websocket_tokio::{Error, Part, WebSocket};
    /// use tokio::io::{AsyncRead, AsyncReadExt};
    /// use tokio::net::TcpStream;
    ///
    /// /// Sends a file as one message. With `ready`, a file of any length takes little memory.
    /// async fn send_file<R>(websocket: &mut WebSocket<TcpStream>, mut file: R) -> Result<(), Error>
    /// where
    ///     R: AsyncRead + Unpin,
    /// {
    ///     let (mut first, mut buffer) = (true, vec![0; 16 * 1024]);
    ///     loop {
    ///         let len = file.read(&mut buffer).await?;
    ///         let part = Part::new(MessageKind::Binary, buffer[..len].to_vec().into());
    ///         websocket.queue_part(part.with_first(first).with_last(len == 0))?;
    ///         if len == 0 {
    ///             return websocket.flush().await;
    ///         }
    ///         first = false;
    ///         websocket.ready().await?;
    ///     }
    /// }
    /// # let _ = send_file::<tokio::io::Empty>;
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Connection::send_part`](protocol_websocket::Connection::send_part).
    pub fn queue_part(&mut self, part: Part) -> Result<(), SendError> {
        self.inner.driver.session.send_part(part)
    }

    /// Queues a Ping: see [`Connection::ping`](protocol_websocket::Connection::ping). The connection sends pings by
    /// itself if the configuration has
    /// [`Timeouts::ping_interval`](protocol_websocket::Timeouts::ping_interval).
    ///
    /// # Errors
    ///
    /// As [`Connection::ping`](protocol_websocket::Connection::ping).
    pub fn queue_ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), SendError> {
        self.inner.driver.session.ping(payload)
    }

    /// Queues a Pong that no Ping asked for, for instance as a heartbeat in one direction (RFC 6455 §5.5.3): see
    /// [`Connection::pong`](protocol_websocket::Connection::pong). The connection replies to the peer's pings by itself.
    ///
    /// # Errors
    ///
    /// As [`Connection::pong`](protocol_websocket::Connection::pong).
    pub fn queue_pong(&mut self, payload: impl AsRef<[u8]>) -> Result<(), SendError> {
        self.inner.driver.session.pong(payload)
    }

    /// Writes everything that was queued.
    ///
    /// While the transport takes no bytes, it is also read, so that pings are replied to and two ends that both send do
    /// not block each other. It stops reading once a message was received, which the next [`recv`](Self::recv) returns.
    /// From then on, the connection ends if the peer takes no byte for
    /// [`Timeouts::ping_interval`](protocol_websocket::Timeouts::ping_interval) and then
    /// [`pong_timeout`](protocol_websocket::Timeouts::pong_timeout). With
    /// [`Timeouts::idle`](protocol_websocket::Timeouts::idle), whose time is that of reads, no deadline runs until `recv`
    /// is polled, except those of the closing.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] or [`Error::Connection`] if the connection ended before everything was written.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|context| self.poll_send(context, false)).await
    }

    /// Waits until the unsent bytes are not over the
    /// [high-water mark](protocol_websocket::Config::high_water_mark). It returns at once, and writes nothing, if they are
    /// not over it. [`queue_part`](Self::queue_part) has an example.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub async fn ready(&mut self) -> Result<(), Error> {
        poll_fn(|context| self.poll_send(context, true)).await
    }

    /// Writes until nothing is unsent or, if `only_to_mark`, not more than the high-water mark.
    pub(crate) fn poll_send(&mut self, context: &mut Context<'_>, only_to_mark: bool) -> Poll<Result<(), Error>> {
        if only_to_mark && !self.inner.driver.session.is_over_high_water_mark() {
            return Poll::Ready(self.inner.driver.write_error().map_or(Ok(()), Err));
        }
        let Inner { io, driver, wakers, next, .. } = &mut *self.inner;
        let waker = wakers.register(Side::Writer, context);
        let written = poll_written(driver, io, next, &mut Context::from_waker(waker), only_to_mark);
        // With `futures::StreamExt::split`, another task may wait for the next event.
        if next.is_some() || driver.has_news() {
            wakers.wake_reader();
        }
        ready!(written);
        wakers.unregister(Side::Writer);
        Poll::Ready(driver.write_error().map_or(Ok(()), Err))
    }

    /// Queues a message and writes everything that was queued. A loop that replies to each message needs fewer writes
    /// with [`queue`](Self::queue).
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if the message cannot be queued, otherwise as [`flush`](Self::flush).
    pub async fn send(&mut self, message: impl AsMessage) -> Result<(), Error> {
        self.queue(message)?;
        self.flush().await
    }

    /// Closes the connection: sends a Close with `close`, for instance `CloseCode::NORMAL`, unless one was sent before.
    /// Then waits for the peer's Close, for at most [`Timeouts::close`](protocol_websocket::Timeouts::close) after the
    /// write. If it arrives, the transport is ended as [`recv`](Self::recv) does, for at most the same time again, because
    /// the peer may end the stream later than it sends its Close. If it does not arrive, the transport is ended at once. The
    /// write of the unsent bytes takes at most ten times that timeout, and less if the peer does not read. Messages that
    /// arrive meanwhile are dropped. If the connection has ended before, it returns how.
    ///
    /// If the future is dropped, the next call continues.
    ///
    /// ```
    /// use protocol_websocket_tokio::{Close, CloseCode, WebSocket};
    /// use tokio::net::TcpStream;
    ///
    /// async fn stop(mut websocket: WebSocket<TcpStream>) {
    ///     let ended = websocket.close(Close::new(CloseCode::GOING_AWAY, "restart")).await;
    ///     if !ended.clean {
    ///         println!("the client did not reply: {:?}", ended.error);
    ///     }
    /// }
    /// # let _ = stop;
    /// ```
    pub async fn close(&mut self, close: impl Into<Option<Close>>) -> Ended {
        self.queue_close(close);
        self.inner.next = None;
        poll_fn(|context| {
            let Inner { io, driver, wakers, .. } = &mut *self.inner;
            let waker = wakers.register(Side::Reader, context);
            while ready!(driver.poll_event(io, &mut Context::from_waker(waker))).is_some() {}
            wakers.unregister(Side::Reader);
            Poll::Ready(())
        })
        .await;
        self.inner.has_returned_error = true;
        let Some(ended) = self.ended() else { unreachable!("the events of the connection have ended") };
        ended.clone()
    }

    /// Queues a Close with `close`, for instance `CloseCode::NORMAL`, unless one was sent before. Nothing can be sent after
    /// it, and [`recv`](Self::recv) returns the messages that arrive until the peer's Close. [`close`](Self::close) drops
    /// them.
    pub fn queue_close(&mut self, close: impl Into<Option<Close>>) {
        self.inner.driver.queue_close(close.into());
    }

    /// Responds to an upgrade request, unless the deadline of the handshake has passed meanwhile.
    #[cfg(feature = "server")]
    pub(crate) fn respond(&mut self, f: impl FnOnce(&mut Session) -> Result<(), SendError>) -> Result<(), SendError> {
        let driver = &mut self.inner.driver;
        driver.handle_late_timeout();
        if driver.session.connection().ended().is_some() { Ok(()) } else { f(&mut driver.session) }
    }

    /// Waits for the end of the connection, which has begun. Returns its error, if it has one.
    #[cfg(feature = "server")]
    pub(crate) async fn end(&mut self) -> Option<Error> {
        let mut error = None;
        while let Some(event) = self.recv_event().await {
            error = event.err();
        }
        error.or_else(|| self.inner.driver.write_error())
    }

    pub(crate) fn is_terminated(&self) -> bool {
        self.inner.has_returned_error
    }

    /// Returns how the connection ended, or `None` while messages may still arrive.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        self.inner.driver.session.connection().ended()
    }

    /// Returns the result of the opening handshake: the version, the subprotocol and the extensions.
    #[must_use]
    pub fn negotiated(&self) -> &Negotiated {
        self.inner.driver.session.connection().negotiated()
    }

    /// Frees the memory that permessage-deflate does not need until the next message: see
    /// [`Connection::release_memory`](protocol_websocket::Connection::release_memory). For a connection that will be idle.
    pub fn release_memory(&mut self) {
        self.inner.driver.session.release_memory();
    }

    /// Returns the number of bytes that were queued and not written.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.inner.driver.session.unsent()
    }

    /// Returns the numbers of messages and bytes that were sent and received since this WebSocket was created, and the round
    /// trip of the last Ping. The numbers of a WebSocket that was created from [`Parts`] begin with zero.
    ///
    /// ```
    /// use protocol_websocket_tokio::WebSocket;
    /// use tokio::net::TcpStream;
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
        self.inner.driver.stats()
    }

    /// Returns the transport.
    #[must_use]
    pub fn get_ref(&self) -> &S {
        &self.inner.io
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> PollEvent for WebSocket<S> {
    fn poll_recv_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        match self.inner.next.take() {
            Some(event) => Poll::Ready(Some(Ok(*event))),
            None => self.poll_take(&mut Owned, context),
        }
    }

    fn put_back(&mut self, event: Event) {
        self.inner.next = Some(Box::new(event));
    }
}

/// Writes until nothing is unsent or, if `only_to_mark`, not more than the high-water mark. A message that arrives
/// meanwhile is put into `next`.
fn poll_written<S: AsyncRead + AsyncWrite + Unpin>(
    driver: &mut Driver,
    io: &mut S,
    next: &mut Option<Box<Event>>,
    context: &mut Context<'_>,
    only_to_mark: bool,
) -> Poll<()> {
    let is_done = |driver: &Driver| driver.is_written() || only_to_mark && !driver.session.is_over_high_water_mark();
    loop {
        if driver.poll_write(io, context).is_ready() || is_done(driver) {
            return Poll::Ready(());
        }
        // Nothing is read while an event waits. Once the connection has ended, none follows.
        if next.is_some() && driver.session.connection().ended().is_none() {
            ready!(driver.poll_without_read(context));
            continue;
        }
        match driver.poll_event_with(io, &mut Owned, Session::can_read, context) {
            Poll::Ready(Some(Event::Ping(_) | Event::Pong(_))) => {}
            Poll::Ready(Some(event)) => *next = Some(Box::new(event)),
            Poll::Ready(None) => return Poll::Ready(()),
            // A deadline may have passed, and the rest was discarded.
            Poll::Pending if is_done(driver) => return Poll::Ready(()),
            Poll::Pending => return Poll::Pending,
        }
    }
}

impl<S> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("connection", self.inner.driver.session.connection()).finish_non_exhaustive()
    }
}

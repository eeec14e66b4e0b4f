//! One connection in either role: the two halves, wired together, and the handshake before them.
//!
//! The handshake is a state of the two directions. So the tests that the fast paths make anyway (is the direction open?)
//! send it to the slow path, and an open connection pays nothing for it.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use protocol_websocket_core::{Random, Role, Version};
use protocol_websocket_frame::{AsMessage, Close, DecodeError, ExtensionPair, Frame, Message, Part, Rsv};
use protocol_websocket_http::Negotiated;

#[cfg(any(feature = "client", feature = "server"))]
use crate::handshake::Handshake;
#[cfg(any(feature = "client", feature = "server"))]
use crate::state::Incoming;
use crate::state::Outgoing;
use crate::{Config, Ended, Error, Event, EventRef, ReceiveHalf, Reply, SendError, SendHalf, State, Timeout};

/// A WebSocket connection in either role, from the first byte of its handshake or after a handshake made elsewhere.
///
/// It owns no read or write buffer. Bytes that arrived are in the caller's `input`, and bytes to send are appended to the
/// caller's `output`. It keeps the bytes of an unfinished message. In an event loop:
///
/// 1. append the bytes that arrived to `input`, and call [`receive`](Self::receive) until it returns `None`;
/// 2. call [`send`](Self::send) and the like whenever there is something to send;
/// 3. write `output`, call [`flush`](Self::flush), and write again if that appended something. Once [`state`](Self::state) is
///    [`State::Closed`], close the transport after that;
/// 4. at the end of the transport's input, call [`receive_eof`](Self::receive_eof);
/// 5. with [`Timeouts`](crate::Timeouts), call [`poll_timeout`](Self::poll_timeout) after these calls, and
///    [`handle_timeout`](Self::handle_timeout) at the time that it returned. Read the available input first.
///
/// A function over either end takes a `&mut Connection`. [`Client`](crate::Client) and [`Server`](crate::Server) dereference
/// to it.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Config, Connection, Event, Negotiated};
///
/// /// Sends each message back.
/// fn echo(
///     connection: &mut Connection,
///     input: &mut BytesMut,
///     output: &mut BytesMut,
/// ) -> Result<(), Box<dyn core::error::Error>> {
///     while let Some(event) = connection.receive(input, output)? {
///         if let Event::Message(message) = event {
///             connection.send(message, output)?;
///         }
///     }
///     Ok(())
/// }
///
/// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
/// let mut client = Connection::open_client(&Negotiated::default(), Config::new(), |key: &mut [u8]| key.fill(7));
/// let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
/// client.send("Hello", &mut to_server)?;
/// echo(&mut server, &mut to_server, &mut to_client)?;
/// assert_eq!(to_client[..], *b"\x81\x05Hello");
/// # Ok::<_, Box<dyn core::error::Error>>(())
/// ```
pub struct Connection {
    pub(crate) receiver: ReceiveHalf,
    pub(crate) sender: SendHalf,
    pub(crate) cold: Option<Box<Cold>>,
}

/// The fields that most open connections do not need.
#[derive(Default)]
pub(crate) struct Cold {
    pub(crate) negotiated: Negotiated,
    #[cfg(any(feature = "client", feature = "server"))]
    pub(crate) handshake: Option<Box<Handshake>>,
}

/// The result of a handshake that agreed on nothing beyond RFC 6455.
pub(crate) static NOTHING_NEGOTIATED: Negotiated = Negotiated::new();

impl Connection {
    /// Creates the server's end of a connection, from the client's first byte on. The request arrives as
    /// [`Event::Upgrade`], which [`accept`](Self::accept) or [`reject`](Self::reject) answers.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Accept, Config, Connection, Event};
    ///
    /// let mut server = Connection::server(Config::new());
    /// let mut input = BytesMut::from(concat!(
    ///     "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    ///     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    /// ));
    /// let mut output = BytesMut::new();
    /// while let Some(event) = server.receive(&mut input, &mut output)? {
    ///     match event {
    ///         Event::Upgrade(upgrade) => server.accept(upgrade, &Accept::new(), &mut output)?,
    ///         Event::Open(_) => server.send("welcome", &mut output)?,
    ///         _ => {}
    ///     }
    /// }
    /// assert!(output.starts_with(b"HTTP/1.1 101 ") && output.ends_with(b"\x81\x07welcome"));
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    #[cfg(feature = "server")]
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    #[must_use]
    pub fn server(config: impl Into<Arc<Config>>) -> Self {
        let config = config.into();
        let handshake = Handshake::server(&config);
        Self::connecting(config, None, handshake)
    }

    /// Creates the server's end of an open connection, after a handshake that was made elsewhere: by an HTTP library, or over
    /// HTTP/2 or HTTP/3. [`respond`](Self::respond) makes the handshake and the connection in one call.
    ///
    /// `negotiated` is `&Negotiated::default()` if the handshake agreed on nothing beyond RFC 6455. Its extensions that the
    /// configuration has are in force. If their parameters are not a response to an offer, the connection has failed from the
    /// start, and [`receive`](Self::receive) returns the error.
    #[must_use]
    pub fn open_server(negotiated: &Negotiated, config: impl Into<Arc<Config>>) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
        //# A server MUST NOT mask any frames that it sends to the client.
        Self::already_open(negotiated, config.into(), None)
    }

    /// Creates the client's end of an open connection, after a handshake that was made elsewhere. `random` returns the mask
    /// keys. Otherwise as [`open_server`](Self::open_server).
    pub fn open_client(negotiated: &Negotiated, config: impl Into<Arc<Config>>, random: impl Random + 'static) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
        //# a client MUST mask all frames that it sends to the server
        Self::already_open(negotiated, config.into(), Some(Box::new(random)))
    }

    fn already_open(negotiated: &Negotiated, config: Arc<Config>, random: Option<Box<dyn Random>>) -> Self {
        let mut connection = Self::new(config, random);
        connection.open_outgoing(negotiated.clone());
        connection.open_incoming();
        connection
    }

    pub(crate) fn new(config: Arc<Config>, random: Option<Box<dyn Random>>) -> Self {
        let sender = SendHalf::new(random, &config);
        Self { receiver: ReceiveHalf::new(sender.role(), config), sender, cold: None }
    }

    /// Puts the result of the handshake in force, so that messages can be sent.
    pub(crate) fn open_outgoing(&mut self, negotiated: Negotiated) {
        let (role, config) = (self.role(), Arc::clone(&self.receiver.config));
        self.receiver.set_version(role, negotiated.version);
        self.sender.open(negotiated.version, &config);
        match config.extensions.agree(role, &negotiated) {
            Ok(agreed) => agreed.into_iter().for_each(|(pair, rsv)| self.add_extension(pair, rsv)),
            Err(_) => self.fail(DecodeError::Extension),
        }
        if negotiated != NOTHING_NEGOTIATED {
            self.cold.get_or_insert_default().negotiated = negotiated;
        }
    }

    /// Lets messages arrive.
    pub(crate) fn open_incoming(&mut self) {
        self.receiver.open();
        self.drop_handshake();
    }

    fn fail(&mut self, error: DecodeError) {
        self.receiver.end(Ended::by_error(Error::Decode(error)));
    }

    /// Adds an extension that was negotiated without the [`Config`], after those added before. `rsv` are the reserved bits
    /// that it uses: the decoder rejects all others.
    pub fn add_extension(&mut self, extension: ExtensionPair, rsv: Rsv) {
        self.receiver.add_extension(extension.decoder, rsv);
        self.sender.add_extension(extension.encoder);
    }

    /// Returns the next event in `input`, and appends the answer that the protocol requires to `output`. Call it until it
    /// returns `None`: more bytes are needed, or the connection has ended.
    ///
    /// Everything that is read is removed from the front of `input`. After the handshake that is all of `input`, and the
    /// connection keeps the beginning of an incomplete message. During the handshake an incomplete head stays in `input`,
    /// which must only grow at its end then. Nothing is removed while an [`Event::Upgrade`] awaits its answer, or after
    /// `Event::Rejected` and `Event::Redirect`, whose body follows.
    ///
    /// # Errors
    ///
    /// When the peer breaks a rule of the protocol. The report to the peer is in `output`, the rest of `input` is discarded, and
    /// each later call returns the same error.
    #[inline(always)]
    pub fn receive(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<Event>, Error> {
        if let Some(message) = self.receiver.receive_message(input) {
            return Ok(Some(Event::Message(message)));
        }
        // Through a reference, so that the event above can stay in registers.
        let mut event = None;
        self.receive_slow(input, output, &mut event)?;
        Ok(event)
    }

    #[inline(never)]
    fn receive_slow(
        &mut self,
        input: &mut BytesMut,
        output: &mut BytesMut,
        event: &mut Option<Event>,
    ) -> Result<(), Error> {
        self.flush(output);
        #[cfg(any(feature = "client", feature = "server"))]
        if self.receiver.incoming == Incoming::Connecting {
            *event = self.receive_handshake(input, output)?.map(EventRef::into_owned);
            return Ok(());
        }
        let received = self.receiver.receive_event(input, event);
        let reply = match &received {
            Ok(()) => {
                event.as_ref().filter(|event| self.answers(matches!(event, Event::Ping(_)))).and_then(Event::reply)
            }
            Err(error) => error.reply(),
        };
        self.write_reply(reply, output);
        received
    }

    /// Returns the next event in `input`, like [`receive`](Self::receive), with a payload that borrows from `input`. The
    /// connection itself is not borrowed, so it can send meanwhile.
    ///
    /// `input` becomes the rest that was not read. After the handshake all of it is read. During the handshake an incomplete
    /// head moves to the connection, and the bytes after the head stay in `input`. Nothing is read while an
    /// [`EventRef::Upgrade`] awaits its answer, or after `EventRef::Rejected` and `EventRef::Redirect`, whose body follows.
    ///
    /// So one read buffer can serve all connections of a thread. The payload is unmasked in place.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    #[inline(always)]
    pub fn receive_lent<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        output: &mut BytesMut,
    ) -> Result<Option<EventRef<'i>>, Error> {
        if let Some(event) = self.receiver.receive_message_lent(input) {
            return Ok(Some(event));
        }
        let mut event = None;
        self.receive_lent_slow(input, output, &mut event)?;
        Ok(event)
    }

    #[inline(never)]
    fn receive_lent_slow<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        output: &mut BytesMut,
        event: &mut Option<EventRef<'i>>,
    ) -> Result<(), Error> {
        self.flush(output);
        #[cfg(any(feature = "client", feature = "server"))]
        if self.receiver.incoming == Incoming::Connecting {
            *event = self.receive_handshake_lent(input, output)?;
            return Ok(());
        }
        let received = self.receiver.receive_event_lent(input, event);
        let reply = match &received {
            Ok(()) => event
                .as_ref()
                .filter(|event| self.answers(matches!(event, EventRef::Ping(_))))
                .and_then(EventRef::reply),
            Err(error) => error.reply(),
        };
        self.write_reply(reply, output);
        received
    }

    /// Returns whether this connection answers an event itself.
    fn answers(&self, is_ping: bool) -> bool {
        !is_ping || self.config().auto_pong
    }

    fn write_reply(&mut self, reply: Option<Reply>, output: &mut BytesMut) {
        if let Some(reply) = reply {
            // Before the reply to the peer's Close changes the direction.
            self.receiver.note_outgoing(self.sender.outgoing);
            self.sender.reply(reply, output);
        }
    }

    /// Writes the pong that was kept while `output` was over the [high-water mark](Config::high_water_mark). Call it after each
    /// write, also after a write of a part of `output`. Every other method that appends to `output` writes that pong first.
    ///
    /// With [`Timeouts`](crate::Timeouts), this call also notices that a Ping or a Close was written, so that the deadline for
    /// the answer can start.
    pub fn flush(&mut self, output: &mut BytesMut) {
        self.receiver.note_unsent(output.len());
        self.sender.flush(output);
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.1
    //# If at any point the underlying transport layer connection is unexpectedly lost, the client
    //# MUST _Fail the WebSocket Connection_.
    /// Notes that the transport has nothing more to read.
    ///
    /// In hybi-00 and hixie-75 this is a clean end once our Close is in `output`, written or not: servers of their time close
    /// the transport instead of sending a Close.
    ///
    /// # Errors
    ///
    /// [`Error::UnexpectedEof`], once, if the transport ended without a Close or during the handshake.
    pub fn receive_eof(&mut self) -> Result<(), Error> {
        let ended = self.receiver.receive_eof(self.sender.is_closed());
        self.sender.end_of_transport();
        self.drop_handshake();
        ended.map(drop)
    }

    /// Writes a message in one frame: a string as text, bytes as binary. It copies the payload, and allocates only if `output` or
    /// an extension does.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Negotiated};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
    /// let (mut output, name) = (BytesMut::new(), "world");
    /// server.send("Hello", &mut output)?;
    /// server.send(format!("Hello {name}"), &mut output)?;
    /// server.send([1, 2, 3], &mut output)?;
    /// server.send(&vec![0; 1000], &mut output)?;
    /// # Ok::<_, protocol_websocket_connection::SendError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] after a Close, [`SendError::NotOpen`] during the handshake, [`SendError::MessageUnfinished`] while
    /// a message in parts is unfinished, and [`SendError::Encode`] if an extension fails or if the version has no binary
    /// messages.
    #[inline]
    pub fn send(&mut self, message: impl AsMessage, output: &mut BytesMut) -> Result<(), SendError> {
        self.sender.send(message, output)
    }

    /// Writes the header of a message to `output` and returns its payload. Write the payload directly after `output` and before
    /// anything else: a large payload is sent without a copy.
    ///
    /// A client's payload is masked in place, or in a copy if its bytes are shared.
    ///
    /// ```
    /// use bytes::{Bytes, BytesMut};
    /// use protocol_websocket_connection::{Config, Connection, Negotiated};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
    /// let (mut output, large) = (BytesMut::new(), Bytes::from(vec![7; 100_000]));
    /// let payload = server.send_shared(large.clone(), &mut output)?;
    /// assert_eq!((output.len(), payload.as_ptr()), (10, large.as_ptr()));
    /// // Now write `output` and `payload`, for instance with one vectored write.
    /// # Ok::<_, protocol_websocket_connection::SendError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_shared(&mut self, message: impl Into<Message>, output: &mut BytesMut) -> Result<Bytes, SendError> {
        self.sender.send_shared(message, output)
    }

    /// Writes a part of a message, in a frame of its own.
    ///
    /// # Errors
    ///
    /// [`SendError::Encode`] if the part does not follow the part before it, or if the parts of a text are not valid UTF-8
    /// together. Otherwise as [`send`](Self::send).
    pub fn send_part(&mut self, part: Part, output: &mut BytesMut) -> Result<(), SendError> {
        self.sender.send_part(part, output)
    }

    /// Writes a frame as it is, without the extensions: for a message that is not to be compressed, or that was compressed once
    /// for many peers. The payload and the reserved bits must fit the extensions that were negotiated.
    ///
    /// # Errors
    ///
    /// [`SendError::Encode`] for a fragment out of order, for text that is not valid UTF-8 in a message without reserved bits, and
    /// for a frame that cannot be [encoded](Frame::encode). Otherwise as [`send`](Self::send).
    pub fn send_frame(&mut self, frame: &Frame, output: &mut BytesMut) -> Result<(), SendError> {
        self.receiver.note_unsent(output.len());
        self.sender.send_frame(frame, output)
    }

    /// Writes a Ping. The peer answers with a Pong that has the same payload.
    ///
    /// # Errors
    ///
    /// [`SendError::Encode`] with more than 125 bytes. Otherwise as [`send`](Self::send), but an unfinished message does not
    /// matter.
    pub fn ping(&mut self, payload: impl AsRef<[u8]>, output: &mut BytesMut) -> Result<(), SendError> {
        self.sender.ping(payload, output)
    }

    /// Writes a Pong, as a sign of life, or as the answer to a Ping if [`Config::auto_pong`] is off.
    ///
    /// # Errors
    ///
    /// As [`ping`](Self::ping), but a Pong may also be sent after our own Close, until the peer's Close has arrived.
    pub fn pong(&mut self, payload: impl AsRef<[u8]>, output: &mut BytesMut) -> Result<(), SendError> {
        self.receiver.note_unsent(output.len());
        self.sender.pong(payload, output)
    }

    /// Writes a Close with a code and a reason, or without (`None`). Nothing can be sent after it. Continue to receive until the
    /// peer's Close arrives.
    ///
    /// The Close of hybi-00 and hixie-75 has no code and no reason: they are not sent.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] after another Close, [`SendError::NotOpen`] during the handshake, [`SendError::Encode`] for a code that
    /// may not be sent or a reason over [`Close::MAX_REASON`] bytes.
    pub fn close(&mut self, close: impl Into<Option<Close>>, output: &mut BytesMut) -> Result<(), SendError> {
        self.receiver.note_unsent(output.len());
        self.sender.close(close, output)
    }

    /// Frees the memory that extensions do not need until the next message, such as the window of a compressor. It is for
    /// connections that will be idle for a while.
    pub fn release_memory(&mut self) {
        self.receiver.release_memory();
        self.sender.release_memory();
    }

    /// Returns the memory of a long payload, so that the transport can read into it without a copy, or `None`. Call
    /// [`receive`](Self::receive) after the read, with or without further input. See
    /// [`Decoder::payload_buffer`](protocol_websocket_frame::Decoder::payload_buffer).
    pub fn payload_buffer(&mut self) -> Option<impl BufMut + '_> {
        self.receiver.payload_buffer()
    }

    /// Returns the state.
    #[must_use]
    pub fn state(&self) -> State {
        State::of(&self.receiver, &self.sender)
    }

    /// Returns the role of this end.
    #[must_use]
    pub fn role(&self) -> Role {
        self.sender.role()
    }

    /// Returns the version of the protocol. During the handshake it is the version that the client requests; at a server that is
    /// [`Version::default`] until the request has arrived.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.sender.version
    }

    /// Returns the result of the handshake: the version, the subprotocol and the extensions. Until the handshake is done it is
    /// `Negotiated::default()`.
    #[must_use]
    pub fn negotiated(&self) -> &Negotiated {
        self.cold.as_ref().map_or(&NOTHING_NEGOTIATED, |cold| &cold.negotiated)
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.receiver.config
    }

    /// Returns how the connection ended, or `None` while events may still arrive.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        self.receiver.ended()
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is to be called next, by the caller's clock: the time since any fixed
    /// point. `None` while no deadline runs. The result changes with each call of another method.
    ///
    /// The time of the last call of `handle_timeout`, or zero before the first one, means at once: bytes arrived, a Ping or a
    /// Close was written, or the state changed, and the deadlines that follow start with that call.
    ///
    /// No deadline runs after `Event::Rejected` and `Event::Redirect`: the caller limits how long it reads the body of the
    /// response.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        match self.state() {
            #[cfg(any(feature = "client", feature = "server"))]
            State::Connecting => self.handshake()?.timer.as_ref().map(crate::handshake_timer::HandshakeTimer::poll),
            State::Open => self.receiver.poll_timeout(),
            state => self.sender.close_timer.as_ref()?.poll(state),
        }
    }

    /// Takes the time, and handles the deadlines: writes a Ping, or ends the connection.
    ///
    /// This method is the only source of the time. A deadline is late by the time between an event (an arrival, a
    /// write) and the next call, and never early. A loop that calls it at once when [`poll_timeout`](Self::poll_timeout)
    /// returns that keeps the delay short. A time before that of the last call counts as that time.
    ///
    /// Before this call, read the available input and pass it to [`receive`](Self::receive), so that a peer whose bytes are in
    /// the socket is not given up, and write `output`. The bytes that are still in `output` show that the socket is full:
    ///
    /// - the deadline for a Pong starts when the Ping was written, and starts again with each call that finds unsent bytes,
    ///   because a caller under backpressure does not read meanwhile. The Ping was written when `output` is empty;
    /// - the deadlines for the peer's Close and, at a client, for the end of the transport start when our Close was written, and
    ///   do not move then. The Close was written when as many bytes are gone from `output` as it had when the Close was queued.
    ///   Pongs that follow it, and that stay in `output` because the peer is slow, do not count.
    ///
    /// The connection reads the length of `output` here, in [`flush`](Self::flush) and in [`receive`](Self::receive), before it
    /// appends anything. Bytes that are no longer in `output` count as written. So give each connection an `output` of its own.
    /// A peer that does not read is ended by the caller's own deadline for its writes.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`], if a deadline passed. The connection has ended, and `output` has a Close unless one was sent before. A
    /// server whose handshake took too long writes 408.
    pub fn handle_timeout(&mut self, now: Duration, output: &mut BytesMut) -> Result<(), Error> {
        let unsent = output.len();
        self.sender.write_pending_pong(output);
        let state = self.state();
        match state {
            State::Connecting => return self.handle_handshake_timeout(now, output),
            State::Open => match self.receiver.handle_timeout(now, unsent) {
                Ok(None) => {}
                Ok(Some(ping)) => self.sender.reply(ping, output),
                Err(error) => {
                    self.write_reply(error.reply(), output);
                    return Err(error);
                }
            },
            State::Closing | State::Closed => {}
        }
        self.sender.handle_close_timeout(now, state, unsent, output).map_err(|timeout| {
            if timeout == Timeout::Close {
                self.receiver.time_out(timeout);
            }
            Error::Timeout(timeout)
        })
    }

    /// Splits the connection into two halves, for two tasks or threads of which one reads and one writes.
    ///
    /// The receiving half writes nothing: pass its [`Reply`]s to the sending half. Each half handles its own deadlines.
    /// [`State::of`] and [`Ended::of`] combine the halves. An example is at [`ReceiveHalf`].
    ///
    /// Split an open connection. The handshake of a connection that is not open is lost, and its halves never open. An
    /// [`Event::Open`] that was not received is lost, too.
    #[must_use]
    pub fn split(mut self) -> (ReceiveHalf, SendHalf) {
        if self.sender.outgoing != Outgoing::Connecting {
            self.receiver.open();
        }
        (self.receiver, self.sender)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("role", &self.role()).field("state", &self.state()).finish_non_exhaustive()
    }
}

/// Without handshakes, nothing is ever connecting.
#[cfg(not(any(feature = "client", feature = "server")))]
impl Connection {
    const fn drop_handshake(&mut self) {}

    fn handle_handshake_timeout(&mut self, _: Duration, _: &mut BytesMut) -> Result<(), Error> {
        Ok(())
    }
}

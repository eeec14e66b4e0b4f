//! A connection in either role: its two halves, and the opening handshake before them.
//!
//! The handshake is a state of both directions. The fast paths test in any case whether their direction is open. During
//! the handshake it is not, so they take the slow path. So an open connection needs no additional test.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use protocol_websocket_core::{Random, Role, Version};
use protocol_websocket_frame::{AsMessage, Close, DecodeError, ExtensionPair, Frame, Part, Rsv};
use protocol_websocket_http::Negotiated;

#[cfg(any(feature = "client", feature = "server"))]
use crate::handshake::Handshake;
use crate::reply::ReplyKind;
#[cfg(any(feature = "client", feature = "server"))]
use crate::state::Incoming;
use crate::state::Outgoing;
use crate::timeouts::earlier;
use crate::{Config, Ended, Error, Event, EventRef, ReceiveHalf, Reply, SendError, SendHalf, State, Timeout};

/// A WebSocket connection in either role. It begins with the first byte of the opening handshake, or after a handshake
/// that an HTTP library made.
///
/// It has no buffer for reads or writes. Received bytes are in the caller's `input`, and bytes to send are appended to
/// the caller's `output`. The connection itself keeps the bytes of an unfinished message. In an event loop:
///
/// 1. append the bytes that arrived to `input`, and call [`receive`](Self::receive) until it returns `None`;
/// 2. call [`send`](Self::send) or another method that sends whenever there is something to send;
/// 3. write `output`, call [`flush`](Self::flush) after every write, and write again if that appended something. Once
///    [`state`](Self::state) is [`State::Closed`], close the transport after the last write;
/// 4. when the transport has no more input, call [`receive_eof`](Self::receive_eof);
/// 5. with [`Timeouts`](crate::Timeouts), call [`poll_timeout`](Self::poll_timeout) after these calls, and
///    [`handle_timeout`](Self::handle_timeout) at the time that it returned. Read the available input first.
///
/// A function for both roles takes a `&mut Connection`: [`Client`](crate::Client) and [`Server`](crate::Server)
/// dereference to it.
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
    #[cfg(any(feature = "client", feature = "server"))]
    pub(crate) handshake: Option<Box<Handshake>>,
}

impl Connection {
    /// Creates a server's connection, which begins with the first byte of the client's request. The request arrives as
    /// [`Event::Upgrade`]. Respond to it with [`accept`](Self::accept) or [`reject`](Self::reject).
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

    /// Creates a server's connection that is already open, because the handshake was made elsewhere: by an HTTP
    /// library, over HTTP/1.1, HTTP/2 or HTTP/3. It returns no [`Event::Open`]. [`respond`](Self::respond) makes the response
    /// and the connection in one call.
    ///
    /// `negotiated` is `&Negotiated::default()` if the handshake agreed on nothing beyond RFC 6455. The connection uses
    /// each extension of `negotiated` that the configuration has, too. If the parameters of one are not a valid
    /// response, the connection has failed from the start: call [`receive`](Self::receive) before anything is sent. It
    /// appends the Close and returns the error. The application adds other extensions with
    /// [`add_extension`](Self::add_extension).
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Negotiated};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
    /// let mut output = BytesMut::new();
    /// server.send("Hello", &mut output)?; // without a handshake
    /// assert_eq!(output[..], *b"\x81\x05Hello");
    /// # Ok::<_, protocol_websocket_connection::SendError>(())
    /// ```
    #[must_use]
    pub fn open_server(negotiated: &Negotiated, config: impl Into<Arc<Config>>) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
        //# A server MUST NOT mask any frames that it sends to the client.
        Self::already_open(negotiated, config.into(), None)
    }

    /// Creates a client's connection that is already open, because the handshake was made elsewhere. `random` supplies
    /// the mask keys (RFC 6455 §5.3). Otherwise as [`open_server`](Self::open_server).
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Negotiated};
    ///
    /// let random = |bytes: &mut [u8]| bytes.fill(7); // use a secure source of random bytes
    /// let mut client = Connection::open_client(&Negotiated::default(), Config::new(), random);
    /// let mut output = BytesMut::new();
    /// client.send("Hello", &mut output)?;
    /// assert_eq!(output[..6], [0x81, 0x85, 7, 7, 7, 7]); // masked
    /// # Ok::<_, protocol_websocket_connection::SendError>(())
    /// ```
    pub fn open_client(negotiated: &Negotiated, config: impl Into<Arc<Config>>, random: impl Random + 'static) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
        //# a client MUST mask all frames that it sends to the server
        Self::already_open(negotiated, config.into(), Some(Box::new(random)))
    }

    fn already_open(negotiated: &Negotiated, config: Arc<Config>, random: Option<Box<dyn Random>>) -> Self {
        let mut connection = Self::new(config, random);
        connection.add_observers();
        connection.open_outgoing(negotiated);
        connection.open_incoming();
        connection
    }

    /// Creates a connection in the state before the handshake, without [observers](Self::add_observers).
    pub(crate) fn new(config: Arc<Config>, random: Option<Box<dyn Random>>) -> Self {
        let sender = SendHalf::new(random, Arc::clone(&config));
        Self {
            receiver: ReceiveHalf::new(sender.role(), config),
            sender,
            #[cfg(any(feature = "client", feature = "server"))]
            handshake: None,
        }
    }

    /// Creates the observers of the configuration.
    #[inline(always)]
    pub(crate) fn add_observers(&mut self) {
        if !self.config().observers.is_empty() {
            self.set_observers();
        }
    }

    #[cold]
    fn set_observers(&mut self) {
        let observers = self.config().observers.make(self.role());
        self.sender.set_observers(observers.clone());
        self.receiver.set_observers(observers);
    }

    /// Applies the result of the handshake, its version and extensions, and opens the sending direction.
    pub(crate) fn open_outgoing(&mut self, negotiated: &Negotiated) {
        self.receiver.set_negotiated(negotiated);
        self.sender.open(negotiated.version);
        match self.config().extensions.agree(self.role(), negotiated) {
            Ok(agreed) => agreed.into_iter().for_each(|(pair, rsv)| self.add_extension(pair, rsv)),
            Err(_) => self.fail(DecodeError::Extension),
        }
    }

    /// Opens the receiving direction, and frees the handshake.
    pub(crate) fn open_incoming(&mut self) {
        self.receiver.open();
        self.drop_handshake();
    }

    fn fail(&mut self, error: DecodeError) {
        self.receiver.end(Ended::by_error(Error::Decode(error)));
    }

    /// Adds an extension that the application negotiated itself, without [`Config::extension`], after those added
    /// before. `rsv` are the reserved bits that it uses. The decoder rejects all bits that no extension uses.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, ExtensionPair, Negotiated, Rsv};
    /// # use protocol_websocket_connection::{ExtensionDecoder, ExtensionEncoder, Frame, Payload};
    /// # use protocol_websocket_frame::{DecodeError, EncodeError};
    /// # struct Decoder;
    /// # impl ExtensionDecoder for Decoder {
    /// #     fn decode<'a>(
    /// #         &mut self,
    /// #         frame: Frame<Payload<'a>>,
    /// #         _room: usize,
    /// #     ) -> Result<(Frame<Payload<'a>>, Option<Frame<Payload<'a>>>), DecodeError> {
    /// #         let rsv = frame.rsv().without(Rsv::RSV2);
    /// #         Ok((frame.with_rsv(rsv), None))
    /// #     }
    /// # }
    /// # struct Encoder;
    /// # impl ExtensionEncoder for Encoder {
    /// #     fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
    /// #         Ok(frame.with_rsv(Rsv::RSV2))
    /// #     }
    /// #     fn restart(&mut self) {}
    /// # }
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
    /// // `Decoder` and `Encoder` implement the traits `ExtensionDecoder` and `ExtensionEncoder`.
    /// server.add_extension(ExtensionPair::new(Decoder, Encoder), Rsv::RSV2);
    /// let mut output = BytesMut::new();
    /// server.send("Hello", &mut output)?;
    /// assert_eq!(output[..], *b"\xA1\x05Hello"); // 0xA1: FIN, RSV2, text
    /// # Ok::<_, protocol_websocket_connection::SendError>(())
    /// ```
    pub fn add_extension(&mut self, extension: ExtensionPair, rsv: Rsv) {
        self.receiver.add_extension(extension.decoder, rsv);
        self.sender.add_extension(extension.encoder);
    }

    /// Returns the next event in `input`, and appends the reply that the protocol requires, a Pong or a Close, to
    /// `output`. Call it until it returns `None`: then more bytes are needed, or the connection has ended.
    ///
    /// The bytes that were read are removed from the front of `input`:
    ///
    /// - After the handshake, a call that returns `None` has removed all bytes. The connection keeps the beginning of
    ///   an incomplete message.
    /// - During the handshake, an incomplete head stays in `input`. Append the next bytes, and do not change it
    ///   otherwise.
    /// - After [`Event::Upgrade`], nothing is removed until the application responds.
    /// - After `Event::Rejected` and `Event::Redirect`, nothing is removed: the body of the response is in `input`.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Event, Negotiated};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
    /// let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    /// input.extend_from_slice(b"\x89\x80\0\0\0\0\x81\x82\0\0\0\0h"); // a Ping, and an incomplete message
    /// assert_eq!(server.receive(&mut input, &mut output)?, Some(Event::Ping("".into())));
    /// assert_eq!(server.receive(&mut input, &mut output)?, None);
    /// assert_eq!(output[..], *b"\x8A\x00"); // the Pong
    ///
    /// input.extend_from_slice(b"i");
    /// assert_eq!(server.receive(&mut input, &mut output)?, Some(Event::Message("hi".into())));
    /// # Ok::<_, protocol_websocket_connection::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Decode`], or during the handshake `Error::Request` or `Error::Response`, if the peer breaks a rule of
    /// the protocol. The Close or the HTTP response that reports it to the peer is in `output`. The rest of `input` is
    /// discarded, and each later call returns the same error.
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
            if self.receiver.is_observed {
                self.receiver.observe_input(input);
            }
            let received = self.receive_handshake(input, output, event);
            if self.receiver.is_observed {
                self.receiver.note_unread(input.len());
            }
            self.receiver.observe_ended();
            return received;
        }
        let received = self.receiver.receive_event(input, event);
        match (&received, &*event) {
            (Ok(()), Some(Event::Ping(payload))) => self.reply_to_ping(payload, output),
            (Ok(()), Some(Event::Close(close))) => self.write_reply(Some(Reply::close(close.as_ref())), output),
            (Ok(()), _) => {}
            (Err(error), _) => self.write_reply(error.reply(), output),
        }
        self.receiver.observe_ended();
        received
    }

    /// Returns the next event in `input`, like [`receive`](Self::receive), with a payload that borrows from `input`.
    /// The event does not borrow the connection, so the connection can send while the event is in use.
    ///
    /// `input` becomes the rest that was not read, and a payload is unmasked in place. After the handshake, a call that
    /// returns `None` has read everything. During the handshake, an incomplete head is copied to the connection, and
    /// the bytes after the head stay in `input`. Nothing is read after [`EventRef::Upgrade`] until the application
    /// responds, or after `EventRef::Rejected` and `EventRef::Redirect`: the body of the response is in `input`.
    ///
    /// So no bytes stay in the read buffer, and one buffer is enough for all connections of a thread:
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, EventRef, Negotiated};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
    /// let (mut read_buffer, mut output) = ([0; 4096], BytesMut::new());
    /// // In place of a read from a socket, which returns the number of bytes.
    /// read_buffer[..8].copy_from_slice(b"\x81\x82\0\0\0\0hi");
    /// let mut input = &mut read_buffer[..8];
    /// while let Some(event) = server.receive_lent(&mut input, &mut output)? {
    ///     if let EventRef::Message(message) = event {
    ///         server.send(message, &mut output)?; // borrows `read_buffer`
    ///     }
    /// }
    /// assert_eq!(output[..], *b"\x81\x02hi");
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
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
            if self.receiver.is_observed {
                self.receiver.observe_input(input);
            }
            let received = self.receive_handshake_lent(input, output).map(|received| *event = received);
            if self.receiver.is_observed {
                self.receiver.note_unread(input.len());
            }
            self.receiver.observe_ended();
            return received;
        }
        let received = self.receiver.receive_event_lent(input, event);
        match (&received, &*event) {
            (Ok(()), Some(EventRef::Ping(payload))) => self.reply_to_ping(payload, output),
            (Ok(()), Some(EventRef::Close(close))) => self.write_reply(Some(Reply::close(close.as_ref())), output),
            (Ok(()), _) => {}
            (Err(error), _) => self.write_reply(error.reply(), output),
        }
        self.receiver.observe_ended();
        received
    }

    /// Writes the Pong straight from the event, because a [`Reply`] is a copy of the payload.
    fn reply_to_ping(&mut self, payload: &[u8], output: &mut BytesMut) {
        if self.config().auto_pong {
            self.sender.write_reply(ReplyKind::Pong, payload, output);
        }
    }

    fn write_reply(&mut self, reply: Option<Reply>, output: &mut BytesMut) {
        if let Some(reply) = reply {
            // First, because the reply to the peer's Close changes `outgoing`.
            self.receiver.note_outgoing(self.sender.outgoing);
            self.sender.reply(reply, output);
        }
    }

    /// Notes which bytes of `output` were written, and appends a pong that was kept. Call it after every write, also
    /// after a write of only a part of `output`: otherwise deadlines start late.
    ///
    /// - With [`Timeouts`](crate::Timeouts), this call finds that our Ping or Close was written. The deadline for the
    ///   peer's Pong or Close then starts with the next [`handle_timeout`](Self::handle_timeout), which
    ///   [`poll_timeout`](Self::poll_timeout) requests at once. Without this call it starts later, by up to its own
    ///   length.
    /// - A pong is kept while `output` is over the [high-water mark](Config::high_water_mark). This call appends it if
    ///   `output` is not over the mark any more. Every other method that appends to `output` also appends that pong
    ///   first.
    pub fn flush(&mut self, output: &mut BytesMut) {
        self.flush_unsent(output.len(), output);
    }

    /// Does [`flush`](Self::flush) for a caller that has `unsent` bytes in `output` and elsewhere.
    #[inline]
    pub(crate) fn flush_unsent(&mut self, unsent: usize, output: &mut BytesMut) {
        self.receiver.note_unsent(unsent);
        self.sender.flush(output);
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.1
    //# If at any point the underlying transport layer connection is unexpectedly lost, the client
    //# MUST _Fail the WebSocket Connection_.
    /// Notes the end of the transport's input: a read returned 0 bytes, or failed. Nothing can be sent any more.
    ///
    /// In hybi-00 and hixie-75 this is a clean end once our Close is in `output`, written or not, because servers of
    /// that time close the transport instead of sending a Close.
    ///
    /// ```
    /// use protocol_websocket_connection::{Config, Connection, Error, Negotiated};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
    /// assert_eq!(server.receive_eof(), Err(Error::UnexpectedEof));
    /// ```
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

    /// Appends a message to `output` in one frame: a string as text, bytes as binary. The payload is copied. Memory is
    /// only allocated if `output` or an extension needs more.
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
    /// [`SendError::Closed`] after a Close, [`SendError::NotOpen`] during the handshake,
    /// [`SendError::MessageUnfinished`] while a message in parts is unfinished, and [`SendError::Encode`] if an
    /// extension fails or if the version has no binary messages.
    #[inline]
    pub fn send(&mut self, message: impl AsMessage, output: &mut BytesMut) -> Result<(), SendError> {
        self.sender.send(message, output)
    }

    /// Appends a message like [`send`](Self::send), but returns a long payload instead of copying it. Write the returned bytes
    /// directly after `output`, before anything else.
    ///
    /// Returns the payload if it is passed as a [`Message`](crate::Message), or as the owned bytes or text of one, such as
    /// `Bytes`, `Vec<u8>` or `String`, and has at least 4 KiB, also after the extensions. Returns `None` if the whole message
    /// is in `output`: if it is shorter or passed by reference, and in hybi-00 and hixie-75. A client masks the payload in
    /// place. If other owners share its bytes, the client copies it to `output`.
    ///
    /// ```
    /// use bytes::{Bytes, BytesMut};
    /// use protocol_websocket_connection::{Config, Connection, Negotiated};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
    /// let (mut output, large) = (BytesMut::new(), Bytes::from(vec![7; 100_000]));
    /// let payload = server.send_shared(large.clone(), &mut output)?;
    /// assert_eq!((output.len(), payload.map(|payload| payload.as_ptr())), (10, Some(large.as_ptr())));
    /// // Write `output` and `payload`, for instance with one vectored write.
    ///
    /// output.clear();
    /// assert_eq!(server.send_shared("short", &mut output)?, None);
    /// assert_eq!(output[..], *b"\x81\x05short");
    /// # Ok::<_, protocol_websocket_connection::SendError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_shared(&mut self, message: impl AsMessage, output: &mut BytesMut) -> Result<Option<Bytes>, SendError> {
        self.sender.send_shared(message, output)
    }

    /// Appends a part of a message to `output`, as a frame: the message is sent in fragments (RFC 6455 §5.4). Between
    /// two parts, only pings, pongs and a Close can be sent.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, MessageKind, Negotiated, Part};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
    /// let mut output = BytesMut::new();
    /// server.send_part(Part::new(MessageKind::Text, "Hel".into()).with_last(false), &mut output)?;
    /// server.send_part(Part::new(MessageKind::Text, "lo".into()).with_first(false), &mut output)?;
    /// assert_eq!(output[..], *b"\x01\x03Hel\x80\x02lo");
    /// # Ok::<_, protocol_websocket_connection::SendError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendError::Encode`] if the part does not follow the part before it, or if the parts of a text are not valid
    /// UTF-8 together. Otherwise as [`send`](Self::send).
    pub fn send_part(&mut self, part: Part, output: &mut BytesMut) -> Result<(), SendError> {
        self.sender.send_part(part, output)
    }

    /// Appends a frame to `output` without applying the extensions: for a message that should not be compressed, or
    /// that was compressed once for many peers. The peer applies its extensions if the reserved bits require it, so the
    /// payload and the bits must agree with the negotiated extensions.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Frame, Negotiated};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
    /// let mut output = BytesMut::new();
    /// server.send_frame(&Frame::text("a secret, not compressed"), &mut output)?;
    /// assert_eq!(output[..2], *b"\x81\x18");
    /// # Ok::<_, protocol_websocket_connection::SendError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendError::Encode`] for a fragment out of order, for text that is not valid UTF-8 in a message without
    /// reserved bits, and for a frame that cannot be [encoded](Frame::encode). Otherwise as [`send`](Self::send).
    pub fn send_frame(&mut self, frame: &Frame, output: &mut BytesMut) -> Result<(), SendError> {
        self.receiver.note_unsent(output.len());
        self.sender.send_frame(frame, output)
    }

    /// Appends a Ping to `output`. The peer replies with a Pong that has the same payload (RFC 6455 §5.5.2).
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Negotiated};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
    /// let mut output = BytesMut::new();
    /// server.ping("42", &mut output)?;
    /// assert_eq!(output[..], *b"\x89\x0242");
    /// # Ok::<_, protocol_websocket_connection::SendError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendError::Encode`] if the payload has more than 125 bytes. Otherwise as [`send`](Self::send), but a Ping may
    /// be sent while a message is unfinished.
    pub fn ping(&mut self, payload: impl AsRef<[u8]>, output: &mut BytesMut) -> Result<(), SendError> {
        self.sender.ping(payload, output)
    }

    /// Appends a Pong to `output`: an unsolicited one, or the reply to a Ping if [`Config::auto_pong`] is off.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Event, Negotiated};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new().auto_pong(false));
    /// let (mut input, mut output) = (BytesMut::from(&b"\x89\x82\0\0\0\042"[..]), BytesMut::new());
    /// if let Some(Event::Ping(payload)) = server.receive(&mut input, &mut output)? {
    ///     server.pong(&payload, &mut output)?;
    /// }
    /// assert_eq!(output[..], *b"\x8A\x0242");
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`ping`](Self::ping), but a Pong may also be sent after our own Close, until the peer's Close has arrived.
    pub fn pong(&mut self, payload: impl AsRef<[u8]>, output: &mut BytesMut) -> Result<(), SendError> {
        self.receiver.note_unsent(output.len());
        self.sender.pong(payload, output)
    }

    /// Appends a Close to `output`, with a code and a reason, or without them (`None`). Nothing can be sent after it
    /// but pongs. Continue to receive until the peer's Close arrives.
    ///
    /// The Close of hybi-00 and hixie-75 has no code and no reason: they are not sent.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Close, CloseCode, Config, Connection, Negotiated, State};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
    /// let mut output = BytesMut::new();
    /// // `CloseCode::GOING_AWAY` in place of the `Close` sends no reason, and `None` sends no code either.
    /// server.close(Close::new(CloseCode::GOING_AWAY, "restart"), &mut output)?;
    /// assert_eq!(output[..], *b"\x88\x09\x03\xE9restart");
    /// assert_eq!(server.state(), State::Closing);
    /// # Ok::<_, protocol_websocket_connection::SendError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] after another Close, [`SendError::NotOpen`] during the handshake, [`SendError::Encode`]
    /// for a code that may not be sent or a reason over [`Close::MAX_REASON`] bytes.
    pub fn close(&mut self, close: impl Into<Option<Close>>, output: &mut BytesMut) -> Result<(), SendError> {
        self.receiver.note_unsent(output.len());
        self.sender.close(close, output)
    }

    /// Frees the memory that extensions do not need until the next message, such as the window of a compressor. Call it
    /// when a connection will be idle for a while.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Negotiated};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
    /// server.release_memory(); // idle for a minute, for example
    /// server.send("Hello", &mut BytesMut::new())?; // allocates again what it needs
    /// # Ok::<_, protocol_websocket_connection::SendError>(())
    /// ```
    pub fn release_memory(&mut self) {
        self.receiver.release_memory();
        self.sender.release_memory();
    }

    /// Returns the memory of the payload in progress if more than 64 KiB of it are missing, so that the transport can
    /// read into it without a copy. It returns `None` otherwise, and with [`Delivery::Parts`](crate::Delivery::Parts).
    ///
    /// Call it after [`receive`](Self::receive) returned `None`, and call `receive` again after the read, with an empty
    /// `input`. See [`Decoder::payload_buffer`](protocol_websocket_frame::Decoder::payload_buffer).
    ///
    /// ```
    /// use bytes::{BufMut, BytesMut};
    /// use protocol_websocket_connection::{Config, Connection, Event, Negotiated};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
    /// let mut client = Connection::open_client(&Negotiated::default(), Config::new(), |key: &mut [u8]| key.fill(7));
    /// let (mut wire, mut output) = (BytesMut::new(), BytesMut::new());
    /// server.send(vec![7; 200_000], &mut wire)?;
    ///
    /// let mut input = wire.split_to(1000);
    /// let message = loop {
    ///     match client.receive(&mut input, &mut output)? {
    ///         Some(Event::Message(message)) => break message,
    ///         Some(_) => continue,
    ///         None => {}
    ///     }
    ///     // In place of a read from a socket.
    ///     match client.payload_buffer() {
    ///         Some(mut buffer) => {
    ///             let len = buffer.remaining_mut().min(wire.len());
    ///             buffer.put(wire.split_to(len));
    ///         }
    ///         None => input.unsplit(wire.split()),
    ///     }
    /// };
    /// assert_eq!(message.len(), 200_000);
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    pub fn payload_buffer(&mut self) -> Option<impl BufMut + '_> {
        self.receiver.payload_buffer()
    }

    /// Returns the state of the connection.
    #[must_use]
    pub fn state(&self) -> State {
        State::of(&self.receiver, &self.sender)
    }

    /// Returns the role of this end of the connection: client or server.
    #[must_use]
    pub fn role(&self) -> Role {
        self.sender.role()
    }

    /// Returns the version of the protocol. During the handshake it is the version that the client requests; at a
    /// server that is [`Version::default`] until the request has arrived.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.sender.version
    }

    /// Returns the result of the handshake: the version, the subprotocol and the extensions. Until the handshake is
    /// done it is `Negotiated::default()`.
    #[must_use]
    pub fn negotiated(&self) -> &Negotiated {
        self.receiver.negotiated()
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.receiver.config
    }

    /// Returns how the connection ended, or `None` while events may still arrive.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{CloseCode, Config, Connection, Negotiated};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
    /// let mut input = BytesMut::from(&b"\x88\x82\0\0\0\0\x03\xE9"[..]); // a Close
    /// server.receive(&mut input, &mut BytesMut::new())?;
    /// let ended = server.ended().expect("both sides have sent a Close");
    /// assert_eq!((ended.code, ended.clean), (CloseCode::GOING_AWAY, true));
    /// # Ok::<_, protocol_websocket_connection::Error>(())
    /// ```
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        self.receiver.ended()
    }

    /// Returns the time of the next [`handle_timeout`](Self::handle_timeout), by the caller's clock: the time since a
    /// fixed point that the caller chooses. `None` while no deadline runs. Call it again after each call of another
    /// method, because the result may have changed.
    ///
    /// If the result is not later than the present time, call `handle_timeout` at once. That is so after an arrival of
    /// bytes, after a write of our Ping or Close, and after a change of the state: the next deadline starts with that
    /// call. The result is then the time of the last call, or zero before the first one.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Negotiated, Timeouts};
    ///
    /// let config = Config::new().timeouts(Timeouts::RECOMMENDED);
    /// let mut server = Connection::open_server(&Negotiated::default(), config);
    /// let (mut output, start) = (BytesMut::new(), Instant::now());
    /// // In the event loop, after reads and writes:
    /// let wait = loop {
    ///     match server.poll_timeout() {
    ///         Some(at) if at <= start.elapsed() => server.handle_timeout(start.elapsed(), &mut output)?,
    ///         at => break at.map(|at| at.saturating_sub(start.elapsed())),
    ///     }
    /// };
    /// // Now wait for the socket, for at most this long: the Ping after 20 seconds of silence.
    /// assert!(wait.is_some_and(|wait| wait <= Duration::from_secs(20)));
    /// # Ok::<_, protocol_websocket_connection::Error>(())
    /// ```
    ///
    /// No deadline runs after `Event::Rejected` and `Event::Redirect`: the caller limits how long it reads the body of
    /// the response.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        match self.state() {
            #[cfg(any(feature = "client", feature = "server"))]
            State::Connecting => self.handshake()?.timer.as_ref().map(crate::handshake_timer::HandshakeTimer::poll),
            State::Open => earlier(self.receiver.poll_timeout(), self.sender.poll_idle(State::Open)),
            state => self.sender.poll_close_timer(state),
        }
    }

    /// Handles the deadlines that are due at the time `now`: appends a Ping to `output`, frees memory of
    /// idle extensions, or ends the connection. Call it at the time that [`poll_timeout`](Self::poll_timeout) returns.
    ///
    /// `now` is the connection's only source of the time. A deadline therefore starts with the first call after its
    /// event (an arrival, a write): it may be late by the time until that call, and is never early. If `now` is before
    /// the time of the last call, that time is used.
    ///
    /// Before this call, read the available input and pass it to [`receive`](Self::receive). Otherwise a peer whose
    /// bytes are still in the socket may time out. Write `output` before this call, too. Bytes that are still in
    /// `output` then show that the socket is full:
    ///
    /// - The deadline for a Pong starts when our Ping was written, that is, when `output` is empty. It starts again
    ///   with each call that finds bytes in `output`, because a caller under backpressure does not read meanwhile.
    /// - The deadline for the peer's Close starts when our Close was written, and nothing moves it afterwards. At a
    ///   client, the same is true of the deadline for the end of the transport. The Close was written when as many
    ///   bytes were removed from `output` as it had directly after the Close was appended. Pongs after the Close do not
    ///   count.
    ///
    /// A loop that writes once, after events and deadlines, may make this call before that write. The bytes that it is
    /// about to write then count as unsent, so the deadlines start later. This is harmless if the loop calls
    /// [`flush`](Self::flush) after the write, and makes this call only when `poll_timeout` requests it. It is not
    /// harmless for a program that sends without a pause: if every call finds bytes in `output`, the deadline for a
    /// Pong never passes. Write first in that case.
    ///
    /// This method, `flush` and `receive` read the length of `output` before they append anything. Bytes that are no
    /// longer in `output` count as written. So each connection needs its own `output`. To end a connection whose peer
    /// does not read, the caller needs a deadline for its own writes.
    ///
    /// ```
    /// use core::time::Duration;
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Negotiated, Timeouts};
    ///
    /// let config = Config::new().timeouts(Timeouts::RECOMMENDED);
    /// let mut server = Connection::open_server(&Negotiated::default(), config);
    /// let mut output = BytesMut::new();
    /// server.handle_timeout(Duration::ZERO, &mut output)?;
    /// assert_eq!(server.poll_timeout(), Some(Duration::from_secs(20)));
    /// server.handle_timeout(Duration::from_secs(20), &mut output)?;
    /// assert_eq!(output[..], *b"\x89\x00"); // a Ping
    /// # Ok::<_, protocol_websocket_connection::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] if a deadline passed. The connection has ended, and `output` has a Close unless one was sent
    /// before. If the handshake of a server took too long, `output` has a response with the status 408.
    pub fn handle_timeout(&mut self, now: Duration, output: &mut BytesMut) -> Result<(), Error> {
        self.handle_timeout_unsent(now, output.len(), output).map(drop)
    }

    /// Does [`handle_timeout`](Self::handle_timeout) for a caller that has `unsent` bytes in `output` and elsewhere. Returns
    /// whether it appended a Ping.
    pub(crate) fn handle_timeout_unsent(
        &mut self,
        now: Duration,
        unsent: usize,
        output: &mut BytesMut,
    ) -> Result<bool, Error> {
        let in_output = output.len();
        let mut has_pinged = false;
        self.sender.write_pending_pong(output);
        let state = self.state();
        self.sender.handle_idle(now, state);
        match state {
            State::Connecting => return self.handle_handshake_timeout(now, output).map(|()| false),
            State::Open => match self.receiver.handle_timeout(now, unsent) {
                Ok(None) => {}
                Ok(Some(ping)) => {
                    self.sender.reply(ping, output);
                    has_pinged = true;
                }
                Err(error) => {
                    self.write_reply(error.reply(), output);
                    return Err(error);
                }
            },
            State::Closing | State::Closed => {}
        }
        self.sender.handle_close_timeout(now, state, in_output, output).map_err(|timeout| {
            if timeout == Timeout::Close {
                self.receiver.time_out(timeout);
            }
            Error::Timeout(timeout)
        })?;
        Ok(has_pinged)
    }

    /// Ends the connection, because the peer does not read the Close that was queued.
    pub(crate) fn time_out_close(&mut self) {
        self.receiver.time_out(Timeout::Close);
        self.sender.time_out();
    }

    /// Splits the connection into two halves, for two tasks or threads: one reads, and one writes.
    ///
    /// The receiving half writes nothing. Pass each [`Reply`] that it returns to the sending half. Each half handles
    /// its own deadlines. [`State::of`] and [`Ended::of`] compute the state and the end from both halves.
    ///
    /// The connection must be open: otherwise its handshake is lost, and the halves never open. An [`Event::Open`] that
    /// was not received yet is lost, too.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Event, Negotiated};
    ///
    /// let (mut receiver, mut sender) = Connection::open_server(&Negotiated::default(), Config::new()).split();
    /// let (mut input, mut output) = (BytesMut::from(&b"\x89\x80\0\0\0\0"[..]), BytesMut::new());
    /// // In the task that reads:
    /// let event = receiver.receive(&mut input)?;
    /// let reply = event.as_ref().and_then(Event::reply);
    /// // In the task that writes:
    /// if let Some(reply) = reply {
    ///     sender.reply(reply, &mut output);
    /// }
    /// assert_eq!(output[..], *b"\x8A\x00"); // the Pong
    /// # Ok::<_, protocol_websocket_connection::Error>(())
    /// ```
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

/// Without the features `client` and `server`, no connection is in the state `Connecting`.
#[cfg(not(any(feature = "client", feature = "server")))]
impl Connection {
    const fn drop_handshake(&mut self) {}

    fn handle_handshake_timeout(&mut self, _: Duration, _: &mut BytesMut) -> Result<(), Error> {
        Ok(())
    }
}

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use bytes::{Bytes, BytesMut};
use protocol_websocket_core::{Random, Role};
use protocol_websocket_frame::{Close, CloseCode, DecodeError, Extension, Frame, Message, Part};
use protocol_websocket_http::Negotiated;

use crate::negotiation::Halves;
use crate::receiver::{Receiver, Reply};
use crate::sender::Sender;
use crate::state::Outgoing;
use crate::timers::{Due, Timers};
use crate::{Config, Error, Event, SendError, State, Timeout};

/// An open connection in either role, after a handshake made anywhere: by the handshake crates, by an HTTP library, over
/// HTTP/2 or HTTP/3.
///
/// It owns state, and bytes only of a message under way. What arrived is in the caller's `input`, from whose front it
/// takes what it reads; what must be sent is appended to the caller's `output`. The order of calls in an event loop:
///
/// 1. append what arrived to `input`, and call [`receive`](Self::receive) until it gives `None`;
/// 2. call [`send`](Self::send) and its like whenever there is something to say;
/// 3. write `output`, [`flush`](Self::flush) and write again what that brought; once [`state`](Self::state) is
///    [`State::Closed`], close the transport behind it;
/// 4. at the end of the transport's input call [`receive_eof`](Self::receive_eof);
/// 5. with [`Timeouts`](crate::Timeouts), ask [`poll_timeout`](Self::poll_timeout) after these calls, and call
///    [`handle_timeout`](Self::handle_timeout) when that time has come. Read what there is to be read first.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Config, Connection, Event, Negotiated};
///
/// let mut server = Connection::server(&Negotiated::default(), &Config::new());
/// let mut client = Connection::client(&Negotiated::default(), &Config::new(), |key: &mut [u8]| key.fill(7));
///
/// let mut wire = BytesMut::new();
/// client.send("Hello", &mut wire)?;
/// let mut output = BytesMut::new();
/// while let Some(event) = server.receive(&mut wire, &mut output)? {
///     if let Event::Message(message) = event {
///         server.send(message, &mut output)?;
///     }
/// }
/// assert_eq!(output[..], *b"\x81\x05Hello");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Connection {
    receiver: Receiver,
    sender: Sender,
    timers: Option<Box<Timers>>,
}

impl Connection {
    /// The server's end: it takes masked frames and sends unmasked ones.
    ///
    /// For a handshake made elsewhere that agreed on nothing beyond the protocol, `negotiated` is
    /// `&Negotiated::default()`. The extensions in it that are [`Config::extension`]s are in force; if their parameters
    /// answer nothing that was offered, the connection has failed from the start, and [`receive`](Self::receive) says
    /// so.
    #[must_use]
    pub fn server(negotiated: &Negotiated, config: &Config) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
        //# A server MUST NOT mask any frames that it sends to the client.
        Self::new(Role::Server, negotiated, config, None)
    }

    /// The client's end: it takes unmasked frames and masks what it sends with keys from `random`.
    pub fn client(negotiated: &Negotiated, config: &Config, random: impl Random + Send + 'static) -> Self {
        Self::new(Role::Client, negotiated, config, Some(Box::new(random)))
    }

    pub(crate) fn new(
        role: Role,
        negotiated: &Negotiated,
        config: &Config,
        masks: Option<Box<dyn Random + Send>>,
    ) -> Self {
        let version = negotiated.version;
        let mut timeouts = config.timeouts;
        if !version.has_length_framing() {
            // There is no ping to send.
            (timeouts.ping_interval, timeouts.pong_timeout) = (None, None);
        }
        let mut connection = Self {
            receiver: Receiver::new(role, version, config),
            sender: Sender::new(version, masks, config.high_water_mark),
            timers: Timers::new(timeouts, role == Role::Client).map(Box::new),
        };
        match config.extensions.agree(role, negotiated) {
            Ok(agreed) => agreed.into_iter().for_each(|halves| connection.add(halves)),
            Err(_) => connection.receiver.incoming.fail(DecodeError::Extension),
        }
        connection
    }

    /// Adds an extension that was negotiated past the [`Config`], after those added before: one value for what is
    /// received and one for what is sent.
    pub fn extend(&mut self, receiving: impl Extension + Send + 'static, sending: impl Extension + Send + 'static) {
        self.add((Box::new(receiving), Box::new(sending)));
    }

    fn add(&mut self, (receiving, sending): Halves) {
        self.receiver.extend(receiving);
        self.sender.extend(sending);
    }

    /// Takes the next event from the front of `input`; what the protocol has us answer goes to `output`. Call it until
    /// it gives `None`, which means that more bytes are needed, or that it is over.
    ///
    /// # Errors
    ///
    /// When the peer broke a rule: its Close is in `output` then, the rest of `input` is thrown away, and each later
    /// call gives the same error.
    #[inline(always)]
    pub fn receive(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<Event>, Error> {
        if self.sender.is_pong_due(output) {
            self.flush(output);
        }
        let came = input.len();
        if let Some(message) = self.receiver.receive_whole(input) {
            if let Some(timers) = &mut self.timers {
                timers.hear(came);
                timers.leave(input.len());
            }
            return Ok(Some(Event::Message(message)));
        }
        // By a place of its own, so that the event above needs none: it stays in registers.
        let mut event = None;
        self.receive_any(input, output, &mut event)?;
        Ok(event)
    }

    #[inline(never)]
    pub(crate) fn receive_any(
        &mut self,
        input: &mut BytesMut,
        output: &mut BytesMut,
        event: &mut Option<Event>,
    ) -> Result<(), Error> {
        self.flush(output);
        if let Some(timers) = &mut self.timers {
            timers.hear(input.len());
        }
        let mut reply = None;
        let received = self.receiver.receive(input, &mut reply);
        if let Some(timers) = &mut self.timers {
            timers.leave(input.len());
            timers.awaits_eof &= received.is_ok();
        }
        if let Some(reply) = reply {
            self.sender.reply(reply, output);
            self.note_queued(output);
        }
        *event = received?;
        Ok(())
    }

    /// Writes the pong that was held back while `output` was too full ([`Config::high_water_mark`]). Call it when `output`
    /// was written; every other method that writes does so first. With [`Timeouts`](crate::Timeouts) it is also the call
    /// that sees that a Ping or a Close was written: the deadline for its answer starts then. So call it after each write,
    /// of a part of `output`, too.
    pub fn flush(&mut self, output: &mut BytesMut) {
        self.note_written(output);
        self.sender.flush(output);
        self.note_queued(output);
    }

    /// Notes what of the output was written since the last call. Comes before anything is appended.
    fn note_written(&mut self, output: &BytesMut) {
        if let Some(timers) = &mut self.timers {
            timers.begin(output.len());
        }
    }

    /// Notes what is in the output, once our Close is in it. Comes after each call that may append a Close, or a pong
    /// after it.
    fn note_queued(&mut self, output: &BytesMut) {
        if let Some(timers) = self.timers.as_mut().filter(|_| self.sender.outgoing != Outgoing::Open) {
            timers.end(output.len());
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.1
    //# If at any point the underlying transport layer connection is unexpectedly lost, the client
    //# MUST _Fail the WebSocket Connection_.
    /// Takes note that the transport has nothing more to read.
    ///
    /// In hybi-00 and hixie-75 this is a clean end once our Close is in `output`, written or not, with close code 1005:
    /// servers of their time close the transport instead of sending a Close.
    ///
    /// # Errors
    ///
    /// [`Error::UnexpectedEof`], once, when it ended without a Close: the close code is 1006 then.
    pub fn receive_eof(&mut self) -> Result<(), Error> {
        if let Some(timers) = &mut self.timers {
            timers.awaits_eof = false;
        }
        if self.sender.is_eof_clean() {
            self.receiver.incoming.close(None);
        }
        self.sender.outgoing.end();
        if self.receiver.incoming.lose() { Err(Error::UnexpectedEof) } else { Ok(()) }
    }

    /// Writes a message in one frame.
    ///
    /// # Errors
    ///
    /// After a Close, or while a message in parts is under way.
    #[inline]
    pub fn send(&mut self, message: impl Into<Message>, output: &mut BytesMut) -> Result<(), SendError> {
        self.sender.send(message.into(), output)
    }

    /// Writes a message's head to `output` and gives back its payload, to be written right behind `output` and before
    /// anything else: a large payload is sent without a copy.
    ///
    /// A client's payload is masked in place, or in a copy if somebody else shares its bytes.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_vectored(&mut self, message: impl Into<Message>, output: &mut BytesMut) -> Result<Bytes, SendError> {
        self.sender.send_vectored(message.into(), output)
    }

    /// Writes a part of a message, in a frame of its own.
    ///
    /// # Errors
    ///
    /// After a Close, when the part does not follow the one before it, or when parts of text are not UTF-8 together.
    pub fn send_part(&mut self, part: Part, output: &mut BytesMut) -> Result<(), SendError> {
        self.sender.send_part(part, output)
    }

    /// Writes a frame of the application's own as it is, past the extensions: a message that is not to be compressed,
    /// or one that was compressed once for many peers. The bits and payload that an extension would make are the
    /// caller's to make, and to be right with what was negotiated.
    ///
    /// # Errors
    ///
    /// After a Close, while a message in parts is under way, a fragment out of order, text that is not UTF-8 in a message
    /// without reserved bits, or a frame that cannot be [encoded](Frame::encode).
    pub fn send_frame(&mut self, frame: &Frame, output: &mut BytesMut) -> Result<(), SendError> {
        self.note_written(output);
        let sent = self.sender.send_frame(frame, output);
        self.note_queued(output);
        sent
    }

    /// Writes a Ping. The peer answers with the same payload.
    ///
    /// # Errors
    ///
    /// After a Close, or with more than 125 bytes.
    pub fn ping(&mut self, payload: impl Into<Bytes>, output: &mut BytesMut) -> Result<(), SendError> {
        self.sender.ping(payload.into(), output)
    }

    /// Writes a Pong, as a sign of life or as the answer to a Ping that was not answered by itself.
    ///
    /// # Errors
    ///
    /// With more than 125 bytes, and after the peer's Close; behind our own it still may go.
    pub fn pong(&mut self, payload: impl Into<Bytes>, output: &mut BytesMut) -> Result<(), SendError> {
        self.note_written(output);
        let sent = self.sender.pong(payload.into(), output);
        self.note_queued(output);
        sent
    }

    /// Writes a Close, with a code and a reason or with `None`. Nothing can be sent behind it; go on receiving until
    /// the peer's Close.
    ///
    /// The Close of hybi-00 and hixie-75 has no room for a code: it goes out without.
    ///
    /// # Errors
    ///
    /// After another Close, with a code that may not be sent, or with a reason over [`Close::MAX_REASON`] bytes.
    pub fn close(&mut self, close: impl Into<Option<Close>>, output: &mut BytesMut) -> Result<(), SendError> {
        self.note_written(output);
        let sent = self.sender.close(close.into().as_ref(), output);
        self.note_queued(output);
        sent
    }

    /// Gives back what memory the extensions can do without until the next message: a compressor, for instance. Worth
    /// it for a connection that will be idle for a while.
    pub fn release_memory(&mut self) {
        self.receiver.release_memory();
        self.sender.release_memory();
    }

    /// Where the connection stands.
    #[must_use]
    pub fn state(&self) -> State {
        State::of(self.sender.outgoing, self.receiver.incoming)
    }

    /// With which code the connection ended (RFC 6455 §7.1.5): the peer's, 1005 if its Close had none, 1006 if there
    /// was no Close (but see [`receive_eof`](Self::receive_eof) for the oldest versions). `None` while it has not.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        self.receiver.incoming.close_code()
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is to be called next, by the caller's clock: a time since any
    /// fixed point. `None` while no deadline runs. Ask again after each call of another method.
    ///
    /// The time of the last call, or zero before the first one, means at once: bytes arrived, a Ping or a Close was
    /// written, or the state changed, and the deadlines that follow start when the time is told.
    ///
    /// A connection that is split loses its deadlines: the halves have no timers.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timers.as_ref()?.poll(self.state())
    }

    /// Takes the time, and does what is due: writes a Ping, or gives the connection up.
    ///
    /// The connection learns the time from this method alone. A deadline is late by the time between an event (an
    /// arrival, a write) and the next call, never early; a loop that calls when [`poll_timeout`](Self::poll_timeout) says
    /// "at once" keeps that short. A time before that of the last call counts as that time.
    ///
    /// Before this call, read what there is to be read and pass it to [`receive`](Self::receive), so that a peer is not
    /// given up whose bytes wait in the socket, and write `output`. What is still in `output` tells that the socket is
    /// full:
    ///
    /// - the deadline for a Pong starts when the Ping was written, and starts again with each call that sees unsent bytes,
    ///   because a caller that pushes back does not read meanwhile. The Ping was written when `output` is empty;
    /// - the deadlines for the peer's Close and, at a client, for the end of the transport start when our Close was
    ///   written, and then do not move. The Close was written when so many bytes are gone from `output` as there were when
    ///   the Close was queued: pongs that follow it, and that a slow peer leaves in `output`, do not count.
    ///
    /// The connection looks at the length of `output` here, in [`flush`](Self::flush) and in [`receive`](Self::receive),
    /// before it appends anything. Bytes that are no longer in `output` count as written. So give each connection an
    /// `output` of its own: what another one appends hides what was written. A peer that does not read is ended by the
    /// caller's own deadline for its writes.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`], when a deadline passed. The connection is over, and a Close is in `output` unless one was sent
    /// before.
    pub fn handle_timeout(&mut self, now: Duration, output: &mut BytesMut) -> Result<(), Error> {
        let unsent = output.len();
        self.sender.flush(output);
        let state = self.state();
        let Some(timers) = &mut self.timers else { return Ok(()) };
        let due = timers.handle(now, state, unsent);
        match due {
            None => {}
            // Whoever has sent a Close has no pings to send, and is not asked for one.
            Some(Due::Ping) => drop(self.sender.ping(Bytes::new(), output)),
            Some(Due::Timeout(timeout)) => {
                timers.awaits_eof = false;
                let code = if timeout == Timeout::Idle { CloseCode::GOING_AWAY } else { CloseCode::INTERNAL_ERROR };
                self.sender.reply(Reply::Close(Close::from(code).encode().unwrap_or_default()), output);
                self.receiver.incoming.lose();
                return Err(Error::Timeout(timeout));
            }
        }
        self.note_queued(output);
        Ok(())
    }

    #[cfg(feature = "split")]
    pub(crate) fn into_halves(self) -> (Receiver, Sender) {
        (self.receiver, self.sender)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("state", &self.state()).finish_non_exhaustive()
    }
}

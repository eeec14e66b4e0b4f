//! The receiving direction: bytes in, events out. It writes nothing. [`Event::reply`] and [`Error::reply`] compute the
//! replies from its events and errors.
//!
//! A complete message in one frame takes the fast path: one test of `is_plain`, and one function of the decoder. All
//! other input takes the slow path. The slow path exists once, and returns an [`EventRef`]. From a `BytesMut` its
//! payload shares the memory of the input, so the conversion to an [`Event`] copies nothing. From a slice its payload
//! borrows.

mod suspend;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use bytes::{BufMut, BytesMut};
use protocol_websocket_core::{Role, Version};
use protocol_websocket_frame::{
    Assembler, Close, DecodeError, Decoder, Delivery, ExtensionDecoder, Frame, Message, OpCode, Payload, Rsv,
};

use protocol_websocket_http::Negotiated;

use crate::ended::{Ended, EndedBy};
use crate::extensions::Decoders;
use crate::input::Input;
use crate::keep_alive::{Due, KeepAlive};
use crate::observers::{Observers, Piece, ReceiveObservers};
use crate::state::{Incoming, Outgoing};
use crate::timeouts::earlier;
use crate::{Config, Direction, Error, Event, EventRef, Observation, Reply, Timeout};

/// The result of a handshake that agreed on nothing beyond RFC 6455.
pub(crate) static NOTHING_NEGOTIATED: Negotiated = Negotiated::new();

/// The maximum output of the extensions for one frame that is not a whole message, in bytes.
const MAX_PART: usize = 64 * 1024;

/// The receiving half of a [`Connection`](crate::Connection), for a task or thread of its own.
///
/// It writes nothing. After each event, error and timeout, pass the [`Reply`], if there is one, to
/// [`SendHalf::reply`](crate::SendHalf::reply), for instance through a channel.
///
/// ```
/// use std::sync::mpsc::channel;
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Config, Connection, Event, Negotiated, Reply};
///
/// let (mut receiver, mut sender) = Connection::open_server(&Negotiated::default(), Config::new()).split();
/// let (replies, to_send) = channel::<Reply>();
/// let writer = std::thread::spawn(move || {
///     let mut output = BytesMut::new();
///     // A real task also gets messages to send here, and writes the output.
///     for reply in to_send {
///         sender.reply(reply, &mut output);
///     }
///     output
/// });
///
/// let mut input = BytesMut::from(&b"\x89\x82\0\0\0\0hi\x88\x80\0\0\0\0"[..]);
/// while let Some(event) = receiver.receive(&mut input)? {
///     if let Some(reply) = event.reply() {
///         replies.send(reply)?;
///     }
/// }
/// drop(replies);
/// assert_eq!(writer.join().expect("the thread did not panic")[..], *b"\x8A\x02hi\x88\x00");
/// # Ok::<_, Box<dyn core::error::Error>>(())
/// ```
pub struct ReceiveHalf {
    decoder: Decoder,
    assembler: Assembler,
    extensions: Decoders,
    pub(crate) config: Arc<Config>,
    /// Boxed, because an open connection without timeouts does not need it.
    cold: Option<Box<ColdReceiver>>,
    pub(crate) incoming: Incoming,
    version: Version,
    /// Whether a whole message needs nothing but the decoder: the direction is open, delivers whole messages and has no
    /// extension and no observer of frames. Computed again when one of these changes.
    is_plain: bool,
    /// Whether there are observers. They are in `cold`.
    pub(crate) is_observed: bool,
    /// Whether one of them observes frames or input.
    observes_frames: bool,
}

/// The result of the handshake, the timers of the direction while it is open, how it ended, and its observers.
#[derive(Default)]
struct ColdReceiver {
    /// `None` if the handshake agreed on nothing beyond RFC 6455.
    negotiated: Option<Negotiated>,
    keep_alive: Option<KeepAlive>,
    ended: Option<Ended>,
    observers: Option<Box<ReceiveObservers>>,
}

impl ReceiveHalf {
    /// Creates a half in the state before the handshake.
    pub(crate) fn new(role: Role, config: Arc<Config>) -> Self {
        let decoder = Decoder::new(role);
        let decoder = if config.perl_compat { decoder.perl_compat() } else { decoder };
        Self {
            decoder: decoder.limits(config.limits).delivery(config.delivery).min_part(config.min_part),
            assembler: Assembler::new(config.limits),
            extensions: Decoders::default(),
            config,
            cold: None,
            incoming: Incoming::Connecting,
            version: Version::default(),
            is_plain: false,
            is_observed: false,
            observes_frames: false,
        }
    }

    /// Sets the result of the handshake.
    pub(crate) fn set_negotiated(&mut self, negotiated: &Negotiated) {
        let version = negotiated.version;
        if version != self.version {
            self.version = version;
            self.decoder = self.decoder.clone().version(version);
        }
        if *negotiated != NOTHING_NEGOTIATED {
            self.cold.get_or_insert_default().negotiated = Some(negotiated.clone());
        }
        if let Some(timer) = KeepAlive::new(&self.config.timeouts, version.has_length_framing()) {
            self.cold.get_or_insert_default().keep_alive = Some(timer);
        }
    }

    /// Sets the observers.
    pub(crate) fn set_observers(&mut self, observers: Observers) {
        (self.is_observed, self.observes_frames) = (true, observers.wants_frames());
        self.cold.get_or_insert_default().observers = Some(Box::new(ReceiveObservers::new(observers)));
        self.update_fast_path();
    }

    fn receive_observers(&mut self) -> Option<&mut ReceiveObservers> {
        self.cold.as_mut()?.observers.as_deref_mut()
    }

    /// Returns the observers of the connection.
    #[inline]
    pub(crate) fn observers(&self) -> Option<&Observers> {
        if self.is_observed { Some(self.cold.as_ref()?.observers.as_ref()?.observers()) } else { None }
    }

    /// Reports the bytes of `input` that were not reported yet. Call [`note_unread`](Self::note_unread) after the decoding.
    #[cold]
    pub(crate) fn observe_input(&mut self, input: &[u8]) {
        if let Some(observers) = self.receive_observers() {
            observers.observe_input(input);
        }
    }

    /// Notes that `len` bytes, which were reported, are left in the input.
    #[cold]
    pub(crate) fn note_unread(&mut self, len: usize) {
        if let Some(observers) = self.receive_observers() {
            observers.note_rest(len);
        }
    }

    /// Reports the end of the connection, once.
    #[inline(always)]
    pub(crate) fn observe_ended(&mut self) {
        if self.is_observed {
            self.report_end();
        }
    }

    #[cold]
    fn report_end(&mut self) {
        if let Some(cold) = &mut self.cold
            && let ColdReceiver { ended: Some(ended), observers: Some(observers), .. } = &mut **cold
            && let Some(observers) = observers.end()
        {
            observers.observe_ended(ended);
        }
    }

    pub(crate) fn negotiated(&self) -> &Negotiated {
        self.cold.as_ref().and_then(|cold| cold.negotiated.as_ref()).unwrap_or(&NOTHING_NEGOTIATED)
    }

    pub(crate) fn open(&mut self) {
        let opens = self.incoming == Incoming::Connecting;
        self.incoming.open();
        self.update_fast_path();
        if opens {
            self.observe_open();
        }
    }

    /// Reports the opening.
    pub(crate) fn observe_open(&self) {
        if let Some(observers) = self.observers() {
            observers.observe(&Observation::Open(self.negotiated()));
        }
    }

    /// Adds an extension. The decoder then returns payloads in parts as they arrive. So a message is not kept in both
    /// its encoded and its decoded form, and it is rejected at its first invalid byte.
    pub(crate) fn add_extension(&mut self, extension: Box<dyn ExtensionDecoder>, rsv: Rsv) {
        let decoder = self.decoder.clone().allow_rsv(rsv).delivery(Delivery::Parts);
        self.decoder = if self.config.delivery == Delivery::Whole { decoder.min_part(1) } else { decoder };
        self.extensions.push(extension);
        self.update_fast_path();
    }

    fn update_fast_path(&mut self) {
        self.is_plain = self.incoming == Incoming::Open
            && self.config.delivery == Delivery::Whole
            && self.extensions.is_empty()
            && !self.observes_frames;
    }

    /// Decodes the next event, like [`Connection::receive`](crate::Connection::receive). Pass the [`Event::reply`] or
    /// the [`Error::reply`] to the sending half.
    ///
    /// # Errors
    ///
    /// As [`Connection::receive`](crate::Connection::receive).
    #[inline(always)]
    pub fn receive(&mut self, input: &mut BytesMut) -> Result<Option<Event>, Error> {
        if let Some(message) = self.receive_message(input) {
            return Ok(Some(Event::Message(message)));
        }
        // This event is returned through a reference, so that the event above can stay in registers.
        let mut event = None;
        let received = self.receive_event(input, &mut event);
        self.observe_ended();
        received.map(|()| event)
    }

    /// Decodes the next event from a slice, like [`Connection::receive_lent`](crate::Connection::receive_lent). Pass
    /// the [`EventRef::reply`] or the [`Error::reply`] to the sending half.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Negotiated};
    ///
    /// let (mut receiver, mut sender) = Connection::open_server(&Negotiated::default(), Config::new()).split();
    /// let (mut buffer, mut output) = (*b"\x89\x82\0\0\0\0hi", BytesMut::new());
    /// let mut input = &mut buffer[..];
    /// while let Some(event) = receiver.receive_lent(&mut input)? {
    ///     if let Some(reply) = event.reply() {
    ///         sender.reply(reply, &mut output);
    ///     }
    /// }
    /// assert_eq!(output[..], *b"\x8A\x02hi");
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Connection::receive`](crate::Connection::receive).
    #[inline(always)]
    pub fn receive_lent<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<EventRef<'i>>, Error> {
        if let Some(event) = self.receive_message_lent(input) {
            return Ok(Some(event));
        }
        let mut event = None;
        let received = self.receive_event_lent(input, &mut event);
        self.observe_ended();
        received.map(|()| event)
    }

    /// Decodes a message on the fast path. Returns `None` if the input does not start with a complete message in one
    /// frame. Then the slow path decodes the input.
    #[inline(always)]
    pub(crate) fn receive_message(&mut self, input: &mut BytesMut) -> Option<Message> {
        if !self.is_plain {
            return None;
        }
        let available = input.len();
        let message = self.decoder.decode_message(input)?;
        self.note_read(available, input.len());
        Some(message)
    }

    /// Decodes a message from a slice on the fast path, like [`receive_message`](Self::receive_message).
    #[inline(always)]
    pub(crate) fn receive_message_lent<'i>(&mut self, input: &mut &'i mut [u8]) -> Option<EventRef<'i>> {
        if !self.is_plain {
            return None;
        }
        let available = input.len();
        let message = self.decoder.decode_message_lent(input)?;
        self.note_read(available, input.len());
        Some(EventRef::Message(message))
    }

    /// Returns whether no event can follow without input, because no part of a message is buffered that was not decoded.
    /// It may return false if that is so.
    pub(crate) fn needs_input(&self) -> bool {
        self.is_plain && !self.decoder.has_undecoded_payload()
    }

    #[inline(always)]
    fn note_read(&mut self, before: usize, after: usize) {
        if let Some(timer) = self.keep_alive_mut() {
            timer.note_input(before);
            timer.note_rest(after);
        }
    }

    #[inline(always)]
    pub(crate) fn receive_event(&mut self, input: &mut BytesMut, event: &mut Option<Event>) -> Result<(), Error> {
        if self.is_observed {
            self.observe_input(input);
        }
        let received = self.decode_event(input, event);
        if self.is_observed {
            self.note_unread(input.len());
        }
        received
    }

    #[inline(always)]
    pub(crate) fn receive_event_lent<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        event: &mut Option<EventRef<'i>>,
    ) -> Result<(), Error> {
        if self.is_observed {
            self.observe_input(input);
        }
        let received = self.decode_event_lent(input, event);
        if self.is_observed {
            self.note_unread(input.len());
        }
        received
    }

    #[inline(never)]
    fn decode_event(&mut self, input: &mut BytesMut, event: &mut Option<Event>) -> Result<(), Error> {
        *event = self.receive_any(input)?.map(EventRef::into_owned);
        Ok(())
    }

    #[inline(never)]
    fn decode_event_lent<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        event: &mut Option<EventRef<'i>>,
    ) -> Result<(), Error> {
        *event = self.receive_any(input)?;
        Ok(())
    }

    #[inline(always)]
    fn receive_any<'i>(&mut self, input: &mut impl Input<'i>) -> Result<Option<EventRef<'i>>, Error> {
        match self.incoming {
            Incoming::Open => {}
            Incoming::Connecting | Incoming::Refused => return Ok(None),
            Incoming::Ended => {
                input.clear();
                return self.repeated_error().map_or(Ok(None), Err);
            }
        }
        let available = input.len();
        if self.decoder.has_undecoded_payload()
            && let Some(timer) = self.keep_alive_mut()
        {
            timer.note_direct_read();
        }
        let received = self.decode(input);
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7
        //# An endpoint MUST NOT continue to attempt to process data (including a responding
        //# Close frame)
        if let Err(error) = received {
            input.clear();
            self.end(Ended::by_error(error.into()));
        }
        self.note_read(available, input.len());
        Ok(received?)
    }

    /// Returns the error that each later call repeats. [`Error::UnexpectedEof`] and [`Error::Timeout`] are not
    /// repeated.
    fn repeated_error(&self) -> Option<Error> {
        let error = self.ended()?.error?;
        (!matches!(error, Error::Timeout(_) | Error::UnexpectedEof)).then_some(error)
    }

    #[inline(always)]
    fn decode<'i>(&mut self, input: &mut impl Input<'i>) -> Result<Option<EventRef<'i>>, DecodeError> {
        loop {
            if !self.extensions.is_empty()
                && let Some(frame) = self.extensions.resume(self.room(true))?
            {
                if self.observes_frames {
                    // Its reserved bits and its length were reported with its first piece.
                    self.observe_piece(Piece::new(frame.opcode(), frame.fin(), frame.payload()));
                }
                match self.assemble(frame)? {
                    Some(event) => return Ok(Some(event)),
                    None => continue,
                }
            }
            //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
            //# Incoming data MUST be parsed as WebSocket frames as defined in Section 5.2.
            let Some(frame) = input.decode(&mut self.decoder)? else { return Ok(None) };
            //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
            //# If a control frame (Section 5.5) is received, the frame MUST be handled as defined
            //# by Section 5.5.
            if frame.opcode().is_control() {
                if self.observes_frames {
                    let piece = Piece::new(frame.opcode(), frame.fin(), frame.payload());
                    self.observe_control(piece.encoded(frame.rsv(), frame.payload().len()));
                }
                return self.control(frame).map(Some);
            }
            let (rsv, wire_len) = (frame.rsv(), frame.payload().len());
            let frame = if self.extensions.is_empty() {
                frame
            } else {
                let room = self.room(frame.opcode() == OpCode::Continuation);
                self.extensions.decode(frame, room)?
            };
            if self.observes_frames {
                let piece = Piece::new(frame.opcode(), frame.fin(), frame.payload());
                self.observe_piece(piece.encoded(rsv, wire_len));
            }
            let event = self.assemble(frame)?;
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// Reports a decoded data frame, or a piece of one. It takes no reference to the frame, so that without observers the frame
    /// can stay in registers.
    #[cold]
    fn observe_piece(&mut self, piece: Piece<'_>) {
        let is_last = !self.decoder.is_inside_frame() && !self.extensions.has_rest();
        if let Some(observers) = self.receive_observers() {
            observers.observe_piece(piece, is_last);
        }
    }

    /// Reports a control frame, which may arrive between the decoded pieces of a data frame.
    #[cold]
    fn observe_control(&self, frame: Piece<'_>) {
        if let Some(observers) = self.observers() {
            observers.observe_whole(Direction::Received, frame);
        }
    }

    #[inline(always)]
    fn control<'i>(&mut self, frame: Frame<Payload<'i>>) -> Result<EventRef<'i>, DecodeError> {
        Ok(match frame.opcode() {
            OpCode::Ping => EventRef::Ping(frame.into_payload()),
            OpCode::Close => {
                let close = Close::parse(&frame.into_payload().into_owned())?;
                self.end(Ended::by_close(close.as_ref()));
                EventRef::Close(close)
            }
            _ => EventRef::Pong(frame.into_payload()),
        })
    }

    /// Returns how many bytes the extensions may decode at once. It is less for a continuation, because its bytes are
    /// copied to join them with the message.
    fn room(&self, is_continuation: bool) -> usize {
        let budget = usize::try_from(self.assembler.budget()).unwrap_or(usize::MAX);
        match self.config.delivery {
            Delivery::Parts => budget.min(MAX_PART),
            _ if is_continuation => budget.min(MAX_PART),
            _ => budget,
        }
    }

    #[inline(always)]
    fn assemble<'i>(&mut self, frame: Frame<Payload<'i>>) -> Result<Option<EventRef<'i>>, DecodeError> {
        if self.extensions.has_rest() && frame.payload().len() as u64 >= self.assembler.budget() {
            return Err(DecodeError::MessageTooLong);
        }
        Ok(match self.config.delivery {
            Delivery::Parts => self.assembler.push_part_lent(frame)?.map(EventRef::Part),
            _ => self.assembler.push_lent(frame)?.map(EventRef::Message),
        })
    }

    /// Ends the direction. Returns `false`, and changes nothing, if it has ended before.
    pub(crate) fn end(&mut self, ended: Ended) -> bool {
        let is_first = self.incoming.end();
        if is_first {
            self.cold.get_or_insert_default().ended = Some(ended);
            self.update_fast_path();
        }
        is_first
    }

    /// Ends the direction because of a response other than 101, whose body stays in the input.
    #[cfg(feature = "client")]
    pub(crate) fn refuse(&mut self, ended: Ended) {
        self.incoming.refuse();
        self.cold.get_or_insert_default().ended = Some(ended);
    }

    /// Notes the end of the transport's input, like [`Connection::receive_eof`](crate::Connection::receive_eof). Pass
    /// the reply, or the [`Error::reply`], to the sending half: nothing can be sent after it.
    ///
    /// `close_sent` is the result of [`SendHalf::is_closed`](crate::SendHalf::is_closed). It only has an effect in
    /// hybi-00 and hixie-75, where the end of the transport after our Close is a clean end.
    ///
    /// ```
    /// use protocol_websocket_connection::{Config, Connection, Error, Negotiated};
    ///
    /// let (mut receiver, sender) = Connection::open_server(&Negotiated::default(), Config::new()).split();
    /// assert_eq!(receiver.receive_eof(sender.is_closed()), Err(Error::UnexpectedEof));
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Connection::receive_eof`](crate::Connection::receive_eof).
    pub fn receive_eof(&mut self, close_sent: bool) -> Result<Reply, Error> {
        if close_sent && self.incoming == Incoming::Open && !self.version.has_length_framing() {
            self.end(Ended::by_eof_after_close());
        }
        let is_unexpected = self.end(Ended::by_error(Error::UnexpectedEof));
        self.observe_ended();
        if is_unexpected { Err(Error::UnexpectedEof) } else { Ok(Reply::ended()) }
    }

    /// Returns the memory of the payload in progress if more than 64 KiB of it are missing, so that the transport can
    /// read into it without a copy: see [`Connection::payload_buffer`](crate::Connection::payload_buffer).
    pub fn payload_buffer(&mut self) -> Option<impl BufMut + '_> {
        let wants_input = self.is_observed && self.receive_observers().is_some_and(|observers| observers.wants_input());
        if self.incoming != Incoming::Open || wants_input {
            return None;
        }
        self.decoder.payload_buffer()
    }

    /// Returns how the receiving direction ended, or `None` while it has not ended. This half does not record our
    /// Close, so [`Ended::by`] may be `Peer` although our Close was first. [`Ended::of`] returns the correct side.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        self.cold.as_ref()?.ended.as_ref()
    }

    /// Returns the time of the next [`handle_timeout`](Self::handle_timeout), like
    /// [`Connection::poll_timeout`](crate::Connection::poll_timeout). `None` while no deadline of this half runs.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        // A server that has accepted is in the state `Open` before this direction opens.
        match self.incoming {
            Incoming::Connecting | Incoming::Open => {
                let timeouts = &self.config.timeouts;
                let keep_alive = self.cold.as_ref().and_then(|cold| cold.keep_alive.as_ref()?.poll(timeouts));
                earlier(keep_alive, self.extensions.poll_idle(timeouts.release_memory))
            }
            Incoming::Ended | Incoming::Refused => None,
        }
    }

    #[inline(always)]
    fn keep_alive_mut(&mut self) -> Option<&mut KeepAlive> {
        self.cold.as_mut()?.keep_alive.as_mut()
    }

    /// Handles the deadlines of this half that are due at the time `now`: `ping_interval`, `pong_timeout`, `idle` and
    /// `release_memory`.
    /// `unsent` is the number of bytes that the output has. See
    /// [`Connection::handle_timeout`](crate::Connection::handle_timeout).
    ///
    /// Returns a Ping for the sending half, if one is due. Do not call it after our Close was sent: from then on only
    /// the deadline of the sending half applies.
    ///
    /// ```
    /// use core::time::Duration;
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Negotiated, Timeouts};
    ///
    /// let config = Config::new().timeouts(Timeouts::RECOMMENDED);
    /// let (mut receiver, mut sender) = Connection::open_server(&Negotiated::default(), config).split();
    /// let mut output = BytesMut::new();
    /// receiver.handle_timeout(Duration::ZERO, output.len())?;
    /// assert_eq!(receiver.poll_timeout(), Some(Duration::from_secs(20)));
    /// if let Some(ping) = receiver.handle_timeout(Duration::from_secs(20), output.len())? {
    ///     sender.reply(ping, &mut output);
    /// }
    /// assert_eq!(output[..], *b"\x89\x00");
    /// # Ok::<_, protocol_websocket_connection::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] with [`Timeout::Pong`] or [`Timeout::Idle`]. The direction has ended then. Pass the
    /// [`Error::reply`] to the sending half.
    pub fn handle_timeout(&mut self, now: Duration, unsent: usize) -> Result<Option<Reply>, Error> {
        if matches!(self.incoming, Incoming::Ended | Incoming::Refused) {
            return Ok(None);
        }
        let timeouts = self.config.timeouts;
        self.extensions.handle_idle(now, timeouts.release_memory);
        let due = self.keep_alive_mut().and_then(|timer| timer.handle(now, unsent, &timeouts));
        match due {
            None => Ok(None),
            Some(Due::Ping) => Ok(Some(Reply::ping())),
            Some(Due::Timeout(timeout)) => Err(self.time_out(timeout)),
        }
    }

    /// Notes the time of an arrival, after which `available` bytes are in the input.
    pub(crate) fn note_arrival(&mut self, now: Duration, available: usize) {
        if let Some(timer) = self.keep_alive_mut() {
            timer.note_arrival(now, available);
        }
    }

    /// Notes how many bytes of the output are unsent. Our Ping was written when there are none.
    pub(crate) fn note_unsent(&mut self, unsent: usize) {
        if let Some(timer) = self.keep_alive_mut() {
            timer.note_unsent(unsent);
        }
    }

    /// Notes that unsent bytes were discarded. After the peer's Close these end with our reply.
    pub(crate) fn note_discarded(&mut self) {
        if let Some(ended) = self.cold.as_mut().and_then(|cold| cold.ended.as_mut()) {
            ended.clean &= ended.by != EndedBy::Peer;
        }
    }

    /// Notes that no byte was written since the last call of `handle_timeout`.
    pub(crate) fn note_stalled(&mut self) {
        if let Some(timer) = self.keep_alive_mut() {
            timer.note_stalled();
        }
    }

    /// Notes which Close was first, if the direction has ended.
    pub(crate) fn note_outgoing(&mut self, outgoing: Outgoing) {
        if let Some(ended) = self.cold.as_mut().and_then(|cold| cold.ended.as_mut()) {
            ended.note_outgoing(outgoing);
        }
    }

    /// Ends the direction by a deadline.
    pub(crate) fn time_out(&mut self, timeout: Timeout) -> Error {
        let error = Error::Timeout(timeout);
        self.end(Ended::by_error(error));
        self.observe_ended();
        error
    }

    /// Frees the memory that extensions do not need until the next message, like
    /// [`Connection::release_memory`](crate::Connection::release_memory), for the receiving direction.
    pub fn release_memory(&mut self) {
        self.extensions.release_memory();
    }
}

impl fmt::Debug for ReceiveHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveHalf").field("incoming", &self.incoming).finish_non_exhaustive()
    }
}

//! The sending direction: messages and replies in, bytes out.
//!
//! A whole message takes the fast path: one test of `is_plain`, then the header and the payload are appended to the
//! output. The fast path allocates no memory except for the output, and does not touch a reference count.

mod suspend;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use bytes::{Bytes, BytesMut};
use protocol_websocket_core::{Random, Role, Version};
use protocol_websocket_frame::{
    AsMessage, Close, CloseCode, ExtensionEncoder, Fragmenter, Frame, MaskKey, Message, MessageRef, OpCode, Part,
    Payload,
};

use crate::close_timer::CloseTimer;
use crate::extensions::Encoders;
use crate::observers::{Observers, Piece};
use crate::reply::ReplyKind;
use crate::state::Outgoing;
use crate::timeouts::earlier;
use crate::{Config, Direction, Error, Reply, SendError, State, Timeout};

/// The sending half of a [`Connection`](crate::Connection), for a task or thread of its own.
///
/// It writes messages, and each [`Reply`] of the receiving half that is passed to [`reply`](Self::reply).
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Config, Connection, Negotiated};
///
/// let (_receiver, mut sender) = Connection::open_server(&Negotiated::default(), Config::new()).split();
/// let mut output = BytesMut::new();
/// sender.send("Hello", &mut output)?;
/// assert_eq!(output[..], *b"\x81\x05Hello");
/// # Ok::<_, protocol_websocket_connection::SendError>(())
/// ```
pub struct SendHalf {
    /// The source of mask keys. `None` at a server, which must not mask.
    mask_source: Option<Box<dyn Random>>,
    extensions: Encoders,
    fragmenter: Fragmenter,
    /// The latest pong that was not appended because the output was over the high-water mark.
    pending_pong: Option<Box<Reply>>,
    /// Boxed, because an open connection does not need it.
    cold: Option<Box<ColdSender>>,
    config: Arc<Config>,
    /// The length of the output at which a pong is kept, because it is over the high-water mark.
    congested_len: u32,
    pub(crate) version: Version,
    /// Whether the opening handshake was successful.
    has_opened: bool,
    /// Whether the unfinished message consists of frames of [`send_frame`](Self::send_frame).
    raw_message_open: bool,
    pub(crate) outgoing: Outgoing,
    /// Whether a whole message needs nothing but a header: the direction is open, with length framing, without
    /// extensions, an observer of frames, an unfinished message or a pending pong. Computed again when one of these changes.
    is_plain: bool,
    /// Whether there are observers of frames. They are in `cold`.
    observes_frames: bool,
}

/// The timer of the direction and its observers.
#[derive(Default)]
struct ColdSender {
    /// Created when it is needed.
    close_timer: Option<CloseTimer>,
    observers: Option<Observers>,
}

impl SendHalf {
    /// Creates a half in the state before the handshake.
    pub(crate) fn new(mask_source: Option<Box<dyn Random>>, config: Arc<Config>) -> Self {
        Self {
            mask_source,
            extensions: Encoders::default(),
            fragmenter: Fragmenter::new(),
            pending_pong: None,
            cold: None,
            congested_len: congested_len(config.high_water_mark, 0),
            config,
            version: Version::Rfc6455,
            has_opened: false,
            raw_message_open: false,
            outgoing: Outgoing::Connecting,
            is_plain: false,
            observes_frames: false,
        }
    }

    pub(crate) fn open(&mut self, version: Version) {
        (self.version, self.has_opened) = (version, true);
        self.outgoing.open();
        self.update_fast_path();
    }

    /// Notes that `elsewhere` unsent bytes of a session are not in the output. They count for the high-water mark.
    pub(crate) fn note_elsewhere(&mut self, elsewhere: usize) {
        self.congested_len = congested_len(self.config.high_water_mark, elsewhere);
    }

    /// Notes that `len` bytes were inserted into the output, before a Close that was not written.
    pub(crate) const fn note_inserted(&mut self, len: usize) {
        if let Some(cold) = &mut self.cold
            && let Some(timer) = &mut cold.close_timer
        {
            timer.note_inserted(len);
        }
    }

    /// Sets the observers.
    pub(crate) fn set_observers(&mut self, observers: Observers) {
        self.observes_frames = observers.wants_frames();
        self.cold.get_or_insert_default().observers = Some(observers);
        self.update_fast_path();
    }

    pub(crate) const fn role(&self) -> Role {
        if self.mask_source.is_some() { Role::Client } else { Role::Server }
    }

    pub(crate) const fn extensions(&self) -> &Encoders {
        &self.extensions
    }

    pub(crate) fn add_extension(&mut self, extension: Box<dyn ExtensionEncoder>) {
        self.extensions.push(extension);
        self.update_fast_path();
    }

    fn update_fast_path(&mut self) {
        self.is_plain = self.outgoing == Outgoing::Open
            && self.version.has_length_framing()
            && self.extensions.is_empty()
            && !self.observes_frames
            && !self.fragmenter.is_open()
            && self.pending_pong.is_none();
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //# an endpoint MUST perform the following steps.
    /// Appends a message to `output` in one frame, like [`Connection::send`](crate::Connection::send).
    ///
    /// # Errors
    ///
    /// As [`Connection::send`](crate::Connection::send).
    #[inline]
    pub fn send(&mut self, message: impl AsMessage, output: &mut BytesMut) -> Result<(), SendError> {
        let message = message.as_message();
        if self.is_plain { self.write_message(message, output) } else { self.send_slow(message, output) }
    }

    #[inline]
    fn write_message(&mut self, message: MessageRef<'_>, output: &mut BytesMut) -> Result<(), SendError> {
        let key = self.mask_key();
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
        //# An endpoint MUST encapsulate the /data/ in a WebSocket frame as defined in Section 5.2.
        Ok(Frame::<&[u8]>::from(message).encode(Version::Rfc6455, key, output)?)
    }

    #[inline(never)]
    fn send_slow(&mut self, message: MessageRef<'_>, output: &mut BytesMut) -> Result<(), SendError> {
        self.check_unfinished(true)?;
        self.encode_and_write(Frame::from(message), output)
    }

    /// Writes a data frame that the extensions encode. If it cannot be written, the extensions restart, because the peer
    /// does not receive what they encoded.
    fn encode_and_write(&mut self, frame: Frame<Payload<'_>>, output: &mut BytesMut) -> Result<(), SendError> {
        let payload = self.observed_payload(frame.payload());
        let frame = self.extensions.encode(frame)?;
        let written = self.write(&frame, payload.as_deref(), output);
        if written.is_err() {
            self.extensions.restart();
        }
        written
    }

    /// Returns the payload to report if it may differ from that of the encoded frame.
    #[inline]
    fn observed_payload<P: Clone>(&self, payload: &P) -> Option<P> {
        (self.observes_frames && !self.extensions.is_empty()).then(|| payload.clone())
    }

    /// Reports a frame that was encoded, whose payload was `payload` before the extensions.
    #[cold]
    fn observe<P: AsRef<[u8]>>(&self, frame: &Frame<P>, payload: &[u8]) {
        if let Some(observers) = self.cold.as_ref().and_then(|cold| cold.observers.as_ref()) {
            let piece = Piece::new(frame.opcode(), frame.fin(), payload);
            observers.observe_whole(Direction::Sent, piece.encoded(frame.rsv(), frame.payload().as_ref().len()));
        }
    }

    /// Appends a message to `output` like [`send`](Self::send), and returns a long payload of which it takes ownership, like
    /// [`Connection::send_shared`](crate::Connection::send_shared).
    ///
    /// # Errors
    ///
    /// As [`Connection::send`](crate::Connection::send).
    pub fn send_shared(&mut self, message: impl AsMessage, output: &mut BytesMut) -> Result<Option<Bytes>, SendError> {
        let copies = message.as_message().as_bytes().len() < Frame::MIN_SHARED || !self.version.has_length_framing();
        let owned = if copies { Err(message) } else { message.try_into_message() };
        match owned {
            Ok(message) => self.send_long(message, output),
            Err(message) => self.send(message, output).map(|()| None),
        }
    }

    #[inline(never)]
    fn send_long(&mut self, message: Message, output: &mut BytesMut) -> Result<Option<Bytes>, SendError> {
        self.check_unfinished(true)?;
        let frame = Frame::from(message);
        let payload = self.observed_payload(frame.payload());
        let mut frame =
            if self.extensions.is_empty() { frame } else { self.extensions.encode(frame.into())?.into_owned() };
        self.write_pending_pong(output);
        // Reported before the payload is moved or masked in place. The encoding of such a frame cannot fail.
        if self.observes_frames {
            self.observe(&frame, payload.as_deref().unwrap_or(frame.payload()));
        }
        drop(payload);
        let encoded = self.encode_shared(&mut frame, output);
        if encoded.is_err() {
            self.extensions.restart();
        }
        encoded
    }

    fn encode_shared(&mut self, frame: &mut Frame, output: &mut BytesMut) -> Result<Option<Bytes>, SendError> {
        let key = self.mask_key();
        Ok(frame.encode_shared(self.version, key, output)?)
    }

    /// Appends a part of a message to `output`, like [`Connection::send_part`](crate::Connection::send_part).
    ///
    /// # Errors
    ///
    /// As [`Connection::send_part`](crate::Connection::send_part).
    pub fn send_part(&mut self, part: Part, output: &mut BytesMut) -> Result<(), SendError> {
        self.check_unfinished(self.raw_message_open)?;
        let before = self.fragmenter.clone();
        let frame = self.fragmenter.frame(part)?;
        self.raw_message_open = false;
        let written = self.encode_and_write(frame.into(), output);
        if written.is_err() {
            // A part that was not sent does not belong to the message.
            self.fragmenter = before;
        }
        self.update_fast_path();
        written
    }

    /// Appends a frame to `output` without applying the extensions, like
    /// [`Connection::send_frame`](crate::Connection::send_frame).
    ///
    /// # Errors
    ///
    /// As [`Connection::send_frame`](crate::Connection::send_frame).
    pub fn send_frame(&mut self, frame: &Frame, output: &mut BytesMut) -> Result<(), SendError> {
        match frame.opcode() {
            OpCode::Pong => return self.pong(frame.payload().clone(), output),
            OpCode::Ping => return self.write(frame, None, output),
            OpCode::Close => return self.write_close(frame, output),
            OpCode::Continuation | OpCode::Text | OpCode::Binary => {}
        }
        self.send_encoded(frame, None, output)
    }

    /// Appends a data frame to `output` without applying the extensions. Observers get `payload` if it is not `None`.
    pub(crate) fn send_encoded(
        &mut self,
        frame: &Frame,
        payload: Option<&[u8]>,
        output: &mut BytesMut,
    ) -> Result<(), SendError> {
        self.send_raw(frame, |this| this.write(frame, payload, output))
    }

    /// Appends a data frame like [`send_encoded`](Self::send_encoded), and returns a long payload instead of copying it.
    pub(crate) fn send_encoded_shared(
        &mut self,
        mut frame: Frame,
        payload: &[u8],
        output: &mut BytesMut,
    ) -> Result<Option<Bytes>, SendError> {
        self.send_raw(&frame.clone(), |this| {
            this.check_open()?;
            this.write_pending_pong(output);
            if this.observes_frames {
                this.observe(&frame, payload);
            }
            this.encode_shared(&mut frame, output)
        })
    }

    /// Writes a data frame that the extensions do not encode by `write`.
    fn send_raw<T>(
        &mut self,
        frame: &Frame,
        write: impl FnOnce(&mut Self) -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        self.check_unfinished(!self.raw_message_open)?;
        let before = self.fragmenter.clone();
        self.fragmenter.record_fragment(frame)?;
        self.raw_message_open = true;
        let written = write(self);
        if written.is_err() {
            self.fragmenter = before;
        } else if !frame.rsv().is_none() {
            // The peer's extensions decode the frame as if ours had encoded it.
            self.extensions.restart();
        }
        self.update_fast_path();
        written
    }

    /// Appends a Ping to `output`, like [`Connection::ping`](crate::Connection::ping).
    ///
    /// # Errors
    ///
    /// As [`Connection::ping`](crate::Connection::ping).
    pub fn ping(&mut self, payload: impl AsRef<[u8]>, output: &mut BytesMut) -> Result<(), SendError> {
        self.write(&Frame::lent(OpCode::Ping, payload.as_ref()), None, output)
    }

    /// Appends a Pong to `output`, like [`Connection::pong`](crate::Connection::pong).
    ///
    /// # Errors
    ///
    /// As [`Connection::pong`](crate::Connection::pong).
    pub fn pong(&mut self, payload: impl AsRef<[u8]>, output: &mut BytesMut) -> Result<(), SendError> {
        self.note_written(output);
        let written = self.write_pong(payload.as_ref(), output);
        self.note_queued(output);
        written
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.2
    //# an endpoint MUST send a Close control frame, as described in Section 5.5.1, whose status
    //# code is set to /code/
    /// Appends a Close to `output`, like [`Connection::close`](crate::Connection::close).
    ///
    /// # Errors
    ///
    /// As [`Connection::close`](crate::Connection::close).
    pub fn close(&mut self, close: impl Into<Option<Close>>, output: &mut BytesMut) -> Result<(), SendError> {
        let frame = Frame::close(close)?;
        let frame = if self.version.has_length_framing() { frame } else { frame.with_payload(Bytes::new()) };
        self.write_close(&frame, output)
    }

    /// Appends the reply to an event, an error or a timeout of the receiving half to `output`. Pass replies in the
    /// order of their events.
    ///
    /// A reply that must not be sent any more is dropped: a second Close, and every reply after that to the peer's
    /// Close. While `output` is over the [high-water mark](Config::high_water_mark), only the latest pong
    /// is kept, and [`flush`](Self::flush) appends it later.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Event, Negotiated};
    ///
    /// let (_receiver, mut sender) = Connection::open_server(&Negotiated::default(), Config::new()).split();
    /// let mut output = BytesMut::new();
    /// // The receiving half returned this event in another task.
    /// let event = Event::Ping("hi".into());
    /// if let Some(reply) = event.reply() {
    ///     sender.reply(reply, &mut output);
    /// }
    /// assert_eq!(output[..], *b"\x8A\x02hi");
    /// ```
    pub fn reply(&mut self, reply: Reply, output: &mut BytesMut) {
        self.write_reply(reply.kind, reply.payload(), output);
    }

    /// Writes a reply, whose payload may still be in an event.
    pub(crate) fn write_reply(&mut self, kind: ReplyKind, payload: &[u8], output: &mut BytesMut) {
        self.note_written(output);
        match kind {
            // The connection may have been closed meanwhile.
            ReplyKind::Ping => drop(self.ping(payload, output)),
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3
            //# If an endpoint receives a Ping frame and has not yet sent Pong
            //# frame(s) in response to previous Ping frame(s), the endpoint MAY
            //# elect to send a Pong frame for only the most recently processed Ping
            //# frame.
            ReplyKind::Pong if self.is_congested(output) => {
                self.pending_pong = Reply::pong(payload).map(Box::new);
                self.update_fast_path();
            }
            ReplyKind::Pong => drop(self.write_pong(payload, output)),
            ReplyKind::Close => self.end(payload, output),
            ReplyKind::Failure => {
                self.end(payload, output);
                self.stop_awaiting_eof();
            }
            ReplyKind::Ended => self.end_of_transport(),
        }
        self.note_queued(output);
    }

    /// Ends the direction, because the transport or the handshake has ended.
    pub(crate) fn end_of_transport(&mut self) {
        self.outgoing.end();
        self.pending_pong = None;
        self.stop_awaiting_eof();
        self.update_fast_path();
    }

    /// Writes a Close, unless one was sent before, and ends the direction.
    fn end(&mut self, payload: &[u8], output: &mut BytesMut) {
        let payload = if self.version.has_length_framing() { payload } else { &[] };
        // This fails if our Close was sent before, because only one Close is sent.
        let _ = self.write(&Frame::lent(OpCode::Close, payload), None, output);
        self.pending_pong = None;
        self.outgoing.end();
        self.update_fast_path();
    }

    /// Creates the timer if it does not exist. Returns `None` without a timeout.
    #[inline(never)]
    fn close_timer(&mut self) -> Option<&mut CloseTimer> {
        if self.existing_close_timer().is_none() {
            self.cold.get_or_insert_default().close_timer = Some(self.new_close_timer()?);
        }
        self.cold.as_mut()?.close_timer.as_mut()
    }

    fn existing_close_timer(&self) -> Option<&CloseTimer> {
        self.cold.as_ref()?.close_timer.as_ref()
    }

    fn new_close_timer(&self) -> Option<CloseTimer> {
        let timeout = self.config.timeouts.close.filter(|_| self.has_opened)?;
        Some(CloseTimer::new(timeout, self.role() == Role::Client))
    }

    fn stop_awaiting_eof(&mut self) {
        if let Some(timer) = self.close_timer() {
            timer.stop_awaiting_eof();
        }
    }

    /// Notes which bytes of `output` were written, and appends a pong that was kept. Call it after every write, also
    /// after a write of only a part of `output`: otherwise the deadline for the peer's Close starts late. See
    /// [`Connection::flush`](crate::Connection::flush).
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Event, Negotiated};
    ///
    /// let config = Config::new().high_water_mark(4);
    /// let (_receiver, mut sender) = Connection::open_server(&Negotiated::default(), config).split();
    /// let mut output = BytesMut::new();
    /// sender.send("Hello", &mut output)?;
    /// sender.reply(Event::Ping("hi".into()).reply().expect("a pong"), &mut output); // kept
    /// output.clear(); // written
    /// sender.flush(&mut output);
    /// assert_eq!(output[..], *b"\x8A\x02hi");
    /// # Ok::<_, protocol_websocket_connection::SendError>(())
    /// ```
    pub fn flush(&mut self, output: &mut BytesMut) {
        self.note_written(output);
        self.write_pending_pong(output);
        self.note_queued(output);
    }

    /// Returns the time of the next [`handle_timeout`](Self::handle_timeout), like
    /// [`Connection::poll_timeout`](crate::Connection::poll_timeout), or `None` while no deadline of this half runs.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let state = self.state();
        earlier(self.poll_close_timer(state), self.poll_idle(state))
    }

    /// Returns when the extensions free memory if they stay idle.
    pub(crate) fn poll_idle(&self, state: State) -> Option<Duration> {
        self.extensions.poll_idle(self.config.timeouts.release_memory.filter(|_| state == State::Open))
    }

    /// Frees memory of the extensions if they were idle until the time `now`.
    pub(crate) fn handle_idle(&mut self, now: Duration, state: State) {
        self.extensions.handle_idle(now, self.config.timeouts.release_memory.filter(|_| state == State::Open));
    }

    /// Returns the deadline of `state`.
    pub(crate) fn poll_close_timer(&self, state: State) -> Option<Duration> {
        match self.existing_close_timer() {
            Some(timer) => timer.poll(state),
            None => self.new_close_timer()?.poll(state),
        }
    }

    /// Handles the deadlines of this half, [`Timeouts::close`](crate::Timeouts::close) and
    /// [`release_memory`](crate::Timeouts#structfield.release_memory), if they are due at the time `now`.
    /// See [`Connection::handle_timeout`](crate::Connection::handle_timeout).
    ///
    /// ```
    /// use core::time::Duration;
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Error, Negotiated, Timeout, Timeouts};
    ///
    /// let config = Config::new().timeouts(Timeouts::RECOMMENDED);
    /// let (_receiver, mut sender) = Connection::open_server(&Negotiated::default(), config).split();
    /// let mut output = BytesMut::new();
    /// sender.close(None, &mut output)?;
    /// output.clear(); // written
    /// sender.handle_timeout(Duration::ZERO, &mut output)?;
    /// assert_eq!(sender.poll_timeout(), Some(Duration::from_secs(10)));
    /// let late = sender.handle_timeout(Duration::from_secs(10), &mut output);
    /// assert_eq!(late, Err(Error::Timeout(Timeout::Close)));
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] with [`Timeout::Close`] or [`Timeout::Eof`]: close the transport.
    pub fn handle_timeout(&mut self, now: Duration, output: &mut BytesMut) -> Result<(), Error> {
        let unsent = output.len();
        self.write_pending_pong(output);
        self.handle_idle(now, self.state());
        let handled = self.handle_close_timeout(now, self.state(), unsent, output);
        Ok(handled?)
    }

    /// Handles the deadline of `state`. `unsent` is the length that the output had before this call.
    pub(crate) fn handle_close_timeout(
        &mut self,
        now: Duration,
        state: State,
        unsent: usize,
        output: &mut BytesMut,
    ) -> Result<(), Timeout> {
        let is_needed = matches!(state, State::Closing | State::Closed);
        let timer = if is_needed { self.close_timer() } else { None };
        let handled = timer.map_or(Ok(()), |timer| timer.handle(now, state, unsent));
        if handled.is_err() {
            self.stop_awaiting_eof();
        }
        if handled == Err(Timeout::Close) {
            // This writes a Close only if the receiving half has failed and its reply was not passed to this half.
            self.end(&CloseCode::INTERNAL_ERROR.0.to_be_bytes(), output);
            self.time_out();
        }
        self.note_queued(output);
        handled
    }

    /// Ends the direction, because the deadline for the peer's Close passed.
    pub(crate) fn time_out(&mut self) {
        self.outgoing.time_out();
        self.update_fast_path();
    }

    /// Returns the state as far as this direction shows it.
    fn state(&self) -> State {
        match self.outgoing {
            Outgoing::Connecting => State::Connecting,
            Outgoing::Open => State::Open,
            Outgoing::Closing => State::Closing,
            Outgoing::Closed | Outgoing::ClosedFirst | Outgoing::TimedOut => State::Closed,
        }
    }

    /// Frees the memory that extensions do not need until the next message, like
    /// [`Connection::release_memory`](crate::Connection::release_memory), for the sending direction.
    pub fn release_memory(&mut self) {
        self.extensions.release_memory();
    }

    /// Returns whether a Close was sent, or nothing can be sent any more. After our own Close, pongs can still be sent.
    /// Close the transport once the receiving half has received the peer's Close, too.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.outgoing.is_closed()
    }

    /// Notes how much of the output was written since the last call. It must be called before anything is appended.
    fn note_written(&mut self, output: &BytesMut) {
        if let Some(cold) = &mut self.cold
            && let Some(timer) = &mut cold.close_timer
        {
            timer.note_written(output.len());
        }
    }

    /// Notes the length of the output, once our Close is in it. It must be called after everything that may append a
    /// Close, or a pong after the Close.
    fn note_queued(&mut self, output: &BytesMut) {
        if self.outgoing.is_closed()
            && let Some(timer) = self.close_timer()
        {
            timer.note_queued(output.len());
        }
    }

    /// Returns whether a pong was kept, and the output is no longer over the high-water mark.
    #[inline]
    fn is_pong_due(&self, output: &BytesMut) -> bool {
        self.pending_pong.is_some() && !self.is_congested(output)
    }

    fn is_congested(&self, output: &BytesMut) -> bool {
        output.len() >= usize::try_from(self.congested_len).unwrap_or(usize::MAX)
    }

    #[inline]
    pub(crate) fn write_pending_pong(&mut self, output: &mut BytesMut) {
        if self.is_pong_due(output) {
            self.write_due_pong(output);
        }
    }

    #[cold]
    fn write_due_pong(&mut self, output: &mut BytesMut) {
        if let Some(pong) = self.pending_pong.take() {
            // The connection may have been closed meanwhile.
            let _ = self.write_pong(pong.payload(), output);
            self.update_fast_path();
        }
    }

    fn write_pong(&mut self, payload: &[u8], output: &mut BytesMut) -> Result<(), SendError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2
        //# Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in
        //# response, unless it already received a Close frame.
        match self.outgoing {
            Outgoing::Connecting => Err(SendError::NotOpen),
            Outgoing::Open | Outgoing::Closing => self.encode(&Frame::lent(OpCode::Pong, payload), None, output),
            Outgoing::Closed | Outgoing::ClosedFirst | Outgoing::TimedOut => Err(SendError::Closed),
        }
    }

    /// Writes a Close that is not a reply.
    fn write_close(&mut self, frame: &Frame, output: &mut BytesMut) -> Result<(), SendError> {
        self.note_written(output);
        let written = self.write(frame, None, output);
        if written.is_ok() {
            self.outgoing.close();
            self.update_fast_path();
            if let Some(observers) = self.cold.as_ref().and_then(|cold| cold.observers.as_ref()) {
                observers.note_closed_first();
            }
        }
        self.note_queued(output);
        written
    }

    /// Writes a frame. Observers get `payload` instead of that of the frame if it is not `None`.
    fn write<P: AsRef<[u8]>>(
        &mut self,
        frame: &Frame<P>,
        payload: Option<&[u8]>,
        output: &mut BytesMut,
    ) -> Result<(), SendError> {
        self.check_open()?;
        self.write_pending_pong(output);
        self.encode(frame, payload, output)
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //# If the data is being sent by the client, the frame(s) MUST be masked as defined in Section
    //# 5.3.
    fn encode<P: AsRef<[u8]>>(
        &mut self,
        frame: &Frame<P>,
        payload: Option<&[u8]>,
        output: &mut BytesMut,
    ) -> Result<(), SendError> {
        let key = self.mask_key();
        let encoded = frame.encode(self.version, key, output);
        if self.observes_frames && encoded.is_ok() {
            self.observe(frame, payload.unwrap_or(frame.payload().as_ref()));
        }
        Ok(encoded?)
    }

    /// Checks that the direction is open and, if the next frame `interrupts` an unfinished message, that there is none.
    fn check_unfinished(&self, interrupts: bool) -> Result<(), SendError> {
        self.check_open()?;
        if interrupts && self.fragmenter.is_open() { Err(SendError::MessageUnfinished) } else { Ok(()) }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //# The endpoint MUST ensure the WebSocket connection is in the OPEN state
    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //# If at any point the state of the WebSocket connection changes, the endpoint MUST abort the
    //# following steps.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# the client MUST wait for a response from the server before sending any further data.
    fn check_open(&self) -> Result<(), SendError> {
        match self.outgoing {
            Outgoing::Open => Ok(()),
            Outgoing::Connecting => Err(SendError::NotOpen),
            Outgoing::Closing | Outgoing::Closed | Outgoing::ClosedFirst | Outgoing::TimedOut => Err(SendError::Closed),
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
    //# The masking key is a 32-bit value chosen at random by the client.
    //# When preparing a masked frame, the client MUST pick a fresh masking
    //# key from the set of allowed 32-bit values.
    #[inline]
    fn mask_key(&mut self) -> Option<MaskKey> {
        let random = self.mask_source.as_mut()?;
        let mut key = [0; 4];
        //= https://www.rfc-editor.org/rfc/rfc6455#section-10.3
        //# Clients MUST choose a new masking key for each frame, using an algorithm that cannot be
        //# predicted by end applications
        random.fill(&mut key);
        Some(MaskKey(key))
    }
}

impl fmt::Debug for SendHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendHalf").field("outgoing", &self.outgoing).finish_non_exhaustive()
    }
}

fn congested_len(high_water_mark: usize, elsewhere: usize) -> u32 {
    u32::try_from(high_water_mark.saturating_add(1).saturating_sub(elsewhere)).unwrap_or(u32::MAX)
}

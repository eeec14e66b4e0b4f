use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use bytes::{Bytes, BytesMut};
use protocol_websocket_frame::{Close, CloseCode, Frame, Message, Part};
use protocol_websocket_http::Negotiated;

use crate::timers::{Due, Timers};
use crate::{Config, Connection, Error, Event, SendError, State};

/// A connection from its first byte: the opening handshake, and then a [`Connection`].
///
/// [`Client`](crate::Client) and [`Server`](crate::Server) are the two of them; they differ in how they begin, and in
/// nothing behind the handshake. The order of calls is that of [`Connection`].
pub struct Endpoint<H>(Phase<H>);

enum Phase<H> {
    Connecting(Box<Connecting<H>>),
    /// Open, and [`Event::Open`] has not told it yet.
    Opened(Box<(Connection, Negotiated)>),
    Open(Connection),
    /// Over, perhaps by an error. What still comes is thrown away.
    Over(Option<Error>),
    /// Over, by an answer whose body is the caller's.
    Refused,
}

struct Connecting<H> {
    handshake: H,
    config: Config,
    timers: Option<Timers>,
}

/// One side of the opening handshake.
pub trait Handshake {
    /// Takes the next step that the bytes allow.
    ///
    /// # Errors
    ///
    /// When the peer broke a rule. What to tell it is in `output`.
    fn receive(&mut self, config: &Config, input: &mut BytesMut, output: &mut BytesMut) -> Result<Step, Error>;

    /// Tells the peer that it took too long, if it can be told.
    fn time_out(&self, output: &mut BytesMut);
}

/// Where a step of the handshake led.
#[derive(Debug)]
pub enum Step {
    /// Nowhere yet.
    Wait,
    /// To something that the caller has to see.
    Event(Event),
    /// To an answer that is no connection. Its body follows.
    Refused(Event),
    /// To a connection.
    Open(Connection, Negotiated),
}

impl<H: Handshake> Endpoint<H> {
    pub(crate) fn begin(handshake: H, config: Config) -> Self {
        let timers = Timers::new(config.timeouts, false);
        Self(Phase::Connecting(Box::new(Connecting { handshake, config, timers })))
    }

    /// Takes the next event from the front of `input`; what the protocol has us answer goes to `output`. Call it until
    /// it gives `None`, which means that more bytes are needed, that an answer is ([`Event::Upgrade`]), or that it is
    /// over.
    ///
    /// # Errors
    ///
    /// When the peer broke a rule: what to tell it is in `output` then, and each later call gives the same error.
    #[inline(always)]
    pub fn receive(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<Event>, Error> {
        if let Phase::Open(connection) = &mut self.0 {
            return connection.receive(input, output);
        }
        let mut event = None;
        self.receive_not_open(input, output, &mut event)?;
        Ok(event)
    }

    #[inline(never)]
    fn receive_not_open(
        &mut self,
        input: &mut BytesMut,
        output: &mut BytesMut,
        event: &mut Option<Event>,
    ) -> Result<(), Error> {
        match &mut self.0 {
            Phase::Open(connection) => connection.receive_any(input, output, event)?,
            Phase::Connecting(_) => *event = self.receive_handshake(input, output)?,
            Phase::Opened(_) => *event = self.tell_opened(),
            Phase::Over(error) => {
                input.clear();
                error.map_or(Ok(()), Err)?;
            }
            Phase::Refused => {}
        }
        Ok(())
    }

    fn tell_opened(&mut self) -> Option<Event> {
        match core::mem::replace(&mut self.0, Phase::Refused) {
            Phase::Opened(opened) => {
                let (connection, negotiated) = *opened;
                self.0 = Phase::Open(connection);
                Some(Event::Open(negotiated))
            }
            other => {
                self.0 = other;
                None
            }
        }
    }

    fn receive_handshake(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<Event>, Error> {
        let Phase::Connecting(connecting) = &mut self.0 else { return Ok(None) };
        let Connecting { handshake, config, .. } = &mut **connecting;
        match handshake.receive(config, input, output) {
            Ok(Step::Wait) => Ok(None),
            Ok(Step::Event(event)) => Ok(Some(event)),
            Ok(Step::Refused(event)) => {
                self.0 = Phase::Refused;
                Ok(Some(event))
            }
            Ok(Step::Open(connection, negotiated)) => {
                self.0 = Phase::Open(connection);
                Ok(Some(Event::Open(negotiated)))
            }
            Err(error) => {
                input.clear();
                self.0 = Phase::Over(Some(error));
                Err(error)
            }
        }
    }

    /// Takes note that the transport has nothing more to read: as [`Connection::receive_eof`].
    ///
    /// # Errors
    ///
    /// [`Error::UnexpectedEof`], once, when it ended before the handshake was done or without a Close.
    pub fn receive_eof(&mut self) -> Result<(), Error> {
        if let Some(connection) = self.connection_mut() {
            return connection.receive_eof();
        }
        let early = matches!(self.0, Phase::Connecting(_));
        if early {
            self.0 = Phase::Over(None);
        }
        if early { Err(Error::UnexpectedEof) } else { Ok(()) }
    }

    /// As [`Connection::flush`].
    pub fn flush(&mut self, output: &mut BytesMut) {
        if let Some(connection) = self.connection_mut() {
            connection.flush(output);
        }
    }

    /// As [`Connection::send`].
    ///
    /// # Errors
    ///
    /// As [`Connection::send`], and before the handshake is done.
    #[inline]
    pub fn send(&mut self, message: impl Into<Message>, output: &mut BytesMut) -> Result<(), SendError> {
        self.open()?.send(message, output)
    }

    /// As [`Connection::send_vectored`].
    ///
    /// # Errors
    ///
    /// As [`Connection::send`], and before the handshake is done.
    pub fn send_vectored(&mut self, message: impl Into<Message>, output: &mut BytesMut) -> Result<Bytes, SendError> {
        self.open()?.send_vectored(message, output)
    }

    /// As [`Connection::send_part`].
    ///
    /// # Errors
    ///
    /// As [`Connection::send_part`], and before the handshake is done.
    pub fn send_part(&mut self, part: Part, output: &mut BytesMut) -> Result<(), SendError> {
        self.open()?.send_part(part, output)
    }

    /// As [`Connection::send_frame`].
    ///
    /// # Errors
    ///
    /// As [`Connection::send_frame`], and before the handshake is done.
    pub fn send_frame(&mut self, frame: &Frame, output: &mut BytesMut) -> Result<(), SendError> {
        self.open()?.send_frame(frame, output)
    }

    /// As [`Connection::ping`].
    ///
    /// # Errors
    ///
    /// As [`Connection::ping`], and before the handshake is done.
    pub fn ping(&mut self, payload: impl Into<Bytes>, output: &mut BytesMut) -> Result<(), SendError> {
        self.open()?.ping(payload, output)
    }

    /// As [`Connection::pong`].
    ///
    /// # Errors
    ///
    /// As [`Connection::pong`], and before the handshake is done.
    pub fn pong(&mut self, payload: impl Into<Bytes>, output: &mut BytesMut) -> Result<(), SendError> {
        self.open()?.pong(payload, output)
    }

    /// As [`Connection::close`].
    ///
    /// # Errors
    ///
    /// As [`Connection::close`], and before the handshake is done.
    pub fn close(&mut self, close: impl Into<Option<Close>>, output: &mut BytesMut) -> Result<(), SendError> {
        self.open()?.close(close, output)
    }

    /// As [`Connection::release_memory`].
    pub fn release_memory(&mut self) {
        if let Some(connection) = self.connection_mut() {
            connection.release_memory();
        }
    }

    /// Where the connection stands.
    #[must_use]
    pub fn state(&self) -> State {
        match (self.connection(), &self.0) {
            (Some(connection), _) => connection.state(),
            (None, Phase::Connecting(_)) => State::Connecting,
            (None, _) => State::Closed,
        }
    }

    /// As [`Connection::close_code`]: 1006 if the connection never opened.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        match (self.connection(), &self.0) {
            (Some(connection), _) => connection.close_code(),
            (None, Phase::Connecting(_)) => None,
            (None, _) => Some(CloseCode::ABNORMAL),
        }
    }

    /// As [`Connection::poll_timeout`]. No deadline runs after `Event::Rejected` and `Event::Redirect`: the caller limits
    /// how long it reads the body of the response.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        match &self.0 {
            Phase::Connecting(connecting) => connecting.timers.as_ref()?.poll(State::Connecting),
            _ => self.connection()?.poll_timeout(),
        }
    }

    /// As [`Connection::handle_timeout`].
    ///
    /// # Errors
    ///
    /// As [`Connection::handle_timeout`]. To a client whose handshake took too long a server says 408.
    pub fn handle_timeout(&mut self, now: Duration, output: &mut BytesMut) -> Result<(), Error> {
        if let Some(connection) = self.connection_mut() {
            return connection.handle_timeout(now, output);
        }
        let Phase::Connecting(connecting) = &mut self.0 else { return Ok(()) };
        let due = connecting.timers.as_mut().and_then(|timers| timers.handle(now, State::Connecting, 0));
        let Some(Due::Timeout(timeout)) = due else { return Ok(()) };
        connecting.handshake.time_out(output);
        self.0 = Phase::Over(Some(Error::Timeout(timeout)));
        Err(Error::Timeout(timeout))
    }

    /// The connection, once the handshake is done: to split it, or to hand it on. An [`Event::Open`] that was not
    /// fetched is lost with the rest.
    #[must_use]
    pub fn into_connection(self) -> Option<Connection> {
        match self.0 {
            Phase::Open(connection) => Some(connection),
            Phase::Opened(opened) => Some(opened.0),
            Phase::Connecting(_) | Phase::Over(_) | Phase::Refused => None,
        }
    }

    fn connection(&self) -> Option<&Connection> {
        match &self.0 {
            Phase::Open(connection) => Some(connection),
            Phase::Opened(opened) => Some(&opened.0),
            Phase::Connecting(_) | Phase::Over(_) | Phase::Refused => None,
        }
    }

    fn connection_mut(&mut self) -> Option<&mut Connection> {
        match &mut self.0 {
            Phase::Open(connection) => Some(connection),
            Phase::Opened(opened) => Some(&mut opened.0),
            Phase::Connecting(_) | Phase::Over(_) | Phase::Refused => None,
        }
    }

    fn open(&mut self) -> Result<&mut Connection, SendError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# the client MUST wait for a response from the server before sending any further data.
        let refused = if matches!(self.0, Phase::Connecting(_)) { SendError::NotOpen } else { SendError::Closed };
        self.connection_mut().ok_or(refused)
    }
}

#[cfg(feature = "server")]
impl<H> Endpoint<H> {
    /// The handshake and the configuration, while it is under way.
    pub(crate) fn connecting(&mut self) -> Result<(&mut H, &Config), SendError> {
        match &mut self.0 {
            Phase::Connecting(connecting) => Ok((&mut connecting.handshake, &connecting.config)),
            Phase::Opened(_) | Phase::Open(_) => Err(SendError::AlreadyOpen),
            Phase::Over(_) | Phase::Refused => Err(SendError::Closed),
        }
    }

    /// The handshake is done, by our doing.
    pub(crate) fn opened(&mut self, connection: Connection, negotiated: Negotiated) {
        self.0 = Phase::Opened(Box::new((connection, negotiated)));
    }

    /// It is over, by our doing.
    pub(crate) fn over(&mut self) {
        self.0 = Phase::Over(None);
    }
}

impl<H: Handshake> fmt::Debug for Endpoint<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("state", &self.state()).finish_non_exhaustive()
    }
}

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use bytes::{Bytes, BytesMut};
use protocol_websocket_frame::{Close, CloseCode, Message, Part};
use protocol_websocket_http::Negotiated;

use crate::timers::{Due, Timers};
use crate::{Config, Connection, Error, Event, SendError, State};

/// A connection from its first byte: the opening handshake, and then a [`Connection`].
///
/// [`Client`](crate::Client) and [`Server`](crate::Server) are the two of them; they differ in how they begin, and in
/// nothing behind the handshake. The order of calls is that of [`Connection`].
pub struct Endpoint<H> {
    phase: Phase<H>,
    /// What was agreed on, until [`Event::Open`] has told it.
    opened: Option<Box<Negotiated>>,
}

enum Phase<H> {
    Connecting(Box<Connecting<H>>),
    Open(Connection),
    Over(Option<Error>),
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
    /// To an end without a connection.
    Over(Event),
    /// To a connection.
    Open(Connection, Negotiated),
}

impl<H: Handshake> Endpoint<H> {
    pub(crate) fn begin(handshake: H, config: Config) -> Self {
        let timers = Timers::new(config.timeouts);
        Self { phase: Phase::Connecting(Box::new(Connecting { handshake, config, timers })), opened: None }
    }

    /// Takes the next event from the front of `input`; what the protocol has us answer goes to `output`. Call it until
    /// it gives `None`, which means that more bytes are needed, that an answer is ([`Event::Upgrade`]), or that it is
    /// over.
    ///
    /// # Errors
    ///
    /// When the peer broke a rule: what to tell it is in `output` then, and each later call gives the same error.
    #[inline]
    pub fn receive(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<Event>, Error> {
        if let Some(negotiated) = self.opened.take() {
            return Ok(Some(Event::Open(*negotiated)));
        }
        match &mut self.phase {
            Phase::Open(connection) => connection.receive(input, output),
            Phase::Connecting(_) => self.receive_handshake(input, output),
            Phase::Over(error) => error.map_or(Ok(None), Err),
        }
    }

    fn receive_handshake(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<Event>, Error> {
        let Phase::Connecting(connecting) = &mut self.phase else { return Ok(None) };
        let Connecting { handshake, config, .. } = &mut **connecting;
        match handshake.receive(config, input, output) {
            Ok(Step::Wait) => Ok(None),
            Ok(Step::Event(event)) => Ok(Some(event)),
            Ok(Step::Over(event)) => {
                self.phase = Phase::Over(None);
                Ok(Some(event))
            }
            Ok(Step::Open(connection, negotiated)) => {
                self.phase = Phase::Open(connection);
                Ok(Some(Event::Open(negotiated)))
            }
            Err(error) => {
                input.clear();
                self.phase = Phase::Over(Some(error));
                Err(error)
            }
        }
    }

    /// Takes note that the transport has nothing more to read.
    ///
    /// # Errors
    ///
    /// [`Error::UnexpectedEof`], once, when it ended before the handshake was done or without a Close.
    pub fn receive_eof(&mut self) -> Result<(), Error> {
        match &mut self.phase {
            Phase::Open(connection) => connection.receive_eof(),
            Phase::Connecting(_) => {
                self.phase = Phase::Over(None);
                Err(Error::UnexpectedEof)
            }
            Phase::Over(_) => Ok(()),
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

    /// Where the connection stands.
    #[must_use]
    pub fn state(&self) -> State {
        match &self.phase {
            Phase::Connecting(_) => State::Connecting,
            Phase::Open(connection) => connection.state(),
            Phase::Over(_) => State::Closed,
        }
    }

    /// As [`Connection::close_code`]: 1006 if the connection never opened.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        match &self.phase {
            Phase::Connecting(_) => None,
            Phase::Open(connection) => connection.close_code(),
            Phase::Over(_) => Some(CloseCode::ABNORMAL),
        }
    }

    /// As [`Connection::poll_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Connecting(connecting) => connecting.timers.as_ref()?.poll(State::Connecting),
            Phase::Open(connection) => connection.poll_timeout(),
            Phase::Over(_) => None,
        }
    }

    /// As [`Connection::handle_timeout`].
    ///
    /// # Errors
    ///
    /// As [`Connection::handle_timeout`]. To a client whose handshake took too long a server says 408.
    pub fn handle_timeout(&mut self, now: Duration, output: &mut BytesMut) -> Result<(), Error> {
        match &mut self.phase {
            Phase::Open(connection) => connection.handle_timeout(now, output),
            Phase::Connecting(connecting) => {
                let due = connecting.timers.as_mut().and_then(|timers| timers.handle(now, State::Connecting));
                let Some(Due::Timeout(timeout)) = due else { return Ok(()) };
                connecting.handshake.time_out(output);
                self.phase = Phase::Over(Some(Error::Timeout(timeout)));
                Err(Error::Timeout(timeout))
            }
            Phase::Over(_) => Ok(()),
        }
    }

    /// The connection, once the handshake is done: to split it, or to hand it on. An [`Event::Open`] that was not
    /// fetched is lost with the rest.
    #[must_use]
    pub fn into_connection(self) -> Option<Connection> {
        match self.phase {
            Phase::Open(connection) => Some(connection),
            Phase::Connecting(_) | Phase::Over(_) => None,
        }
    }

    fn open(&mut self) -> Result<&mut Connection, SendError> {
        match &mut self.phase {
            Phase::Open(connection) => Ok(connection),
            Phase::Connecting(_) => Err(SendError::Connecting),
            Phase::Over(_) => Err(SendError::Closed),
        }
    }
}

#[cfg(feature = "server")]
impl<H> Endpoint<H> {
    /// The handshake and the configuration, while it is under way.
    pub(crate) fn connecting(&mut self) -> Result<(&mut H, &Config), SendError> {
        match &mut self.phase {
            Phase::Connecting(connecting) => Ok((&mut connecting.handshake, &connecting.config)),
            Phase::Open(_) => Err(SendError::Open),
            Phase::Over(_) => Err(SendError::Closed),
        }
    }

    /// The handshake is done, by our doing.
    pub(crate) fn opened(&mut self, connection: Connection, negotiated: Negotiated) {
        self.phase = Phase::Open(connection);
        self.opened = Some(Box::new(negotiated));
    }

    /// It is over, by our doing.
    pub(crate) fn over(&mut self) {
        self.phase = Phase::Over(None);
    }
}

impl<H: Handshake> fmt::Debug for Endpoint<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("state", &self.state()).finish_non_exhaustive()
    }
}

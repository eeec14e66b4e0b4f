use bytes::BytesMut;
use protocol_websocket_handshake_server::{Accepted, AwaitingKey3, ServerHandshake, Upgrade};
use protocol_websocket_http::{Accept, Reject};

use crate::endpoint::{Endpoint, Handshake, Step};
use crate::{Config, Connection, Error, Event, SendError};

/// A server's connection, from the client's first byte on.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Accept, Config, Error, Event, SendError, Server};
///
/// /// What arrived is in `input`; what is to be sent is in `output` afterwards.
/// fn echo(server: &mut Server, input: &mut BytesMut, output: &mut BytesMut) -> Result<(), Box<dyn std::error::Error>> {
///     while let Some(event) = server.receive(input, output)? {
///         match event {
///             Event::Upgrade(upgrade) => server.accept(upgrade, &Accept::new(), output)?,
///             Event::Message(message) => server.send(message, output)?,
///             _ => {}
///         }
///     }
///     Ok(())
/// }
///
/// let mut input = BytesMut::from(concat!(
///     "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
///     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
/// ));
/// let mut output = BytesMut::new();
/// echo(&mut Server::new(Config::new()), &mut input, &mut output)?;
/// assert!(output.starts_with(b"HTTP/1.1 101 "));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub type Server = Endpoint<Answering>;

/// The server's side of the handshake.
#[derive(Debug)]
pub struct Answering(Await);

/// What is awaited.
#[derive(Debug)]
enum Await {
    /// A request.
    Request(ServerHandshake),
    /// Our answer to it.
    Answer,
    /// The last bytes of a client of draft-ietf-hybi-00: our answer's head is out.
    Key3(AwaitingKey3),
}

impl Endpoint<Answering> {
    /// A connection that waits for its request.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let handshake = ServerHandshake::new().limits(config.head_limits).versions(config.versions);
        Self::begin(Answering(Await::Request(handshake)), config)
    }

    /// Answers a request with 101, and with those of our [extensions](Config::extension) that it offers. The connection
    /// is open from here on; the next [`receive`](Self::receive) gives [`Event::Open`]. A client of draft-ietf-hybi-00 has eight more bytes to send: there it is open when they came.
    ///
    /// # Errors
    ///
    /// When `accept` cannot be said, or says what was not offered: the client is told 500 then, and it is over. Before a
    /// request came, and after it was answered, nothing is written.
    pub fn accept(&mut self, upgrade: Upgrade, accept: &Accept, output: &mut BytesMut) -> Result<(), SendError> {
        let (awaited, config) = self.unanswered()?;
        let accept = &config.accept(upgrade.request(), accept.clone());
        match upgrade.accept(accept, output) {
            Ok(Accepted::AwaitingKey3(key3)) => *awaited = Await::Key3(key3),
            Ok(Accepted::Open(negotiated)) => {
                let connection = Connection::server(&negotiated, config);
                self.opened(connection, negotiated);
            }
            Err(error) => {
                refuse(500, output);
                self.over();
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Answers a request with a refusal. It is over then.
    ///
    /// # Errors
    ///
    /// When `reject` cannot be said: the client is told 500 then, and it is over all the same. Before a request came,
    /// and after it was answered, nothing is written.
    pub fn reject(&mut self, upgrade: Upgrade, reject: &Reject, output: &mut BytesMut) -> Result<(), SendError> {
        self.unanswered()?;
        let written = upgrade.reject(reject, output);
        if written.is_err() {
            refuse(500, output);
        }
        self.over();
        Ok(written?)
    }

    fn unanswered(&mut self) -> Result<(&mut Await, &Config), SendError> {
        match self.connecting()? {
            (Answering(awaited @ Await::Answer), config) => Ok((awaited, config)),
            (Answering(Await::Request(_)), _) => Err(SendError::NotOpen),
            (Answering(Await::Key3(_)), _) => Err(SendError::AlreadyOpen),
        }
    }
}

impl Handshake for Answering {
    fn receive(&mut self, config: &Config, input: &mut BytesMut, output: &mut BytesMut) -> Result<Step, Error> {
        let handshake = match &mut self.0 {
            Await::Request(handshake) => handshake,
            Await::Answer => return Ok(Step::Wait),
            Await::Key3(key3) => {
                return Ok(key3
                    .parse(input, output)
                    .map_or(Step::Wait, |negotiated| Step::Open(Connection::server(&negotiated, config), negotiated)));
            }
        };
        match handshake.parse(input) {
            Ok(None) => Ok(Step::Wait),
            Ok(Some(upgrade)) => {
                self.0 = Await::Answer;
                Ok(Step::Event(Event::Upgrade(upgrade)))
            }
            Err(error) => {
                error.reply(output);
                Err(Error::Request(error))
            }
        }
    }

    fn time_out(&self, output: &mut BytesMut) {
        // Behind the head of a 101 there is no place for another one.
        if !matches!(self.0, Await::Key3(_)) {
            refuse(408, output);
        }
    }
}

/// Refuses with a status of our own.
fn refuse(status: u16, output: &mut BytesMut) {
    // Without words of somebody else's it always can be written.
    let _ = Reject::new(status).encode(output);
}

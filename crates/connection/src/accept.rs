//! A server's answers to an upgrade.

use bytes::BytesMut;
use protocol_websocket_handshake_server::{Accepted, Upgrade};
use protocol_websocket_http::{Accept, BuildError, Reject, Request, Response};

use alloc::sync::Arc;

use crate::connection::Connection;
use crate::handshake::{Handshake, Step, refuse};
use crate::{Config, Ended, EndedBy, SendError};

impl Connection {
    /// Answers an [`Event::Upgrade`](crate::Event::Upgrade) with 101 and the [extensions](Config::extension) of the
    /// configuration that the client offers. The connection is open then: messages can be sent, and the next
    /// [`receive`](Self::receive) returns [`Event::Open`](crate::Event::Open). A client of hybi-00 has eight more bytes to
    /// send: the connection opens when they have arrived.
    ///
    /// The [`Upgrade`] is consumed, so an upgrade cannot be answered twice:
    ///
    /// ```compile_fail,E0382
    /// # use bytes::BytesMut;
    /// # use protocol_websocket_connection::{Accept, Connection, Reject, Upgrade};
    /// fn twice(connection: &mut Connection, upgrade: Upgrade, output: &mut BytesMut) {
    ///     let _ = connection.accept(upgrade, &Accept::new(), output);
    ///     let _ = connection.reject(upgrade, &Reject::new(403), output);
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendError::Build`] when `accept` cannot be written, or names a subprotocol or an extension that the client did not
    /// offer: the client gets 500 then, and the connection has ended. Nothing is written and nothing changes with
    /// [`SendError::NotOpen`] (no request has arrived), [`SendError::AlreadyOpen`] and [`SendError::Closed`].
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub fn accept(&mut self, upgrade: Upgrade, accept: &Accept, output: &mut BytesMut) -> Result<(), SendError> {
        self.check_unanswered()?;
        let accept = self.config().accept(upgrade.request(), accept.clone());
        match upgrade.accept(&accept, output) {
            Ok(Accepted::AwaitingKey3(key3)) => self.set_step(Step::Key3(key3)),
            Ok(Accepted::Open(negotiated)) => {
                self.set_step(Step::Accepted);
                self.open_outgoing(negotiated);
            }
            Err(error) => {
                refuse(500, output);
                self.end_handshake(Ended::by_refusal(EndedBy::Us));
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Answers an [`Event::Upgrade`](crate::Event::Upgrade) with a refusal. The connection has ended then: write the output and
    /// close the transport.
    ///
    /// # Errors
    ///
    /// [`SendError::Build`] when `reject` cannot be written: the client gets 500 then, and the connection has ended all the
    /// same. Otherwise as [`accept`](Self::accept).
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub fn reject(&mut self, upgrade: Upgrade, reject: &Reject, output: &mut BytesMut) -> Result<(), SendError> {
        self.check_unanswered()?;
        let written = upgrade.reject(reject, output);
        if written.is_err() {
            refuse(500, output);
        }
        self.end_handshake(Ended::by_refusal(EndedBy::Us));
        Ok(written?)
    }

    /// Answers a request that an HTTP library has parsed. Returns the response for that library to send, and the connection
    /// for the bytes that follow it.
    ///
    /// The connection is open, and returns no [`Event::Open`](crate::Event::Open). One of hybi-00 is connecting: it takes the
    /// last eight bytes of the client and writes the 16 bytes that complete the response.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Accept, Config, Connection, Request, State};
    ///
    /// // From the HTTP library:
    /// let headers = [
    ///     ("host", "example.com"),
    ///     ("connection", "upgrade"),
    ///     ("upgrade", "websocket"),
    ///     ("sec-websocket-version", "13"),
    ///     ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    /// ];
    /// let request = Request::from_parts("GET", "/chat", headers)?;
    /// let (response, mut connection) = Connection::respond(&request, Accept::new(), Config::new())?;
    /// assert_eq!((response.status(), connection.state()), (101, State::Open));
    ///
    /// // After the upgrade:
    /// let mut output = BytesMut::new();
    /// connection.send("welcome", &mut output)?;
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError`] when `accept` cannot be written, or names a subprotocol or an extension that the client did not offer.
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub fn respond(
        request: &Request,
        accept: Accept,
        config: impl Into<Arc<Config>>,
    ) -> Result<(Response, Self), BuildError> {
        let config = config.into();
        let accept = config.accept(request, accept);
        let response = Response::accept(request, &accept)?;
        if request.key_numbers().is_some() {
            let accepted = Upgrade::from(request.clone()).accept(&accept, &mut BytesMut::new())?;
            if let Accepted::AwaitingKey3(key3) = accepted {
                let mut connection = Self::server(config);
                connection.set_step(Step::Key3(key3));
                return Ok((response, connection));
            }
        }
        let connection = Self::open_server(response.negotiated(), config);
        Ok((response, connection))
    }

    fn check_unanswered(&self) -> Result<(), SendError> {
        match self.handshake().map(|handshake| &handshake.step) {
            Some(Step::Answer) => Ok(()),
            Some(Step::Key3(_) | Step::Accepted) => Err(SendError::AlreadyOpen),
            // A request or, at a client, a response.
            Some(_) => Err(SendError::NotOpen),
            None if self.sender.is_closed() => Err(SendError::Closed),
            None => Err(SendError::AlreadyOpen),
        }
    }

    fn set_step(&mut self, step: Step) {
        match self.handshake_mut() {
            Some(handshake) => handshake.step = step,
            None => debug_assert!(false, "the step of a handshake that is done"),
        }
    }
}

impl Handshake {
    /// The handshake of a server that awaits a request.
    pub(crate) fn server(config: &Config) -> alloc::boxed::Box<Self> {
        use protocol_websocket_handshake_server::ServerHandshake;
        let handshake = ServerHandshake::new().limits(config.head_limits).versions(config.versions);
        Self::new(Step::Request(alloc::boxed::Box::new(handshake)), config)
    }
}

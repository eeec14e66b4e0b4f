//! A server's response to an upgrade request: `accept`, `reject` and `respond`.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::sync::Arc;

use bytes::BytesMut;
use protocol_websocket_handshake_server::{Accepted, ServerHandshake, Upgrade};
use protocol_websocket_http::{Accept, BuildError, Reject, Request, Response};

use crate::connection::Connection;
use crate::handshake::{Handshake, Step};
use crate::{Config, Ended, EndedBy, SendError};

impl Connection {
    /// Responds to an [`Event::Upgrade`](crate::Event::Upgrade) with 101 and those [extensions](Config::extension) of
    /// the configuration that the client offers. The connection is then open: messages can be sent, and the next
    /// [`receive`](Self::receive) returns [`Event::Open`](crate::Event::Open). In hybi-00 the client sends eight more
    /// bytes, and the connection opens when they have arrived.
    ///
    /// The method takes ownership of the [`Upgrade`], so an upgrade gets only one response:
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
    /// if let Some(Event::Upgrade(upgrade)) = server.receive(&mut input, &mut output)? {
    ///     server.accept(upgrade, &Accept::new(), &mut output)?;
    /// }
    /// assert!(matches!(server.receive(&mut input, &mut output)?, Some(Event::Open(_))));
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendError::Build`] if `accept` has an invalid header, or a subprotocol or an extension that the client did not
    /// offer: `output` then has a response with the status 500, and the connection has ended. [`SendError::NotOpen`] if
    /// no request has arrived, [`SendError::AlreadyOpen`] or [`SendError::Closed`] in a later state: then nothing is
    /// written and nothing changes.
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub fn accept(&mut self, upgrade: Upgrade, accept: &Accept, output: &mut BytesMut) -> Result<(), SendError> {
        self.check_upgrade_pending()?;
        let accept = self.config().extensions.accept(upgrade.request(), Cow::Borrowed(accept));
        let before = output.len();
        match upgrade.accept(&accept, output) {
            Ok(Accepted::AwaitingKey3(key3)) => {
                self.observe_response_in(output, before);
                self.set_step(Step::Key3(key3));
            }
            Ok(Accepted::Open(ref negotiated)) => {
                self.observe_response_in(output, before);
                self.set_step(Step::Accepted);
                self.open_outgoing(negotiated);
            }
            Err(error) => {
                Reject::new(500).reply(output);
                self.observe_response_in(output, before);
                self.end_handshake(Ended::by_refusal(EndedBy::Us));
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Responds to an [`Event::Upgrade`](crate::Event::Upgrade) with a status other than 101, such as 403. The
    /// connection has then ended: write the output and close the transport.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Event, Reject, State};
    ///
    /// let mut server = Connection::server(Config::new());
    /// let mut input = BytesMut::from(concat!(
    ///     "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    ///     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    /// ));
    /// let mut output = BytesMut::new();
    /// if let Some(Event::Upgrade(upgrade)) = server.receive(&mut input, &mut output)? {
    ///     server.reject(upgrade, &Reject::new(403), &mut output)?;
    /// }
    /// assert!(output.starts_with(b"HTTP/1.1 403 "));
    /// assert_eq!(server.state(), State::Closed);
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendError::Build`] if `reject` is invalid: `output` then has a response with the status 500, and the
    /// connection has ended, too. Otherwise as [`accept`](Self::accept).
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub fn reject(&mut self, upgrade: Upgrade, reject: &Reject, output: &mut BytesMut) -> Result<(), SendError> {
        self.check_upgrade_pending()?;
        let before = output.len();
        let written = upgrade.reject(reject, output);
        if written.is_err() {
            Reject::new(500).reply(output);
        }
        self.observe_response_in(output, before);
        self.end_handshake(Ended::by_refusal(EndedBy::Us));
        Ok(written?)
    }

    /// Responds to an upgrade request that an HTTP library parsed. Returns the response, which that library sends, and the
    /// connection for the bytes after the two heads: the response is a 101, or a 200 to an extended CONNECT of HTTP/2 or
    /// HTTP/3 ([`Request::from_fields`]).
    ///
    /// The connection is open from the start, so [`receive`](Self::receive) returns no
    /// [`Event::Open`](crate::Event::Open): send the first message, and log the start of the connection, after this
    /// call. The only exception is hybi-00. Its connection is in the state [`Connecting`](crate::State::Connecting)
    /// until it has received the last eight bytes of the client. Then it writes the 16 bytes that complete the
    /// response, and returns [`Event::Open`](crate::Event::Open).
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
    /// [`BuildError`] if `accept` has an invalid header, or a subprotocol or an extension that the client did not
    /// offer.
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub fn respond(
        request: &Request,
        accept: Accept,
        config: impl Into<Arc<Config>>,
    ) -> Result<(Response, Self), BuildError> {
        let config = config.into();
        let accept = config.accept(request, accept);
        let response = Response::accept(request, &accept)?;
        if request.key_numbers().is_some()
            && let Accepted::AwaitingKey3(key3) =
                Upgrade::from(request.clone()).accept(&accept, &mut BytesMut::new())?
        {
            let mut connection = Self::server(config);
            connection.set_step(Step::Key3(key3));
            connection.sender.version = request.version();
            connection.observe_heads(request, &response);
            return Ok((response, connection));
        }
        let mut connection = Self::new(config, None);
        connection.add_observers();
        connection.observe_heads(request, &response);
        connection.open_outgoing(response.negotiated());
        connection.open_incoming();
        Ok((response, connection))
    }

    /// Reports the heads of a handshake that the caller makes.
    fn observe_heads(&self, request: &Request, response: &Response) {
        if let Some(observers) = self.receiver.observers() {
            observers.observe_received_request(request.head());
            observers.observe_sent_response(response.head());
        }
    }

    fn check_upgrade_pending(&self) -> Result<(), SendError> {
        match self.handshake().map(|handshake| &handshake.step) {
            Some(Step::Upgrade) => Ok(()),
            Some(Step::Key3(_) | Step::Accepted) => Err(SendError::AlreadyOpen),
            // The handshake awaits a request or, at a client, a response.
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
    /// Creates the handshake of a server that awaits a request.
    pub(crate) fn server(config: &Config) -> Box<Self> {
        let handshake = ServerHandshake::new().limits(config.head_limits).versions(config.versions);
        Self::new(Step::Request(handshake), config)
    }
}

//! The server's side: the opening handshake over a transport.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use protocol_websocket::{Accept, Config, Event, Reject, Request, Session, Upgrade};

use crate::{Error, Transport, WebSocket};

/// Reads an upgrade request from a transport, which must not be non-blocking yet. Respond to the [`Incoming`] request
/// with [`accept`](Incoming::accept) or [`reject`](Incoming::reject).
///
/// ```
/// use std::net::TcpStream;
/// use protocol_websocket_blocking::{Accept, Error, Reject, accept, config};
///
/// fn serve(stream: TcpStream) -> Result<(), Error> {
///     let incoming = accept(stream, config())?;
///     if incoming.request().resource_name() != "/chat" {
///         return incoming.reject(&Reject::new(404));
///     }
///     let mut websocket = incoming.accept(Accept::new())?;
///     websocket.send("welcome")
/// }
/// # let _ = serve;
/// ```
///
/// # Errors
///
/// [`Error::Connection`] if the request is not a valid upgrade request, or does not arrive within
/// [`Timeouts::handshake`](protocol_websocket::Timeouts::handshake). The client has received a response with the reason.
/// [`Error::Io`] if the transport failed. [`Error::WouldBlock`] if it does not wait.
pub fn accept<S>(io: S, config: impl Into<Arc<Config>>) -> Result<Incoming<S>, Error>
where
    S: Transport,
{
    let mut websocket = WebSocket::new(io, Session::server(config));
    loop {
        match websocket.recv_event() {
            Some(Ok(Event::Upgrade(upgrade))) => return Ok(Incoming { websocket, upgrade }),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error),
            None => unreachable!("a handshake ends with an upgrade or an error"),
        }
    }
}

/// An upgrade request that waits for a response.
///
/// If it is dropped, the client receives no response.
pub struct Incoming<S> {
    websocket: WebSocket<S>,
    upgrade: Upgrade,
}

impl<S: Transport> Incoming<S> {
    /// Returns the request, with its resource name (path and query), its headers, its origin, and the subprotocols that
    /// the client offers.
    #[must_use]
    pub fn request(&self) -> &Request {
        self.upgrade.request()
    }

    /// Returns the transport.
    #[must_use]
    pub const fn get_ref(&self) -> &S {
        self.websocket.get_ref()
    }

    /// Accepts the request: writes the response with the status 101, and returns the open WebSocket. The extensions of
    /// the configuration that the client offers are added.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if `accept` is invalid; the client has received a response with the status 500. Otherwise as
    /// [`accept`].
    pub fn accept(self, accept: impl Borrow<Accept>) -> Result<WebSocket<S>, Error> {
        let Self { mut websocket, upgrade } = self;
        if let Err(error) = websocket.session_mut().accept(upgrade, accept.borrow()) {
            websocket.end();
            return Err(error.into());
        }
        // In hybi-00 the response is written before the last eight bytes of the request arrive.
        loop {
            match websocket.recv_event() {
                Some(Ok(Event::Open(_))) => break,
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => unreachable!("a handshake ends with the open connection or an error"),
            }
        }
        websocket.flush()?;
        Ok(websocket)
    }

    /// Rejects the request with a status other than 101, such as 403, and ends the transport.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if `reject` is invalid; the client has received a response with the status 500. [`Error::Io`] if
    /// the transport failed.
    pub fn reject(self, reject: &Reject) -> Result<(), Error> {
        let Self { mut websocket, upgrade } = self;
        let written = websocket.session_mut().reject(upgrade, reject);
        websocket.end();
        written?;
        websocket.write_error().map_or(Ok(()), Err)
    }
}

impl<S> fmt::Debug for Incoming<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("request", self.upgrade.request()).finish_non_exhaustive()
    }
}

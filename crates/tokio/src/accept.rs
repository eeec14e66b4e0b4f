//! The server's side: the opening handshake over a transport.

use std::fmt;
use std::sync::Arc;

use protocol_websocket::{Accept, Config, Event, Reject, Request, Session, Upgrade};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{Error, WebSocket};

/// Reads an upgrade request from a transport. Respond to the [`Incoming`] request with [`accept`](Incoming::accept) or
/// [`reject`](Incoming::reject).
///
/// ```
/// use protocol_websocket_tokio::{Accept, Error, Reject, accept, config};
/// use tokio::net::TcpStream;
///
/// async fn serve(stream: TcpStream) -> Result<(), Error> {
///     let incoming = accept(stream, config()).await?;
///     if incoming.request().resource_name() != "/chat" {
///         return incoming.reject(&Reject::new(404)).await;
///     }
///     let mut websocket = incoming.accept(&Accept::new()).await?;
///     websocket.send("welcome").await
/// }
/// # let _ = serve;
/// ```
///
/// # Errors
///
/// [`Error::Connection`] if the request is not a valid upgrade request, or does not arrive within
/// [`Timeouts::handshake`](protocol_websocket::Timeouts::handshake). The client has received a response with the reason.
/// [`Error::Io`] if the transport failed.
pub async fn accept<S>(io: S, config: impl Into<Arc<Config>>) -> Result<Incoming<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut websocket = WebSocket::new(io, Session::server(config));
    loop {
        match websocket.recv_event().await {
            Some(Ok(Event::Upgrade(upgrade))) => return Ok(Incoming { websocket, upgrade }),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error),
            None => unreachable!("a handshake ends with an upgrade or an error"),
        }
    }
}

/// An upgrade request that waits for a response.
///
/// [`Timeouts::handshake`](protocol_websocket::Timeouts::handshake) of the configuration also limits the time until the
/// response. After it, [`accept`](Self::accept) and [`reject`](Self::reject) return an error, and the client receives a
/// response with the status 408.
///
/// If it is dropped, the client receives no response.
pub struct Incoming<S> {
    websocket: WebSocket<S>,
    upgrade: Upgrade,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Incoming<S> {
    /// Returns the request, with its path, its headers, its origin, and the subprotocols that the client offers.
    #[must_use]
    pub fn request(&self) -> &Request {
        self.upgrade.request()
    }

    /// Returns the transport.
    #[must_use]
    pub fn get_ref(&self) -> &S {
        self.websocket.get_ref()
    }

    /// Accepts the request: writes the response with the status 101, and returns the open WebSocket. The extensions of
    /// the configuration that the client offers are added.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if `accept` is invalid; the client has received a response with the status 500.
    /// [`Error::Connection`] if the deadline of the handshake has passed. Otherwise as [`accept`].
    pub async fn accept(self, accept: &Accept) -> Result<WebSocket<S>, Error> {
        let Self { mut websocket, upgrade } = self;
        websocket.check_deadline().await?;
        if let Err(error) = websocket.session_mut().accept(upgrade, accept) {
            websocket.end().await;
            return Err(error.into());
        }
        // In hybi-00 the response is written before the last eight bytes of the request arrive.
        loop {
            match websocket.recv_event().await {
                Some(Ok(Event::Open(_))) => break,
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => unreachable!("a handshake ends with the open connection or an error"),
            }
        }
        websocket.flush().await?;
        Ok(websocket)
    }

    /// Rejects the request with a status other than 101, such as 403, and ends the transport.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if `reject` is invalid; the client has received a response with the status 500. [`Error::Io`] if
    /// the transport failed, and [`Error::Connection`] if the deadline of the handshake has passed.
    pub async fn reject(self, reject: &Reject) -> Result<(), Error> {
        let Self { mut websocket, upgrade } = self;
        websocket.check_deadline().await?;
        let written = websocket.session_mut().reject(upgrade, reject);
        websocket.end().await;
        written?;
        websocket.write_error().map_or(Ok(()), Err)
    }
}

impl<S> fmt::Debug for Incoming<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("request", self.upgrade.request()).finish_non_exhaustive()
    }
}

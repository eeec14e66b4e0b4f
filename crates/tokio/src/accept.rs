//! The server's side: the opening handshake over a transport.

use std::borrow::Borrow;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use protocol_websocket::{Accept, Config, Event, Reject, Request, Session, Upgrade};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::poll_event::PollEvent as _;
use crate::{Error, WebSocket};

/// Reads an upgrade request from a transport. Respond to the [`Incoming`] request with [`accept`](Incoming::accept) or
/// [`reject`](Incoming::reject).
///
/// The head of the request may have 16 KiB and 100 header fields by default: see
/// [`Config::head_limits`](protocol_websocket::Config::head_limits).
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
///     let mut websocket = incoming.accept(Accept::new()).await?;
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
pub fn accept<S>(io: S, config: impl Into<Arc<Config>>) -> impl Future<Output = Result<Incoming<S>, Error>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // Outside of the future, so that it does not keep space for the arguments.
    let mut websocket = WebSocket::new(io, Session::server(config));
    async move {
        let upgrade = poll_fn(|context| poll_upgrade(&mut websocket, context)).await?;
        Ok(Incoming { websocket, upgrade })
    }
}

fn poll_upgrade<S: AsyncRead + AsyncWrite + Unpin>(
    websocket: &mut WebSocket<S>,
    context: &mut Context<'_>,
) -> Poll<Result<Upgrade, Error>> {
    loop {
        match ready!(websocket.poll_recv_event(context)) {
            Some(Ok(Event::Upgrade(upgrade))) => return Poll::Ready(Ok(upgrade)),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Poll::Ready(Err(error)),
            None => unreachable!("a handshake ends with an upgrade or an error"),
        }
    }
}

/// Receives until the connection is open, and writes the response. At the end of the connection, returns its error, if it
/// has one.
fn poll_open<S: AsyncRead + AsyncWrite + Unpin>(
    websocket: &mut WebSocket<S>,
    is_open: &mut bool,
    context: &mut Context<'_>,
) -> Poll<Result<(), Error>> {
    // In hybi-00 the response is written before the last eight bytes of the request arrive.
    while !*is_open {
        match ready!(websocket.poll_recv_event(context)) {
            Some(Ok(event)) => *is_open = matches!(event, Event::Open(_)),
            Some(Err(error)) => return Poll::Ready(Err(error)),
            None => return Poll::Ready(Ok(())),
        }
    }
    websocket.poll_send(context, false)
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
    /// Returns the request, with its resource name (path and query), its headers, its origin, and the subprotocols that
    /// the client offers.
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
    /// Pass a new [`Accept`] by value. A reference to a temporary `Accept` makes the future larger.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if `accept` is invalid; the client has received a response with the status 500.
    /// [`Error::Connection`] if the deadline of the handshake has passed. Otherwise as [`accept`].
    pub fn accept<A: Borrow<Accept>>(self, accept: A) -> impl Future<Output = Result<WebSocket<S>, Error>> + use<S, A> {
        let Self { mut websocket, upgrade } = self;
        let accepted = websocket.respond(|session| session.accept(upgrade, accept.borrow()));
        async move {
            let mut is_open = false;
            let opened = poll_fn(|context| poll_open(&mut websocket, &mut is_open, context)).await;
            accepted?;
            opened?;
            Ok(websocket)
        }
    }

    /// Rejects the request with a status other than 101, such as 403, and ends the transport.
    ///
    /// ```
    /// use protocol_websocket_tokio::{Accept, Error, Reject, WebSocket, accept, config};
    /// use tokio::net::TcpStream;
    ///
    /// async fn authenticated(stream: TcpStream) -> Result<Option<WebSocket<TcpStream>>, Error> {
    ///     let incoming = accept(stream, config()).await?;
    ///     if incoming.request().headers().get_str("authorization") != Some("Bearer secret") {
    ///         let reject = Reject::new(401).header("WWW-Authenticate", "Bearer").body("a token is required\n");
    ///         incoming.reject(&reject).await?;
    ///         return Ok(None);
    ///     }
    ///     incoming.accept(Accept::new()).await.map(Some)
    /// }
    /// # let _ = authenticated;
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if `reject` is invalid; the client has received a response with the status 500. [`Error::Io`] if
    /// the transport failed, and [`Error::Connection`] if the deadline of the handshake has passed.
    pub fn reject(self, reject: &Reject) -> impl Future<Output = Result<(), Error>> + use<S> {
        let Self { mut websocket, upgrade } = self;
        let rejected = websocket.respond(|session| session.reject(upgrade, reject));
        async move {
            let error = websocket.end().await;
            rejected?;
            error.map_or(Ok(()), Err)
        }
    }
}

impl<S> fmt::Debug for Incoming<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("request", self.upgrade.request()).finish_non_exhaustive()
    }
}

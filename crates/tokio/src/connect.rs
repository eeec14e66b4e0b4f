//! The client's side: the opening handshake over a transport.

use std::fmt;
use std::sync::Arc;

use protocol_websocket::{Config, Event, Offer, OsRandom, Session, Url};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{ConnectError, WebSocket, config};

/// A client's connection that is not made yet: the URL and the options.
///
/// ```no_run
/// use protocol_websocket_tokio::{Connect, ConnectError, Offer, WebSocket};
/// use tokio::net::TcpStream;
///
/// async fn chat(stream: TcpStream) -> Result<WebSocket<TcpStream>, ConnectError> {
///     Connect::new("ws://example.com/chat")?.offer(Offer::new().subprotocol("chat")).over(stream).await
/// }
/// # let _ = chat;
/// ```
#[must_use = "call `over`"]
pub struct Connect {
    url: Url,
    offer: Offer,
    config: Option<Arc<Config>>,
}

impl Connect {
    /// Creates the connection to a URL with the scheme `ws` or `wss`.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Url`] if the URL is invalid.
    pub fn new(url: &str) -> Result<Self, ConnectError> {
        Ok(Self { url: Url::parse(url)?, offer: Offer::new(), config: None })
    }

    /// Sets what the client offers: subprotocols, cookies, headers, the version. The extensions of the configuration
    /// are added.
    pub fn offer(mut self, offer: Offer) -> Self {
        self.offer = offer;
        self
    }

    /// Sets the configuration. The default is [`config`](fn@config).
    pub fn config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.config = Some(config.into());
        self
    }

    /// Makes the opening handshake over a transport of the caller, such as a stream through a proxy. Its connection to
    /// the host of the URL, and TLS for a URL with `wss`, are done already.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Rejected`] and [`ConnectError::Redirect`] if the server responds with another status than 101,
    /// [`ConnectError::Build`] if the offer is invalid, and [`ConnectError::WebSocket`] if the response is invalid, the
    /// transport fails, or [`Timeouts::handshake`](protocol_websocket::Timeouts::handshake) passes.
    pub async fn over<S>(self, io: S) -> Result<WebSocket<S>, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = self.config.unwrap_or_else(|| Arc::new(config()));
        let session = Session::client(&self.url, &self.offer, config, OsRandom::new())?;
        let mut websocket = WebSocket::new(io, session);
        loop {
            match websocket.recv_event().await {
                Some(Ok(Event::Open(_))) => return Ok(websocket),
                Some(Ok(Event::Redirect(redirect))) => return Err(ConnectError::Redirect(redirect)),
                Some(Ok(Event::Rejected(head))) => return Err(ConnectError::Rejected(head)),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => unreachable!("a handshake ends with the open connection or an error"),
            }
        }
    }
}

/// Shows the host, but not the path, the credentials and the headers.
impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").field("authority", &self.url.authority()).finish_non_exhaustive()
    }
}

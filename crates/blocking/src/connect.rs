//! The client's side: the connection to the server, and the opening handshake.

use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "url")]
use protocol_websocket::Url;
use protocol_websocket::{Config, Destination, Event, Offer, OsRandom, Response, Session};
#[cfg(feature = "rustls")]
use rustls::ClientConfig;

use crate::deadline::Deadline;
use crate::target::Target;
use crate::{ConnectError, ConnectStep, Error, Parts, Stream, Transport, WebSocket, body, config, tcp};

/// The time for a connection, if the caller sets none.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Connects to the server of a URL with the scheme `ws` or `wss`: DNS lookup, TCP, TLS and the opening handshake.
/// Returns the open WebSocket and the response with the status 101. [`Connect`] has options.
///
/// ```no_run
/// use protocol_websocket_blocking::{ConnectError, connect};
///
/// fn main() -> Result<(), ConnectError> {
///     let (mut websocket, _) = connect("ws://example.com/chat")?;
///     Ok(websocket.send("hello")?)
/// }
/// ```
///
/// # Errors
///
/// A [`ConnectError`] names the step that failed. The whole connection may take 30 seconds.
#[cfg(feature = "url")]
pub fn connect(url: &str) -> Result<(WebSocket<Stream>, Response), ConnectError> {
    Connect::new(url)?.open()
}

/// A builder for a client connection: the destination and the options. [`open`](Self::open) connects, and
/// [`over`](Self::over) takes a transport of the caller.
///
/// Redirects are not followed: see [`ConnectError::Redirect`]. To connect through a proxy, connect to the proxy, open a
/// [`Tunnel`](protocol_websocket::http::Tunnel), and call [`over`](Self::over).
///
#[cfg_attr(feature = "url", doc = "```no_run")]
#[cfg_attr(not(feature = "url"), doc = "```ignore")]
/// use std::time::Duration;
/// use protocol_websocket_blocking::{Connect, ConnectError, Offer};
///
/// fn main() -> Result<(), ConnectError> {
///     let (websocket, response) = Connect::new("ws://example.com/chat")?
///         .offer(Offer::new().subprotocol("chat"))
///         .timeout(Duration::from_secs(10))
///         .open()?;
///     # let _ = (websocket, response);
///     Ok(())
/// }
/// ```
#[derive(Clone)]
#[must_use = "call `open` or `over`"]
pub struct Connect {
    target: Target,
    offer: Offer,
    config: Option<Arc<Config>>,
    timeout: Option<Duration>,
    #[cfg(feature = "rustls")]
    tls: Option<Arc<ClientConfig>>,
}

impl Connect {
    /// Creates the connection to a URL with the scheme `ws` or `wss`. User name and password of the URL are not sent;
    /// [`Offer::basic_auth`] sends them.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Url`] if the URL is invalid.
    #[cfg(feature = "url")]
    #[cfg_attr(docsrs, doc(cfg(feature = "url")))]
    pub fn new(url: &str) -> Result<Self, ConnectError> {
        Ok(Self::with(Url::parse(url)?.into()))
    }

    /// Creates the connection to a destination. It needs no URL, and so the feature `url` can be off.
    ///
    /// ```
    /// use protocol_websocket_blocking::{Connect, Destination};
    ///
    /// let connect = Connect::to(Destination::new("example.com", "/chat").port(8080));
    /// # let _ = connect;
    /// ```
    pub fn to(destination: Destination<'_>) -> Self {
        Self::with(Target::new(destination))
    }

    fn with(target: Target) -> Self {
        Self {
            target,
            offer: Offer::new(),
            config: None,
            timeout: Some(DEFAULT_TIMEOUT),
            #[cfg(feature = "rustls")]
            tls: None,
        }
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

    /// Sets the time for all steps together, from the lookup of the name to the end of the opening handshake. The
    /// default is 30 seconds. `None` disables it.
    ///
    /// [`Timeouts::handshake`](protocol_websocket::Timeouts::handshake) of the configuration also limits the opening
    /// handshake.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into();
        self
    }

    /// Sets the configuration of TLS for `wss`, for instance with a client certificate or other roots. The default
    /// trusts the roots of the features `rustls-tls-webpki-roots` and `rustls-tls-native-roots`.
    #[cfg(feature = "rustls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
    pub fn tls(mut self, config: impl Into<Arc<ClientConfig>>) -> Self {
        self.tls = Some(config.into());
        self
    }

    /// Connects: DNS lookup, TCP, TLS and the opening handshake. Returns the open WebSocket and the response with the
    /// status 101.
    ///
    /// # Errors
    ///
    /// A [`ConnectError`] names the step that failed.
    pub fn open(&self) -> Result<(WebSocket<Stream>, Response), ConnectError> {
        self.open_with(|stream| stream)
    }

    /// Connects, and passes the transport through a closure before the opening handshake, for instance to log or to
    /// count its bytes.
    ///
    #[cfg_attr(feature = "url", doc = "```no_run")]
    #[cfg_attr(not(feature = "url"), doc = "```ignore")]
    /// use protocol_websocket_blocking::{Connect, ConnectError, NoDeadlines};
    ///
    /// # fn main() -> Result<(), ConnectError> {
    /// let (mut websocket, _) = Connect::new("ws://example.com/chat")?.open_with(NoDeadlines)?;
    /// websocket.send("hello")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A [`ConnectError`] names the step that failed.
    pub fn open_with<S: Transport>(
        &self,
        wrap: impl FnOnce(Stream) -> S,
    ) -> Result<(WebSocket<S>, Response), ConnectError> {
        let deadline = Deadline::after(self.timeout);
        // An invalid offer is an error before the connection.
        let session = self.session()?;
        handshake(wrap(self.transport(deadline)?), session, deadline)
    }

    /// Makes the opening handshake over a transport of the caller, such as a Unix socket. Its connection to the server,
    /// and TLS for `wss`, are done already. It must not be non-blocking yet. The configuration of TLS is not used.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Rejected`] and [`ConnectError::Redirect`] if the server responds with another status than 101,
    /// [`ConnectError::Build`] if the offer is invalid, [`ConnectError::Timeout`] if the [time](Self::timeout) passes,
    /// and [`ConnectError::WebSocket`] if the response is invalid, the transport fails or does not wait, or
    /// [`Timeouts::handshake`](protocol_websocket::Timeouts::handshake) passes.
    pub fn over<S: Transport>(&self, io: S) -> Result<(WebSocket<S>, Response), ConnectError> {
        let deadline = Deadline::after(self.timeout);
        handshake(io, self.session()?, deadline)
    }

    fn session(&self) -> Result<Session, ConnectError> {
        let config = self.config.clone().unwrap_or_else(|| Arc::new(config()));
        Ok(Session::client(self.target.destination(), &self.offer, config, OsRandom::new())?)
    }

    /// Opens the transport to the server.
    fn transport(&self, deadline: Deadline) -> Result<Stream, ConnectError> {
        let Target { host, port, is_secure, .. } = &self.target;
        if *is_secure && cfg!(not(feature = "rustls")) {
            return Err(ConnectError::TlsDisabled);
        }
        // An invalid configuration of TLS is an error before the connection.
        #[cfg(feature = "rustls")]
        let tls = is_secure.then(|| crate::tls_config::client(host, self.tls.clone())).transpose();
        #[cfg(feature = "rustls")]
        let tls = tls.map_err(ConnectError::Tls)?;
        let addresses = tcp::resolve(host, *port, deadline);
        let addresses = addresses.map_err(failed(deadline, ConnectStep::Resolve, ConnectError::Resolve))?;
        let stream = tcp::connect(&addresses, deadline);
        let stream = stream.map_err(failed(deadline, ConnectStep::Connect, ConnectError::Connect))?;
        #[cfg(feature = "rustls")]
        if let Some(tls) = tls {
            let mut stream = crate::TlsStream::new(tls, stream);
            let done = stream.handshake(|| deadline.left());
            done.map_err(failed(deadline, ConnectStep::Tls, ConnectError::Tls))?;
            return Ok(Stream::encrypted(stream));
        }
        Ok(Stream::plain(stream))
    }
}

/// Shows the host and the port. The rest can have secrets.
impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Target { host, port, .. } = &self.target;
        f.debug_struct("Connect").field("host", host).field("port", port).finish_non_exhaustive()
    }
}

/// Returns the error of a step that failed, or whose deadline has passed.
fn failed(
    deadline: Deadline,
    step: ConnectStep,
    wrap: fn(io::Error) -> ConnectError,
) -> impl FnOnce(io::Error) -> ConnectError {
    move |error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut if deadline.has_passed() => ConnectError::Timeout(step),
        _ => wrap(error),
    }
}

/// Makes the opening handshake. The body of a rejection is read after it.
fn handshake<S: Transport>(
    io: S,
    session: Session,
    deadline: Deadline,
) -> Result<(WebSocket<S>, Response), ConnectError> {
    let timed_out = || ConnectError::Timeout(ConnectStep::Handshake);
    let mut websocket = WebSocket::new(io, session);
    // The server receives nothing because of an error, so the end of its stream is not waited for.
    websocket.set_linger(false);
    loop {
        websocket.set_timeout(deadline.left().map_err(|_| timed_out())?);
        match websocket.recv_event() {
            Some(Ok(Event::Open(opened))) => {
                if let Some(error) = websocket.write_error() {
                    return Err(error.into());
                }
                websocket.set_timeout(None);
                websocket.set_linger(true);
                let Some(response) = opened.into_response() else { unreachable!("a client has a response") };
                return Ok((websocket, response));
            }
            Some(Ok(Event::Redirect(redirect))) => return Err(ConnectError::Redirect(redirect)),
            Some(Ok(Event::Rejected(head))) => {
                let Parts { mut io, session, .. } = websocket.into_parts();
                let body = body::read(&mut io, &head, session.input, deadline);
                return Err(ConnectError::Rejected { head, body });
            }
            Some(Ok(_)) => {}
            Some(Err(Error::WouldBlock)) if deadline.has_passed() => return Err(timed_out()),
            Some(Err(error)) => return Err(error.into()),
            None => unreachable!("a handshake ends with the open connection or an error"),
        }
    }
}

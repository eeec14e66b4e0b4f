//! The client's side: the connection to the server, and the opening handshake.

use std::fmt;
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use protocol_websocket::{Config, Destination, Event, Offer, OsRandom, Redirect, Response, Session};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
#[cfg(feature = "rustls")]
use tokio_rustls::rustls::ClientConfig;

use crate::poll_event::PollEvent as _;
use crate::stream::Transport;
use crate::target::Target;
use crate::{ConnectError, ConnectEvent, ConnectStep, Error, Parts, Proxy, Stream, WebSocket, body, config, tcp};

type Observer = dyn Fn(ConnectEvent<'_>) + Send + Sync;

/// The time for a connection, if the caller sets none.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Connects to the server of a URL with the scheme `ws` or `wss`, and makes the opening handshake. Returns the open
/// connection, and the server's response with its header fields. [`Connect`] has options.
///
/// `wss` needs one of the features `rustls-tls-webpki-roots` and `rustls-tls-native-roots`. Without a feature for
/// TLS, the error is [`ConnectError::TlsDisabled`].
///
/// ```no_run
/// use protocol_websocket_tokio::{ConnectError, connect};
///
/// # async fn run() -> Result<(), ConnectError> {
/// let (mut websocket, response) = connect("ws://example.com/chat").await?;
/// println!("{:?}", response.headers().get_str("server"));
/// websocket.send("hello").await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// A [`ConnectError`] names the step that failed. All steps together may take 30 seconds; then the error is
/// [`ConnectError::Timeout`].
#[cfg(feature = "url")]
pub async fn connect(url: &str) -> Result<(WebSocket<Stream>, Response), ConnectError> {
    Connect::new(url)?.await
}

/// A builder for a client connection: the destination and the options. Await it to connect, or call
/// [`over`](Self::over) for a transport of the caller. A clone makes another connection with the same options.
///
#[cfg_attr(feature = "url", doc = "```no_run")]
#[cfg_attr(not(feature = "url"), doc = "```ignore")]
/// use std::time::Duration;
/// use protocol_websocket_tokio::{Connect, ConnectError, Offer, Proxy};
///
/// # async fn run() -> Result<(), ConnectError> {
/// let (websocket, response) = Connect::new("ws://example.com/chat")?
///     .offer(Offer::new().subprotocol("chat"))
///     .proxy(Proxy::http("proxy.example.com", 3128))
///     .timeout(Duration::from_secs(10))
///     .await?;
/// # let _ = (websocket, response);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "await it, or call `over`"]
pub struct Connect {
    target: Target,
    offer: Offer,
    config: Option<Arc<Config>>,
    timeout: Option<Duration>,
    proxy: Option<Proxy>,
    redirects: u32,
    observer: Option<Arc<Observer>>,
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
        Ok(Self::with(Target::Url(protocol_websocket::Url::parse(url)?)))
    }

    /// Creates the connection to a destination. It needs no URL, and so the feature `url` can be off.
    ///
    /// ```
    /// use protocol_websocket_tokio::{Connect, Destination};
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
            proxy: None,
            redirects: 0,
            observer: None,
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

    /// Sets the time for all steps together, from the lookup of the name to the end of the opening handshake, and for
    /// all redirects. The default is 30 seconds. `None` disables it.
    ///
    /// [`Timeouts::handshake`](protocol_websocket::Timeouts::handshake) of the configuration also limits the opening
    /// handshake.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into();
        self
    }

    /// Connects through a proxy.
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// Sets the configuration of TLS for `wss`, for instance with a client certificate or other roots. The default
    /// trusts the roots of the features `rustls-tls-webpki-roots` and `rustls-tls-native-roots`.
    ///
    /// Set `alpn_protocols` to `http/1.1`, as the default does, so that a server which also has HTTP/2 does not choose that.
    ///
    #[cfg_attr(all(feature = "url", feature = "rustls-tls-webpki-roots"), doc = "```no_run")]
    #[cfg_attr(not(all(feature = "url", feature = "rustls-tls-webpki-roots")), doc = "```ignore")]
    /// use std::sync::Arc;
    ///
    /// use protocol_websocket_tokio::Connect;
    /// use protocol_websocket_tokio::rustls::crypto::ring;
    /// use protocol_websocket_tokio::rustls::pki_types::CertificateDer;
    /// use protocol_websocket_tokio::rustls::{ClientConfig, RootCertStore};
    ///
    /// async fn run(root: CertificateDer<'static>) -> Result<(), Box<dyn std::error::Error>> {
    ///     let mut roots = RootCertStore::empty();
    ///     roots.add(root)?;
    ///     let mut tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
    ///         .with_safe_default_protocol_versions()?
    ///         .with_root_certificates(roots)
    ///         .with_no_client_auth();
    ///     tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    ///     let (mut websocket, _response) = Connect::new("wss://localhost:3000/")?.tls(tls).await?;
    ///     websocket.send("hello").await?;
    ///     Ok(())
    /// }
    /// # let _ = run;
    /// ```
    #[cfg(feature = "rustls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
    pub fn tls(mut self, config: impl Into<Arc<ClientConfig>>) -> Self {
        self.tls = Some(config.into());
        self
    }

    /// Follows at most this number of redirects. The default is 0: each redirect is a [`ConnectError::Redirect`].
    ///
    /// The server chooses the target, which can be a host in the network of the client. To another host or port, the
    /// client sends nothing that may be meant for the first server: no subprotocols, origin, cookies and header fields of
    /// the [`Offer`], and with them no credentials, and no client certificate of the TLS configuration. That server then
    /// responds as to an anonymous client. To send them there, leave this off, and connect to the URL of the
    /// [`ConnectError::Redirect`] if it is trusted. One exception is a redirect from the default port of `ws` to that of
    /// `wss` at the same host: everything is sent. A redirect from `wss` to `ws` is never followed.
    #[cfg(feature = "url")]
    #[cfg_attr(docsrs, doc(cfg(feature = "url")))]
    pub const fn redirects(mut self, max: u32) -> Self {
        self.redirects = max;
        self
    }

    /// Calls a closure when a step of the connection is done, for instance to log it, or to set options of the socket.
    /// The last call replaces the closure.
    ///
    #[cfg_attr(feature = "url", doc = "```no_run")]
    #[cfg_attr(not(feature = "url"), doc = "```ignore")]
    /// use protocol_websocket_tokio::{Connect, ConnectError, ConnectEvent};
    ///
    /// # async fn run() -> Result<(), ConnectError> {
    /// let connect = Connect::new("wss://example.com/chat")?.redirects(5).observe(|event| match event {
    ///     ConnectEvent::Tcp(stream) => println!("connected to {:?}", stream.peer_addr()),
    ///     ConnectEvent::Redirect(redirect) => println!("redirected to {}", redirect.location()),
    ///     _ => {}
    /// });
    /// let (websocket, _) = connect.await?;
    /// # let _ = websocket;
    /// # Ok(())
    /// # }
    /// ```
    pub fn observe(mut self, observer: impl Fn(ConnectEvent<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Makes the opening handshake over a transport of the caller, such as a Unix socket. Its connection to the server,
    /// and TLS for `wss`, are done already. The options for TLS, the proxy and redirects are not used.
    ///
    /// A test needs no socket:
    ///
    #[cfg_attr(all(feature = "server", feature = "url"), doc = "```")]
    #[cfg_attr(not(all(feature = "server", feature = "url")), doc = "```ignore")]
    /// use protocol_websocket_tokio::{Accept, Connect, accept, config};
    ///
    /// #[tokio::main]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let (client, server) = tokio::io::duplex(4096);
    ///     let server = async { accept(server, config()).await?.accept(Accept::new()).await };
    ///     let (client, server) = tokio::join!(Connect::new("ws://example.com/")?.over(client), server);
    ///     let ((mut client, _response), mut server) = (client?, server?);
    ///     client.send("hello").await?;
    ///     assert_eq!(server.recv().await.unwrap()?.as_text(), Some("hello"));
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConnectError::Rejected`] and [`ConnectError::Redirect`] if the server responds with another status than 101,
    /// [`ConnectError::Build`] if the offer is invalid, [`ConnectError::Timeout`] if the [time](Self::timeout) passes,
    /// and [`ConnectError::WebSocket`] if the response is invalid, the transport fails, or
    /// [`Timeouts::handshake`](protocol_websocket::Timeouts::handshake) passes.
    pub async fn over<S>(self, io: S) -> Result<(WebSocket<S>, Response), ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (session, deadline) = (self.session()?, self.deadline());
        handshake(io, session, deadline).await
    }

    /// Connects, and passes the transport through a closure before the opening handshake, for instance to log or to
    /// count its bytes. With [redirects](Self::redirects), the closure is called for the transport of each target.
    ///
    #[cfg_attr(feature = "url", doc = "```no_run")]
    #[cfg_attr(not(feature = "url"), doc = "```ignore")]
    /// use protocol_websocket_tokio::{Connect, ConnectError};
    /// use tokio::io::BufStream;
    ///
    /// # async fn run() -> Result<(), ConnectError> {
    /// let (mut websocket, _) = Connect::new("ws://example.com/chat")?.open_with(BufStream::new).await?;
    /// websocket.send("hello").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A [`ConnectError`] names the step that failed.
    pub async fn open_with<S>(
        mut self,
        mut wrap: impl FnMut(Stream) -> S,
    ) -> Result<(WebSocket<S>, Response), ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let deadline = self.deadline();
        loop {
            // An invalid offer is an error before the connection.
            let session = self.session()?;
            let mut step = ConnectStep::Resolve;
            let opened = within(deadline, self.open(&mut step)).await;
            let io = wrap(opened.unwrap_or(Err(ConnectError::Timeout(step)))?);
            match handshake(io, session, deadline).await {
                Err(ConnectError::Redirect(redirect)) => {
                    self = match self.follow(&redirect) {
                        Some(next) => next,
                        None => return Err(ConnectError::Redirect(redirect)),
                    };
                    self.notify(ConnectEvent::Redirect(&redirect));
                }
                result => return result,
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.timeout.and_then(|timeout| Instant::now().checked_add(timeout))
    }

    fn session(&self) -> Result<Session, ConnectError> {
        let config = self.config.clone().unwrap_or_else(|| Arc::new(config()));
        Ok(Session::client(self.target.destination(), &self.offer, config, OsRandom::new())?)
    }

    /// Returns the connection to the target of a redirect, if it may be followed.
    fn follow(mut self, redirect: &Redirect) -> Option<Self> {
        let target = Target::of_redirect(redirect)?;
        self.redirects = self.redirects.checked_sub(1)?;
        if self.target.is_secure() && !target.is_secure() {
            return None;
        }
        if !self.target.trusts(&target) {
            self.offer = self.offer.without_headers();
            #[cfg(feature = "rustls")]
            {
                self.tls = self.tls.map(|config| crate::tls::without_client_certificate(&config));
            }
        }
        self.target = target;
        Some(self)
    }

    fn notify(&self, event: ConnectEvent<'_>) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }

    /// Opens the transport to the target.
    async fn open(&self, step: &mut ConnectStep) -> Result<Stream, ConnectError> {
        if self.target.is_secure() && cfg!(not(feature = "rustls")) {
            return Err(ConnectError::TlsDisabled);
        }
        let transport = match &self.proxy {
            Some(proxy) => {
                *step = ConnectStep::Proxy;
                proxy.open(&self.target).await?
            }
            None => {
                let addresses = tcp::resolve(self.target.socket_host(), self.target.port()).await;
                let addresses = addresses.map_err(ConnectError::Resolve)?;
                *step = ConnectStep::Connect;
                Transport::from(tcp::connect(addresses).await.map_err(ConnectError::Connect)?)
            }
        };
        self.notify(ConnectEvent::Tcp(&transport.io));
        #[cfg(feature = "rustls")]
        if self.target.is_secure() {
            *step = ConnectStep::Tls;
            let stream = crate::tls::connect(transport, self.target.socket_host(), self.tls.clone()).await;
            return Ok(Stream::encrypted(stream.map_err(ConnectError::Tls)?));
        }
        Ok(Stream::plain(transport))
    }
}

impl IntoFuture for Connect {
    type Output = Result<(WebSocket<Stream>, Response), ConnectError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open_with(|stream| stream))
    }
}

/// Shows the host, but not the path, the credentials and the headers.
impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("host", &self.target.host())
            .field("port", &self.target.port())
            .finish_non_exhaustive()
    }
}

/// Makes the opening handshake. The body of a rejection is read after it.
async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    io: S,
    session: Session,
    deadline: Option<Instant>,
) -> Result<(WebSocket<S>, Response), ConnectError> {
    let mut websocket = WebSocket::new(io, session);
    loop {
        let event = within(deadline, poll_fn(|context| poll_event(&mut websocket, context))).await;
        match event.ok_or(ConnectError::Timeout(ConnectStep::Handshake))? {
            Some(Ok(Event::Open(opened))) => {
                let Some(response) = opened.into_response() else { unreachable!("a client has received a response") };
                return Ok((websocket, response));
            }
            Some(Ok(Event::Redirect(redirect))) => return Err(ConnectError::Redirect(redirect)),
            Some(Ok(Event::Rejected(head))) => {
                let Parts { mut io, session, .. } = websocket.into_parts();
                let body = body::read(&mut io, &head, session.input, deadline).await;
                return Err(ConnectError::Rejected { head, body });
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.into()),
            None => unreachable!("a handshake ends with the open connection or an error"),
        }
    }
}

/// Returns the next event or the error. The server receives nothing because of an error, so the end of its stream is
/// not waited for.
fn poll_event<S: AsyncRead + AsyncWrite + Unpin>(
    websocket: &mut WebSocket<S>,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Event, Error>>> {
    let event = websocket.poll_recv_event(context);
    match websocket.ended().and_then(|ended| ended.error) {
        Some(error) if event.is_pending() => Poll::Ready(Some(Err(error.into()))),
        _ => event,
    }
}

/// Returns the output of the future, or `None` after the deadline.
async fn within<T>(deadline: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => timeout_at(deadline, future).await.ok(),
        None => Some(future.await),
    }
}

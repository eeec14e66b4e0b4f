//! The extractor.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum_core::extract::FromRequestParts;
use axum_core::response::Response;
use http::{HeaderValue, request};
use protocol_websocket_hyper::protocol_websocket_tokio::{DrainGuard, Parts};
use protocol_websocket_hyper::{Accept, Config, Limits, Reject, Request, Upgrade, config, upgrade_parts};

use crate::rejection::{WebSocketUpgradeRejection, response};
use crate::socket::Socket;
use crate::{Drain, Upgraded, WebSocket};

/// The configuration of the connections that have no other one.
static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(|| Arc::new(config()));

/// The extractor of a WebSocket upgrade, over HTTP/1.1 (RFC 6455) and HTTP/2 (RFC 8441).
/// [`on_upgrade`](Self::on_upgrade) creates the response.
///
/// The route is one of `axum::routing::any`. HTTP/1.1 upgrades with the method `GET`, and HTTP/2 with `CONNECT`, to which a
/// route of `get` responds with 405.
///
/// `W` is the type that the callback receives: [`WebSocket`], or with [`ws::WebSocketUpgrade`](crate::ws::WebSocketUpgrade)
/// the one that has the messages and errors of axum.
///
/// ```
/// use axum::extract::State;
/// use axum::response::Response;
/// use axum::{Router, routing::any};
/// use protocol_websocket_axum::WebSocketUpgrade;
///
/// async fn handler(upgrade: WebSocketUpgrade, State(greeting): State<&'static str>) -> Response {
///     upgrade.protocols(["chat"]).on_upgrade(async move |mut websocket| {
///         let _ = websocket.send(greeting).await;
///     })
/// }
///
/// let router: Router = Router::new().route("/chat", any(handler)).with_state("welcome");
/// # let _ = router;
/// ```
#[must_use = "`on_upgrade` creates the response"]
pub struct WebSocketUpgrade<W: Socket = WebSocket> {
    upgrade: Upgrade,
    config: Arc<Config>,
    max_message: Option<u64>,
    max_frame: Option<u64>,
    high_water_mark: Option<usize>,
    requested: Vec<HeaderValue>,
    selected: Option<HeaderValue>,
    /// The response to a request whose origin is not allowed.
    reject: Option<Reject>,
    guard: Option<DrainGuard>,
    /// In a `Mutex`, so that the extractor is `Sync`: a handler borrows it over an `await`.
    on_failed: Mutex<Option<OnFailed<W>>>,
}

type OnFailed<W> = Box<dyn FnOnce(<W as Socket>::Error) + Send>;

impl<S: Sync, W: Socket> FromRequestParts<S> for WebSocketUpgrade<W> {
    type Rejection = WebSocketUpgradeRejection;

    async fn from_request_parts(parts: &mut request::Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let upgrade = upgrade_parts(parts, Arc::clone(&CONFIG)).map_err(WebSocketUpgradeRejection)?;
        let requested = upgrade.request().subprotocols().filter_map(|name| HeaderValue::from_str(name).ok()).collect();
        Ok(Self {
            upgrade,
            config: Arc::clone(&CONFIG),
            max_message: None,
            max_frame: None,
            high_water_mark: None,
            requested,
            selected: None,
            reject: None,
            guard: None,
            on_failed: Mutex::default(),
        })
    }
}

impl<W: Socket> WebSocketUpgrade<W> {
    /// Returns the request, with its resource name (path and query), its headers, its cookies and its origin.
    #[must_use]
    pub const fn request(&self) -> &Request {
        self.upgrade.request()
    }

    /// Sets the configuration of the connection: limits, deadlines, compression. The default is
    /// [`config`](fn@crate::config), so compression is on, and a silent client is pinged. Create it once, and clone the
    /// `Arc` for each request.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use axum::extract::State;
    /// use axum::response::Response;
    /// use axum::{Router, routing::any};
    /// use protocol_websocket_axum::{Config, Timeouts, WebSocketUpgrade, config};
    ///
    /// async fn handler(upgrade: WebSocketUpgrade, State(config): State<Arc<Config>>) -> Response {
    ///     upgrade.config(config).on_upgrade(async |mut websocket| {
    ///         let _ = websocket.send("welcome").await;
    ///     })
    /// }
    ///
    /// let timeouts = Timeouts::RECOMMENDED.ping_interval(Some(Duration::from_secs(60)));
    /// let router: Router = Router::new().route("/", any(handler)).with_state(Arc::new(config().timeouts(timeouts)));
    /// # let _ = router;
    /// ```
    pub fn config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.config = config.into();
        self
    }

    /// Sets the maximum length of a received message, in bytes. The default is that of [`Limits`], 1 MiB. A longer message
    /// ends the connection with the close code 1009.
    ///
    /// This method and [`max_frame_size`](Self::max_frame_size) replace the limits of [`config`](Self::config).
    pub fn max_message_size(mut self, max: usize) -> Self {
        self.max_message = Some(max as u64);
        self
    }

    /// Sets the maximum length of a received frame, in bytes. The default is that of a message.
    pub fn max_frame_size(mut self, max: usize) -> Self {
        self.max_frame = Some(max as u64);
        self
    }

    /// Sets the number of unsent bytes over which `ready`, and `poll_ready` of the `Sink`, wait: see
    /// [`Config::high_water_mark`]. The default is 64 KiB. A message is never refused because of it.
    pub fn max_write_buffer_size(mut self, max: usize) -> Self {
        self.high_water_mark = Some(max);
        self
    }

    /// Selects the subprotocol: the first of `protocols` that the client offers, so the preferred one comes first. Selects
    /// none if the client offers none of them.
    ///
    /// ```
    /// use axum::response::Response;
    /// use protocol_websocket_axum::{WebSocket, WebSocketUpgrade};
    ///
    /// async fn handler(upgrade: WebSocketUpgrade) -> Response {
    ///     upgrade.protocols(["graphql-transport-ws", "graphql-ws"]).on_upgrade(async |websocket: WebSocket| {
    ///         println!("{:?}", websocket.negotiated().subprotocol);
    ///     })
    /// }
    /// # let _: axum::Router = axum::Router::new().route("/", axum::routing::any(handler));
    /// ```
    pub fn protocols<I>(mut self, protocols: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Cow<'static, str>>,
    {
        let mut protocols = protocols.into_iter().map(Into::into);
        let selected = protocols.find(|name| self.request().subprotocols().any(|offered| offered == name));
        self.selected = selected.and_then(|name| HeaderValue::from_str(&name).ok());
        self
    }

    /// Returns the subprotocols that the client offers, in its order.
    pub fn requested_protocols(&self) -> impl Iterator<Item = &HeaderValue> {
        self.requested.iter()
    }

    /// Selects a subprotocol. If the client does not offer it, the upgrade fails: the response has the status 500.
    pub fn set_selected_protocol(&mut self, protocol: HeaderValue) {
        self.selected = Some(protocol);
    }

    /// Returns the subprotocol that [`protocols`](Self::protocols) or
    /// [`set_selected_protocol`](Self::set_selected_protocol) has selected.
    #[must_use]
    pub const fn selected_protocol(&self) -> Option<&HeaderValue> {
        self.selected.as_ref()
    }

    /// Rejects the request with 403 unless its origin is one of these: see [`Request::origin_is`].
    ///
    /// A page of any site can open a WebSocket to this server, and the browser sends the cookies of the user with it. So a
    /// server that authenticates by cookies must check the origin (RFC 6455 §10.2). A request without an origin is also
    /// rejected. Clients other than browsers need not send one. To accept them, call this method only if
    /// [`request`](Self::request)`().origin()` is not `None`.
    ///
    /// ```
    /// use axum::response::Response;
    /// use protocol_websocket_axum::WebSocketUpgrade;
    ///
    /// async fn handler(upgrade: WebSocketUpgrade) -> Response {
    ///     upgrade.origin(&["https://example.com", "http://localhost:3000"]).on_upgrade(async |mut websocket| {
    ///         let _ = websocket.send("welcome").await;
    ///     })
    /// }
    /// # let _: axum::Router = axum::Router::new().route("/", axum::routing::any(handler));
    /// ```
    pub fn origin(mut self, allowed: &[&str]) -> Self {
        self.reject = (!self.request().origin_is(allowed)).then(|| Reject::new(403).body("origin is not allowed"));
        self
    }

    /// Lets a [`Drain`] close the WebSocket. At its [`shutdown`](Drain::shutdown), the client receives a Close, also if the
    /// WebSocket is not open yet. From this call of `drain` on, `shutdown` waits for the WebSocket, or for the end of the
    /// request if none is opened. See the [example](crate#graceful-shutdown).
    pub fn drain(mut self, drain: &Drain) -> Self {
        self.guard = Some(drain.guard());
        self
    }

    /// Sets a function that is called with the error if the upgrade fails after the response was created: the connection
    /// ended before, the response was not sent within [`Timeouts::handshake`](crate::Timeouts::handshake), or the selected
    /// subprotocol was not offered. Without a function, the feature `tracing` logs these errors with the level `debug`. A
    /// request that is rejected, by the extractor or by [`origin`](Self::origin), is not such a failure.
    ///
    /// ```
    /// use axum::response::Response;
    /// use protocol_websocket_axum::WebSocketUpgrade;
    ///
    /// async fn handler(upgrade: WebSocketUpgrade) -> Response {
    ///     upgrade.on_failed_upgrade(|error| eprintln!("{error}")).on_upgrade(async |mut websocket| {
    ///         let _ = websocket.send("welcome").await;
    ///     })
    /// }
    /// # let _: axum::Router = axum::Router::new().route("/", axum::routing::any(handler));
    /// ```
    pub fn on_failed_upgrade(mut self, callback: impl FnOnce(W::Error) + Send + 'static) -> Self {
        self.on_failed = Mutex::new(Some(Box::new(callback)));
        self
    }

    /// Returns the response that accepts the request, for the handler to return. In a task of tokio, `callback` is called
    /// with the WebSocket once the response is written. Header fields can be added to the response, for instance cookies.
    ///
    /// The extensions of the [configuration](Self::config) that the client offers are accepted.
    ///
    /// If `callback` panics, its task ends, and the transport is closed without a Close: the client has the code 1006. The
    /// server and its other connections continue.
    ///
    /// # Panics
    ///
    /// If it is called outside of a runtime of tokio.
    #[must_use = "the handler returns the response"]
    pub fn on_upgrade<C, F>(self, callback: C) -> Response
    where
        C: FnOnce(W) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        if let Some(reject) = &self.reject {
            return response(self.upgrade.reject(reject));
        }
        let mut accept = Accept::new();
        if let Some(name) = &self.selected {
            accept = accept.subprotocol(String::from_utf8_lossy(name.as_bytes()));
        }
        let config = self.final_config();
        let (accepted, opening) = self.upgrade.config(config).accept(accept);
        let guard = self.guard;
        let on_failed = self.on_failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        tokio::spawn(async move {
            match opening.await {
                Ok(websocket) => {
                    let Parts { io, session, .. } = websocket.into_parts();
                    let websocket = WebSocket::from_parts(Parts::new(Upgraded::new(io), session));
                    if let Some(guard) = guard {
                        guard.watch(&websocket);
                    }
                    callback(websocket.into()).await;
                }
                Err(error) => match on_failed {
                    Some(on_failed) => on_failed(W::error(error)),
                    #[cfg(feature = "tracing")]
                    None => tracing::debug!(%error, "upgrade to WebSocket failed"),
                    #[cfg(not(feature = "tracing"))]
                    None => {}
                },
            }
        });
        response(accepted)
    }

    /// Returns the configuration, with what the other methods have set.
    fn final_config(&self) -> Arc<Config> {
        let mut config = Arc::clone(&self.config);
        if self.max_message.is_some() || self.max_frame.is_some() {
            let limits = self.max_message.map_or_else(Limits::default, Limits::new);
            let max_frame = self.max_frame.unwrap_or(limits.max_frame);
            config = Arc::new(Arc::unwrap_or_clone(config).limits(limits.max_frame(max_frame)));
        }
        if let Some(bytes) = self.high_water_mark {
            config = Arc::new(Arc::unwrap_or_clone(config).high_water_mark(bytes));
        }
        config
    }
}

impl<W: Socket> fmt::Debug for WebSocketUpgrade<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade")
            .field("request", self.request())
            .field("selected_protocol", &self.selected)
            .finish_non_exhaustive()
    }
}

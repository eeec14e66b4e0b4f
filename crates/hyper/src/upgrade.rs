//! The server's side: the check of a request, and the response to it.

use std::sync::Arc;
use std::{fmt, io};

use http::{Extensions, Version, request};
use hyper::body::Bytes;
use hyper::upgrade::OnUpgrade;
use protocol_websocket::http::{RequestHead, Versions};
use protocol_websocket::{BuildError, Connection, ParseError, SendError, Timeout};
use protocol_websocket_tokio::{Accept, Config, Error, Reject, Request, Session, WebSocket};

use crate::upgraded::within;
use crate::{Body, Upgraded};

/// Checks an upgrade request that hyper has read: the upgrade of HTTP/1.1 (RFC 6455 §4.2.1), and the extended CONNECT of
/// HTTP/2 (RFC 8441). Respond to it with [`Upgrade::accept`] or [`Upgrade::reject`].
///
/// hyper keeps its connection for the upgrade only if the server calls `with_upgrades` (HTTP/1.1) or
/// `enable_connect_protocol` (HTTP/2).
///
/// ```
/// use hyper::body::Incoming;
/// use protocol_websocket_hyper::{Accept, Body, config, rejection, upgrade};
///
/// async fn respond(mut request: http::Request<Incoming>) -> http::Response<Body> {
///     let upgrade = match upgrade(&mut request, config()) {
///         Ok(upgrade) => upgrade,
///         Err(reject) => return rejection(&reject),
///     };
///     let (response, opening) = upgrade.accept(Accept::new());
///     tokio::spawn(async move {
///         let mut websocket = opening.await?;
///         websocket.send("welcome").await
///     });
///     response
/// }
/// # let _ = respond;
/// ```
///
/// # Errors
///
/// The response that rejects the request, for [`rejection`]. In HTTP/1.1:
///
/// - 405: the method is not `GET`.
/// - 426: the request is not an upgrade to `websocket`, or not in HTTP/1.1, or its version is not that of RFC 6455, which is
///   13. The versions before the RFC are not supported here, also if
///   [`Config::versions`](protocol_websocket_tokio::Config::versions) allows them.
/// - 400: it breaks another rule, for instance the key is missing.
///
/// In HTTP/2:
///
/// - 405: the method is not `CONNECT`.
/// - 501: `:protocol` is not `websocket`.
/// - 400: it breaks another rule, for instance it has the header field `Upgrade`, or its version is not 13.
///
/// 500 if the request has no upgrade of hyper, because it was taken before, or because hyper has not read the request.
pub fn upgrade<B>(request: &mut http::Request<B>, config: impl Into<Arc<Config>>) -> Result<Upgrade, Reject> {
    let is_stream = is_stream(request.version());
    let checked = if is_stream {
        Request::from_connect(request, protocol(request.extensions()))
    } else {
        RequestHead::try_from(&*request).and_then(check_head)
    };
    Upgrade::new(checked, is_stream, request.extensions_mut(), config)
}

/// Checks an upgrade request as [`upgrade`] does, from a request without its body.
///
/// # Errors
///
/// Those of [`upgrade`].
pub fn upgrade_parts(parts: &mut request::Parts, config: impl Into<Arc<Config>>) -> Result<Upgrade, Reject> {
    let is_stream = is_stream(parts.version);
    let checked = if is_stream {
        Request::from_connect_parts(parts, protocol(&parts.extensions))
    } else {
        RequestHead::try_from(&*parts).and_then(check_head)
    };
    Upgrade::new(checked, is_stream, &mut parts.extensions, config)
}

/// Returns the response that rejects a request. If `reject` is invalid, it has the status 500 and no body.
///
/// ```
/// use protocol_websocket_hyper::{Reject, rejection};
///
/// let response = rejection(&Reject::new(404));
/// assert_eq!(response.status(), 404);
/// ```
#[must_use]
pub fn rejection(reject: &Reject) -> http::Response<Body> {
    http::Response::<Bytes>::try_from(reject).map_or_else(|_| server_error(), |response| response.map(Body::from))
}

fn server_error() -> http::Response<Body> {
    let mut response = http::Response::new(Body::default());
    *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// An upgrade request that passed every check and waits for a response.
pub struct Upgrade {
    request: Request,
    on_upgrade: OnUpgrade,
    is_stream: bool,
    config: Arc<Config>,
}

impl Upgrade {
    fn new(
        checked: Result<Request, ParseError>,
        is_stream: bool,
        extensions: &mut Extensions,
        config: impl Into<Arc<Config>>,
    ) -> Result<Self, Reject> {
        let request = checked?;
        let Some(on_upgrade) = extensions.remove::<OnUpgrade>() else {
            return Err(Reject::new(500).body("connection cannot be upgraded"));
        };
        Ok(Self { request, on_upgrade, is_stream, config: config.into() })
    }

    /// Returns the request, with its resource name (path and query), its headers, its origin, and the subprotocols that
    /// the client offers.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Replaces the configuration of the connection, for instance with one that depends on the request.
    #[must_use]
    pub fn config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.config = config.into();
        self
    }

    /// Accepts the request. Returns the response for hyper, with the status 101 or, in HTTP/2, 200, and a future for the
    /// open WebSocket. The extensions of the configuration that the client offers are added.
    ///
    /// The future waits until hyper has written the response, so it runs in a task of its own. If it is dropped before,
    /// the connection or the stream ends after the response. It waits for at most
    /// [`Timeouts::handshake`](protocol_websocket::Timeouts::handshake), from its first poll.
    ///
    /// # Errors
    ///
    /// Of the future: [`Error::Send`] if `accept` is invalid; the response then has the status 500. [`Error::Io`] with a
    /// [`hyper::Error`] if the connection ended before, if the server does not support upgrades, or if another response was
    /// sent. [`Error::Connection`] with [`Timeout::Handshake`](protocol_websocket::Timeout::Handshake) if the deadline
    /// passed: in HTTP/1.1, hyper does not compare the response, so after another one the future waits for the end of the
    /// connection.
    pub fn accept(
        self,
        accept: Accept,
    ) -> (http::Response<Body>, impl Future<Output = Result<WebSocket<Upgraded>, Error>> + Send + use<>) {
        let Self { request, on_upgrade, is_stream, config } = self;
        let deadline = config.handshake_timeout();
        let (response, connection) = match respond(&request, accept, config) {
            Ok((response, connection)) => (response, Ok(connection)),
            Err(error) => (server_error(), Err(SendError::from(error))),
        };
        let opening = async move {
            let connection = connection?;
            let upgraded =
                within(deadline, on_upgrade).await.ok_or(protocol_websocket::Error::from(Timeout::Handshake))?;
            let io = upgraded.map_err(io::Error::other)?;
            Ok(WebSocket::new(Upgraded::new(io, is_stream), Session::new(connection)))
        };
        (response, opening)
    }

    /// Rejects the request with a status other than 101 and 200, such as 403. As [`rejection`].
    #[must_use]
    pub fn reject(self, reject: &Reject) -> http::Response<Body> {
        rejection(reject)
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade").field("request", &self.request).finish_non_exhaustive()
    }
}

fn respond(
    request: &Request,
    accept: Accept,
    config: Arc<Config>,
) -> Result<(http::Response<Body>, Connection), BuildError> {
    let (response, connection) = Connection::respond(request, accept, config)?;
    let response = http::Response::<()>::try_from(&response)?;
    Ok((response.map(|()| Body::default()), connection))
}

/// Returns whether the requests of this version of HTTP are streams, so that CONNECT replaces the upgrade.
fn is_stream(version: Version) -> bool {
    version >= Version::HTTP_2
}

/// Checks a request of HTTP/1.1. A client of draft-ietf-hybi-00 sends eight bytes after the head, while hyper owns the
/// connection.
fn check_head(head: RequestHead) -> Result<Request, ParseError> {
    Request::check(head, Versions::RFC6455)
}

/// Returns `:protocol`. Without the feature `http2`, hyper does not have it.
#[cfg_attr(not(feature = "http2"), expect(unused_variables, clippy::missing_const_for_fn, reason = "without HTTP/2"))]
fn protocol(extensions: &Extensions) -> Option<&str> {
    #[cfg(feature = "http2")]
    return extensions.get().map(hyper::ext::Protocol::as_str);
    #[cfg(not(feature = "http2"))]
    None
}

//! The client's side: the request, and the check of the response.

use std::fmt;
use std::sync::Arc;

use http::Version;
use protocol_websocket::{
    BuildError, ClientDestination, Connection, OsRandom, ParseError, ResponseError, ResponseHead, Session,
};
use protocol_websocket_tokio::{Config, Offer, Request, Response, WebSocket};

use crate::upgraded::within;
use crate::{Body, OpenError, Upgraded};

/// Creates an upgrade request of HTTP/1.1 (RFC 6455 §4.1), and the [`Expect`] that checks the response. The caller sends the
/// request by `hyper::client::conn::http1`, and polls that connection `with_upgrades`.
///
/// The extensions of the configuration are added to the offer.
///
/// ```
/// use hyper::client::conn::http1;
/// use hyper_util::rt::TokioIo;
/// use protocol_websocket_hyper::{Destination, Offer, OpenError, Upgraded, WebSocket, config, http1_request};
/// use tokio::net::TcpStream;
///
/// async fn open(stream: TcpStream) -> Result<WebSocket<Upgraded>, OpenError> {
///     let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
///     tokio::spawn(connection.with_upgrades());
///     let (request, expect) = http1_request(Destination::new("example.com", "/chat"), &Offer::new(), config())?;
///     let mut response = sender.send_request(request).await?;
///     let (websocket, _response) = expect.open(&mut response).await?;
///     Ok(websocket)
/// }
/// # let _ = open;
/// ```
///
/// # Errors
///
/// [`BuildError`] if the offer or the destination is invalid. [`BuildError::Version`] if the offer is of a version before
/// RFC 6455.
#[cfg(feature = "http1")]
#[cfg_attr(docsrs, doc(cfg(feature = "http1")))]
pub fn http1_request<'a>(
    destination: impl Into<ClientDestination<'a>>,
    offer: &Offer,
    config: impl Into<Arc<Config>>,
) -> Result<(http::Request<Body>, Expect), BuildError> {
    let config = config.into();
    let mut random = OsRandom::new();
    let request = Request::offer(destination.into().destination(), &config.offer(offer.clone()), &mut random)?;
    if request.version() != protocol_websocket::Version::Rfc6455 {
        return Err(BuildError::Version);
    }
    let converted = http::Request::<()>::try_from(&request)?;
    Ok((converted.map(|()| Body::default()), Expect { request, config, random }))
}

/// Creates an extended CONNECT of HTTP/2 (RFC 8441), and the [`Expect`] that checks the response. The caller sends the
/// request by the sender of [`http2_handshake`](crate::http2_handshake). Many WebSockets can share its connection, as many as
/// the server allows concurrent streams.
///
/// The extensions of the configuration are added to the offer.
///
/// ```
/// use hyper::client::conn::http2::SendRequest;
/// use protocol_websocket_hyper::{
///     Body, Destination, Offer, OpenError, Upgraded, WebSocket, config, http2_request,
/// };
///
/// async fn open(sender: &mut SendRequest<Body>) -> Result<WebSocket<Upgraded>, OpenError> {
///     let (request, expect) = http2_request(Destination::new("example.com", "/chat"), &Offer::new(), config())?;
///     let mut response = sender.send_request(request).await?;
///     let (websocket, _response) = expect.open(&mut response).await?;
///     Ok(websocket)
/// }
/// # let _ = open;
/// ```
///
/// # Errors
///
/// [`BuildError`] if the offer or the destination is invalid. [`BuildError::Version`] if the offer is of a version before
/// RFC 6455.
#[cfg(feature = "http2")]
#[cfg_attr(docsrs, doc(cfg(feature = "http2")))]
pub fn http2_request<'a>(
    destination: impl Into<ClientDestination<'a>>,
    offer: &Offer,
    config: impl Into<Arc<Config>>,
) -> Result<(http::Request<Body>, Expect), BuildError> {
    let config = config.into();
    let request = Request::offer_connect(destination.into().destination(), &config.offer(offer.clone()))?;
    let mut converted = http::Request::<()>::try_from(&request)?;
    converted.extensions_mut().insert(hyper::ext::Protocol::from_static("websocket"));
    Ok((converted.map(|()| Body::default()), Expect { request, config, random: OsRandom::new() }))
}

/// A request of a client that waits for a response.
pub struct Expect {
    request: Request,
    config: Arc<Config>,
    random: OsRandom,
}

impl Expect {
    /// Returns the request.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Checks the response, and waits for the upgrade of hyper. Returns the open WebSocket, and the response with the
    /// subprotocol and the extensions.
    ///
    /// The future does not borrow `response`. After an error, `response` still has the body.
    ///
    /// # Errors
    ///
    /// - [`OpenError::Rejected`] for any other status than 101 or, in HTTP/2, 2xx.
    /// - [`OpenError::Response`] and [`OpenError::Parse`] if the response breaks a rule, for instance it has a subprotocol
    ///   that was not offered.
    /// - [`OpenError::Timeout`] after [`Timeouts::handshake`](protocol_websocket::Timeouts::handshake), from the first poll.
    /// - [`OpenError::Hyper`] if hyper has no upgrade. Over HTTP/1.1, the connection was polled without `with_upgrades`.
    ///   Over HTTP/2, hyper upgrades only after the status 200.
    pub fn open<B>(
        self,
        response: &mut http::Response<B>,
    ) -> impl Future<Output = Result<(WebSocket<Upgraded>, Response), OpenError>> + Send + use<B> {
        let deadline = self.config.handshake_timeout();
        let checked = response_head(response).map_err(OpenError::Parse).and_then(|head| self.check(head));
        let on_upgrade = hyper::upgrade::on(response);
        async move {
            let (response, connection, is_stream) = checked?;
            let io = within(deadline, on_upgrade).await.ok_or(OpenError::Timeout)??;
            Ok((WebSocket::new(Upgraded::new(io, is_stream), Session::new(connection)), response))
        }
    }

    fn check(self, head: ResponseHead) -> Result<(Response, Connection, bool), OpenError> {
        let Self { request, config, random } = self;
        let response = match Response::from_head(head.clone(), &request) {
            Ok(response) => response,
            Err(ResponseError::Status) => return Err(OpenError::Rejected(Box::new(head))),
            Err(error) => return Err(OpenError::Response(error)),
        };
        let connection = Connection::open_client(response.negotiated(), config, random);
        if connection.ended().is_some() {
            return Err(OpenError::Response(ResponseError::ExtensionParameters));
        }
        Ok((response, connection, request.is_connect()))
    }
}

impl fmt::Debug for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expect").field("request", &self.request).finish_non_exhaustive()
    }
}

fn response_head<B>(response: &http::Response<B>) -> Result<ResponseHead, ParseError> {
    if response.version() < Version::HTTP_2 {
        ResponseHead::try_from(response)
    } else {
        ResponseHead::from_parts(response.status().as_u16(), response.headers())
    }
}

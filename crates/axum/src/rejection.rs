use std::fmt;

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use protocol_websocket_hyper::{Reject, rejection};

/// The rejection of [`WebSocketUpgrade`](crate::WebSocketUpgrade): the request is not a valid upgrade request.
///
/// As a response, it has the status, the header fields that belong to it, such as `Upgrade: websocket` with 426, and a text
/// with the reason. In HTTP/1.1, the status is
///
/// - 405: the method is not `GET`.
/// - 426: the request is not an upgrade to `websocket`, or not in HTTP/1.1, or its version is not 13, that of RFC 6455.
/// - 400: it breaks another rule, for instance the key is missing.
///
/// In HTTP/2:
///
/// - 405: the method is not `CONNECT`.
/// - 501: `:protocol` is not `websocket`.
/// - 400: it breaks another rule, for instance its version is not 13.
///
/// 500 if the connection cannot be upgraded, because another extractor or middleware has taken the upgrade, or because no
/// HTTP server has read the request, as in a test that calls the router.
///
/// hyper itself responds with 431 to a head that exceeds its limits: by default 100 header fields in HTTP/1.1, and 16 KiB in
/// HTTP/2. Such a request does not reach the router.
///
/// A route that has a page for other requests takes a `Result`:
///
/// ```
/// use axum::response::{Html, IntoResponse, Response};
/// use protocol_websocket_axum::{WebSocketUpgrade, WebSocketUpgradeRejection};
///
/// async fn handler(upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>) -> Response {
///     match upgrade {
///         Ok(upgrade) => upgrade.on_upgrade(async |mut websocket| {
///             let _ = websocket.send("welcome").await;
///         }),
///         Err(rejection) if rejection.status() == 426 => Html("<h1>Chat</h1>").into_response(),
///         Err(rejection) => rejection.into_response(),
///     }
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::any(handler));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocketUpgradeRejection(pub(crate) Reject);

impl WebSocketUpgradeRejection {
    /// Returns the status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Returns the body of the response, which is the reason.
    #[must_use]
    pub fn body_text(&self) -> String {
        let body = self.0.to_fields().map(|(_, body)| body).unwrap_or_default();
        String::from_utf8_lossy(&body).into_owned()
    }
}

impl From<WebSocketUpgradeRejection> for Reject {
    fn from(rejection: WebSocketUpgradeRejection) -> Self {
        rejection.0
    }
}

impl IntoResponse for WebSocketUpgradeRejection {
    fn into_response(self) -> Response {
        response(rejection(&self.0))
    }
}

impl fmt::Display for WebSocketUpgradeRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.body_text())
    }
}

impl std::error::Error for WebSocketUpgradeRejection {}

/// Converts a response to the body type of axum.
pub(crate) fn response(response: http::Response<protocol_websocket_hyper::Body>) -> Response {
    response.map(|body| Body::from(Bytes::from(body)))
}

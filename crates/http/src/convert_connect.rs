//! An extended CONNECT in the types of the `http` crate.

use http::{HeaderMap, Method, Uri, request};

use crate::error::ParseError;
use crate::field_section::REQUEST;
use crate::request::Request;

impl Request {
    /// Checks an extended CONNECT of HTTP/2 or HTTP/3 that another library parsed, as [`from_fields`](Self::from_fields) does.
    ///
    /// The `http` crate has no `:protocol`. Each HTTP library has a type for it in the extensions of the request:
    ///
    /// ```
    /// use protocol_websocket_http::{ParseError, Request};
    ///
    /// # #[derive(Clone)] struct Protocol(String);
    /// # impl Protocol { fn as_str(&self) -> &str { &self.0 } }
    /// // `Protocol` is `hyper::ext::Protocol` or `h2::ext::Protocol`.
    /// fn check<B>(request: &http::Request<B>) -> Result<Request, ParseError> {
    ///     let protocol = request.extensions().get().map(Protocol::as_str);
    ///     Request::from_connect(request, protocol)
    /// }
    /// # let request = http::Request::builder().method("CONNECT").uri("https://example.com/chat")
    /// #     .header("sec-websocket-version", "13").extension(Protocol("websocket".into())).body(()).unwrap();
    /// # assert_eq!(check(&request)?.resource_name(), "/chat");
    /// # Ok::<_, ParseError>(())
    /// ```
    ///
    /// The HTTP version of the request is not read, because only HTTP/2 and HTTP/3 have `:protocol`.
    ///
    /// # Errors
    ///
    /// Those of [`from_fields`](Self::from_fields).
    pub fn from_connect<B>(request: &http::Request<B>, protocol: Option<&str>) -> Result<Self, ParseError> {
        check(request.method(), request.uri(), request.headers(), protocol)
    }

    /// Checks an extended CONNECT as [`from_connect`](Self::from_connect) does, from a request without its body.
    ///
    /// # Errors
    ///
    /// Those of [`from_fields`](Self::from_fields).
    pub fn from_connect_parts(parts: &request::Parts, protocol: Option<&str>) -> Result<Self, ParseError> {
        check(&parts.method, &parts.uri, &parts.headers, protocol)
    }
}

fn check(method: &Method, uri: &Uri, headers: &HeaderMap, protocol: Option<&str>) -> Result<Request, ParseError> {
    let values = [
        Some(method.as_str()),
        protocol,
        uri.scheme_str(),
        uri.authority().map(http::uri::Authority::as_str),
        uri.path_and_query().map(http::uri::PathAndQuery::as_str),
    ];
    let pseudo = REQUEST.iter().zip(values).filter_map(|(name, value)| Some((name.as_bytes(), value?.as_bytes())));
    let headers = headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
    Request::from_fields(pseudo.chain(headers))
}

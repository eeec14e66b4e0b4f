//! Conversions from and to the types of the `http` crate.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, StatusCode, Uri, Version, request, response};

use crate::error::{BuildError, ParseError};
use crate::headers::Headers;
use crate::reject::Reject;
use crate::request::Request;
use crate::request_head::RequestHead;
use crate::response::Response;
use crate::response_head::ResponseHead;

/// Converts the head of a request that another library parsed.
impl<B> TryFrom<&http::Request<B>> for RequestHead {
    type Error = ParseError;

    /// Copies method, target, version and header fields.
    ///
    /// # Errors
    ///
    /// [`ParseError::HttpVersion`] for HTTP/2 and later, and those of [`RequestHead::from_parts`].
    fn try_from(request: &http::Request<B>) -> Result<Self, ParseError> {
        request_head(request.method(), request.uri(), request.version(), request.headers())
    }
}

/// Converts the head of a request that another library parsed.
///
/// ```
/// use protocol_websocket_http::RequestHead;
///
/// let request = http::Request::builder().uri("/chat").header("Host", "example.com").body("the body").unwrap();
/// let (parts, _body) = request.into_parts();
/// let head = RequestHead::try_from(&parts)?;
/// assert_eq!((head.method(), head.target()), ("GET", "/chat"));
/// # Ok::<(), protocol_websocket_http::ParseError>(())
/// ```
impl TryFrom<&request::Parts> for RequestHead {
    type Error = ParseError;

    /// Copies method, target, version and header fields.
    ///
    /// # Errors
    ///
    /// [`ParseError::HttpVersion`] for HTTP/2 and later, and those of [`RequestHead::from_parts`].
    fn try_from(parts: &request::Parts) -> Result<Self, ParseError> {
        request_head(&parts.method, &parts.uri, parts.version, &parts.headers)
    }
}

/// Checks an upgrade request that another library parsed.
impl<B> TryFrom<&http::Request<B>> for Request {
    type Error = ParseError;

    /// Checks the head as [`Request::from_head`] does. [`Request::from_connect`] checks an extended CONNECT of HTTP/2 or HTTP/3.
    ///
    /// # Errors
    ///
    /// A [`ParseError`] if the request is not a valid upgrade request. `Reject::from(error)` converts to a response.
    fn try_from(request: &http::Request<B>) -> Result<Self, ParseError> {
        RequestHead::try_from(request).and_then(Self::from_head)
    }
}

/// Checks an upgrade request that another library parsed.
impl TryFrom<&request::Parts> for Request {
    type Error = ParseError;

    /// Checks the head as [`Request::from_head`] does.
    ///
    /// # Errors
    ///
    /// A [`ParseError`] if the request is not a valid upgrade request. `Reject::from(error)` converts to a response.
    fn try_from(parts: &request::Parts) -> Result<Self, ParseError> {
        RequestHead::try_from(parts).and_then(Self::from_head)
    }
}

/// Converts the head of a response that another library parsed.
impl<B> TryFrom<&http::Response<B>> for ResponseHead {
    type Error = ParseError;

    /// Copies status, version and header fields. [`ResponseHead::from_parts`] accepts those of HTTP/2 and HTTP/3.
    ///
    /// # Errors
    ///
    /// [`ParseError::HttpVersion`] for HTTP/2 and later, and those of [`ResponseHead::from_parts`].
    fn try_from(response: &http::Response<B>) -> Result<Self, ParseError> {
        response_head(response.status(), response.version(), response.headers())
    }
}

/// Converts the head of a response that another library parsed.
impl TryFrom<&response::Parts> for ResponseHead {
    type Error = ParseError;

    /// Copies status, version and header fields. [`ResponseHead::from_parts`] accepts those of HTTP/2 and HTTP/3.
    ///
    /// # Errors
    ///
    /// [`ParseError::HttpVersion`] for HTTP/2 and later, and those of [`ResponseHead::from_parts`].
    fn try_from(parts: &response::Parts) -> Result<Self, ParseError> {
        response_head(parts.status, parts.version, &parts.headers)
    }
}

/// Converts a client's request, so that another library can send it.
///
/// ```
/// use protocol_websocket_http::{Destination, Offer, Request};
///
/// let mut random = |buf: &mut [u8]| buf.fill(7); // use `OsRandom`
/// let request = Request::offer(Destination::new("example.com", "/chat"), &Offer::new(), &mut random)?;
/// let converted = http::Request::try_from(&request)?;
/// assert_eq!(converted.uri().path(), "/chat");
/// assert_eq!(converted.headers()["host"], "example.com");
/// # Ok::<(), protocol_websocket_http::BuildError>(())
/// ```
impl TryFrom<&Request> for http::Request<()> {
    type Error = BuildError;

    /// Copies target and header fields. The target is that of the request line, without scheme and host. In
    /// draft-ietf-hybi-00 the caller sends the bytes of [`Request::key3`] after the head.
    ///
    /// Of an [extended CONNECT](Request::offer_connect), the target has scheme and host, and the version is HTTP/2. The `http`
    /// crate has no `:protocol`: the caller inserts the type of its HTTP library into the extensions, such as
    /// `hyper::ext::Protocol::from_static("websocket")`.
    ///
    /// # Errors
    ///
    /// [`BuildError::ResourceName`] for a target, [`BuildError::Host`] for a host, and [`BuildError::TooLong`] for header fields
    /// that the `http` crate does not accept.
    fn try_from(request: &Request) -> Result<Self, BuildError> {
        let mut converted = Self::new(());
        let target = request.head().target();
        if request.is_connect() {
            let target: PathAndQuery = target.parse().map_err(|_| BuildError::ResourceName)?;
            let scheme = if request.is_secure() { "https" } else { "http" };
            let uri = Uri::builder().scheme(scheme).authority(request.host()).path_and_query(target);
            *converted.uri_mut() = uri.build().map_err(|_| BuildError::Host)?;
            *converted.method_mut() = Method::CONNECT;
            *converted.version_mut() = Version::HTTP_2;
        } else {
            *converted.uri_mut() = target.parse().map_err(|_| BuildError::ResourceName)?;
        }
        copy(request.headers(), converted.headers_mut())?;
        Ok(converted)
    }
}

/// Converts a server's response, so that another library can send it.
impl TryFrom<&Response> for http::Response<()> {
    type Error = BuildError;

    /// Copies status and header fields. The status is 101, or 200 for an extended CONNECT.
    ///
    /// # Errors
    ///
    /// [`BuildError::TooLong`] for more header fields than the `http` crate accepts.
    fn try_from(response: &Response) -> Result<Self, BuildError> {
        let mut converted = Self::new(());
        *converted.status_mut() = StatusCode::from_u16(response.status()).map_err(|_| BuildError::Status)?;
        copy(response.headers(), converted.headers_mut())?;
        Ok(converted)
    }
}

/// Converts a server's response that rejects an upgrade, so that another library can send it. That library writes
/// `Content-Length`, and `Connection: close` if it closes the connection.
///
/// ```
/// use bytes::Bytes;
/// use protocol_websocket_http::{ParseError, Reject};
///
/// let response = http::Response::<Bytes>::try_from(&Reject::from(ParseError::Upgrade))?;
/// assert_eq!(response.status(), 426);
/// assert_eq!(response.headers()["upgrade"], "websocket");
/// # Ok::<(), protocol_websocket_http::BuildError>(())
/// ```
impl TryFrom<&Reject> for http::Response<Bytes> {
    type Error = BuildError;

    /// Copies status, header fields and body. If there is a header field `Upgrade`, as in every 426 of this crate, the result
    /// has `Connection: Upgrade` (RFC 9110 §7.8). The errors of an extended CONNECT are not 426, so their response has
    /// neither.
    ///
    /// # Errors
    ///
    /// Those of [`Reject::encode`], and [`BuildError::TooLong`] for more header fields than the `http` crate accepts.
    fn try_from(reject: &Reject) -> Result<Self, BuildError> {
        let (headers, body) = reject.parts()?;
        let mut converted = Self::new(body.clone());
        *converted.status_mut() = StatusCode::from_u16(reject.status()).map_err(|_| BuildError::Status)?;
        copy(headers, converted.headers_mut())?;
        //= https://www.rfc-editor.org/rfc/rfc9110#section-7.8
        //# A sender of Upgrade MUST also send an "Upgrade" connection option in
        //# the Connection header field (Section 7.6.1) to inform intermediaries
        //# not to forward this field.
        if reject.has_upgrade() {
            insert(converted.headers_mut(), CONNECTION, "Upgrade")?;
        }
        if let Some(content_type) = reject.default_content_type() {
            insert(converted.headers_mut(), CONTENT_TYPE, content_type)?;
        }
        Ok(converted)
    }
}

fn request_head(method: &Method, uri: &Uri, version: Version, headers: &HeaderMap) -> Result<RequestHead, ParseError> {
    let minor_version = minor_version(version)?;
    let method = method.as_str();
    let head = match uri.path_and_query() {
        Some(target) if uri.scheme().is_none() => RequestHead::from_parts(method, target.as_str(), headers),
        _ => RequestHead::from_parts(method, &alloc::format!("{uri}"), headers),
    }?;
    Ok(head.with_minor_version(minor_version))
}

fn response_head(status: StatusCode, version: Version, headers: &HeaderMap) -> Result<ResponseHead, ParseError> {
    let minor_version = minor_version(version)?;
    let head = ResponseHead::from_parts(status.as_u16(), headers)?;
    Ok(head.with_minor_version(minor_version))
}

fn minor_version(version: Version) -> Result<u8, ParseError> {
    match version {
        Version::HTTP_11 => Ok(1),
        Version::HTTP_10 => Ok(0),
        _ => Err(ParseError::HttpVersion),
    }
}

/// Inserts a header field. `HeaderMap::insert` would panic if the map is full.
fn insert(map: &mut HeaderMap, name: HeaderName, value: &'static str) -> Result<(), BuildError> {
    map.try_insert(name, HeaderValue::from_static(value)).map(drop).map_err(|_| BuildError::TooLong)
}

fn copy(headers: &Headers, map: &mut HeaderMap) -> Result<(), BuildError> {
    for (name, value) in headers.iter() {
        let name = HeaderName::try_from(name).map_err(|_| BuildError::Field)?;
        let value = HeaderValue::from_bytes(value).map_err(|_| BuildError::Field)?;
        map.try_append(name, value).map_err(|_| BuildError::TooLong)?;
    }
    Ok(())
}

//! Conversions from and to the types of the `http` crate.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::reject::PLAIN_TEXT;
use crate::{BuildError, Headers, ParseError, Reject, Request, RequestHead, Response, ResponseHead};

/// Takes over the head of a request that another library parsed.
impl<B> TryFrom<&http::Request<B>> for RequestHead {
    type Error = ParseError;

    /// Reads method, target, version and headers.
    ///
    /// # Errors
    ///
    /// [`ParseError::HttpVersion`] for HTTP/2 and later, and those of [`RequestHead::from_parts`].
    fn try_from(request: &http::Request<B>) -> Result<Self, ParseError> {
        let minor_version = minor_version(request.version())?;
        let method = request.method().as_str();
        let uri = request.uri();
        let headers = request.headers();
        let head = match uri.path_and_query() {
            Some(target) if uri.scheme().is_none() => Self::from_parts(method, target.as_str(), headers),
            _ => Self::from_parts(method, &alloc::format!("{uri}"), headers),
        }?;
        Ok(head.with_minor_version(minor_version))
    }
}

/// Checks a request that another library parsed.
impl<B> TryFrom<&http::Request<B>> for Request {
    type Error = ParseError;

    /// Checks the head as [`Request::from_head`] does.
    ///
    /// # Errors
    ///
    /// A [`ParseError`] for what is not a good upgrade request; its [`Reject`] becomes an answer too.
    fn try_from(request: &http::Request<B>) -> Result<Self, ParseError> {
        RequestHead::try_from(request).and_then(Self::from_head)
    }
}

/// Takes over the head of a response that another library parsed.
impl<B> TryFrom<&http::Response<B>> for ResponseHead {
    type Error = ParseError;

    /// Reads status, version and headers.
    ///
    /// # Errors
    ///
    /// [`ParseError::HttpVersion`] for HTTP/2 and later, and those of [`ResponseHead::from_parts`].
    fn try_from(response: &http::Response<B>) -> Result<Self, ParseError> {
        let minor_version = minor_version(response.version())?;
        let head = Self::from_parts(response.status().as_u16(), response.headers())?;
        Ok(head.with_minor_version(minor_version))
    }
}

/// A client's request for another library to send.
impl TryFrom<&Request> for http::Request<()> {
    type Error = BuildError;

    /// Copies target and headers. The target is that of the request line: it has no scheme and no host. What
    /// [`Request::key3`] gives is left for the caller to send.
    ///
    /// # Errors
    ///
    /// [`BuildError::ResourceName`] for a target and [`BuildError::TooLong`] for headers that the `http` crate does not
    /// take.
    fn try_from(request: &Request) -> Result<Self, BuildError> {
        let mut converted = Self::new(());
        *converted.uri_mut() = request.head().target().parse().map_err(|_| BuildError::ResourceName)?;
        copy(request.headers(), converted.headers_mut())?;
        Ok(converted)
    }
}

/// A server's answer for another library to send.
impl TryFrom<&Response> for http::Response<()> {
    type Error = BuildError;

    /// Copies status and headers.
    ///
    /// # Errors
    ///
    /// [`BuildError::TooLong`] for more headers than the `http` crate takes.
    fn try_from(response: &Response) -> Result<Self, BuildError> {
        let mut converted = Self::new(());
        *converted.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
        copy(response.headers(), converted.headers_mut())?;
        Ok(converted)
    }
}

/// A refusal for another library to send. That library writes `Content-Length`, and the `close` of `Connection` if it
/// closes the connection.
impl TryFrom<&Reject> for http::Response<Bytes> {
    type Error = BuildError;

    /// Copies status, headers and body. With a header `Upgrade`, as every refusal with 426 has one, `Connection` names it
    /// (RFC 9110 §7.8).
    ///
    /// # Errors
    ///
    /// Those of [`Reject::encode`], and [`BuildError::TooLong`] for more headers than the `http` crate takes.
    fn try_from(reject: &Reject) -> Result<Self, BuildError> {
        let (headers, body) = reject.parts()?;
        let mut converted = Self::new(body.clone());
        *converted.status_mut() = http::StatusCode::from_u16(reject.status()).map_err(|_| BuildError::Status)?;
        copy(headers, converted.headers_mut())?;
        //= https://www.rfc-editor.org/rfc/rfc9110#section-7.8
        //# A sender of Upgrade MUST also send an "Upgrade" connection option in
        //# the Connection header field (Section 7.6.1) to inform intermediaries
        //# not to forward this field.
        if headers.contains("upgrade") {
            converted.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        }
        if reject.is_plain_text() {
            converted.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PLAIN_TEXT));
        }
        Ok(converted)
    }
}

fn minor_version(version: http::Version) -> Result<u8, ParseError> {
    match version {
        http::Version::HTTP_11 => Ok(1),
        http::Version::HTTP_10 => Ok(0),
        _ => Err(ParseError::HttpVersion),
    }
}

fn copy(headers: &Headers, map: &mut HeaderMap) -> Result<(), BuildError> {
    for (name, value) in headers.iter() {
        let name = HeaderName::try_from(name).map_err(|_| BuildError::Field)?;
        let value = HeaderValue::from_bytes(value).map_err(|_| BuildError::Field)?;
        map.try_append(name, value).map_err(|_| BuildError::TooLong)?;
    }
    Ok(())
}

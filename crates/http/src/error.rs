//! The errors of this crate, by the party that caused them: [`ParseError`] and [`ResponseError`] by the peer, [`BuildError`] by
//! the caller.

use core::fmt;

use crate::versions::Versions;

/// An error of the peer: its head is not valid.
///
/// A server writes the response of [`reply`](Self::reply) and closes the connection. A client sends nothing and closes the
/// connection.
///
/// ```
/// use protocol_websocket_http::{ParseError, Request};
///
/// let error = Request::from_parts("POST", "/chat", [("Host", "example.com")]).unwrap_err();
/// assert_eq!((error, error.status()), (ParseError::Method, 405));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseError {
    /// The request has a `Content-Length` that is over 0 or malformed, or a `Transfer-Encoding`. A proxy could read the
    /// bytes after the head as a body, while the server reads them as frames. In draft-ietf-hybi-00 it may be 8.
    Body,
    /// No header field `Connection` contains `upgrade` (RFC 6455 §4.2.1, item 4).
    Connection,
    /// The request has a header field that HTTP/2 and HTTP/3 do not have, such as `Connection` or `Upgrade` (RFC 9113
    /// §8.2.2).
    ConnectionSpecific,
    /// The method of a request in HTTP/2 or HTTP/3 is not `CONNECT`.
    ConnectMethod,
    /// `Sec-WebSocket-Version` of an extended CONNECT is missing, repeated, or not 13. The drafts before RFC 6455 do not have
    /// this request.
    ConnectVersion,
    /// `Sec-WebSocket-Extensions` is not a valid list (RFC 6455 §9.1), or has more than
    /// [`ExtensionParams::MAX_ITEMS`](crate::ExtensionParams::MAX_ITEMS) (64) extensions and parameters.
    Extensions,
    /// A malformed header field line (RFC 9112 §5): no colon, a space before the colon, a folded line, or a control
    /// character. In HTTP/2 and HTTP/3 also a capital letter in a name, a space or tab at the end of a value, and a
    /// pseudo-header field that is unknown, repeated, or after a header field (RFC 9113 §8.2.1 and §8.3).
    Field,
    /// `Host` is missing, repeated or invalid (RFC 9112 §3.2). In an extended CONNECT: `:authority` is missing or invalid, or
    /// `Host` has another value (RFC 9113 §8.3.1).
    Host,
    /// The HTTP version is not 1.1. A server ignores `Upgrade` in HTTP/1.0 (RFC 9110 §7.8).
    HttpVersion,
    /// `Sec-WebSocket-Key` is missing, repeated or invalid. It must be the base64 of 16 bytes (RFC 6455 §4.2.1, item 5), in
    /// draft-ietf-hybi-10 base64 of 1 to 64 characters. In draft-ietf-hybi-00: `Sec-WebSocket-Key1` or `-Key2` is missing,
    /// repeated, or has an invalid number (§5.2).
    Key,
    /// The method is not `GET`.
    Method,
    /// The request has a key of draft-ietf-hybi-00, and a key or version number of a later version.
    MixedKeys,
    /// The origin is repeated, not UTF-8, or ambiguous: `Origin` and `Sec-WebSocket-Origin` (draft-ietf-hybi-10) have different
    /// values.
    Origin,
    /// `:protocol` of a CONNECT is missing or not `websocket` (RFC 8441 §5). Without it, the request is for a tunnel to another
    /// host (RFC 9113 §8.5).
    Protocol,
    /// The first line of a request is not a method, a target and `HTTP/1.0` or `HTTP/1.1`, separated by one space.
    RequestLine,
    /// The first line of a response is not `HTTP/1.0` or `HTTP/1.1`, three digits and an optional phrase. In HTTP/2 and
    /// HTTP/3: `:status` is missing or not three digits.
    ResponseLine,
    /// `Sec-WebSocket-Protocol` is not a list of 1 to 64 unique tokens.
    Subprotocols,
    /// The target is neither a path nor an absolute `http` or `https` URI, or has a fragment. In an extended CONNECT: `:scheme`
    /// is not `http` or `https`, or `:path` is missing or not a path.
    Target,
    /// The head is longer than [`HeadLimits::max_len`](crate::HeadLimits::max_len), or than 4 GiB.
    ///
    /// This variant and [`TooManyHeaders`](Self::TooManyHeaders) do not contain the limit, because a client subtracts
    /// the interim responses before a head from it.
    TooLong,
    /// The head has more header fields than [`HeadLimits::max_headers`](crate::HeadLimits::max_headers).
    TooManyHeaders,
    /// No header field `Upgrade` contains `websocket` (RFC 6455 §4.2.1, item 3). The request may not be meant for WebSocket.
    Upgrade,
    /// The server does not support the protocol version of the request (RFC 6455 §4.2.1, item 6). The value is the set of
    /// supported versions.
    Version(Versions),
}

impl ParseError {
    /// Returns the status code of a server's response.
    ///
    /// - 405: the method is not `GET`, or in HTTP/2 and HTTP/3 not `CONNECT`.
    /// - 426: the request is not an upgrade to a supported version of WebSocket. HTTP/2 and HTTP/3 do not have this status,
    ///   because their connections cannot be upgraded.
    /// - 431: the head exceeds [`HeadLimits`](crate::HeadLimits).
    /// - 501: the CONNECT is not for WebSocket (RFC 9220 §3).
    /// - 400: all other errors.
    ///
    /// ```
    /// use protocol_websocket_http::{ParseError, Versions};
    ///
    /// assert_eq!(ParseError::Key.status(), 400);
    /// assert_eq!(ParseError::Version(Versions::RFC6455).status(), 426);
    /// assert_eq!(ParseError::TooLong.status(), 431);
    /// ```
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Method | Self::ConnectMethod => 405,
            Self::Connection | Self::HttpVersion | Self::Upgrade | Self::Version(_) => 426,
            Self::TooLong | Self::TooManyHeaders => 431,
            //= https://www.rfc-editor.org/rfc/rfc9220#section-3
            //# If a server advertises support for Extended CONNECT but receives an
            //# Extended CONNECT request with a ":protocol" value that is unknown or is
            //# not supported, the server SHOULD respond to the request with a 501 (Not
            //# Implemented) status code
            Self::Protocol => 501,
            _ => 400,
        }
    }

    /// Returns the text of `Display`.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Body => "upgrade request must not have a body",
            Self::Connection => "connection header field does not contain upgrade",
            Self::ConnectionSpecific => "connection-specific header field in HTTP/2 or HTTP/3",
            Self::ConnectMethod => "method of a request over HTTP/2 or HTTP/3 must be CONNECT",
            Self::ConnectVersion => "sec-websocket-version of an extended CONNECT must be 13",
            Self::Extensions => "sec-websocket-extensions is not a list of at most 64 extensions and parameters",
            Self::Field => "malformed header field",
            Self::Host => "request must have exactly one valid host header field",
            Self::HttpVersion => "http version of an upgrade must be HTTP/1.1",
            Self::Key => "missing, repeated or invalid sec-websocket-key",
            Self::Method => "method of an upgrade must be GET",
            Self::MixedKeys => "request has keys of two protocol versions",
            Self::Origin => "repeated, malformed or ambiguous origin",
            Self::Protocol => "protocol of a CONNECT must be websocket",
            Self::RequestLine => "malformed request line",
            Self::ResponseLine => "malformed status line",
            Self::Subprotocols => "sec-websocket-protocol is not a list of 1 to 64 unique tokens",
            Self::Target => "invalid request target",
            Self::TooLong => "head exceeds the limit max_len",
            Self::TooManyHeaders => "head exceeds the limit max_headers",
            Self::Upgrade => "upgrade header field does not contain websocket",
            Self::Version(_) => "unsupported sec-websocket-version",
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for ParseError {}

/// An error of the caller: a head cannot be built from the caller's values.
///
/// Values are not corrected: a value that the peer would not receive unchanged is an error.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_http::{BuildError, Reject};
///
/// let reject = Reject::new(403).header("X-Reason", "a\r\nSet-Cookie: b");
/// assert_eq!(reject.encode(&mut BytesMut::new()), Err(BuildError::Field));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BuildError {
    /// The caller set a body for a response with status 304, which cannot have one (RFC 9110 §15.4.5).
    Body,
    /// The request is an extended CONNECT, whose response is not written as text of HTTP/1.1.
    /// [`Response::accept`](crate::Response::accept) builds it.
    Connect,
    /// The name, the value or an attribute of a cookie is invalid.
    Cookie,
    /// The user name contains a colon, or the user name or password contains a control character (RFC 7617 §2).
    Credentials,
    /// The name of an extension, or the name or value of a parameter, is not a token (RFC 6455 §9.1), or there are more than
    /// [`ExtensionParams::MAX_ITEMS`](crate::ExtensionParams::MAX_ITEMS) extensions and parameters.
    Extension,
    /// The client did not offer the extension (RFC 6455 §4.2.2).
    ExtensionNotOffered,
    /// The name of a header field is not a token, or its value has a control character, or a space or tab at either end.
    Field,
    /// The host is empty or invalid.
    Host,
    /// The origin is empty or not UTF-8, or has a control character, or a space or tab at either end.
    Origin,
    /// The reason phrase has a control character.
    Reason,
    /// A header field that may appear once was set twice: `Authorization`, `Cookie` or `Origin`.
    RepeatedField,
    /// The caller set a header field that the handshake itself writes, or that announces a body, or for HTTP/2 and HTTP/3 one
    /// that only HTTP/1.1 has (RFC 9113 §8.2.2).
    ReservedField,
    /// The resource name does not begin with `/`, or has a `#` or a character that is not printable ASCII.
    ResourceName,
    /// The status of a [`Reject`](crate::Reject) is not in 300 to 599.
    Status,
    /// A subprotocol is not a token.
    Subprotocol,
    /// The client did not offer the subprotocol (RFC 6455 §4.2.2).
    SubprotocolNotOffered,
    /// A subprotocol is offered twice (RFC 6455 §4.1, item 10).
    SubprotocolRepeated,
    /// The head would exceed 4 GiB, or has more header fields than the `http` crate accepts.
    TooLong,
    /// The caller offers an extension in a protocol version without extensions.
    Unsupported,
    /// The version of an offer over HTTP/2 or HTTP/3 is not RFC 6455.
    Version,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body => "response with status 304 must not have a body",
            Self::Connect => "response to an extended CONNECT has no form in HTTP/1.1",
            Self::Cookie => "invalid name, value or attribute of a cookie",
            Self::Credentials => "colon in the user name, or control character in user name or password",
            Self::Extension => "extension is not made of tokens, or exceeds 64 extensions and parameters",
            Self::ExtensionNotOffered => "extension was not offered by the client",
            Self::Field => "invalid name or value of a header field",
            Self::Host => "missing or invalid host",
            Self::Origin => "invalid origin",
            Self::Reason => "control character in the reason phrase",
            Self::RepeatedField => "header field may appear only once",
            Self::ReservedField => "header field is reserved for the handshake",
            Self::ResourceName => "resource name is not a valid path and query",
            Self::Status => "status is not in 300 to 599",
            Self::Subprotocol => "subprotocol is not a token",
            Self::SubprotocolNotOffered => "subprotocol was not offered by the client",
            Self::SubprotocolRepeated => "subprotocol is offered twice",
            Self::TooLong => "head exceeds 4 GiB or the capacity of the http crate",
            Self::Unsupported => "protocol version does not support extensions",
            Self::Version => "protocol version of an extended CONNECT must be RFC 6455",
        })
    }
}

impl core::error::Error for BuildError {}

/// An error of the server: its response is not a valid 101 (RFC 6455 §4.1), or to an extended CONNECT not a valid 2xx (RFC
/// 8441 §5).
///
/// The client sends nothing and closes the connection.
///
/// ```
/// use protocol_websocket_http::{Destination, Offer, Request, Response, ResponseError, ResponseHead};
///
/// let mut random = |buf: &mut [u8]| buf.fill(7);
/// let request = Request::offer(Destination::new("example.com", "/"), &Offer::new(), &mut random)?;
/// let head = ResponseHead::from_parts(101, [("Upgrade", "websocket"), ("Connection", "Upgrade")])?;
/// assert_eq!(Response::from_head(head, &request), Err(ResponseError::AcceptMissing));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseError {
    /// `Sec-WebSocket-Accept` is missing.
    AcceptMissing,
    /// `Sec-WebSocket-Accept` appears more than once.
    AcceptRepeated,
    /// `Sec-WebSocket-Accept` does not match the key of the request.
    AcceptWrong,
    /// The response has a `Content-Length` that is over 0 or malformed, or a `Transfer-Encoding`. A proxy could read the bytes
    /// after the head as a body, while the client reads them as frames. In draft-ietf-hybi-00 the length may be 16, which is
    /// that of the challenge response.
    Body,
    /// The 16 bytes after the head do not match the keys of the request (draft-ietf-hybi-00 §4.1, step 45).
    Checksum,
    /// No header field `Connection` contains `upgrade`.
    Connection,
    /// The response to an extended CONNECT has a header field that HTTP/2 and HTTP/3 do not have, such as `Upgrade` (RFC 9113
    /// §8.2.2).
    ConnectionSpecific,
    /// The server selected an extension that was not offered.
    ExtensionNotOffered,
    /// The parameters of an extension do not match the offer, an extension appears twice, or two extensions use the same
    /// reserved bit.
    ExtensionParameters,
    /// `Sec-WebSocket-Extensions` is not a valid list (RFC 6455 §9.1).
    Extensions,
    /// `Sec-WebSocket-Extensions` appears more than once.
    ExtensionsRepeated,
    /// The response is not HTTP/1.1.
    HttpVersion,
    /// `Sec-WebSocket-Location` (in draft-hixie-75 `WebSocket-Location`) is missing, repeated, or not the URL of the request.
    Location,
    /// `Sec-WebSocket-Origin` (in draft-hixie-75 `WebSocket-Origin`) is missing, repeated, or not the origin of the request.
    Origin,
    /// The status is not 101, or to an extended CONNECT not 2xx.
    Status,
    /// The server selected a subprotocol that was not offered.
    SubprotocolNotOffered,
    /// The server selected more than one subprotocol: `Sec-WebSocket-Protocol` (in draft-hixie-75 `WebSocket-Protocol`) appears
    /// twice, or is a list.
    SubprotocolRepeated,
    /// `Upgrade` is missing, or is not `websocket`.
    Upgrade,
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AcceptMissing => "missing sec-websocket-accept",
            Self::AcceptRepeated => "sec-websocket-accept appears more than once",
            Self::AcceptWrong => "sec-websocket-accept does not match the key",
            Self::Body => "response with status 101 must not have a body",
            Self::Checksum => "challenge response does not match the keys",
            Self::Connection => "connection header field does not contain upgrade",
            Self::ConnectionSpecific => "connection-specific header field in HTTP/2 or HTTP/3",
            Self::ExtensionNotOffered => "server selected an extension that was not offered",
            Self::ExtensionParameters => "extension parameters do not match the offer",
            Self::Extensions => "malformed sec-websocket-extensions",
            Self::ExtensionsRepeated => "sec-websocket-extensions appears more than once",
            Self::HttpVersion => "http version of the response must be HTTP/1.1",
            Self::Location => "sec-websocket-location does not match the url of the request",
            Self::Origin => "sec-websocket-origin does not match the origin of the request",
            Self::Status => "status of the response does not accept the request",
            Self::SubprotocolNotOffered => "server selected a subprotocol that was not offered",
            Self::SubprotocolRepeated => "server selected more than one subprotocol",
            Self::Upgrade => "upgrade header field is missing or not websocket",
        })
    }
}

impl core::error::Error for ResponseError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_small() {
        const { assert!(size_of::<ParseError>() <= 24) };
        const { assert!(size_of::<BuildError>() <= 24) };
        const { assert!(size_of::<ResponseError>() <= 24) };
    }

    #[test]
    fn maps_errors_to_status_codes() {
        assert_eq!(ParseError::Key.status(), 400);
        assert_eq!(ParseError::Method.status(), 405);
        assert_eq!(ParseError::Upgrade.status(), 426);
        assert_eq!(ParseError::Connection.status(), 426);
        assert_eq!(ParseError::Version(Versions::ALL).status(), 426);
        assert_eq!(ParseError::HttpVersion.status(), 426);
        assert_eq!(ParseError::TooLong.status(), 431);
        assert_eq!(ParseError::TooManyHeaders.status(), 431);
        assert_eq!(ParseError::ConnectMethod.status(), 405);
        assert_eq!(ParseError::ConnectVersion.status(), 400);
        assert_eq!(ParseError::ConnectionSpecific.status(), 400);
        assert_eq!(ParseError::Protocol.status(), 501);
    }
}

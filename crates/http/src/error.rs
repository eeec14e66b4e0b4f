use core::fmt;

use bytes::BytesMut;

use crate::{Versions, reject};

/// Why a head is refused: the peer erred.
///
/// [`status`](Self::status) and [`reply`](Self::reply) say what a server answers. A client has nothing to answer: it
/// drops the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseError {
    /// A `Content-Length` over 0 or a `Transfer-Encoding`: what follows would be a body to one reader and frames to
    /// another. In draft-ietf-hybi-00 the length may be 8.
    Body,
    /// No field `Connection` names `upgrade` (RFC 6455 §4.2.1, item 4).
    Connection,
    /// `Sec-WebSocket-Extensions` is not a list as RFC 6455 §9.1 has it, or one of more than 64 items.
    Extensions,
    /// A line that is no header field (RFC 9112 §5): no colon, a blank before it, a folded line, a control character.
    Field,
    /// Not exactly one `Host`, or one that is no host and port (RFC 9112 §3.2).
    Host,
    /// A request of HTTP/1.0, in which `Upgrade` has no meaning (RFC 9110 §7.8), or of another version than HTTP/1.1.
    HttpVersion,
    /// Not exactly one `Sec-WebSocket-Key`, or one that is not base64 of 16 bytes (RFC 6455 §4.2.1, item 5), in
    /// draft-ietf-hybi-10 base64 of 1 to 64 characters. Not exactly one `Sec-WebSocket-Key1` and one `-Key2`, or no number
    /// in one of them (draft-ietf-hybi-00 §5.2).
    Key,
    /// The method is not `GET`.
    Method,
    /// Keys of draft-ietf-hybi-00 together with a key or version of a later protocol.
    MixedKeys,
    /// More than one origin field of the version (`Origin`, in draft-ietf-hybi-10 `Sec-WebSocket-Origin`), one that is not
    /// UTF-8, or another origin in the field of another version.
    Origin,
    /// The first line of a request is not a method, a target and `HTTP/1.0` or `HTTP/1.1`, one blank apart.
    RequestLine,
    /// The first line of a response is not `HTTP/1.0` or `HTTP/1.1`, three digits and any or no phrase.
    ResponseLine,
    /// `Sec-WebSocket-Protocol` is not a list of different tokens, or one of more than 64.
    Subprotocols,
    /// The target is neither a path nor an absolute `http` or `https` URI, or has a fragment.
    Target,
    /// The head is longer than [`HeadLimits::max_len`](crate::HeadLimits::max_len).
    TooLong,
    /// The head has more fields than [`HeadLimits::max_headers`](crate::HeadLimits::max_headers).
    TooManyHeaders,
    /// No field `Upgrade` names `websocket` (RFC 6455 §4.2.1, item 3): an ordinary request.
    Upgrade,
    /// A version of the protocol that is none of these, which are spoken here (RFC 6455 §4.2.1, item 6).
    Version(Versions),
}

impl ParseError {
    /// The HTTP status that a server answers with.
    ///
    /// - 405: not `GET`.
    /// - 426: no upgrade to WebSocket, or one to a version that is not spoken here.
    /// - 431: a limit of [`HeadLimits`](crate::HeadLimits).
    /// - 400: all else.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Method => 405,
            Self::Connection | Self::HttpVersion | Self::Upgrade | Self::Version(_) => 426,
            Self::TooLong | Self::TooManyHeaders => 431,
            _ => 400,
        }
    }

    /// Appends the whole answer of a server to `output`: the [status](Self::status), `Connection: close`, for a 405
    /// `Allow`, for a 426 `Upgrade` (which `Connection` then names too, RFC 9110 §7.8), for a wrong version those that
    /// are spoken in `Sec-WebSocket-Version`, and this error's text as the body.
    ///
    /// Nothing of the request is echoed. The server writes `output` and closes the connection.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_http::{ParseError, Versions};
    ///
    /// let mut output = BytesMut::new();
    /// ParseError::Version(Versions::ALL).reply(&mut output);
    /// assert!(output.starts_with(b"HTTP/1.1 426 Upgrade Required\r\n"));
    /// ```
    pub fn reply(self, output: &mut BytesMut) {
        reject::reply(self, output);
    }

    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Body => "not a valid request: an upgrade must not have a body",
            Self::Connection => "not a valid request: connection does not name upgrade",
            Self::Extensions => "wrong sec-websocket-extensions",
            Self::Field => "invalid field",
            Self::Host => "not a valid request: exactly one valid host is required",
            Self::HttpVersion => "wrong http version: an upgrade needs HTTP/1.1",
            Self::Key => "wrong sec-websocket-key",
            Self::Method => "wrong method: an upgrade needs GET",
            Self::MixedKeys => "not a valid request: keys of two protocol versions",
            Self::Origin => "wrong origin",
            Self::RequestLine => "wrong request line",
            Self::ResponseLine => "wrong response line",
            Self::Subprotocols => "wrong sec-websocket-protocol",
            Self::Target => "wrong request target",
            Self::TooLong => "message is too long",
            Self::TooManyHeaders => "message has too many fields",
            Self::Upgrade => "not a valid request: upgrade does not name websocket",
            Self::Version(_) => "wrong sec-websocket-version: not spoken here",
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for ParseError {}

/// Why a head cannot be built: we erred.
///
/// Nothing is ever cleaned silently: what would not arrive as it was given is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BuildError {
    /// A body for a status that never has one: 304 (RFC 9110 §15.4.5).
    Body,
    /// A cookie's name, value or attribute cannot be written.
    Cookie,
    /// A user name with a colon, or a control character in the user name or password (RFC 7617 §2).
    Credentials,
    /// An extension's name, or the name or value of one of its parameters, is no token (RFC 6455 §9.1), or these are more
    /// than `Extension::MAX_ITEMS`.
    Extension,
    /// The extension was not among those that the client offered (RFC 6455 §4.2.2).
    ExtensionNotOffered,
    /// A header's name is no token, or its value has a control character or a blank at either end.
    Field,
    /// The host is empty or has a character that no host has.
    Host,
    /// The origin is empty, or has a control character, or a space at either end, or is not UTF-8.
    Origin,
    /// The reason phrase has a control character.
    Reason,
    /// A header that may be there once was given twice: `Authorization`, `Cookie`, `Host` or `Origin`.
    RepeatedField,
    /// A header that the handshake itself writes was given as one of the caller's own.
    ReservedField,
    /// The resource name does not begin with `/`, or has a blank, a control character, one outside ASCII, or `#`.
    ResourceName,
    /// A refusal's status is not between 300 and 599.
    Status,
    /// A subprotocol is no token.
    Subprotocol,
    /// The subprotocol was not among those that the client offered (RFC 6455 §4.2.2).
    SubprotocolNotOffered,
    /// A subprotocol was offered twice (RFC 6455 §4.1, item 10).
    SubprotocolRepeated,
    /// The head would be longer than 4 GiB.
    TooLong,
    /// The version of the protocol has no extensions.
    Unsupported,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body => "response with status 304 cannot have a body",
            Self::Cookie => "cookie cannot be written",
            Self::Credentials => "user name or password cannot be written",
            Self::Extension => "extension is not made of tokens, or one too many",
            Self::ExtensionNotOffered => "extension was not offered",
            Self::Field => "header name or value cannot be written",
            Self::Host => "host is required, and must be valid",
            Self::Origin => "origin cannot be written",
            Self::Reason => "reason phrase cannot be written",
            Self::RepeatedField => "header may be given only once",
            Self::ReservedField => "header belongs to the handshake",
            Self::ResourceName => "resource name is not a path and query",
            Self::Status => "status is not one of a refusal",
            Self::Subprotocol => "subprotocol is not a token",
            Self::SubprotocolNotOffered => "subprotocol was not offered",
            Self::SubprotocolRepeated => "subprotocol is offered twice",
            Self::TooLong => "message is too long",
            Self::Unsupported => "extensions are not in this version of the protocol",
        })
    }
}

impl core::error::Error for BuildError {}

/// Why a client does not take a server's answer: the server erred (RFC 6455 §4.1).
///
/// The client drops the connection; there is nothing to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseError {
    /// There is no `Sec-WebSocket-Accept`.
    AcceptMissing,
    /// There is more than one `Sec-WebSocket-Accept`.
    AcceptRepeated,
    /// `Sec-WebSocket-Accept` does not belong to the key that was sent.
    AcceptWrong,
    /// A `Content-Length` over 0 or malformed, or a `Transfer-Encoding`: what follows would be a body to a proxy and
    /// frames to us. In draft-ietf-hybi-00 the length may be 16, that of the proof after the head.
    Body,
    /// The 16 bytes behind the head do not belong to the keys that were sent (draft-ietf-hybi-00 §4.1, step 45).
    Checksum,
    /// No field `Connection` names `upgrade`.
    Connection,
    /// An extension that was not offered.
    ExtensionNotOffered,
    /// An extension with parameters that do not answer those that were offered, twice the same one, or two that claim
    /// the same reserved bit.
    ExtensionParameters,
    /// `Sec-WebSocket-Extensions` is not a list as RFC 6455 §9.1 has it.
    Extensions,
    /// `Sec-WebSocket-Extensions` more than once.
    ExtensionsRepeated,
    /// The answer is not of HTTP/1.1.
    HttpVersion,
    /// Not exactly one `Sec-WebSocket-Location` or `WebSocket-Location`, by the version, or another URL than that of the
    /// request.
    Location,
    /// Not exactly one `Sec-WebSocket-Origin` or `WebSocket-Origin`, by the version, or another origin than that of the
    /// request.
    Origin,
    /// The status is not 101.
    Status,
    /// A subprotocol that was not offered.
    SubprotocolNotOffered,
    /// There is more than one `Sec-WebSocket-Protocol`, or `WebSocket-Protocol` in draft-hixie-75.
    SubprotocolRepeated,
    /// `Upgrade` is missing, or says anything but `websocket`.
    Upgrade,
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AcceptMissing => "not a valid response: no sec-websocket-accept",
            Self::AcceptRepeated => "not a valid response: more than one sec-websocket-accept",
            Self::AcceptWrong => "checksum is wrong: sec-websocket-accept does not belong to the key",
            Self::Body => "not a valid response: a 101 must not have a body",
            Self::Checksum => "checksum is wrong: it does not belong to the keys",
            Self::Connection => "not a valid response: connection does not name upgrade",
            Self::ExtensionNotOffered => "not a valid response: extension was not offered",
            Self::ExtensionParameters => "not a valid response: an extension does not answer what was offered",
            Self::Extensions => "not a valid response: wrong sec-websocket-extensions",
            Self::ExtensionsRepeated => "not a valid response: more than one sec-websocket-extensions",
            Self::HttpVersion => "wrong response line: not HTTP/1.1",
            Self::Location => "not a valid response: location is not that of the request",
            Self::Origin => "not a valid response: origin is not that of the request",
            Self::Status => "wrong response line: status is not 101",
            Self::SubprotocolNotOffered => "not a valid response: subprotocol was not offered",
            Self::SubprotocolRepeated => "not a valid response: more than one subprotocol",
            Self::Upgrade => "not a valid response: upgrade is not websocket",
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
    fn statuses_help_the_peer() {
        assert_eq!(ParseError::Key.status(), 400);
        assert_eq!(ParseError::Method.status(), 405);
        assert_eq!(ParseError::Upgrade.status(), 426);
        assert_eq!(ParseError::Connection.status(), 426);
        assert_eq!(ParseError::Version(Versions::ALL).status(), 426);
        assert_eq!(ParseError::HttpVersion.status(), 426);
        assert_eq!(ParseError::TooLong.status(), 431);
        assert_eq!(ParseError::TooManyHeaders.status(), 431);
    }
}

//! The checks of an extended CONNECT, which replaces the upgrade of HTTP/1.1 in HTTP/2 (RFC 8441) and HTTP/3 (RFC 9220).

use crate::challenge::Challenge;
use crate::error::ParseError;
use crate::field_section::{self, REQUEST};
use crate::fields::{FieldName, HandshakeFields};
use crate::grammar::{is_host, is_resource_name, is_same};
use crate::headers::Headers;
use crate::request::{Checked, Request};
use crate::request_head::RequestHead;
use crate::span::Span;
use crate::validate_request::{check_body, check_offers};

impl Request {
    /// Checks an extended CONNECT of HTTP/2 (RFC 8441) or HTTP/3 (RFC 9220), which replaces the `GET` of HTTP/1.1.
    ///
    /// `fields` are the names and values of all fields in the order of the message: the pseudo-header fields `:method`,
    /// `:protocol`, `:scheme`, `:authority` and `:path`, and the header fields after them. The rules are checked in this
    /// order: the form of each field; `CONNECT` and `websocket`; `http` or `https`, and the path; the authority, and `Host` if
    /// there is one; version 13; no body; then `Origin`, subprotocols and extensions as in HTTP/1.1.
    ///
    /// The HTTP library limits the number and the size of the fields.
    ///
    /// The pseudo-header field `:protocol` replaces the key, so `Sec-WebSocket-Key` is ignored (RFC 8441 §5).
    /// [`Response::accept`](crate::Response::accept) builds the response.
    ///
    /// ```
    /// use protocol_websocket_http::{Accept, Request, Response};
    ///
    /// let fields = [
    ///     (":method", "CONNECT"),
    ///     (":protocol", "websocket"),
    ///     (":scheme", "https"),
    ///     (":path", "/chat"),
    ///     (":authority", "server.example.com"),
    ///     ("sec-websocket-protocol", "chat, superchat"),
    ///     ("sec-websocket-version", "13"),
    ///     ("origin", "http://www.example.com"),
    /// ];
    /// let request = Request::from_fields(fields)?;
    /// assert_eq!((request.host(), request.resource_name()), ("server.example.com", "/chat"));
    ///
    /// let response = Response::accept(&request, &Accept::new().subprotocol("chat"))?;
    /// let fields = response.to_fields().expect("the request is an extended CONNECT");
    /// assert!(fields.iter().eq([(":status", &b"200"[..]), ("sec-websocket-protocol", b"chat")]));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The variant of [`ParseError`] for the first rule that the request breaks. `Reject::from(error)` converts to a response.
    pub fn from_fields(
        fields: impl IntoIterator<Item = (impl AsRef<[u8]>, impl AsRef<[u8]>)>,
    ) -> Result<Self, ParseError> {
        let (pseudo, headers) = field_section::read(fields, REQUEST)?;
        validate(pseudo, headers)
    }
}

fn validate(pseudo: [Option<Span>; 5], headers: Headers) -> Result<Request, ParseError> {
    // An absent pseudo-header field is as invalid as an empty one.
    let [method, protocol, scheme, host, path] = pseudo.map(Option::unwrap_or_default);
    let bytes = |span| headers.slice(span);
    if bytes(method) != b"CONNECT" {
        return Err(ParseError::ConnectMethod);
    }
    //= https://www.rfc-editor.org/rfc/rfc8441#section-5
    //# The :protocol pseudo-header field MUST be included in the CONNECT
    //# request, and it MUST have a value of "websocket" to initiate a
    //# WebSocket connection on an HTTP/2 stream.
    if bytes(protocol) != b"websocket" {
        return Err(ParseError::Protocol);
    }
    //= https://www.rfc-editor.org/rfc/rfc8441#section-4
    //# On requests that contain the :protocol pseudo-header field, the
    //# :scheme and :path pseudo-header fields of the target URI (see
    //# Section 5) MUST also be included.
    //= https://www.rfc-editor.org/rfc/rfc8441#section-5
    //# The scheme of the target URI (Section 5.1 of [RFC7230]) MUST be
    //# "https" for "wss"-schemed WebSockets and "http" for "ws"-schemed
    //# WebSockets.
    let secure = is_same(bytes(scheme), b"https");
    if !secure && !is_same(bytes(scheme), b"http") || !is_resource_name(bytes(path)) {
        return Err(ParseError::Target);
    }
    let fields = HandshakeFields::of(&headers);
    // An authority is required, also in HTTP/3: "the :authority pseudo-header field, which is required on every HTTP/2
    // transaction" (RFC 8441 §5).
    //= https://www.rfc-editor.org/rfc/rfc9113#section-8.3.1
    //# A server SHOULD treat a request as malformed if it contains a Host
    //# header field that identifies an entity that differs from the entity
    //# in the ":authority" pseudo-header field.
    if !is_host(bytes(host)) || !fields.all(FieldName::Host).all(|value| is_same(value, bytes(host))) {
        return Err(ParseError::Host);
    }
    if fields.at_most_once(FieldName::Version).ok().flatten() != Some(b"13") {
        return Err(ParseError::ConnectVersion);
    }
    let challenge = Challenge::Connect;
    check_body(&fields, &challenge)?;
    check_offers(&fields, challenge.version())?;
    let head = RequestHead::from_spans(method, path, headers);
    Ok(Request::new(head, Checked { host, resource_name: path, key: Span::default(), challenge, secure }))
}

//! Builds a server's response from an [`Accept`]: a 101, or to an extended CONNECT a 200.
//!
//! One function, [`write_fields`], writes the header fields both to the output ([`Accept::encode`]) and to a [`ResponseHead`]
//! ([`Response::accept`]), so that the two cannot differ.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use bytes::BytesMut;

use crate::accept::Accept;
use crate::error::BuildError;
use crate::field_section::has_connection_specific;
use crate::field_sink::{FieldSink, Lowercase};
use crate::grammar::push_element;
use crate::key;
use crate::negotiated::Negotiated;
use crate::request::Request;
use crate::response::Response;
use crate::response_head::ResponseHead;
use crate::syntax::HandshakeSyntax;

impl Accept {
    /// Appends the response 101 to `output`. The connection is open after it was written.
    ///
    /// In draft-ietf-hybi-00 the client sends eight bytes after the head of its request. The connection is open after the
    /// server received them and wrote their [`KeyNumbers::digest`](crate::KeyNumbers::digest) after the response.
    ///
    /// # Errors
    ///
    /// The first error of the setters; [`BuildError::SubprotocolNotOffered`] or [`BuildError::ExtensionNotOffered`] if the
    /// request does not offer the subprotocol or an extension; [`BuildError::Connect`] for an extended CONNECT, because HTTP/2
    /// and HTTP/3 have no 101. Nothing is written then.
    #[inline]
    pub fn encode(&self, request: &Request, output: &mut BytesMut) -> Result<Negotiated, BuildError> {
        if request.is_connect() {
            return Err(BuildError::Connect);
        }
        check(self, request)?;
        let syntax = self.style.syntax(request.version());
        output.reserve(256 + self.headers.headers().encoded_len());
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
        //# it MUST reply with a valid HTTP response indicating the following.
        output.extend_from_slice(syntax.start.text.as_bytes());
        write_fields(self, request, syntax, output).ok_or(BuildError::TooLong)?;
        output.extend_from_slice(b"\r\n");
        Ok(negotiated(self, request))
    }
}

impl Response {
    /// Builds a server's response as a value, for example for another HTTP library. [`Accept::encode`] is faster, because it
    /// writes the bytes without building a value.
    ///
    /// The status is 101. The response to an extended CONNECT has the status 200, names of header fields in lower case, and
    /// neither `Upgrade` nor `Connection` nor `Sec-WebSocket-Accept` (RFC 8441 §5).
    ///
    /// ```
    /// use protocol_websocket_http::{Accept, Request, Response};
    ///
    /// let headers = [
    ///     ("host", "example.com"),
    ///     ("connection", "Upgrade"),
    ///     ("upgrade", "websocket"),
    ///     ("sec-websocket-version", "13"),
    ///     ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    /// ];
    /// let request = Request::from_parts("GET", "/chat", headers)?;
    /// let response = Response::accept(&request, &Accept::new())?;
    /// assert_eq!(response.headers().get_str("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The first error of the setters; [`BuildError::SubprotocolNotOffered`] or [`BuildError::ExtensionNotOffered`] if the
    /// request does not offer the subprotocol or an extension; [`BuildError::ReservedField`] for a header field that HTTP/2
    /// does not have, such as `Keep-Alive`, in a response to an extended CONNECT; [`BuildError::TooLong`] if the head would
    /// exceed 4 GiB.
    pub fn accept(request: &Request, accept: &Accept) -> Result<Self, BuildError> {
        check(accept, request)?;
        if request.is_connect() {
            if has_connection_specific(accept.headers.headers()) {
                return Err(BuildError::ReservedField);
            }
            let head = connect_head(accept, request).ok_or(BuildError::TooLong)?;
            return Ok(Self::new(head, negotiated(accept, request)));
        }
        let syntax = accept.style.syntax(request.version());
        let head = head(accept, request, syntax).ok_or(BuildError::TooLong)?;
        Ok(Self::new(head, negotiated(accept, request)))
    }
}

/// Builds the head. Returns `None` above 4 GiB.
fn head(accept: &Accept, request: &Request, syntax: &HandshakeSyntax) -> Option<ResponseHead> {
    let mut head = ResponseHead::begin(101, syntax.start.reason)?;
    let headers = head.headers_mut();
    headers.field("Upgrade", syntax.start.upgrade.as_bytes())?;
    headers.field("Connection", b"Upgrade")?;
    write_fields(accept, request, syntax, headers)?;
    Some(head)
}

/// Builds the head of a response to an extended CONNECT. Returns `None` above 4 GiB.
fn connect_head(accept: &Accept, request: &Request) -> Option<ResponseHead> {
    let mut head = ResponseHead::begin(200, "OK")?;
    write_fields(accept, request, HandshakeSyntax::of(request.version()), &mut Lowercase(head.headers_mut()))?;
    Some(head)
}

/// Writes all header fields after `Upgrade` and `Connection`.
fn write_fields(
    accept: &Accept,
    request: &Request,
    syntax: &HandshakeSyntax,
    output: &mut impl FieldSink,
) -> Option<()> {
    if let Some(key) = request.key_text() {
        output.field("Sec-WebSocket-Accept", &key::accept(key))?;
    }
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //# if the server does not wish to agree to one of the suggested subprotocols, it MUST NOT
    //# send back a |Sec-WebSocket-Protocol| header field
    let subprotocol = accept.subprotocol.as_ref().map(|name| (syntax.subprotocol.text(), name.as_bytes()));
    let (before, after) = if syntax.subprotocol_before_echo { (subprotocol, None) } else { (None, subprotocol) };
    if let Some((name, value)) = before {
        output.field(name, value)?;
    }
    if let Some([origin, location]) = syntax.echo {
        let secure = accept.secure.unwrap_or(request.is_secure());
        output.field(origin, request.origin_or_own(secure).as_bytes())?;
        output.field(location, request.location(secure).as_bytes())?;
    }
    if let Some((name, value)) = after {
        output.field(name, value)?;
    }
    if !accept.extensions.is_empty() {
        let mut list = String::new();
        //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.2
        //# the |Sec-WebSocket-Extensions| header field MUST NOT appear more than once in an
        //# HTTP response.
        accept.extensions.iter().for_each(|extension| push_element(&mut list, &extension.to_string()));
        output.field("Sec-WebSocket-Extensions", list.as_bytes())?;
    }
    let headers = accept.headers.headers();
    if !syntax.folds_cookies {
        return output.fields(headers);
    }
    // The style of Perl: one header field for all cookies. RFC 6265 §3 warns against it.
    let cookies: Vec<_> = headers.get_all("Set-Cookie").collect();
    if !cookies.is_empty() {
        output.field("Set-Cookie", &cookies.join(&b","[..]))?;
    }
    let mut others = headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("Set-Cookie"));
    others.try_for_each(|(name, value)| output.field(name, value))
}

/// Checks that the client offered the subprotocol and the extensions.
fn check(accept: &Accept, request: &Request) -> Result<(), BuildError> {
    accept.headers.checked()?;
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //# The value chosen MUST be derived
    //# from the client's handshake, specifically by selecting one of
    //# the values from the |Sec-WebSocket-Protocol| field that the
    //# server is willing to use for this connection (if any).
    if let Some(name) = &accept.subprotocol
        && !request.subprotocols().any(|offered| offered == name)
    {
        return Err(BuildError::SubprotocolNotOffered);
    }
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //# Extensions not listed by the
    //# client MUST NOT be listed.
    if !accept.extensions.iter().all(|extension| request.offers_extension(extension.name())) {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-9
        //# A server MUST NOT respond with any extension not requested by the client.
        return Err(BuildError::ExtensionNotOffered);
    }
    Ok(())
}

fn negotiated(accept: &Accept, request: &Request) -> Negotiated {
    Negotiated {
        version: request.version(),
        subprotocol: accept.subprotocol.clone(),
        extensions: accept.extensions.clone(),
    }
}

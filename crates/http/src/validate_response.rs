//! The checks that a client makes of a response 101 (RFC 6455 §4.1, and the drafts before it).

use alloc::string::String;
use alloc::vec::Vec;
use core::str::from_utf8;

use protocol_websocket_core::{ExtensionParams, Version};

use crate::error::ResponseError;
use crate::extension::parse_extensions;
use crate::field_section::has_connection_specific;
use crate::fields::{FieldName, HandshakeFields};
use crate::grammar::{elements, is_same};
use crate::headers::{Headers, Repeated};
use crate::negotiated::Negotiated;
use crate::request::Request;
use crate::response::Response;
use crate::response_head::ResponseHead;
use crate::sent_request::SentRequest;
use crate::syntax::HandshakeSyntax;

impl Response {
    /// Checks a server's response to `request` (RFC 6455 §4.1): the HTTP version, the status, `Upgrade`, `Connection`,
    /// that no body is announced (RFC 9110 §8.6), `Sec-WebSocket-Accept`, and that the request offers the selected
    /// subprotocol and extensions. In versions before draft-ietf-hybi-10 it checks, in place of `Sec-WebSocket-Accept`,
    /// that the response repeats the origin and the URL of the request. A response of another version is an error.
    ///
    /// In the response to an extended CONNECT it checks the status, which is 2xx, that no header field is one that only
    /// HTTP/1.1 has, and the selected subprotocol and extensions. `Content-Length` is ignored (RFC 9110 §9.3.6).
    ///
    /// In draft-ietf-hybi-00 the 16 bytes of [`Request::digest`] follow the head. The caller compares them.
    ///
    /// The parameters of an extension are not checked here: the extension compares them with its offer.
    ///
    /// ```
    /// use protocol_websocket_http::{Destination, Offer, Request, Response, ResponseHead};
    ///
    /// let mut random = |buf: &mut [u8]| buf.copy_from_slice(b"the sample nonce"); // use `OsRandom`
    /// let request = Request::offer(Destination::new("example.com", "/"), &Offer::new(), &mut random)?;
    /// let accept = ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    /// let head = ResponseHead::from_parts(101, [("Upgrade", "websocket"), ("Connection", "Upgrade"), accept])?;
    /// assert_eq!(Response::from_head(head, &request)?.negotiated().subprotocol, None);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The variant of [`ResponseError`] for the first rule that the response breaks.
    pub fn from_head(head: ResponseHead, request: &Request) -> Result<Self, ResponseError> {
        SentRequest::from(request).check(head)
    }
}

impl SentRequest {
    /// Checks a server's response to this request as [`Response::from_head`] does.
    ///
    /// # Errors
    ///
    /// The variant of [`ResponseError`] for the first rule that the response breaks.
    #[inline]
    pub fn check(&self, head: ResponseHead) -> Result<Response, ResponseError> {
        if self.is_connect {
            return check_connect(head, self);
        }
        if head.minor_version() == 0 {
            return Err(ResponseError::HttpVersion);
        }
        if head.status() != 101 {
            return Err(ResponseError::Status);
        }
        let fields = HandshakeFields::of(head.headers());
        check_upgrade(&fields)?;
        check_body(&fields, self)?;
        check_accept(&fields, self)?;
        check_echo(head.headers(), self)?;
        let negotiated = negotiated(&fields, self)?;
        Ok(Response::new(head, negotiated))
    }
}

/// Checks a response to an extended CONNECT. `Sec-WebSocket-Accept` is ignored (RFC 8441 §5).
fn check_connect(head: ResponseHead, sent: &SentRequest) -> Result<Response, ResponseError> {
    //= https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
    //# Any 2xx (Successful) response indicates that the sender (and all
    //# inbound proxies) will switch to tunnel mode immediately after the
    //# response header section
    if !matches!(head.status(), 200..=299) {
        return Err(ResponseError::Status);
    }
    //= https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2
    //# Any message
    //# containing connection-specific header fields MUST be treated as
    //# malformed
    if has_connection_specific(head.headers()) {
        return Err(ResponseError::ConnectionSpecific);
    }
    //= https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
    //# A client MUST ignore any Content-Length or Transfer-Encoding header
    //# fields received in a successful response to CONNECT.
    let negotiated = negotiated(&HandshakeFields::of(head.headers()), sent)?;
    Ok(Response::new(head, negotiated))
}

/// Returns the version, and the subprotocol and extensions that the server selected.
#[inline]
fn negotiated(fields: &HandshakeFields<'_>, sent: &SentRequest) -> Result<Negotiated, ResponseError> {
    Ok(Negotiated {
        version: sent.version,
        subprotocol: subprotocol(fields, sent)?,
        extensions: extensions(fields, sent)?,
    })
}

fn check_upgrade(fields: &HandshakeFields<'_>) -> Result<(), ResponseError> {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# If the response lacks an |Upgrade| header field or the |Upgrade|
    //# header field contains a value that is not an ASCII case-
    //# insensitive match for the value "websocket", the client MUST
    //# _Fail the WebSocket Connection_.
    let is_websocket = |value: &[u8]| is_same(value, b"websocket");
    if !fields.contains(FieldName::Upgrade) || !fields.all(FieldName::Upgrade).all(is_websocket) {
        return Err(ResponseError::Upgrade);
    }
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# If the response lacks a |Connection| header field or the
    //# |Connection| header field doesn't contain a token that is an
    //# ASCII case-insensitive match for the value "Upgrade", the client
    //# MUST _Fail the WebSocket Connection_.
    if !fields.contains_token(FieldName::Connection, b"Upgrade") {
        return Err(ResponseError::Connection);
    }
    Ok(())
}

//= https://www.rfc-editor.org/rfc/rfc9110#section-8.6
//# A server MUST NOT send a Content-Length header field in any response
//# with a status code of 1xx (Informational) or 204 (No Content).
//= https://www.rfc-editor.org/rfc/rfc9112#section-6.1
//# A server MUST NOT send a Transfer-Encoding header field in any
//# response with a status code of 1xx (Informational) or 204 (No
//# Content).
/// Accepts a body of zero bytes, because it does not change the bytes that follow.
fn check_body(fields: &HandshakeFields<'_>, sent: &SentRequest) -> Result<(), ResponseError> {
    // The challenge response of draft-ietf-hybi-00 follows the head.
    let allowed = (sent.version == Version::Hybi00).then_some(&b"16"[..]);
    if fields.announces_body(allowed) { Err(ResponseError::Body) } else { Ok(()) }
}

fn check_accept(fields: &HandshakeFields<'_>, sent: &SentRequest) -> Result<(), ResponseError> {
    let Some(expected) = sent.accept() else { return Ok(()) };
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# If the response lacks a |Sec-WebSocket-Accept| header field or
    //# the |Sec-WebSocket-Accept| contains a value other than the
    //# base64-encoded SHA-1 of the concatenation of the |Sec-WebSocket-
    //# Key| (as a string, not base64-decoded) with the string "258EAFA5-
    //# E914-47DA-95CA-C5AB0DC85B11" but ignoring any leading and
    //# trailing whitespace, the client MUST _Fail the WebSocket
    //# Connection_.
    match fields.at_most_once(FieldName::Accept) {
        Ok(None) => Err(ResponseError::AcceptMissing),
        //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.3
        //# The |Sec-WebSocket-Accept| header MUST NOT appear more than once in an HTTP response.
        Err(Repeated) => Err(ResponseError::AcceptRepeated),
        // Neither value is a secret: both follow from bytes that were sent over the wire.
        Ok(Some(accept)) if accept == expected => Ok(()),
        Ok(Some(_)) => Err(ResponseError::AcceptWrong),
    }
}

/// Checks that origin and URL are those of the request (draft-ietf-hybi-00 §4.1, steps 36 to 41; draft-hixie-75 §4.1, step 17).
fn check_echo(headers: &Headers, sent: &SentRequest) -> Result<(), ResponseError> {
    let Some([origin, location]) = HandshakeSyntax::of(sent.version).echo else { return Ok(()) };
    let once = |name| headers.at_most_once(name).ok().flatten();
    if !once(origin).is_some_and(|value| value.eq_ignore_ascii_case(sent.origin.as_bytes())) {
        return Err(ResponseError::Origin);
    }
    if once(location) != Some(sent.url.as_bytes()) {
        return Err(ResponseError::Location);
    }
    Ok(())
}

fn subprotocol(fields: &HandshakeFields<'_>, sent: &SentRequest) -> Result<Option<String>, ResponseError> {
    // In the two oldest drafts, a client that offered no subprotocol ignores the header field, because some servers always
    // send it.
    if !sent.version.has_length_framing() && sent.subprotocols.is_empty() {
        return Ok(None);
    }
    let name = match fields.at_most_once(HandshakeSyntax::of(sent.version).subprotocol) {
        Ok(None) => return Ok(None),
        //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.4
        //# the |Sec-WebSocket-Protocol| header field MUST NOT appear more than once in an HTTP
        //# response.
        Err(Repeated) => return Err(ResponseError::SubprotocolRepeated),
        Ok(Some(name)) => name,
    };
    if elements(name).nth(1).is_some() {
        return Err(ResponseError::SubprotocolRepeated);
    }
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# If the response includes a |Sec-WebSocket-Protocol| header field
    //# and this header field indicates the use of a subprotocol that was
    //# not present in the client's handshake (the server has indicated a
    //# subprotocol not requested by the client), the client MUST _Fail
    //# the WebSocket Connection_.
    let offered = from_utf8(name).ok().filter(|_| sent.offers_subprotocol(name));
    offered.map(|name| Some(name.into())).ok_or(ResponseError::SubprotocolNotOffered)
}

fn extensions(fields: &HandshakeFields<'_>, sent: &SentRequest) -> Result<Vec<ExtensionParams>, ResponseError> {
    // The header field has no meaning in the two oldest drafts.
    if !sent.version.has_length_framing() {
        return Ok(Vec::new());
    }
    let list = match fields.at_most_once(FieldName::Extensions) {
        Ok(None) => return Ok(Vec::new()),
        //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.2
        //# the |Sec-WebSocket-Extensions| header field MUST NOT appear more than once in an HTTP
        //# response.
        Err(Repeated) => return Err(ResponseError::ExtensionsRepeated),
        Ok(Some(list)) => list,
    };
    let selected = parse_extensions(list).map_err(|_| ResponseError::Extensions)?;
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# If the response includes a |Sec-WebSocket-Extensions| header
    //# field and this header field indicates the use of an extension
    //# that was not present in the client's handshake (the server has
    //# indicated an extension not requested by the client), the client
    //# MUST _Fail the WebSocket Connection_.
    if selected.iter().all(|extension| sent.offers_extension(extension.name())) {
        Ok(selected)
    } else {
        Err(ResponseError::ExtensionNotOffered)
    }
}

use bytes::BytesMut;

use crate::grammar::{elements, is_same, names};
use crate::headers::Repeated;
use crate::known::{Known, Name};
use crate::version::Wording;
use crate::{
    Accept, BuildError, Extension, HeadLimits, HeadReader, Headers, Negotiated, Request, ResponseError, ResponseHead,
    parse_extensions,
};

/// The answer 101 to a [`Request`]: the connection is open.
///
/// A server builds it, a client checks it against what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    head: ResponseHead,
    negotiated: Negotiated,
}

impl Response {
    /// Builds a server's answer as a value. Where only its bytes are wanted, [`Accept::encode`] does less.
    ///
    /// # Errors
    ///
    /// Those of [`Accept::encode`].
    pub fn accept(request: &Request, accept: &Accept) -> Result<Self, BuildError> {
        let mut bytes = BytesMut::new();
        let negotiated = accept.encode(request, &mut bytes)?;
        let unlimited = HeadLimits { max_len: usize::MAX, max_headers: usize::MAX };
        let head = HeadReader::new(unlimited).response(&mut bytes);
        // All that was written was checked; only the length can be wrong.
        let head = head.ok().flatten().ok_or(BuildError::TooLong)?;
        Ok(Self { head, negotiated })
    }

    /// Checks a server's answer as RFC 6455 §4.1 has it: the status, `Upgrade`, `Connection`, that no body is announced
    /// (RFC 9110 §8.6), `Sec-WebSocket-Accept`, and that no subprotocol and no extension was chosen that `request` does
    /// not offer. Without a key the answer repeats origin and URL instead, in the fields of the very version that was
    /// asked for: the answer of another version is none.
    ///
    /// In draft-ietf-hybi-00 the proof is behind the head: the 16 bytes of [`Request::digest`], which the caller
    /// compares.
    ///
    /// Whether an extension's parameters answer those that were offered is for the extension to say.
    ///
    /// # Errors
    ///
    /// A variant of [`ResponseError`] for each of these rules, in this order.
    pub fn from_head(head: ResponseHead, request: &Request) -> Result<Self, ResponseError> {
        if head.minor_version() == 0 {
            return Err(ResponseError::HttpVersion);
        }
        if head.status() != 101 {
            return Err(ResponseError::Status);
        }
        let known = Known::of(head.headers());
        check_upgrade(&known)?;
        check_body(&known, request)?;
        check_accept(&known, request)?;
        check_echo(head.headers(), request)?;
        let negotiated = Negotiated {
            version: request.version(),
            subprotocol: subprotocol(&known, request)?.map(Into::into),
            extensions: extensions(&known, request)?,
        };
        Ok(Self { head, negotiated })
    }

    /// What both ends agreed on.
    #[must_use]
    pub const fn negotiated(&self) -> &Negotiated {
        &self.negotiated
    }

    /// What both ends agreed on, without the rest.
    #[must_use]
    pub fn into_negotiated(self) -> Negotiated {
        self.negotiated
    }

    /// The status: 101.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.head.status()
    }

    /// The header fields.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        self.head.headers()
    }

    /// The head as a whole.
    #[must_use]
    pub const fn head(&self) -> &ResponseHead {
        &self.head
    }

    /// Appends the answer in its plain form to `output`: CRLF line ends, one blank after each colon.
    pub fn encode(&self, output: &mut BytesMut) {
        self.head.encode(output);
    }
}

fn check_upgrade(known: &Known<'_>) -> Result<(), ResponseError> {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# If the response lacks an |Upgrade| header field or the |Upgrade|
    //# header field contains a value that is not an ASCII case-
    //# insensitive match for the value "websocket", the client MUST
    //# _Fail the WebSocket Connection_.
    let is_websocket = |value: &[u8]| is_same(value, b"websocket");
    if !known.contains(Name::Upgrade) || !known.all(Name::Upgrade).all(is_websocket) {
        return Err(ResponseError::Upgrade);
    }
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# If the response lacks a |Connection| header field or the
    //# |Connection| header field doesn't contain a token that is an
    //# ASCII case-insensitive match for the value "Upgrade", the client
    //# MUST _Fail the WebSocket Connection_.
    if !names(known.all(Name::Connection), b"Upgrade") {
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
/// A body of no bytes is taken: it does not change what follows.
fn check_body(known: &Known<'_>, request: &Request) -> Result<(), ResponseError> {
    let proof = request.key_numbers().map(|_| &b"16"[..]);
    if known.announce_body(proof) { Err(ResponseError::Body) } else { Ok(()) }
}

fn check_accept(known: &Known<'_>, request: &Request) -> Result<(), ResponseError> {
    let Some(expected) = request.accept() else { return Ok(()) };
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# If the response lacks a |Sec-WebSocket-Accept| header field or
    //# the |Sec-WebSocket-Accept| contains a value other than the
    //# base64-encoded SHA-1 of the concatenation of the |Sec-WebSocket-
    //# Key| (as a string, not base64-decoded) with the string "258EAFA5-
    //# E914-47DA-95CA-C5AB0DC85B11" but ignoring any leading and
    //# trailing whitespace, the client MUST _Fail the WebSocket
    //# Connection_.
    match known.at_most_once(Name::Accept) {
        Ok(None) => Err(ResponseError::AcceptMissing),
        //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.3
        //# The |Sec-WebSocket-Accept| header MUST NOT appear more than once in an HTTP response.
        Err(Repeated) => Err(ResponseError::AcceptRepeated),
        // Nothing secret is compared: both values follow from what went over the wire.
        Ok(Some(accept)) if accept == expected => Ok(()),
        Ok(Some(_)) => Err(ResponseError::AcceptWrong),
    }
}

/// Origin and URL as they were sent (draft-ietf-hybi-00 §4.1, steps 36 to 41; draft-hixie-75 §4.1, step 17).
fn check_echo(headers: &Headers, request: &Request) -> Result<(), ResponseError> {
    let Some([origin, location]) = Wording::of(request.version()).echo else { return Ok(()) };
    let secure = request.is_secure();
    let once = |name| headers.at_most_once(name).ok().flatten();
    if !once(origin).is_some_and(|value| value.eq_ignore_ascii_case(request.origin_or_own(secure).as_bytes())) {
        return Err(ResponseError::Origin);
    }
    if once(location) != Some(request.location(secure).as_bytes()) {
        return Err(ResponseError::Location);
    }
    Ok(())
}

fn subprotocol<'a>(known: &Known<'_>, request: &'a Request) -> Result<Option<&'a str>, ResponseError> {
    // The two oldest drafts compare the field only with what was asked for, and real servers always send it.
    if !request.version().has_length_framing() && request.subprotocols().next().is_none() {
        return Ok(None);
    }
    let name = match known.at_most_once(Wording::of(request.version()).subprotocol) {
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
    let offered = request.subprotocols().find(|offered| offered.as_bytes() == name);
    offered.map(Some).ok_or(ResponseError::SubprotocolNotOffered)
}

fn extensions(known: &Known<'_>, request: &Request) -> Result<alloc::vec::Vec<Extension>, ResponseError> {
    // The field has no meaning there.
    if !request.version().has_length_framing() {
        return Ok(alloc::vec::Vec::new());
    }
    let list = match known.at_most_once(Name::Extensions) {
        Ok(None) => return Ok(alloc::vec::Vec::new()),
        //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.2
        //# the |Sec-WebSocket-Extensions| header field MUST NOT appear more than once in an HTTP
        //# response.
        Err(Repeated) => return Err(ResponseError::ExtensionsRepeated),
        Ok(Some(list)) => list,
    };
    let chosen = parse_extensions(list).map_err(|_| ResponseError::Extensions)?;
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# If the response includes a |Sec-WebSocket-Extensions| header
    //# field and this header field indicates the use of an extension
    //# that was not present in the client's handshake (the server has
    //# indicated an extension not requested by the client), the client
    //# MUST _Fail the WebSocket Connection_.
    if chosen.iter().all(|extension| request.offers_extension(extension.name())) {
        Ok(chosen)
    } else {
        Err(ResponseError::ExtensionNotOffered)
    }
}

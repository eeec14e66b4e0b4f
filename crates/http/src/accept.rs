use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use bytes::BytesMut;
use protocol_websocket_core::Version;

use crate::debug::Hidden;
use crate::grammar::is_token;
use crate::headers::write_field;
use crate::offer::{is_reserved, join};
use crate::version::Wording;
use crate::{BuildError, Extension, Headers, Negotiated, Request, SetCookie, extension};

/// What a server agrees to.
///
/// The setters never fail: what cannot be written is an error when an answer is built with it, the first one if there
/// are several. It can be kept and used for many answers.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_http::{Accept, HeadLimits, Request};
///
/// let mut input = BytesMut::from(concat!(
///     "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
///     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
///     "Sec-WebSocket-Protocol: chat, superchat\r\n\r\n",
/// ));
/// let request = Request::parse(&mut input, HeadLimits::default())?.expect("the head is complete");
///
/// let mut output = BytesMut::new();
/// let negotiated = Accept::new().subprotocol("chat").encode(&request, &mut output)?;
/// assert!(output.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
/// assert_eq!(negotiated.subprotocol.as_deref(), Some("chat"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Accept {
    subprotocol: Option<String>,
    extensions: Vec<Extension>,
    headers: Headers,
    secure: Option<bool>,
    perl_compat: bool,
    error: Option<BuildError>,
}

impl Accept {
    /// Agrees to the connection and to nothing else.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses a subprotocol: one that the client offered, see
    /// [`Request::select_subprotocol`](Request::select_subprotocol).
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        let result = if is_token(name.as_bytes()) { Ok(()) } else { Err(BuildError::Subprotocol) };
        self.subprotocol = Some(name);
        self.note(result)
    }

    /// The extensions named so far.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// Appends an extension that the client offered, with the parameters that answer its own.
    #[must_use]
    pub fn extension(mut self, extension: Extension) -> Self {
        let is_valid = extension::is_valid(&extension);
        self.extensions.push(extension);
        let items: usize = self.extensions.iter().map(|extension| 1 + extension.params().len()).sum();
        let result = if is_valid && items <= Extension::MAX_ITEMS { Ok(()) } else { Err(BuildError::Extension) };
        self.note(result)
    }

    /// Appends a cookie to set, in a field of its own (RFC 6265 §3).
    #[must_use]
    pub fn cookie(mut self, cookie: SetCookie) -> Self {
        let result = cookie.checked().and_then(|cookie| self.headers.push("Set-Cookie", cookie));
        self.note(result)
    }

    /// Appends a header of the caller's own. It may not be one that the handshake writes itself, or that would announce
    /// a body.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        let result = if is_reserved(name) { Err(BuildError::ReservedField) } else { self.headers.push(name, value) };
        self.note(result)
    }

    /// Says whether the URL of this server is `wss` and not `ws`: the versions before draft-ietf-hybi-10 repeat it in
    /// their answer, and a client compares. `Request::is_secure` is the guess otherwise.
    #[must_use]
    pub const fn secure(mut self, secure: bool) -> Self {
        self.secure = Some(secure);
        self
    }

    /// Writes the answer as Perl's `Protocol::WebSocket` 0.26 does: its reason phrase and order of fields,
    /// `Upgrade: WebSocket` in every version, and all cookies in one field, which few clients understand.
    #[must_use]
    pub const fn perl_compat(mut self) -> Self {
        self.perl_compat = true;
        self
    }

    /// Appends the answer 101 to `output`: the connection is open.
    ///
    /// But for draft-ietf-hybi-00: there it is open when eight more bytes came, and
    /// `KeyNumbers::digest` of them was written behind this answer.
    ///
    /// # Errors
    ///
    /// [`BuildError::SubprotocolNotOffered`] and [`BuildError::ExtensionNotOffered`] for what the request does not
    /// offer, and whatever a setter could not take. Then nothing is written.
    pub fn encode(&self, request: &Request, output: &mut BytesMut) -> Result<Negotiated, BuildError> {
        let negotiated = self.negotiate(request)?;
        let wording = Wording::of(request.version());
        // Perl's is that of draft-ietf-hybi-00 in every version.
        let answer = if self.perl_compat { Wording::of(Version::Hybi00).answer } else { wording.answer };
        output.reserve(256 + self.headers.encoded_len());
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
        //# it MUST reply with a valid HTTP response indicating the following.
        output.extend_from_slice(answer.as_bytes());
        if let Some(accept) = request.accept() {
            write_field(output, b"Sec-WebSocket-Accept", &accept);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
        //# if the server does not wish to agree to one of the suggested subprotocols, it MUST NOT
        //# send back a |Sec-WebSocket-Protocol| header field
        let subprotocol = self.subprotocol.as_ref().map(|name| (wording.subprotocol.text(), name.as_str()));
        let [before, behind] = if self.perl_compat { [subprotocol, None] } else { [None, subprotocol] };
        before.iter().for_each(|(field, name)| write_field(output, field.as_bytes(), name.as_bytes()));
        if let Some([origin, location]) = wording.echo {
            let secure = self.secure.unwrap_or(request.is_secure());
            write_field(output, origin.as_bytes(), request.origin_or_own(secure).as_bytes());
            write_field(output, location.as_bytes(), request.location(secure).as_bytes());
        }
        behind.iter().for_each(|(field, name)| write_field(output, field.as_bytes(), name.as_bytes()));
        if !self.extensions.is_empty() {
            let mut list = String::new();
            //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.2
            //# the |Sec-WebSocket-Extensions| header field MUST NOT appear more than once in an
            //# HTTP response.
            self.extensions.iter().for_each(|extension| join(&mut list, ", ", &extension.to_string()));
            write_field(output, b"Sec-WebSocket-Extensions", list.as_bytes());
        }
        match self.perl_compat {
            true => self.write_folded(output),
            false => self.headers.encode(output),
        }
        Ok(negotiated)
    }

    /// The cookies in one field, as RFC 6265 §3 warns against, and the other headers.
    fn write_folded(&self, output: &mut BytesMut) {
        let cookies: Vec<_> = self.headers.get_all("set-cookie").collect();
        if !cookies.is_empty() {
            write_field(output, b"Set-Cookie", &cookies.join(&b","[..]));
        }
        let others = self.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("set-cookie"));
        others.for_each(|(name, value)| write_field(output, name.as_bytes(), value));
        output.extend_from_slice(b"\r\n");
    }

    fn negotiate(&self, request: &Request) -> Result<Negotiated, BuildError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
        //# The value chosen MUST be derived
        //# from the client's handshake, specifically by selecting one of
        //# the values from the |Sec-WebSocket-Protocol| field that the
        //# server is willing to use for this connection (if any).
        if let Some(name) = &self.subprotocol
            && !request.subprotocols().any(|offered| offered == name)
        {
            return Err(BuildError::SubprotocolNotOffered);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
        //# Extensions not listed by the
        //# client MUST NOT be listed.
        if !self.extensions.iter().all(|extension| request.offers_extension(extension.name())) {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-9
            //# A server MUST NOT respond with any extension not requested by the client.
            return Err(BuildError::ExtensionNotOffered);
        }
        Ok(Negotiated {
            version: request.version(),
            subprotocol: self.subprotocol.clone(),
            extensions: self.extensions.clone(),
        })
    }

    fn note(mut self, result: Result<(), BuildError>) -> Self {
        self.error = self.error.or(result.err());
        self
    }
}

/// Hides the subprotocol and the values of most headers.
impl fmt::Debug for Accept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accept")
            .field("subprotocol", &self.subprotocol.as_ref().map(|_| Hidden))
            .field("extensions", &self.extensions)
            .field("headers", &self.headers)
            .field("secure", &self.secure)
            .field("perl_compat", &self.perl_compat)
            .field("error", &self.error)
            .finish()
    }
}

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use bytes::BytesMut;

use crate::grammar::is_token;
use crate::headers::write_field;
use crate::offer::{is_reserved, join};
use crate::{BuildError, Extension, Headers, Negotiated, Request, SetCookie};

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
#[derive(Clone, Debug, Default)]
pub struct Accept {
    subprotocol: Option<String>,
    extensions: Vec<Extension>,
    headers: Headers,
    error: Option<BuildError>,
}

impl Accept {
    /// Agrees to the connection and to nothing else.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses a subprotocol: one that the client offered, see
    /// [`Request::select_subprotocol`](crate::Request::select_subprotocol).
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        let result = if is_token(name.as_bytes()) { Ok(()) } else { Err(BuildError::Subprotocol) };
        self.subprotocol = Some(name);
        self.note(result)
    }

    /// Appends an extension that the client offered, with the parameters that answer its own.
    #[must_use]
    pub fn extension(mut self, extension: Extension) -> Self {
        let result = if extension.is_valid() { Ok(()) } else { Err(BuildError::Extension) };
        self.extensions.push(extension);
        self.note(result)
    }

    /// Appends a cookie to set, in a field of its own (RFC 6265 §3).
    #[must_use]
    pub fn cookie(mut self, cookie: SetCookie) -> Self {
        let result = if cookie.is_valid() {
            self.headers.push("Set-Cookie", cookie.to_string())
        } else {
            Err(BuildError::Cookie)
        };
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

    /// Appends the answer 101 to `output`: the connection is open.
    ///
    /// # Errors
    ///
    /// [`BuildError::SubprotocolNotOffered`] and [`BuildError::ExtensionNotOffered`] for what the request does not
    /// offer, and whatever a setter could not take. Then nothing is written.
    pub fn encode(&self, request: &Request, output: &mut BytesMut) -> Result<Negotiated, BuildError> {
        let negotiated = self.negotiate(request)?;
        output.reserve(256 + self.headers.encoded_len());
        output.extend_from_slice(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
        );
        output.extend_from_slice(&request.key().accept());
        output.extend_from_slice(b"\r\n");
        if let Some(name) = &self.subprotocol {
            write_field(output, b"Sec-WebSocket-Protocol", name.as_bytes());
        }
        if !self.extensions.is_empty() {
            let mut list = String::new();
            self.extensions.iter().for_each(|extension| join(&mut list, ", ", &extension.to_string()));
            write_field(output, b"Sec-WebSocket-Extensions", list.as_bytes());
        }
        self.headers.encode(output);
        Ok(negotiated)
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
        if let Some(name) = &self.subprotocol {
            if !request.subprotocols().any(|offered| offered == name) {
                return Err(BuildError::SubprotocolNotOffered);
            }
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
        //# Extensions not listed by the
        //# client MUST NOT be listed.
        if !self.extensions.iter().all(|extension| request.offers_extension(extension.name())) {
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

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use protocol_websocket_core::ExtensionParams;

use crate::caller_headers::{CallerHeaders, is_reserved};
use crate::debug::Hidden;
use crate::error::BuildError;
use crate::extension::is_valid;
use crate::grammar::is_token;
use crate::perl_compat::Style;
use crate::set_cookie::SetCookie;

/// A server's part of the handshake: the subprotocol, the extensions, cookies and header fields of a response 101.
///
/// The setters do not fail. An invalid value is an error of [`encode`](Self::encode) and
/// [`Response::accept`](crate::Response::accept), which return the first one. The value can be kept and used for many
/// responses.
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
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Accept {
    pub(crate) subprotocol: Option<String>,
    pub(crate) extensions: Vec<ExtensionParams>,
    pub(crate) headers: CallerHeaders,
    pub(crate) secure: Option<bool>,
    pub(crate) style: Style,
}

impl Accept {
    /// Accepts the connection without a subprotocol and extensions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects a subprotocol, which must be one that the client offered:
    /// [`Request::select_subprotocol`](crate::Request::select_subprotocol).
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        let result = if is_token(name.as_bytes()) { Ok(()) } else { Err(BuildError::Subprotocol) };
        self.subprotocol = Some(name);
        self.note(result)
    }

    /// Returns the extensions that were appended.
    #[must_use]
    pub fn extensions(&self) -> &[ExtensionParams] {
        &self.extensions
    }

    /// Appends an extension that the client offered, with the parameters of the response.
    #[must_use]
    pub fn extension(mut self, extension: ExtensionParams) -> Self {
        let is_valid = is_valid(&extension);
        self.extensions.push(extension);
        let items: usize = self.extensions.iter().map(|extension| 1 + extension.params().len()).sum();
        let result = if is_valid && items <= ExtensionParams::MAX_ITEMS { Ok(()) } else { Err(BuildError::Extension) };
        self.note(result)
    }

    /// Appends a cookie, in a `Set-Cookie` of its own (RFC 6265 §3).
    ///
    /// ```
    /// use protocol_websocket_http::{Accept, SetCookie};
    ///
    /// let accept = Accept::new().cookie(SetCookie::new("session", "31d4d96e").http_only());
    /// ```
    #[must_use]
    pub fn cookie(mut self, cookie: SetCookie) -> Self {
        self.headers.push_cookie(&cookie);
        self
    }

    /// Appends a header field. Those that the handshake writes itself, and those that announce a body, are errors.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        if is_reserved(name) {
            return self.note(Err(BuildError::ReservedField));
        }
        self.headers.push(name, value);
        self
    }

    /// Sets whether the URL of this server is `wss` and not `ws`. The default is
    /// [`Request::is_secure`](crate::Request::is_secure).
    ///
    /// Versions before draft-ietf-hybi-10 repeat the URL in the response, and clients compare it.
    #[must_use]
    pub const fn secure(mut self, secure: bool) -> Self {
        self.secure = Some(secure);
        self
    }

    /// Selects the form of Perl's `Protocol::WebSocket` 0.26: its reason phrase and order of header fields,
    /// `Upgrade: WebSocket` in every version, and all cookies in one `Set-Cookie`, which few clients can read.
    #[must_use]
    pub const fn perl_compat(mut self) -> Self {
        self.style = Style::Perl;
        self
    }

    fn note(mut self, result: Result<(), BuildError>) -> Self {
        self.headers.note(result);
        self
    }
}

/// Hides the subprotocol and the values of most header fields.
impl fmt::Debug for Accept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accept")
            .field("subprotocol", &self.subprotocol.as_ref().map(|_| Hidden))
            .field("extensions", &self.extensions)
            .field("headers", self.headers.headers())
            .field("secure", &self.secure)
            .field("style", &self.style)
            .field("error", &self.headers.error())
            .finish()
    }
}

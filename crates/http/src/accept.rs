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
/// The setters do not fail. [`encode`](Self::encode) and [`Response::accept`](crate::Response::accept) return the error of
/// the first invalid value. An `Accept` can be kept and used for many responses.
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
    /// Creates a response without a subprotocol, extensions, cookies and further header fields.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the subprotocol. It must be one that the client offered, such as the result of
    /// [`Request::select_subprotocol`](crate::Request::select_subprotocol).
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        let result = if is_token(name.as_bytes()) { Ok(()) } else { Err(BuildError::Subprotocol) };
        self.subprotocol = Some(name);
        self.record(result)
    }

    /// Returns the extensions that were appended.
    #[must_use]
    pub fn extensions(&self) -> &[ExtensionParams] {
        &self.extensions
    }

    /// Appends an extension that the client offered, with the parameters of the response. All extensions together have at
    /// most [`ExtensionParams::MAX_ITEMS`] names and parameters.
    ///
    /// ```
    /// use protocol_websocket_http::{Accept, ExtensionParams};
    ///
    /// let deflate = ExtensionParams::new("permessage-deflate").flag("server_no_context_takeover");
    /// let accept = Accept::new().extension(deflate);
    /// ```
    #[must_use]
    pub fn extension(mut self, extension: ExtensionParams) -> Self {
        let is_valid = is_valid(&extension);
        self.extensions.push(extension);
        let items: usize = self.extensions.iter().map(|extension| 1 + extension.params().len()).sum();
        let result = if is_valid && items <= ExtensionParams::MAX_ITEMS { Ok(()) } else { Err(BuildError::Extension) };
        self.record(result)
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

    /// Appends a header field.
    ///
    /// The header fields that the handshake itself writes, and those that announce a body, are a
    /// [`BuildError::ReservedField`]: `Upgrade`, `Connection`, `Content-Length`, `Transfer-Encoding`, and all names that begin
    /// with `Sec-WebSocket-` or `WebSocket-`.
    ///
    /// ```
    /// use protocol_websocket_http::Accept;
    ///
    /// let accept = Accept::new().header("Server", "example/1.0");
    /// ```
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        if is_reserved(name) {
            return self.record(Err(BuildError::ReservedField));
        }
        self.headers.push(name, value);
        self
    }

    /// Sets whether the URL of this server is `wss` and not `ws`. The default is
    /// [`Request::is_secure`](crate::Request::is_secure).
    ///
    /// Only versions before draft-ietf-hybi-10 use this value: their responses repeat the URL, and clients compare it.
    #[must_use]
    pub const fn secure(mut self, secure: bool) -> Self {
        self.secure = Some(secure);
        self
    }

    /// Selects the form of Perl's `Protocol::WebSocket` 0.26: its reason phrase, its order of header fields,
    /// `Upgrade: WebSocket` in every version, and one `Set-Cookie` for all cookies. Few clients can read that header field.
    #[must_use]
    pub const fn perl_compat(mut self) -> Self {
        self.style = Style::Perl;
        self
    }

    fn record(mut self, result: Result<(), BuildError>) -> Self {
        self.headers.record(result);
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

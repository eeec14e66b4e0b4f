use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use protocol_websocket_core::Version;

use crate::Extension;
use crate::debug::Hidden;

/// What both ends agreed on: all that framing has to know of the handshake.
///
/// By default it is RFC 6455 with nothing negotiated. A handshake made elsewhere (HTTP/2, HTTP/3, another library)
/// fills it by hand:
///
/// ```
/// use protocol_websocket_http::{Extension, Negotiated};
///
/// let negotiated = Negotiated::default().subprotocol("chat").extension(Extension::new("permessage-deflate"));
/// assert_eq!(negotiated.subprotocol.as_deref(), Some("chat"));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Negotiated {
    /// The version of the protocol.
    pub version: Version,
    /// The subprotocol, if one was chosen.
    pub subprotocol: Option<String>,
    /// The extensions with their parameters as the server answered them, in the order in which they apply.
    pub extensions: Vec<Extension>,
}

impl Negotiated {
    /// Sets [`version`](Self#structfield.version).
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Sets [`subprotocol`](Self#structfield.subprotocol).
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocol = Some(name.into());
        self
    }

    /// Appends to [`extensions`](Self#structfield.extensions).
    #[must_use]
    pub fn extension(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }
}

/// Hides the subprotocol: some clients send a token as one.
impl fmt::Debug for Negotiated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Negotiated")
            .field("version", &self.version)
            .field("subprotocol", &self.subprotocol.as_ref().map(|_| Hidden))
            .field("extensions", &self.extensions)
            .finish()
    }
}

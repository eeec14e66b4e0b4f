use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use protocol_websocket_core::{ExtensionParams, Version};

use crate::debug::Hidden;

/// The result of a handshake: the version, the subprotocol and the extensions on which client and server agreed.
///
/// The default is RFC 6455 without a subprotocol and extensions. If another library made the handshake, the caller sets the
/// values:
///
/// ```
/// use protocol_websocket_http::{ExtensionParams, Negotiated};
///
/// let negotiated = Negotiated::default().subprotocol("chat").extension(ExtensionParams::new("permessage-deflate"));
/// assert_eq!(negotiated.subprotocol.as_deref(), Some("chat"));
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Negotiated {
    /// The version of the protocol.
    pub version: Version,
    /// The subprotocol that the server selected.
    pub subprotocol: Option<String>,
    /// The extensions with the parameters of the server's response, in the order in which they apply.
    pub extensions: Vec<ExtensionParams>,
}

impl Negotiated {
    /// Creates the result RFC 6455 without a subprotocol and extensions, which is also the default.
    #[must_use]
    pub const fn new() -> Self {
        Self { version: Version::Rfc6455, subprotocol: None, extensions: Vec::new() }
    }

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
    pub fn extension(mut self, extension: ExtensionParams) -> Self {
        self.extensions.push(extension);
        self
    }
}

/// Hides the subprotocol, because some clients send a secret token in it.
impl fmt::Debug for Negotiated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Negotiated")
            .field("version", &self.version)
            .field("subprotocol", &self.subprotocol.as_ref().map(|_| Hidden))
            .field("extensions", &self.extensions)
            .finish()
    }
}

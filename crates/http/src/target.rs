use core::fmt;

use crate::debug;

/// Where a client's request goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Target<'a> {
    /// The host, and `:port` unless it is the scheme's default, as they stand in `Host`.
    pub host: &'a str,
    /// The path and query (RFC 6455 §3); it begins with `/`.
    pub resource_name: &'a str,
    /// Whether the connection is encrypted: `wss` and not `ws`. The versions before draft-ietf-hybi-10 talk about it.
    pub secure: bool,
}

impl<'a> Target<'a> {
    /// A resource of a host, for `ws`.
    #[must_use]
    pub const fn new(host: &'a str, resource_name: &'a str) -> Self {
        Self { host, resource_name, secure: false }
    }

    /// Sets [`secure`](Self#structfield.secure).
    #[must_use]
    pub const fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }
}

/// Hides the query.
impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("host", &debug::Target(self.host))
            .field("resource_name", &debug::Target(self.resource_name))
            .field("secure", &self.secure)
            .finish()
    }
}

use alloc::borrow::Cow;
use alloc::format;
use core::fmt;

use crate::debug;

/// The server and the resource that a client's request is for (RFC 6455 §4.1: /host/, /port/, /resource name/ and /secure/
/// flag).
///
/// ```
/// use protocol_websocket_http::Destination;
///
/// let destination = Destination::new("example.com", "/chat").port(8443).secure(true);
/// assert_eq!(destination.authority(), "example.com:8443");
/// assert_eq!(destination.port(443).authority(), "example.com");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Destination<'a> {
    /// The host: a name, an IPv4 address, or an IPv6 address in brackets. It may end with `:port`, if
    /// [`port`](Self#structfield.port) is `None`.
    pub host: &'a str,
    /// The port. `None` is the default port of the scheme, or the port in [`host`](Self#structfield.host).
    pub port: Option<u16>,
    /// The path and query (RFC 6455 §3). They begin with `/`.
    pub resource_name: &'a str,
    /// Whether the connection is encrypted: `wss` and not `ws`. In versions before draft-ietf-hybi-10, the default
    /// origin of the request depends on it, and so does the URL that the response must repeat.
    pub secure: bool,
}

impl<'a> Destination<'a> {
    /// Creates the destination `ws://host/resource_name`.
    #[must_use]
    pub const fn new(host: &'a str, resource_name: &'a str) -> Self {
        Self { host, port: None, resource_name, secure: false }
    }

    /// Sets [`port`](Self#structfield.port).
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Sets [`secure`](Self#structfield.secure).
    #[must_use]
    pub const fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Returns the value of `Host`: the host, and `:port` unless it is the default port of the scheme.
    ///
    /// ```
    /// use protocol_websocket_http::Destination;
    ///
    /// let destination = Destination::new("example.com", "/chat");
    /// assert_eq!(destination.port(80).authority(), "example.com");
    /// assert_eq!(destination.port(8080).authority(), "example.com:8080");
    /// ```
    #[must_use]
    pub fn authority(&self) -> Cow<'a, str> {
        let default = if self.secure { 443 } else { 80 };
        match self.port {
            Some(port) if port != default => Cow::Owned(format!("{}:{port}", self.host)),
            _ => Cow::Borrowed(self.host),
        }
    }
}

/// Hides the query.
impl fmt::Debug for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination")
            .field("host", &debug::Target(self.host))
            .field("port", &self.port)
            .field("resource_name", &debug::Target(self.resource_name))
            .field("secure", &self.secure)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authority_omits_the_default_port() {
        for (port, secure, authority) in [
            (None, false, "h"),
            (Some(80), false, "h"),
            (Some(443), false, "h:443"),
            (Some(443), true, "h"),
            (Some(80), true, "h:80"),
        ] {
            let destination = Destination { port, ..Destination::new("h", "/").secure(secure) };
            assert_eq!(destination.authority(), authority);
        }
    }
}

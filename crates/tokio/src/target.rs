//! Where a client connects to.

#[cfg(feature = "url")]
use protocol_websocket::Url;
use protocol_websocket::{ClientDestination, Destination, Redirect};

#[derive(Clone)]
pub(crate) enum Target {
    #[cfg(feature = "url")]
    Url(Url),
    Destination {
        host: String,
        port: u16,
        resource_name: String,
        is_secure: bool,
    },
}

impl Target {
    pub(crate) fn new(destination: Destination<'_>) -> Self {
        let authority = destination.authority();
        let default = if destination.secure { 443 } else { 80 };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, "")) => (host, default),
            // The last part of an IPv6 address ends with a bracket, so it is not a number.
            Some((host, port)) => port.parse().map_or((&*authority, default), |port| (host, port)),
            None => (&*authority, default),
        };
        let (host, resource_name) = (host.to_owned(), destination.resource_name.to_owned());
        Self::Destination { host, port, resource_name, is_secure: destination.secure }
    }

    /// Returns the target of a redirect, which is a URL.
    #[cfg_attr(not(feature = "url"), expect(unused_variables, clippy::missing_const_for_fn, reason = "without URLs"))]
    pub(crate) fn of_redirect(redirect: &Redirect) -> Option<Self> {
        #[cfg(feature = "url")]
        return redirect.url().ok().map(Self::Url);
        #[cfg(not(feature = "url"))]
        None
    }

    pub(crate) fn destination(&self) -> ClientDestination<'_> {
        match self {
            #[cfg(feature = "url")]
            Self::Url(url) => url.into(),
            Self::Destination { host, port, resource_name, is_secure } => {
                Destination::new(host, resource_name).port(*port).secure(*is_secure).into()
            }
        }
    }

    /// Returns the host, with brackets around an IPv6 address.
    pub(crate) fn host(&self) -> &str {
        match self {
            #[cfg(feature = "url")]
            Self::Url(url) => url.host(),
            Self::Destination { host, .. } => host,
        }
    }

    /// Returns the host for a resolver or TLS.
    pub(crate) fn socket_host(&self) -> &str {
        without_brackets(self.host())
    }

    pub(crate) fn port(&self) -> u16 {
        match self {
            #[cfg(feature = "url")]
            Self::Url(url) => url.port(),
            Self::Destination { port, .. } => *port,
        }
    }

    pub(crate) fn is_secure(&self) -> bool {
        match self {
            #[cfg(feature = "url")]
            Self::Url(url) => url.is_secure(),
            Self::Destination { is_secure, .. } => *is_secure,
        }
    }

    /// Returns whether cookies and credentials for this target may be sent to `other`: it has the same host and port,
    /// or the default ports of `ws` and then `wss`.
    pub(crate) fn trusts(&self, other: &Self) -> bool {
        let is_upgrade = (self.port(), other.port()) == (80, 443) && !self.is_secure() && other.is_secure();
        self.host().eq_ignore_ascii_case(other.host())
            && (self.port() == other.port() || is_upgrade)
            && (other.is_secure() || !self.is_secure())
    }
}

pub(crate) fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_those_of_the_destination() {
        for (destination, host, socket_host, port) in [
            (Destination::new("h", "/"), "h", "h", 80),
            (Destination::new("h", "/").secure(true), "h", "h", 443),
            (Destination::new("h:81", "/"), "h", "h", 81),
            (Destination::new("h:", "/"), "h", "h", 80),
            (Destination::new("h", "/").port(81), "h", "h", 81),
            (Destination::new("[::1]", "/"), "[::1]", "::1", 80),
            (Destination::new("[::1]:81", "/"), "[::1]", "::1", 81),
            (Destination::new("[::1]", "/").port(81), "[::1]", "::1", 81),
        ] {
            let target = Target::new(destination);
            assert_eq!((target.host(), target.socket_host(), target.port()), (host, socket_host, port));
        }
    }
}

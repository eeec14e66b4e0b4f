//! Where a client connects to.

#[cfg(feature = "url")]
use protocol_websocket::Url;
use protocol_websocket::{ClientDestination, Destination};

#[derive(Clone)]
pub(crate) struct Target {
    /// The host for a resolver or TLS: an IPv6 address has no brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) is_secure: bool,
    authority: String,
    resource_name: String,
    /// The client resolves redirects relative to it.
    #[cfg(feature = "url")]
    url: Option<Url>,
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
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
        Self {
            host,
            port,
            is_secure: destination.secure,
            authority: authority.into_owned(),
            resource_name: destination.resource_name.to_owned(),
            #[cfg(feature = "url")]
            url: None,
        }
    }

    pub(crate) fn destination(&self) -> ClientDestination<'_> {
        #[cfg(feature = "url")]
        if let Some(url) = &self.url {
            return url.into();
        }
        Destination::new(&self.authority, &self.resource_name).secure(self.is_secure).into()
    }
}

#[cfg(feature = "url")]
impl From<Url> for Target {
    fn from(url: Url) -> Self {
        let destination = Destination::new(url.authority(), url.resource_name()).secure(url.is_secure());
        Self { url: Some(url.clone()), ..Self::new(destination) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_those_of_the_destination() {
        for (destination, host, port) in [
            (Destination::new("h", "/"), "h", 80),
            (Destination::new("h", "/").secure(true), "h", 443),
            (Destination::new("h:81", "/"), "h", 81),
            (Destination::new("h:", "/"), "h", 80),
            (Destination::new("h", "/").port(81), "h", 81),
            (Destination::new("[::1]", "/"), "::1", 80),
            (Destination::new("[::1]:81", "/"), "::1", 81),
            (Destination::new("[::1]", "/").port(81), "::1", 81),
        ] {
            let target = Target::new(destination);
            assert_eq!((&*target.host, target.port), (host, port));
        }
    }

    #[cfg(feature = "url")]
    #[test]
    fn url_has_its_host_and_port() {
        for (url, host, port, is_secure) in
            [("ws://h/", "h", 80, false), ("wss://h:81/", "h", 81, true), ("wss://[::1]/", "::1", 443, true)]
        {
            let target = Target::from(Url::parse(url).unwrap());
            assert_eq!((&*target.host, target.port, target.is_secure), (host, port, is_secure));
        }
    }
}

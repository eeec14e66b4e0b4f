use core::fmt;

/// One of the two ends of a connection.
///
/// `Display` writes `client` or `server`. The enum is exhaustive, because RFC 6455 has no other ends.
///
/// ```
/// use protocol_websocket_core::Role;
///
/// assert_eq!(Role::Client.peer(), Role::Server);
/// assert_eq!(Role::Client.to_string(), "client");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The end that opens the connection. It masks every frame that it sends (RFC 6455 §5.1).
    Client,
    /// The end that accepts the connection. It never masks.
    Server,
}

impl Role {
    /// Returns the other end.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn peer_returns_the_other_end() {
        assert_eq!(Role::Server.peer(), Role::Client);
        assert_eq!(Role::Client.peer(), Role::Server);
    }

    #[test]
    fn displays_the_name_of_the_end() {
        assert_eq!([Role::Client, Role::Server].map(|role| role.to_string()), ["client", "server"]);
    }
}

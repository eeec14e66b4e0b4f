/// Which end of a connection we are.
///
/// A closed set: RFC 6455 knows no third end, so the enum is exhaustive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The end that connected. It masks every frame that it sends (RFC 6455 §5.1).
    Client,
    /// The end that was connected to. It never masks.
    Server,
}

impl Role {
    /// The other end.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_each_other() {
        assert_eq!(Role::Server.peer(), Role::Client);
        assert_eq!(Role::Client.peer().peer(), Role::Client);
    }
}

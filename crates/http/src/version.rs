use alloc::string::{String, ToString};
use core::fmt;
use core::ops::BitOr;

use protocol_websocket_core::Version;

use crate::known::Name;
use crate::offer::join;

/// A set of versions of the protocol: those that a server speaks. By default it is all of them.
///
/// ```
/// use protocol_websocket_http::{Version, Versions};
///
/// let spoken = Versions::RFC6455 | Version::Hybi10.into();
/// assert!(spoken.contains(Version::Hybi10) && !spoken.contains(Version::Hybi00));
/// assert_eq!(spoken, Versions::of(&[Version::Hybi10, Version::Rfc6455]));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Versions(u8);

impl Versions {
    /// All four: RFC 6455 and the three drafts that came before it.
    pub const ALL: Self = Self::of(&NEWEST_FIRST);
    /// The published standard alone.
    pub const RFC6455: Self = Self::of(&[Version::Rfc6455]);

    /// These versions and no other.
    #[must_use]
    pub const fn of(mut versions: &[Version]) -> Self {
        let mut set = 0;
        while let [version, rest @ ..] = versions {
            set |= bit(*version);
            versions = rest;
        }
        Self(set)
    }

    /// Whether this version is one of them.
    #[must_use]
    pub const fn contains(self, version: Version) -> bool {
        self.0 & bit(version) != 0
    }

    /// The versions, newest first.
    pub fn iter(self) -> impl Iterator<Item = Version> {
        NEWEST_FIRST.into_iter().filter(move |version| self.contains(*version))
    }

    /// As `Sec-WebSocket-Version` has them, such as `13, 8`. Those without a number are not named.
    pub(crate) fn numbers(self) -> String {
        let mut list = String::new();
        self.iter().filter_map(Version::number).for_each(|number| join(&mut list, ", ", &number.to_string()));
        list
    }
}

impl BitOr for Versions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Default for Versions {
    fn default() -> Self {
        Self::ALL
    }
}

impl From<Version> for Versions {
    fn from(version: Version) -> Self {
        Self::of(&[version])
    }
}

impl fmt::Debug for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

const NEWEST_FIRST: [Version; 4] = [Version::Rfc6455, Version::Hybi10, Version::Hybi00, Version::Hixie75];

const fn bit(version: Version) -> u8 {
    1 << version as u8
}

/// How a version words its heads. All that differs beside it is the [`Challenge`](crate::challenge::Challenge).
pub(crate) struct Wording {
    /// What both ends call the protocol in `Upgrade`.
    pub(crate) upgrade: &'static str,
    /// How the answer 101 begins.
    pub(crate) answer: &'static str,
    /// The field in which a client names its origin.
    pub(crate) origin: Name,
    /// The field in which both ends name subprotocols.
    pub(crate) subprotocol: Name,
    /// The fields in which a server repeats the origin and the URL.
    pub(crate) echo: Option<[&'static str; 2]>,
}

impl Wording {
    pub(crate) const fn of(version: Version) -> Self {
        match version {
            Version::Hixie75 => Self {
                upgrade: "WebSocket",
                answer: "HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n",
                origin: Name::Origin,
                subprotocol: Name::HixieProtocol,
                echo: Some(["WebSocket-Origin", "WebSocket-Location"]),
            },
            Version::Hybi00 => Self {
                upgrade: "WebSocket",
                answer: "HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n",
                origin: Name::Origin,
                subprotocol: Name::Protocol,
                echo: Some(["Sec-WebSocket-Origin", "Sec-WebSocket-Location"]),
            },
            Version::Hybi10 => Self { origin: Name::HybiOrigin, ..Self::of(Version::Rfc6455) },
            Version::Rfc6455 => Self {
                upgrade: "websocket",
                answer: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
                origin: Name::Origin,
                subprotocol: Name::Protocol,
                echo: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_set_has_what_was_put_in() {
        for version in NEWEST_FIRST {
            assert!(Versions::ALL.contains(version));
            assert_eq!(Versions::RFC6455.contains(version), version == Version::Rfc6455);
            assert!(Versions::from(version).iter().eq([version]));
            assert!(!Versions::of(&[]).contains(version));
        }
        assert_eq!(Versions::default(), Versions::ALL);
        assert_eq!(Versions::of(&[Version::Hixie75]) | Version::Hybi00.into(), Versions::of(&NEWEST_FIRST[2..]));
        assert_eq!(format!("{:?}", Versions::RFC6455), "{Rfc6455}");
    }

    #[test]
    fn what_is_put_in_twice_is_in() {
        assert_eq!(Versions::of(&[Version::Hybi00; 2]), Version::Hybi00.into());
        assert_eq!(Versions::ALL | Versions::RFC6455, Versions::ALL);
    }

    #[test]
    fn the_newest_is_named_first() {
        assert_eq!(Versions::ALL.numbers(), "13, 8");
        assert_eq!(Versions::RFC6455.numbers(), "13");
        assert_eq!(Versions::of(&[Version::Hybi00]).numbers(), "");
    }
}

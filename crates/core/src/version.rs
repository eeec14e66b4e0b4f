use core::fmt;
use core::str::FromStr;

/// A version of the WebSocket protocol, oldest first.
///
/// [`Display`](fmt::Display) writes `RFC 6455` or the name of the draft. [`FromStr`] reads these names, and
/// `draft-ietf-hybi-17`, the name that Perl's `Protocol::WebSocket` has for RFC 6455. The enum is exhaustive: no draft is
/// added any more, and the RFC has no successor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// draft-hixie-thewebsocketprotocol-75: no keys, `00 … FF` framing.
    Hixie75,
    /// draft-ietf-hybi-thewebsocketprotocol-00 (also known as hixie-76): two keys and eight bytes, `00 … FF` framing.
    Hybi00,
    /// draft-ietf-hybi-thewebsocketprotocol-10: `Sec-WebSocket-Version: 8`, framing as in RFC 6455.
    Hybi10,
    /// draft-ietf-hybi-thewebsocketprotocol-17, which became RFC 6455: `Sec-WebSocket-Version: 13`.
    #[default]
    Rfc6455,
}

impl Version {
    /// The number in `Sec-WebSocket-Version`: 13 or 8. The older drafts have no such field.
    #[must_use]
    pub const fn number(self) -> Option<u8> {
        match self {
            Self::Hixie75 | Self::Hybi00 => None,
            Self::Hybi10 => Some(8),
            Self::Rfc6455 => Some(13),
        }
    }

    /// Whether frames begin with their length. With it came binary messages, fragments, pings and close codes; the older
    /// drafts have text between two sentinels, and a Close without a code.
    #[must_use]
    pub const fn has_length_framing(self) -> bool {
        self.number().is_some()
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Hixie75 => "draft-hixie-75",
            Self::Hybi00 => "draft-ietf-hybi-00",
            Self::Hybi10 => "draft-ietf-hybi-10",
            Self::Rfc6455 => "RFC 6455",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Version {
    type Err = UnknownVersionError;

    /// Reads the name of a version, such as `RFC 6455`, `draft-ietf-hybi-17` (the same version) or `draft-hixie-75`.
    ///
    /// # Errors
    ///
    /// [`UnknownVersionError`] for anything else, whatever its case.
    fn from_str(name: &str) -> Result<Self, UnknownVersionError> {
        match name {
            "draft-hixie-75" => Ok(Self::Hixie75),
            "draft-ietf-hybi-00" => Ok(Self::Hybi00),
            "draft-ietf-hybi-10" => Ok(Self::Hybi10),
            "draft-ietf-hybi-17" | "RFC 6455" => Ok(Self::Rfc6455),
            _ => Err(UnknownVersionError),
        }
    }
}

/// A name that is no version's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownVersionError;

impl fmt::Display for UnknownVersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no websocket version has this name")
    }
}

impl core::error::Error for UnknownVersionError {}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate alloc;
    use alloc::string::ToString;

    #[test]
    fn names_are_read_back() {
        for version in [Version::Hixie75, Version::Hybi00, Version::Hybi10, Version::Rfc6455] {
            assert_eq!(version.to_string().parse(), Ok(version));
        }
    }

    #[test]
    fn unknown_names_are_refused() {
        for name in ["", "13", "draft-ietf-hybi-13", "DRAFT-IETF-HYBI-17", "draft-ietf-hybi-17 "] {
            assert_eq!(name.parse::<Version>(), Err(UnknownVersionError));
        }
        assert_eq!(UnknownVersionError.to_string(), "no websocket version has this name");
    }

    #[test]
    fn numbers_are_those_on_the_wire() {
        let numbers = [Version::Hixie75, Version::Hybi00, Version::Hybi10, Version::Rfc6455].map(Version::number);
        assert_eq!(numbers, [None, None, Some(8), Some(13)]);
    }

    #[test]
    fn lengths_came_with_version_numbers() {
        let framing = [Version::Hixie75, Version::Hybi00, Version::Hybi10, Version::Rfc6455];
        assert_eq!(framing.map(Version::has_length_framing), [false, false, true, true]);
    }

    #[test]
    fn the_standard_is_the_default() {
        assert_eq!(Version::default(), Version::Rfc6455);
    }
}

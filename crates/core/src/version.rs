//! The versions of the protocol, with their names and numbers.

use core::fmt;
use core::str::FromStr;

/// A version of the WebSocket protocol. An older version compares as less than a newer one.
///
/// [`Display`](fmt::Display) writes `RFC 6455` or the name of the draft. [`FromStr`] parses these names and
/// `draft-ietf-hybi-17`, which is the name of RFC 6455 in Perl's `Protocol::WebSocket`. `TryFrom<u8>` takes the number
/// in `Sec-WebSocket-Version`. With the feature `serde`, a version is serialized as its name.
///
/// The enum is non-exhaustive, because other drafts between hybi-00 and RFC 6455 were implemented, too, and may be
/// added here. Code that matches on a version should treat an unknown one as RFC 6455.
///
/// ```
/// use protocol_websocket_core::Version;
///
/// assert_eq!(Version::default(), Version::Rfc6455);
/// assert_eq!(Version::Rfc6455.to_string(), "RFC 6455");
/// assert_eq!("draft-ietf-hybi-10".parse(), Ok(Version::Hybi10));
/// assert_eq!(Version::try_from(13), Ok(Version::Rfc6455));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Version {
    /// draft-hixie-thewebsocketprotocol-75: no keys in the handshake, `00 … FF` framing.
    Hixie75,
    /// draft-ietf-hybi-thewebsocketprotocol-00 (also known as hixie-76): two keys and eight bytes in the handshake,
    /// `00 … FF` framing.
    Hybi00,
    /// draft-ietf-hybi-thewebsocketprotocol-10: `Sec-WebSocket-Version: 8`, framing as in RFC 6455.
    Hybi10,
    /// RFC 6455, which was draft-ietf-hybi-thewebsocketprotocol-17: `Sec-WebSocket-Version: 13`.
    #[default]
    Rfc6455,
}

impl Version {
    /// Returns the number in `Sec-WebSocket-Version`: 13 or 8. `None` for the older drafts, which do not have this
    /// header field.
    ///
    /// ```
    /// use protocol_websocket_core::Version;
    ///
    /// assert_eq!(Version::Rfc6455.number(), Some(13));
    /// assert_eq!(Version::Hybi00.number(), None);
    /// ```
    #[must_use]
    pub const fn number(self) -> Option<u8> {
        match self {
            Self::Hixie75 | Self::Hybi00 => None,
            Self::Hybi10 => Some(8),
            Self::Rfc6455 => Some(13),
        }
    }

    /// Returns whether a frame begins with a header that contains its length, as in RFC 6455 §5.2.
    ///
    /// Only these versions have binary messages, fragments, pings and close codes. In the older drafts a frame is text
    /// between the bytes `00` and `FF`, and a Close has no code.
    ///
    /// ```
    /// use protocol_websocket_core::Version;
    ///
    /// assert!(Version::Hybi10.has_length_framing());
    /// assert!(!Version::Hybi00.has_length_framing());
    /// ```
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

    /// Parses the name of a version, such as `RFC 6455`, `draft-ietf-hybi-17` (the same version) or `draft-hixie-75`.
    ///
    /// # Errors
    ///
    /// [`UnknownVersionError`] for any other name. Case matters.
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

impl TryFrom<u8> for Version {
    type Error = UnknownVersionError;

    /// Returns the version with this number in `Sec-WebSocket-Version`.
    ///
    /// # Errors
    ///
    /// [`UnknownVersionError`] for any number but 8 and 13.
    fn try_from(number: u8) -> Result<Self, UnknownVersionError> {
        match number {
            8 => Ok(Self::Hybi10),
            13 => Ok(Self::Rfc6455),
            _ => Err(UnknownVersionError),
        }
    }
}

#[cfg(feature = "serde")]
#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
impl serde::Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(feature = "serde")]
#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
impl<'de> serde::Deserialize<'de> for Version {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl serde::de::Visitor<'_> for Name {
            type Value = Version;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a websocket version, such as \"RFC 6455\"")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Version, E> {
                name.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Str(name), &self))
            }
        }

        deserializer.deserialize_str(Name)
    }
}

/// The error for a name or a number that no supported version of WebSocket has.
///
/// ```
/// use protocol_websocket_core::{UnknownVersionError, Version};
///
/// assert_eq!("draft-ietf-hybi-13".parse::<Version>(), Err(UnknownVersionError));
/// assert_eq!(Version::try_from(7), Err(UnknownVersionError));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnknownVersionError;

impl fmt::Display for UnknownVersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown websocket version")
    }
}

impl core::error::Error for UnknownVersionError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    const ALL: [Version; 4] = [Version::Hixie75, Version::Hybi00, Version::Hybi10, Version::Rfc6455];

    #[test]
    fn roundtrips_names() {
        for version in ALL {
            assert_eq!(version.to_string().parse(), Ok(version));
        }
        assert_eq!("draft-ietf-hybi-17".parse(), Ok(Version::Rfc6455));
    }

    #[test]
    fn rejects_unknown_names() {
        for name in ["", "13", "draft-ietf-hybi-13", "DRAFT-IETF-HYBI-17", "draft-ietf-hybi-17 "] {
            assert_eq!(name.parse::<Version>(), Err(UnknownVersionError));
        }
        assert_eq!(UnknownVersionError.to_string(), "unknown websocket version");
    }

    #[test]
    fn numbers_are_those_of_the_header_field() {
        assert_eq!(ALL.map(Version::number), [None, None, Some(8), Some(13)]);
        for number in 0..=u8::MAX {
            let version = ALL.into_iter().find(|version| version.number() == Some(number));
            assert_eq!(Version::try_from(number).ok(), version);
        }
    }

    #[test]
    fn versions_with_numbers_have_length_framing() {
        assert_eq!(ALL.map(Version::has_length_framing), [false, false, true, true]);
    }

    #[test]
    fn default_is_rfc_6455() {
        assert_eq!(Version::default(), Version::Rfc6455);
    }

    #[cfg(feature = "serde")]
    #[test]
    fn serializes_as_name() {
        for version in ALL {
            let json = serde_json::to_string(&version).unwrap();
            assert_eq!(json, alloc::format!("\"{version}\""));
            assert_eq!(serde_json::from_str::<Version>(&json).unwrap(), version);
        }
        let error = serde_json::from_str::<Version>("\"13\"").unwrap_err().to_string();
        assert!(error.contains("invalid value: string \"13\", expected the name of a websocket version"), "{error}");
        assert!(serde_json::from_str::<Version>("13").is_err());
    }
}

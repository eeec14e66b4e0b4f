//! The challenge of each protocol version: how a request shows its version, and the values from which the proof in the
//! response is computed.

use alloc::string::String;

use protocol_websocket_core::{Random, Version};

use crate::error::ParseError;
use crate::fields::{FieldName, HandshakeFields};
use crate::key;
use crate::key_numbers::KeyNumbers;
use crate::versions::Versions;

/// The values of a request from which the proof in the response is computed.
#[derive(Clone, Copy, Default)]
pub(crate) enum Challenge {
    /// draft-hixie-75: there is no proof.
    #[default]
    None,
    /// draft-ietf-hybi-00: two numbers, and the eight bytes after the head. The bytes are `None` at a server, because they
    /// arrive after the head.
    Numbers(KeyNumbers, Option<[u8; 8]>),
    /// draft-ietf-hybi-10 and RFC 6455: a key. Its text is in the head of the request.
    Key(Version),
    /// RFC 6455 over HTTP/2 or HTTP/3: `:protocol` of the request replaces the key (RFC 8441 §5).
    Connect,
}

/// The keys of a client's request.
pub(crate) enum Keys {
    None,
    One([u8; 24]),
    Two([String; 2]),
}

impl Challenge {
    /// Detects the version of a request and checks its keys. Returns the challenge and the value of `Sec-WebSocket-Key`, which
    /// is empty in versions without it.
    pub(crate) fn of<'a>(fields: &HandshakeFields<'a>, supported: Versions) -> Result<(Self, &'a [u8]), ParseError> {
        let any = |names: [FieldName; 2]| names.into_iter().any(|name| fields.contains(name));
        let version = match (any([FieldName::Key, FieldName::Version]), any([FieldName::Key1, FieldName::Key2])) {
            (true, true) => return Err(ParseError::MixedKeys),
            //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.5
            //# the |Sec-WebSocket-Version| header field MUST NOT appear more than once in an HTTP
            //# request.
            (true, false) => match fields.at_most_once(FieldName::Version) {
                Ok(Some(b"13")) => Some(Version::Rfc6455),
                Ok(Some(b"8")) => Some(Version::Hybi10),
                _ => None,
            },
            (false, true) => Some(Version::Hybi00),
            (false, false) => Some(Version::Hixie75),
        };
        let version = version.filter(|&version| supported.contains(version)).ok_or(ParseError::Version(supported))?;
        //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.1
        //# The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an HTTP request.
        let once = |name| fields.at_most_once(name).ok().flatten();
        match version {
            Version::Hixie75 => Some((Self::None, &[][..])),
            Version::Hybi00 => once(FieldName::Key1)
                .zip(once(FieldName::Key2))
                .and_then(|(key1, key2)| KeyNumbers::parse(key1, key2))
                .map(|numbers| (Self::Numbers(numbers, None), &[][..])),
            _ => once(FieldName::Key).filter(|key| key::is_valid(key, version)).map(|key| (Self::Key(version), key)),
        }
        .ok_or(ParseError::Key)
    }

    /// Creates a random challenge with its key or keys.
    pub(crate) fn random(version: Version, random: &mut dyn Random) -> (Self, Keys) {
        match version {
            Version::Hixie75 => (Self::None, Keys::None),
            Version::Hybi00 => {
                let (numbers, keys) = KeyNumbers::random(random);
                let mut key3 = [0; 8];
                random.fill(&mut key3);
                (Self::Numbers(numbers, Some(key3)), Keys::Two(keys))
            }
            //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
            //# MUST be a nonce consisting of a randomly selected 16-byte value that has been
            //# base64-encoded
            _ => (Self::Key(version), Keys::One(key::random(random))),
        }
    }

    /// Returns the header fields of the challenge. A header field with an empty value must not be written.
    pub(crate) fn fields<'a>(&self, keys: &'a Keys) -> [(&'static str, &'a [u8]); 2] {
        match keys {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
            //# The request MUST include a header field with the name |Sec-WebSocket-Key|.
            //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
            //# The request MUST include a header field with the name |Sec-WebSocket-Version|.
            Keys::One(key) => {
                //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
                //# The value of this header field MUST be 13.
                let number = if self.version() == Version::Hybi10 { &b"8"[..] } else { b"13" };
                [(FieldName::Key.text(), key), (FieldName::Version.text(), number)]
            }
            Keys::Two([key1, key2]) => {
                [(FieldName::Key1.text(), key1.as_bytes()), (FieldName::Key2.text(), key2.as_bytes())]
            }
            Keys::None => [("", &[]), ("", &[])],
        }
    }

    /// Returns the 16 bytes after the head of the response, for a client's own request in draft-ietf-hybi-00.
    pub(crate) fn digest(&self) -> Option<[u8; 16]> {
        match self {
            Self::Numbers(numbers, key3) => key3.map(|key3| numbers.digest(key3)),
            Self::None | Self::Key(_) | Self::Connect => None,
        }
    }

    pub(crate) const fn version(&self) -> Version {
        match self {
            Self::None => Version::Hixie75,
            Self::Numbers(..) => Version::Hybi00,
            Self::Key(version) => *version,
            Self::Connect => Version::Rfc6455,
        }
    }
}

//! What tells the versions of the protocol apart: how a client shows that it speaks one, and a server that it does too.

use alloc::string::String;

use protocol_websocket_core::{Random, Version};

use crate::known::{Known, Name};
use crate::{Key, KeyNumbers, ParseError, Versions, key};

/// What the answer has to prove.
#[derive(Clone, Copy)]
pub(crate) enum Challenge {
    /// draft-hixie-75: nothing.
    None,
    /// draft-ietf-hybi-00: knowledge of two numbers, and of eight bytes behind the head, which we know if we built them.
    Numbers(KeyNumbers, Option<[u8; 8]>),
    /// Since draft-ietf-hybi-07: knowledge of a key, in two versions. The request has the key.
    Key(Version),
}

/// What a client's request has of a challenge.
pub(crate) enum Keys {
    None,
    One(Key),
    Two([String; 2]),
}

impl Challenge {
    /// Finds the version that is asked for, what belongs to it, and `Sec-WebSocket-Key` if it has one.
    pub(crate) fn of<'a>(known: &Known<'a>, spoken: Versions) -> Result<(Self, &'a [u8]), ParseError> {
        let any = |names: [Name; 2]| names.into_iter().any(|name| known.contains(name));
        let version = match (any([Name::Key, Name::Version]), any([Name::Key1, Name::Key2])) {
            (true, true) => return Err(ParseError::MixedKeys),
            //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.5
            //# the |Sec-WebSocket-Version| header field MUST NOT appear more than once in an HTTP
            //# request.
            (true, false) => match known.at_most_once(Name::Version) {
                Ok(Some(b"13")) => Some(Version::Rfc6455),
                Ok(Some(b"8")) => Some(Version::Hybi10),
                _ => None,
            },
            (false, true) => Some(Version::Hybi00),
            (false, false) => Some(Version::Hixie75),
        };
        let version = version.filter(|&version| spoken.contains(version)).ok_or(ParseError::Version(spoken))?;
        //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.1
        //# The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an HTTP request.
        let once = |name| known.at_most_once(name).ok().flatten();
        match version {
            Version::Hixie75 => Some((Self::None, &[][..])),
            Version::Hybi00 => once(Name::Key1)
                .zip(once(Name::Key2))
                .and_then(|(key1, key2)| KeyNumbers::parse(key1, key2))
                .map(|numbers| (Self::Numbers(numbers, None), &[][..])),
            Version::Hybi10 | Version::Rfc6455 => {
                once(Name::Key).filter(|key| key::is_valid(key, version)).map(|key| (Self::Key(version), key))
            }
        }
        .ok_or(ParseError::Key)
    }

    /// A fresh challenge, and its key or keys.
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
            Version::Hybi10 | Version::Rfc6455 => (Self::Key(version), Keys::One(Key::random(random))),
        }
    }

    /// The fields that tell it. One without a value is not to be written.
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
                [(Name::Key.text(), key.as_bytes()), (Name::Version.text(), number)]
            }
            Keys::Two([key1, key2]) => [(Name::Key1.text(), key1.as_bytes()), (Name::Key2.text(), key2.as_bytes())],
            Keys::None => [("", &[]), ("", &[])],
        }
    }

    pub(crate) const fn version(&self) -> Version {
        match self {
            Self::None => Version::Hixie75,
            Self::Numbers(..) => Version::Hybi00,
            Self::Key(version) => *version,
        }
    }
}

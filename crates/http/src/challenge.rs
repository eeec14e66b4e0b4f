//! What tells the versions of the protocol apart: how a client shows that it speaks one, and a server that it does too.

use alloc::string::String;

use protocol_websocket_core::{Random, Version};

use crate::known::{Known, Name};
use crate::{Key, KeyNumbers, ParseError, Versions};

/// What the answer has to prove.
#[derive(Clone, Copy)]
pub(crate) enum Challenge {
    /// draft-hixie-75: nothing.
    None,
    /// draft-ietf-hybi-00: knowledge of two numbers, and of eight bytes behind the head, which we know if we built them.
    Numbers(KeyNumbers, Option<[u8; 8]>),
    /// Since draft-ietf-hybi-07: knowledge of a key, in two versions that differ in their number alone.
    Key(Key, Version),
}

impl Challenge {
    /// Finds the version that is asked for, and what belongs to it.
    pub(crate) fn of(known: &Known<'_>, spoken: Versions) -> Result<Self, ParseError> {
        let any = |names: [Name; 2]| names.into_iter().any(|name| known.contains(name));
        let version = match (any([Name::Key, Name::Version]), any([Name::Key1, Name::Key2])) {
            (true, true) => return Err(ParseError::MixedKeys),
            //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.5
            //# the |Sec-WebSocket-Version| header field MUST NOT appear more than once in an HTTP
            //# request.
            (true, false) => match known.at_most_once(Name::Version) {
                Ok(Some(b"13")) => Some(Version::Hybi17),
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
            Version::Hixie75 => Some(Self::None),
            Version::Hybi00 => once(Name::Key1)
                .zip(once(Name::Key2))
                .and_then(|(key1, key2)| KeyNumbers::parse(key1, key2))
                .map(|numbers| Self::Numbers(numbers, None)),
            Version::Hybi10 | Version::Hybi17 => {
                once(Name::Key).and_then(Key::parse).map(|key| Self::Key(key, version))
            }
        }
        .ok_or(ParseError::Key)
    }

    /// A fresh challenge, and the two keys in which draft-ietf-hybi-00 hides it.
    pub(crate) fn random(version: Version, random: &mut dyn Random) -> (Self, [String; 2]) {
        match version {
            Version::Hixie75 => (Self::None, Default::default()),
            Version::Hybi00 => {
                let (numbers, keys) = KeyNumbers::random(random);
                let mut key3 = [0; 8];
                random.fill(&mut key3);
                (Self::Numbers(numbers, Some(key3)), keys)
            }
            //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
            //# MUST be a nonce consisting of a randomly selected 16-byte value that has been
            //# base64-encoded
            Version::Hybi10 | Version::Hybi17 => (Self::Key(Key::random(random), version), Default::default()),
        }
    }

    /// The fields that tell it, of which `keys` are draft-ietf-hybi-00's. One without a value is not to be written.
    pub(crate) fn fields<'a>(&'a self, keys: &'a [String; 2]) -> [(&'static str, &'a [u8]); 2] {
        match self {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
            //# The request MUST include a header field with the name |Sec-WebSocket-Key|.
            //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
            //# The request MUST include a header field with the name |Sec-WebSocket-Version|.
            Self::Key(key, version) => {
                //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
                //# The value of this header field MUST be 13.
                let number = if *version == Version::Hybi10 { &b"8"[..] } else { b"13" };
                [(Name::Key.text(), key.as_bytes()), (Name::Version.text(), number)]
            }
            Self::None | Self::Numbers(..) => {
                let [key1, key2] = keys.each_ref().map(String::as_bytes);
                [(Name::Key1.text(), key1), (Name::Key2.text(), key2)]
            }
        }
    }

    pub(crate) const fn version(&self) -> Version {
        match self {
            Self::None => Version::Hixie75,
            Self::Numbers(..) => Version::Hybi00,
            Self::Key(_, version) => *version,
        }
    }
}

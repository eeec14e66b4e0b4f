//! `Sec-WebSocket-Key`, and the `Sec-WebSocket-Accept` that follows from it.
//!
//! A key of RFC 6455 has a fixed length, so the two blocks of SHA-1 are prepared at compile time ([`BLOCKS`]). A server
//! hashes one key for each connection.

use core::fmt;
use core::str::{FromStr, from_utf8};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol_websocket_core::{Random, Version};
use sha1::block_api::compress;
use sha1::{Digest, Sha1};

use crate::debug::Hidden;
use crate::error::ParseError;
use crate::grammar::{is_base64, is_base64_of_16};

/// The value of `Sec-WebSocket-Key`: the base64 of 16 bytes, which has 24 characters (RFC 6455 §4.1, item 7). A key of
/// draft-ietf-hybi-10 is any base64 of 1 to 64 characters.
///
/// A key proves only that the peer supports WebSocket. `Debug` hides it.
///
/// ```
/// use protocol_websocket_http::Key;
///
/// let key: Key = "dGhlIHNhbXBsZSBub25jZQ==".parse()?;
/// assert_eq!(&key.accept(), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// # Ok::<(), protocol_websocket_http::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// The characters, followed by zeros.
    text: [u8; MAX_LEN],
    len: u8,
}

/// The maximum length of a key of draft-ietf-hybi-10. Version 0.4 of npm's `ws` sends 20 characters.
const MAX_LEN: usize = 64;

impl Key {
    /// Creates a key from 16 random bytes.
    ///
    /// ```
    /// use protocol_websocket_http::Key;
    ///
    /// let mut random = |buf: &mut [u8]| buf.copy_from_slice(b"the sample nonce"); // use `OsRandom`
    /// assert_eq!(Key::random(&mut random).as_str(), "dGhlIHNhbXBsZSBub25jZQ==");
    /// ```
    #[must_use]
    pub fn random(random: &mut dyn Random) -> Self {
        Self::of_checked(&self::random(random))
    }

    /// Parses a key of RFC 6455. Returns `None` unless the text is 24 characters of base64 that decode to 16 bytes.
    ///
    /// The unused bits of the last symbol may have any value: RFC 6455 §4.1 contains a key in which they are not zero.
    ///
    /// ```
    /// use protocol_websocket_http::Key;
    ///
    /// assert!(Key::parse(b"dGhlIHNhbXBsZSBub25jZQ==").is_some());
    /// assert!(Key::parse(b"dGhlIHNhbXBsZQ==").is_none()); // not 16 bytes
    /// ```
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        is_valid(text, Version::Rfc6455).then(|| Self::of_checked(text))
    }

    /// Returns the characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let text = from_utf8(self.as_bytes());
        debug_assert!(text.is_ok(), "a valid key is base64");
        text.unwrap_or_default()
    }

    /// Returns the `Sec-WebSocket-Accept` for this key: 28 characters of ASCII (RFC 6455 §4.2.2, item 5.4).
    ///
    /// ```
    /// use protocol_websocket_http::Key;
    ///
    /// let key: Key = "dGhlIHNhbXBsZSBub25jZQ==".parse()?;
    /// assert_eq!(key.accept(), *b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); // RFC 6455 §1.3
    /// # Ok::<_, protocol_websocket_http::ParseError>(())
    /// ```
    #[must_use]
    pub fn accept(&self) -> [u8; 28] {
        accept(self.as_bytes())
    }

    /// Creates a key from a value that was checked.
    pub(crate) fn of_checked(key: &[u8]) -> Self {
        let mut text = [0; MAX_LEN];
        debug_assert!(key.len() <= MAX_LEN, "a valid key has at most {MAX_LEN} characters");
        if let Some(target) = text.get_mut(..key.len()) {
            target.copy_from_slice(key);
        }
        Self { text, len: u8::try_from(key.len()).unwrap_or_default() }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        let text = self.text.get(..usize::from(self.len));
        debug_assert!(text.is_some(), "a valid key has at most {MAX_LEN} characters");
        text.unwrap_or_default()
    }
}

impl FromStr for Key {
    type Err = ParseError;

    /// Parses a key as [`parse`](Self::parse) does.
    ///
    /// # Errors
    ///
    /// [`ParseError::Key`] for an invalid key.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text.as_bytes()).ok_or(ParseError::Key)
    }
}

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Hides the key.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&Hidden).finish()
    }
}

/// Returns the characters of a key of 16 random bytes.
pub(crate) fn random(random: &mut dyn Random) -> [u8; 24] {
    let (mut nonce, mut text) = ([0; 16], [b'='; 24]);
    random.fill(&mut nonce);
    let written = STANDARD.encode_slice(nonce, &mut text);
    debug_assert_eq!(written, Ok(24), "16 bytes are 24 characters of base64");
    text
}

/// Returns whether the key is valid in this version.
pub(crate) fn is_valid(key: &[u8], version: Version) -> bool {
    match version {
        Version::Hybi10 => key.len() <= MAX_LEN && is_base64(key),
        _ => key.try_into().is_ok_and(is_base64_of_16),
    }
}

/// Returns the `Sec-WebSocket-Accept` for a valid key.
pub(crate) fn accept(key: &[u8]) -> [u8; 28] {
    let mut text = [b'='; 28];
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //# The value of this
    //# header field is constructed by concatenating /key/, defined
    //# above in step 4 in Section 4.2.2, with the string "258EAFA5-
    //# E914-47DA-95CA-C5AB0DC85B11", taking the SHA-1 hash of this
    //# concatenated value to obtain a 20-byte value and base64-
    //# encoding (see Section 4 of [RFC4648]) this 20-byte hash.
    let hash: [u8; 20] = match <&[u8; 24]>::try_from(key) {
        Ok(key) => hash_of_24(*key),
        Err(_) => Sha1::new().chain_update(key).chain_update(GUID).finalize().into(),
    };
    let written = STANDARD.encode_slice(hash, &mut text);
    debug_assert_eq!(written, Ok(28), "20 bytes are 28 characters of base64");
    text
}

/// Returns the SHA-1 of a 24-character key and [`GUID`]. Fast path: the padding is precomputed, because the length is
/// fixed.
fn hash_of_24(key: [u8; 24]) -> [u8; 20] {
    let (mut hash, mut blocks) = (START, BLOCKS);
    let [block, _] = &mut blocks;
    block.iter_mut().zip(key).for_each(|(target, byte)| *target = byte);
    compress(&mut hash, &blocks);
    let mut bytes = [0; 20];
    bytes.as_chunks_mut().0.iter_mut().zip(hash).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
    bytes
}

/// The string that is hashed with the key (RFC 6455 §1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The two blocks that are hashed: 24 characters for the key, [`GUID`], and the padding of SHA-1 (RFC 3174 §4), which is a
/// bit, zeros, and the length in bits. The length is always 60 bytes, so only the key varies.
const BLOCKS: [[u8; 64]; 2] = [
    *b"........................258EAFA5-E914-47DA-95CA-C5AB0DC85B11\x80\0\0\0",
    *b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
       \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xE0",
];

/// The initial hash of SHA-1 (RFC 3174 §6.1).
const START: [u32; 5] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455 §4.1, item 7: the nonce, and the key in the text, whose unused bits are not zero.
    const NONCE: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    const PRINTED: &str = "AQIDBAUGBwgJCgsMDQ4PEC==";

    #[test]
    fn computes_accept_of_the_rfc_example() {
        let key: Key = "dGhlIHNhbXBsZSBub25jZQ==".parse().unwrap();
        assert_eq!(&key.accept(), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn accepts_nonzero_unused_bits_and_hashes_the_text() {
        let canonical = Key::random(&mut |buf: &mut [u8]| buf.copy_from_slice(&NONCE));
        assert_eq!(canonical.as_str(), "AQIDBAUGBwgJCgsMDQ4PEA==");
        assert_eq!(&canonical.accept(), b"C/0nmHhBztSRGR1CwL6Tf4ZjwpY=");
        let printed: Key = PRINTED.parse().unwrap();
        assert_eq!(&printed.accept(), b"OfS0wDaT5NoxF2gqm7Zj2YtetzM=");
    }

    #[test]
    fn hashes_keys_of_any_length() {
        for len in 1..=MAX_LEN {
            let key = &[b'A'; MAX_LEN][..len];
            assert!(is_valid(key, Version::Hybi10));
            assert_eq!(Key::of_checked(key).as_str().as_bytes(), key);
            let hash = Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
            assert_eq!(STANDARD.decode(Key::of_checked(key).accept()).unwrap(), hash[..], "{len}");
        }
        // npm's ws 0.4.32: the base64 of "8-1234567890123".
        assert_eq!(&accept(b"OC0xMjM0NTY3ODkwMTIz"), b"SvAhVmNSdfAQDNxNNIgT62hN0Bo=");
    }

    #[test]
    fn accepts_any_base64_in_hybi_10() {
        for good in ["A", "OC0xMjM0NTY3ODkwMTIz", "AQIDBAUGBwgJCgsMDQ4PEA==", "AQ=", "+/+/"] {
            assert!(is_valid(good.as_bytes(), Version::Hybi10), "{good}");
        }
        for bad in ["", "=", "==", "A===", "A=A", "A-", "A A", "A\0", "é"] {
            assert!(!is_valid(bad.as_bytes(), Version::Hybi10), "{bad}");
        }
        assert!(!is_valid(&[b'A'; MAX_LEN + 1], Version::Hybi10));
    }

    #[test]
    fn rejects_other_lengths_and_alphabets() {
        for bad in [
            "",
            "AQIDBAUGBwgJCgsMDQ4P",
            "AQIDBAUGBwgJCgsMDQ4PEBE=",
            "AQIDBAUGBwgJCgsMDQ4PEBES",
            "AQIDBAUGBwgJCgsMDQ4PEA",
            "AQIDBAUGBwgJCgsMDQ4PEA= ",
            "AQIDBAUGBwgJCgsMDQ4PEA===",
            "AQIDBAUGBwg_CgsMDQ4PEA==",
            "AQIDBAUGBw JCgsMDQ4PEA==",
            "AQIDBAUGBwgJ=gsMDQ4PEA==",
            "AQIDBAUGBwgJCgsMDQ4====",
        ] {
            assert_eq!(bad.parse::<Key>(), Err(ParseError::Key), "{bad:?}");
        }
    }
}

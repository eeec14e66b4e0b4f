use core::fmt;
use core::str::{FromStr, from_utf8};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol_websocket_core::Random;
use sha1::block_api::compress;

use crate::ParseError;
use crate::grammar::is_base64_of_16;

/// `Sec-WebSocket-Key`: 16 bytes in base64, 24 characters (RFC 6455 §4.1, item 7).
///
/// It is no secret, and proves nothing but that the other end speaks WebSocket.
///
/// ```
/// use protocol_websocket_http::Key;
///
/// let key: Key = "dGhlIHNhbXBsZSBub25jZQ==".parse()?;
/// assert_eq!(&key.accept(), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// # Ok::<(), protocol_websocket_http::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 24]);

impl Key {
    /// A fresh key.
    #[must_use]
    pub fn random(random: &mut dyn Random) -> Self {
        let (mut nonce, mut text) = ([0; 16], [b'='; 24]);
        random.fill(&mut nonce);
        // 16 bytes always make 24 characters.
        let _ = STANDARD.encode_slice(nonce, &mut text);
        Self(text)
    }

    /// A key as it stands in the field. `None` unless it is 24 characters of base64 that decode to 16 bytes.
    ///
    /// The last symbol's unused bits may be anything: RFC 6455 §4.1 itself prints a key in which they are not zero.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let key = text.try_into().ok()?;
        is_base64_of_16(key).then_some(Self(*key))
    }

    /// The 24 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The `Sec-WebSocket-Accept` that belongs to this key: 28 characters of ASCII (RFC 6455 §4.2.2, item 5.4).
    #[must_use]
    pub fn accept(&self) -> [u8; 28] {
        let mut text = [b'='; 28];
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
        //# The value of this
        //# header field is constructed by concatenating /key/, defined
        //# above in step 4 in Section 4.2.2, with the string "258EAFA5-
        //# E914-47DA-95CA-C5AB0DC85B11", taking the SHA-1 hash of this
        //# concatenated value to obtain a 20-byte value and base64-
        //# encoding (see Section 4 of [RFC4648]) this 20-byte hash.
        let mut blocks = BLOCKS;
        if let Some(key) = blocks.as_flattened_mut().first_chunk_mut() {
            *key = self.0;
        }
        let mut hash = START;
        compress(&mut hash, &blocks);
        // 20 bytes always make 28 characters.
        let _ = STANDARD.encode_slice(hash.map(u32::to_be_bytes).as_flattened(), &mut text);
        text
    }
}

impl FromStr for Key {
    type Err = ParseError;

    /// Reads a key as [`parse`](Self::parse) does.
    ///
    /// # Errors
    ///
    /// [`ParseError::Key`] if it is none.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text.as_bytes()).ok_or(ParseError::Key)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.as_str()).finish()
    }
}

/// What is hashed: the key, which is written over the dots, the string of RFC 6455 §1.3, and the padding of SHA-1 (RFC 3174
/// §4), a bit, zeros, and how many bits there are. As the length is always the same, only the key is to be filled in.
const BLOCKS: [[u8; 64]; 2] = [
    *b"........................258EAFA5-E914-47DA-95CA-C5AB0DC85B11\x80\0\0\0",
    *b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
       \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xE0",
];

/// With which SHA-1 begins (RFC 3174 §6.1).
const START: [u32; 5] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455 §4.1, item 7: the nonce, and the key as it is printed there, whose last bits are not zero.
    const NONCE: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    const PRINTED: &str = "AQIDBAUGBwgJCgsMDQ4PEC==";

    #[test]
    fn accept_is_that_of_the_rfc() {
        let key: Key = "dGhlIHNhbXBsZSBub25jZQ==".parse().unwrap();
        assert_eq!(&key.accept(), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn loose_bits_are_taken_and_the_text_is_hashed() {
        let canonical = Key::random(&mut |buf: &mut [u8]| buf.copy_from_slice(&NONCE));
        assert_eq!(canonical.as_str(), "AQIDBAUGBwgJCgsMDQ4PEA==");
        assert_eq!(&canonical.accept(), b"C/0nmHhBztSRGR1CwL6Tf4ZjwpY=");
        let printed: Key = PRINTED.parse().unwrap();
        assert_eq!(&printed.accept(), b"OfS0wDaT5NoxF2gqm7Zj2YtetzM=");
    }

    #[test]
    fn other_lengths_and_alphabets_are_refused() {
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

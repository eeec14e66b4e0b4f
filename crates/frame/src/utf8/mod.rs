//! Validation of UTF-8.
//!
//! There are three checks, the fastest first. Unmasking and [`is_short_ascii`] detect ASCII, which needs no other check.
//! [`is_utf8`] checks complete text. [`Utf8Validator`] checks text that arrives in pieces. Checked text becomes a
//! [`Utf8Bytes`] or is read through [`validated()`], without another check.

mod utf8_bytes;
mod validated;
mod validator;

pub use utf8_bytes::Utf8Bytes;
pub(crate) use validated::validated;
pub(crate) use validator::incomplete_suffix_len;
pub use validator::{Utf8Error, Utf8Validator};

/// The length of the blocks that simdutf8 checks, in bytes.
const BLOCK: usize = 64;

/// Returns whether all of `bytes` are valid UTF-8.
#[inline]
pub(crate) fn is_utf8(bytes: &[u8]) -> bool {
    let mut block = [0; BLOCK];
    match block.get_mut(..bytes.len()) {
        // For less than a block, simdutf8 calls `core`, which takes longer than a check of a block padded with zeros.
        Some(start) if cfg!(feature = "std") => {
            start.copy_from_slice(bytes);
            simdutf8::basic::from_utf8(&block).is_ok()
        }
        _ => simdutf8::basic::from_utf8(bytes).is_ok(),
    }
}

/// The length in bytes from which simdutf8 detects ASCII as fast as [`is_short_ascii`].
const SHORT: usize = 256;

/// Returns whether `bytes` are ASCII and fewer than [`SHORT`]. Unmasked text is checked with it, because simdutf8 takes two to
/// three times as long for short ASCII.
#[inline]
pub(crate) fn is_short_ascii(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk() else { return bytes.is_ascii() };
    // The last lane may overlap the lane before it.
    let seen = |seen, lane: &[u8; 16]| seen | u128::from_ne_bytes(*lane);
    bytes.len() < SHORT && bytes.as_chunks().0.iter().fold(seen(0, last), seen) & u128::from_ne_bytes([0x80; 16]) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detects_short_ascii_of_every_length() {
        for len in 0..SHORT {
            let mut bytes = vec![0x7F; len];
            assert!(is_short_ascii(&bytes), "length {len}");
            for at in 0..len {
                bytes[at] = 0x80;
                assert!(!is_short_ascii(&bytes), "length {len}, position {at}");
                bytes[at] = 0x7F;
            }
        }
        assert!(!is_short_ascii(&[0x7F; SHORT]));
    }
}

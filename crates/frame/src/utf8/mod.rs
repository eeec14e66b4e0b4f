//! Validation of UTF-8.
//!
//! There are three checks, the fastest first. Unmasking detects ASCII, which needs no other check. [`is_utf8`] checks complete
//! text. [`Utf8Validator`] checks text that arrives in pieces. Checked text becomes a [`Utf8Bytes`] or is read through
//! [`validated()`], without another check.

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

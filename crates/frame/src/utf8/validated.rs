//! The only unsafe function of these crates. `.ci/unsafe` checks that only the files on its list call it.
#![allow(unsafe_code, reason = "a second check of a text costs more than decoding its frame")]

/// Returns `bytes` as text, without a check.
///
/// # Safety
///
/// `bytes` must be valid UTF-8, and no safe code may write to them during the lifetime of the result.
#[inline]
pub(crate) const unsafe fn validated(bytes: &[u8]) -> &str {
    // SAFETY: the contract of this function requires valid UTF-8.
    unsafe { core::str::from_utf8_unchecked(bytes) }
}

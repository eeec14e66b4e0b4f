//! Text: checked as it comes, and kept so that it need not be checked again.
//!
//! The one `unsafe` line of the libraries is here, in `validated`.

use alloc::string::String;
use core::fmt;
use core::ops::Deref;

use bytes::Bytes;

/// Text that shares its bytes, as [`Bytes`] does: a [`str`] that is cheap to clone and to cut from a read buffer.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Utf8Bytes(
    /// Invariant: valid UTF-8. Only this file makes one, and `Bytes` cannot be written to.
    Bytes,
);

impl Utf8Bytes {
    /// A text that lives as long as the program.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// Text that the caller has run through a [`Utf8Validator`] to its end.
    pub(crate) const fn from_validated(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        validated(&self.0)
    }

    /// The bytes of the text.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The bytes of the text, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// The text that `bytes` are known to be: the field of a [`Utf8Bytes`], or a payload that was looked at whole when it was
/// taken.
#[inline]
#[allow(unsafe_code, reason = "checking again on each access would cost more than the frame did")]
pub(crate) fn validated(bytes: &[u8]) -> &str {
    // SAFETY: all callers hold bytes that passed `is_utf8` or a validator to its end, and that nobody writes to.
    unsafe { core::str::from_utf8_unchecked(bytes) }
}

/// Whether `bytes` are UTF-8, all of them.
#[inline]
pub(crate) fn is_utf8(bytes: &[u8]) -> bool {
    let mut block = [0; SHORT];
    match block.get_mut(..bytes.len()) {
        // Below a block's length simdutf8 leaves its work to `core`, which takes longer than a block does.
        Some(start) if cfg!(feature = "std") => {
            start.copy_from_slice(bytes);
            simdutf8::basic::from_utf8(&block).is_ok()
        }
        _ => simdutf8::basic::from_utf8(bytes).is_ok(),
    }
}

/// How many bytes simdutf8 looks at at once.
const SHORT: usize = 64;

impl TryFrom<Bytes> for Utf8Bytes {
    type Error = Utf8Error;

    /// Takes the bytes as text, without a copy.
    ///
    /// # Errors
    ///
    /// When they are not UTF-8.
    fn try_from(bytes: Bytes) -> Result<Self, Utf8Error> {
        if is_utf8(&bytes) { Ok(Self(bytes)) } else { Err(Utf8Error) }
    }
}

impl From<&str> for Utf8Bytes {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Utf8Bytes {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Utf8Bytes> for Bytes {
    fn from(text: Utf8Bytes) -> Self {
        text.0
    }
}

impl Deref for Utf8Bytes {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Utf8Bytes {
    fn as_ref(&self) -> &str {
        self
    }
}

impl PartialEq<str> for Utf8Bytes {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Utf8Bytes {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Debug for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

/// Checks text that comes in pieces, wherever they were cut, and says so at the first byte that cannot be right.
///
/// Between pieces it keeps the at most three bytes of a character that was cut, and nothing else.
///
/// ```
/// use protocol_websocket_frame::Utf8Validator;
///
/// let mut text = Utf8Validator::new();
/// text.push(b"caf\xC3")?;
/// assert!(!text.is_complete());
/// text.push(b"\xA9")?;
/// assert!(text.is_complete());
/// assert!(text.push(b"\xC0").is_err());
/// # Ok::<_, protocol_websocket_frame::Utf8Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Utf8Validator {
    cut: [u8; 3],
    len: u8,
}

impl Utf8Validator {
    /// A validator at the beginning of a text.
    #[must_use]
    pub const fn new() -> Self {
        Self { cut: [0; 3], len: 0 }
    }

    /// Checks the next piece.
    ///
    /// # Errors
    ///
    /// When a byte of it cannot stand where it does. The validator is of no use afterwards.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), Utf8Error> {
        let piece = self.complete_cut(piece)?;
        let (whole, cut) = piece.split_at(piece.len() - cut_len(piece));
        if !is_utf8(whole) {
            return Err(Utf8Error);
        }
        if cut.is_empty() { Ok(()) } else { self.keep(cut) }
    }

    /// Whether the text may end here: no character is cut.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.len == 0
    }

    /// Finishes the character that the last piece cut, and gives back what follows it.
    fn complete_cut<'a>(&mut self, mut piece: &'a [u8]) -> Result<&'a [u8], Utf8Error> {
        while !self.is_complete() {
            let Some((&next, rest)) = piece.split_first() else { break };
            piece = rest;
            let [a, b, c] = self.cut;
            match self.len {
                1 => self.keep(&[a, next])?,
                2 => self.keep(&[a, b, next])?,
                _ => self.keep(&[a, b, c, next])?,
            }
        }
        Ok(piece)
    }

    /// Keeps the beginning of a character, or lets a finished one go.
    fn keep(&mut self, start: &[u8]) -> Result<(), Utf8Error> {
        *self = Self::new();
        match core::str::from_utf8(start) {
            Ok(_) => Ok(()),
            // No length means that the end came too early, and that all that is there may stand.
            Err(error) if error.error_len().is_none() => {
                for (kept, &byte) in self.cut.iter_mut().zip(start) {
                    *kept = byte;
                    self.len += 1;
                }
                Ok(())
            }
            Err(_) => Err(Utf8Error),
        }
    }
}

/// How many bytes at the end of `piece` begin a character that needs more than is there.
pub(crate) fn cut_len(piece: &[u8]) -> usize {
    for (i, &byte) in piece.iter().rev().take(3).enumerate() {
        let needed = match byte {
            0x80..=0xBF => continue,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0.. => 4,
            _ => 1,
        };
        return if needed > i + 1 { i + 1 } else { 0 };
    }
    0
}

/// Bytes that are not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utf8Error;

impl fmt::Display for Utf8Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text is not valid utf-8")
    }
}

impl core::error::Error for Utf8Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the standard library says of the bytes up to here: can they still become text?
    fn may_go_on(bytes: &[u8]) -> bool {
        core::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
    }

    fn run(pieces: &[&[u8]]) -> Result<bool, Utf8Error> {
        let mut validator = Utf8Validator::new();
        for piece in pieces {
            validator.push(piece)?;
        }
        Ok(validator.is_complete())
    }

    /// Every sequence of up to four bytes that is not refused before its last, cut at every place. Behind a character the
    /// validator is as new, so what follows one is the same again.
    #[test]
    fn every_character_is_judged_like_the_standard_library_does() {
        let (mut open, mut characters, mut verdicts) = (vec![(Utf8Validator::new(), Vec::new())], 0, 0);
        while let Some((before, begun)) = open.pop() {
            for byte in 0..=u8::MAX {
                let (mut validator, bytes) = (before, [&begun[..], &[byte]].concat());
                let verdict = validator.push(&[byte]);
                assert_eq!(verdict.is_ok(), may_go_on(&bytes), "{bytes:02x?}");
                verdicts += 1;
                let mut whole = Utf8Validator::new();
                assert_eq!(whole.push(&bytes), verdict, "{bytes:02x?} at once");
                for cut in 1..bytes.len() {
                    let (mut validator, (head, rest)) = (Utf8Validator::new(), bytes.split_at(cut));
                    assert_eq!(
                        validator.push(head).and_then(|()| validator.push(rest)),
                        verdict,
                        "{bytes:02x?} at {cut}"
                    );
                }
                if verdict.is_err() {
                    continue;
                }
                assert_eq!(validator.is_complete(), core::str::from_utf8(&bytes).is_ok(), "{bytes:02x?}");
                if validator.is_complete() {
                    characters += 1;
                } else {
                    open.push((validator, bytes));
                }
            }
        }
        // All code points but the surrogates.
        assert_eq!((characters, verdicts > 4_000_000), (0x11_0000 - 0x800, true));
    }

    #[test]
    fn the_first_bad_byte_is_enough() {
        // An overlong form, a surrogate and a character beyond the last are lost with their second byte.
        for bad in [&b"\xE0\x80"[..], b"\xED\xA0", b"\xF4\x90", b"\xC1", b"\xF5", b"\x80"] {
            assert_eq!(run(&[b"text", bad]), Err(Utf8Error));
        }
    }

    #[test]
    fn a_cut_character_is_not_complete() {
        assert_eq!(run(&["😀".as_bytes()]), Ok(true));
        assert_eq!(run(&[&"😀".as_bytes()[..3]]), Ok(false));
    }

    #[test]
    fn text_is_read_as_a_str() {
        let text = Utf8Bytes::from("grüß dich");
        assert_eq!(text, "grüß dich");
        assert_eq!(Utf8Bytes::try_from(text.into_bytes()).as_deref(), Ok("grüß dich"));
        assert_eq!(Utf8Bytes::try_from(Bytes::from_static(b"\xFF")), Err(Utf8Error));
        assert_eq!(Utf8Bytes::from("ü"), "ü");
        assert_ne!(Utf8Bytes::from("ü"), "u");
        assert_ne!(Utf8Bytes::from("ü"), *"u");
    }

    proptest! {
        #[test]
        fn pieces_are_judged_like_the_whole(text: String, noise: Vec<u8>, cuts: Vec<prop::sample::Index>) {
            for bytes in [text.as_bytes(), &noise, &[text.as_bytes(), &noise].concat()] {
                let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
                places.extend([0, bytes.len()]);
                places.sort_unstable();
                let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
                let expected = if may_go_on(bytes) { Ok(core::str::from_utf8(bytes).is_ok()) } else { Err(Utf8Error) };
                prop_assert_eq!(run(&pieces), expected);
                prop_assert_eq!(run(&[bytes]), expected);
            }
        }
    }
}

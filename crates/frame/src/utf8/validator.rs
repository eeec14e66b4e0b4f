//! Validation of text that arrives in pieces.

use core::fmt;

use super::is_utf8;

/// Checks text that arrives in pieces, split at any byte, and rejects it at its first invalid byte.
///
/// Between two pieces it keeps the bytes of an incomplete character, at most three.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Utf8Validator {
    /// The first bytes of an incomplete character.
    incomplete: [u8; 3],
    /// The number of bytes in `incomplete`.
    len: u8,
}

impl Utf8Validator {
    /// Creates a validator at the beginning of a text.
    #[must_use]
    pub const fn new() -> Self {
        Self { incomplete: [0; 3], len: 0 }
    }

    /// Checks the next piece.
    ///
    /// ```
    /// use protocol_websocket_frame::Utf8Validator;
    ///
    /// let mut validator = Utf8Validator::new();
    /// validator.push(b"\xE2\x82")?;
    /// assert!(!validator.is_complete());
    /// validator.push(b"\xAC")?;
    /// assert!(validator.is_complete());
    /// assert!(validator.push(b"\xFF").is_err());
    /// # Ok::<_, protocol_websocket_frame::Utf8Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] if a byte is invalid at its position. The validator must not be used afterwards.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), Utf8Error> {
        let piece = self.complete_character(piece)?;
        let (complete, suffix) = piece.split_at(piece.len() - incomplete_suffix_len(piece));
        if !is_utf8(complete) {
            return Err(Utf8Error);
        }
        if suffix.is_empty() { Ok(()) } else { self.keep(suffix) }
    }

    /// Returns whether the text may end here, because no character is incomplete.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.len == 0
    }

    /// Returns the bytes of the incomplete character.
    pub(crate) fn incomplete(&self) -> &[u8] {
        self.incomplete.split_at(usize::from(self.len)).0
    }

    /// Adds bytes to the incomplete character until it is complete. Returns the bytes after it.
    fn complete_character<'a>(&mut self, mut piece: &'a [u8]) -> Result<&'a [u8], Utf8Error> {
        while !self.is_complete() {
            let Some((&next, rest)) = piece.split_first() else { break };
            piece = rest;
            let [a, b, c] = self.incomplete;
            match self.len {
                1 => self.keep(&[a, next])?,
                2 => self.keep(&[a, b, next])?,
                _ => self.keep(&[a, b, c, next])?,
            }
        }
        Ok(piece)
    }

    /// Keeps the beginning of a character, or nothing if the character is complete.
    fn keep(&mut self, start: &[u8]) -> Result<(), Utf8Error> {
        *self = Self::new();
        match core::str::from_utf8(start) {
            Ok(_) => Ok(()),
            // Without a length, the character is incomplete and valid so far.
            Err(error) if error.error_len().is_none() => {
                for (kept, &byte) in self.incomplete.iter_mut().zip(start) {
                    *kept = byte;
                    self.len += 1;
                }
                Ok(())
            }
            Err(_) => Err(Utf8Error),
        }
    }
}

/// Returns the length of the incomplete character at the end of `piece`, or 0 if `piece` ends with a complete one.
pub(crate) fn incomplete_suffix_len(piece: &[u8]) -> usize {
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

/// The error for bytes that are invalid UTF-8.
///
/// ```
/// use protocol_websocket_frame::Utf8Error;
///
/// assert_eq!(Utf8Error.to_string(), "text is not valid utf-8");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

    /// Returns whether the standard library finds no error in the bytes so far.
    fn is_valid_so_far(bytes: &[u8]) -> bool {
        core::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
    }

    fn run(pieces: &[&[u8]]) -> Result<bool, Utf8Error> {
        let mut validator = Utf8Validator::new();
        for piece in pieces {
            validator.push(piece)?;
        }
        Ok(validator.is_complete())
    }

    /// Checks every sequence of up to four bytes that is valid up to its last byte, split at every place. After a character,
    /// the validator is in its first state, so longer sequences need no check.
    #[test]
    fn checks_every_character_as_the_standard_library_does() {
        let (mut open, mut characters, mut checks) = (vec![(Utf8Validator::new(), Vec::new())], 0, 0);
        while let Some((before, start)) = open.pop() {
            for byte in 0..=u8::MAX {
                let (mut validator, bytes) = (before, [&start[..], &[byte]].concat());
                let result = validator.push(&[byte]);
                assert_eq!(result.is_ok(), is_valid_so_far(&bytes), "{bytes:02x?}");
                checks += 1;
                let mut whole = Utf8Validator::new();
                assert_eq!(whole.push(&bytes), result, "{bytes:02x?} in one piece");
                for at in 1..bytes.len() {
                    let (mut validator, (first, rest)) = (Utf8Validator::new(), bytes.split_at(at));
                    assert_eq!(
                        validator.push(first).and_then(|()| validator.push(rest)),
                        result,
                        "{bytes:02x?} split at {at}"
                    );
                }
                if result.is_err() {
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
        assert_eq!((characters, checks > 4_000_000), (0x11_0000 - 0x800, true));
    }

    #[test]
    fn rejects_at_the_first_invalid_byte() {
        // The second byte shows an overlong form, a surrogate, and a character beyond the last one.
        for bad in [&b"\xE0\x80"[..], b"\xED\xA0", b"\xF4\x90", b"\xC1", b"\xF5", b"\x80"] {
            assert_eq!(run(&[b"text", bad]), Err(Utf8Error));
        }
    }

    #[test]
    fn incomplete_character_is_not_complete() {
        assert_eq!(run(&["😀".as_bytes()]), Ok(true));
        assert_eq!(run(&[&"😀".as_bytes()[..3]]), Ok(false));
    }

    proptest! {
        #[test]
        fn pieces_are_checked_as_the_joined_text(text: String, noise: Vec<u8>, splits: Vec<prop::sample::Index>) {
            for bytes in [text.as_bytes(), &noise, &[text.as_bytes(), &noise].concat()] {
                let mut places: Vec<usize> = splits.iter().map(|split| split.index(bytes.len() + 1)).collect();
                places.extend([0, bytes.len()]);
                places.sort_unstable();
                let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
                let expected = if is_valid_so_far(bytes) { Ok(core::str::from_utf8(bytes).is_ok()) } else { Err(Utf8Error) };
                prop_assert_eq!(run(&pieces), expected);
                prop_assert_eq!(run(&[bytes]), expected);
            }
        }
    }
}

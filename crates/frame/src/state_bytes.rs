//! The encoding of a suspended state: numbers of a fixed length in little-endian order, and byte strings after their length.
//!
//! A byte string is read as a slice of the input, and its length is checked against the limit of the caller. So no memory is
//! allocated for a length that exceeds the limit or the input.

use alloc::vec::Vec;

use crate::{ResumeError, Utf8Validator};

/// Writes a suspended state. An extension writes its own state with it.
///
/// ```
/// use protocol_websocket_frame::{ResumeError, StateReader, StateWriter};
///
/// let mut state = StateWriter::new();
/// state.number(300);
/// state.bytes(b"window");
/// let bytes = state.into_bytes();
///
/// let mut state = StateReader::new(&bytes);
/// assert_eq!((state.number(1000)?, state.bytes(32)?), (300, &b"window"[..]));
/// state.finish()?;
/// # Ok::<_, ResumeError>(())
/// ```
#[derive(Default)]
pub struct StateWriter(Vec<u8>);

impl StateWriter {
    /// Creates an empty state.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Writes a byte.
    pub fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Writes a boolean.
    pub fn flag(&mut self, flag: bool) {
        self.byte(flag.into());
    }

    /// Writes a number of 64 bits.
    pub fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Writes the length of `bytes`, and the bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// Returns the written bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn text(&mut self, text: &Utf8Validator) {
        self.bytes(text.incomplete());
    }
}

/// Reads a suspended state. The bytes are untrusted, and every method checks them.
///
/// [`StateWriter`] has an example.
///
/// # Errors
///
/// Each method that reads returns [`ResumeError::Truncated`] if the bytes end too early.
#[derive(Clone, Copy)]
pub struct StateReader<'a>(&'a [u8]);

impl<'a> StateReader<'a> {
    /// Creates a reader of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Reads a byte.
    ///
    /// # Errors
    ///
    /// [`ResumeError::Truncated`] at the end.
    pub fn byte(&mut self) -> Result<u8, ResumeError> {
        let (&byte, rest) = self.0.split_first().ok_or(ResumeError::Truncated)?;
        self.0 = rest;
        Ok(byte)
    }

    /// Reads a boolean.
    ///
    /// # Errors
    ///
    /// [`ResumeError::Truncated`] at the end, and [`ResumeError::Invalid`] for a byte other than 0 and 1.
    pub fn flag(&mut self) -> Result<bool, ResumeError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(ResumeError::Invalid),
        }
    }

    /// Reads a number of at most `max`.
    ///
    /// # Errors
    ///
    /// [`ResumeError::Truncated`] at the end, and [`ResumeError::LimitExceeded`] for a larger number.
    pub fn number(&mut self, max: u64) -> Result<u64, ResumeError> {
        let (&bytes, rest) = self.0.split_first_chunk().ok_or(ResumeError::Truncated)?;
        self.0 = rest;
        let number = u64::from_le_bytes(bytes);
        if number > max { Err(ResumeError::LimitExceeded) } else { Ok(number) }
    }

    /// Reads a string of at most `max` bytes. No memory is allocated for it.
    ///
    /// # Errors
    ///
    /// [`ResumeError::LimitExceeded`] for a longer string, and [`ResumeError::Truncated`] if it is longer than the rest of
    /// the state.
    pub fn bytes(&mut self, max: u64) -> Result<&'a [u8], ResumeError> {
        let len = usize::try_from(self.number(max)?).map_err(|_| ResumeError::LimitExceeded)?;
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(ResumeError::Truncated)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// Checks that all bytes were read.
    ///
    /// # Errors
    ///
    /// [`ResumeError::TrailingBytes`] if bytes are left.
    pub const fn finish(self) -> Result<(), ResumeError> {
        if self.0.is_empty() { Ok(()) } else { Err(ResumeError::TrailingBytes) }
    }

    /// Reads the bytes of an incomplete character.
    pub(crate) fn text(&mut self) -> Result<Utf8Validator, ResumeError> {
        let incomplete = self.bytes(3)?;
        let mut text = Utf8Validator::new();
        let is_valid = text.push(incomplete).is_ok() && text.incomplete() == incomplete;
        if is_valid { Ok(text) } else { Err(ResumeError::Invalid) }
    }
}

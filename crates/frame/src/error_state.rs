//! Suspends and resumes the error with which a connection ended.

use crate::{DecodeError, ResumeError, StateReader, StateWriter};

/// The errors without a value. The index of an error is its number in the state.
const WITHOUT_VALUE: [DecodeError; 15] = [
    DecodeError::CloseTooShort,
    DecodeError::ControlFragmented,
    DecodeError::ControlTooLong,
    DecodeError::DataInsideMessage,
    DecodeError::Extension,
    DecodeError::FrameTooLong,
    DecodeError::InvalidUtf8,
    DecodeError::LengthNotMinimal,
    DecodeError::LengthTopBit,
    DecodeError::MaskMissing,
    DecodeError::MaskUnexpected,
    DecodeError::MessageTooLong,
    DecodeError::OrphanContinuation,
    DecodeError::ReservedBits,
    DecodeError::TooManyFragments,
];

const CLOSE_CODE: u8 = 0xFE;
const RESERVED_OP_CODE: u8 = 0xFF;

impl DecodeError {
    /// Writes the error, for the state of a connection that ended with it.
    ///
    /// ```
    /// use protocol_websocket_frame::{DecodeError, StateReader, StateWriter};
    ///
    /// let mut state = StateWriter::new();
    /// DecodeError::CloseCode(1006).suspend(&mut state);
    /// let bytes = state.into_bytes();
    /// assert_eq!(DecodeError::resume(&mut StateReader::new(&bytes)), Ok(DecodeError::CloseCode(1006)));
    /// ```
    pub fn suspend(self, state: &mut StateWriter) {
        let (number, value) = match self {
            Self::CloseCode(code) => (CLOSE_CODE, code),
            Self::ReservedOpCode(bits) => (RESERVED_OP_CODE, bits.into()),
            error => ((0..).zip(WITHOUT_VALUE).find(|(_, other)| *other == error).map_or(0, |(number, _)| number), 0),
        };
        state.byte(number);
        state.number(value.into());
    }

    /// Reads an error that [`suspend`](Self::suspend) wrote.
    ///
    /// # Errors
    ///
    /// [`ResumeError`] for other bytes.
    pub fn resume(state: &mut StateReader<'_>) -> Result<Self, ResumeError> {
        let (number, value) = (state.byte()?, state.number(u16::MAX.into())?);
        let error = match (number, u16::try_from(value)) {
            (CLOSE_CODE, Ok(code)) => Some(Self::CloseCode(code)),
            (RESERVED_OP_CODE, Ok(bits)) => bits.try_into().ok().map(Self::ReservedOpCode),
            (_, Ok(0)) => WITHOUT_VALUE.get(usize::from(number)).copied(),
            _ => None,
        };
        error.ok_or(ResumeError::Invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roundtrips_every_error() {
        let with_value = [DecodeError::CloseCode(1005), DecodeError::ReservedOpCode(0xB)];
        for error in WITHOUT_VALUE.into_iter().chain(with_value) {
            let mut state = StateWriter::new();
            error.suspend(&mut state);
            let bytes = state.into_bytes();
            assert_eq!(DecodeError::resume(&mut StateReader::new(&bytes)), Ok(error));
        }
    }

    #[test]
    fn rejects_other_numbers_and_values() {
        for (number, value) in [(15, 0), (0, 1), (RESERVED_OP_CODE, 256)] {
            let mut state = StateWriter::new();
            state.byte(number);
            state.number(value);
            let bytes = state.into_bytes();
            assert_eq!(DecodeError::resume(&mut StateReader::new(&bytes)), Err(ResumeError::Invalid));
        }
    }
}

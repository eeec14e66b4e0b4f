//! Suspends and resumes how a connection ended.

use protocol_websocket_frame::{CloseCode, DecodeError, ResumeError, StateReader, StateWriter, SuspendError};

use super::{Ended, EndedBy};
use crate::{Error, Timeout};

/// The maximum length of the reason of a Close (RFC 6455 §5.5), in bytes.
const MAX_REASON: u64 = 123;

impl Ended {
    pub(crate) fn suspend(&self, state: &mut StateWriter) -> Result<(), SuspendError> {
        match self.error {
            None => {
                state.byte(0);
                state.flag(self.by == EndedBy::Us);
                state.number(self.code.0.into());
                state.bytes(self.reason.as_bytes());
                state.flag(self.clean);
            }
            Some(Error::Decode(error)) => {
                state.byte(1);
                error.suspend(state);
            }
            Some(Error::Timeout(Timeout::Close)) => state.byte(2),
            Some(Error::Timeout(Timeout::Idle)) => state.byte(3),
            Some(Error::Timeout(Timeout::Pong)) => state.byte(4),
            Some(Error::UnexpectedEof) => state.byte(5),
            // Other errors end a handshake, or do not end a connection.
            Some(_) => return Err(SuspendError::NotOpen),
        }
        Ok(())
    }

    pub(crate) fn resume(state: &mut StateReader<'_>) -> Result<Self, ResumeError> {
        Ok(Self::by_error(match state.byte()? {
            0 => return Self::resume_close(state),
            1 => Error::Decode(DecodeError::resume(state)?),
            2 => Error::Timeout(Timeout::Close),
            3 => Error::Timeout(Timeout::Idle),
            4 => Error::Timeout(Timeout::Pong),
            5 => Error::UnexpectedEof,
            _ => return Err(ResumeError::Invalid),
        }))
    }

    fn resume_close(state: &mut StateReader<'_>) -> Result<Self, ResumeError> {
        let by = if state.flag()? { EndedBy::Us } else { EndedBy::Peer };
        let code = CloseCode(state.number(u16::MAX.into())?.try_into().map_err(|_| ResumeError::Invalid)?);
        let reason = core::str::from_utf8(state.bytes(MAX_REASON)?).map_err(|_| ResumeError::Invalid)?;
        let clean = state.flag()?;
        let is_code = code.is_sendable() || (code == CloseCode::NO_STATUS && reason.is_empty());
        // A reply to the peer's Close may have been discarded.
        let is_end = clean || by == EndedBy::Peer;
        if is_code && is_end {
            Ok(Self { by, code, reason: reason.into(), error: None, clean })
        } else {
            Err(ResumeError::Invalid)
        }
    }
}

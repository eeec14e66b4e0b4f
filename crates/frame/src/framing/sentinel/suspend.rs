//! Suspends and resumes the decoder of frames between sentinels.

use alloc::boxed::Box;

use super::{MAX_CONTINUED_LENGTH_BYTES, Sentinel, State};
use crate::decoder_options::DecoderOptions;
use crate::framing::incomplete_payload::IncompletePayload;
use crate::{ResumeError, StateReader, StateWriter, SuspendError};

impl Sentinel {
    pub(in crate::framing) fn suspend(&self, state: &mut StateWriter) -> Result<(), SuspendError> {
        if self.failed.is_some() {
            return Err(SuspendError::Failed);
        }
        match self.state {
            State::Type => state.byte(0),
            State::Text { returned, is_first } => {
                state.byte(1);
                state.number(returned);
                state.flag(is_first);
                state.bytes(self.incomplete.as_ref().map_or(&[], |incomplete| incomplete.as_bytes()));
            }
            State::Discard { skipped } => {
                state.byte(2);
                state.number(skipped);
            }
            State::Length { is_close, len, bytes } => {
                state.byte(3);
                state.flag(is_close);
                state.number(len);
                state.byte(bytes);
            }
            State::Skip { left } => {
                state.byte(4);
                state.number(left);
            }
        }
        Ok(())
    }

    pub(in crate::framing) fn resume(
        options: &DecoderOptions,
        state: &mut StateReader<'_>,
    ) -> Result<Self, ResumeError> {
        let limit = options.limits.max_frame.min(options.limits.max_message);
        let mut incomplete = None;
        let state = match state.byte()? {
            0 => State::Type,
            1 => {
                let (returned, is_first) = (state.number(limit)?, state.flag()?);
                let bytes = state.bytes(limit - returned)?;
                if bytes.contains(&super::END) || (is_first && returned > 0) {
                    return Err(ResumeError::Invalid);
                }
                incomplete = (!bytes.is_empty()).then(|| Box::new(IncompletePayload::resumed(bytes, 0)));
                State::Text { returned, is_first }
            }
            2 => State::Discard { skipped: state.number(limit)? },
            3 => {
                let (is_close, len) = (state.flag()?, state.number(limit)?);
                let bytes = state.byte()?;
                if bytes > MAX_CONTINUED_LENGTH_BYTES || len >> (7 * u32::from(bytes)) != 0 {
                    return Err(ResumeError::Invalid);
                }
                State::Length { is_close, len, bytes }
            }
            4 => match state.number(limit)? {
                0 => return Err(ResumeError::Invalid),
                left => State::Skip { left },
            },
            _ => return Err(ResumeError::Invalid),
        };
        Ok(Self { state, failed: None, incomplete })
    }

    pub(in crate::framing) const fn is_between_messages(&self) -> bool {
        !matches!(self.state, State::Text { is_first: false, .. })
    }
}

//! Suspends and resumes the decoder of length-prefixed frames.

use alloc::boxed::Box;

use super::{LengthPrefixed, PartialHeader, Phase, Progress};
use crate::decoder_options::DecoderOptions;
use crate::framing::incomplete_payload::IncompletePayload;
use crate::framing::message_state::MessageState;
use crate::{FrameHeader, ResumeError, StateReader, StateWriter, SuspendError};

impl LengthPrefixed {
    pub(in crate::framing) fn suspend(&self, state: &mut StateWriter) -> Result<(), SuspendError> {
        self.message.suspend(state);
        match &self.phase {
            Phase::Start => state.byte(0),
            Phase::Header(partial) => {
                state.byte(1);
                state.bytes(partial.bytes());
            }
            Phase::Payload(Progress { header, returned }) => {
                state.byte(2);
                // A header that was decoded can be encoded.
                state.bytes(&header.encode().map_err(|_| SuspendError::Failed)?);
                state.number(*returned);
                state.bytes(self.incomplete.as_ref().map_or(&[], |incomplete| incomplete.as_bytes()));
                state.number(self.incomplete.as_ref().map_or(0, |incomplete| incomplete.checked()) as u64);
            }
            Phase::Failed(_) => return Err(SuspendError::Failed),
        }
        Ok(())
    }

    pub(in crate::framing) fn resume(
        options: &DecoderOptions,
        state: &mut StateReader<'_>,
    ) -> Result<Self, ResumeError> {
        let message = MessageState::resume(state, &options.limits)?;
        let mut framing = Self { phase: Phase::Start, message, incomplete: None };
        match state.byte()? {
            0 => {}
            1 => framing.resume_header(options, state.bytes(FrameHeader::MAX_LEN as u64 - 1)?)?,
            2 => framing.resume_payload(options, state)?,
            _ => return Err(ResumeError::Invalid),
        }
        Ok(framing)
    }

    fn resume_header(&mut self, options: &DecoderOptions, bytes: &[u8]) -> Result<(), ResumeError> {
        let mut partial = PartialHeader::default();
        partial.append(bytes);
        let is_partial = !bytes.is_empty() && matches!(self.parse_header(options, bytes), Ok(None));
        self.phase = Phase::Header(partial);
        if is_partial { Ok(()) } else { Err(ResumeError::Invalid) }
    }

    fn resume_payload(&mut self, options: &DecoderOptions, state: &mut StateReader<'_>) -> Result<(), ResumeError> {
        let bytes = state.bytes(FrameHeader::MAX_LEN as u64)?;
        let Ok(Some((header, len))) = FrameHeader::parse(bytes) else { return Err(ResumeError::Invalid) };
        if len != bytes.len() || options.check_header(&header).is_err() {
            return Err(ResumeError::Invalid);
        }
        let returned = state.number(header.len)?;
        let left = header.len - returned;
        let payload = state.bytes(left)?;
        let checked = usize::try_from(state.number(payload.len() as u64)?).map_err(|_| ResumeError::Invalid)?;
        let (unmasked, _) = payload.split_at(checked);
        self.message.check_resumed(&header, unmasked)?;
        let is_complete = checked as u64 == left;
        if is_complete || (header.opcode.is_control() && returned > 0) {
            return Err(ResumeError::Invalid);
        }
        self.phase = Phase::Payload(Progress { header, returned });
        self.incomplete = (!payload.is_empty()).then(|| Box::new(IncompletePayload::resumed(payload, checked)));
        Ok(())
    }

    pub(in crate::framing) const fn is_between_messages(&self) -> bool {
        self.message.is_between_messages()
    }
}

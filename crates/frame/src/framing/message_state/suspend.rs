//! Suspends and resumes the state of the message in progress.

use super::{Kind, MessageState, check_close};
use crate::state_bytes::{StateReader, StateWriter};
use crate::{FrameHeader, Limits, OpCode, ResumeError, Utf8Validator};

/// The maximum number of bytes of a character that a part begins with, because its first bytes are in the part before.
const MAX_CHARACTER_REST: usize = 3;

impl MessageState {
    pub(in crate::framing) fn suspend(&self, state: &mut StateWriter) {
        state.byte(match self.kind {
            Kind::None => 0,
            Kind::Data => 1,
            Kind::Text => 2,
        });
        if self.kind != Kind::None {
            state.number(self.fragments.into());
            state.number(self.total);
            state.text(&self.text);
            state.flag(self.is_aligned);
        }
    }

    pub(in crate::framing) fn resume(state: &mut StateReader<'_>, limits: &Limits) -> Result<Self, ResumeError> {
        let kind = match state.byte()? {
            0 => return Ok(Self::default()),
            1 => Kind::Data,
            2 => Kind::Text,
            _ => return Err(ResumeError::Invalid),
        };
        let fragments = state.number(limits.max_fragments.into())?.try_into().map_err(|_| ResumeError::Invalid)?;
        let total = state.number(limits.max_message)?;
        let message = Self { kind, fragments, total, text: state.text()?, is_aligned: state.flag()? };
        let is_valid = fragments > 0 && (kind == Kind::Text || message.text.is_complete());
        if is_valid { Ok(message) } else { Err(ResumeError::Invalid) }
    }

    /// Checks that the frame with this header can be in progress, and that the first bytes of its payload were checked.
    ///
    /// Text that was checked is returned without another check. So the check is repeated here, as far as the result depends
    /// on it.
    pub(in crate::framing) fn check_resumed(&self, header: &FrameHeader, checked: &[u8]) -> Result<(), ResumeError> {
        let is_valid = match header.opcode {
            OpCode::Close => check_close(checked, false).is_ok(),
            OpCode::Ping | OpCode::Pong => true,
            OpCode::Continuation => self.fragments > 1 && self.total >= header.len && self.is_text_of(checked),
            OpCode::Text | OpCode::Binary => {
                let kind = if header.opcode == OpCode::Text && header.rsv.is_none() { Kind::Text } else { Kind::Data };
                self.kind == kind && self.fragments == 1 && self.total == header.len && self.is_text_of(checked)
            }
        };
        let has_message = header.opcode.is_control() || self.kind != Kind::None;
        if is_valid && has_message { Ok(()) } else { Err(ResumeError::Invalid) }
    }

    /// Returns whether a text can end with these bytes, which were checked.
    fn is_text_of(&self, checked: &[u8]) -> bool {
        if self.kind != Kind::Text || checked.is_empty() {
            return true;
        }
        let rest = if self.is_aligned {
            0
        } else {
            checked.iter().take(MAX_CHARACTER_REST).take_while(|&&byte| matches!(byte, 0x80..=0xBF)).count()
        };
        let (_, text) = checked.split_at(rest);
        let mut validator = Utf8Validator::new();
        // All bytes may be in the middle of a character.
        validator.push(text).is_ok() && (validator == self.text || text.is_empty())
    }
}

//! Suspends and resumes the message that is being joined.

use alloc::boxed::Box;

use super::{Assembler, OpenMessage};
use crate::{MessageKind, ResumeError, StateReader, StateWriter, Utf8Validator};

impl Assembler {
    /// Writes the state between two frames: the message in progress. The limit is not part of it.
    ///
    /// ```
    /// use protocol_websocket_frame::{Assembler, Frame, Limits, Message, StateReader, StateWriter};
    ///
    /// let mut assembler = Assembler::new(Limits::default());
    /// assembler.push(Frame::text("Hel").with_fin(false))?;
    /// let mut state = StateWriter::new();
    /// assembler.suspend(&mut state);
    ///
    /// let state = state.into_bytes();
    /// let mut resumed = Assembler::new(Limits::default());
    /// resumed.resume(&mut StateReader::new(&state))?;
    /// assert_eq!(resumed.push(Frame::continuation("lo"))?, Some(Message::from("Hello")));
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    pub fn suspend(&self, state: &mut StateWriter) {
        match &self.open {
            None => state.byte(0),
            Some(open) => {
                state.byte(if open.kind == MessageKind::Text { 2 } else { 1 });
                state.number(open.len);
                state.text(&open.text);
                state.bytes(&open.buffer);
            }
        }
    }

    /// Continues from a state that [`suspend`](Self::suspend) wrote.
    ///
    /// # Errors
    ///
    /// [`ResumeError::LimitExceeded`] if the message in progress exceeds the limit of this assembler, and another
    /// [`ResumeError`] if no assembler can be in this state. This assembler is unchanged then.
    pub fn resume(&mut self, state: &mut StateReader<'_>) -> Result<(), ResumeError> {
        let kind = match state.byte()? {
            0 => {
                self.open = None;
                return Ok(());
            }
            1 => MessageKind::Binary,
            2 => MessageKind::Text,
            _ => return Err(ResumeError::Invalid),
        };
        let (len, text) = (state.number(self.max_message)?, state.text()?);
        let buffer = state.bytes(len)?;
        let is_valid = match kind {
            MessageKind::Binary => text.is_complete(),
            // Text of which no part was returned is not checked again when the message is complete, so it is checked here.
            MessageKind::Text if buffer.len() as u64 == len => {
                let mut checked = Utf8Validator::new();
                checked.push(buffer).is_ok() && checked == text
            }
            MessageKind::Text => true,
        };
        if !is_valid {
            return Err(ResumeError::Invalid);
        }
        self.open = Some(Box::new(OpenMessage { kind, len, text, buffer: buffer.to_vec() }));
        Ok(())
    }

    /// Returns whether no message is in progress, so that the next frame begins a message or is a control frame.
    #[must_use]
    pub const fn is_between_messages(&self) -> bool {
        self.open.is_none()
    }
}

//! Suspends and resumes the sending direction.

use alloc::boxed::Box;

use protocol_websocket_frame::{Fragmenter, ResumeError, StateReader, StateWriter, SuspendError};

use super::SendHalf;
use crate::Reply;
use crate::state::Outgoing;

/// The maximum length of the payload of a Pong (RFC 6455 §5.5), in bytes.
const MAX_PONG: u64 = 125;

impl SendHalf {
    /// Returns whether the handshake was done.
    pub(crate) const fn has_opened(&self) -> bool {
        self.has_opened
    }

    pub(crate) fn suspend(&mut self, state: &mut StateWriter) -> Result<(), SuspendError> {
        state.byte(match self.outgoing {
            Outgoing::Connecting => return Err(SuspendError::NotOpen),
            Outgoing::Open => 0,
            Outgoing::Closing => 1,
            Outgoing::Closed => 2,
            Outgoing::ClosedFirst => 3,
            Outgoing::TimedOut => 4,
        });
        if self.outgoing == Outgoing::Open {
            self.fragmenter.suspend(state);
            state.flag(self.raw_message_open && self.fragmenter.is_open());
            self.extensions.suspend(state)?;
        }
        state.flag(self.pending_pong.is_some());
        if let Some(pong) = &self.pending_pong {
            state.bytes(pong.payload());
        }
        let close_timer = self.existing_close_timer();
        state.flag(close_timer.is_some());
        if let Some(timer) = close_timer {
            timer.suspend(state);
        }
        Ok(())
    }

    /// Reads the state into a half that was opened with the result of the same handshake.
    pub(crate) fn resume(&mut self, state: &mut StateReader<'_>) -> Result<(), ResumeError> {
        self.outgoing = match state.byte()? {
            0 => Outgoing::Open,
            1 => Outgoing::Closing,
            2 => Outgoing::Closed,
            3 => Outgoing::ClosedFirst,
            4 => Outgoing::TimedOut,
            _ => return Err(ResumeError::Invalid),
        };
        if self.outgoing == Outgoing::Open {
            self.fragmenter = Fragmenter::resume(state)?;
            self.raw_message_open = state.flag()?;
            if self.raw_message_open && !self.fragmenter.is_open() {
                return Err(ResumeError::Invalid);
            }
            self.extensions.resume_from(state)?;
        }
        if state.flag()? {
            let can_send_pong = matches!(self.outgoing, Outgoing::Open | Outgoing::Closing);
            if !can_send_pong || !self.version.has_length_framing() {
                return Err(ResumeError::Invalid);
            }
            self.pending_pong = Reply::pong(state.bytes(MAX_PONG)?).map(Box::new);
        }
        if state.flag()? {
            let timer = self.new_close_timer();
            let resumed = timer.unwrap_or_default().resume(state)?;
            if self.config.timeouts.close.is_some() {
                self.cold.get_or_insert_default().close_timer = Some(resumed);
            }
        }
        self.update_fast_path();
        Ok(())
    }
}

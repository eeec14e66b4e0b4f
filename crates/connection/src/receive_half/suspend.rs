//! Suspends and resumes the receiving direction.

use core::time::Duration;

use protocol_websocket_frame::{Delivery, ResumeError, StateReader, StateWriter, SuspendError};

use super::ReceiveHalf;
use crate::Ended;
use crate::keep_alive::KeepAlive;

impl ReceiveHalf {
    pub(crate) fn suspend(&mut self, state: &mut StateWriter) -> Result<(), SuspendError> {
        // A direction that has ended decodes nothing, and its timers have stopped.
        if let Some(ended) = self.ended() {
            state.flag(true);
            return ended.suspend(state);
        }
        state.flag(false);
        state.flag(self.config.delivery == Delivery::Parts);
        if self.extensions.has_rest() {
            return Err(SuspendError::EventsPending);
        }
        self.decoder.suspend(state)?;
        self.assembler.suspend(state);
        self.extensions.suspend(state)?;
        let keep_alive = self.cold.as_ref().and_then(|cold| cold.keep_alive.as_ref());
        state.flag(keep_alive.is_some());
        if let Some(timer) = keep_alive {
            timer.suspend(state);
        }
        Ok(())
    }

    /// Reads the state into a half that was opened with the result of the same handshake.
    pub(crate) fn resume(&mut self, state: &mut StateReader<'_>) -> Result<(), ResumeError> {
        if state.flag()? {
            let ended = Ended::resume(state)?;
            self.end(ended);
            return Ok(());
        }
        // A message in progress continues in the same form: otherwise its first bytes would be lost.
        if state.flag()? != (self.config.delivery == Delivery::Parts) {
            return Err(ResumeError::DeliveryMismatch);
        }
        self.decoder.resume(state)?;
        self.assembler.resume(state)?;
        if self.decoder.is_between_messages() && !self.assembler.is_between_messages() {
            return Err(ResumeError::Invalid);
        }
        self.extensions.resume_from(state, &self.config.limits)?;
        if state.flag()? {
            let resumed = KeepAlive::resume(state)?;
            if let Some(timer) = self.keep_alive_mut() {
                timer.continue_from(resumed);
            }
        }
        Ok(())
    }

    /// Returns a time at which the clock of a resumed connection can continue, so that no deadline is late.
    pub(crate) fn resumed_clock(&self) -> Duration {
        let keep_alive = self.cold.as_ref().and_then(|cold| cold.keep_alive.as_ref());
        keep_alive.map_or(Duration::ZERO, KeepAlive::resumed_clock)
    }
}

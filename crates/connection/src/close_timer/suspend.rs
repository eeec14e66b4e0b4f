//! Suspends and resumes the timer of the sending direction. Its deadline starts again.

use core::time::Duration;

use protocol_websocket_frame::{ResumeError, StateReader, StateWriter};

use super::{CloseTimer, Unsent};

impl CloseTimer {
    pub(crate) fn suspend(&self, state: &mut StateWriter) {
        state.flag(self.awaits_eof);
        state.flag(self.unsent.is_some());
        if let Some(Unsent { bytes, output }) = self.unsent {
            state.number(output as u64);
            state.number(bytes as u64);
        }
    }

    /// Reads the state into a new timer.
    pub(crate) fn resume(mut self, state: &mut StateReader<'_>) -> Result<Self, ResumeError> {
        self.awaits_eof &= state.flag()?;
        if state.flag()? {
            let output = state.number(u64::MAX)?;
            let (bytes, output) = (state.number(output)?.try_into(), output.try_into());
            let (Ok(bytes), Ok(output)) = (bytes, output) else { return Err(ResumeError::LimitExceeded) };
            self.unsent = Some(Unsent { bytes, output });
        }
        Ok(self)
    }
}

impl Default for CloseTimer {
    /// Returns a timer for a configuration without a deadline. It reads its part of the state, and is then dropped.
    fn default() -> Self {
        Self::new(Duration::MAX, false)
    }
}

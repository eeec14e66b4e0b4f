//! Suspends and resumes the timers of the receiving direction.
//!
//! The clock of the other process may begin at another value. So each time is written as the time that has passed from it until
//! the last call. The first call in the other process converts it to a time of its own clock.

use core::time::Duration;

use protocol_websocket_frame::{ResumeError, StateReader, StateWriter};

use super::KeepAlive;
use crate::write_progress::WriteProgress;

impl KeepAlive {
    pub(crate) fn suspend(&self, state: &mut StateWriter) {
        let passed = |at: Duration| if self.is_running { self.now.saturating_sub(at) } else { at };
        write_duration(passed(self.arrived_at), state);
        state.flag(self.pinged_at.is_some());
        if let Some(at) = self.pinged_at {
            write_duration(passed(at), state);
        }
        state.flag(self.has_arrived);
        state.number(self.unread as u64);
        state.byte(match self.ping {
            WriteProgress::Queued => 0,
            WriteProgress::Unsent => 1,
            WriteProgress::Written => 2,
            WriteProgress::DeadlineRuns => 3,
        });
    }

    pub(crate) fn resume(state: &mut StateReader<'_>) -> Result<Self, ResumeError> {
        Ok(Self {
            arrived_at: read_duration(state)?,
            pinged_at: if state.flag()? { Some(read_duration(state)?) } else { None },
            has_arrived: state.flag()?,
            unread: state.number(u64::MAX)?.try_into().map_err(|_| ResumeError::LimitExceeded)?,
            ping: match state.byte()? {
                0 => WriteProgress::Queued,
                1 => WriteProgress::Unsent,
                2 => WriteProgress::Written,
                3 => WriteProgress::DeadlineRuns,
                _ => return Err(ResumeError::Invalid),
            },
            ..Self::stopped(false)
        })
    }

    /// Continues with the state of `resumed`. Whether the version has pings does not change.
    pub(crate) fn continue_from(&mut self, resumed: Self) {
        *self = Self { has_pings: self.has_pings, ..resumed };
    }

    /// Returns the longest time that has passed, before the first call.
    pub(crate) fn resumed_clock(&self) -> Duration {
        self.arrived_at.max(self.pinged_at.unwrap_or_default())
    }
}

fn write_duration(duration: Duration, state: &mut StateWriter) {
    state.number(duration.as_nanos().try_into().unwrap_or(u64::MAX));
}

fn read_duration(state: &mut StateReader<'_>) -> Result<Duration, ResumeError> {
    Ok(Duration::from_nanos(state.number(u64::MAX)?))
}

//! The time after which the extensions of an idle direction free memory.
//!
//! A use of the extensions is noted without the time, because a message needs no clock. The timer starts with the next
//! call of [`IdleTimer::handle`], which [`IdleTimer::poll`] requests at once. If it fires and there was another use
//! meanwhile, it starts again. So an idle direction frees memory after the configured time, and at the latest after
//! twice that time.

use core::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct IdleTimer {
    /// The extensions were used since the timer started.
    is_used: bool,
    /// `None` if the timer does not run.
    fires_at: Option<Duration>,
}

impl IdleTimer {
    /// Notes that the extensions were used.
    pub(crate) const fn note_use(&mut self) {
        self.is_used = true;
    }

    /// Returns the time of the next [`handle`](Self::handle). If that is zero, the timer starts with a call at once.
    pub(crate) fn poll(&self) -> Option<Duration> {
        self.fires_at.or_else(|| self.is_used.then_some(Duration::ZERO))
    }

    /// Returns whether the direction was idle until the time `now`. `timeout` is the configured time.
    pub(crate) fn handle(&mut self, now: Duration, timeout: Duration) -> bool {
        if self.fires_at.is_some_and(|at| at > now) {
            return false;
        }
        let was_running = self.fires_at.is_some();
        let is_used = core::mem::take(&mut self.is_used);
        self.fires_at = is_used.then(|| now.saturating_add(timeout));
        was_running && !is_used
    }
}

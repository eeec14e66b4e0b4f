//! The deadline of a client's connection.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

/// The shortest timeout of a socket that is not rounded to zero, which is an error.
const MIN_TIMEOUT: Duration = Duration::from_millis(1);

/// The time at which a connection has to be made, if there is one.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    pub(crate) fn after(timeout: Option<Duration>) -> Self {
        Self(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    /// Returns this deadline, or that after `timeout` if it is earlier.
    pub(crate) fn within(self, timeout: Duration) -> Self {
        let latest = Self::after(Some(timeout));
        Self(self.0.into_iter().chain(latest.0).min())
    }

    /// Returns the time that is left, or `TimedOut` after the deadline.
    pub(crate) fn left(self) -> io::Result<Option<Duration>> {
        let Some(deadline) = self.0 else { return Ok(None) };
        match deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(ErrorKind::TimedOut.into()),
            left => Ok(Some(left.max(MIN_TIMEOUT))),
        }
    }

    /// Returns whether the deadline has passed.
    pub(crate) fn has_passed(self) -> bool {
        self.left().is_err()
    }
}

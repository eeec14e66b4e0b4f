//! The timer of the sending direction: the deadline for the peer's Close, and at a client for the end of the transport
//! (RFC 6455 §7.1.1).
//!
//! Both start when our Close was written. The caller writes the output, so the timer derives from the length of the
//! output whether the Close was written: see [`Unsent`].

mod suspend;

use core::time::Duration;

use crate::write_progress::WriteProgress;
use crate::{State, Timeout};

#[derive(Clone, Debug)]
pub(crate) struct CloseTimer {
    timeout: Duration,
    /// Whether the peer is expected to close the transport: at a client, until it did or the connection failed.
    awaits_eof: bool,
    /// The state at the last call, and when its deadline started. `None` before the first call.
    since: Option<(State, Duration)>,
    /// The time of the last call.
    now: Duration,
    close: WriteProgress,
    unsent: Option<Unsent>,
}

/// The number of unsent bytes up to the end of our Close.
///
/// The caller writes between two calls of the connection, from the front of the output. After the Close only pongs are
/// appended, by calls that note the length of the output at their end. So the bytes that are missing at the beginning
/// of the next call were written.
#[derive(Clone, Copy, Debug)]
struct Unsent {
    bytes: usize,
    /// The length of the output when the last call ended: not less than `bytes`.
    output: usize,
}

impl CloseTimer {
    pub(crate) const fn new(timeout: Duration, is_client: bool) -> Self {
        let close = WriteProgress::Queued;
        Self { timeout, awaits_eof: is_client, since: None, now: Duration::ZERO, close, unsent: None }
    }

    /// Notes the length of the output at the beginning of a call. Returns how many of its bytes the peer must receive
    /// before it can reply to our Close: all of them if our Close is not queued yet.
    pub(crate) const fn note_written(&mut self, output: usize) -> usize {
        let unsent = match &mut self.unsent {
            Some(unsent) => {
                unsent.bytes = unsent.bytes.saturating_sub(unsent.output.saturating_sub(output));
                unsent.output = output;
                unsent.bytes
            }
            None => output,
        };
        self.close.note_unsent(unsent);
        unsent
    }

    /// Notes the length of the output at the end of a call, once our Close is queued. At the first such call, the
    /// output ends with the Close.
    pub(crate) const fn note_queued(&mut self, output: usize) {
        match &mut self.unsent {
            Some(unsent) => unsent.output = output,
            None => self.unsent = Some(Unsent { bytes: output, output }),
        }
    }

    /// Notes that `len` bytes were inserted into the output, before the Close.
    pub(crate) const fn note_inserted(&mut self, len: usize) {
        if let Some(unsent) = &mut self.unsent
            && unsent.bytes > 0
        {
            unsent.bytes = unsent.bytes.saturating_add(len);
            unsent.output = unsent.output.saturating_add(len);
        }
    }

    /// Notes that the transport has ended, or that this end closes it, so that the peer is not expected to.
    pub(crate) const fn stop_awaiting_eof(&mut self) {
        self.awaits_eof = false;
    }

    /// Returns the time of the next [`handle`](Self::handle). The time of the last call means at once.
    pub(crate) fn poll(&self, state: State) -> Option<Duration> {
        self.timeout_of(state)?;
        Some(match self.since {
            Some((seen, since)) if seen == state && !self.close.awaits_call() => since.saturating_add(self.timeout),
            // The state began since the last call, or the Close was written.
            _ => self.now,
        })
    }

    /// Handles the deadline of `state` at the time `now`. `output` is the length of the output. Returns an error if the
    /// deadline has passed.
    pub(crate) fn handle(&mut self, now: Duration, state: State, output: usize) -> Result<(), Timeout> {
        let unsent = self.note_written(output);
        let now = now.max(self.now);
        self.now = now;
        let mut since = match self.since {
            Some((seen, since)) if seen == state => since,
            _ => {
                self.close = WriteProgress::Queued;
                now
            }
        };
        if self.close.start(unsent) {
            since = now;
        }
        self.since = Some((state, since));
        match self.timeout_of(state) {
            Some(timeout) if since.saturating_add(self.timeout) <= now => Err(timeout),
            _ => Ok(()),
        }
    }

    const fn timeout_of(&self, state: State) -> Option<Timeout> {
        match state {
            State::Closing => Some(Timeout::Close),
            State::Closed if self.awaits_eof => Some(Timeout::Eof),
            State::Connecting | State::Open | State::Closed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn deadline_starts_with_the_state() {
        let mut timer = CloseTimer::new(secs(10), false);
        assert_eq!(timer.handle(secs(100), State::Open, 0), Ok(()));
        assert_eq!((timer.poll(State::Open), timer.poll(State::Closed)), (None, None));
        assert_eq!(timer.poll(State::Closing), Some(secs(100)), "at once");
        assert_eq!(timer.handle(secs(101), State::Closing, 0), Ok(()));
        assert_eq!(timer.poll(State::Closing), Some(secs(111)));
        assert_eq!(timer.handle(secs(110), State::Closing, 0), Ok(()));
        assert_eq!(timer.handle(secs(111), State::Closing, 0), Err(Timeout::Close));
    }

    #[test]
    fn deadline_starts_when_the_close_was_written() {
        let mut timer = CloseTimer::new(secs(10), false);
        timer.note_queued(10);
        assert_eq!(timer.handle(secs(0), State::Closing, 10), Ok(()));
        // A pong follows, and most of the output is written.
        timer.note_queued(30);
        assert_eq!(timer.handle(secs(9), State::Closing, 25), Ok(()));
        assert_eq!(timer.poll(State::Closing), Some(secs(19)));
        assert_eq!(timer.note_written(20), 0);
        assert_eq!(timer.poll(State::Closing), Some(secs(9)), "at once");
        assert_eq!(timer.handle(secs(12), State::Closing, 20), Ok(()));
        assert_eq!(timer.poll(State::Closing), Some(secs(22)));
    }

    #[test]
    fn client_awaits_the_end_of_the_transport() {
        let mut timer = CloseTimer::new(secs(10), true);
        assert_eq!(timer.handle(secs(0), State::Closed, 0), Ok(()));
        assert_eq!(timer.poll(State::Closed), Some(secs(10)));
        assert_eq!(timer.clone().handle(secs(10), State::Closed, 0), Err(Timeout::Eof));
        timer.stop_awaiting_eof();
        assert_eq!((timer.poll(State::Closed), timer.handle(secs(10), State::Closed, 0)), (None, Ok(())));
    }

    #[test]
    fn clock_does_not_run_backwards() {
        let mut timer = CloseTimer::new(secs(10), false);
        timer.handle(secs(100), State::Closing, 0).unwrap();
        assert_eq!(timer.handle(secs(1), State::Closing, 0), Ok(()));
        assert_eq!(timer.poll(State::Closing), Some(secs(110)));
    }
}

//! The numbers of one seed: what a test chooses, and how a transport cuts and delays.

use std::io::ErrorKind;
use std::time::Duration;

use fastrand::Rng;

/// The choices of one run of a test, all from one number. Equal seeds make equal choices.
///
/// A test takes its own choices from it: lengths, times, orders. A transport takes its [`Step`]s from it. Give each task
/// and each transport a [`fork`](Self::fork), so that the order of the tasks does not change their choices.
///
/// The seed also selects the kind of transport: one that passes single bytes, a few bytes or all bytes, at once or with
/// delays. So each kind occurs in many runs, and not all of them in each run.
///
/// The choices are not secret, and another version of this crate may make others from the same seed.
///
/// ```
/// use protocol_websocket_testkit::Schedule;
///
/// let (mut first, mut second) = (Schedule::from_seed(7), Schedule::from_seed(7));
/// assert_eq!(first.bytes(100), second.bytes(100));
/// assert!(first.below(10) < 10);
/// ```
#[derive(Clone, Debug)]
pub struct Schedule {
    rng: Rng,
    /// The maximum number of bytes of a step.
    max_len: usize,
    /// One in this many steps waits, or 0 if none does.
    wait_one_in: usize,
    max_delay: Duration,
    /// The last step was a wait, so the next one transfers bytes.
    has_waited: bool,
    /// The number of bytes before the fault.
    fault: Option<(usize, Fault)>,
}

/// How a transport stops.
#[derive(Clone, Copy, Debug)]
enum Fault {
    End,
    Fail(ErrorKind),
}

/// What a transport does next, by a [`Schedule`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// It transfers this many bytes, at least 1.
    Transfer(usize),
    /// It is not ready for this time, which can be zero: then it is ready at the next call.
    Wait(Duration),
    /// It has ended: a read returns no bytes, and a write fails.
    End,
    /// It fails with this error, now and at each further call.
    Fail(ErrorKind),
}

impl Schedule {
    /// Creates the schedule of a seed. It waits and splits, and it does not fail.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let max_len = match rng.usize(0..8) {
            0 => 1,
            1..=2 => rng.usize(2..16),
            3..=5 => rng.usize(16..2000),
            _ => usize::MAX,
        };
        let wait_one_in = [0, 2, 4, 16].get(rng.usize(0..4)).copied().unwrap_or_default();
        let max_delay = [0, 10, 1000].get(rng.usize(0..3)).copied().unwrap_or_default();
        Self { rng, max_len, wait_one_in, max_delay: Duration::from_millis(max_delay), has_waited: false, fault: None }
    }

    /// Ends the transport after `bytes` bytes.
    #[must_use]
    pub fn ends_after(self, bytes: usize) -> Self {
        Self { fault: Some((bytes, Fault::End)), ..self }
    }

    /// Fails the transport after `bytes` bytes.
    #[must_use]
    pub fn fails_after(self, bytes: usize, error: ErrorKind) -> Self {
        Self { fault: Some((bytes, Fault::Fail(error))), ..self }
    }

    /// Ends or fails the transport after fewer than `limit` bytes, in half of the seeds.
    #[must_use]
    pub fn may_fail_within(mut self, limit: usize) -> Self {
        let after = self.below(limit);
        match self.rng.usize(0..4) {
            0 => self.ends_after(after),
            1 => self.fails_after(after, ErrorKind::ConnectionReset),
            _ => self,
        }
    }

    /// Returns a schedule with choices of its own.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self::from_seed(self.rng.u64(..))
    }

    /// Returns a schedule of the same kind and with the same fault, for the other direction.
    #[cfg(feature = "tokio")]
    pub(crate) fn other_choices(&mut self) -> Self {
        Self { rng: self.rng.fork(), ..self.clone() }
    }

    /// Returns whether the next step is the fault.
    #[cfg(feature = "tokio")]
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.fault, Some((0, _)))
    }

    /// Returns a number below `limit`, or 0 if `limit` is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { self.rng.usize(..limit) }
    }

    /// Returns true once in `times` calls, on average. Never if `times` is 0.
    pub fn one_in(&mut self, times: usize) -> bool {
        times > 0 && self.below(times) == 0
    }

    /// Returns one of `items`.
    pub fn choose<T: Copy, const N: usize>(&mut self, items: [T; N]) -> T {
        const { assert!(N > 0, "there is nothing to choose") };
        let [first, ..] = items.as_slice() else { unreachable!("N is not 0") };
        *items.get(self.below(N)).unwrap_or(first)
    }

    /// Returns a time below `limit`, in whole milliseconds.
    pub fn duration(&mut self, limit: Duration) -> Duration {
        let millis = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(if millis == 0 { 0 } else { self.rng.u64(..millis) })
    }

    /// Returns `len` bytes, which do not compress.
    #[must_use]
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.rng.fill(&mut bytes);
        bytes
    }

    /// Returns the next step of a transport that could transfer `available` bytes. After a [`Step::Wait`] the next step
    /// is none, unless nothing is available.
    ///
    /// One direction of one transport takes all its steps from one schedule.
    ///
    /// ```
    /// use protocol_websocket_testkit::{Schedule, Step};
    ///
    /// // In place of a read from a socket.
    /// let (mut schedule, mut input, mut read) = (Schedule::from_seed(3), b"bytes".to_vec(), Vec::new());
    /// while !input.is_empty() {
    ///     if let Step::Transfer(len) = schedule.step(input.len()) {
    ///         read.extend(input.drain(..len));
    ///     }
    /// }
    /// assert_eq!(read, b"bytes");
    /// ```
    pub fn step(&mut self, available: usize) -> Step {
        // Now and then a step is long, so that a long payload is not slow.
        let mut max_len = if self.one_in(32) { available } else { available.min(self.max_len) };
        match self.fault {
            Some((0, Fault::End)) => return Step::End,
            Some((0, Fault::Fail(error))) => return Step::Fail(error),
            Some((left, _)) => max_len = max_len.min(left),
            None => {}
        }
        if available == 0 || !self.has_waited && self.one_in(self.wait_one_in) {
            self.has_waited = true;
            return Step::Wait(self.duration(self.max_delay));
        }
        self.has_waited = false;
        // All bytes as often as fewer.
        let len = if self.one_in(2) { max_len } else { 1 + self.below(max_len) };
        if let Some((left, _)) = &mut self.fault {
            *left -= len;
        }
        Step::Transfer(len)
    }
}

//! The random choices of one seed: those of a test, and how a transport splits, delays and fails.

use std::io::ErrorKind;
use std::time::Duration;

use fastrand::Rng;

/// The random choices of one run of a test. Equal seeds give equal choices.
///
/// A test takes lengths, times and orders from it, and a transport takes each [`Step`] from it. Give each task and each
/// transport a [`fork`](Self::fork), so that the order of the tasks does not change their choices.
///
/// The seed also selects the kind of transport: one that passes single bytes, a few bytes or all bytes, at once or with
/// delays. So a run has one kind of transport, and many runs have each kind.
///
/// The choices are not for secrets. Another version of this crate may make other choices from the same seed.
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

/// The next step of a transport: see [`Schedule::step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// It transfers this many bytes, at least 1.
    Transfer(usize),
    /// It is not ready for this time. If the time is zero, it is ready at the next call.
    Wait(Duration),
    /// It has ended: a read returns no bytes, and a write fails.
    End,
    /// It fails with this error, now and at each further call.
    Fail(ErrorKind),
}

impl Schedule {
    /// Creates the schedule of a seed. It splits and delays, and has no fault.
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

    /// Lets the transport fail with `error` after `bytes` bytes.
    #[must_use]
    pub fn fails_after(self, bytes: usize, error: ErrorKind) -> Self {
        Self { fault: Some((bytes, Fault::Fail(error))), ..self }
    }

    /// Lets the transport end or fail after fewer than `limit` bytes, in half of the seeds.
    #[must_use]
    pub fn may_fail_within(mut self, limit: usize) -> Self {
        let after = self.below(limit);
        match self.rng.usize(0..4) {
            0 => self.ends_after(after),
            1 => self.fails_after(after, ErrorKind::ConnectionReset),
            _ => self,
        }
    }

    /// Returns an independent schedule, whose seed is the next choice of this one.
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

    /// Returns true once in `times` calls on average, and never if `times` is 0.
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

    /// Returns `len` random bytes, which do not compress.
    #[must_use]
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.rng.fill(&mut bytes);
        bytes
    }

    /// Returns the next step of a transport that could transfer `available` bytes. The step after
    /// a [`Step::Wait`] is not another one, unless `available` is 0.
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
        // One step in 32 has no maximum, so that a long payload does not take too many steps.
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
        // Half of the steps transfer all bytes that they may.
        let len = if self.one_in(2) { max_len } else { 1 + self.below(max_len) };
        if let Some((left, _)) = &mut self.fault {
            *left -= len;
        }
        Step::Transfer(len)
    }
}

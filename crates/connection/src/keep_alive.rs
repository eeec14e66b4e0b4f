//! The timers of the receiving direction: a ping after an interval without a byte, the deadline for its pong, and the
//! deadline for an idle peer.
//!
//! They run while the connection is open. Only [`KeepAlive::handle`] has the time. An arrival or a write between two
//! calls of it is noted, and [`KeepAlive::poll`] then requests a call at once. The time of that call counts as the time
//! of the arrival or write. So a deadline may be late by the time until that call, and is never early.

mod suspend;

use core::time::Duration;

use crate::write_progress::WriteProgress;
use crate::{Timeout, Timeouts};

#[derive(Clone, Debug)]
pub(crate) struct KeepAlive {
    /// Whether the version has pings.
    has_pings: bool,
    /// Whether there was a call since the connection opened.
    is_running: bool,
    /// The time of the last call.
    now: Duration,
    /// The time of the last arrival of bytes. Before the first call, the time that has passed since then.
    arrived_at: Duration,
    /// Whether bytes arrived since the last call.
    has_arrived: bool,
    /// The number of bytes that the last read left in the input. They are not a new arrival at the next read.
    unread: usize,
    /// The time when the deadline for a pong started, or when the last ping was queued. `None` if bytes arrived since. Before
    /// the first call, the time that has passed since then.
    pinged_at: Option<Duration>,
    /// The progress of the last ping.
    ping: WriteProgress,
    /// Whether the caller has noted that it wrote no byte since the last call.
    is_stalled: bool,
}

/// The action that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Ping,
    Timeout(Timeout),
}

impl KeepAlive {
    /// Creates the timers. Returns `None` if none is configured, so that a connection without timeouts needs no memory
    /// for them. If the version has no pings, `ping_interval` and `pong_timeout` have no effect. Without a
    /// `pong_timeout`, an interval of zero would be due again at once, without an end.
    pub(crate) fn new(timeouts: &Timeouts, has_pings: bool) -> Option<Self> {
        let timer = Self::stopped(has_pings);
        (timer.ping_interval(timeouts).is_some() || timeouts.idle.is_some()).then_some(timer)
    }

    const fn stopped(has_pings: bool) -> Self {
        Self {
            has_pings,
            is_running: false,
            now: Duration::ZERO,
            arrived_at: Duration::ZERO,
            has_arrived: false,
            unread: 0,
            pinged_at: None,
            ping: WriteProgress::Queued,
            is_stalled: false,
        }
    }

    fn ping_interval(&self, timeouts: &Timeouts) -> Option<Duration> {
        timeouts.ping_interval.filter(|interval| self.has_pings && !interval.is_zero())
    }

    fn pong_timeout(&self, timeouts: &Timeouts) -> Option<Duration> {
        timeouts.pong_timeout.filter(|_| self.has_pings)
    }

    /// Notes that a read begins with `available` bytes in the input.
    pub(crate) const fn note_input(&mut self, available: usize) {
        if available > self.unread {
            self.has_arrived = true;
        }
    }

    /// Notes an arrival at the time `now`, after which `available` bytes are in the input.
    pub(crate) fn note_arrival(&mut self, now: Duration, available: usize) {
        self.now = self.now.max(now);
        (self.arrived_at, self.pinged_at) = (self.now, None);
        // The first call starts the timers.
        (self.has_arrived, self.unread) = (!self.is_running, available);
    }

    /// Notes that the caller read bytes into the payload buffer, not into the input.
    pub(crate) const fn note_direct_read(&mut self) {
        self.has_arrived = true;
    }

    /// Notes that a read left `unread` bytes in the input.
    pub(crate) const fn note_rest(&mut self, unread: usize) {
        self.unread = unread;
    }

    /// Notes that `unsent` bytes of the output are not written. The last ping was written when there are none.
    pub(crate) const fn note_unsent(&mut self, unsent: usize) {
        self.ping.note_unsent(unsent);
    }

    /// Notes that no byte was written since the last call. The next call then does not start the deadline for a pong
    /// again, so that a peer that does not read times out, too.
    pub(crate) const fn note_stalled(&mut self) {
        self.is_stalled = true;
    }

    /// Returns the time of the next [`handle`](Self::handle). If that is the time of the last call, the next one is due
    /// at once.
    pub(crate) fn poll(&self, timeouts: &Timeouts) -> Option<Duration> {
        let awaits_pong = self.pinged_at.is_some() && self.pong_timeout(timeouts).is_some();
        let at_once = !self.is_running || self.has_arrived || (awaits_pong && self.ping.awaits_call());
        if at_once { Some(self.now) } else { self.next(timeouts).map(|(at, _)| at) }
    }

    /// Returns the action that is due at the time `now`. `unsent` is the number of bytes that are not written.
    pub(crate) fn handle(&mut self, now: Duration, unsent: usize, timeouts: &Timeouts) -> Option<Due> {
        let now = now.max(self.now);
        self.now = now;
        if self.has_arrived {
            (self.has_arrived, self.arrived_at, self.pinged_at) = (false, now, None);
        } else if !self.is_running {
            self.arrived_at = now.saturating_sub(self.arrived_at);
            self.pinged_at = self.pinged_at.map(|passed| now.saturating_sub(passed));
        }
        self.is_running = true;
        // The deadline for a pong starts again while there are unsent bytes: the caller may not read meanwhile, so the
        // pong may have arrived already.
        let is_stalled = core::mem::take(&mut self.is_stalled) && self.ping == WriteProgress::Unsent && unsent > 0;
        if self.ping.start(unsent) && !is_stalled && self.pong_timeout(timeouts).is_some() {
            self.pinged_at = self.pinged_at.map(|_| now);
        }
        let (_, due) = self.next(timeouts).filter(|&(at, _)| at <= now)?;
        if due == Due::Ping {
            let is_repeated = self.pinged_at.replace(now).is_some();
            self.ping = WriteProgress::Queued;
            // A peer that does not read gets one ping, not one more after each interval.
            if is_repeated && unsent > 0 {
                return None;
            }
        }
        Some(due)
    }

    /// Returns the next deadline and its action.
    fn next(&self, timeouts: &Timeouts) -> Option<(Duration, Due)> {
        let after = |from: Duration, wait: Option<Duration>, due| Some((from.saturating_add(wait?), due));
        let ping_or_pong = match self.pinged_at {
            Some(at) if self.pong_timeout(timeouts).is_some() => {
                after(at, timeouts.pong_timeout, Due::Timeout(Timeout::Pong))
            }
            at => after(at.unwrap_or(self.arrived_at), self.ping_interval(timeouts), Due::Ping),
        };
        match (ping_or_pong, after(self.arrived_at, timeouts.idle, Due::Timeout(Timeout::Idle))) {
            (Some(first), Some(idle)) if idle.0 < first.0 => Some(idle),
            (first, idle) => first.or(idle),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// A timer with its configuration.
    struct Timer(KeepAlive, Timeouts);

    impl Timer {
        fn poll(&self) -> Option<Duration> {
            self.0.poll(&self.1)
        }

        fn handle(&mut self, now: Duration, unsent: usize) -> Option<Due> {
            self.0.handle(now, unsent, &self.1)
        }
    }

    fn timer(timeouts: Timeouts) -> Timer {
        let mut timer = Timer(KeepAlive::new(&timeouts, true).unwrap(), timeouts);
        assert_eq!(timer.poll(), Some(secs(0)), "the first call is at once");
        assert_eq!(timer.handle(secs(0), 0), None);
        timer
    }

    #[test]
    fn no_timer_without_timeouts() {
        assert!(KeepAlive::new(&Timeouts::NONE, true).is_none());
        assert!(KeepAlive::new(&Timeouts::RECOMMENDED, false).is_none());
        assert!(KeepAlive::new(&Timeouts::NONE.ping_interval(Some(secs(0))), true).is_none());
        assert!(KeepAlive::new(&Timeouts { pong_timeout: Some(secs(1)), ..Timeouts::NONE }, true).is_none());
    }

    #[test]
    fn silent_peer_gets_a_ping_and_then_times_out() {
        let mut timer = timer(Timeouts::RECOMMENDED);
        assert_eq!(timer.poll(), Some(secs(20)));
        assert_eq!(timer.handle(secs(20), 0), Some(Due::Ping));
        assert_eq!(timer.poll(), Some(secs(20)), "the ping may be written at once");
        assert_eq!(timer.handle(secs(20), 0), None);
        assert_eq!(timer.poll(), Some(secs(40)));
        assert_eq!(timer.handle(secs(39), 0), None);
        assert_eq!(timer.handle(secs(40), 0), Some(Due::Timeout(Timeout::Pong)));
    }

    #[test]
    fn any_byte_restarts_the_interval() {
        let mut timer = timer(Timeouts::RECOMMENDED);
        timer.handle(secs(20), 0);
        timer.0.note_input(1);
        assert_eq!(timer.poll(), Some(secs(20)), "at once, to give the arrival a time");
        assert_eq!(timer.handle(secs(40), 0), None);
        assert_eq!(timer.poll(), Some(secs(60)));
    }

    #[test]
    fn idle_timeout_needs_no_pings() {
        let mut timer = timer(Timeouts { ping_interval: None, idle: Some(secs(5)), ..Timeouts::RECOMMENDED });
        assert_eq!(timer.handle(secs(5), 0), Some(Due::Timeout(Timeout::Idle)));
    }

    #[test]
    fn earlier_deadline_is_first() {
        for (idle, first) in [(5, Due::Timeout(Timeout::Idle)), (30, Due::Ping)] {
            let mut timer = timer(Timeouts { idle: Some(secs(idle)), ..Timeouts::RECOMMENDED });
            let at = timer.poll().unwrap();
            assert_eq!((at, timer.handle(at, 0)), (secs(idle.min(20)), Some(first)));
        }
    }

    #[test]
    fn bytes_are_counted_once() {
        let mut timer = timer(Timeouts::RECOMMENDED);
        timer.0.note_input(3);
        timer.0.note_rest(3);
        timer.handle(secs(1), 0);
        timer.0.note_input(3);
        timer.handle(secs(2), 0);
        assert_eq!(timer.poll(), Some(secs(21)));
        timer.0.note_input(4);
        timer.handle(secs(3), 0);
        assert_eq!(timer.poll(), Some(secs(23)));
    }

    #[test]
    fn peer_that_does_not_read_times_out() {
        let mut timer = timer(Timeouts::RECOMMENDED);
        timer.0.note_stalled();
        assert_eq!(timer.handle(secs(20), 5), Some(Due::Ping));
        timer.0.note_stalled();
        assert_eq!(timer.handle(secs(30), 7), None, "the deadline starts with the first call after the ping");
        // Without a note, bytes may have been written since.
        assert_eq!(timer.handle(secs(40), 7), None);
        timer.0.note_stalled();
        assert_eq!(timer.handle(secs(59), 7), None);
        timer.0.note_stalled();
        assert_eq!(timer.handle(secs(60), 7), Some(Due::Timeout(Timeout::Pong)));
    }

    #[test]
    fn clock_does_not_run_backwards() {
        let mut timer = timer(Timeouts::RECOMMENDED);
        timer.handle(secs(100), 0);
        timer.0.note_input(1);
        timer.handle(secs(1), 0);
        assert_eq!(timer.poll(), Some(secs(120)));
    }
}

use core::time::Duration;

use crate::{State, Timeout, Timeouts};

/// The deadlines of one connection, by a clock that the caller tells.
///
/// The time is only known while [`handle`](Self::handle) runs. What happens between two calls is noted, and
/// [`poll`](Self::poll) asks for a call at once, which stamps it. So a deadline comes late by the time that passes until
/// that call, never early.
#[derive(Clone, Debug)]
pub(crate) struct Timers {
    timeouts: Timeouts,
    /// Whether the peer's end of the transport is awaited after the closing handshake: at a client, until it came.
    pub(crate) awaits_eof: bool,
    /// The state at the last call, and since when its deadline runs. `None`: no call yet.
    since: Option<(State, Duration)>,
    /// The time of the last call.
    now: Duration,
    /// When the peer was last heard, and whether it was heard since the last call.
    heard_at: Duration,
    heard: bool,
    /// How many bytes were left unread the last time: they were counted as heard before.
    unread: usize,
    /// Since when the deadline for a pong runs, if our ping was not answered yet.
    pinged: Option<Duration>,
    /// Whether the frame that the peer has to answer (our ping, or our Close) was written.
    sent: Sent,
    /// How much of the output up to our Close is not written, once there is a Close.
    close: Option<Unsent>,
}

/// The bytes of the output up to the end of our Close that the caller has not written.
///
/// The caller writes between two calls, from the front of the output. After the Close only pongs are appended, by calls
/// that note the length they leave. So the bytes that are missing when the next call begins were written.
#[derive(Clone, Copy, Debug)]
struct Unsent {
    bytes: usize,
    /// The length of the output when the last call ended: not less than `bytes`.
    output: usize,
}

/// How far the frame that the peer has to answer got. The deadline for the answer starts when it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    /// It was appended to the output.
    Queued,
    /// At the last call it was not written.
    Unsent,
    /// It was written since the last call.
    Written,
    /// The deadline runs.
    Stamped,
}

impl Sent {
    /// Whether the next call may start the deadline.
    const fn is_news(self) -> bool {
        matches!(self, Self::Queued | Self::Written)
    }
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// To send a ping.
    Ping,
    /// To give up.
    Timeout(Timeout),
}

impl Timers {
    /// Timers, if any timeout is set: an idle connection without them pays nothing.
    pub(crate) fn new(timeouts: Timeouts, awaits_eof: bool) -> Option<Self> {
        let timers = Self {
            timeouts,
            awaits_eof,
            since: None,
            now: Duration::ZERO,
            heard_at: Duration::ZERO,
            heard: false,
            unread: 0,
            pinged: None,
            sent: Sent::Queued,
            close: None,
        };
        (timeouts != Timeouts::NONE).then_some(timers)
    }

    /// Notes that `waiting` bytes are there to be read.
    pub(crate) const fn hear(&mut self, waiting: usize) {
        if waiting > self.unread {
            self.heard = true;
        }
    }

    /// Notes that `unread` bytes were left, because those that follow them are missing.
    pub(crate) const fn leave(&mut self, unread: usize) {
        self.unread = unread;
    }

    /// Notes that a call begins with `output` bytes in the output. Returns how many of them the peer has to get before
    /// it can answer: all of them until there is a Close, because what is sent before it is not counted.
    pub(crate) const fn begin(&mut self, output: usize) -> usize {
        let unsent = match &mut self.close {
            Some(close) => {
                close.bytes = close.bytes.saturating_sub(close.output.saturating_sub(output));
                close.output = output;
                close.bytes
            }
            None => output,
        };
        if unsent == 0 && matches!(self.sent, Sent::Queued | Sent::Unsent) {
            self.sent = Sent::Written;
        }
        unsent
    }

    /// Notes that a call ends with `output` bytes in the output. The first such call after our Close was queued has the
    /// Close at its end.
    pub(crate) const fn end(&mut self, output: usize) {
        match &mut self.close {
            Some(close) => close.output = output,
            None => self.close = Some(Unsent { bytes: output, output }),
        }
    }

    /// When [`handle`](Self::handle) is to be called next. The time of the last call means at once.
    pub(crate) fn poll(&self, state: State) -> Option<Duration> {
        let since = match self.since {
            Some((seen, since)) if seen == state => since,
            // A state that began since the last call: its deadline starts with the next one.
            _ => return self.next(state, self.now).map(|_| self.now),
        };
        let at = self.next(state, since).map(|(at, _)| at);
        let Timeouts { ping_interval: ping, pong_timeout: pong, idle, .. } = self.timeouts;
        let is_news = match state {
            State::Connecting => false,
            State::Open if self.heard => ping.is_some() || idle.is_some(),
            State::Open => self.pinged.is_some() && pong.is_some() && self.sent.is_news(),
            State::Closing | State::Closed => at.is_some() && self.sent.is_news(),
        };
        if is_news { Some(self.now) } else { at }
    }

    /// Takes the time and the length of the output. Returns what is due.
    pub(crate) fn handle(&mut self, now: Duration, state: State, output: usize) -> Option<Due> {
        let is_unsent = self.begin(output) > 0;
        let now = now.max(self.now);
        self.now = now;
        if self.since.is_none_or(|(seen, _)| seen != state) {
            (self.since, self.heard, self.sent) = (Some((state, now)), true, Sent::Queued);
        }
        if self.heard {
            (self.heard, self.heard_at, self.pinged) = (false, now, None);
        }
        let since = self.stamp(now, state, is_unsent)?;
        let (_, due) = self.next(state, since).filter(|&(at, _)| at <= now)?;
        if due == Due::Ping {
            let is_repeated = self.pinged.replace(now).is_some();
            self.sent = Sent::Queued;
            // A peer that does not read gets one ping, not one more at each interval.
            if is_repeated && is_unsent {
                return None;
            }
        }
        Some(due)
    }

    /// Starts the deadline for an answer, or starts it again. Returns since when the state's own deadline runs.
    ///
    /// For a pong it starts again as long as there are unsent bytes: the caller may not read meanwhile, and the pong may
    /// be there already. A Close is written once.
    fn stamp(&mut self, now: Duration, state: State, is_unsent: bool) -> Option<Duration> {
        let (_, since) = self.since.as_mut()?;
        if is_unsent || self.sent != Sent::Stamped {
            if self.timeouts.pong_timeout.is_some() {
                self.pinged = self.pinged.map(|_| now);
            }
            if matches!(state, State::Closing | State::Closed) {
                *since = now;
            }
        }
        self.sent = if is_unsent { Sent::Unsent } else { Sent::Stamped };
        Some(*since)
    }

    /// The nearest deadline of a state whose own deadline runs since `since`.
    fn next(&self, state: State, since: Duration) -> Option<(Duration, Due)> {
        let after = |from: Duration, wait: Option<Duration>, due| Some((from.saturating_add(wait?), due));
        let Timeouts { handshake, ping_interval: ping, pong_timeout: pong, idle, close } = self.timeouts;
        match state {
            State::Connecting => after(since, handshake, Due::Timeout(Timeout::Handshake)),
            State::Open => {
                let alive = match self.pinged {
                    Some(at) if pong.is_some() => after(at, pong, Due::Timeout(Timeout::Pong)),
                    at => after(at.unwrap_or(self.heard_at), ping, Due::Ping),
                };
                let idle = after(self.heard_at, idle, Due::Timeout(Timeout::Idle));
                [alive, idle].into_iter().flatten().min_by_key(|&(at, _)| at)
            }
            State::Closing => after(since, close, Due::Timeout(Timeout::Close)),
            State::Closed if self.awaits_eof => after(since, close, Due::Timeout(Timeout::Eof)),
            State::Closed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn timers(timeouts: Timeouts) -> Timers {
        Timers::new(timeouts, false).unwrap()
    }

    #[test]
    fn no_timeouts_no_timers() {
        assert!(Timers::new(Timeouts::NONE, false).is_none());
    }

    #[test]
    fn a_state_asks_for_the_time_when_it_begins() {
        let mut timers = timers(Timeouts::RECOMMENDED);
        assert_eq!(timers.poll(State::Connecting), Some(secs(0)));
        assert_eq!(timers.handle(secs(100), State::Connecting, 0), None);
        assert_eq!(timers.poll(State::Connecting), Some(secs(110)));
        assert_eq!(timers.poll(State::Open), Some(secs(100)));
        assert_eq!(timers.poll(State::Closed), None);
    }

    #[test]
    fn trickling_bytes_do_not_move_a_handshake_deadline() {
        let mut timers = timers(Timeouts::RECOMMENDED);
        for second in 0..10 {
            timers.hear(1);
            assert_eq!(timers.handle(secs(second), State::Connecting, 0), None);
        }
        timers.hear(1);
        assert_eq!(timers.handle(secs(10), State::Connecting, 0), Some(Due::Timeout(Timeout::Handshake)));
    }

    #[test]
    fn silence_brings_a_ping_and_then_the_end() {
        let mut timers = timers(Timeouts::RECOMMENDED);
        assert_eq!(timers.handle(secs(0), State::Open, 0), None);
        assert_eq!(timers.poll(State::Open), Some(secs(20)));
        assert_eq!(timers.handle(secs(20), State::Open, 0), Some(Due::Ping));
        assert_eq!(timers.poll(State::Open), Some(secs(20)), "it asks whether the ping was written");
        assert_eq!(timers.handle(secs(20), State::Open, 0), None);
        assert_eq!(timers.poll(State::Open), Some(secs(40)));
        assert_eq!(timers.handle(secs(39), State::Open, 0), None);
        assert_eq!(timers.handle(secs(40), State::Open, 0), Some(Due::Timeout(Timeout::Pong)));
    }

    #[test]
    fn any_byte_is_a_sign_of_life() {
        let mut timers = timers(Timeouts::RECOMMENDED);
        timers.handle(secs(0), State::Open, 0);
        timers.handle(secs(20), State::Open, 0);
        timers.hear(1);
        assert_eq!(timers.poll(State::Open), Some(secs(20)), "it asks for the time of the arrival");
        assert_eq!(timers.handle(secs(40), State::Open, 0), None);
        assert_eq!(timers.poll(State::Open), Some(secs(60)));
    }

    #[test]
    fn idleness_counts_beside_pings() {
        let mut timers = timers(Timeouts { ping_interval: None, idle: Some(secs(5)), ..Timeouts::RECOMMENDED });
        timers.handle(secs(0), State::Open, 0);
        assert_eq!(timers.handle(secs(5), State::Open, 0), Some(Due::Timeout(Timeout::Idle)));
    }

    #[test]
    fn the_sooner_of_two_deadlines_counts() {
        for (idle, first) in [(5, Due::Timeout(Timeout::Idle)), (30, Due::Ping)] {
            let mut timers = timers(Timeouts { idle: Some(secs(idle)), ..Timeouts::RECOMMENDED });
            timers.handle(secs(0), State::Open, 0);
            let at = timers.poll(State::Open).unwrap();
            assert_eq!((at, timers.handle(at, State::Open, 0)), (secs(idle.min(20)), Some(first)));
        }
    }

    #[test]
    fn bytes_that_were_there_before_are_no_news() {
        let mut timers = timers(Timeouts::RECOMMENDED);
        timers.handle(secs(0), State::Open, 0);
        timers.hear(3);
        timers.leave(3);
        timers.handle(secs(1), State::Open, 0);
        timers.hear(3);
        timers.handle(secs(2), State::Open, 0);
        assert_eq!(timers.poll(State::Open), Some(secs(21)));
        timers.hear(4);
        timers.handle(secs(3), State::Open, 0);
        assert_eq!(timers.poll(State::Open), Some(secs(23)));
    }

    #[test]
    fn clock_does_not_run_backwards() {
        let mut timers = timers(Timeouts::RECOMMENDED);
        timers.handle(secs(100), State::Open, 0);
        timers.hear(1);
        timers.handle(secs(1), State::Open, 0);
        assert_eq!(timers.poll(State::Open), Some(secs(120)));
    }

    #[test]
    fn only_the_close_ends_closing() {
        let mut timers = timers(Timeouts::RECOMMENDED);
        timers.handle(secs(0), State::Closing, 0);
        timers.hear(1);
        assert_eq!(timers.handle(secs(9), State::Closing, 0), None);
        assert_eq!(timers.poll(State::Closing), Some(secs(10)));
        assert_eq!(timers.handle(secs(10), State::Closing, 0), Some(Due::Timeout(Timeout::Close)));
    }
}

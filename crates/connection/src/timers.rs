use core::time::Duration;

use crate::{State, Timeout, Timeouts};

/// The deadlines of one connection, by a clock that the caller tells.
///
/// Nobody tells the time when bytes arrive, only when [`handle`](Self::handle) is called. So an arrival is noted and
/// stamped at the next call: a deadline may come late by as much as the caller was silent, never early.
#[derive(Clone, Debug)]
pub(crate) struct Timers {
    timeouts: Timeouts,
    /// The state that was last seen, and since when it has been so. `None`: not told yet.
    since: Option<(State, Duration)>,
    /// When the peer was last heard, and whether it was since.
    heard_at: Duration,
    heard: bool,
    /// How many bytes were left unread the last time: those are no news.
    unread: usize,
    /// When our ping went out, if the peer was not heard since.
    pinged: Option<Duration>,
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
    /// Timers, if any is wanted: an idle connection without them pays nothing.
    pub(crate) fn new(timeouts: Timeouts) -> Option<Self> {
        let timers = Self { timeouts, since: None, heard_at: Duration::ZERO, heard: false, unread: 0, pinged: None };
        (timeouts != Timeouts::NONE).then_some(timers)
    }

    /// So many bytes wait to be read.
    pub(crate) const fn hear(&mut self, waiting: usize) {
        if waiting > self.unread {
            self.heard = true;
        }
    }

    /// So many bytes were left, for want of those that follow them.
    pub(crate) const fn leave(&mut self, unread: usize) {
        self.unread = unread;
    }

    /// When `handle` wants to be called. A time in the past means at once.
    pub(crate) fn poll(&self, state: State) -> Option<Duration> {
        match self.since {
            Some((seen, since)) if seen == state => self.next(state, since).map(|(at, _)| at),
            // A state that began unseen: its deadlines can be told once the time is.
            _ if self.waits_for_anything(state) => Some(Duration::ZERO),
            _ => None,
        }
    }

    /// Takes the time, and says what is due.
    pub(crate) fn handle(&mut self, now: Duration, state: State) -> Option<Due> {
        if self.since.is_none_or(|(seen, _)| seen != state) {
            self.since = Some((state, now));
            self.heard = true;
        }
        if self.heard {
            (self.heard, self.heard_at, self.pinged) = (false, now, None);
        }
        let (_, since) = self.since?;
        let (_, due) = self.next(state, since).filter(|&(at, _)| at <= now)?;
        if due == Due::Ping {
            self.pinged = Some(now);
        }
        Some(due)
    }

    fn waits_for_anything(&self, state: State) -> bool {
        self.next(state, Duration::ZERO).is_some()
    }

    /// The nearest deadline of a state that began at `since`.
    fn next(&self, state: State, since: Duration) -> Option<(Duration, Due)> {
        let after = |from: Duration, wait: Option<Duration>, due| Some((from.saturating_add(wait?), due));
        let Timeouts { handshake, ping, pong, idle, close } = self.timeouts;
        match state {
            State::Connecting => after(since, handshake, Due::Timeout(Timeout::Handshake)),
            State::Open => {
                let alive = match self.pinged {
                    None => after(self.heard_at, ping, Due::Ping),
                    Some(at) => after(at, pong, Due::Timeout(Timeout::Pong)),
                };
                let idle = after(self.heard_at, idle, Due::Timeout(Timeout::Idle));
                [alive, idle].into_iter().flatten().min_by_key(|&(at, _)| at)
            }
            State::Closing => after(since, close, Due::Timeout(Timeout::Close)),
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
        Timers::new(timeouts).unwrap()
    }

    #[test]
    fn no_timeouts_no_timers() {
        assert!(Timers::new(Timeouts::NONE).is_none());
    }

    #[test]
    fn a_state_asks_for_the_time_when_it_begins() {
        let mut timers = timers(Timeouts::USUAL);
        assert_eq!(timers.poll(State::Connecting), Some(secs(0)));
        assert_eq!(timers.handle(secs(100), State::Connecting), None);
        assert_eq!(timers.poll(State::Connecting), Some(secs(110)));
        assert_eq!(timers.poll(State::Open), Some(secs(0)));
        assert_eq!(timers.poll(State::Closed), None);
    }

    #[test]
    fn trickling_bytes_do_not_move_a_handshake_deadline() {
        let mut timers = timers(Timeouts::USUAL);
        for second in 0..10 {
            timers.hear(1);
            assert_eq!(timers.handle(secs(second), State::Connecting), None);
        }
        timers.hear(1);
        assert_eq!(timers.handle(secs(10), State::Connecting), Some(Due::Timeout(Timeout::Handshake)));
    }

    #[test]
    fn silence_brings_a_ping_and_then_the_end() {
        let mut timers = timers(Timeouts::USUAL);
        assert_eq!(timers.handle(secs(0), State::Open), None);
        assert_eq!(timers.poll(State::Open), Some(secs(20)));
        assert_eq!(timers.handle(secs(20), State::Open), Some(Due::Ping));
        assert_eq!(timers.poll(State::Open), Some(secs(40)));
        assert_eq!(timers.handle(secs(39), State::Open), None);
        assert_eq!(timers.handle(secs(40), State::Open), Some(Due::Timeout(Timeout::Pong)));
    }

    #[test]
    fn any_byte_is_a_sign_of_life() {
        let mut timers = timers(Timeouts::USUAL);
        timers.handle(secs(0), State::Open);
        timers.handle(secs(20), State::Open);
        timers.hear(1);
        assert_eq!(timers.handle(secs(40), State::Open), None);
        assert_eq!(timers.poll(State::Open), Some(secs(60)));
    }

    #[test]
    fn idleness_counts_beside_pings() {
        let mut timers = timers(Timeouts { ping: None, idle: Some(secs(5)), ..Timeouts::USUAL });
        timers.handle(secs(0), State::Open);
        assert_eq!(timers.handle(secs(5), State::Open), Some(Due::Timeout(Timeout::Idle)));
    }

    #[test]
    fn the_sooner_of_two_deadlines_counts() {
        for (idle, first) in [(5, Due::Timeout(Timeout::Idle)), (30, Due::Ping)] {
            let mut timers = timers(Timeouts { idle: Some(secs(idle)), ..Timeouts::USUAL });
            timers.handle(secs(0), State::Open);
            let at = timers.poll(State::Open).unwrap();
            assert_eq!((at, timers.handle(at, State::Open)), (secs(idle.min(20)), Some(first)));
        }
    }

    #[test]
    fn bytes_that_were_there_before_are_no_news() {
        let mut timers = timers(Timeouts::USUAL);
        timers.handle(secs(0), State::Open);
        timers.hear(3);
        timers.leave(3);
        timers.handle(secs(1), State::Open);
        timers.hear(3);
        timers.handle(secs(2), State::Open);
        assert_eq!(timers.poll(State::Open), Some(secs(21)));
        timers.hear(4);
        timers.handle(secs(3), State::Open);
        assert_eq!(timers.poll(State::Open), Some(secs(23)));
    }

    #[test]
    fn only_the_close_ends_closing() {
        let mut timers = timers(Timeouts::USUAL);
        timers.handle(secs(0), State::Closing);
        timers.hear(1);
        assert_eq!(timers.handle(secs(9), State::Closing), None);
        assert_eq!(timers.poll(State::Closing), Some(secs(10)));
        assert_eq!(timers.handle(secs(10), State::Closing), Some(Due::Timeout(Timeout::Close)));
    }
}

use core::time::Duration;

use crate::{Timeout, Timeouts};

/// The deadline of the opening handshake. It starts with the first call of [`handle`](Self::handle). Bytes that arrive
/// do not extend it.
#[derive(Clone, Debug)]
pub(crate) struct HandshakeTimer {
    timeout: Duration,
    started: Option<Duration>,
}

impl HandshakeTimer {
    pub(crate) fn new(timeouts: &Timeouts) -> Option<Self> {
        Some(Self { timeout: timeouts.handshake?, started: None })
    }

    /// Returns the time of the next [`handle`](Self::handle). Zero means at once.
    pub(crate) fn poll(&self) -> Duration {
        self.started.map_or(Duration::ZERO, |started| started.saturating_add(self.timeout))
    }

    pub(crate) fn handle(&mut self, now: Duration) -> Result<(), Timeout> {
        let started = *self.started.get_or_insert(now);
        if now >= started.saturating_add(self.timeout) { Err(Timeout::Handshake) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadline_starts_with_the_first_call() {
        assert!(HandshakeTimer::new(&Timeouts::NONE).is_none());
        let secs = Duration::from_secs;
        let mut timer = HandshakeTimer::new(&Timeouts::RECOMMENDED).unwrap();
        assert_eq!(timer.poll(), secs(0));
        for now in 100..110 {
            assert_eq!((timer.handle(secs(now)), timer.poll()), (Ok(()), secs(110)));
        }
        assert_eq!(timer.handle(secs(110)), Err(Timeout::Handshake));
    }
}

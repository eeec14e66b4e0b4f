use core::time::Duration;

use protocol_websocket_core::Random;

/// The delays between a client's attempts to reconnect: truncated binary exponential backoff (RFC 6455 §7.2.3).
///
/// Each delay is random, between zero and a limit ("full jitter"). The limit is [`first`](Self::first) for the first
/// attempt, doubles with each attempt, and stays at [`max`](Self::max). After an outage the clients of a server
/// therefore come back spread over time, and a server that stays away is tried seldom.
///
/// The caller waits, and calls [`reset`](Self::reset) once a connection works. To decide whether to reconnect:
/// [`Ended::is_temporary`](crate::Ended::is_temporary).
///
/// ```
/// use std::time::Duration;
/// use protocol_websocket_connection::Backoff;
///
/// let mut random = |bytes: &mut [u8]| bytes.fill(0xff); // for instance `OsRandom`
/// let mut backoff = Backoff::new().first(Duration::from_secs(1)).max(Duration::from_secs(3)).max_attempts(4);
/// let delays: Vec<_> = std::iter::from_fn(|| backoff.next_delay(&mut random)).collect();
/// assert_eq!(delays, [1, 2, 3, 3].map(Duration::from_secs));
/// backoff.reset();
/// assert_eq!(backoff.next_delay(&mut random), Some(Duration::from_secs(1)));
/// ```
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    max_attempts: Option<u32>,
    attempts: u32,
    /// The maximum of the next delay.
    limit: Duration,
}

impl Backoff {
    /// The default of [`first`](Self::first): 5 seconds. RFC 6455 §7.2.3 recommends a first delay between 0 and 5 seconds.
    pub const DEFAULT_FIRST: Duration = Duration::from_secs(5);
    /// The default of [`max`](Self::max): 2 minutes, as in the connection backoff of gRPC.
    pub const DEFAULT_MAX: Duration = Duration::from_secs(120);

    /// Creates the delays with the default limits, for any number of attempts.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            first: Self::DEFAULT_FIRST,
            max: Self::DEFAULT_MAX,
            max_attempts: None,
            attempts: 0,
            limit: Self::DEFAULT_FIRST,
        }
    }

    /// Sets the maximum of the first delay. It also applies after a [`reset`](Self::reset).
    #[must_use]
    pub const fn first(mut self, first: Duration) -> Self {
        self.first = first;
        self.reset();
        self
    }

    /// Sets the maximum of all delays.
    #[must_use]
    pub const fn max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// Sets the number of attempts, after which [`next_delay`](Self::next_delay) returns `None`. The first connection is
    /// not counted. The default is `None`, which sets no limit.
    #[must_use]
    pub fn max_attempts(mut self, max: impl Into<Option<u32>>) -> Self {
        self.max_attempts = max.into();
        self
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.3
    /// Returns how long to wait before the next attempt, or `None` after the last one.
    ///
    /// `random` needs no cryptographic source. It spreads clients only if each of them has different bytes.
    pub fn next_delay(&mut self, random: &mut (impl Random + ?Sized)) -> Option<Duration> {
        if self.max_attempts.is_some_and(|max| self.attempts >= max) {
            return None;
        }
        let limit = self.limit.min(self.max);
        self.attempts = self.attempts.saturating_add(1);
        self.limit = limit.saturating_mul(2);
        Some(up_to(limit, random))
    }

    /// Returns the number of delays since the last [`reset`](Self::reset).
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Begins again with the first delay. Call it after the first message or after some time on an open connection, not
    /// after the opening handshake. Otherwise a server that accepts connections and then fails is tried again too soon.
    pub const fn reset(&mut self) {
        self.attempts = 0;
        self.limit = self.first;
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns a random duration of at most `max`. All nanoseconds have the same probability.
fn up_to(max: Duration, random: &mut (impl Random + ?Sized)) -> Duration {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    // 2^64 nanoseconds are 584 years.
    let max = u64::try_from(max.as_nanos()).unwrap_or(u64::MAX);
    let scaled = (u128::from(max) + 1) * u128::from(u64::from_le_bytes(bytes));
    Duration::from_nanos(u64::try_from(scaled >> 64).unwrap_or(max))
}

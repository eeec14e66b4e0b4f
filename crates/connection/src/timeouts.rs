use core::time::Duration;

/// The deadlines of a connection. `None` disables a deadline.
///
/// The caller must pass the time to the connection: see [`Connection::poll_timeout`](crate::Connection::poll_timeout).
///
/// No deadline limits a write, because the deadlines for a Pong and for a Close start when our Ping or our Close was
/// written. To end a connection whose peer does not read, the caller needs a deadline for its own writes. A
/// [`Session`](crate::Session) has it: see [`Session::handle_timeout`](crate::Session::handle_timeout).
///
/// ```
/// use core::time::Duration;
/// use protocol_websocket_connection::{Config, Timeouts};
///
/// let timeouts = Timeouts::RECOMMENDED.idle(Some(Duration::from_secs(300)));
/// let config = Config::new().timeouts(timeouts);
/// # let _ = config;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
#[non_exhaustive]
pub struct Timeouts {
    /// The deadline for the whole opening handshake. Bytes that arrive do not extend it.
    pub handshake: Option<Duration>,
    /// The time without a byte from the peer after which a Ping is sent. Without a `pong_timeout`, another Ping is sent
    /// after each further interval without a byte, except while `output` has unsent bytes. Zero disables pings, like
    /// `None`.
    pub ping_interval: Option<Duration>,
    /// The deadline for a Pong, or any other byte from the peer, after that Ping was written. If it passes, the
    /// connection fails: the Close that is sent has code 1011, and [`ended`](crate::Connection::ended) has code 1006,
    /// because the peer sent no Close. The deadline starts again while `output` is not empty: see
    /// [`Connection::handle_timeout`](crate::Connection::handle_timeout).
    pub pong_timeout: Option<Duration>,
    /// The time without a byte from the peer after which the connection fails: the Close that is sent has code 1001,
    /// and [`ended`](crate::Connection::ended) has code 1006. The deadline also runs while `output` has unsent bytes. A
    /// caller that stops reading from a peer that does not read therefore also loses the connection.
    pub idle: Option<Duration>,
    /// The deadline for the peer's Close after ours was written, whatever else the peer sends. At a client it is also
    /// the deadline for the server to end the transport after the closing handshake (RFC 6455 §7.1.1), until
    /// [`receive_eof`](crate::Connection::receive_eof) is called.
    ///
    /// A [`Session`](crate::Session) also limits the writes of a connection that is closing or has ended: it discards
    /// the unsent bytes if none is written for this time, and at the latest after ten times this time. So a peer that
    /// reads a byte now and then does not keep the connection. If only other deadlines are set, a connection that has
    /// ended with an error has 5 s in place of this time.
    pub close: Option<Duration>,
    /// The time without a message in a direction after which the extensions of that direction free the memory that
    /// they do not need until the next message, as by
    /// [`Connection::release_memory`](crate::Connection::release_memory), and at the latest after twice this time. It
    /// ends nothing, and it does not run in a connection without extensions. After it, the first compressed message has
    /// no references to earlier ones, so it is longer. Zero frees the memory after each call that sends or receives.
    pub release_memory: Option<Duration>,
}

impl Timeouts {
    /// No deadlines: the default.
    pub const NONE: Self = Self {
        handshake: None,
        ping_interval: None,
        pong_timeout: None,
        idle: None,
        close: None,
        release_memory: None,
    };

    /// Deadlines for a server on the Internet: 10 s for the opening handshake and 10 s for the closing handshake, a
    /// Ping after 20 s without a byte, and 20 s for its Pong, as in Python's websockets. The memory of extensions is
    /// freed after a minute without a message.
    pub const RECOMMENDED: Self = Self {
        handshake: Some(Duration::from_secs(10)),
        ping_interval: Some(Duration::from_secs(20)),
        pong_timeout: Some(Duration::from_secs(20)),
        idle: None,
        close: Some(Duration::from_secs(10)),
        release_memory: Some(Duration::from_secs(60)),
    };

    /// Sets [`handshake`](Self#structfield.handshake).
    #[must_use]
    pub const fn handshake(mut self, timeout: Option<Duration>) -> Self {
        self.handshake = timeout;
        self
    }

    /// Sets [`ping_interval`](Self#structfield.ping_interval).
    #[must_use]
    pub const fn ping_interval(mut self, interval: Option<Duration>) -> Self {
        self.ping_interval = interval;
        self
    }

    /// Sets [`pong_timeout`](Self#structfield.pong_timeout).
    #[must_use]
    pub const fn pong_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.pong_timeout = timeout;
        self
    }

    /// Sets [`idle`](Self#structfield.idle).
    #[must_use]
    pub const fn idle(mut self, timeout: Option<Duration>) -> Self {
        self.idle = timeout;
        self
    }

    /// Sets [`close`](Self#structfield.close).
    #[must_use]
    pub const fn close(mut self, timeout: Option<Duration>) -> Self {
        self.close = timeout;
        self
    }

    /// Sets [`release_memory`](Self#structfield.release_memory).
    ///
    /// ```
    /// use protocol_websocket_connection::{Config, Timeouts};
    ///
    /// // Each connection keeps its compressor until its end.
    /// let config = Config::new().timeouts(Timeouts::RECOMMENDED.release_memory(None));
    /// # let _ = config;
    /// ```
    #[must_use]
    pub const fn release_memory(mut self, timeout: Option<Duration>) -> Self {
        self.release_memory = timeout;
        self
    }
}

/// Returns the earlier one of two times.
pub(crate) fn earlier(first: Option<Duration>, second: Option<Duration>) -> Option<Duration> {
    [first, second].into_iter().flatten().min()
}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use super::*;

    #[test]
    fn missing_deadlines_are_disabled_when_deserialized() {
        let timeouts: Timeouts = serde_json::from_str(r#"{"close":{"secs":10,"nanos":0}}"#).unwrap();
        assert_eq!(timeouts, Timeouts::NONE.close(Some(Duration::from_secs(10))));
        let text = serde_json::to_string(&Timeouts::RECOMMENDED).unwrap();
        assert_eq!(serde_json::from_str::<Timeouts>(&text).unwrap(), Timeouts::RECOMMENDED);
    }
}

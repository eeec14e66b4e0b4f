//! The end of the stream after the last write.

use std::time::Duration;

use protocol_websocket::Timeout;

use crate::Transport;
use crate::driver::{Driver, WRITE_TIMEOUT, WouldBlock, Written, with_read_buffer};
use crate::timed::Stop;

/// How long a peer may take to end the stream after the last write, if `Timeouts::close` is not set.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);
/// The number of bytes that are read and dropped in this time. The kernels of both ends buffer less.
const MAX_LINGER_BYTES: usize = 16 * 1024 * 1024;

/// The end of the stream after the last write. Closing a socket with unread bytes resets it, and the peer may then lose
/// the last bytes that were written (RFC 9112 §9.6). So the input is read until it ends, for a limited time.
#[derive(Clone, Copy)]
pub(crate) enum End {
    NotBegun,
    ShuttingDown { until: Duration },
    Draining { until: Duration, dropped: usize },
    Done,
}

impl<S: Transport> Driver<S> {
    /// Shuts down the output, then reads and drops input until it ends.
    pub(crate) fn end(&mut self) -> Result<(), WouldBlock> {
        loop {
            match self.end {
                _ if self.failure.is_some() => return Ok(()),
                End::NotBegun => self.end = End::ShuttingDown { until: self.linger_deadline() },
                // A transport with a buffer, such as TLS, waits until the peer reads.
                End::ShuttingDown { until } => match self.write_some() {
                    Written::All => {
                        self.io.shutdown(WRITE_TIMEOUT);
                        let until = self.linger_deadline();
                        let can_drain = self.io.has_deadlines();
                        self.end = if can_drain { End::Draining { until, dropped: 0 } } else { End::Done };
                    }
                    Written::Failed => {}
                    written => {
                        if self.has_passed(until, written == Written::WouldBlock)? {
                            self.has_discarded |= self.needs_flush;
                            self.end = End::Done;
                        }
                    }
                },
                End::Draining { until, dropped } => {
                    let call = self.call_deadline.unwrap_or(until);
                    let wait = Some(until.min(call).saturating_sub(self.now()));
                    let (is_open, would_block) = match with_read_buffer(|buffer| self.io.read(buffer, wait)) {
                        Ok(len) => {
                            self.add_read(len);
                            self.end = End::Draining { until, dropped: dropped.saturating_add(len) };
                            (len > 0 && dropped < MAX_LINGER_BYTES, false)
                        }
                        Err(Stop::Failed(_)) => (false, false),
                        Err(stop) => (true, matches!(stop, Stop::WouldBlock)),
                    };
                    if !is_open || self.has_passed(until, would_block)? {
                        self.end = End::Done;
                    }
                }
                End::Done => {
                    self.needs_flush = false;
                    return Ok(());
                }
            }
        }
    }

    /// Returns whether the time `until` has passed, or an error if the call cannot wait for it.
    fn has_passed(&mut self, until: Duration, would_block: bool) -> Result<bool, WouldBlock> {
        self.seen = self.now();
        match self.seen >= until {
            false if would_block || self.is_late() => Err(WouldBlock),
            has_passed => Ok(has_passed),
        }
    }

    fn linger_deadline(&self) -> Duration {
        let ended = self.session.connection().ended();
        if self.has_discarded || ended.is_some_and(|ended| ended.error == Some(Timeout::Close.into())) {
            // The peer has let this time pass: it did not read, or did not reply to our Close.
            return self.now();
        }
        self.now().saturating_add(self.session.close_timeout().unwrap_or(LINGER_TIMEOUT))
    }
}

//! A transport whose calls wait for a given time.
//!
//! A timeout of a socket is a system call. So the time is rounded down to four significant bits, and set only if it
//! changes: while messages arrive, the next deadline stays about as far away. A call that returns early is repeated by
//! its caller with the rest of the time.

use std::io::{self, ErrorKind, IoSlice};
use std::time::{Duration, Instant};

use protocol_websocket::Session;

use crate::Transport;

/// The maximum number of chunks in a vectored write.
const MAX_CHUNKS: usize = 16;
/// The longest timeout in milliseconds: 12 days.
const MAX_MILLIS: u64 = 1 << 30;

pub(crate) struct Timed<S> {
    io: S,
    read: Armed,
    write: Armed,
    /// The timeouts that the transport had before the first one was set.
    initial: Initial,
}

struct Initial {
    read: Option<Duration>,
    write: Option<Duration>,
}

/// The timeout of a direction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Armed {
    /// No timeout was set.
    Initial,
    /// The caller may have set any timeout since the last one was set.
    Unknown,
    Unsupported,
    Set(Option<Duration>),
}

/// Why a call of the transport has no result.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It waited for about the given time.
    TimedOut,
    /// It does not wait, or for a shorter time of its own.
    WouldBlock,
    Interrupted,
    Failed(io::Error),
}

impl<S> Timed<S> {
    pub(crate) const fn new(io: S) -> Self {
        let initial = Initial { read: None, write: None };
        Self { io, read: Armed::Initial, write: Armed::Initial, initial }
    }

    pub(crate) const fn get_ref(&self) -> &S {
        &self.io
    }

    /// The caller may set timeouts.
    pub(crate) const fn get_mut(&mut self) -> &mut S {
        self.read.forget();
        self.write.forget();
        &mut self.io
    }
}

impl<S: Transport> Timed<S> {
    /// Returns the transport with the timeouts that it had before the first one was set.
    pub(crate) fn into_inner(mut self) -> S {
        // An error means that the stream has ended.
        if self.read.is_set() {
            let _ = self.io.set_read_timeout(self.initial.read);
        }
        if self.write.is_set() {
            let _ = self.io.set_write_timeout(self.initial.write);
        }
        self.io
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8], wait: Option<Duration>) -> Result<usize, Stop> {
        self.arm_read(wait)?;
        self.read.call(|| self.io.read(buffer))
    }

    /// Writes the first of the unsent bytes.
    pub(crate) fn write(&mut self, session: &Session, wait: Option<Duration>) -> Result<usize, Stop> {
        self.arm_write(wait)?;
        self.write.call(|| write_chunks(&mut self.io, session))
    }

    pub(crate) fn flush(&mut self, wait: Option<Duration>) -> Result<(), Stop> {
        self.arm_write(wait)?;
        self.write.call(|| self.io.flush())
    }

    /// Ends the output.
    pub(crate) fn shutdown(&mut self, wait: Duration) {
        // An error means that the peer has ended the stream.
        let _ = self.arm_write(Some(wait));
        let _ = self.io.shutdown_write();
    }

    /// Returns whether reads have timeouts.
    pub(crate) fn has_deadlines(&mut self) -> bool {
        if matches!(self.read, Armed::Initial | Armed::Unknown) {
            // The next read returns the error.
            let _ = self.arm_read(Some(Duration::ZERO));
        }
        self.read != Armed::Unsupported
    }

    fn arm_read(&mut self, wait: Option<Duration>) -> Result<(), Stop> {
        if self.read == Armed::Initial {
            self.initial.read = self.io.read_timeout().unwrap_or_default();
        }
        self.read.arm(wait, |timeout| self.io.set_read_timeout(timeout))
    }

    fn arm_write(&mut self, wait: Option<Duration>) -> Result<(), Stop> {
        if self.write == Armed::Initial {
            self.initial.write = self.io.write_timeout().unwrap_or_default();
        }
        self.write.arm(wait, |timeout| self.io.set_write_timeout(timeout))
    }
}

impl Armed {
    const fn forget(&mut self) {
        if !matches!(self, Self::Initial) {
            *self = Self::Unknown;
        }
    }

    /// Returns whether a timeout was set.
    const fn is_set(self) -> bool {
        matches!(self, Self::Unknown | Self::Set(_))
    }

    fn arm(
        &mut self,
        wait: Option<Duration>,
        set: impl FnOnce(Option<Duration>) -> io::Result<()>,
    ) -> Result<(), Stop> {
        let wanted = Self::Set(wait.map(rounded));
        if *self == Self::Unsupported || *self == wanted {
            return Ok(());
        }
        *self = match set(wait.map(rounded)) {
            Ok(()) => wanted,
            Err(error) if error.kind() == ErrorKind::Unsupported => Self::Unsupported,
            Err(error) => return Err(Stop::Failed(error)),
        };
        Ok(())
    }

    /// Calls the transport.
    fn call<T>(self, call: impl FnOnce() -> io::Result<T>) -> Result<T, Stop> {
        let begin = Instant::now();
        call().map_err(|error| match error.kind() {
            ErrorKind::Interrupted => Stop::Interrupted,
            // On Unix, a timeout of the system is `WouldBlock`, and this one ends a connection that lost its peer.
            ErrorKind::TimedOut if cfg!(unix) && error.raw_os_error().is_some() => Stop::Failed(error),
            ErrorKind::WouldBlock | ErrorKind::TimedOut => match self {
                // The clocks of the process and of the system differ a little.
                Self::Set(Some(timeout)) if begin.elapsed() >= timeout / 2 => Stop::TimedOut,
                _ => Stop::WouldBlock,
            },
            _ => Stop::Failed(error),
        })
    }
}

/// Rounds a time down to four significant bits, and up to a millisecond.
fn rounded(wait: Duration) -> Duration {
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).clamp(1, MAX_MILLIS);
    let insignificant = (u64::BITS - millis.leading_zeros()).saturating_sub(4);
    Duration::from_millis(millis >> insignificant << insignificant)
}

fn write_chunks(io: &mut impl Transport, session: &Session) -> io::Result<usize> {
    let mut chunks = session.unsent_chunks();
    let first = chunks.next().unwrap_or_default();
    let Some(second) = chunks.next() else { return io.write(first) };
    let mut slices = [IoSlice::new(&[]); MAX_CHUNKS];
    let mut count = 0;
    for (slice, chunk) in slices.iter_mut().zip([first, second].into_iter().chain(chunks)) {
        *slice = IoSlice::new(chunk);
        count += 1;
    }
    io.write_vectored(slices.get(..count).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_down_to_four_significant_bits() {
        for (micros, millis) in [
            (0, 1),
            (1, 1),
            (1_999, 1),
            (15_000, 15),
            (16_000, 16),
            (17_999, 16),
            (31_000, 30),
            (20_000_000, 18_432),
            (19_500_000, 18_432),
            (u64::MAX, MAX_MILLIS),
        ] {
            assert_eq!(rounded(Duration::from_micros(micros)), Duration::from_millis(millis), "{micros}");
        }
    }

    #[test]
    fn timeout_is_set_only_if_it_changes() {
        let mut armed = Armed::Initial;
        let mut set = Vec::new();
        for millis in [Some(20_000), Some(19_990), None, None, Some(3), Some(3)] {
            armed
                .arm(millis.map(Duration::from_millis), |timeout| {
                    set.push(timeout);
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(set, [Some(Duration::from_millis(18_432)), None, Some(Duration::from_millis(3))]);
    }

    #[test]
    fn unsupported_timeout_is_not_set_again() {
        let mut armed = Armed::Initial;
        armed.arm(None, |_| Err(ErrorKind::Unsupported.into())).unwrap();
        armed.arm(Some(Duration::MAX), |_| unreachable!()).unwrap();
        assert!(matches!(Armed::Unknown.arm(None, |_| Err(ErrorKind::Other.into())), Err(Stop::Failed(_))));
    }
}

//! A session with its transport and its clock: reads, writes, keeps time, and ends the stream.
//!
//! Std cannot wait for a read and a write at once. So a call waits in a read, until the next deadline, and for a write
//! only a moment: if the peer takes no bytes, the transport is read in between. Otherwise two ends that both write would
//! block each other.
//!
//! No function has state of its own, so each call can be repeated after [`WouldBlock`]. What was read is in the session,
//! and what is to be written stays there until the transport has taken it.
//!
//! A read goes to a buffer of the thread, because a connection that waits needs none: only the bytes that arrived are
//! copied to the session.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use bytes::{BufMut as _, BytesMut};
use protocol_websocket::{Close, CloseCode, Event, SendError, Session, Stats, Timeout};

use crate::ending::End;
use crate::timed::{Stop, Timed};
use crate::{Error, Transport};

/// The size of the read buffer of a thread in bytes.
const READ_SIZE: usize = 64 * 1024;
/// How long a peer may take no bytes until the transport is read, and then how long the transport is read.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_millis(50);
/// How long a read waits while bytes are unsent, and a write while bytes may be there to read.
const POLL_TIMEOUT: Duration = Duration::from_millis(1);
/// The number of reads after a failed write. The kernel buffers less.
const MAX_LAST_READS: usize = 256;

thread_local! {
    static READ_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_SIZE]);
}

pub(crate) struct Driver<S> {
    pub(crate) io: Timed<S>,
    pub(crate) session: Session,
    start: Instant,
    /// The time of the last read, or of the last deadline that was handled. A deadline that is not later is due. A later
    /// one is handled after another read.
    pub(crate) seen: Duration,
    /// How long a call may wait.
    timeout: Option<Duration>,
    /// The time until which the present call may wait.
    pub(crate) call_deadline: Option<Duration>,
    /// The last read had bytes, so that more may have arrived. Then a write waits no longer than a read.
    has_input: bool,
    /// The peer did not take all bytes of the last write. The input is read until this time, while there is some.
    read_until: Duration,
    /// The transport may have buffered bytes that were written to it.
    pub(crate) needs_flush: bool,
    /// The error of the transport.
    pub(crate) failure: Option<io::Error>,
    /// Bytes were discarded because the peer does not read.
    pub(crate) has_discarded: bool,
    pub(crate) end: End,
    /// The number of bytes that were read, including discarded bytes.
    bytes_read: u64,
    bytes_written: u64,
}

/// The transport does not wait, or the time of the call has passed.
pub(crate) struct WouldBlock;

/// The result of a write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    All,
    /// The transport takes no bytes, or not all within a moment.
    Some,
    /// The transport takes no bytes, and does not wait.
    WouldBlock,
    /// The transport failed, and the unsent bytes were discarded.
    Failed,
}

impl<S: Transport> Driver<S> {
    /// Returns the next result of `poll`, which polls an event, or `None` at the end, after the stream was ended, too.
    /// Reads nothing while the peer does not read the replies: see [`Session::wants_read`].
    pub(crate) fn next<T>(&mut self, mut poll: impl FnMut(&mut Session) -> Option<T>) -> Result<Option<T>, WouldBlock> {
        self.begin_call();
        loop {
            if let Some(event) = poll(&mut self.session) {
                return Ok(Some(event));
            }
            // No event is left, so this is one write for all that was sent because of the last read.
            let written = self.write();
            if !self.proceed(written, Session::wants_read)? {
                return Ok(None);
            }
        }
    }

    /// Writes until nothing is unsent or, if `only_to_mark`, not more than the high-water mark. While the peer takes no
    /// bytes, reads the transport until it has a message or another event to return, and keeps it in `next`.
    pub(crate) fn flush(&mut self, next: &mut Option<Event>, only_to_mark: bool) -> Result<(), WouldBlock> {
        self.begin_call();
        let is_done = |driver: &Self| driver.is_written() || only_to_mark && !driver.session.is_over_high_water_mark();
        while !is_done(self) {
            let written = self.write();
            if is_done(self) {
                break;
            }
            while next.is_none() {
                match buffered_event(&mut self.session) {
                    None => break,
                    Some(Event::Ping(_) | Event::Pong(_)) => {}
                    event => *next = event,
                }
            }
            let may_read = if next.is_none() { Session::can_read } else { |_: &Session| false };
            if !self.proceed(written, may_read)? {
                break;
            }
        }
        Ok(())
    }

    /// Reads once, handles a deadline that has passed, or ends the stream. Returns false at the end.
    fn proceed(&mut self, written: Written, may_read: fn(&Session) -> bool) -> Result<bool, WouldBlock> {
        if written == Written::Failed {
            return Ok(true);
        }
        if self.session.ended().is_some() {
            return self.end().map(|()| false);
        }
        // A call reads at least once, because only that moves `seen` beyond its deadline.
        if self.is_late() {
            return Err(WouldBlock);
        }
        // A peer that sends all the time does not move the deadline of a handshake or of a Close.
        if self.is_due() {
            let unsent = self.session.unsent();
            self.session.handle_timeout(self.seen);
            self.has_discarded |= unsent > self.session.unsent();
            return Ok(true);
        }
        let would_block = if may_read(&self.session) {
            let wait = if written == Written::All { self.time_left() } else { Some(POLL_TIMEOUT) };
            self.read(wait).is_err()
        } else {
            // Nothing is read until the peer takes bytes, so the next write waits for that.
            self.has_input = false;
            self.seen = self.now();
            written != Written::Some
        };
        if would_block && !self.is_due() { Err(WouldBlock) } else { Ok(true) }
    }

    /// Writes everything that is unsent, as far as the transport takes it within a moment.
    fn write(&mut self) -> Written {
        if self.has_input && self.seen < self.read_until {
            return Written::Some;
        }
        let written = self.write_some();
        let has_stalled = written == Written::Some;
        self.read_until = if has_stalled { self.now().saturating_add(WRITE_TIMEOUT) } else { Duration::ZERO };
        written
    }

    pub(crate) fn write_some(&mut self) -> Written {
        let timeout = if self.has_input { POLL_TIMEOUT } else { WRITE_TIMEOUT };
        let until = self.now().saturating_add(timeout);
        loop {
            let is_flush = self.session.unsent() == 0;
            if is_flush && !self.needs_flush {
                return Written::All;
            }
            let left = until.saturating_sub(self.now());
            if left.is_zero() && self.io.has_deadlines() {
                return Written::Some;
            }
            let wait = Some(self.time_left().map_or(left, |deadline| deadline.min(left)));
            let written = if is_flush {
                self.io.flush(wait).map(|()| None)
            } else {
                self.io.write(&self.session, wait).map(Some)
            };
            match written {
                Ok(None) => self.needs_flush = false,
                Ok(Some(0)) => return self.fail_write(ErrorKind::WriteZero.into()),
                Ok(Some(len)) => {
                    let now = self.now();
                    self.session.written(len, now);
                    self.bytes_written = self.bytes_written.saturating_add(len as u64);
                    self.needs_flush = true;
                }
                Err(Stop::Interrupted) => {}
                Err(Stop::TimedOut) => return Written::Some,
                Err(Stop::WouldBlock) => return Written::WouldBlock,
                Err(Stop::Failed(error)) => return self.fail_write(error),
            }
        }
    }

    /// Reads once. Bytes may have arrived, the time may have passed, or the stream has ended.
    fn read(&mut self, wait: Option<Duration>) -> Result<(), WouldBlock> {
        match self.read_bytes(wait) {
            Ok(0) => self.session.received_eof(),
            Ok(_) | Err(Stop::Interrupted | Stop::TimedOut) => {}
            Err(Stop::WouldBlock) => return Err(WouldBlock),
            // TLS: the peer ended the stream without a notice. Whether a Close arrived decides if the end was clean.
            Err(Stop::Failed(error)) if error.kind() == ErrorKind::UnexpectedEof => self.session.received_eof(),
            Err(Stop::Failed(error)) => {
                self.fail(error);
            }
        }
        Ok(())
    }

    /// Reads bytes once, and passes them to the session. Returns their number.
    fn read_bytes(&mut self, wait: Option<Duration>) -> Result<usize, Stop> {
        let Self { io, session, .. } = self;
        let read = with_read_buffer(|buffer| {
            // A long payload has memory of its own.
            let payload = session.payload_buffer().map(|payload| payload.remaining_mut());
            let room = payload.unwrap_or(READ_SIZE).min(READ_SIZE);
            let len = io.read(buffer.get_mut(..room).unwrap_or_default(), wait)?;
            let bytes = buffer.get(..len).unwrap_or_default();
            if payload.is_none() {
                session.read_buffer().extend_from_slice(bytes);
            } else if let Some(mut payload) = session.payload_buffer() {
                payload.put_slice(bytes);
            }
            Ok(len)
        });
        self.seen = self.now();
        let len = *read.as_ref().unwrap_or(&0);
        self.add_read(len);
        self.has_input = len > 0;
        if self.has_input {
            self.session.received(self.seen);
        }
        read
    }

    /// Handles a failed write. The peer may have sent messages and a Close before it closed the stream, so the bytes that
    /// have arrived are read first.
    fn fail_write(&mut self, error: io::Error) -> Written {
        let may_read = self.session.can_read() && self.io.has_deadlines();
        for _ in 0..if may_read { MAX_LAST_READS } else { 0 } {
            match self.read_bytes(Some(POLL_TIMEOUT)) {
                Ok(len) if len > 0 => {}
                // TLS: more of a record has arrived, but not all of it.
                Err(Stop::Interrupted) => {}
                _ => break,
            }
        }
        self.fail(error)
    }

    fn fail(&mut self, error: io::Error) -> Written {
        self.failure.get_or_insert(error);
        self.needs_flush = false;
        self.session.transport_failed();
        Written::Failed
    }

    /// Returns whether a deadline of the connection has passed.
    fn is_due(&self) -> bool {
        self.session.poll_timeout().is_some_and(|at| at <= self.seen)
    }
}

impl<S> Driver<S> {
    /// `now` is the time of the session's clock.
    pub(crate) fn new(io: S, mut session: Session, now: Duration) -> Self {
        let present = Instant::now();
        session.started(now);
        Self {
            io: Timed::new(io),
            session,
            start: present.checked_sub(now).unwrap_or(present),
            seen: now,
            timeout: None,
            call_deadline: None,
            has_input: false,
            read_until: Duration::ZERO,
            // Its user before may have written to it.
            needs_flush: true,
            failure: None,
            has_discarded: false,
            end: End::NotBegun,
            bytes_read: 0,
            bytes_written: 0,
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stats = self.session.stats();
        (stats.bytes_read, stats.bytes_written) = (self.bytes_read, self.bytes_written);
        // The age of a session ends with its last call that has a time.
        stats.age = stats.age.saturating_add(self.now().saturating_sub(self.session.now()));
        stats
    }

    pub(crate) const fn add_read(&mut self, len: usize) {
        self.bytes_read = self.bytes_read.saturating_add(len as u64);
    }

    /// Sets how long each call may wait.
    pub(crate) const fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Sets whether the stream is ended after the last write.
    #[cfg(feature = "client")]
    pub(crate) const fn set_linger(&mut self, linger: bool) {
        self.end = if linger { End::NotBegun } else { End::Done };
    }

    fn begin_call(&mut self) {
        self.call_deadline = self.timeout.map(|timeout| self.now().saturating_add(timeout));
    }

    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Returns whether the time of the call has passed.
    pub(crate) fn is_late(&self) -> bool {
        self.call_deadline.is_some_and(|at| at <= self.seen)
    }

    /// Returns the time until the next deadline.
    fn time_left(&self) -> Option<Duration> {
        let deadline = match (self.session.poll_timeout(), self.call_deadline) {
            (Some(connection), Some(call)) => Some(connection.min(call)),
            (connection, call) => connection.or(call),
        };
        deadline.map(|at| at.saturating_sub(self.now()))
    }

    /// Queues a Close, with 1000 if `close` cannot be sent. It has no effect if a Close was sent before.
    pub(crate) fn queue_close(&mut self, close: Option<Close>) {
        if let Err(SendError::Encode(_)) = self.session.close(close) {
            let _ = self.session.close(CloseCode::NORMAL);
        }
    }

    /// Returns whether the transport has taken everything.
    fn is_written(&self) -> bool {
        self.session.unsent() == 0 && !self.needs_flush
    }

    /// Returns the error because of which unsent bytes were discarded.
    pub(crate) fn write_error(&self) -> Option<Error> {
        match &self.failure {
            Some(error) => Some(Error::Io(copy(error))),
            None => self.has_discarded.then(|| Error::Connection(Timeout::Close.into())),
        }
    }

    /// Returns the error that ended the connection. A failure of the transport after the peer's Close, such as of the
    /// write of the reply, is not one.
    pub(crate) fn error(&self) -> Option<Error> {
        let ended = self.session.connection().ended()?;
        match &self.failure {
            _ if ended.code != CloseCode::ABNORMAL => None,
            Some(error) => Some(Error::Io(copy(error))),
            None => ended.error.map(Error::Connection),
        }
    }
}

/// Returns the next event of the bytes that were read.
pub(crate) fn buffered_event(session: &mut Session) -> Option<Event> {
    let event = session.poll_event()?;
    // An empty buffer would keep the memory of the last message while the program handles it.
    let input = session.read_buffer();
    if input.is_empty() {
        *input = BytesMut::new();
    }
    Some(event)
}

/// Passes the read buffer of the thread to `read`.
pub(crate) fn with_read_buffer<T>(read: impl FnOnce(&mut [u8]) -> T) -> T {
    READ_BUFFER.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) => read(&mut buffer),
        // The transport is a WebSocket, too, and its read uses the buffer of the thread.
        Err(_) => read(&mut vec![0; READ_SIZE]),
    })
}

/// Copies an error, which is not `Clone`.
fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

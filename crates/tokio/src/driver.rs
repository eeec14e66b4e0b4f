//! A session with the clock of the runtime: reads, writes and waits. [`Ending`] ends the stream.
//!
//! Every function is a poll without state of its own, so a future that calls it can be dropped at any time. What was
//! read is in the session, and what is to be written stays there until the transport has taken it.
//!
//! A read goes to a buffer of the thread, and the first event is decoded there. Only bytes after that event are copied to
//! the session. After a read that filled that buffer, owned messages are read into memory of the session, which they share.
//! A long payload is read into its own memory.

use std::future::Future as _;
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use protocol_websocket::bytes::{BufMut as _, BytesMut};
use protocol_websocket::{Close, CloseCode, Event, SendError, Session, State, Stats, Timeout};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::task::{consume_budget, yield_now};
use tokio::time::Instant;

use crate::Error;
use crate::ending::Ending;
use crate::take::{Owned, Take};
use crate::timer::Timer;
use crate::transport::{READ_SIZE, poll_read_with, poll_write_chunks};
use crate::watched::Watch;

/// The number of reads after a failed write. The kernel buffers less.
const MAX_LAST_READS: usize = 256;

/// The number of events for which a unit of the task's budget is spent. The transport spends at most one unit for a read,
/// and a read of 64 KiB can have 32,768 messages.
pub(crate) const EVENTS_PER_UNIT: u8 = 32;

/// A connection without its transport, which the caller passes to each poll.
pub(crate) struct Driver {
    pub(crate) session: Session,
    start: Instant,
    /// The time of the last read, or of the last deadline that was handled. A deadline that is not later is due. A later
    /// one is handled after another read.
    seen: Duration,
    /// No deadline is due at the time `seen`.
    is_checked: bool,
    timer: Timer,
    /// A deadline has passed. The transport is read once more before it is handled.
    has_yielded: bool,
    /// The transport may have buffered bytes that were written to it.
    pub(crate) needs_flush: bool,
    /// The error of the transport.
    pub(crate) failure: Option<io::Error>,
    /// Bytes were discarded because the peer does not read.
    pub(crate) has_discarded: bool,
    pub(crate) ending: Ending,
    /// The number of bytes that were read, including discarded bytes.
    pub(crate) bytes_read: u64,
    pub(crate) bytes_written: u64,
    /// The number of polls since a unit of the budget was spent.
    polls: u8,
    /// The last read went to a buffer and filled it, so the peer sends much.
    was_full: bool,
    pub(crate) watch: Watch,
}

impl Driver {
    /// `now` is the time of the session's clock.
    pub(crate) fn new(mut session: Session, now: Duration) -> Self {
        let present = Instant::now();
        session.started(now);
        Self {
            session,
            start: present.checked_sub(now).unwrap_or(present),
            seen: now,
            is_checked: false,
            timer: Timer::default(),
            has_yielded: false,
            // Its user before may have written to it.
            needs_flush: true,
            failure: None,
            has_discarded: false,
            ending: Ending::default(),
            bytes_read: 0,
            bytes_written: 0,
            polls: 0,
            was_full: false,
            watch: Watch::default(),
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
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

    /// Returns the next event, or `None` at the end, after the stream was ended, too. Reads, writes and keeps time. Reads
    /// nothing while the peer does not read the replies: see [`Session::wants_read`].
    pub(crate) fn poll_event<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        io: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<Option<Event>> {
        self.poll_event_with(io, &mut Owned, Session::wants_read, context)
    }

    /// As [`poll_event`](Self::poll_event), but `take` takes the event, and the transport is read while `may_read` returns
    /// true. A program that waits for its own write and takes only one event also reads under backpressure.
    pub(crate) fn poll_event_with<S: AsyncRead + AsyncWrite + Unpin, T: Take>(
        &mut self,
        io: &mut S,
        take: &mut T,
        may_read: impl Fn(&Session) -> bool,
        context: &mut Context<'_>,
    ) -> Poll<Option<T::Output>> {
        loop {
            if let Some(event) = ready!(self.poll_buffered(take, context)) {
                return Poll::Ready(Some(event));
            }
            if let Some(close) = self.watch.poll_close(context) {
                self.queue_close(Some(close));
            }
            // No event is left, so this is one write for all that was sent because of the last read.
            let had_failed = self.failure.is_some();
            let _ = self.poll_write(io, context);
            if self.failure.is_some() && !had_failed {
                continue;
            }
            if self.session.ended().is_some() {
                self.watch.note_ended(self.session.connection().ended());
                ready!(self.poll_end(io, context));
                self.watch.finish();
                return Poll::Ready(None);
            }
            // A peer that sends all the time does not move the deadline of a handshake or of a Close.
            let is_due = !self.is_checked && self.session.poll_timeout().is_some_and(|at| at <= self.seen);
            self.is_checked = true;
            if may_read(&self.session)
                && !is_due
                && let Poll::Ready(event) = self.poll_read(io, take, context)
            {
                if event.is_some() {
                    return Poll::Ready(event);
                }
                continue;
            }
            ready!(self.poll_timer(context));
        }
    }

    /// Returns the next event of the bytes that the session keeps. Now and then it is pending, so that buffered messages do
    /// not starve other tasks.
    pub(crate) fn poll_buffered<T: Take>(
        &mut self,
        take: &mut T,
        context: &mut Context<'_>,
    ) -> Poll<Option<T::Output>> {
        if self.polls >= EVENTS_PER_UNIT {
            ready!(pin!(consume_budget()).poll(context));
            self.polls = 0;
        }
        self.polls += 1;
        Poll::Ready(take.buffered(&mut self.session))
    }

    /// Writes everything that is unsent. Ready if nothing is left, also because the transport failed.
    pub(crate) fn poll_write<S>(&mut self, io: &mut S, context: &mut Context<'_>) -> Poll<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            if self.session.unsent() == 0 {
                if self.needs_flush {
                    match ready!(Pin::new(&mut *io).poll_flush(context)) {
                        Ok(()) => {}
                        Err(error) => self.fail_write(io, error, context),
                    }
                    self.needs_flush = false;
                }
                return Poll::Ready(());
            }
            match ready!(poll_write_chunks(io, &self.session, context)) {
                Ok(0) => self.fail_write(io, ErrorKind::WriteZero.into(), context),
                Ok(written) => {
                    let now = self.now();
                    self.session.written(written, now);
                    self.bytes_written = self.bytes_written.saturating_add(written as u64);
                    self.needs_flush = true;
                }
                Err(error) => self.fail_write(io, error, context),
            }
        }
    }

    /// Reads once. Returns the first event of the bytes.
    fn poll_read<S: AsyncRead + Unpin, T: Take>(
        &mut self,
        io: &mut S,
        take: &mut T,
        context: &mut Context<'_>,
    ) -> Poll<Option<T::Output>> {
        let into_payload = self.session.payload_buffer().map(|mut payload| {
            // The future of a read has no state.
            pin!(io.read_buf(&mut payload)).poll(context)
        });
        let (was_full, is_direct) = (std::mem::take(&mut self.was_full), into_payload.is_some());
        let read = match into_payload {
            Some(read) => read.map_ok(|len| {
                if len > 0 {
                    self.note_read();
                }
                (len, None)
            }),
            None if was_full && T::SHARES_MEMORY => self.poll_read_shared(io, take, context),
            None => poll_read_with(io, context, |bytes| {
                if bytes.is_empty() {
                    return None;
                }
                (self.seen, self.is_checked) = (self.now(), false);
                self.session.receive_with(bytes, self.seen, |event, outbox| take.lent(event, outbox))
            }),
        };
        let event = match ready!(read) {
            Ok((0, _)) => {
                self.session.received_eof();
                None
            }
            Ok((len, event)) => {
                self.add_read(len);
                self.was_full = !is_direct && len == READ_SIZE;
                event
            }
            // TLS: the peer ended the stream without a notice. Whether a Close arrived decides if the end was clean.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                self.session.received_eof();
                None
            }
            Err(error) => {
                self.fail(error);
                None
            }
        };
        self.has_yielded = false;
        Poll::Ready(event)
    }

    /// Reads once into memory of the session. Returns the first event of the bytes.
    fn poll_read_shared<S: AsyncRead + Unpin, T: Take>(
        &mut self,
        io: &mut S,
        take: &mut T,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(usize, Option<T::Output>)>> {
        let input = self.session.read_buffer();
        input.reserve(READ_SIZE);
        let read = pin!(io.read_buf(&mut (&mut *input).limit(READ_SIZE))).poll(context);
        // A connection that waits keeps no buffer. Messages share memory of at most twice the length of their read.
        if input.len() < READ_SIZE / 2 {
            *input = BytesMut::from(&input[..]);
        }
        read.map_ok(|len| {
            if len == 0 {
                return (0, None);
            }
            self.note_read();
            (len, take.buffered(&mut self.session))
        })
    }

    /// Notes a read into memory of the session.
    fn note_read(&mut self) {
        (self.seen, self.is_checked) = (self.now(), false);
        self.session.received(self.seen);
    }

    /// Handles a failed write. The peer may have sent messages and a Close before it closed the stream, so the bytes that
    /// have arrived are read first.
    fn fail_write<S: AsyncRead + Unpin>(&mut self, io: &mut S, error: io::Error, context: &mut Context<'_>) {
        for _ in 0..MAX_LAST_READS {
            let input = self.session.read_buffer();
            match poll_read_with(io, context, |bytes| input.extend_from_slice(bytes)) {
                Poll::Ready(Ok((len @ 1.., ()))) => self.add_read(len),
                _ => break,
            }
            self.seen = self.now();
            self.session.received(self.seen);
        }
        self.fail(error);
    }

    fn fail(&mut self, error: io::Error) {
        self.failure.get_or_insert(error);
        self.needs_flush = false;
        self.session.transport_failed();
    }

    /// Waits for the next deadline, and handles it.
    pub(crate) fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.session.poll_timeout() else { return Poll::Pending };
        // Otherwise a deadline starts, which needs no wait.
        if at > self.seen {
            ready!(self.poll_deadline(at, context));
            if !self.has_yielded {
                // If the process was stopped for a while, bytes may have arrived before the deadline that the runtime
                // has not seen yet. It looks during a yield.
                self.has_yielded = true;
                let _ = pin!(yield_now()).poll(context);
                return Poll::Pending;
            }
        }
        self.has_yielded = false;
        (self.seen, self.is_checked) = (self.now(), false);
        let unsent = self.session.unsent();
        self.session.handle_timeout(self.seen);
        self.has_discarded |= unsent > self.session.unsent();
        Poll::Ready(())
    }

    /// Waits for a drain or a deadline, and handles it, while an event waits and nothing is read. The time without an
    /// arrival then says nothing about the peer, so an open connection with `Timeouts::idle` waits without a deadline.
    pub(crate) fn poll_without_read(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(close) = self.watch.poll_close(context) {
            self.queue_close(Some(close));
            return Poll::Ready(());
        }
        if self.session.connection().state() == State::Open && self.session.idle_timeout().is_some() {
            return Poll::Pending;
        }
        self.poll_timer(context)
    }

    /// Handles a deadline that passed while the connection was not polled.
    #[cfg(feature = "server")]
    pub(crate) fn handle_late_timeout(&mut self) {
        let now = self.now();
        if self.session.poll_timeout().is_some_and(|at| at <= now) {
            self.seen = now;
            self.session.handle_timeout(now);
        }
    }

    pub(crate) fn poll_deadline(&mut self, at: Duration, context: &mut Context<'_>) -> Poll<()> {
        match self.start.checked_add(at) {
            Some(deadline) => self.timer.poll(deadline, context),
            None => Poll::Pending,
        }
    }

    /// Returns whether a task that waits in [`poll_event`](Self::poll_event) has to call it again: the connection has
    /// ended, or its next deadline is earlier than the one for which that task waits.
    pub(crate) fn has_news(&self) -> bool {
        let is_earlier = |at: Duration| {
            let armed = self.timer.deadline();
            self.start.checked_add(at).is_some_and(|at| armed.is_none_or(|armed| at < armed))
        };
        self.failure.is_some()
            || self.session.connection().ended().is_some()
            || self.session.poll_timeout().is_some_and(is_earlier)
    }

    /// Queues a Close, with 1000 if `close` cannot be sent. It has no effect if a Close was sent before.
    pub(crate) fn queue_close(&mut self, close: Option<Close>) {
        if let Err(SendError::Encode(_)) = self.session.close(close) {
            let _ = self.session.close(CloseCode::NORMAL);
        }
    }

    /// Returns whether a flush of the transport is in progress, after which everything is written.
    pub(crate) fn is_flushing(&self) -> bool {
        self.needs_flush && self.session.unsent() == 0
    }

    /// Returns whether the transport has taken everything.
    pub(crate) fn is_written(&self) -> bool {
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

/// Copies an error, which is not `Clone`.
fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

//! A session with its transport and its clock: reads, writes, waits, and ends the stream.
//!
//! Every function is a poll without state of its own, so a future that calls it can be dropped at any time. What was
//! read is in the session, and what is to be written stays there until the transport has taken it.
//!
//! A read goes to a buffer of the thread, because a connection that waits needs none: only the bytes that arrived are
//! copied to the session. A long payload is read into its own memory.

use std::cell::RefCell;
use std::future::Future as _;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use protocol_websocket::{Close, CloseCode, Event, SendError, Session, Timeout};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::task::yield_now;
use tokio::time::Instant;

use crate::Error;
use crate::timer::Timer;
use crate::watched::Watch;

/// The size of the read buffer of a thread in bytes.
const READ_SIZE: usize = 64 * 1024;
/// The maximum number of chunks in a vectored write.
const MAX_CHUNKS: usize = 16;
/// How long a peer may take to end the stream after the last write, if `Timeouts::close` is not set.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);
/// The number of bytes that are read and dropped in this time. The kernels of both ends buffer less.
const MAX_LINGER_BYTES: usize = 16 * 1024 * 1024;

thread_local! {
    static READ_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_SIZE]);
}

pub(crate) struct Driver<S> {
    pub(crate) io: S,
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
    needs_flush: bool,
    /// The error of the transport.
    failure: Option<io::Error>,
    /// Bytes were discarded because the peer does not read.
    has_discarded: bool,
    end: End,
    /// The number of bytes that the transport has taken.
    pub(crate) written: u64,
    pub(crate) watch: Watch,
}

/// The end of the stream after the last write. Closing a socket with unread bytes resets it, and the peer may then lose
/// the last bytes that were written (RFC 9112 §9.6). So the input is read until it ends, for a limited time.
#[derive(Clone, Copy, Debug)]
enum End {
    NotBegun,
    ShuttingDown { until: Duration },
    Draining { until: Duration, dropped: usize },
    Done,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    /// `now` is the time of the session's clock.
    pub(crate) fn new(io: S, session: Session, now: Duration) -> Self {
        let present = Instant::now();
        Self {
            io,
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
            end: End::NotBegun,
            written: 0,
            watch: Watch::default(),
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Returns the next event of the bytes that were read.
    pub(crate) fn buffered_event(&mut self) -> Option<Event> {
        let event = self.session.poll_event()?;
        // An empty buffer would keep the memory of the last message while the program handles it.
        let input = self.session.read_buffer();
        if input.is_empty() {
            *input = BytesMut::new();
        }
        Some(event)
    }

    /// Returns the next event, or `None` at the end, after the stream was ended, too. Reads, writes and keeps time. Reads
    /// nothing under backpressure.
    pub(crate) fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_event_if(Session::wants_read, context)
    }

    /// As [`poll_event`](Self::poll_event), but also reads under backpressure, for a program that waits for its own
    /// write and takes only one event.
    pub(crate) fn poll_event_while_writing(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_event_if(Session::can_read, context)
    }

    fn poll_event_if(&mut self, may_read: impl Fn(&Session) -> bool, context: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            if let Some(event) = self.buffered_event() {
                return Poll::Ready(Some(event));
            }
            if let Some(close) = self.watch.poll_close(context) {
                self.queue_close(Some(close));
            }
            // No event is left, so this is one write for all that was sent because of the last read.
            let had_failed = self.failure.is_some();
            let _ = self.poll_write(context);
            if self.failure.is_some() && !had_failed {
                continue;
            }
            if self.session.ended().is_some() {
                self.watch.note_ended(self.session.connection().ended());
                ready!(self.poll_end(context));
                self.watch.finish();
                return Poll::Ready(None);
            }
            // A peer that sends all the time does not move the deadline of a handshake or of a Close.
            let is_due = !self.is_checked && self.session.poll_timeout().is_some_and(|at| at <= self.seen);
            self.is_checked = true;
            if may_read(&self.session) && !is_due && self.poll_read(context).is_ready() {
                continue;
            }
            ready!(self.poll_timer(context));
        }
    }

    /// Writes everything that is unsent. Ready if nothing is left, also because the transport failed.
    pub(crate) fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.session.unsent() == 0 {
                if self.needs_flush {
                    match ready!(Pin::new(&mut self.io).poll_flush(context)) {
                        Ok(()) => {}
                        Err(error) => self.fail(error),
                    }
                    self.needs_flush = false;
                }
                return Poll::Ready(());
            }
            match ready!(poll_write_chunks(&mut self.io, &self.session, context)) {
                Ok(0) => self.fail(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    let now = self.now();
                    self.session.written(written, now);
                    self.written = self.written.saturating_add(written as u64);
                    self.needs_flush = true;
                }
                Err(error) => self.fail(error),
            }
        }
    }

    /// Reads once.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let into_payload = self.session.payload_buffer().map(|mut payload| {
            // The future of a read has no state.
            pin!(self.io.read_buf(&mut payload)).poll(context)
        });
        let read = into_payload.unwrap_or_else(|| {
            poll_read_with(&mut self.io, context, |bytes| self.session.read_buffer().extend_from_slice(bytes))
        });
        match ready!(read) {
            Ok(0) => self.session.received_eof(),
            Ok(_) => {
                (self.seen, self.is_checked) = (self.now(), false);
                self.session.received(self.seen);
            }
            // TLS: the peer ended the stream without a notice. Whether a Close arrived decides if the end was clean.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => self.session.received_eof(),
            Err(error) => self.fail(error),
        }
        self.has_yielded = false;
        Poll::Ready(())
    }

    fn fail(&mut self, error: io::Error) {
        self.failure.get_or_insert(error);
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

    /// Shuts down the output, then reads and drops input until it ends.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.end {
                _ if self.failure.is_some() => return Poll::Ready(()),
                End::NotBegun => self.end = End::ShuttingDown { until: self.linger_deadline() },
                // A transport with a buffer, such as TLS, waits until the peer reads.
                &mut End::ShuttingDown { until } => match self.poll_shutdown(context) {
                    Poll::Ready(()) => self.end = End::Draining { until: self.linger_deadline(), dropped: 0 },
                    Poll::Pending => {
                        ready!(self.poll_deadline(until, context));
                        self.has_discarded |= self.needs_flush;
                        self.end = End::Done;
                    }
                },
                End::Draining { until, dropped } => match poll_read_with(&mut self.io, context, |_| {}) {
                    Poll::Ready(Ok(len)) if len > 0 && *dropped < MAX_LINGER_BYTES => *dropped += len,
                    Poll::Ready(_) => self.end = End::Done,
                    Poll::Pending => {
                        let until = *until;
                        ready!(self.poll_deadline(until, context));
                        self.end = End::Done;
                    }
                },
                End::Done => {
                    self.needs_flush = false;
                    return Poll::Ready(());
                }
            }
        }
    }

    fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<()> {
        ready!(self.poll_write(context));
        if self.failure.is_none() {
            // An error means that the peer has ended the stream.
            let _ = ready!(Pin::new(&mut self.io).poll_shutdown(context));
        }
        Poll::Ready(())
    }

    fn linger_deadline(&self) -> Duration {
        self.now().saturating_add(self.session.close_timeout().unwrap_or(LINGER_TIMEOUT))
    }

    fn poll_deadline(&mut self, at: Duration, context: &mut Context<'_>) -> Poll<()> {
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

impl<S> Driver<S> {
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
}

impl<S: Send + 'static> Driver<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// Erases the type of the transport.
    pub(crate) fn boxed(self) -> Driver<BoxedTransport> {
        let Self {
            io,
            session,
            start,
            seen,
            is_checked,
            timer,
            has_yielded,
            needs_flush,
            failure,
            has_discarded,
            end,
            written,
            watch,
        } = self;
        let io: BoxedTransport = Box::new(io);
        Driver {
            io,
            session,
            start,
            seen,
            is_checked,
            timer,
            has_yielded,
            needs_flush,
            failure,
            has_discarded,
            end,
            written,
            watch,
        }
    }
}

/// A transport of any type.
pub(crate) type BoxedTransport = Box<dyn Transport>;

pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Transport for S {}

/// Writes the first chunks to the transport.
fn poll_write_chunks<S: AsyncWrite + Unpin>(
    io: &mut S,
    session: &Session,
    context: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut chunks = session.unsent_chunks();
    let first = chunks.next().unwrap_or_default();
    if !io.is_write_vectored() {
        return Pin::new(io).poll_write(context, first);
    }
    let Some(second) = chunks.next() else { return Pin::new(io).poll_write(context, first) };
    let mut slices = [IoSlice::new(&[]); MAX_CHUNKS];
    let mut count = 0;
    for (slice, chunk) in slices.iter_mut().zip([first, second].into_iter().chain(chunks)) {
        *slice = IoSlice::new(chunk);
        count += 1;
    }
    Pin::new(io).poll_write_vectored(context, slices.get(..count).unwrap_or_default())
}

/// Reads into the buffer of the thread, and passes the bytes to `take`. Returns their number.
fn poll_read_with<S: AsyncRead + Unpin>(
    io: &mut S,
    context: &mut Context<'_>,
    take: impl FnOnce(&[u8]),
) -> Poll<io::Result<usize>> {
    let read = |buffer: &mut [u8]| {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(io).poll_read(context, &mut buffer))?;
        take(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    };
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

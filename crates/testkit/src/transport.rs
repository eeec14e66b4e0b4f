//! A pair of transports in memory: two pipes, one for each direction.
//!
//! A pipe has a lock and the wakers of its two ends. An end with a [`Schedule`] takes a step from it before each read and
//! each write, and waits by the clock of the runtime. An end with a write buffer passes bytes to the pipe when it is flushed.

use std::fmt;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::{Schedule, Step};

/// One end of a connection in memory, in place of a socket. Pass it to the server or the client under test.
///
/// Each direction has a capacity, and a write to a full direction waits, as with a socket. So backpressure can be tested.
/// The directions are independent: [`shutdown`](tokio::io::AsyncWriteExt::shutdown) ends one of them. Dropping an end closes
/// both: the other end reads the remaining bytes and then the end, and its writes fail with [`ErrorKind::BrokenPipe`].
///
/// ```
/// use protocol_websocket_testkit::{Transport, run};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # fn main() -> std::io::Result<()> {
/// run(async {
///     let (mut near, mut far) = Transport::pair(5);
///     near.write_all(b"bytes").await?;
///     assert_eq!(far.unread(), 5);
///     near.shutdown().await?;
///     let mut received = Vec::new();
///     far.read_to_end(&mut received).await?;
///     assert_eq!(received, b"bytes");
///     Ok(())
/// })
/// # }
/// ```
pub struct Transport {
    incoming: Arc<Mutex<Pipe>>,
    outgoing: Arc<Mutex<Pipe>>,
    read_pace: Option<Pace>,
    write_pace: Option<Pace>,
    /// The bytes that were written and not flushed, and the number of bytes at which they are flushed without a call.
    buffered: BytesMut,
    buffer_len: usize,
}

/// A direction.
#[derive(Debug)]
struct Pipe {
    bytes: BytesMut,
    capacity: usize,
    /// The writer has ended it.
    has_ended: bool,
    /// The reader was dropped.
    is_closed: bool,
    error: Option<ErrorKind>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// The schedule of a direction, and its current wait.
#[derive(Debug)]
struct Pace {
    schedule: Schedule,
    wait: Option<Pin<Box<Sleep>>>,
}

impl Transport {
    /// Creates both ends of a connection. Each direction buffers at most `capacity` bytes, and at least 1.
    #[must_use]
    pub fn pair(capacity: usize) -> (Self, Self) {
        let pipe = || Arc::new(Mutex::new(Pipe::new(capacity.max(1))));
        let (there, back) = (pipe(), pipe());
        (Self::new(Arc::clone(&back), Arc::clone(&there)), Self::new(there, back))
    }

    fn new(incoming: Arc<Mutex<Pipe>>, outgoing: Arc<Mutex<Pipe>>) -> Self {
        Self { incoming, outgoing, read_pace: None, write_pace: None, buffered: BytesMut::new(), buffer_len: 0 }
    }

    /// Splits and delays the reads and the writes of this end by a schedule, which may also have a fault.
    ///
    /// A fault applies to each direction: with `schedule.ends_after(10)`, reads return the end after 10 bytes, and writes fail
    /// after 10 bytes. Waits need a runtime with a timer.
    #[must_use]
    pub fn with_schedule(mut self, mut schedule: Schedule) -> Self {
        let writes = schedule.other_choices();
        self.read_pace = Some(Pace { schedule, wait: None });
        self.write_pace = Some(Pace { schedule: writes, wait: None });
        self
    }

    /// Buffers up to `len` written bytes until a flush, as TLS does. A program that does not flush then waits for ever.
    #[must_use]
    pub fn with_write_buffer(mut self, len: usize) -> Self {
        self.buffer_len = len;
        self
    }

    /// Returns the number of bytes that the other end has written and this end has not read.
    #[must_use]
    pub fn unread(&self) -> usize {
        lock(&self.incoming).bytes.len()
    }

    /// Resets the connection: buffered bytes are lost, and each further read and write of both ends fails with
    /// [`ErrorKind::ConnectionReset`].
    pub fn reset(&self) {
        lock(&self.incoming).fail(ErrorKind::ConnectionReset);
        lock(&self.outgoing).fail(ErrorKind::ConnectionReset);
    }

    /// Takes a step of the schedule, if there is one. Returns the number of bytes that may be transferred, or how the
    /// transport has ended.
    fn poll_step(&mut self, is_read: bool, available: usize, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let pace = if is_read { &mut self.read_pace } else { &mut self.write_pace };
        let Some(pace) = pace else { return Poll::Ready(Ok(available)) };
        match ready!(pace.poll_step(available, context)) {
            Step::Fail(error) => {
                lock(&self.incoming).fail(error);
                lock(&self.outgoing).fail(error);
                Poll::Ready(Err(error.into()))
            }
            Step::End if is_read => {
                lock(&self.incoming).close();
                Poll::Ready(Ok(0))
            }
            Step::End => {
                lock(&self.outgoing).end();
                Poll::Ready(Err(ErrorKind::BrokenPipe.into()))
            }
            Step::Transfer(len) => Poll::Ready(Ok(len)),
            // `Pace` does not return a wait.
            Step::Wait(_) => Poll::Pending,
        }
    }

    fn write(&mut self, slices: &[IoSlice<'_>], context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let total = slices.iter().map(|slice| slice.len()).sum::<usize>();
        if self.buffered.len() >= self.buffer_len.max(1) {
            ready!(self.flush(context))?;
        }
        let room = if self.buffer_len > 0 {
            lock(&self.outgoing).check_write()?;
            self.buffer_len - self.buffered.len()
        } else {
            ready!(lock(&self.outgoing).poll_room(context))?
        };
        let mut left = match total {
            0 => return Poll::Ready(Ok(0)),
            _ => ready!(self.poll_step(false, total.min(room), context))?,
        };
        let mut outgoing = lock(&self.outgoing);
        let target = if self.buffer_len > 0 { &mut self.buffered } else { &mut outgoing.bytes };
        let mut written = 0;
        for slice in slices {
            let len = slice.len().min(left);
            target.extend_from_slice(slice.get(..len).unwrap_or_default());
            (left, written) = (left - len, written + len);
        }
        if self.buffer_len == 0 {
            outgoing.wake_reader();
        }
        Poll::Ready(Ok(written))
    }

    /// Moves the buffered bytes to the pipe. Pending if some of them do not fit.
    fn flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.buffered.is_empty() {
            let mut outgoing = lock(&self.outgoing);
            let room = ready!(outgoing.poll_room(context))?;
            let len = room.min(self.buffered.len());
            let bytes = self.buffered.split_to(len);
            outgoing.bytes.extend_from_slice(&bytes);
            outgoing.wake_reader();
        }
        Poll::Ready(Ok(()))
    }
}

impl Pace {
    /// Returns the next step, after its waits, if bytes are available.
    fn poll_step(&mut self, available: usize, context: &mut Context<'_>) -> Poll<Step> {
        loop {
            if let Some(wait) = &mut self.wait {
                ready!(wait.as_mut().poll(context));
                self.wait = None;
            }
            match self.schedule.step(available) {
                Step::Wait(time) if time.is_zero() => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Step::Wait(time) => self.wait = Some(Box::pin(sleep(time))),
                step => return Poll::Ready(step),
            }
        }
    }
}

impl Pipe {
    fn new(capacity: usize) -> Self {
        let bytes = BytesMut::new();
        Self { bytes, capacity, has_ended: false, is_closed: false, error: None, reader: None, writer: None }
    }

    fn wake_reader(&mut self) {
        self.reader.take().into_iter().for_each(Waker::wake);
    }

    fn wake_writer(&mut self) {
        self.writer.take().into_iter().for_each(Waker::wake);
    }

    /// No more bytes are written.
    fn end(&mut self) {
        self.has_ended = true;
        self.wake_reader();
    }

    /// No more bytes are read.
    fn close(&mut self) {
        self.is_closed = true;
        self.has_ended = true;
        self.bytes.clear();
        self.wake_writer();
    }

    fn fail(&mut self, error: ErrorKind) {
        self.error.get_or_insert(error);
        self.bytes.clear();
        self.wake_reader();
        self.wake_writer();
    }

    fn check_write(&self) -> io::Result<()> {
        match self.error {
            Some(error) => Err(error.into()),
            None if self.is_closed || self.has_ended => Err(ErrorKind::BrokenPipe.into()),
            None => Ok(()),
        }
    }

    /// Returns the number of bytes that fit. Pending if it is 0.
    fn poll_room(&mut self, context: &Context<'_>) -> Poll<io::Result<usize>> {
        self.check_write()?;
        let room = self.capacity - self.bytes.len();
        if room == 0 {
            self.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(room))
    }

    /// Returns the number of bytes to read, or 0 at the end. Pending until the other end has written bytes.
    fn poll_available(&mut self, context: &Context<'_>) -> Poll<io::Result<usize>> {
        if let Some(error) = self.error {
            return Poll::Ready(Err(error.into()));
        }
        if self.bytes.is_empty() && !self.has_ended {
            self.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(self.bytes.len()))
    }
}

/// Ignores poisoning, because a test that panicked inside the lock drops its transports afterwards.
fn lock(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let is_over = self.read_pace.as_ref().is_some_and(|pace| pace.schedule.is_over());
        let available = lock(&self.incoming).poll_available(context)?;
        let available = match available {
            Poll::Ready(available) => available.min(buffer.remaining()),
            Poll::Pending if is_over => 0,
            Poll::Pending => {
                // A wakeup without bytes, as a runtime may have.
                if self.read_pace.as_mut().is_some_and(|pace| pace.schedule.one_in(16)) {
                    context.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
        };
        if available > 0 || is_over {
            let len = ready!(self.poll_step(true, available, context))?;
            let mut incoming = lock(&self.incoming);
            buffer.put_slice(incoming.bytes.get(..len).unwrap_or_default());
            let len = len.min(incoming.bytes.len());
            incoming.bytes.advance(len);
            incoming.wake_writer();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.write(&[IoSlice::new(bytes)], context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(slices, context)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.flush(context))?;
        lock(&self.outgoing).end();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        lock(&self.outgoing).end();
        lock(&self.incoming).close();
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("unread", &self.unread()).finish_non_exhaustive()
    }
}

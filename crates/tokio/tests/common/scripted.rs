//! The transport that follows a script.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// An operation of a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Read = 0,
    Write = 1,
    Flush = 2,
    Shutdown = 3,
}

impl Op {
    pub(crate) const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Flush, Self::Shutdown];
}

/// How a transport behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    /// The maximum number of bytes of a read and of a write.
    pub(crate) max_len: usize,
    /// Each operation is pending once before it is done, and wakes at once.
    pub(crate) is_pending_between: bool,
    pub(crate) is_vectored: bool,
    /// Bytes reach the peer with a flush, as with TLS, or when there are this many.
    pub(crate) write_buffer: Option<usize>,
    /// The number of bytes that the peer may leave unread.
    pub(crate) capacity: usize,
    /// The n-th call of this operation, and each one after it, fails.
    pub(crate) failure: Option<(Op, usize, ErrorKind)>,
}

impl Script {
    pub(crate) const fn new() -> Self {
        Self {
            max_len: usize::MAX,
            is_pending_between: false,
            is_vectored: true,
            write_buffer: None,
            capacity: usize::MAX,
            failure: None,
        }
    }

    pub(crate) const fn max_len(self, max_len: usize) -> Self {
        Self { max_len, ..self }
    }

    pub(crate) const fn pending_between(self) -> Self {
        Self { is_pending_between: true, ..self }
    }

    /// Returns this script with and without waits, vectored writes and a buffer.
    pub(crate) fn variants(self) -> impl Iterator<Item = Self> {
        (0..8).map(move |bits| Self {
            is_pending_between: bits & 1 > 0,
            is_vectored: bits & 2 > 0,
            write_buffer: (bits & 4 > 0).then_some(1000),
            ..self
        })
    }
}

#[derive(Debug)]
struct State {
    script: Script,
    /// From the peer.
    input: VecDeque<u8>,
    has_ended: bool,
    /// Written, and not flushed.
    buffered: Vec<u8>,
    /// To the peer.
    output: Vec<u8>,
    has_shut_down: bool,
    is_dropped: bool,
    /// For each operation: the number of completed calls, and whether the next one was pending.
    calls: [usize; 4],
    was_pending: [bool; 4],
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl State {
    /// Returns the result that the script has for the next call.
    fn begin(&mut self, op: Op, context: &Context<'_>) -> Poll<io::Result<()>> {
        let index = op as usize;
        if self.script.is_pending_between && !self.was_pending[index] {
            self.was_pending[index] = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some((failing, from, kind)) = self.script.failure
            && failing == op
            && self.calls[index] >= from
        {
            return Poll::Ready(Err(kind.into()));
        }
        Poll::Ready(Ok(()))
    }

    fn done(&mut self, op: Op) {
        self.was_pending[op as usize] = false;
        self.calls[op as usize] += 1;
    }

    /// Moves what fits to the peer. Pending if something is left.
    fn flush(&mut self, context: &Context<'_>) -> Poll<()> {
        let len = self.buffered.len().min(self.script.capacity.saturating_sub(self.output.len()));
        self.output.extend(self.buffered.drain(..len));
        if self.buffered.is_empty() {
            return Poll::Ready(());
        }
        self.writer = Some(context.waker().clone());
        Poll::Pending
    }

    fn write(&mut self, slices: &[IoSlice<'_>], context: &Context<'_>) -> Poll<io::Result<usize>> {
        if self.begin(Op::Write, context)?.is_pending() {
            return Poll::Pending;
        }
        assert!(!self.has_shut_down, "a write after the shutdown");
        let room = match self.script.write_buffer {
            Some(buffer) => {
                if self.buffered.len() >= buffer && self.flush(context).is_pending() {
                    return Poll::Pending;
                }
                buffer - self.buffered.len()
            }
            None => self.script.capacity.saturating_sub(self.output.len()),
        };
        if room == 0 {
            self.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        let target = if self.script.write_buffer.is_some() { &mut self.buffered } else { &mut self.output };
        let (max_len, mut written) = (room.min(self.script.max_len), 0);
        for slice in slices {
            assert!(!slice.is_empty(), "a write of nothing");
            let len = slice.len().min(max_len - written);
            target.extend_from_slice(&slice[..len]);
            written += len;
        }
        self.done(Op::Write);
        Poll::Ready(Ok(written))
    }
}

/// This end of the transport.
#[derive(Debug)]
pub(crate) struct ScriptedIo(Arc<Mutex<State>>);

/// The peer's end of the transport.
#[derive(Debug)]
pub(crate) struct Wire(Arc<Mutex<State>>);

pub(crate) fn transport(script: Script) -> (ScriptedIo, Wire) {
    let state = Arc::new(Mutex::new(State {
        script,
        input: VecDeque::new(),
        has_ended: false,
        buffered: Vec::new(),
        output: Vec::new(),
        has_shut_down: false,
        is_dropped: false,
        calls: [0; 4],
        was_pending: [false; 4],
        reader: None,
        writer: None,
    }));
    (ScriptedIo(Arc::clone(&state)), Wire(state))
}

impl Wire {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Sends bytes to this end.
    pub(crate) fn push(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            let mut state = self.state();
            state.input.extend(bytes);
            let reader = state.reader.take();
            drop(state);
            reader.into_iter().for_each(Waker::wake);
        }
    }

    /// Ends the peer's output. Returns false if it has ended before.
    pub(crate) fn end(&self) -> bool {
        let mut state = self.state();
        let is_new = !std::mem::replace(&mut state.has_ended, true);
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
        is_new
    }

    /// Returns what was written, and whether the output has ended.
    pub(crate) fn take_output(&self) -> (Vec<u8>, bool) {
        let mut state = self.state();
        let bytes = std::mem::take(&mut state.output);
        let writer = if bytes.is_empty() { None } else { state.writer.take() };
        let has_ended = state.has_shut_down || state.is_dropped;
        drop(state);
        writer.into_iter().for_each(Waker::wake);
        (bytes, has_ended)
    }

    pub(crate) fn has_shut_down(&self) -> bool {
        self.state().has_shut_down
    }

    pub(crate) fn is_dropped(&self) -> bool {
        self.state().is_dropped
    }

    /// Returns the number of completed calls.
    pub(crate) fn calls(&self, op: Op) -> usize {
        self.state().calls[op as usize]
    }

    /// Fails the calls of `op` from now on.
    pub(crate) fn fail(&self, op: Op, kind: ErrorKind) {
        self.state().script.failure = Some((op, 0, kind));
    }
}

impl AsyncRead for ScriptedIo {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock().unwrap();
        if state.input.is_empty() && !state.has_ended {
            let fails = matches!(state.script.failure, Some((Op::Read, from, _)) if state.calls[0] >= from);
            if !fails {
                state.reader = Some(context.waker().clone());
                return Poll::Pending;
            }
        }
        if state.begin(Op::Read, context)?.is_pending() {
            return Poll::Pending;
        }
        let len = state.input.len().min(buffer.remaining()).min(state.script.max_len);
        let (front, back) = state.input.as_slices();
        let from_front = len.min(front.len());
        buffer.put_slice(&front[..from_front]);
        buffer.put_slice(&back[..len - from_front]);
        state.input.drain(..len);
        state.done(Op::Read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ScriptedIo {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap().write(&[IoSlice::new(bytes)], context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock().unwrap();
        assert!(state.script.is_vectored, "the transport has no vectored writes");
        state.write(slices, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.lock().unwrap().script.is_vectored
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock().unwrap();
        if state.begin(Op::Flush, context)?.is_pending() || state.flush(context).is_pending() {
            return Poll::Pending;
        }
        state.done(Op::Flush);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock().unwrap();
        if state.begin(Op::Shutdown, context)?.is_pending() || state.flush(context).is_pending() {
            return Poll::Pending;
        }
        state.has_shut_down = true;
        state.done(Op::Shutdown);
        Poll::Ready(Ok(()))
    }
}

impl Drop for ScriptedIo {
    fn drop(&mut self) {
        self.0.lock().unwrap().is_dropped = true;
    }
}

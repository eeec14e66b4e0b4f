//! Reads and writes of a transport.
//!
//! A read goes to a buffer of the thread, because a connection that waits needs none. While a peer sends much, it goes to memory
//! that the messages share.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use protocol_websocket::Session;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The maximum length of a read in bytes, except for a read into a long payload.
pub(crate) const READ_SIZE: usize = 64 * 1024;
/// The maximum number of chunks in a vectored write.
const MAX_CHUNKS: usize = 16;

thread_local! {
    static READ_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_SIZE]);
}

/// A transport of any type.
pub(crate) type BoxedTransport = Box<dyn Transport>;

pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Transport for S {}

/// Writes the first unsent chunks to the transport.
pub(crate) fn poll_write_chunks<S: AsyncWrite + Unpin>(
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

/// Reads into the buffer of the thread, and passes the bytes to `f`. Returns their number and the result of `f`.
pub(crate) fn poll_read_with<S: AsyncRead + Unpin, R>(
    io: &mut S,
    context: &mut Context<'_>,
    f: impl FnOnce(&mut [u8]) -> R,
) -> Poll<io::Result<(usize, R)>> {
    let read = |buffer: &mut [u8]| {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(io).poll_read(context, &mut buffer))?;
        let bytes = buffer.filled_mut();
        Poll::Ready(Ok((bytes.len(), f(bytes))))
    };
    READ_BUFFER.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) => read(&mut buffer),
        // The transport is a WebSocket, too, or the program polls another connection while it handles an event. Then the
        // buffer of the thread is in use.
        Err(_) => read(&mut vec![0; READ_SIZE]),
    })
}

//! A stream of HTTP/2 as a stream of bytes.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The maximum number of bytes that `h2` keeps. More than that stays in the `WebSocket`, where it counts as unsent.
const MAX_WRITE: usize = 64 * 1024;

/// The body of a request as the input, and the body of its response as the output. If it is dropped before its end, `h2`
/// resets the stream.
pub(crate) struct Stream {
    input: RecvStream,
    /// The rest of a DATA frame.
    received: Bytes,
    output: SendStream<Bytes>,
}

impl Stream {
    pub(crate) const fn new(input: RecvStream, output: SendStream<Bytes>) -> Self {
        Self { input, received: Bytes::new(), output }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.received.is_empty() {
            match ready!(self.input.poll_data(context)) {
                Some(data) => self.received = data.map_err(io::Error::other)?,
                None => return Poll::Ready(Ok(())),
            }
        }
        let len = buffer.remaining().min(self.received.len());
        buffer.put_slice(&self.received.split_to(len));
        // Only now, so that the client cannot send more than the window before it is read.
        self.input.flow_control().release_capacity(len).map_err(io::Error::other)?;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.output.reserve_capacity(bytes.len().min(MAX_WRITE));
        while self.output.capacity() == 0 {
            match ready!(self.output.poll_capacity(context)) {
                Some(capacity) => drop(capacity.map_err(io::Error::other)?),
                None => return Poll::Ready(Err(ErrorKind::BrokenPipe.into())),
            }
        }
        let len = self.output.capacity().min(bytes.len());
        let data = Bytes::copy_from_slice(bytes.get(..len).unwrap_or_default());
        self.output.send_data(data, false).map_err(io::Error::other)?;
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The connection writes whatever it has.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.output.send_data(Bytes::new(), true).map_err(io::Error::other))
    }
}

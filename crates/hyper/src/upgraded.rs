use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read as _, Write as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The maximum length of a write to an HTTP/2 stream, in bytes. hyper copies each write and keeps a few of them, however
/// long they are. So more than that stays in the `WebSocket`, where it counts as unsent.
const MAX_STREAM_WRITE: usize = 64 * 1024;

/// The transport of a [`WebSocket`](crate::WebSocket) after the handshake: a connection of HTTP/1.1, or a stream of HTTP/2.
///
/// It begins with the bytes that hyper has read after the head. The end of its output is the end of the connection in
/// HTTP/1.1, and the flag `END_STREAM` in HTTP/2.
#[derive(Debug)]
pub struct Upgraded {
    io: hyper::upgrade::Upgraded,
    max_write: usize,
}

impl Upgraded {
    /// Creates the transport of a message of HTTP/1.1 or, if `is_stream`, of HTTP/2.
    pub(crate) const fn new(io: hyper::upgrade::Upgraded, is_stream: bool) -> Self {
        Self { io, max_write: if is_stream { MAX_STREAM_WRITE } else { usize::MAX } }
    }

    /// Returns hyper's type, for instance to downcast it to the stream of the HTTP/1.1 connection.
    #[must_use]
    pub fn into_inner(self) -> hyper::upgrade::Upgraded {
        self.io
    }

    /// Passes hyper's type to a function that downcasts it. Returns the transport unchanged if that fails.
    ///
    /// ```
    /// use hyper::upgrade::Parts;
    /// use hyper_util::rt::TokioIo;
    /// use protocol_websocket_hyper::Upgraded;
    /// use tokio::net::TcpStream;
    ///
    /// fn tcp(upgraded: Upgraded) -> Result<Parts<TokioIo<TcpStream>>, Upgraded> {
    ///     upgraded.downcast_with(|io| io.downcast())
    /// }
    /// # let _ = tcp;
    /// ```
    ///
    /// # Errors
    ///
    /// The transport, if the function returns an error.
    pub fn downcast_with<T>(
        self,
        downcast: impl FnOnce(hyper::upgrade::Upgraded) -> Result<T, hyper::upgrade::Upgraded>,
    ) -> Result<T, Self> {
        let Self { io, max_write } = self;
        downcast(io).map_err(|io| Self { io, max_write })
    }
}

/// Waits for a future, and at most for `time`. Returns `None` if the future has not ended then.
pub(crate) async fn within<F: Future>(time: Option<Duration>, future: F) -> Option<F::Output> {
    match time {
        Some(time) => tokio::time::timeout(time, future).await.ok(),
        None => Some(future.await),
    }
}

impl AsyncRead for Upgraded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // The buffers of a `WebSocket` are initialized already.
        let mut unfilled = hyper::rt::ReadBuf::new(buffer.initialize_unfilled());
        ready!(Pin::new(&mut self.io).poll_read(context, unfilled.unfilled()))?;
        let len = unfilled.filled().len();
        buffer.advance(len);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let bytes = bytes.get(..self.max_write).unwrap_or(bytes);
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.io.is_write_vectored() {
            return Pin::new(&mut self.io).poll_write_vectored(context, slices);
        }
        let first = slices.iter().find(|slice| !slice.is_empty());
        self.poll_write(context, first.map_or(&[], |slice| slice))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

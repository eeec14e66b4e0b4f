//! The transport of a client: TCP, directly or through a proxy, and TLS over it.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use protocol_websocket::bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

#[cfg(feature = "rustls")]
use tokio_rustls::{client::TlsStream, rustls::ClientConnection};

/// The transport of a client that [`Connect`](crate::Connect) made: a TCP stream, with TLS for `wss`.
///
/// ```
/// use protocol_websocket_tokio::{Stream, WebSocket};
///
/// fn peer(websocket: &WebSocket<Stream>) -> std::io::Result<std::net::SocketAddr> {
///     websocket.get_ref().tcp().peer_addr()
/// }
/// # let _ = peer;
/// ```
pub struct Stream(Inner);

enum Inner {
    Plain(Transport),
    #[cfg(feature = "rustls")]
    Tls(Box<TlsStream<Transport>>),
}

impl Stream {
    pub(crate) const fn plain(transport: Transport) -> Self {
        Self(Inner::Plain(transport))
    }

    #[cfg(feature = "rustls")]
    pub(crate) fn encrypted(stream: TlsStream<Transport>) -> Self {
        Self(Inner::Tls(Box::new(stream)))
    }

    /// Returns the TCP stream: the connection to the server, or to the proxy.
    #[must_use]
    pub fn tcp(&self) -> &TcpStream {
        match &self.0 {
            Inner::Plain(transport) => &transport.io,
            #[cfg(feature = "rustls")]
            Inner::Tls(stream) => &stream.get_ref().0.io,
        }
    }

    /// Returns the TLS connection, for instance to read the server's certificates. `None` without TLS.
    #[cfg(feature = "rustls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
    #[must_use]
    pub fn tls(&self) -> Option<&ClientConnection> {
        match &self.0 {
            Inner::Plain(_) => None,
            Inner::Tls(stream) => Some(stream.get_ref().1),
        }
    }

    /// Returns whether the stream is encrypted by TLS.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        !matches!(self.0, Inner::Plain(_))
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_encrypted = self.is_encrypted();
        f.debug_struct("Stream").field("tcp", self.tcp()).field("is_encrypted", &is_encrypted).finish()
    }
}

/// Calls a method of the stream inside.
macro_rules! delegate {
    ($stream:expr, $io:ident => $call:expr) => {
        match $stream {
            Inner::Plain($io) => $call,
            #[cfg(feature = "rustls")]
            Inner::Tls($io) => $call,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        delegate!(&mut self.0, io => Pin::new(io).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        delegate!(&mut self.0, io => Pin::new(io).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        chunks: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(&mut self.0, io => Pin::new(io).poll_write_vectored(cx, chunks))
    }

    fn is_write_vectored(&self) -> bool {
        delegate!(&self.0, io => io.is_write_vectored())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(&mut self.0, io => Pin::new(io).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(&mut self.0, io => Pin::new(io).poll_shutdown(cx))
    }
}

/// A TCP stream, and the bytes that were read from it with the response of a proxy.
pub(crate) struct Transport {
    pub(crate) io: TcpStream,
    pub(crate) unread: BytesMut,
}

impl From<TcpStream> for Transport {
    fn from(io: TcpStream) -> Self {
        Self { io, unread: BytesMut::new() }
    }
}

impl AsyncRead for Transport {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buffer);
        }
        let len = self.unread.len().min(buffer.remaining());
        buffer.put_slice(self.unread.get(..len).unwrap_or_default());
        self.unread.advance(len);
        if self.unread.is_empty() {
            self.unread = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        chunks: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, chunks)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

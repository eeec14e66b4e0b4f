use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(feature = "http1")]
use bytes::Bytes;
#[cfg(feature = "http1")]
use hyper_util::{rt::TokioIo, server::conn::auto};
use protocol_websocket_hyper::Upgraded as Hyper;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
#[cfg(feature = "http1")]
use tokio::net::TcpStream;

/// The transport of a [`WebSocket`](crate::WebSocket): a connection of HTTP/1.1, or a stream of HTTP/2.
///
/// The transport of HTTP/1.1 under `axum::serve` is the TCP stream itself, with `TCP_NODELAY`. Each other transport has the
/// types of hyper: a stream of HTTP/2, and a connection over TLS or over a Unix socket.
#[derive(Debug)]
pub struct Upgraded(Io);

#[derive(Debug)]
enum Io {
    #[cfg(feature = "http1")]
    Tcp {
        stream: TcpStream,
        /// The bytes that hyper has read after the head.
        received: Bytes,
    },
    Hyper(Hyper),
}

impl Upgraded {
    /// Takes the TCP stream out of hyper's types, and turns Nagle's algorithm off. Other transports stay as they are.
    #[cfg(feature = "http1")]
    pub(crate) fn new(io: Hyper) -> Self {
        // That of `axum::serve`, or of a server that supports HTTP/1.1 alone.
        let tcp = io
            .downcast_with(|io| {
                auto::upgrade::downcast::<TokioIo<TcpStream>>(io).map(|parts| (parts.io, parts.read_buf))
            })
            .or_else(|io| {
                io.downcast_with(|io| io.downcast::<TokioIo<TcpStream>>().map(|parts| (parts.io, parts.read_buf)))
            });
        match tcp {
            Ok((stream, received)) => {
                let stream = stream.into_inner();
                // It fails if the client has disconnected, which the WebSocket then notices.
                let _ = stream.set_nodelay(true);
                // Empty bytes of hyper keep its read buffer of 16 KiB.
                let received = if received.is_empty() { Bytes::new() } else { received };
                Self(Io::Tcp { stream, received })
            }
            Err(io) => Self(Io::Hyper(io)),
        }
    }

    #[cfg(not(feature = "http1"))]
    pub(crate) const fn new(io: Hyper) -> Self {
        Self(Io::Hyper(io))
    }

    /// Returns the TCP stream of an HTTP/1.1 connection, for instance for the address of the client. `None` for HTTP/2, TLS
    /// and other transports.
    ///
    /// ```
    /// use protocol_websocket_axum::WebSocket;
    ///
    /// fn client(websocket: &WebSocket) -> Option<std::net::SocketAddr> {
    ///     websocket.get_ref().tcp()?.peer_addr().ok()
    /// }
    /// # let _ = client;
    /// ```
    #[cfg(feature = "http1")]
    #[cfg_attr(docsrs, doc(cfg(feature = "http1")))]
    #[must_use]
    pub const fn tcp(&self) -> Option<&TcpStream> {
        match &self.0 {
            Io::Tcp { stream, .. } => Some(stream),
            Io::Hyper(_) => None,
        }
    }

    /// Returns the TCP stream of an HTTP/1.1 connection, and the bytes that were read from it and not returned.
    ///
    /// # Errors
    ///
    /// The transport, if it is another one.
    #[cfg(feature = "http1")]
    #[cfg_attr(docsrs, doc(cfg(feature = "http1")))]
    pub fn into_tcp(self) -> Result<(TcpStream, Bytes), Self> {
        match self.0 {
            Io::Tcp { stream, received } => Ok((stream, received)),
            io @ Io::Hyper(_) => Err(Self(io)),
        }
    }

    /// Returns the transport of `protocol-websocket-hyper`, for instance to downcast it to a TLS stream.
    ///
    /// # Errors
    ///
    /// The transport, if it is a TCP stream: see `into_tcp`.
    pub fn into_hyper(self) -> Result<Hyper, Self> {
        match self.0 {
            Io::Hyper(io) => Ok(io),
            #[cfg(feature = "http1")]
            io @ Io::Tcp { .. } => Err(Self(io)),
        }
    }
}

impl AsyncRead for Upgraded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            #[cfg(feature = "http1")]
            Io::Tcp { received, .. } if !received.is_empty() => {
                let len = received.len().min(buffer.remaining());
                buffer.put_slice(&received.split_to(len));
                Poll::Ready(Ok(()))
            }
            #[cfg(feature = "http1")]
            Io::Tcp { stream, .. } => Pin::new(stream).poll_read(context, buffer),
            Io::Hyper(io) => Pin::new(io).poll_read(context, buffer),
        }
    }
}

/// Calls a method of the stream.
macro_rules! stream {
    ($self:ident, $stream:ident => $call:expr) => {
        match &mut $self.0 {
            #[cfg(feature = "http1")]
            Io::Tcp { stream: $stream, .. } => $call,
            Io::Hyper($stream) => $call,
        }
    };
}

impl AsyncWrite for Upgraded {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        stream!(self, stream => Pin::new(stream).poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        stream!(self, stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        stream!(self, stream => Pin::new(stream).poll_shutdown(context))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        stream!(self, stream => Pin::new(stream).poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            #[cfg(feature = "http1")]
            Io::Tcp { stream, .. } => stream.is_write_vectored(),
            Io::Hyper(io) => io.is_write_vectored(),
        }
    }
}

//! The transport of a client: TCP, and TLS over it.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

#[cfg(feature = "rustls")]
use rustls::ClientConnection;

#[cfg(feature = "rustls")]
use crate::TlsStream;
use crate::Transport;

/// The transport of a client that [`Connect`](crate::Connect) made: a TCP stream, with TLS for `wss`.
///
/// ```
/// use protocol_websocket_blocking::{Stream, WebSocket};
///
/// fn peer(websocket: &WebSocket<Stream>) -> std::io::Result<std::net::SocketAddr> {
///     websocket.get_ref().tcp().peer_addr()
/// }
/// # let _ = peer;
/// ```
pub struct Stream(Inner);

enum Inner {
    Plain(TcpStream),
    #[cfg(feature = "rustls")]
    Tls(Box<TlsStream<ClientConnection, TcpStream>>),
}

impl Stream {
    pub(crate) const fn plain(tcp: TcpStream) -> Self {
        Self(Inner::Plain(tcp))
    }

    #[cfg(feature = "rustls")]
    pub(crate) fn encrypted(stream: TlsStream<ClientConnection, TcpStream>) -> Self {
        Self(Inner::Tls(Box::new(stream)))
    }

    /// Returns the TCP stream.
    #[must_use]
    pub fn tcp(&self) -> &TcpStream {
        match &self.0 {
            Inner::Plain(tcp) => tcp,
            #[cfg(feature = "rustls")]
            Inner::Tls(stream) => stream.get_ref(),
        }
    }

    /// Returns the TLS connection, for instance to read the server's certificates. `None` without TLS.
    #[cfg(feature = "rustls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
    #[must_use]
    pub fn tls(&self) -> Option<&ClientConnection> {
        match &self.0 {
            Inner::Plain(_) => None,
            Inner::Tls(stream) => Some(stream.tls()),
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
        match &mut $stream.0 {
            Inner::Plain($io) => $call,
            #[cfg(feature = "rustls")]
            Inner::Tls($io) => $call,
        }
    };
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        delegate!(self, io => io.read(buffer))
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        delegate!(self, io => io.write(bytes))
    }

    fn write_vectored(&mut self, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        delegate!(self, io => io.write_vectored(chunks))
    }

    fn flush(&mut self) -> io::Result<()> {
        delegate!(self, io => io.flush())
    }
}

impl Transport for Stream {
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        delegate!(self, io => Transport::set_read_timeout(io, timeout))
    }

    fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        delegate!(self, io => Transport::set_write_timeout(io, timeout))
    }

    fn read_timeout(&self) -> io::Result<Option<Duration>> {
        self.tcp().read_timeout()
    }

    fn write_timeout(&self) -> io::Result<Option<Duration>> {
        self.tcp().write_timeout()
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        delegate!(self, io => io.shutdown_write())
    }
}

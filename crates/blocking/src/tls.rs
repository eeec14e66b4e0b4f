//! TLS by rustls over a blocking transport.
//!
//! One read of the stream is at most one read of the transport. So a peer that sends a TLS record byte by byte does not
//! keep a caller beyond its deadline.

use std::fmt;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use rustls::{ConnectionCommon, SideData};

use crate::Transport;

/// A stream with TLS: `C` is a rustls `ServerConnection` or `ClientConnection`, and `T` a transport, such as a TCP
/// stream. A client of [`Connect`](crate::Connect) has it inside a [`Stream`](crate::Stream).
///
/// The TLS handshake is made by the first reads. At a server,
/// [`Timeouts::handshake`](crate::Timeouts::handshake) therefore limits it, too.
///
/// A read returns [`ErrorKind::Interrupted`] if the transport was read and a TLS record is incomplete: call it again.
///
#[cfg_attr(feature = "server", doc = "```")]
#[cfg_attr(not(feature = "server"), doc = "```ignore")]
/// use std::error::Error;
/// use std::net::TcpStream;
/// use std::sync::Arc;
/// use protocol_websocket_blocking::rustls::{ServerConfig, ServerConnection};
/// use protocol_websocket_blocking::{Accept, TlsStream, accept, config};
///
/// fn serve(stream: TcpStream, tls: Arc<ServerConfig>) -> Result<(), Box<dyn Error>> {
///     let stream = TlsStream::new(ServerConnection::new(tls)?, stream);
///     let mut websocket = accept(stream, config())?.accept(Accept::new())?;
///     Ok(websocket.send("welcome")?)
/// }
/// # let _ = serve;
/// ```
pub struct TlsStream<C, T> {
    tls: C,
    io: T,
}

impl<C, T> TlsStream<C, T> {
    /// Creates the stream. Nothing is read or written yet.
    pub const fn new(tls: C, io: T) -> Self {
        Self { tls, io }
    }

    /// Returns the transport.
    #[must_use]
    pub const fn get_ref(&self) -> &T {
        &self.io
    }

    /// Returns the TLS connection, for instance to read the peer's certificates.
    #[must_use]
    pub const fn tls(&self) -> &C {
        &self.tls
    }
}

impl<C, D, T> TlsStream<C, T>
where
    C: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
    T: Transport,
{
    /// Reads and writes until the TLS handshake is done. `left` returns the time for the next read or write. The transport
    /// has no timeouts afterwards.
    #[cfg(feature = "client")]
    pub(crate) fn handshake(&mut self, left: impl Fn() -> io::Result<Option<Duration>>) -> io::Result<()> {
        while self.tls.is_handshaking() {
            let timeout = left()?;
            self.io.set_read_timeout(timeout)?;
            self.io.set_write_timeout(timeout)?;
            self.write_records()?;
            match self.read_records() {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        self.write_records()?;
        self.io.set_read_timeout(None)?;
        self.io.set_write_timeout(None)
    }

    /// Reads once from the transport. Returns 0 at its end.
    fn read_records(&mut self) -> io::Result<usize> {
        let was_handshaking = self.tls.is_handshaking();
        let len = self.tls.read_tls(&mut self.io)?;
        let processed = self.tls.process_new_packets();
        // The next step of the handshake, or an alert that reports the error. Other records wait for the next write: a
        // peer that takes no bytes would delay each read.
        if was_handshaking || processed.is_err() {
            let _ = self.write_records();
        }
        processed.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        Ok(len)
    }

    /// Writes all TLS records that are buffered.
    fn write_records(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.io) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Encrypts bytes with `encrypt`, which returns their number, and writes the records.
    fn write_with(&mut self, encrypt: impl FnOnce(&mut C) -> io::Result<usize>) -> io::Result<usize> {
        self.write_records()?;
        let len = encrypt(&mut self.tls)?;
        match self.write_records() {
            // The records are written by the next write or flush.
            Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Err(error),
            // The buffer of a handshake that is not done.
            _ if len == 0 => Err(ErrorKind::WouldBlock.into()),
            _ => Ok(len),
        }
    }
}

impl<C, D, T> Read for TlsStream<C, T>
where
    C: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
    T: Transport,
{
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let would_block =
            |read: &io::Result<usize>| matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock);
        let buffered = self.tls.reader().read(buffer);
        if !would_block(&buffered) {
            return buffered;
        }
        if self.tls.is_handshaking() {
            // After an error, the read fails, too.
            let _ = self.write_records();
        }
        self.read_records()?;
        let received = self.tls.reader().read(buffer);
        if would_block(&received) { Err(ErrorKind::Interrupted.into()) } else { received }
    }
}

impl<C, D, T> Write for TlsStream<C, T>
where
    C: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
    T: Transport,
{
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_with(|tls| tls.writer().write(bytes))
    }

    fn write_vectored(&mut self, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_with(|tls| tls.writer().write_vectored(chunks))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_records()?;
        self.io.flush()
    }
}

impl<C, D, T> Transport for TlsStream<C, T>
where
    C: DerefMut + Deref<Target = ConnectionCommon<D>>,
    D: SideData,
    T: Transport,
{
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.io.set_read_timeout(timeout)
    }

    fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.io.set_write_timeout(timeout)
    }

    fn read_timeout(&self) -> io::Result<Option<Duration>> {
        self.io.read_timeout()
    }

    fn write_timeout(&self) -> io::Result<Option<Duration>> {
        self.io.write_timeout()
    }

    /// Sends the notice of TLS that nothing follows, and ends the output of the transport.
    fn shutdown_write(&mut self) -> io::Result<()> {
        self.tls.send_close_notify();
        let _ = self.write_records();
        self.io.shutdown_write()
    }
}

impl<C, T: fmt::Debug> fmt::Debug for TlsStream<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").field("io", &self.io).finish_non_exhaustive()
    }
}

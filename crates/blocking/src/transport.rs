use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// A blocking stream of bytes under a [`WebSocket`](crate::WebSocket), with timeouts for its calls.
///
/// It is implemented for `TcpStream`, `UnixStream`, and the streams of this crate. Each method has a default that
/// returns [`ErrorKind::Unsupported`], so another stream needs one line: `impl Transport for MyStream {}`.
/// [`NoDeadlines`] is for a stream of another crate.
///
/// Without timeouts, a call waits as long as the stream does, and this does not work: no ping is sent and no deadline of
/// [`Timeouts`](crate::Timeouts) ends a call while it waits; [`WebSocket::set_timeout`](crate::WebSocket::set_timeout)
/// has no effect; a peer that does not read blocks a write, while nothing is read; and at the end, the input is not read
/// until the peer has ended it.
///
/// A stream can also be non-blocking: then a call that would wait returns
/// [`Error::WouldBlock`](crate::Error::WouldBlock). Timeouts that the caller has set are
/// replaced, and [`WebSocket::into_parts`](crate::WebSocket::into_parts) sets them again.
///
/// ```
/// use std::io::{self, Read, Write};
/// use std::time::Duration;
/// use protocol_websocket_blocking::Transport;
///
/// /// A stream over a serial line, whose reads have a timeout.
/// struct Serial<P>(P);
/// # trait Port: Read + Write { fn set_timeout(&mut self, timeout: Option<Duration>); }
///
/// impl<P: Port> Transport for Serial<P> {
///     fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
///         self.0.set_timeout(timeout);
///         Ok(())
///     }
/// }
/// # impl<P: Read> Read for Serial<P> {
/// #     fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> { self.0.read(buffer) }
/// # }
/// # impl<P: Write> Write for Serial<P> {
/// #     fn write(&mut self, bytes: &[u8]) -> io::Result<usize> { self.0.write(bytes) }
/// #     fn flush(&mut self) -> io::Result<()> { self.0.flush() }
/// # }
/// ```
pub trait Transport: Read + Write {
    /// Sets how long a read waits for the first byte, or `None` for any time. Never zero. After it, `read` returns
    /// [`ErrorKind::WouldBlock`] or [`ErrorKind::TimedOut`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if reads have no timeout. Another error ends the connection.
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let _ = timeout;
        Err(ErrorKind::Unsupported.into())
    }

    /// Sets how long a write or a flush waits, as [`set_read_timeout`](Self::set_read_timeout).
    ///
    /// # Errors
    ///
    /// As [`set_read_timeout`](Self::set_read_timeout).
    fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let _ = timeout;
        Err(ErrorKind::Unsupported.into())
    }

    /// Returns how long a read waits, or `None` for any time. [`WebSocket::into_parts`](crate::WebSocket::into_parts) sets
    /// this time again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if the time is not known. Then it is taken for `None`.
    fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Err(ErrorKind::Unsupported.into())
    }

    /// Returns how long a write or a flush waits, as [`read_timeout`](Self::read_timeout).
    ///
    /// # Errors
    ///
    /// As [`read_timeout`](Self::read_timeout).
    fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Err(ErrorKind::Unsupported.into())
    }

    /// Ends the output, so that the peer reads to the end of the stream. Reads continue to work.
    ///
    /// # Errors
    ///
    /// An error is ignored.
    fn shutdown_write(&mut self) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }
}

/// Implements the trait by the methods of a socket of std.
macro_rules! socket {
    ($($socket:ty),+) => {$(
        impl Transport for $socket {
            fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
                <$socket>::set_read_timeout(self, timeout)
            }

            fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
                <$socket>::set_write_timeout(self, timeout)
            }

            fn read_timeout(&self) -> io::Result<Option<Duration>> {
                <$socket>::read_timeout(self)
            }

            fn write_timeout(&self) -> io::Result<Option<Duration>> {
                <$socket>::write_timeout(self)
            }

            fn shutdown_write(&mut self) -> io::Result<()> {
                self.shutdown(Shutdown::Write)
            }
        }
    )+};
}

socket!(TcpStream);
#[cfg(unix)]
socket!(std::os::unix::net::UnixStream);

/// Implements the trait for a pointer to a transport.
macro_rules! pointer {
    ($($pointer:ty),+) => {$(
        impl<T: Transport + ?Sized> Transport for $pointer {
            fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
                (**self).set_read_timeout(timeout)
            }

            fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
                (**self).set_write_timeout(timeout)
            }

            fn read_timeout(&self) -> io::Result<Option<Duration>> {
                (**self).read_timeout()
            }

            fn write_timeout(&self) -> io::Result<Option<Duration>> {
                (**self).write_timeout()
            }

            fn shutdown_write(&mut self) -> io::Result<()> {
                (**self).shutdown_write()
            }
        }
    )+};
}

pointer!(Box<T>, &mut T);

/// A stream without timeouts as a [`Transport`], for a stream of another crate. The trait describes what does not work.
///
#[cfg_attr(feature = "server", doc = "```")]
#[cfg_attr(not(feature = "server"), doc = "```ignore")]
/// use std::io::{Read, Write};
/// use protocol_websocket_blocking::{Accept, Error, NoDeadlines, accept, config};
///
/// fn serve(stream: impl Read + Write) -> Result<(), Error> {
///     let mut websocket = accept(NoDeadlines(stream), config())?.accept(Accept::new())?;
///     websocket.send("welcome")
/// }
/// # let _ = |stream: std::net::TcpStream| serve(stream);
/// ```
#[derive(Debug)]
pub struct NoDeadlines<S>(pub S);

impl<S: Read + Write> Transport for NoDeadlines<S> {}

impl<S: Read> Read for NoDeadlines<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<S: Write> Write for NoDeadlines<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn write_vectored(&mut self, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(chunks)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

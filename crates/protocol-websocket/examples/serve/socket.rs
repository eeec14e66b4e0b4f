//! Operations on blocking sockets.

use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use socket2::{Domain, Socket, Type};

/// The size of the read buffer on the stack of a connection's thread.
pub(crate) const SMALL_READ: usize = 2 * 1024;
/// A connection without input for this time releases its large buffer.
const IDLE_AFTER: Duration = Duration::from_millis(100);
/// How long a client may take to end the stream after the last write.
const LINGER_TIMEOUT: Duration = Duration::from_secs(2);

/// Listens with the longest backlog that the system allows.
pub(crate) fn listen(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    let address = SocketAddr::from((address, port));
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::MAX)?;
    Ok(socket.into())
}

/// Reads from one socket: into a small buffer, or into a large one while the client sends much.
pub(crate) struct Reader<'a> {
    stream: &'a TcpStream,
    small: &'a mut [u8; SMALL_READ],
    /// Empty while the small buffer is used.
    large: Vec<u8>,
    /// The size of the large buffer.
    large_size: usize,
    /// The current read timeout of the socket.
    timeout: Duration,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(stream: &'a TcpStream, small: &'a mut [u8; SMALL_READ], large_size: usize) -> Self {
        Self { stream, small, large: Vec::new(), large_size, timeout: Duration::ZERO }
    }

    /// Returns whether the large buffer is released.
    pub(crate) fn is_idle(&self) -> bool {
        self.large.is_empty()
    }

    /// Reads the bytes that have arrived. Returns an empty slice at the end of the stream. Returns a timeout error
    /// after `wait`, or after [`IDLE_AFTER`] if the large buffer is in use, which it then releases.
    pub(crate) fn read(&mut self, mut wait: Duration) -> io::Result<&mut [u8]> {
        loop {
            let is_idle = self.is_idle();
            self.set_timeout(if is_idle { wait } else { wait.min(IDLE_AFTER) })?;
            let buffer = if is_idle { &mut self.small[..] } else { &mut self.large[..] };
            match self.stream.read(buffer) {
                Ok(n) if is_idle => {
                    if n == SMALL_READ {
                        self.large = vec![0; self.large_size];
                    }
                    return Ok(&mut self.small[..n]);
                }
                Ok(n) => return Ok(&mut self.large[..n]),
                // If the process was stopped for a while, bytes that have arrived are read before deadlines are
                // checked.
                Err(error) if error.kind() == ErrorKind::Interrupted => wait = Duration::ZERO,
                Err(error) => {
                    self.large = Vec::new();
                    return Err(error);
                }
            }
        }
    }

    /// Sets the read timeout if it changed. This saves a system call while the client is active.
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        // A timeout of zero is an error.
        let timeout = timeout.max(Duration::from_millis(1));
        if self.timeout != timeout {
            self.stream.set_read_timeout(Some(timeout))?;
            self.timeout = timeout;
        }
        Ok(())
    }
}

/// Reads a part of a request head before the deadline.
pub(crate) fn read_before(deadline: Instant, mut stream: &TcpStream, input: &mut BytesMut) -> io::Result<usize> {
    let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
    stream.set_read_timeout(Some(left.ok_or(ErrorKind::TimedOut)?))?;
    let mut buffer = [0; SMALL_READ];
    let n = stream.read(&mut buffer)?;
    input.extend_from_slice(&buffer[..n]);
    Ok(n)
}

/// Ends the stream after the last write: shuts down the sending side, then reads and drops what the client still sends.
/// Closing a socket with unread bytes resets it, and the client may then lose the Close (RFC 9112 §9.6).
pub(crate) fn shutdown(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(LINGER_TIMEOUT))?;
    let mut rest = [0; 1024];
    let deadline = Instant::now() + LINGER_TIMEOUT;
    while stream.read(&mut rest)? > 0 && Instant::now() < deadline {}
    Ok(())
}

/// Returns whether the error is a passed read or write timeout.
pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

//! Name lookup, TCP and the TLS handshake, with one deadline for all of them.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use protocol_websocket::Url;
use rustls::ClientConnection;

use crate::note::note;
use crate::status::{Failure, Status};

/// Connects to the first address that accepts the connection.
pub(crate) fn tcp(url: &Url, deadline: Instant) -> io::Result<TcpStream> {
    let mut last_error = io::Error::new(ErrorKind::NotFound, "the name has no address");
    let addresses = lookup(url, deadline)?;
    for (address, addresses_left) in addresses.iter().zip((1..=addresses.len()).rev()) {
        // Each address gets an equal share of the time that is left.
        let share = time_left(deadline)? / u32::try_from(addresses_left).unwrap_or(u32::MAX);
        match TcpStream::connect_timeout(address, share) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                note(&format!("connected to {address}"));
                return Ok(stream);
            }
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}

/// Looks up the addresses of the server, in a thread of its own because the system's lookup has no timeout.
fn lookup(url: &Url, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
    let (sender, receiver) = mpsc::channel();
    let name = (url.socket_host().to_owned(), url.port());
    thread::Builder::new().name("lookup".into()).spawn(move || {
        let (host, port) = &name;
        // This fails after the deadline, when the receiver is dropped.
        let _ = sender.send((host.as_str(), *port).to_socket_addrs());
    })?;
    let addresses = receiver.recv_timeout(time_left(deadline)?).map_err(|_| ErrorKind::TimedOut)?;
    Ok(addresses?.collect())
}

/// Completes the TLS handshake.
pub(crate) fn tls(
    mut tls: ClientConnection,
    stream: &TcpStream,
    deadline: Instant,
) -> io::Result<Box<ClientConnection>> {
    let mut stream = DeadlineStream { stream, deadline };
    while tls.is_handshaking() {
        tls.complete_io(&mut stream)?;
    }
    Ok(Box::new(tls))
}

/// Creates the failure for a server that cannot be reached.
pub(crate) fn failure(url: &Url, error: &io::Error) -> Failure {
    let reason = match error.kind() {
        // On Unix, a blocking socket returns `WouldBlock` after its timeout.
        ErrorKind::WouldBlock | ErrorKind::TimedOut => "timed out".into(),
        _ => error.to_string(),
    };
    Failure::new(Status::Unreachable, format!("cannot connect to {}:{}: {reason}", url.host(), url.port()))
}

/// A blocking stream with one deadline for all reads and writes.
struct DeadlineStream<'a> {
    stream: &'a TcpStream,
    deadline: Instant,
}

impl Read for DeadlineStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(time_left(self.deadline)?))?;
        self.stream.read(buffer)
    }
}

impl Write for DeadlineStream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(time_left(self.deadline)?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Returns the time until the deadline, or an error after it.
fn time_left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

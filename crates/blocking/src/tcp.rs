//! The lookup of a name and TCP, with one deadline.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::mpsc;
use std::thread;

use crate::deadline::Deadline;

/// Returns the addresses of a host.
pub(crate) fn resolve(host: &str, port: u16, deadline: Deadline) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![(address, port).into()]);
    }
    let addresses = lookup(host, port, deadline)?;
    if addresses.is_empty() {
        return Err(io::Error::new(ErrorKind::NotFound, "the name has no address"));
    }
    Ok(addresses)
}

/// Calls the system's lookup, in a thread if there is a deadline, because it has no timeout. A thread that is late ends
/// when the lookup does.
fn lookup(host: &str, port: u16, deadline: Deadline) -> io::Result<Vec<SocketAddr>> {
    let name = (host.to_owned(), port);
    let lookup = move || (name.0.as_str(), name.1).to_socket_addrs().map(Iterator::collect);
    let Some(left) = deadline.left()? else { return lookup() };
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().name("lookup".into()).spawn(move || {
        // This fails after the deadline, when the receiver is dropped.
        let _ = sender.send(lookup());
    })?;
    receiver.recv_timeout(left).map_err(|_| ErrorKind::TimedOut)?
}

/// Connects to the first address that accepts the connection. Each address may take an equal share of the time that is
/// left. The error is that of the last one.
pub(crate) fn connect(addresses: &[SocketAddr], deadline: Deadline) -> io::Result<TcpStream> {
    let mut last_error = ErrorKind::NotFound.into();
    for (address, addresses_left) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let connected = match deadline.left()? {
            Some(left) => TcpStream::connect_timeout(address, left / u32::try_from(addresses_left).unwrap_or(u32::MAX)),
            None => TcpStream::connect(address),
        };
        match connected {
            Ok(stream) => {
                // Messages are written whole, so waiting for more bytes would only delay them.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}

//! The opening handshakes of the clients.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use crate::clients::RESPONSE_TIMEOUT;
use crate::process::Server;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
const END: &[u8] = b"\r\n\r\n";

/// Opens a connection with a header field for the extensions, or none.
pub(crate) fn open(server: &Server, offer: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(server.address())?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(RESPONSE_TIMEOUT))?;
    stream.write_all(format!("{REQUEST}{offer}\r\n").as_bytes())?;
    let mut response = Vec::new();
    while !response.ends_with(END) {
        let mut bytes = [0; 1024];
        match stream.read(&mut bytes)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            len => response.extend_from_slice(&bytes[..len]),
        }
    }
    let head = String::from_utf8_lossy(&response);
    assert!(head.starts_with("HTTP/1.1 101 "), "the server did not accept the upgrade: {head}");
    assert!(head.contains("permessage-deflate") != offer.is_empty(), "the extension differs from the load: {head}");
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Opens many connections at once. Returns the time until all have the response.
pub(crate) fn open_at_once(connections: usize, server: &Server) -> Duration {
    let (begun, mut poll) = (Instant::now(), Poll::new().unwrap());
    let open = |number| {
        let mut stream = mio::net::TcpStream::connect(server.address()).unwrap();
        poll.registry().register(&mut stream, Token(number), Interest::READABLE | Interest::WRITABLE).unwrap();
        Opening { stream, has_sent: false, response: Vec::new() }
    };
    let mut openings: Vec<Opening> = (0..connections).map(open).collect();
    let (mut events, mut open) = (Events::with_capacity(1024), 0);
    while open < connections {
        poll.poll(&mut events, Some(RESPONSE_TIMEOUT)).unwrap();
        assert!(!events.is_empty(), "the server does not respond");
        for event in &events {
            let opening = &mut openings[event.token().0];
            let before = opening.response.ends_with(END);
            opening.advance(event.is_writable()).unwrap();
            open += usize::from(!before && opening.response.ends_with(END));
        }
    }
    assert!(openings.iter().all(|opening| opening.response.starts_with(b"HTTP/1.1 101 ")), "a request was rejected");
    begun.elapsed()
}

struct Opening {
    stream: mio::net::TcpStream,
    has_sent: bool,
    response: Vec<u8>,
}

impl Opening {
    fn advance(&mut self, is_writable: bool) -> io::Result<()> {
        if !self.has_sent && is_writable {
            self.stream.write_all(format!("{REQUEST}\r\n").as_bytes())?;
            self.has_sent = true;
        }
        while self.has_sent && !self.response.ends_with(END) {
            let mut bytes = [0; 1024];
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(len) => self.response.extend_from_slice(&bytes[..len]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

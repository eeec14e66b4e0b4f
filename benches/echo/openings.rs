//! The opening handshakes of the clients.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::ops::Range;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketFlags, SocketType};

use crate::clients::RESPONSE_TIMEOUT;
use crate::process::Server;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
const END: &[u8] = b"\r\n\r\n";
const CONNECTIONS_PER_ADDRESS: usize = 10_000;

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
    check(&response, offer);
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Opens the connections with these numbers, at most `at_once` of them at the same time. Returns them, and the time until
/// all have the response.
pub(crate) fn open_many(
    numbers: Range<usize>,
    at_once: usize,
    offer: &str,
    server: &Server,
) -> (Vec<mio::net::TcpStream>, Duration) {
    let (begun, mut poll) = (Instant::now(), Poll::new().unwrap());
    let request = format!("{REQUEST}{offer}\r\n");
    let (begin, count) = (numbers.start, numbers.len());
    let mut openings = Vec::with_capacity(count);
    let start = |poll: &Poll, openings: &mut Vec<Opening>| {
        let mut stream = mio::net::TcpStream::from_std(connect(begin + openings.len(), server).expect("a free port"));
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, Token(openings.len()), interest).unwrap();
        openings.push(Opening { stream, has_sent: false, response: Vec::new() });
    };
    (0..count.min(at_once)).for_each(|_| start(&poll, &mut openings));
    let (mut events, mut open) = (Events::with_capacity(1024), 0);
    while open < count {
        poll.poll(&mut events, Some(RESPONSE_TIMEOUT)).unwrap();
        assert!(!events.is_empty(), "the server does not respond");
        for event in &events {
            let opening = &mut openings[event.token().0];
            let before = opening.response.ends_with(END);
            opening.advance(&request, event.is_writable()).unwrap();
            if !before && opening.response.ends_with(END) {
                open += 1;
                if openings.len() < count {
                    start(&poll, &mut openings);
                }
            }
        }
    }
    let elapsed = begun.elapsed();
    let finish = |Opening { mut stream, response, .. }: Opening| {
        check(&response, offer);
        poll.registry().deregister(&mut stream).unwrap();
        stream
    };
    (openings.into_iter().map(finish).collect(), elapsed)
}

/// Starts to connect. The connections have several addresses, because an address has 28,232 ports by default, and the
/// kernel takes long to find a free one of the last half.
fn connect(number: usize, server: &Server) -> io::Result<TcpStream> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    let [high, low] = u16::try_from(number / CONNECTIONS_PER_ADDRESS).unwrap().to_be_bytes();
    if [high, low] != [0, 0] {
        net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::new(127, 1, high, low), 0))?;
    }
    match net::connect(&socket, &server.address()) {
        Ok(()) | Err(Errno::INPROGRESS) => {}
        Err(error) => return Err(error.into()),
    }
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Panics if the server has not accepted the upgrade and the offer.
fn check(response: &[u8], offer: &str) {
    let head = String::from_utf8_lossy(response);
    assert!(head.starts_with("HTTP/1.1 101 "), "the server did not accept the upgrade: {head}");
    assert!(head.contains("permessage-deflate") != offer.is_empty(), "the extension differs from the load: {head}");
}

struct Opening {
    stream: mio::net::TcpStream,
    has_sent: bool,
    response: Vec<u8>,
}

impl Opening {
    fn advance(&mut self, request: &str, is_writable: bool) -> io::Result<()> {
        if !self.has_sent && is_writable {
            self.stream.write_all(request.as_bytes())?;
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

//! A non-blocking connection to the server: TCP, and for `wss` TLS over TCP.

use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use protocol_websocket::Url;
use rustls::ClientConnection;

use crate::status::Failure;
use crate::{connect, tls};

#[derive(Debug)]
pub(crate) struct Transport {
    stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

impl Transport {
    /// Connects TCP and TLS before the deadline. Only this function blocks.
    pub(crate) fn connect(url: &Url, ca: Option<&Path>, deadline: Instant) -> Result<Self, Failure> {
        // Prepares TLS first, so that local errors are reported before anything is sent.
        let tls = url.is_secure().then(|| tls::client(url, ca)).transpose()?;
        let unreachable = |error| connect::failure(url, &error);
        let stream = connect::tcp(url, deadline).map_err(unreachable)?;
        let tls = tls.map(|tls| connect::tls(tls, &stream, deadline)).transpose().map_err(unreachable)?;
        stream.set_nonblocking(true).map_err(unreachable)?;
        Ok(Self { stream: TcpStream::from_std(stream), tls })
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.stream, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Sends the `close_notify` alert of TLS, if the socket accepts it without waiting.
    pub(crate) fn finish(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let _ = self.flush();
        }
    }
}

impl Read for Transport {
    /// Reads the bytes that have arrived. Returns 0 at the end of the stream, even without a `close_notify`, because
    /// the closing handshake of WebSocket detects a truncated stream.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Self { stream, tls: Some(tls) } = self else { return self.stream.read(buffer) };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            tls.read_tls(stream)?;
            if let Err(error) = tls.process_new_packets() {
                // Sends the TLS alert for this error, if there is one.
                let _ = tls.write_tls(stream);
                return Err(io::Error::new(ErrorKind::InvalidData, error));
            }
        }
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        let Some(tls) = &mut self.tls else { return self.stream.write(bytes) };
        let n = tls.writer().write(bytes)?;
        match self.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(n),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        while tls.wants_write() {
            tls.write_tls(&mut self.stream)?;
        }
        Ok(())
    }
}

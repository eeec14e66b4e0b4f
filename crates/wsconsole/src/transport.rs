use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{self, SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use protocol_websocket::Url;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::status::{Failure, Status};
use crate::text::note;

/// A connection to the server that never blocks: TCP, and TLS on it for `wss`.
#[derive(Debug)]
pub(crate) struct Transport {
    stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

impl Transport {
    /// Connects to the first address that answers, and sets up TLS, all before the deadline. Only this may block.
    pub(crate) fn connect(url: &Url, ca: Option<&Path>, deadline: Instant) -> Result<Self, Failure> {
        // First what may be wrong on our side.
        let tls = url.is_secure().then(|| client(url, ca)).transpose()?;
        let unreachable = |error: io::Error| {
            let text = format!("cannot connect to {}:{}: {}", url.host(), url.port(), reason(&error));
            Failure::new(Status::Unreachable, text)
        };
        let stream = dial(url, deadline).map_err(unreachable)?;
        let tls = tls.map(|tls| secure(tls, &stream, deadline)).transpose().map_err(unreachable)?;
        stream.set_nonblocking(true).map_err(unreachable)?;
        Ok(Self { stream: TcpStream::from_std(stream), tls })
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.stream, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Says in TLS that nothing more is written. Whether it arrives does not matter any more.
    pub(crate) fn finish(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let _ = self.flush();
        }
    }
}

impl Read for Transport {
    /// Reads what is there, 0 bytes at the end of the stream, however it ends: that is for WebSocket to judge.
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
                // What there is to alert the server of.
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

/// TLS for this server, before its first byte.
fn client(url: &Url, ca: Option<&Path>) -> Result<ClientConnection, Failure> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca {
        let unusable = |error: &dyn fmt::Display| {
            Failure::new(Status::Unusable, format!("cannot use {}: {error}", path.display()))
        };
        let before = roots.len();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unusable(&error))? {
            let certificate = certificate.map_err(|error| unusable(&error))?;
            roots.add(certificate).map_err(|error| unusable(&error))?;
        }
        if roots.len() == before {
            return Err(unusable(&"no certificate in it"));
        }
    }
    let unusable = |error: &dyn fmt::Display| {
        Failure::new(Status::Unusable, format!("cannot use TLS for {}: {error}", url.host()))
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from(url.socket_host().to_owned()).map_err(|error| unusable(&error))?;
    ClientConnection::new(Arc::new(config), name).map_err(|error| unusable(&error))
}

/// The time to the deadline, unless it passed.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// The addresses of the server. The system's lookup knows no deadline: a thread waits for it.
fn addresses(url: &Url, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
    let (sender, receiver) = mpsc::channel();
    let name = (url.socket_host().to_owned(), url.port());
    thread::Builder::new().name("lookup".into()).spawn(move || {
        let (host, port) = &name;
        // After the deadline the result is not awaited any more.
        let _ = sender.send((host.as_str(), *port).to_socket_addrs());
    })?;
    let found = receiver.recv_timeout(left(deadline)?).map_err(|_| ErrorKind::TimedOut)?;
    Ok(found?.collect())
}

fn dial(url: &Url, deadline: Instant) -> io::Result<net::TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    let addresses = addresses(url, deadline)?;
    for (address, others) in addresses.iter().zip((1..=addresses.len()).rev()) {
        // An address that does not answer leaves as much time for each of the others.
        let share = left(deadline)? / u32::try_from(others).unwrap_or(u32::MAX);
        match net::TcpStream::connect_timeout(address, share) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                note(&format!("connected to {address}"));
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The handshake of TLS.
fn secure(mut tls: ClientConnection, stream: &net::TcpStream, deadline: Instant) -> io::Result<Box<ClientConnection>> {
    let mut stream = Timed { stream, deadline };
    while tls.is_handshaking() {
        tls.complete_io(&mut stream)?;
    }
    Ok(Box::new(tls))
}

/// A blocking stream with one deadline for all that is read and written.
struct Timed<'a> {
    stream: &'a net::TcpStream,
    deadline: Instant,
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.deadline)?))?;
        self.stream.read(buffer)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.deadline)?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        // A time limit of a blocking socket, or ours.
        ErrorKind::WouldBlock | ErrorKind::TimedOut => "no answer in time".into(),
        _ => error.to_string(),
    }
}

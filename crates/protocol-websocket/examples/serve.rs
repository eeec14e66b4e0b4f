//! A page at `GET /` and a WebSocket echo at every path, on one port: plain threads, no runtime.
//!
//! The server parses the request head itself, as any HTTP server would, and hands it on only if it asks for an upgrade.
#![allow(clippy::indexing_slicing, reason = "an example")]

use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use clap::Parser;
use protocol_websocket::http::{HeadReader, RequestHead};
use protocol_websocket::{
    Accept, Accepted, Close, CloseCode, Config, Connection, Event, HeadLimits, Limits, Negotiated, Reject, State,
    Timeouts, Upgrade, Version,
};
use protocol_websocket_permessage_deflate::PermessageDeflate;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use socket2::{Domain, Socket, Type};

/// Serves a page and a WebSocket echo on one port of this machine.
#[derive(Parser)]
#[command(name = "serve")]
struct Options {
    /// The port; 0 takes any that is free.
    #[arg(long, default_value_t = 3000, value_name = "N")]
    port: u16,
    /// A name of this server, which a request may give besides localhost, 127.0.0.1 and [::1]; give it again for more.
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// A subprotocol that this server speaks; give it again for more, the best first.
    #[arg(long, value_name = "NAME")]
    subprotocol: Vec<String>,
    /// The longest message that is taken.
    #[arg(long, default_value_t = 16 * 1024 * 1024, value_name = "BYTES")]
    max_message: u64,
    /// The time for a handshake, and the silence after which a client is pinged; if it stays silent for as long again,
    /// its connection is closed.
    #[arg(long, default_value_t = 20, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Do not compress messages, even where a client offers to.
    #[arg(long)]
    no_deflate: bool,
}

const PAGE: &str = include_str!("serve.html");
/// Where the page tells of the guests, and of how many.
const GUESTS: &str = "<!-- guests -->";
const TOLD: usize = 10;
/// As much as one read takes, and so what one write answers.
const READ: usize = 64 * 1024;
/// As much as a thread has for its reads that waits, on its stack.
const LITTLE: usize = 4 * 1024;
/// As many as the node package `ws` takes; the Autobahn|Testsuite sends half of that, and one.
const FRAGMENTS: u32 = 131_072;
/// A connection that is silent for longer has no buffer.
const MOMENT: Duration = Duration::from_millis(100);
/// The hosts that a request may always name, with any port.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
const PATIENCE: Duration = Duration::from_secs(2);

fn main() -> io::Result<()> {
    let options = Options::parse();
    let listener = listen(options.port)?;
    let address = listener.local_addr()?;
    let timeout = Duration::from_secs(options.timeout);
    let timeouts = Timeouts {
        ping_interval: Some(timeout),
        pong_timeout: Some(timeout),
        // The two oldest versions have no pings.
        idle: Some(3 * timeout),
        close: Some(timeout),
        ..Timeouts::NONE
    };
    let limits = Limits::new(options.max_message).max_fragments(FRAGMENTS);
    let config = Config::new().limits(limits).timeouts(timeouts);
    let hall = Arc::new(Hall {
        timeout,
        hosts: options.host,
        config: if options.no_deflate { config } else { config.extension(PermessageDeflate::new()) },
        subprotocols: options.subprotocol,
        peers: Mutex::default(),
        guests: Mutex::default(),
        leaving: AtomicBool::new(false),
    });
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    println!("open http://{address}/ in a browser, or connect to ws://{address}/");

    let host = Arc::clone(&hall);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(stream) = stream else {
                // No descriptor is free, or the client is gone again: the next one may fare better.
                thread::sleep(Duration::from_millis(10));
                continue;
            };
            let hall = Arc::clone(&host);
            let worker = thread::Builder::new().stack_size(128 * 1024);
            // A thread that cannot be had drops the stream, which closes it.
            let _ = worker.spawn(move || {
                // A peer that went away is none of our errors.
                let _ = hall.serve(number, stream);
                lock(&hall.peers).remove(&number);
            });
        }
    });
    signals.forever().next();
    hall.close();
    Ok(())
}

/// Listens with the longest queue of connections that the system allows.
fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    socket.listen(i32::MAX)?;
    Ok(socket.into())
}

/// What all connections share.
struct Hall {
    timeout: Duration,
    hosts: Vec<String>,
    config: Config,
    subprotocols: Vec<String>,
    peers: Mutex<HashMap<usize, Arc<Peer>>>,
    /// Who came last, the latest first.
    guests: Mutex<VecDeque<Guest>>,
    /// Whether the server goes away.
    leaving: AtomicBool,
}

/// What the page tells of a connection.
struct Guest {
    since: Instant,
    version: Version,
    resource_name: String,
    subprotocol: String,
    extensions: String,
}

/// An open connection, with the socket that its output goes to.
struct Peer {
    connection: Mutex<Connection>,
    stream: TcpStream,
    /// The time zero of the connection's deadlines.
    start: Instant,
}

/// What a connection needs while something is going on.
#[derive(Default)]
struct Buffers {
    input: BytesMut,
    output: BytesMut,
    /// For whom a little on the stack is not enough.
    read: Vec<u8>,
    /// The read timeout that the socket has.
    timeout: Duration,
}

impl Buffers {
    /// Whoever is silent costs no buffer, and the beginning of a message no more than it has.
    fn release_memory(&mut self) {
        self.output = BytesMut::new();
        if self.input.len() < READ / 4 {
            self.input = BytesMut::from(&*self.input);
        }
    }
}

impl Hall {
    fn serve(&self, number: usize, stream: TcpStream) -> io::Result<()> {
        let address = stream.peer_addr()?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(Duration::from_secs(30)))?;
        let deadline = Instant::now() + self.timeout;
        let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
        let accepted = match read_head(&stream, deadline, &mut input, &mut output)? {
            Some(head) if head.is_upgrade() => self.upgrade(head, &mut output),
            Some(head) => {
                self.answer(&head, &mut output);
                None
            }
            None => None,
        };
        let Some((resource_name, accepted)) = accepted else {
            (&stream).write_all(&output)?;
            return part(&stream);
        };
        let negotiated = match accepted {
            Accepted::Open(negotiated) => negotiated,
            Accepted::AwaitingKey3(mut key3) => loop {
                if let Some(negotiated) = key3.parse(&mut input, &mut output) {
                    break negotiated;
                }
                // The last bytes of the request may wait for the head of the answer.
                (&stream).write_all(&output)?;
                output.clear();
                if read_until(deadline, &stream, &mut input)? == 0 {
                    return Ok(());
                }
            },
        };
        (&stream).write_all(&output)?;

        let connection = Mutex::new(Connection::server(&negotiated, &self.config));
        let peer = Arc::new(Peer { connection, stream, start: Instant::now() });
        lock(&self.peers).insert(number, Arc::clone(&peer));
        self.welcome(address, resource_name, negotiated);
        let end = peer.talk(&self.leaving, &mut Buffers { input, ..Buffers::default() });
        // After a Close this says nothing, after anything else that there was none.
        let _ = lock(&peer.connection).receive_eof();
        let code = lock(&peer.connection).close_code().unwrap_or(CloseCode::ABNORMAL);
        log(&format!("{address} closed with {code}"));
        end?;
        part(&peer.stream)
    }

    /// Remembers who came for the page, and logs it.
    fn welcome(&self, address: SocketAddr, resource_name: String, negotiated: Negotiated) {
        let version = negotiated.version;
        let subprotocol = negotiated.subprotocol.unwrap_or_default();
        let extensions: Vec<String> = negotiated.extensions.iter().map(ToString::to_string).collect();
        let extensions = extensions.join(", ");
        let with = if extensions.is_empty() { "" } else { " with " };
        let line = format!("{address} speaks {version} at {resource_name}{with}{extensions}");
        let mut guests = lock(&self.guests);
        guests.push_front(Guest { since: Instant::now(), version, resource_name, subprotocol, extensions });
        guests.truncate(TOLD);
        drop(guests);
        log(&line);
    }

    /// Whether a request names this server. If a site has its name point to this machine, its pages can send requests
    /// here and read the responses (DNS rebinding), but these requests carry the name of the site.
    fn is_named(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let hosts = self.hosts.iter().map(String::as_str);
        LOCAL.into_iter().chain(hosts).any(|ours| ours.eq_ignore_ascii_case(name))
    }

    /// Answers a request that is not for an upgrade.
    fn answer(&self, head: &RequestHead, output: &mut BytesMut) {
        let hosts: Vec<&[u8]> = head.headers().get_all("host").collect();
        let [host] = hosts[..] else {
            let _ = Reject::new(400).encode(output);
            return;
        };
        if !str::from_utf8(host).is_ok_and(|host| self.is_named(host)) {
            let _ = misdirected().encode(output);
            return;
        }
        let path = head.target().split('?').next();
        if !matches!((head.method(), path), ("GET" | "HEAD", Some("/"))) {
            let _ = Reject::new(404).body("There is a page at / and an echo everywhere.\n").encode(output);
            return;
        }
        let rows: String = lock(&self.guests).iter().map(Guest::row).collect();
        let page = PAGE.replace(GUESTS, &rows);
        let fields = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
             Cache-Control: no-store\r\nConnection: close\r\n\r\n",
            page.len()
        );
        output.extend_from_slice(fields.as_bytes());
        if head.method() == "GET" {
            output.extend_from_slice(page.as_bytes());
        }
    }

    /// Answers a request for an upgrade: what it becomes, and of which resource, unless it is refused.
    fn upgrade(&self, head: RequestHead, output: &mut BytesMut) -> Option<(String, Accepted)> {
        let upgrade = match Upgrade::from_head(head) {
            Ok(upgrade) => upgrade,
            Err(error) => {
                error.reply(output);
                return None;
            }
        };
        if !self.is_named(upgrade.request().host()) {
            let _ = upgrade.reject(&misdirected(), output);
            return None;
        }
        let ours: Vec<&str> = self.subprotocols.iter().map(String::as_str).collect();
        let accept = match upgrade.request().select_subprotocol(&ours) {
            Some(name) => Accept::new().subprotocol(name),
            None => Accept::new(),
        };
        let accept = self.config.accept(upgrade.request(), accept);
        let resource_name = upgrade.request().resource_name().to_owned();
        match upgrade.accept(&accept, output) {
            Ok(accepted) => Some((resource_name, accepted)),
            Err(_) => {
                let _ = Reject::new(500).encode(output);
                None
            }
        }
    }

    /// Tells every peer that the server goes away, and gives them a moment to agree.
    fn close(&self) {
        self.leaving.store(true, Ordering::SeqCst);
        let peers: Vec<Arc<Peer>> = lock(&self.peers).values().cloned().collect();
        for peer in &peers {
            // Whoever is busy sees by itself that it is time, when what it is busy with is written.
            let Ok(mut connection) = peer.connection.try_lock() else { continue };
            let mut output = BytesMut::new();
            leave(&mut connection, &mut output);
            let _ = peer.stream.set_write_timeout(Some(PATIENCE));
            let _ = (&peer.stream).write_all(&output);
        }
        let deadline = Instant::now() + PATIENCE;
        while !lock(&self.peers).is_empty() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Guest {
    /// A row of the page's table.
    fn row(&self) -> String {
        let since = match self.since.elapsed().as_secs() {
            seconds @ 0..120 => format!("{seconds} s ago"),
            seconds @ 120..7200 => format!("{} min ago", seconds / 60),
            seconds => format!("{} h ago", seconds / 3600),
        };
        let Self { version, resource_name, subprotocol, extensions, .. } = self;
        let [path, subprotocol, extensions] = [resource_name, subprotocol, extensions].map(|text| escape(text));
        format!(
            "<tr><td>{since}</td><td>{version}</td><td>{path}</td><td>{subprotocol}</td><td>{extensions}</td></tr>\n"
        )
    }
}

impl Peer {
    /// Echoes until both ends have closed, or the client has hung up.
    fn talk(&self, leaving: &AtomicBool, buffers: &mut Buffers) -> io::Result<()> {
        while let Some(wait) = self.advance(leaving, buffers)? {
            if buffers.read.is_empty() {
                buffers.release_memory();
            }
            let mut read = self.read(wait, buffers);
            // After a signal, what came meanwhile is read before the deadlines are checked.
            while read.as_ref().is_err_and(|error| error.kind() == ErrorKind::Interrupted) {
                read = self.read(Duration::ZERO, buffers);
            }
            match read {
                Ok(0) => break,
                // A deadline of the connection is due.
                Err(error) if is_timeout(&error) => {}
                read => drop(read?),
            }
        }
        Ok(())
    }

    /// Reads a little, from whom that is not enough as much as goes, until nothing came for a moment. Fails with a timeout
    /// if nothing came for as long as `wait`.
    fn read(&self, wait: Duration, buffers: &mut Buffers) -> io::Result<usize> {
        if !buffers.read.is_empty() {
            self.set_read_timeout(wait.min(MOMENT), buffers)?;
            match (&self.stream).read(&mut buffers.read) {
                Err(error) if is_timeout(&error) => {
                    buffers.read = Vec::new();
                    buffers.release_memory();
                }
                read => {
                    let read = read?;
                    buffers.input.extend_from_slice(&buffers.read[..read]);
                    return Ok(read);
                }
            }
        }
        self.set_read_timeout(wait, buffers)?;
        let read = read(&self.stream, &mut buffers.input)?;
        if read == LITTLE {
            buffers.read = vec![0; READ];
        }
        Ok(read)
    }

    /// Sets the read timeout if it changed. It is the same for as long as the client is not silent, which saves a system
    /// call.
    fn set_read_timeout(&self, timeout: Duration, buffers: &mut Buffers) -> io::Result<()> {
        // Zero would be no timeout at all.
        let timeout = timeout.max(Duration::from_millis(1));
        if buffers.timeout != timeout {
            self.stream.set_read_timeout(Some(timeout))?;
            buffers.timeout = timeout;
        }
        Ok(())
    }

    /// Echoes the messages in the input, and does what is due. Gives the time to the next deadline, unless the
    /// connection is closed.
    fn advance(
        &self,
        leaving: &AtomicBool,
        Buffers { input, output, .. }: &mut Buffers,
    ) -> io::Result<Option<Duration>> {
        // An echo is about as long as what it answers.
        output.reserve(input.len().min(READ));
        let mut connection = lock(&self.connection);
        // An error has its Close in the output, and leaves the connection closed.
        while let Ok(Some(event)) = connection.receive(input, output) {
            if let Event::Message(message) = event {
                // After our own Close nothing is echoed any more.
                let _ = connection.send(message, output);
            }
            if output.len() >= 2 * READ {
                self.write(&mut connection, output)?;
            }
        }
        self.write(&mut connection, output)?;
        let now = self.start.elapsed();
        let _ = connection.handle_timeout(now, output);
        if leaving.load(Ordering::SeqCst) {
            leave(&mut connection, output);
        }
        self.write(&mut connection, output)?;
        let wait = connection.poll_timeout().unwrap_or(now).saturating_sub(now);
        Ok((connection.state() != State::Closed).then_some(wait))
    }

    /// Writes all that is to be sent, and what was held back until it was.
    fn write(&self, connection: &mut Connection, output: &mut BytesMut) -> io::Result<()> {
        while !output.is_empty() {
            (&self.stream).write_all(output)?;
            output.clear();
            connection.flush(output);
        }
        Ok(())
    }
}

/// Says goodbye, unless that was said.
fn leave(connection: &mut Connection, output: &mut BytesMut) {
    let _ = connection.close(Close::from(CloseCode::GOING_AWAY), output);
}

/// The refusal of a request that is meant for another host.
fn misdirected() -> Reject {
    Reject::new(421).body("This server is not known by this name: see --host.\n")
}

/// Reads a request head.
fn read_head(
    stream: &TcpStream,
    deadline: Instant,
    input: &mut BytesMut,
    output: &mut BytesMut,
) -> io::Result<Option<RequestHead>> {
    let mut reader = HeadReader::new(HeadLimits::default());
    loop {
        match reader.request(input) {
            Ok(Some(head)) => return Ok(Some(head)),
            Ok(None) => {}
            Err(error) => {
                error.reply(output);
                return Ok(None);
            }
        }
        if read_until(deadline, stream, input)? == 0 {
            return Ok(None);
        }
    }
}

/// Reads a little of a handshake, all of which has one deadline.
fn read_until(deadline: Instant, stream: &TcpStream, input: &mut BytesMut) -> io::Result<usize> {
    let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
    stream.set_read_timeout(Some(left.ok_or(ErrorKind::TimedOut)?))?;
    read(stream, input)
}

/// Reads a little.
fn read(mut stream: &TcpStream, input: &mut BytesMut) -> io::Result<usize> {
    let mut buffer = [0; LITTLE];
    let read = stream.read(&mut buffer)?;
    input.extend_from_slice(&buffer[..read]);
    Ok(read)
}

/// Ends the stream so that the peer gets all that was written: nothing more out, and a moment to read what is on the way.
fn part(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut rest = [0; 1024];
    let deadline = Instant::now() + PATIENCE;
    while stream.read(&mut rest)? > 0 && Instant::now() < deadline {}
    Ok(())
}

/// Whether nothing came in time.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Writes a line to the standard error, if somebody reads it.
fn log(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Text as HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

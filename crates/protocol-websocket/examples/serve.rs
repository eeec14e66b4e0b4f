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
    Upgrade, Version,
};
use protocol_websocket_permessage_deflate::PermessageDeflate;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Serves a page and a WebSocket echo on one port of this machine.
#[derive(Parser)]
#[command(name = "serve")]
struct Options {
    /// The port; 0 takes any that is free.
    #[arg(long, default_value_t = 3000, value_name = "N")]
    port: u16,
    /// A subprotocol that this server speaks; give it again for more, the best first.
    #[arg(long, value_name = "NAME")]
    subprotocol: Vec<String>,
    /// The longest message that is taken.
    #[arg(long, default_value_t = 16 * 1024 * 1024, value_name = "BYTES")]
    max_message: u64,
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
const HANDSHAKE: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(2);

fn main() -> io::Result<()> {
    let options = Options::parse();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
    let address = listener.local_addr()?;
    let config = Config::new().limits(Limits::new(options.max_message).max_fragments(FRAGMENTS));
    let hall = Arc::new(Hall {
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

/// What all connections share.
struct Hall {
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
}

/// What a connection needs while something is going on.
#[derive(Default)]
struct Buffers {
    input: BytesMut,
    output: BytesMut,
    /// For whom a little on the stack is not enough.
    read: Vec<u8>,
}

impl Buffers {
    /// Whoever is silent costs no buffer, and the beginning of a message no more than it has.
    fn shrink(&mut self) {
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
        let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
        let accepted = match read_head(&stream, &mut input, &mut output)? {
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
                if read(&stream, &mut input)? == 0 {
                    return Ok(());
                }
            },
        };
        (&stream).write_all(&output)?;

        stream.set_read_timeout(None)?;
        stream.set_write_timeout(Some(Duration::from_secs(30)))?;
        let connection = Mutex::new(Connection::server(&negotiated, &self.config));
        let peer = Arc::new(Peer { connection, stream });
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

    /// Answers a request that is not for an upgrade.
    fn answer(&self, head: &RequestHead, output: &mut BytesMut) {
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
        while self.advance(leaving, buffers)? != State::Closed {
            if buffers.read.is_empty() {
                buffers.shrink();
            }
            match self.read(buffers) {
                Ok(0) => break,
                // A signal may end a read that has a timeout.
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads a little, from whom that is not enough as much as goes, until nothing came for a moment.
    fn read(&self, buffers: &mut Buffers) -> io::Result<usize> {
        if !buffers.read.is_empty() {
            match (&self.stream).read(&mut buffers.read) {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    buffers.read = Vec::new();
                    buffers.shrink();
                    self.stream.set_read_timeout(None)?;
                }
                read => {
                    let read = read?;
                    buffers.input.extend_from_slice(&buffers.read[..read]);
                    return Ok(read);
                }
            }
        }
        let read = read(&self.stream, &mut buffers.input)?;
        if read == LITTLE {
            buffers.read = vec![0; READ];
            self.stream.set_read_timeout(Some(MOMENT))?;
        }
        Ok(read)
    }

    /// Echoes the messages in the input.
    fn advance(&self, leaving: &AtomicBool, Buffers { input, output, .. }: &mut Buffers) -> io::Result<State> {
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
        if leaving.load(Ordering::SeqCst) {
            leave(&mut connection, output);
            self.write(&mut connection, output)?;
        }
        Ok(connection.state())
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

/// Reads a request head, within the time that a handshake may take.
fn read_head(stream: &TcpStream, input: &mut BytesMut, output: &mut BytesMut) -> io::Result<Option<RequestHead>> {
    let deadline = Instant::now() + HANDSHAKE;
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
        let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
        stream.set_read_timeout(Some(left.ok_or(io::ErrorKind::TimedOut)?))?;
        if read(stream, input)? == 0 {
            return Ok(None);
        }
    }
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

//! The state that all connections share, and the responses to their requests.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use protocol_websocket::http::{HeadReader, RequestHead};
use protocol_websocket::{Accept, Config, Connection, HeadLimits, Limits, Negotiated, Reject, Request, Response};
use protocol_websocket_record::Recorder;

use crate::echo::Echo;
use crate::live::{self, Live};
use crate::page::{Recent, extensions, path};
use crate::peer::{Peer, Service, lock};
use crate::socket::{read_before, shutdown};

/// The host names that every server accepts, with any port.
const LOCAL_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
/// How long a client may take to read the output.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the closing handshakes may take when the server shuts down.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) struct Shared {
    config: Arc<Config>,
    /// The configuration of the connections of pages to their live section, which are not recorded.
    viewer_config: Arc<Config>,
    handshake_timeout: Duration,
    read_size: usize,
    hosts: Vec<String>,
    subprotocols: Vec<String>,
    peers: Mutex<HashMap<usize, Arc<Peer>>>,
    recent: Mutex<Recent>,
    is_shutting_down: AtomicBool,
    /// The records of the connections, or the reason why connections are not recorded.
    live: Result<Arc<Live>, &'static str>,
}

/// An accepted request.
struct Upgraded {
    /// The path without the query.
    path: String,
    response: Response,
    connection: Connection,
    service: Box<dyn Service>,
    /// Whether the connection is logged and on the page. That of a page to its live section is not.
    is_listed: bool,
}

impl Shared {
    pub(crate) fn new(
        config: Config,
        recorder: Option<Recorder>,
        handshake_timeout: Duration,
        read_size: usize,
        hosts: Vec<String>,
        subprotocols: Vec<String>,
        live: Result<Live, &'static str>,
    ) -> Self {
        let (peers, recent, is_shutting_down) = (Mutex::default(), Mutex::default(), AtomicBool::new(false));
        let viewer_config = Arc::new(config.clone().limits(Limits::new(live::MAX_MESSAGE)));
        let config = Arc::new(match recorder {
            Some(recorder) => config.observer(move |role| recorder.connection(role)),
            None => config,
        });
        let live = live.map(Arc::new);
        Self {
            config,
            viewer_config,
            handshake_timeout,
            read_size,
            hosts,
            subprotocols,
            peers,
            recent,
            is_shutting_down,
            live,
        }
    }

    /// Serves one TCP connection: a page, or a WebSocket connection.
    pub(crate) fn serve(&self, id: usize, stream: TcpStream) -> io::Result<()> {
        let address = stream.peer_addr()?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
        let deadline = Instant::now() + self.handshake_timeout;
        let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
        let upgraded = match read_head(&stream, deadline, &mut input, &mut output)? {
            Some(head) if head.is_upgrade() => self.upgrade(id, address, head, &mut output),
            Some(head) => {
                self.respond(&head, &mut output);
                None
            }
            None => None,
        };
        (&stream).write_all(&output)?;
        let Some(Upgraded { path, response, connection, mut service, is_listed }) = upgraded else {
            return shutdown(&stream);
        };

        let peer = Arc::new(Peer::new(connection, stream));
        lock(&self.peers).insert(id, Arc::clone(&peer));
        if is_listed {
            self.log_open(address, path, response.negotiated());
        }
        drop(output);
        let result = peer.run(&mut *service, &self.is_shutting_down, self.read_size, &mut input);
        if let Some(ended) = peer.end()
            && is_listed
        {
            log(&format!("{address} closed with {} by {}", ended.code, ended.by));
        }
        result?;
        shutdown(&peer.stream)
    }

    /// Adds the connection to the table of the page, then logs it, so that a logged connection is on the page.
    fn log_open(&self, address: SocketAddr, path: String, negotiated: &Negotiated) {
        let extensions = extensions(negotiated);
        let with = if extensions.is_empty() { "" } else { " with " };
        let line = format!("{address} open: {} at {path}{with}{extensions}", negotiated.version);
        lock(&self.recent).add(path, negotiated);
        log(&line);
    }

    /// Removes a connection that has ended.
    pub(crate) fn remove(&self, id: usize) {
        lock(&self.peers).remove(&id);
        if let Ok(live) = &self.live {
            live.remove(id);
        }
    }

    /// Closes all connections with 1001, and waits for their closing handshakes.
    pub(crate) fn close_all(&self) {
        self.is_shutting_down.store(true, Ordering::SeqCst);
        let peers: Vec<Arc<Peer>> = lock(&self.peers).values().cloned().collect();
        peers.iter().for_each(|peer| peer.go_away());
        let deadline = Instant::now() + SHUTDOWN_TIMEOUT;
        while !lock(&self.peers).is_empty() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Returns whether the host of a request is a name of this server. This prevents DNS rebinding: if the name of
    /// another site resolves to this machine, the pages of that site can send requests here and read the responses.
    /// Such requests have the site's name as their host.
    fn is_named(&self, host: &str) -> bool {
        let name = without_port(host);
        is_local(host) || self.hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
    }

    /// Responds to a request that is not an upgrade request.
    fn respond(&self, head: &RequestHead, output: &mut BytesMut) {
        let hosts: Vec<&[u8]> = head.headers().get_all("host").collect();
        let [host] = hosts[..] else {
            let _ = Reject::new(400).encode(output);
            return;
        };
        let Some(host) = str::from_utf8(host).ok().filter(|host| self.is_named(host)) else {
            let _ = misdirected().encode(output);
            return;
        };
        let path = head.target().split('?').next();
        if !matches!((head.method(), path), ("GET" | "HEAD", Some("/"))) {
            let _ = Reject::new(404).body("The page is at /, and every path has a WebSocket echo.\n").encode(output);
            return;
        }
        let live = match &self.live {
            Err(reason) => Err(*reason),
            Ok(_) if !is_local(host) => Err("This page was opened under another name than localhost."),
            Ok(_) => Ok(()),
        };
        let page = lock(&self.recent).page(live);
        let response_head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
             Cache-Control: no-store\r\nConnection: close\r\n\r\n",
            page.len()
        );
        output.extend_from_slice(response_head.as_bytes());
        if head.method() == "GET" {
            output.extend_from_slice(page.as_bytes());
        }
    }

    /// Responds to an upgrade request. Returns `None` if the request was refused.
    fn upgrade(&self, id: usize, address: SocketAddr, head: RequestHead, output: &mut BytesMut) -> Option<Upgraded> {
        let request = match Request::from_head(head) {
            Ok(request) => request,
            Err(error) => {
                error.reply(output);
                return None;
            }
        };
        if !self.is_named(request.host()) {
            let _ = misdirected().encode(output);
            return None;
        }
        if let Ok(live) = &self.live
            && request.subprotocols().any(|name| name == live::SUBPROTOCOL)
        {
            return match live.viewer(&request, is_local(request.host())) {
                Ok(viewer) => {
                    let accept = Accept::new().subprotocol(live::SUBPROTOCOL);
                    respond(&request, accept, Arc::clone(&self.viewer_config), Box::new(viewer), false, output)
                }
                Err(reject) => {
                    let _ = reject.encode(output);
                    None
                }
            };
        }
        let supported: Vec<&str> = self.subprotocols.iter().map(String::as_str).collect();
        let accept = request.select_subprotocol(&supported).into_iter().fold(Accept::new(), Accept::subprotocol);
        let Ok(live) = &self.live else {
            return respond(&request, accept, Arc::clone(&self.config), Box::new(Echo::new(None)), true, output);
        };
        let record = live.add(id, address, &request);
        let observer = Arc::clone(&record);
        let config = (*self.config).clone().observer(move |_| Arc::clone(&observer).observer());
        let echo = Echo::new(Some((Arc::clone(live), record)));
        respond(&request, accept, Arc::new(config), Box::new(echo), true, output)
    }
}

/// Accepts a request. Refuses it if the response cannot be written.
fn respond(
    request: &Request,
    accept: Accept,
    config: Arc<Config>,
    service: Box<dyn Service>,
    is_listed: bool,
    output: &mut BytesMut,
) -> Option<Upgraded> {
    let Ok((response, connection)) = Connection::respond(request, accept, config) else {
        let _ = Reject::new(500).encode(output);
        return None;
    };
    response.encode(output);
    let path = path(request.resource_name());
    Some(Upgraded { path, response, connection, service, is_listed })
}

/// Returns whether the host of a request is a name that only this machine has.
fn is_local(host: &str) -> bool {
    LOCAL_HOSTS.iter().any(|local| local.eq_ignore_ascii_case(without_port(host)))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Refuses a request for another host.
fn misdirected() -> Reject {
    Reject::new(421).body("This server does not have this host name: see --host.\n")
}

/// Reads a request head. Returns `None` if the stream has ended, or if the head is invalid; the response to it is then
/// in the output.
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
        if read_before(deadline, stream, input)? == 0 {
            return Ok(None);
        }
    }
}

/// Writes a line to stderr. An error is ignored, because the server can run without its log.
fn log(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

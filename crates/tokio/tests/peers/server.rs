//! Our server: an echo server on this crate in a thread of the test, with the page of the example `serve` for browsers.

use std::fmt::Display;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use protocol_websocket::{CloseCode, Config, Limits};
use protocol_websocket_tokio::{Accept, Drain, Error, WebSocket, accept, config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use super::deflate::parts;

const SUBPROTOCOLS: [&str; 2] = ["other", "chat"];
const PAGE: &str = include_str!("../../../protocol-websocket/examples/serve/page.html");
/// The time that a client may take to log a line, and to close.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) struct OurServer {
    port: u16,
    log: Receiver<String>,
    drain: Drain,
    runtime: Runtime,
}

impl OurServer {
    /// Starts the server with the subprotocols `other` and `chat`.
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, log) = mpsc::channel();
        let drain = Drain::new();
        runtime.spawn(run(listener, drain.clone(), sender));
        Self { port, log, drain, runtime }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Waits for a line of the log that contains `words`.
    pub(crate) fn logged(&self, words: &str) {
        loop {
            let line = self.log.recv_timeout(TIMEOUT).unwrap_or_else(|_| panic!("no line with {words:?} was logged"));
            if line.contains(words) {
                return;
            }
        }
    }

    /// Closes all connections, and checks that all clients agreed.
    pub(crate) fn shutdown(self) {
        let drained = self.runtime.block_on(self.drain.shutdown(CloseCode::GOING_AWAY, "", TIMEOUT));
        assert_eq!(drained.others, 0);
    }
}

async fn run(listener: TcpListener, drain: Drain, log: Sender<String>) {
    let config = Arc::new(config().limits(Limits::new(16 << 20)));
    loop {
        let (stream, address) = listener.accept().await.unwrap();
        let (config, drain, log) = (Arc::clone(&config), drain.clone(), log.clone());
        tokio::spawn(async move {
            // The receiver may have been dropped.
            let log = |line: &dyn Display| drop(log.send(format!("{address} {line}")));
            if let Err(error) = serve(stream, config, &drain, &log).await {
                log(&error);
            }
        });
    }
}

async fn serve(
    mut stream: TcpStream,
    config: Arc<Config>,
    drain: &Drain,
    log: &(dyn Fn(&dyn Display) + Sync),
) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    if is_from_browser(&stream).await? {
        return Ok(send_page(&mut stream).await?);
    }
    let incoming = accept(stream, config).await?;
    let request = incoming.request();
    let path = request.resource_name().to_owned();
    let selected = request.select_subprotocol(&SUBPROTOCOLS);
    let response = selected.into_iter().fold(Accept::new(), Accept::subprotocol);
    let mut websocket = incoming.accept(&response).await?;
    drain.watch(&websocket);
    log(&format_args!("open: {} at {path}", websocket.negotiated().version));
    let result = echo(&mut websocket).await;
    if let Some(ended) = websocket.ended() {
        log(&format_args!("closed with {} by {}", ended.code, ended.by));
    }
    result
}

async fn echo(websocket: &mut WebSocket<TcpStream>) -> Result<(), Error> {
    while let Some(message) = websocket.recv().await {
        // After our own Close this fails, and the message is dropped.
        let _ = websocket.queue(message?);
    }
    Ok(())
}

/// Whether the client requests the page instead of an upgrade. A browser's request arrives at once.
async fn is_from_browser(stream: &TcpStream) -> io::Result<bool> {
    let mut head = vec![0; 8192];
    let n = stream.peek(&mut head).await?;
    let head = String::from_utf8_lossy(&head[..n]).to_ascii_lowercase();
    Ok(head.starts_with("get / ") && head.ends_with("\r\n\r\n") && !head.contains("\r\nupgrade:"))
}

async fn send_page(stream: &mut TcpStream) -> io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(PAGE.as_bytes()).await?;
    stream.shutdown().await?;
    stream.read_to_end(&mut Vec::new()).await?;
    Ok(())
}

/// Starts a server that echoes the messages of one client, long ones in parts. Returns its URL, and the thread that ends
/// after the closing handshake.
pub(crate) fn echo_once(config: Config) -> (String, JoinHandle<()>) {
    let runtime = Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || runtime.block_on(echo_in_parts(listener, config)).unwrap());
    (url, server)
}

async fn echo_in_parts(listener: TcpListener, config: Config) -> Result<(), Error> {
    let (stream, _) = listener.accept().await?;
    let mut websocket = accept(stream, config).await?.accept(Accept::new()).await?;
    while let Some(message) = websocket.recv().await {
        for part in parts(&message?) {
            websocket.queue_part(part)?;
        }
    }
    assert!(websocket.ended().is_some_and(|ended| ended.clean));
    Ok(())
}

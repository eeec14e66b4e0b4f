//! A WebSocket echo with hyper: hyper reads the request and writes the response; after the upgrade a `Connection` takes
//! over. Messages are compressed for clients that offer it.
//!
//! `hyper_echo [PORT]` serves until Ctrl-C.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Parts};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use protocol_websocket::http::{self, Versions};
use protocol_websocket::{Accept, Config, Connection, Event, Negotiated, Reject, State, Timeouts};
use protocol_websocket_permessage_deflate::PermessageDeflate;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;
use tokio::time::timeout;

/// The most that one read takes, and so about as much as one write sends.
const READ_SIZE: usize = 64 * 1024;
/// How long a client may take to read what it is sent.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may go on sending after the last write, and how much: more than the kernel buffers at both ends.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_LINGER_BYTES: usize = 16 * 1024 * 1024;

/// The configuration of all connections.
static CONFIG: LazyLock<Config> =
    LazyLock::new(|| Config::new().timeouts(Timeouts::RECOMMENDED).extension(PermessageDeflate::new()));

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let port = std::env::args().nth(1).map_or(Ok(3003), |port| port.parse())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    // tokio queues 1,024 connections that are not accepted yet. This queues as many as the system allows.
    SockRef::from(&listener).listen(i32::MAX)?;
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(Timeouts::RECOMMENDED.handshake);
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    println!("connect to ws://{}/", listener.local_addr()?);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, peer)) = accepted else {
                    // No descriptor is free, or the client has gone: the next one may fare better.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                let _ = stream.set_nodelay(true);
                let connection = http.serve_connection(TokioIo::new(stream), service_fn(respond));
                tokio::spawn(async move {
                    if let Err(error) = connection.with_upgrades().await {
                        eprintln!("{peer}: {error}");
                    }
                });
            }
            interrupted = &mut interrupted => return Ok(interrupted?),
        }
    }
}

async fn respond(mut request: Request<Incoming>) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let response = upgrade(&mut request).unwrap_or_else(|reject| {
        Response::try_from(&reject).unwrap_or_default() // without header fields of our own this does not fail
    });
    Ok(response.map(Full::new))
}

/// Responds with a 101, and echoes in a task of its own after hyper has released the stream.
fn upgrade(request: &mut Request<Incoming>) -> std::result::Result<Response<Bytes>, Reject> {
    // hybi-00 sends eight bytes after its head, while hyper owns the stream.
    let versions = Versions::RFC6455;
    let checked = http::RequestHead::try_from(&*request).and_then(|head| http::Request::check(head, versions))?;
    let failed = |_| Reject::new(500);
    // The extensions of the configuration that the client offers.
    let accept = CONFIG.accept(&checked, Accept::new());
    let accepted = http::Response::accept(&checked, &accept).map_err(failed)?;
    let response = Response::<()>::try_from(&accepted).map_err(failed)?;
    let negotiated = accepted.negotiated().clone();
    let upgraded = hyper::upgrade::on(request);
    tokio::spawn(async move {
        if let Err(error) = serve(upgraded, negotiated).await {
            eprintln!("{error}");
        }
    });
    Ok(response.map(|()| Bytes::new()))
}

async fn serve(upgraded: OnUpgrade, negotiated: Negotiated) -> Result<()> {
    // The socket, and what hyper has read of the bytes after the request.
    let Parts { io, read_buf, .. } = upgraded.await?.downcast::<TokioIo<TcpStream>>().map_err(|_| "not TCP")?;
    let (mut stream, mut input, mut output) = (io.into_inner(), BytesMut::from(read_buf), BytesMut::new());
    let started = Instant::now();
    let mut connection = Connection::server(&negotiated, &CONFIG);
    loop {
        // One write for everything that one read led to. On an error, its Close is in the output.
        let advanced = advance(&mut connection, started.elapsed(), &mut input, &mut output);
        while !output.is_empty() {
            timeout(WRITE_TIMEOUT, stream.write_all(&output)).await??;
            output.clear();
            connection.flush(&mut output);
        }
        // An idle connection keeps no buffer, and the start of a message no more than its length.
        output = BytesMut::new();
        if input.len() < READ_SIZE / 4 {
            input = BytesMut::from(&*input);
        }
        if advanced.is_err() || connection.state() == State::Closed {
            shutdown(&mut stream).await;
            return advanced;
        }
        let wait = connection.poll_timeout().map_or(Duration::MAX, |at| at.saturating_sub(started.elapsed()));
        match read_for(wait, &mut stream, &mut input).await {
            Some(Ok(0)) => return Ok(connection.receive_eof()?),
            Some(read) => drop(read?),
            None => {} // a deadline: `advance` handles it
        }
    }
}

/// Reads what arrives before `wait` is over.
async fn read_for(wait: Duration, stream: &mut TcpStream, input: &mut BytesMut) -> Option<io::Result<usize>> {
    if let Ok(read) = timeout(wait, read(stream, input)).await {
        return Some(read);
    }
    // If the process did not run for a while, tokio may have noticed the time but not the bytes. A yield has it poll the
    // sockets, so that the peer's bytes are read before the deadlines are checked.
    yield_now().await;
    timeout(Duration::ZERO, read(stream, input)).await.ok()
}

/// Reads what has arrived. It allocates nothing before something has.
async fn read(stream: &mut TcpStream, input: &mut BytesMut) -> io::Result<usize> {
    stream.readable().await?;
    input.reserve(READ_SIZE);
    stream.read_buf(input).await
}

/// Bytes in, bytes out: nothing here depends on hyper.
fn advance(connection: &mut Connection, now: Duration, input: &mut BytesMut, output: &mut BytesMut) -> Result<()> {
    while let Some(event) = connection.receive(input, output)? {
        if let Event::Message(message) = event {
            connection.send(message, output)?;
        }
    }
    Ok(connection.handle_timeout(now, output)?)
}

/// Ends the stream after the last write: shuts down the sending side, then reads and drops what the client still sends.
/// Closing a socket with unread bytes resets it, and the client may then lose the Close (RFC 9112 §9.6).
async fn shutdown(stream: &mut TcpStream) {
    // The client may be gone already.
    let _ = stream.shutdown().await;
    let drain = async {
        let (mut rest, mut dropped) = (BytesMut::new(), 0);
        while dropped < MAX_LINGER_BYTES {
            match read(stream, &mut rest).await {
                Ok(n @ 1..) => dropped += n,
                _ => break,
            }
            rest.clear();
        }
    };
    let _ = timeout(LINGER_TIMEOUT, drain).await;
}

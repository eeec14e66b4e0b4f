//! A WebSocket echo server with hyper: hyper reads the request and writes the response, and a `Connection` handles the
//! upgraded stream. Messages are compressed for clients that offer it.
//!
//! `hyper_echo [PORT]` serves until Ctrl-C.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::pin::{Pin, pin};
use std::sync::{Arc, LazyLock};
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Parts};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use protocol_websocket::http::{self, Versions};
use protocol_websocket::{Accept, BuildError, Config, Connection, EventRef, Reject, State, Timeouts};
use protocol_websocket_permessage_deflate::PermessageDeflate;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;
use tokio::time::timeout;

/// The size of the read buffer. An echo is about as long as its message, so one write sends about as much.
const READ_SIZE: usize = 64 * 1024;
/// How long a client may take to read the output.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take to end the stream after the last write.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum number of bytes that are read and dropped within [`LINGER_TIMEOUT`]. The kernels of both ends buffer
/// less.
const MAX_LINGER_BYTES: usize = 16 * 1024 * 1024;

/// The configuration of all connections.
static CONFIG: LazyLock<Arc<Config>> =
    LazyLock::new(|| Arc::new(Config::new().timeouts(Timeouts::RECOMMENDED).extension(PermessageDeflate::new())));

thread_local! {
    /// The read buffer of all connections of a thread.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_SIZE]);
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let port = std::env::args().nth(1).map_or(Ok(3003), |port| port.parse())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    // tokio's backlog is 1,024 connections. `i32::MAX` selects the longest that the system allows.
    SockRef::from(&listener).listen(i32::MAX)?;
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(Timeouts::RECOMMENDED.handshake);
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    println!("connect to ws://{}/", listener.local_addr()?);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, peer)) = accepted else {
                    // No file descriptor is free, or the client has disconnected. The next connection may succeed.
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
    let response = upgrade(&mut request).unwrap_or_else(|_| {
        let mut failed = Response::default();
        *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        failed
    });
    Ok(response.map(Full::new))
}

/// Responds with 101, and echoes in a task of its own after hyper has released the stream.
fn upgrade(request: &mut Request<Incoming>) -> std::result::Result<Response<Bytes>, BuildError> {
    // A hybi-00 client sends eight bytes after the head, while hyper owns the stream.
    let versions = Versions::RFC6455;
    let checked = http::RequestHead::try_from(&*request).and_then(|head| http::Request::check(head, versions));
    let checked = match checked {
        Ok(checked) => checked,
        Err(error) => return Response::try_from(&Reject::from(error)), // 400 or 426
    };
    let (response, connection) = Connection::respond(&checked, Accept::new(), Arc::clone(&CONFIG))?;
    let response = Response::<()>::try_from(&response)?;
    let upgraded = hyper::upgrade::on(request);
    tokio::spawn(async move {
        if let Err(error) = serve(upgraded, connection).await {
            eprintln!("{error}");
        }
    });
    Ok(response.map(|()| Bytes::new()))
}

async fn serve(upgraded: OnUpgrade, mut connection: Connection) -> Result<()> {
    // The socket, and the bytes after the request that hyper has read.
    let Parts { io, read_buf, .. } = upgraded.await?.downcast::<TokioIo<TcpStream>>().map_err(|_| "not TCP")?;
    let (mut stream, mut output) = (io.into_inner(), BytesMut::new());
    let started = Instant::now();
    let mut result = receive(&mut connection, &mut BytesMut::from(read_buf), &mut output);
    loop {
        // Sets new deadlines, and handles those that have passed.
        result = result.and_then(|()| Ok(connection.handle_timeout(started.elapsed(), &mut output)?));
        // One write for all events of one read. After an error, the Close is in the output.
        while !output.is_empty() {
            timeout(WRITE_TIMEOUT, stream.write_all(&output)).await??;
            output.clear();
            connection.flush(&mut output);
        }
        // An idle connection keeps no buffer.
        output = BytesMut::new();
        if result.is_err() || connection.state() == State::Closed {
            shutdown(&mut stream).await;
            return result;
        }
        let wait = connection.poll_timeout().map_or(Duration::MAX, |at| at.saturating_sub(started.elapsed()));
        result = match timeout(wait, read(&mut stream, &mut connection, &mut output)).await {
            Ok(result) => result,
            Err(_) => {
                // If the process was stopped for a while, the timeout may come first although bytes have arrived. tokio
                // polls the sockets during the yield, so these bytes are read before the deadlines are checked.
                yield_now().await;
                timeout(Duration::ZERO, read(&mut stream, &mut connection, &mut output)).await.unwrap_or(Ok(()))
            }
        };
    }
}

/// Waits for input, reads it and handles its events. All connections of a thread can share the buffer, because it is
/// used within one poll, and no other task of the thread runs during a poll.
async fn read(stream: &mut TcpStream, connection: &mut Connection, output: &mut BytesMut) -> Result<()> {
    poll_fn(|context| {
        BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
            Poll::Ready(match buffer.filled_mut() {
                [] => connection.receive_eof().map_err(Into::into),
                input => receive(connection, input, output),
            })
        })
    })
    .await
}

/// Handles the events of the input. Nothing here depends on hyper.
fn receive(connection: &mut Connection, mut input: &mut [u8], output: &mut BytesMut) -> Result<()> {
    // An echo is about as long as its message.
    output.reserve(input.len());
    while let Some(event) = connection.receive_lent(&mut input, output)? {
        if let EventRef::Message(message) = event {
            connection.send(message, output)?;
        }
    }
    Ok(())
}

/// Ends the stream after the last write: shuts down the sending side, then reads and drops what the client still sends.
/// Closing a socket with unread bytes resets it, and the client may then lose the Close (RFC 9112 §9.6).
async fn shutdown(stream: &mut TcpStream) {
    // The client may have disconnected.
    let _ = stream.shutdown().await;
    let drain = async {
        let mut dropped = 0;
        while dropped < MAX_LINGER_BYTES && stream.readable().await.is_ok() {
            match BUFFER.with_borrow_mut(|buffer| stream.try_read(buffer)) {
                Ok(n @ 1..) => dropped += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                _ => break,
            }
        }
    };
    let _ = timeout(LINGER_TIMEOUT, drain).await;
}

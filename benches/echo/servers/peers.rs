//! The other libraries, each as its documentation shows and in its best form, after a handshake that is the same for all.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use fastwebsockets::{FragmentCollector, FragmentCollectorRead, OpCode, Role, WebSocketRead, WebSocketWrite};
use futures_util::stream::SplitSink;
use futures_util::{Sink, SinkExt, Stream, StreamExt, TryStreamExt, future};
use protocol_websocket_core::ExtensionParams;
use tokio::io::{AsyncRead, AsyncWrite, BufWriter};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_tungstenite::tungstenite::{self, protocol::WebSocketConfig};
use tokio_websockets::{Limits, ServerBuilder};

use super::opening::{Opened, open_blocking};
use super::{Failure, Result, listener, many_peers, opened};

/// Bytes that a peer in its best form may read at once, and may keep before it writes.
const BUFFER_SIZE: usize = 64 * 1024;
/// The number of messages that a peer may take before it sends the first.
const MAX_BATCH: usize = 64;

pub(super) fn serve(name: &str) -> Result {
    match name {
        "tungstenite" => blocking(),
        "tokio-tungstenite" => opened(false, |opened| tokio_tungstenite(opened.stream)),
        "tokio-tungstenite-batch" => opened(false, |opened| async {
            // Each read clears the whole buffer, so a smaller one than the default of 128 KiB is faster.
            let config = WebSocketConfig::default().read_buffer_size(BUFFER_SIZE / 4);
            batched(tungstenite_socket(opened.stream, Some(config)).await, tungstenite_data).await
        }),
        "fastwebsockets" => opened(false, |opened| fastwebsockets(opened.stream)),
        "fastwebsockets-batch" => opened(false, |opened| fastwebsockets_batch(opened.stream)),
        "tokio-websockets" => opened(false, |opened| tokio_websockets(opened.stream)),
        "tokio-websockets-batch" => opened(false, |opened| tokio_websockets_batch(opened.stream)),
        "yawc" => opened(false, yawc),
        "yawc-deflate" => opened(true, yawc),
        "yawc-batch" => opened(false, yawc_batch),
        "yawc-deflate-batch" => opened(true, yawc_batch),
        "sockudo-ws" => opened(false, |opened| sockudo_ws(sockudo_socket(opened.stream))),
        "sockudo-ws-deflate" => opened(true, |opened| sockudo_ws(sockudo_compressed(opened))),
        "sockudo-ws-batch" => opened(false, |opened| batched(sockudo_socket(opened.stream), sockudo_data)),
        "sockudo-ws-deflate-batch" => opened(true, |opened| batched(sockudo_compressed(opened), sockudo_data)),
        other => broadcast(other),
    }
}

fn broadcast(name: &str) -> Result {
    match name {
        "broadcast-tokio-tungstenite" => {
            let all = registry();
            opened(false, |opened| async {
                to_all(tungstenite_socket(opened.stream, None).await, all, tungstenite_data).await
            })
        }
        "broadcast-fastwebsockets" => {
            let all = registry();
            opened(false, |opened| {
                let (read, write) = opened.stream.into_split();
                let (read, write) = fastwebsockets::after_handshake_split(read, write, Role::Server);
                fastwebsockets_to_all(read, write, all)
            })
        }
        "broadcast-tokio-websockets" => {
            let all = registry();
            opened(false, |opened| to_all(tokio_websockets_socket(opened.stream), all, tokio_websockets_data))
        }
        "broadcast-yawc" | "broadcast-yawc-deflate" => {
            let all = registry();
            opened(name.ends_with("deflate"), |opened| async {
                to_all(yawc_socket(opened, |options| options)?, all, yawc_data).await
            })
        }
        "broadcast-sockudo-ws" => {
            let all = registry();
            opened(false, |opened| to_all(sockudo_socket(opened.stream), all, sockudo_data))
        }
        "broadcast-sockudo-ws-deflate" => {
            let all = registry();
            opened(true, |opened| to_all(sockudo_compressed(opened), all, sockudo_data))
        }
        other => many_peers::serve(other),
    }
}

/// The writing halves of all connections.
pub(super) type Registry<T> = &'static Mutex<Vec<T>>;

pub(super) fn registry<T>() -> Registry<T> {
    Box::leak(Box::new(Mutex::new(Vec::new())))
}

/// Sends each message to all connections, one after another. The clones share the payload.
pub(super) async fn to_all<S, M, E>(
    socket: S,
    all: Registry<SplitSink<S, M>>,
    data: impl Fn(S::Item) -> std::result::Result<Option<M>, E>,
) -> Result
where
    S: Stream + Sink<M> + Unpin,
    M: Clone,
    E: Into<Failure>,
    <S as Sink<M>>::Error: Into<Failure>,
{
    let (sink, mut stream) = socket.split();
    all.lock().await.push(sink);
    while let Some(item) = stream.next().await {
        if let Some(message) = data(item).map_err(Into::into)? {
            for sink in all.lock().await.iter_mut() {
                sink.send(message.clone()).await.map_err(Into::into)?;
            }
        }
    }
    Ok(())
}

pub(super) async fn fastwebsockets_to_all<R, W>(
    read: WebSocketRead<R>,
    write: WebSocketWrite<W>,
    all: Registry<WebSocketWrite<W>>,
) -> Result
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut read = FragmentCollectorRead::new(read);
    all.lock().await.push(write);
    loop {
        let frame = read.read_frame(&mut no_reply).await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => {
                for write in all.lock().await.iter_mut() {
                    let payload = fastwebsockets::Payload::Borrowed(&frame.payload);
                    write.write_frame(fastwebsockets::Frame::new(true, frame.opcode, None, payload)).await?;
                }
            }
            _ => {}
        }
    }
}

/// Drops a Pong or Close. The load generator sends no Ping.
fn no_reply(_: fastwebsockets::Frame<'_>) -> future::Ready<io::Result<()>> {
    future::ready(Ok(()))
}

/// Echoes, and flushes when no further message is ready. `data` returns messages that are not control frames.
async fn batched<S, M, E>(mut socket: S, data: impl Fn(S::Item) -> std::result::Result<Option<M>, E>) -> Result
where
    S: Stream + Sink<M> + Unpin,
    E: Into<Failure>,
    <S as Sink<M>>::Error: Into<Failure>,
{
    while let Some(mut item) = socket.next().await {
        loop {
            if let Some(message) = data(item).map_err(Into::into)? {
                socket.feed(message).await.map_err(Into::into)?;
            }
            match poll_fn(|context| Poll::Ready(socket.poll_next_unpin(context))).await {
                Poll::Ready(Some(next)) => item = next,
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        socket.flush().await.map_err(Into::into)?;
    }
    Ok(())
}

/// Runs each connection in a thread with blocking reads and writes.
fn blocking() -> Result {
    for stream in listener()?.incoming() {
        let stream = open_blocking(stream?)?;
        std::thread::spawn(move || -> Result {
            let mut socket = tungstenite::WebSocket::from_raw_socket(stream, tungstenite::protocol::Role::Server, None);
            loop {
                if let Some(message) = tungstenite_data(socket.read())? {
                    socket.send(message)?;
                }
            }
        });
    }
    Ok(())
}

async fn tungstenite_socket(
    stream: TcpStream,
    config: Option<WebSocketConfig>,
) -> tokio_tungstenite::WebSocketStream<TcpStream> {
    tokio_tungstenite::WebSocketStream::from_raw_socket(stream, tungstenite::protocol::Role::Server, config).await
}

pub(super) fn tungstenite_data(
    item: tungstenite::Result<tungstenite::Message>,
) -> tungstenite::Result<Option<tungstenite::Message>> {
    item.map(|message| Some(message).filter(|message| message.is_text() || message.is_binary()))
}

async fn tokio_tungstenite(stream: TcpStream) -> Result {
    let (write, read) = tungstenite_socket(stream, None).await.split();
    Ok(read.try_filter(|message| future::ready(message.is_text() || message.is_binary())).forward(write).await?)
}

async fn fastwebsockets(stream: TcpStream) -> Result {
    let mut socket = FragmentCollector::new(fastwebsockets::WebSocket::after_handshake(stream, Role::Server));
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            _ => {}
        }
    }
}

/// Writes to a buffer, and flushes it when no further frame is ready. The halves let it flush while a read waits.
async fn fastwebsockets_batch(stream: TcpStream) -> Result {
    let (read, write) = stream.into_split();
    let write = BufWriter::with_capacity(BUFFER_SIZE, write);
    let (read, mut write) = fastwebsockets::after_handshake_split(read, write, Role::Server);
    let mut read = FragmentCollectorRead::new(read);
    loop {
        let frame = {
            let mut reply = no_reply;
            let mut next = std::pin::pin!(read.read_frame(&mut reply));
            match poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await {
                Poll::Ready(frame) => frame?,
                Poll::Pending => {
                    write.flush().await?;
                    next.await?
                }
            }
        };
        match frame.opcode {
            OpCode::Close => return Ok(write.flush().await?),
            OpCode::Text | OpCode::Binary => write.write_frame(frame).await?,
            _ => {}
        }
    }
}

fn tokio_websockets_socket(stream: TcpStream) -> tokio_websockets::WebSocketStream<TcpStream> {
    let config = tokio_websockets::Config::default().flush_threshold(BUFFER_SIZE);
    ServerBuilder::new().config(config).limits(Limits::unlimited()).serve(stream)
}

fn tokio_websockets_data(
    item: std::result::Result<tokio_websockets::Message, tokio_websockets::Error>,
) -> std::result::Result<Option<tokio_websockets::Message>, tokio_websockets::Error> {
    item.map(|message| Some(message).filter(|message| message.is_text() || message.is_binary()))
}

/// Takes all messages that are ready before it sends the first, because a read flushes what was fed.
async fn tokio_websockets_batch(stream: TcpStream) -> Result {
    let mut socket = tokio_websockets_socket(stream);
    let mut messages = Vec::new();
    while let Some(item) = socket.next().await {
        messages.extend(tokio_websockets_data(item)?);
        while messages.len() < MAX_BATCH
            && let Poll::Ready(Some(item)) = poll_fn(|context| Poll::Ready(socket.poll_next_unpin(context))).await
        {
            messages.extend(tokio_websockets_data(item)?);
        }
        for message in messages.drain(..) {
            socket.feed(message).await?;
        }
        socket.flush().await?;
    }
    Ok(())
}

async fn tokio_websockets(stream: TcpStream) -> Result {
    let mut socket = ServerBuilder::new().limits(Limits::unlimited()).serve(stream);
    while let Some(item) = socket.next().await {
        if let Some(message) = tokio_websockets_data(item)? {
            socket.send(message).await?;
        }
    }
    Ok(())
}

/// Text is checked, as in the other libraries. The limits permit a message of 1 MiB.
fn yawc_socket(
    opened: Opened,
    options: impl FnOnce(yawc::Options) -> yawc::Options,
) -> yawc::Result<yawc::WebSocket<TcpStream>> {
    let mut own = options(yawc::Options::default()).with_limits(2 << 20, 4 << 20).with_utf8();
    if opened.deflate.is_some() {
        own = own.with_balanced_compression();
    }
    let extensions = opened.deflate.as_ref().map(ExtensionParams::to_string);
    yawc::WebSocket::from_stream_with_extensions(opened.stream, yawc::Role::Server, extensions.as_deref(), own)
}

fn yawc_data(frame: yawc::Frame) -> yawc::Result<Option<yawc::Frame>> {
    Ok(Some(frame).filter(|frame| matches!(frame.opcode(), yawc::OpCode::Text | yawc::OpCode::Binary)))
}

async fn yawc(opened: Opened) -> Result {
    let mut socket = yawc_socket(opened, |options| options)?;
    loop {
        if let Some(frame) = yawc_data(socket.next_frame().await?)? {
            socket.send(frame).await?;
        }
    }
}

async fn yawc_batch(opened: Opened) -> Result {
    let options = |options: yawc::Options| {
        options.with_read_buffer_capacity(2 * BUFFER_SIZE).with_backpressure_boundary(BUFFER_SIZE)
    };
    batched(yawc_socket(opened, options)?, yawc_data).await
}

fn sockudo_socket(stream: TcpStream) -> sockudo_ws::WebSocketStream<TcpStream> {
    sockudo_ws::WebSocketStream::server(stream, sockudo_ws::Config::default())
}

fn sockudo_compressed(opened: Opened) -> sockudo_ws::CompressedWebSocketStream<TcpStream> {
    let server_no_context_takeover = opened.has_takeover() == Some(false);
    let deflate = sockudo_ws::DeflateConfig { server_no_context_takeover, ..Default::default() };
    sockudo_ws::CompressedWebSocketStream::server(opened.stream, sockudo_ws::Config::default(), deflate)
}

pub(super) fn sockudo_data(
    item: sockudo_ws::Result<sockudo_ws::Message>,
) -> sockudo_ws::Result<Option<sockudo_ws::Message>> {
    item.map(|message| Some(message).filter(|message| message.is_text() || message.is_binary()))
}

async fn sockudo_ws<S>(mut socket: S) -> Result
where
    S: Stream<Item = sockudo_ws::Result<sockudo_ws::Message>>
        + Sink<sockudo_ws::Message, Error = sockudo_ws::Error>
        + Unpin,
{
    while let Some(item) = socket.next().await {
        if let Some(message) = sockudo_data(item)? {
            socket.send(message).await?;
        }
    }
    Ok(())
}

//! The connection is lost after each byte of a conversation. Both ends end with an error, and no message that has arrived is
//! lost. The clock is paused, so a timeout ends only when every task waits.
#![cfg(all(feature = "client", feature = "http1", feature = "http2", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use common::{Kind, client, serve_connection};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use protocol_websocket::EndedBy;
use protocol_websocket_hyper::{
    Accept, CloseCode, Config, Destination, Ended, Error, Offer, OpenError, Upgraded, WebSocket, http1_request, upgrade,
};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

const MESSAGES: [&str; 3] = ["one", "two", "three"];
const DESTINATION: Destination<'static> = Destination::new("localhost", "/");

/// How many bytes a stream reads and writes before it is lost, and how the loss shows.
#[derive(Clone, Copy, Debug)]
struct Limits {
    reads: usize,
    writes: usize,
    /// A read fails. Otherwise it returns the end of the stream.
    is_reset: bool,
}

/// A stream that is lost in both directions.
struct Cut {
    io: Option<DuplexStream>,
    limits: Limits,
    read: Arc<AtomicUsize>,
    written: Arc<AtomicUsize>,
}

impl AsyncRead for Cut {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.limits.reads == 0 {
            self.io = None;
        }
        let max = self.limits.reads;
        let Some(io) = &mut self.io else {
            let lost = if self.limits.is_reset { Err(ErrorKind::ConnectionReset.into()) } else { Ok(()) };
            return Poll::Ready(lost);
        };
        let max = max.min(buffer.remaining());
        let mut limited = ReadBuf::new(buffer.initialize_unfilled_to(max));
        ready!(Pin::new(io).poll_read(context, &mut limited))?;
        let len = limited.filled().len();
        buffer.advance(len);
        self.limits.reads -= len;
        self.read.fetch_add(len, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Cut {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.limits.writes == 0 {
            self.io = None;
        }
        let max = self.limits.writes.min(bytes.len());
        let Some(io) = &mut self.io else { return Poll::Ready(Err(ErrorKind::BrokenPipe.into())) };
        let len = ready!(Pin::new(io).poll_write(context, &bytes[..max]))?;
        self.limits.writes -= len;
        self.written.fetch_add(len, Ordering::Relaxed);
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().map_or(Poll::Ready(Ok(())), |io| Pin::new(io).poll_shutdown(context))
    }
}

/// What one end has received, and how it has ended.
#[derive(Debug, Default)]
struct Seen {
    messages: Vec<String>,
    ended: Option<Ended>,
}

/// Receives until the end. Replies twice to each message if it is a server.
async fn receive(websocket: &mut WebSocket<Upgraded>, replies: usize) -> Seen {
    let mut seen = Seen::default();
    let mut error = None;
    while let Some(received) = websocket.recv().await {
        match received {
            Ok(message) => {
                for _ in 0..replies {
                    // It fails after the end.
                    let _ = websocket.queue(message.as_text().unwrap());
                }
                seen.messages.push(message.as_text().unwrap().to_owned());
            }
            Err(failed) => error = Some(failed),
        }
        if replies == 0 && seen.messages.len() == 2 * MESSAGES.len() {
            websocket.queue_close(CloseCode::NORMAL);
        }
    }
    seen.ended = websocket.ended().cloned();
    let ended = seen.ended.as_ref().unwrap();
    assert_eq!(ended.clean, error.is_none(), "{error:?} {ended:?}");
    assert!(matches!(error, None | Some(Error::Io(_) | Error::Connection(_))), "{error:?}");
    if !ended.clean {
        assert_eq!((ended.code, ended.by), (CloseCode::ABNORMAL, EndedBy::Transport), "{error:?}");
    }
    seen
}

async fn serve(kind: Kind, stream: DuplexStream, sender: UnboundedSender<Seen>) {
    serve_connection(kind, stream, move |mut request| {
        let (response, opening) = upgrade(&mut request, Config::new()).unwrap().accept(Accept::new());
        let sender = sender.clone();
        tokio::spawn(async move {
            let mut websocket = opening.await?;
            sender.send(receive(&mut websocket, 2).await).unwrap();
            Ok::<_, Error>(())
        });
        response
    })
    .await;
}

async fn open(kind: Kind, stream: Cut) -> Result<WebSocket<Upgraded>, OpenError> {
    if let Kind::Http1 = kind {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection.with_upgrades());
        let (request, expect) = http1_request(DESTINATION, &Offer::new(), Config::new())?;
        let mut response = sender.send_request(request).await?;
        return Ok(expect.open(&mut response).await?.0);
    }
    let builder = http2::Builder::new(TokioExecutor::new());
    client::open(&mut client::connect(&builder, stream).await?, "/", Config::new()).await
}

/// Opens a WebSocket, sends all messages, and receives. Returns what the client has seen and, if it was opened, the server.
async fn converse(kind: Kind, stream: Cut, far: DuplexStream) -> (Result<Seen, OpenError>, Option<Seen>) {
    let (sender, mut seen): (_, UnboundedReceiver<Seen>) = unbounded_channel();
    let server = tokio::spawn(serve(kind, far, sender));
    let client = match open(kind, stream).await {
        Ok(mut websocket) => {
            for message in MESSAGES {
                websocket.queue(message).unwrap();
            }
            Ok(receive(&mut websocket, 0).await)
        }
        Err(error) => Err(error),
    };
    server.await.unwrap();
    (client, seen.recv().await)
}

/// Runs a conversation, and returns it with the number of bytes that the client has read and written.
async fn run(kind: Kind, limits: Limits) -> (Result<Seen, OpenError>, Seen, [usize; 2]) {
    let (near, far) = duplex(64 * 1024);
    let (read, written) = (Arc::default(), Arc::default());
    let cut = Cut { io: Some(near), limits, read: Arc::clone(&read), written: Arc::clone(&written) };
    // It would wait for ever without the timeout.
    let conversation = timeout(Duration::from_secs(3600), converse(kind, cut, far)).await;
    let (client, server) = conversation.unwrap_or_else(|_| panic!("{kind:?} {limits:?}: an end hangs"));
    (client, server.unwrap_or_default(), [read.load(Ordering::Relaxed), written.load(Ordering::Relaxed)])
}

const UNLIMITED: Limits = Limits { reads: usize::MAX, writes: usize::MAX, is_reset: false };

/// Loses the connection after each byte that the client reads, or that it writes.
async fn check(kind: Kind, is_reset: bool) {
    let (client, server, [read, written]) = run(kind, UNLIMITED).await;
    assert_eq!(server.messages, MESSAGES);
    assert_eq!(client.unwrap().messages, ["one", "one", "two", "two", "three", "three"]);
    let mut most = 0;
    for reads in 0..read {
        let (client, _, _) = run(kind, Limits { reads, is_reset, ..UNLIMITED }).await;
        most = most_of(client.as_ref().map_or(&[][..], |seen| &seen.messages), 2, most);
    }
    assert_eq!(most, 6);
    let mut most = 0;
    for writes in 0..written {
        let (_, server, _) = run(kind, Limits { writes, is_reset, ..UNLIMITED }).await;
        most = most_of(&server.messages, 1, most);
    }
    assert_eq!(most, 3);
}

/// Checks that the messages are the first of the conversation, and at least as many as with fewer bytes.
fn most_of(messages: &[String], copies: usize, most: usize) -> usize {
    let expected = MESSAGES.iter().flat_map(|message| vec![*message; copies]);
    assert!(messages.iter().zip(expected).all(|(message, expected)| message == expected), "{messages:?}");
    assert!(messages.len() >= most, "a message that has arrived is lost: {messages:?}");
    messages.len()
}

#[tokio::test(start_paused = true)]
async fn connection_of_http1_that_ends_after_any_byte_ends_both() {
    check(Kind::Http1, false).await;
}

#[tokio::test(start_paused = true)]
async fn connection_of_http1_that_is_reset_after_any_byte_ends_both() {
    check(Kind::Http1, true).await;
}

#[tokio::test(start_paused = true)]
async fn connection_of_http2_that_ends_after_any_byte_ends_both() {
    check(Kind::Http2, false).await;
}

#[tokio::test(start_paused = true)]
async fn connection_of_http2_that_is_reset_after_any_byte_ends_both() {
    check(Kind::Http2, true).await;
}

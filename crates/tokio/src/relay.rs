//! A relay between two connections.

use std::future::poll_fn;
use std::mem;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use protocol_websocket::{Close, CloseCode, Ended, EndedBy, Event, Part, SendError, Session, State};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::WebSocket;
use crate::take::Owned;
use crate::websocket::Inner;

/// The number of parts of a message that are passed on as they arrive.
const IMMEDIATE_PARTS: u32 = 16;
/// The minimum length of each later part, except the last one. With it, a message of `len` bytes has at most
/// `16 + len / 4096 + 1` fragments, which is below the default limit of a receiver for its length.
const MIN_PART: usize = 4 * 1024;
/// The number of events in one direction after which other tasks get their turn.
const MAX_EVENTS: usize = 128;

/// Passes the messages of two connections on to each other until both have ended. Returns how `a` and how `b` ended.
///
/// Configure both with [`Delivery::Parts`](protocol_websocket::Delivery::Parts): then the beginning of a long message is
/// passed on before its end arrives, and takes little memory. The first sixteen parts of a message are passed on as they
/// arrive. Later ones are joined to parts of at least 4 KiB, so that the number of fragments stays within the default
/// limits of the receiver. With [`Delivery::Whole`](protocol_websocket::Delivery::Whole), each message is passed on once
/// it is complete.
///
/// Pings and pongs are not passed on. A Close is, with its code and reason. If a connection ends without a Close, the
/// other is closed with 1001 if the transport or a deadline ended it, and with 1011 if its peer broke a rule of the
/// protocol. A message that does not exist in the other end's version, such as binary data in hybi-00, closes its sender
/// with 1003.
///
/// While one end has more unsent bytes than the
/// [high-water mark](protocol_websocket::Config::high_water_mark), the other one is not read, and its deadlines do not
/// run. If both ends have more, both are not read. Then each connection ends if its peer takes no byte for
/// [`Timeouts::ping_interval`](protocol_websocket::Timeouts::ping_interval) and then
/// [`pong_timeout`](protocol_websocket::Timeouts::pong_timeout), as in [`WebSocket::flush`]. A connection with
/// [`Timeouts::idle`](protocol_websocket::Timeouts::idle) does not end, because that timeout measures the time since the
/// last read. The deadline of a closing handshake runs in any case.
///
/// If the future is dropped, both connections are.
///
#[cfg_attr(all(feature = "server", feature = "url"), doc = "```")]
#[cfg_attr(not(all(feature = "server", feature = "url")), doc = "```ignore")]
/// use protocol_websocket_tokio::protocol_websocket::Delivery;
/// use protocol_websocket_tokio::{Accept, Config, Connect, ConnectError, Timeouts, accept, relay};
/// use tokio::net::TcpStream;
///
/// async fn forward(client: TcpStream, server: TcpStream) -> Result<(), ConnectError> {
///     let config = Config::new().timeouts(Timeouts::RECOMMENDED).delivery(Delivery::Parts);
///     let (server, _) = Connect::new("ws://backend.example/")?.config(&config).over(server).await?;
///     let client = accept(client, &config).await?.accept(Accept::new()).await?;
///     let (client, server) = relay(client, server).await;
///     println!("the client ended with {}, the server with {}", client.code, server.code);
///     Ok(())
/// }
/// # let _ = forward;
/// ```
pub async fn relay<A, B>(a: WebSocket<A>, b: WebSocket<B>) -> (Ended, Ended)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (mut a, mut b) = (Side::new(a), Side::new(b));
    poll_fn(|context| {
        loop {
            let forwarded = [a.forward(&mut b, context), b.forward(&mut a, context)];
            // One write for all messages that were passed on.
            let _ = (a.poll_write(context), b.poll_write(context));
            if a.ended.is_some() && b.ended.is_some() {
                return Poll::Ready(());
            }
            if forwarded.contains(&Forwarded::Some) {
                continue;
            }
            if forwarded.contains(&Forwarded::Many) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            // The write may have made space.
            let may_read = |stop: Forwarded, to: bool| stop == Forwarded::Congested && to;
            if !may_read(forwarded[0], b.has_space()) && !may_read(forwarded[1], a.has_space()) {
                return Poll::Pending;
            }
        }
    })
    .await;
    let (Some(a), Some(b)) = (a.ended, b.ended) else { unreachable!("both connections have ended") };
    (a, b)
}

/// Why the forwarding in one direction stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forwarded {
    /// No event is left.
    None,
    /// Events were passed on.
    Some,
    /// So many events were passed on that other tasks must get their turn.
    Many,
    /// The other end has too many unsent bytes.
    Congested,
}

/// A connection, and the state of the message that is received from it.
struct Side<S> {
    websocket: WebSocket<S>,
    coalescer: Coalescer,
    ended: Option<Ended>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Side<S> {
    fn new(websocket: WebSocket<S>) -> Self {
        Self { websocket, coalescer: Coalescer::default(), ended: None }
    }

    /// Returns whether messages can be passed on to this end. Once it is closed, they are dropped.
    fn has_space(&self) -> bool {
        !self.is_open() || !self.websocket.inner.driver.session.is_over_high_water_mark()
    }

    fn is_open(&self) -> bool {
        self.websocket.inner.driver.session.connection().state() == State::Open
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let Inner { io, driver, next, .. } = &mut *self.websocket.inner;
        match next.take() {
            Some(event) => Poll::Ready(Some(*event)),
            // Also under backpressure: the messages go to the other end.
            None => driver.poll_event_with(io, &mut Owned, Session::can_read, context),
        }
    }

    /// Handles a drain and the deadlines of this end, while it is not read because the other one has no space.
    fn poll_without_read(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let is_open_with_space = self.is_open() && self.has_space();
        let driver = &mut self.websocket.inner.driver;
        if !is_open_with_space {
            return driver.poll_without_read(context);
        }
        // The peer reads, and its pongs are not read. So it does not time out.
        let Some(close) = driver.watch.poll_close(context) else { return Poll::Pending };
        driver.queue_close(Some(close));
        Poll::Ready(())
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Inner { io, driver, .. } = &mut *self.websocket.inner;
        driver.poll_write(io, context)
    }

    /// Passes the messages of this end on to the other one.
    fn forward<T: AsyncRead + AsyncWrite + Unpin>(&mut self, to: &mut Side<T>, context: &mut Context<'_>) -> Forwarded {
        if self.ended.is_some() {
            return Forwarded::None;
        }
        for count in 0..MAX_EVENTS {
            let stopped = if count == 0 { Forwarded::None } else { Forwarded::Some };
            // After the end of this connection, only what it has read is passed on, whatever space there is.
            if !to.has_space() && self.websocket.ended().is_none() {
                match self.poll_without_read(context) {
                    Poll::Ready(()) => continue,
                    Poll::Pending if count == 0 => return Forwarded::Congested,
                    Poll::Pending => return stopped,
                }
            }
            let part = match self.poll_event(context) {
                Poll::Pending => return stopped,
                Poll::Ready(Some(Event::Message(message))) => message.into(),
                Poll::Ready(Some(Event::Part(part))) => part,
                Poll::Ready(Some(Event::Close(close))) => {
                    to.websocket.queue_close(close);
                    continue;
                }
                Poll::Ready(Some(_)) => continue,
                Poll::Ready(None) => {
                    let ended = self.websocket.ended().cloned();
                    to.websocket.queue_close(ended.as_ref().and_then(translated));
                    self.ended = ended;
                    return Forwarded::Some;
                }
            };
            let sent = self.coalescer.add(part).map_or(Ok(()), |part| to.websocket.queue_part(part));
            // After a Close to the other end, messages are dropped.
            if let Err(SendError::Encode(_) | SendError::MessageUnfinished) = sent {
                self.websocket.queue_close(CloseCode::UNSUPPORTED_DATA);
            }
        }
        Forwarded::Many
    }
}

/// Returns the Close to the other end. It has no effect if the peer's Close was passed on.
fn translated(ended: &Ended) -> Option<Close> {
    match ended.code {
        CloseCode::NO_STATUS => None,
        CloseCode::ABNORMAL if matches!(ended.by, EndedBy::Transport | EndedBy::Timeout) => {
            CloseCode::GOING_AWAY.into()
        }
        CloseCode::ABNORMAL => CloseCode::INTERNAL_ERROR.into(),
        code => Some(Close::new(code, ended.reason.clone())),
    }
}

/// Joins short parts of a message.
#[derive(Default)]
struct Coalescer {
    /// The parts of the message that were passed on.
    parts: u32,
    kept: BytesMut,
}

impl Coalescer {
    /// Takes the next part. Returns the part to pass on, if any.
    fn add(&mut self, mut part: Part) -> Option<Part> {
        if part.first {
            self.parts = 0;
        }
        let is_long = self.kept.len() + part.bytes.len() >= MIN_PART;
        if !part.last && !is_long && self.parts >= IMMEDIATE_PARTS {
            self.kept.extend_from_slice(&part.bytes);
            return None;
        }
        if !self.kept.is_empty() {
            self.kept.extend_from_slice(&mem::replace(&mut part.bytes, Bytes::new()));
            part.bytes = mem::take(&mut self.kept).freeze();
        }
        self.parts += 1;
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use protocol_websocket::{Limits, MessageKind, Part};

    use super::{Coalescer, MIN_PART};

    #[test]
    fn fragments_of_short_parts_stay_within_the_default_limit() {
        let message: Vec<u8> = (0..=250).cycle().take(1024 * 1024).collect();
        for len in [1, 7, 255, 4095, 4096, 5000, 100_000] {
            let chunks = message.chunks(len);
            let count = chunks.len();
            let mut coalescer = Coalescer::default();
            let sent: Vec<Part> = chunks
                .enumerate()
                .filter_map(|(n, chunk)| {
                    let part = Part::new(MessageKind::Binary, Bytes::copy_from_slice(chunk));
                    coalescer.add(part.with_first(n == 0).with_last(n + 1 == count))
                })
                .collect();
            assert!(sent.len() < Limits::default().max_fragments as usize / 4, "{len}: {}", sent.len());
            assert!(sent.iter().skip(16).all(|part| part.bytes.len() >= MIN_PART || part.last));
            assert!(sent[0].first && sent[1..].iter().all(|part| !part.first));
            assert!(sent.iter().flat_map(|part| part.bytes.iter()).eq(message.iter()));
        }
    }
}

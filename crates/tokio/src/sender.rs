//! The sending half of a connection that was split.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_sink::Sink;
use protocol_websocket::{AsMessage, Close, CloseCode, Ended, Message, Negotiated, Outbox, Part, Prepared, SendError};

use crate::driver::Driver;
use crate::driver_task::{Shared, Wait, poll_wait};
use crate::waiting::Until;
use crate::watched::{Watched, sealed};
use crate::{Error, Stats};

/// The sending half of a connection: see [`WebSocket::split`](crate::WebSocket::split). A clone sends to the same
/// connection.
///
/// Messages are sent in the order in which they were queued by all clones. Only the `async` methods wait.
///
/// Dropping a sender does not close the connection while another sender or the [`Receiver`](crate::Receiver) exists: call
/// [`queue_close`](Self::queue_close) or [`close`](Self::close).
///
/// To send to many peers, [`queue_prepared`](Self::queue_prepared) the message at each, and close those whose
/// [`unsent`](Self::unsent) is too large:
///
/// ```
/// use protocol_websocket_tokio::{CloseCode, Prepared, Sender};
///
/// fn broadcast(text: &str, peers: &mut Vec<Sender>) {
///     let mut message = Prepared::new(text);
///     peers.retain(|peer| {
///         let is_slow = peer.unsent() > 1024 * 1024;
///         if is_slow {
///             peer.queue_close(CloseCode::POLICY_VIOLATION);
///         }
///         // An error means that the connection is closing or has ended.
///         !is_slow && peer.queue_prepared(&mut message).is_ok()
///     });
/// }
/// # let _ = broadcast;
/// ```
pub struct Sender {
    shared: Arc<Shared>,
    /// The number of bytes for which a task waits that waits until the last message of this sender was written.
    queued: AtomicU64,
    /// The waits of the implementation of `Sink`.
    ready: Option<Wait>,
    flush: Option<Wait>,
}

impl Sender {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared, queued: AtomicU64::new(0), ready: None, flush: None }
    }

    /// Queues a message: a string as text, bytes as binary. The driver task writes it. A payload is copied, as by
    /// [`WebSocket::queue`](crate::WebSocket::queue), if it is short or borrowed.
    ///
    /// A payload that is not copied is dropped while the connection is locked. Its owner, if it has one by
    /// `Bytes::from_owner`, must not use this connection in its `Drop`. Pass such a payload by reference.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] once a Close was sent or the connection has ended: remove the peer from a broadcast then.
    /// Otherwise as [`Connection::send`](protocol_websocket::Connection::send). Then nothing is queued.
    pub fn queue(&self, message: impl AsMessage) -> Result<(), SendError> {
        // The methods of the message are called before the lock is taken, and a payload that is copied is dropped after it
        // is released, because both may be the caller's code.
        let is_short = message.as_message().as_bytes().len() < Outbox::MIN_SHARED;
        let owned = if is_short { Err(message) } else { message.try_into_message() };
        match owned {
            Ok(message) => self.update(|driver| driver.session.send(message)),
            Err(message) => {
                let message = message.as_message();
                self.update(|driver| driver.session.send(message))
            }
        }
    }

    /// Queues a message that is encoded and compressed once for many connections: see [`Prepared`]. A long payload is
    /// shared.
    ///
    /// # Errors
    ///
    /// As [`queue`](Self::queue).
    pub fn queue_prepared(&self, prepared: &mut Prepared) -> Result<(), SendError> {
        self.update(|driver| driver.session.send_prepared(prepared))
    }

    /// Queues a part of a message: see [`Connection::send_part`](protocol_websocket::Connection::send_part). Until the
    /// last part, the other senders get [`SendError::MessageUnfinished`].
    ///
    /// # Errors
    ///
    /// As [`Connection::send_part`](protocol_websocket::Connection::send_part).
    pub fn queue_part(&self, part: Part) -> Result<(), SendError> {
        self.update(|driver| driver.session.send_part(part))
    }

    /// Queues a Ping: see [`Connection::ping`](protocol_websocket::Connection::ping).
    ///
    /// # Errors
    ///
    /// As [`Connection::ping`](protocol_websocket::Connection::ping).
    pub fn queue_ping(&self, payload: impl AsRef<[u8]>) -> Result<(), SendError> {
        let payload = payload.as_ref();
        self.update(|driver| driver.session.ping(payload))
    }

    /// Queues a Pong that no Ping asked for, for instance as a heartbeat in one direction (RFC 6455 §5.5.3): see
    /// [`Connection::pong`](protocol_websocket::Connection::pong). The connection replies to the peer's pings by itself.
    ///
    /// # Errors
    ///
    /// As [`Connection::pong`](protocol_websocket::Connection::pong).
    pub fn queue_pong(&self, payload: impl AsRef<[u8]>) -> Result<(), SendError> {
        let payload = payload.as_ref();
        self.update(|driver| driver.session.pong(payload))
    }

    /// Waits as [`ready`](Self::ready), queues a message, and waits until it was written. So tasks that send long messages
    /// at both ends do not block each other. If the future is dropped, the message is queued as a whole or not at all.
    ///
    /// # Errors
    ///
    /// [`Error::Send`] if the message cannot be queued, otherwise as [`flush`](Self::flush).
    pub async fn send(&self, message: impl AsMessage) -> Result<(), Error> {
        // If the connection has ended, the message cannot be queued.
        let _ = self.ready().await;
        self.queue(message)?;
        let target = self.queued.load(Ordering::Relaxed);
        self.wait(Until::Written(target)).await
    }

    /// Waits until everything that was queued before this call was written.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::Connection`] or [`Error::Send`] if the connection ended before that, also if it did before
    /// this call.
    pub async fn flush(&self) -> Result<(), Error> {
        let target = self.shared.lock().flush_target();
        self.wait(Until::Written(target)).await
    }

    /// Waits until the unsent bytes are not over the
    /// [high-water mark](protocol_websocket::Config::high_water_mark). Queue one message after each call.
    ///
    /// Tasks that wait are woken in the order in which they began to wait, and only as many at once as there is space for.
    /// A task that is woken and does not run does not hold up the others.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub async fn ready(&self) -> Result<(), Error> {
        self.wait(Until::Ready).await
    }

    async fn wait(&self, until: Until) -> Result<(), Error> {
        let mut wait = None;
        poll_fn(|context| poll_wait(&self.shared, &mut wait, until, context)).await
    }

    /// Closes the connection: sends a Close with `close`, for instance `CloseCode::NORMAL`, unless one was sent before.
    /// Then waits for its end: the peer's Close, or [`Timeouts::close`](protocol_websocket::Timeouts::close).
    ///
    /// Messages that arrive meanwhile are received by the [`Receiver`](crate::Receiver), as long as it takes them. If it
    /// takes none for half of `Timeouts::close`, or for 5 seconds if this is not set, those over the high-water mark are
    /// dropped. If the deadline passes first, those that did not arrive are lost, and the end is not clean.
    ///
    /// If the future is dropped after its first poll, the connection is closed all the same.
    pub async fn close(&self, close: impl Into<Option<Close>>) -> Ended {
        self.queue_close(close);
        let _ = self.wait(Until::End).await;
        let Some(ended) = self.ended() else { unreachable!("the connection has ended") };
        ended
    }

    /// Queues a Close with `close`, for instance `CloseCode::NORMAL`, unless one was sent before, and does not wait. The
    /// connection then ends as after [`close`](Self::close).
    pub fn queue_close(&self, close: impl Into<Option<Close>>) {
        let close = close.into();
        self.update(|driver| driver.queue_close(close));
    }

    /// Calls `f` with the connection, and notes what it queued.
    fn update<R>(&self, f: impl FnOnce(&mut Driver) -> R) -> R {
        let (result, queued) = self.shared.update(f);
        if let Some(queued) = queued {
            self.queued.fetch_max(queued, Ordering::Relaxed);
        }
        result
    }

    /// Returns how the connection ended, or `None` while messages may still arrive.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        self.shared.lock().ended()
    }

    /// Frees the memory that permessage-deflate does not need until the next message: see
    /// [`Connection::release_memory`](protocol_websocket::Connection::release_memory). For a connection that will be idle.
    pub fn release_memory(&self) {
        self.shared.lock().driver.session.release_memory();
    }

    /// Returns the number of bytes that were queued and not written. A server that sends to many peers closes those
    /// whose number is too large.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.shared.lock().driver.session.unsent()
    }

    /// Returns the numbers of messages and bytes that were sent and received: see
    /// [`WebSocket::stats`](crate::WebSocket::stats).
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.lock().driver.stats()
    }

    /// Returns the result of the opening handshake: the version, the subprotocol and the extensions.
    #[must_use]
    pub fn negotiated(&self) -> &Negotiated {
        &self.shared.negotiated
    }
}

impl Clone for Sender {
    fn clone(&self) -> Self {
        self.shared.senders.fetch_add(1, Ordering::Relaxed);
        Self::new(Arc::clone(&self.shared))
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        if self.shared.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            let mut state = self.shared.lock();
            state.has_senders = false;
            self.shared.wake_task(state);
        }
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("unsent", &self.unsent()).finish_non_exhaustive()
    }
}

impl sealed::Watchable for Sender {
    fn watched(&self) -> Arc<Watched> {
        let state = self.shared.lock();
        let watched = state.driver.watch.watched();
        // The task registers itself.
        self.shared.wake_task(state);
        watched
    }
}

/// Queues and writes messages. `poll_ready` waits as [`ready`](Sender::ready), and `poll_flush` as
/// [`flush`](Sender::flush). `poll_close` sends a Close with 1000 and writes it.
impl Sink<Message> for Sender {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { shared, ready, .. } = &mut *self;
        let result = poll_wait(shared, ready, Until::Ready, context);
        if result.is_ready() {
            *ready = None;
        }
        result
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        Ok(self.queue(message)?)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { shared, queued, flush, .. } = &mut *self;
        // A flush may have been cancelled, and messages queued since.
        let target = flush.as_ref().and_then(Wait::target).filter(|target| target >= queued.get_mut());
        let target = target.unwrap_or_else(|| {
            *flush = None;
            shared.lock().flush_target()
        });
        let result = poll_wait(shared, flush, Until::Written(target), context);
        if result.is_ready() {
            *flush = None;
        }
        result
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.queue_close(CloseCode::NORMAL);
        self.poll_flush(context)
    }
}

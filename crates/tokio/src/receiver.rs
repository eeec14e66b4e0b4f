//! The receiving half of a connection that was split.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use protocol_websocket::{Ended, Event, Message, Negotiated, Part};
use tokio::task::consume_budget;

use crate::driver::EVENTS_PER_UNIT;
use crate::driver_task::Shared;
use crate::poll_event::{PollEvent, poll_message, poll_part};
use crate::{Error, Stats};

/// The receiving half of a connection: see [`WebSocket::split`](crate::WebSocket::split).
///
/// All futures can be dropped at any time, and nothing that was received is lost. If the receiver itself is dropped,
/// received messages are dropped, and the senders continue.
///
/// After a Close of this end, by [`Sender::close`](crate::Sender::close) or a [`Drain`](crate::Drain), messages that the
/// peer sent before its Close are received until [`Timeouts::close`](protocol_websocket::Timeouts::close) has passed.
/// If the receiver takes no message for half of this time, or for 5 seconds if it is not set, those over the
/// [high-water mark](protocol_websocket::Config::high_water_mark) are dropped, so that the connection ends.
pub struct Receiver {
    shared: Arc<Shared>,
    /// Events that were taken from the driver task at once, so that the lock is not taken for each of them.
    batch: VecDeque<Event>,
    has_returned_error: bool,
}

impl Receiver {
    pub(crate) const fn new(shared: Arc<Shared>, has_returned_error: bool) -> Self {
        Self { shared, batch: VecDeque::new(), has_returned_error }
    }

    /// Receives the next message. Returns `None` after the closing handshake, and once the connection has failed and its
    /// error was returned.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::recv`](crate::WebSocket::recv).
    pub async fn recv(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        poll_message(self, context)
    }

    /// Receives the next part of a message: see [`WebSocket::recv_part`](crate::WebSocket::recv_part).
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub async fn recv_part(&mut self) -> Option<Result<Part, Error>> {
        poll_fn(|context| poll_part(self, context)).await
    }

    /// Receives the next event: a message, and also a Ping, a Pong or a Close. The connection has already replied to
    /// a Ping. At most 16 pings and pongs are kept until they are received.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub async fn recv_event(&mut self) -> Option<Result<Event, Error>> {
        poll_fn(|context| self.poll_recv_event(context)).await
    }

    /// Returns how the connection ended, or `None` while messages may still arrive.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        self.shared.lock().ended()
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

impl PollEvent for Receiver {
    fn poll_recv_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        // Now and then, and once for each batch, so that messages that are buffered do not starve other tasks.
        if self.batch.len().is_multiple_of(EVENTS_PER_UNIT.into()) {
            ready!(pin!(consume_budget()).poll(context));
        }
        if let Some(event) = self.batch.pop_front() {
            // Only the receiver writes the number.
            let taken = self.shared.taken.load(Ordering::Relaxed);
            self.shared.taken.store(taken.wrapping_add(1), Ordering::Relaxed);
            return Poll::Ready(Some(Ok(event)));
        }
        let mut state = self.shared.lock();
        let was_full = state.is_full();
        self.batch = state.take_received();
        if let Some(event) = self.batch.pop_front() {
            if was_full {
                self.shared.wake_task(state);
            }
            return Poll::Ready(Some(Ok(event)));
        }
        if !state.is_done {
            state.receiver = Some(context.waker().clone());
            return Poll::Pending;
        }
        if self.has_returned_error {
            return Poll::Ready(None);
        }
        self.has_returned_error = true;
        Poll::Ready(state.driver.error().map(Err))
    }

    fn put_back(&mut self, event: Event) {
        self.batch.push_front(event);
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.has_receiver = false;
        state.receiver = None;
        let received = state.take_received();
        self.shared.wake_task(state);
        drop(received);
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("ended", &self.ended()).finish_non_exhaustive()
    }
}

/// The messages, as [`recv`](Receiver::recv) returns them.
impl Stream for Receiver {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(context)
    }
}

impl FusedStream for Receiver {
    fn is_terminated(&self) -> bool {
        self.has_returned_error && self.batch.is_empty()
    }
}

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use axum_core::Error;
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use http::HeaderValue;

use super::{CloseFrame, Message};
use crate::{Close, Event, SendError, WebSocket as Inner};

/// A WebSocket with the [`Message`] and the error of axum.
///
/// `futures::StreamExt::split` returns halves for two tasks. [`get_mut`](Self::get_mut) and
/// [`into_inner`](Self::into_inner) reach everything else, such as `ended`, `queue`, `recv_part` and `stats`.
#[derive(Debug)]
pub struct WebSocket {
    inner: Inner,
    protocol: Option<HeaderValue>,
    /// The client's Close, until the reply to it is written.
    close: Option<Message>,
}

impl WebSocket {
    /// Receives the next message, Ping, Pong or Close. Returns `None` after the Close, and once the connection has failed
    /// and its error was returned. The reply to a Ping is queued, and the reply to a Close is written.
    ///
    /// # Errors
    ///
    /// As [`recv`](Inner::recv). The cause of the error is an [`Error`](crate::Error).
    pub async fn recv(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// Sends a message, a Ping, a Pong or a Close, and waits until it is written.
    ///
    /// # Errors
    ///
    /// As [`send`](Inner::send). Also if the payload of a Ping, a Pong or a Close is too long, or the code of the Close must
    /// not be sent, such as 1005. The cause of the error is an [`Error`](crate::Error).
    pub async fn send(&mut self, message: Message) -> Result<(), Error> {
        self.queue(message)?;
        self.inner.flush().await.map_err(error)
    }

    /// Returns the subprotocol.
    #[must_use]
    pub const fn protocol(&self) -> Option<&HeaderValue> {
        self.protocol.as_ref()
    }

    /// Returns the WebSocket of the main API.
    #[must_use]
    pub const fn get_ref(&self) -> &Inner {
        &self.inner
    }

    /// Returns the WebSocket of the main API.
    pub const fn get_mut(&mut self) -> &mut Inner {
        &mut self.inner
    }

    /// Returns the WebSocket of the main API.
    #[must_use]
    pub fn into_inner(self) -> Inner {
        self.inner
    }

    fn queue(&mut self, message: Message) -> Result<(), Error> {
        let queued = match message {
            Message::Text(text) => self.inner.queue(text),
            Message::Binary(bytes) => self.inner.queue(bytes),
            Message::Ping(payload) => self.inner.queue_ping(payload),
            Message::Pong(payload) => self.inner.queue_pong(payload),
            Message::Close(frame) => {
                let close = frame.map(Close::from);
                let checked = close.as_ref().map_or(Ok(()), |close| close.encode().map(drop));
                checked.map_err(SendError::Encode).map(|()| self.inner.queue_close(close))
            }
        };
        queued.map_err(error)
    }

    fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        loop {
            // The future has no state, so a new one continues.
            let event = pin!(self.inner.recv_event()).poll(context);
            if self.close.is_some() {
                // A program may drop the WebSocket after the Close, so the reply is written before.
                if event.is_pending() && self.inner.unsent() > 0 {
                    return Poll::Pending;
                }
                return Poll::Ready(self.close.take().map(Ok));
            }
            return Poll::Ready(match ready!(event) {
                Some(Ok(Event::Message(message))) => Some(Ok(message.into())),
                Some(Ok(Event::Ping(payload))) => Some(Ok(Message::Ping(payload))),
                Some(Ok(Event::Pong(payload))) => Some(Ok(Message::Pong(payload))),
                Some(Ok(Event::Part(_))) => Some(Err(error(crate::Error::Parts))),
                Some(Ok(Event::Close(close))) => {
                    self.close = Some(Message::Close(close.map(CloseFrame::from)));
                    continue;
                }
                // The handshake is done already.
                Some(Ok(_)) => continue,
                Some(Err(failed)) => Some(Err(error(failed))),
                None => None,
            });
        }
    }
}

fn error(error: impl Into<crate::Error>) -> Error {
    Error::new(error.into())
}

impl From<Inner> for WebSocket {
    fn from(inner: Inner) -> Self {
        let protocol = inner.negotiated().subprotocol.as_deref().and_then(|name| HeaderValue::from_str(name).ok());
        Self { inner, protocol, close: None }
    }
}

impl From<WebSocket> for Inner {
    fn from(websocket: WebSocket) -> Self {
        websocket.inner
    }
}

/// The messages, as [`recv`](WebSocket::recv) returns them.
impl Stream for WebSocket {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(context)
    }
}

impl FusedStream for WebSocket {
    fn is_terminated(&self) -> bool {
        self.inner.is_terminated()
    }
}

/// Queues and writes messages, as the `Sink` of the [main API](crate::WebSocket) does.
impl Sink<Message> for WebSocket {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.inner).poll_ready(context).map_err(error)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.queue(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.inner).poll_flush(context).map_err(error)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.inner).poll_close(context).map_err(error)
    }
}

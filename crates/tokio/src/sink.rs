//! The traits of the futures ecosystem. With `futures::StreamExt::split`, two tasks can use a connection.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use protocol_websocket::{CloseCode, Message};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{Error, WebSocket};

/// The messages, as [`recv`](WebSocket::recv) returns them.
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for WebSocket<S> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(context)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> FusedStream for WebSocket<S> {
    fn is_terminated(&self) -> bool {
        self.is_terminated()
    }
}

/// Queues and writes messages. `poll_ready` waits as [`ready`](WebSocket::ready), and `poll_flush` as
/// [`flush`](WebSocket::flush).
///
/// `poll_close` sends a Close with 1000 and writes it. It does not wait for the peer's Close, because that would take
/// the messages of a task that still reads.
impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for WebSocket<S> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_send(context, true)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        Ok(self.queue(message)?)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_send(context, false)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.queue_close(Some(CloseCode::NORMAL.into()));
        ready!(self.poll_send(context, false))?;
        Poll::Ready(Ok(()))
    }
}

//! The messages and parts among the events, for a connection and its receiving half.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use protocol_websocket::{Event, Message, Part};
use tokio::task::consume_budget;

use crate::Error;

/// A source of events.
pub(crate) trait PollEvent {
    /// Returns the next event, or `None` at the end.
    fn poll_recv_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>>;

    /// Makes an event the next one again.
    fn put_back(&mut self, event: Event);
}

/// Returns the next message. Events of other kinds are skipped, except parts.
pub(crate) fn poll_message(
    source: &mut impl PollEvent,
    context: &mut Context<'_>,
) -> Poll<Option<Result<Message, Error>>> {
    loop {
        return Poll::Ready(Some(match ready!(source.poll_recv_event(context)) {
            Some(Ok(Event::Message(message))) => Ok(message),
            Some(Ok(part @ Event::Part(_))) => {
                source.put_back(part);
                // The part stays, so a loop that ignores errors must not starve other tasks.
                ready!(pin!(consume_budget()).poll(context));
                Err(Error::Parts)
            }
            Some(Ok(_)) => continue,
            Some(Err(error)) => Err(error),
            None => return Poll::Ready(None),
        }));
    }
}

/// Returns the next part. A whole message is one part.
pub(crate) fn poll_part(source: &mut impl PollEvent, context: &mut Context<'_>) -> Poll<Option<Result<Part, Error>>> {
    loop {
        return Poll::Ready(Some(match ready!(source.poll_recv_event(context)) {
            Some(Ok(Event::Part(part))) => Ok(part),
            Some(Ok(Event::Message(message))) => Ok(message.into()),
            Some(Ok(_)) => continue,
            Some(Err(error)) => Err(error),
            None => return Poll::Ready(None),
        }));
    }
}

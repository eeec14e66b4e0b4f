//! How a received event is returned to the program: owned or lent.

use bytes::BytesMut;
use protocol_websocket::{Event, EventRef, Outbox, Session};

pub(crate) trait Take {
    type Output;

    /// An event shares the memory of the session. So a read into that memory saves the copy from the buffer of the thread.
    const SHARES_MEMORY: bool;

    /// Takes the next event of the bytes that the session keeps.
    fn buffered(&mut self, session: &mut Session) -> Option<Self::Output>;

    /// Takes an event that borrows from the buffer of the thread.
    fn lent(&mut self, event: EventRef<'_>, outbox: &mut Outbox) -> Self::Output;
}

/// Returns owned events. Messages of one read that are kept share its memory.
pub(crate) struct Owned;

impl Take for Owned {
    type Output = Event;

    const SHARES_MEMORY: bool = true;

    fn buffered(&mut self, session: &mut Session) -> Option<Event> {
        let event = session.poll_event()?;
        // An empty buffer would keep the memory of the last message while the program handles it.
        let input = session.read_buffer();
        if input.is_empty() {
            *input = BytesMut::new();
        }
        Some(event)
    }

    fn lent(&mut self, event: EventRef<'_>, _: &mut Outbox) -> Event {
        event.into_owned()
    }
}

/// Passes events to a function, and returns its results.
pub(crate) struct Lent<F>(pub(crate) F);

impl<R, F: FnMut(EventRef<'_>, &mut Outbox) -> R> Take for Lent<F> {
    type Output = R;

    const SHARES_MEMORY: bool = false;

    fn buffered(&mut self, session: &mut Session) -> Option<R> {
        session.poll_event_with(&mut self.0)
    }

    fn lent(&mut self, event: EventRef<'_>, outbox: &mut Outbox) -> R {
        (self.0)(event, outbox)
    }
}

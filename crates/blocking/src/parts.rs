use protocol_websocket::{Event, SessionParts};

/// The parts of a [`WebSocket`](crate::WebSocket): the transport, and everything that the connection keeps.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parts<S> {
    /// The transport.
    pub io: S,
    /// The connection, the bytes that were received and not read, and the bytes that were queued and not written.
    pub session: SessionParts,
    /// An event that was received and not returned.
    pub next: Option<Event>,
}

impl<S> Parts<S> {
    /// Returns the parts of a connection without an event that was not returned.
    pub const fn new(io: S, session: SessionParts) -> Self {
        Self { io, session, next: None }
    }
}

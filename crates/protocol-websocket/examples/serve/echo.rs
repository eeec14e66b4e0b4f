//! The echo, which is the service of all connections except those of pages to their live section.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use protocol_websocket::{Connection, LentMessage};

use crate::live::{Live, Record};
use crate::peer::Service;

/// The time between two pings while a page shows the round trips.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// The payload of these pings. Those of the keepalive are empty.
const PING: &str = "round trip";

/// Sends each message back. If a page shows the connection, also measures its round trip.
pub(crate) struct Echo {
    /// `None` if the live section is off.
    observed: Option<(Arc<Live>, Arc<Record>)>,
    next_ping: Instant,
}

impl Echo {
    pub(crate) fn new(observed: Option<(Arc<Live>, Arc<Record>)>) -> Self {
        Self { observed, next_ping: Instant::now() }
    }
}

impl Service for Echo {
    fn on_message(&mut self, message: LentMessage<'_>, connection: &mut Connection, output: &mut BytesMut) {
        // After our own Close this fails, and the message is dropped.
        let _ = connection.send(message, output);
    }

    fn poll(&mut self, connection: &mut Connection, output: &mut BytesMut) -> Duration {
        let Some((live, _)) = &self.observed else { return Duration::MAX };
        let now = Instant::now();
        if now >= self.next_ping {
            self.next_ping = now + PING_INTERVAL;
            if live.is_viewed() && connection.version().has_length_framing() {
                // Fails after our own Close.
                let _ = connection.ping(PING, output);
            }
        }
        self.next_ping - now
    }

    fn note_unsent(&self, bytes: usize) {
        if let Some((_, record)) = &self.observed {
            record.set_unsent(bytes);
        }
    }
}

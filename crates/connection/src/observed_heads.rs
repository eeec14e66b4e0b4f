//! Reports the heads of the opening handshake. A head that this end wrote is parsed again from the output, so that a connection
//! without observers does not keep it.

use bytes::BytesMut;
use protocol_websocket_http::{HeadLimits, HeadReader, Headers};
#[cfg(feature = "server")]
use protocol_websocket_http::{RequestHead, ResponseHead};

use crate::observer::{Direction, Observation, ObservedHead, StartLine};
use crate::observers::Observers;

impl Observers {
    /// Reports the head of a request that was received.
    #[cfg(feature = "server")]
    pub(crate) fn observe_received_request(&self, head: &RequestHead) {
        self.observe_request(Direction::Received, head.method(), head.target(), head.headers());
    }

    /// Reports the head of a request that was written.
    #[cfg(feature = "client")]
    pub(crate) fn observe_written_request(&self, written: &[u8]) {
        if let Ok(Some(head)) = reader(written).request(&mut BytesMut::from(written)) {
            self.observe_request(Direction::Sent, head.method(), head.target(), head.headers());
        }
    }

    /// Reports the head of a response that was received.
    #[cfg(feature = "client")]
    pub(crate) fn observe_received_response(&self, status: u16, headers: &Headers) {
        self.observe_response(Direction::Received, status, headers);
    }

    /// Reports the head of a response that was written.
    #[cfg(feature = "server")]
    pub(crate) fn observe_written_response(&self, written: &[u8]) {
        if let Ok(Some(head)) = reader(written).response(&mut BytesMut::from(written)) {
            self.observe_sent_response(&head);
        }
    }

    /// Reports the head of a response that is sent.
    #[cfg(feature = "server")]
    pub(crate) fn observe_sent_response(&self, head: &ResponseHead) {
        self.observe_response(Direction::Sent, head.status(), head.headers());
    }

    fn observe_request(&self, direction: Direction, method: &str, target: &str, headers: &Headers) {
        let start_line = StartLine::Request { method, target };
        self.observe(&Observation::Head(ObservedHead { direction, start_line, headers }));
    }

    fn observe_response(&self, direction: Direction, status: u16, headers: &Headers) {
        let start_line = StartLine::Response { status };
        self.observe(&Observation::Head(ObservedHead { direction, start_line, headers }));
    }
}

/// Returns a reader without limits, for a head that this end wrote.
fn reader(written: &[u8]) -> HeadReader {
    HeadReader::new(HeadLimits::new().max_len(written.len()).max_headers(written.len()))
}

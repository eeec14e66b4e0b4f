//! The client of this crate, one step at a time.

use std::time::Duration;

use protocol_websocket::{Close, Config, Ended, Event, Limits, Negotiated, Offer, Part, Url};
use protocol_websocket_tokio::{AsMessage, Connect, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::counted::Counted;

/// The timeout of each step.
const STEP_TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) struct TestClient {
    runtime: Runtime,
    websocket: WebSocket<Counted>,
}

impl TestClient {
    pub(crate) fn connect(url: &str, offer: &Offer) -> (Self, Negotiated) {
        Self::configured(url, offer, Config::new())
    }

    pub(crate) fn configured(url: &str, offer: &Offer, config: Config) -> (Self, Negotiated) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let connect = Connect::new(url).unwrap().offer(offer.clone()).config(config.limits(Limits::new(1 << 20)));
        let url = Url::parse(url).unwrap();
        let (websocket, _) = runtime.block_on(async {
            let stream = TcpStream::connect((url.socket_host(), url.port())).await.unwrap();
            connect.timeout(STEP_TIMEOUT).over(Counted::new(stream)).await.unwrap()
        });
        let negotiated = websocket.negotiated().clone();
        (Self { runtime, websocket }, negotiated)
    }

    pub(crate) fn send(&mut self, message: impl AsMessage) {
        self.websocket.queue(message).unwrap();
    }

    pub(crate) fn send_part(&mut self, part: Part) {
        self.websocket.queue_part(part).unwrap();
    }

    pub(crate) fn ping(&mut self, payload: &str) {
        self.websocket.queue_ping(payload).unwrap();
    }

    /// Sends a Close, and waits for the end of the connection.
    pub(crate) fn close(mut self, close: Option<Close>) -> Ended {
        self.runtime.block_on(within(self.websocket.close(close)))
    }

    /// Waits for the end of the connection: the peer's Close, and the end of the transport.
    pub(crate) fn ended(mut self) -> Ended {
        while let Some(event) = self.next() {
            assert!(matches!(event, Event::Close(_)), "{event:?} instead of a Close");
        }
        self.websocket.ended().unwrap().clone()
    }

    /// Returns the number of bytes read.
    pub(crate) fn received(&self) -> usize {
        self.websocket.get_ref().received
    }

    /// Returns the number of bytes written.
    pub(crate) fn sent(&self) -> usize {
        self.websocket.get_ref().sent
    }

    /// Ends the sending side without a Close, as clients of old versions do. The server ends its side, with or without
    /// a Close.
    pub(crate) fn hang_up(self) {
        let mut stream = self.websocket.into_parts().io.stream;
        self.runtime.block_on(async {
            stream.shutdown().await.unwrap();
            within(stream.read_to_end(&mut Vec::new())).await.unwrap();
        });
    }

    /// Writes what was queued and waits for the next event. Returns `None` after the end of the connection.
    pub(crate) fn next(&mut self) -> Option<Event> {
        self.runtime.block_on(within(self.websocket.recv_event())).map(Result::unwrap)
    }
}

/// Waits for the future, for at most [`STEP_TIMEOUT`].
async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(STEP_TIMEOUT, future).await.unwrap()
}

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use bytes::BytesMut;
use protocol_websocket::{
    AsMessage, Client, Close, Config, Ended, Event, Limits, Negotiated, Offer, OsRandom, Part, State, Url,
};

/// The timeout of each read and write.
const SOCKET_TIMEOUT: Duration = Duration::from_secs(60);

/// A client on a blocking socket.
pub(crate) struct TestClient {
    client: Client,
    stream: TcpStream,
    input: BytesMut,
    output: BytesMut,
    received: usize,
    sent: usize,
}

impl TestClient {
    pub(crate) fn connect(url: &str, offer: &Offer) -> (Self, Negotiated) {
        Self::configured(url, offer, Config::new())
    }

    pub(crate) fn configured(url: &str, offer: &Offer, config: Config) -> (Self, Negotiated) {
        let url = Url::parse(url).unwrap();
        let config = config.limits(Limits::new(1 << 20));
        let mut output = BytesMut::new();
        let client = Client::connect(&url, offer, config, OsRandom::new(), &mut output).unwrap();
        let stream = TcpStream::connect((url.socket_host(), url.port())).unwrap();
        stream.set_read_timeout(Some(SOCKET_TIMEOUT)).unwrap();
        stream.set_write_timeout(Some(SOCKET_TIMEOUT)).unwrap();

        let mut client = Self { client, stream, input: BytesMut::new(), output, received: 0, sent: 0 };
        match client.next() {
            Some(Event::Open(opened)) => (client, opened.into_negotiated()),
            other => panic!("{other:?} instead of an open connection"),
        }
    }

    pub(crate) fn send(&mut self, message: impl AsMessage) {
        self.client.send(message, &mut self.output).unwrap();
    }

    pub(crate) fn send_part(&mut self, part: Part) {
        self.client.send_part(part, &mut self.output).unwrap();
    }

    pub(crate) fn ping(&mut self, payload: &str) {
        self.client.ping(payload, &mut self.output).unwrap();
    }

    /// Sends a Close, and waits for the end of the connection.
    pub(crate) fn close(mut self, close: Option<Close>) -> Ended {
        self.client.close(close, &mut self.output).unwrap();
        self.ended()
    }

    /// Waits for the end of the connection: the peer's Close, and the end of the transport.
    pub(crate) fn ended(mut self) -> Ended {
        while let Some(event) = self.next() {
            assert!(matches!(event, Event::Close(_)), "{event:?} instead of a Close");
        }
        self.client.ended().unwrap().clone()
    }

    /// Returns the number of bytes read.
    pub(crate) fn received(&self) -> usize {
        self.received
    }

    /// Returns the number of bytes written.
    pub(crate) fn sent(&self) -> usize {
        self.sent
    }

    /// Ends the sending side without a Close, as clients of old versions do. The server ends its side, with or without
    /// a Close.
    pub(crate) fn hang_up(mut self) {
        self.stream.write_all(&self.output).unwrap();
        self.stream.shutdown(Shutdown::Write).unwrap();
        self.stream.read_to_end(&mut Vec::new()).unwrap();
    }

    /// Writes the output and waits for the next event. Returns `None` after the end of the connection, when the server
    /// has ended the transport. A client waits for this (RFC 6455 §7.1.1).
    pub(crate) fn next(&mut self) -> Option<Event> {
        loop {
            let event = self.client.receive(&mut self.input, &mut self.output).unwrap();
            self.stream.write_all(&self.output).unwrap();
            self.sent += self.output.len();
            self.output.clear();
            if event.is_some() {
                return event;
            }
            let mut buffer = [0; 16 * 1024];
            let n = self.stream.read(&mut buffer).unwrap();
            if n == 0 {
                self.client.receive_eof().unwrap();
                assert_eq!(self.client.state(), State::Closed);
                return None;
            }
            self.received += n;
            self.input.extend_from_slice(&buffer[..n]);
        }
    }
}

//! A server for one connection, built on the library's `Server`. The caller's script sends and receives.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use bytes::BytesMut;
use protocol_websocket::{
    Accept, AsMessage, Close, Config, Event, Limits, Message, PermessageDeflate, Server, State, Upgrade,
};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::program::DEADLINE;

/// A running server.
pub(crate) struct RunningServer<T> {
    pub(crate) port: u16,
    result: Receiver<T>,
}

impl<T> RunningServer<T> {
    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port)
    }

    /// Waits for the result of the script.
    pub(crate) fn result(self) -> T {
        self.result.recv_timeout(DEADLINE).expect("the server failed or did not end")
    }
}

/// Serves one connection with the script.
pub(crate) fn serve<T: Send + 'static>(script: impl FnOnce(Peer) -> T + Send + 'static) -> RunningServer<T> {
    serve_on(None, script)
}

/// Serves one connection, with TLS if a configuration is given.
pub(crate) fn serve_on<T: Send + 'static>(
    tls: Option<ServerConfig>,
    script: impl FnOnce(Peer) -> T + Send + 'static,
) -> RunningServer<T> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, result) = channel();
    thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        socket.set_write_timeout(Some(DEADLINE)).unwrap();
        socket.set_nodelay(true).unwrap();
        let stream: Box<dyn Stream> = match tls {
            Some(config) => Box::new(StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), socket)),
            None => Box::new(socket),
        };
        sender.send(script(Peer::new(stream)))
    });
    RunningServer { port, result }
}

pub(crate) trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

fn config() -> Config {
    Config::new().limits(Limits::new(16 * 1024 * 1024))
}

/// The server's end of the connection, with the operations of a script.
pub(crate) struct Peer {
    stream: Box<dyn Stream>,
    server: Server,
    input: BytesMut,
    output: BytesMut,
    /// All bytes read so far.
    pub(crate) read: Vec<u8>,
    /// All bytes written so far.
    pub(crate) written: Vec<u8>,
}

impl Peer {
    fn new(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            server: Server::new(config()),
            input: BytesMut::new(),
            output: BytesMut::new(),
            read: Vec::new(),
            written: Vec::new(),
        }
    }

    /// Turns permessage-deflate on. The request must not have been read yet.
    pub(crate) fn compress(&mut self) {
        self.server = Server::new(config().extension(PermessageDeflate::new()));
    }

    /// Waits for the next event. Returns `None` at the end of the connection.
    pub(crate) fn next(&mut self) -> Option<Event> {
        loop {
            let event =
                self.server.receive(&mut self.input, &mut self.output).expect("the console violated the protocol");
            self.flush();
            if event.is_some() || self.server.state() == State::Closed {
                return event;
            }
            if self.read_more() == 0 {
                return None;
            }
        }
    }

    /// Waits for the request, without a response.
    pub(crate) fn request(&mut self) -> Upgrade {
        match self.next() {
            Some(Event::Upgrade(upgrade)) => upgrade,
            other => panic!("expected a request, not {other:?}"),
        }
    }

    pub(crate) fn accept(&mut self) {
        self.accept_with(&Accept::new());
    }

    pub(crate) fn accept_with(&mut self, accept: &Accept) {
        let upgrade = self.request();
        self.server.accept(upgrade, accept, &mut self.output).unwrap();
        self.flush();
        assert!(matches!(self.next(), Some(Event::Open(_))));
    }

    pub(crate) fn send(&mut self, message: impl AsMessage) {
        self.server.send(message, &mut self.output).unwrap();
        self.flush();
    }

    pub(crate) fn ping(&mut self, payload: &'static [u8]) {
        self.server.ping(payload, &mut self.output).unwrap();
        self.flush();
    }

    /// Waits for the next event, which must be a message.
    pub(crate) fn message(&mut self) -> Message {
        match self.next() {
            Some(Event::Message(message)) => message,
            other => panic!("expected a message, not {other:?}"),
        }
    }

    /// Waits for the next event, which must be a Close.
    pub(crate) fn receive_close(&mut self) -> Option<Close> {
        match self.next() {
            Some(Event::Close(close)) => close,
            other => panic!("expected a close, not {other:?}"),
        }
    }

    /// Sends a Close and checks that the console responds with the same Close.
    pub(crate) fn close(&mut self, close: Option<Close>) {
        self.server.close(close.clone(), &mut self.output).unwrap();
        assert_eq!(self.receive_close(), close);
    }

    /// Echoes messages until the Close, which it returns, or the end of the stream.
    pub(crate) fn echo(&mut self) -> Option<Close> {
        loop {
            match self.next() {
                Some(Event::Message(message)) => self.send(message),
                Some(Event::Close(close)) => return close,
                Some(_) => {}
                None => return None,
            }
        }
    }

    /// Writes these bytes as they are.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
        self.flush();
    }

    /// Reads until the input ends with these bytes, and handles no event.
    pub(crate) fn read_until(&mut self, end: &[u8]) {
        while !self.read.ends_with(end) {
            assert!(self.read_more() > 0, "the stream ended before {end:?}");
        }
    }

    /// Reads until this number of bytes was read, and handles no event.
    pub(crate) fn read_at_least(&mut self, len: usize) {
        while self.read.len() < len {
            assert!(self.read_more() > 0, "the stream ended");
        }
    }

    /// Reads to the end of the stream without handling events, and returns these bytes.
    pub(crate) fn read_to_end(&mut self) -> Vec<u8> {
        let before = self.read.len();
        while self.read_more() > 0 {}
        self.read.split_off(before)
    }

    fn read_more(&mut self) -> usize {
        let mut chunk = vec![0; 64 * 1024];
        let n = loop {
            match self.stream.read(&mut chunk) {
                // A read with a timeout fails when the process was stopped.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read.unwrap_or(0),
            }
        };
        self.input.extend_from_slice(&chunk[..n]);
        self.read.extend_from_slice(&chunk[..n]);
        n
    }

    /// Ignores errors, because the next read reports them.
    fn flush(&mut self) {
        let _ = self.stream.write_all(&self.output).and_then(|()| self.stream.flush());
        self.written.extend_from_slice(&self.output);
        self.output.clear();
    }
}

//! A server for one connection, on the library's `Server` helper.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use bytes::BytesMut;
use protocol_websocket::{Accept, Close, Config, Event, Limits, Message, PermessageDeflate, Server, State, Upgrade};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::program::DEADLINE;

/// A server at work.
pub(crate) struct Served<T> {
    pub(crate) port: u16,
    outcome: Receiver<T>,
}

impl<T> Served<T> {
    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port)
    }

    /// What the server found, once it is done.
    pub(crate) fn outcome(self) -> T {
        self.outcome.recv_timeout(DEADLINE).expect("the server failed, or never ended")
    }
}

pub(crate) fn serve<T: Send + 'static>(script: impl FnOnce(Peer) -> T + Send + 'static) -> Served<T> {
    serve_on(None, script)
}

/// Serves with TLS, if a configuration is given.
pub(crate) fn serve_on<T: Send + 'static>(
    tls: Option<ServerConfig>,
    script: impl FnOnce(Peer) -> T + Send + 'static,
) -> Served<T> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, outcome) = channel();
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
    Served { port, outcome }
}

pub(crate) trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

fn config() -> Config {
    Config::new().limits(Limits::new(16 * 1024 * 1024))
}

/// One connection, in the words of a script.
pub(crate) struct Peer {
    stream: Box<dyn Stream>,
    server: Server,
    input: BytesMut,
    output: BytesMut,
    /// Every byte so far.
    pub(crate) read: Vec<u8>,
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

    /// Compresses, if the console wants to. Before the request.
    pub(crate) fn compress(&mut self) {
        self.server = Server::new(config().extension(PermessageDeflate::new()));
    }

    /// The next event. `None` at the end, whichever it is.
    pub(crate) fn next(&mut self) -> Option<Event> {
        loop {
            let event = self.server.receive(&mut self.input, &mut self.output).expect("the console broke the protocol");
            self.flush();
            if event.is_some() || self.server.state() == State::Closed {
                return event;
            }
            if self.read_more() == 0 {
                return None;
            }
        }
    }

    /// The request, not answered.
    pub(crate) fn request(&mut self) -> Upgrade {
        match self.next() {
            Some(Event::Upgrade(upgrade)) => upgrade,
            other => panic!("a request was due, not {other:?}"),
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

    pub(crate) fn send(&mut self, message: impl Into<Message>) {
        self.server.send(message, &mut self.output).unwrap();
        self.flush();
    }

    pub(crate) fn ping(&mut self, payload: &'static [u8]) {
        self.server.ping(payload, &mut self.output).unwrap();
        self.flush();
    }

    /// The next message.
    pub(crate) fn message(&mut self) -> Message {
        match self.next() {
            Some(Event::Message(message)) => message,
            other => panic!("a message was due, not {other:?}"),
        }
    }

    /// The console's Close, now that one is due.
    pub(crate) fn closed(&mut self) -> Option<Close> {
        match self.next() {
            Some(Event::Close(close)) => close,
            other => panic!("a close was due, not {other:?}"),
        }
    }

    /// Closes, and waits for the answer.
    pub(crate) fn close(&mut self, close: Option<Close>) {
        self.server.close(close.clone(), &mut self.output).unwrap();
        assert_eq!(self.closed(), close);
    }

    /// Echoes until the console closes, if it does.
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

    /// Writes anything at all.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
        self.flush();
    }

    /// Reads until these are the last bytes that came, and answers nothing.
    pub(crate) fn read_until(&mut self, end: &[u8]) {
        while !self.read.ends_with(end) {
            assert!(self.read_more() > 0, "the console ended before it sent {end:?}");
        }
    }

    /// Reads to the end, and tells what came.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let before = self.read.len();
        while self.read_more() > 0 {}
        self.read.split_off(before)
    }

    fn read_more(&mut self) -> usize {
        let mut chunk = vec![0; 64 * 1024];
        let n = self.stream.read(&mut chunk).unwrap_or(0);
        self.input.extend_from_slice(&chunk[..n]);
        self.read.extend_from_slice(&chunk[..n]);
        n
    }

    /// A console that has gone away is found out by reading.
    fn flush(&mut self) {
        let _ = self.stream.write_all(&self.output).and_then(|()| self.stream.flush());
        self.written.extend_from_slice(&self.output);
        self.output.clear();
    }
}

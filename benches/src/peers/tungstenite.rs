use protocol_websocket_core::Role;
use tungstenite::http::Uri;
use tungstenite::protocol::Role as PeerRole;
use tungstenite::{Message, Utf8Bytes, WebSocket};

use crate::contender::{Decode, Encode, Sink};
use crate::handshake_io::{ClientStream, ServerStream};
use crate::wire::Source;

pub(crate) struct Reading(WebSocket<Source>);

impl Reading {
    pub(crate) fn new(source: Source, role: Role) -> Self {
        Self(WebSocket::from_raw_socket(source, role_of(role), None))
    }
}

fn role_of(role: Role) -> PeerRole {
    match role {
        Role::Client => PeerRole::Client,
        Role::Server => PeerRole::Server,
    }
}

impl Decode for Reading {
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        for _ in 0..messages {
            match self.0.read().unwrap() {
                Message::Text(text) => sink.message(text.as_bytes()),
                Message::Binary(bytes) => sink.message(&bytes),
                _ => panic!("not a data message"),
            }
        }
    }
}

pub(crate) struct Sending {
    socket: WebSocket<Source>,
    text: Utf8Bytes,
}

impl Sending {
    pub(crate) fn new(text: &'static str, role: Role) -> Self {
        let socket = WebSocket::from_raw_socket(Source::new(b""), role_of(role), None);
        Self { socket, text: Utf8Bytes::from_static(text) }
    }
}

impl Encode for Sending {
    fn pass(&mut self, count: usize) {
        for _ in 0..count {
            self.socket.write(Message::Text(self.text.clone())).unwrap();
        }
        self.socket.flush().unwrap();
    }

    fn take(&mut self) -> Vec<u8> {
        self.socket.get_ref().written().take()
    }
}

pub(crate) fn accept(stream: &mut ServerStream) {
    tungstenite::accept(stream).unwrap();
}

pub(crate) fn uri() -> Uri {
    Uri::from_static("ws://server.example.com/chat")
}

pub(crate) fn connect(uri: &mut Uri, stream: &mut ClientStream) {
    tungstenite::client(uri.clone(), stream).unwrap();
}

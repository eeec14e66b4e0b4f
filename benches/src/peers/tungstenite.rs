use protocol_websocket_core::Role;
use tungstenite::http::Uri;
use tungstenite::protocol::Role as TheirRole;
use tungstenite::{Message, Utf8Bytes, WebSocket};

use crate::contender::Sink;
use crate::wire::Source;
use crate::workloads::handshake::{Asked, Responder};
use crate::workloads::{decode, encode};

pub(super) struct Reading(WebSocket<Source>);

impl Reading {
    pub(super) fn new(source: Source, role: Role) -> Self {
        Self(WebSocket::from_raw_socket(source, theirs(role), None))
    }
}

fn theirs(role: Role) -> TheirRole {
    match role {
        Role::Client => TheirRole::Client,
        Role::Server => TheirRole::Server,
    }
}

impl decode::Decode for Reading {
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        for _ in 0..messages {
            match self.0.read().unwrap() {
                Message::Text(text) => sink.message(text.as_bytes()),
                Message::Binary(bytes) => sink.message(&bytes),
                _ => panic!("no data"),
            }
        }
    }
}

pub(super) struct Sending {
    socket: WebSocket<Source>,
    text: Utf8Bytes,
}

impl Sending {
    pub(super) fn new(text: &'static str, role: Role) -> Self {
        let socket = WebSocket::from_raw_socket(Source::new(b""), theirs(role), None);
        Self { socket, text: Utf8Bytes::from_static(text) }
    }
}

impl encode::Encode for Sending {
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

pub(super) fn answer(asked: &mut Asked) {
    tungstenite::accept(asked).unwrap();
}

pub(super) fn uri() -> Uri {
    Uri::from_static("ws://server.example.com/chat")
}

pub(super) fn connect(uri: &mut Uri, responder: &mut Responder) {
    tungstenite::client(uri.clone(), responder).unwrap();
}

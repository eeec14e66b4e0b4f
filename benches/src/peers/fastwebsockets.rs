use fastwebsockets::{FragmentCollector, Frame, Payload, Role as PeerRole, WebSocket};
use protocol_websocket_core::Role;

use crate::block_on::block_on;
use crate::contender::{Decode, Encode, Sink};
use crate::wire::{Source, Written};

pub(crate) struct Reading(FragmentCollector<Source>);

impl Reading {
    pub(crate) fn new(source: Source, role: Role) -> Self {
        Self(FragmentCollector::new(WebSocket::after_handshake(source, role_of(role))))
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
        block_on(async {
            for _ in 0..messages {
                sink.message(&self.0.read_frame().await.unwrap().payload);
            }
        });
    }
}

pub(crate) struct Sending {
    socket: WebSocket<Source>,
    written: Written,
    text: &'static str,
}

impl Sending {
    pub(crate) fn new(text: &'static str, role: Role) -> Self {
        let source = Source::new(b"");
        Self { written: source.written(), socket: WebSocket::after_handshake(source, role_of(role)), text }
    }
}

impl Encode for Sending {
    fn pass(&mut self, count: usize) {
        block_on(async {
            for _ in 0..count {
                let frame = Frame::text(Payload::Borrowed(self.text.as_bytes()));
                self.socket.write_frame(frame).await.unwrap();
            }
            self.socket.flush().await.unwrap();
        });
    }

    fn take(&mut self) -> Vec<u8> {
        self.written.take()
    }
}

use fastwebsockets::{FragmentCollector, Frame, Payload, Role as TheirRole, WebSocket};
use protocol_websocket_core::Role;

use crate::block_on::block_on;
use crate::contender::Sink;
use crate::wire::{Source, Written};
use crate::workloads::{decode, encode};

pub(super) struct Reading(FragmentCollector<Source>);

impl Reading {
    pub(super) fn new(source: Source, role: Role) -> Self {
        Self(FragmentCollector::new(WebSocket::after_handshake(source, theirs(role))))
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
        block_on(async {
            for _ in 0..messages {
                sink.message(&self.0.read_frame().await.unwrap().payload);
            }
        });
    }
}

pub(super) struct Sending {
    socket: WebSocket<Source>,
    written: Written,
    text: &'static str,
}

impl Sending {
    pub(super) fn new(text: &'static str, role: Role) -> Self {
        let source = Source::new(b"");
        Self { written: source.written(), socket: WebSocket::after_handshake(source, theirs(role)), text }
    }
}

impl encode::Encode for Sending {
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

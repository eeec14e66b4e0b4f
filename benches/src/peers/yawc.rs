use bytes::Bytes;
use futures_util::SinkExt as _;
use protocol_websocket_core::Role;
use yawc::{Frame, Options, Role as TheirRole, WebSocket};

use crate::block_on::block_on;
use crate::contender::Sink;
use crate::wire::{Source, Written};
use crate::workloads::{decode, encode};

pub(super) struct Reading(WebSocket<Source>);

impl Reading {
    pub(super) fn new(source: Source, role: Role) -> Self {
        Self(socket(source, role))
    }
}

/// Its limit is 1 MiB with the head, which is less than a message of 1 MiB.
fn socket(source: Source, role: Role) -> WebSocket<Source> {
    let role = match role {
        Role::Client => TheirRole::Client,
        Role::Server => TheirRole::Server,
    };
    WebSocket::from_stream(source, role, Options::default().with_limits(2 << 20, 4 << 20).with_utf8()).unwrap()
}

impl decode::Decode for Reading {
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        block_on(async {
            for _ in 0..messages {
                sink.message(self.0.next_frame().await.unwrap().payload());
            }
        });
    }
}

pub(super) struct Sending {
    socket: WebSocket<Source>,
    written: Written,
    text: Bytes,
}

impl Sending {
    pub(super) fn new(text: &'static str, role: Role) -> Self {
        let source = Source::new(b"");
        let written = source.written();
        Self { written, socket: socket(source, role), text: Bytes::from_static(text.as_bytes()) }
    }
}

impl encode::Encode for Sending {
    fn pass(&mut self, count: usize) {
        block_on(async {
            for _ in 0..count {
                self.socket.feed(Frame::text(self.text.clone())).await.unwrap();
            }
            self.socket.flush().await.unwrap();
        });
    }

    fn take(&mut self) -> Vec<u8> {
        self.written.take()
    }
}

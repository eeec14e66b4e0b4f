use bytes::Bytes;
use futures_util::SinkExt as _;
use protocol_websocket_core::Role;
use yawc::{Frame, Options, Role as PeerRole, WebSocket};

use crate::block_on::block_on;
use crate::contender::{Decode, Encode, Sink};
use crate::wire::{Source, Written};

pub(crate) struct Reading(WebSocket<Source>);

impl Reading {
    pub(crate) fn new(source: Source, role: Role) -> Self {
        Self(socket(source, role))
    }
}

/// Opens a socket with a higher limit. The default of 1 MiB includes the header, so it rejects a message of 1 MiB.
fn socket(source: Source, role: Role) -> WebSocket<Source> {
    let role = match role {
        Role::Client => PeerRole::Client,
        Role::Server => PeerRole::Server,
    };
    WebSocket::from_stream(source, role, Options::default().with_limits(2 << 20, 4 << 20).with_utf8()).unwrap()
}

impl Decode for Reading {
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        block_on(async {
            for _ in 0..messages {
                sink.message(self.0.next_frame().await.unwrap().payload());
            }
        });
    }
}

pub(crate) struct Sending {
    socket: WebSocket<Source>,
    written: Written,
    text: Bytes,
}

impl Sending {
    pub(crate) fn new(text: &'static str, role: Role) -> Self {
        let source = Source::new(b"");
        let written = source.written();
        Self { written, socket: socket(source, role), text: Bytes::from_static(text.as_bytes()) }
    }
}

impl Encode for Sending {
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

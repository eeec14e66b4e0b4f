use protocol_websocket_core::Role;
use tokio::io::BufReader;
use web_socket::{Event, WebSocket};

use crate::block_on::block_on;
use crate::contender::Sink;
use crate::wire::{READ, Source};
use crate::workloads::{decode, encode};

/// It has no buffer of its own and reads two bytes at a time, so it is told to have one.
pub(super) struct Reading(WebSocket<BufReader<Source>>);

impl Reading {
    pub(super) fn new(source: Source, role: Role) -> Self {
        let source = BufReader::with_capacity(READ, source);
        Self(match role {
            Role::Client => WebSocket::client(source),
            Role::Server => WebSocket::server(source),
        })
    }
}

impl decode::Decode for Reading {
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        block_on(async {
            for _ in 0..messages {
                match self.0.recv().await.unwrap() {
                    Event::Data { data, .. } => sink.message(&data),
                    event => panic!("no data: {event:?}"),
                }
            }
        });
    }
}

pub(super) struct Sending {
    socket: WebSocket<Source>,
    text: &'static str,
}

impl Sending {
    pub(super) fn new(text: &'static str, role: Role) -> Self {
        let source = Source::new(b"");
        let socket = match role {
            Role::Client => WebSocket::client(source),
            Role::Server => WebSocket::server(source),
        };
        Self { socket, text }
    }
}

impl encode::Encode for Sending {
    fn pass(&mut self, count: usize) {
        block_on(async {
            for _ in 0..count {
                self.socket.send(self.text).await.unwrap();
            }
            self.socket.flash().await.unwrap();
        });
    }

    fn take(&mut self) -> Vec<u8> {
        self.socket.stream.written().take()
    }
}

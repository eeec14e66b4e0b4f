use protocol_websocket_core::Role;
use tokio::io::BufReader;
use web_socket::{Event, WebSocket};

use crate::block_on::block_on;
use crate::contender::{Decode, Encode, Sink};
use crate::wire::{READ_BUFFER_SIZE, Source};

/// The library has no read buffer and reads two bytes at a time, so the stream gets a `BufReader`.
pub(crate) struct Reading(WebSocket<BufReader<Source>>);

impl Reading {
    pub(crate) fn new(source: Source, role: Role) -> Self {
        let source = BufReader::with_capacity(READ_BUFFER_SIZE, source);
        Self(match role {
            Role::Client => WebSocket::client(source),
            Role::Server => WebSocket::server(source),
        })
    }
}

impl Decode for Reading {
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        block_on(async {
            for _ in 0..messages {
                match self.0.recv().await.unwrap() {
                    Event::Data { data, .. } => sink.message(&data),
                    event => panic!("not a data message: {event:?}"),
                }
            }
        });
    }
}

pub(crate) struct Sending {
    socket: WebSocket<Source>,
    text: &'static str,
}

impl Sending {
    pub(crate) fn new(text: &'static str, role: Role) -> Self {
        let source = Source::new(b"");
        let socket = match role {
            Role::Client => WebSocket::client(source),
            Role::Server => WebSocket::server(source),
        };
        Self { socket, text }
    }
}

impl Encode for Sending {
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

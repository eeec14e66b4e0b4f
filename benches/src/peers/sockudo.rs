use bytes::{Bytes, BytesMut};
use protocol_websocket_core::Role;
use sockudo_ws::protocol::{Message, Protocol, Role as TheirRole};

use crate::contender::Sink;
use crate::wire::{READ, Source};
use crate::workloads::{decode, encode};

pub(super) struct Reading {
    source: Source,
    input: BytesMut,
    protocol: Protocol,
    messages: Vec<Message>,
}

impl Reading {
    pub(super) fn new(source: Source, role: Role) -> Self {
        Self { source, input: BytesMut::new(), protocol: protocol(role), messages: Vec::new() }
    }
}

fn protocol(role: Role) -> Protocol {
    let role = match role {
        Role::Client => TheirRole::Client,
        Role::Server => TheirRole::Server,
    };
    Protocol::new(role, 1 << 20, 1 << 20)
}

impl decode::Decode for Reading {
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        let mut left = messages;
        while left > 0 {
            self.source.read_into(&mut self.input);
            self.protocol.process_into(&mut self.input, &mut self.messages).unwrap();
            for message in self.messages.drain(..) {
                sink.message(message.as_bytes());
                left -= 1;
            }
        }
    }
}

pub(super) struct Sending {
    protocol: Protocol,
    text: Message,
    output: BytesMut,
}

impl Sending {
    pub(super) fn new(text: &'static str, role: Role) -> Self {
        let text = Message::Text(Bytes::from_static(text.as_bytes()));
        Self { protocol: protocol(role), text, output: BytesMut::with_capacity(3 * READ) }
    }
}

impl encode::Encode for Sending {
    fn pass(&mut self, count: usize) {
        for _ in 0..count {
            if self.output.len() >= READ {
                self.output.clear();
            }
            self.protocol.encode_message(&self.text, &mut self.output).unwrap();
        }
    }

    fn take(&mut self) -> Vec<u8> {
        self.output.split().to_vec()
    }
}

use bytes::{Buf as _, Bytes, BytesMut};
use protocol_websocket_core::Role;
use sockudo_ws::deflate::{DEFAULT_WINDOW_BITS, DeflateDecoder, DeflateEncoder};
use sockudo_ws::handshake;
use sockudo_ws::protocol::{Message, Protocol, Role as PeerRole};

use crate::contender::{Decode, Encode, Sink};
use crate::handshake_io::{ClientStream, ServerStream};
use crate::wire::{READ_BUFFER_SIZE, Source};

pub(crate) struct Reading {
    source: Source,
    input: BytesMut,
    protocol: Protocol,
    messages: Vec<Message>,
}

impl Reading {
    pub(crate) fn new(source: Source, role: Role) -> Self {
        Self { source, input: BytesMut::new(), protocol: protocol(role), messages: Vec::new() }
    }
}

fn protocol(role: Role) -> Protocol {
    let role = match role {
        Role::Client => PeerRole::Client,
        Role::Server => PeerRole::Server,
    };
    Protocol::new(role, 1 << 20, 1 << 20)
}

impl Decode for Reading {
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

pub(crate) struct Sending {
    protocol: Protocol,
    text: Message,
    output: BytesMut,
}

impl Sending {
    pub(crate) fn new(text: &'static str, role: Role) -> Self {
        let text = Message::Text(Bytes::from_static(text.as_bytes()));
        Self { protocol: protocol(role), text, output: BytesMut::with_capacity(3 * READ_BUFFER_SIZE) }
    }
}

impl Encode for Sending {
    fn pass(&mut self, count: usize) {
        for _ in 0..count {
            if self.output.len() >= READ_BUFFER_SIZE {
                self.output.clear();
            }
            self.protocol.encode_message(&self.text, &mut self.output).unwrap();
        }
    }

    fn take(&mut self) -> Vec<u8> {
        self.output.split().to_vec()
    }
}

pub(crate) fn accept(stream: &mut ServerStream) {
    stream.receive();
    let (request, used) = handshake::parse_request(&stream.input).unwrap().unwrap();
    let accept = handshake::generate_accept_key(request.key);
    stream.output.extend_from_slice(&handshake::build_response(&accept, None, None));
    stream.input.advance(used);
}

pub(crate) fn connect((): &mut (), stream: &mut ClientStream) {
    let key = handshake::generate_key();
    stream.send(&handshake::build_request("server.example.com", "/chat", &key, None, None));
    let input = stream.receive();
    let (response, used) = handshake::parse_response(input).unwrap().unwrap();
    assert!(handshake::validate_accept_key(&key, response.accept.unwrap()));
    input.advance(used);
}

pub(crate) fn encoder(level: u8, takeover: bool, messages: &[String]) -> (DeflateEncoder, Vec<String>) {
    (DeflateEncoder::new(DEFAULT_WINDOW_BITS, !takeover, level.into(), 0), messages.to_vec())
}

pub(crate) fn compress((encoder, messages): &mut (DeflateEncoder, Vec<String>), sink: &mut dyn FnMut(&[u8])) {
    for message in messages {
        sink(&encoder.compress(message.as_bytes()).unwrap().unwrap());
    }
}

pub(crate) fn decoder(takeover: bool, payloads: &[Vec<u8>]) -> (DeflateDecoder, Vec<Vec<u8>>) {
    (DeflateDecoder::new(DEFAULT_WINDOW_BITS, !takeover), payloads.to_vec())
}

pub(crate) fn decompress((decoder, payloads): &mut (DeflateDecoder, Vec<Vec<u8>>), sink: &mut dyn FnMut(&[u8])) {
    for payload in payloads {
        sink(&decoder.decompress(payload, 64 * 1024).unwrap());
    }
}

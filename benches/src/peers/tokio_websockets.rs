use futures_util::{SinkExt as _, StreamExt as _};
use protocol_websocket_core::Role;
use tokio_websockets::{ClientBuilder, Limits, Message, Payload, ServerBuilder, WebSocketStream};

use crate::block_on::block_on;
use crate::contender::{Decode, Encode, Sink};
use crate::handshake_io::{ClientStream, ServerStream};
use crate::wire::Source;

pub(crate) struct Reading(WebSocketStream<Source>);

impl Reading {
    pub(crate) fn new(source: Source, role: Role) -> Self {
        Self(stream(source, role))
    }
}

fn stream(source: Source, role: Role) -> WebSocketStream<Source> {
    match role {
        Role::Client => ClientBuilder::new().limits(Limits::default()).take_over(source),
        Role::Server => ServerBuilder::new().limits(Limits::default()).serve(source),
    }
}

impl Decode for Reading {
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        block_on(async {
            for _ in 0..messages {
                sink.message(self.0.next().await.unwrap().unwrap().as_payload());
            }
        });
    }
}

pub(crate) struct Sending {
    stream: WebSocketStream<Source>,
    text: Payload,
}

impl Sending {
    pub(crate) fn new(text: &'static str, role: Role) -> Self {
        Self { stream: stream(Source::new(b""), role), text: text.into() }
    }
}

impl Encode for Sending {
    fn pass(&mut self, count: usize) {
        block_on(async {
            for _ in 0..count {
                self.stream.feed(Message::text(self.text.clone())).await.unwrap();
            }
            self.stream.flush().await.unwrap();
        });
    }

    fn take(&mut self) -> Vec<u8> {
        self.stream.get_ref().written().take()
    }
}

pub(crate) fn accept(stream: &mut ServerStream) {
    block_on(ServerBuilder::new().accept(stream)).unwrap();
}

pub(crate) fn builder() -> ClientBuilder<'static> {
    ClientBuilder::new().uri("ws://server.example.com/chat").unwrap()
}

pub(crate) fn connect(builder: &mut ClientBuilder<'static>, stream: &mut ClientStream) {
    block_on(builder.connect_on(stream)).unwrap();
}

use futures_util::{SinkExt as _, StreamExt as _};
use protocol_websocket_core::Role;
use tokio_websockets::{ClientBuilder, Limits, Message, Payload, ServerBuilder, WebSocketStream};

use crate::block_on::block_on;
use crate::contender::Sink;
use crate::wire::Source;
use crate::workloads::handshake::{Asked, Responder};
use crate::workloads::{decode, encode};

pub(super) struct Reading(WebSocketStream<Source>);

impl Reading {
    pub(super) fn new(source: Source, role: Role) -> Self {
        Self(stream(source, role))
    }
}

fn stream(source: Source, role: Role) -> WebSocketStream<Source> {
    match role {
        Role::Client => ClientBuilder::new().limits(Limits::default()).take_over(source),
        Role::Server => ServerBuilder::new().limits(Limits::default()).serve(source),
    }
}

impl decode::Decode for Reading {
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        block_on(async {
            for _ in 0..messages {
                sink.message(self.0.next().await.unwrap().unwrap().as_payload());
            }
        });
    }
}

pub(super) struct Sending {
    stream: WebSocketStream<Source>,
    text: Payload,
}

impl Sending {
    pub(super) fn new(text: &'static str, role: Role) -> Self {
        Self { stream: stream(Source::new(b""), role), text: text.into() }
    }
}

impl encode::Encode for Sending {
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

pub(super) fn answer(asked: &mut Asked) {
    block_on(ServerBuilder::new().accept(asked)).unwrap();
}

pub(super) fn builder() -> ClientBuilder<'static> {
    ClientBuilder::new().uri("ws://server.example.com/chat").unwrap()
}

pub(super) fn connect(builder: &mut ClientBuilder<'static>, responder: &mut Responder) {
    block_on(builder.connect_on(responder)).unwrap();
}

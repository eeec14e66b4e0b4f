use protocol_websocket_core::Role;
use soketto::connection::{Builder, Mode, Receiver, Sender};
use soketto::handshake::server::Response;
use soketto::handshake::{Client, Server, ServerResponse};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

use crate::block_on::block_on;
use crate::contender::{Decode, Encode, Sink};
use crate::handshake_io::{ClientStream, ServerStream};
use crate::wire::{Source, Written};

pub(crate) struct Reading {
    receiver: Receiver<Compat<Source>>,
    message: Vec<u8>,
}

impl Reading {
    pub(crate) fn new(source: Source, role: Role) -> Self {
        Self { receiver: Builder::new(source.compat(), mode(role)).finish().1, message: Vec::new() }
    }
}

fn mode(role: Role) -> Mode {
    match role {
        Role::Client => Mode::Client,
        Role::Server => Mode::Server,
    }
}

impl Decode for Reading {
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        block_on(async {
            for _ in 0..messages {
                self.message.clear();
                self.receiver.receive_data(&mut self.message).await.unwrap();
                sink.message(&self.message);
            }
        });
    }
}

pub(crate) struct Sending {
    sender: Sender<Compat<Source>>,
    written: Written,
    text: &'static str,
}

impl Sending {
    pub(crate) fn new(text: &'static str, role: Role) -> Self {
        let source = Source::new(b"");
        Self { written: source.written(), sender: Builder::new(source.compat(), mode(role)).finish().0, text }
    }
}

impl Encode for Sending {
    fn pass(&mut self, count: usize) {
        block_on(async {
            for _ in 0..count {
                self.sender.send_text(self.text).await.unwrap();
            }
            self.sender.flush().await.unwrap();
        });
    }

    fn take(&mut self) -> Vec<u8> {
        self.written.take()
    }
}

pub(crate) fn accept(stream: &mut ServerStream) {
    block_on(async {
        let mut server = Server::new(stream.compat());
        let key = server.receive_request().await.unwrap().key();
        server.send_response(&Response::Accept { key, protocol: None }).await.unwrap();
    });
}

pub(crate) fn connect((): &mut (), stream: &mut ClientStream) {
    let mut client = Client::new(stream.compat(), "server.example.com", "/chat");
    assert!(matches!(block_on(client.handshake()), Ok(ServerResponse::Accepted { .. })));
}

//! A broadcast compresses its message once for all peers with the same size of the window.
#![cfg(feature = "permessage-deflate")]
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use protocol_websocket::{
    Connection, ExtensionEncoder, ExtensionPair, ExtensionParams, Frame, Negotiate, Payload, PermessageDeflate, Role,
    Rsv, frame::EncodeError,
};
use protocol_websocket_tokio::{Config, Message, Negotiated, Prepared, Session, WebSocket};
use tokio::io::{DuplexStream, duplex};

const PEERS: usize = 1000;

/// permessage-deflate, whose compressed messages are counted.
struct Counted(PermessageDeflate, Arc<AtomicUsize>);

struct CountedEncoder(Box<dyn ExtensionEncoder>, Arc<AtomicUsize>);

impl Negotiate for Counted {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn rsv(&self) -> Rsv {
        self.0.rsv()
    }

    fn offers(&self) -> Vec<ExtensionParams> {
        self.0.offers()
    }

    fn respond(&self, offer: &ExtensionParams) -> Option<ExtensionParams> {
        self.0.respond(offer)
    }

    fn agree(&self, role: Role, response: &ExtensionParams) -> Option<ExtensionPair> {
        let ExtensionPair { encoder, decoder } = self.0.agree(role, response)?;
        Some(ExtensionPair { encoder: Box::new(CountedEncoder(encoder, Arc::clone(&self.1))), decoder })
    }
}

impl ExtensionEncoder for CountedEncoder {
    fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.encode(frame)
    }

    fn restart(&mut self) {
        self.0.restart();
    }

    fn encoding_key(&self) -> Option<u64> {
        self.0.encoding_key()
    }
}

/// Returns both ends of a connection. Those with an even number keep the window from message to message.
fn pair(number: usize, config: &Arc<Config>) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let mut extension = ExtensionParams::new("permessage-deflate");
    if number % 2 == 1 {
        extension = extension.flag("server_no_context_takeover");
    }
    let negotiated = Negotiated::new().extension(extension);
    let (near, far) = duplex(64 * 1024);
    let mask = |key: &mut [u8]| key.fill(7);
    let client = Config::new().extension(PermessageDeflate::new());
    let client = WebSocket::new(far, Session::new(Connection::open_client(&negotiated, client, mask)));
    (WebSocket::new(near, Session::new(Connection::open_server(&negotiated, Arc::clone(config)))), client)
}

#[tokio::test]
async fn compresses_once_for_each_set_of_parameters() {
    let compressed = Arc::<AtomicUsize>::default();
    let config = Arc::new(Config::new().extension(Counted(PermessageDeflate::new(), Arc::clone(&compressed))));
    let text = "repeated text, repeated text, and so on, ".repeat(200);
    let own = |number: usize| Message::from(format!("{number}, repeated text, repeated text"));

    // Half of the peers were split.
    let (mut websockets, mut halves, mut clients) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..PEERS {
        let (mut server, client) = pair(number, &config);
        server.queue(own(number)).unwrap();
        if number % 4 < 2 {
            websockets.push((number, server));
        } else {
            halves.push((number, server.split()));
        }
        clients.push(client);
    }
    assert_eq!(compressed.load(Ordering::Relaxed), PEERS);

    let mut prepared = Prepared::new(text.as_str());
    for (_, websocket) in &mut websockets {
        websocket.queue_prepared(&mut prepared).unwrap();
    }
    for (_, (sender, _)) in &halves {
        sender.queue_prepared(&mut prepared).unwrap();
    }
    assert_eq!(compressed.load(Ordering::Relaxed), PEERS + 1);

    for (number, websocket) in &mut websockets {
        websocket.send(own(*number)).await.unwrap();
    }
    for (number, (sender, _)) in &halves {
        sender.queue(own(*number)).unwrap();
    }
    for (number, client) in clients.iter_mut().enumerate() {
        for expected in [own(number), text.as_str().into(), own(number)] {
            assert_eq!(client.recv().await.unwrap().unwrap(), expected);
        }
    }
}

//! A chat server with a room for each path. A client that does not read is dropped. Ctrl-C closes all with 1001.
//!
//! Run it with `cargo run -p protocol-websocket-tokio --example chat`, and open `ws://127.0.0.1:3000/room`.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol_websocket_tokio::{Accept, CloseCode, Config, Drain, Message, Sender, accept, config};
use tokio::net::{TcpListener, TcpStream};

/// A client that has not read this number of bytes is dropped.
const MAX_UNSENT: usize = 1024 * 1024;

#[derive(Default)]
struct Rooms(Mutex<HashMap<String, HashMap<u64, Sender>>>);

impl Rooms {
    fn with<R>(&self, f: impl FnOnce(&mut HashMap<String, HashMap<u64, Sender>>) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn enter(&self, room: &str, id: u64, sender: Sender) {
        self.with(|rooms| rooms.entry(room.into()).or_default().insert(id, sender));
    }

    fn leave(&self, room: &str, id: u64) {
        self.with(|rooms| {
            rooms.entry(room.into()).or_default().remove(&id);
            rooms.retain(|_, members| !members.is_empty());
        });
    }

    fn broadcast(&self, room: &str, message: &Message) {
        self.with(|rooms| {
            let Some(members) = rooms.get_mut(room) else { return };
            members.retain(|_, peer| {
                let is_slow = peer.unsent() > MAX_UNSENT;
                if is_slow {
                    // It ends within `Timeouts::close` if the client reads nothing.
                    let peer = peer.clone();
                    tokio::spawn(async move { peer.close(CloseCode::POLICY_VIOLATION).await });
                }
                !is_slow && peer.queue_shared(message.clone()).is_ok()
            });
        });
    }
}

async fn serve(
    stream: TcpStream,
    config: Arc<Config>,
    rooms: &Rooms,
    drain: Drain,
    id: u64,
) -> Result<(), Box<dyn Error>> {
    stream.set_nodelay(true)?;
    let incoming = accept(stream, config).await?;
    let room = incoming.request().resource_name().to_owned();
    let websocket = incoming.accept(&Accept::new()).await?;
    drain.watch(&websocket);
    let (sender, mut receiver) = websocket.split();
    rooms.enter(&room, id, sender);
    while let Some(Ok(message)) = receiver.recv().await {
        rooms.broadcast(&room, &message);
    }
    rooms.leave(&room, id);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    let (config, rooms, drain) = (Arc::new(config()), Arc::new(Rooms::default()), Drain::new());
    for id in 0.. {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            _ = tokio::signal::ctrl_c() => break,
        };
        let (config, rooms, drain) = (Arc::clone(&config), Arc::clone(&rooms), drain.clone());
        tokio::spawn(async move { serve(stream, config, &rooms, drain, id).await.map_err(|error| error.to_string()) });
    }
    let drained = drain.shutdown(CloseCode::GOING_AWAY, "restart", Duration::from_secs(5)).await;
    println!("{} connections agreed to close, {} did not", drained.agreed, drained.others);
    Ok(())
}

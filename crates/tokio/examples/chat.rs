//! A chat server with a room for each path. A client that does not read is dropped. Ctrl-C closes all with 1001.
//!
//!     cargo run -p protocol-websocket-tokio --example chat 127.0.0.1:3000

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{env, io, pin::pin, time::Duration};

use protocol_websocket_tokio::{Accept, CloseCode, Config, Drain, Error, Message, Sender, accept, config};
use tokio::net::{TcpListener, TcpStream};

/// A client that has not read this number of bytes is dropped.
const MAX_UNSENT: usize = 1024 * 1024;

struct Chat {
    /// The default: a client that is silent for 20 s is pinged, and has 20 s to reply.
    config: Arc<Config>,
    rooms: Mutex<HashMap<String, HashMap<u64, Sender>>>,
    drain: Drain,
}

impl Chat {
    fn rooms(&self) -> MutexGuard<'_, HashMap<String, HashMap<u64, Sender>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn broadcast(&self, room: &str, message: &Message) {
        let mut rooms = self.rooms();
        let Some(members) = rooms.get_mut(room) else { return };
        members.retain(|_, member| {
            let is_slow = member.unsent() > MAX_UNSENT;
            if is_slow {
                // It ends within 20 s if the client reads nothing, and within 2 minutes if it reads slowly.
                member.queue_close(CloseCode::POLICY_VIOLATION);
            }
            !is_slow && member.queue(message.clone()).is_ok()
        });
    }

    async fn serve(&self, stream: TcpStream, id: u64) -> Result<(), Error> {
        stream.set_nodelay(true)?;
        let incoming = accept(stream, Arc::clone(&self.config)).await?;
        let room = incoming.request().resource_name().to_owned();
        let websocket = incoming.accept(Accept::new()).await?;
        self.drain.watch(&websocket);
        let (sender, mut receiver) = websocket.split();
        self.rooms().entry(room.clone()).or_default().insert(id, sender);
        let mut result = Ok(());
        while let Some(received) = receiver.recv().await {
            result = received.map(|message| self.broadcast(&room, &message));
        }
        self.rooms().entry(room).or_default().remove(&id);
        self.rooms().retain(|_, members| !members.is_empty());
        result
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(address).await?;
    println!("connect to ws://{}/", listener.local_addr()?);
    let chat = Arc::new(Chat { config: Arc::new(config()), rooms: Mutex::default(), drain: Drain::new() });
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    for id in 0.. {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut interrupted => break,
        };
        let Ok((stream, client)) = accepted else {
            // Too many files may be open. The next call may succeed.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let chat = Arc::clone(&chat);
        tokio::spawn(async move { chat.serve(stream, id).await.map_err(|error| eprintln!("{client}: {error}")) });
    }
    let drained = chat.drain.shutdown(CloseCode::GOING_AWAY, "shutdown", Duration::from_secs(10)).await;
    println!("{} connections agreed to close, {} did not", drained.agreed, drained.others);
    Ok(())
}

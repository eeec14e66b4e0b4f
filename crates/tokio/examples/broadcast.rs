//! Sends each line of its input to all clients. A line is compressed once for each size of the window that the
//! clients agreed on, not once for each client. At the end of the input, all are closed with 1000.
//!
//!     tail -f /var/log/syslog | cargo run -p protocol-websocket-tokio --example broadcast 127.0.0.1:3000

use std::collections::HashMap;
use std::env;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol_websocket_tokio::{Accept, CloseCode, Config, Drain, Error, Prepared, Sender, accept, config};
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// A client that has not read this number of bytes is dropped.
const MAX_UNSENT: usize = 1024 * 1024;

struct Broadcast {
    /// The connections share it, so that they can share compressed messages.
    config: Arc<Config>,
    clients: Mutex<HashMap<u64, Sender>>,
    drain: Drain,
}

impl Broadcast {
    fn clients(&self) -> MutexGuard<'_, HashMap<u64, Sender>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, line: String) {
        let mut message = Prepared::new(line);
        self.clients().retain(|_, client| {
            let is_slow = client.unsent() > MAX_UNSENT;
            if is_slow {
                // It ends within 20 s if the client reads nothing, and within 2 minutes if it reads slowly.
                client.queue_close(CloseCode::POLICY_VIOLATION);
            }
            !is_slow && client.queue_prepared(&mut message).is_ok()
        });
    }

    async fn serve(&self, stream: TcpStream, id: u64) -> Result<(), Error> {
        stream.set_nodelay(true)?;
        let websocket = accept(stream, Arc::clone(&self.config)).await?.accept(Accept::new()).await?;
        self.drain.watch(&websocket);
        let (sender, mut receiver) = websocket.split();
        self.clients().insert(id, sender);
        let mut result = Ok(());
        while let Some(received) = receiver.recv().await {
            result = received.map(drop);
        }
        self.clients().remove(&id);
        result
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into())).await?;
    println!("connect to ws://{}/", listener.local_addr()?);
    let broadcast = Arc::new(Broadcast { config: Arc::new(config()), clients: Mutex::default(), drain: Drain::new() });
    let (mut lines, mut next) = (BufReader::new(stdin()).lines(), 0);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            line = lines.next_line() => match line? {
                Some(line) => {
                    broadcast.publish(line);
                    continue;
                }
                None => break,
            },
        };
        let Ok((stream, client)) = accepted else {
            // Too many files may be open. The next call may succeed.
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (broadcast, id) = (Arc::clone(&broadcast), next);
        next += 1;
        tokio::spawn(async move { broadcast.serve(stream, id).await.map_err(|error| eprintln!("{client}: {error}")) });
    }
    broadcast.drain.shutdown(CloseCode::NORMAL, "end of input", Duration::from_secs(10)).await;
    Ok(())
}

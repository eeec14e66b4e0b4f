//! A client that reconnects: sends a message on each connection, such as a subscription, and prints the messages that
//! it receives. It ends when the server closes with a code that is not temporary, such as 1008, or rejects the request with
//! such a status, for instance 403.
//!
//!     cargo run -p protocol-websocket-tokio --example reconnect ws://127.0.0.1:3000/room hello

use std::env;

use protocol_websocket_tokio::protocol_websocket::OsRandom;
use protocol_websocket_tokio::{Backoff, CloseCode, Connect, Ended, SendError, Stream, WebSocket};
use tokio::time::sleep;

/// Runs a connection to its end.
async fn run(
    mut websocket: WebSocket<Stream>,
    message: &str,
    backoff: &mut Backoff,
) -> Result<Option<Ended>, SendError> {
    eprintln!("connected");
    websocket.queue(message)?; // `recv` writes it
    while let Some(received) = websocket.recv().await {
        match received {
            Ok(message) => {
                println!("{message:?}");
                // Not before: the delays also get longer if a server accepts each connection and then fails.
                backoff.reset();
            }
            Err(error) => eprintln!("{error}"),
        }
    }
    Ok(websocket.ended().cloned())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = env::args().skip(1);
    let (Some(url), Some(message)) = (args.next(), args.next()) else {
        return Err("usage: reconnect URL MESSAGE".into());
    };
    let connect = Connect::new(&url)?;
    let (mut backoff, mut random) = (Backoff::new(), OsRandom::new());
    loop {
        match connect.clone().await {
            Ok((websocket, _)) => match run(websocket, &message, &mut backoff).await? {
                Some(ended) if ended.code == CloseCode::NORMAL => return Ok(()),
                Some(ended) if !ended.is_temporary() => return Err(format!("closed with {}", ended.code).into()),
                _ => {}
            },
            Err(error) if error.is_temporary() => eprintln!("{error}"),
            Err(error) => return Err(error.into()),
        }
        let delay = backoff.next_delay(&mut random).ok_or("no attempt is left")?;
        eprintln!("the next attempt follows after {delay:.1?}");
        sleep(delay).await;
    }
}

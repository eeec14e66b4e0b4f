//! A client that prints what the server sends, and connects again if the connection is lost.
//!
//!     cargo run -p protocol-websocket-blocking --example blocking_reconnect ws://127.0.0.1:3000/

use std::error::Error;
use std::thread::sleep;

use protocol_websocket_blocking::{Backoff, Connect, ConnectError, Ended, OsRandom};

/// Prints the messages of one connection. Returns how it ended, or `None` if the server cannot be reached now.
fn run(connect: &Connect, backoff: &mut Backoff) -> Result<Option<Ended>, ConnectError> {
    let mut websocket = match connect.open() {
        Ok((websocket, _)) => websocket,
        Err(ConnectError::Connect(_) | ConnectError::Resolve(_) | ConnectError::Timeout(_)) => return Ok(None),
        Err(ConnectError::Rejected { head, .. }) if matches!(head.status(), 429 | 502..=504) => return Ok(None),
        Err(error) => return Err(error),
    };
    // The error of a lost connection is in `ended`, too.
    while let Some(Ok(message)) = websocket.recv() {
        backoff.reset(); // not before the first message: the connection works
        println!("{}", message.as_text().unwrap_or("a binary message"));
    }
    Ok(websocket.ended().cloned())
}

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: blocking_reconnect URL")?;
    let connect = Connect::new(&url)?;
    let (mut backoff, mut random) = (Backoff::new().max_attempts(20), OsRandom::new());
    loop {
        if let Some(ended) = run(&connect, &mut backoff)? {
            println!("closed with {}", ended.code);
            if !ended.is_temporary() {
                return Ok(());
            }
        }
        let delay = backoff.next_delay(&mut random).ok_or("the server cannot be reached")?;
        println!("connecting again in {delay:.1?}");
        sleep(delay);
    }
}

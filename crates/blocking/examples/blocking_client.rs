//! A client: sends each line of the standard input, and prints the reply.
//!
//!     cargo run -p protocol-websocket-blocking --example blocking_client ws://127.0.0.1:3000/

use std::error::Error;

use protocol_websocket_blocking::{CloseCode, connect};

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: blocking_client URL")?;
    let (mut websocket, _) = connect(&url)?;
    for line in std::io::stdin().lines() {
        websocket.send(line?)?;
        match websocket.recv().transpose()? {
            Some(message) => println!("{}", message.as_text().unwrap_or("a binary message")),
            None => break,
        }
    }
    let ended = websocket.close(CloseCode::NORMAL)?;
    println!("closed with {}", ended.code);
    Ok(())
}

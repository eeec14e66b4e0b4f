//! A client that prints what the server sends, and reconnects if the connection is lost. It ends when the server closes
//! with a code that is not temporary, such as 1008, or rejects the request with such a status, for instance 403.
//!
//!     cargo run -p protocol-websocket-blocking --example blocking_reconnect ws://127.0.0.1:3000/

use std::thread::sleep;

use protocol_websocket_blocking::{Backoff, CloseCode, Connect, OsRandom, Stream, WebSocket};

/// Prints the messages of a connection.
fn run(websocket: &mut WebSocket<Stream>, backoff: &mut Backoff) {
    eprintln!("connected");
    // The error of a lost connection is in `ended`, too.
    while let Some(Ok(message)) = websocket.recv() {
        println!("{message:?}");
        // Not before: the delays also get longer if a server accepts each connection and then fails.
        backoff.reset();
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: blocking_reconnect URL")?;
    let connect = Connect::new(&url)?;
    let (mut backoff, mut random) = (Backoff::new(), OsRandom::new());
    loop {
        match connect.open() {
            Ok((mut websocket, _)) => {
                run(&mut websocket, &mut backoff);
                match websocket.ended() {
                    Some(ended) if ended.code == CloseCode::NORMAL => return Ok(()),
                    Some(ended) if !ended.is_temporary() => return Err(format!("closed with {}", ended.code).into()),
                    _ => {}
                }
            }
            Err(error) if error.is_temporary() => eprintln!("{error}"),
            Err(error) => return Err(error.into()),
        }
        let delay = backoff.next_delay(&mut random).ok_or("no attempt is left")?;
        eprintln!("the next attempt follows after {delay:.1?}");
        sleep(delay);
    }
}

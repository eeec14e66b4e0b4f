//! A client that prints what the server sends, and connects again if the connection is lost. It ends when the server closes
//! with a code that is not temporary, such as 1008, or rejects the request.
//!
//!     cargo run -p protocol-websocket-blocking --example blocking_reconnect ws://127.0.0.1:3000/

use std::thread::sleep;

use protocol_websocket::Error::UnexpectedEof;
use protocol_websocket_blocking::{Backoff, CloseCode, Connect, ConnectError, Error, OsRandom, Stream, WebSocket};

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

/// Returns whether the next attempt may succeed.
fn is_temporary(error: &ConnectError) -> bool {
    match error {
        ConnectError::Connect(_) | ConnectError::Resolve(_) | ConnectError::Timeout(_) => true,
        ConnectError::Rejected { head, .. } => matches!(head.status(), 408 | 429 | 502..=504),
        ConnectError::WebSocket(error) => matches!(error, Error::Io(_) | Error::Connection(UnexpectedEof)),
        _ => false,
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
            Err(error) if is_temporary(&error) => eprintln!("{error}"),
            Err(error) => return Err(error.into()),
        }
        let delay = backoff.next_delay(&mut random).ok_or("no attempt is left")?;
        eprintln!("the next attempt follows after {delay:.1?}");
        sleep(delay);
    }
}

//! An echo server with one thread for each connection.
//!
//!     cargo run -p protocol-websocket-blocking --example blocking_echo 127.0.0.1:3000

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::{env, io, thread};

use protocol_websocket_blocking::{Accept, Config, Error, accept, config};

fn echo(stream: TcpStream, config: Arc<Config>) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut websocket = accept(stream, config)?.accept(Accept::new())?;
    while let Some(message) = websocket.recv() {
        websocket.queue(message?)?; // `recv` writes it
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).as_deref().unwrap_or("127.0.0.1:3000"))?;
    println!("connect to ws://{}/", listener.local_addr()?);
    let config = Arc::new(config());
    loop {
        let (stream, peer) = listener.accept()?;
        let config = Arc::clone(&config);
        thread::spawn(move || {
            if let Err(error) = echo(stream, config) {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

//! A WebSocket echo server on tokio, with keepalive and compression.
//!
//! `tokio_echo [PORT [SECONDS]]` serves until Ctrl-C. It pings a client that has sent nothing for SECONDS (20 by
//! default), and closes the connection if no pong arrives within the same time.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use protocol_websocket_tokio::{Accept, Config, Error, Limits, Timeouts, accept, config};
use tokio::net::{TcpSocket, TcpStream};

/// tokio's backlog is 1,024 connections by default. This number selects the longest that the system allows.
const BACKLOG: u32 = i32::MAX.unsigned_abs();
/// The Autobahn test suite sends messages of 16 MiB, and messages in 65,537 fragments.
const LIMITS: Limits = Limits::new(16 * 1024 * 1024).max_fragments(131_072);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().map_or(Ok(3001), |port| port.parse())?;
    let mut timeouts = Timeouts::RECOMMENDED;
    if let Some(seconds) = arguments.next() {
        timeouts.ping_interval = Some(Duration::from_secs(seconds.parse()?));
        timeouts.pong_timeout = timeouts.ping_interval;
    }
    let config = Arc::new(config().limits(LIMITS).timeouts(timeouts));
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    let listener = socket.listen(BACKLOG)?;
    println!("connect to ws://{}/", listener.local_addr()?);
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            interrupted = &mut interrupted => return Ok(interrupted?),
        };
        let Ok((stream, peer)) = accepted else {
            // No file descriptor is free, or the client has disconnected. The next connection may succeed.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let config = Arc::clone(&config);
        tokio::spawn(async move {
            if let Err(error) = serve(stream, config).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn serve(stream: TcpStream, config: Arc<Config>) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut websocket = accept(stream, config).await?.accept(Accept::new()).await?;
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?; // `recv` writes it
    }
    Ok(())
}

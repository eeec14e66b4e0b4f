//! A relay: each client that connects talks to the server whose URL is the first argument.
//!
//!     cargo run -p protocol-websocket-tokio --example relay ws://127.0.0.1:3000/room 127.0.0.1:3001

use std::sync::Arc;
use std::{env, time::Duration};

use protocol_websocket_tokio::protocol_websocket::Delivery;
use protocol_websocket_tokio::{Accept, Config, Connect, Error, Reject, accept, config, relay};
use tokio::net::{TcpListener, TcpStream};

async fn serve(stream: TcpStream, config: Arc<Config>, connect: Connect) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let incoming = accept(stream, config).await?;
    let server = match connect.await {
        Ok((server, _)) => server,
        Err(error) => {
            eprintln!("the server: {error}");
            return incoming.reject(&Reject::new(502)).await;
        }
    };
    let client = incoming.accept(Accept::new()).await?;
    let (client, server) = relay(client, server).await;
    println!("the client ended with {}, the server with {}", client.code, server.code);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = env::args().skip(1);
    let url = args.next().ok_or("usage: relay URL [ADDRESS]")?;
    let listener = TcpListener::bind(args.next().unwrap_or_else(|| "127.0.0.1:3001".into())).await?;
    println!("connect to ws://{}/", listener.local_addr()?);
    // Messages are passed on in parts, so that a long message takes little memory.
    let config = Arc::new(config().delivery(Delivery::Parts));
    let connect = Connect::new(&url)?.config(Arc::clone(&config));
    loop {
        let Ok((stream, client)) = listener.accept().await else {
            // Too many files may be open. The next call may succeed.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (config, connect) = (Arc::clone(&config), connect.clone());
        tokio::spawn(
            async move { serve(stream, config, connect).await.map_err(|error| eprintln!("{client}: {error}")) },
        );
    }
}

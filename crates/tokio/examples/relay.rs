//! A relay: each client that connects to port 3001 talks to the server whose URL is the argument.
//!
//! Run it with `cargo run -p protocol-websocket-tokio --example relay ws://127.0.0.1:3000/room`.

use std::error::Error;
use std::sync::Arc;

use protocol_websocket::{Delivery, Url};
use protocol_websocket_tokio::{Accept, Config, Connect, Reject, accept, config, relay};
use tokio::net::{TcpListener, TcpStream};

async fn serve(client: TcpStream, config: Arc<Config>, url: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    client.set_nodelay(true)?;
    let incoming = accept(client, Arc::clone(&config)).await?;
    let target = Url::parse(url)?;
    let server = async {
        let stream = TcpStream::connect((target.socket_host(), target.port())).await?;
        stream.set_nodelay(true)?;
        let (server, _) = Connect::new(url)?.config(config).over(stream).await?;
        Ok::<_, Box<dyn Error + Send + Sync>>(server)
    };
    let server = match server.await {
        Ok(server) => server,
        Err(error) => {
            eprintln!("{url}: {error}");
            return Ok(incoming.reject(&Reject::new(502)).await?);
        }
    };
    let client = incoming.accept(&Accept::new()).await?;
    let (client, server) = relay(client, server).await;
    println!("the client ended with {}, the server with {}", client.code, server.code);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let url: Arc<str> = std::env::args().nth(1).ok_or("usage: relay URL")?.into();
    let listener = TcpListener::bind("127.0.0.1:3001").await?;
    let config = Arc::new(config().delivery(Delivery::Parts));
    loop {
        let (stream, _) = listener.accept().await?;
        let (config, url) = (Arc::clone(&config), Arc::clone(&url));
        tokio::spawn(async move {
            if let Err(error) = serve(stream, config, &url).await {
                eprintln!("{error}");
            }
        });
    }
}

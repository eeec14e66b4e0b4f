//! A client and a server over a Unix socket.
//!
//!     cargo run -p protocol-websocket-tokio --example unix_socket target/websocket.sock

#[cfg(unix)]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use protocol_websocket_tokio::{Accept, CloseCode, Connect, Error, accept, config};
    use tokio::net::{UnixListener, UnixStream};

    let path = std::env::args().nth(1).ok_or("usage: unix_socket PATH")?;
    let listener = UnixListener::bind(&path)?;
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let mut websocket = accept(stream, config()).await?.accept(Accept::new()).await?;
        while let Some(message) = websocket.recv().await {
            websocket.queue(message?)?; // `recv` writes it
        }
        Ok::<_, Error>(())
    });

    // The host of the URL is the value of the header field `Host`, and is not looked up.
    let (mut client, _) = Connect::new("ws://localhost/")?.over(UnixStream::connect(&path).await?).await?;
    std::fs::remove_file(path)?;
    client.send("hello").await?;
    if let Some(message) = client.recv().await {
        println!("{:?}", message?);
    }
    client.close(Some(CloseCode::NORMAL.into())).await;
    server.await??;
    Ok(())
}

#[cfg(not(unix))]
fn main() {
    eprintln!("this system has no Unix sockets");
}

//! A client and a server over a Unix socket.

#[cfg(unix)]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use protocol_websocket_tokio::{Accept, Close, CloseCode, Connect, accept, config};
    use tokio::net::{UnixListener, UnixStream};

    let path = std::env::temp_dir().join(format!("websocket-{}.sock", std::process::id()));
    let listener = UnixListener::bind(&path)?;
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let mut websocket = accept(stream, config()).await?.accept(&Accept::new()).await?;
        while let Some(message) = websocket.recv().await {
            websocket.queue(message?)?;
        }
        Ok::<_, protocol_websocket_tokio::Error>(())
    });

    // The host of the URL is the value of the header field `Host`, and is not looked up.
    let (mut client, _) = Connect::new("ws://localhost/")?.over(UnixStream::connect(&path).await?).await?;
    client.send("hello").await?;
    println!("{:?}", client.recv().await);
    client.close(Close::from(CloseCode::NORMAL)).await;
    server.await??;
    std::fs::remove_file(path)?;
    Ok(())
}

#[cfg(not(unix))]
fn main() {
    eprintln!("this system has no Unix sockets");
}

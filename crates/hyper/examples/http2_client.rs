//! Two WebSockets of a client on one HTTP/2 connection. Sends a message on each, and prints the replies.
//!
//!     cargo run -p protocol-websocket-hyper --example http2_client ws://127.0.0.1:3000/

use std::{env, error::Error};

use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use protocol_websocket_hyper::{
    Body, CloseCode, Offer, OpenError, Upgraded, Url, WebSocket, config, http2_handshake, http2_request,
};
use tokio::net::TcpStream;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = Url::parse(&env::args().nth(1).ok_or("usage: http2_client URL")?)?;
    let stream = TcpStream::connect((url.socket_host(), url.port())).await?;
    stream.set_nodelay(true)?;
    // Fails if the server does not support WebSockets over HTTP/2.
    let (mut sender, connection) = http2_handshake(&Builder::new(TokioExecutor::new()), TokioIo::new(stream)).await?;
    tokio::spawn(connection);

    let mut first = open(&mut sender, &url).await?;
    let mut second = open(&mut sender, &url).await?;
    for (websocket, message) in [(&mut first, "hello"), (&mut second, "world")] {
        websocket.send(message).await?;
        let reply = websocket.recv().await.ok_or("the server closed the connection")??;
        println!("{:?}", reply.as_text());
        websocket.close(CloseCode::NORMAL).await;
    }
    Ok(())
}

async fn open(sender: &mut SendRequest<Body>, url: &Url) -> Result<WebSocket<Upgraded>, OpenError> {
    let (request, expect) = http2_request(url, &Offer::new(), config())?;
    let mut response = sender.send_request(request).await?;
    let (websocket, _response) = expect.open(&mut response).await?;
    Ok(websocket)
}

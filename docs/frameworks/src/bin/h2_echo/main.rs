//! A WebSocket echo server with the crate `h2` alone, over HTTP/2 (RFC 8441).
//!
//!     cargo run --bin h2_echo 127.0.0.1:3000
//!
//! A WebSocket is a stream of HTTP/2, and many of them share a connection. Ctrl-C sends GOAWAY on each connection and closes
//! each WebSocket with 1001. The program ends when the clients have ended their connections.

mod stream;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use std::{env, io};

use bytes::Bytes;
use h2::RecvStream;
use h2::ext::Protocol;
use h2::server::{Builder, SendResponse};
use protocol_websocket::{Accept, Connection, Reject, Request, Session};
use protocol_websocket_tokio::{CloseCode, Config, Drain, WebSocket, config};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::stream::Stream;

/// How long the clients have to reply to the Close at the end of the program.
const GRACE: Duration = Duration::from_secs(10);

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into())).await?;
    println!("connect to ws://{}/", listener.local_addr()?);
    let (config, drain, (stop, _)) = (Arc::new(config()), Drain::new(), watch::channel(false));
    let (mut connections, mut interrupted) = (JoinSet::new(), pin!(tokio::signal::ctrl_c()));
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, client)) = accepted else {
                    // Too many files may be open. The next call may succeed.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                let served = serve(stream, Arc::clone(&config), drain.clone(), stop.subscribe());
                connections.spawn(async move { served.await.map_err(|error| eprintln!("{client}: {error}")) });
            }
            Some(_) = connections.join_next() => {}
            interrupted = &mut interrupted => break interrupted?,
        }
    }
    stop.send_replace(true);
    drain.shutdown(CloseCode::GOING_AWAY, "the server stops", GRACE).await;
    // Clients end their connections after GOAWAY. The program ends with an error if one does not.
    tokio::time::timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await?;
    Ok(())
}

/// Serves a connection until it ends: after GOAWAY of this end, when the last stream has ended.
async fn serve(stream: TcpStream, config: Arc<Config>, drain: Drain, mut stop: watch::Receiver<bool>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut builder = Builder::new();
    builder.enable_connect_protocol();
    let mut connection = builder.handshake(stream).await?;
    let (mut stopped, mut is_stopping) = (pin!(stop.wait_for(|stop| *stop)), false);
    loop {
        tokio::select! {
            // It also reads and writes the frames of all streams.
            accepted = connection.accept() => {
                let Some(accepted) = accepted else { return Ok(()) };
                let (request, response) = accepted?;
                let responded = respond(request, response, Arc::clone(&config), drain.clone());
                tokio::spawn(async move { responded.await.map_err(|error| eprintln!("{error}")) });
            }
            _ = &mut stopped, if !is_stopping => {
                is_stopping = true;
                connection.graceful_shutdown();
            }
        }
    }
}

async fn respond(
    request: http::Request<RecvStream>,
    mut response: SendResponse<Bytes>,
    config: Arc<Config>,
    drain: Drain,
) -> Result<()> {
    let protocol = request.extensions().get().map(Protocol::as_str);
    let checked = match Request::from_connect(&request, protocol) {
        Ok(checked) => checked,
        Err(error) => return refuse(response, &Reject::from(error)), // 400, 405 or 501
    };
    let (accepted, connection) = Connection::respond(&checked, Accept::new(), config)?;
    let output = response.send_response(http::Response::<()>::try_from(&accepted)?, false)?;
    let mut websocket = WebSocket::new(Stream::new(request.into_body(), output), Session::new(connection));
    drain.watch(&websocket);
    while let Some(message) = websocket.recv().await {
        // After the Close of the drain, this fails, and `recv` continues until the client's Close.
        let _ = websocket.queue(message?);
    }
    Ok(())
}

fn refuse(mut response: SendResponse<Bytes>, reject: &Reject) -> Result<()> {
    let (head, body) = http::Response::<Bytes>::try_from(reject)?.into_parts();
    let mut output = response.send_response(http::Response::from_parts(head, ()), false)?;
    Ok(output.send_data(body, true)?)
}

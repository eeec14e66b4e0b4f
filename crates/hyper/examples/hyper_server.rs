//! A WebSocket echo server with hyper, over HTTP/1.1 and HTTP/2.
//!
//!     cargo run -p protocol-websocket-hyper --example hyper_server 127.0.0.1:3000

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::{env, io, time::Duration};

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use protocol_websocket_hyper::{Accept, Body, Config, Error, Upgraded, WebSocket, config, rejection, upgrade};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into())).await?;
    println!("connect to ws://{}/", listener.local_addr()?);
    let config = Arc::new(config());
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Too many files may be open. The next call may succeed.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        stream.set_nodelay(true)?;
        let config = Arc::clone(&config);
        let service = service_fn(move |request| ready(Ok::<_, Infallible>(respond(request, Arc::clone(&config)))));
        tokio::spawn(async move {
            let mut http = Builder::new(TokioExecutor::new());
            http.http1().timer(TokioTimer::new()); // limits the time for a head
            http.http2().enable_connect_protocol();
            let served = http.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
            served.map_err(|error| eprintln!("{error}"))
        });
    }
}

fn respond(mut request: http::Request<Incoming>, config: Arc<Config>) -> http::Response<Body> {
    let upgrade = match upgrade(&mut request, config) {
        Ok(upgrade) => upgrade,
        Err(reject) => return rejection(&reject),
    };
    let (response, opening) = upgrade.accept(Accept::new());
    tokio::spawn(async move { echo(opening).await.map_err(|error| eprintln!("{error}")) });
    response
}

async fn echo(opening: impl Future<Output = Result<WebSocket<Upgraded>, Error>>) -> Result<(), Error> {
    let mut websocket = opening.await?;
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?; // `recv` writes it
    }
    Ok(())
}

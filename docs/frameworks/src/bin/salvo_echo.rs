//! A WebSocket echo server with salvo 1, over HTTP/1.1 and HTTP/2.
//!
//!     cargo run --bin salvo_echo 127.0.0.1:3000
//!
//! salvo leaves the upgrade of hyper in the extensions of the request, where `upgrade_parts` finds it.

use std::sync::{Arc, LazyLock};
use std::{env, io, mem};

use protocol_websocket_hyper::{Accept, Config, Error, Upgraded, WebSocket, config, rejection, upgrade_parts};
use salvo_core::conn::{ConnCtrl, Listener as _, TcpListener};
use salvo_core::http::{Request, ResBody, Response, request};
use salvo_core::{Router, Server, handler};

/// The configuration of all connections.
static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(|| Arc::new(config()));

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let acceptor = TcpListener::new(address).bind().await;
    println!("connect to ws://{}/", acceptor.local_addr()?);
    let mut server = Server::new(acceptor);
    server.http2_mut().enable_connect_protocol();
    server.try_serve(Router::with_path("{**path}").goal(respond)).await
}

#[handler]
fn respond(request: &mut Request, response: &mut Response) {
    let mut parts = take_parts(request);
    let created = match upgrade_parts(&mut parts, Arc::clone(&CONFIG)) {
        Ok(upgrade) => {
            // A WebSocket may be silent for longer than the idle timeout of salvo's `FuseConfig`, if one is set.
            if let Some(connection) = parts.extensions.get::<ConnCtrl>() {
                connection.relax_timeouts();
            }
            let (created, opening) = upgrade.accept(Accept::new());
            tokio::spawn(async move { echo(opening).await.map_err(|error| eprintln!("{error}")) });
            created
        }
        Err(reject) => rejection(&reject),
    };
    *response = created.map(|body| ResBody::Once(body.into())).into();
}

/// Returns the head of the request, with its extensions.
fn take_parts(request: &mut Request) -> request::Parts {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.method = request.method().clone();
    parts.uri = request.uri().clone();
    parts.version = request.version();
    parts.headers = request.headers().clone();
    parts.extensions = mem::take(request.extensions_mut());
    parts
}

async fn echo(opening: impl Future<Output = Result<WebSocket<Upgraded>, Error>>) -> Result<(), Error> {
    let mut websocket = opening.await?;
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?; // `recv` writes it
    }
    Ok(())
}

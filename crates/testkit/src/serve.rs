//! A router of axum, or another service, over a transport in memory.

use std::error::Error;

use hyper::body::{Body, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tower_service::Service;

use crate::Transport;

/// Serves one connection of HTTP/1.1 or HTTP/2 with a service of tower, such as the `Router` of axum. Spawn it as a task,
/// and use the client in the test.
///
/// ```
/// use axum::{Router, routing::any};
/// use protocol_websocket_axum::{WebSocket, WebSocketUpgrade};
/// use protocol_websocket_testkit::{Transport, run, serve};
/// use protocol_websocket_tokio::{Connect, ConnectError, Destination, Message};
///
/// async fn greet(mut websocket: WebSocket) {
///     let _ = websocket.send("welcome").await;
/// }
///
/// # fn main() -> Result<(), ConnectError> {
/// run(async {
///     let router = Router::new().route("/chat", any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(greet)));
///     let (near, far) = Transport::pair(64 * 1024);
///     tokio::spawn(serve(far, router));
///     let (mut websocket, _) = Connect::to(Destination::new("localhost", "/chat")).over(near).await?;
///     assert_eq!(websocket.recv().await.transpose()?, Some(Message::from("welcome")));
///     Ok(())
/// })
/// # }
/// ```
///
/// # Errors
///
/// An error of the transport or of hyper.
pub async fn serve<S, B>(transport: Transport, service: S) -> Result<(), Box<dyn Error + Send + Sync>>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<Box<dyn Error + Send + Sync>>, Future: Send>,
    S: Clone + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let (io, service) = (TokioIo::new(transport), TowerToHyperService::new(service));
    auto::Builder::new(TokioExecutor::new()).serve_connection_with_upgrades(io, service).await
}

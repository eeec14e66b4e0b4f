//! A WebSocket echo server with poem 3, over HTTP/1.1.
//!
//!     cargo run --bin poem_echo 127.0.0.1:3000
//!
//! poem takes the upgrade of hyper from the request, and returns a stream of its own. A [`WebSocket`] takes any stream. poem's
//! server has no setting for the extended CONNECT (RFC 8441), so no WebSocket can be opened over HTTP/2.

use std::sync::Arc;
use std::{env, io};

use bytes::Bytes;
use poem::listener::{Acceptor as _, Listener as _, TcpListener};
use poem::web::Data;
use poem::{EndpointExt as _, OnUpgrade, Request, Response, Server, handler};
use protocol_websocket::http::{self as ws, ParseError, RequestHead, Versions};
use protocol_websocket::{Accept, BuildError, Connection, Reject, Session};
use protocol_websocket_tokio::{Config, Error, WebSocket, config};

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let acceptor = TcpListener::bind(address).into_acceptor().await?;
    for address in acceptor.local_addr().iter().filter_map(|address| address.as_socket_addr()) {
        println!("connect to ws://{address}/");
    }
    Server::new_with_acceptor(acceptor).run(respond.data(Arc::new(config()))).await
}

#[handler]
fn respond(request: &Request, Data(config): Data<&Arc<Config>>) -> Response {
    let response = match check(request) {
        Ok(checked) => accept(&checked, request, Arc::clone(config)),
        Err(error) => http::Response::try_from(&Reject::from(error)), // 400, 405 or 426
    };
    response.map_or_else(|_| http::StatusCode::INTERNAL_SERVER_ERROR.into(), convert)
}

fn check(request: &Request) -> Result<ws::Request, ParseError> {
    if request.version() != http::Version::HTTP_11 {
        return Err(ParseError::HttpVersion);
    }
    let target = request.original_uri().path_and_query().map_or("/", |target| target.as_str());
    let head = RequestHead::from_parts(request.method().as_str(), target, request.headers())?;
    ws::Request::check(head, Versions::RFC6455)
}

fn accept(checked: &ws::Request, request: &Request, config: Arc<Config>) -> Result<http::Response<Bytes>, BuildError> {
    let Ok(upgrade) = request.take_upgrade() else { return http::Response::try_from(&Reject::new(500)) };
    let (response, connection) = Connection::respond(checked, Accept::new(), config)?;
    tokio::spawn(async move { echo(upgrade, connection).await.map_err(|error| eprintln!("{error}")) });
    Ok(http::Response::<()>::try_from(&response)?.map(|()| Bytes::new()))
}

fn convert(response: http::Response<Bytes>) -> Response {
    let (head, body) = response.into_parts();
    let mut converted = Response::from(body);
    converted.set_status(head.status);
    *converted.headers_mut() = head.headers;
    converted
}

async fn echo(upgrade: OnUpgrade, connection: Connection) -> Result<(), Error> {
    let stream = upgrade.await.map_err(io::Error::other)?;
    let mut websocket = WebSocket::new(stream, Session::new(connection));
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?; // `recv` writes it
    }
    Ok(())
}

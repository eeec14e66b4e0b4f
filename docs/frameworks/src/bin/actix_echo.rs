//! A WebSocket echo server with actix-web 4, over HTTP/1.1.
//!
//!     cargo run --bin actix_echo 127.0.0.1:3000
//!
//! actix-web has no upgraded stream. The bytes of the client are the payload of the request, and the bytes for the client are
//! the body of the response. A [`WebSocket`] reads the one and writes the other. Both are bounded: actix-web stops reading
//! from the socket while the payload is not read, and the WebSocket stops reading while the body is not written.

use std::sync::Arc;
use std::{env, io};

use actix_web::http::{StatusCode, Version};
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpRequest, HttpResponse, HttpResponseBuilder, HttpServer, rt};
use futures_util::TryStreamExt as _;
use protocol_websocket::http::{RequestHead, Versions};
use protocol_websocket::{Accept, BuildError, Config, Connection, ParseError, Reject, Request, Session};
use protocol_websocket_tokio::{Error, WebSocket, config};
use tokio::io::{AsyncRead, AsyncWrite, join, simplex};
use tokio_util::io::{ReaderStream, StreamReader};

/// The maximum number of bytes between the WebSocket and the body of the response.
const BODY_BUFFER_SIZE: usize = 64 * 1024;

#[actix_web::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let config = web::Data::new(config());
    let app = move || App::new().app_data(config.clone()).default_service(web::route().to(respond));
    let server = HttpServer::new(app).bind(address)?;
    for address in server.addrs() {
        println!("connect to ws://{address}/");
    }
    server.run().await
}

async fn respond(request: HttpRequest, payload: web::Payload, config: web::Data<Config>) -> HttpResponse {
    let response = match check(&request) {
        Ok(checked) => accept(&checked, payload, config.into_inner()),
        Err(error) => refuse(&Reject::from(error)), // 400, 405 or 426
    };
    response.unwrap_or_else(|_| HttpResponse::InternalServerError().finish())
}

/// Checks the head. actix-web 4 has the types of `http` 0.2, so the fields are passed as pairs.
fn check(request: &HttpRequest) -> Result<Request, ParseError> {
    if request.version() != Version::HTTP_11 {
        return Err(ParseError::HttpVersion);
    }
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let fields = request.headers().iter().map(|(name, value)| (name, value.as_bytes()));
    Request::check(RequestHead::from_parts(request.method().as_str(), target, fields)?, Versions::RFC6455)
}

fn accept(request: &Request, payload: web::Payload, config: Arc<Config>) -> Result<HttpResponse, BuildError> {
    let (response, connection) = Connection::respond(request, Accept::new(), config)?;
    let (body, output) = simplex(BODY_BUFFER_SIZE);
    let input = StreamReader::new(payload.map_err(io::Error::other));
    let websocket = WebSocket::new(join(input, output), Session::new(connection));
    // The payload stays on its thread.
    rt::spawn(async move { echo(websocket).await.map_err(|error| eprintln!("{error}")) });
    Ok(head(&http::Response::<()>::try_from(&response)?).upgrade("websocket").streaming(ReaderStream::new(body)))
}

fn refuse(reject: &Reject) -> Result<HttpResponse, BuildError> {
    let response = http::Response::<Bytes>::try_from(reject)?;
    Ok(head(&response).body(response.into_body()))
}

/// Converts the head of a response.
fn head<B>(response: &http::Response<B>) -> HttpResponseBuilder {
    let status = StatusCode::from_u16(response.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut converted = HttpResponse::build(status);
    for (name, value) in response.headers() {
        converted.append_header((name.as_str(), value.as_bytes()));
    }
    converted
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut websocket: WebSocket<S>) -> Result<(), Error> {
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?; // `recv` writes it
    }
    Ok(())
}

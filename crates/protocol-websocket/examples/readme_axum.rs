//! A WebSocket echo server with axum.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use axum::{Router, routing::any};
use bytes::{Bytes, BytesMut};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use protocol_websocket::http::{self as ws, BuildError, Reject};
use protocol_websocket::{Accept, Config, Connection, Event, State};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, router()).await?)
}

pub(crate) fn router() -> Router {
    Router::new().route("/", any(handler))
}

async fn handler(mut request: Request) -> Result<Response<Body>, StatusCode> {
    let response = upgrade(&mut request).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(response.map(Body::from))
}

fn upgrade(request: &mut Request) -> Result<Response<Bytes>, BuildError> {
    let checked = match ws::Request::try_from(&*request) {
        Ok(checked) => checked,
        Err(error) => return Response::try_from(&Reject::from(error)), // 400 or 426
    };
    let (response, connection) = Connection::respond(&checked, Accept::new(), Config::new())?;
    tokio::spawn(serve(hyper::upgrade::on(request), connection));
    Ok(Response::<()>::try_from(&response)?.map(|()| Bytes::new()))
}

async fn serve(upgrade: OnUpgrade, mut connection: Connection) -> Result<()> {
    let mut stream = TokioIo::new(upgrade.await?);
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    while connection.state() != State::Closed {
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(connection.receive_eof()?);
        }
        let result = echo(&mut connection, &mut input, &mut output);
        while !output.is_empty() {
            stream.write_all_buf(&mut output).await?; // after an error, too: its Close is in the output
            connection.flush(&mut output);
        }
        result?;
    }
    Ok(())
}

fn echo(connection: &mut Connection, input: &mut BytesMut, output: &mut BytesMut) -> Result<()> {
    while let Some(event) = connection.receive(input, output)? {
        if let Event::Message(message) = event {
            connection.send(message, output)?;
        }
    }
    Ok(())
}

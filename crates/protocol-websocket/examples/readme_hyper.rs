//! A WebSocket echo server with hyper.

use bytes::{Bytes, BytesMut};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, service::service_fn};
use hyper_util::rt::TokioIo;
use protocol_websocket::http::{self as ws, BuildError, Reject};
use protocol_websocket::{Accept, Config, Connection, Event, State};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    loop {
        tokio::spawn(http(listener.accept().await?.0));
    }
}

pub(crate) async fn http(stream: TcpStream) -> Result<()> {
    let service = service_fn(async |mut request| upgrade(&mut request));
    Ok(http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await?)
}

fn upgrade(request: &mut Request<Incoming>) -> Result<Response<Full<Bytes>>, BuildError> {
    let checked = match ws::Request::try_from(&*request) {
        Ok(checked) => checked,
        Err(error) => return Ok(Response::try_from(&Reject::from(error))?.map(Full::new)), // 400 or 426
    };
    let (response, connection) = Connection::respond(&checked, Accept::new(), Config::new())?;
    tokio::spawn(serve(hyper::upgrade::on(request), connection));
    Ok(Response::<()>::try_from(&response)?.map(|()| Full::default()))
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

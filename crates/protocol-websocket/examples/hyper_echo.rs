//! A WebSocket echo behind hyper: the request is hyper's, the answer goes back through hyper, and what comes after the
//! upgrade is a `Connection`.
//!
//! `hyper_echo [PORT]` serves until Ctrl-C.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use protocol_websocket::http::{self, Versions};
use protocol_websocket::{Accept, Config, Connection, Event, Negotiated, Reject, State};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// As much as one read takes.
const READ: usize = 64 * 1024;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let port = std::env::args().nth(1).map_or(Ok(3003), |port| port.parse())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    println!("connect to ws://{}/", listener.local_addr()?);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, peer)) = accepted else {
                    // No descriptor is free, or the client is gone again: the next one may fare better.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                let _ = stream.set_nodelay(true);
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
                tokio::spawn(async move {
                    if let Err(error) = connection.with_upgrades().await {
                        eprintln!("{peer}: {error}");
                    }
                });
            }
            interrupted = &mut interrupted => return Ok(interrupted?),
        }
    }
}

async fn answer(mut request: Request<Incoming>) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let response = upgrade(&mut request).unwrap_or_else(|reject| {
        Response::try_from(&reject).unwrap_or_default() // a refusal of ours alone always becomes one of hyper's
    });
    Ok(response.map(Full::new))
}

/// Answers with a 101, and echoes in a task of its own once hyper has let go of the stream.
fn upgrade(request: &mut Request<Incoming>) -> std::result::Result<Response<Bytes>, Reject> {
    // hybi-00 sends eight bytes behind its head, where hyper holds the stream.
    let versions = Versions::RFC6455;
    let checked = http::RequestHead::try_from(&*request).and_then(|head| http::Request::check(head, versions))?;
    let failed = |_| Reject::new(500);
    let accepted = http::Response::accept(&checked, &Accept::new()).map_err(failed)?;
    let response = Response::<()>::try_from(&accepted).map_err(failed)?;
    let negotiated = accepted.negotiated().clone();
    let upgraded = hyper::upgrade::on(request);
    tokio::spawn(async move {
        if let Err(error) = echo(upgraded, negotiated).await {
            eprintln!("{error}");
        }
    });
    Ok(response.map(|()| Bytes::new()))
}

async fn echo(upgraded: hyper::upgrade::OnUpgrade, negotiated: Negotiated) -> Result<()> {
    let mut stream = TokioIo::new(upgraded.await?);
    let mut connection = Connection::server(&negotiated, &Config::new());
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    while connection.state() != State::Closed {
        input.reserve(READ);
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(connection.receive_eof()?);
        }
        let mut ended = Ok(());
        loop {
            match connection.receive(&mut input, &mut output) {
                Ok(Some(Event::Message(message))) => connection.send(message, &mut output)?,
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            }
        }
        while !output.is_empty() {
            stream.write_all_buf(&mut output).await?;
            connection.flush(&mut output);
        }
        ended?;
    }
    Ok(stream.shutdown().await?)
}

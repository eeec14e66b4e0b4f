//! The baselines and the peers as echo servers. Each prints its address and echoes until it is killed.

mod baseline;
#[cfg(feature = "peers")]
mod peers;

use std::future::Future;
use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use bytes::BytesMut;
use protocol_websocket_handshake_server::ServerHandshake;
use protocol_websocket_http::Accept;

type Result = std::result::Result<(), Box<dyn std::error::Error + Send + Sync>>;

pub(crate) fn serve(name: &str) -> Result {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("ws://{}/", listener.local_addr()?);
    match name {
        "tcp" => tokio(listener, false, baseline::tcp),
        "baseline-tokio" => tokio(listener, true, baseline::tokio),
        "baseline-mio" => baseline::mio(listener),
        "baseline-std" => threads(&listener, baseline::std),
        #[cfg(feature = "peers")]
        "fastwebsockets" => tokio(listener, true, peers::fastwebsockets),
        #[cfg(feature = "peers")]
        "sockudo-ws" => tokio(listener, true, peers::sockudo_ws),
        #[cfg(feature = "peers")]
        "tokio-websockets" => tokio(listener, true, peers::tokio_websockets),
        #[cfg(feature = "peers")]
        "tungstenite" => threads(&listener, peers::tungstenite),
        #[cfg(feature = "peers")]
        "tungstenite-batch" => tokio(listener, true, peers::tungstenite_batch),
        other => Err(other.into()),
    }
}

/// Runs each connection in a thread with blocking reads and writes.
fn threads(listener: &TcpListener, echo: fn(TcpStream) -> Result) -> Result {
    for stream in listener.incoming() {
        let stream = open(stream?)?;
        thread::spawn(move || echo(stream));
    }
    Ok(())
}

/// Runs each connection in a task, on the runtime of the examples.
fn tokio<F>(listener: TcpListener, handshake: bool, echo: fn(::tokio::net::TcpStream) -> F) -> Result
where
    F: Future<Output = Result> + Send + 'static,
{
    ::tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = ::tokio::net::TcpListener::from_std(listener)?;
        loop {
            let stream = listener.accept().await?.0.into_std()?;
            stream.set_nonblocking(false)?;
            let stream = if handshake { open(stream)? } else { stream };
            stream.set_nonblocking(true)?;
            ::tokio::spawn(echo(::tokio::net::TcpStream::from_std(stream)?));
        }
    })
}

/// Accepts the opening handshake, which is not measured. The load generator sends no frame before it has the response.
fn open(mut stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    let (mut handshake, mut input, mut output) = (ServerHandshake::new(), BytesMut::new(), BytesMut::new());
    loop {
        let mut buffer = [0; 1024];
        let n = stream.read(&mut buffer)?;
        input.extend_from_slice(&buffer[..n]);
        if let Some(upgrade) = handshake.parse(&mut input).map_err(Error::other)? {
            let _ = upgrade.accept(&Accept::new(), &mut output).map_err(Error::other)?;
            stream.write_all(&output)?;
            return Ok(stream);
        }
        if n == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
}

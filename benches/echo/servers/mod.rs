//! The servers. Each prints its address and runs until it is killed.
//!
//! [`ours`], [`axum`], [`many`] and the examples make their own opening handshake. All others have the one of [`opening`].

mod axum;
mod baseline;
mod broadcast;
mod codec;
mod counted;
mod many;
#[cfg(feature = "peers")]
mod many_peers;
mod opening;
mod ours;
#[cfg(feature = "peers")]
mod peers;
mod reads;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

pub(crate) use many::PING_INTERVAL;
use opening::Opened;
use reads::{ReadLength, Reads};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Result = std::result::Result<(), Failure>;

/// The time without a message after which ours free the memory of the compression, in the measurement of it.
pub(crate) const RELEASE_TIME: Duration = Duration::from_secs(5);

pub(crate) fn serve(name: &str) -> Result {
    let nodelay = name.strip_suffix("-nodelay");
    if let Some(router) = axum::router(nodelay.unwrap_or(name)) {
        return axum::serve_on(router, nodelay.is_some());
    }
    if let Some(length) = name.strip_prefix("tokio-read-").and_then(ReadLength::parse) {
        return accepted(move |stream| ours::documented(Reads::new(stream, length)));
    }
    if let Some(length) = name.strip_prefix("tokio-lent-read-").and_then(ReadLength::parse) {
        return accepted(move |stream| ours::lent(Reads::new(stream, length)));
    }
    match name {
        "baseline-tokio" => opened(false, baseline::tokio),
        "baseline-deflate" => opened(true, baseline::tokio),
        "baseline-mio" => baseline::mio(listener()?),
        "baseline-std" => baseline::std(&listener()?),
        "broadcast-baseline" => opened(false, broadcast::baseline),
        "broadcast-baseline-deflate" => opened(true, broadcast::baseline),
        "tokio" | "tokio-deflate" => accepted(ours::documented),
        "tokio-deflate-release" => accepted(|stream| ours::compressed(stream, false)),
        "tokio-deflate-small" => accepted(|stream| ours::compressed(stream, true)),
        "tokio-lent" | "tokio-deflate-lent" => accepted(ours::lent),
        "broadcast-tokio" | "broadcast-tokio-deflate" => accepted(broadcast::ours),
        "many-tokio" => accepted(many::tokio),
        #[cfg(feature = "peers")]
        name => peers::serve(name),
        #[cfg(not(feature = "peers"))]
        name => Err(name.into()),
    }
}

/// Runs each connection in a task after its opening handshake. With `deflate`, permessage-deflate is accepted.
fn opened<F>(deflate: bool, handle: impl Fn(Opened) -> F + Copy + Send + Sync + 'static) -> Result
where
    F: Future<Output = Result> + Send,
{
    accepted(move |stream| async move { handle(opening::open(stream, deflate).await?).await })
}

/// Runs each connection in a task, on a runtime with one thread for each core.
fn accepted<F>(handle: impl Fn(TcpStream) -> F + Send + 'static) -> Result
where
    F: Future<Output = Result> + Send + 'static,
{
    run(async move {
        let listener = listen()?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(handle(stream));
        }
    })
}

fn run(server: impl Future<Output = Result> + Send + 'static) -> Result {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // A task of the runtime accepts. On the main thread, which is not a worker, it would allocate the tasks and the sockets in
    // another arena of malloc than their connections, with a part of a KiB between them that is not used.
    runtime.block_on(runtime.spawn(server))?
}

fn listen() -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(loopback())?;
    // Thousands of clients connect at once.
    let listener = socket.listen(8192)?;
    println!("ws://{}/", listener.local_addr()?);
    Ok(listener)
}

fn listener() -> std::io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(loopback())?;
    println!("ws://{}/", listener.local_addr()?);
    Ok(listener)
}

fn loopback() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

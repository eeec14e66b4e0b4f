//! An echo server that is updated without closing a connection.
//!
//! `kill -USR2 PID` starts the program again. The old process passes the listening socket and each open connection to the new
//! process, and exits. The clients do not see a difference, even in the middle of a message.
//!
//! If the new process does not start, or does not take the listening socket within [`START_TIMEOUT`], the old process continues.
//! If the new process ends later, the connections that were passed to it are lost, as they are lost if a server ends at another
//! time.
//!
//!     cargo run -p protocol-websocket-tokio --example hand_over 127.0.0.1:3000

#[cfg(unix)]
#[path = "hand_over/passing.rs"]
mod passing;

#[cfg(unix)]
use {
    protocol_websocket_tokio::protocol_websocket::PermessageDeflate,
    protocol_websocket_tokio::{Accept, Config, Error, Event, Parts, Session, Timeouts, WebSocket, accept},
    rustix::process::{Resource, Rlimit, getrlimit, setrlimit},
    std::io::{Read as _, Write as _},
    std::os::fd::{AsFd as _, OwnedFd},
    std::os::unix::net::UnixStream,
    std::process::{self, Command},
    std::sync::Arc,
    std::{env, io, time::Duration},
    tokio::net::{TcpListener, TcpStream},
    tokio::signal::unix::{SignalKind, signal},
    tokio::sync::{mpsc, watch},
    tokio::task::{JoinSet, spawn_blocking},
};

/// The time within which a new process takes the listening socket.
#[cfg(unix)]
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// The argument of a new process. Its standard input is a Unix socket, over which the old process passes descriptors.
#[cfg(unix)]
const INHERITED: &str = "inherited";

/// The maximum number of suspended connections that wait to be passed. This limits the memory of a hand-over.
#[cfg(unix)]
const MAX_WAITING: usize = 16;

/// An open connection with its state.
#[cfg(unix)]
type Suspended = (OwnedFd, Vec<u8>);

/// The part of a hand-over that the task of a connection uses: the signal to begin, and the channel for the suspended
/// connection.
#[cfg(unix)]
#[derive(Clone)]
struct HandOver {
    begun: watch::Receiver<bool>,
    suspended: mpsc::Sender<Suspended>,
}

#[cfg(unix)]
fn server_config() -> Config {
    let config = Config::new().timeouts(Timeouts::RECOMMENDED);
    // The default limit of a message. So a connection can be suspended inside each message.
    config.extension(PermessageDeflate::new().suspendable(1024 * 1024))
}

/// Sends each message back until the client closes the connection or the hand-over begins.
#[cfg(unix)]
async fn echo(mut websocket: WebSocket<TcpStream>, mut hand_over: HandOver) -> Result<(), Error> {
    loop {
        let received = tokio::select! {
            received = websocket.recv() => Some(received),
            () = begins(&mut hand_over.begun) => None,
        };
        let message = match received {
            Some(message) => message,
            None => match suspend(websocket) {
                Ok(suspended) => {
                    // This fails if the hand-over has failed, because the other end of the channel was dropped.
                    let _ = hand_over.suspended.send(suspended).await;
                    return Ok(());
                }
                // The connection may be suspendable after the next message.
                Err(continued) => {
                    websocket = continued;
                    websocket.recv().await
                }
            },
        };
        let Some(message) = message else { return Ok(()) };
        websocket.queue(message?)?;
    }
}

/// Waits for the hand-over.
#[cfg(unix)]
async fn begins(begun: &mut watch::Receiver<bool>) {
    let _ = begun.wait_for(|begun| *begun).await;
}

/// Suspends a connection, and returns its socket and state. Returns the connection unchanged if it cannot be suspended now.
#[cfg(unix)]
fn suspend(websocket: WebSocket<TcpStream>) -> Result<Suspended, WebSocket<TcpStream>> {
    let Parts { io, session, next, .. } = websocket.into_parts();
    let mut session = Session::from_parts(session);
    if let Some(Event::Message(message)) = next {
        let _ = session.send(message);
    }
    let (state, socket) = (session.suspend(), io.as_fd().try_clone_to_owned());
    match (state, socket) {
        (Ok(state), Ok(socket)) => Ok((socket, state.into_bytes())),
        _ => Err(WebSocket::new(io, session)),
    }
}

/// Continues a connection of the old process.
#[cfg(unix)]
fn resume((socket, state): Suspended, config: Arc<Config>) -> io::Result<WebSocket<TcpStream>> {
    let session = Session::resume_server(&state, config).map_err(io::Error::other)?;
    let stream = std::net::TcpStream::from(socket);
    stream.set_nonblocking(true)?;
    Ok(WebSocket::new(TcpStream::from_std(stream)?, session))
}

/// Starts the program again, and passes the listening socket. Returns the socket for the connections.
#[cfg(unix)]
fn start_successor(listener: &OwnedFd) -> io::Result<UnixStream> {
    let (mut ours, theirs) = UnixStream::pair()?;
    // `env::current_exe` would return the old file after an update.
    let mut command = Command::new(env::args_os().next().unwrap_or_default());
    let mut child = command.arg(INHERITED).stdin(OwnedFd::from(theirs)).spawn()?;
    // If this process kept the other end open, it could not detect that the new process has ended.
    drop(command);
    ours.set_read_timeout(Some(START_TIMEOUT))?;
    let acknowledged = passing::send(&ours, listener, &[]).and_then(|()| ours.read_exact(&mut [0]));
    if let Err(error) = acknowledged {
        child.kill()?;
        child.wait()?;
        return Err(error);
    }
    Ok(ours)
}

/// Receives the listening socket from the old process, which passes its connections afterwards.
#[cfg(unix)]
fn inherit() -> io::Result<(std::net::TcpListener, mpsc::Receiver<Suspended>)> {
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let Some((listener, _)) = passing::receive(&socket)? else { return Err(io::Error::other("no listening socket")) };
    socket.write_all(b".")?;
    let (suspended, received) = mpsc::channel(MAX_WAITING);
    spawn_blocking(move || {
        let received = loop {
            match passing::receive(&socket) {
                Ok(Some(connection)) => drop(suspended.blocking_send(connection)),
                ended => break ended,
            }
        };
        if let Err(error) = received {
            eprintln!("connections were lost: {error}");
        }
    });
    Ok((listener.into(), received))
}

#[cfg(unix)]
async fn handshake(stream: TcpStream, config: Arc<Config>) -> Result<WebSocket<TcpStream>, Error> {
    stream.set_nodelay(true)?;
    accept(stream, config).await?.accept(Accept::new()).await
}

#[cfg(unix)]
#[tokio::main]
async fn main() -> io::Result<()> {
    let mut signals = signal(SignalKind::user_defined2())?;
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    eprintln!("process {}", process::id());
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let (listener, mut inherited) = if address == INHERITED {
        let (listener, inherited) = spawn_blocking(inherit).await??;
        listener.set_nonblocking(true)?;
        (TcpListener::from_std(listener)?, Some(inherited))
    } else {
        let listener = TcpListener::bind(address).await?;
        println!("connect to ws://{}/", listener.local_addr()?);
        (listener, None)
    };
    let (config, mut tasks, mut resumed) = (Arc::new(server_config()), JoinSet::new(), 0);
    let (begin, begun) = watch::channel(false);
    let (suspended, mut to_pass) = mpsc::channel(MAX_WAITING);
    let (hand_over, mut starting) = (HandOver { begun, suspended }, JoinSet::new());
    let successor = loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let (config, hand_over) = (Arc::clone(&config), hand_over.clone());
                    tasks.spawn(async move { echo(handshake(stream, config).await?, hand_over).await });
                }
                // Too many files may be open. The next call may succeed.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            connection = async { inherited.as_mut()?.recv().await }, if inherited.is_some() => match connection {
                Some(connection) => match resume(connection, Arc::clone(&config)) {
                    Ok(websocket) => {
                        resumed += 1;
                        tasks.spawn(echo(websocket, hand_over.clone()));
                    }
                    Err(error) => eprintln!("a connection was lost: {error}"),
                },
                None => {
                    eprintln!("took over {resumed} connections");
                    inherited = None;
                }
            },
            // A hand-over begins only after this process has received all connections of the old process.
            Some(()) = signals.recv(), if inherited.is_none() && starting.is_empty() => {
                let listener = listener.as_fd().try_clone_to_owned()?;
                starting.spawn_blocking(move || start_successor(&listener));
            }
            Some(started) = starting.join_next() => match started? {
                Ok(successor) => break successor,
                Err(error) => eprintln!("the hand-over failed: {error}"),
            },
            Some(ended) = tasks.join_next() => log(ended),
        }
    };
    drop((listener, hand_over));
    begin.send_replace(true);
    let passing = spawn_blocking(move || {
        while let Some((socket, state)) = to_pass.blocking_recv() {
            passing::send(&successor, socket, &state)?;
        }
        Ok::<_, io::Error>(())
    });
    // Waits until each connection was passed or has ended. An opening handshake is finished first.
    while let Some(ended) = tasks.join_next().await {
        log(ended);
    }
    passing.await?
}

#[cfg(unix)]
fn log(ended: Result<Result<(), Error>, tokio::task::JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => eprintln!("a connection failed: {error}"),
        Err(error) => eprintln!("a task failed: {error}"),
    }
}

#[cfg(not(unix))]
fn main() {
    eprintln!("this system has no Unix sockets");
}

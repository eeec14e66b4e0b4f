//! An echo server that restarts, for instance after an update of its file, and refuses no connection meanwhile.
//!
//! `kill -USR2 PID` starts the program again. The new process inherits the listening socket. Once it is ready, the old
//! process closes its connections with 1012 (Service Restart) and exits. The clients connect to the new process.
//!
//!     cargo run -p protocol-websocket-tokio --example restart 127.0.0.1:3000

#[cfg(unix)]
use {
    protocol_websocket_tokio::{Accept, CloseCode, Config, Drain, Error, accept, config},
    std::os::fd::AsFd as _,
    std::process::{self, Stdio},
    std::sync::Arc,
    std::{env, io, pin::pin, time::Duration},
    tokio::io::{AsyncBufReadExt as _, BufReader},
    tokio::net::{TcpListener, TcpStream},
    tokio::process::Command,
    tokio::signal::unix::{SignalKind, signal},
    tokio::task::JoinSet,
};

/// The argument of a process whose standard input is the listening socket.
#[cfg(unix)]
const INHERITED: &str = "inherited";

#[cfg(unix)]
async fn listen() -> io::Result<TcpListener> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    match address.as_str() {
        INHERITED => TcpListener::from_std(io::stdin().as_fd().try_clone_to_owned()?.into()),
        address => TcpListener::bind(address).await,
    }
}

/// Starts the program again, and waits until it accepts connections from the same socket.
#[cfg(unix)]
async fn start_again(listener: &TcpListener) -> io::Result<()> {
    // `env::current_exe` would be the old file after an update.
    let mut command = Command::new(env::args_os().next().unwrap_or_default());
    let socket = listener.as_fd().try_clone_to_owned()?;
    let mut child = command.arg(INHERITED).stdin(socket).stdout(Stdio::piped()).spawn()?;
    let Some(stdout) = child.stdout.take() else { return Ok(()) };
    let line = BufReader::new(stdout).lines().next_line().await?;
    line.map(drop).ok_or_else(|| io::Error::other("the new process ended"))
}

#[cfg(unix)]
async fn echo(stream: TcpStream, config: Arc<Config>, drain: Drain) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let client = stream.peer_addr()?;
    let mut websocket = accept(stream, config).await?.accept(Accept::new()).await?;
    drain.watch_as(&websocket, client.to_string());
    while let Some(message) = websocket.recv().await {
        // After the Close of the drain, this fails, and `recv` continues until the client's Close.
        let _ = websocket.queue(message?);
    }
    Ok(())
}

#[cfg(unix)]
#[tokio::main]
async fn main() -> io::Result<()> {
    let mut restarts = signal(SignalKind::user_defined2())?;
    let listener = listen().await?;
    eprintln!("process {}", process::id());
    // The only line on the standard output: the old process waits for it, and then exits.
    println!("connect to ws://{}/", listener.local_addr()?);
    let mut replaced = pin!(async {
        while restarts.recv().await.is_some() {
            match start_again(&listener).await {
                Ok(()) => return,
                Err(error) => eprintln!("the restart failed: {error}"),
            }
        }
    });
    let (config, drain, mut tasks) = (Arc::new(config()), Drain::new(), JoinSet::new());
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => {
                    let echo = echo(stream, Arc::clone(&config), drain.clone());
                    tasks.spawn(async move { echo.await.map_err(|error| eprintln!("{client}: {error}")) });
                }
                // Too many files may be open. The next call may succeed.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = tasks.join_next() => {}
            () = &mut replaced => break,
        }
    }
    let drained = drain.shutdown(CloseCode::SERVICE_RESTART, "restart", Duration::from_secs(10)).await;
    eprintln!("{} connections agreed to close, {} did not: {:?}", drained.agreed, drained.others, drained.other_names);
    // Connections whose opening handshake is not done are closed after it.
    while tasks.join_next().await.is_some() {}
    Ok(())
}

#[cfg(not(unix))]
fn main() {
    eprintln!("this system has no Unix signals");
}

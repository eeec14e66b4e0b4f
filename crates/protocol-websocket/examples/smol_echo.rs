//! A WebSocket echo in smol: the same loop in another runtime.
//!
//! `smol_echo [PORT]` serves until it is interrupted.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use bytes::BytesMut;
use protocol_websocket::{Accept, Config, Event, Server, State};
use signal_hook::consts::{SIGINT, SIGTERM};
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::{Async, Timer};

/// As much as one read takes.
const READ: usize = 64 * 1024;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(3004), |port| port.parse())?;
    let (stop, stopped) = smol::channel::bounded::<()>(1);
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        signals.forever().next();
        drop(stop);
    });
    let listener = Async::<TcpListener>::bind((Ipv4Addr::LOCALHOST, port))?;
    println!("connect to ws://{}/", listener.get_ref().local_addr()?);

    let tasks = smol::LocalExecutor::new();
    let accept = async {
        loop {
            let Ok((stream, peer)) = listener.accept().await else {
                // No descriptor is free, or the client is gone again: the next one may fare better.
                Timer::after(Duration::from_millis(10)).await;
                continue;
            };
            let guest = async move {
                if let Err(error) = serve(stream).await {
                    eprintln!("{peer}: {error}");
                }
            };
            tasks.spawn(guest).detach();
        }
    };
    let until = async {
        // Nothing is ever sent: this ends when the other side is dropped.
        let _ = stopped.recv().await;
        Ok(())
    };
    smol::block_on(tasks.run(smol::future::or(accept, until)))
}

async fn serve(mut stream: Async<TcpStream>) -> Result<()> {
    stream.get_ref().set_nodelay(true)?;
    let mut server = Server::new(Config::new());
    let (mut input, mut output, mut buffer) = (BytesMut::new(), BytesMut::new(), vec![0; READ]);
    while server.state() != State::Closed {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return Ok(server.receive_eof()?);
        }
        input.extend_from_slice(buffer.get(..n).unwrap_or_default());
        // One write for all that a read brought about, whether it ended well or not.
        let ended = echo(&mut server, &mut input, &mut output);
        while !output.is_empty() {
            stream.write_all(&output).await?;
            output.clear();
            server.flush(&mut output);
        }
        ended?;
    }
    Ok(())
}

/// Bytes in, bytes out: nothing here knows smol.
fn echo(server: &mut Server, input: &mut BytesMut, output: &mut BytesMut) -> Result<()> {
    while let Some(event) = server.receive(input, output)? {
        match event {
            Event::Upgrade(upgrade) => server.accept(upgrade, &Accept::new(), output)?,
            Event::Message(message) => server.send(message, output)?,
            _ => {}
        }
    }
    Ok(())
}

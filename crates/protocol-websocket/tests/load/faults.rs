//! Faulty clients.

use std::io::{self, ErrorKind};

use tokio::io::AsyncWriteExt;
use tokio::select;
use tokio::sync::watch;

use crate::peer::Peer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Ends the stream in the middle of a frame, at an offset that depends on the connection's number.
    EndInFrame,
    /// Sends a message byte by byte, waits for the echo, and ends the stream without a Close.
    ByteByByte,
    /// Resets the connection during the echo.
    Reset,
    /// Ends its sending side in the middle of a frame, and continues to read.
    HalfClose,
    /// Sends and does not read. Later, half of these clients read, and the others end the stream.
    Slow,
}

impl Fault {
    /// Returns the fault of the faulty connection with this number.
    pub(crate) fn of(number: usize) -> Self {
        match number % 10 {
            0..3 => Self::EndInFrame,
            3..5 => Self::ByteByByte,
            5..7 => Self::Reset,
            7..9 => Self::HalfClose,
            _ => Self::Slow,
        }
    }

    /// Runs the faulty client. A slow one does not read until `later` is true.
    pub(crate) async fn run(self, peer: &mut Peer, later: watch::Receiver<bool>) -> io::Result<()> {
        match self {
            Self::EndInFrame => end_in_frame(peer).await,
            Self::ByteByByte => byte_by_byte(peer).await,
            Self::Reset => reset(peer).await,
            Self::HalfClose => half_close(peer).await,
            Self::Slow => slow(peer, later).await,
        }
    }
}

pub(crate) const SLOW_MESSAGE: usize = 64 * 1024;

async fn end_in_frame(peer: &mut Peer) -> io::Result<()> {
    peer.send(200);
    let length = 1 + peer.number % (peer.output.len() - 1);
    peer.output.truncate(length);
    peer.write().await
}

async fn byte_by_byte(peer: &mut Peer) -> io::Result<()> {
    peer.send(50);
    let bytes = peer.output.split();
    for byte in bytes {
        peer.stream.write_u8(byte).await?;
    }
    peer.receive_echoes().await
}

async fn reset(peer: &mut Peer) -> io::Result<()> {
    peer.send(20_000);
    peer.write().await?;
    peer.stream.set_zero_linger()
}

async fn half_close(peer: &mut Peer) -> io::Result<()> {
    peer.send(5000);
    peer.send(20_000);
    peer.write().await?;
    let (sent, complete_len) = (peer.sent, peer.output.len());
    peer.send(200);
    peer.output.truncate(complete_len + 100);
    peer.write().await?;
    peer.stream.shutdown().await?;
    peer.receive_to_end().await?;
    if peer.echoed == sent { Ok(()) } else { Err(io::Error::other("an echo is missing")) }
}

async fn slow(peer: &mut Peer, mut later: watch::Receiver<bool>) -> io::Result<()> {
    let flooded = select! {
        flooded = flood(peer) => flooded,
        _ = later.wait_for(|later| *later) => Ok(()),
    };
    if (peer.number / 20).is_multiple_of(2) {
        return Ok(());
    }
    let received = match flooded {
        Ok(()) => peer.receive_echoes().await,
        Err(error) => Err(error),
    };
    match received {
        Err(error) if is_disconnected(&error) => Ok(()),
        received => received,
    }
}

/// Sends the same message without end.
async fn flood(peer: &mut Peer) -> io::Result<()> {
    peer.send(SLOW_MESSAGE);
    let frame = peer.output.clone().freeze();
    loop {
        peer.write().await?;
        peer.repeat(&frame);
    }
}

/// Whether the server has ended the connection, as it does after its write timeout.
fn is_disconnected(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

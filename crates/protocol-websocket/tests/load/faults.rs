//! What may be wrong with a connection.

use std::io::{self, ErrorKind};

use tokio::io::AsyncWriteExt;
use tokio::select;
use tokio::sync::watch;

use crate::peer::Peer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It ends in the middle of a frame, each somewhere else.
    Cut,
    /// Its bytes come one at a time, and then it is gone.
    Dribble,
    /// It is reset while it is echoed to.
    Reset,
    /// It has ended its half, in the middle of a frame, and reads on.
    HalfClose,
    /// It sends and does not read. Later every other one reads all the same; the others are gone.
    Slow,
}

impl Fault {
    /// What is wrong with a faulty connection, by its number.
    pub(crate) fn of(number: usize) -> Self {
        match number % 10 {
            0..3 => Self::Cut,
            3..5 => Self::Dribble,
            5..7 => Self::Reset,
            7..9 => Self::HalfClose,
            _ => Self::Slow,
        }
    }

    /// Goes wrong. Whoever is slow is so until `later`.
    pub(crate) async fn happen(self, peer: &mut Peer, later: watch::Receiver<bool>) -> io::Result<()> {
        match self {
            Self::Cut => cut(peer).await,
            Self::Dribble => dribble(peer).await,
            Self::Reset => reset(peer).await,
            Self::HalfClose => half_close(peer).await,
            Self::Slow => slow(peer, later).await,
        }
    }
}

pub(crate) const SLOW_MESSAGE: usize = 64 * 1024;

async fn cut(peer: &mut Peer) -> io::Result<()> {
    peer.say(200);
    let length = 1 + peer.number % (peer.output.len() - 1);
    peer.output.truncate(length);
    peer.push().await
}

async fn dribble(peer: &mut Peer) -> io::Result<()> {
    peer.say(50);
    let bytes = peer.output.split();
    for byte in bytes {
        peer.stream.write_u8(byte).await?;
    }
    peer.hear().await
}

async fn reset(peer: &mut Peer) -> io::Result<()> {
    peer.say(20_000);
    peer.push().await?;
    peer.stream.set_zero_linger()
}

async fn half_close(peer: &mut Peer) -> io::Result<()> {
    peer.say(5000);
    peer.say(20_000);
    peer.push().await?;
    let (said, whole) = (peer.said, peer.output.len());
    peer.say(200);
    peer.output.truncate(whole + 100);
    peer.push().await?;
    peer.stream.shutdown().await?;
    peer.last().await?;
    if peer.echoed == said { Ok(()) } else { Err(io::Error::other("an echo was lost")) }
}

async fn slow(peer: &mut Peer, mut later: watch::Receiver<bool>) -> io::Result<()> {
    let flooded = select! {
        flooded = flood(peer) => flooded,
        _ = later.wait_for(|later| *later) => Ok(()),
    };
    if (peer.number / 20).is_multiple_of(2) {
        return Ok(());
    }
    let heard = match flooded {
        Ok(()) => peer.hear().await,
        Err(error) => Err(error),
    };
    match heard {
        Err(error) if gave_up(&error) => Ok(()),
        heard => heard,
    }
}

/// Says the same for ever.
async fn flood(peer: &mut Peer) -> io::Result<()> {
    peer.say(SLOW_MESSAGE);
    let frame = peer.output.clone().freeze();
    loop {
        peer.push().await?;
        peer.repeat(&frame);
    }
}

/// Whether the server has lost patience with somebody who did not read.
fn gave_up(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

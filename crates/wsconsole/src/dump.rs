//! A transport whose bytes are dumped.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::hex::HexDump;
use crate::style::Mark;

/// Passes all calls on. If it was created with dumps, it prints the bytes of both directions.
#[derive(Debug)]
pub(crate) struct Dump<S> {
    io: S,
    dumps: Option<Dumps>,
}

#[derive(Debug)]
struct Dumps {
    written: HexDump,
    read: HexDump,
}

impl<S> Dump<S> {
    pub(crate) fn new(io: S, is_on: bool) -> Self {
        let dumps = || Dumps { written: HexDump::new(Mark::Written), read: HexDump::new(Mark::Read) };
        Self { io, dumps: is_on.then(dumps) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Dump<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(context, buffer))?;
        if let Some(dumps) = &mut self.dumps {
            dumps.read.print(buffer.filled().get(before..).unwrap_or_default());
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Dump<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let len = ready!(Pin::new(&mut self.io).poll_write(context, bytes))?;
        if let Some(dumps) = &mut self.dumps {
            dumps.written.print(bytes.get(..len).unwrap_or_default());
        }
        Poll::Ready(Ok(len))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

//! A stream whose reads are limited to a length, to measure which length is best.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

const MIN_LENGTH: usize = 4 * 1024;
const MAX_LENGTH: usize = 64 * 1024;

/// The maximum number of bytes of a read.
#[derive(Clone, Copy)]
pub(super) enum ReadLength {
    Fixed(usize),
    /// Doubles after a full read, up to 64 KiB. Halves after a read of less than a quarter, down to 4 KiB.
    Adaptive(usize),
}

impl ReadLength {
    /// Parses a number of bytes, or `adaptive`.
    pub(super) fn parse(name: &str) -> Option<Self> {
        if name == "adaptive" { Some(Self::Adaptive(MIN_LENGTH)) } else { name.parse().ok().map(Self::Fixed) }
    }

    const fn get(self) -> usize {
        match self {
            Self::Fixed(length) | Self::Adaptive(length) => length,
        }
    }

    /// Notes the length of a read.
    fn note(&mut self, read: usize) {
        if let Self::Adaptive(length) = self {
            if read == *length {
                *length = MAX_LENGTH.min(2 * read);
            } else if read < *length / 4 {
                *length = MIN_LENGTH.max(*length / 2);
            }
        }
    }
}

pub(super) struct Reads {
    stream: TcpStream,
    length: ReadLength,
}

impl Reads {
    pub(super) const fn new(stream: TcpStream, length: ReadLength) -> Self {
        Self { stream, length }
    }
}

impl AsyncRead for Reads {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        // Memory that messages share, or that a long payload has, is not initialized. A read into it is not limited.
        if buffer.initialized().len() < buffer.capacity() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let length = self.length.get().min(buffer.remaining());
        let mut limited = ReadBuf::new(buffer.initialize_unfilled_to(length));
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut limited))?;
        let read = limited.filled().len();
        buffer.advance(read);
        self.length.note(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Reads {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        chunks: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, chunks)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

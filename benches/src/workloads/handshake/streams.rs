//! The other end, in memory.

use std::io;

use bytes::BytesMut;

use super::{REQUEST, floor};
use crate::contender::Answer;

/// A client that asks, again and again.
pub struct Asked {
    buffer: Vec<u8>,
    /// Where a request is read to.
    pub input: BytesMut,
    /// Where an answer goes,
    pub output: BytesMut,
    /// or here.
    pub written: Vec<u8>,
}

impl Asked {
    pub(super) fn new() -> Self {
        let buffer = Vec::with_capacity(1024);
        Self {
            buffer,
            input: BytesMut::with_capacity(1024),
            output: BytesMut::with_capacity(1024),
            written: Vec::new(),
        }
    }

    /// One read of the request.
    pub(super) fn read(&mut self) -> &'static [u8] {
        self.buffer.clear();
        self.buffer.extend_from_slice(std::hint::black_box(REQUEST));
        std::hint::black_box(&self.buffer);
        REQUEST
    }

    /// One read of the request into `input`, and an empty output.
    #[inline]
    pub fn receive(&mut self) {
        self.input.clear();
        self.output.clear();
        self.input.extend_from_slice(std::hint::black_box(REQUEST));
    }

    /// What was answered: the one value that matters.
    pub(super) fn answer(&mut self) -> Answer {
        let answer = if self.output.is_empty() { &self.written[..] } else { &self.output[..] };
        Answer::of(floor::accept_in(answer))
    }
}

impl io::Read for Asked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.written.clear();
        self.output.clear();
        buffer[..REQUEST.len()].copy_from_slice(REQUEST);
        Ok(REQUEST.len())
    }
}

impl io::Write for Asked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A server that answers.
#[derive(Default)]
pub struct Responder {
    request: Vec<u8>,
    answer: Vec<u8>,
    input: BytesMut,
}

impl Responder {
    /// Takes a request.
    pub fn ask(&mut self, request: &[u8]) {
        self.request.clear();
        self.request.extend_from_slice(request);
    }

    /// Answers it, and gives the answer to be emptied.
    pub fn receive(&mut self) -> &mut BytesMut {
        floor::answer(&self.request, &mut self.answer);
        self.request.clear();
        self.input.clear();
        self.input.extend_from_slice(&self.answer);
        &mut self.input
    }
}

impl io::Read for Responder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let answer = self.receive();
        buffer[..answer.len()].copy_from_slice(answer);
        Ok(answer.len())
    }
}

impl io::Write for Responder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.request.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Both as streams of Tokio's.
#[cfg(feature = "peers")]
macro_rules! tokio_stream {
    ($stream:ty) => {
        impl tokio::io::AsyncRead for $stream {
            fn poll_read(
                mut self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
                buffer: &mut tokio::io::ReadBuf<'_>,
            ) -> std::task::Poll<io::Result<()>> {
                let used = io::Read::read(&mut *self, buffer.initialize_unfilled())?;
                buffer.advance(used);
                std::task::Poll::Ready(Ok(()))
            }
        }

        impl tokio::io::AsyncWrite for $stream {
            fn poll_write(
                mut self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
                bytes: &[u8],
            ) -> std::task::Poll<io::Result<usize>> {
                std::task::Poll::Ready(io::Write::write(&mut *self, bytes))
            }

            fn poll_flush(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<io::Result<()>> {
                std::task::Poll::Ready(Ok(()))
            }

            fn poll_shutdown(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<io::Result<()>> {
                std::task::Poll::Ready(Ok(()))
            }
        }
    };
}
#[cfg(feature = "peers")]
tokio_stream!(Asked);
#[cfg(feature = "peers")]
tokio_stream!(Responder);

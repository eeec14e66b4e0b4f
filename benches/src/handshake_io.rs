//! In-memory streams for the opening handshake: one for a server under test, one for a client under test.

use std::hint::black_box;
use std::io;

use bytes::BytesMut;

use crate::baseline::handshake;
use crate::contender::Summary;

/// A request with the header fields of Chromium, in number and length.
pub const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Connection: Upgrade\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n\
    Upgrade: websocket\r\n\
    Origin: https://server.example.com\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-US,en;q=0.9\r\n\
    Cookie: session=0123456789abcdef0123456789abcdef\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

/// The stream of a server: each read delivers [`REQUEST`].
pub struct ServerStream {
    buffer: Vec<u8>,
    /// The request, for servers without a stream.
    pub input: BytesMut,
    /// The response of a server that writes to a `BytesMut`.
    pub output: BytesMut,
    /// The response of a server that writes to a stream or a `Vec`.
    pub written: Vec<u8>,
}

impl ServerStream {
    pub(crate) fn new() -> Self {
        Self {
            buffer: Vec::with_capacity(1024),
            input: BytesMut::with_capacity(1024),
            output: BytesMut::with_capacity(1024),
            written: Vec::new(),
        }
    }

    /// Copies the request like a read from a socket, and returns it.
    pub(crate) fn request(&mut self) -> &'static [u8] {
        self.buffer.clear();
        self.buffer.extend_from_slice(black_box(REQUEST));
        black_box(&self.buffer);
        REQUEST
    }

    /// Reads the request into `input` and clears `output`.
    #[inline]
    pub fn receive(&mut self) {
        self.input.clear();
        self.output.clear();
        self.input.extend_from_slice(black_box(REQUEST));
    }

    /// Summarizes the response by its `Sec-WebSocket-Accept`.
    pub(crate) fn summary(&self) -> Summary {
        let response = if self.output.is_empty() { &self.written[..] } else { &self.output[..] };
        Summary::of(handshake::accept_in(response))
    }
}

impl io::Read for ServerStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.written.clear();
        self.output.clear();
        buffer[..REQUEST.len()].copy_from_slice(REQUEST);
        Ok(REQUEST.len())
    }
}

impl io::Write for ServerStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The stream of a client: a read delivers the response to the request that was written.
#[derive(Default)]
pub struct ClientStream {
    request: Vec<u8>,
    response: Vec<u8>,
    input: BytesMut,
}

impl ClientStream {
    /// Sets the request.
    pub fn send(&mut self, request: &[u8]) {
        self.request.clear();
        self.request.extend_from_slice(request);
    }

    /// Responds to the request. The caller empties the returned buffer.
    pub fn receive(&mut self) -> &mut BytesMut {
        handshake::respond(&self.request, &mut self.response);
        self.request.clear();
        self.input.clear();
        self.input.extend_from_slice(&self.response);
        &mut self.input
    }
}

impl io::Read for ClientStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let response = self.receive();
        buffer[..response.len()].copy_from_slice(response);
        Ok(response.len())
    }
}

impl io::Write for ClientStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.request.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Implements Tokio's stream traits.
#[cfg(feature = "peers")]
macro_rules! tokio_stream {
    ($stream:ty) => {
        impl tokio::io::AsyncRead for $stream {
            fn poll_read(
                mut self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
                buffer: &mut tokio::io::ReadBuf<'_>,
            ) -> std::task::Poll<io::Result<()>> {
                let len = io::Read::read(&mut *self, buffer.initialize_unfilled())?;
                buffer.advance(len);
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
tokio_stream!(ServerStream);
#[cfg(feature = "peers")]
tokio_stream!(ClientStream);

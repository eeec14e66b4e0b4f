//! Waits for the SETTINGS of an HTTP/2 server.
//!
//! hyper has the value of `SETTINGS_ENABLE_CONNECT_PROTOCOL`, but not whether the SETTINGS have arrived. They are the first
//! frame of a server (RFC 9113 §3.4), so this transport counts the bytes of the first frame. hyper reads again only after
//! it has applied that frame.

use std::error::Error;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::body::Body;
use hyper::client::conn::http2::{Builder, Connection, SendRequest};
use hyper::rt::bounds::Http2ClientConnExec;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use tokio::sync::oneshot;

use crate::OpenError;

/// The length of a frame header of HTTP/2, in bytes.
const FRAME_HEADER_LEN: usize = 9;
/// The maximum length of a read until the SETTINGS have arrived, in bytes.
const MAX_FIRST_READ: usize = 256;

/// Makes the HTTP/2 handshake of a client, and waits for the SETTINGS of the server, which must have
/// `SETTINGS_ENABLE_CONNECT_PROTOCOL` (RFC 8441 §3). [`http2_request`](crate::http2_request) creates the requests for the
/// sender. The caller spawns the connection, as with [`Builder::handshake`].
///
/// hyper does not check this setting, and a server without it resets the stream of an extended CONNECT.
///
/// The caller limits the time, for instance with `tokio::time::timeout`.
///
/// ```
/// use hyper::client::conn::http2;
/// use hyper_util::rt::{TokioExecutor, TokioIo};
/// use protocol_websocket_hyper::{Body, OpenError, http2_handshake};
/// use tokio::net::TcpStream;
///
/// async fn connect(stream: TcpStream) -> Result<http2::SendRequest<Body>, OpenError> {
///     let builder = http2::Builder::new(TokioExecutor::new());
///     let (sender, connection) = http2_handshake(&builder, TokioIo::new(stream)).await?;
///     tokio::spawn(connection);
///     Ok(sender)
/// }
/// # let _ = connect;
/// ```
///
/// # Errors
///
/// [`OpenError::ExtendedConnectDisabled`] if the server does not have the setting. Such a server may accept the upgrade of
/// HTTP/1.1 on another connection. [`OpenError::NoSettings`] if the connection ended before they arrived, for instance
/// because the server does not support HTTP/2. [`OpenError::Hyper`] if the handshake failed.
pub async fn http2_handshake<T, B, E>(
    builder: &Builder<E>,
    io: T,
) -> Result<(SendRequest<B>, Connection<AwaitSettings<T>, B, E>), OpenError>
where
    T: Read + Write + Unpin + 'static,
    B: Body + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    E: Http2ClientConnExec<B, AwaitSettings<T>> + Unpin,
{
    let (sender, arrived) = oneshot::channel();
    let first_frame = Some(FirstFrame { header: [0; FRAME_HEADER_LEN], received: 0, sender });
    let (sender, connection) = builder.handshake(AwaitSettings { io, first_frame }).await?;
    arrived.await.map_err(|_| OpenError::NoSettings)?;
    if connection.is_extended_connect_protocol_enabled() {
        Ok((sender, connection))
    } else {
        Err(OpenError::ExtendedConnectDisabled)
    }
}

/// The transport of an HTTP/2 client of [`http2_handshake`], which notices the arrival of the server's SETTINGS.
#[derive(Debug)]
pub struct AwaitSettings<T> {
    io: T,
    /// `None` after the SETTINGS.
    first_frame: Option<FirstFrame>,
}

/// The first frame, of which `received` bytes have arrived.
#[derive(Debug)]
struct FirstFrame {
    header: [u8; FRAME_HEADER_LEN],
    received: usize,
    sender: oneshot::Sender<()>,
}

impl FirstFrame {
    fn receive(&mut self, bytes: &[u8]) {
        let missing = self.header.iter_mut().skip(self.received);
        missing.zip(bytes).for_each(|(missing, byte)| *missing = *byte);
        self.received += bytes.len();
    }

    fn has_arrived(&self) -> bool {
        let [high, middle, low, ..] = self.header;
        let len = u32::from_be_bytes([0, high, middle, low]) as usize;
        self.received >= FRAME_HEADER_LEN.saturating_add(len)
    }
}

impl<T: Read + Unpin> Read for AwaitSettings<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { io, first_frame } = &mut *self;
        if let Some(frame) = first_frame.take_if(|frame| frame.has_arrived()) {
            // The caller may have dropped its future.
            let _ = frame.sender.send(());
        }
        let Some(frame) = first_frame else { return Pin::new(io).poll_read(context, buffer) };
        let mut bytes = [0; MAX_FIRST_READ];
        let len = bytes.len().min(buffer.remaining());
        let mut bytes = ReadBuf::new(bytes.get_mut(..len).unwrap_or_default());
        ready!(Pin::new(io).poll_read(context, bytes.unfilled()))?;
        frame.receive(bytes.filled());
        buffer.put_slice(bytes.filled());
        Poll::Ready(Ok(()))
    }
}

impl<T: Write + Unpin> Write for AwaitSettings<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

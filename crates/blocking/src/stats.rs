/// The number of bytes that a [`WebSocket`](crate::WebSocket) has transferred: see
/// [`WebSocket::stats`](crate::WebSocket::stats).
///
/// The bytes are those of the transport: frames with their headers, compressed if permessage-deflate was negotiated, pings,
/// pongs and Closes, and the opening handshake if the WebSocket made it. With TLS, they are the bytes before the encryption.
///
/// Messages are not counted. A program that needs their number counts the results of [`recv`](crate::WebSocket::recv) and
/// [`queue`](crate::WebSocket::queue).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The number of bytes that were read from the transport, including those whose messages were not returned yet, and
    /// those that were dropped at the end of the stream.
    pub bytes_read: u64,
    /// The number of bytes that the transport has taken. Bytes that are [`unsent`](crate::WebSocket::unsent) are not
    /// counted.
    pub bytes_written: u64,
}

impl Stats {
    pub(crate) const fn add_read(&mut self, len: usize) {
        self.bytes_read = self.bytes_read.saturating_add(len as u64);
    }

    pub(crate) const fn add_written(&mut self, len: usize) {
        self.bytes_written = self.bytes_written.saturating_add(len as u64);
    }
}

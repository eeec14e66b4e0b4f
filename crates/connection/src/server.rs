use alloc::sync::Arc;
use core::fmt;
use core::ops::{Deref, DerefMut};

use crate::{Config, Connection};

/// A server's [`Connection`], under the name of the helper class of Perl's `Protocol::WebSocket`. It dereferences to
/// the connection and adds nothing to it.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Accept, Config, Event, Server};
///
/// /// Handles the bytes in `input`. The bytes to send are in `output` afterwards.
/// fn echo(
///     server: &mut Server,
///     input: &mut BytesMut,
///     output: &mut BytesMut,
/// ) -> Result<(), Box<dyn core::error::Error>> {
///     while let Some(event) = server.receive(input, output)? {
///         match event {
///             Event::Upgrade(upgrade) => server.accept(upgrade, &Accept::new(), output)?,
///             Event::Message(message) => server.send(message, output)?,
///             _ => {}
///         }
///     }
///     Ok(())
/// }
///
/// let mut input = BytesMut::from(concat!(
///     "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
///     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
/// ));
/// let mut output = BytesMut::new();
/// echo(&mut Server::new(Config::new()), &mut input, &mut output)?;
/// assert!(output.starts_with(b"HTTP/1.1 101 "));
/// # Ok::<_, Box<dyn core::error::Error>>(())
/// ```
pub struct Server(Connection);

impl Server {
    /// Creates a server's connection, which begins with the first byte of the client's request: see
    /// [`Connection::server`].
    #[must_use]
    pub fn new(config: impl Into<Arc<Config>>) -> Self {
        Self(Connection::server(config))
    }

    /// Returns the connection, for instance to [split](Connection::split) it.
    #[must_use]
    pub fn into_connection(self) -> Connection {
        self.0
    }
}

impl Deref for Server {
    type Target = Connection;

    #[inline]
    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for Server {
    #[inline]
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

use protocol_websocket::Redirect;
use tokio::net::TcpStream;

/// A step of a client's connection that is done. [`Connect::observe`](crate::Connect::observe) reports it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ConnectEvent<'a> {
    /// The TCP connection to the server or, with a [`Proxy`](crate::Proxy), to the proxy, which has opened the tunnel. TLS
    /// and the opening handshake follow.
    Tcp(&'a TcpStream),
    /// The server has redirected, and the connection to the target follows.
    Redirect(&'a Redirect),
}

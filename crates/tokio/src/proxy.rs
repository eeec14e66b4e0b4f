//! Proxies between a client and a server.

use std::fmt;
use std::io::ErrorKind;

use protocol_websocket::bytes::BytesMut;
use protocol_websocket::http::{Tunnel, TunnelReader};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::stream::Transport;
use crate::target::{Target, without_brackets};
use crate::{ProxyError, socks, tcp};

/// A proxy through which [`Connect`](crate::Connect) makes the connection to the server. The proxy resolves the
/// server's name. With `wss`, it sees the name and the port of the server, and nothing else.
///
/// The headers of the [`Offer`](crate::Offer) are not sent to the proxy. Only the [`credentials`](Self::credentials) can be
/// set.
///
/// ```
/// use protocol_websocket_tokio::Proxy;
///
/// let proxy = Proxy::http("proxy.example.com", 3128).credentials("user", "password");
/// # let _ = proxy;
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use = "pass it to `Connect::proxy`"]
pub struct Proxy {
    kind: Kind,
    host: String,
    port: u16,
    credentials: Option<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http,
    Socks5,
}

impl Proxy {
    /// An HTTP proxy, which is asked for a tunnel by CONNECT (RFC 9110 §9.3.6). The connection to the proxy itself is
    /// not encrypted.
    pub fn http(host: impl Into<String>, port: u16) -> Self {
        Self { kind: Kind::Http, host: host.into(), port, credentials: None }
    }

    /// A SOCKS5 proxy (RFC 1928).
    pub fn socks5(host: impl Into<String>, port: u16) -> Self {
        Self { kind: Kind::Socks5, host: host.into(), port, credentials: None }
    }

    /// Sets the user name and the password for the proxy (RFC 7617, RFC 1929). They are sent in clear text.
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some((user.into(), password.into()));
        self
    }

    /// Connects to the proxy, and opens a tunnel to the target.
    pub(crate) async fn open(&self, target: &Target) -> Result<Transport, ProxyError> {
        // An invalid target or credential is an error before the connection.
        let request = self.request(target)?;
        let addresses = tcp::resolve(without_brackets(&self.host), self.port).await?;
        let mut transport = Transport::from(tcp::connect(addresses).await?);
        match self.kind {
            Kind::Http => {
                transport.io.write_all(&request).await?;
                let mut reader = TunnelReader::default();
                while reader.read(&mut transport.unread)?.is_none() {
                    if transport.io.read_buf(&mut transport.unread).await? == 0 {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                }
            }
            Kind::Socks5 => {
                let credentials = self.credentials.as_ref().map(|(user, password)| (&**user, &**password));
                socks::open(&mut transport.io, target.socket_host(), target.port(), credentials).await?;
            }
        }
        Ok(transport)
    }

    fn request(&self, target: &Target) -> Result<BytesMut, ProxyError> {
        let mut request = BytesMut::new();
        if self.kind == Kind::Http {
            let mut tunnel = Tunnel::new(target.host(), target.port());
            if let Some((user, password)) = &self.credentials {
                tunnel = tunnel.basic_auth(user, password);
            }
            tunnel.encode(&mut request)?;
        }
        Ok(request)
    }
}

/// Hides the credentials.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("kind", &self.kind)
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

//! The connection to the server: the options of the command line, and the errors as notes.

use std::fmt;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol_websocket::http::Headers;
use protocol_websocket::{PermessageDeflate, Redirect, Timeout, Url, Version};
use protocol_websocket_tokio::{
    Config, Connect, ConnectError, ConnectEvent, ConnectStep, Error, Limits, Stream, Timeouts, WebSocket,
};

use crate::dump::Dump;
use crate::options::Options;
use crate::output::note;
use crate::recording::Recordings;
use crate::status::{Failure, Status};
use crate::tls;

/// The same limit as in the node package `ws`.
const MAX_MESSAGE: u64 = 100 * 1024 * 1024;
/// While more than this number of bytes is unsent, nothing is received. The input is never as long: the longest line, and
/// what is unsent before it. Only a server that sends pings and does not read reaches it.
const MAX_UNSENT: usize = 128 * 1024 * 1024;
/// The timeout for name lookup, TCP, the proxy, TLS, all redirects and the opening handshake together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The timeout for the server's response to our Close.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// The close timeout in draft-hixie-75, in which a server need not respond to a Close.
const HIXIE75_CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// The number of bytes of a body that are printed.
const MAX_BODY: usize = 1024;

/// Connects, and makes the opening handshake.
pub(crate) async fn connect(
    options: &Options,
    url: &Url,
    recordings: &Recordings,
) -> Result<WebSocket<Dump<Stream>>, Failure> {
    let connect = Connect::new(url.as_str()).map_err(|error| Failure::new(Status::LocalError, error))?;
    let is_proxied = options.proxy.is_some();
    // The server that the connection is made to. A redirect changes it.
    let server = Arc::new(Mutex::new(format!("{}:{}", url.host(), url.port())));
    let observed = Arc::clone(&server);
    let mut connect = connect
        .offer(options.offer(url))
        .config(recordings.observe(config(options)))
        .timeout(CONNECT_TIMEOUT)
        .redirects(options.follow_redirects)
        .observe(move |event| match event {
            ConnectEvent::Tcp(stream) => {
                if let Ok(address) = stream.peer_addr() {
                    note(&format!("connected to {}{address}", if is_proxied { "the proxy " } else { "" }));
                }
            }
            ConnectEvent::Redirect(redirect) => {
                note(&format!("redirected: {} to {}", redirect.status(), target(redirect)));
                if let Ok(url) = redirect.url() {
                    *observed.lock().unwrap_or_else(PoisonError::into_inner) = format!("{}:{}", url.host(), url.port());
                }
            }
            _ => {}
        });
    if let Some(proxy) = &options.proxy {
        connect = connect.proxy(proxy.clone());
    }
    if let Some(path) = &options.ca {
        connect = connect.tls(tls::config(path)?);
    }
    let opened = connect.open_with(|stream| Dump::new(stream, options.hex)).await;
    opened
        .map(|(websocket, _)| websocket)
        .map_err(|error| connect_failure(&server.lock().unwrap_or_else(PoisonError::into_inner), error))
}

fn config(options: &Options) -> Config {
    let close_timeout = if options.version == Version::Hixie75 { HIXIE75_CLOSE_TIMEOUT } else { CLOSE_TIMEOUT };
    let timeouts = Timeouts::NONE
        .handshake(Some(CONNECT_TIMEOUT))
        .close(Some(close_timeout))
        .ping_interval(options.ping)
        .pong_timeout(options.ping);
    let config = Config::new().limits(Limits::new(MAX_MESSAGE)).timeouts(timeouts).high_water_mark(MAX_UNSENT);
    if options.no_deflate { config } else { config.extension(PermessageDeflate::new()) }
}

/// Returns the failure for an error of an open connection, or of the opening handshake.
pub(crate) fn connection_failure(error: &Error) -> Failure {
    use protocol_websocket::Error as Cause;
    match error {
        Error::Connection(Cause::Timeout(_) | Cause::UnexpectedEof) | Error::Io(_) => {
            Failure::new(Status::Lost, format!("connection lost: {error}"))
        }
        _ => Failure::new(Status::ProtocolError, format!("the server violated the protocol: {error}")),
    }
}

/// Returns the failure for an error before the connection is open.
fn connect_failure(server: &str, error: ConnectError) -> Failure {
    let unreachable =
        |reason: &dyn fmt::Display| Failure::new(Status::Unreachable, format!("cannot connect to {server}: {reason}"));
    match error {
        ConnectError::Build(error) => Failure::new(Status::LocalError, format!("cannot build the request: {error}")),
        ConnectError::Connect(error) | ConnectError::Resolve(error) | ConnectError::Tls(error)
            if error.kind() != ErrorKind::TimedOut =>
        {
            unreachable(&error)
        }
        ConnectError::Timeout(ConnectStep::Handshake) => {
            connection_failure(&Error::Connection(Timeout::Handshake.into()))
        }
        ConnectError::Connect(_) | ConnectError::Resolve(_) | ConnectError::Tls(_) | ConnectError::Timeout(_) => {
            unreachable(&"timed out")
        }
        ConnectError::Redirect(redirect) => {
            let text = format!("redirected, not followed: {} to {}", redirect.status(), target(&redirect));
            Failure { details: header_lines(redirect.headers()).collect(), ..Failure::new(Status::Refused, text) }
        }
        ConnectError::Rejected { head, body } => {
            let text = format!("refused: {} {}", head.status(), head.reason());
            let details = header_lines(head.headers()).chain(body_lines(&body)).collect();
            Failure { details, ..Failure::new(Status::Refused, text) }
        }
        ConnectError::WebSocket(error) => connection_failure(&error),
        error => unreachable(&error),
    }
}

fn target(redirect: &Redirect) -> String {
    match redirect.url() {
        Ok(url) => url.to_string(),
        Err(error) => format!("{} ({error})", redirect.location()),
    }
}

fn header_lines(headers: &Headers) -> impl Iterator<Item = String> {
    headers.iter().map(|(name, value)| format!("  {name}: {}", String::from_utf8_lossy(value)))
}

fn body_lines(body: &[u8]) -> Vec<String> {
    let printed = body.get(..MAX_BODY).unwrap_or(body);
    String::from_utf8_lossy(printed).lines().map(|line| format!("  | {line}")).collect()
}

//! A WebSocket echo server behind a web server that passes requests on by SCGI or CGI, and forwards the bytes after a 101.
//!
//!     cargo run --bin cgi_echo 127.0.0.1:3000
//!
//! serves the connections of a web server by SCGI, as nginx makes them with `nginx.conf`. A web server that starts the program
//! by CGI, as lighttpd does with `lighttpd.conf`, sets `GATEWAY_INTERFACE`. Then the program serves one client.

use std::os::unix::ffi::OsStringExt as _;
use std::str::from_utf8;
use std::sync::Arc;
use std::time::Duration;
use std::{env, io};

use bytes::Bytes;
use protocol_websocket::http::{RequestHead, Versions};
use protocol_websocket::{Accept, BuildError, Connection, ParseError, Reject, Request, Session};
use protocol_websocket_tokio::{Config, Error, WebSocket, config};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The maximum length of the variables.
const MAX_VARIABLES: usize = 64 * 1024;
/// The maximum length of the number before the variables.
const MAX_DIGITS: u64 = 8;
/// How long the web server may take to send the variables.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = Arc::new(config());
    if env::var_os("GATEWAY_INTERFACE").is_some() {
        let variables = env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.into_vec()));
        // `shutdown` does not end the standard output. So after a Close of this end, the client sees no end of the stream until
        // this program ends.
        let stream = tokio::io::join(tokio::io::stdin(), tokio::io::stdout());
        let served = serve(stream, RequestHead::from_cgi(variables), config).await;
        // The end of `main` would wait for the thread that reads the standard input.
        std::process::exit(served.map_err(|error| eprintln!("{error}")).is_err().into());
    }
    let listener = TcpListener::bind(env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into())).await?;
    println!("connect to scgi://{}/", listener.local_addr()?);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Too many files may be open. The next call may succeed.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let config = Arc::clone(&config);
        tokio::spawn(async move { scgi(stream, config).await.map_err(|error| eprintln!("{error}")) });
    }
}

async fn scgi(stream: TcpStream, config: Arc<Config>) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let variables =
        tokio::time::timeout(HEAD_TIMEOUT, read_variables(&mut stream)).await.map_err(io::Error::from)??;
    let strings: Vec<_> = variables.split(|byte| *byte == 0).collect();
    let pairs = strings.chunks_exact(2).filter_map(|pair| Some((from_utf8(pair.first()?).ok()?, pair.last()?)));
    serve(stream, RequestHead::from_cgi(pairs), config).await
}

/// Reads the variables of SCGI: their length in decimal digits, a colon, names and values with a zero byte after each, a comma.
async fn read_variables(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut digits = Vec::new();
    (&mut *stream).take(MAX_DIGITS).read_until(b':', &mut digits).await?;
    let len = digits.strip_suffix(b":").and_then(|digits| from_utf8(digits).ok()?.parse::<usize>().ok());
    let mut variables = vec![0; len.filter(|len| *len < MAX_VARIABLES).ok_or(io::ErrorKind::InvalidData)? + 1];
    stream.read_exact(&mut variables).await?;
    variables.pop_if(|last| *last == b',').ok_or(io::ErrorKind::InvalidData)?;
    Ok(variables)
}

/// Responds to a request, and echoes messages.
async fn serve<S>(mut stream: S, head: Result<RequestHead, ParseError>, config: Arc<Config>) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (response, connection) = respond(head, config).map_err(io::Error::other)?;
    stream.write_all(&encode(&response)).await?;
    stream.flush().await?;
    let Some(connection) = connection else { return Ok(stream.shutdown().await?) };
    let mut websocket = WebSocket::new(stream, Session::new(connection));
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?; // `recv` writes it
    }
    Ok(())
}

/// Returns the response, and the connection if the request is accepted.
fn respond(
    head: Result<RequestHead, ParseError>,
    config: Arc<Config>,
) -> Result<(http::Response<Bytes>, Option<Connection>), BuildError> {
    match head.and_then(|head| Request::check(head, Versions::RFC6455)) {
        Ok(request) => {
            let (response, connection) = Connection::respond(&request, Accept::new(), config)?;
            Ok((http::Response::<()>::try_from(&response)?.map(|()| Bytes::new()), Some(connection)))
        }
        Err(error) => Ok((http::Response::try_from(&Reject::from(error))?, None)), // 400, 405 or 426
    }
}

/// Encodes a response of CGI (RFC 3875 §6): the status is a header field.
fn encode(response: &http::Response<Bytes>) -> Vec<u8> {
    let mut encoded = format!("Status: {}\r\n", response.status()).into_bytes();
    for (name, value) in response.headers() {
        encoded.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    encoded.extend_from_slice(b"\r\n");
    encoded.extend_from_slice(response.body());
    encoded
}

//! A client on a blocking socket. It sends a text, waits for the echo and closes.
//!
//! `client ws://127.0.0.1:3000/ TEXT`

use std::env;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use protocol_websocket::{Client, Close, CloseCode, Config, EventRef, Offer, OsRandom, State, Timeouts, Url};

/// How long the server may take to read the output.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the server may take to end the stream after the last write.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum number of bytes that are read and dropped within [`LINGER_TIMEOUT`].
const MAX_LINGER_BYTES: usize = 16 * 1024 * 1024;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let url = Url::parse(&arguments.next().ok_or("usage: client URL TEXT")?)?;
    let text = arguments.next().ok_or("usage: client URL TEXT")?;
    if url.is_secure() {
        return Err("this example does not support TLS; wsconsole does".into());
    }

    let mut output = BytesMut::new();
    let config = Config::new().timeouts(Timeouts::RECOMMENDED);
    let mut client = Client::connect(&url, &Offer::new(), config, OsRandom::new(), &mut output)?;
    let mut stream = TcpStream::connect((url.socket_host(), url.port()))?;
    stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    let (started, mut buffer, mut result) = (Instant::now(), [0; 4096], Ok(()));
    loop {
        // Sets new deadlines, and handles those that have passed.
        result = result.and_then(|()| Ok(client.handle_timeout(started.elapsed(), &mut output)?));
        // After an error, the Close is in the output, and is written before the error is returned.
        while !output.is_empty() {
            stream.write_all(&output)?;
            output.clear();
            client.flush(&mut output);
        }
        // An idle connection keeps no buffer.
        output = BytesMut::new();
        if result.is_err() || client.state() == State::Closed {
            if result.is_err() {
                // A server that violates the protocol may not end the stream first.
                let _ = stream.shutdown(Shutdown::Write);
            }
            wait_for_end(&mut stream, &mut buffer);
            return result;
        }
        let wait = client.poll_timeout().map(|at| at.saturating_sub(started.elapsed()));
        result = match read(&mut stream, &mut buffer, wait) {
            Ok(0) => client.receive_eof().map_err(Into::into),
            Ok(n) => receive(&mut client, &text, buffer.get_mut(..n).unwrap_or_default(), &mut output),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(()),
            Err(error) => return Err(error.into()),
        };
    }
}

/// Handles the events of the input.
fn receive(client: &mut Client, text: &str, mut input: &mut [u8], output: &mut BytesMut) -> Result<()> {
    while let Some(event) = client.receive_lent(&mut input, output)? {
        match event {
            EventRef::Open(_) => client.send(text, output)?,
            EventRef::Message(message) => {
                println!("{}", message.as_text().unwrap_or("(bytes)"));
                client.close(Close::from(CloseCode::NORMAL), output)?;
            }
            EventRef::Redirect(redirect) => return Err(format!("redirected to {}", redirect.location()).into()),
            EventRef::Rejected(response) => return Err(format!("refused with {}", response.status()).into()),
            _ => {}
        }
    }
    Ok(())
}

/// Reads, and waits at most for `wait`, or without a limit if it is `None`.
fn read(stream: &mut TcpStream, buffer: &mut [u8], wait: Option<Duration>) -> io::Result<usize> {
    // A timeout of zero is an error.
    stream.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
    loop {
        match stream.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// Waits for the server to end the stream first (RFC 6455 §7.1.1), and drops the bytes that still arrive. Closing a
/// socket with unread bytes resets it, and the server may then lose our Close (RFC 9112 §9.6).
fn wait_for_end(stream: &mut TcpStream, buffer: &mut [u8]) {
    let deadline = Instant::now() + LINGER_TIMEOUT;
    let mut left = MAX_LINGER_BYTES;
    while left > 0 && Instant::now() < deadline {
        match read(stream, buffer, Some(deadline.saturating_duration_since(Instant::now()))) {
            Ok(0) | Err(_) => return,
            Ok(n) => left = left.saturating_sub(n),
        }
    }
}

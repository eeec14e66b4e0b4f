//! An echo client for the Autobahn|Testsuite. It connects to the fuzzing server once for each case, echoes all
//! messages, and makes the server write its report.
//!
//! `autobahn_client ws://127.0.0.1:9001 [FIRST [LAST]]`

use std::env;
use std::io::{Read, Write};
use std::net::TcpStream;

use bytes::BytesMut;
use protocol_websocket::{Client, Config, EventRef, LentMessage, Limits, Offer, OsRandom, State, Url};
use protocol_websocket_permessage_deflate::PermessageDeflate;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The name of the client in the report.
const AGENT: &str = "protocol-websocket";
/// The longest message of the suite is 16 MiB. The most fragments of a message are 65,537.
const LIMITS: Limits = Limits::new(16 * 1024 * 1024).max_fragments(131_072);

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let server = arguments.next().ok_or("usage: autobahn_client URL [FIRST [LAST]]")?;
    let first = arguments.next().map_or(Ok(1), |first| first.parse::<u32>())?;
    let last = match arguments.next() {
        Some(last) => last.parse()?,
        None => request_text(&format!("{server}/getCaseCount"))?.parse()?,
    };
    for case in first..=last {
        run(&format!("{server}/runCase?case={case}&agent={AGENT}"), |_| true)?;
    }
    run(&format!("{server}/updateReports?agent={AGENT}"), |_| false)
}

/// Returns the text that the server at `url` sends.
fn request_text(url: &str) -> Result<String> {
    let mut text = String::new();
    run(url, |message| {
        text.push_str(message.as_text().unwrap_or_default());
        false
    })?;
    Ok(text)
}

/// Receives messages from `url` until the server ends the stream, and echoes those for which `is_echoed` returns true.
/// In many cases the server violates the protocol on purpose. The client responds with a Close, and this is not an
/// error.
fn run(url: &str, mut is_echoed: impl FnMut(&LentMessage<'_>) -> bool) -> Result<()> {
    let url = Url::parse(url)?;
    let config = Config::new().limits(LIMITS).extension(PermessageDeflate::new());
    let mut output = BytesMut::new();
    let mut client = Client::connect(&url, &Offer::new(), config, OsRandom::new(), &mut output)?;
    let mut stream = TcpStream::connect((url.socket_host(), url.port()))?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        while !output.is_empty() {
            // The server ends some connections without a closing handshake, which is not an error here.
            if stream.write_all(&output).is_err() {
                return Ok(());
            }
            output.clear();
            client.flush(&mut output);
        }
        // After the closing handshake, the server ends the stream first (RFC 6455 §7.1.1).
        let mut input = match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return Ok(()),
            Ok(n) => buffer.get_mut(..n).unwrap_or_default(),
        };
        while let Ok(Some(event)) = client.receive_lent(&mut input, &mut output) {
            match event {
                EventRef::Message(message) if is_echoed(&message) && client.state() == State::Open => {
                    client.send(message, &mut output)?;
                }
                EventRef::Redirect(_) | EventRef::Rejected(_) => return Err("the server refused the handshake".into()),
                _ => {}
            }
        }
    }
}

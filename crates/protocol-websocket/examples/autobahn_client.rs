//! An echo client for the Autobahn|Testsuite: asks its fuzzing server for the cases, echoes whatever comes in each, and
//! has the report written.
//!
//! `autobahn_client ws://127.0.0.1:9001 [FIRST [LAST]]`

use std::env;
use std::io::{self, Read, Write};
use std::net::TcpStream;

use bytes::BytesMut;
use protocol_websocket::{Client, Config, Event, Limits, Message, Offer, OsRandom, State, Url};
use protocol_websocket_permessage_deflate::PermessageDeflate;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The name in the report.
const AGENT: &str = "protocol-websocket";
/// The suite's longest message, and more than its most fragments, 65,537.
const LIMITS: Limits = Limits::new(16 * 1024 * 1024).max_fragments(131_072);

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let server = arguments.next().ok_or("usage: autobahn_client URL [FIRST [LAST]]")?;
    let first = arguments.next().map_or(Ok(1), |first| first.parse::<u32>())?;
    let last = match arguments.next() {
        Some(last) => last.parse()?,
        None => ask(&format!("{server}/getCaseCount"))?.parse()?,
    };
    for case in first..=last {
        run(&format!("{server}/runCase?case={case}&agent={AGENT}"), &mut |message| Some(message))?;
    }
    run(&format!("{server}/updateReports?agent={AGENT}"), &mut |_| None)
}

/// What the server at `url` says, in one message.
fn ask(url: &str) -> Result<String> {
    let mut said = String::new();
    run(url, &mut |message| {
        said.push_str(message.as_text().unwrap_or_default());
        None
    })?;
    Ok(said)
}

/// Answers what comes from `url` until it closes. What a server does wrong is what many cases are about, so it is no
/// error here: what is to be said about it is in the output.
fn run(url: &str, answer: &mut dyn FnMut(Message) -> Option<Message>) -> Result<()> {
    let url = Url::parse(url)?;
    let config = Config::new().limits(LIMITS).extension(PermessageDeflate::new());
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    let mut client = Client::connect(&url, &Offer::new(), config, OsRandom::new(), &mut output)?;
    let mut stream = TcpStream::connect((url.socket_host(), url.port()))?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match stream.write_all(&output) {
            // The server may be gone already.
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Ok(()),
            _ => output.clear(),
        }
        // The server closes the connection when both have said so (RFC 6455 §7.1.1).
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return Ok(()),
            Ok(n) => input.extend_from_slice(buffer.get(..n).unwrap_or_default()),
        }
        while let Ok(Some(event)) = client.receive(&mut input, &mut output) {
            match event {
                Event::Message(message) if client.state() == State::Open => {
                    if let Some(message) = answer(message) {
                        client.send(message, &mut output)?;
                    }
                }
                Event::Redirect(_) | Event::Rejected(_) => return Err("no connection".into()),
                _ => {}
            }
        }
    }
}

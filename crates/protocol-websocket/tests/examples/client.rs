//! The example `client` against a conforming server and against one that violates the protocol.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use bytes::BytesMut;
use protocol_websocket::{Accept, CloseCode, Config, Event, Server};

use crate::program;

const TRIALS: usize = 40;
const FLOOD: usize = 1 << 20;

#[test]
fn client_closes_with_1000_after_the_echo() {
    let (code, output) = run(b"");
    assert_eq!((code, output.status.success()), (CloseCode::NORMAL, true));
    assert_eq!(output.stdout, b"Hello\n");
}

/// RFC 6455 §5.1: "a client MUST close a connection if it detects a masked frame".
#[test]
fn client_sends_its_close_when_the_server_violates_the_protocol() {
    let flood = [&b"\x81\x81\0\0\0\0x"[..], &[0; FLOOD]].concat();
    for _ in 0..TRIALS {
        let (code, output) = run(&flood);
        assert_eq!((code, output.status.success()), (CloseCode::PROTOCOL_ERROR, false));
        assert!(!output.stderr.is_empty());
    }
}

/// Serves the client: sends `flood` after the opening handshake, or echoes if `flood` is empty, and reads to the end of
/// the stream. Returns the code of the client's Close and the client's output.
fn run(flood: &[u8]) -> (CloseCode, Output) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let mut command = Command::new(program::example("client"));
    let command = command.args([&url, "Hello"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let _watch = program::watch(child.id());

    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut server = Server::new(Config::new());
    let (mut input, mut output, mut buffer) = (BytesMut::new(), BytesMut::new(), [0; 4096]);
    let mut code = None;
    while code.is_none() {
        let n = stream.read(&mut buffer).expect("no reset");
        assert!(n > 0, "the stream ended without a Close");
        input.extend_from_slice(&buffer[..n]);
        while let Some(event) = server.receive(&mut input, &mut output).unwrap() {
            match event {
                Event::Upgrade(upgrade) => server.accept(upgrade, &Accept::new(), &mut output).unwrap(),
                Event::Open(_) => output.extend_from_slice(flood),
                Event::Message(message) if flood.is_empty() => server.send(message, &mut output).unwrap(),
                Event::Close(close) => code = Some(close.map_or(CloseCode::NO_STATUS, |close| close.code)),
                _ => {}
            }
        }
        stream.write_all(&output).expect("no reset");
        output.clear();
    }
    // The server ends the stream first (RFC 6455 §7.1.1).
    stream.shutdown(std::net::Shutdown::Write).expect("no reset");
    assert_eq!(stream.read(&mut buffer).expect("no reset"), 0);
    (code.unwrap(), child.wait_with_output().unwrap())
}

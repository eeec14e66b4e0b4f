//! Handshakes over sockets, against the example `serve`.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use protocol_websocket::{Frame, Version};

use crate::ends::{VERSIONS, head, masked, unmasked};
use crate::program::Server;
use crate::upgrade::{REQUEST_LINES, SMUGGLED};

const V13: Version = Version::RFC6455;

pub(crate) fn serve() -> Server {
    Server::ours("serve", &["--port", "0", "--max-message", "1048576"])
}

pub(crate) fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// Sends all of this and then the end, and gives all that came.
pub(crate) fn exchange(mut stream: TcpStream, bytes: &[u8]) -> Vec<u8> {
    // Who is refused may find that nobody listens any more.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// An open connection of this version.
pub(crate) fn open(server: &Server, version: Version) -> TcpStream {
    let mut stream = connect(server);
    stream.write_all(head(version, "", "").as_bytes()).unwrap();
    let mut answer = Vec::new();
    if version == Version::Hybi00 {
        stream.write_all(b"^n:ds[4U").unwrap();
    }
    while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    if version == Version::Hybi00 {
        let mut proof = [0; 16];
        stream.read_exact(&mut proof).unwrap();
    }
    stream
}

/// It lives, and does what it is there for.
pub(crate) fn echoes(server: &Server) {
    let echoed = exchange(open(server, V13), &masked(&[Frame::text("still there?"), Frame::close(None).unwrap()]));
    assert_eq!(echoed, unmasked(&[Frame::text("still there?"), Frame::close(None).unwrap()]));
}

#[test]
fn serve_refuses_heads_without_an_end() {
    let server = serve();
    for (begin, more) in
        [("", "\r\n"), ("GET /", "a"), ("GET / HTTP/1.1\r\nX: ", "a"), ("GET / HTTP/1.1\r\n", "X: y\r\n")]
    {
        let answer = exchange(connect(&server), [begin, &more.repeat(20_000)].concat().as_bytes());
        assert!(answer.starts_with(b"HTTP/1.1 431 "), "{}", String::from_utf8_lossy(&answer));
    }
    echoes(&server);
}

/// What follows a refusal is not read: neither as a request, nor as frames.
#[test]
fn serve_refuses_what_two_readers_could_read_differently() {
    let server = serve();
    let behind = [head(V13, "", "").as_bytes(), &masked(&[Frame::text("smuggled")])].concat();
    let good = |line: &&str| head(V13, "", "").replace("GET /smuggled HTTP/1.1", line);
    let requests = SMUGGLED.iter().map(|(field, lines, _)| head(V13, field, lines));
    for request in requests.chain(REQUEST_LINES.iter().map(|(line, _)| good(line))) {
        let answer = exchange(connect(&server), &[request.as_bytes(), &behind].concat());
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 4") && answer.contains("\r\nConnection: close"), "{request:?}: {answer}");
        assert!(!answer.contains("smuggled") && !answer.contains(" 101 "), "{request:?}: {answer}");
    }
    echoes(&server);
}

#[test]
fn serve_refuses_what_a_draft_would_repeat() {
    let server = serve();
    for version in [Version::Hixie75, Version::Hybi00] {
        for (field, line) in
            [("Origin", "Origin: http://a\rX: y"), ("Origin", "Origin: http://a\0"), ("Host", "Host: a\rX: y")]
        {
            let request = head(version, field, &format!("{line}\r\n"));
            let answer = exchange(connect(&server), request.as_bytes());
            assert!(answer.starts_with(b"HTTP/1.1 400 "), "{line:?}");
            assert!(!answer.windows(4).any(|window| window == b"X: y" || window == b"p://"), "{line:?}");
        }
    }
    echoes(&server);
}

#[test]
fn serve_takes_a_connection_byte_by_byte() {
    let server = serve();
    for version in VERSIONS {
        let proof = if version == Version::Hybi00 { &b"^n:ds[4U"[..] } else { b"" };
        let (sent, came) = match version.has_length_framing() {
            true => (masked(&[Frame::text("Hello")]), unmasked(&[Frame::text("Hello")])),
            false => (b"\x00Hello\xFF"[..].into(), b"\x00Hello\xFF"[..].into()),
        };
        let wire = [head(version, "", "").as_bytes(), proof, &sent].concat();
        let mut stream = connect(&server);
        wire.iter().for_each(|&byte| stream.write_all(&[byte]).unwrap());
        let answer = exchange(stream, b"");
        assert!(answer.starts_with(b"HTTP/1.1 101 ") && answer.ends_with(&came), "{version}");
    }
}

#[test]
fn serve_reads_what_comes_with_the_request() {
    let server = serve();
    let wire = [head(V13, "", "").as_bytes(), &masked(&[Frame::text("early")])].concat();
    let answer = exchange(connect(&server), &wire);
    let (head, frames) = answer.split_at(answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4);
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    assert_eq!(frames, unmasked(&[Frame::text("early")]), "once");
}

#[test]
fn serve_says_nothing_to_half_a_handshake() {
    let server = serve();
    for version in VERSIONS {
        let request = head(version, "", "");
        for cut in 0..request.len() {
            assert_eq!(exchange(connect(&server), &request.as_bytes()[..cut]), b"", "{version}, {cut}");
        }
    }
    // The head of a hybi-00 request is answered, its eight bytes are waited for.
    for cut in 0..8 {
        let request = head(Version::Hybi00, "", "");
        let answer = exchange(connect(&server), &[request.as_bytes(), &b"^n:ds[4U"[..cut]].concat());
        assert!(answer.starts_with(b"HTTP/1.1 101 ") && answer.ends_with(b"\r\n\r\n"), "{cut}");
    }
    echoes(&server);
}

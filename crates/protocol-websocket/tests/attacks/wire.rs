//! Handshakes over sockets, against the example `serve`.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use protocol_websocket::{Close, CloseCode, Frame, Version};

use crate::ends::{VERSIONS, head, masked, unmasked};
use crate::program::Server;
use crate::upgrade::{REQUEST_LINES, SMUGGLED};

const V13: Version = Version::Rfc6455;

pub(crate) fn serve() -> Server {
    Server::ours("serve", &["--port", "0", "--host", "example.com", "--max-message", "1048576"])
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

/// A server whose deadlines are of one second.
fn with_short_deadlines() -> Server {
    Server::ours("serve", &["--port", "0", "--host", "example.com", "--timeout", "1"])
}

/// The last eight bytes of a hybi-00 request come one by one, each in less time than a handshake has, all in more.
#[test]
fn serve_gives_a_handshake_one_deadline() {
    let server = with_short_deadlines();
    let mut stream = connect(&server);
    stream.write_all(head(Version::Hybi00, "", "").as_bytes()).unwrap();
    for byte in b"^n:ds[4U" {
        thread::sleep(Duration::from_millis(600));
        // The server may be gone already.
        let _ = stream.write_all(&[*byte]);
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.starts_with(b"HTTP/1.1 101 ") && answer.ends_with(b"\r\n\r\n"), "no proof follows the head");
}

#[test]
fn serve_ends_silent_connections() {
    let server = with_short_deadlines();
    let lost = Close::from(CloseCode::INTERNAL_ERROR);
    for version in VERSIONS {
        let end = match version.has_length_framing() {
            true => unmasked(&[Frame::ping(""), Frame::close(Some(&lost)).unwrap()]),
            false => b"\xFF\x00"[..].into(),
        };
        let mut answer = Vec::new();
        open(&server, version).read_to_end(&mut answer).unwrap();
        assert_eq!(answer, end, "{version}");
    }
    for request in ["", "GET / HTTP/1.1\r\n"] {
        let mut stream = connect(&server);
        stream.write_all(request.as_bytes()).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "{request}");
    }
}

/// A page whose site has its name point to this machine can read what we answer: neither the page nor an echo.
#[test]
fn serve_refuses_requests_for_other_hosts() {
    let server = serve();
    let page = |host: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let socket = |host: &str| head(V13, "Host", &format!("Host: {host}\r\n"));
    let status = |request: &str| {
        let answer = exchange(connect(&server), request.as_bytes());
        let answer = String::from_utf8_lossy(&answer);
        assert_eq!(answer.contains("<table"), answer.starts_with("HTTP/1.1 200 "), "{request}");
        answer[9..12].to_owned()
    };
    for name in ["localhost", "127.0.0.1", "[::1]", "example.com", "LocalHost"] {
        for host in [name.to_owned(), format!("{name}:{}", server.port), format!("{name}:80")] {
            assert_eq!([status(&page(&host)), status(&socket(&host))], ["200", "101"], "{host}");
        }
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:3000", "example.com.", "[::2]", "a"]
    {
        assert_eq!([status(&page(host)), status(&socket(host))], ["421", "421"], "{host}");
    }
    let absolute = socket("localhost").replace("GET /", "GET http://evil.example/");
    assert_eq!(status(&absolute), "421");
    for request in ["GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"] {
        assert_eq!(status(request), "400");
    }
}

//! Handshakes over sockets with the example `serve`.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use protocol_websocket::{CloseCode, Frame, Version};

use crate::endpoint::{VERSIONS, head, masked, unmasked};
use crate::program::Server;
use test_support::attacks::{AMBIGUOUS_FIELDS, REQUEST_LINES};

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

/// Sends bytes, ends the sending side, and returns all bytes received.
pub(crate) fn exchange(mut stream: TcpStream, bytes: &[u8]) -> Vec<u8> {
    // A server that refused the request may have closed the connection.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    response
}

/// Opens a connection of a version.
pub(crate) fn open(server: &Server, version: Version) -> TcpStream {
    let mut stream = connect(server);
    stream.write_all(head(version, "", "").as_bytes()).unwrap();
    let mut response = Vec::new();
    if version == Version::Hybi00 {
        stream.write_all(b"^n:ds[4U").unwrap();
    }
    while !response.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        response.extend(byte);
    }
    assert!(response.starts_with(b"HTTP/1.1 101 "));
    if version == Version::Hybi00 {
        let mut proof = [0; 16];
        stream.read_exact(&mut proof).unwrap();
    }
    stream
}

/// Checks that a server still echoes.
pub(crate) fn assert_echoes(server: &Server) {
    let echoed = exchange(open(server, V13), &masked(&[Frame::text("still there?"), Frame::close(None).unwrap()]));
    assert_eq!(echoed, unmasked(&[Frame::text("still there?"), Frame::close(None).unwrap()]));
}

#[test]
fn serve_rejects_endless_heads() {
    let server = serve();
    for (begin, more) in
        [("", "\r\n"), ("GET /", "a"), ("GET / HTTP/1.1\r\nX: ", "a"), ("GET / HTTP/1.1\r\n", "X: y\r\n")]
    {
        let response = exchange(connect(&server), [begin, &more.repeat(20_000)].concat().as_bytes());
        assert!(response.starts_with(b"HTTP/1.1 431 "), "{}", String::from_utf8_lossy(&response));
    }
    assert_echoes(&server);
}

/// Bytes after a refused request are not read as a request, nor as frames.
#[test]
fn serve_rejects_ambiguous_requests() {
    let server = serve();
    let following = [head(V13, "", "").as_bytes(), &masked(&[Frame::text("smuggled")])].concat();
    let good = |line: &&str| head(V13, "", "").replace("GET /smuggled HTTP/1.1", line);
    let requests = AMBIGUOUS_FIELDS.iter().map(|(field, lines, _)| head(V13, field, lines));
    for request in requests.chain(REQUEST_LINES.iter().map(|(line, _)| good(line))) {
        let response = exchange(connect(&server), &[request.as_bytes(), &following].concat());
        let response = String::from_utf8_lossy(&response);
        assert!(
            response.starts_with("HTTP/1.1 4") && response.contains("\r\nConnection: close"),
            "{request:?}: {response}"
        );
        assert!(!response.contains("smuggled") && !response.contains(" 101 "), "{request:?}: {response}");
    }
    assert_echoes(&server);
}

#[test]
fn serve_rejects_values_that_a_draft_would_repeat() {
    let server = serve();
    for version in [Version::Hixie75, Version::Hybi00] {
        for (field, line) in
            [("Origin", "Origin: http://a\rX: y"), ("Origin", "Origin: http://a\0"), ("Host", "Host: a\rX: y")]
        {
            let request = head(version, field, &format!("{line}\r\n"));
            let response = exchange(connect(&server), request.as_bytes());
            assert!(response.starts_with(b"HTTP/1.1 400 "), "{line:?}");
            assert!(!response.windows(4).any(|window| window == b"X: y" || window == b"p://"), "{line:?}");
        }
    }
    assert_echoes(&server);
}

#[test]
fn serve_accepts_a_connection_byte_by_byte() {
    let server = serve();
    for version in VERSIONS {
        let proof = if version == Version::Hybi00 { &b"^n:ds[4U"[..] } else { b"" };
        let (sent, echoed) = match version.has_length_framing() {
            true => (masked(&[Frame::text("Hello")]), unmasked(&[Frame::text("Hello")])),
            false => (b"\x00Hello\xFF"[..].into(), b"\x00Hello\xFF"[..].into()),
        };
        let wire = [head(version, "", "").as_bytes(), proof, &sent].concat();
        let mut stream = connect(&server);
        wire.iter().for_each(|&byte| stream.write_all(&[byte]).unwrap());
        let response = exchange(stream, b"");
        assert!(response.starts_with(b"HTTP/1.1 101 ") && response.ends_with(&echoed), "{version}");
    }
}

#[test]
fn serve_reads_frames_sent_with_the_request() {
    let server = serve();
    let wire = [head(V13, "", "").as_bytes(), &masked(&[Frame::text("early")])].concat();
    let response = exchange(connect(&server), &wire);
    let (head, frames) = response.split_at(response.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4);
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    assert_eq!(frames, unmasked(&[Frame::text("early")]), "the echo was sent once");
}

#[test]
fn serve_does_not_respond_to_an_incomplete_request() {
    let server = serve();
    for version in VERSIONS {
        let request = head(version, "", "");
        for len in 0..request.len() {
            assert_eq!(exchange(connect(&server), &request.as_bytes()[..len]), b"", "{version}, {len}");
        }
    }
    // The server responds to the head of a hybi-00 request and waits for the eight bytes.
    for len in 0..8 {
        let request = head(Version::Hybi00, "", "");
        let response = exchange(connect(&server), &[request.as_bytes(), &b"^n:ds[4U"[..len]].concat());
        assert!(response.starts_with(b"HTTP/1.1 101 ") && response.ends_with(b"\r\n\r\n"), "{len}");
    }
    assert_echoes(&server);
}

/// Starts `serve` with deadlines of one second.
fn with_short_deadlines() -> Server {
    Server::ours("serve", &["--port", "0", "--host", "example.com", "--timeout", "1"])
}

/// The last eight bytes of a hybi-00 request arrive one by one. Each of them arrives within the handshake timeout after
/// the one before, but all of them together take longer.
#[test]
fn serve_gives_a_handshake_one_deadline() {
    let server = with_short_deadlines();
    let mut stream = connect(&server);
    stream.write_all(head(Version::Hybi00, "", "").as_bytes()).unwrap();
    for byte in b"^n:ds[4U" {
        thread::sleep(Duration::from_millis(600));
        // The server may have closed the connection.
        let _ = stream.write_all(&[*byte]);
    }
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response);
    assert!(response.starts_with(b"HTTP/1.1 101 ") && response.ends_with(b"\r\n\r\n"), "no proof follows the head");
}

#[test]
fn serve_ends_silent_connections() {
    let server = with_short_deadlines();
    let lost = CloseCode::INTERNAL_ERROR;
    for version in VERSIONS {
        let end = match version.has_length_framing() {
            true => unmasked(&[Frame::ping(""), Frame::close(lost).unwrap()]),
            false => b"\xFF\x00"[..].into(),
        };
        let mut response = Vec::new();
        open(&server, version).read_to_end(&mut response).unwrap();
        assert_eq!(response, end, "{version}");
    }
    for request in ["", "GET / HTTP/1.1\r\n"] {
        let mut stream = connect(&server);
        stream.write_all(request.as_bytes()).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "{request}");
    }
}

/// A site whose name resolves to this machine gets neither the page nor a connection.
#[test]
fn serve_rejects_requests_for_other_hosts() {
    let server = serve();
    let page = |host: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let socket = |host: &str| head(V13, "Host", &format!("Host: {host}\r\n"));
    let status = |request: &str| {
        let response = exchange(connect(&server), request.as_bytes());
        let response = String::from_utf8_lossy(&response);
        assert_eq!(response.contains("<table"), response.starts_with("HTTP/1.1 200 "), "{request}");
        response[9..12].to_owned()
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

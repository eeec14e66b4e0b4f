//! The baselines of the handshake: httparse, sha1, base64 and a copy. They check nothing that a client or server must
//! check.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

/// Computes the `Sec-WebSocket-Accept` value for a key (RFC 6455 §4.2.2).
#[must_use]
pub fn accept_of(key: &[u8]) -> [u8; 28] {
    let digest = Sha1::new().chain_update(key).chain_update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
    let mut accept = [0; 28];
    STANDARD.encode_slice(digest, &mut accept).expect("20 bytes are 28 characters of base64");
    accept
}

fn value<'h>(headers: &[httparse::Header<'h>], name: &str) -> &'h [u8] {
    headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).expect("the header is present").value
}

/// Replaces `output` with the response 101 to `request`.
pub fn respond(request: &[u8], output: &mut Vec<u8>) {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut parsed = httparse::Request::new(&mut headers);
    assert!(parsed.parse(request).expect("the request is valid").is_complete());
    let accept = accept_of(value(parsed.headers, "Sec-WebSocket-Key"));
    output.clear();
    output.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
    );
    output.extend_from_slice(&accept);
    output.extend_from_slice(b"\r\n\r\n");
}

/// Returns the value of `Sec-WebSocket-Accept` in a response 101.
#[must_use]
pub fn accept_in(response: &[u8]) -> &[u8] {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut parsed = httparse::Response::new(&mut headers);
    assert!(parsed.parse(response).expect("the response is valid").is_complete());
    assert_eq!(parsed.code, Some(101));
    value(parsed.headers, "Sec-WebSocket-Accept")
}

/// The shortest request of a client. The key ends four bytes before the end.
pub const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A client with predictable keys.
#[derive(Default)]
pub struct Client {
    counter: u128,
    key: [u8; 24],
    request: Vec<u8>,
    input: Vec<u8>,
}

impl Client {
    /// Writes a request with the next nonce of a counter.
    pub fn request(&mut self) -> &[u8] {
        self.counter = self.counter.wrapping_add(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        self.request_with(self.counter.to_le_bytes())
    }

    /// Writes a request with this nonce.
    pub fn request_with(&mut self, nonce: [u8; 16]) -> &[u8] {
        STANDARD.encode_slice(nonce, &mut self.key).expect("16 bytes are 24 characters of base64");
        self.request.clear();
        let (before, after) = REQUEST.split_at(REQUEST.len() - 28);
        self.request.extend_from_slice(before);
        self.request.extend_from_slice(&self.key);
        self.request.extend_from_slice(&after[24..]);
        &self.request
    }

    /// Copies the response like a read from a socket, and checks it.
    pub fn receive(&mut self, response: &[u8]) {
        self.input.clear();
        self.input.extend_from_slice(response);
        self.check(&self.input);
    }

    /// Checks a response to the last request.
    pub fn check(&self, response: &[u8]) {
        assert_eq!(accept_in(response), accept_of(&self.key));
    }
}

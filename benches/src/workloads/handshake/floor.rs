//! The floors of the handshake: httparse, sha1, base64 and a copy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use super::Responder;

/// What a server answers to a key (RFC 6455 §4.2.2).
#[must_use]
pub fn accept_of(key: &[u8]) -> [u8; 28] {
    let digest = Sha1::new().chain_update(key).chain_update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
    let mut accept = [0; 28];
    STANDARD.encode_slice(digest, &mut accept).expect("20 bytes are 28 characters");
    accept
}

fn value<'h>(headers: &[httparse::Header<'h>], name: &str) -> &'h [u8] {
    headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).expect("the header is there").value
}

/// Writes the answer to a request.
pub fn answer(request: &[u8], output: &mut Vec<u8>) {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut parsed = httparse::Request::new(&mut headers);
    assert!(parsed.parse(request).expect("it is a request").is_complete());
    let accept = accept_of(value(parsed.headers, "Sec-WebSocket-Key"));
    output.clear();
    output.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
    );
    output.extend_from_slice(&accept);
    output.extend_from_slice(b"\r\n\r\n");
}

/// The value of `Sec-WebSocket-Accept` in an answer 101.
#[must_use]
pub fn accept_in(answer: &[u8]) -> &[u8] {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut parsed = httparse::Response::new(&mut headers);
    assert!(parsed.parse(answer).expect("it is an answer").is_complete());
    assert_eq!(parsed.code, Some(101));
    value(parsed.headers, "Sec-WebSocket-Accept")
}

/// The least that a client says. The key is what is before the last four bytes.
pub const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A client whose keys anybody could foresee.
#[derive(Default)]
pub struct Client {
    counter: u128,
    request: Vec<u8>,
    input: Vec<u8>,
}

impl Client {
    /// Asks, and checks what comes.
    pub fn connect(&mut self, responder: &mut Responder) {
        self.counter = self.counter.wrapping_add(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        let key = self.ask(self.counter.to_le_bytes());
        responder.ask(&self.request);
        let answer = responder.receive();
        assert_eq!(accept_in(answer), accept_of(&key));
        answer.clear();
    }

    /// Asks with this nonce, and checks the answer that is there already.
    pub fn check(&mut self, nonce: [u8; 16], answer: &[u8]) {
        let key = self.ask(nonce);
        std::hint::black_box(&self.request);
        self.input.clear();
        self.input.extend_from_slice(answer);
        assert_eq!(accept_in(&self.input), accept_of(&key));
    }

    /// Writes the request.
    fn ask(&mut self, nonce: [u8; 16]) -> [u8; 24] {
        let mut key = [0; 24];
        STANDARD.encode_slice(nonce, &mut key).expect("16 bytes are 24 characters");
        self.request.clear();
        let (before, after) = REQUEST.split_at(REQUEST.len() - 28);
        self.request.extend_from_slice(before);
        self.request.extend_from_slice(&key);
        self.request.extend_from_slice(&after[24..]);
        key
    }
}

//! The example heads of the specifications.

/// Writes the nonce of the examples in RFC 6455, as a source of random bytes. It is the key of [`RFC6455_REQUEST`]
/// before base64.
///
/// # Panics
///
/// If `buffer` does not have 16 bytes.
pub fn sample_nonce(buffer: &mut [u8]) {
    buffer.copy_from_slice(b"the sample nonce");
}

/// The shortest request that a server upgrades: version 13, no subprotocol, no origin.
pub const REQUEST: &str = concat!(
    "GET / HTTP/1.1\r\n",
    "Host: localhost\r\n",
    "Upgrade: websocket\r\n",
    "Connection: Upgrade\r\n",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    "Sec-WebSocket-Version: 13\r\n",
    "\r\n",
);

/// The request of RFC 6455 §1.2.
pub const RFC6455_REQUEST: &str = concat!(
    "GET /chat HTTP/1.1\r\n",
    "Host: server.example.com\r\n",
    "Upgrade: websocket\r\n",
    "Connection: Upgrade\r\n",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    "Origin: http://example.com\r\n",
    "Sec-WebSocket-Protocol: chat, superchat\r\n",
    "Sec-WebSocket-Version: 13\r\n",
    "\r\n",
);

/// The response of RFC 6455 §1.2 to [`RFC6455_REQUEST`].
pub const RFC6455_RESPONSE: &str = concat!(
    "HTTP/1.1 101 Switching Protocols\r\n",
    "Upgrade: websocket\r\n",
    "Connection: Upgrade\r\n",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
    "Sec-WebSocket-Protocol: chat\r\n",
    "\r\n",
);

/// The request of draft-hixie-75 §1.2.
pub const HIXIE75_REQUEST: &str = concat!(
    "GET /demo HTTP/1.1\r\n",
    "Upgrade: WebSocket\r\n",
    "Connection: Upgrade\r\n",
    "Host: example.com\r\n",
    "Origin: http://example.com\r\n",
    "WebSocket-Protocol: sample\r\n",
    "\r\n",
);

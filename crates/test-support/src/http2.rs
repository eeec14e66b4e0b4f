//! An HTTP/2 client that writes frames of any content, also those that a library refuses to write. Header fields are
//! literals of HPACK without an index and without Huffman's code (RFC 7541 §6.2.2). It decodes no header fields of a server
//! except the status 200.
#![allow(clippy::cast_possible_truncation, reason = "a byte of a length has the lowest bits")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The types of frames (RFC 9113 §6).
pub const DATA: u8 = 0;
/// Header fields.
pub const HEADERS: u8 = 1;
/// The end of a stream with an error code.
pub const RST_STREAM: u8 = 3;
/// The end of a connection with an error code.
pub const GOAWAY: u8 = 7;
/// The flag of the last frame of a stream.
pub const END_STREAM: u8 = 1;
/// The flag of the last frame with header fields.
pub const END_HEADERS: u8 = 4;

const SETTINGS: u8 = 4;
const PING: u8 = 6;
const ACK: u8 = 1;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// `:status: 200` of the static table.
const STATUS_200: u8 = 0x88;

/// The fields of an extended CONNECT that a server accepts.
pub const CONNECT: [(&str, &str); 6] = [
    (":method", "CONNECT"),
    (":protocol", "websocket"),
    (":scheme", "http"),
    (":authority", "localhost"),
    (":path", "/"),
    ("sec-websocket-version", "13"),
];

/// A frame.
#[derive(Debug)]
pub struct Frame {
    /// The type, such as [`DATA`].
    pub kind: u8,
    /// The flags, such as [`END_STREAM`].
    pub flags: u8,
    /// The stream, 0 for the connection.
    pub stream: u32,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Returns whether the frame begins a response with the status 200.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.kind == HEADERS && self.payload.first() == Some(&STATUS_200)
    }

    /// Returns the error code of a RST_STREAM or GOAWAY.
    ///
    /// # Panics
    ///
    /// If the frame is another one.
    #[must_use]
    pub fn error_code(&self) -> u32 {
        let at = if self.kind == RST_STREAM { 0 } else { 4 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

/// A connection to a server.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    next_stream: u32,
}

impl Client {
    /// Connects, and sends the preface.
    ///
    /// # Panics
    ///
    /// If the connection fails.
    #[must_use]
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut client = Self { stream, next_stream: 1 };
        client.stream.write_all(PREFACE).unwrap();
        client.send(SETTINGS, 0, 0, &[]);
        client
    }

    /// Sends a frame.
    ///
    /// # Panics
    ///
    /// If the payload has more than 65,535 bytes.
    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
        let id = stream.to_be_bytes();
        let header = [0, len[0], len[1], kind, flags, id[0], id[1], id[2], id[3]];
        // A server that ended the connection does not read it.
        let _ = self.stream.write_all(&[&header, payload].concat());
    }

    /// Sends a request, and returns its stream.
    pub fn request(&mut self, fields: &[(impl AsRef<[u8]>, impl AsRef<[u8]>)], flags: u8) -> u32 {
        let stream = self.next_stream;
        self.next_stream += 2;
        let block: Vec<u8> = fields.iter().flat_map(|(name, value)| literal(name.as_ref(), value.as_ref())).collect();
        self.send(HEADERS, flags | END_HEADERS, stream, &block);
        stream
    }

    /// Returns the next frame of `stream`, or a GOAWAY, or `None` at the end of the connection. Acknowledges SETTINGS and
    /// PING.
    ///
    /// # Panics
    ///
    /// If no frame arrives within a minute.
    pub fn frame(&mut self, stream: u32) -> Option<Frame> {
        loop {
            let mut header = [0; 9];
            match self.stream.read_exact(&mut header) {
                Ok(()) => {}
                Err(error) => {
                    assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "no frame arrives");
                    return None;
                }
            }
            let [a, b, c, kind, flags, id @ ..] = header;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            self.stream.read_exact(&mut payload).ok()?;
            let frame = Frame { kind, flags, stream: u32::from_be_bytes(id), payload };
            match kind {
                SETTINGS | PING if flags & ACK == 0 => {
                    let payload = if kind == PING { &frame.payload[..] } else { &[] };
                    self.send(kind, ACK, 0, payload);
                }
                DATA | HEADERS | RST_STREAM if frame.stream == stream => return Some(frame),
                GOAWAY => return Some(frame),
                _ => {}
            }
        }
    }

    /// Returns the payloads of the DATA frames of `stream` up to its end.
    ///
    /// # Panics
    ///
    /// If another frame of the stream arrives, or the connection ends.
    pub fn rest(&mut self, stream: u32) -> Vec<u8> {
        let mut received = Vec::new();
        loop {
            let frame = self.frame(stream).unwrap();
            assert_eq!(frame.kind, DATA, "{frame:?}");
            received.extend_from_slice(&frame.payload);
            if frame.flags & END_STREAM != 0 {
                return received;
            }
        }
    }

    /// Opens a WebSocket, and checks that the server sends a text of one byte back.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn assert_echoes(&mut self) {
        let stream = self.request(&CONNECT, 0);
        let response = self.frame(stream).unwrap();
        assert!(response.is_ok(), "{response:?}");
        self.send(DATA, 0, stream, b"\x81\x81\0\0\0\0x");
        let echo = self.frame(stream).unwrap();
        assert_eq!((echo.kind, &echo.payload[..]), (DATA, &b"\x81\x01x"[..]));
        self.send(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
    }
}

/// Encodes a header field.
fn literal(name: &[u8], value: &[u8]) -> Vec<u8> {
    [&[0], &string(name)[..], &string(value)[..]].concat()
}

/// Encodes a string, with its length as an integer of seven bits (RFC 7541 §5.1).
fn string(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    match bytes.len().checked_sub(127) {
        None => encoded.push(bytes.len() as u8),
        Some(mut rest) => {
            encoded.push(127);
            while rest >= 128 {
                encoded.push((rest % 128) as u8 | 128);
                rest /= 128;
            }
            encoded.push(rest as u8);
        }
    }
    encoded.extend_from_slice(bytes);
    encoded
}

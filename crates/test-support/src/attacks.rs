//! What an attacker sends: request lines, header fields and frames that a server refuses.

/// Header fields that two parsers can read in two ways: the field to replace, the lines in its place, and the status.
pub const AMBIGUOUS_FIELDS: &[(&str, &str, u16)] = &[
    ("Host", "", 400),
    ("", "Host: example.com\r\n", 400),
    ("Host", "Host: a b\r\n", 400),
    ("Host", "Host: u@a\r\n", 400),
    ("Host", "Host: a, b:c\r\n", 400),
    ("Host", "Host:\r\n", 400),
    ("", "Content-Length: 5\r\n", 400),
    ("", "Content-Length: 0\r\nContent-Length: 5\r\n", 400),
    ("", "Content-Length: +0\r\n", 400),
    ("", "Transfer-Encoding: chunked\r\n", 400),
    ("", "Content-Length: 0\r\nTransfer-Encoding: identity\r\n", 400),
    ("", "Transfer-Encoding : chunked\r\n", 400),
    ("Upgrade", "Upgrade : websocket\r\n", 400),
    ("Upgrade", "X: a\r\n Upgrade: websocket\r\n", 400),
    ("Upgrade", "X: a\r\n\tb\r\nUpgrade: websocket\r\n", 400),
    ("Upgrade", "X: a\rUpgrade: websocket\r\n", 400),
    ("Upgrade", "X: a\r\rUpgrade: websocket\r\n", 400),
    ("", "X: a\0b\r\n", 400),
    ("", "X: a\x7Fb\r\n", 400),
    ("", "X: \x1B\r\n", 400),
    ("", "X\0: a\r\n", 400),
    ("", "X\x7F: a\r\n", 400),
    ("", "X y: a\r\n", 400),
    ("", ": a\r\n", 400),
    ("", "smuggled\r\n", 400),
    ("Upgrade", "", 426),
    ("Upgrade", "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", 426),
    ("Upgrade", "Upgrade: websocketx\r\n", 426),
    ("Upgrade", "Upgrade: web\u{17F}ocket\r\n", 426),
    ("Upgrade", "Upgrade: websoc\u{212A}et\r\n", 426),
    ("Upgrade", "Upgrade: \"websocket\"\r\n", 426),
    ("Connection", "", 426),
    ("Connection", "Connection: Upgraded\r\n", 426),
    ("Connection", "Connection: keep-alive; Upgrade\r\n", 426),
    // Each version reads the origin from its own field.
    (
        "",
        "Origin: http://a\r\nOrigin: http://a\r\nSec-WebSocket-Origin: http://a\r\nSec-WebSocket-Origin: http://a\r\n",
        400,
    ),
    ("", "Origin: http://a\r\nSec-WebSocket-Origin: http://a\r\nOrigin: http://b\r\n", 400),
    ("", "Origin: http://a\r\nSec-WebSocket-Origin: http://b\r\n", 400),
    ("", "WebSocket-Protocol: a\"b\r\nSec-WebSocket-Protocol: a\"b\r\n", 400),
];

/// Request lines that a server refuses, each in place of `GET /smuggled HTTP/1.1`, and the status.
pub const REQUEST_LINES: &[(&str, u16)] = &[
    ("GET /smuggled HTTP/1.0", 426),
    ("GET /smuggled HTTP/0.9", 400),
    ("GET /smuggled HTTP/2.0", 400),
    ("GET /smuggled HTTP/1.1 x", 400),
    ("GET /smuggled", 400),
    ("GET /a smuggled HTTP/1.1", 400),
    ("GET /\0 HTTP/1.1", 400),
    ("GET /\r HTTP/1.1", 400),
    ("GET /\u{E9} HTTP/1.1", 400),
    ("GET /smuggled#a HTTP/1.1", 400),
    ("GET smuggled HTTP/1.1", 400),
    ("GET * HTTP/1.1", 400),
    ("GET http://u@smuggled/ HTTP/1.1", 400),
    ("GET ws://smuggled/ HTTP/1.1", 400),
    ("POST /smuggled HTTP/1.1", 405),
    ("CONNECT smuggled:80 HTTP/1.1", 405),
    ("get /smuggled HTTP/1.1", 405),
    ("\x16\x03\x01\x02", 400),
];

/// Bytes of a client up to the byte at which the server rejects them, the name of the error, and the close code.
pub const BAD_FRAMES: &[(&[u8], &str, u16)] = &[
    // Lengths of 2^63, 2^64 - 1, 2^64 - 4 and 2^64 - 14, and of 2^63 - 1.
    (b"\x82\xFF\x80\0\0\0\0\0\0\0", "LengthTopBit", 1002),
    (b"\x82\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "LengthTopBit", 1002),
    (b"\x82\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFC", "LengthTopBit", 1002),
    (b"\x82\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xF2", "LengthTopBit", 1002),
    (b"\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "FrameTooLong", 1009),
    (b"\x82\xFF\0\0\0\0\0\x10\0\x01", "FrameTooLong", 1009),
    // The same in fragments.
    (b"\x02\xFF\0\0\0\0\0\x10\0\x01", "FrameTooLong", 1009),
    (b"\x02\x81\0\0\0\0x\x80\xFF\0\0\0\0\0\x10\0\0", "MessageTooLong", 1009),
    // A length that becomes 5 if its upper 32 bits are lost.
    (b"\x82\xFF\0\0\0\x01\0\0\0\x05", "FrameTooLong", 1009),
    // Lengths that are not in their shortest form.
    (b"\x82\xFE\0\x05", "LengthNotMinimal", 1002),
    (b"\x82\xFE\0\x7D", "LengthNotMinimal", 1002),
    (b"\x82\xFF\0\0\0\0\0\0\xFF\xFF", "LengthNotMinimal", 1002),
    // Control frames.
    (b"\x89\xFE", "ControlTooLong", 1002),
    (b"\x8A\xFF", "ControlTooLong", 1002),
    (b"\x88\xFE", "ControlTooLong", 1002),
    (b"\x09\x80", "ControlFragmented", 1002),
    (b"\x88\x81", "CloseTooShort", 1002),
    (b"\x88\x82\0\0\0\0\0\0", "CloseCode(0)", 1002),
    (b"\x88\x82\0\0\0\0\x03\xE7", "CloseCode(999)", 1002),
    (b"\x88\x82\0\0\0\0\x03\xED", "CloseCode(1005)", 1002),
    (b"\x88\x82\0\0\0\0\x03\xF7", "CloseCode(1015)", 1002),
    (b"\x88\x82\0\0\0\0\x13\x88", "CloseCode(5000)", 1002),
    (b"\x88\x84\0\0\0\0\x03\xE8a\xFF", "InvalidUtf8", 1007),
    // Masks, reserved bits and opcodes, and the order of fragments.
    (b"\x82\x05", "MaskMissing", 1002),
    (b"\x82\x7F\0\0\0\0\0\0\xFF\xFF", "LengthNotMinimal", 1002),
    (b"\xC1\x80", "ReservedBits", 1002),
    (b"\xA2\x80", "ReservedBits", 1002),
    (b"\x99\x80", "ReservedBits", 1002),
    (b"\x83\xFF", "ReservedOpCode(3)", 1002),
    (b"\x8F\xFF", "ReservedOpCode(15)", 1002),
    (b"\x80\x80", "OrphanContinuation", 1002),
    (b"\x02\x80\0\0\0\0\x81\x80", "DataInsideMessage", 1002),
    (b"\x01\x81\0\0\0\0x\x81\x80", "DataInsideMessage", 1002),
];

/// Returns the Close with which a server replies to one of [`BAD_FRAMES`]: unmasked, with `code` and without a reason.
#[must_use]
pub fn close_frame(code: u16) -> Vec<u8> {
    [&b"\x88\x02"[..], &code.to_be_bytes()].concat()
}

/// A changed extended CONNECT over HTTP/2.
#[derive(Clone, Copy, Debug)]
pub struct Connect {
    /// The fields of [`CONNECT`](crate::http2::CONNECT) that the request does not have.
    pub without: &'static [&'static str],
    /// The fields in their place. Pseudo-header fields come first.
    pub with: &'static [(&'static str, &'static str)],
    /// The status, `reset` and the error code of the stream, `goaway` and the error code of the connection, or `end` for a
    /// connection that ends without one.
    pub outcome: &'static str,
}

impl Connect {
    const fn new(
        without: &'static [&'static str],
        with: &'static [(&'static str, &'static str)],
        outcome: &'static str,
    ) -> Self {
        Self { without, with, outcome }
    }

    /// Returns all fields of the request.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, &'static str)> {
        let kept = crate::http2::CONNECT.into_iter().filter(|(name, _)| !self.without.contains(name));
        let mut fields: Vec<_> = kept.chain(self.with.iter().copied()).collect();
        fields.sort_by_key(|(name, _)| !name.starts_with(':'));
        fields
    }
}

/// Changed extended CONNECT requests.
pub const CONNECTS: &[Connect] = &[
    Connect::new(&[":protocol"], &[], "reset 1"),
    Connect::new(&[":protocol", ":scheme", ":path"], &[], "501"),
    Connect::new(&[], &[(":protocol", "websocket")], "reset 1"),
    Connect::new(&[":protocol"], &[(":protocol", "")], "501"),
    Connect::new(&[":protocol"], &[(":protocol", "WebSocket")], "501"),
    Connect::new(&[":protocol"], &[(":protocol", "websocket ")], "400"),
    Connect::new(&[":protocol"], &[(":protocol", "websocket\r\nx: y")], "400"),
    Connect::new(&[":method"], &[(":method", "GET")], "reset 1"),
    Connect::new(&[":method", ":protocol"], &[(":method", "GET")], "405"),
    Connect::new(&[":method", ":protocol"], &[(":method", "connect")], "405"),
    Connect::new(&[":method"], &[], "reset 1"),
    Connect::new(&[], &[(":method", "CONNECT")], "reset 1"),
    Connect::new(&[":scheme"], &[], "reset 1"),
    Connect::new(&[":scheme"], &[(":scheme", "")], "400"),
    Connect::new(&[":scheme"], &[(":scheme", "ws")], "400"),
    Connect::new(&[":scheme"], &[(":scheme", "ftp")], "400"),
    Connect::new(&[":scheme"], &[(":scheme", "http://x")], "reset 1"),
    Connect::new(&[], &[(":scheme", "https")], "reset 1"),
    Connect::new(&[":authority"], &[], "400"),
    Connect::new(&[":authority"], &[(":authority", "")], "reset 1"),
    Connect::new(&[":authority"], &[(":authority", "user@localhost")], "400"),
    Connect::new(&[":authority"], &[(":authority", "a b")], "reset 1"),
    Connect::new(&[":authority"], &[(":authority", "a/b")], "reset 1"),
    Connect::new(&[":authority"], &[(":authority", "a\r\nx: y")], "reset 1"),
    Connect::new(&[], &[(":authority", "localhost")], "reset 1"),
    Connect::new(&[":authority"], &[("host", "localhost")], "400"),
    Connect::new(&[":path"], &[], "reset 1"),
    Connect::new(&[":path"], &[(":path", "")], "reset 1"),
    Connect::new(&[":path"], &[(":path", "*")], "400"),
    Connect::new(&[":path"], &[(":path", "smuggled")], "reset 1"),
    Connect::new(&[":path"], &[(":path", "/a b")], "reset 1"),
    Connect::new(&[":path"], &[(":path", "/\r\nx: y")], "reset 1"),
    Connect::new(&[], &[(":path", "/")], "reset 1"),
    Connect::new(&[], &[(":status", "200")], "reset 1"),
    Connect::new(&[], &[("host", "localhost")], "200"),
    Connect::new(&[], &[("host", "other")], "400"),
    Connect::new(&[], &[("host", "localhost"), ("host", "other")], "400"),
    Connect::new(&[], &[("connection", "upgrade")], "reset 1"),
    Connect::new(&[], &[("upgrade", "websocket")], "reset 1"),
    Connect::new(&[], &[("keep-alive", "x")], "reset 1"),
    Connect::new(&[], &[("proxy-connection", "x")], "reset 1"),
    Connect::new(&[], &[("transfer-encoding", "chunked")], "reset 1"),
    Connect::new(&[], &[("te", "gzip")], "reset 1"),
    Connect::new(&[], &[("te", "trailers")], "200"),
    Connect::new(&[], &[("x", " y")], "400"),
    Connect::new(&[], &[("x", "y\t")], "400"),
    Connect::new(&["sec-websocket-version"], &[], "400"),
    Connect::new(&["sec-websocket-version"], &[("sec-websocket-version", "12")], "400"),
    Connect::new(&["sec-websocket-version"], &[("sec-websocket-version", "13, 8")], "400"),
    Connect::new(&["sec-websocket-version"], &[("sec-websocket-version", "013")], "400"),
    Connect::new(&[], &[("sec-websocket-version", "13")], "400"),
    Connect::new(&[], &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")], "200"),
    Connect::new(&[], &[("sec-websocket-key", "x"), ("sec-websocket-key", "y")], "200"),
    Connect::new(&[], &[("sec-websocket-protocol", "a, b"), ("sec-websocket-protocol", "c")], "200"),
    Connect::new(&[], &[("sec-websocket-protocol", "a, b"), ("sec-websocket-protocol", "a")], "400"),
    Connect::new(&[], &[("sec-websocket-protocol", "a\"b")], "400"),
    Connect::new(&[], &[("sec-websocket-extensions", "x; y=\",permessage-deflate,\"")], "400"),
    Connect::new(&[], &[("sec-websocket-extensions", "x; y="), ("sec-websocket-extensions", "x")], "400"),
    Connect::new(&[], &[("sec-websocket-extensions", "permessage-deflate; server_max_window_bits=99")], "200"),
    Connect::new(&[], &[("origin", "http://a"), ("origin", "http://b")], "400"),
    Connect::new(&[], &[("cookie", "a=b"), ("cookie", "\"; c=\"d"), ("cookie", "")], "200"),
    Connect::new(&[], &[("content-length", "0")], "200"),
    Connect::new(&[], &[("content-length", "x")], "reset 1"),
    Connect::new(&[], &[("content-length", "0"), ("content-length", "5")], "reset 1"),
    // h2 ends the connection because of a malformed field, and hyper because of a body.
    Connect::new(&[], &[(":unknown", "x")], "goaway 1"),
    Connect::new(&[], &[("Sec-WebSocket-Key", "x")], "goaway 1"),
    Connect::new(&[], &[("", "x")], "goaway 1"),
    Connect::new(&[], &[("x y", "z")], "goaway 1"),
    Connect::new(&[], &[("x", "y\r\nz: z")], "goaway 1"),
    Connect::new(&[], &[("x", "\0")], "goaway 1"),
    Connect::new(&[], &[("content-length", "5")], "end"),
];

//! One end of a connection, and what an attacker sends it.

use bytes::BytesMut;
use protocol_websocket::frame::{Extension, MaskKey, Rsv};
use protocol_websocket::{
    Accept, Client, Config, Connection, Error, Event, Frame, Negotiated, Offer, OpCode, Server, Url, Version,
};
use protocol_websocket_permessage_deflate::Deflater;

pub(crate) const KEY: MaskKey = MaskKey([7; 4]);

/// Whatever takes bytes and gives events.
pub(crate) trait End {
    fn receive(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<Event>, Error>;
}

/// What came of some bytes.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) events: Vec<Event>,
    pub(crate) end: Result<(), Error>,
    pub(crate) output: BytesMut,
    /// How many bytes were sent before it ended.
    pub(crate) sent: usize,
    /// What was left of them.
    pub(crate) left: BytesMut,
}

/// Sends `wire` in pieces, until it is sent or the end has failed.
pub(crate) fn send(end: &mut impl End, wire: &[u8], piece: usize) -> Told {
    let (mut input, mut output, mut events, mut sent) = (BytesMut::new(), BytesMut::new(), Vec::new(), 0);
    for bytes in wire.chunks(piece) {
        input.extend_from_slice(bytes);
        sent += bytes.len();
        loop {
            match end.receive(&mut input, &mut output) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => return Told { events, end: Err(error), output, sent, left: input },
            }
        }
    }
    Told { events, end: Ok(()), output, sent, left: input }
}

/// A server's end that is open.
pub(crate) fn server(config: &Config) -> Connection {
    Connection::server(&Negotiated::default(), config)
}

/// A client's.
pub(crate) fn client(config: &Config) -> Connection {
    Connection::client(&Negotiated::default(), config, fixed)
}

/// A server's end whose handshake is to come. It says yes to everybody.
pub(crate) struct Open(pub(crate) Server);

impl Open {
    pub(crate) fn new(config: Config) -> Self {
        Self(Server::new(config))
    }
}

/// A client that has asked, and its request.
pub(crate) fn asking(offer: &Offer) -> (Client, BytesMut) {
    let (url, mut request) = (Url::parse("ws://example.com/").unwrap(), BytesMut::new());
    let client = Client::connect(&url, offer, Config::new(), fixed, &mut request).unwrap();
    (client, request)
}

pub(crate) fn fixed(bytes: &mut [u8]) {
    bytes.fill(7);
}

/// Frames as a client sends them.
pub(crate) fn masked(frames: &[Frame]) -> BytesMut {
    encoded(frames, Some(KEY))
}

/// Frames as a server sends them.
pub(crate) fn unmasked(frames: &[Frame]) -> BytesMut {
    encoded(frames, None)
}

fn encoded(frames: &[Frame], mask: Option<MaskKey>) -> BytesMut {
    let mut wire = BytesMut::new();
    frames.iter().for_each(|frame| frame.encode(Version::Rfc6455, mask, &mut wire).unwrap());
    wire
}

/// So many MiB of zeros, compressed to a thousandth.
pub(crate) fn bomb(mib: usize) -> Frame {
    let mut deflater = Deflater::new(15).level(9);
    // With nothing but zeros in the window, each piece comes out as the one before it.
    let mut piece = |opcode| deflater.encode(Frame::new(opcode, vec![0; 1 << 20]).with_fin(false)).unwrap();
    let (first, again) = (piece(OpCode::Binary), piece(OpCode::Continuation));
    Frame::binary([&first.payload()[..], &again.payload().repeat(mib - 1)].concat()).with_rsv(Rsv::RSV1)
}

/// A Close with this code and nothing else, as a server sends it.
pub(crate) fn close(code: u16) -> Vec<u8> {
    [&b"\x88\x02"[..], &code.to_be_bytes()].concat()
}

/// What a version has in its request beside what all have.
pub(crate) fn proof(version: Version) -> &'static [(&'static str, &'static str)] {
    const KEY: (&str, &str) = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    match version {
        Version::Hixie75 => &[],
        Version::Hybi00 => {
            &[("Sec-WebSocket-Key1", "4 @1  46546xW%0l 1 5"), ("Sec-WebSocket-Key2", "12998 5 Y3 1  .P00")]
        }
        Version::Hybi10 => &[KEY, ("Sec-WebSocket-Version", "8")],
        Version::Rfc6455 => &[KEY, ("Sec-WebSocket-Version", "13")],
    }
}

pub(crate) const VERSIONS: [Version; 4] = [Version::Rfc6455, Version::Hybi10, Version::Hybi00, Version::Hixie75];

/// The head of a request, good but for the field `without`, in whose place `lines` stand.
pub(crate) fn head(version: Version, without: &str, lines: &str) -> String {
    let common = [("Host", "example.com"), ("Upgrade", "websocket"), ("Connection", "Upgrade")];
    let fields = common.iter().chain(proof(version)).filter(|field| field.0 != without);
    let fields: String = fields.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("GET /smuggled HTTP/1.1\r\n{fields}{lines}\r\n")
}

impl End for Connection {
    fn receive(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<Event>, Error> {
        Self::receive(self, input, output)
    }
}

impl End for Client {
    fn receive(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<Event>, Error> {
        Self::receive(self, input, output)
    }
}

impl End for Server {
    fn receive(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<Event>, Error> {
        Self::receive(self, input, output)
    }
}

impl End for Open {
    fn receive(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<Event>, Error> {
        match self.0.receive(input, output)? {
            Some(Event::Upgrade(upgrade)) => {
                self.0.accept(upgrade, &Accept::new(), output).unwrap();
                self.0.receive(input, output)
            }
            event => Ok(event),
        }
    }
}

//! One endpoint, and functions that send an attacker's bytes to it.

use bytes::BytesMut;
use protocol_websocket::frame::{MaskKey, Rsv};
use protocol_websocket::{
    Accept, Config, Connection, Error, Event, ExtensionEncoder, Frame, Negotiated, Offer, OpCode, Url, Version,
};
use protocol_websocket_permessage_deflate::Deflater;

pub(crate) const KEY: MaskKey = MaskKey([7; 4]);

/// An endpoint that receives bytes and returns events.
pub(crate) trait Receive {
    fn receive(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<Event>, Error>;
}

/// The outcome of sending bytes to an endpoint.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) events: Vec<Event>,
    pub(crate) result: Result<(), Error>,
    pub(crate) output: BytesMut,
    /// Number of bytes sent before the endpoint returned an error.
    pub(crate) sent: usize,
    /// The bytes that the endpoint did not consume.
    pub(crate) remaining: BytesMut,
}

/// Sends `wire` in pieces of `piece` bytes, until all is sent or the endpoint returns an error.
pub(crate) fn send(endpoint: &mut impl Receive, wire: &[u8], piece: usize) -> Received {
    let (mut input, mut output, mut events, mut sent) = (BytesMut::new(), BytesMut::new(), Vec::new(), 0);
    for bytes in wire.chunks(piece) {
        input.extend_from_slice(bytes);
        sent += bytes.len();
        loop {
            match endpoint.receive(&mut input, &mut output) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => return Received { events, result: Err(error), output, sent, remaining: input },
            }
        }
    }
    Received { events, result: Ok(()), output, sent, remaining: input }
}

/// Creates an open connection of a server.
pub(crate) fn server(config: &Config) -> Connection {
    Connection::open_server(&Negotiated::default(), config)
}

/// Creates an open connection of a client.
pub(crate) fn client(config: &Config) -> Connection {
    Connection::open_client(&Negotiated::default(), config, fixed_random)
}

/// A server before its handshake, which accepts every request.
pub(crate) struct AcceptingServer(pub(crate) Connection);

impl AcceptingServer {
    pub(crate) fn new(config: Config) -> Self {
        Self(Connection::server(config))
    }
}

/// Creates a client that has sent its request, and returns both.
pub(crate) fn connecting_client(offer: &Offer) -> (Connection, BytesMut) {
    let (url, mut request) = (Url::parse("ws://example.com/").unwrap(), BytesMut::new());
    let client = Connection::client(&url, offer, Config::new(), fixed_random, &mut request).unwrap();
    (client, request)
}

pub(crate) fn fixed_random(bytes: &mut [u8]) {
    bytes.fill(7);
}

/// Encodes frames as a client sends them.
pub(crate) fn masked(frames: &[Frame]) -> BytesMut {
    encoded(frames, Some(KEY))
}

/// Encodes frames as a server sends them.
pub(crate) fn unmasked(frames: &[Frame]) -> BytesMut {
    encoded(frames, None)
}

fn encoded(frames: &[Frame], mask: Option<MaskKey>) -> BytesMut {
    let mut wire = BytesMut::new();
    frames.iter().for_each(|frame| frame.encode(Version::Rfc6455, mask, &mut wire).unwrap());
    wire
}

/// Compresses `mib` MiB of zeros, to about a thousandth.
pub(crate) fn bomb(mib: usize) -> Frame {
    let mut deflater = Deflater::new(15).level(9);
    // Because the window holds only zeros, each piece after the first is compressed to the same bytes.
    let mut piece = |opcode| {
        let frame = Frame::new(opcode, vec![0; 1 << 20]).with_fin(false);
        deflater.encode(frame.into()).unwrap().into_owned()
    };
    let (first, again) = (piece(OpCode::Binary), piece(OpCode::Continuation));
    Frame::binary([&first.payload()[..], &again.payload().repeat(mib - 1)].concat()).with_rsv(Rsv::RSV1)
}

/// Returns the header fields of a request that are particular to a version.
pub(crate) fn version_headers(version: Version) -> &'static [(&'static str, &'static str)] {
    const KEY: (&str, &str) = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    match version {
        Version::Hixie75 => &[],
        Version::Hybi00 => {
            &[("Sec-WebSocket-Key1", "4 @1  46546xW%0l 1 5"), ("Sec-WebSocket-Key2", "12998 5 Y3 1  .P00")]
        }
        Version::Hybi10 => &[KEY, ("Sec-WebSocket-Version", "8")],
        _ => &[KEY, ("Sec-WebSocket-Version", "13")],
    }
}

pub(crate) const VERSIONS: [Version; 4] = [Version::Rfc6455, Version::Hybi10, Version::Hybi00, Version::Hixie75];

/// Returns the head of a valid request, with `lines` in place of the header field `without`.
pub(crate) fn head(version: Version, without: &str, lines: &str) -> String {
    let common = [("Host", "example.com"), ("Upgrade", "websocket"), ("Connection", "Upgrade")];
    let fields = common.iter().chain(version_headers(version)).filter(|field| field.0 != without);
    let fields: String = fields.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("GET /smuggled HTTP/1.1\r\n{fields}{lines}\r\n")
}

impl Receive for Connection {
    fn receive(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<Event>, Error> {
        Self::receive(self, input, output)
    }
}

impl Receive for AcceptingServer {
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

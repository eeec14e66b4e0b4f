//! An open connection that receives any bytes, and the conversion of recordings to inputs.

use arbitrary::Arbitrary;
use bytes::BytesMut;
use protocol_websocket_connection::{
    Config, Connection, Ended, Error, ExtensionParams, Limits, Negotiated, Role, Version,
};
use protocol_websocket_http::{HeadLimits, HeadReader};
use protocol_websocket_permessage_deflate::PermessageDeflate;
use protocol_websocket_record::RecordedConnection;

use crate::input::{bit, every_split, read};

const VERSIONS: [Version; 4] = [Version::Rfc6455, Version::Hybi10, Version::Hybi00, Version::Hixie75];
/// The limits of a message: for short inputs, the default, that of `wsconsole`, and unlimited.
const LIMITS: [u64; 4] = [200, 1 << 20, 100 << 20, u64::MAX];
/// The bits of `extension` with the names of their parameters of permessage-deflate.
const FLAGS: [(u8, &str); 2] = [(1, "server_no_context_takeover"), (2, "client_no_context_takeover")];
/// The lengths of the pieces of a seed.
const SPLITS: [u8; 4] = [2, 0, 16, 5];

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    /// Bit 0 is the role, bits 1 and 2 the version, bits 3 and 4 the limit.
    options: u8,
    /// Bit 0 is permessage-deflate, then its flags.
    extension: u8,
    /// The window bits of permessage-deflate: of the server in the lower half, of the client in the upper half.
    windows: u8,
    splits: [u8; 4],
    stream: &'a [u8],
}

/// The events, the replies, and how the connection ended.
type Trace = (Vec<String>, BytesMut, Option<Ended>);

/// An open connection has the same events, replies and end however its input is split. An error is final. If a compressed
/// message has several errors, the one that is found first depends on the split.
pub fn open_connection(data: &[u8]) {
    let Some(input) = read::<Input<'_>>(data) else { return };
    let whole = run(&input, &mut [input.stream].into_iter());
    every_split(input.stream, &input.splits, |pieces| {
        let (events, replies, ended) = run(&input, pieces);
        if bit(input.extension, 0)
            && whole.2.as_ref().is_some_and(|ended| matches!(ended.error, Some(Error::Decode(_))))
        {
            assert_eq!(events, whole.0);
            assert!(ended.is_some_and(|ended| matches!(ended.error, Some(Error::Decode(_)))));
        } else {
            assert_eq!((events, replies, ended), whole);
        }
    });
}

impl Input<'_> {
    fn connection(&self) -> Connection {
        let limit = LIMITS[usize::from(self.options >> 3 & 3)];
        let config = Config::new().limits(Limits::new(limit)).extension(PermessageDeflate::new());
        let version = VERSIONS[usize::from(self.options >> 1 & 3)];
        let mut negotiated = Negotiated::new().version(version);
        if bit(self.extension, 0) && version.has_length_framing() {
            negotiated = negotiated.extension(self.params());
        }
        match bit(self.options, 0) {
            true => Connection::open_server(&negotiated, config),
            false => Connection::open_client(&negotiated, config, |key: &mut [u8]| key.fill(7)),
        }
    }

    fn params(&self) -> ExtensionParams {
        let mut params = ExtensionParams::new("permessage-deflate");
        for (number, name) in FLAGS {
            if bit(self.extension, number) {
                params = params.flag(name);
            }
        }
        for (name, bits) in
            [("server_max_window_bits", self.windows & 15), ("client_max_window_bits", self.windows >> 4)]
        {
            if (9..=15).contains(&bits) {
                params = params.param(name, bits.to_string());
            }
        }
        params
    }
}

fn run(input: &Input<'_>, pieces: &mut dyn Iterator<Item = &[u8]>) -> Trace {
    let mut connection = input.connection();
    let (mut buffer, mut output, mut replies) = (BytesMut::new(), BytesMut::new(), BytesMut::new());
    let mut events = Vec::new();
    'stream: for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            let received = connection.receive(&mut buffer, &mut output);
            replies.extend_from_slice(&output);
            output.clear();
            match received {
                Ok(None) => break,
                Ok(Some(event)) => events.push(format!("{event:?}")),
                Err(error) => {
                    assert_eq!(connection.receive(&mut buffer, &mut output), Err(error));
                    assert_eq!(connection.ended().and_then(|ended| ended.error), Some(error));
                    break 'stream;
                }
            }
        }
    }
    let _ = connection.receive_eof();
    (events, replies, connection.ended().cloned())
}

/// Returns the error that ends the connection of an input.
pub fn error_of(data: &[u8]) -> Option<Error> {
    let input = read::<Input<'_>>(data)?;
    run(&input, &mut [input.stream].into_iter()).2?.error
}

/// Converts the recorded input of a connection to an input of [`open_connection`]. Returns `None` if the connection did not
/// open, has no recorded input, or has an extension besides permessage-deflate.
pub fn seed(connection: &RecordedConnection) -> Option<Vec<u8>> {
    let open = connection.open.as_ref()?;
    let version = VERSIONS.iter().position(|version| *version == open.version)?;
    let limit = match connection.ended.as_ref().and_then(|ended| ended.error.as_deref()) {
        Some(error) if error.contains("limit") => 1,
        _ => 3,
    };
    let role = u8::from(connection.role == Some(Role::Server));
    let options = role | u8::try_from(version).ok()? << 1 | limit << 3;
    let (mut extension, mut windows) = (0, 0);
    for params in &open.extensions {
        let mut params = params.split("; ");
        if params.next() != Some("permessage-deflate") {
            return None;
        }
        extension |= 1;
        for param in params {
            match param.split_once('=') {
                Some(("server_max_window_bits", bits)) => windows |= bits.parse::<u8>().ok()? & 15,
                Some(("client_max_window_bits", bits)) => windows |= bits.parse::<u8>().ok()? << 4,
                _ => extension |= FLAGS.iter().find(|(_, name)| *name == param).map(|(number, _)| 1 << number)?,
            }
        }
    }
    let stream = after_handshake(connection);
    let seed = [&[options, extension, windows], &SPLITS[..], &stream].concat();
    (!stream.is_empty()).then_some(seed)
}

/// Returns the input without the opening handshake, which a log with secrets has.
fn after_handshake(connection: &RecordedConnection) -> Vec<u8> {
    let mut input = BytesMut::from(&connection.input[..]);
    let mut reader = HeadReader::new(HeadLimits::new().max_len(input.len()).max_headers(input.len()));
    let (has_head, proof_len) = match connection.role {
        Some(Role::Server) => (matches!(reader.request(&mut input), Ok(Some(_))), 8),
        _ => (matches!(reader.final_response(&mut input), Ok(Some(_))), 16),
    };
    let is_proven = connection.open.as_ref().is_some_and(|open| open.version == Version::Hybi00);
    match has_head {
        true => input.get(if is_proven { proof_len } else { 0 }..).unwrap_or_default().to_vec(),
        false => connection.input.clone(),
    }
}

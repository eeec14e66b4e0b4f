//! What several of these tests need.
#![allow(dead_code, reason = "each test binary uses some of it")]

use bytes::BytesMut;
use protocol_websocket_core::{Role, Version};
use protocol_websocket_frame::{DecodeError, Decoder, Frame, MaskKey, mask};

pub(crate) const KEY: MaskKey = MaskKey([0x37, 0xFA, 0x21, 0x3D]);

/// What a decoder made of some bytes: the frames, and how it ended.
pub(crate) type Outcome = (Vec<Frame>, Result<(), DecodeError>);

/// A client's decoder: it takes unmasked frames, which are the easier ones to write down.
pub(crate) fn client() -> Decoder {
    Decoder::new(Role::Client)
}

pub(crate) fn server() -> Decoder {
    Decoder::new(Role::Server)
}

/// Everything that can be decoded from `input` now.
pub(crate) fn drain(decoder: &mut Decoder, input: &mut BytesMut) -> Outcome {
    let mut frames = Vec::new();
    loop {
        match decoder.decode(input) {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, Ok(())),
            Err(error) => return (frames, Err(error)),
        }
    }
}

/// The outcome of `pieces`, each decoded before the next one comes.
pub(crate) fn decode<P: AsRef<[u8]>>(mut decoder: Decoder, pieces: impl IntoIterator<Item = P>) -> Outcome {
    let (mut input, mut frames) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece.as_ref());
        let (more, end) = drain(&mut decoder, &mut input);
        frames.extend(more);
        if end.is_err() {
            return (frames, end);
        }
    }
    (frames, Ok(()))
}

/// The error that `bytes` end in, if any, when they come at once; the same must come of them byte by byte.
pub(crate) fn verdict(decoder: &Decoder, bytes: &[u8]) -> Result<(), DecodeError> {
    let whole = decode(decoder.clone(), [bytes]);
    assert_eq!(decode(decoder.clone(), bytes.chunks(1)).1, whole.1, "byte by byte: {bytes:02x?}");
    whole.1
}

/// The frames on the wire, as a server or (with a key) a client sends them.
pub(crate) fn encode(frames: &[Frame], mask: Option<MaskKey>) -> BytesMut {
    let mut wire = BytesMut::new();
    for frame in frames {
        frame.encode(Version::Rfc6455, mask, &mut wire).unwrap();
    }
    wire
}

/// A frame on the wire that we would not send ourselves.
pub(crate) fn encode_unchecked(frame: &Frame, key: Option<MaskKey>) -> BytesMut {
    let mut payload = BytesMut::from(&frame.payload()[..]);
    if let Some(key) = key {
        mask(&mut payload, key, 0);
    }
    let mut wire = BytesMut::from(&frame.header(key).encode().unwrap()[..]);
    wire.unsplit(payload);
    wire
}

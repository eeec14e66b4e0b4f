//! Functions that several tests share.
#![allow(dead_code, reason = "each test binary uses only some of the functions")]

use bytes::BytesMut;
use protocol_websocket_core::{Role, Version};
use protocol_websocket_frame::{DecodeError, Decoder, Frame, MaskKey, mask};

pub(crate) const KEY: MaskKey = MaskKey([0x37, 0xFA, 0x21, 0x3D]);

/// The decoded frames, and the error that ended the decoding.
pub(crate) type Outcome = (Vec<Frame>, Result<(), DecodeError>);

/// Returns the decoder of a client, which accepts unmasked frames. Tests with literal bytes use it.
pub(crate) fn client() -> Decoder {
    Decoder::new(Role::Client)
}

pub(crate) fn server() -> Decoder {
    Decoder::new(Role::Server)
}

/// Decodes all frames of `input`.
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

/// Decodes each piece before the next one is appended.
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

/// Decodes `bytes` at once and byte by byte, and checks that the result is the same. Returns it without the frames.
pub(crate) fn result_of(decoder: &Decoder, bytes: &[u8]) -> Result<(), DecodeError> {
    let whole = decode(decoder.clone(), [bytes]);
    assert_eq!(decode(decoder.clone(), bytes.chunks(1)).1, whole.1, "byte by byte: {bytes:02x?}");
    whole.1
}

/// Encodes the frames as a server or, with a key, as a client.
pub(crate) fn encode(frames: &[Frame], mask: Option<MaskKey>) -> BytesMut {
    let mut wire = BytesMut::new();
    for frame in frames {
        frame.encode(Version::Rfc6455, mask, &mut wire).unwrap();
    }
    wire
}

/// Encodes a frame that `Frame::encode` rejects.
pub(crate) fn encode_unchecked(frame: &Frame, key: Option<MaskKey>) -> BytesMut {
    let mut payload = BytesMut::from(&frame.payload()[..]);
    if let Some(key) = key {
        mask(&mut payload, key, 0);
    }
    let mut wire = BytesMut::from(&frame.header(key).encode().unwrap()[..]);
    wire.unsplit(payload);
    wire
}

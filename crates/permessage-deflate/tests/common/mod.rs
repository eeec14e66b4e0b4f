//! Helpers of the tests: both directions with frames that own their payload, and sample data.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses some of it, and a failure must be visible")]

use bytes::Bytes;
use protocol_websocket_frame::{DecodeError, ExtensionDecoder, ExtensionEncoder, Frame, OpCode};
use protocol_websocket_permessage_deflate::{Deflater, Inflater};

pub(crate) fn encode(deflater: &mut Deflater, frame: Frame) -> Frame {
    deflater.encode(frame.into()).unwrap().into_owned()
}

pub(crate) fn decode(
    inflater: &mut Inflater,
    frame: Frame,
    room: usize,
) -> Result<(Frame, Option<Frame>), DecodeError> {
    let (frame, rest) = inflater.decode(frame.into(), room)?;
    Ok((frame.into_owned(), rest.map(Frame::into_owned)))
}

/// Splits a message into fragments of these lengths and a last one with the rest.
pub(crate) fn fragments(message: &[u8], sizes: &[usize]) -> Vec<Frame> {
    let mut rest = Bytes::copy_from_slice(message);
    let mut pieces: Vec<_> = sizes.iter().map(|&size| rest.split_to(size.min(rest.len()))).collect();
    pieces.push(rest);
    let last = pieces.len() - 1;
    let frame = |(at, piece)| {
        let opcode = if at == 0 { OpCode::Binary } else { OpCode::Continuation };
        Frame::new(opcode, piece).with_fin(at == last)
    };
    pieces.into_iter().enumerate().map(frame).collect()
}

/// Returns bytes that do not compress, the same ones each time.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    test_support::noise::noise(1).take(len).collect()
}

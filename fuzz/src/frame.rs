//! Frame headers, frames, masks and UTF-8.

use arbitrary::{Arbitrary, Unstructured};
use bytes::{Bytes, BytesMut};
use protocol_websocket_frame::{
    Assembler, Close, DecodeError, Decoder, Fragmenter, Frame, FrameHeader, Limits, MaskKey, OpCode, Role, Rsv,
    Utf8Bytes, Utf8Validator, Version,
};

use crate::input::{pieces, read};
use crate::model;

/// Encoding a header is the inverse of parsing it. Every shorter prefix is incomplete. A simple parser returns the
/// same.
pub fn frame_header(data: &[u8]) {
    let expected = model::header(data);
    if let Ok(Some((header, used))) = FrameHeader::parse(data) {
        assert_eq!(*header.encode().unwrap(), data[..used]);
        assert!((0..used).all(|len| FrameHeader::parse(&data[..len]) == Ok(None)));
        let expected = expected.unwrap();
        assert_eq!(
            (header.fin, header.rsv.bits(), header.opcode.bits()),
            (expected.fin, expected.rsv, expected.opcode)
        );
        assert_eq!(
            (header.mask.map(|MaskKey(key)| key), header.len, used),
            (expected.mask, expected.len, expected.used)
        );
    } else if let Some(expected) = expected {
        assert!(!expected.is_valid());
    }
    let Some((fin, bits, mask, len)) = read::<(bool, u8, Option<[u8; 4]>, u64)>(data) else { return };
    let Some(opcode) = OpCode::from_bits(bits & 0x0F) else { return };
    let header =
        FrameHeader::new(opcode, len).with_fin(fin).with_rsv(Rsv::from_bits(bits)).with_mask(mask.map(MaskKey));
    match header.encode() {
        Ok(bytes) => assert_eq!(FrameHeader::parse(&bytes), Ok(Some((header, bytes.len())))),
        Err(_) => assert!(len >> 63 != 0 || opcode.is_control() && (!fin || len > 125)),
    }
}

/// A valid sequence of frames is decoded to the frames that were encoded, by a decoder that allows the reserved bits.
pub fn frame_encode(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let options = input.arbitrary::<u8>().unwrap_or_default();
    let version = [Version::Rfc6455, Version::Hybi10, Version::Hybi00, Version::Hixie75][usize::from(options % 4)];
    let role = if options & 4 == 0 { Role::Client } else { Role::Server };
    let (mut fragments, mut wire, mut sent) = (Fragmenter::new(), BytesMut::new(), Vec::new());
    while let Ok((frame, key)) = arbitrary_frame(&mut input) {
        let key = (role == Role::Server).then_some(MaskKey(key));
        let end = wire.len();
        let written = frame.encode(version, key, &mut wire);
        let mut shared = BytesMut::new();
        let rest = frame.clone().encode_shared(version, key, &mut shared);
        assert_eq!(rest.as_ref().err(), written.as_ref().err());
        let Ok(rest) = rest else {
            assert_eq!((wire.len(), shared.len()), (end, 0));
            continue;
        };
        assert_eq!(wire[end..], [&shared[..], &rest.unwrap_or_default()].concat());
        let is_invalid_text = frame.opcode() == OpCode::Text && !version.has_length_framing();
        let fits = frame.opcode().is_control() || fragments.record_fragment(&frame).is_ok();
        if fits && !(is_invalid_text && str::from_utf8(frame.payload()).is_err()) {
            sent.push(frame);
        } else {
            wire.truncate(end);
        }
    }
    let mut decoder = Decoder::new(role).version(version).limits(Limits::NONE);
    decoder = decoder.allow_rsv(Rsv::RSV1 | Rsv::RSV2 | Rsv::RSV3);
    let mut assembler = Assembler::new(Limits::NONE);
    for frame in sent {
        assert_eq!(decoder.decode(&mut wire).unwrap().as_ref(), Some(&frame));
        if frame.opcode() == OpCode::Close {
            let close = Close::parse(frame.payload()).unwrap();
            assert_eq!(Frame::close(close).unwrap(), frame.clone().with_rsv(Rsv::NONE));
        }
        let ends = frame.fin() && !frame.opcode().is_control();
        match assembler.push(frame) {
            Ok(message) => assert_eq!(message.is_some(), ends),
            // The decoder does not validate text with reserved bits.
            Err(error) => return assert_eq!(error, DecodeError::InvalidUtf8),
        }
    }
    assert_eq!((decoder.decode(&mut wire), wire.len()), (Ok(None), 0));
}

fn arbitrary_frame(input: &mut Unstructured<'_>) -> arbitrary::Result<(Frame, [u8; 4])> {
    if input.is_empty() {
        return Err(arbitrary::Error::NotEnoughData);
    }
    let (first, len, key) = <(u8, u8, [u8; 4])>::arbitrary(input)?;
    let opcode = OpCode::from_bits(first & 0x0F).unwrap_or(OpCode::Text);
    let payload = match len {
        // Lengths around those where the encoding of the length changes.
        0xF0..=0xF7 => vec![b'x'; 65_532 + usize::from(len & 7)],
        0xF8..=0xFF => vec![b'y'; 123 + usize::from(len & 7)],
        len => input.bytes(usize::from(len).min(input.len()))?.to_vec(),
    };
    let rsv = if matches!(opcode, OpCode::Text | OpCode::Binary) { Rsv::from_bits(first) } else { Rsv::NONE };
    Ok((Frame::new(opcode, payload).with_fin(first & 0x80 != 0).with_rsv(rsv), key))
}

/// Masking is an exclusive or with the repeated key, however the payload is split. Masking twice restores the payload.
pub fn mask(data: &[u8]) {
    let Some((key, offset, splits, payload)) = read::<([u8; 4], u64, [u8; 4], &[u8])>(data) else { return };
    let Ok(offset) = usize::try_from(offset >> 1) else { return };
    let expected: Vec<u8> = payload.iter().enumerate().map(|(at, byte)| byte ^ key[(offset + at) % 4]).collect();
    let mut masked = Vec::new();
    for piece in pieces(payload, &splits) {
        let start = masked.len();
        masked.extend_from_slice(piece);
        protocol_websocket_frame::mask(&mut masked[start..], MaskKey(key), offset + start);
    }
    assert_eq!(masked, expected);
    protocol_websocket_frame::mask(&mut masked, MaskKey(key), offset);
    assert_eq!(masked, payload);
}

/// Validation has the same result as `core::str`, and fails at the first invalid byte, however the text is split.
pub fn utf8(data: &[u8]) {
    let Some((splits, text)) = read::<([u8; 4], &[u8])>(data) else { return };
    let whole = core::str::from_utf8(text);
    let checked = Utf8Bytes::try_from(Bytes::copy_from_slice(text));
    assert_eq!(checked.as_ref().map(|text| &**text).ok(), whole.ok());

    let single_bytes = text.get(..128).unwrap_or(text).chunks(1);
    check_pieces(text, pieces(text, &splits));
    check_pieces(text, single_bytes);
}

fn check_pieces<'a>(text: &[u8], pieces: impl Iterator<Item = &'a [u8]>) {
    let (mut validator, mut seen) = (Utf8Validator::new(), 0);
    for piece in pieces {
        seen += piece.len();
        let expected = core::str::from_utf8(&text[..seen]);
        let is_invalid = expected.is_err_and(|error| error.error_len().is_some());
        assert_eq!(validator.push(piece).is_err(), is_invalid);
        if is_invalid {
            return;
        }
        assert_eq!(validator.is_complete(), expected.is_ok());
    }
}

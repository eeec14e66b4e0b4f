//! Decoders of both framings: length-prefixed and sentinel.

use arbitrary::Arbitrary;
use bytes::{Bytes, BytesMut};
use protocol_websocket_frame::{
    Assembler, DecodeError, Decoder, Delivery, Frame, LentMessage, Limits, Message, MessageKind, OpCode, Part, Role,
    Rsv, Version,
};

use crate::input::{bit, every_split, pieces, read};
use crate::model;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    options: u8,
    max_message: u16,
    max_frame: u16,
    max_fragments: u8,
    splits: [u8; 4],
    stream: &'a [u8],
}

impl Input<'_> {
    /// Returns the limits. The greatest number means that there is no limit.
    fn limits(&self) -> Limits {
        let bytes = |bytes: u16| if bytes == u16::MAX { u64::MAX } else { u64::from(bytes) };
        let fragments = if self.max_fragments == u8::MAX { u32::MAX } else { u32::from(self.max_fragments) };
        Limits::new(bytes(self.max_message)).max_frame(bytes(self.max_frame)).max_fragments(fragments)
    }

    /// Returns one of the splits, so that some parts are as long as a read.
    fn min_part(&self) -> u16 {
        self.splits[3].into()
    }

    fn role(&self) -> Role {
        if bit(self.options, 0) { Role::Server } else { Role::Client }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Output {
    Control(OpCode, Bytes),
    Message(MessageKind, Vec<u8>),
    Error(DecodeError),
}

/// A stream has the same messages and the same error however it is split, delivered and lent. Its frames are those of a
/// simple parser, up to the first invalid frame.
pub fn decoder(data: &[u8]) {
    let Some(input) = read::<Input<'_>>(data) else { return };
    let allowed_rsv = Rsv::from_bits(input.options << 1);
    let mut decoder = Decoder::new(input.role()).allow_rsv(allowed_rsv).limits(input.limits());
    decoder = decoder.min_part(input.min_part());
    if bit(input.options, 1) {
        decoder = decoder.allow_any_mask();
    }
    if bit(input.options, 2) {
        decoder = decoder.allow_non_minimal_length();
    }
    if bit(input.options, 6) {
        decoder = decoder.version(Version::Hybi10);
    }
    if bit(input.options, 7) {
        decoder = decoder.perl_compat().limits(input.limits());
    }
    check_splits(&decoder, &input, bit(input.options, 7) || !allowed_rsv.is_none());

    let frames = frames(&decoder, input.stream);
    assert_eq!(lent_frames(decoder, &input), frames);
    let expected = model_frames(&input, allowed_rsv);
    assert!(frames.0.starts_with(&expected.0), "{:?} does not start with {:?}", frames.0, expected.0);
    if expected.1 {
        assert!(frames.1.is_err() && frames.0.len() == expected.0.len());
    }
}

/// The same as [`decoder`] for the sentinel frames of hybi-00 and hixie-75. The decoded frames are encoded and decoded
/// again.
pub fn sentinel(data: &[u8]) {
    let Some(input) = read::<Input<'_>>(data) else { return };
    let version = if bit(input.options, 1) { Version::Hixie75 } else { Version::Hybi00 };
    let decoder = Decoder::new(input.role()).version(version).limits(input.limits()).min_part(input.min_part());
    let skip_stray_bytes = bit(input.options, 2);
    let decoder = if skip_stray_bytes { decoder.skip_stray_bytes() } else { decoder };
    check_splits(&decoder, &input, true);

    let (frames, end) = frames(&decoder, input.stream);
    assert_eq!(lent_frames(decoder, &input), (frames.clone(), end));
    if !skip_stray_bytes {
        let plain = model::sentinels(input.stream, input.limits().max_frame.min(input.limits().max_message));
        let expected: Vec<_> = plain.frames.into_iter().map(|text| text.map_or(close(), Frame::text)).collect();
        assert_eq!(frames, expected);
        assert!(end.is_err() || !plain.is_rejected);
    }
    let mut wire = BytesMut::new();
    frames.iter().for_each(|frame| frame.encode(version, None, &mut wire).unwrap());
    let strict = Decoder::new(input.role()).version(version).limits(Limits::NONE);
    assert_eq!(self::frames(&strict, &wire), (frames, Ok(())));
}

fn close() -> Frame {
    Frame::new(OpCode::Close, "")
}

/// Compares all splits, both deliveries and both kinds of input. If `early_errors` is true, the delivery in parts may
/// reject a frame before it is complete, and so earlier than the whole delivery.
fn check_splits(decoder: &Decoder, input: &Input<'_>, early_errors: bool) {
    let limits = input.limits();
    let whole = run(decoder, limits, Delivery::Whole, false, &mut [input.stream].into_iter());
    let without_error = |outputs: &[Output]| match outputs {
        [front @ .., Output::Error(_)] => front.len(),
        all => all.len(),
    };
    for lent in [false, true] {
        every_split(input.stream, &input.splits, |pieces| {
            assert_eq!(run(decoder, limits, Delivery::Whole, lent, pieces), whole);
        });
        every_split(input.stream, &input.splits, |pieces| {
            let parts = run(decoder, limits, Delivery::Parts, lent, pieces);
            if early_errors {
                assert_eq!(parts[..without_error(&parts)], whole[..without_error(&whole)]);
            } else {
                assert_eq!(parts, whole);
            }
        });
    }
}

/// Decodes the pieces to control frames, messages, and the error at the end. All of the input is consumed, and a lent
/// buffer is overwritten between two pieces.
fn run(
    decoder: &Decoder,
    limits: Limits,
    delivery: Delivery,
    lent: bool,
    pieces: &mut dyn Iterator<Item = &[u8]>,
) -> Vec<Output> {
    let mut decoder = decoder.clone().delivery(delivery);
    let (mut input, mut buffer) = (BytesMut::new(), Vec::new());
    let mut collector = Collector::new(limits);
    for piece in pieces {
        let result = if lent {
            buffer.clear();
            buffer.extend_from_slice(piece);
            collector.decode_lent(&mut decoder, &mut buffer)
        } else {
            input.extend_from_slice(piece);
            collector.decode(&mut decoder, &mut input)
        };
        if let Err(error) = result {
            collector.outputs.push(Output::Error(error));
            break;
        }
        buffer.fill(0xA5);
    }
    collector.outputs
}

/// Assembles messages both whole and from parts, and compares the two.
struct Collector {
    whole: Assembler,
    parts: Assembler,
    max_message: u64,
    /// The parts of the open message.
    message: Vec<u8>,
    outputs: Vec<Output>,
}

impl Collector {
    fn new(limits: Limits) -> Self {
        let (whole, parts) = (Assembler::new(limits), Assembler::new(limits));
        Self { whole, parts, max_message: limits.max_message, message: Vec::new(), outputs: Vec::new() }
    }

    /// Decodes all of `input`.
    fn decode(&mut self, decoder: &mut Decoder, input: &mut BytesMut) -> Result<(), DecodeError> {
        while let Some(frame) = decoder.decode(input).inspect_err(|error| check_error_is_final(decoder, *error))? {
            if frame.opcode().is_control() {
                self.outputs.push(Output::Control(frame.opcode(), frame.into_payload()));
                continue;
            }
            let message = self.whole.push(frame.clone())?;
            let part = self.parts.push_part(frame)?;
            self.push(message, part);
        }
        assert!(input.is_empty());
        Ok(())
    }

    /// Decodes all of `input` with lent payloads.
    fn decode_lent(&mut self, decoder: &mut Decoder, mut input: &mut [u8]) -> Result<(), DecodeError> {
        while let Some(frame) =
            decoder.decode_lent(&mut input).inspect_err(|error| check_error_is_final(decoder, *error))?
        {
            if frame.opcode().is_control() {
                self.outputs.push(Output::Control(frame.opcode(), frame.into_payload().into_owned()));
                continue;
            }
            let message = self.whole.push_lent(frame.clone())?.map(LentMessage::into_owned);
            let part = self.parts.push_part_lent(frame)?.map(Part::into_owned);
            self.push(message, part);
        }
        assert!(input.is_empty());
        Ok(())
    }

    fn push(&mut self, message: Option<Message>, part: Option<Part>) {
        let part = part.unwrap();
        assert!(!part.first || self.message.is_empty());
        self.message.extend_from_slice(&part.bytes);
        assert_eq!(message.is_some(), part.last);
        if let Some(message) = message {
            assert_eq!((message.kind(), &message.as_bytes()[..]), (part.kind, &self.message[..]));
            self.message.clear();
            assert!(message.kind() == MessageKind::Binary || core::str::from_utf8(message.as_bytes()).is_ok());
            self.outputs.push(Output::Message(message.kind(), message.into_bytes().into()));
        }
        assert!(self.message.len() as u64 <= self.max_message);
    }
}

/// Checks that each later call returns the same error.
fn check_error_is_final(decoder: &Decoder, error: DecodeError) {
    let (mut decoder, mut input) = (decoder.clone(), *b"\x81\x00\x81\x80\0\0\0\0\x00\xFF");
    assert_eq!(decoder.decode(&mut BytesMut::from(&input[..])), Err(error));
    assert_eq!(decoder.decode_lent(&mut &mut input[..]), Err(error));
    assert!(decoder.payload_buffer().is_none());
}

/// Decodes a complete stream to frames, and the error after them.
fn frames(decoder: &Decoder, stream: &[u8]) -> (Vec<Frame>, Result<(), DecodeError>) {
    let (mut decoder, mut input, mut frames) = (decoder.clone(), BytesMut::from(stream), Vec::new());
    loop {
        match decoder.decode(&mut input) {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, Ok(())),
            Err(error) => return (frames, Err(error)),
        }
    }
}

/// Decodes the stream with lent payloads, piece by piece, to frames, and the error after them.
fn lent_frames(mut decoder: Decoder, input: &Input<'_>) -> (Vec<Frame>, Result<(), DecodeError>) {
    let mut frames = Vec::new();
    for piece in pieces(input.stream, &input.splits) {
        let mut buffer = piece.to_vec();
        let mut rest = &mut buffer[..];
        loop {
            match decoder.decode_lent(&mut rest) {
                Ok(Some(frame)) => {
                    let is_text = core::str::from_utf8(frame.payload()).is_ok();
                    assert_eq!(frame.as_text().is_some(), is_text);
                    frames.push(frame.into_owned());
                }
                Ok(None) => break,
                Err(error) => return (frames, Err(error)),
            }
        }
    }
    (frames, Ok(()))
}

/// Returns the valid complete frames, and whether an invalid complete frame follows them.
fn model_frames(input: &Input<'_>, allowed_rsv: Rsv) -> (Vec<Frame>, bool) {
    let lenient = bit(input.options, 7);
    let allowed_rsv = if lenient { 0x70 } else { allowed_rsv.bits() };
    let (allow_any_mask, allow_non_minimal_length) =
        (lenient || bit(input.options, 1), lenient || bit(input.options, 2));
    let limits = input.limits();
    // The open message: number of frames, number of bytes, and its text if that is validated here.
    let mut open: Option<(u32, u64, Option<Vec<u8>>)> = None;
    let (mut frames, mut rest) = (Vec::new(), input.stream);
    while let Some(frame) = model::frame(rest) {
        rest = &rest[frame.len()..];
        let model::Frame { header, payload } = frame;
        let form = if allow_non_minimal_length { header.is_valid_in_any_form() } else { header.is_valid() };
        let masked = allow_any_mask || header.mask.is_some() == (input.role() == Role::Server);
        let allowed_rsv = if matches!(header.opcode, 1 | 2) { allowed_rsv } else { 0 };
        let fits = header.is_control() || header.len <= limits.max_frame;
        let mut is_valid = form && masked && fits && header.rsv & !allowed_rsv == 0;
        if header.is_control() {
            is_valid &= header.opcode != 8 || model::is_close_payload(&payload);
        } else {
            is_valid &= (header.opcode == 0) == open.is_some();
            let text = (header.opcode == 1 && header.rsv == 0).then(Vec::new);
            let (count, total, text) = open.get_or_insert((0, 0, text));
            *count += 1;
            *total += header.len;
            is_valid &= *count + u32::from(!header.fin) <= limits.max_fragments && *total <= limits.max_message;
            if let Some(text) = text {
                text.extend_from_slice(&payload);
                is_valid &= if header.fin { core::str::from_utf8(text).is_ok() } else { model::is_utf8_prefix(text) };
            }
            if header.fin {
                open = None;
            }
        }
        if !is_valid {
            return (frames, true);
        }
        let opcode = OpCode::from_bits(header.opcode).unwrap();
        frames.push(Frame::new(opcode, payload).with_fin(header.fin).with_rsv(Rsv::from_bits(header.rsv)));
    }
    (frames, false)
}

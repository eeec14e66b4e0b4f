//! Decoders of both dialects.

use arbitrary::Arbitrary;
use bytes::{Bytes, BytesMut};
use protocol_websocket_frame::{
    Assembler, DecodeError, Decoder, Delivery, Frame, Limits, MessageKind, OpCode, Role, Rsv, Version,
};

use crate::input::{bit, every_cut, pieces, read};
use crate::model;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    options: u8,
    max_message: u16,
    max_frame: u16,
    max_fragments: u8,
    cuts: [u8; 4],
    stream: &'a [u8],
}

impl Input<'_> {
    /// The limits; the greatest numbers stand for none.
    fn limits(&self) -> Limits {
        let bytes = |bytes: u16| if bytes == u16::MAX { u64::MAX } else { u64::from(bytes) };
        let fragments = if self.max_fragments == u8::MAX { u32::MAX } else { u32::from(self.max_fragments) };
        Limits::new(bytes(self.max_message)).max_frame(bytes(self.max_frame)).max_fragments(fragments)
    }

    /// From one of the cuts, so that some parts are as long as a read.
    fn min_part(&self) -> u16 {
        self.cuts[3].into()
    }

    fn role(&self) -> Role {
        if bit(self.options, 0) { Role::Server } else { Role::Client }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Out {
    Control(OpCode, Bytes),
    Message(MessageKind, Vec<u8>),
    Error(DecodeError),
}

/// A stream gives the same messages and the same error however it is cut and delivered, and the frames that a plain
/// reader finds in it, up to the first that breaks a rule.
pub fn decoder(data: &[u8]) {
    let Some(input) = read::<Input<'_>>(data) else { return };
    let claimed = Rsv::from_bits(input.options << 1);
    let mut decoder = Decoder::new(input.role()).allow_rsv(claimed).limits(input.limits());
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
    check_cuts(&decoder, &input, bit(input.options, 7) || !claimed.is_none(), [CONTROL; 2]);

    let lent = lent(&decoder, &input, |frame| frame.into());
    let frames = frames(decoder, input.stream);
    assert_eq!(lent, frames);
    let expected = plain_frames(&input, claimed);
    assert!(frames.0.starts_with(&expected.0), "{:?} is not the beginning of {:?}", expected.0, frames.0);
    if expected.1 {
        assert!(frames.1.is_err() && frames.0.len() == expected.0.len());
    }
}

/// As [`decoder`], for the frames of hybi-00 and hixie-75. What they give is written again and read again.
pub fn sentinel(data: &[u8]) {
    let Some(input) = read::<Input<'_>>(data) else { return };
    let version = if bit(input.options, 1) { Version::Hixie75 } else { Version::Hybi00 };
    let decoder = Decoder::new(input.role()).version(version).limits(input.limits()).min_part(input.min_part());
    let skip_stray_bytes = bit(input.options, 2);
    let decoder = if skip_stray_bytes { decoder.skip_stray_bytes() } else { decoder };
    // A replacement is longer than what it stands for, and in parts it is made before the end is there.
    let limit = input.limits().max_frame.min(input.limits().max_message);
    check_cuts(&decoder, &input, true, [limit.saturating_add(CONTROL), u64::from(input.min_part()) + CONTROL]);

    let lent = lent(&decoder, &input, lossy);
    let (frames, end) = frames(decoder, input.stream);
    // A replacement may be too long for the limits.
    assert!(lent.0.starts_with(&frames) && (end.is_err() || lent == (frames.clone(), end)));
    if !skip_stray_bytes {
        let plain = model::sentinels(input.stream, input.limits().max_frame.min(input.limits().max_message));
        let expected: Vec<_> = plain.frames.into_iter().map(|text| text.map_or(close(), Frame::text)).collect();
        assert_eq!(frames, expected);
        assert!(end.is_err() || !plain.refused);
    }
    let mut wire = BytesMut::new();
    frames.iter().for_each(|frame| frame.encode(version, None, &mut wire).unwrap());
    let strict = Decoder::new(input.role()).version(version).limits(Limits::NONE);
    assert_eq!(self::frames(strict, &wire), (frames, Ok(())));
}

fn close() -> Frame {
    Frame::new(OpCode::Close, "")
}

/// What may be left in the input of a header and a control frame.
const CONTROL: u64 = 14 + 125;

/// `unchecked` says that what is wrong with a frame may be found before it is complete in parts alone. So many bytes may
/// be `left` in the input, whole and in parts.
fn check_cuts(decoder: &Decoder, input: &Input<'_>, unchecked: bool, [left_whole, left_in_parts]: [u64; 2]) {
    let limits = input.limits();
    let whole = run(decoder.clone(), limits, Delivery::Whole, left_whole, &mut [input.stream].into_iter());
    let without_error = |out: &[Out]| match out {
        [front @ .., Out::Error(_)] => front.len(),
        all => all.len(),
    };
    every_cut(input.stream, &input.cuts, |pieces| {
        assert_eq!(run(decoder.clone(), limits, Delivery::Whole, left_whole, pieces), whole);
    });
    every_cut(input.stream, &input.cuts, |pieces| {
        let parts = run(decoder.clone(), limits, Delivery::Parts, left_in_parts, pieces);
        if unchecked {
            assert_eq!(parts[..without_error(&parts)], whole[..without_error(&whole)]);
        } else {
            assert_eq!(parts, whole);
        }
    });
}

fn run(
    decoder: Decoder,
    limits: Limits,
    delivery: Delivery,
    left: u64,
    pieces: &mut dyn Iterator<Item = &[u8]>,
) -> Vec<Out> {
    let mut decoder = decoder.delivery(delivery);
    let (mut input, mut out, mut message) = (BytesMut::new(), Vec::new(), Vec::new());
    let (mut assembler, mut parts) = (Assembler::new(limits), Assembler::new(limits));
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            let next = match decoder.decode(&mut input) {
                Ok(None) => break,
                Ok(Some(frame)) if frame.opcode().is_control() => {
                    out.push(Out::Control(frame.opcode(), frame.into_payload()));
                    continue;
                }
                Ok(Some(frame)) => assembler.push(frame.clone()).map(|joined| (joined, parts.push_part(frame))),
                Err(error) => {
                    let mut more = BytesMut::from(&b"\x81\x00\x81\x80\0\0\0\0\x00\xFF"[..]);
                    assert_eq!(decoder.decode(&mut more), Err(error));
                    Err(error)
                }
            };
            let (joined, part) = match next {
                Ok((joined, part)) => (joined, part.unwrap().unwrap()),
                Err(error) => {
                    out.push(Out::Error(error));
                    return out;
                }
            };
            assert!(!part.first || message.is_empty());
            message.extend_from_slice(&part.bytes);
            assert_eq!(joined.is_some(), part.last);
            if let Some(joined) = joined {
                assert_eq!((joined.kind(), &joined.as_bytes()[..]), (part.kind, &message[..]));
                message.clear();
                assert!(joined.kind() == MessageKind::Binary || core::str::from_utf8(joined.as_bytes()).is_ok());
                out.push(Out::Message(joined.kind(), joined.into_bytes().into()));
            }
            assert!(message.len() as u64 <= limits.max_message);
        }
        assert!(input.len() as u64 <= left, "{} bytes are left unread", input.len());
    }
    out
}

/// All frames, and what stood at their end.
fn frames(mut decoder: Decoder, stream: &[u8]) -> (Vec<Frame>, Result<(), DecodeError>) {
    let (mut input, mut frames) = (BytesMut::from(stream), Vec::new());
    loop {
        match decoder.decode(&mut input) {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, Ok(())),
            Err(error) => return (frames, Err(error)),
        }
    }
}

/// The same, lent piece by piece.
fn lent(
    decoder: &Decoder,
    input: &Input<'_>,
    keep: impl Fn(Frame<&mut [u8]>) -> Frame,
) -> (Vec<Frame>, Result<(), DecodeError>) {
    let (mut decoder, mut left, mut frames) = (decoder.lending(), Vec::new(), Vec::new());
    for piece in pieces(input.stream, &input.cuts) {
        left.extend_from_slice(piece);
        let mut at_hand = &mut left[..];
        loop {
            match decoder.decode(&mut at_hand) {
                Ok(Some(frame)) => {
                    assert!(frame.as_text().is_none_or(|text| core::str::from_utf8(text.as_bytes()).is_ok()));
                    frames.push(keep(frame));
                }
                Ok(None) => break,
                Err(error) => return (frames, Err(error)),
            }
        }
        left = at_hand.to_vec();
    }
    (frames, Ok(()))
}

/// With what is no text replaced.
fn lossy(frame: Frame<&mut [u8]>) -> Frame {
    let text = String::from_utf8_lossy(frame.payload()).into_owned();
    Frame::from(frame).with_payload(text)
}

/// The complete frames that keep every rule, and whether a complete one that does not follows.
fn plain_frames(input: &Input<'_>, claimed: Rsv) -> (Vec<Frame>, bool) {
    let lenient = bit(input.options, 7);
    let claimed = if lenient { 0x70 } else { claimed.bits() };
    let (allow_any_mask, allow_non_minimal_length) =
        (lenient || bit(input.options, 1), lenient || bit(input.options, 2));
    let limits = input.limits();
    // Of the message under way: its frames, its bytes, and its text if that is to be checked.
    let mut open: Option<(u32, u64, Option<Vec<u8>>)> = None;
    let (mut frames, mut rest) = (Vec::new(), input.stream);
    while let Some(frame) = model::frame(rest) {
        rest = &rest[frame.len()..];
        let model::Frame { header, payload } = frame;
        let form = if allow_non_minimal_length { header.is_right_in_any_form() } else { header.is_right() };
        let masked = allow_any_mask || header.mask.is_some() == (input.role() == Role::Server);
        let claimed = if matches!(header.opcode, 1 | 2) { claimed } else { 0 };
        let fits = header.is_control() || header.len <= limits.max_frame;
        let mut good = form && masked && fits && header.rsv & !claimed == 0;
        if header.is_control() {
            good &= header.opcode != 8 || model::is_close(&payload);
        } else {
            good &= (header.opcode == 0) == open.is_some();
            let text = (header.opcode == 1 && header.rsv == 0).then(Vec::new);
            let (count, total, text) = open.get_or_insert((0, 0, text));
            *count += 1;
            *total += header.len;
            good &= *count + u32::from(!header.fin) <= limits.max_fragments && *total <= limits.max_message;
            if let Some(text) = text {
                text.extend_from_slice(&payload);
                good &= if header.fin { core::str::from_utf8(text).is_ok() } else { model::may_become_text(text) };
            }
            if header.fin {
                open = None;
            }
        }
        if !good {
            return (frames, true);
        }
        let opcode = OpCode::from_bits(header.opcode).unwrap();
        frames.push(Frame::new(opcode, payload).with_fin(header.fin).with_rsv(Rsv::from_bits(header.rsv)));
    }
    (frames, false)
}

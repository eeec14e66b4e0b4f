//! The dialect of hybi-00 and hixie-75: text between `00` and `FF` (hybi-00 §5.3).

use bytes::{Bytes, BytesMut};

use crate::flags::{Flags, Text};
use crate::input::Input;
use crate::rules::Rules;
use crate::utf8::{cut_len, is_utf8};
use crate::{DecodeError, Delivery, EncodeError, Frame, OpCode, Rsv};

const TEXT: u8 = 0x00;
const END: u8 = 0xFF;

/// How many bytes of a length may say that another follows. With that one they have 63 bits, and a length has an end.
const MAX_LENGTH_BYTES: u8 = 8;

#[derive(Clone, Debug, Default)]
pub(crate) struct Sentinel {
    state: State,
    failed: Option<DecodeError>,
}

/// The state machine of hybi-00 §5.3.
#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Before the byte that says of what type a frame is.
    #[default]
    Type,
    /// In text. `taken` bytes of it went out in parts, `scanned` bytes at the front of the input hold no end.
    Text { taken: u64, scanned: usize, first: bool },
    /// In a frame of a type that has an end and no meaning.
    Discard { passed: u64 },
    /// In the length of a frame that has one.
    Length { is_close: bool, len: u64, bytes: u8 },
    /// In the payload of such a frame.
    Skip { left: u64 },
}

impl Sentinel {
    pub(crate) fn decode<I: Input>(
        &mut self,
        rules: &Rules,
        input: &mut I,
    ) -> Result<Option<Frame<I::Payload>>, DecodeError> {
        match self.failed {
            None => self.next(rules, input).inspect_err(|&error| self.failed = Some(error)),
            Some(error) => Err(error),
        }
    }

    fn next<I: Input>(&mut self, rules: &Rules, input: &mut I) -> Result<Option<Frame<I::Payload>>, DecodeError> {
        let limit = rules.limits.max_frame.min(rules.limits.max_message);
        while let Some(&mut byte) = input.bytes().first_mut() {
            match self.state {
                State::Type => {
                    input.skip(1);
                    self.state = match byte {
                        TEXT => State::Text { taken: 0, scanned: 0, first: true },
                        0x01..=0x7F => State::Discard { passed: 0 },
                        0x80..=0xFE if rules.skip_stray_bytes => State::Discard { passed: 0 },
                        kind => State::Length { is_close: kind == END, len: 0, bytes: 0 },
                    };
                }
                State::Text { taken, scanned, first } => return self.text(rules, limit, input, taken, scanned, first),
                State::Discard { passed } => {
                    let end = if rules.skip_stray_bytes { TEXT } else { END };
                    let (here, ended) = find(input.bytes(), end, 0);
                    let passed = passed.saturating_add(here as u64);
                    check_limit(passed, limit)?;
                    // The `00` that ends it under `skip_stray_bytes` begins a text.
                    input.skip(here + usize::from(ended && end == END));
                    self.state = if ended { State::Type } else { State::Discard { passed } };
                }
                State::Length { .. } if rules.skip_stray_bytes && byte != 0 => {
                    self.state = State::Discard { passed: 0 };
                }
                State::Length { is_close, len, bytes } => {
                    input.skip(1);
                    let len = (len << 7) | u64::from(byte & 0x7F);
                    check_limit(len, limit)?;
                    if byte & 0x80 != 0 {
                        if bytes == MAX_LENGTH_BYTES {
                            return Err(DecodeError::LengthNotMinimal);
                        }
                        self.state = State::Length { is_close, len, bytes: bytes + 1 };
                        continue;
                    }
                    self.state = if len == 0 { State::Type } else { State::Skip { left: len } };
                    if is_close && len == 0 {
                        let none = input.take(0, 0);
                        return Ok(Some(Frame::decoded(
                            Flags::new(OpCode::Close, true, Rsv::NONE, Text::Unchecked),
                            none,
                        )));
                    }
                }
                State::Skip { left } => {
                    let at_hand = input.bytes().len();
                    let here = usize::try_from(left).map_or(at_hand, |left| left.min(at_hand));
                    input.skip(here);
                    let left = left - here as u64;
                    self.state = if left == 0 { State::Type } else { State::Skip { left } };
                }
            }
        }
        Ok(None)
    }

    /// Takes text up to its end, or in parts up to the last whole character.
    fn text<I: Input>(
        &mut self,
        rules: &Rules,
        limit: u64,
        input: &mut I,
        taken: u64,
        scanned: usize,
        first: bool,
    ) -> Result<Option<Frame<I::Payload>>, DecodeError> {
        let (here, ended) = find(input.bytes(), END, scanned);
        let total = taken.saturating_add(here as u64);
        check_limit(total, limit)?;
        let opcode = if first { OpCode::Text } else { OpCode::Continuation };
        if ended {
            let text = input.take(0, here);
            input.skip(1);
            self.state = State::Type;
            let (text, known) = I::replaced(text, limit - taken)?;
            return Ok(Some(Frame::decoded(Flags::new(opcode, true, Rsv::NONE, known), text)));
        }
        // Without an end all that is there is text.
        let whole = here - cut_len(input.bytes());
        if rules.delivery == Delivery::Parts && whole >= rules.min_part.into() {
            let (text, known) = I::replaced(input.take(0, whole), limit - taken)?;
            let taken = taken + text.as_ref().len() as u64;
            self.state = State::Text { taken, scanned: here - whole, first: false };
            return Ok(Some(Frame::decoded(Flags::new(opcode, false, Rsv::NONE, known), text)));
        }
        self.state = State::Text { taken, scanned: here, first };
        Ok(None)
    }
}

/// What goes before and behind the payload of a frame.
///
/// # Errors
///
/// For all that the dialect cannot say: everything but text in one frame, without `FF`, and a Close without a code.
pub(crate) fn delimiters(frame: &Frame<impl AsRef<[u8]>>) -> Result<(&'static [u8], &'static [u8]), EncodeError> {
    match frame.opcode() {
        OpCode::Close if frame.payload().as_ref().is_empty() && frame.fin() && frame.rsv().is_none() => {
            Ok((&[END, 0x00], &[]))
        }
        OpCode::Text
            if frame.fin() && frame.rsv().is_none() && memchr::memchr(END, frame.payload().as_ref()).is_none() =>
        {
            Ok((&[TEXT], &[END]))
        }
        _ => Err(EncodeError::Unsupported),
    }
}

/// How far it is to the next `end`, as far as can be seen, and whether it can be seen; the first `scanned` bytes are
/// known to hold none.
fn find(input: &[u8], end: u8, scanned: usize) -> (usize, bool) {
    let ahead = input.get(scanned..).unwrap_or_default();
    match memchr::memchr(end, ahead) {
        Some(at) => (scanned + at, true),
        None => (input.len(), false),
    }
}

const fn check_limit(len: u64, limit: u64) -> Result<(), DecodeError> {
    if len > limit { Err(DecodeError::FrameTooLong) } else { Ok(()) }
}

/// The text with what is no text in it replaced by U+FFFD, as hybi-00 §5.3 has it; without a copy where there is none.
/// A replacement is longer than what it stands for, so the limit holds for the outcome too.
pub(crate) fn replaced(text: Bytes, limit: u64) -> Result<Bytes, DecodeError> {
    if is_utf8(&text) {
        return Ok(text);
    }
    let mut replaced = BytesMut::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        replaced.extend_from_slice(chunk.valid().as_bytes());
        if !chunk.invalid().is_empty() {
            replaced.extend_from_slice("\u{FFFD}".as_bytes());
        }
        check_limit(replaced.len() as u64, limit)?;
    }
    Ok(replaced.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Masks;
    use crate::{Decoder, Limits};
    use proptest::prelude::*;
    use protocol_websocket_core::{Role, Version};

    fn decoder() -> Decoder {
        Decoder::new(Role::Server).version(Version::Hybi00)
    }

    fn drain(mut decoder: Decoder, input: &mut BytesMut) -> (Vec<Frame>, Result<(), DecodeError>) {
        let mut frames = Vec::new();
        loop {
            match decoder.decode(input) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => return (frames, Ok(())),
                Err(error) => return (frames, Err(error)),
            }
        }
    }

    fn read(bytes: &[u8]) -> (Vec<Frame>, Result<(), DecodeError>) {
        drain(decoder(), &mut BytesMut::from(bytes))
    }

    #[test]
    fn text_stands_between_its_sentinels() {
        assert_eq!(read(b"\x00Hello\xFF\x00\xFF\x00cut"), (vec![Frame::text("Hello"), Frame::text("")], Ok(())));
    }

    #[test]
    fn an_empty_frame_of_type_ff_is_a_close() {
        assert_eq!(read(b"\xFF\x00"), (vec![Frame::new(OpCode::Close, "")], Ok(())));
        assert_eq!(read(b"\xFF\x80\x00\x00a\xFF"), (vec![Frame::new(OpCode::Close, ""), Frame::text("a")], Ok(())));
    }

    #[test]
    fn frames_of_other_types_are_passed_over() {
        let bytes = b"\x01junk\x00\xFF\x7F\xFF\x80\x02\x00\xFF\x80\x00\xFF\x01\x00\xFE\x80\x01x\x00a\xFF";
        assert_eq!(read(bytes), (vec![Frame::text("a")], Ok(())));
    }

    #[test]
    fn a_length_has_an_end() {
        assert_eq!(read(&[0x80; 11]), (vec![], Err(DecodeError::LengthNotMinimal)));
        assert_eq!(read(b"\x80\xFF\xFF\xFF\xFF\xFF"), (vec![], Err(DecodeError::FrameTooLong)));
        let unlimited = decoder().limits(Limits::NONE);
        let (frames, end) = drain(unlimited, &mut BytesMut::from(&[&[0x80][..], &[0xFF; 10], &[0]].concat()[..]));
        assert_eq!((frames.len(), end), (0, Err(DecodeError::LengthNotMinimal)));
    }

    #[test]
    fn every_kind_of_frame_is_limited() {
        for (kind, end) in [(TEXT, &[END][..]), (0x01, &[END]), (0x80, b"")] {
            for (len, expected) in [(4_u8, Ok(())), (5, Err(DecodeError::FrameTooLong))] {
                let length = if kind == 0x80 { vec![len] } else { vec![] };
                let wire = [&[kind], &length[..], &vec![b'x'; usize::from(len)], end].concat();
                let limited = decoder().limits(Limits::new(4));
                assert_eq!(drain(limited.clone(), &mut BytesMut::from(&wire[..])).1, expected, "{kind:#x} of {len}");
                if kind != 0x80 {
                    let cut = &wire[..wire.len() - 1];
                    assert_eq!(
                        drain(limited, &mut BytesMut::from(cut)).1,
                        expected,
                        "{kind:#x} of {len} without an end"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        assert_eq!(read(b"\x00a\xC0b\xE2\x82\xFF").0, [Frame::text("a\u{FFFD}b\u{FFFD}")]);
    }

    #[test]
    fn resync_drops_what_is_no_frame() {
        let read = |bytes: &[u8]| drain(decoder().skip_stray_bytes(), &mut BytesMut::from(bytes));
        let (text, close) = (|text| Frame::text(text), Frame::new(OpCode::Close, ""));
        assert_eq!(read(b"123\x00foo\xFF56\x00bar\xFF789").0, [text("foo"), text("bar")]);
        assert_eq!(read(b"\x80\x03\xFF\x00a\xFF\xFF\x00").0, [text("a"), close]);
        assert_eq!(read(b"x\xFF\x00a\xFF\xFFy\x00b\xFF").0, [text("a"), text("b")]);
        assert_eq!(read(b"\x80\x00hi\xFF").0, [text("hi")]);
        let limited = decoder().skip_stray_bytes().limits(Limits::new(4));
        assert_eq!(drain(limited, &mut BytesMut::from(&b"123456\x00"[..])).1, Err(DecodeError::FrameTooLong));
    }

    #[test]
    fn a_length_of_64_bits_does_not_wrap() {
        for wire in [
            &b"\x80\x82\x80\x80\x80\x80\x80\x80\x80\x80\x05AAAAA\x00smuggled\xFF"[..],
            b"\xFF\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00",
        ] {
            let unlimited = decoder().limits(Limits::NONE);
            assert_eq!(drain(unlimited, &mut BytesMut::from(wire)), (vec![], Err(DecodeError::LengthNotMinimal)));
        }
        let longest = b"\x80\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F\x00no text\xFF";
        let (frames, end) = drain(decoder().limits(Limits::NONE), &mut BytesMut::from(&longest[..]));
        assert_eq!((frames.len(), end), (0, Ok(())), "63 bits are taken, and waited for");
    }

    /// The rules of draft-ietf-hybi-thewebsocketprotocol-00 §4.2 and §5.3, and of draft-hixie-75 §4.2, as bytes.
    #[test]
    fn the_drafts_frames_are_read() {
        let long = [&b"\x80\x81\x01"[..], &[b'A'; 129], b"\x00hi\xFF"].concat();
        for version in [Version::Hixie75, Version::Hybi00] {
            for (wire, frame) in [
                (&b"\x00Hello\xFF"[..], Frame::text("Hello")),
                (b"\xFF\x00", Frame::new(OpCode::Close, "")),
                (b"\x80\x03\x00\x01\x02\x00hi\xFF", Frame::text("hi")),
                (&long, Frame::text("hi")),
                (b"\x01\x00\x01\x02\xFF\x00hi\xFF", Frame::text("hi")),
            ] {
                let decoder = Decoder::new(Role::Client).version(version);
                assert_eq!(drain(decoder, &mut BytesMut::from(wire)), (vec![frame], Ok(())));
            }
        }
    }

    #[test]
    fn an_error_is_final() {
        let mut decoder = decoder();
        let mut input = BytesMut::from(&b"\x80\xFF\xFF\xFF\xFF\xFF"[..]);
        assert_eq!(decoder.decode(&mut input), Err(DecodeError::FrameTooLong));
        let mut good = BytesMut::from(&b"\x00good\xFF"[..]);
        assert_eq!(decoder.decode(&mut good), Err(DecodeError::FrameTooLong));
    }

    #[test]
    fn what_was_looked_at_is_not_looked_at_again() {
        let rules = Rules {
            masks: Masks::Any,
            allow_non_minimal_length: false,
            skip_stray_bytes: false,
            claimed: Rsv::NONE,
            delivery: Delivery::Whole,
            min_part: 1,
            limits: Limits::default(),
        };
        let (mut sentinel, mut input) = (Sentinel::default(), BytesMut::from(&b"\x00"[..]));
        for seen in 0..1000_usize {
            assert_eq!(sentinel.decode(&rules, &mut input), Ok(None));
            assert!(matches!(sentinel.state, State::Text { scanned, .. } if scanned == seen), "{:?}", sentinel.state);
            input.extend_from_slice(b"x");
        }
    }

    #[test]
    fn both_limits_hold_before_the_end_is_there() {
        for limits in [Limits::new(4).max_frame(1000), Limits::new(1000).max_frame(4)] {
            for wire in [&b"\x00fives"[..], b"\x01fives", b"\x80\x05"] {
                let end = drain(decoder().limits(limits), &mut BytesMut::from(wire)).1;
                assert_eq!(end, Err(DecodeError::FrameTooLong), "{wire:02x?} within {limits:?}");
            }
        }
    }

    #[test]
    fn parts_are_limited_together() {
        for bytes in [&b"fives"[..], b"\xC0\xC0\xC0"] {
            let mut decoder = decoder().limits(Limits::new(4)).delivery(Delivery::Parts).min_part(1);
            let mut input = BytesMut::from(&b"\x00"[..]);
            let mut end = Ok(());
            for &byte in bytes {
                input.extend_from_slice(&[byte]);
                end = end.and_then(|()| decoder.decode(&mut input).map(drop));
            }
            assert_eq!(end, Err(DecodeError::FrameTooLong), "{bytes:02x?}");
        }
    }

    #[test]
    fn replacements_count() {
        let limited = decoder().limits(Limits::new(4));
        assert_eq!(drain(limited.clone(), &mut BytesMut::from(&b"\x00a\xC0\xFF"[..])).1, Ok(()));
        assert_eq!(drain(limited, &mut BytesMut::from(&b"\x00\xC0\xC0\xFF"[..])).1, Err(DecodeError::FrameTooLong));
    }

    #[test]
    fn replacements_in_later_parts_count() {
        let just = Ok(Some(Frame::continuation("\u{FFFD}")));
        let beyond = Err(DecodeError::FrameTooLong);
        for (wire, expected) in [(&b"\xC0\xFF"[..], just), (b"\xC0x", beyond.clone()), (b"\xC0x\xFF", beyond)] {
            let mut decoder = decoder().limits(Limits::new(4)).delivery(Delivery::Parts).min_part(1);
            let mut input = BytesMut::from(&b"\x00a"[..]);
            assert_eq!(decoder.decode(&mut input), Ok(Some(Frame::text("a").with_fin(false))));
            input.extend_from_slice(wire);
            assert_eq!(decoder.decode(&mut input), expected, "{wire:02x?}");
        }
    }

    #[test]
    fn an_end_behind_half_a_character_is_found() {
        let mut decoder = decoder().delivery(Delivery::Parts).min_part(1);
        let mut input = BytesMut::from(&b"\x00a\xE2\x82"[..]);
        assert_eq!(decoder.decode(&mut input), Ok(Some(Frame::text("a").with_fin(false))));
        input.extend_from_slice(b"\xFF");
        assert_eq!(decoder.decode(&mut input), Ok(Some(Frame::continuation("\u{FFFD}"))));
        assert!(input.is_empty());
    }

    #[test]
    fn parts_end_between_characters() {
        let mut decoder = decoder().delivery(Delivery::Parts).min_part(1);
        let mut input = BytesMut::from(&b"\x00a\xC3"[..]);
        assert_eq!(decoder.decode(&mut input), Ok(Some(Frame::text("a").with_fin(false))));
        assert_eq!(decoder.decode(&mut input), Ok(None));
        input.extend_from_slice(b"\xA9\xFF");
        assert_eq!(decoder.decode(&mut input), Ok(Some(Frame::continuation("é"))));
    }

    #[test]
    fn what_cannot_be_said_is_an_error() {
        let mut output = BytesMut::new();
        for frame in [
            Frame::binary("x"),
            Frame::ping(""),
            Frame::pong(""),
            Frame::continuation("x"),
            Frame::text("x").with_fin(false),
            Frame::text("x").with_rsv(Rsv::RSV1),
            Frame::new(OpCode::Text, &b"\xFF"[..]),
            Frame::new(OpCode::Close, &b"\x03\xE8"[..]),
            Frame::new(OpCode::Close, "").with_fin(false),
        ] {
            for version in [Version::Hixie75, Version::Hybi00] {
                assert_eq!(frame.encode(version, None, &mut output), Err(EncodeError::Unsupported), "{frame:?}");
                assert_eq!(frame.clone().into_vectored(version, None), Err(EncodeError::Unsupported), "{frame:?}");
            }
        }
        assert!(output.is_empty());
        Frame::new(OpCode::Close, "").encode(Version::Hybi00, None, &mut output).unwrap();
        assert_eq!(output[..], [0xFF, 0x00]);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(texts: Vec<String>) {
            let mut wire = BytesMut::new();
            for text in &texts {
                let frame = Frame::text(text.as_str());
                let start = wire.len();
                frame.encode(Version::Hixie75, None, &mut wire)?;
                let (head, payload) = frame.into_vectored(Version::Hixie75, None)?;
                prop_assert_eq!(&wire[start..], &[&head[..], &payload].concat()[..]);
            }
            let frames: Vec<Frame> = texts.into_iter().map(Frame::text).collect();
            prop_assert_eq!(drain(decoder(), &mut wire), (frames, Ok(())));
        }

        #[test]
        fn however_the_bytes_are_cut_the_frames_are_the_same(
            bytes in prop::collection::vec(prop_oneof![Just(0_u8), Just(0xFF), Just(0x80), 0_u8..4, any::<u8>()], 0..60),
            sizes in prop::collection::vec(1_usize..8, 1..8),
            skip_stray_bytes: bool,
        ) {
            let decoder = decoder().limits(Limits::new(20));
            let decoder = if skip_stray_bytes { decoder.skip_stray_bytes() } else { decoder };
            let whole = drain(decoder.clone(), &mut BytesMut::from(&bytes[..]));
            let (mut decoder, mut input, mut rest) = (decoder, BytesMut::new(), &bytes[..]);
            let (mut frames, mut end) = (Vec::new(), Ok(()));
            for size in sizes.iter().cycle() {
                if rest.is_empty() || end.is_err() {
                    break;
                }
                let (piece, tail) = rest.split_at(rest.len().min(*size));
                rest = tail;
                input.extend_from_slice(piece);
                end = loop {
                    match decoder.decode(&mut input) {
                        Ok(Some(frame)) => frames.push(frame),
                        Ok(None) => break Ok(()),
                        Err(error) => break Err(error),
                    }
                };
            }
            prop_assert_eq!((frames, end), whole);
        }
    }
}

//! The framing of hybi-00 and hixie-75: text between `00` and `FF` (hybi-00 §5.3).
//!
//! The only other frame with a meaning is `FF 00`, an empty Close. Frames of other types are skipped: those with a type up to
//! `7F` end with `FF`, the others have a length. Nothing is masked, and there are no reserved bits.
//!
//! The length of a text is not known before its end. A text that is complete in the input stays there. Otherwise its bytes are
//! copied into an [`IncompletePayload`], and the search for its end continues with the next input. Invalid UTF-8 is replaced
//! with U+FFFD when the text or a part of it is returned.

mod suspend;

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::incomplete_payload::{COPY_BLOCK, IncompletePayload};
use super::input::Input;
use super::{FrameSpan, take};
use crate::decoder_options::DecoderOptions;
use crate::flags::{Flags, Utf8State};
use crate::utf8::{incomplete_suffix_len, is_utf8};
use crate::{DecodeError, Delivery, EncodeError, Frame, OpCode, Rsv};

const TEXT: u8 = 0x00;
const END: u8 = 0xFF;

/// The maximum number of bytes of a length that have the continuation bit. Together with the last byte, they are 63 bits.
const MAX_CONTINUED_LENGTH_BYTES: u8 = 8;

#[derive(Clone, Debug, Default)]
pub(crate) struct Sentinel {
    state: State,
    failed: Option<DecodeError>,
    /// The bytes of the text in progress that were not returned yet.
    incomplete: Option<Box<IncompletePayload>>,
}

/// The state machine of hybi-00 §5.3.
#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Between two frames: the next byte is the type of a frame.
    #[default]
    Type,
    /// In text, of which `returned` bytes were returned in parts.
    Text { returned: u64, is_first: bool },
    /// In a frame that is skipped up to its end, or in stray bytes.
    Discard { skipped: u64 },
    /// In the length of a frame with a type from `80` to `FF`, of which `bytes` bytes were read.
    Length { is_close: bool, len: u64, bytes: u8 },
    /// In the payload of such a frame, which is skipped.
    Skip { left: u64 },
}

impl Sentinel {
    pub(super) fn decode<I: Input>(
        &mut self,
        options: &DecoderOptions,
        input: &mut I,
    ) -> Result<Option<Frame<I::Payload>>, DecodeError> {
        let result = match self.failed {
            None => self.next(options, input.bytes()),
            Some(error) => Err(error),
        };
        match result {
            Ok(span) => Ok(take(span, input)),
            Err(error) => {
                self.failed = Some(error);
                self.incomplete = None;
                Err(error)
            }
        }
    }

    /// Returns whether more bytes of the text in progress follow.
    pub(super) const fn is_inside_frame(&self) -> bool {
        matches!(self.state, State::Text { .. })
    }

    /// Decodes the next frame. `None` means that more bytes are needed and that all of `input` was consumed.
    fn next(&mut self, options: &DecoderOptions, input: &[u8]) -> Result<Option<FrameSpan>, DecodeError> {
        let limit = options.limits.max_frame.min(options.limits.max_message);
        let mut at = 0;
        loop {
            let (_, ahead) = input.split_at(at);
            let Some(&byte) = ahead.first() else { return Ok(None) };
            match self.state {
                State::Type => {
                    at += 1;
                    self.state = match byte {
                        TEXT => State::Text { returned: 0, is_first: true },
                        0x01..=0x7F => State::Discard { skipped: 0 },
                        0x80..=0xFE if options.skip_stray_bytes => State::Discard { skipped: 0 },
                        kind => State::Length { is_close: kind == END, len: 0, bytes: 0 },
                    };
                }
                State::Text { returned, is_first } => {
                    return self.text(options, limit, returned, is_first, at, ahead);
                }
                State::Discard { skipped } => {
                    let end = if options.skip_stray_bytes { TEXT } else { END };
                    let (len, ended) = find(ahead, end);
                    let skipped = skipped.saturating_add(len as u64);
                    check_limit(skipped, limit)?;
                    // Under `skip_stray_bytes`, the `00` at the end begins a text.
                    at += len + usize::from(ended && end == END);
                    self.state = if ended { State::Type } else { State::Discard { skipped } };
                }
                State::Length { .. } if options.skip_stray_bytes && byte != 0 => {
                    self.state = State::Discard { skipped: 0 };
                }
                State::Length { is_close, len, bytes } => {
                    at += 1;
                    let len = (len << 7) | u64::from(byte & 0x7F);
                    check_limit(len, limit)?;
                    if byte & 0x80 != 0 {
                        if bytes == MAX_CONTINUED_LENGTH_BYTES {
                            return Err(DecodeError::LengthNotMinimal);
                        }
                        self.state = State::Length { is_close, len, bytes: bytes + 1 };
                        continue;
                    }
                    self.state = if len == 0 { State::Type } else { State::Skip { left: len } };
                    if is_close && len == 0 {
                        let flags = Flags::new(OpCode::Close, true, Rsv::NONE, Utf8State::Unknown);
                        return Ok(Some(FrameSpan { flags, owned: None, start: at, len: 0, consumed: at }));
                    }
                }
                State::Skip { left } => {
                    let len = usize::try_from(left).map_or(ahead.len(), |left| left.min(ahead.len()));
                    at += len;
                    let left = left - len as u64;
                    self.state = if left == 0 { State::Type } else { State::Skip { left } };
                }
            }
        }
    }

    /// Decodes a text, or a part of it if enough bytes arrived. `ahead` is the input from the offset `start` on.
    fn text(
        &mut self,
        options: &DecoderOptions,
        limit: u64,
        returned: u64,
        is_first: bool,
        start: usize,
        ahead: &[u8],
    ) -> Result<Option<FrameSpan>, DecodeError> {
        let (len, ended) = find(ahead, END);
        let (new, _) = ahead.split_at(len);
        let kept = self.incomplete.as_ref().map_or(0, |incomplete| incomplete.len());
        check_limit(returned.saturating_add((kept + len) as u64), limit)?;
        let opcode = if is_first { OpCode::Text } else { OpCode::Continuation };
        let flags = Flags::new(opcode, ended, Rsv::NONE, Utf8State::Valid);
        let (owned, len) = match self.incomplete.take() {
            None => {
                // A part ends at a character boundary.
                let part = if ended { len } else { len - incomplete_suffix_len(new) };
                if !ended && !is_part(options, part) {
                    return self.keep(Box::default(), new);
                }
                let (new, _) = new.split_at(part);
                (if is_utf8(new) { None } else { Some(replaced(new, limit - returned)?) }, part)
            }
            Some(mut incomplete) => {
                append(&mut incomplete, new);
                if !ended {
                    let part = incomplete.len() - incomplete_suffix_len(incomplete.bytes());
                    if !is_part(options, part) {
                        return self.keep(incomplete, &[]);
                    }
                    let rest = incomplete.split_off(part);
                    self.incomplete = (rest.len() > 0).then(|| Box::new(rest));
                }
                let bytes = incomplete.bytes();
                (Some(if is_utf8(bytes) { incomplete } else { replaced(bytes, limit - returned)? }), len)
            }
        };
        self.state = if ended {
            State::Type
        } else {
            let part = owned.as_ref().map_or(len, |owned| owned.len());
            State::Text { returned: returned + part as u64, is_first: false }
        };
        Ok(Some(FrameSpan { flags, owned, start, len, consumed: start + len + usize::from(ended) }))
    }

    /// Appends the `new` bytes to the text in progress, which continues with the next input.
    fn keep(&mut self, mut incomplete: Box<IncompletePayload>, new: &[u8]) -> Result<Option<FrameSpan>, DecodeError> {
        append(&mut incomplete, new);
        self.incomplete = Some(incomplete);
        Ok(None)
    }
}

/// Copies `bytes` to the end of `incomplete`.
fn append(incomplete: &mut IncompletePayload, bytes: &[u8]) {
    incomplete.reserve(bytes.len(), usize::MAX);
    for block in bytes.chunks(COPY_BLOCK) {
        incomplete.append(block);
    }
}

/// Returns whether `len` bytes are returned as a part before the end of the text arrives.
fn is_part(options: &DecoderOptions, len: usize) -> bool {
    options.delivery == Delivery::Parts && len >= options.min_part.into()
}

/// Returns the bytes before and after the payload of a frame that is encoded.
///
/// # Errors
///
/// [`EncodeError::Unsupported`] unless the frame is an unfragmented text without the byte `FF` or a Close without a payload.
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

/// Returns the offset of the first byte `end` and true, or the length of `input` and false if it does not contain `end`.
fn find(input: &[u8], end: u8) -> (usize, bool) {
    match memchr::memchr(end, input) {
        Some(at) => (at, true),
        None => (input.len(), false),
    }
}

const fn check_limit(len: u64, limit: u64) -> Result<(), DecodeError> {
    if len > limit { Err(DecodeError::FrameTooLong) } else { Ok(()) }
}

/// Replaces invalid UTF-8 with U+FFFD (hybi-00 §5.3). The result has at most `limit` bytes.
fn replaced(text: &[u8], limit: u64) -> Result<Box<IncompletePayload>, DecodeError> {
    let mut replaced = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        replaced.extend_from_slice(chunk.valid().as_bytes());
        if !chunk.invalid().is_empty() {
            replaced.extend_from_slice("\u{FFFD}".as_bytes());
        }
        check_limit(replaced.len() as u64, limit)?;
    }
    Ok(Box::new(replaced.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder, Limits};
    use bytes::BytesMut;
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
    fn decodes_text_between_sentinels() {
        assert_eq!(read(b"\x00Hello\xFF\x00\xFF\x00cut"), (vec![Frame::text("Hello"), Frame::text("")], Ok(())));
    }

    #[test]
    fn empty_frame_of_type_ff_is_a_close() {
        assert_eq!(read(b"\xFF\x00"), (vec![Frame::new(OpCode::Close, "")], Ok(())));
        assert_eq!(read(b"\xFF\x80\x00\x00a\xFF"), (vec![Frame::new(OpCode::Close, ""), Frame::text("a")], Ok(())));
    }

    #[test]
    fn skips_frames_of_other_types() {
        let bytes = b"\x01junk\x00\xFF\x7F\xFF\x80\x02\x00\xFF\x80\x00\xFF\x01\x00\xFE\x80\x01x\x00a\xFF";
        assert_eq!(read(bytes), (vec![Frame::text("a")], Ok(())));
    }

    #[test]
    fn rejects_endless_length() {
        assert_eq!(read(&[0x80; 11]), (vec![], Err(DecodeError::LengthNotMinimal)));
        assert_eq!(read(b"\x80\xFF\xFF\xFF\xFF\xFF"), (vec![], Err(DecodeError::FrameTooLong)));
        let unlimited = decoder().limits(Limits::NONE);
        let (frames, end) = drain(unlimited, &mut BytesMut::from(&[&[0x80][..], &[0xFF; 10], &[0]].concat()[..]));
        assert_eq!((frames.len(), end), (0, Err(DecodeError::LengthNotMinimal)));
    }

    #[test]
    fn limits_every_type_of_frame() {
        for (kind, end) in [(TEXT, &[END][..]), (0x01, &[END]), (0x80, b"")] {
            for (len, expected) in [(4_u8, Ok(())), (5, Err(DecodeError::FrameTooLong))] {
                let length = if kind == 0x80 { vec![len] } else { vec![] };
                let wire = [&[kind], &length[..], &vec![b'x'; usize::from(len)], end].concat();
                let limited = decoder().limits(Limits::new(4));
                assert_eq!(
                    drain(limited.clone(), &mut BytesMut::from(&wire[..])).1,
                    expected,
                    "type {kind:#x}, length {len}"
                );
                if kind != 0x80 {
                    let incomplete = &wire[..wire.len() - 1];
                    assert_eq!(
                        drain(limited, &mut BytesMut::from(incomplete)).1,
                        expected,
                        "type {kind:#x}, length {len}, without its end"
                    );
                }
            }
        }
    }

    #[test]
    fn replaces_invalid_utf8() {
        assert_eq!(read(b"\x00a\xC0b\xE2\x82\xFF").0, [Frame::text("a\u{FFFD}b\u{FFFD}")]);
    }

    #[test]
    fn skip_stray_bytes_skips_to_the_next_frame() {
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
    fn length_of_64_bits_does_not_wrap() {
        for wire in [
            &b"\x80\x82\x80\x80\x80\x80\x80\x80\x80\x80\x05AAAAA\x00smuggled\xFF"[..],
            b"\xFF\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00",
        ] {
            let unlimited = decoder().limits(Limits::NONE);
            assert_eq!(drain(unlimited, &mut BytesMut::from(wire)), (vec![], Err(DecodeError::LengthNotMinimal)));
        }
        let longest = b"\x80\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F\x00no text\xFF";
        let (frames, end) = drain(decoder().limits(Limits::NONE), &mut BytesMut::from(&longest[..]));
        assert_eq!((frames.len(), end), (0, Ok(())), "a length of 63 bits is accepted");
    }

    /// Examples for draft-ietf-hybi-thewebsocketprotocol-00 §4.2 and §5.3, and for draft-hixie-75 §4.2.
    #[test]
    fn decodes_the_frames_of_the_drafts() {
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
    fn error_is_final() {
        let mut decoder = decoder();
        let mut input = BytesMut::from(&b"\x80\xFF\xFF\xFF\xFF\xFF"[..]);
        assert_eq!(decoder.decode(&mut input), Err(DecodeError::FrameTooLong));
        let mut good = BytesMut::from(&b"\x00good\xFF"[..]);
        assert_eq!(decoder.decode(&mut good), Err(DecodeError::FrameTooLong));
    }

    #[test]
    fn limits_hold_before_the_end_arrives() {
        for limits in [Limits::new(4).max_frame(1000), Limits::new(1000).max_frame(4)] {
            for wire in [&b"\x00fives"[..], b"\x01fives", b"\x80\x05"] {
                let end = drain(decoder().limits(limits), &mut BytesMut::from(wire)).1;
                assert_eq!(end, Err(DecodeError::FrameTooLong), "{wire:02x?} within {limits:?}");
            }
        }
    }

    #[test]
    fn limit_counts_all_parts() {
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
    fn limit_counts_replacements() {
        let limited = decoder().limits(Limits::new(4));
        assert_eq!(drain(limited.clone(), &mut BytesMut::from(&b"\x00a\xC0\xFF"[..])).1, Ok(()));
        assert_eq!(drain(limited, &mut BytesMut::from(&b"\x00\xC0\xC0\xFF"[..])).1, Err(DecodeError::FrameTooLong));
    }

    #[test]
    fn limit_counts_replacements_in_later_parts() {
        let at_limit = Ok(Some(Frame::continuation("\u{FFFD}")));
        let too_long = Err(DecodeError::FrameTooLong);
        for (wire, expected) in [(&b"\xC0\xFF"[..], at_limit), (b"\xC0x", too_long.clone()), (b"\xC0x\xFF", too_long)] {
            let mut decoder = decoder().limits(Limits::new(4)).delivery(Delivery::Parts).min_part(1);
            let mut input = BytesMut::from(&b"\x00a"[..]);
            assert_eq!(decoder.decode(&mut input), Ok(Some(Frame::text("a").with_fin(false))));
            input.extend_from_slice(wire);
            assert_eq!(decoder.decode(&mut input), expected, "{wire:02x?}");
        }
    }

    #[test]
    fn finds_the_end_after_an_incomplete_character() {
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
    fn rejects_frames_that_hybi_00_cannot_carry() {
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
                let shared = frame.clone().encode_shared(version, None, &mut output);
                assert_eq!(shared, Err(EncodeError::Unsupported), "{frame:?}");
            }
        }
        assert!(output.is_empty());
        Frame::new(OpCode::Close, "").encode(Version::Hybi00, None, &mut output).unwrap();
        assert_eq!(output[..], [0xFF, 0x00]);
    }

    proptest! {
        #[test]
        fn roundtrips_texts(texts: Vec<String>) {
            let mut wire = BytesMut::new();
            for text in &texts {
                let frame = Frame::text(text.as_str());
                frame.encode(Version::Hixie75, None, &mut wire)?;
            }
            let frames: Vec<Frame> = texts.into_iter().map(Frame::text).collect();
            prop_assert_eq!(drain(decoder(), &mut wire), (frames, Ok(())));
        }

        #[test]
        fn frames_do_not_depend_on_read_boundaries(
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

//! The framing of RFC 6455 and hybi-10: the length of a frame is in its header.
//!
//! A frame is decoded in these steps:
//!
//! 1. The header is parsed, from the input or, if it arrived in pieces, from a copy in the decoder.
//! 2. The header is checked against the options (`DecoderOptions::check_header`) and against the message in progress
//!    ([`MessageState::check_header`]). So limits are checked before memory is allocated.
//! 3. The payload is unmasked and checked as it arrives. If it is complete in the input, this happens in place. Otherwise the
//!    bytes are copied block by block into an [`IncompletePayload`], where they are unmasked and checked while they are in
//!    the cache.
//! 4. The frame is returned when its payload is complete or, with [`Delivery::Parts`], when enough bytes arrived for a part.
//!
//! For the most frequent case, [`FastPath`] replaces all of these steps.

mod suspend;

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::BytesMut;
use bytes::buf::{BufMut, Limit};

use super::fast_path::FastPath;
use super::incomplete_payload::{COPY_BLOCK, IncompletePayload};
use super::input::Input;
use super::message_state::{MessageState, NewBytes};
use super::{FrameSpan, take};
use crate::decoder_options::DecoderOptions;
use crate::flags::{Flags, Utf8State};
use crate::mask::xor;
use crate::{DecodeError, Delivery, Frame, FrameHeader, LentMessage, Message, OpCode, Rsv};

/// A transport can read into the payload's memory if more than this number of bytes is missing.
const MIN_DIRECT_READ: usize = 64 * 1024;

/// The minimum length of a buffer for a transport, in bytes.
const MIN_ROOM: usize = 4 * 1024;

/// The number of bytes that must have arrived before memory for a transport grows by four instead of two. The operating system
/// provides the pages of such long blocks when they are written, and a block that grows by four is moved less often.
const MIN_FAST_GROWTH: usize = 32 * 1024;

/// The length in bytes of a block that is unmasked and then checked while it is in the L1 cache. It is a multiple of the length
/// of a masking key.
const CHECK_BLOCK: usize = 16 * 1024;

#[derive(Clone, Debug, Default)]
pub(crate) struct LengthPrefixed {
    phase: Phase,
    message: MessageState,
    /// The beginning of the payload in progress. It is on the heap, because most payloads arrive complete and do not need it.
    incomplete: Option<Box<IncompletePayload>>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Phase {
    /// Between two frames.
    #[default]
    Start,
    /// Inside a header.
    Header(PartialHeader),
    /// Inside a payload.
    Payload(Progress),
    /// After an error.
    Failed(DecodeError),
}

/// The beginning of a header.
#[derive(Clone, Copy, Debug, Default)]
struct PartialHeader {
    bytes: [u8; FrameHeader::MAX_LEN],
    len: u8,
}

/// A frame whose header was parsed and checked.
#[derive(Clone, Copy, Debug)]
struct Progress {
    header: FrameHeader,
    /// The number of bytes of the payload that were returned in parts.
    returned: u64,
}

impl LengthPrefixed {
    #[inline]
    pub(super) fn decode<I: Input>(
        &mut self,
        options: &DecoderOptions,
        input: &mut I,
    ) -> Result<Option<Frame<I::Payload>>, DecodeError> {
        let Some(found) = self.find_fast(options, input.bytes()) else { return self.decode_slow(options, input) };
        if found.unmask(input.bytes()) {
            Ok(Some(found.take_frame(input)))
        } else {
            Err(self.fail(DecodeError::InvalidUtf8))
        }
    }

    /// Decodes a message on the fast path. Returns `None` in every other case: then call [`decode`](Self::decode),
    /// which also returns the errors.
    #[inline(always)]
    pub(super) fn decode_message(&mut self, options: &DecoderOptions, input: &mut BytesMut) -> Option<Message> {
        let found = self.find_fast(options, input)?;
        if found.unmask(input) {
            return Some(found.take_message(input));
        }
        self.fail(DecodeError::InvalidUtf8);
        None
    }

    /// Decodes a message like [`decode_message`](Self::decode_message). The message borrows from `input`.
    #[inline(always)]
    pub(super) fn decode_message_lent<'a>(
        &mut self,
        options: &DecoderOptions,
        input: &mut &'a mut [u8],
    ) -> Option<LentMessage<'a>> {
        let found = self.find_fast(options, input)?;
        if found.unmask(input) {
            return Some(found.lend_message(input));
        }
        self.fail(DecodeError::InvalidUtf8);
        None
    }

    #[inline(always)]
    fn find_fast(&self, options: &DecoderOptions, input: &[u8]) -> Option<FastPath> {
        let is_start = matches!(self.phase, Phase::Start) && self.message.is_between_messages();
        if is_start { FastPath::find(options, input) } else { None }
    }

    #[inline(never)]
    fn decode_slow<I: Input>(
        &mut self,
        options: &DecoderOptions,
        input: &mut I,
    ) -> Result<Option<Frame<I::Payload>>, DecodeError> {
        match self.next(options, input.bytes()) {
            Ok(span) => Ok(take(span, input)),
            Err(error) => Err(self.fail(error)),
        }
    }

    #[cold]
    fn fail(&mut self, error: DecodeError) -> DecodeError {
        self.phase = Phase::Failed(error);
        self.incomplete = None;
        error
    }

    /// Decodes the next frame. `None` means that more bytes are needed and that all of `input` was consumed.
    #[inline]
    fn next(&mut self, options: &DecoderOptions, input: &mut [u8]) -> Result<Option<FrameSpan>, DecodeError> {
        let (progress, start) = match self.phase {
            Phase::Payload(progress) => (progress, 0),
            Phase::Start | Phase::Header(_) => match self.header(options, input)? {
                Some((header, len)) => (Progress { header, returned: 0 }, len),
                None => return Ok(None),
            },
            Phase::Failed(error) => return Err(error),
        };
        let (_, input) = input.split_at_mut(start);
        self.payload(options, progress, start, input)
    }

    /// Parses and checks a header. Returns it with the number of its bytes that are in `input`.
    #[inline]
    fn header(&mut self, options: &DecoderOptions, input: &[u8]) -> Result<Option<(FrameHeader, usize)>, DecodeError> {
        let partial = match self.phase {
            Phase::Header(partial) => partial,
            _ => match self.parse_header(options, input)? {
                Some(header) => return Ok(Some(header)),
                None => PartialHeader::default(),
            },
        };
        self.partial_header(options, partial, input)
    }

    /// Parses and checks a header whose beginning may be in `partial`.
    #[cold]
    fn partial_header(
        &mut self,
        options: &DecoderOptions,
        mut partial: PartialHeader,
        input: &[u8],
    ) -> Result<Option<(FrameHeader, usize)>, DecodeError> {
        let kept = usize::from(partial.len);
        partial.append(input);
        let header = self.parse_header(options, partial.bytes())?;
        if header.is_none() && partial.len > 0 {
            self.phase = Phase::Header(partial);
        }
        Ok(header.map(|(header, len)| (header, len - kept)))
    }

    #[inline]
    fn parse_header(
        &mut self,
        options: &DecoderOptions,
        bytes: &[u8],
    ) -> Result<Option<(FrameHeader, usize)>, DecodeError> {
        let parsed = FrameHeader::parse_to_key(bytes, options.allow_non_minimal_length)?;
        let Some((mut header, key_at)) = parsed else { return Ok(None) };
        options.check_header(&header)?;
        self.message.check_header(&header, &options.limits)?;
        let Some(len) = header.parse_key(bytes, key_at) else { return Ok(None) };
        self.message.record_fragment(&header);
        Ok(Some((header, len)))
    }

    /// Unmasks and checks the bytes of the payload in `input`, which follows `start` bytes of header.
    #[inline]
    fn payload(
        &mut self,
        options: &DecoderOptions,
        progress: Progress,
        start: usize,
        input: &mut [u8],
    ) -> Result<Option<FrameSpan>, DecodeError> {
        let left = progress.header.len - progress.returned;
        let max_len = usize::try_from(left).unwrap_or(usize::MAX);
        let kept = self.incomplete.as_ref().map_or(0, |incomplete| incomplete.len());
        let len = input.len().min(max_len - kept);
        let (input, _) = input.split_at_mut(len);
        let arrived = kept + len;
        let ends = arrived as u64 == left;
        let is_part = options.delivery == Delivery::Parts
            && arrived >= usize::from(options.min_part)
            && !progress.header.opcode.is_control();
        let utf8 = if self.incomplete.is_none() && (ends || is_part) {
            self.message.unmask_and_check(&progress, input, 0, ends)?
        } else {
            if arrived == 0 {
                self.phase = Phase::Payload(progress);
                return Ok(None);
            }
            let incomplete = self.incomplete.get_or_insert_default();
            let utf8 = self.message.append_and_check(&progress, incomplete, input, max_len)?;
            if !(ends || is_part) {
                if start > 0 {
                    self.phase = Phase::Payload(progress);
                }
                return Ok(None);
            }
            utf8
        };
        self.phase = if ends {
            Phase::Start
        } else {
            Phase::Payload(Progress { returned: progress.returned + arrived as u64, ..progress })
        };
        let (flags, owned) = (progress.flags(ends, utf8), self.incomplete.take());
        Ok(Some(FrameSpan { flags, owned, start, len, consumed: start + len }))
    }

    /// Returns the memory of the payload in progress with room for a read, if more than [`MIN_DIRECT_READ`] bytes of the
    /// payload are missing.
    pub(super) fn payload_buffer(&mut self, options: &DecoderOptions) -> Option<Limit<&mut Vec<u8>>> {
        let Phase::Payload(Progress { header, returned: 0 }) = self.phase else { return None };
        let kept = self.incomplete.as_ref().map_or(0, |incomplete| incomplete.len());
        let max_len = usize::try_from(header.len).unwrap_or(usize::MAX);
        let missing = max_len - kept;
        if missing <= MIN_DIRECT_READ || options.delivery == Delivery::Parts {
            return None;
        }
        let incomplete = self.incomplete.get_or_insert_default();
        if incomplete.room() < MIN_ROOM {
            // Not while there is more room: after short reads, each call would move the payload.
            let additional = if kept < MIN_FAST_GROWTH { kept } else { kept.saturating_mul(3) };
            incomplete.reserve(additional.max(MIN_ROOM).min(missing), max_len);
        }
        let buffer = incomplete.buffer();
        let room = missing.min(buffer.capacity() - buffer.len());
        Some(buffer.limit(room))
    }

    /// Returns whether more bytes of the payload in progress follow.
    pub(super) const fn is_inside_frame(&self) -> bool {
        matches!(self.phase, Phase::Payload(_))
    }

    /// Returns whether a transport wrote bytes that were not decoded.
    pub(super) fn has_undecoded_payload(&self) -> bool {
        self.incomplete.as_ref().is_some_and(|incomplete| incomplete.checked() < incomplete.len())
    }
}

impl MessageState {
    /// Appends `input` to `incomplete`, and unmasks and checks all new bytes.
    #[inline]
    fn append_and_check(
        &mut self,
        progress: &Progress,
        incomplete: &mut IncompletePayload,
        input: &[u8],
        max_len: usize,
    ) -> Result<Utf8State, DecodeError> {
        incomplete.reserve(input.len(), max_len);
        let mut utf8 = Utf8State::Unknown;
        if incomplete.checked() < incomplete.len() {
            // A transport has appended bytes to the buffer.
            utf8 = self.check_new(progress, incomplete, max_len)?;
        }
        for block in input.chunks(COPY_BLOCK) {
            incomplete.append(block);
            utf8 = self.check_new(progress, incomplete, max_len)?;
        }
        Ok(utf8)
    }

    fn check_new(
        &mut self,
        progress: &Progress,
        incomplete: &mut IncompletePayload,
        max_len: usize,
    ) -> Result<Utf8State, DecodeError> {
        let (from, len) = (incomplete.checked(), incomplete.len());
        incomplete.set_checked(len);
        self.unmask_and_check(progress, incomplete.bytes(), from, len == max_len)
    }

    /// Unmasks and checks `payload`, whose first `from` bytes were checked before. `ends` is true if the frame ends with it.
    fn unmask_and_check(
        &mut self,
        progress: &Progress,
        payload: &mut [u8],
        mut from: usize,
        ends: bool,
    ) -> Result<Utf8State, DecodeError> {
        while payload.len() - from > CHECK_BLOCK {
            let (arrived, _) = payload.split_at_mut(from + CHECK_BLOCK);
            self.unmask_and_check_block(progress, arrived, from, false)?;
            from += CHECK_BLOCK;
        }
        self.unmask_and_check_block(progress, payload, from, ends)
    }

    #[inline]
    fn unmask_and_check_block(
        &mut self,
        Progress { header, returned }: &Progress,
        payload: &mut [u8],
        from: usize,
        ends: bool,
    ) -> Result<Utf8State, DecodeError> {
        #[expect(clippy::cast_possible_truncation, reason = "only the two lowest bits matter")]
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
        //# A server MUST remove masking for data frames received from a client
        let is_ascii = header.mask.is_some_and(|key| {
            let (_, new) = payload.split_at_mut(from);
            xor(new, key.rotated((*returned as usize).wrapping_add(from)))
        });
        self.check(header, payload, NewBytes { from, is_ascii }, ends)
    }
}

impl PartialHeader {
    /// Appends bytes of `input` up to the maximum length of a header.
    fn append(&mut self, input: &[u8]) {
        let (_, free) = self.bytes.split_at_mut(usize::from(self.len));
        for (free, &byte) in free.iter_mut().zip(input) {
            *free = byte;
            self.len += 1;
        }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.split_at(usize::from(self.len)).0
    }
}

impl Progress {
    /// Returns the flags of the next frame or part to return. `ends` is true if no bytes of the frame follow it.
    fn flags(&self, ends: bool, utf8: Utf8State) -> Flags {
        let FrameHeader { fin, rsv, opcode, .. } = self.header;
        let (opcode, rsv) = if self.returned == 0 { (opcode, rsv) } else { (OpCode::Continuation, Rsv::NONE) };
        Flags::new(opcode, fin && ends, rsv, utf8)
    }
}

//! Splits the bytes that arrive into frames.
//!
//! The versions of the protocol mark the end of a frame in two ways. In RFC 6455 and hybi-10, the header contains the length
//! ([`LengthPrefixed`]). In hybi-00 and hixie-75, text is between the bytes `00` and `FF` ([`Sentinel`]).
//!
//! Both follow one buffering rule: **an incomplete payload belongs to the decoder from its first byte.**
//!
//! - A payload that is complete in the input stays there: the frame shares its memory or borrows it, depending on the type of
//!   [`Input`].
//! - A payload that is incomplete is copied into an [`IncompletePayload`], which becomes the payload without a further copy.
//! - An incomplete header, of at most 13 bytes, is kept inside the decoder.
//!
//! So a call that returns `None` has consumed all of the input, and a caller can use one read buffer for many
//! connections. The caller cannot write to bytes that were checked, so text is checked only once.
//!
//! The path of a length-prefixed frame:
//!
//! ```text
//!            ┌─ FastPath: one complete, unfragmented message; no state changes
//! input ──▶──┤
//!            └─ LengthPrefixed ─▶ check_header ─▶ MessageState ─▶ unmask, check ─▶ FrameSpan ─▶ Frame
//! ```

mod fast_path;
mod incomplete_payload;
mod input;
mod length_prefixed;
mod message_state;
pub(crate) mod sentinel;

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::BytesMut;
use bytes::buf::Limit;
use protocol_websocket_core::Version;

use crate::decoder_options::DecoderOptions;
use crate::flags::Flags;
use crate::{DecodeError, Frame, LentMessage, Message, Payload, ResumeError, StateReader, StateWriter, SuspendError};

use incomplete_payload::IncompletePayload;
use input::Input;
use length_prefixed::LengthPrefixed;
use sentinel::Sentinel;

/// The two framings, each with its state.
#[derive(Clone, Debug)]
pub(crate) enum Framing {
    LengthPrefixed(LengthPrefixed),
    Sentinel(Sentinel),
}

/// A decoded frame that was not removed from the input yet. The offsets and lengths are in bytes.
struct FrameSpan {
    flags: Flags,
    /// The payload, if the decoder owns it. Otherwise it is in the input.
    owned: Option<Box<IncompletePayload>>,
    /// The offset of the payload in the input.
    start: usize,
    /// The length of the payload in the input.
    len: usize,
    /// The length of the whole frame in the input: the header, the payload and the byte after it, if there is one.
    consumed: usize,
}

impl Framing {
    pub(crate) fn new(version: Version) -> Self {
        if version.has_length_framing() {
            Self::LengthPrefixed(LengthPrefixed::default())
        } else {
            Self::Sentinel(Sentinel::default())
        }
    }

    #[inline]
    pub(crate) fn decode(
        &mut self,
        options: &DecoderOptions,
        input: &mut BytesMut,
    ) -> Result<Option<Frame>, DecodeError> {
        match self {
            Self::LengthPrefixed(framing) => framing.decode(options, input),
            Self::Sentinel(framing) => framing.decode(options, input),
        }
    }

    #[inline]
    pub(crate) fn decode_lent<'a>(
        &mut self,
        options: &DecoderOptions,
        input: &mut &'a mut [u8],
    ) -> Result<Option<Frame<Payload<'a>>>, DecodeError> {
        match self {
            Self::LengthPrefixed(framing) => framing.decode(options, input),
            Self::Sentinel(framing) => framing.decode(options, input),
        }
    }

    #[inline(always)]
    pub(crate) fn decode_message(&mut self, options: &DecoderOptions, input: &mut BytesMut) -> Option<Message> {
        match self {
            Self::LengthPrefixed(framing) => framing.decode_message(options, input),
            Self::Sentinel(_) => None,
        }
    }

    #[inline(always)]
    pub(crate) fn decode_message_lent<'a>(
        &mut self,
        options: &DecoderOptions,
        input: &mut &'a mut [u8],
    ) -> Option<LentMessage<'a>> {
        match self {
            Self::LengthPrefixed(framing) => framing.decode_message_lent(options, input),
            Self::Sentinel(_) => None,
        }
    }

    pub(crate) fn payload_buffer(&mut self, options: &DecoderOptions) -> Option<Limit<&mut Vec<u8>>> {
        match self {
            Self::LengthPrefixed(framing) => framing.payload_buffer(options),
            Self::Sentinel(_) => None,
        }
    }

    pub(crate) const fn is_inside_frame(&self) -> bool {
        match self {
            Self::LengthPrefixed(framing) => framing.is_inside_frame(),
            Self::Sentinel(framing) => framing.is_inside_frame(),
        }
    }

    pub(crate) fn has_undecoded_payload(&self) -> bool {
        match self {
            Self::LengthPrefixed(framing) => framing.has_undecoded_payload(),
            Self::Sentinel(_) => false,
        }
    }
}

impl Framing {
    pub(crate) fn suspend(&self, state: &mut StateWriter) -> Result<(), SuspendError> {
        match self {
            Self::LengthPrefixed(framing) => framing.suspend(state),
            Self::Sentinel(framing) => framing.suspend(state),
        }
    }

    pub(crate) fn resume(&mut self, options: &DecoderOptions, state: &mut StateReader<'_>) -> Result<(), ResumeError> {
        match self {
            Self::LengthPrefixed(framing) => *framing = LengthPrefixed::resume(options, state)?,
            Self::Sentinel(framing) => *framing = Sentinel::resume(options, state)?,
        }
        Ok(())
    }

    /// Returns whether the next frame begins a message or is a control frame.
    pub(crate) fn is_between_messages(&self) -> bool {
        match self {
            Self::LengthPrefixed(framing) => framing.is_between_messages(),
            Self::Sentinel(framing) => framing.is_between_messages(),
        }
    }
}

/// Removes the frame from `input` and returns it. Without a frame, removes all of `input`, which the decoder has copied.
#[inline]
fn take<I: Input>(span: Option<FrameSpan>, input: &mut I) -> Option<Frame<I::Payload>> {
    let Some(FrameSpan { flags, owned, start, len, consumed }) = span else {
        input.skip_all();
        return None;
    };
    let (payload, left) = match owned {
        None => (input.take(start, len), consumed - start - len),
        Some(owned) => ((*owned).into_bytes().into(), consumed),
    };
    if left > 0 {
        input.skip(left);
    }
    Some(Frame::from_flags(flags, payload))
}

use core::fmt;

use bytes::{BufMut, BytesMut};
use protocol_websocket_core::{Role, Version};

use crate::decoder_options::{DecoderOptions, MaskPolicy};
use crate::framing::Framing;
use crate::{
    DecodeError, Delivery, Frame, LentMessage, Limits, Message, Payload, ResumeError, Rsv, StateReader, StateWriter,
    SuspendError,
};

/// Decodes bytes into frames and checks every rule of RFC 6455 §5 as the bytes arrive.
///
/// An invalid header is rejected before its payload arrives, and invalid text at its first invalid byte. Invalid bytes are
/// never returned. Frames that were returned before the error are valid. An error is final: each later call returns it again,
/// and leaves the input unchanged.
///
/// # Input
///
/// There are two kinds of input. [`decode`](Self::decode) and [`decode_message`](Self::decode_message) take a [`BytesMut`],
/// and a payload that is complete in it shares its memory as [`Bytes`](bytes::Bytes). [`decode_lent`](Self::decode_lent) and
/// [`decode_message_lent`](Self::decode_message_lent) take a slice, and a payload that is complete in it borrows from it,
/// without a copy and without reference counting. Calls of both kinds can be mixed.
///
/// The decoder removes frames from the front of the input. **When `decode` or `decode_lent` returns `None`, all of the input
/// was consumed**: the decoder keeps an incomplete header or payload. So one read buffer can serve many connections.
///
/// # Memory
///
/// A payload that has not arrived completely is kept in memory of at most twice the number of bytes that arrived, plus 4 KiB.
/// [`payload_buffer`](Self::payload_buffer), which saves the copy of long payloads, allocates up to four times that number, once
/// 32 KiB have arrived. No memory is allocated beyond the length of the payload, nor for the length in a header alone. The
/// memory becomes the payload, so nothing stays allocated. When the allocator grows a block by moving it, the old block also
/// exists until the bytes are copied.
///
/// Each byte is unmasked once, and checked once with two exceptions. A text whose frames or parts end inside a character is
/// checked again when it is joined. The reason of a Close that arrives in pieces is checked again with each piece.
///
/// # Example
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_core::Role;
/// use protocol_websocket_frame::{Decoder, Frame};
///
/// let mut decoder = Decoder::new(Role::Client);
/// let mut input = BytesMut::from(&b"\x81\x05Hello\x89\x00\x81"[..]);
/// assert_eq!(decoder.decode(&mut input)?, Some(Frame::text("Hello")));
/// assert_eq!(decoder.decode(&mut input)?, Some(Frame::ping("")));
/// assert_eq!(decoder.decode(&mut input)?, None);
/// assert!(input.is_empty(), "the decoder keeps the beginning of the next frame");
/// # Ok::<_, protocol_websocket_frame::DecodeError>(())
/// ```
#[derive(Clone)]
pub struct Decoder {
    options: DecoderOptions,
    framing: Framing,
}

impl Decoder {
    /// The default of [`min_part`](Self::min_part): 4 KiB.
    pub const MIN_PART: u16 = DecoderOptions::MIN_PART;

    /// Creates a decoder for the end with this `role`. A server accepts only masked frames, a client only unmasked ones
    /// (RFC 6455 §5.1).
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self { options: DecoderOptions::new(role), framing: Framing::new(Version::Rfc6455) }
    }

    /// Sets the version of the frames. The default is [`Version::Rfc6455`].
    ///
    /// In hybi-00 and hixie-75, a frame is a text or the empty Close `FF 00`. Frames of other types are skipped. Invalid UTF-8
    /// is replaced with U+FFFD (hybi-00 §5.3). There are no masks and no reserved bits. Call this method before the first
    /// decoding method, because it discards the state of the decoder.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_frame::{Decoder, Frame, Role, Version};
    ///
    /// let mut decoder = Decoder::new(Role::Server).version(Version::Hybi00);
    /// let mut input = BytesMut::from(&b"\x00Hello\xFF"[..]);
    /// assert_eq!(decoder.decode(&mut input)?, Some(Frame::text("Hello")));
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        self.framing = Framing::new(version);
        self
    }

    /// Accepts masked and unmasked frames from both ends, which RFC 6455 §5.1 forbids. This is for tools that observe both
    /// directions, and for peers that mask incorrectly.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_frame::{Decoder, Frame, Role};
    ///
    /// let mut decoder = Decoder::new(Role::Server).allow_any_mask();
    /// let mut unmasked = BytesMut::from(&b"\x81\x02Hi"[..]);
    /// assert_eq!(decoder.decode(&mut unmasked)?, Some(Frame::text("Hi")));
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    #[must_use]
    pub const fn allow_any_mask(mut self) -> Self {
        self.options.mask_policy = MaskPolicy::Any;
        self
    }

    /// Accepts lengths that are not in their shortest form, which RFC 6455 §5.2 forbids. The length of a control frame must
    /// still be in its shortest form.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_frame::{Decoder, Frame, Role};
    ///
    /// let mut decoder = Decoder::new(Role::Client).allow_non_minimal_length();
    /// let mut input = BytesMut::from(&b"\x81\x7E\x00\x02Hi"[..]); // the length 2 in 16 bits
    /// assert_eq!(decoder.decode(&mut input)?, Some(Frame::text("Hi")));
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    #[must_use]
    pub const fn allow_non_minimal_length(mut self) -> Self {
        self.options.allow_non_minimal_length = true;
        self
    }

    /// Skips all bytes between two frames up to the next `00`, in hybi-00 and hixie-75. Without this setting they are a
    /// frame of another type, which ends with `FF` or has a length (hybi-00 §5.3). An `FF 00` that immediately follows a
    /// frame is still a Close.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_frame::{Decoder, Frame, Role, Version};
    ///
    /// let mut decoder = Decoder::new(Role::Server).version(Version::Hybi00).skip_stray_bytes();
    /// let mut input = BytesMut::from(&b"\r\n\x00Hello\xFF"[..]);
    /// assert_eq!(decoder.decode(&mut input)?, Some(Frame::text("Hello")));
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    #[must_use]
    pub const fn skip_stray_bytes(mut self) -> Self {
        self.options.skip_stray_bytes = true;
        self
    }

    /// Sets the leniency of Perl's `Protocol::WebSocket` 0.26 where it is harmless:
    /// [`allow_any_mask`](Self::allow_any_mask), [`allow_non_minimal_length`](Self::allow_non_minimal_length),
    /// [`skip_stray_bytes`](Self::skip_stray_bytes), [`allow_rsv`](Self::allow_rsv) of all bits, and [`Limits::PERL`].
    ///
    /// Perl also accepts reserved opcodes, fragments out of order, control frames that are fragmented or too long, invalid
    /// Close payloads and invalid UTF-8. These stay errors.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_frame::{Decoder, Frame, Role};
    ///
    /// let mut decoder = Decoder::new(Role::Server).perl_compat();
    /// let mut unmasked_close = BytesMut::from(&b"\x88\x00"[..]);
    /// assert_eq!(decoder.decode(&mut unmasked_close)?, Some(Frame::close(None)?));
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn perl_compat(mut self) -> Self {
        self.options = self.options.perl_compat();
        self
    }

    /// Sets the limits. The default is [`Limits::default`].
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.options.limits = limits;
        self
    }

    /// Sets when payloads are returned. The default is [`Delivery::Whole`].
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_frame::{Decoder, Delivery, Frame, Role};
    ///
    /// let mut decoder = Decoder::new(Role::Client).delivery(Delivery::Parts).min_part(1);
    /// let mut input = BytesMut::from(&b"\x82\x05Hel"[..]); // 3 of 5 bytes
    /// assert_eq!(decoder.decode(&mut input)?, Some(Frame::binary("Hel").with_fin(false)));
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    #[must_use]
    pub const fn delivery(mut self, delivery: Delivery) -> Self {
        self.options.delivery = delivery;
        self
    }

    /// Sets the minimum length of a part, in bytes, with [`Delivery::Parts`]. The default is [`MIN_PART`](Self::MIN_PART), and
    /// 0 is the same as 1. The last part of a frame may be shorter.
    ///
    /// A frame of `len` bytes is returned in at most `len / bytes + 1` parts, however short the reads are. So a message that is
    /// relayed in parts has at most `max_message / bytes` more fragments than it had frames. If the relay's peer limits the
    /// number of fragments, set [`Limits::max_fragments`] of this decoder lower by this number.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_core::Role;
    /// use protocol_websocket_frame::{Decoder, Delivery, Frame};
    ///
    /// let mut decoder = Decoder::new(Role::Client).delivery(Delivery::Parts).min_part(3);
    /// let mut input = BytesMut::from(&b"\x81\x05He"[..]);
    /// assert_eq!(decoder.decode(&mut input)?, None);
    /// input.extend_from_slice(b"l");
    /// assert_eq!(decoder.decode(&mut input)?, Some(Frame::text("Hel").with_fin(false)));
    /// input.extend_from_slice(b"lo");
    /// assert_eq!(decoder.decode(&mut input)?, Some(Frame::continuation("lo")));
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    #[must_use]
    pub const fn min_part(mut self, bytes: u16) -> Self {
        self.options.min_part = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// Accepts these reserved bits of a negotiated extension on the first frame of a message, in addition to those that were
    /// allowed before.
    ///
    /// The text of a message with a reserved bit is not checked, because an extension must decode it first. An
    /// [`Assembler`](crate::Assembler) checks the decoded text.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_frame::{DecodeError, Decoder, Role, Rsv};
    ///
    /// let wire = &b"\xC2\x00"[..];
    /// let mut decoder = Decoder::new(Role::Client);
    /// assert_eq!(decoder.decode(&mut BytesMut::from(wire)), Err(DecodeError::ReservedBits));
    /// let mut decoder = Decoder::new(Role::Client).allow_rsv(Rsv::RSV1);
    /// assert!(decoder.decode(&mut BytesMut::from(wire))?.is_some_and(|frame| frame.rsv() == Rsv::RSV1));
    /// # Ok::<_, DecodeError>(())
    /// ```
    #[must_use]
    pub fn allow_rsv(mut self, rsv: Rsv) -> Self {
        self.options.allowed_rsv = self.options.allowed_rsv | rsv;
        self
    }

    /// Decodes the next frame from the front of `input`. `None` means that more bytes are needed and that all of `input` was
    /// consumed.
    ///
    /// A payload that is complete in `input` shares its memory, which stays allocated as long as the payload exists. A payload
    /// that arrived in several reads has memory of its own. See the example of [`Decoder`].
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_frame::{Decoder, Frame, Role};
    ///
    /// let mut decoder = Decoder::new(Role::Client);
    /// let mut input = BytesMut::from(&b"\x81\x05Hel"[..]);
    /// assert_eq!(decoder.decode(&mut input)?, None);
    /// input.extend_from_slice(b"lo");
    /// assert_eq!(decoder.decode(&mut input)?, Some(Frame::text("Hello")));
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the peer violated the protocol or exceeded a limit. Each later call returns the same error.
    #[inline]
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Frame>, DecodeError> {
        self.framing.decode(&self.options, input)
    }

    /// Decodes the next frame from the front of `input`, and shortens `input` to the bytes after it. `None` means that more
    /// bytes are needed and that all of `input` was consumed.
    ///
    /// A payload that is complete in `input` borrows from it. A payload that arrived in several reads is owned.
    ///
    /// ```
    /// use protocol_websocket_core::Role;
    /// use protocol_websocket_frame::{Decoder, OpCode, Payload};
    ///
    /// let mut decoder = Decoder::new(Role::Client);
    /// let mut read = *b"\x81\x05Hello\x82\x03\x01\x02";
    /// let mut input = &mut read[..];
    /// let frame = decoder.decode_lent(&mut input)?.expect("the first frame is complete");
    /// assert!(matches!(frame.payload(), Payload::Borrowed(b"Hello")));
    /// assert_eq!(decoder.decode_lent(&mut input)?, None);
    ///
    /// let mut read = *b"\x03";
    /// let frame = decoder.decode_lent(&mut &mut read[..])?.expect("the second frame is complete");
    /// assert_eq!((frame.opcode(), frame.payload().as_bytes()), (OpCode::Binary, &[1, 2, 3][..]));
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    #[inline]
    pub fn decode_lent<'a>(&mut self, input: &mut &'a mut [u8]) -> Result<Option<Frame<Payload<'a>>>, DecodeError> {
        self.framing.decode_lent(&self.options, input)
    }

    /// Decodes a complete, unfragmented message from the front of `input`, on a fast path. Returns `None` in every
    /// other case: then call [`decode`](Self::decode), which also returns the errors.
    ///
    /// The fast path leaves some complete messages to `decode`: those of 64 KiB or more, and any message if `input` has
    /// fewer than eight bytes. `decode` with an [`Assembler`](crate::Assembler) returns the same messages without a
    /// fast path.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_core::Role;
    /// use protocol_websocket_frame::{Decoder, Frame, Message};
    ///
    /// let mut decoder = Decoder::new(Role::Client);
    /// let mut input = BytesMut::from(&b"\x81\x0CHello there!\x89\x00"[..]);
    /// assert_eq!(decoder.decode_message(&mut input), Some(Message::from("Hello there!")));
    /// assert_eq!(decoder.decode_message(&mut input), None);
    /// assert_eq!(decoder.decode(&mut input)?, Some(Frame::ping("")));
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    #[inline(always)]
    pub fn decode_message(&mut self, input: &mut BytesMut) -> Option<Message> {
        self.framing.decode_message(&self.options, input)
    }

    /// Decodes a complete, unfragmented message from the front of `input`, on a fast path. The message borrows from `input`.
    /// After `None`, call [`decode_lent`](Self::decode_lent), as with [`decode_message`](Self::decode_message).
    ///
    /// ```
    /// use protocol_websocket_core::Role;
    /// use protocol_websocket_frame::Decoder;
    ///
    /// let mut decoder = Decoder::new(Role::Client);
    /// let mut read = *b"\x81\x0CHello there!\x89\x00";
    /// let mut input = &mut read[..];
    /// let message = decoder.decode_message_lent(&mut input).expect("the message is complete");
    /// assert_eq!(message.as_text(), Some("Hello there!"));
    /// assert_eq!(input, b"\x89\x00");
    /// ```
    #[inline(always)]
    pub fn decode_message_lent<'a>(&mut self, input: &mut &'a mut [u8]) -> Option<LentMessage<'a>> {
        self.framing.decode_message_lent(&self.options, input)
    }

    /// Returns the memory of the payload in progress if more than 64 KiB of the payload are missing. A transport that reads
    /// into it, instead of into the input, saves a copy.
    ///
    /// Call it after `decode` or `decode_lent` has returned `None`. Append the next bytes from the transport, and call the
    /// decoding method again with an empty input. The buffer has room for at least 4 KiB and at most for the missing bytes, so
    /// all bytes in it belong to this payload. Its memory is at most twice as long as the bytes that arrived plus 4 KiB, and
    /// four times as long once 32 KiB have arrived. Returns `None` with [`Delivery::Parts`] and in hybi-00 and hixie-75.
    ///
    /// ```
    /// use bytes::{BufMut, BytesMut};
    /// use protocol_websocket_frame::{Decoder, Frame, Role, Version};
    ///
    /// let mut wire = BytesMut::new();
    /// let frame = Frame::binary(vec![7; 200_000]);
    /// frame.encode(Version::Rfc6455, None, &mut wire)?;
    ///
    /// let mut decoder = Decoder::new(Role::Client);
    /// let mut input = wire.split_to(1000);
    /// while let None = decoder.decode(&mut input)? {
    ///     // In place of a read from a socket.
    ///     match decoder.payload_buffer() {
    ///         Some(mut buffer) => {
    ///             let len = buffer.remaining_mut().min(wire.len());
    ///             buffer.put(wire.split_to(len));
    ///         }
    ///         None => input.unsplit(wire.split()),
    ///     }
    /// }
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn payload_buffer(&mut self) -> Option<impl BufMut + '_> {
        self.framing.payload_buffer(&self.options)
    }

    /// Returns whether more bytes of the current frame follow. After a call that returned a frame, this is true if that frame
    /// is a part of an incomplete frame ([`Delivery::Parts`]).
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_frame::{Decoder, Delivery, Role};
    ///
    /// let mut decoder = Decoder::new(Role::Client).delivery(Delivery::Parts).min_part(1);
    /// let mut input = BytesMut::from(&b"\x82\x05Hel"[..]); // 3 of 5 bytes
    /// assert!(decoder.decode(&mut input)?.is_some() && decoder.is_inside_frame());
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    #[must_use]
    pub const fn is_inside_frame(&self) -> bool {
        self.framing.is_inside_frame()
    }

    /// Returns whether bytes were appended to the [`payload_buffer`](Self::payload_buffer) since the last call of a decoding
    /// method.
    #[must_use]
    pub fn has_undecoded_payload(&self) -> bool {
        self.framing.has_undecoded_payload()
    }
}

/// Shows the settings, and hides the message in progress.
impl Decoder {
    /// Writes the state between two calls of [`decode`](Self::decode): the beginning of a header or a payload, and the state
    /// of the message in progress. The settings are not part of it.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_core::Role;
    /// use protocol_websocket_frame::{Decoder, Frame, StateReader, StateWriter};
    ///
    /// let mut decoder = Decoder::new(Role::Client);
    /// decoder.decode(&mut BytesMut::from(&b"\x81\x05Hel"[..]))?;
    /// let mut state = StateWriter::new();
    /// decoder.suspend(&mut state)?;
    ///
    /// let state = state.into_bytes();
    /// let mut resumed = Decoder::new(Role::Client);
    /// resumed.resume(&mut StateReader::new(&state))?;
    /// assert_eq!(resumed.decode(&mut BytesMut::from(&b"lo"[..]))?, Some(Frame::text("Hello")));
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SuspendError::Failed`] after an error.
    pub fn suspend(&self, state: &mut StateWriter) -> Result<(), SuspendError> {
        self.framing.suspend(state)
    }

    /// Continues from a state that [`suspend`](Self::suspend) wrote. Call it after all settings, which must be those of the
    /// decoder that was suspended. Limits may be higher.
    ///
    /// # Errors
    ///
    /// [`ResumeError`] if the state exceeds a limit of this decoder, or if no decoder with these settings can be in this state.
    /// This decoder is unchanged then.
    pub fn resume(&mut self, state: &mut StateReader<'_>) -> Result<(), ResumeError> {
        self.framing.resume(&self.options, state)
    }

    /// Returns whether no message is in progress, so that the next frame begins a message or is a control frame.
    #[must_use]
    pub fn is_between_messages(&self) -> bool {
        self.framing.is_between_messages()
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("options", &self.options).finish_non_exhaustive()
    }
}

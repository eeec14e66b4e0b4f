use core::fmt;

use bytes::{BufMut, BytesMut};
use protocol_websocket_core::{Role, Version};

use crate::decoder_options::{DecoderOptions, MaskPolicy};
use crate::framing::Framing;
use crate::{DecodeError, Delivery, Frame, LentMessage, Limits, Message, Payload, Rsv};

/// Decodes bytes into frames and checks every rule of RFC 6455 §5 as the bytes arrive.
///
/// A frame is rejected before any byte of its payload is returned: by its header where the header suffices, and text at its
/// first invalid byte. Frames that were returned before stay valid. An error is final: each later call returns it again,
/// and leaves the input as it is.
///
/// # Input
///
/// There are two kinds of input, and each method exists for both. [`decode`](Self::decode) takes a [`BytesMut`], and the
/// payloads are [`Bytes`](bytes::Bytes). [`decode_lent`](Self::decode_lent) takes a slice, and a payload that is complete in
/// it is lent from it without a copy and without reference counting. The two can be mixed.
///
/// The decoder removes frames from the front of the input. **When it returns `None`, all of the input was consumed**: an
/// incomplete header or payload is kept by the decoder. So one read buffer can serve many connections.
///
/// # Memory
///
/// A payload that has not arrived completely is kept in memory of at most twice the length that arrived, plus 4 KiB. The
/// length that a header announces allocates nothing. The memory becomes the payload, so nothing stays allocated. While the
/// allocator moves a block that grows, the old block exists, too. [`payload_buffer`](Self::payload_buffer) saves the copy of
/// long payloads.
///
/// Each byte is unmasked and checked once. The exception is text whose frames or parts end inside a character: it is checked
/// again where it is joined to a `str`.
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
    /// The default of [`min_part`](Self::min_part), in bytes: 4 KiB.
    pub const MIN_PART: u16 = 4 * 1024;

    /// Creates a decoder of what arrives at `role`: a server accepts only masked frames, a client only unmasked ones
    /// (RFC 6455 §5.1).
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self { options: DecoderOptions::new(role), framing: Framing::new(Version::Rfc6455) }
    }

    /// Sets the version of the frames. The default is [`Version::Rfc6455`].
    ///
    /// In hybi-00 and hixie-75 there are text frames and, as an empty Close, `FF 00`. Frames of other types are skipped.
    /// Invalid UTF-8 is replaced with U+FFFD (hybi-00 §5.3). There are no masks and no reserved bits.
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

    /// Accepts masked and unmasked frames, which RFC 6455 §5.1 forbids: for tools that observe both directions, and for
    /// peers that mask incorrectly.
    #[must_use]
    pub const fn allow_any_mask(mut self) -> Self {
        self.options.mask_policy = MaskPolicy::Any;
        self
    }

    /// Accepts lengths that are not in their shortest form, which RFC 6455 §5.2 forbids. The length of a control frame must
    /// be in its shortest form in any case.
    #[must_use]
    pub const fn allow_non_minimal_length(mut self) -> Self {
        self.options.allow_non_minimal_length = true;
        self
    }

    /// In hybi-00 and hixie-75, skips all bytes between two frames up to the next `00`. hybi-00 §5.3 reads them as a frame of
    /// another type, up to `FF`. An `FF 00` that immediately follows a frame is still a Close.
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
    #[must_use]
    pub const fn delivery(mut self, delivery: Delivery) -> Self {
        self.options.delivery = delivery;
        self
    }

    /// Sets the least length of a part, in bytes, with [`Delivery::Parts`]. The default is [`MIN_PART`](Self::MIN_PART), and 0
    /// is the same as 1. The last part of a frame may be shorter.
    ///
    /// A frame of `len` bytes is returned in at most `len / bytes + 1` parts, however short the reads are. A message that is
    /// relayed in parts has at most `max_message / bytes` more fragments than it had frames. A relay that must stay within a
    /// limit of its peer leaves room for these in the [`Limits::max_fragments`] of this decoder.
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

    /// Accepts these reserved bits on the first frame of a message, in addition to those that were allowed before. A
    /// negotiated extension uses them.
    ///
    /// The text of a message with a reserved bit is not checked here, because an extension has to decode it first.
    #[must_use]
    pub fn allow_rsv(mut self, rsv: Rsv) -> Self {
        self.options.allowed_rsv = self.options.allowed_rsv | rsv;
        self
    }

    /// Decodes the next frame from the front of `input`. `None` means that more bytes are needed and that all of `input` was
    /// consumed.
    ///
    /// A payload that is complete in `input` shares its memory, which stays allocated as long as the payload.
    ///
    /// # Errors
    ///
    /// If the peer violated the protocol or exceeded a limit. Each later call returns the same error.
    #[inline]
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Frame>, DecodeError> {
        self.framing.decode(&self.options, input)
    }

    /// Decodes the next frame from the front of `input`, which becomes the rest. `None` means that more bytes are needed and
    /// that all of `input` was consumed.
    ///
    /// A payload that is complete in `input` is lent from it. One that arrived in several reads is owned.
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

    /// Decodes a message from the front of `input` if it is complete and unfragmented. `None` means that `input` does not
    /// start with such a message; then call [`decode`](Self::decode).
    ///
    /// This is the fast path of a reader that assembles messages. `decode` and an [`Assembler`](crate::Assembler) return the
    /// same message.
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

    /// Decodes a message from the front of `input` if it is complete and unfragmented, and lends it. `None` means that
    /// `input` does not start with such a message; then call [`decode_lent`](Self::decode_lent).
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

    /// Returns the memory of the payload in progress if more than 64 KiB of it are missing: a transport can read into it
    /// instead of into the input, which saves a copy.
    ///
    /// Call it when a decoding method returned `None`. Append the next bytes from the transport, as many as there are, and
    /// call the decoding method with an empty input. The buffer has room for at least 4 KiB and at most for the bytes that are
    /// missing: its bytes always belong to this payload. It is `None` with [`Delivery::Parts`].
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
}

/// Shows the settings, and nothing of a message in progress.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("options", &self.options).finish_non_exhaustive()
    }
}

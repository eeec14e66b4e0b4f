//! Frames, and their encoding.
//!
//! A frame is encoded in one of two ways. [`Frame::encode`] copies the header and the payload into one buffer, and
//! masks the payload while it copies. [`Frame::encode_shared`] copies the header, and returns a long payload separately, so
//! that it is not copied. hybi-00 and hixie-75 have their own framing, in `framing/sentinel.rs`.

use core::hash::{Hash, Hasher};
use core::{fmt, mem};

use bytes::{Bytes, BytesMut};
use protocol_websocket_core::Version;

use crate::flags::{Flags, Utf8State};
use crate::framing::sentinel;
use crate::header;
use crate::mask::append;
use crate::utf8::{is_utf8, validated};
use crate::{Close, EncodeError, FrameHeader, MaskKey, Message, MessageRef, OpCode, Payload, Rsv, Utf8Bytes, mask};

/// A frame: an opcode, its flags and a payload (RFC 6455 §5).
///
/// The type of the payload is [`Bytes`] by default. It is [`Payload`] for a frame that may borrow it, as
/// [`Decoder::decode_lent`](crate::Decoder::decode_lent) and extensions return it. It is `&[u8]` for a frame that is made from
/// a [`MessageRef`] to be encoded.
///
/// A frame is not checked when it is created, but when it is encoded.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_core::Version;
/// use protocol_websocket_frame::{Frame, MaskKey};
///
/// let mut output = BytesMut::new();
/// let key = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
/// Frame::text("Hello").encode(Version::Rfc6455, Some(key), &mut output)?;
/// assert_eq!(output[..], [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
/// # Ok::<_, protocol_websocket_frame::EncodeError>(())
/// ```
#[derive(Clone)]
// The order of the fields matters. If a pointer is first, `Option` uses it as its tag, and the compiler copies it alone and then
// the next two words together. A load that spans two recent stores stalls the processor, for as long as all other work on a
// short frame takes.
#[repr(C)]
pub struct Frame<P = Bytes> {
    flags: Flags,
    payload: P,
}

impl Frame {
    /// Creates a frame with FIN and without reserved bits.
    ///
    /// ```
    /// use protocol_websocket_frame::{Frame, OpCode};
    ///
    /// let frame = Frame::new(OpCode::Ping, "payload");
    /// assert_eq!(frame, Frame::ping("payload"));
    /// assert_eq!((frame.opcode(), frame.fin(), frame.rsv().is_none()), (OpCode::Ping, true, true));
    /// ```
    pub fn new(opcode: OpCode, payload: impl Into<Bytes>) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
        //# MUST be 0 unless an extension is negotiated that defines meanings for non-zero values.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
        //# 1 bit in length, MUST be 0 unless negotiated otherwise
        Self::from_flags(Flags::new(opcode, true, Rsv::NONE, Utf8State::Unknown), payload.into())
    }

    /// Creates a frame that is a whole text message.
    pub fn text(text: impl Into<Utf8Bytes>) -> Self {
        Self::new(OpCode::Text, text.into())
    }

    /// Creates a frame that is a whole binary message.
    pub fn binary(payload: impl Into<Bytes>) -> Self {
        Self::new(OpCode::Binary, payload)
    }

    /// Creates the last fragment of a message. [`with_fin(false)`](Self::with_fin) makes it a fragment in the middle.
    pub fn continuation(payload: impl Into<Bytes>) -> Self {
        Self::new(OpCode::Continuation, payload)
    }

    /// Creates a Ping (§5.5.2). [`encode`](Self::encode) rejects a payload of more than 125 bytes.
    pub fn ping(payload: impl Into<Bytes>) -> Self {
        Self::new(OpCode::Ping, payload)
    }

    /// Creates a Pong (§5.5.3). The response to a Ping has the payload of the Ping. [`encode`](Self::encode) rejects a payload
    /// of more than 125 bytes.
    pub fn pong(payload: impl Into<Bytes>) -> Self {
        Self::new(OpCode::Pong, payload)
    }

    /// Creates a Close from a [`Close`], a [`CloseCode`](crate::CloseCode), or `None` for a Close without a payload.
    ///
    /// ```
    /// use protocol_websocket_frame::{Close, CloseCode, Frame};
    ///
    /// assert_eq!(Frame::close(CloseCode::NORMAL)?, Frame::close(Close::new(1000, ""))?);
    /// assert!(Frame::close(None)?.payload().is_empty());
    /// # Ok::<_, protocol_websocket_frame::EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`EncodeError::CloseCode`] for a code that must not be sent.
    /// - [`EncodeError::CloseReasonTooLong`] for a reason of more than [`Close::MAX_REASON`] bytes.
    pub fn close(close: impl Into<Option<Close>>) -> Result<Self, EncodeError> {
        let payload = close.into().as_ref().map(Close::encode).transpose()?.unwrap_or_default();
        Ok(Self::new(OpCode::Close, payload))
    }

    /// The minimum length in bytes of a payload that [`encode_shared`](Self::encode_shared) returns instead of copying it: 4 KiB.
    ///
    /// The time of a vectored write to a TCP socket, relative to a copy and a write, for messages of these lengths:
    ///
    /// | messages in a write | 1 KiB | 2 KiB | 4 KiB | 8 KiB | 16 KiB |
    /// |---|---:|---:|---:|---:|---:|
    /// | one | 1.13 | 1.12 | 1.10 | 1.06 | 0.97 |
    /// | eight | 1.29 | 1.11 | 0.92 | 0.82 | 0.75 |
    ///
    /// So at 4 KiB it depends on the number of messages.
    pub const MIN_SHARED: usize = 4 * 1024;

    /// Encodes the frame like [`encode`](Self::encode), but takes a long payload out of the frame and returns it, instead of
    /// copying it. Write the returned bytes directly after `output`, for instance with one vectored write.
    ///
    /// Returns `None` if the whole frame is in `output`: if the payload is shorter than [`MIN_SHARED`](Self::MIN_SHARED), if
    /// it is to be masked and other owners share its memory, and in hybi-00 and hixie-75. A payload that is to be masked and
    /// has no other owner is masked in place.
    ///
    /// ```
    /// use bytes::{Bytes, BytesMut};
    /// use protocol_websocket_frame::{Frame, Version};
    ///
    /// let (mut output, long) = (BytesMut::new(), Bytes::from(vec![7; 100_000]));
    /// let payload = Frame::binary(long.clone()).encode_shared(Version::Rfc6455, None, &mut output)?;
    /// assert_eq!((output.len(), payload.map(|payload| payload.as_ptr())), (10, Some(long.as_ptr())));
    ///
    /// output.clear();
    /// assert_eq!(Frame::text("Hello").encode_shared(Version::Rfc6455, None, &mut output)?, None);
    /// assert_eq!(output[..], *b"\x81\x05Hello");
    /// # Ok::<_, protocol_websocket_frame::EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode). Nothing is written then.
    #[inline]
    pub fn encode_shared(
        &mut self,
        version: Version,
        mask: Option<MaskKey>,
        output: &mut BytesMut,
    ) -> Result<Option<Bytes>, EncodeError> {
        if self.payload.len() < Self::MIN_SHARED || !version.has_length_framing() {
            self.encode(version, mask, output)?;
            return Ok(None);
        }
        self.encode_long(version, mask, output)
    }

    #[inline(never)]
    fn encode_long(
        &mut self,
        version: Version,
        mask: Option<MaskKey>,
        output: &mut BytesMut,
    ) -> Result<Option<Bytes>, EncodeError> {
        let header = self.header(mask).encode()?;
        let mut payload = mem::take(&mut self.payload);
        if let Some(key) = mask {
            match payload.try_into_mut() {
                Ok(mut unique) => {
                    self::mask(&mut unique, key, 0);
                    payload = unique.freeze();
                }
                Err(shared) => {
                    self.payload = shared;
                    self.encode(version, mask, output)?;
                    return Ok(None);
                }
            }
        }
        output.extend_from_slice(&header);
        Ok(Some(payload))
    }
}

impl<'a> Frame<Payload<'a>> {
    /// Creates a frame that may borrow its payload, with FIN and without reserved bits.
    ///
    /// ```
    /// use protocol_websocket_frame::{Frame, OpCode};
    ///
    /// let payload = *b"Hello";
    /// let frame = Frame::lent(OpCode::Binary, &payload);
    /// assert_eq!(frame.into_owned(), Frame::binary("Hello"));
    /// ```
    pub fn lent(opcode: OpCode, payload: impl Into<Payload<'a>>) -> Self {
        Self::from_flags(Flags::new(opcode, true, Rsv::NONE, Utf8State::Unknown), payload.into())
    }

    /// Returns the frame with an owned payload. A borrowed payload is copied, a shared one is not.
    #[must_use]
    pub fn into_owned(self) -> Frame {
        Frame { flags: self.flags, payload: self.payload.into_owned() }
    }
}

impl<P> Frame<P> {
    /// Replaces the payload. Extensions use this method.
    ///
    /// ```
    /// use protocol_websocket_frame::Frame;
    ///
    /// let frame = Frame::text("a").with_fin(false);
    /// assert_eq!(frame.with_payload("b"), Frame::text("b").with_fin(false));
    /// ```
    #[must_use]
    pub fn with_payload(self, payload: impl Into<P>) -> Self {
        Self { flags: self.flags.with_utf8(Utf8State::Unknown), payload: payload.into() }
    }

    /// Sets FIN: whether the frame is the last one of its message.
    ///
    /// ```
    /// use protocol_websocket_frame::Frame;
    ///
    /// // A message in two fragments.
    /// let fragments = [Frame::text("Hel").with_fin(false), Frame::continuation("lo")];
    /// assert_eq!(fragments.map(|frame| frame.fin()), [false, true]);
    /// ```
    #[must_use]
    pub fn with_fin(self, fin: bool) -> Self {
        Self { flags: self.flags.with_fin(fin).with_utf8(Utf8State::Unknown), ..self }
    }

    /// Sets the reserved bits, which must be zero unless a negotiated extension uses them (§5.2).
    ///
    /// ```
    /// use protocol_websocket_frame::{Frame, Rsv};
    ///
    /// let frame = Frame::binary("compressed").with_rsv(Rsv::RSV1);
    /// assert!(frame.rsv().contains(Rsv::RSV1));
    /// ```
    #[must_use]
    pub fn with_rsv(self, rsv: Rsv) -> Self {
        Self { flags: self.flags.with_rsv(rsv), ..self }
    }

    /// Returns the type of the frame.
    #[must_use]
    pub const fn opcode(&self) -> OpCode {
        self.flags.opcode()
    }

    /// Returns FIN: whether the frame is the last one of its message.
    #[must_use]
    pub const fn fin(&self) -> bool {
        self.flags.fin()
    }

    /// Returns the reserved bits.
    #[must_use]
    pub const fn rsv(&self) -> Rsv {
        self.flags.rsv()
    }

    /// Returns the unmasked payload.
    #[must_use]
    pub const fn payload(&self) -> &P {
        &self.payload
    }

    /// Returns the unmasked payload without a copy.
    #[must_use]
    pub fn into_payload(self) -> P {
        self.payload
    }

    /// Creates a frame from its flags and its payload.
    #[inline]
    pub(crate) const fn from_flags(flags: Flags, payload: P) -> Self {
        Self { flags, payload }
    }

    /// Returns the result of a decoder's UTF-8 check of the payload.
    pub(crate) const fn utf8_state(&self) -> Utf8State {
        self.flags.utf8()
    }
}

impl<P: AsRef<[u8]>> Frame<P> {
    /// Returns the payload as text, or `None` if it is invalid UTF-8, with any opcode. A payload that the decoder found valid
    /// on its own is not checked again.
    ///
    /// ```
    /// use protocol_websocket_frame::Frame;
    ///
    /// assert_eq!(Frame::text("Hello").as_text(), Some("Hello"));
    /// assert_eq!(Frame::binary(&b"\xFF"[..]).as_text(), None);
    /// ```
    #[must_use]
    #[allow(unsafe_code, reason = "calls `validated`")]
    pub fn as_text(&self) -> Option<&str> {
        let bytes = self.bytes();
        let is_valid = self.utf8_state() == Utf8State::Valid || is_utf8(bytes);
        // SAFETY: the bytes were checked just now, or before by a decoder. A decoder sets `Utf8State::Valid` only with a payload
        // of `Bytes` or `Payload`, which cannot be written to, and `with_payload` resets it. `bytes` is borrowed for the
        // lifetime of the text.
        is_valid.then(|| unsafe { validated(bytes) })
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        self.payload.as_ref()
    }

    /// Returns the header of the frame with this masking key.
    ///
    /// ```
    /// use protocol_websocket_frame::{Frame, FrameHeader, OpCode};
    ///
    /// assert_eq!(Frame::text("Hello").header(None), FrameHeader::new(OpCode::Text, 5));
    /// ```
    #[must_use]
    pub fn header(&self, mask: Option<MaskKey>) -> FrameHeader {
        FrameHeader { fin: self.fin(), rsv: self.rsv(), opcode: self.opcode(), mask, len: self.bytes().len() as u64 }
    }

    /// Encodes the frame and appends it to `output`. A client passes a masking key, a server passes `None` (RFC 6455 §5.1). The
    /// key is ignored in hybi-00 and hixie-75, which have no masks.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_frame::{Frame, Version};
    ///
    /// let mut output = BytesMut::new();
    /// Frame::text("Hello").encode(Version::Rfc6455, None, &mut output)?; // a server does not mask
    /// assert_eq!(output[..], *b"\x81\x05Hello");
    /// # Ok::<_, protocol_websocket_frame::EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`EncodeError::ControlFragmented`] or [`EncodeError::ControlTooLong`] for an invalid control frame.
    /// - [`EncodeError::CloseCode`], [`EncodeError::CloseTooShort`] or [`EncodeError::InvalidUtf8`] for a Close with an invalid
    ///   payload.
    /// - [`EncodeError::Unsupported`] for a frame that does not exist in this `version`.
    ///
    /// Nothing is written then.
    #[inline]
    pub fn encode(&self, version: Version, mask: Option<MaskKey>, output: &mut BytesMut) -> Result<(), EncodeError> {
        if !version.has_length_framing() {
            return self.encode_sentinel(output);
        }
        self.check()?;
        let (first, payload) = (self.flags.first_byte(), self.bytes());
        if let Some(key) = mask {
            header::append(first, mask, payload.len(), output);
            append(payload, key, output);
        } else {
            header::append(first, None, payload.len(), output);
            output.extend_from_slice(payload);
        }
        Ok(())
    }

    /// Appends the frame in the framing of hybi-00 and hixie-75.
    #[inline(never)]
    fn encode_sentinel(&self, output: &mut BytesMut) -> Result<(), EncodeError> {
        let (start, end) = sentinel::delimiters(self)?;
        output.extend_from_slice(start);
        output.extend_from_slice(self.bytes());
        output.extend_from_slice(end);
        Ok(())
    }

    /// Checks that the frame may be sent.
    #[inline]
    fn check(&self) -> Result<(), EncodeError> {
        if self.flags.is_control() { self.check_control() } else { Ok(()) }
    }

    #[inline(never)]
    fn check_control(&self) -> Result<(), EncodeError> {
        self.header(None).check()?;
        if self.opcode() == OpCode::Close { Close::check(self.bytes()) } else { Ok(()) }
    }
}

impl From<Message> for Frame {
    /// Returns the message as one frame.
    fn from(message: Message) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
        //# The opcode (frame-opcode) of the first frame containing the data MUST be set to the
        //# appropriate value
        Self::new(message.kind().opcode(), message.into_bytes())
    }
}

impl<'a> From<MessageRef<'a>> for Frame<Payload<'a>> {
    /// Returns the message as one frame, which borrows the payload.
    fn from(message: MessageRef<'a>) -> Self {
        Self::lent(message.kind().opcode(), message.as_bytes())
    }
}

impl From<Frame> for Frame<Payload<'_>> {
    #[inline]
    fn from(frame: Frame) -> Self {
        Self { flags: frame.flags, payload: Payload::Shared(frame.payload) }
    }
}

impl<'a> From<MessageRef<'a>> for Frame<&'a [u8]> {
    /// Returns the message as one frame, which borrows the payload.
    #[inline]
    fn from(message: MessageRef<'a>) -> Self {
        Self::from_flags(Flags::new(message.kind().opcode(), true, Rsv::NONE, Utf8State::Unknown), message.as_bytes())
    }
}

impl<P: AsRef<[u8]>> PartialEq for Frame<P> {
    fn eq(&self, other: &Self) -> bool {
        self.flags.first_byte() == other.flags.first_byte() && self.bytes() == other.bytes()
    }
}

impl<P: AsRef<[u8]>> Eq for Frame<P> {}

impl<P: AsRef<[u8]>> Hash for Frame<P> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.flags.first_byte(), self.bytes()).hash(state);
    }
}

impl<P: AsRef<[u8]>> fmt::Debug for Frame<P> {
    /// Shows the length of the payload and not its bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("opcode", &self.opcode())
            .field("fin", &self.fin())
            .field("rsv", &self.rsv())
            .field("len", &self.bytes().len())
            .finish_non_exhaustive()
    }
}

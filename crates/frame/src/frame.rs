use core::fmt;

use bytes::{Bytes, BytesMut};
use protocol_websocket_core::Version;

use crate::flags::{Flags, Text};
use crate::header::Head;
use crate::mask::append;
use crate::utf8::{is_utf8, validated};
use crate::{
    Close, EncodeError, FrameHeader, HeaderBytes, MaskKey, Message, MessageRef, OpCode, Payload, Rsv, Utf8Bytes, mask,
    sentinel,
};

/// One frame: an opcode, its flags and a payload (RFC 6455 §5).
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
// In this order. Where a pointer stands first, it also says whether there is a frame at all, so it is copied alone, and the
// two words behind it together: a read across two writes, which stalls the processor for as long as all the rest takes.
#[repr(C)]
pub struct Frame<P = Bytes> {
    flags: Flags,
    payload: P,
}

impl Frame {
    /// A frame with FIN and without reserved bits. The other constructors are this one with a name.
    pub fn new(opcode: OpCode, payload: impl Into<Bytes>) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
        //# MUST be 0 unless an extension is negotiated that defines meanings for non-zero values.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
        //# 1 bit in length, MUST be 0 unless negotiated otherwise
        Self::decoded(Flags::new(opcode, true, Rsv::NONE, Text::Unchecked), payload.into())
    }

    /// A text message in one frame.
    pub fn text(text: impl Into<Utf8Bytes>) -> Self {
        Self::new(OpCode::Text, text.into())
    }

    /// A binary message in one frame.
    pub fn binary(payload: impl Into<Bytes>) -> Self {
        Self::new(OpCode::Binary, payload)
    }

    /// The next fragment of a message; the last one unless [`with_fin`](Self::with_fin) says otherwise.
    pub fn continuation(payload: impl Into<Bytes>) -> Self {
        Self::new(OpCode::Continuation, payload)
    }

    /// A Ping. Its payload may have 125 bytes.
    pub fn ping(payload: impl Into<Bytes>) -> Self {
        Self::new(OpCode::Ping, payload)
    }

    /// A Pong. Its payload may have 125 bytes; as an answer it is the Ping's.
    pub fn pong(payload: impl Into<Bytes>) -> Self {
        Self::new(OpCode::Pong, payload)
    }

    /// A Close, with or without a code.
    ///
    /// # Errors
    ///
    /// A code that may not be sent, a reason over [`Close::MAX_REASON`] bytes.
    pub fn close(close: Option<&Close>) -> Result<Self, EncodeError> {
        let payload = close.map(Close::encode).transpose()?.unwrap_or_default();
        Ok(Self::new(OpCode::Close, payload))
    }

    /// Takes the frame apart for a vectored write: its head, and its payload to be written right behind.
    ///
    /// An unmasked payload is not touched; a masked one is copied only if somebody else shares its bytes. In hybi-00 and
    /// hixie-75 it is copied, since they end a frame behind its payload.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn into_vectored(self, version: Version, mask: Option<MaskKey>) -> Result<(HeaderBytes, Bytes), EncodeError> {
        if !version.has_length_framing() {
            let (head, end) = sentinel::delimiters(&self)?;
            return Ok((HeaderBytes::from_slice(head), [&self.payload, end].concat().into()));
        }
        let header = self.head(mask)?.into();
        let Some(key) = mask else { return Ok((header, self.payload)) };
        let mut payload = self.payload.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        self::mask(&mut payload, key, 0);
        Ok((header, payload.freeze()))
    }
}

impl<'a> Frame<Payload<'a>> {
    /// Creates a frame that may borrow its payload, with FIN and without reserved bits.
    pub fn lent(opcode: OpCode, payload: impl Into<Payload<'a>>) -> Self {
        Self::decoded(Flags::new(opcode, true, Rsv::NONE, Text::Unchecked), payload.into())
    }

    /// Returns the frame with a payload that borrows nothing. A borrowed payload is copied, a shared one is not.
    #[must_use]
    pub fn into_owned(self) -> Frame {
        Frame { flags: self.flags, payload: self.payload.into_owned() }
    }
}

impl<P> Frame<P> {
    /// Replaces the payload, as an extension does.
    #[must_use]
    pub fn with_payload(self, payload: impl Into<P>) -> Self {
        Self { flags: self.flags.with_text(Text::Unchecked), payload: payload.into() }
    }

    /// Sets whether the frame ends its message.
    #[must_use]
    pub fn with_fin(self, fin: bool) -> Self {
        Self { flags: self.flags.with_fin(fin).with_text(Text::Unchecked), ..self }
    }

    /// Sets the reserved bits, which belong to extensions.
    #[must_use]
    pub fn with_rsv(self, rsv: Rsv) -> Self {
        Self { flags: self.flags.with_rsv(rsv), ..self }
    }

    /// What the frame carries.
    #[must_use]
    pub const fn opcode(&self) -> OpCode {
        self.flags.opcode()
    }

    /// Whether the frame ends its message.
    #[must_use]
    pub const fn fin(&self) -> bool {
        self.flags.fin()
    }

    /// The reserved bits.
    #[must_use]
    pub const fn rsv(&self) -> Rsv {
        self.flags.rsv()
    }

    /// The payload, unmasked.
    #[must_use]
    pub const fn payload(&self) -> &P {
        &self.payload
    }

    /// The payload, unmasked, without a copy.
    #[must_use]
    pub fn into_payload(self) -> P {
        self.payload
    }

    /// A frame as it came.
    #[inline]
    pub(crate) const fn decoded(flags: Flags, payload: P) -> Self {
        Self { flags, payload }
    }

    /// What the decoder knows of the payload as text.
    pub(crate) const fn text_known(&self) -> Text {
        self.flags.text()
    }
}

impl<P: AsRef<[u8]>> Frame<P> {
    /// The payload as text, if it is UTF-8. What the decoder has seen whole is not looked at again.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        let is_text = self.text_known() == Text::Whole || is_utf8(self.bytes());
        is_text.then(|| validated(self.bytes()))
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        self.payload.as_ref()
    }

    /// The head that goes before the payload.
    #[must_use]
    pub fn header(&self, mask: Option<MaskKey>) -> FrameHeader {
        FrameHeader { fin: self.fin(), rsv: self.rsv(), opcode: self.opcode(), mask, len: self.bytes().len() as u64 }
    }

    /// Appends the frame to `output`, masked with `mask` if there is one: a client's frames are, a server's are not
    /// (RFC 6455 §5.1). hybi-00 and hixie-75 know no masks, and `mask` is not looked at.
    ///
    /// # Errors
    ///
    /// A control frame that is fragmented or over 125 bytes; a Close whose payload is no code and reason; a frame that
    /// `version` cannot say. Nothing is written then.
    #[inline]
    pub fn encode(&self, version: Version, mask: Option<MaskKey>, output: &mut BytesMut) -> Result<(), EncodeError> {
        if !version.has_length_framing() {
            return self.encode_sentinel(output);
        }
        let payload = self.bytes();
        self.head(mask)?.append(payload.len(), output);
        match mask {
            Some(key) => append(payload, key, output),
            None => output.extend_from_slice(payload),
        }
        Ok(())
    }

    /// As hybi-00 and hixie-75 frame it.
    #[inline(never)]
    fn encode_sentinel(&self, output: &mut BytesMut) -> Result<(), EncodeError> {
        let (head, end) = sentinel::delimiters(self)?;
        output.extend_from_slice(head);
        output.extend_from_slice(self.bytes());
        output.extend_from_slice(end);
        Ok(())
    }

    /// The head, if the frame may be sent.
    #[inline]
    fn head(&self, mask: Option<MaskKey>) -> Result<Head, EncodeError> {
        if self.flags.is_control() {
            self.check_control()?;
        }
        Ok(Head::new(self.flags.first_byte(), mask, self.bytes().len() as u64))
    }

    #[inline(never)]
    fn check_control(&self) -> Result<(), EncodeError> {
        self.header(None).check()?;
        if self.opcode() == OpCode::Close { Close::check(self.bytes()) } else { Ok(()) }
    }
}

impl From<Message> for Frame {
    /// The message in one frame.
    fn from(message: Message) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
        //# The opcode (frame-opcode) of the first frame containing the data MUST be set to the
        //# appropriate value
        Self::new(message.kind().opcode(), message.into_bytes())
    }
}

impl<'a> From<MessageRef<'a>> for Frame<Payload<'a>> {
    /// Returns the message in one frame, which borrows the payload.
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

impl From<Frame<&mut [u8]>> for Frame {
    /// A copy that outlives what the frame was lent from.
    fn from(lent: Frame<&mut [u8]>) -> Self {
        Self { flags: lent.flags, payload: Bytes::copy_from_slice(lent.payload) }
    }
}

impl<P: AsRef<[u8]>> PartialEq for Frame<P> {
    fn eq(&self, other: &Self) -> bool {
        self.flags.first_byte() == other.flags.first_byte() && self.bytes() == other.bytes()
    }
}

impl<P: AsRef<[u8]>> Eq for Frame<P> {}

impl<P: AsRef<[u8]>> fmt::Debug for Frame<P> {
    /// Names the payload's length, not its bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("opcode", &self.opcode())
            .field("fin", &self.fin())
            .field("rsv", &self.rsv())
            .field("len", &self.bytes().len())
            .finish_non_exhaustive()
    }
}

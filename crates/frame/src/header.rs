//! The header of a length-prefixed frame, parsed from bytes and encoded into bytes, without state.
//!
//! Parsing has two steps, the fields up to the masking key and the key, because all errors are known before the key has
//! arrived. Encoding has an array of fixed length for each form of a header, because the compiler copies such an array
//! with one or two moves.

use core::ops::Deref;

use bytes::BytesMut;

use crate::{DecodeError, EncodeError, MaskKey, OpCode, Rsv};

/// The header of a length-prefixed frame (RFC 6455 §5.2): everything before the payload.
///
/// Together with [`mask()`](crate::mask()), it is enough for a relay that does not validate frames: the relay parses and encodes
/// headers, and streams payloads of any length without buffering them. Parsing does not check the role of the peer, limits or
/// the order of frames. [`Decoder`](crate::Decoder) does. For a relay that validates the frames it forwards, use
/// `protocol-websocket-connection`.
///
/// ```
/// use protocol_websocket_frame::{FrameHeader, OpCode};
///
/// let (header, used) = FrameHeader::parse(b"\x81\x05Hello")?.expect("the header is complete");
/// assert_eq!((header.opcode, header.len, used), (OpCode::Text, 5, 2));
/// assert_eq!(*header.encode()?, [0x81, 0x05]);
/// assert_eq!(header, FrameHeader::new(OpCode::Text, 5));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct FrameHeader {
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// The reserved bits.
    pub rsv: Rsv,
    /// The type of the frame.
    pub opcode: OpCode,
    /// The masking key, if the payload is masked.
    pub mask: Option<MaskKey>,
    /// The length of the payload in bytes, below 2^63.
    pub len: u64,
}

const FIN: u8 = 0x80;
const MASK: u8 = 0x80;
const LEN: u8 = 0x7F;
const LEN_16: u8 = 126;
const LEN_64: u8 = 127;

impl FrameHeader {
    /// The maximum length of a header in bytes: two bytes, a length of eight, and a masking key of four.
    pub const MAX_LEN: usize = 14;

    /// Creates a header with FIN, without reserved bits and without a masking key.
    #[must_use]
    pub const fn new(opcode: OpCode, len: u64) -> Self {
        Self { fin: true, rsv: Rsv::NONE, opcode, mask: None, len }
    }

    /// Sets whether this is the last frame of its message.
    #[must_use]
    pub const fn with_fin(self, fin: bool) -> Self {
        Self { fin, ..self }
    }

    /// Sets the reserved bits.
    #[must_use]
    pub const fn with_rsv(self, rsv: Rsv) -> Self {
        Self { rsv, ..self }
    }

    /// Sets the masking key.
    #[must_use]
    pub const fn with_mask(self, mask: Option<MaskKey>) -> Self {
        Self { mask, ..self }
    }

    /// Parses the header at the beginning of `input`. Returns the header and its length in bytes, or `None` if more bytes are
    /// needed.
    ///
    /// ```
    /// use protocol_websocket_frame::{FrameHeader, OpCode};
    ///
    /// let (header, len) = FrameHeader::parse(b"\x81\x05Hello")?.expect("the header is complete");
    /// assert_eq!((header.opcode, header.len, len), (OpCode::Text, 5, 2));
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`DecodeError::ReservedOpCode`].
    /// - [`DecodeError::ControlFragmented`] or [`DecodeError::ControlTooLong`] for an invalid control frame.
    /// - [`DecodeError::LengthNotMinimal`] or [`DecodeError::LengthTopBit`] for an invalid length.
    ///
    /// An error is returned as soon as its bytes have arrived, even if the header is incomplete.
    #[inline]
    pub fn parse(input: &[u8]) -> Result<Option<(Self, usize)>, DecodeError> {
        let Some((mut header, key_at)) = Self::parse_to_key(input, false)? else { return Ok(None) };
        Ok(header.parse_key(input, key_at).map(|used| (header, used)))
    }

    /// Parses the header up to the masking key, which is zero in the result. Returns the header and the offset of the key.
    #[inline]
    pub(crate) fn parse_to_key(
        input: &[u8],
        allow_non_minimal_length: bool,
    ) -> Result<Option<(Self, usize)>, DecodeError> {
        let Some((&[first, second], rest)) = input.split_first_chunk() else { return Ok(None) };
        let fin = first & FIN != 0;
        let Some(opcode) = OpCode::from_bits(first & 0x0F) else {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
            //# If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket
            //# Connection_.
            return Err(DecodeError::ReservedOpCode(first & 0x0F));
        };
        let short = second & LEN;
        if opcode.is_control() {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5
            //# All control frames MUST have a payload length of 125 bytes or less
            //# and MUST NOT be fragmented.
            if short > 125 {
                return Err(DecodeError::ControlTooLong);
            }
            if !fin {
                return Err(DecodeError::ControlFragmented);
            }
        }
        let (len, rest) = match short {
            LEN_16 => {
                let Some((&len, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (u64::from(u16::from_be_bytes(len)), rest)
            }
            LEN_64 => {
                let Some((&len, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (u64::from_be_bytes(len), rest)
            }
            len => (u64::from(len), rest),
        };
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
        //# the minimal number of bytes MUST be used to encode
        //# the length
        if short != length_form(len) && !allow_non_minimal_length {
            return Err(DecodeError::LengthNotMinimal);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
        //# the most significant bit MUST be 0
        if len >> 63 != 0 {
            return Err(DecodeError::LengthTopBit);
        }
        let mask = (second & MASK != 0).then_some(MaskKey([0; 4]));
        let header = Self { fin, rsv: Rsv::from_bits(first), opcode, mask, len };
        Ok(Some((header, input.len() - rest.len())))
    }

    /// Parses the masking key at `key_at`, if the frame is masked. Returns the length of the header if it is complete.
    #[inline]
    pub(crate) fn parse_key(&mut self, input: &[u8], key_at: usize) -> Option<usize> {
        let Some(mask) = &mut self.mask else { return Some(key_at) };
        *mask = MaskKey(*input.get(key_at..)?.first_chunk()?);
        Some(key_at + 4)
    }

    /// Encodes the header, with the length in its shortest form.
    ///
    /// ```
    /// use protocol_websocket_frame::{FrameHeader, OpCode};
    ///
    /// assert_eq!(FrameHeader::new(OpCode::Text, 5).encode()?[..], [0x81, 5]);
    /// assert_eq!(FrameHeader::new(OpCode::Binary, 256).encode()?[..], [0x82, 126, 1, 0]);
    /// # Ok::<_, protocol_websocket_frame::EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`EncodeError::ControlFragmented`] or [`EncodeError::ControlTooLong`] for an invalid control frame.
    /// - [`EncodeError::FrameTooLong`] for a length of 2^63 or more.
    #[inline]
    pub fn encode(&self) -> Result<HeaderBytes, EncodeError> {
        self.check()?;
        let first = (u8::from(self.fin) * FIN) | self.rsv.bits() | self.opcode.bits();
        Ok(HeaderBytes::new(first, self.mask, self.len))
    }

    /// Checks a header that is to be sent.
    pub(crate) fn check(&self) -> Result<(), EncodeError> {
        if self.opcode.is_control() {
            if self.len > 125 {
                return Err(EncodeError::ControlTooLong);
            }
            if !self.fin {
                //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
                //# Control frames themselves MUST NOT be fragmented.
                return Err(EncodeError::ControlFragmented);
            }
        }
        if self.len >> 63 != 0 { Err(EncodeError::FrameTooLong) } else { Ok(()) }
    }
}

/// Returns the seven length bits of the second byte, for the shortest form of `len`.
#[expect(clippy::cast_possible_truncation, reason = "at most 125")]
const fn length_form(len: u64) -> u8 {
    match len {
        0..=125 => len as u8,
        126..=0xFFFF => LEN_16,
        _ => LEN_64,
    }
}

/// Encodes the header of a frame whose first byte is `first`, and passes it to `put`.
///
/// Each form is an array of fixed length, so that it is written in one move or two. A copy of unknown length is a
/// function call.
#[inline(always)]
fn encode<R>(first: u8, mask: Option<MaskKey>, len: u64, put: impl FnOnce(&[u8]) -> R) -> R {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
    //# A masked frame MUST have the field frame-masked set to 1
    if let Ok(len @ 0..=125) = u8::try_from(len) {
        match mask {
            None => put(&[first, len]),
            Some(MaskKey([a, b, c, d])) => put(&[first, MASK | len, a, b, c, d]),
        }
    } else if let Ok(len) = u16::try_from(len) {
        let [h, l] = len.to_be_bytes();
        match mask {
            None => put(&[first, LEN_16, h, l]),
            Some(MaskKey([a, b, c, d])) => put(&[first, MASK | LEN_16, h, l, a, b, c, d]),
        }
    } else {
        let [h, i, j, k, l, m, n, o] = len.to_be_bytes();
        match mask {
            None => put(&[first, LEN_64, h, i, j, k, l, m, n, o]),
            Some(MaskKey([a, b, c, d])) => put(&[first, MASK | LEN_64, h, i, j, k, l, m, n, o, a, b, c, d]),
        }
    }
}

/// Appends the header of a frame whose first byte is `first` to `output`, with room for the `len` bytes of its payload.
#[inline(always)]
pub(crate) fn append(first: u8, mask: Option<MaskKey>, len: usize, output: &mut BytesMut) {
    encode(first, mask, len as u64, |header| {
        output.reserve(header.len() + len);
        output.extend_from_slice(header);
    });
}

/// An encoded header of up to [`FrameHeader::MAX_LEN`] bytes, which dereferences to a slice.
///
/// ```
/// use protocol_websocket_frame::{FrameHeader, OpCode};
///
/// let header = FrameHeader::new(OpCode::Binary, 300).encode()?;
/// assert_eq!(header[..], [0x82, 0x7E, 0x01, 0x2C]);
/// # Ok::<_, protocol_websocket_frame::EncodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HeaderBytes {
    bytes: [u8; 16],
    len: u8,
}

impl HeaderBytes {
    /// Creates the header of a frame whose first byte is `first`.
    #[inline]
    pub(crate) fn new(first: u8, mask: Option<MaskKey>, len: u64) -> Self {
        encode(first, mask, len, Self::from_slice)
    }

    /// Creates a header of at most [`FrameHeader::MAX_LEN`] bytes.
    #[inline]
    pub(crate) fn from_slice(header: &[u8]) -> Self {
        let mut bytes = Self { bytes: [0; 16], len: 0 };
        for (byte, &header) in bytes.bytes.iter_mut().zip(header) {
            *byte = header;
            bytes.len += 1;
        }
        bytes
    }
}

impl Deref for HeaderBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let header = self.bytes.get(..usize::from(self.len));
        debug_assert!(header.is_some(), "a header has at most {} bytes", FrameHeader::MAX_LEN);
        header.unwrap_or_default()
    }
}

impl AsRef<[u8]> for HeaderBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

use core::ops::Deref;

use bytes::BytesMut;

use crate::{DecodeError, EncodeError, MaskKey, OpCode, Rsv};

/// The head of a length-prefixed frame (RFC 6455 §5.2): everything before the payload.
///
/// With the function `mask` it is all that a relay that checks nothing needs: heads in, heads out, payloads of any length
/// streamed between them and nothing buffered. It knows neither roles nor limits nor what came before; the
/// [`Decoder`](crate::Decoder) does. A relay that checks what it passes on takes `protocol-websocket-connection`.
///
/// ```
/// use protocol_websocket_frame::{FrameHeader, OpCode};
///
/// let (header, used) = FrameHeader::parse(b"\x81\x05Hello")?.expect("two bytes are enough here");
/// assert_eq!((header.opcode, header.len, used), (OpCode::Text, 5, 2));
/// assert_eq!(*header.encode()?, [0x81, 0x05]);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameHeader {
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// The reserved bits.
    pub rsv: Rsv,
    /// What the frame carries.
    pub opcode: OpCode,
    /// The masking key, when the payload is masked.
    pub mask: Option<MaskKey>,
    /// The payload's length in bytes, below 2^63.
    pub len: u64,
}

const FIN: u8 = 0x80;
const MASK: u8 = 0x80;
const LEN: u8 = 0x7F;
const LEN_16: u8 = 126;
const LEN_64: u8 = 127;

impl FrameHeader {
    /// The longest head, in bytes: two, an eight-byte length, a key.
    pub const MAX_LEN: usize = 14;

    /// Reads the head at the beginning of `input`: the head, and how many bytes it took. `None` means that more bytes
    /// are needed.
    ///
    /// # Errors
    ///
    /// A reserved opcode, a control frame that is fragmented or over 125 bytes, and a length that is not minimal or
    /// has its top bit set: as soon as the bytes that say so are there.
    #[inline]
    pub fn parse(input: &[u8]) -> Result<Option<(Self, usize)>, DecodeError> {
        let Some((mut header, key_at)) = Self::parse_to_key(input, false)? else { return Ok(None) };
        Ok(header.parse_key(input, key_at).map(|used| (header, used)))
    }

    /// Reads the head up to the masking key, in whose place zeros stand, and says how far that is. A length may have
    /// any form if `allow_non_minimal_length` says so.
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

    /// Reads the masking key at `key_at`, if there is to be one. Says how long the head is, once it is complete.
    #[inline]
    pub(crate) fn parse_key(&mut self, input: &[u8], key_at: usize) -> Option<usize> {
        let Some(mask) = &mut self.mask else { return Some(key_at) };
        *mask = MaskKey(*input.get(key_at..)?.first_chunk()?);
        Some(key_at + 4)
    }

    /// The head's bytes, the length in its shortest form.
    ///
    /// # Errors
    ///
    /// A control frame that is fragmented or over 125 bytes, and a length of 2^63 or more.
    #[inline]
    pub fn encode(&self) -> Result<HeaderBytes, EncodeError> {
        self.check()?;
        let first = (u8::from(self.fin) * FIN) | self.rsv.bits() | self.opcode.bits();
        Ok(Head::new(first, self.mask, self.len).into())
    }

    /// Refuses what no head may say.
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

/// The seven bits that stand for a length in its shortest form.
#[expect(clippy::cast_possible_truncation, reason = "at most 125")]
const fn length_form(len: u64) -> u8 {
    match len {
        0..=125 => len as u8,
        126..=0xFFFF => LEN_16,
        _ => LEN_64,
    }
}

/// An encoded head as a number, its first byte lowest. It stays in registers: what was just written to memory is slow to
/// read back in another width.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    bits: u128,
    len: u8,
}

impl Head {
    /// The head of a frame whose first byte is `first`.
    #[inline]
    pub(crate) fn new(first: u8, mask: Option<MaskKey>, len: u64) -> Self {
        let form = length_form(len);
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
        //# A masked frame MUST have the field frame-masked set to 1
        let second = (u8::from(mask.is_some()) * MASK) | form;
        // Where a key would stand there are zeros without one, and the length says whether they count.
        let key = u128::from(mask.map_or(0, |MaskKey(key)| u32::from_le_bytes(key)));
        let len = u64::from_le_bytes(len.to_be_bytes());
        let (rest, key_at) = match form {
            LEN_16 => (u128::from(len >> 48) | key << 16, 4),
            LEN_64 => (u128::from(len) | key << 64, 10),
            _ => (key, 2),
        };
        let bits = u128::from(first) | u128::from(second) << 8 | rest << 16;
        Self { bits, len: if mask.is_some() { key_at + 4 } else { key_at } }
    }

    /// Appends the head to `output`, with room for `len` bytes behind it.
    #[inline]
    pub(crate) fn append(self, len: usize, output: &mut BytesMut) {
        let bytes = self.bits.to_le_bytes();
        output.reserve(bytes.len() + len);
        if let (2, [first, second, ..]) = (self.len, bytes) {
            output.extend_from_slice(&[first, second]);
        } else {
            let end = output.len() + usize::from(self.len);
            output.extend_from_slice(&bytes);
            output.truncate(end);
        }
    }
}

impl From<Head> for HeaderBytes {
    #[inline]
    fn from(Head { bits, len }: Head) -> Self {
        Self { bytes: bits.to_le_bytes(), len }
    }
}

/// An encoded head: up to [`FrameHeader::MAX_LEN`] bytes, read as a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderBytes {
    bytes: [u8; 16],
    len: u8,
}

impl HeaderBytes {
    /// A head of at most two bytes, as other dialects have them.
    pub(crate) fn from_slice(head: &[u8]) -> Self {
        let mut bytes = Self { bytes: [0; 16], len: 0 };
        for (byte, &head) in bytes.bytes.iter_mut().zip(head) {
            *byte = head;
            bytes.len += 1;
        }
        bytes
    }
}

impl Deref for HeaderBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl AsRef<[u8]> for HeaderBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

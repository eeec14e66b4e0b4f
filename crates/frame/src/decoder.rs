use core::fmt;

use bytes::BytesMut;
use protocol_websocket_core::{Role, Version};

use crate::dialect::Dialect;
use crate::rules::{Masks, Rules};
use crate::{DecodeError, Delivery, Frame, Limits, Message, Rsv};

/// Bytes in, frames out, with every rule of RFC 6455 §5 that can be checked while they come in.
///
/// A frame is refused before any byte of it is handed out: by its header alone where the header is enough, and text
/// at the first byte that cannot be UTF-8. What was decoded before stays decoded. An error is final: the decoder
/// gives it again, whatever comes.
///
/// It takes frames from the front of the caller's `input` and hands out payloads when they are complete
/// ([`Delivery::Whole`]) or as they come ([`Delivery::Parts`]). What stays in `input` between two calls is the beginning of a
/// header or of a control frame and may be unmasked already: append to it, do nothing else.
///
/// A data frame's payload that has not come whole moves to memory of the decoder's own as it comes. That memory is at most
/// twice as long as what has come, plus two reads and 4 KiB. While the allocator moves a block that grows, the old one
/// exists, too. The memory becomes the frame's, and nothing stays allocated. While it grows, `input` may be left as the room
/// at its end, so that the next read needs no copy.
///
/// No byte is unmasked twice. Two things are read again: a frame header that has not come whole, when more of it comes, and
/// text whose frames or parts end inside a character, when it is complete, because it becomes a `str`.
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
/// assert_eq!(input[..], [0x81]);
/// # Ok::<_, protocol_websocket_frame::DecodeError>(())
/// ```
#[derive(Clone)]
pub struct Decoder {
    rules: Rules,
    dialect: Dialect,
}

impl Decoder {
    /// The least length of a part by default, in bytes: 4 KiB.
    pub const MIN_PART: u16 = 4 * 1024;

    /// A decoder of what arrives at `role`: a server takes masked frames only, a client unmasked ones (§5.1).
    #[must_use]
    pub fn new(role: Role) -> Self {
        let masks = match role {
            Role::Client => Masks::Refused,
            Role::Server => Masks::Required,
        };
        let rules = Rules {
            masks,
            allow_non_minimal_length: false,
            skip_stray_bytes: false,
            claimed: Rsv::NONE,
            delivery: Delivery::Whole,
            min_part: Self::MIN_PART,
            limits: Limits::default(),
        };
        Self { rules, dialect: Dialect::of(Version::Rfc6455) }
    }

    /// Sets the version whose frames are read; [`Version::Rfc6455`] otherwise.
    ///
    /// hybi-00 and hixie-75 know text and, as an empty Close, `FF 00`; their frames of other types are passed over, and
    /// what is no text in their text comes out as U+FFFD (hybi-00 §5.3). Masks and reserved bits do not exist there.
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        self.dialect = Dialect::of(version);
        self
    }

    /// Takes masked and unmasked frames alike, against §5.1: for tools that watch both directions, and for peers that
    /// never learnt.
    #[must_use]
    pub const fn allow_any_mask(mut self) -> Self {
        self.rules.masks = Masks::Any;
        self
    }

    /// Takes lengths that are not in their shortest form, against §5.2. Control frames keep to theirs.
    #[must_use]
    pub const fn allow_non_minimal_length(mut self) -> Self {
        self.rules.allow_non_minimal_length = true;
        self
    }

    /// In hybi-00 and hixie-75, drops whatever stands between two frames, up to the next `00`, against hybi-00 §5.3:
    /// there it would be a frame of another type, up to `FF`. A `FF 00` that follows a frame at once is still a Close.
    #[must_use]
    pub const fn skip_stray_bytes(mut self) -> Self {
        self.rules.skip_stray_bytes = true;
        self
    }

    /// As lenient as Perl's `Protocol::WebSocket` 0.26 where that is harmless: [`allow_any_mask`](Self::allow_any_mask),
    /// [`allow_non_minimal_length`](Self::allow_non_minimal_length), [`skip_stray_bytes`](Self::skip_stray_bytes), all reserved bits [claimed](Self::allow_rsv), and
    /// [`Limits::PERL`].
    ///
    /// What it lets pass against the protocol's sense stays an error: reserved opcodes, fragments out of order, control
    /// frames that are fragmented or too long, bad Closes and text that is no UTF-8.
    #[must_use]
    pub fn perl_compat(self) -> Self {
        self.allow_any_mask()
            .allow_non_minimal_length()
            .skip_stray_bytes()
            .allow_rsv(Rsv::RSV1 | Rsv::RSV2 | Rsv::RSV3)
            .limits(Limits::PERL)
    }

    /// Sets the limits; [`Limits::default`] otherwise.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.rules.limits = limits;
        self
    }

    /// Sets when payloads are handed out; [`Delivery::Whole`] otherwise.
    #[must_use]
    pub const fn delivery(mut self, delivery: Delivery) -> Self {
        self.rules.delivery = delivery;
        self
    }

    /// Sets how many bytes of a data frame make a part of it with [`Delivery::Parts`], or [`MIN_PART`](Self::MIN_PART):
    /// until so many are there, the decoder keeps them. The end of a frame does not wait, and 0 is the same as 1.
    ///
    /// So a frame of `len` bytes comes out in at most `len / bytes + 1` parts, however short the reads are. A message that is
    /// passed on in parts has at most `max_message / bytes` more fragments than it had frames. To stay within the limit of
    /// the peer that gets them, leave room for these in the [`Limits::max_fragments`] of this decoder.
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
        self.rules.min_part = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// Lets these reserved bits through, too, on the first frame of a message: a negotiated extension claims them. The
    /// text of a message that carries one is not checked here but behind the extension.
    #[must_use]
    pub fn allow_rsv(mut self, rsv: Rsv) -> Self {
        self.rules.claimed = self.rules.claimed | rsv;
        self
    }

    /// Takes the next frame from the front of `input`. `None` means that more bytes are needed.
    ///
    /// # Errors
    ///
    /// When the peer broke a rule; the same error at each later call.
    #[inline]
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Frame>, DecodeError> {
        self.dialect.decode(&self.rules, input)
    }

    /// Takes a message that has come whole, in one frame, from the front of `input`. `None` says that this is not what is
    /// there, and nothing else: [`decode`](Self::decode) says what is.
    ///
    /// It is the short way for what most peers send most of the time; the long way gives the same message.
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
        match &mut self.dialect {
            Dialect::Length(length) => length.decode_message(&self.rules, input),
            Dialect::Sentinel(_) => None,
        }
    }

    /// A decoder with the same rules that lends payloads instead of sharing them. It begins anew.
    ///
    /// ```
    /// use protocol_websocket_core::Role;
    /// use protocol_websocket_frame::Decoder;
    ///
    /// let mut decoder = Decoder::new(Role::Client).lending();
    /// let mut buffer = *b"\x81\x05Hello\x82\x02\x01\x02\x81";
    /// let mut input = &mut buffer[..];
    /// while let Some(frame) = decoder.decode(&mut input)? {
    ///     println!("{:?} {:?} {:?}", frame.opcode(), frame.payload(), frame.as_text());
    /// }
    /// assert_eq!(input, [0x81]);
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    #[must_use]
    pub fn lending(&self) -> LendingDecoder {
        LendingDecoder { rules: self.rules, dialect: self.dialect.anew() }
    }
}

/// A [`Decoder`] in a thinner form: nothing is counted and nothing is to be given back, since a payload is a slice of the
/// caller's. [`Decoder::lending`] makes one.
///
/// It is for a caller that reads all its peers into one buffer and is done with a message before it reads on. What is
/// left has to be kept for each peer and stand in front of what comes next, so a payload that is to come whole needs a
/// buffer of its length; with [`Delivery::Parts`] none does. Text that came in several reads was the caller's between
/// them: [`as_text`](Frame::as_text) checks it once more.
#[derive(Clone)]
pub struct LendingDecoder {
    rules: Rules,
    dialect: Dialect,
}

impl LendingDecoder {
    /// Takes the next frame from the front of `input`, which becomes what is left of it. `None` means that more bytes
    /// are needed, behind those that are left.
    ///
    /// In hybi-00 and hixie-75 there is no room for U+FFFD: what is no text comes out as it came, and its
    /// [`as_text`](Frame::as_text) is `None`.
    ///
    /// # Errors
    ///
    /// As [`Decoder::decode`].
    #[inline]
    pub fn decode<'a>(&mut self, input: &mut &'a mut [u8]) -> Result<Option<Frame<&'a mut [u8]>>, DecodeError> {
        self.dialect.decode(&self.rules, input)
    }
}

/// Shows the settings, and nothing of a message under way.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// Shows the settings, and nothing of a message under way.
impl fmt::Debug for LendingDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LendingDecoder").field("rules", &self.rules).finish_non_exhaustive()
    }
}

//! Joins frames into messages.
//!
//! A message in one frame is not copied: the payload of the frame becomes the payload of the message. Fragments are joined in
//! one buffer. The implementation is generic over the payload, so frames with a borrowed payload and frames with a shared one
//! use the same code.

mod suspend;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::flags::Utf8State;
use crate::utf8::is_utf8;
use crate::{
    DecodeError, Frame, LentMessage, Limits, Message, MessageKind, OpCode, Part, Payload, Utf8Bytes, Utf8Validator,
};

/// Joins frames into messages, or turns them into the parts of a message.
///
/// A message in one frame is not copied. Fragments are joined in one buffer, which becomes the message. The capacity of the
/// buffer is at most twice the number of bytes that arrived plus 4 KiB, and it does not grow beyond the maximum length of a
/// message.
///
/// Text is checked as it arrives. Text that a [`Decoder`](crate::Decoder) found valid on its own is not checked again. All
/// other text is checked, because the frames may come from several decoders or in another order.
///
/// The order and the length are checked even if a decoder checked them before, because an extension changes lengths and not
/// all frames come from a decoder. Fragments are not counted, because empty fragments take no memory.
///
/// ```
/// use protocol_websocket_frame::{Assembler, Frame, Limits, Message};
///
/// let mut assembler = Assembler::new(Limits::default());
/// assert_eq!(assembler.push(Frame::text("Hel").with_fin(false))?, None);
/// assert_eq!(assembler.push(Frame::continuation("lo"))?, Some(Message::from("Hello")));
/// # Ok::<_, protocol_websocket_frame::DecodeError>(())
/// ```
#[derive(Clone)]
pub struct Assembler {
    max_message: u64,
    /// The message in progress. It is on the heap, because most messages have one frame and do not need it.
    open: Option<Box<OpenMessage>>,
}

/// A message in progress.
#[derive(Clone)]
struct OpenMessage {
    kind: MessageKind,
    /// The number of bytes so far, including those that were returned as parts.
    len: u64,
    text: Utf8Validator,
    /// The bytes so far, without those that were returned as parts.
    buffer: Vec<u8>,
}

impl Assembler {
    /// Creates an assembler of messages of at most [`Limits::max_message`] bytes.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { max_message: limits.max_message, open: None }
    }

    /// Adds the next frame of a message. Returns the message if the frame is its last one. Ignores control frames, which are
    /// not part of a message.
    ///
    /// ```
    /// use protocol_websocket_frame::{Assembler, Frame, Limits, Message};
    ///
    /// let mut assembler = Assembler::new(Limits::default());
    /// assert_eq!(assembler.push(Frame::text("Hel").with_fin(false))?, None);
    /// assert_eq!(assembler.push(Frame::continuation("lo"))?, Some(Message::from("Hello")));
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`DecodeError::DataInsideMessage`] or [`DecodeError::OrphanContinuation`] for a frame out of order (RFC 6455 §5.4).
    /// - [`DecodeError::MessageTooLong`] for a message of more than [`Limits::max_message`] bytes.
    /// - [`DecodeError::InvalidUtf8`] for a text that is not valid.
    ///
    /// The assembler must not be used after an error.
    #[inline]
    pub fn push(&mut self, frame: Frame) -> Result<Option<Message>, DecodeError> {
        if !self.is_unfragmented(&frame) {
            return self.join(frame);
        }
        let kind = check_unfragmented(&frame)?;
        let payload = frame.into_payload();
        Ok(Some(match kind {
            MessageKind::Text => Message::Text(Utf8Bytes::from_validated(payload)),
            MessageKind::Binary => Message::Binary(payload),
        }))
    }

    /// Adds the next frame of a message, whose payload may be borrowed. Returns the message if the frame is its last one.
    ///
    /// A message in one frame has the payload of the frame. A message in fragments owns its payload, because they are joined.
    ///
    /// ```
    /// use protocol_websocket_frame::{Assembler, Frame, Limits, OpCode};
    ///
    /// let mut assembler = Assembler::new(Limits::default());
    /// let message = assembler.push_lent(Frame::lent(OpCode::Text, "Hello"))?.expect("the message is complete");
    /// assert_eq!(message.as_text(), Some("Hello"));
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    #[inline]
    pub fn push_lent<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Option<LentMessage<'a>>, DecodeError> {
        if !self.is_unfragmented(&frame) {
            return Ok(self.join(frame)?.map(LentMessage::from));
        }
        let kind = check_unfragmented(&frame)?;
        Ok(Some(LentMessage::from_validated(kind, frame.into_payload())))
    }

    /// Adds the next frame of a message and returns it as a [`Part`]. Returns `None` for a control frame. The payload is not
    /// kept.
    ///
    /// Text that a [`Decoder`](crate::Decoder) checked is not checked again, so the frames of a message must come from one
    /// decoder, in their order.
    ///
    /// If the following frames of the message are passed to [`push`](Self::push), it returns only the bytes after this part.
    ///
    /// ```
    /// use protocol_websocket_frame::{Assembler, Frame, Limits, MessageKind, Part};
    ///
    /// let mut assembler = Assembler::new(Limits::default());
    /// let part = assembler.push_part(Frame::text("Hel").with_fin(false))?;
    /// assert_eq!(part, Some(Part::new(MessageKind::Text, "Hel".into()).with_last(false)));
    /// let part = assembler.push_part(Frame::continuation("lo"))?;
    /// assert_eq!(part, Some(Part::new(MessageKind::Text, "lo".into()).with_first(false)));
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_part(&mut self, frame: Frame) -> Result<Option<Part>, DecodeError> {
        self.part(frame)
    }

    /// Adds the next frame of a message, whose payload may be borrowed, and returns it as a [`Part`] with the same payload.
    ///
    /// ```
    /// use protocol_websocket_frame::{Assembler, Frame, Limits, OpCode};
    ///
    /// let mut assembler = Assembler::new(Limits::default());
    /// let part = assembler.push_part_lent(Frame::lent(OpCode::Text, "Hello"))?.expect("a data frame");
    /// assert!(part.first && part.last);
    /// assert_eq!(part.bytes.as_bytes(), b"Hello");
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_part_lent<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Option<Part<Payload<'a>>>, DecodeError> {
        self.part(frame)
    }

    /// Returns the number of bytes by which the message in progress, or the next message, may still grow.
    ///
    /// It is the limit for the output of an extension that decodes the next frame.
    ///
    /// ```
    /// use protocol_websocket_frame::{Assembler, Frame, Limits};
    ///
    /// let mut assembler = Assembler::new(Limits::new(10));
    /// assembler.push(Frame::binary("123").with_fin(false))?;
    /// assert_eq!(assembler.budget(), 7);
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    #[must_use]
    pub fn budget(&self) -> u64 {
        self.max_message - self.open.as_ref().map_or(0, |open| open.len)
    }

    /// Returns whether the frame is a whole message within the limit.
    #[inline]
    fn is_unfragmented<P: AsRef<[u8]>>(&self, frame: &Frame<P>) -> bool {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
        //# Clients and servers MUST support receiving both fragmented and unfragmented messages.
        matches!(frame.opcode(), OpCode::Text | OpCode::Binary)
            && frame.fin()
            && self.open.is_none()
            && frame.payload().as_ref().len() as u64 <= self.max_message
    }

    fn join<P: AsRef<[u8]> + Into<Vec<u8>>>(&mut self, frame: Frame<P>) -> Result<Option<Message>, DecodeError> {
        if frame.opcode().is_control() {
            return Ok(None);
        }
        let (kind, fin, budget) = (self.check_order(&frame)?, frame.fin(), self.budget());
        let mut open = self.open.take().unwrap_or_else(|| OpenMessage::new(kind));
        open.check(&frame)?;
        open.append(frame.into_payload(), budget);
        if !fin {
            self.open = Some(open);
            return Ok(None);
        }
        let bytes = Bytes::from(open.buffer);
        Ok(Some(match kind {
            MessageKind::Text if bytes.len() as u64 == open.len => Message::Text(Utf8Bytes::from_validated(bytes)),
            // Some bytes were returned as parts, so these may begin inside a character.
            MessageKind::Text => Message::Text(bytes.try_into().map_err(|_| DecodeError::InvalidUtf8)?),
            MessageKind::Binary => Message::Binary(bytes),
        }))
    }

    fn part<P: AsRef<[u8]>>(&mut self, frame: Frame<P>) -> Result<Option<Part<P>>, DecodeError> {
        if frame.opcode().is_control() {
            return Ok(None);
        }
        let (kind, last, first) = (self.check_order(&frame)?, frame.fin(), self.open.is_none());
        if first && last {
            check_unfragmented(&frame)?;
        } else {
            let mut open = self.open.take().unwrap_or_else(|| OpenMessage::new(kind));
            if frame.utf8_state() == Utf8State::Unknown {
                open.check(&frame)?;
            } else {
                open.len += frame.payload().as_ref().len() as u64;
            }
            self.open = (!last).then_some(open);
        }
        Ok(Some(Part { kind, bytes: frame.into_payload(), first, last }))
    }

    /// Checks the opcode and the length against the message in progress. Returns the kind of the message.
    fn check_order<P: AsRef<[u8]>>(&self, frame: &Frame<P>) -> Result<MessageKind, DecodeError> {
        let kind = match (frame.opcode(), &self.open) {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
            //# the endpoint MUST note the /type/ of the data as defined by the opcode
            (OpCode::Text, None) => MessageKind::Text,
            (OpCode::Binary, None) => MessageKind::Binary,
            (OpCode::Text | OpCode::Binary, Some(_)) => return Err(DecodeError::DataInsideMessage),
            (_, Some(open)) => open.kind,
            (_, None) => return Err(DecodeError::OrphanContinuation),
        };
        if frame.payload().as_ref().len() as u64 > self.budget() {
            return Err(DecodeError::MessageTooLong);
        }
        Ok(kind)
    }
}

/// Shows the limit, and hides the message in progress.
impl fmt::Debug for Assembler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assembler").field("max_message", &self.max_message).finish_non_exhaustive()
    }
}

impl OpenMessage {
    fn new(kind: MessageKind) -> Box<Self> {
        Box::new(Self { kind, len: 0, text: Utf8Validator::new(), buffer: Vec::new() })
    }

    /// Counts the bytes of the frame, and checks them if they are text.
    fn check<P: AsRef<[u8]>>(&mut self, frame: &Frame<P>) -> Result<(), DecodeError> {
        let payload = frame.payload().as_ref();
        self.len += payload.len() as u64;
        let is_valid = frame.utf8_state() == Utf8State::Valid && self.text.is_complete();
        if self.kind == MessageKind::Text && !is_valid {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.6
            //# the whole message MUST contain valid UTF-8.
            self.text.push(payload).map_err(|_| DecodeError::InvalidUtf8)?;
            if frame.fin() && !self.text.is_complete() {
                return Err(DecodeError::InvalidUtf8);
            }
        }
        Ok(())
    }

    /// Appends `payload`. The message may grow by `budget` bytes, including `payload`.
    fn append<P: AsRef<[u8]> + Into<Vec<u8>>>(&mut self, payload: P, budget: u64) {
        if self.buffer.is_empty() {
            // This reuses the memory of the payload without a copy, unless it is shared.
            self.buffer = payload.into();
            if self.buffer.capacity() > 2 * self.buffer.len() + 4096 {
                self.buffer.shrink_to_fit();
            }
            return;
        }
        let payload = payload.as_ref();
        if payload.len() > self.buffer.capacity() - self.buffer.len() {
            // Doubles the length, but not beyond the limit.
            let max_additional = usize::try_from(budget).unwrap_or(usize::MAX);
            self.buffer.reserve_exact(self.buffer.len().min(max_additional).max(payload.len()));
        }
        self.buffer.extend_from_slice(payload);
    }
}

/// Checks the text of a message in one frame. Returns the kind of the message.
#[inline]
fn check_unfragmented<P: AsRef<[u8]>>(frame: &Frame<P>) -> Result<MessageKind, DecodeError> {
    if frame.opcode() != OpCode::Text {
        return Ok(MessageKind::Binary);
    }
    let is_valid = frame.utf8_state() == Utf8State::Valid || is_utf8(frame.payload().as_ref());
    if is_valid { Ok(MessageKind::Text) } else { Err(DecodeError::InvalidUtf8) }
}

//! Joins frames to messages.
//!
//! A message in one frame passes through without a copy: the payload of the frame becomes the payload of the message.
//! Fragments are joined in one buffer. For frames that borrow and for frames that share their payload, there is one
//! implementation, which is generic over the payload.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::flags::Utf8State;
use crate::utf8::is_utf8;
use crate::{
    DecodeError, Frame, LentMessage, Limits, Message, MessageKind, OpCode, Part, Payload, Utf8Bytes, Utf8Validator,
};

/// Joins frames to messages, or turns them into the parts of a message.
///
/// A message in one frame passes without a copy. Fragments are joined in one buffer. It grows with the bytes that arrived, to
/// at most twice their length and not past the longest message, and becomes the message. Text is checked as it arrives. Text
/// that a [`Decoder`](crate::Decoder) found valid on its own is not checked again. All other text is, because frames need not
/// come from one decoder in their order.
///
/// The order and the length are checked even if a decoder checked them before: an extension between the two changes lengths,
/// and frames may come from elsewhere. Fragments are not counted, because empty ones cost nothing here.
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
    /// The message in progress. On the heap, because most messages have one frame.
    open: Option<Box<Open>>,
}

/// A message in progress.
#[derive(Clone)]
struct Open {
    kind: MessageKind,
    len: u64,
    text: Utf8Validator,
    buffer: Vec<u8>,
}

impl Assembler {
    /// Creates an assembler of messages of at most [`Limits::max_message`] bytes.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { max_message: limits.max_message, open: None }
    }

    /// Adds the next frame of a message. Returns the message if the frame was the last one. A control frame belongs to no
    /// message: it has no effect.
    ///
    /// # Errors
    ///
    /// Frames out of order, a message that is too long, invalid UTF-8. After an error, the assembler must not be used.
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

    /// Adds the next frame of a message, whose payload may be lent. Returns the message if the frame was the last one.
    ///
    /// A message in one frame borrows what the frame borrowed. Fragments are joined, and the message owns its payload.
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

    /// Adds the next frame of a message and returns it as a [`Part`]. Nothing is kept but the state that the next part is
    /// checked against. A control frame is `None`.
    ///
    /// Bytes that were returned as parts are missing from the message if the rest of it is passed to [`push`](Self::push).
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

    /// Adds the next frame of a message, whose payload may be lent, and returns it as a [`Part`] of the same payload.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_part_lent<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Option<Part<Payload<'a>>>, DecodeError> {
        self.part(frame)
    }

    /// Returns how many more bytes the message in progress may have.
    #[must_use]
    pub fn budget(&self) -> u64 {
        self.max_message - self.open.as_ref().map_or(0, |open| open.len)
    }

    /// Whether the frame is the only one of its message.
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
        let mut open = self.open.take().unwrap_or_else(|| Open::new(kind));
        open.check(&frame)?;
        open.append(frame.into_payload(), budget);
        if !fin {
            self.open = Some(open);
            return Ok(None);
        }
        let bytes = Bytes::from(open.buffer);
        Ok(Some(match kind {
            MessageKind::Text if bytes.len() as u64 == open.len => Message::Text(Utf8Bytes::from_validated(bytes)),
            // A part was returned before, and the rest may begin inside a character.
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
            let mut open = self.open.take().unwrap_or_else(|| Open::new(kind));
            if frame.utf8_state() == Utf8State::Unknown {
                open.check(&frame)?;
            } else {
                open.len += frame.payload().as_ref().len() as u64;
            }
            self.open = (!last).then_some(open);
        }
        Ok(Some(Part { kind, bytes: frame.into_payload(), first, last }))
    }

    /// Checks the frame's place in the message and its length.
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

/// Shows the limit, and nothing of a message in progress.
impl fmt::Debug for Assembler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assembler").field("max_message", &self.max_message).finish_non_exhaustive()
    }
}

impl Open {
    fn new(kind: MessageKind) -> Box<Self> {
        Box::new(Self { kind, len: 0, text: Utf8Validator::new(), buffer: Vec::new() })
    }

    fn check<P: AsRef<[u8]>>(&mut self, frame: &Frame<P>) -> Result<(), DecodeError> {
        let payload = frame.payload().as_ref();
        self.len += payload.len() as u64;
        let is_known = frame.utf8_state() == Utf8State::Valid && self.text.is_complete();
        if self.kind == MessageKind::Text && !is_known {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.6
            //# the whole message MUST contain valid UTF-8.
            self.text.push(payload).map_err(|_| DecodeError::InvalidUtf8)?;
            if frame.fin() && !self.text.is_complete() {
                return Err(DecodeError::InvalidUtf8);
            }
        }
        Ok(())
    }

    /// Appends `payload`. The message may have `budget` more bytes, the payload included.
    fn append<P: AsRef<[u8]> + Into<Vec<u8>>>(&mut self, payload: P, budget: u64) {
        if self.buffer.is_empty() {
            // Takes over the memory of the payload if it is not shared.
            self.buffer = payload.into();
            if self.buffer.capacity() > 2 * self.buffer.len() + 4096 {
                self.buffer.shrink_to_fit();
            }
            return;
        }
        let payload = payload.as_ref();
        if payload.len() > self.buffer.capacity() - self.buffer.len() {
            let room = usize::try_from(budget).unwrap_or(usize::MAX);
            self.buffer.reserve_exact(self.buffer.len().min(room).max(payload.len()));
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

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::flags::Text;
use crate::{DecodeError, Frame, Limits, Message, MessageKind, OpCode, Part, Utf8Bytes, Utf8Validator};

/// Frames in, messages out.
///
/// A message in one frame passes without a copy. Fragmenter are joined in one buffer that grows with what has come, at
/// most to twice its length and never past the longest message, and that is gone with the message. Text is checked as it
/// comes. What a decoder has seen to be whole text is not looked at again; all else is, since what makes a sum of fragments
/// a `str` must not rest on frames having come in order from one decoder.
///
/// It checks again what a [`Decoder`](crate::Decoder) in front of it has checked of the order and the length, since an
/// extension between the two changes lengths, and since frames may come from elsewhere. Fragmenter are not counted here:
/// empty ones cost nothing.
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
    /// On the heap, where its buffer is too: most messages never need one.
    open: Option<Box<Open>>,
}

/// A message under way.
#[derive(Clone)]
struct Open {
    kind: MessageKind,
    len: u64,
    text: Utf8Validator,
    buffer: Vec<u8>,
}

impl Assembler {
    /// An assembler of messages of at most [`Limits::max_message`] bytes.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { max_message: limits.max_message, open: None }
    }

    /// Takes the next frame of a message and gives the message if it was the last one. Control frames belong to no
    /// message: they pass without an effect.
    ///
    /// # Errors
    ///
    /// Frames out of order, a message that is too long, text that is not UTF-8. After an error the assembler is of no
    /// use.
    #[inline]
    pub fn push(&mut self, frame: Frame) -> Result<Option<Message>, DecodeError> {
        match frame.opcode() {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
            //# Clients and servers MUST support receiving both fragmented and unfragmented messages.
            OpCode::Text if self.is_whole(&frame) => message(MessageKind::Text, frame).map(Some),
            OpCode::Binary if self.is_whole(&frame) => message(MessageKind::Binary, frame).map(Some),
            _ => self.join(frame),
        }
    }

    /// Whether the frame is the only one of its message.
    #[inline]
    fn is_whole(&self, frame: &Frame) -> bool {
        frame.fin() && self.open.is_none() && frame.payload().len() as u64 <= self.max_message
    }

    fn join(&mut self, frame: Frame) -> Result<Option<Message>, DecodeError> {
        if frame.opcode().is_control() {
            return Ok(None);
        }
        let (kind, fin, budget) = (self.admit(&frame)?, frame.fin(), self.budget());
        let mut open = self.open.take().unwrap_or_else(|| Open::new(kind));
        open.check(&frame, fin)?;
        open.append(frame.into_payload(), budget);
        if !fin {
            self.open = Some(open);
            return Ok(None);
        }
        let bytes = Bytes::from(open.buffer);
        Ok(Some(match kind {
            MessageKind::Text if bytes.len() as u64 == open.len => Message::Text(Utf8Bytes::from_validated(bytes)),
            // Some of it went out in parts, and the rest may begin inside a character.
            MessageKind::Text => Message::Text(bytes.try_into().map_err(|_| DecodeError::InvalidUtf8)?),
            MessageKind::Binary => Message::Binary(bytes),
        }))
    }

    /// Takes the next frame of a message and passes it on as a [`Part`]: nothing is kept but what the next part has to
    /// fit. Control frames pass as `None`. Bytes that went out here are missing from what a later [`push`](Self::push)
    /// makes of the same message.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_part(&mut self, frame: Frame) -> Result<Option<Part>, DecodeError> {
        if frame.opcode().is_control() {
            return Ok(None);
        }
        let (kind, last, first) = (self.admit(&frame)?, frame.fin(), self.open.is_none());
        if first && last {
            // The only part: nothing has to fit it, and nothing is kept.
            let bytes = message(kind, frame)?.into_bytes();
            return Ok(Some(Part { kind, bytes, first, last }));
        }
        let mut open = self.open.take().unwrap_or_else(|| Open::new(kind));
        if frame.text_known() == Text::Unchecked {
            open.check(&frame, last)?;
        } else {
            open.len += frame.payload().len() as u64;
        }
        if !last {
            self.open = Some(open);
        }
        Ok(Some(Part { kind, bytes: frame.into_payload(), first, last }))
    }

    /// How many bytes the message under way may still have.
    #[must_use]
    pub fn budget(&self) -> u64 {
        self.max_message - self.open.as_ref().map_or(0, |open| open.len)
    }

    /// Checks the frame's place and length.
    fn admit(&self, frame: &Frame) -> Result<MessageKind, DecodeError> {
        let kind = match (frame.opcode(), &self.open) {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
            //# the endpoint MUST note the /type/ of the data as defined by the opcode
            (OpCode::Text, None) => MessageKind::Text,
            (OpCode::Binary, None) => MessageKind::Binary,
            (OpCode::Text | OpCode::Binary, Some(_)) => return Err(DecodeError::DataInsideMessage),
            (_, Some(open)) => open.kind,
            (_, None) => return Err(DecodeError::OrphanContinuation),
        };
        if frame.payload().len() as u64 > self.budget() {
            return Err(DecodeError::MessageTooLong);
        }
        Ok(kind)
    }
}

/// Shows the limit, and nothing of a message under way.
impl fmt::Debug for Assembler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assembler").field("max_message", &self.max_message).finish_non_exhaustive()
    }
}

impl Open {
    fn new(kind: MessageKind) -> Box<Self> {
        Box::new(Self { kind, len: 0, text: Utf8Validator::new(), buffer: Vec::new() })
    }

    fn check(&mut self, frame: &Frame, last: bool) -> Result<(), DecodeError> {
        let payload = frame.payload();
        self.len += payload.len() as u64;
        let is_known = frame.text_known() == Text::Whole && self.text.is_complete();
        if self.kind == MessageKind::Text && !is_known {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.6
            //# the whole message MUST contain valid UTF-8.
            self.text.push(payload).map_err(|_| DecodeError::InvalidUtf8)?;
            if last && !self.text.is_complete() {
                return Err(DecodeError::InvalidUtf8);
            }
        }
        Ok(())
    }

    /// Joins `payload`, of which `budget` admits all.
    fn append(&mut self, payload: Bytes, budget: u64) {
        if self.buffer.is_empty() {
            // Nobody else's bytes are taken over, all others are copied.
            self.buffer = payload.into();
            if self.buffer.capacity() > 2 * self.buffer.len() + 4096 {
                self.buffer.shrink_to_fit();
            }
            return;
        }
        if payload.len() > self.buffer.capacity() - self.buffer.len() {
            let room = usize::try_from(budget).unwrap_or(usize::MAX);
            self.buffer.reserve_exact(self.buffer.len().min(room).max(payload.len()));
        }
        self.buffer.extend_from_slice(&payload);
    }
}

/// A message in one frame.
#[inline]
fn message(kind: MessageKind, frame: Frame) -> Result<Message, DecodeError> {
    let known = frame.text_known();
    let payload = frame.into_payload();
    Ok(match kind {
        MessageKind::Binary => Message::Binary(payload),
        MessageKind::Text if known == Text::Whole => Message::Text(Utf8Bytes::from_validated(payload)),
        MessageKind::Text => Message::Text(payload.try_into().map_err(|_| DecodeError::InvalidUtf8)?),
    })
}

//! What one end sends, and whether it may.

use arbitrary::Unstructured;
use bytes::Bytes;
use protocol_websocket_connection::{Close, Frame, Message, MessageKind, Part, SendError};
use protocol_websocket_frame::{EncodeError, OpCode};

use crate::end::{End, Parts};
use crate::model::may_become_text;

const TEXT: &str = "aé€𝄞 the quick brown fox jumps over the lazy dog";

impl End {
    /// A payload of a kind: text in whole characters or, in parts, not.
    fn payload(&mut self, input: &mut Unstructured<'_>, kind: MessageKind, whole: bool) -> arbitrary::Result<Vec<u8>> {
        let len = input.arbitrary::<u8>()?;
        let len = match len {
            0xF8.. if self.output.len() < 200_000 => 65_530 + usize::from(len & 7) * 2,
            0xE0.. => 120 + usize::from(len & 15),
            len => usize::from(len),
        };
        self.serial += 1;
        Ok(match kind {
            MessageKind::Binary => (0..len).map(|at| (at as u32 ^ self.serial) as u8).collect(),
            MessageKind::Text if whole => {
                TEXT.chars().cycle().skip(self.serial as usize % 4).take(len).collect::<String>().into()
            }
            MessageKind::Text => TEXT.bytes().cycle().skip(self.text_at()).take(len).collect(),
        })
    }

    /// Where in the text the message under way is, so that it goes on with the character that was cut.
    fn text_at(&self) -> usize {
        self.parts.as_ref().map_or(0, |parts| parts.bytes.len() % TEXT.len())
    }

    pub fn send(&mut self, input: &mut Unstructured<'_>, vectored: bool, peer: &Self) -> arbitrary::Result<()> {
        let kind = if input.arbitrary()? { MessageKind::Text } else { MessageKind::Binary };
        let payload = self.payload(input, kind, true)?;
        let message = match kind {
            MessageKind::Text => Message::from(String::from_utf8(payload.clone()).unwrap()),
            MessageKind::Binary => Message::from(payload.clone()),
        };
        let expected = match () {
            () if !self.open => Err(SendError::Closed),
            () if self.parts.is_some() => Err(SendError::MessageUnfinished),
            () if self.has_sentinels() && kind == MessageKind::Binary => Err(EncodeError::Unsupported.into()),
            () => Ok(()),
        };
        let sent = if vectored {
            let payload = self.connection.send_vectored(message, &mut self.output);
            payload.map(|payload| self.output.extend_from_slice(&payload))
        } else {
            self.connection.send(message, &mut self.output)
        };
        assert_eq!(sent, expected);
        if sent.is_ok() {
            self.part_went(Parts { in_frames: false, count: 0, kind, bytes: Vec::new() }, &payload, true, peer);
        }
        Ok(())
    }

    pub fn send_part(&mut self, input: &mut Unstructured<'_>, last: bool, peer: &Self) -> arbitrary::Result<()> {
        let oddity = input.arbitrary::<u8>()?;
        let open = self.parts.as_ref().map(|parts| parts.kind);
        let other = if oddity & 1 == 0 { MessageKind::Text } else { MessageKind::Binary };
        let kind = open.filter(|_| oddity >> 4 != 15).unwrap_or(other);
        let first = open.is_none() != (oddity >> 4 == 14);
        let bytes = Bytes::from(self.payload(input, kind, false)?);
        let expected = self.may_part(false, kind, first, &bytes, last);
        let part = Part { kind, bytes: bytes.clone(), first, last };
        assert_eq!(self.connection.send_part(part, &mut self.output), expected);
        if expected.is_ok() {
            let parts = self.parts.take().unwrap_or(Parts { in_frames: false, count: 0, kind, bytes: Vec::new() });
            self.part_went(parts, &bytes, last, peer);
        }
        Ok(())
    }

    pub fn send_frame(&mut self, input: &mut Unstructured<'_>, peer: &Self) -> arbitrary::Result<()> {
        let (what, last) = input.arbitrary::<(u8, bool)>()?;
        let open = self.parts.as_ref().map(|parts| parts.kind);
        let opcode = match (what % 8, open) {
            (0, _) => OpCode::Continuation,
            (1, _) => OpCode::Text,
            (2, _) => OpCode::Binary,
            (_, Some(_)) => OpCode::Continuation,
            (what, None) => {
                if what & 1 == 0 {
                    OpCode::Text
                } else {
                    OpCode::Binary
                }
            }
        };
        let kind = match opcode {
            OpCode::Continuation => open.unwrap_or(MessageKind::Binary),
            OpCode::Text => MessageKind::Text,
            _ => MessageKind::Binary,
        };
        let first = opcode != OpCode::Continuation;
        let bytes = Bytes::from(self.payload(input, kind, false)?);
        let expected = self.may_part(true, kind, first, &bytes, last);
        let frame = Frame::new(opcode, bytes.clone()).with_fin(last);
        assert_eq!(self.connection.send_frame(&frame, &mut self.output), expected);
        if expected.is_ok() {
            let parts = self.parts.take().unwrap_or(Parts { in_frames: true, count: 0, kind, bytes: Vec::new() });
            self.part_went(parts, &bytes, last, peer);
        }
        Ok(())
    }

    fn may_part(
        &self,
        in_frames: bool,
        kind: MessageKind,
        first: bool,
        bytes: &[u8],
        last: bool,
    ) -> Result<(), SendError> {
        let parts = self.parts.as_ref();
        let text = [parts.map_or(&[][..], |parts| &parts.bytes), bytes].concat();
        let is_text = if last { core::str::from_utf8(&text).is_ok() } else { may_become_text(&text) };
        if !self.open {
            Err(SendError::Closed)
        } else if parts.is_some_and(|parts| parts.in_frames != in_frames) {
            Err(SendError::MessageUnfinished)
        } else if parts.map_or(!first, |parts| first || parts.kind != kind) {
            Err(EncodeError::PartOutOfOrder.into())
        } else if kind == MessageKind::Text && !is_text {
            Err(EncodeError::InvalidUtf8.into())
        } else if self.has_sentinels() && !(first && last && kind == MessageKind::Text) {
            Err(EncodeError::Unsupported.into())
        } else {
            Ok(())
        }
    }

    /// A part of a message was sent.
    fn part_went(&mut self, mut parts: Parts, bytes: &[u8], last: bool, peer: &Self) {
        parts.count += 1;
        parts.bytes.extend_from_slice(bytes);
        let limits = peer.config.limits;
        let fits = bytes.len() as u64 <= limits.max_frame
            && parts.bytes.len() as u64 <= limits.max_message
            && (self.has_sentinels() || parts.count + u32::from(!last) <= limits.max_fragments);
        if !fits && self.too_much.is_none() {
            self.too_much = Some(self.sent.len());
        }
        if last {
            self.sent.push((parts.kind, parts.bytes));
        } else {
            self.parts = Some(parts);
        }
    }

    pub fn ping_or_pong(&mut self, input: &mut Unstructured<'_>, pong: bool) -> arbitrary::Result<()> {
        let (len, as_frame) = input.arbitrary::<(u8, bool)>()?;
        self.serial += 1;
        // Each is another one.
        let mut payload = format!("{}{}", if pong { "own pong" } else { "ping" }, self.serial).into_bytes();
        payload.resize(payload.len().max(usize::from(len) % 130), b'.');
        let expected = match () {
            () if self.is_over() || !pong && !self.open => Err(SendError::Closed),
            () if self.has_sentinels() => Err(EncodeError::Unsupported.into()),
            () if payload.len() > 125 => Err(EncodeError::ControlTooLong.into()),
            () => Ok(()),
        };
        let sent = match (pong, as_frame) {
            (false, false) => self.connection.ping(payload.clone(), &mut self.output),
            (true, false) => self.connection.pong(payload.clone(), &mut self.output),
            (false, true) => self.connection.send_frame(&Frame::ping(payload.clone()), &mut self.output),
            (true, true) => self.connection.send_frame(&Frame::pong(payload.clone()), &mut self.output),
        };
        assert_eq!(sent, expected);
        if pong && sent.is_ok() {
            self.own_pongs.push_back(payload);
        }
        Ok(())
    }

    pub fn close(&mut self, input: &mut Unstructured<'_>, as_frame: bool) -> arbitrary::Result<()> {
        let (code, reason) = input.arbitrary::<(u8, u8)>()?;
        let codes = [1000, 1001, 1002, 1009, 1011, 3000, 4999, 1005, 1006, 999, 5000];
        match codes.get(usize::from(code) % 16) {
            Some(&code) => self.say_close(Some(&Close::new(code, "x".repeat(usize::from(reason % 128)))), as_frame),
            None => self.say_close(None, as_frame),
        }
        Ok(())
    }

    pub fn say_close(&mut self, close: Option<&Close>, as_frame: bool) {
        let payload = close.map_or(Ok(Bytes::new()), Close::encode);
        // The oldest versions have no room for a code: whoever writes the frame has to know.
        let mute = as_frame && self.has_sentinels() && close.is_some();
        let expected = match &payload {
            Err(error) => Err((*error).into()),
            Ok(_) if !self.open => Err(SendError::Closed),
            Ok(_) if mute => Err(EncodeError::Unsupported.into()),
            Ok(_) => Ok(()),
        };
        let sent = match payload {
            Ok(payload) if as_frame => {
                self.connection.send_frame(&Frame::new(OpCode::Close, payload), &mut self.output)
            }
            Err(_) if as_frame => return,
            _ => self.connection.close(close.cloned(), &mut self.output),
        };
        assert_eq!(sent, expected);
        self.open &= sent.is_err();
    }
}

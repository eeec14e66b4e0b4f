//! Sending in the model of an endpoint: which calls succeed, and which messages the peer has to receive.

use std::borrow::Cow;

use arbitrary::Unstructured;
use bytes::{Bytes, BytesMut};
use protocol_websocket_connection::{Close, Frame, Message, MessageKind, Part, SendError};
use protocol_websocket_frame::{EncodeError, OpCode};

use crate::endpoint_model::{Endpoint, Parts};
use crate::model::is_utf8_prefix;

const TEXT: &str = "aé€𝄞 the quick brown fox jumps over the lazy dog";

impl Endpoint {
    /// Makes a payload. Text in parts (`whole` is false) may split a character.
    fn payload(&mut self, input: &mut Unstructured<'_>, kind: MessageKind, whole: bool) -> arbitrary::Result<Vec<u8>> {
        let len = input.arbitrary::<u8>()?;
        let len = match len {
            0xFF if self.output.len() < 200_000 => 150_000,
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
            MessageKind::Text => TEXT.bytes().cycle().skip(self.text_position()).take(len).collect(),
        })
    }

    /// Returns the position of the open message in [`TEXT`], so that the next part continues a split character.
    fn text_position(&self) -> usize {
        self.parts.as_ref().map_or(0, |parts| parts.bytes.len() % TEXT.len())
    }

    pub fn send(&mut self, input: &mut Unstructured<'_>, shared: bool, peer: &Self) -> arbitrary::Result<()> {
        let kind = if input.arbitrary()? { MessageKind::Text } else { MessageKind::Binary };
        let payload = self.payload(input, kind, true)?;
        let message = match kind {
            MessageKind::Text => Message::from(String::from_utf8(payload.clone()).unwrap()),
            MessageKind::Binary => Message::from(payload.clone()),
        };
        let expected = match () {
            () if !self.is_open => Err(SendError::Closed),
            () if self.parts.is_some() => Err(SendError::MessageUnfinished),
            () if self.has_sentinels() && kind == MessageKind::Binary => Err(EncodeError::Unsupported.into()),
            () => Ok(()),
        };
        let sent = if shared {
            let payload = self.connection.send_shared(message, &mut self.output);
            payload.map(|payload| self.output.extend(payload))
        } else {
            self.send_as(message)
        };
        assert_eq!(sent, expected);
        if sent.is_ok() {
            self.record_part(Parts { as_frames: false, count: 0, kind, bytes: Vec::new() }, &payload, true, peer);
        }
        Ok(())
    }

    /// Sends the message as one of the types that implement `AsMessage`.
    fn send_as(&mut self, message: Message) -> Result<(), SendError> {
        let (connection, output) = (&mut self.connection, &mut self.output);
        match (&message, self.serial % 5) {
            (Message::Text(text), 0) => connection.send(text.as_str(), output),
            (Message::Text(text), 1) => connection.send(text.to_string(), output),
            (Message::Text(text), 2) => connection.send(Cow::from(text.as_str()), output),
            (Message::Text(text), 3) => connection.send(text, output),
            (Message::Binary(bytes), 0) => connection.send(&bytes[..], output),
            (Message::Binary(bytes), 1) => connection.send(bytes.to_vec(), output),
            (Message::Binary(bytes), 2) => connection.send(BytesMut::from(&bytes[..]), output),
            (Message::Binary(bytes), 3) => connection.send(bytes, output),
            _ => connection.send(message, output),
        }
    }

    pub fn send_part(&mut self, input: &mut Unstructured<'_>, last: bool, peer: &Self) -> arbitrary::Result<()> {
        let variant = input.arbitrary::<u8>()?;
        let open = self.parts.as_ref().map(|parts| parts.kind);
        let other = if variant & 1 == 0 { MessageKind::Text } else { MessageKind::Binary };
        let kind = open.filter(|_| variant >> 4 != 15).unwrap_or(other);
        let first = open.is_none() != (variant >> 4 == 14);
        let bytes = Bytes::from(self.payload(input, kind, false)?);
        let expected = self.expect_part(false, kind, first, &bytes, last);
        let part = Part::new(kind, bytes.clone()).with_first(first).with_last(last);
        assert_eq!(self.connection.send_part(part, &mut self.output), expected);
        if expected.is_ok() {
            let parts = self.parts.take().unwrap_or(Parts { as_frames: false, count: 0, kind, bytes: Vec::new() });
            self.record_part(parts, &bytes, last, peer);
        }
        Ok(())
    }

    pub fn send_frame(&mut self, input: &mut Unstructured<'_>, peer: &Self) -> arbitrary::Result<()> {
        let (choice, last) = input.arbitrary::<(u8, bool)>()?;
        let open = self.parts.as_ref().map(|parts| parts.kind);
        let opcode = match (choice % 8, open) {
            (0, _) => OpCode::Continuation,
            (1, _) => OpCode::Text,
            (2, _) => OpCode::Binary,
            (_, Some(_)) => OpCode::Continuation,
            (choice, None) => {
                if choice & 1 == 0 {
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
        let expected = self.expect_part(true, kind, first, &bytes, last);
        let frame = Frame::new(opcode, bytes.clone()).with_fin(last);
        assert_eq!(self.connection.send_frame(&frame, &mut self.output), expected);
        if expected.is_ok() {
            let parts = self.parts.take().unwrap_or(Parts { as_frames: true, count: 0, kind, bytes: Vec::new() });
            self.record_part(parts, &bytes, last, peer);
        }
        Ok(())
    }

    /// Returns the expected result of sending a part.
    fn expect_part(
        &self,
        as_frames: bool,
        kind: MessageKind,
        first: bool,
        bytes: &[u8],
        last: bool,
    ) -> Result<(), SendError> {
        let parts = self.parts.as_ref();
        let text = [parts.map_or(&[][..], |parts| &parts.bytes), bytes].concat();
        let is_text = if last { core::str::from_utf8(&text).is_ok() } else { is_utf8_prefix(&text) };
        if !self.is_open {
            Err(SendError::Closed)
        } else if parts.is_some_and(|parts| parts.as_frames != as_frames) {
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

    /// Records a part that was sent.
    fn record_part(&mut self, mut parts: Parts, bytes: &[u8], last: bool, peer: &Self) {
        parts.count += 1;
        parts.bytes.extend_from_slice(bytes);
        let limits = peer.config.limits;
        let fits = bytes.len() as u64 <= limits.max_frame
            && parts.bytes.len() as u64 <= limits.max_message
            && (self.has_sentinels() || parts.count + u32::from(!last) <= limits.max_fragments);
        if !fits && self.first_over_limit.is_none() {
            self.first_over_limit = Some(self.sent.len());
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
        // All payloads differ.
        let mut payload = format!("{}{}", if pong { "own pong" } else { "ping" }, self.serial).into_bytes();
        payload.resize(payload.len().max(usize::from(len) % 130), b'.');
        let expected = match () {
            () if self.is_over() || !pong && !self.is_open => Err(SendError::Closed),
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
            Some(&code) => self.send_close(Some(&Close::new(code, "x".repeat(usize::from(reason % 128)))), as_frame),
            None => self.send_close(None, as_frame),
        }
        Ok(())
    }

    pub fn send_close(&mut self, close: Option<&Close>, as_frame: bool) {
        let payload = close.map_or(Ok(Bytes::new()), Close::encode);
        // The sentinel versions have no close code. `close` omits it; a frame with a payload is an error.
        let has_unsupported_payload = as_frame && self.has_sentinels() && close.is_some();
        let expected = match &payload {
            Err(error) => Err((*error).into()),
            Ok(_) if !self.is_open => Err(SendError::Closed),
            Ok(_) if has_unsupported_payload => Err(EncodeError::Unsupported.into()),
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
        self.is_open &= sent.is_err();
    }
}

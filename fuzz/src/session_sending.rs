//! Sending in the model of a session: which calls succeed, and which messages the peer has to receive.

use arbitrary::Unstructured;
use bytes::Bytes;
use protocol_websocket_connection::{Frame, Message, MessageKind, Part, SendError, State};
use protocol_websocket_frame::OpCode;

use crate::session_model::Endpoint;

impl Endpoint {
    /// Makes a payload. Its length is around each limit of the session.
    fn payload(&mut self, input: &mut Unstructured<'_>) -> arbitrary::Result<(MessageKind, Vec<u8>)> {
        let (len, is_text) = input.arbitrary::<(u8, bool)>()?;
        let len = match len {
            0xFF if self.session.unsent() < 200_000 => 140_000,
            0xE0.. if self.session.unsent() < 200_000 => 4090 + usize::from(len & 15),
            len => usize::from(len),
        };
        self.serial += 1;
        let serial = self.serial;
        let bytes =
            (0..len as u32).map(|at| if is_text { b'a' + ((at ^ serial) % 26) as u8 } else { (at * serial) as u8 });
        Ok((if is_text { MessageKind::Text } else { MessageKind::Binary }, bytes.collect()))
    }

    fn expected(&self, is_whole: bool) -> Result<(), SendError> {
        match self.session.connection().state() {
            State::Connecting => Err(SendError::NotOpen),
            State::Open if is_whole && self.part.is_some() => Err(SendError::MessageUnfinished),
            State::Open => Ok(()),
            State::Closing | State::Closed => Err(SendError::Closed),
        }
    }

    pub fn send(&mut self, input: &mut Unstructured<'_>, shared: bool) -> arbitrary::Result<()> {
        let (kind, bytes) = self.payload(input)?;
        let message = match kind {
            MessageKind::Text => Message::from(String::from_utf8(bytes.clone()).unwrap()),
            MessageKind::Binary => Message::from(bytes.clone()),
        };
        let expected = self.expected(true);
        let result = if shared { self.session.send(message) } else { self.session.send(&message) };
        assert_eq!(result, expected);
        self.sent.extend(result.is_ok().then_some((kind, bytes)));
        Ok(())
    }

    pub fn send_part(&mut self, input: &mut Unstructured<'_>, last: bool) -> arbitrary::Result<()> {
        let (kind, bytes) = self.payload(input)?;
        let expected = self.expected(false);
        let (kind, mut message) = self.part.clone().unwrap_or((kind, Vec::new()));
        let bytes = if kind == MessageKind::Text { bytes.iter().map(|byte| byte & 0x7F).collect() } else { bytes };
        let part = Part::new(kind, Bytes::from(bytes.clone())).with_first(self.part.is_none()).with_last(last);
        assert_eq!(self.session.send_part(part), expected);
        if expected.is_ok() {
            message.extend_from_slice(&bytes);
            if last {
                self.part = None;
                self.sent.push((kind, message));
            } else {
                self.part = Some((kind, message));
            }
        }
        Ok(())
    }

    /// Sends a message as one frame, which is not compressed.
    pub fn send_frame(&mut self, input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
        let (kind, bytes) = self.payload(input)?;
        let opcode = if kind == MessageKind::Text { OpCode::Text } else { OpCode::Binary };
        let expected = self.expected(true);
        assert_eq!(self.session.send_frame(&Frame::new(opcode, bytes.clone())), expected);
        self.sent.extend(expected.is_ok().then_some((kind, bytes)));
        Ok(())
    }

    pub fn ping(&mut self, as_frame: bool) {
        self.serial += 1;
        let payload = format!("ping {}", self.serial).into_bytes();
        let expected = self.expected(false);
        let result =
            if as_frame { self.session.send_frame(&Frame::ping(payload.clone())) } else { self.session.ping(&payload) };
        assert_eq!(result, expected);
        self.pings.extend(result.is_ok().then_some(payload));
    }

    /// Sends a Pong that replies to no Ping. It may follow our Close.
    pub fn pong(&mut self, as_frame: bool) {
        self.serial += 1;
        let payload = format!("pong {}", self.serial).into_bytes();
        let is_open = self.session.connection().state() == State::Open;
        let result =
            if as_frame { self.session.send_frame(&Frame::pong(payload.clone())) } else { self.session.pong(&payload) };
        assert!(result == self.expected(false) || self.session.connection().state() == State::Closing);
        // After our Close the peer discards it.
        self.pongs.extend(is_open.then_some(payload));
    }
}

//! From frames to messages, and from parts to frames.

use arbitrary::Unstructured;
use bytes::Bytes;
use protocol_websocket_frame::{
    Assembler, DecodeError, EncodeError, Fragmenter, Frame, Limits, Message, MessageKind, OpCode, Part,
};

use crate::model::is_utf8_prefix;

/// Frames in any order become the messages, parts and errors of a simple model, within a limit.
pub fn assembler(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(limit) = input.arbitrary::<u8>() else { return };
    let limits = Limits::new(u64::from(limit) * 4);
    let (mut whole, mut parts, mut mixed) = (Assembler::new(limits), Assembler::new(limits), Assembler::new(limits));
    let (mut model, mut sender) = (Model::default(), Sender::default());
    while !input.is_empty() {
        let first = input.arbitrary::<u8>().unwrap_or_default();
        let len = input.arbitrary::<u8>().unwrap_or_default();
        let bytes = Bytes::copy_from_slice(input.bytes(usize::from(len % 32).min(input.len())).unwrap_or_default());
        sender.send(first, &bytes);
        let opcode = [OpCode::Continuation, OpCode::Text, OpCode::Binary, OpCode::Ping][usize::from(first & 3)];
        let frame = Frame::new(opcode, bytes).with_fin(first & 4 != 0);

        let before = model.budget(limits);
        assert_eq!((whole.budget(), parts.budget()), (before, before));
        let expected = model.push(&frame, limits);
        assert_eq!(whole.push(frame.clone()), expected.clone().map(|pushed| pushed.and_then(|(_, message)| message)));
        assert_eq!(parts.push_part(frame.clone()), expected.clone().map(|pushed| pushed.map(|(part, _)| part)));
        // After `push_part`, `push` returns the rest of the message. The rest of a text is valid UTF-8, too.
        let result = if first & 8 == 0 { mixed.push(frame) } else { mixed.push_part(frame).map(|_| None) };
        match (result, expected) {
            (Ok(Some(message)), _) => assert_eq!(message.as_text().is_some(), message.kind() == MessageKind::Text),
            (Ok(None), _) => {}
            (Err(_), _) => return,
        }
        if model.failed {
            return;
        }
    }
}

/// Joins the frames of a message, and validates the whole message with each frame.
#[derive(Default)]
struct Model {
    open: Option<(MessageKind, Vec<u8>)>,
    failed: bool,
}

type Pushed = Option<(Part, Option<Message>)>;

impl Model {
    fn budget(&self, limits: Limits) -> u64 {
        limits.max_message - self.open.as_ref().map_or(0, |(_, bytes)| bytes.len() as u64)
    }

    fn push(&mut self, frame: &Frame, limits: Limits) -> Result<Pushed, DecodeError> {
        let pushed = self.push_frame(frame, limits);
        self.failed = pushed.is_err();
        pushed
    }

    fn push_frame(&mut self, frame: &Frame, limits: Limits) -> Result<Pushed, DecodeError> {
        if frame.opcode().is_control() {
            return Ok(None);
        }
        let first = self.open.is_none();
        match (frame.opcode(), first) {
            (OpCode::Continuation, true) => return Err(DecodeError::OrphanContinuation),
            (OpCode::Text | OpCode::Binary, false) => return Err(DecodeError::DataInsideMessage),
            _ => {}
        }
        let new_kind = if frame.opcode() == OpCode::Text { MessageKind::Text } else { MessageKind::Binary };
        let (kind, bytes) = self.open.get_or_insert((new_kind, Vec::new()));
        bytes.extend_from_slice(frame.payload());
        if bytes.len() as u64 > limits.max_message {
            return Err(DecodeError::MessageTooLong);
        }
        let text = core::str::from_utf8(bytes);
        if *kind == MessageKind::Text && !is_utf8_prefix(bytes)
            || *kind == MessageKind::Text && frame.fin() && text.is_err()
        {
            return Err(DecodeError::InvalidUtf8);
        }
        let message = match kind {
            _ if !frame.fin() => None,
            MessageKind::Text => Some(Message::from(text.unwrap())),
            MessageKind::Binary => Some(Message::from(bytes.clone())),
        };
        let part = Part::new(*kind, frame.payload().clone()).with_first(first).with_last(frame.fin());
        if frame.fin() {
            self.open = None;
        }
        Ok(Some((part, message)))
    }
}

/// An assembler accepts all frames of a [`Fragmenter`]. A part that the fragmenter rejects does not change its state.
struct Sender {
    fragments: Fragmenter,
    peer: Assembler,
    model: Model,
}

impl Default for Sender {
    fn default() -> Self {
        Self { fragments: Fragmenter::new(), peer: Assembler::new(Limits::NONE), model: Model::default() }
    }
}

impl Sender {
    fn send(&mut self, bits: u8, bytes: &Bytes) {
        let kind = if bits & 16 == 0 { MessageKind::Text } else { MessageKind::Binary };
        let part = Part::new(kind, bytes.clone()).with_first(bits & 32 != 0).with_last(bits & 64 != 0);
        let open = self.model.open.clone();
        let in_order = open.as_ref().map_or(part.first, |(open, _)| !part.first && *open == kind);
        match self.fragments.frame(part.clone()) {
            Ok(frame) => {
                let (echoed, message) = self.model.push(&frame, Limits::NONE).unwrap().unwrap();
                assert!(in_order && echoed == part);
                assert_eq!(self.peer.push(frame), Ok(message));
            }
            Err(EncodeError::PartOutOfOrder) => assert!(!in_order),
            Err(error) => {
                assert_eq!(error, EncodeError::InvalidUtf8);
                let text = [open.map_or(Vec::new(), |(_, bytes)| bytes), bytes.to_vec()].concat();
                assert!(in_order && kind == MessageKind::Text && core::str::from_utf8(&text).is_err());
            }
        }
        assert_eq!(self.fragments.is_open(), self.model.open.is_some());
    }
}

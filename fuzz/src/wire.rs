//! Parses the output of one endpoint with the model. Checks that each frame is valid and that no data follows a Close.

use bytes::BytesMut;
use protocol_websocket_connection::{MessageKind, Role, Version};

use crate::model;

/// A message: its kind and its bytes.
pub type Message = (MessageKind, Vec<u8>);

/// The frames of one direction.
pub struct Wire {
    version: Version,
    is_masked: bool,
    /// The incomplete last frame.
    rest: BytesMut,
    open: Option<Message>,
    pub messages: Vec<Message>,
    pub pings: Vec<Vec<u8>>,
    pub pongs: Vec<Vec<u8>>,
    /// The payload of the Close.
    pub close: Option<Vec<u8>>,
}

impl Wire {
    pub fn new(role: Role, version: Version) -> Self {
        let (is_masked, rest) = (role == Role::Client, BytesMut::new());
        let [pings, pongs] = [const { Vec::new() }; 2];
        Self { version, is_masked, rest, open: None, messages: Vec::new(), pings, pongs, close: None }
    }

    /// Reads more output.
    pub fn read(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        if self.version.has_length_framing() {
            while let Some(frame) = model::frame(&self.rest) {
                let _ = self.rest.split_to(frame.len());
                self.frame(frame);
            }
            return;
        }
        let read = model::sentinels(&self.rest, u64::MAX);
        let _ = self.rest.split_to(read.used);
        for frame in read.frames {
            assert!(self.close.is_none(), "a frame after a Close");
            match frame {
                Some(text) => self.messages.push((MessageKind::Text, text.into())),
                None => self.close = Some(Vec::new()),
            }
        }
    }

    /// Returns whether the last frame is complete.
    pub fn is_complete(&self) -> bool {
        self.rest.is_empty()
    }

    fn frame(&mut self, frame: model::Frame) {
        let model::Frame { header, payload } = frame;
        assert!(header.is_valid() && header.rsv == 0 && header.mask.is_some() == self.is_masked, "{header:?}");
        // Only a pong may follow a Close.
        assert!(self.close.is_none() || header.opcode == 10, "{header:?} after a Close");
        match header.opcode {
            8 => {
                assert!(model::is_close_payload(&payload));
                self.close = Some(payload);
            }
            9 => self.pings.push(payload),
            10 => self.pongs.push(payload),
            opcode => {
                assert_eq!(opcode == 0, self.open.is_some(), "fragments out of order");
                let kind = if opcode == 1 { MessageKind::Text } else { MessageKind::Binary };
                let (kind, mut bytes) = self.open.take().unwrap_or((kind, Vec::new()));
                bytes.extend_from_slice(&payload);
                assert!(kind == MessageKind::Binary || model::is_utf8_prefix(&bytes), "invalid UTF-8");
                match header.fin {
                    true => self.messages.push((kind, bytes)),
                    false => self.open = Some((kind, bytes)),
                }
            }
        }
    }
}

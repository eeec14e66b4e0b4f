//! [`ConnectionRecorder`], the observer of one connection.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use protocol_websocket_connection::{
    Direction, Ended, ExtensionParams, HeadLimits, Negotiated, Observation, ObservedFrame, ObservedHead, Observer,
    OpCode, Role, StartLine, Version,
};
use protocol_websocket_http::{HeadReader, redact_target};
use sha2::{Digest as _, Sha256};

use crate::line::{Base64, HeaderList, Hex, Line, RESERVED_BITS, by_name, direction_name};
use crate::mask::mask_extension;
use crate::recorder::{Payloads, Recorder};

/// The maximum number of bytes of the opening handshake that are kept until they can be removed from the input.
const MAX_HANDSHAKE_INPUT: usize = 64 * 1024;

/// Records one connection: see [`Recorder::connection`].
#[derive(Debug)]
pub struct ConnectionRecorder {
    recorder: Recorder,
    number: u64,
    role: Role,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    received: Messages,
    sent: Messages,
    handshake: HandshakeInput,
    /// Whether the input has a head. That of `Connection::respond` was read by the caller.
    has_head_in_input: bool,
    has_ended: bool,
}

/// The messages of one direction.
#[derive(Debug, Default)]
struct Messages {
    /// The kind of the data message in progress.
    is_text: bool,
    /// The hash of the data message, and of the control frame, in progress.
    data: Option<Sha256>,
    control: Option<Sha256>,
}

/// The input before the connection is open, if secrets are masked.
#[derive(Debug)]
enum HandshakeInput {
    Kept(BytesMut),
    /// The opening handshake exceeded the limit.
    Omitted,
    /// The connection is open.
    Done,
}

impl Default for HandshakeInput {
    fn default() -> Self {
        Self::Kept(BytesMut::new())
    }
}

impl ConnectionRecorder {
    pub(crate) fn new(recorder: Recorder, number: u64, role: Role) -> Self {
        recorder.write(number, Line { r#type: "connection", role: Some(role.to_string()), ..Line::default() });
        Self { recorder, number, role, state: Mutex::default() }
    }

    /// Returns the number of the connection in the log. The first one is 1.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    fn write(&self, line: Line<'_>) {
        self.recorder.write(self.number, line);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn head(&self, head: &ObservedHead<'_>) {
        if head.direction == Direction::Received {
            let state = &mut *self.state();
            state.has_head_in_input = matches!(&state.handshake, HandshakeInput::Kept(input) if !input.is_empty());
        }
        let keeps_secrets = self.recorder.options.keeps_secrets;
        let line = Line {
            r#type: "head",
            direction: Some(direction_name(head.direction)),
            headers: Some(HeaderList { headers: head.headers, keeps_secrets }),
            ..Line::default()
        };
        match head.start_line {
            StartLine::Request { method, target, .. } => {
                let target = if keeps_secrets { target.into() } else { redact_target(target) };
                self.write(Line { method: Some(method), target: Some(target), ..line });
            }
            StartLine::Response { status, .. } => self.write(Line { status: Some(status), ..line }),
            _ => {}
        }
    }

    fn open(&self, negotiated: &Negotiated) {
        let keeps_secrets = self.recorder.options.keeps_secrets;
        let extension: fn(&ExtensionParams) -> String =
            if keeps_secrets { ToString::to_string } else { mask_extension };
        self.write(Line {
            r#type: "open",
            version: Some(negotiated.version.to_string()),
            subprotocol: negotiated.subprotocol.as_deref().map(|name| keeps_secrets.then_some(name)),
            extensions: Some(negotiated.extensions.iter().map(extension).collect()),
            ..Line::default()
        });
        let state = &mut *self.state();
        if let HandshakeInput::Kept(input) = std::mem::replace(&mut state.handshake, HandshakeInput::Done)
            && let Some(rest) = self.after_handshake(input, negotiated.version, state.has_head_in_input)
        {
            self.input_line(&rest);
        }
    }

    /// Returns the bytes after the opening handshake.
    fn after_handshake(&self, mut input: BytesMut, version: Version, has_head: bool) -> Option<BytesMut> {
        let mut reader = HeadReader::new(HeadLimits::new().max_len(input.len()).max_headers(input.len()));
        let (read, proof_len) = match self.role {
            // The eight bytes after the request, and the sixteen bytes after the response, of hybi-00.
            Role::Server => (!has_head || matches!(reader.request(&mut input), Ok(Some(_))), 8),
            Role::Client => (!has_head || matches!(reader.final_response(&mut input), Ok(Some(_))), 16),
        };
        let skipped = if version == Version::Hybi00 { proof_len } else { 0 };
        (read && skipped < input.len()).then(|| input.split_off(skipped))
    }

    fn input(&self, bytes: &[u8]) {
        if self.recorder.options.keeps_secrets {
            return self.input_line(bytes);
        }
        let handshake = &mut self.state().handshake;
        match handshake {
            HandshakeInput::Kept(kept) if kept.len() + bytes.len() <= MAX_HANDSHAKE_INPUT => {
                kept.extend_from_slice(bytes);
            }
            HandshakeInput::Kept(_) => *handshake = HandshakeInput::Omitted,
            HandshakeInput::Omitted => {}
            HandshakeInput::Done => self.input_line(bytes),
        }
    }

    fn input_line(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.write(Line { r#type: "input", base64: Some(Base64(bytes)), ..Line::default() });
        }
    }

    fn frame(&self, frame: &ObservedFrame<'_>) {
        let payload = frame.payload;
        let reserved = RESERVED_BITS.iter().filter(|(_, bit)| frame.rsv.contains(*bit)).map(|(number, _)| *number);
        let mut line = Line {
            r#type: "frame",
            direction: Some(direction_name(frame.direction)),
            opcode: Some(frame.opcode.to_string()),
            fin: Some(frame.fin),
            rsv: (!frame.rsv.is_none()).then(|| reserved.collect()),
            piece: match (frame.is_first, frame.is_last) {
                (true, true) => None,
                (true, false) => Some("first"),
                (false, false) => Some("middle"),
                (false, true) => Some("last"),
            },
            wire_len: Some(frame.wire_len),
            ..Line::default()
        };
        if let (OpCode::Close, Some(&[high, low])) = (frame.opcode, payload.first_chunk()) {
            line.code = Some(u16::from_be_bytes([high, low]));
        }
        let state = &mut *self.state();
        let messages = match frame.direction {
            Direction::Received => &mut state.received,
            Direction::Sent => &mut state.sent,
        };
        let is_text = messages.note_kind(frame);
        match self.recorder.options.payloads(frame.direction, frame.opcode.is_control()) {
            Payloads::Hashed => {
                line.len = Some(payload.len());
                line.sha256 = messages.hash(frame).map(Hex);
            }
            Payloads::Whole => match str::from_utf8(payload) {
                Ok(text) if is_text => line.text = Some(text),
                _ => line.base64 = Some(Base64(payload)),
            },
        }
        self.write(line);
    }

    fn ended(&self, ended: &Ended) {
        self.state().has_ended = true;
        self.write(Line {
            r#type: "ended",
            by: Some(by_name(ended.by)),
            code: Some(ended.code.0),
            reason: (!self.recorder.options.has_hashes()).then_some(ended.reason.as_str()),
            clean: Some(ended.clean),
            error: ended.error.map(|error| error.to_string()),
            ..Line::default()
        });
    }
}

impl Observer for ConnectionRecorder {
    fn observe(&self, observation: &Observation<'_>) {
        match observation {
            Observation::Head(head) => self.head(head),
            Observation::Open(negotiated) => self.open(negotiated),
            Observation::Frame(frame) => self.frame(frame),
            Observation::Input(bytes) => self.input(bytes),
            Observation::Ended(ended) => self.ended(ended),
            _ => {}
        }
    }

    fn wants_input(&self) -> bool {
        self.recorder.options.has_input
    }
}

/// Records that the application dropped the connection before it ended.
impl Drop for ConnectionRecorder {
    fn drop(&mut self) {
        if !self.state().has_ended {
            self.write(Line { r#type: "dropped", ..Line::default() });
        }
    }
}

impl Messages {
    /// Returns whether the payload of a frame is text.
    fn note_kind(&mut self, frame: &ObservedFrame<'_>) -> bool {
        match frame.opcode {
            OpCode::Text | OpCode::Binary => self.is_text = frame.opcode == OpCode::Text,
            OpCode::Continuation => {}
            _ => return false,
        }
        self.is_text
    }

    /// Hashes a piece. Returns the hash of the message or of the control frame with its last piece.
    fn hash(&mut self, frame: &ObservedFrame<'_>) -> Option<[u8; 32]> {
        let (hash, is_complete) = match frame.opcode.is_control() {
            true => (&mut self.control, frame.is_last),
            false => (&mut self.data, frame.fin),
        };
        hash.get_or_insert_default().update(frame.payload);
        if is_complete { hash.take().map(|hash| hash.finalize().into()) } else { None }
    }
}

use alloc::boxed::Box;

use bytes::{Bytes, BytesMut};
use protocol_websocket_core::{Random, Version};
use protocol_websocket_frame::{Close, Extension, Fragmenter, Frame, MaskKey, Message, OpCode, Part};

use crate::SendError;
use crate::extensions::Extensions;
use crate::receiver::Reply;
use crate::state::Outgoing;

/// What we send: messages in, bytes out.
pub(crate) struct Sender {
    version: Version,
    /// Where mask keys come from. A server has none, so it cannot mask.
    masks: Option<Box<dyn Random + Send>>,
    fragments: Fragmenter,
    /// The message under way is in frames of the application's own.
    in_frames: bool,
    extensions: Extensions,
    high_water_mark: usize,
    /// The latest pong that the output had no room for.
    held: Option<Box<Bytes>>,
    pub(crate) outgoing: Outgoing,
}

impl Sender {
    pub(crate) fn new(version: Version, masks: Option<Box<dyn Random + Send>>, high_water_mark: usize) -> Self {
        Self {
            version,
            masks,
            fragments: Fragmenter::new(),
            in_frames: false,
            extensions: Extensions::default(),
            high_water_mark,
            held: None,
            outgoing: Outgoing::Open,
        }
    }

    pub(crate) fn extend(&mut self, extension: Box<dyn Extension + Send>) {
        self.extensions.push(extension);
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //# an endpoint MUST perform the following steps.
    #[inline]
    pub(crate) fn send(&mut self, message: Message, output: &mut BytesMut) -> Result<(), SendError> {
        let frame = self.whole(message)?;
        self.write(&frame, output)
    }

    /// Writes the head only, and gives the payload to be written behind it.
    pub(crate) fn send_vectored(&mut self, message: Message, output: &mut BytesMut) -> Result<Bytes, SendError> {
        let frame = self.whole(message)?;
        self.flush(output);
        let (header, payload) = frame.into_vectored(self.version, self.key())?;
        output.extend_from_slice(&header);
        Ok(payload)
    }

    pub(crate) fn send_part(&mut self, part: Part, output: &mut BytesMut) -> Result<(), SendError> {
        self.check_unfinished(self.in_frames)?;
        let before = self.fragments.clone();
        let frame = self.fragments.frame(part)?;
        self.in_frames = false;
        let written = self.extended(frame).and_then(|frame| self.write(&frame, output));
        if written.is_err() {
            // A part that did not go out is no part of the message.
            self.fragments = before;
        }
        written
    }

    /// Writes a frame past the extensions. If it has reserved bits, the peer's extensions work on it as if ours had made it,
    /// so that ours restart.
    pub(crate) fn send_frame(&mut self, frame: &Frame, output: &mut BytesMut) -> Result<(), SendError> {
        match frame.opcode() {
            OpCode::Pong => return self.pong(frame.payload().clone(), output),
            OpCode::Ping => return self.write(frame, output),
            OpCode::Close => {
                self.write(frame, output)?;
                self.outgoing.close();
                return Ok(());
            }
            OpCode::Continuation | OpCode::Text | OpCode::Binary => {}
        }
        self.check_unfinished(!self.in_frames)?;
        let before = self.fragments.clone();
        self.fragments.admit(frame)?;
        self.in_frames = true;
        let written = self.write(frame, output);
        if written.is_err() {
            self.fragments = before;
        } else if !frame.rsv().is_none() {
            self.extensions.restart();
        }
        written
    }

    pub(crate) fn release_memory(&mut self) {
        self.extensions.release_memory();
    }

    /// Whether the peer's end of stream is its answer to our Close: hybi-00 and hixie-75 do not ask for another one, and
    /// servers of their time close the transport instead.
    pub(crate) fn is_eof_clean(&self) -> bool {
        self.outgoing == Outgoing::Closing && !self.version.has_length_framing()
    }

    pub(crate) fn ping(&mut self, payload: Bytes, output: &mut BytesMut) -> Result<(), SendError> {
        self.write(&Frame::ping(payload), output)
    }

    pub(crate) fn pong(&mut self, payload: Bytes, output: &mut BytesMut) -> Result<(), SendError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2
        //# Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in
        //# response, unless it already received a Close frame.
        if self.outgoing == Outgoing::Closed {
            return Err(SendError::Closed);
        }
        self.encode(&Frame::pong(payload), output)
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.2
    //# an endpoint MUST send a Close control frame, as described in Section 5.5.1, whose status
    //# code is set to /code/
    pub(crate) fn close(&mut self, close: Option<&Close>, output: &mut BytesMut) -> Result<(), SendError> {
        let payload = close.map(Close::encode).transpose()?.unwrap_or_default();
        self.write_close(payload, output)?;
        self.outgoing.close();
        Ok(())
    }

    /// Writes what the protocol has us answer, unless a Close went out before.
    pub(crate) fn reply(&mut self, reply: Reply, output: &mut BytesMut) {
        match reply {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3
            //# If an endpoint receives a Ping frame and has not yet sent Pong
            //# frame(s) in response to previous Ping frame(s), the endpoint MAY
            //# elect to send a Pong frame for only the most recently processed Ping
            //# frame.
            Reply::Pong(payload) if output.len() > self.high_water_mark => {
                // A copy of at most 125 bytes, so that it does not keep a read buffer alive.
                self.held = Some(Box::new(Bytes::copy_from_slice(&payload)));
            }
            // A ping's payload is one that a pong can carry.
            Reply::Pong(payload) => drop(self.pong(payload, output)),
            Reply::Close(payload) => {
                // After a Close no other is due, nor any pong.
                let _ = self.write_close(payload, output);
                self.held = None;
                self.outgoing.end();
            }
        }
    }

    /// Whether a pong was held back that the output has room for again.
    #[inline]
    pub(crate) fn is_pong_due(&self, output: &BytesMut) -> bool {
        output.len() <= self.high_water_mark && self.held.is_some()
    }

    /// Writes the pong that was held back, if the output has room again.
    #[inline]
    pub(crate) fn flush(&mut self, output: &mut BytesMut) {
        if self.is_pong_due(output)
            && let Some(payload) = self.held.take()
        {
            self.reply(Reply::Pong(*payload), output);
        }
    }

    #[inline]
    fn whole(&mut self, message: Message) -> Result<Frame, SendError> {
        self.check_unfinished(true)?;
        self.extended(Frame::from(message))
    }

    #[inline]
    fn extended(&mut self, frame: Frame) -> Result<Frame, SendError> {
        if self.extensions.is_empty() { Ok(frame) } else { Ok(self.extensions.encode(frame)?) }
    }

    #[inline]
    fn write(&mut self, frame: &Frame, output: &mut BytesMut) -> Result<(), SendError> {
        self.check_open()?;
        self.flush(output);
        self.encode(frame, output)
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //# If the data is being sent by the client, the frame(s) MUST be masked as defined in Section
    //# 5.3.
    fn encode(&mut self, frame: &Frame, output: &mut BytesMut) -> Result<(), SendError> {
        let key = self.key();
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
        //# An endpoint MUST encapsulate the /data/ in a WebSocket frame as defined in Section 5.2.
        Ok(frame.encode(self.version, key, output)?)
    }

    fn write_close(&mut self, payload: Bytes, output: &mut BytesMut) -> Result<(), SendError> {
        let payload = if self.version.has_length_framing() { payload } else { Bytes::new() };
        self.write(&Frame::new(OpCode::Close, payload), output)
    }

    /// Refuses what would stand inside a message under way, if that is one of `others`.
    fn check_unfinished(&self, others: bool) -> Result<(), SendError> {
        self.check_open()?;
        if others && self.fragments.is_open() { Err(SendError::MessageUnfinished) } else { Ok(()) }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //# The endpoint MUST ensure the WebSocket connection is in the OPEN state
    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //# If at any point the state of the WebSocket connection changes, the endpoint MUST abort the
    //# following steps.
    fn check_open(&self) -> Result<(), SendError> {
        match self.outgoing {
            Outgoing::Open => Ok(()),
            Outgoing::Closing | Outgoing::Closed => Err(SendError::Closed),
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
    //# The masking key is a 32-bit value chosen at random by the client.
    //# When preparing a masked frame, the client MUST pick a fresh masking
    //# key from the set of allowed 32-bit values.
    fn key(&mut self) -> Option<MaskKey> {
        let random = self.masks.as_mut()?;
        let mut key = [0; 4];
        //= https://www.rfc-editor.org/rfc/rfc6455#section-10.3
        //# Clients MUST choose a new masking key for each frame, using an algorithm that cannot be
        //# predicted by end applications
        random.fill(&mut key);
        Some(MaskKey(key))
    }
}

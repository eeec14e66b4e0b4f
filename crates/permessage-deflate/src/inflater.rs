use std::fmt;

use bytes::{Buf, Bytes};
use protocol_websocket_frame::{DecodeError, EncodeError, Extension, Frame, OpCode, Rsv};

use crate::TAIL;
use crate::stream::Stream;

/// Decompresses what comes in, as far as there is room for it.
///
/// After a final block (`BFINAL`, RFC 7692 §7.2.3.4) a message may go on, and others may follow, with an empty window: a
/// reference to data before the final block is an error. §7.2.2 allows such references where the window is kept, but
/// neither zlib nor zlib-rs can read on with the window that they had.
///
/// A payload that ends in the middle of a DEFLATE block is not recognized as malformed. The message is what could be
/// decompressed, which may include the four bytes that §7.2.2 has the receiver append. Where the window is kept, the next
/// message is read as the rest of that block. After a [`release_memory`](Extension::release_memory) in between it may be an error instead.
///
/// ```
/// use protocol_websocket_frame::{Extension, Frame, OpCode, Rsv};
/// use protocol_websocket_permessage_deflate::Inflater;
///
/// let compressed = Frame::new(OpCode::Text, &b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..]).with_rsv(Rsv::RSV1);
/// let mut inflater = Inflater::new();
/// let (frame, rest) = inflater.decode(compressed, 3)?;
/// assert_eq!((frame, rest.is_some()), (Frame::text("Hel").with_fin(false), true));
/// let (frame, rest) = inflater.decode(rest.expect("the rest"), 3)?;
/// assert_eq!((frame, rest), (Frame::continuation("lo"), None));
/// # Ok::<_, protocol_websocket_frame::DecodeError>(())
/// ```
pub struct Inflater {
    takeover: bool,
    /// What becomes of the frames of the message under way.
    message: Message,
    /// A byte that came out when there was no room for it.
    carry: Option<u8>,
    /// What is still to be put behind the message under way.
    tail: &'static [u8],
    /// Made for the first byte of a compressed message. Without takeover it is dropped after each message, and before the
    /// next one if the message was not finished.
    stream: Option<Stream>,
    /// The window of the stream that [`release_memory`](Extension::release_memory) dropped.
    window: Vec<u8>,
}

/// Up to this length a payload is copied to stand before its tail: one call less takes less time than the copy.
const SHORT: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    Plain,
    Compressed,
    /// There will be no other.
    Failed,
}

impl Inflater {
    /// Takes what a compressor made with any window: a narrower one than the widest would take as much memory.
    #[must_use]
    pub const fn new() -> Self {
        Self { takeover: true, message: Message::Plain, carry: None, tail: &TAIL, stream: None, window: Vec::new() }
    }

    /// Whether the peer keeps its window from message to message. The default is true. If false, the memory is freed after
    /// each message. A frame that is not a continuation begins the next message even if the message before it was not
    /// finished.
    #[must_use]
    pub fn context_takeover(mut self, takeover: bool) -> Self {
        self.takeover = takeover;
        self
    }

    /// Inflates `input`, and the tail behind it if the message `ends` with it, into `output`, until all is used up or
    /// `output` has `room` bytes.
    fn inflate(&mut self, input: &mut Bytes, ends: bool, output: &mut Vec<u8>, room: usize) -> Result<(), DecodeError> {
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
        //# Otherwise, the client MUST use a 32,768-byte LZ77 sliding window to decompress received
        //# messages.
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
        //# Otherwise, the server MUST use a 32,768-byte LZ77 sliding window to decompress
        //# received messages.
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(Stream::new(&std::mem::take(&mut self.window))?),
        };
        if !ends {
            return stream.inflate(input, output, room);
        }
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
        //# Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the
        //# payload of the message.
        let mut joined = [0; SHORT];
        if let Some((start, end)) = joined.split_at_mut_checked(input.len())
            && let Some(end) = end.get_mut(..self.tail.len())
        {
            start.copy_from_slice(input);
            end.copy_from_slice(self.tail);
            let len = start.len() + end.len();
            let mut rest = joined.get(..len).unwrap_or_default();
            stream.inflate(&mut rest, output, room)?;
            let used = len - rest.len();
            let of_input = used.min(input.len());
            input.advance(of_input);
            self.tail.advance(used - of_input);
            return Ok(());
        }
        stream.inflate(input, output, room)?;
        // Where the payload is not used up there is no room for this either.
        stream.inflate(&mut self.tail, output, room)
    }

    /// Drops what an unfinished message may have left.
    fn begin(&mut self) {
        (self.carry, self.tail) = (None, &TAIL);
        if !self.takeover {
            (self.stream, self.window) = (None, Vec::new());
        }
    }

    fn decompress(&mut self, frame: Frame, room: usize) -> Result<(Frame, Option<Frame>), DecodeError> {
        let (opcode, rsv, fin) = (frame.opcode(), frame.rsv(), frame.fin());
        let mut input = frame.into_payload();
        if input.is_empty() && !fin && self.carry.is_none() {
            // Nothing is pending, and a decompressor is not made before there is a byte for it.
            return Ok((Frame::new(opcode, input).with_rsv(rsv).with_fin(fin), None));
        }
        // Text shrinks to a quarter of its length, or a fifth; a second round costs more than room that is given back.
        let mut output = Vec::with_capacity(input.len().saturating_mul(6).saturating_add(64).min(room));
        if room > 0 {
            output.extend(self.carry.take());
        }
        if self.carry.is_none() {
            self.inflate(&mut input, fin, &mut output, room)?;
            if output.len() >= room {
                // Whether that was all is known by the next byte alone.
                let mut next = Vec::new();
                self.inflate(&mut input, fin, &mut next, 1)?;
                self.carry = next.pop();
            }
        }
        if output.capacity() > 2 * output.len() + 4096 {
            output.shrink_to_fit();
        }
        let frame = Frame::new(opcode, output).with_rsv(rsv);
        if self.carry.is_some() {
            return Ok((frame.with_fin(false), Some(Frame::continuation(input).with_fin(fin))));
        }
        if fin {
            self.tail = &TAIL;
            //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
            //# Otherwise, the client MUST decompress each new message using the LZ77 sliding window
            //# used to process the last compressed message.
            //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
            //# Otherwise, the server MUST decompress each new message using the LZ77 sliding window
            //# used to process the last compressed message.
            if !self.takeover {
                self.stream = None;
            }
            self.message = Message::Plain;
        }
        Ok((frame.with_fin(fin), None))
    }
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}

impl Extension for Inflater {
    fn rsv(&self) -> Rsv {
        Rsv::RSV1
    }

    fn decode(&mut self, frame: Frame, room: usize) -> Result<(Frame, Option<Frame>), DecodeError> {
        if frame.opcode() != OpCode::Continuation && self.message != Message::Failed {
            self.begin();
            //= https://www.rfc-editor.org/rfc/rfc7692#section-6.2
            //# An endpoint MUST use the following algorithm to receive a message in the form of a
            //# compressed message.
            let compressed = frame.rsv().contains(Rsv::RSV1);
            self.message = if compressed { Message::Compressed } else { Message::Plain };
        }
        match self.message {
            //= https://www.rfc-editor.org/rfc/rfc7692#section-6.2
            //# An endpoint MUST use the following algorithm to receive a message in the form of an
            //# uncompressed message.
            Message::Plain => Ok((frame, None)),
            Message::Compressed => {
                let rsv = frame.rsv().without(Rsv::RSV1);
                self.decompress(frame.with_rsv(rsv), room).inspect_err(|_| self.message = Message::Failed)
            }
            Message::Failed => Err(DecodeError::Extension),
        }
    }

    /// Leaves the frame as it is: nothing goes out here.
    fn encode(&mut self, frame: Frame) -> Result<Frame, EncodeError> {
        Ok(frame)
    }

    /// Frees the memory of the decompressor unless a compressed message is under way. Where the window is kept, the bytes
    /// in it stay: as many as came out so far, at most 32 KiB. While a compressed message is under way nothing is freed.
    fn release_memory(&mut self) {
        if self.message == Message::Compressed {
            return;
        }
        match self.stream.take().map(Stream::into_window) {
            Some(Ok(window)) => self.window = window,
            Some(Err(_)) => self.message = Message::Failed,
            None => {}
        }
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("takeover", &self.takeover)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

//! The receiving direction: decompresses messages.

mod suspend;

use std::fmt;

use bytes::Buf;
use protocol_websocket_frame::{
    DecodeError, ExtensionDecoder, Frame, Limits, OpCode, Payload, ResumeError, Rsv, StateReader, StateWriter,
    SuspendError,
};

use crate::TAIL;
use crate::params::{MAX_WINDOW_BITS, MIN_WINDOW_BITS};
use crate::stream::Stream;
use suspend::Record;

/// A frame, and the rest of the frame that it was decoded from.
type Decoded<'a> = (Frame<Payload<'a>>, Option<Frame<Payload<'a>>>);

/// Decompresses received messages. Each call returns at most as many bytes as the caller has room for.
///
/// After a final block (`BFINAL`, RFC 7692 §7.2.3.4) a message may continue and others may follow, with an empty
/// window. A reference to data before the final block is an error. §7.2.2 allows such references where the window is
/// kept, but zlib and zlib-rs cannot continue with the window after a final block.
///
/// A payload that ends inside a DEFLATE block is not recognized as malformed. The message then has the bytes that could
/// be decompressed, which may include the four bytes that the receiver appends (§7.2.2). Where the window is kept, the
/// next message is read as the rest of that block. If [`release_memory`](ExtensionDecoder::release_memory) was called
/// in between, the next message may be an error instead.
///
/// ```
/// use protocol_websocket_frame::{ExtensionDecoder, Frame, OpCode, Rsv};
/// use protocol_websocket_permessage_deflate::Inflater;
///
/// let compressed = Frame::lent(OpCode::Text, b"\xf2\x48\xcd\xc9\xc9\x07\x00").with_rsv(Rsv::RSV1);
/// let mut inflater = Inflater::new();
/// let (frame, rest) = inflater.decode(compressed, 3)?;
/// assert_eq!((frame, rest.is_some()), (Frame::lent(OpCode::Text, "Hel").with_fin(false), true));
/// let (frame, rest) = inflater.decode(rest.expect("the message has more bytes"), 3)?;
/// assert_eq!((frame, rest), (Frame::lent(OpCode::Continuation, "lo"), None));
/// # Ok::<_, protocol_websocket_frame::DecodeError>(())
/// ```
pub struct Inflater {
    takeover: bool,
    windows_only: bool,
    /// The size of the peer's window, as a base-2 logarithm.
    bits: u8,
    message: MessageState,
    /// A decompressed byte for which there was no room.
    carry: Option<u8>,
    /// The bytes that are still to be appended to the current message.
    tail: &'static [u8],
    /// Created for the first byte of a compressed message. Without takeover it is dropped after each message, or before
    /// the next one if the message was not finished.
    stream: Option<Stream>,
    /// The window of the stream that [`release_memory`](ExtensionDecoder::release_memory) dropped.
    window: Vec<u8>,
    /// The maximum number of compressed bytes in `record`. If it is 0, messages in progress are not recorded.
    max_record: usize,
    /// The bytes of the message in progress, if the inflater can be suspended inside this message.
    record: Option<Record>,
}

/// The size in bytes of the array in which a short payload is joined with the tail, because the copy takes less time
/// than another call of the decompressor.
const JOINED_SIZE: usize = 512;

/// The maximum number of bytes that are allocated at first beyond twice the compressed payload.
const MAX_UNUSED: usize = 3 * 1024;

/// The state of the current message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MessageState {
    /// Not compressed.
    Plain,
    /// Compressed.
    Compressed,
    /// Malformed. All later frames are rejected.
    Failed,
}

impl Inflater {
    /// Creates an inflater for messages that were compressed with any window.
    ///
    /// The window of its decompressor always has 32 KiB, because a smaller one would take as much memory.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            takeover: true,
            windows_only: false,
            bits: MAX_WINDOW_BITS,
            message: MessageState::Plain,
            carry: None,
            tail: &TAIL,
            stream: None,
            window: Vec::new(),
            max_record: 0,
            record: None,
        }
    }

    /// Sets whether the peer keeps its window from one message to the next. The default is true.
    ///
    /// If false, the memory is freed after each message. A frame that is not a continuation begins a new message even
    /// if the message before it was not finished.
    #[must_use]
    pub const fn context_takeover(mut self, takeover: bool) -> Self {
        self.takeover = takeover;
        self
    }

    /// Sets the peer's window, as a base-2 logarithm. The default is 15, for any window. Where the decompressor is freed
    /// between messages, as many bytes are kept. A window of 8 bits counts as 9, because a compressor may use the next
    /// larger one in its place.
    #[must_use]
    pub const fn window_bits(mut self, bits: u8) -> Self {
        self.bits = match bits {
            ..MIN_WINDOW_BITS => MIN_WINDOW_BITS,
            MAX_WINDOW_BITS.. => MAX_WINDOW_BITS,
            bits => bits,
        };
        self
    }

    /// Sets whether only the window is kept between messages, as if
    /// [`release_memory`](ExtensionDecoder::release_memory) was called after each: see
    /// [`PermessageDeflate::windows_only`](crate::PermessageDeflate::windows_only). The default is false.
    #[must_use]
    pub const fn windows_only(mut self, windows_only: bool) -> Self {
        self.windows_only = windows_only;
        self
    }

    /// Sets how many compressed bytes of a message in progress are kept, so that the inflater can be suspended inside the
    /// message: see [`PermessageDeflate::suspendable`](crate::PermessageDeflate::suspendable). The default is 0.
    #[must_use]
    pub const fn suspendable(mut self, max_bytes: usize) -> Self {
        self.max_record = max_bytes;
        self
    }

    /// Inflates `input` into `output`, followed by the tail if the message `ends` with `input`. Stops when all is used
    /// or `output` has `room` bytes.
    fn inflate(
        &mut self,
        input: &mut Payload<'_>,
        ends: bool,
        output: &mut Vec<u8>,
        room: usize,
    ) -> Result<(), DecodeError> {
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
        //# Otherwise, the client MUST use a 32,768-byte LZ77 sliding window to decompress received
        //# messages.
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
        //# Otherwise, the server MUST use a 32,768-byte LZ77 sliding window to decompress
        //# received messages.
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(Stream::new(&std::mem::take(&mut self.window), 1 << self.bits)?),
        };
        if !ends {
            return stream.inflate(input, output, room);
        }
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
        //# Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the
        //# payload of the message.
        let mut joined = [0; JOINED_SIZE];
        let input_len = input.len();
        if let Some((start, end)) = joined.split_at_mut_checked(input_len)
            && let Some(end) = end.get_mut(..self.tail.len())
        {
            start.copy_from_slice(input);
            end.copy_from_slice(self.tail);
            let len = input_len + self.tail.len();
            let rest = joined.get(..len);
            debug_assert!(rest.is_some(), "the payload and the tail fit in the array");
            let mut rest = rest.unwrap_or_default();
            stream.inflate(&mut rest, output, room)?;
            let used = len - rest.len();
            let of_input = used.min(input_len);
            input.advance(of_input);
            self.tail.advance(used - of_input);
            return Ok(());
        }
        stream.inflate(input, output, room)?;
        // If there was no room for all of the payload, there is none for the tail either.
        stream.inflate(&mut self.tail, output, room)
    }

    /// Frees the decompressor between messages, and keeps its window.
    fn free_decompressor(&mut self) {
        match self.stream.take().map(Stream::into_window) {
            Some(Ok(window)) => self.window = window,
            Some(Err(_)) => self.message = MessageState::Failed,
            None => {}
        }
    }

    /// Drops the state of an unfinished message.
    fn begin(&mut self) {
        (self.carry, self.tail, self.record) = (None, &TAIL, None);
        if !self.takeover {
            (self.stream, self.window) = (None, Vec::new());
        }
    }

    fn decompress<'a>(&mut self, frame: Frame<Payload<'a>>, room: usize) -> Result<Decoded<'a>, DecodeError> {
        let (opcode, rsv, fin) = (frame.opcode(), frame.rsv(), frame.fin());
        let mut input = frame.into_payload();
        if input.is_empty() && !fin && self.carry.is_none() {
            // No output is pending, and the decompressor is only created when there is a byte for it.
            return Ok((Frame::lent(opcode, input).with_rsv(rsv).with_fin(fin), None));
        }
        if fin {
            self.record = None;
        }
        self.record_input(&input);
        // Text shrinks to a quarter or a fifth of its length. A second call takes longer than returning unused space.
        // That space is limited, because a payload that was hardly compressed does not need it.
        let guess = input.len().saturating_mul(6).saturating_add(64);
        let guess = guess.min(input.len().saturating_mul(2).saturating_add(MAX_UNUSED));
        let mut output = Vec::with_capacity(guess.min(room));
        if room > 0 {
            output.extend(self.carry.take());
        }
        if self.carry.is_none() {
            self.inflate(&mut input, fin, &mut output, room)?;
            if output.len() >= room {
                // Only the next byte shows whether the output is complete.
                let mut next = Vec::new();
                self.inflate(&mut input, fin, &mut next, 1)?;
                self.carry = next.pop();
            }
        }
        if output.capacity() > 2 * output.len() + 4096 {
            output.shrink_to_fit();
        }
        self.record_output(output.len(), input.len());
        let frame = Frame::lent(opcode, output).with_rsv(rsv);
        if self.carry.is_some() {
            return Ok((frame.with_fin(false), Some(Frame::lent(OpCode::Continuation, input).with_fin(fin))));
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
            self.message = MessageState::Plain;
            if self.windows_only {
                self.release_memory();
            }
        }
        Ok((frame.with_fin(fin), None))
    }
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}

impl ExtensionDecoder for Inflater {
    /// Decompresses the payload, or returns the frame unchanged if its message is not compressed.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Extension`] if the payload is not valid DEFLATE. All later frames are rejected with the same
    /// error.
    fn decode<'a>(&mut self, frame: Frame<Payload<'a>>, room: usize) -> Result<Decoded<'a>, DecodeError> {
        if frame.opcode() != OpCode::Continuation && self.message != MessageState::Failed {
            self.begin();
            //= https://www.rfc-editor.org/rfc/rfc7692#section-6.2
            //# An endpoint MUST use the following algorithm to receive a message in the form of a
            //# compressed message.
            let is_compressed = frame.rsv().contains(Rsv::RSV1);
            self.message = if is_compressed { MessageState::Compressed } else { MessageState::Plain };
            if is_compressed && !frame.fin() && self.max_record > 0 {
                self.begin_record().inspect_err(|_| self.message = MessageState::Failed)?;
            }
        }
        match self.message {
            //= https://www.rfc-editor.org/rfc/rfc7692#section-6.2
            //# An endpoint MUST use the following algorithm to receive a message in the form of an
            //# uncompressed message.
            MessageState::Plain => Ok((frame, None)),
            MessageState::Compressed => {
                let rsv = frame.rsv().without(Rsv::RSV1);
                self.decompress(frame.with_rsv(rsv), room).inspect_err(|_| self.message = MessageState::Failed)
            }
            MessageState::Failed => Err(DecodeError::Extension),
        }
    }

    /// Frees the memory of the decompressor, except during a compressed message.
    ///
    /// Where the window is kept, the bytes in it stay: the last bytes that were decompressed, as many as the
    /// [window](Self::window_bits) of the peer has.
    fn release_memory(&mut self) {
        if self.message != MessageState::Compressed {
            self.free_decompressor();
        }
    }

    /// Writes the window, at most 32 KiB. Inside a compressed message, also writes its compressed bytes so far.
    ///
    /// Between messages, frees the decompressor like [`release_memory`](Self::release_memory).
    ///
    /// # Errors
    ///
    /// - [`SuspendError::MessageInProgress`] inside a compressed message, unless it is
    ///   [recorded](Inflater::suspendable).
    /// - [`SuspendError::EventsPending`] if [`decode`](Self::decode) returned the rest of a frame that was not decoded yet.
    /// - [`SuspendError::Failed`] after an error, and if the last message ended inside a DEFLATE block.
    fn suspend(&mut self, state: &mut StateWriter) -> Result<(), SuspendError> {
        self.write_state(state)
    }

    /// Continues with the window of a suspended inflater. Decompresses the bytes of a message in progress again, and discards
    /// the output.
    ///
    /// # Errors
    ///
    /// [`ResumeError::LimitExceeded`] for a window that exceeds the [window](Inflater::window_bits) of the peer, and for more
    /// compressed bytes than [`suspendable`](Inflater::suspendable) allows.
    fn resume(&mut self, state: &mut StateReader<'_>, limits: &Limits) -> Result<(), ResumeError> {
        self.read_state(state, limits)
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("takeover", &self.takeover)
            .field("windows_only", &self.windows_only)
            .field("bits", &self.bits)
            .field("max_record", &self.max_record)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

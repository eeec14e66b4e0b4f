use std::fmt;

use flate2::{Compress, Compression, FlushCompress, Status};
use protocol_websocket_frame::{DecodeError, EncodeError, Extension, Frame, OpCode, Rsv};

use crate::{CHUNK, PermessageDeflate, TAIL};

/// Compresses what is sent.
///
/// It can be used by itself, to compress a message once for many peers. Such a frame may be sent to a peer if two things
/// hold:
///
/// - The deflater has no [`context_takeover`](Self::context_takeover), so that the message refers to nothing before it.
/// - Its window is not wider than the one that was agreed on with this peer, which
///   [`PermessageDeflate::window_bits`] gives.
///
/// ```
/// use protocol_websocket_frame::{Extension, Frame, Rsv};
/// use protocol_websocket_http::{ExtensionParams, Role};
/// use protocol_websocket_permessage_deflate::{Deflater, PermessageDeflate};
///
/// let agreed = ExtensionParams::new("permessage-deflate").param("server_max_window_bits", "10");
/// let bits = PermessageDeflate::window_bits(Role::Server, &agreed).expect("permessage-deflate was agreed on");
/// let mut deflater = Deflater::new(bits).context_takeover(false);
/// let news = deflater.encode(Frame::text("the same for all ".repeat(10)))?;
/// assert_eq!((bits, news.rsv()), (10, Rsv::RSV1));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// No memory is shared with other deflaters, and none is used again for another message unless the window is kept. A
/// context that was used before would not do: what zlib-rs 0.6.8 makes of a message in fragments depends on the bytes of
/// the messages before it, even after a full flush or [`Compress::reset`]. Both clear the heads of the hash chains but not
/// the window, and the hash covers four bytes. At the end of a fragment the fourth byte is therefore an old one, and
/// whether later text is found to match depends on it.
pub struct Deflater {
    bits: u8,
    level: u8,
    threshold: usize,
    takeover: bool,
    /// Whether the message under way is compressed.
    active: bool,
    /// Made for the first message that is compressed. Without takeover it is dropped after each message, and before the
    /// next one if the message was not finished.
    context: Option<Compress>,
}

impl Deflater {
    /// The level unless told otherwise: zlib's own default.
    pub const LEVEL: u8 = 6;
    /// The threshold unless told otherwise: what fits one segment of the text that protocols are made of is rarely worth
    /// the time below it.
    pub const THRESHOLD: usize = 64;

    /// Compresses with a window of two to the power of `bits`: 9 to 15, more count as 15. With 8, which no compressor
    /// has, messages go out as they are: that is always allowed.
    #[must_use]
    pub const fn new(bits: u8) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
        //# An endpoint MUST NOT use an LZ77 sliding window longer than 32,768 bytes to compress
        //# messages to send.
        let bits = if bits > PermessageDeflate::MAX_WINDOW_BITS { PermessageDeflate::MAX_WINDOW_BITS } else { bits };
        Self { bits, level: Self::LEVEL, threshold: Self::THRESHOLD, takeover: true, active: false, context: None }
    }

    /// As [`PermessageDeflate::level`].
    #[must_use]
    pub fn level(mut self, level: u8) -> Self {
        self.level = level.min(9);
        self
    }

    /// As [`PermessageDeflate::threshold`].
    #[must_use]
    pub fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// Whether the window is kept from message to message. The default is true. If false, the memory is freed after each
    /// message and the next message allocates it again. A frame that is not a continuation begins the next message even if
    /// the message before it was not finished.
    #[must_use]
    pub fn context_takeover(mut self, takeover: bool) -> Self {
        self.takeover = takeover;
        self
    }

    /// Whether a message that begins with `frame` is compressed.
    fn is_worth(&self, frame: &Frame) -> bool {
        let short = frame.fin() && frame.payload().len() < self.threshold;
        self.bits >= PermessageDeflate::MIN_WINDOW_BITS && !short
    }

    /// Compresses all of `input`, and flushes, so that the peer can read all of it.
    fn compress(&mut self, mut input: &[u8]) -> Result<Vec<u8>, EncodeError> {
        let (level, bits) = (Compression::new(u32::from(self.level)), self.bits);
        let context = self.context.get_or_insert_with(|| Compress::new_with_window_bits(level, false, bits));
        let mut output = Vec::with_capacity(input.len() / 2 + ROOM);
        loop {
            let (chunk, later) = input.split_at_checked(CHUNK).unwrap_or((input, &[]));
            let flush = if later.is_empty() { FlushCompress::Sync } else { FlushCompress::None };
            let before = context.total_in();
            let status = context.compress_vec(chunk, &mut output, flush).map_err(|_| EncodeError::Extension)?;
            let used = usize::try_from(context.total_in() - before).map_err(|_| EncodeError::Extension)?;
            input = input.get(used..).unwrap_or_default();
            if input.is_empty() && output.len() < output.capacity() {
                return Ok(output);
            }
            if used == 0 && status == Status::BufError && output.len() < output.capacity() {
                return Err(EncodeError::Extension);
            }
            // With less room than a flush takes, it would flush again and again.
            output.reserve(ROOM);
        }
    }
}

/// More than any flush takes.
const ROOM: usize = 64;

impl Extension for Deflater {
    fn rsv(&self) -> Rsv {
        Rsv::RSV1
    }

    /// Leaves the frame as it is: nothing comes in here.
    fn decode(&mut self, frame: Frame, _: usize) -> Result<(Frame, Option<Frame>), DecodeError> {
        Ok((frame, None))
    }

    fn encode(&mut self, frame: Frame) -> Result<Frame, EncodeError> {
        let first = frame.opcode() != OpCode::Continuation;
        if first {
            if !self.takeover {
                // The message before it may be unfinished.
                self.context = None;
            }
            self.active = self.is_worth(&frame);
        }
        //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
        //# An endpoint MUST use the following algorithm to send a message in the form of an
        //# uncompressed message.
        if !self.active {
            return Ok(frame);
        }
        //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
        //# An endpoint MUST use the following algorithm to send a message in the form of a
        //# compressed message.
        let mut payload = self.compress(frame.payload())?;
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
        //# Note that for non-final fragments, the removal of 0x00 0x00 0xff 0xff MUST NOT be done.
        if frame.fin() {
            //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
            //# Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end.
            //# After this step, the last octet of the compressed data contains
            //# (possibly part of) the DEFLATE header bits with the "BTYPE" bits
            //# set to 00.
            if payload.ends_with(&TAIL) {
                payload.truncate(payload.len() - TAIL.len());
            }
            if payload.is_empty() {
                // Nothing came since the last flush: an empty block, without its tail (§7.2.3.6).
                payload.push(0x00);
            }
        }
        if frame.fin() && !self.takeover {
            self.context = None;
        }
        //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
        //# An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames and
        //# non-first fragments of a data message.
        let rsv = if first { frame.rsv() | Rsv::RSV1 } else { frame.rsv() };
        Ok(frame.with_payload(payload).with_rsv(rsv))
    }

    /// Drops the window, because the peer's has moved on: its inflater takes in the message from elsewhere, too.
    fn restart(&mut self) {
        self.context = None;
    }

    /// Frees the memory of the compressor. The next frame begins with an empty window, which a compressor may do at any
    /// time.
    fn release_memory(&mut self) {
        self.context = None;
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater")
            .field("bits", &self.bits)
            .field("level", &self.level)
            .field("threshold", &self.threshold)
            .field("takeover", &self.takeover)
            .finish_non_exhaustive()
    }
}

//! The sending direction: compresses messages.

use std::fmt;

use protocol_websocket_frame::{
    EncodeError, ExtensionEncoder, Frame, OpCode, Payload, ResumeError, Rsv, StateReader, StateWriter, SuspendError,
};

use crate::TAIL;
use crate::compressor::{Compressor, Size};
use crate::params::{MAX_WINDOW_BITS, MIN_WINDOW_BITS};

/// Compresses sent messages.
///
/// A connection creates its own deflater. An application can also use one without a connection, to compress a message
/// once for many peers. Such a frame may be sent to a peer under two conditions:
///
/// - The deflater has no [`context_takeover`](Self::context_takeover), so the message does not refer to an earlier one.
/// - The window of the deflater is not wider than the one that was negotiated with this peer, which
///   [`PermessageDeflate::window_bits`](crate::PermessageDeflate::window_bits) returns.
///
/// ```
/// use protocol_websocket_core::{ExtensionParams, Role};
/// use protocol_websocket_frame::{ExtensionEncoder, Frame, Rsv};
/// use protocol_websocket_permessage_deflate::{Deflater, PermessageDeflate};
///
/// let agreed = ExtensionParams::new("permessage-deflate").param("server_max_window_bits", "10");
/// let bits = PermessageDeflate::window_bits(Role::Server, &agreed).expect("permessage-deflate was negotiated");
/// let mut deflater = Deflater::new(bits).context_takeover(false);
/// let frame = deflater.encode(Frame::text("the same for all ".repeat(10)).into())?.into_owned();
/// assert_eq!((bits, frame.rsv()), (10, Rsv::RSV1));
/// # Ok::<_, protocol_websocket_frame::EncodeError>(())
/// ```
///
/// Two deflaters never share memory. Without context takeover, each message gets new memory. Resetting a used
/// compressor would not be enough: with zlib-rs 0.6.8 the compressed form of a message in fragments depends on the
/// bytes of earlier messages, even after a full flush or a reset. Both clear the heads of the hash chains
/// but not the window, and the hash covers four bytes. So at the end of a fragment the fourth byte is an old one, and
/// it decides whether later text is found to match.
pub struct Deflater {
    size: Size,
    level: u8,
    threshold: usize,
    takeover: bool,
    windows_only: bool,
    /// Whether the current message is compressed.
    is_active: bool,
    /// Created for the first compressed message. Without takeover it is dropped after each message, or before the next
    /// one if the message was not finished. If only windows are kept, it is dropped after each message.
    context: Option<Compressor>,
    /// The last bytes of the earlier messages, if only windows are kept.
    window: Vec<u8>,
}

impl Deflater {
    /// The default level, which is also zlib's default.
    pub const LEVEL: u8 = 6;
    /// The default threshold in bytes. Compressing shorter messages rarely saves a TCP segment, and costs time.
    pub const THRESHOLD: usize = 64;
    /// The default memory level. zlib-rs 0.6.8 clears 12 KiB for each block, and so for each message, and 48 KiB at zlib's
    /// default of 8.
    pub const MEM_LEVEL: u8 = 6;

    /// Creates a deflater whose window has two to the power of `bits` bytes. `bits` is 9 to 15, and larger values count
    /// as 15.
    ///
    /// With 8, which the compressor does not support, messages are sent uncompressed. RFC 7692 always allows that.
    #[must_use]
    pub const fn new(bits: u8) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
        //# An endpoint MUST NOT use an LZ77 sliding window longer than 32,768 bytes to compress
        //# messages to send.
        let bits = if bits > MAX_WINDOW_BITS { MAX_WINDOW_BITS } else { bits };
        Self {
            size: Size { window_bits: bits, mem_level: Self::MEM_LEVEL },
            level: Self::LEVEL,
            threshold: Self::THRESHOLD,
            takeover: true,
            windows_only: false,
            is_active: false,
            context: None,
            window: Vec::new(),
        }
    }

    /// Sets the compression level: see [`PermessageDeflate::level`](crate::PermessageDeflate::level).
    #[must_use]
    pub const fn level(mut self, level: u8) -> Self {
        self.level = if level > 9 { 9 } else { level };
        self
    }

    /// Sets the memory level: see [`PermessageDeflate::mem_level`](crate::PermessageDeflate::mem_level).
    #[must_use]
    pub const fn mem_level(mut self, level: u8) -> Self {
        self.size.mem_level = match level {
            0 => 1,
            10.. => 9,
            level => level,
        };
        self
    }

    /// Sets the length below which messages are sent uncompressed: see
    /// [`PermessageDeflate::threshold`](crate::PermessageDeflate::threshold).
    #[must_use]
    pub const fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// Sets whether the window is kept from one message to the next. The default is true.
    ///
    /// If false, the memory is freed after each message and allocated again for the next. A frame that is not a
    /// continuation begins a new message even if the message before it was not finished.
    #[must_use]
    pub const fn context_takeover(mut self, takeover: bool) -> Self {
        self.takeover = takeover;
        self
    }

    /// Sets whether only the window is kept between messages, without the compressor: see
    /// [`PermessageDeflate::windows_only`](crate::PermessageDeflate::windows_only). The default is false. Without
    /// context takeover it has no effect.
    #[must_use]
    pub const fn windows_only(mut self, windows_only: bool) -> Self {
        self.windows_only = windows_only;
        self
    }

    /// Returns whether the message that begins with `frame` is compressed.
    fn is_worth_compressing(&self, frame: &Frame<Payload<'_>>) -> bool {
        let is_short = frame.fin() && frame.payload().len() < self.threshold;
        self.size.window_bits >= MIN_WINDOW_BITS && !is_short
    }

    /// Returns whether the compressor is kept between messages.
    const fn keeps_context(&self) -> bool {
        self.takeover && !self.windows_only
    }

    /// Compresses all of `input`, which is a whole message or a fragment.
    fn compress(&mut self, input: &[u8], is_whole: bool) -> Result<Vec<u8>, EncodeError> {
        let len = if is_whole && !self.keeps_context() { input.len() } else { usize::MAX };
        let context = match &mut self.context {
            Some(context) => context,
            none => none.insert(Compressor::new(self.level, self.size, len, &self.window)?),
        };
        context.compress(input)
    }

    /// Keeps the last bytes that the compressor and the peer have in their windows.
    fn keep(&mut self, plain: &[u8]) {
        let size = 1 << self.size.window_bits;
        let plain = plain.get(plain.len().saturating_sub(size)..).unwrap_or_default();
        let excess = (self.window.len() + plain.len()).saturating_sub(size);
        self.window.drain(..excess);
        self.window.reserve_exact(plain.len());
        self.window.extend_from_slice(plain);
    }
}

/// The minimum length in bytes of a message that is sent uncompressed if compression makes it longer. It is the longest
/// window, so that no bytes of earlier messages are lost for the compression of later ones.
const MIN_UNCOMPRESSED: usize = 1 << MAX_WINDOW_BITS;

impl ExtensionEncoder for Deflater {
    /// Compresses the payload, or returns the frame unchanged if its message is shorter than the threshold. It is
    /// unchanged, too, if it is a whole message of 32 KiB or more that compression would make longer. Otherwise a message
    /// whose length is the peer's limit would be over it. The next message then begins with an empty window, because the
    /// peer's window does not have the bytes of this one.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Extension`] if the compressor fails.
    fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
        let is_first = frame.opcode() != OpCode::Continuation;
        if is_first {
            if !self.takeover {
                // The message before it may be unfinished.
                self.context = None;
            }
            self.is_active = self.is_worth_compressing(&frame);
        }
        //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
        //# An endpoint MUST use the following algorithm to send a message in the form of an
        //# uncompressed message.
        if !self.is_active {
            return Ok(frame);
        }
        //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
        //# An endpoint MUST use the following algorithm to send a message in the form of a
        //# compressed message.
        let mut payload = self.compress(frame.payload(), is_first && frame.fin())?;
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
                // There was no input since the last flush: an empty block, without its tail (§7.2.3.6).
                payload.push(0x00);
            }
        }
        let plain_len = frame.payload().len();
        let is_longer = is_first && frame.fin() && payload.len() > plain_len && plain_len >= MIN_UNCOMPRESSED;
        if is_longer || frame.fin() && !self.keeps_context() {
            self.context = None;
        }
        if is_longer {
            return Ok(frame);
        }
        if self.takeover && self.windows_only {
            self.keep(frame.payload());
        }
        //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
        //# An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames and
        //# non-first fragments of a data message.
        let rsv = if is_first { frame.rsv() | Rsv::RSV1 } else { frame.rsv() };
        Ok(frame.with_payload(payload).with_rsv(rsv))
    }

    /// Drops the window, because the peer's window is not the same: its inflater decompressed other frames than this
    /// deflater compressed. A message in progress stays compressed.
    fn restart(&mut self) {
        (self.context, self.window) = (None, Vec::new());
    }

    /// Returns the window. Whether it is kept after a message does not change the bytes of a first message.
    fn encoding_key(&self) -> Option<u64> {
        Some(self.size.window_bits.into())
    }

    /// Frees the memory of the compressor. The next frame begins with an empty window, which is allowed at any time.
    fn release_memory(&mut self) {
        self.restart();
    }

    /// Writes whether the current message is compressed. The window is not part of the state, so the resumed deflater begins
    /// with an empty window.
    fn suspend(&mut self, state: &mut StateWriter) -> Result<(), SuspendError> {
        state.flag(self.is_active);
        Ok(())
    }

    fn resume(&mut self, state: &mut StateReader<'_>) -> Result<(), ResumeError> {
        self.is_active = state.flag()?;
        let is_valid = !self.is_active || self.size.window_bits >= MIN_WINDOW_BITS;
        if is_valid { Ok(()) } else { Err(ResumeError::Invalid) }
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater")
            .field("bits", &self.size.window_bits)
            .field("mem_level", &self.size.mem_level)
            .field("level", &self.level)
            .field("threshold", &self.threshold)
            .field("takeover", &self.takeover)
            .field("windows_only", &self.windows_only)
            .finish_non_exhaustive()
    }
}

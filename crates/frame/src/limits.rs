use crate::{EncodeError, Frame};

/// The limits for received frames and messages. A decoder checks them against the header of a frame, before its payload
/// arrives.
///
/// | limit | default | precedent |
/// |---|---|---|
/// | message | 1 MiB | Python's websockets; tungstenite has 64 MiB, ws has 100 MiB |
/// | frame | the limit of the message | the same |
/// | fragments | `max(1024, message / 256)` | aiohttp's formula |
///
/// ```
/// use protocol_websocket_frame::Limits;
///
/// let limits = Limits::new(64 * 1024).max_fragments(16);
/// assert_eq!((limits.max_message, limits.max_frame, limits.max_fragments), (65_536, 65_536, 16));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
#[non_exhaustive]
pub struct Limits {
    /// The maximum payload length of a data frame, in bytes. A longer frame is rejected with close code 1009. Control frames
    /// are not limited by it, because they have at most 125 bytes.
    pub max_frame: u64,
    /// The maximum payload length of a message, all fragments together, in bytes. A longer message is rejected with close code
    /// 1009.
    pub max_message: u64,
    /// The maximum number of frames of one message, including empty ones. A message that has more frames is rejected with
    /// close code 1008. So is a message that reaches this number without its last frame, because it needs another frame.
    pub max_fragments: u32,
}

impl Limits {
    /// No limits. Use them only with trusted peers, or with messages that are received in parts.
    pub const NONE: Self = Self { max_frame: u64::MAX, max_message: u64::MAX, max_fragments: u32::MAX };

    /// The limits of Perl's `Protocol::WebSocket` 0.26: frames of 64 KiB, and at most 128 of them in a message.
    pub const PERL: Self = Self { max_frame: 65_536, max_message: 65_536 * 128, max_fragments: 128 };

    /// Creates limits for messages of at most `max_message` bytes, in one frame or in fragments. `max_fragments` is one for
    /// each 256 bytes, but at least 1024.
    #[must_use]
    pub const fn new(max_message: u64) -> Self {
        let fragments = max_message / 256;
        let max_fragments = match fragments {
            0..=1024 => 1024,
            0xFFFF_FFFF.. => u32::MAX,
            #[expect(clippy::cast_possible_truncation, reason = "the arms above leave 32 bits")]
            _ => fragments as u32,
        };
        Self { max_frame: max_message, max_message, max_fragments }
    }

    /// Checks the length of a frame before it is sent to a peer with these limits.
    ///
    /// Only [`max_frame`](#structfield.max_frame) is checked. Control frames always pass, because a decoder does not limit
    /// them.
    ///
    /// ```
    /// use protocol_websocket_frame::{EncodeError, Frame, Limits};
    ///
    /// let limits_of_peer = Limits::new(4);
    /// assert_eq!(limits_of_peer.check(&Frame::text("1234")), Ok(()));
    /// assert_eq!(limits_of_peer.check(&Frame::text("12345")), Err(EncodeError::FrameTooLong));
    /// ```
    ///
    /// # Errors
    ///
    /// [`EncodeError::FrameTooLong`] if the payload is longer than [`max_frame`](#structfield.max_frame).
    pub fn check<P: AsRef<[u8]>>(&self, frame: &Frame<P>) -> Result<(), EncodeError> {
        let is_too_long = frame.header(None).len > self.max_frame && !frame.opcode().is_control();
        if is_too_long { Err(EncodeError::FrameTooLong) } else { Ok(()) }
    }

    /// Returns whether a message of `len` bytes in one frame is within the limits.
    #[inline]
    pub(crate) const fn allows_message(&self, len: u64) -> bool {
        len <= self.max_frame && len <= self.max_message && self.max_fragments > 0
    }

    /// Sets [`max_frame`](#structfield.max_frame).
    ///
    /// ```
    /// use protocol_websocket_frame::Limits;
    ///
    /// let limits = Limits::new(1024 * 1024).max_frame(64 * 1024);
    /// assert_eq!((limits.max_message, limits.max_frame), (1024 * 1024, 64 * 1024));
    /// ```
    #[must_use]
    pub const fn max_frame(self, max_frame: u64) -> Self {
        Self { max_frame, ..self }
    }

    /// Sets [`max_fragments`](#structfield.max_fragments).
    #[must_use]
    pub const fn max_fragments(self, max_fragments: u32) -> Self {
        Self { max_fragments, ..self }
    }
}

impl Default for Limits {
    /// Returns the limits for messages of at most 1 MiB.
    fn default() -> Self {
        Self::new(1024 * 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_rejects_data_frames_over_the_limit() {
        let limits = Limits::NONE.max_frame(4);
        assert_eq!(limits.check(&Frame::text("1234")), Ok(()));
        assert_eq!(limits.check(&Frame::text("12345")), Err(EncodeError::FrameTooLong));
        assert_eq!(limits.check(&Frame::ping("12345")), Ok(()));
    }

    #[test]
    fn perl_limits_allow_8_mib_in_128_frames() {
        let Limits { max_frame, max_message, max_fragments } = Limits::PERL;
        assert_eq!((max_frame, max_message, max_fragments), (64 << 10, 8 << 20, 128));
    }

    #[test]
    fn max_fragments_follows_max_message() {
        assert_eq!(Limits::new(0).max_fragments, 1024);
        assert_eq!(Limits::default().max_fragments, 4096);
        assert_eq!(Limits::new(u64::MAX).max_fragments, u32::MAX);
        assert_eq!(Limits::new(256 << 32).max_fragments, u32::MAX);
    }
}

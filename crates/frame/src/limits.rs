use crate::{EncodeError, Frame};

/// What a peer may make us hold. Each limit is checked against a frame's header, before its payload is waited for.
///
/// | limit | default | precedent |
/// |---|---|---|
/// | message | 1 MiB | Python's websockets; tungstenite takes 64 MiB, ws 100 MiB |
/// | frame | as the message | the same |
/// | fragments | `max(1024, message / 256)` | aiohttp's formula |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest payload of one data frame, in bytes; control frames have 125 at most in any case. Beyond it: close
    /// code 1009.
    pub max_frame: u64,
    /// The longest message, all fragments together, in bytes. Beyond it: close code 1009.
    pub max_message: u64,
    /// The most frames that one message may be cut into; empty ones count. Beyond it, or when only a further frame could
    /// end the message: close code 1008.
    pub max_fragments: u32,
}

impl Limits {
    /// No limit at all. Only for peers that you trust, or for messages that are taken in parts.
    pub const NONE: Self = Self { max_frame: u64::MAX, max_message: u64::MAX, max_fragments: u32::MAX };

    /// The limits of Perl's `Protocol::WebSocket` 0.26: frames of 64 KiB, at most 128 of them to a message.
    pub const PERL: Self = Self { max_frame: 65_536, max_message: 65_536 * 128, max_fragments: 128 };

    /// Messages of at most `max_message` bytes, whether whole or in fragments, and of as many fragments as that makes
    /// reasonable: one for each 256 bytes, but 1024 in any case.
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

    /// Refuses a frame that a peer with these limits would refuse: for senders that know what the other side takes.
    ///
    /// # Errors
    ///
    /// [`EncodeError::FrameTooLong`] above [`max_frame`](#structfield.max_frame).
    pub fn check<P: AsRef<[u8]>>(&self, frame: &Frame<P>) -> Result<(), EncodeError> {
        if frame.header(None).len > self.max_frame { Err(EncodeError::FrameTooLong) } else { Ok(()) }
    }

    /// Whether a message in one frame of this length is within them.
    #[inline]
    pub(crate) const fn admit(&self, len: u64) -> bool {
        len <= self.max_frame && len <= self.max_message && self.max_fragments > 0
    }

    /// Sets [`max_frame`](#structfield.max_frame).
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
    /// Messages of 1 MiB.
    fn default() -> Self {
        Self::new(1024 * 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_may_keep_to_a_limit_too() {
        let limits = Limits::NONE.max_frame(4);
        assert_eq!(limits.check(&Frame::text("1234")), Ok(()));
        assert_eq!(limits.check(&Frame::text("12345")), Err(EncodeError::FrameTooLong));
    }

    #[test]
    fn perls_limits_are_eight_mib_in_as_many_frames_as_fill_them() {
        let Limits { max_frame, max_message, max_fragments } = Limits::PERL;
        assert_eq!((max_frame, max_message, max_fragments), (64 << 10, 8 << 20, 128));
    }

    #[test]
    fn fragments_follow_the_message() {
        assert_eq!(Limits::new(0).max_fragments, 1024);
        assert_eq!(Limits::default().max_fragments, 4096);
        assert_eq!(Limits::new(u64::MAX).max_fragments, u32::MAX);
        assert_eq!(Limits::new(256 << 32).max_fragments, u32::MAX);
    }
}

/// A source of unpredictable bytes: mask keys (RFC 6455 §5.3) and handshake nonces (§4.1) come from it.
///
/// What it gives must be unpredictable to whoever chooses the payload (RFC 6455 §10.3), so a real source is a
/// cryptographic one. A fixed source has its place in tests.
///
/// Any `FnMut(&mut [u8])` is a source:
///
/// ```
/// use protocol_websocket_core::Random;
///
/// let mut fixed = |buf: &mut [u8]| buf.fill(7);
/// let mut key = [0; 4];
/// Random::fill(&mut fixed, &mut key);
/// assert_eq!(key, [7; 4]);
/// ```
pub trait Random {
    /// Overwrites the whole of `buf` with fresh bytes.
    fn fill(&mut self, buf: &mut [u8]);
}

impl<F: FnMut(&mut [u8])> Random for F {
    fn fill(&mut self, buf: &mut [u8]) {
        self(buf);
    }
}

/// Bytes from the operating system's generator, drawn [`OsRandom::BLOCK`] at a time so that a mask key costs no
/// system call of its own.
///
/// Bytes are handed out once. `Debug` does not show them.
#[cfg(feature = "getrandom")]
#[cfg_attr(docsrs, doc(cfg(feature = "getrandom")))]
pub struct OsRandom {
    block: [u8; Self::BLOCK],
    used: usize,
}

#[cfg(feature = "getrandom")]
mod os {
    use super::{OsRandom, Random};
    use core::fmt;

    impl OsRandom {
        /// How many bytes one call to the system draws: 64 mask keys.
        pub const BLOCK: usize = 256;

        /// A source that draws its first block when it is first asked.
        #[must_use]
        pub const fn new() -> Self {
            Self { block: [0; Self::BLOCK], used: Self::BLOCK }
        }
    }

    impl Default for OsRandom {
        fn default() -> Self {
            Self::new()
        }
    }

    impl fmt::Debug for OsRandom {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("OsRandom").finish_non_exhaustive()
        }
    }

    impl Random for OsRandom {
        /// # Panics
        ///
        /// When the operating system has no entropy to give: going on would mean predictable masks.
        fn fill(&mut self, buf: &mut [u8]) {
            for byte in buf {
                if self.used == Self::BLOCK {
                    self.refill();
                }
                if let Some(fresh) = self.block.get_mut(self.used) {
                    *byte = core::mem::take(fresh);
                }
                self.used += 1;
            }
        }
    }

    impl OsRandom {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
        //# the masking key MUST be derived from a strong source of entropy
        #[allow(clippy::panic, reason = "predictable masks are worse than none")]
        fn refill(&mut self) {
            if let Err(error) = getrandom::fill(&mut self.block) {
                panic!("the operating system gives no random bytes: {error}");
            }
            self.used = 0;
        }
    }
}

#[cfg(all(test, feature = "getrandom"))]
mod tests {
    use super::*;
    extern crate alloc;
    use alloc::format;

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
    //# the masking key MUST be derived from a strong source of entropy
    #[test]
    fn blocks_follow_each_other_without_a_gap() {
        let mut random = OsRandom::new();
        let mut bytes = [0; 3 * OsRandom::BLOCK + 1];
        random.fill(&mut bytes);
        // A stretch of 16 zeros has a chance of 2^-128 a place: it would mean bytes that were never filled.
        assert!(!bytes.windows(16).any(|window| window == [0; 16]));
    }

    #[test]
    fn a_source_is_a_block_and_a_place_in_it() {
        assert_eq!(size_of::<OsRandom>(), OsRandom::BLOCK + size_of::<usize>());
    }

    #[test]
    fn what_is_left_to_hand_out_is_not_for_logs() {
        let mut random = OsRandom::default();
        random.fill(&mut [0]);
        assert_eq!(format!("{random:?}"), "OsRandom { .. }");
    }

    #[test]
    fn bytes_are_handed_out_once() {
        let mut random = OsRandom::new();
        let (mut first, mut second) = ([0; 16], [0; 16]);
        random.fill(&mut first);
        random.fill(&mut second);
        assert_ne!(first, second);
        assert_eq!(random.block[..32], [0; 32]);
    }
}

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
pub trait Random: Send + Sync {
    /// Overwrites the whole of `buf` with fresh bytes.
    fn fill(&mut self, buf: &mut [u8]);
}

impl<F: FnMut(&mut [u8]) + Send + Sync> Random for F {
    fn fill(&mut self, buf: &mut [u8]) {
        self(buf);
    }
}

/// A cryptographic source without a system call for each mask key: the keystream of ChaCha12, computed in this process.
/// Its key comes from the operating system, and is replaced by a new one after [`OsRandom::RESEED`] bytes.
///
/// A child process that `fork` makes has a copy of the key, so parent and child would draw the same bytes. The child calls
/// [`OsRandom::reseed`] before it draws.
///
/// `Debug` does not show the bytes.
#[cfg(feature = "getrandom")]
#[cfg_attr(docsrs, doc(cfg(feature = "getrandom")))]
pub struct OsRandom {
    stream: Option<chacha20::ChaCha12Rng>,
    /// How many bytes the key is still good for.
    left: usize,
}

#[cfg(feature = "getrandom")]
mod os {
    use super::{OsRandom, Random};
    use chacha20::ChaCha12Rng;
    use chacha20::rand_core::{Rng as _, SeedableRng as _};
    use core::fmt;

    impl OsRandom {
        /// For how many bytes one key of the system is used: 16,384 mask keys.
        pub const RESEED: usize = 64 * 1024;

        /// A source that asks the system when it is first asked itself.
        #[must_use]
        pub const fn new() -> Self {
            Self { stream: None, left: 0 }
        }

        /// Forgets the key: the next bytes come from a new key of the system.
        ///
        /// Call it in a child process after `fork`, for each source that the parent goes on using, before the child
        /// draws from it.
        ///
        /// ```
        /// use protocol_websocket_core::{OsRandom, Random};
        ///
        /// let (mut random, mut key) = (OsRandom::new(), [0; 4]);
        /// random.fill(&mut key);
        /// // … fork, and in the child:
        /// random.reseed();
        /// random.fill(&mut key);
        /// ```
        pub fn reseed(&mut self) {
            *self = Self::new();
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
        #[inline]
        fn fill(&mut self, buf: &mut [u8]) {
            // What is asked for again and again is the key of a mask.
            if let (Some(stream), Some(left), Ok(key)) =
                (&mut self.stream, self.left.checked_sub(buf.len()), <&mut [u8; 4]>::try_from(&mut *buf))
            {
                self.left = left;
                *key = stream.next_u32().to_ne_bytes();
            } else {
                self.fill_any(buf);
            }
        }
    }

    impl OsRandom {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
        //# the masking key MUST be derived from a strong source of entropy
        /// The stream with a new key, of which `len` bytes are about to be taken.
        #[cold]
        #[allow(clippy::panic, reason = "predictable masks are worse than none")]
        fn seeded(&mut self, len: usize) -> &mut ChaCha12Rng {
            let mut seed = [0; 32];
            if let Err(error) = getrandom::fill(&mut seed) {
                panic!("the operating system gives no random bytes: {error}");
            }
            self.left = Self::RESEED.saturating_sub(len);
            self.stream.insert(ChaCha12Rng::from_seed(seed))
        }

        #[inline(never)]
        fn fill_any(&mut self, buf: &mut [u8]) {
            for part in buf.chunks_mut(Self::RESEED) {
                match (&mut self.stream, self.left.checked_sub(part.len())) {
                    (Some(stream), Some(left)) => {
                        self.left = left;
                        stream.fill_bytes(part);
                    }
                    _ => self.seeded(part.len()).fill_bytes(part),
                }
            }
        }
    }
}

#[cfg(all(test, feature = "getrandom"))]
mod tests {
    use super::*;
    extern crate alloc;
    use alloc::{format, vec};

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
    //# the masking key MUST be derived from a strong source of entropy
    #[test]
    fn all_of_a_buffer_is_filled() {
        let mut random = OsRandom::new();
        for len in [0, 1, 3, 4, 5, 1000, OsRandom::RESEED, 2 * OsRandom::RESEED + 1] {
            let mut bytes = vec![0; len];
            random.fill(&mut bytes);
            // A stretch of 16 zeros has a chance of 2^-128 a place: it would mean bytes that were never filled.
            assert!(!bytes.windows(16).any(|window| window == [0; 16]));
        }
    }

    #[test]
    fn a_closure_is_a_source() {
        let (mut fixed, mut key) = (|bytes: &mut [u8]| bytes.fill(7), [0; 4]);
        Random::fill(&mut fixed, &mut key);
        assert_eq!(key, [7; 4]);
    }

    #[test]
    fn two_sources_have_nothing_in_common() {
        let draw = || {
            let mut key = [0; 16];
            OsRandom::new().fill(&mut key);
            key
        };
        assert_ne!(draw(), draw());
    }

    #[test]
    fn what_is_left_to_hand_out_is_not_for_logs() {
        let mut random = OsRandom::default();
        random.fill(&mut [0]);
        assert_eq!(format!("{random:?}"), "OsRandom { .. }");
    }

    #[test]
    fn reseeded_source_begins_with_a_new_key() {
        let mut random = OsRandom::new();
        random.fill(&mut [0; 4]);
        random.reseed();
        assert!(random.stream.is_none() && random.left == 0);
        random.fill(&mut [0; 4]);
        assert_eq!(random.left, OsRandom::RESEED - 4);
    }

    #[test]
    fn bytes_are_handed_out_once() {
        let mut random = OsRandom::new();
        let (mut first, mut second) = ([0; 16], [0; 16]);
        random.fill(&mut first);
        random.fill(&mut second);
        assert_ne!(first, second);
    }

    #[test]
    fn a_key_is_used_for_its_bytes_and_no_more() {
        let (mut random, mut mask) = (OsRandom::new(), [0; 4]);
        for left in (0..OsRandom::RESEED / 4).rev() {
            random.fill(&mut mask);
            assert_eq!(random.left, left * 4);
        }
        for (len, left) in [(16, 65_520), (100, 65_420), (4, 65_416)] {
            random.fill(&mut vec![0; len]);
            assert_eq!(random.left, left);
        }
    }
}

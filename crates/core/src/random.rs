//! Sources of random bytes.
//!
//! A client needs four random bytes for each frame. A system call for each frame would take longer than all other work
//! on a short frame, so `OsRandom` gets one key from the operating system and expands it with ChaCha12 to 64 KiB. A
//! fill of four bytes is a fast path of one inlined branch. The other cases, which include the change of the key, are a
//! function that is not inlined.

/// A source of random bytes for mask keys (RFC 6455 §5.3) and handshake nonces (§4.1).
///
/// The author of a payload must not be able to predict the bytes (RFC 6455 §10.3), so use a cryptographic source. Only
/// tests may use a fixed one.
///
/// Every `FnMut(&mut [u8])` that is `Send` and `Sync` is a source:
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
    /// Fills all of `buf` with random bytes.
    fn fill(&mut self, buf: &mut [u8]);
}

impl<F: FnMut(&mut [u8]) + Send + Sync> Random for F {
    fn fill(&mut self, buf: &mut [u8]) {
        self(buf);
    }
}

/// A cryptographic source of random bytes that does not need a system call for each mask key.
///
/// The bytes are the keystream of ChaCha12, computed in this process. Its key comes from the operating system and is
/// replaced after at most [`OsRandom::BYTES_PER_KEY`] bytes.
///
/// A child process that `fork` makes has a copy of the key, so parent and child would return the same bytes. The child
/// calls [`OsRandom::reseed`] before it uses the source.
///
/// `Debug` does not show the state.
///
/// ```
/// use protocol_websocket_core::{OsRandom, Random};
///
/// let (mut random, mut nonce) = (OsRandom::new(), [0; 16]);
/// random.fill(&mut nonce);
/// assert_ne!(nonce, [0; 16]);
/// ```
#[cfg(feature = "getrandom")]
#[cfg_attr(docsrs, doc(cfg(feature = "getrandom")))]
pub struct OsRandom {
    stream: Option<chacha20::ChaCha12Rng>,
    /// The number of bytes for which the key may still be used.
    remaining: usize,
}

#[cfg(feature = "getrandom")]
mod os {
    use super::{OsRandom, Random};
    use chacha20::ChaCha12Rng;
    use chacha20::rand_core::{Rng as _, SeedableRng as _};
    use core::fmt;

    impl OsRandom {
        /// The maximum number of bytes from one key: 64 KiB, which is 16,384 mask keys.
        pub const BYTES_PER_KEY: usize = 64 * 1024;

        /// Creates a source without a key. The first [`fill`](Random::fill) gets one from the operating system.
        #[must_use]
        pub const fn new() -> Self {
            Self { stream: None, remaining: 0 }
        }

        /// Drops the key. The next [`fill`](Random::fill) gets a new one from the operating system.
        ///
        /// Call it in a child process after `fork` for each source that the parent also uses, before the child uses it.
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
        /// Fills all of `buf` with bytes of the keystream. Gets a new key from the operating system if one is needed.
        ///
        /// # Panics
        ///
        /// Panics if the operating system returns no random bytes, because mask keys would be predictable.
        #[inline]
        fn fill(&mut self, buf: &mut [u8]) {
            // Fast path for a mask key.
            if let (Some(stream), Some(remaining), Ok(key)) =
                (&mut self.stream, self.remaining.checked_sub(buf.len()), <&mut [u8; 4]>::try_from(&mut *buf))
            {
                self.remaining = remaining;
                *key = stream.next_u32().to_ne_bytes();
            } else {
                self.fill_any(buf);
            }
        }
    }

    impl OsRandom {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
        //# the masking key MUST be derived from a strong source of entropy
        /// Replaces the keystream with one of a new key. Counts the `len` bytes that the caller takes from it as used.
        #[cold]
        #[allow(clippy::panic, reason = "a connection with predictable mask keys is worse than no connection")]
        fn start_stream(&mut self, len: usize) -> &mut ChaCha12Rng {
            let mut seed = [0; 32];
            if let Err(error) = getrandom::fill(&mut seed) {
                panic!("the operating system returned no random bytes: {error}");
            }
            self.remaining = Self::BYTES_PER_KEY.saturating_sub(len);
            self.stream.insert(ChaCha12Rng::from_seed(seed))
        }

        #[inline(never)]
        fn fill_any(&mut self, buf: &mut [u8]) {
            for part in buf.chunks_mut(Self::BYTES_PER_KEY) {
                match (&mut self.stream, self.remaining.checked_sub(part.len())) {
                    (Some(stream), Some(remaining)) => {
                        self.remaining = remaining;
                        stream.fill_bytes(part);
                    }
                    _ => self.start_stream(part.len()).fill_bytes(part),
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
    fn fills_all_of_a_buffer() {
        let mut random = OsRandom::new();
        for len in [0, 1, 3, 4, 5, 1000, OsRandom::BYTES_PER_KEY, 2 * OsRandom::BYTES_PER_KEY + 1] {
            let mut bytes = vec![0; len];
            random.fill(&mut bytes);
            // At each position, 16 random zeros in a row have a probability of 2^-128.
            assert!(!bytes.windows(16).any(|window| window == [0; 16]));
        }
    }

    #[test]
    fn sources_are_send_and_sync() {
        fn check<T: Send + Sync + ?Sized>() {}
        check::<OsRandom>();
        check::<dyn Random>();
    }

    #[test]
    fn closures_are_sources() {
        let (mut fixed, mut key) = (|bytes: &mut [u8]| bytes.fill(7), [0; 4]);
        Random::fill(&mut fixed, &mut key);
        assert_eq!(key, [7; 4]);
    }

    #[test]
    fn two_sources_return_different_bytes() {
        let fill = || {
            let mut key = [0; 16];
            OsRandom::new().fill(&mut key);
            key
        };
        assert_ne!(fill(), fill());
    }

    #[test]
    fn debug_hides_state() {
        let mut random = OsRandom::default();
        random.fill(&mut [0]);
        assert_eq!(format!("{random:?}"), "OsRandom { .. }");
    }

    #[test]
    fn reseed_drops_the_key() {
        let mut random = OsRandom::new();
        random.fill(&mut [0; 4]);
        random.reseed();
        assert!(random.stream.is_none() && random.remaining == 0);
        random.fill(&mut [0; 4]);
        assert_eq!(random.remaining, OsRandom::BYTES_PER_KEY - 4);
    }

    #[test]
    fn returns_each_byte_once() {
        let mut random = OsRandom::new();
        let (mut first, mut second) = ([0; 16], [0; 16]);
        random.fill(&mut first);
        random.fill(&mut second);
        assert_ne!(first, second);
    }

    #[test]
    fn key_is_replaced_after_its_bytes() {
        let (mut random, mut mask) = (OsRandom::new(), [0; 4]);
        for left in (0..OsRandom::BYTES_PER_KEY / 4).rev() {
            random.fill(&mut mask);
            assert_eq!(random.remaining, left * 4);
        }
        for (len, left) in [(16, 65_520), (100, 65_420), (4, 65_416)] {
            random.fill(&mut vec![0; len]);
            assert_eq!(random.remaining, left);
        }
    }
}

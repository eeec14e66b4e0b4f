//! [`OsRandom`], a source of random bytes: a key from the operating system, which ChaCha12 expands to 64 KiB.
//!
//! A client needs four random bytes for each frame. A system call for each frame would take longer than all other work
//! on a short frame. With the feature `std` a thread has one `Keystream` for all its sources: a new connection needs
//! neither a system call nor a block of ChaCha12 nor memory for them. The thread also has a block of mask keys from its
//! keystream (`MaskKeys`), so that a fill of four bytes is a fast path of one inlined branch.

use core::fmt;

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};

use crate::Random;

/// A cryptographic source of random bytes that does not need a system call for each mask key.
///
/// The bytes are the keystream of ChaCha12, computed in this process. Its key comes from the operating system and is
/// replaced after at most [`OsRandom::BYTES_PER_KEY`] bytes. With the feature `std` all sources of a thread share one
/// keystream, and a source has no size. Without it each source has its own.
///
/// A child process that `fork` makes has a copy of the key, so parent and child would return the same bytes. With the
/// feature `std` on Unix, the child gets a new key when it opens a client's connection, because the nonce is not a mask
/// key. Before it uses an open connection, or without `std`, it calls [`OsRandom::reseed`].
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
#[cfg_attr(docsrs, doc(cfg(feature = "getrandom")))]
pub struct OsRandom {
    #[cfg(not(feature = "std"))]
    keystream: Keystream,
}

impl OsRandom {
    /// The maximum number of bytes from one key: 64 KiB, which is 16,384 mask keys.
    pub const BYTES_PER_KEY: usize = 64 * 1024;

    /// Creates a source. If it has no key, the first [`fill`](Random::fill) gets one from the operating system.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            #[cfg(not(feature = "std"))]
            keystream: Keystream::new(),
        }
    }

    /// Drops the key. The next [`fill`](Random::fill) gets a new one from the operating system.
    ///
    /// With the feature `std` this applies to all sources of the thread. Call it once in a child process after `fork`,
    /// before it uses a client's connection. Other threads are not copied by `fork`. Without the feature, call it for each
    /// source that the parent also uses.
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
        #[cfg(feature = "std")]
        shared::reseed();
        *self = Self::new();
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
        #[cfg(feature = "std")]
        shared::fill(buf);
        #[cfg(not(feature = "std"))]
        self.keystream.fill(buf);
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

/// The state that all sources of a thread share.
#[cfg(feature = "std")]
mod shared {
    use core::cell::{Cell, RefCell};

    use super::Keystream;

    std::thread_local! {
        static KEYSTREAM: RefCell<Keystream> = const { RefCell::new(Keystream::new()) };
        static MASK_KEYS: MaskKeys = const { MaskKeys::new() };
        /// The process that last used the keystream.
        static PROCESS: Cell<u32> = const { Cell::new(0) };
    }

    /// Mask keys that were drawn from the keystream. Each of them is returned once.
    pub(super) struct MaskKeys {
        keys: [Cell<[u8; 4]>; MaskKeys::COUNT],
        /// The number of keys that were not returned yet.
        left: Cell<usize>,
    }

    impl MaskKeys {
        /// A block of ChaCha12 with vector instructions: 256 bytes.
        const COUNT: usize = 64;

        const fn new() -> Self {
            Self { keys: [const { Cell::new([0; 4]) }; Self::COUNT], left: Cell::new(0) }
        }

        #[inline]
        fn take(&self) -> Option<[u8; 4]> {
            let at = self.left.get().checked_sub(1)?;
            self.left.set(at);
            self.keys.get(at).map(Cell::take)
        }

        #[cold]
        fn refill(&self) {
            let mut block = [0; 4 * Self::COUNT];
            fill_any(&mut block);
            self.keys.iter().zip(block.as_chunks().0).for_each(|(slot, key)| slot.set(*key));
            self.left.set(Self::COUNT);
        }
    }

    #[inline]
    pub(super) fn fill(buf: &mut [u8]) {
        match buf.try_into() {
            Ok(key) => fill_key(key),
            Err(_) => fill_any(buf),
        }
    }

    /// Fills `buf` from the keystream. A child process of `fork` replaces the key first.
    fn fill_any(buf: &mut [u8]) {
        // Other platforms have no `fork`, and some of them no number of a process.
        if cfg!(unix) {
            let process = std::process::id();
            if PROCESS.replace(process) != process {
                reseed();
            }
        }
        KEYSTREAM.with_borrow_mut(|keystream| keystream.fill(buf));
    }

    #[inline]
    fn fill_key(key: &mut [u8; 4]) {
        MASK_KEYS.with(|keys| {
            *key = keys.take().unwrap_or_else(|| {
                keys.refill();
                let key = keys.take();
                debug_assert!(key.is_some(), "the keys were refilled");
                key.unwrap_or_default()
            });
        });
    }

    pub(super) fn reseed() {
        KEYSTREAM.with_borrow_mut(|keystream| *keystream = Keystream::new());
        MASK_KEYS.with(|keys| keys.left.set(0));
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::{OsRandom, Random as _};

        /// Returns the number of mask keys that are left, and of bytes for which the key may still be used.
        fn left() -> (usize, usize) {
            (MASK_KEYS.with(|keys| keys.left.get()), KEYSTREAM.with_borrow(|keystream| keystream.remaining))
        }

        #[test]
        fn sources_of_a_thread_share_one_keystream() {
            assert_eq!(size_of::<OsRandom>(), 0);
            let (mut first, mut second) = (OsRandom::new(), OsRandom::new());
            first.reseed();
            first.fill(&mut [0; 4]);
            assert_eq!(left(), (63, OsRandom::BYTES_PER_KEY - 256));
            second.fill(&mut [0; 4]);
            second.fill(&mut [0; 16]);
            assert_eq!(left(), (62, OsRandom::BYTES_PER_KEY - 272));
            std::thread::spawn(|| assert_eq!(left(), (0, 0))).join().unwrap();
        }

        #[test]
        fn reseed_drops_the_key_and_the_mask_keys() {
            let mut random = OsRandom::new();
            random.fill(&mut [0; 4]);
            random.reseed();
            assert_eq!(left(), (0, 0));
        }

        #[test]
        fn returns_each_mask_key_once() {
            let (mut random, mut keys) = (OsRandom::new(), [[0; 4]; 200]);
            keys.iter_mut().for_each(|key| random.fill(key));
            // Of 200 random keys of 32 bits two are equal in one of 200,000 runs, and two pairs practically never.
            let repeated = (1..keys.len()).filter(|&at| keys[..at].contains(&keys[at])).count();
            assert!(repeated <= 1, "{keys:02x?}");
        }
    }
}

/// The keystream of ChaCha12 with a key from the operating system.
struct Keystream {
    stream: Option<ChaCha12Rng>,
    /// The number of bytes for which the key may still be used.
    remaining: usize,
}

impl Keystream {
    /// Creates a keystream without a key.
    const fn new() -> Self {
        Self { stream: None, remaining: 0 }
    }

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
        self.remaining = OsRandom::BYTES_PER_KEY.saturating_sub(len);
        self.stream.insert(ChaCha12Rng::from_seed(seed))
    }

    #[inline(never)]
    fn fill_any(&mut self, buf: &mut [u8]) {
        for part in buf.chunks_mut(OsRandom::BYTES_PER_KEY) {
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

#[cfg(test)]
mod tests {
    use super::*;
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

    #[cfg(not(feature = "std"))]
    #[test]
    fn reseed_drops_the_key() {
        let mut random = OsRandom::new();
        random.fill(&mut [0; 4]);
        random.reseed();
        assert!(random.keystream.stream.is_none() && random.keystream.remaining == 0);
        random.fill(&mut [0; 4]);
        assert_eq!(random.keystream.remaining, OsRandom::BYTES_PER_KEY - 4);
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
        let (mut random, mut mask) = (Keystream::new(), [0; 4]);
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

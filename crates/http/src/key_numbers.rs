use alloc::string::{String, ToString};
use core::fmt;

use md5::{Digest, Md5};
use protocol_websocket_core::Random;

use crate::debug::Hidden;

/// The two numbers in `Sec-WebSocket-Key1` and `-Key2` (draft-ietf-hybi-00 §1.3).
///
/// Together with the eight bytes after the head of the request they determine the 16 bytes after the head of the response.
/// They prove only that the peer supports WebSocket.
///
/// ```
/// use protocol_websocket_http::KeyNumbers;
///
/// // The example of the draft, §1.2.
/// let numbers = KeyNumbers::parse(b"4 @1  46546xW%0l 1 5", b"12998 5 Y3 1  .P00").expect("both keys are valid");
/// assert_eq!(&numbers.digest(*b"^n:ds[4U"), b"8jKS'y:G*Co,Wxa-");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyNumbers([u32; 2]);

impl KeyNumbers {
    /// Parses the values of the two header fields.
    ///
    /// The number of a key is that of its joined digits, divided by the number of its spaces (draft-ietf-hybi-00 §5.2).
    /// Returns `None` if a key has no digit or no space, if there is a remainder, or if the quotient exceeds 32 bits.
    ///
    /// ```
    /// use protocol_websocket_http::KeyNumbers;
    ///
    /// assert!(KeyNumbers::parse(b"4 @1  46546xW%0l 1 5", b"12998 5 Y3 1  .P00").is_some());
    /// assert!(KeyNumbers::parse(b"123", b"4 5").is_none()); // a key without a space
    /// ```
    #[must_use]
    pub fn parse(key1: &[u8], key2: &[u8]) -> Option<Self> {
        Some(Self([number(key1)?, number(key2)?]))
    }

    /// Returns the numbers of `Sec-WebSocket-Key1` and of `Sec-WebSocket-Key2`.
    ///
    /// ```
    /// use protocol_websocket_http::KeyNumbers;
    ///
    /// let numbers = KeyNumbers::parse(b"1 0", b"4 0 2").expect("both keys are valid");
    /// assert_eq!(numbers.numbers(), [10, 201]); // 10 / 1 space, 402 / 2 spaces
    /// ```
    #[must_use]
    pub const fn numbers(self) -> [u32; 2] {
        self.0
    }

    /// Returns the bytes that a server writes after the head of its response: the MD5 of both numbers and of the eight bytes
    /// after the head of the request.
    ///
    /// ```
    /// use protocol_websocket_http::KeyNumbers;
    ///
    /// let numbers = KeyNumbers::parse(b"4 @1  46546xW%0l 1 5", b"12998 5 Y3 1  .P00").expect("both keys are valid");
    /// assert_eq!(&numbers.digest(*b"^n:ds[4U"), b"8jKS'y:G*Co,Wxa-");
    /// ```
    #[must_use]
    pub fn digest(self, key3: [u8; 8]) -> [u8; 16] {
        let [number1, number2] = self.0.map(u32::to_be_bytes);
        Md5::new().chain_update(number1).chain_update(number2).chain_update(key3).finalize().into()
    }

    /// Creates random numbers, and the keys that contain them.
    pub(crate) fn random(random: &mut dyn Random) -> (Self, [String; 2]) {
        let [(number1, key1), (number2, key2)] = [random_key(random), random_key(random)];
        (Self([number1, number2]), [key1, key2])
    }
}

/// Hides the numbers.
impl fmt::Debug for KeyNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyNumbers").field(&Hidden).finish()
    }
}

impl From<[u32; 2]> for KeyNumbers {
    fn from(numbers: [u32; 2]) -> Self {
        Self(numbers)
    }
}

/// Returns the number of a key.
fn number(key: &[u8]) -> Option<u32> {
    let mut digits = key.iter().filter(|byte| byte.is_ascii_digit()).map(|digit| u64::from(digit - b'0')).peekable();
    digits.peek()?;
    // A valid key has the product of two numbers of at most 32 bits, so that a number of more than 64 bits is invalid.
    let product = digits.try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(digit))?;
    let spaces = key.iter().filter(|&&byte| byte == b' ').count() as u64;
    if product.checked_rem(spaces)? != 0 {
        return None;
    }
    u32::try_from(product / spaces).ok()
}

/// Creates a random number and its key (draft-ietf-hybi-00 §4.1, steps 16 to 22).
fn random_key(random: &mut dyn Random) -> (u32, String) {
    let spaces = 1 + below(random, 12);
    let number = below(random, u64::from(u32::MAX) / spaces + 1);
    let mut key = (number * spaces).to_string();
    for _ in 0..=below(random, 12) {
        let character = char::from(OTHERS.get(index(random, OTHERS.len())).copied().unwrap_or(b'!'));
        insert(random, &mut key, 0, character);
    }
    // A space at either end would be trimmed.
    (0..spaces).for_each(|_| insert(random, &mut key, 1, ' '));
    let number = u32::try_from(number);
    debug_assert!(number.is_ok(), "the number is below 2^32");
    (number.unwrap_or_default(), key)
}

/// U+0021 to U+002F and U+003A to U+007E: printable characters except digits.
const OTHERS: &[u8; 84] = b"!\"#$%&'()*+,-./:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

/// Inserts a character at a random position, at least `margin` characters from both ends.
fn insert(random: &mut dyn Random, key: &mut String, margin: usize, character: char) {
    let at = margin + index(random, key.len() + 1 - 2 * margin);
    key.insert(at, character);
}

fn index(random: &mut dyn Random, len: usize) -> usize {
    let index = usize::try_from(below(random, len as u64));
    debug_assert!(index.is_ok(), "the index is below a length");
    index.unwrap_or_default()
}

/// Returns a random number below `limit`, which has at most 33 bits. 64 random bits are used, so that the probabilities
/// differ by at most 2^-31.
fn below(random: &mut dyn Random, limit: u64) -> u64 {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    u64::try_from((u128::from(u64::from_le_bytes(bytes)) * u128::from(limit)) >> 64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn computes_the_examples_of_the_draft() {
        // draft-ietf-hybi-00: §1.2, §1.3, and the worked examples of §4.1 and §5.2.
        for (key1, key2, numbers, key3, digest) in [
            (
                "4 @1  46546xW%0l 1 5",
                "12998 5 Y3 1  .P00",
                [829_309_203, 259_970_620],
                b"^n:ds[4U",
                b"8jKS'y:G*Co,Wxa-",
            ),
            (
                "18x 6]8vM;54 *(5:  {   U1]8  z [  8",
                "1_ tx7X d  <  nw  334J702) 7]o}` 0",
                [155_712_099, 173_347_027],
                b"Tm[K T2u",
                b"fQJ,fN/4F4!~K~MH",
            ),
            (
                "P388 O503D&ul7 {K%gX( %7  15",
                "1 N ?|k UT0or 3o  4 I97N 5-S3O 31",
                [777_007_543, 114_997_259],
                b"G0\"-Z?GX",
                b"0st3Rl&q-2ZU^weu",
            ),
            (
                "3e6b263  4 17 80",
                "17  9 G`ZD9   2 2b 7X 3 /r90",
                [906_585_445, 179_922_739],
                b"WjN}|M(6",
                b"n`9eBk9z$R8pOtVb",
            ),
        ] {
            let found = KeyNumbers::parse(key1.as_bytes(), key2.as_bytes()).unwrap();
            assert_eq!(found.numbers(), numbers, "{key1}");
            assert_eq!(found.digest(*key3), *digest, "{key1}");
        }
    }

    /// Tries every key of up to eight characters out of five, against the words of draft-ietf-hybi-00 §5.2.
    #[test]
    fn parses_every_short_key_as_the_draft_requires() {
        for len in 0..=8 {
            for shape in 0..5_u32.pow(len) {
                let letters = (0..len).map(|at| b"0 19x"[(shape / 5_u32.pow(at) % 5) as usize]);
                let key: Vec<u8> = letters.collect();
                let digits: String =
                    key.iter().filter(|byte| byte.is_ascii_digit()).map(|&byte| byte as char).collect();
                let spaces = key.iter().filter(|&&byte| byte == b' ').count() as u64;
                let expected = digits.parse::<u64>().ok().filter(|number| spaces > 0 && number % spaces == 0);
                assert_eq!(number(&key).map(u64::from), expected.map(|number| number / spaces), "{key:?}");
            }
        }
    }

    #[test]
    fn rejects_keys_that_break_a_rule() {
        for (key, expected) in [
            (" 0", Some(0)),
            ("4294967295 ", Some(u32::MAX)),
            ("8589934590  ", Some(u32::MAX)),
            ("000000000000000000000000000007 ", Some(7)),
            ("18446744073709551615               ", None),
            // Not a multiple of the spaces, no space, no digit. The first two are examples of the draft, §5.2.
            ("1 0 1", None),
            ("3e6b26341780", None),
            ("a b", None),
            ("", None),
            ("1\t", None),
            // 2^32; 2^64 and more, which would wrap to a small number.
            ("4294967296 ", None),
            ("8589934592  ", None),
            ("18446744073709551616 ", None),
            ("18446744073709551623 ", None),
            ("99999999999999999999999999999999999999990 ", None),
        ] {
            assert_eq!(number(key.as_bytes()), expected, "{key:?}");
        }
        assert!(KeyNumbers::parse(b"1 ", b"1").is_none() && KeyNumbers::parse(b"1", b"1 ").is_none());
        let long = format!("{}1 ", "9".repeat(4000));
        assert_eq!(number(long.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn roundtrips_random_keys(seed in prop::collection::vec(any::<u8>(), 1..999)) {
            let mut bytes = seed.iter().copied().cycle();
            let mut random = |buf: &mut [u8]| buf.fill_with(|| bytes.next().unwrap());
            let (numbers, [key1, key2]) = KeyNumbers::random(&mut random);
            prop_assert_eq!(KeyNumbers::parse(key1.as_bytes(), key2.as_bytes()), Some(numbers));
            for key in [key1, key2] {
                let count = |is: fn(&u8) -> bool| key.as_bytes().iter().filter(|byte| is(byte)).count();
                prop_assert!((1..=12).contains(&count(|byte| *byte == b' ')), "{:?}", key);
                prop_assert!((1..=10).contains(&count(u8::is_ascii_digit)), "{:?}", key);
                prop_assert!((1..=12).contains(&count(|byte| !byte.is_ascii_digit() && *byte != b' ')), "{:?}", key);
                prop_assert!(key.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
                prop_assert_eq!(key.trim(), &key);
            }
        }
    }

    #[test]
    fn random_extremes_are_the_shortest_and_the_longest_key() {
        let key = |byte: u8| random_key(&mut |buf: &mut [u8]| buf.fill(byte));
        assert_eq!(key(0), (0, "! 0".into()));
        let longest = format!("4294967292{}{}~", "~".repeat(11), " ".repeat(12));
        assert_eq!(key(0xFF), (357_913_941, longest));
    }

    #[test]
    fn random_extremes_are_the_ends_of_the_range() {
        for (byte, lowest) in [(0, true), (0xFF, false)] {
            let mut random = |buf: &mut [u8]| buf.fill(byte);
            let drawn: Vec<_> = [1, 12, 84, 1 << 32].into_iter().map(|limit| below(&mut random, limit)).collect();
            assert_eq!(drawn, if lowest { [0, 0, 0, 0] } else { [0, 11, 83, u64::from(u32::MAX)] });
        }
    }
}

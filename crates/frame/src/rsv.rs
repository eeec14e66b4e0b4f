use core::fmt;
use core::ops::BitOr;

/// The three reserved bits of a frame (RFC 6455 §5.2): zero unless an extension claims them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Rsv(u8);

impl Rsv {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// The first, which permessage-deflate claims (RFC 7692 §6).
    pub const RSV1: Self = Self(0x40);
    /// The second.
    pub const RSV2: Self = Self(0x20);
    /// The third.
    pub const RSV3: Self = Self(0x10);

    /// The bits as they lie in the first byte of a frame; the others are ignored.
    #[must_use]
    pub const fn from_bits(first_byte: u8) -> Self {
        Self(first_byte & 0x70)
    }

    /// The bits at their places in the first byte of a frame.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether all of `other`'s bits are set here.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether no bit is set.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// These bits, less those of `other`: what an extension does with the bits that it has seen to.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Rsv {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Rsv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rsv({:03b})", self.0 >> 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_joined_and_taken_apart() {
        let two = Rsv::RSV1 | Rsv::RSV3;
        assert!(two.contains(Rsv::RSV1) && two.contains(Rsv::NONE) && !two.contains(Rsv::RSV2));
        assert_eq!(two.without(Rsv::RSV1), Rsv::RSV3);
        assert!(two.without(two).is_none());
        assert_eq!(two | Rsv::RSV3, two);
    }

    #[test]
    fn only_the_three_bits_count() {
        assert_eq!(Rsv::from_bits(0xFF), Rsv::RSV1 | Rsv::RSV2 | Rsv::RSV3);
        assert_eq!(Rsv::from_bits(0x8F), Rsv::NONE);
        assert_eq!(format!("{:?}", Rsv::RSV1), "Rsv(100)");
    }
}

use core::fmt;
use core::ops::{BitAnd, BitOr, Not};

/// The three reserved bits of a frame (RFC 6455 §5.2): zero unless a negotiated extension uses them.
///
/// ```
/// use protocol_websocket_frame::Rsv;
///
/// let rsv = Rsv::RSV1 | Rsv::RSV3;
/// assert!(rsv.contains(Rsv::RSV1));
/// assert_eq!((rsv & !Rsv::RSV1, !rsv), (Rsv::RSV3, Rsv::RSV2));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Rsv(u8);

impl Rsv {
    /// No reserved bit.
    pub const NONE: Self = Self(0);
    /// The first bit, which permessage-deflate uses (RFC 7692 §6).
    pub const RSV1: Self = Self(0x40);
    /// The second bit.
    pub const RSV2: Self = Self(0x20);
    /// The third bit.
    pub const RSV3: Self = Self(0x10);

    /// Returns the reserved bits of the first byte of a frame. Its other bits are ignored.
    #[must_use]
    pub const fn from_bits(first_byte: u8) -> Self {
        Self(first_byte & 0x70)
    }

    /// Returns the bits at their places in the first byte of a frame.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Returns whether all bits of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns whether no bit is set.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Returns these bits without those of `other`. An extension clears its bits with this method when it decodes a frame.
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

impl BitAnd for Rsv {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// Returns the reserved bits that are not set.
impl Not for Rsv {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0 & 0x70)
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
    fn sets_are_combined() {
        let two = Rsv::RSV1 | Rsv::RSV3;
        assert!(two.contains(Rsv::RSV1) && two.contains(Rsv::NONE) && !two.contains(Rsv::RSV2));
        assert_eq!(two.without(Rsv::RSV1), Rsv::RSV3);
        assert!(two.without(two).is_none());
        assert_eq!(two | Rsv::RSV3, two);
        assert_eq!((two & Rsv::RSV3, !two, !Rsv::NONE & two), (Rsv::RSV3, Rsv::RSV2, two));
    }

    #[test]
    fn other_bits_are_ignored() {
        assert_eq!(Rsv::from_bits(0xFF), Rsv::RSV1 | Rsv::RSV2 | Rsv::RSV3);
        assert_eq!(Rsv::from_bits(0x8F), Rsv::NONE);
        assert_eq!(format!("{:?}", Rsv::RSV1), "Rsv(100)");
    }
}

//! Sets of protocol versions, and their order.

use alloc::string::{String, ToString};
use core::fmt;
use core::ops::{BitAnd, BitOr, BitOrAssign, Not};

use protocol_websocket_core::Version;

use crate::grammar::push_element;

/// A set of protocol versions, such as those that a server supports. The default is [`ALL`](Self::ALL).
///
/// Sets are combined with `|`, `&` and `!`. The iterator returns the newest version first.
///
/// ```
/// use protocol_websocket_http::{Version, Versions};
///
/// let supported = Versions::RFC6455 | Version::Hybi10.into();
/// assert!(supported.contains(Version::Hybi10) && !supported.contains(Version::Hybi00));
/// assert_eq!(supported, Versions::of(&[Version::Hybi10, Version::Rfc6455]));
/// assert!((!Versions::RFC6455).into_iter().eq([Version::Hybi10, Version::Hybi00, Version::Hixie75]));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Versions(u8);

impl Versions {
    /// All four: RFC 6455 and the three drafts before it.
    pub const ALL: Self = Self::of(&NEWEST_FIRST);
    /// RFC 6455 alone.
    pub const RFC6455: Self = Self::of(&[Version::Rfc6455]);

    /// Creates the set of these versions.
    ///
    /// ```
    /// use protocol_websocket_http::{Version, Versions};
    ///
    /// const SUPPORTED: Versions = Versions::of(&[Version::Rfc6455, Version::Hybi10]);
    /// assert!(!SUPPORTED.contains(Version::Hixie75));
    /// ```
    #[must_use]
    pub const fn of(mut versions: &[Version]) -> Self {
        let mut set = 0;
        while let [version, rest @ ..] = versions {
            set |= bit(*version);
            versions = rest;
        }
        Self(set)
    }

    /// Returns whether the set contains this version.
    #[must_use]
    pub const fn contains(self, version: Version) -> bool {
        self.0 & bit(version) != 0
    }

    /// Returns whether the set contains no version.
    ///
    /// ```
    /// use protocol_websocket_http::{Version, Versions};
    ///
    /// let drafts = !Versions::RFC6455;
    /// assert!((drafts & Versions::RFC6455).is_empty());
    /// assert!(!drafts.is_empty());
    /// ```
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Iterates over the versions, newest first.
    ///
    /// ```
    /// use protocol_websocket_http::{Version, Versions};
    ///
    /// let versions = Versions::of(&[Version::Hybi10, Version::Rfc6455]);
    /// assert!(versions.iter().eq([Version::Rfc6455, Version::Hybi10]));
    /// ```
    #[must_use]
    pub fn iter(self) -> VersionsIter {
        self.into_iter()
    }

    /// Returns the value of `Sec-WebSocket-Version`, such as `13, 8`. Versions without a number are left out.
    pub(crate) fn numbers(self) -> String {
        let mut list = String::new();
        self.iter().filter_map(Version::number).for_each(|number| push_element(&mut list, &number.to_string()));
        list
    }
}

impl Default for Versions {
    fn default() -> Self {
        Self::ALL
    }
}

impl From<Version> for Versions {
    fn from(version: Version) -> Self {
        Self::of(&[version])
    }
}

impl FromIterator<Version> for Versions {
    fn from_iter<I: IntoIterator<Item = Version>>(versions: I) -> Self {
        Self(versions.into_iter().fold(0, |set, version| set | bit(version)))
    }
}

impl BitOr for Versions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Versions {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for Versions {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Not for Versions {
    type Output = Self;

    /// Returns the versions that are not in the set.
    fn not(self) -> Self {
        Self(Self::ALL.0 & !self.0)
    }
}

impl fmt::Debug for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl IntoIterator for Versions {
    type Item = Version;
    type IntoIter = VersionsIter;

    fn into_iter(self) -> VersionsIter {
        VersionsIter(self)
    }
}

/// An iterator over [`Versions`], newest first.
///
/// ```
/// use protocol_websocket_http::{Version, Versions};
///
/// let mut versions = Versions::ALL.into_iter();
/// assert_eq!((versions.len(), versions.next()), (4, Some(Version::Rfc6455)));
/// ```
#[derive(Clone, Debug)]
pub struct VersionsIter(Versions);

impl Iterator for VersionsIter {
    type Item = Version;

    fn next(&mut self) -> Option<Version> {
        let newest = NEWEST_FIRST.into_iter().find(|&version| self.0.contains(version))?;
        self.0.0 &= !bit(newest);
        Some(newest)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.0.0.count_ones() as usize;
        (len, Some(len))
    }
}

impl ExactSizeIterator for VersionsIter {}

/// Serializes the set as a list of names, newest first, such as `["RFC 6455", "draft-ietf-hybi-10"]`.
#[cfg(feature = "serde")]
#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
impl serde::Serialize for Versions {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(*self)
    }
}

/// Deserializes the set from a list of names that the `FromStr` of [`Version`] accepts.
#[cfg(feature = "serde")]
#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
impl<'de> serde::Deserialize<'de> for Versions {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(<alloc::vec::Vec<Version>>::deserialize(deserializer)?.into_iter().collect())
    }
}

const NEWEST_FIRST: [Version; 4] = [Version::Rfc6455, Version::Hybi10, Version::Hybi00, Version::Hixie75];

const fn bit(version: Version) -> u8 {
    1 << version as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn contains_the_given_versions() {
        for version in NEWEST_FIRST {
            assert!(Versions::ALL.contains(version));
            assert_eq!(Versions::RFC6455.contains(version), version == Version::Rfc6455);
            assert!(Versions::from(version).iter().eq([version]));
            assert!(!Versions::of(&[]).contains(version));
        }
        assert_eq!(Versions::default(), Versions::ALL);
        assert_eq!(Versions::of(&[Version::Hixie75]) | Version::Hybi00.into(), Versions::of(&NEWEST_FIRST[2..]));
        assert_eq!(format!("{:?}", Versions::RFC6455), "{Rfc6455}");
    }

    #[test]
    fn ignores_repeated_versions() {
        assert_eq!(Versions::of(&[Version::Hybi00; 2]), Version::Hybi00.into());
        assert_eq!(Versions::ALL | Versions::RFC6455, Versions::ALL);
    }

    #[test]
    fn combines_as_a_set() {
        let all: Versions = NEWEST_FIRST.into_iter().collect();
        assert_eq!(all, Versions::ALL);
        assert!((!Versions::ALL).is_empty() && !Versions::RFC6455.is_empty());
        assert_eq!(!!Versions::RFC6455, Versions::RFC6455);
        assert_eq!(Versions::ALL & Versions::RFC6455, Versions::RFC6455);
        assert_eq!(Versions::RFC6455 & Version::Hybi10.into(), Versions::of(&[]));
        let mut set = Versions::RFC6455;
        set |= !set;
        assert_eq!(set, Versions::ALL);
    }

    #[test]
    fn iterates_newest_first() {
        assert!(Versions::ALL.into_iter().eq(NEWEST_FIRST));
        assert_eq!(Versions::ALL.iter().len(), 4);
        assert_eq!(Versions::ALL.iter().skip(1).len(), 3);
        assert_eq!(Versions::ALL.numbers(), "13, 8");
        assert_eq!(Versions::RFC6455.numbers(), "13");
        assert_eq!(Versions::of(&[Version::Hybi00]).numbers(), "");
    }

    #[cfg(feature = "serde")]
    #[test]
    fn roundtrips_through_serde() {
        let text = serde_json::to_string(&Versions::ALL).unwrap();
        assert_eq!(text, r#"["RFC 6455","draft-ietf-hybi-10","draft-ietf-hybi-00","draft-hixie-75"]"#);
        assert_eq!(serde_json::from_str::<Versions>(&text).unwrap(), Versions::ALL);
        assert_eq!(serde_json::from_str::<Versions>(r#"["draft-ietf-hybi-17"]"#).unwrap(), Versions::RFC6455);
        assert!(serde_json::from_str::<Versions>(r#"["RFC 1"]"#).is_err());
    }
}

//! The fields that are checked: all found in one pass over a head, so that asking for one costs nothing.

use core::ops::Range;

use crate::Headers;
use crate::grammar::is_same;
use crate::headers::{Field, Repeated};

/// The name of such a field. `HybiOrigin` and `HixieProtocol` are those of the drafts that called them otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Name {
    Accept,
    Connection,
    ContentLength,
    Extensions,
    HixieProtocol,
    Host,
    HybiOrigin,
    Key,
    Key1,
    Key2,
    Origin,
    Protocol,
    TransferEncoding,
    Upgrade,
    Version,
}

/// Where they are.
pub(crate) struct Known<'a> {
    headers: &'a Headers,
    /// From the first of a name to behind the last.
    places: [Range<usize>; 15],
}

impl Name {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Accept => "Sec-WebSocket-Accept",
            Self::Connection => "Connection",
            Self::ContentLength => "Content-Length",
            Self::Extensions => "Sec-WebSocket-Extensions",
            Self::HixieProtocol => "WebSocket-Protocol",
            Self::Host => "Host",
            Self::HybiOrigin => "Sec-WebSocket-Origin",
            Self::Key => "Sec-WebSocket-Key",
            Self::Key1 => "Sec-WebSocket-Key1",
            Self::Key2 => "Sec-WebSocket-Key2",
            Self::Origin => "Origin",
            Self::Protocol => "Sec-WebSocket-Protocol",
            Self::TransferEncoding => "Transfer-Encoding",
            Self::Upgrade => "Upgrade",
            Self::Version => "Sec-WebSocket-Version",
        }
    }

    /// The lengths tell nearly all names apart.
    fn of(text: &[u8]) -> Option<Self> {
        Some(match text.len() {
            4 if Self::Host.is(text) => Self::Host,
            6 if Self::Origin.is(text) => Self::Origin,
            7 if Self::Upgrade.is(text) => Self::Upgrade,
            10 if Self::Connection.is(text) => Self::Connection,
            14 if Self::ContentLength.is(text) => Self::ContentLength,
            17 if Self::Key.is(text) => Self::Key,
            17 if Self::TransferEncoding.is(text) => Self::TransferEncoding,
            18 if Self::Key1.is(text) => Self::Key1,
            18 if Self::Key2.is(text) => Self::Key2,
            18 if Self::HixieProtocol.is(text) => Self::HixieProtocol,
            20 if Self::Accept.is(text) => Self::Accept,
            20 if Self::HybiOrigin.is(text) => Self::HybiOrigin,
            21 if Self::Version.is(text) => Self::Version,
            22 if Self::Protocol.is(text) => Self::Protocol,
            24 if Self::Extensions.is(text) => Self::Extensions,
            _ => return None,
        })
    }

    #[inline]
    fn is(self, text: &[u8]) -> bool {
        is_same(text, self.text().as_bytes())
    }
}

impl<'a> Known<'a> {
    pub(crate) fn of(headers: &'a Headers) -> Self {
        let mut places = [const { 0..0 }; 15];
        for (at, field) in headers.fields().iter().enumerate() {
            let name = Name::of(headers.slice(field.name));
            if let Some(place) = name.and_then(|name| places.get_mut(name as usize)) {
                *place = if place.end == 0 { at } else { place.start }..at + 1;
            }
        }
        Self { headers, places }
    }

    pub(crate) fn contains(&self, name: Name) -> bool {
        !self.fields(name).is_empty()
    }

    /// The value of a field that may be there once.
    pub(crate) fn at_most_once(&self, name: Name) -> Result<Option<&'a [u8]>, Repeated> {
        match self.fields(name) {
            [] => Ok(None),
            [field] => Ok(Some(self.headers.slice(field.value))),
            _ => Err(Repeated),
        }
    }

    /// The values of all fields of this name, in their order.
    pub(crate) fn all(&self, name: Name) -> impl Iterator<Item = &'a [u8]> {
        let fields = self.fields(name);
        fields
            .iter()
            .filter(move |field| fields.len() == 1 || self.headers.is_named(field, name.text()))
            .map(|field| self.headers.slice(field.value))
    }

    /// Whether the fields announce a body: `Transfer-Encoding`, or a `Content-Length` over 0 or malformed. `proof` is the
    /// length of what a draft sends after its head, which counts as a body to some proxies: such a length is accepted once.
    pub(crate) fn announce_body(&self, proof: Option<&[u8]>) -> bool {
        let is_zero = |length: &[u8]| !length.is_empty() && length.iter().all(|&digit| digit == b'0');
        let is_proof = || self.at_most_once(Name::ContentLength).is_ok_and(|length| length == proof);
        self.contains(Name::TransferEncoding) || !(self.all(Name::ContentLength).all(is_zero) || is_proof())
    }

    /// The first field of this name, the last, and all that stands between them.
    fn fields(&self, name: Name) -> &'a [Field] {
        let place = self.places.get(name as usize).cloned().unwrap_or_default();
        self.headers.fields().get(place).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Name; 15] = [
        Name::Accept,
        Name::Connection,
        Name::ContentLength,
        Name::Extensions,
        Name::HixieProtocol,
        Name::Host,
        Name::HybiOrigin,
        Name::Key,
        Name::Key1,
        Name::Key2,
        Name::Origin,
        Name::Protocol,
        Name::TransferEncoding,
        Name::Upgrade,
        Name::Version,
    ];

    #[test]
    fn every_name_is_known_in_any_case() {
        for (at, name) in ALL.into_iter().enumerate() {
            assert_eq!(name as usize, at);
            let mut headers = Headers::new();
            headers.push(&name.text().to_ascii_lowercase(), "a").unwrap();
            headers.push("X", "b").unwrap();
            let known = Known::of(&headers);
            assert_eq!(known.at_most_once(name).unwrap(), Some(&b"a"[..]), "{name:?}");
            headers.push(&name.text().to_ascii_uppercase(), "c").unwrap();
            let known = Known::of(&headers);
            assert!(known.at_most_once(name).is_err(), "{name:?}");
            assert!(known.all(name).eq([b"a", b"c"]), "{name:?}");
            assert!(ALL.into_iter().filter(|&other| known.contains(other)).map(|other| other as usize).eq([at]));
        }
    }

    #[test]
    fn others_of_the_same_length_are_not() {
        let mut headers = Headers::new();
        for name in ALL {
            headers.push(&name.text().replacen(|_| true, "X", 1), "a").unwrap();
        }
        let known = Known::of(&headers);
        assert!(!ALL.into_iter().any(|name| known.contains(name)));
    }

    #[test]
    fn others_are_not() {
        let mut headers = Headers::new();
        for name in ["Pragma", "Hos", "Hosts", "Sec-WebSocket-Key3", "Sec_WebSocket-Key", "X"] {
            headers.push(name, "a").unwrap();
        }
        let known = Known::of(&headers);
        assert!(!ALL.into_iter().any(|name| known.contains(name)));
        assert_eq!(known.at_most_once(Name::Host).unwrap(), None);
        assert_eq!(known.all(Name::Host).count(), 0);
    }
}

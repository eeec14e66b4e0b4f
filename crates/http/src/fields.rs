//! The header fields that the handshake checks. One pass over a head finds all of them, so that the checks do not
//! search the head again.

use core::ops::Range;

use crate::grammar::{contains_token, is_same};
use crate::headers::{Headers, Repeated};
use crate::span::Field;

/// The name of a checked header field. `HybiOrigin` and `HixieProtocol` are the names that drafts used for `Origin` and
/// `Protocol`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FieldName {
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

/// The positions of the checked header fields in a head.
pub(crate) struct HandshakeFields<'a> {
    headers: &'a Headers,
    /// For each name, the range from its first field to its last. The range may contain fields of other names.
    places: [Range<usize>; 15],
}

impl FieldName {
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

    /// Finds a name, without regard to ASCII case. At most three names have the same length and are compared.
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

impl<'a> HandshakeFields<'a> {
    pub(crate) fn of(headers: &'a Headers) -> Self {
        let mut places = [const { 0..0 }; 15];
        for (at, field) in headers.fields().iter().enumerate() {
            let name = FieldName::of(headers.slice(field.name));
            if let Some(place) = name.and_then(|name| places.get_mut(name as usize)) {
                *place = if place.end == 0 { at } else { place.start }..at + 1;
            }
        }
        Self { headers, places }
    }

    pub(crate) fn contains(&self, name: FieldName) -> bool {
        !self.fields(name).is_empty()
    }

    /// Returns the value of a header field that may appear at most once.
    pub(crate) fn at_most_once(&self, name: FieldName) -> Result<Option<&'a [u8]>, Repeated> {
        match self.fields(name) {
            [] => Ok(None),
            [field] => Ok(Some(self.headers.slice(field.value))),
            _ => Err(Repeated),
        }
    }

    /// Iterates over the values of all fields of this name, in order.
    pub(crate) fn all(&self, name: FieldName) -> impl Iterator<Item = &'a [u8]> {
        let fields = self.fields(name);
        fields
            .iter()
            .filter(move |field| fields.len() == 1 || self.headers.is_named(field, name.text()))
            .map(|field| self.headers.slice(field.value))
    }

    /// Returns whether the list that all fields of this name form contains the token, without regard to ASCII case.
    #[inline]
    pub(crate) fn contains_token<const N: usize>(&self, name: FieldName, token: &[u8; N]) -> bool {
        // Fast path: nearly all heads have one field, whose value is the token alone.
        matches!(self.fields(name), [field] if self.headers.slice(field.value) == token)
            || contains_token(self.all(name), token)
    }

    /// Returns whether the header fields announce a body: `Transfer-Encoding`, or a `Content-Length` that is over 0 or
    /// malformed. `allowed` is the length of the bytes that a draft sends after its head. One `Content-Length` may have this
    /// value, because some proxies treat these bytes as a body.
    pub(crate) fn announces_body(&self, allowed: Option<&[u8]>) -> bool {
        let is_zero = |length: &[u8]| !length.is_empty() && length.iter().all(|&digit| digit == b'0');
        let is_allowed = || self.at_most_once(FieldName::ContentLength).is_ok_and(|length| length == allowed);
        self.contains(FieldName::TransferEncoding) || !(self.all(FieldName::ContentLength).all(is_zero) || is_allowed())
    }

    /// Returns the first field of this name, the last, and all fields between them.
    fn fields(&self, name: FieldName) -> &'a [Field] {
        let place = self.places.get(name as usize).cloned().unwrap_or_default();
        let fields = self.headers.fields().get(place);
        debug_assert!(fields.is_some(), "places are positions in the headers");
        fields.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [FieldName; 15] = [
        FieldName::Accept,
        FieldName::Connection,
        FieldName::ContentLength,
        FieldName::Extensions,
        FieldName::HixieProtocol,
        FieldName::Host,
        FieldName::HybiOrigin,
        FieldName::Key,
        FieldName::Key1,
        FieldName::Key2,
        FieldName::Origin,
        FieldName::Protocol,
        FieldName::TransferEncoding,
        FieldName::Upgrade,
        FieldName::Version,
    ];

    #[test]
    fn finds_every_name_in_any_case() {
        for (at, name) in ALL.into_iter().enumerate() {
            assert_eq!(name as usize, at);
            let mut headers = Headers::new();
            headers.push(&name.text().to_ascii_lowercase(), "a").unwrap();
            headers.push("X", "b").unwrap();
            let fields = HandshakeFields::of(&headers);
            assert_eq!(fields.at_most_once(name).unwrap(), Some(&b"a"[..]), "{name:?}");
            headers.push(&name.text().to_ascii_uppercase(), "c").unwrap();
            let fields = HandshakeFields::of(&headers);
            assert!(fields.at_most_once(name).is_err(), "{name:?}");
            assert!(fields.all(name).eq([b"a", b"c"]), "{name:?}");
            assert!(ALL.into_iter().filter(|&other| fields.contains(other)).map(|other| other as usize).eq([at]));
        }
    }

    #[test]
    fn ignores_other_names_of_the_same_length() {
        let mut headers = Headers::new();
        for name in ALL {
            headers.push(&name.text().replacen(|_| true, "X", 1), "a").unwrap();
        }
        let fields = HandshakeFields::of(&headers);
        assert!(!ALL.into_iter().any(|name| fields.contains(name)));
    }

    #[test]
    fn ignores_other_names() {
        let mut headers = Headers::new();
        for name in ["Pragma", "Hos", "Hosts", "Sec-WebSocket-Key3", "Sec_WebSocket-Key", "X"] {
            headers.push(name, "a").unwrap();
        }
        let fields = HandshakeFields::of(&headers);
        assert!(!ALL.into_iter().any(|name| fields.contains(name)));
        assert_eq!(fields.at_most_once(FieldName::Host).unwrap(), None);
        assert_eq!(fields.all(FieldName::Host).count(), 0);
    }
}

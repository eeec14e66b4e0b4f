//! The header fields of the caller in a head that a builder writes.

use crate::error::BuildError;
use crate::headers::Headers;
use crate::set_cookie::SetCookie;

/// The header fields that the caller adds to a head, and the first error of the setters of that head.
///
/// The setters of [`Offer`](crate::Offer), [`Accept`](crate::Accept) and [`Reject`](crate::Reject) do not fail. The function
/// that writes the head returns the error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct CallerHeaders {
    headers: Headers,
    error: Option<BuildError>,
}

impl CallerHeaders {
    /// Keeps the error of a setter, unless an earlier setter failed.
    pub(crate) fn record(&mut self, result: Result<(), BuildError>) {
        self.error = self.error.or(result.err());
    }

    /// Appends a header field.
    pub(crate) fn push(&mut self, name: &str, value: impl AsRef<[u8]>) {
        let result = self.headers.push(name, value);
        self.record(result);
    }

    /// Appends a `Set-Cookie` for the cookie. Each cookie has its own header field (RFC 6265 §3).
    pub(crate) fn push_cookie(&mut self, cookie: &SetCookie) {
        match cookie.to_field_value() {
            Ok(value) => self.push("Set-Cookie", value),
            Err(error) => self.record(Err(error)),
        }
    }

    /// Returns the first error alone.
    pub(crate) fn without_headers(self) -> Self {
        Self { headers: Headers::default(), error: self.error }
    }

    /// Returns the header fields without regard to errors.
    pub(crate) const fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Returns the header fields, or the first error of a setter.
    pub(crate) fn checked(&self) -> Result<&Headers, BuildError> {
        self.error.map_or(Ok(&self.headers), Err)
    }

    pub(crate) const fn error(&self) -> Option<BuildError> {
        self.error
    }
}

/// Returns whether only the handshake may write this header field, because it is a part of the handshake or announces a
/// body.
pub(crate) fn is_reserved(name: &str) -> bool {
    let has_prefix = |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    has_prefix("Sec-WebSocket-")
        || has_prefix("WebSocket-")
        || is_one_of(name, &["Upgrade", "Connection", "Content-Length", "Transfer-Encoding"])
}

/// Returns whether the name is one of `names`, without regard to ASCII case.
pub(crate) fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

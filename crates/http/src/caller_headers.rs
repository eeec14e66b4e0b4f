use crate::error::BuildError;
use crate::headers::Headers;
use crate::set_cookie::SetCookie;

/// The header fields that the caller adds to a head, and the first error of the setters of that head.
///
/// The builders' setters do not fail: the function that writes the head returns the error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct CallerHeaders {
    headers: Headers,
    error: Option<BuildError>,
}

impl CallerHeaders {
    /// Keeps the error of a setter, unless an earlier setter failed.
    pub(crate) fn note(&mut self, result: Result<(), BuildError>) {
        self.error = self.error.or(result.err());
    }

    /// Appends a header field.
    pub(crate) fn push(&mut self, name: &str, value: impl AsRef<[u8]>) {
        let result = self.headers.push(name, value);
        self.note(result);
    }

    /// Appends a `Set-Cookie` of its own for each cookie (RFC 6265 §3).
    pub(crate) fn push_cookie(&mut self, cookie: &SetCookie) {
        match cookie.to_field_value() {
            Ok(value) => self.push("Set-Cookie", value),
            Err(error) => self.note(Err(error)),
        }
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

/// Returns whether the handshake itself writes this header field, or the field announces a body.
pub(crate) fn is_reserved(name: &str) -> bool {
    let begins = |prefix: &str| name.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix));
    begins("Sec-WebSocket-")
        || begins("WebSocket-")
        || is_one_of(name, &["Upgrade", "Connection", "Content-Length", "Transfer-Encoding"])
}

/// Returns whether the name is one of these, in any case.
pub(crate) fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

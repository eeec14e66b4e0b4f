use core::fmt;

use url::ParseError;

/// The error for text that is not a valid WebSocket URL (RFC 6455 §3).
///
/// ```
/// use protocol_websocket_url::{Url, UrlError};
///
/// assert_eq!(Url::parse("http://example.com/"), Err(UrlError::Scheme));
/// assert_eq!(UrlError::Scheme.to_string(), "scheme is not ws or wss");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UrlError {
    /// A space, a control character, or one of `"`, `<`, `>` and `\`. They must be percent-encoded (RFC 3986 §2).
    Character,
    /// A `#`. RFC 6455 §3 forbids fragments, even empty ones. A `#` in a path is written `%23`. The target of a redirect may
    /// have a fragment: see [`Url::join`](crate::Url::join).
    Fragment,
    /// The host is missing, or is neither a domain name nor an IP address.
    Host,
    /// The port is not a number from 1 to 65535.
    Port,
    /// The scheme is missing, or is neither `ws` nor `wss`.
    Scheme,
    /// There is no `//` after the scheme, or the URL exceeds 4 GiB.
    Syntax,
    /// Percent-encoded credentials are not UTF-8.
    Userinfo,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => "character that must be percent-encoded",
            Self::Fragment => "websocket url must not have a fragment",
            Self::Host => "missing or invalid host",
            Self::Port => "port is not in 1 to 65535",
            Self::Scheme => "scheme is not ws or wss",
            Self::Syntax => "missing // after the scheme, or more than 4 GiB",
            Self::Userinfo => "credentials are not UTF-8",
        })
    }
}

impl core::error::Error for UrlError {}

impl UrlError {
    /// Converts the error of the `url` crate. A `From` would make that type a part of the public API.
    pub(crate) const fn from_parse_error(error: ParseError) -> Self {
        match error {
            ParseError::InvalidPort => Self::Port,
            ParseError::EmptyHost
            | ParseError::IdnaError
            | ParseError::InvalidDomainCharacter
            | ParseError::InvalidIpv4Address
            | ParseError::InvalidIpv6Address => Self::Host,
            _ => Self::Syntax,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use crate::Url;

    #[test]
    fn each_error_has_its_own_text() {
        for (text, words) in [
            ("ws://h/ ", "character that must be percent-encoded"),
            ("ws://h/#f", "websocket url must not have a fragment"),
            ("ws://", "missing or invalid host"),
            ("ws://h:0/", "port is not in 1 to 65535"),
            ("http://h/", "scheme is not ws or wss"),
            ("ws:h", "missing // after the scheme, or more than 4 GiB"),
            ("ws://%FF@h/", "credentials are not UTF-8"),
        ] {
            assert_eq!(Url::parse(text).map_err(|error| error.to_string()), Err(words.to_string()), "{text}");
        }
    }
}

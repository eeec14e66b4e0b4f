use core::fmt;

use url::ParseError;

/// Why a text is not the URL of a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UrlError {
    /// A blank, a control character, or one of `"`, `<`, `>` and `\`: none may stand in a URL unencoded (RFC 3986 §2).
    Character,
    /// A `#`, be it the last character. RFC 6455 §3 allows no fragment; a `#` in a path is written `%23`. The target of a
    /// redirect may have one, see [`Url::join`](crate::Url::join).
    Fragment,
    /// No host, or one that is neither a domain name nor an IP address.
    Host,
    /// A port that is 0, above 65535 or not a number.
    Port,
    /// A scheme other than `ws` and `wss`, or none.
    Scheme,
    /// No `//` behind the scheme, or a text of over 4 GiB.
    Syntax,
    /// Percent-encoded credentials that do not decode to UTF-8.
    Userinfo,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => "character that a url may not hold unencoded",
            Self::Fragment => "fragment in a websocket url",
            Self::Host => "host missing or malformed",
            Self::Port => "port not in 1 to 65535",
            Self::Scheme => "scheme is not ws or wss",
            Self::Syntax => "no authority behind the scheme",
            Self::Userinfo => "credentials are not utf-8",
        })
    }
}

impl core::error::Error for UrlError {}

impl From<ParseError> for UrlError {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::InvalidPort => Self::Port,
            ParseError::EmptyHost
            | ParseError::IdnaError
            | ParseError::InvalidDomainCharacter
            | ParseError::InvalidIpv4Address
            | ParseError::InvalidIpv6Address => Self::Host,
            ParseError::RelativeUrlWithoutBase => Self::Scheme,
            _ => Self::Syntax,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use crate::Url;

    #[test]
    fn every_error_has_words_of_its_own() {
        for (text, words) in [
            ("ws://h/ ", "character that a url may not hold unencoded"),
            ("ws://h/#f", "fragment in a websocket url"),
            ("ws://", "host missing or malformed"),
            ("ws://h:0/", "port not in 1 to 65535"),
            ("http://h/", "scheme is not ws or wss"),
            ("ws:h", "no authority behind the scheme"),
            ("ws://%FF@h/", "credentials are not utf-8"),
        ] {
            assert_eq!(Url::parse(text).map_err(|error| error.to_string()), Err(words.to_string()), "{text}");
        }
    }
}

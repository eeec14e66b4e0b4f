//! The style of Perl's `Protocol::WebSocket` 0.26: its differences from the RFCs in heads and cookies, and its limits.
//!
//! `Offer`, `Accept` and `SetCookie` have a [`Style`] and call its methods. Their setter `perl_compat` selects [`Style::Perl`].

use alloc::vec::Vec;

use protocol_websocket_core::Version;

use crate::cookie_syntax::{is_printable, is_special, write_quoted, write_word_or_quoted};
use crate::limits::HeadLimits;
use crate::syntax::{HIXIE_75, HYBI_00, HYBI_10, HandshakeSyntax, RFC_6455, RequestField};

/// The style in which heads and cookies are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Style {
    #[default]
    Rfc,
    Perl,
}

impl Style {
    /// Returns the names and constant texts for the heads of a version.
    ///
    /// In Perl's style all versions have the same order of header fields, an origin in every request, the status line and the
    /// `Upgrade` of draft-ietf-hybi-00, and one header field for all cookies of a response.
    pub(crate) const fn syntax(self, version: Version) -> &'static HandshakeSyntax {
        match (self, version) {
            (Self::Rfc, _) => HandshakeSyntax::of(version),
            (Self::Perl, Version::Hixie75) => const { &as_perl(HIXIE_75) },
            (Self::Perl, Version::Hybi00) => const { &as_perl(HYBI_00) },
            (Self::Perl, Version::Hybi10) => const { &as_perl(HYBI_10) },
            (Self::Perl, _) => const { &as_perl(RFC_6455) },
        }
    }

    /// Returns whether a client may send cookies whose names begin with `$`: the attributes of RFC 2965.
    pub(crate) const fn allows_cookie_attributes(self) -> bool {
        matches!(self, Self::Perl)
    }

    /// Returns whether `Set-Cookie` can have this value.
    pub(crate) fn is_cookie_value(self, value: &[u8]) -> bool {
        let is_octet = |byte: &u8| byte.is_ascii_graphic() && !is_special(*byte);
        match self {
            Self::Rfc => value.iter().all(is_octet),
            Self::Perl => is_printable(value),
        }
    }

    /// Returns whether an attribute of `Set-Cookie` can have this value.
    pub(crate) fn is_cookie_attribute(self, value: &str) -> bool {
        is_printable(value.as_bytes()) && (self == Self::Perl || value.is_ascii() && !value.contains(';'))
    }

    /// Appends the value of a cookie, or of one of its attributes. Perl writes a value that is not a word in quotes.
    pub(crate) fn write_cookie_value(self, output: &mut Vec<u8>, value: &[u8]) {
        match self {
            Self::Rfc => output.extend_from_slice(value),
            Self::Perl => write_word_or_quoted(output, value),
        }
    }

    /// Appends the value of an attribute. In RFC 2965 the list of ports is always in quotes.
    pub(crate) fn write_cookie_attribute(self, output: &mut Vec<u8>, name: &str, value: &[u8]) {
        match (self, name) {
            (Self::Perl, "Port") => write_quoted(output, value),
            _ => self.write_cookie_value(output, value),
        }
    }

    /// Returns the attribute that is written after all others.
    pub(crate) const fn last_cookie_attribute(self) -> Option<(&'static str, Option<&'static str>)> {
        match self {
            Self::Rfc => None,
            Self::Perl => Some(("Version", Some("1"))),
        }
    }
}

impl HeadLimits {
    /// The limits of Perl's `Protocol::WebSocket`: 20,480 bytes, and any number of header fields.
    pub const PERL: Self = Self { max_len: 20_480, max_headers: usize::MAX };
}

const fn as_perl(syntax: HandshakeSyntax) -> HandshakeSyntax {
    HandshakeSyntax {
        start: HYBI_00.start,
        request_order: &ORDER_OF_PERL,
        requires_origin: true,
        subprotocol_before_echo: true,
        folds_cookies: true,
        ..syntax
    }
}

const ORDER_OF_PERL: [RequestField; 10] = [
    RequestField::Upgrade,
    RequestField::Connection,
    RequestField::Host,
    RequestField::Cookie,
    RequestField::Origin,
    RequestField::Subprotocols,
    RequestField::Key,
    RequestField::VersionOrKey2,
    RequestField::ContentLength,
    RequestField::Extensions,
];

//! The names and constant texts in heads: one [`HandshakeSyntax`] for each version. The keys of a version and the proof
//! in its response are in [`Challenge`](crate::challenge::Challenge).

use protocol_websocket_core::Version;

use crate::fields::FieldName;

/// The names and constant texts in the heads of one version.
pub(crate) struct HandshakeSyntax {
    /// The beginning of the response 101.
    pub(crate) start: ResponseStart,
    /// The header field with the client's origin.
    pub(crate) origin: FieldName,
    /// The header field with subprotocols, in request and response.
    pub(crate) subprotocol: FieldName,
    /// The header fields of a response that repeat the origin and the URL of the request.
    pub(crate) echo: Option<[&'static str; 2]>,
    /// The order of the header fields in a request. A field without a value is left out.
    pub(crate) request_order: &'static [RequestField],
    /// Whether a request always has an origin.
    pub(crate) requires_origin: bool,
    /// Whether the subprotocol of a response is written before origin and URL.
    pub(crate) subprotocol_before_echo: bool,
    /// Whether all cookies of a response share one `Set-Cookie`.
    pub(crate) folds_cookies: bool,
}

/// A header field that the handshake writes in a request.
#[derive(Clone, Copy)]
pub(crate) enum RequestField {
    Connection,
    ContentLength,
    Cookie,
    Extensions,
    Host,
    /// `Sec-WebSocket-Key`, or `Sec-WebSocket-Key1`.
    Key,
    Origin,
    Subprotocols,
    Upgrade,
    /// `Sec-WebSocket-Version`, or `Sec-WebSocket-Key2`.
    VersionOrKey2,
}

/// Status line, `Upgrade` and `Connection` of a response 101.
pub(crate) struct ResponseStart {
    /// All three, as they are written.
    pub(crate) text: &'static str,
    /// The reason phrase.
    pub(crate) reason: &'static str,
    /// The value of `Upgrade`. A client's request has the same.
    pub(crate) upgrade: &'static str,
}

macro_rules! response_start {
    ($reason:literal, $upgrade:literal) => {
        ResponseStart {
            text: concat!("HTTP/1.1 101 ", $reason, "\r\nUpgrade: ", $upgrade, "\r\nConnection: Upgrade\r\n"),
            reason: $reason,
            upgrade: $upgrade,
        }
    };
}

impl HandshakeSyntax {
    pub(crate) const fn of(version: Version) -> &'static Self {
        match version {
            Version::Hixie75 => &HIXIE_75,
            Version::Hybi00 => &HYBI_00,
            Version::Hybi10 => &HYBI_10,
            _ => &RFC_6455,
        }
    }
}

pub(crate) const HIXIE_75: HandshakeSyntax = HandshakeSyntax {
    start: response_start!("Web Socket Protocol Handshake", "WebSocket"),
    subprotocol: FieldName::HixieProtocol,
    echo: Some(["WebSocket-Origin", "WebSocket-Location"]),
    ..HYBI_00
};

pub(crate) const HYBI_00: HandshakeSyntax = HandshakeSyntax {
    start: response_start!("WebSocket Protocol Handshake", "WebSocket"),
    origin: FieldName::Origin,
    subprotocol: FieldName::Protocol,
    echo: Some(["Sec-WebSocket-Origin", "Sec-WebSocket-Location"]),
    request_order: &ORDER_OF_HYBI_00,
    requires_origin: true,
    subprotocol_before_echo: false,
    folds_cookies: false,
};

pub(crate) const HYBI_10: HandshakeSyntax = HandshakeSyntax { origin: FieldName::HybiOrigin, ..RFC_6455 };

pub(crate) const RFC_6455: HandshakeSyntax = HandshakeSyntax {
    start: response_start!("Switching Protocols", "websocket"),
    origin: FieldName::Origin,
    subprotocol: FieldName::Protocol,
    echo: None,
    request_order: &ORDER_OF_RFC_6455,
    requires_origin: false,
    subprotocol_before_echo: false,
    folds_cookies: false,
};

/// The order of the example in RFC 6455 §1.2.
const ORDER_OF_RFC_6455: [RequestField; 9] = [
    RequestField::Host,
    RequestField::Upgrade,
    RequestField::Connection,
    RequestField::Key,
    RequestField::Origin,
    RequestField::Subprotocols,
    RequestField::VersionOrKey2,
    RequestField::Extensions,
    RequestField::Cookie,
];

/// The order of draft-hixie-75 §4.1. Some of its servers compare the first fields byte by byte.
const ORDER_OF_HYBI_00: [RequestField; 8] = [
    RequestField::Upgrade,
    RequestField::Connection,
    RequestField::Host,
    RequestField::Origin,
    RequestField::Subprotocols,
    RequestField::Key,
    RequestField::VersionOrKey2,
    RequestField::Cookie,
];

//! The values of attributes. Each attribute has few values, independent of peers, because each combination of values takes
//! memory.

use protocol_websocket_connection::{CloseCode, Direction, Ended, Error, Role, Timeout, Version};

pub(crate) const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Received => "receive",
        Direction::Sent => "transmit",
    }
}

pub(crate) const fn role(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Server => "server",
    }
}

/// Returns the value of `Sec-WebSocket-Version`, or the name of a draft that has none.
pub(crate) const fn version(version: Version) -> &'static str {
    match version {
        Version::Rfc6455 => "13",
        Version::Hybi10 => "8",
        Version::Hybi00 => "hybi-00",
        Version::Hixie75 => "hixie-75",
        _ => "_OTHER",
    }
}

/// Returns a close code that RFC 6455 or IANA defines, or the range of another close code.
pub(crate) const fn close_code(code: CloseCode) -> &'static str {
    match code.0 {
        1000 => "1000",
        1001 => "1001",
        1002 => "1002",
        1003 => "1003",
        1005 => "1005",
        1006 => "1006",
        1007 => "1007",
        1008 => "1008",
        1009 => "1009",
        1010 => "1010",
        1011 => "1011",
        1012 => "1012",
        1013 => "1013",
        1014 => "1014",
        3000..=3999 => "3xxx",
        4000..=4999 => "4xxx",
        _ => "_OTHER",
    }
}

pub(crate) fn error_type(ended: &Ended) -> Option<&'static str> {
    Some(match ended.error? {
        Error::Decode(_) => "invalid_frame",
        Error::Timeout(Timeout::Close) => "close_timeout",
        Error::Timeout(Timeout::Eof) => "eof_timeout",
        Error::Timeout(Timeout::Handshake) => "handshake_timeout",
        Error::Timeout(Timeout::Idle) => "idle_timeout",
        Error::Timeout(Timeout::Pong) => "pong_timeout",
        Error::UnexpectedEof => "unexpected_eof",
        // An invalid request or response, with the features `server` and `client`.
        _ => "invalid_handshake",
    })
}

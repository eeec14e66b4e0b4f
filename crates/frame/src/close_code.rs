use core::fmt;

/// The status code of a Close frame (RFC 6455 §7.4). Any number is representable. The registered codes below 3000 have
/// constants.
///
/// ```
/// use protocol_websocket_frame::CloseCode;
///
/// assert_eq!(CloseCode::from(1001), CloseCode::GOING_AWAY);
/// assert_eq!(u16::from(CloseCode::GOING_AWAY), 1001);
/// assert_eq!(format!("{:?}", CloseCode::GOING_AWAY), "CloseCode(1001, GOING_AWAY)");
/// assert!(CloseCode(4000).is_sendable() && !CloseCode::ABNORMAL.is_sendable());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct CloseCode(pub u16);

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal;)+) => {
        impl CloseCode {
            $($(#[doc = $doc])+ pub const $name: Self = Self($code);)+

            const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)+
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// The connection has fulfilled its purpose.
    NORMAL = 1000;
    /// The server shuts down, or the browser leaves the page.
    GOING_AWAY = 1001;
    /// The peer violated the protocol.
    PROTOCOL_ERROR = 1002;
    /// The endpoint does not accept this kind of data.
    UNSUPPORTED_DATA = 1003;
    /// The Close had no code. Never sent.
    NO_STATUS = 1005;
    /// The connection was lost without a Close. Never sent.
    ABNORMAL = 1006;
    /// The payload was invalid for its type, such as invalid UTF-8 in text.
    INVALID_PAYLOAD_DATA = 1007;
    /// The peer violated a policy that no other code describes.
    POLICY_VIOLATION = 1008;
    /// A message was too big to process.
    MESSAGE_TOO_BIG = 1009;
    /// The server did not negotiate an extension that the client requires.
    MANDATORY_EXTENSION = 1010;
    /// The endpoint met an unexpected condition.
    INTERNAL_ERROR = 1011;
    /// The service restarts.
    SERVICE_RESTART = 1012;
    /// The service is overloaded.
    TRY_AGAIN_LATER = 1013;
    /// A gateway received an invalid response from its upstream server.
    BAD_GATEWAY = 1014;
    /// The TLS handshake failed. Never sent.
    TLS_HANDSHAKE = 1015;
}

impl CloseCode {
    /// Returns whether a Close frame may have this code: a registered code that may be sent (1000–1003, 1007–1014), or a code
    /// for libraries and applications (3000–4999).
    ///
    /// ```
    /// use protocol_websocket_frame::CloseCode;
    ///
    /// assert!(CloseCode::NORMAL.is_sendable() && CloseCode(4000).is_sendable());
    /// assert!(!CloseCode(1005).is_sendable()); // reserved for a Close without a code
    /// ```
    #[must_use]
    pub const fn is_sendable(self) -> bool {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
        //# 1005 is a reserved value and MUST NOT be set as a status code in a Close control frame
        //# by an endpoint.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
        //# 1006 is a reserved value and MUST NOT be set as a status code in a Close control frame
        //# by an endpoint.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
        //# 1015 is a reserved value and MUST NOT be set as a status code in a Close control frame
        //# by an endpoint.
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    /// Returns whether a client that reconnects may succeed, because the condition that ended the connection is one
    /// of the server or of the network, and may pass. It should wait before (RFC 6455 §7.2.3).
    ///
    /// | codes | temporary | why |
    /// |---|---|---|
    /// | 1001, 1012 | yes | the server shuts down or restarts, and another one may take its place |
    /// | 1006 | yes | the connection was lost |
    /// | 1011, 1013, 1014 | yes | the server failed, is overloaded, or its upstream server failed |
    /// | 3008 | yes | registered by IANA as Timeout, like the status 408 of HTTP |
    /// | 1000, 1005 | no | the peer has finished, with or without a code |
    /// | 1002, 1003, 1007, 1008, 1009, 1010 | no | the same client would send the same again |
    /// | 1015 | no | the certificate is invalid, or the two ends have no TLS parameters in common |
    /// | 3000, 3003 | no | registered by IANA as Unauthorized and Forbidden |
    /// | other codes from 3000 | no | the library or application that uses the code has its meaning |
    /// | all others | no | not registered |
    ///
    /// ```
    /// use protocol_websocket_frame::CloseCode;
    ///
    /// assert!(CloseCode::SERVICE_RESTART.is_temporary() && !CloseCode::POLICY_VIOLATION.is_temporary());
    /// ```
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        matches!(
            self,
            Self::GOING_AWAY
                | Self::ABNORMAL
                | Self::INTERNAL_ERROR
                | Self::SERVICE_RESTART
                | Self::TRY_AGAIN_LATER
                | Self::BAD_GATEWAY
                | Self(3008)
        )
    }
}

/// Shows the number.
impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Shows the number, and the name of its constant if there is one.
impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "CloseCode({}, {name})", self.0),
            None => write!(f, "CloseCode({})", self.0),
        }
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_name_of_a_code() {
        assert_eq!(
            format!("{:?} {:?}", CloseCode::GOING_AWAY, CloseCode(4000)),
            "CloseCode(1001, GOING_AWAY) CloseCode(4000)"
        );
    }
}

use core::error::Error;
use core::fmt;

use protocol_websocket_http::{ParseError, ResponseError};

/// An error of the server: its response is not valid.
///
/// The client sends nothing and closes the connection.
///
/// `Display` writes the text of the wrapped error, and [`source`](Error::source) returns that error. A program that
/// prints an error and its sources should therefore print only one of the two.
///
/// ```
/// use protocol_websocket_handshake_client::{HandshakeError, http::ResponseError};
///
/// let error = HandshakeError::from(ResponseError::AcceptMissing);
/// assert_eq!(error, HandshakeError::Response(ResponseError::AcceptMissing));
/// assert_eq!(error.to_string(), "missing sec-websocket-accept");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The response is not HTTP/1.x, or its head and those of interim responses before it exceed a limit.
    Head(ParseError),
    /// The status is 101, but the response breaks a rule of RFC 6455 §4.1.
    Response(ResponseError),
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(error) => error.fmt(f),
            Self::Response(error) => error.fmt(f),
        }
    }
}

impl Error for HandshakeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Head(error) => Some(error),
            Self::Response(error) => Some(error),
        }
    }
}

impl From<ResponseError> for HandshakeError {
    fn from(error: ResponseError) -> Self {
        Self::Response(error)
    }
}

impl From<ParseError> for HandshakeError {
    fn from(error: ParseError) -> Self {
        Self::Head(error)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn errors_are_small() {
        const { assert!(size_of::<HandshakeError>() <= 24) };
    }

    #[test]
    fn wrapped_error_is_the_text_and_the_source() {
        let (response, head) = (ResponseError::AcceptWrong, ParseError::TooManyHeaders);
        for (error, text) in
            [(HandshakeError::from(response), response.to_string()), (HandshakeError::from(head), head.to_string())]
        {
            assert_eq!(error.to_string(), text);
            assert_eq!(error.source().map(ToString::to_string), Some(text));
        }
    }
}

use core::error::Error;
use core::fmt;

use protocol_websocket_http::{ParseError, ResponseError};

/// Why an answer is not taken: the server erred.
///
/// The client closes the connection; there is nothing to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The status is 101, but the answer breaks a rule of RFC 6455 §4.1.
    Answer(ResponseError),
    /// The answer is not HTTP/1.x, or its head and those of interim responses before it exceed a limit.
    Head(ParseError),
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(error) => error.fmt(f),
            Self::Head(error) => error.fmt(f),
        }
    }
}

impl Error for HandshakeError {}

impl From<ResponseError> for HandshakeError {
    fn from(error: ResponseError) -> Self {
        Self::Answer(error)
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
    fn what_an_error_wraps_speaks_for_itself() {
        let (answer, head) = (ResponseError::AcceptWrong, ParseError::TooManyHeaders);
        assert_eq!(HandshakeError::from(answer).to_string(), answer.to_string());
        assert_eq!(HandshakeError::from(head).to_string(), head.to_string());
    }
}

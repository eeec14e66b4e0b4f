use protocol_websocket_http::{Response, ResponseHead};

use crate::redirect::Redirect;

/// The outcome of a client's handshake.
///
/// The bytes after the response are still in the caller's input: frames, or a body.
///
/// ```
/// use protocol_websocket_handshake_client::Outcome;
///
/// fn describe(outcome: &Outcome) -> String {
///     match outcome {
///         Outcome::Open(response) => format!("open, subprotocol {:?}", response.negotiated().subprotocol),
///         Outcome::Redirect(redirect) => format!("redirected to {}", redirect.location()),
///         Outcome::Rejected(head) => format!("rejected with status {}", head.status()),
///         _ => "unknown outcome".into(),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The connection is open. [`Response::negotiated`] is the result of the handshake. [`Response::headers`] has the
    /// cookies that the server sets.
    Open(Response),
    /// The server redirects the client to another URL.
    Redirect(Redirect),
    /// The server rejected the request. The status and the header fields have the reason, such as a required
    /// authentication.
    Rejected(ResponseHead),
}

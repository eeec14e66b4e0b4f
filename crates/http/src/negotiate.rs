use alloc::vec::Vec;

use protocol_websocket_core::Role;

use crate::Extension;

/// An extension that one end is willing to use, with its wishes: the part of it that belongs to the handshake (RFC 6455
/// §9.1). What it does to frames is its [`Agreed`](Self::Agreed).
///
/// The same value serves both roles and any number of handshakes. A client [offers](Self::offers), a server
/// [answers](Self::answer) an offer or declines it, and both [agree](Self::agree) on that answer.
pub trait Negotiate {
    /// What the extension does to the frames of a connection, for both directions.
    type Agreed;

    /// The name under which it is registered, such as `permessage-deflate`.
    fn name(&self) -> &str;

    /// At a client: what to offer, the most wanted first.
    fn offers(&self) -> Vec<Extension>;

    /// At a server: the answer to one offer of this name, or `None` to decline it. A declined offer is no error: the
    /// client may have others, and the connection does without.
    fn answer(&self, offer: &Extension) -> Option<Extension>;

    /// At both ends: what `answer` comes to at `role`. `None` if it is no answer to any of our [`offers`](Self::offers),
    /// or, at a server, none that [`answer`](Self::answer) would give: a client has to fail the connection then.
    fn agree(&self, role: Role, answer: &Extension) -> Option<Self::Agreed>;
}

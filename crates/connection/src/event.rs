#[cfg(feature = "client")]
use alloc::boxed::Box;

use bytes::Bytes;
use protocol_websocket_frame::{Close, Message, Part};
#[cfg(feature = "client")]
use protocol_websocket_handshake_client::Redirect;
#[cfg(feature = "server")]
use protocol_websocket_handshake_server::Upgrade;
use protocol_websocket_http::Negotiated;
#[cfg(feature = "client")]
use protocol_websocket_http::ResponseHead;

/// What came of the peer's bytes.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// At a server: a client asks to be let in. Nothing more is read until it is answered, by
    /// [`Server::accept`](crate::Server) or [`Server::reject`](crate::Server::reject).
    #[cfg(feature = "server")]
    Upgrade(Upgrade),
    /// The handshake is done, and this was agreed on. Messages may go both ways.
    Open(Negotiated),
    /// At a client: the server sends us elsewhere. It is over here; the answer's body, if any, is left in the input.
    #[cfg(feature = "client")]
    Redirect(Box<Redirect>),
    /// At a client: the server says no. It is over; the answer's body, if any, is left in the input.
    #[cfg(feature = "client")]
    Rejected(Box<ResponseHead>),
    /// A whole message.
    Message(Message),
    /// A piece of a message, with [`Delivery::Parts`](protocol_websocket_frame::Delivery::Parts).
    Part(Part),
    /// The peer asks whether we are there. It was answered already, unless
    /// [`Config::auto_pong`](crate::Config::auto_pong) is off.
    Ping(Bytes),
    /// The peer answers a ping, or just shows that it is there.
    Pong(Bytes),
    /// The peer closes, with a code and a reason or without. The answer is in the output already; nothing more comes.
    Close(Option<Close>),
}

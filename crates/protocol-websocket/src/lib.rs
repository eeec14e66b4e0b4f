//! WebSocket without I/O: bytes in, events out; messages in, bytes out.
//!
//! A program has a transport and two buffers: `input` has the bytes that were received, `output` the bytes to send.
//! This crate implements the protocol between them: the opening handshake, frames and messages, pings, the closing
//! handshake, deadlines.
//!
//! | to write | use |
//! |---|---|
//! | a server | [`Server`], from the first byte of the request |
//! | a client | [`Client`], from a URL |
//! | a server with an HTTP library | [`Connection::respond`], from a request that the library parsed |
//! | an event loop with one socket for each connection | [`Session`], which has the buffers |
//! | a function for both roles | [`Connection`], to which `Server` and `Client` dereference |
//!
//! A server loop has five concepts: the server, its [`Config`], [`Event`]s, and the two buffers. The [`guide`] explains
//! them step by step, and shows complete programs for tokio, axum, hyper and threads.
//!
//! # A server
//!
#![cfg_attr(feature = "server", doc = "```")]
#![cfg_attr(not(feature = "server"), doc = "```ignore")]
//! use bytes::BytesMut;
//! use protocol_websocket::{Accept, Config, Event, Server};
//!
//! /// Handles received bytes. Write `output` to the transport afterwards, also after an error.
//! fn on_read(
//!     server: &mut Server,
//!     input: &mut BytesMut,
//!     output: &mut BytesMut,
//! ) -> Result<(), Box<dyn std::error::Error>> {
//!     while let Some(event) = server.receive(input, output)? {
//!         match event {
//!             Event::Upgrade(upgrade) => server.accept(upgrade, &Accept::new(), output)?,
//!             Event::Message(message) => server.send(message, output)?,
//!             _ => {}
//!         }
//!     }
//!     Ok(())
//! }
//!
//! let mut server = Server::new(Config::new());
//! let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
//! // After each read from the transport:
//! input.extend_from_slice(
//!     b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
//!       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
//! );
//! on_read(&mut server, &mut input, &mut output)?;
//! assert!(output.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # A client
//!
//! A client writes its request first. For its mask keys it needs random bytes that an attacker cannot predict:
//!
#![cfg_attr(all(feature = "client", feature = "getrandom", feature = "url"), doc = "```")]
#![cfg_attr(not(all(feature = "client", feature = "getrandom", feature = "url")), doc = "```ignore")]
//! use bytes::BytesMut;
//! use protocol_websocket::{Client, Config, Offer, OsRandom, Url};
//!
//! let url = Url::parse("ws://example.com/chat")?;
//! let mut output = BytesMut::new();
//! let client = Client::connect(&url, &Offer::new(), Config::new(), OsRandom::new(), &mut output)?;
//! // Connect a socket to url.socket_host() and url.port(), write `output`, and continue as the server does.
//! assert!(output.starts_with(b"GET /chat HTTP/1.1\r\n"));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # What this crate does not do
//!
//! Sockets, TLS, name lookup, threads, runtimes, clocks and logging are the responsibility of the program.
//!
//! # Parts
//!
//! This crate has no code of its own: it re-exports crates that can be used alone.
//!
//! | here | crate | subject | in Perl's `Protocol::WebSocket` |
//! |---|---|---|---|
//! | [`Client`], [`Server`], [`Connection`], [`Session`] | `protocol-websocket-connection` | a connection from the first byte to the last | `Client`, `Server` |
//! | [`Frame`], [`Decoder`], [`Message`], [`mod@frame`] | `protocol-websocket-frame` | frames, messages, extensions | `Frame` |
//! | [`ClientHandshake`] | `protocol-websocket-handshake-client` | the client's opening handshake | `Handshake::Client` |
//! | [`ServerHandshake`], [`Upgrade`] | `protocol-websocket-handshake-server` | the server's opening handshake | `Handshake::Server` |
//! | [`Request`], [`Response`], [`mod@http`] | `protocol-websocket-http` | the heads of the handshake, cookies, refusals | `Request`, `Response`, `Cookie` |
//! | `PermessageDeflate` | `protocol-websocket-permessage-deflate` | compressed messages | |
//! | [`Url`] | `protocol-websocket-url` | `ws://` and `wss://` URLs | `URL` |
//! | [`Version`], [`Role`], [`Random`] | `protocol-websocket-core` | types that the other crates share | |
//!
//! After `use protocol_websocket::*`, the name `http` would mean [`mod@http`] and no longer the `http` crate. Import names
//! one by one, or write `::http` for that crate.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `client` | on | [`Client`], [`ClientHandshake`] |
//! | `server` | on | [`Server`], [`ServerHandshake`], [`Connection::respond`] |
//! | `url` | on | [`Url`], and with it the `url` crate and its tables of international names |
//! | `getrandom` | on | [`OsRandom`]: random bytes from the operating system |
//! | `simd` | on | the widest instructions of the processor for masking 256 bytes and more, and with them `fearless_simd` |
//! | `std` | on | the widest instructions of the processor for text and heads, detected at run time; one key for all `OsRandom` of a thread |
//! | `permessage-deflate` | off | `PermessageDeflate` for [`Config::extension`], and with it `flate2` |
//! | `http` | off | conversions from and to the types of the `http` crate |
//! | `serde` | off | `Serialize` and `Deserialize` for close codes, limits, timeouts and versions |
//!
//! No feature is needed for correct behaviour. Without `std` the crate needs `alloc`.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(all(any(doc, doctest), feature = "client", feature = "getrandom", feature = "server", feature = "url"))]
pub mod guide;

#[cfg(feature = "client")]
pub use protocol_websocket_connection::Client;
#[cfg(feature = "server")]
pub use protocol_websocket_connection::Server;
pub use protocol_websocket_connection::{
    Backoff, Config, Connection, Direction, Ended, EndedBy, Error, Event, EventRef, Observation, ObservedFrame,
    ObservedHead, Observer, Opened, Outbox, Prepared, ReceiveHalf, Reply, SendError, SendHalf, Session, SessionParts,
    StartLine, State, Stats, Suspended, Timeout, Timeouts,
};
#[cfg(feature = "getrandom")]
pub use protocol_websocket_core::OsRandom;
pub use protocol_websocket_core::{ExtensionParams, Random, Role, UnknownVersionError, Version};
pub use protocol_websocket_frame as frame;
pub use protocol_websocket_frame::{
    AsMessage, Assembler, Close, CloseCode, DecodeError, Decoder, Delivery, EncodeError, ExtensionDecoder,
    ExtensionEncoder, ExtensionPair, Frame, FrameHeader, LentMessage, Limits, Message, MessageKind, MessageRef,
    Negotiate, OpCode, Part, Payload, ResumeError, Rsv, StateReader, StateWriter, SuspendError, Utf8Bytes, bytes,
};
#[cfg(feature = "client")]
pub use protocol_websocket_handshake_client::{ClientDestination, ClientHandshake, HandshakeError, Outcome, Redirect};
#[cfg(feature = "server")]
pub use protocol_websocket_handshake_server::{Accepted, AwaitingKey3, ServerHandshake, Upgrade};
pub use protocol_websocket_http as http;
pub use protocol_websocket_http::{
    Accept, BuildError, Destination, HeadLimits, Negotiated, Offer, ParseError, Reject, Request, Response,
    ResponseError, ResponseHead, SentRequest, Versions,
};
#[cfg(feature = "permessage-deflate")]
pub use protocol_websocket_permessage_deflate::{Deflater, Inflater, PermessageDeflate};
#[cfg(feature = "url")]
pub use protocol_websocket_url::{Url, UrlError};

//! WebSocket without I/O: bytes in, events out; messages in, bytes out.
//!
//! This crate is the whole of protocol-websocket under one name. It adds nothing of its own: each part is a crate that
//! can be used alone, and the table says which one holds what.
//!
//! | here | crate | holds | in Perl's `Protocol::WebSocket` |
//! |---|---|---|---|
//! | [`Client`], [`Server`], [`Connection`] | `protocol-websocket-connection` | the protocol from the first byte to the last | `Client`, `Server` |
//! | [`Frame`], [`Decoder`], [`Message`], [`mod@frame`] | `protocol-websocket-frame` | frames and messages | `Frame` |
//! | [`ClientHandshake`] | `protocol-websocket-handshake-client` | the client's opening handshake | `Handshake::Client` |
//! | [`ServerHandshake`], [`Upgrade`] | `protocol-websocket-handshake-server` | the server's opening handshake | `Handshake::Server` |
//! | [`Request`], [`Response`], [`mod@http`] | `protocol-websocket-http` | request and answer, cookies | `Request`, `Response`, `Cookie` |
//! | `PermessageDeflate` | `protocol-websocket-permessage-deflate` | compressed messages | |
//! | [`Url`] | `protocol-websocket-url` | `ws://` and `wss://` | `URL` |
//! | [`Version`], [`Role`], [`Random`] | `protocol-websocket-core` | the words that all of them share | |
//!
//! # In scope
//!
//! - RFC 6455 in both roles, strict: everything a peer sends is checked, and refused with the right words.
//! - The drafts before it, hybi-10, hybi-00 and hixie-75: a server speaks what [`Config::versions`] says, by default all of
//!   them; a client what [`Offer::version`] says.
//! - Limits on all that a peer can make us hold, enforced before memory is taken.
//!
//! # Out of scope
//!
//! - Sockets, TLS, threads, clocks, runtimes: an event loop has its own. The examples show three.
//!
//! # A tour
//!
//! **A server** reads into one buffer and writes from another. Between the two stands [`Server`]:
//!
#![cfg_attr(feature = "server", doc = "```")]
#![cfg_attr(not(feature = "server"), doc = "```ignore")]
//! use bytes::BytesMut;
//! use protocol_websocket::{Accept, Config, Event, Server};
//!
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
//! # let mut input = BytesMut::from("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
//! #     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
//! # let mut output = BytesMut::new();
//! # on_read(&mut server, &mut input, &mut output)?;
//! # assert!(output.starts_with(b"HTTP/1.1 101 "));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! **A client** begins by writing, and needs a source of mask keys that nobody can predict:
//!
#![cfg_attr(all(feature = "client", feature = "getrandom"), doc = "```")]
#![cfg_attr(not(all(feature = "client", feature = "getrandom")), doc = "```ignore")]
//! use bytes::BytesMut;
//! use protocol_websocket::{Client, Config, Offer, OsRandom, Url};
//!
//! let url = Url::parse("ws://example.com/chat")?;
//! let mut output = BytesMut::new();
//! let client = Client::connect(&url, &Offer::new(), Config::new(), OsRandom::new(), &mut output)?;
//! // Connect a socket to url.socket_host() and url.port(), write output, and go on as the server does.
//! # assert!(output.starts_with(b"GET /chat HTTP/1.1\r\n"));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! **A server with a parser of its own** hands over what it has parsed, by [`Upgrade`] and [`Connection`]; **a relay**
//! passes messages on in parts between two [`Connection`]s, and one that checks nothing needs no more than [`FrameHeader`]
//! and [`frame::mask()`]; **a browser game** takes messages in parts with
//! [`Delivery::Parts`]. `docs/integrating.md` in the repository walks through each.
//!
//! # Features
//!
//! | feature | default | brings |
//! |---|---|---|
//! | `client` | on | [`Client`], [`ClientHandshake`], [`Url`], and with them the `url` crate |
//! | `server` | on | [`Server`], [`ServerHandshake`] |
//! | `getrandom` | on | [`OsRandom`] |
//! | `std` | on | SIMD instructions found at run time; nothing needs it to be correct |
//! | `permessage-deflate` | off | `PermessageDeflate` for [`Config::extension`], and with it `flate2` |
//! | `http` | off | conversions from and to the types of the `http` crate |
//! | `split` | off | `Connection::split`, for a reading and a writing task |
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "client")]
pub use protocol_websocket_connection::Client;
#[cfg(any(feature = "client", feature = "server"))]
pub use protocol_websocket_connection::Endpoint;
#[cfg(feature = "server")]
pub use protocol_websocket_connection::Server;
pub use protocol_websocket_connection::{Config, Connection, Error, Event, SendError, State, Timeout, Timeouts};
#[cfg(feature = "split")]
pub use protocol_websocket_connection::{ReceiveHalf, SendHalf};
#[cfg(feature = "getrandom")]
pub use protocol_websocket_core::OsRandom;
pub use protocol_websocket_core::{Random, Role, UnknownVersionError, Version};
pub use protocol_websocket_frame as frame;
pub use protocol_websocket_frame::{
    Assembler, Close, CloseCode, DecodeError, Decoder, Delivery, EncodeError, Frame, FrameHeader, Limits, Message,
    MessageKind, OpCode, Part, Utf8Bytes, bytes,
};
#[cfg(feature = "client")]
pub use protocol_websocket_handshake_client::{ClientHandshake, HandshakeError, Outcome, Redirect};
#[cfg(feature = "server")]
pub use protocol_websocket_handshake_server::{Accepted, AwaitingKey3, ServerHandshake, Upgrade};
pub use protocol_websocket_http as http;
pub use protocol_websocket_http::{
    Accept, BuildError, HeadLimits, Negotiated, Offer, ParseError, Reject, Request, Response, ResponseError, Versions,
};
#[cfg(feature = "permessage-deflate")]
pub use protocol_websocket_permessage_deflate::{Deflater, Inflater, PermessageDeflate};
#[cfg(feature = "client")]
pub use protocol_websocket_url::{Url, UrlError};

#[cfg(all(doctest, feature = "client", feature = "getrandom", feature = "server"))]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(all(doctest, feature = "client", feature = "getrandom", feature = "server"))]
#[doc = include_str!("../../../docs/integrating.md")]
struct Integrating;

#[cfg(all(doctest, feature = "client", feature = "getrandom", feature = "server"))]
#[doc = include_str!("../../../docs/perl-map.md")]
struct PerlMap;

#[cfg(all(doctest, feature = "client", feature = "getrandom", feature = "server"))]
#[doc = include_str!("../../../docs/security.md")]
struct Security;

#[cfg(all(doctest, feature = "client", feature = "getrandom", feature = "server"))]
#[doc = include_str!("../../../docs/versions.md")]
struct VersionsOnTheWire;

//! `ws://` and `wss://` URLs: host, port, resource name and the value of `Host`.
//!
//! # In scope
//!
//! - [`Url::parse`]: RFC 6455 §3 over the WHATWG parser of the `url` crate, so that IDNA, IP addresses, dot segments and
//!   percent-encoding are those of browsers. [`Url`] lists the normalization. Spaces, line ends, backslashes, and missing or
//!   extra slashes, which that parser would repair, are errors.
//! - [`Url::join`]: resolves the target of a redirect.
//!
//! # Out of scope
//!
//! - Resolving names and connecting: [`Url::socket_host`] and [`Url::port`] are for a resolver.
//! - Sending credentials: [`Url::credentials`] returns them, and no other function does.
//!
//! # Example
//!
//! ```
//! use protocol_websocket_url::{Url, UrlError};
//!
//! let url = Url::parse("wss://[2001:db8::1]:8443?room=7")?;
//! assert!(url.is_secure());
//! assert_eq!(url.socket_host(), "2001:db8::1");
//! assert_eq!(url.port(), 8443);
//! assert_eq!(url.authority(), "[2001:db8::1]:8443");
//! assert_eq!(url.resource_name(), "/?room=7");
//!
//! assert_eq!(Url::parse("ws://example.com/chat#top"), Err(UrlError::Fragment));
//! # Ok::<(), UrlError>(())
//! ```
//!
//! # Features
//!
//! None. The crate is `no_std` and needs `alloc`.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod error;
mod url;

pub use self::error::UrlError;
pub use self::url::Url;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! The words that the `protocol-websocket` crates share: [`Version`], [`Role`] and [`Random`].
//!
//! # In scope
//!
//! Types that two sibling crates would otherwise each define for themselves.
//!
//! # Out of scope
//!
//! Everything else. Frames are in `protocol-websocket-frame`, heads in `protocol-websocket-http`.
//!
//! # Example
//!
//! ```
//! use protocol_websocket_core::{Role, Version};
//!
//! assert_eq!(Version::default(), Version::Rfc6455);
//! assert_eq!(Version::Rfc6455.to_string(), "RFC 6455");
//! assert_eq!("draft-ietf-hybi-17".parse(), Ok(Version::Rfc6455));
//! assert_eq!(Role::Client.peer(), Role::Server);
//! ```
//!
//! # Features
//!
//! - `getrandom` (off): `OsRandom`, a [`Random`] keyed by the operating system's generator.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod extension;
mod random;
mod role;
mod version;

pub use extension::ExtensionParams;
#[cfg(feature = "getrandom")]
pub use random::OsRandom;
pub use random::Random;
pub use role::Role;
pub use version::{UnknownVersionError, Version};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

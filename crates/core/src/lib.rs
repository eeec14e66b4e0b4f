//! The types that the `protocol-websocket` crates share: [`Version`], [`Role`], [`ExtensionParams`] and [`Random`].
//!
//! # In scope
//!
//! Types that two or more of the crates need, so that neither depends on the other for them.
//!
//! # Out of scope
//!
//! Frames (`protocol-websocket-frame`) and HTTP heads (`protocol-websocket-http`).
//!
//! # Example
//!
//! ```
//! use protocol_websocket_core::{ExtensionParams, Role, Version};
//!
//! assert_eq!(Version::default(), Version::Rfc6455);
//! assert_eq!(Version::Rfc6455.to_string(), "RFC 6455");
//! assert_eq!(Role::Client.peer(), Role::Server);
//! let deflate = ExtensionParams::new("permessage-deflate").flag("client_max_window_bits");
//! assert_eq!(deflate.to_string(), "permessage-deflate; client_max_window_bits");
//! ```
//!
//! # Features
//!
//! - `getrandom` (off): `OsRandom`, a [`Random`] with a key from the operating system.
//! - `std` (off): all `OsRandom` of a thread share one key, and have no size.
//! - `serde` (off): `Serialize` and `Deserialize` for [`Version`].
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod extension;
#[cfg(feature = "getrandom")]
mod os_random;
mod random;
mod role;
mod version;

pub use extension::ExtensionParams;
#[cfg(feature = "getrandom")]
pub use os_random::OsRandom;
pub use random::Random;
pub use role::Role;
pub use version::{UnknownVersionError, Version};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

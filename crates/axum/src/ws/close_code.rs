//! The close codes, with the names of axum. The constants of [`CloseCode`](crate::CloseCode) have those of the registry.

/// 1000: the purpose of the connection is fulfilled.
pub const NORMAL: u16 = 1000;
/// 1001: the server stops, or the browser leaves the page.
pub const AWAY: u16 = 1001;
/// 1002: the peer broke a rule of the protocol.
pub const PROTOCOL: u16 = 1002;
/// 1003: the kind of the data is not accepted.
pub const UNSUPPORTED: u16 = 1003;
/// 1005: the Close has no code. It is never sent.
pub const STATUS: u16 = 1005;
/// 1006: the connection ended without a Close. It is never sent.
pub const ABNORMAL: u16 = 1006;
/// 1007: the data of a message is invalid, such as text that is not UTF-8.
pub const INVALID: u16 = 1007;
/// 1008: a message breaks a rule of the application.
pub const POLICY: u16 = 1008;
/// 1009: a message is too long.
pub const SIZE: u16 = 1009;
/// 1010: the server did not accept an extension that the client needs.
pub const EXTENSION: u16 = 1010;
/// 1011: the server had an unexpected error.
pub const ERROR: u16 = 1011;
/// 1012: the server restarts.
pub const RESTART: u16 = 1012;
/// 1013: the server is overloaded.
pub const AGAIN: u16 = 1013;

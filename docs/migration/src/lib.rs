//! The code blocks of the pages for users of other libraries, as doctests, so that both sides compile.
//!
//! A code block with the attribute `no_run` needs a network. A code block without a function `main` is only compiled. The
//! others run. `tests/` checks what the pages state about the behaviour of the other libraries.

#[doc = include_str!("../../from-tokio-tungstenite.md")]
pub mod from_tokio_tungstenite {}

#[doc = include_str!("../../from-axum.md")]
pub mod from_axum {}

#[doc = include_str!("../../from-fastwebsockets-tokio-websockets-yawc.md")]
pub mod from_fastwebsockets_tokio_websockets_yawc {}

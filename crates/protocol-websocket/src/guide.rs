//! The guide: how to use this crate, page by page.
//!
#![cfg_attr(feature = "http", doc = "1. [`programs`]: echo servers in axum, hyper and a loop of threads.")]
#![cfg_attr(
    not(feature = "http"),
    doc = "1. `programs`, with the feature `http`: echo servers in several event loops."
)]
//! 2. [`integrating`]: the library in an event loop, step by step: receive, send, events, end of input, close, timers.
//! 3. [`security`]: known attacks, limits, and the duties of the event loop.
//! 4. [`hand_over`]: update a server without closing a connection.
//! 5. [`observing`]: how to find out why connections fail, with counters, a log and metrics.
//! 6. [`recording`]: a log of connections, and how to replay it.
//! 7. [`versions`]: the four versions of the protocol, and how to support fewer.
//! 8. [`perl`]: from Perl's `Protocol::WebSocket`, method by method.
//! 9. [`design`]: why the library is built as it is.
//!
//! The [guide of `protocol-websocket-testkit`][testkit] shows how to test a WebSocket program.
//!
//! [testkit]: https://docs.rs/protocol-websocket-testkit/latest/protocol_websocket_testkit/guide/
//!
//! The modules here are pages without items. They exist only in the documentation.

// The pages are symbolic links to docs/ in the repository. Their links to each other have labels, which each page
// defines at its end for readers of the repository. The definitions here come first, so rustdoc uses them.

/// The library in an event loop, step by step.
///
/// [frameworks]: https://github.com/protocol-websocket/protocol-websocket/tree/main/docs/frameworks
/// [http3]: https://github.com/protocol-websocket/protocol-websocket/tree/main/docs/http3
/// [security#load-and-faults]: security#load-and-faults
/// [security#promises]: security#promises
/// [versions]: versions
///
#[doc = include_str!("../docs/integrating.md")]
// Two code blocks of the page need the feature.
#[cfg(any(not(doctest), feature = "permessage-deflate"))]
pub mod integrating {}

/// Update a server without closing a connection: another process continues with the state and the socket of each connection.
///
/// [example]: https://github.com/protocol-websocket/protocol-websocket/blob/main/crates/tokio/examples/hand_over.rs
///
#[doc = include_str!("../docs/hand-over.md")]
// A code block of the page needs the feature.
#[cfg(any(not(doctest), feature = "permessage-deflate"))]
pub mod hand_over {}

/// The four versions of the protocol: what each can carry, how a server detects them, how to support fewer.
///
/// [perl-map]: perl
///
#[doc = include_str!("../docs/versions.md")]
pub mod versions {}

/// Known attacks and the defence against each, limits, and what the event loop must do.
///
/// [SECURITY.md]: https://github.com/protocol-websocket/protocol-websocket/blob/main/SECURITY.md
/// [api]: https://github.com/protocol-websocket/protocol-websocket/tree/main/docs/api
/// [coverage]: https://github.com/protocol-websocket/protocol-websocket/blob/main/docs/coverage.md
/// [deny.toml]: https://github.com/protocol-websocket/protocol-websocket/blob/main/deny.toml
/// [hand-over]: hand_over
/// [integrating#1-receive]: integrating#1-receive
/// [integrating#5-close]: integrating#5-close
/// [recording]: recording
///
#[doc = include_str!("../docs/security.md")]
pub mod security {}

/// From Perl's `Protocol::WebSocket` to this crate, method by method.
///
/// [frameworks]: https://github.com/protocol-websocket/protocol-websocket/tree/main/docs/frameworks
/// [integrating]: integrating
/// [versions]: versions
///
#[doc = include_str!("../docs/perl-map.md")]
pub mod perl {}

/// A log of connections as JSON lines: record, read, replay, open in a browser, convert to a test.
///
#[doc = include_str!("../docs/recording.md")]
pub mod recording {}

/// How to find out why connections fail: counters of a connection, a log, and metrics.
///
/// [recording]: recording
///
#[doc = include_str!("../docs/observing.md")]
// Its code blocks need other crates. The crate `protocol-websocket-observe` tests them.
#[cfg(not(doctest))]
pub mod observing {}

/// Why the library is built as it is: one paragraph for each decision.
///
/// [architecture]: https://github.com/protocol-websocket/protocol-websocket/blob/main/docs/architecture.md
/// [arrows]: https://github.com/protocol-websocket/protocol-websocket/blob/main/docs/architecture.md#the-arrows
/// [integrating]: integrating
///
#[doc = include_str!("../docs/design.md")]
pub mod design {}

/// Echo servers in axum, hyper and a loop of threads, as complete programs. For tokio, the crate
/// [`protocol-websocket-tokio`](https://docs.rs/protocol-websocket-tokio) has the loop, for axum
/// [`protocol-websocket-axum`](https://docs.rs/protocol-websocket-axum), and for hyper
/// [`protocol-websocket-hyper`](https://docs.rs/protocol-websocket-hyper).
///
/// # axum
///
/// ```sh
/// cargo add protocol-websocket --features http
/// cargo add axum bytes hyper
/// cargo add hyper-util --features tokio
/// cargo add tokio --features full
/// ```
///
/// ```no_run
#[doc = include_str!("../examples/readme_axum.rs")]
/// ```
///
/// # hyper
///
/// ```sh
/// cargo add protocol-websocket --features http
/// cargo add bytes http-body-util
/// cargo add hyper --features http1,server
/// cargo add hyper-util --features tokio
/// cargo add tokio --features full
/// ```
///
/// ```no_run
#[doc = include_str!("../examples/readme_hyper.rs")]
/// ```
///
/// # A loop of threads
///
/// ```sh
/// cargo add protocol-websocket bytes
/// ```
///
/// ```no_run
#[doc = include_str!("../examples/echo.rs")]
/// ```
#[cfg(feature = "http")]
pub mod programs {}

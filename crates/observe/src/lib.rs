//! Observers for the connections of [`protocol_websocket_connection`]: events of `tracing`, and metrics of OpenTelemetry.
//!
//! An observer is added to the configuration of a connection. So it works with the crates for tokio, hyper, axum and blocking
//! streams, and with an event loop of the program.
//!
#![cfg_attr(feature = "tracing", doc = "```")]
#![cfg_attr(not(feature = "tracing"), doc = "```ignore")]
//! use protocol_websocket_connection::Config;
//! use protocol_websocket_observe::TracingObserver;
//!
//! let config = Config::new().observer(TracingObserver::new);
//! # let _ = config;
//! ```
//!
//! # Features
//!
//! - `tracing` (on): `TracingObserver`, with a span for each connection, and events for its heads, opening, frames and end.
//! - `metrics` (off): `Metrics`, with counters and histograms for a `Meter` of the crate `opentelemetry`.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "metrics")]
mod labels;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "tracing")]
mod tracing_observer;

#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub use metrics::{Metrics, MetricsObserver};
/// The crate of the observed connections.
#[doc(no_inline)]
pub use protocol_websocket_connection;
#[cfg(feature = "tracing")]
#[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
pub use tracing_observer::TracingObserver;

#[cfg(all(doctest, feature = "tracing", feature = "metrics"))]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(all(doctest, feature = "tracing", feature = "metrics"))]
#[doc = include_str!("../../../docs/observing.md")]
struct Guide;

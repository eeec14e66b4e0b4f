//! A log of WebSocket connections as JSON lines, which an observer records. A log can be read with limits, compared and
//! exported as a HAR file.
//!
//! - [`Recorder`] writes the log. It creates observers for a
//!   [`Config`](protocol_websocket_connection::Config::observer), so any client or server of this library can be recorded.
//! - [`Log`] reads a log, record by record, with limits and typed errors.
//! - [`Recording`] is a whole log in memory: its connections with their messages. [`RecordedMessage::is_same`] compares a message
//!   with a recorded one, and [`Recording::write_har`] writes a HAR file with the fields of Chromium's exports.
//!
//! The program `wsconsole` records with `--record`, and replays with `--replay`. `docs/recording.md` in the repository has the
//! format.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod connection_recorder;
mod har;
mod line;
mod log;
mod mask;
mod record;
mod recorder;
mod recording;
mod timestamp;

pub use connection_recorder::ConnectionRecorder;
pub use log::{Log, LogError, LogErrorKind};
pub use record::{
    Entry, Record, RecordedEnd, RecordedFrame, RecordedHead, RecordedOpen, RecordedPayload, StartLine, Value,
};
pub use recorder::{Payloads, Recorder};
pub use recording::{RecordedConnection, RecordedMessage, Recording};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

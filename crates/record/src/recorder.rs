//! [`Recorder`], which the connections of a program share, and the log that it writes.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use protocol_websocket_connection::{Direction, Role};

use crate::connection_recorder::ConnectionRecorder;
use crate::line::{FORMAT, FirstLine, Line, VERSION};
use crate::timestamp::rfc3339;

/// Writes a log of connections, with one JSON object on each line. `docs/recording.md` has the format.
///
/// The connections of a program share a recorder. Each line is written and flushed as a whole under one lock, by the thread
/// that uses the connection, so the writer should be fast. If the program stops, the log is complete except perhaps for its
/// last line. A recorder has one buffer of 8 KiB, and with [`input`](Self::input) at most 64 KiB for each connection in its
/// opening handshake.
///
/// By default, a log has all payloads, and neither the received bytes nor the secrets of the opening handshake. These are
/// masked: the query and the credentials of the target, the subprotocol, and the values of all header fields except those that
/// are never secret. `Debug` of a request hides the same values. *Payloads are not masked.*
///
/// An error of the writer ends the log and does not affect the connections. [`take_error`](Self::take_error) returns the error.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Config, Connection, Negotiated};
/// use protocol_websocket_record::Recorder;
/// # use std::io::Write;
/// # use std::sync::{Arc, Mutex};
/// # #[derive(Clone, Default)]
/// # struct Buffer(Arc<Mutex<Vec<u8>>>);
/// # impl Write for Buffer {
/// #     fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> { self.0.lock().unwrap().write(bytes) }
/// #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
/// # }
/// # let file = Buffer::default();
///
/// let recorder = Recorder::new(file.clone());
/// let config = Config::new().observer(move |role| recorder.connection(role));
/// let mut server = Connection::open_server(&Negotiated::default(), config);
/// server.send("Hello", &mut BytesMut::new())?;
///
/// let log = String::from_utf8(file.0.lock().unwrap().clone())?;
/// assert_eq!(log.lines().count(), 4); // the first line, the connection, its opening, its frame
/// assert!(log.ends_with("\"text\":\"Hello\"}\n"));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Recorder {
    pub(crate) options: Options,
    log: Arc<SharedLog>,
}

/// The settings of a recorder, and the log that all clones share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// How the payloads of received and of sent frames are recorded.
    received: Payloads,
    sent: Payloads,
    pub(crate) has_input: bool,
    pub(crate) keeps_secrets: bool,
}

impl Options {
    /// Returns how the payload of a frame is recorded. Control frames are hashed if the payloads of any direction are hashed,
    /// because a Pong and the response to a Close repeat a received payload.
    pub(crate) const fn payloads(&self, direction: Direction, is_control: bool) -> Payloads {
        match (direction, is_control) {
            (_, true) if self.has_hashes() => Payloads::Hashed,
            (Direction::Received, _) => self.received,
            (Direction::Sent, _) => self.sent,
        }
    }

    /// Returns whether the payloads of any direction are hashed. If so, the reason of the end is not recorded, either.
    pub(crate) const fn has_hashes(&self) -> bool {
        matches!((self.received, self.sent), (Payloads::Hashed, _) | (_, Payloads::Hashed))
    }
}

/// How payloads are recorded: see [`Recorder::payloads`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Payloads {
    /// The payloads are recorded.
    #[default]
    Whole,
    /// The length of each payload is recorded, and the SHA-256 of each message and of each control frame.
    Hashed,
}

impl Recorder {
    /// Creates a recorder, and writes the first line. The writer is dropped with the last clone and the last connection.
    #[must_use]
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        let writer: Box<dyn Write + Send> = Box::new(writer);
        let sink = Sink { writer: Some(BufWriter::new(writer)), error: None };
        let log = SharedLog { start: Instant::now(), connections: AtomicU64::new(0), sink: Mutex::new(sink) };
        let start = rfc3339(SystemTime::now());
        log.write(|_| FirstLine { format: FORMAT, version: VERSION, start });
        let options =
            Options { received: Payloads::Whole, sent: Payloads::Whole, has_input: false, keeps_secrets: false };
        Self { options, log: Arc::new(log) }
    }

    /// Sets how the payloads of one direction are recorded. The default is [`Payloads::Whole`]. If the payloads of any
    /// direction are hashed, the payloads of all control frames are hashed, too, and the reason of the end is not recorded.
    ///
    /// Only a log with the payloads that the client sent can be replayed. The payloads of the server can be hashed, because a
    /// replay can compare hashes.
    #[must_use]
    pub const fn payloads(mut self, direction: Direction, payloads: Payloads) -> Self {
        match direction {
            Direction::Received => self.options.received = payloads,
            Direction::Sent => self.options.sent = payloads,
        }
        self
    }

    /// Sets whether the received bytes are recorded, so that a failure can be repeated. The default is `false`. These bytes
    /// contain the payloads, even if the payloads of frames are hashed. The bytes of the opening handshake contain secrets, and
    /// are recorded only with [`keep_secrets`](Self::keep_secrets).
    #[must_use]
    pub const fn input(mut self, is_recorded: bool) -> Self {
        self.options.has_input = is_recorded;
        self
    }

    /// Sets whether the log has the secrets of the opening handshake. The default is `false`.
    #[must_use]
    pub const fn keep_secrets(mut self, keep: bool) -> Self {
        self.options.keeps_secrets = keep;
        self
    }

    /// Returns the observer of a new connection, which gets the next number:
    /// `Config::new().observer(move |role| recorder.connection(role))`.
    #[must_use]
    pub fn connection(&self, role: Role) -> ConnectionRecorder {
        let number = self.log.connections.fetch_add(1, Ordering::Relaxed) + 1;
        ConnectionRecorder::new(self.clone(), number, role)
    }

    /// Returns the error of the writer that ended the log. A second call returns `None`.
    #[must_use]
    pub fn take_error(&self) -> Option<io::Error> {
        self.log.lock().error.take()
    }

    /// Writes a line of a connection.
    pub(crate) fn write(&self, connection: u64, line: Line<'_>) {
        self.log.write(|time| Line { time, connection, ..line });
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("options", &self.options).finish_non_exhaustive()
    }
}

/// The log of all clones of a recorder.
struct SharedLog {
    start: Instant,
    /// The number of connections so far.
    connections: AtomicU64,
    sink: Mutex<Sink>,
}

struct Sink {
    /// `None` after an error.
    writer: Option<BufWriter<Box<dyn Write + Send>>>,
    error: Option<io::Error>,
}

impl SharedLog {
    fn lock(&self) -> std::sync::MutexGuard<'_, Sink> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the line that `line` returns for the current time. The time is read inside the lock, so that the times of the
    /// lines do not decrease.
    fn write<L: serde::Serialize>(&self, line: impl FnOnce(u64) -> L) {
        let sink = &mut *self.lock();
        let Some(writer) = &mut sink.writer else { return };
        let time = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let written = serde_json::to_writer(&mut *writer, &line(time)).map_err(io::Error::from);
        if let Err(error) = written.and_then(|()| writer.write_all(b"\n")).and_then(|()| writer.flush()) {
            sink.error = Some(error);
            // `into_parts` discards the rest of the buffer. A drop would write it again.
            drop(sink.writer.take().map(BufWriter::into_parts));
        }
    }
}

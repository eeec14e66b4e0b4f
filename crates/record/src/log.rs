//! [`Log`], which reads a log, and its errors.

use std::fmt;
use std::io::{self, BufRead, Read as _};
use std::time::SystemTime;

use crate::line::{FORMAT, ParsedFirstLine, ParsedLine, VERSION};
use crate::record::{Record, record};

/// Reads a log, record by record. The log is untrusted: each line is checked, and its length is limited.
///
/// Lines of an unknown type and unknown members are skipped, so that a later version can add them. After an error, no more
/// records follow.
///
/// ```
/// use protocol_websocket_record::{Entry, Log};
///
/// let text = concat!(
///     "{\"format\":\"protocol-websocket-record\",\"version\":1,\"start\":\"2026-01-01T00:00:00Z\"}\n",
///     "{\"type\":\"dropped\",\"time\":1500,\"connection\":1}\n",
/// );
/// let mut log = Log::new(text.as_bytes())?;
/// let record = log.next().unwrap()?;
/// assert_eq!((record.time.as_micros(), record.connection, record.entry), (1500, 1, Entry::Dropped));
/// assert!(log.next().is_none());
/// # Ok::<_, protocol_websocket_record::LogError>(())
/// ```
#[derive(Debug)]
pub struct Log<R> {
    reader: R,
    start: SystemTime,
    max_line: u64,
    max_len: u64,
    /// The number of bytes that were read, and the number of lines.
    len: u64,
    line: u64,
    buffer: Vec<u8>,
    is_done: bool,
}

impl<R: BufRead> Log<R> {
    /// The default of [`max_line`](Self::max_line): 256 MiB.
    pub const MAX_LINE: u64 = 256 << 20;
    /// The default of [`max_len`](Self::max_len): 1 GiB.
    pub const MAX_LEN: u64 = 1 << 30;

    /// Reads the first line.
    ///
    /// # Errors
    ///
    /// [`LogErrorKind::Format`] if the first line is not that of a log, [`LogErrorKind::Version`] if the log has a later version,
    /// [`LogErrorKind::Io`] if the reader fails.
    pub fn new(reader: R) -> Result<Self, LogError> {
        let mut log = Self {
            reader,
            start: SystemTime::UNIX_EPOCH,
            max_line: 4096,
            max_len: Self::MAX_LEN,
            len: 0,
            line: 0,
            buffer: Vec::new(),
            is_done: false,
        };
        let not_a_log = |line| LogError { line, kind: LogErrorKind::Format };
        match log.read_line() {
            Ok(true) => {}
            Err(kind @ LogErrorKind::Io(_)) => return Err(log.error(kind)),
            Ok(false) | Err(_) => return Err(not_a_log(log.line)),
        }
        let first: ParsedFirstLine = serde_json::from_slice(&log.buffer).map_err(|_| not_a_log(log.line))?;
        if first.format != FORMAT {
            return Err(not_a_log(log.line));
        }
        if first.version != VERSION {
            return Err(log.error(LogErrorKind::Version(first.version)));
        }
        log.start = humantime::parse_rfc3339(&first.start).map_err(|_| log.error(LogErrorKind::Member("start")))?;
        log.max_line = Self::MAX_LINE;
        Ok(log)
    }

    /// Sets the limit of a line, in bytes.
    #[must_use]
    pub const fn max_line(mut self, bytes: u64) -> Self {
        self.max_line = bytes;
        self
    }

    /// Sets the limit of the whole log, in bytes.
    #[must_use]
    pub const fn max_len(mut self, bytes: u64) -> Self {
        self.max_len = bytes;
        self
    }

    /// Returns the time at which the log was started.
    #[must_use]
    pub const fn start(&self) -> SystemTime {
        self.start
    }

    fn error(&self, kind: LogErrorKind) -> LogError {
        LogError { line: self.line, kind }
    }

    /// Reads a line into the buffer. Returns `false` at the end of the log.
    fn read_line(&mut self) -> Result<bool, LogErrorKind> {
        self.line += 1;
        self.buffer.clear();
        let limit = self.max_line.min(self.max_len.saturating_sub(self.len));
        // Reads one byte more, to detect whether the limit is exceeded.
        let read = self.reader.by_ref().take(limit.saturating_add(1)).read_until(b'\n', &mut self.buffer);
        let read = read.map_err(LogErrorKind::Io)? as u64;
        self.len = self.len.saturating_add(read);
        match read {
            0 => Ok(false),
            _ if read > limit && limit == self.max_line => Err(LogErrorKind::LineTooLong),
            _ if read > limit => Err(LogErrorKind::TooLong),
            _ => Ok(true),
        }
    }

    fn read_record(&mut self) -> Result<Option<Record>, LogErrorKind> {
        while self.read_line()? {
            let parsed: ParsedLine = serde_json::from_slice(&self.buffer).map_err(|error| match error.classify() {
                serde_json::error::Category::Eof if !self.buffer.ends_with(b"\n") => LogErrorKind::Incomplete,
                _ => LogErrorKind::Json(error.to_string().into()),
            })?;
            if let Some(record) = record(parsed).map_err(LogErrorKind::Member)? {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
}

impl<R: BufRead> Iterator for Log<R> {
    type Item = Result<Record, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let record = self.read_record();
        self.is_done = !matches!(record, Ok(Some(_)));
        record.map_err(|kind| self.error(kind)).transpose()
    }
}

/// An error of a log.
#[derive(Debug)]
pub struct LogError {
    line: u64,
    kind: LogErrorKind,
}

impl LogError {
    /// Returns the number of the line. The first one is 1.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// Returns the cause.
    #[must_use]
    pub const fn kind(&self) -> &LogErrorKind {
        &self.kind
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.kind)
    }
}

impl std::error::Error for LogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            LogErrorKind::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// The cause of a [`LogError`].
#[derive(Debug)]
#[non_exhaustive]
pub enum LogErrorKind {
    /// The reader failed.
    Io(io::Error),
    /// The input is not a log.
    Format,
    /// The log has a version that this crate does not support.
    Version(u64),
    /// The line exceeds the limit [`Log::max_line`].
    LineTooLong,
    /// The log exceeds the limit [`Log::max_len`].
    TooLong,
    /// The last line is incomplete, because the program stopped while it wrote this line. The records before it are valid.
    Incomplete,
    /// The line is not valid JSON, or a member has a value of another type. The text describes the position.
    Json(Box<str>),
    /// A member is missing, or its value is invalid.
    Member(&'static str),
}

impl fmt::Display for LogErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Format => f.write_str("not a log of protocol-websocket-record"),
            Self::Version(version) => write!(f, "unsupported version {version} of the log"),
            Self::LineTooLong => f.write_str("line exceeds the limit max_line"),
            Self::TooLong => f.write_str("log exceeds the limit max_len"),
            Self::Incomplete => f.write_str("incomplete line at the end of the log"),
            Self::Json(error) => f.write_str(error),
            Self::Member(name) => write!(f, "missing or invalid member: {name}"),
        }
    }
}

//! The options for recordings, the log that is written, and the HAR file.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufReader};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use protocol_websocket::{Config, Direction};
use protocol_websocket_record::{Log, Payloads, Recorder, Recording};

use crate::output::failure;
use crate::status::{Failure, Status};

#[derive(Debug, Args)]
#[command(next_help_heading = "Recording")]
pub(crate) struct RecordingOptions {
    /// Record the connection in this file
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Record payloads: all, sent, none [default: all]
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "all",
        hide_default_value = true,
        hide_possible_values = true,
        requires = "record"
    )]
    record_payloads: RecordedPayloads,

    /// Also record the received bytes
    #[arg(long, requires = "record")]
    record_input: bool,

    /// Record the secrets of the opening handshake
    #[arg(long, requires = "record")]
    record_secrets: bool,

    /// Replay this recording, and compare the messages
    #[arg(long, value_name = "FILE", conflicts_with_all = ["binary", "history"])]
    pub(crate) replay: Option<PathBuf>,

    /// Replay the connection with this number
    #[arg(long, value_name = "N", requires = "replay")]
    pub(crate) replay_connection: Option<u64>,

    /// Send each message at its recorded time
    #[arg(long, requires = "replay")]
    pub(crate) replay_timing: bool,

    /// Print this recording as HAR
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "record", "replay"])]
    pub(crate) har: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RecordedPayloads {
    All,
    Sent,
    None,
}

/// The log that is written, and its path.
pub(crate) struct Recordings(Option<(Recorder, PathBuf)>);

impl Recordings {
    /// Creates the file. Only its owner can read it, because payloads may contain secrets.
    pub(crate) fn new(options: &RecordingOptions) -> Result<Self, Failure> {
        let Some(path) = &options.record else { return Ok(Self(None)) };
        let file = create_private(path).map_err(|error| local(path, "cannot write", &error))?;
        let (sent, received) = match options.record_payloads {
            RecordedPayloads::All => (Payloads::Whole, Payloads::Whole),
            RecordedPayloads::Sent => (Payloads::Whole, Payloads::Hashed),
            RecordedPayloads::None => (Payloads::Hashed, Payloads::Hashed),
        };
        let recorder = Recorder::new(file)
            .payloads(Direction::Sent, sent)
            .payloads(Direction::Received, received)
            .input(options.record_input)
            .keep_secrets(options.record_secrets);
        Ok(Self(Some((recorder, path.clone()))))
    }

    /// Adds the recorder to a configuration.
    pub(crate) fn observe(&self, config: Config) -> Config {
        match &self.0 {
            Some((recorder, _)) => {
                let recorder = recorder.clone();
                config.observer(move |role| recorder.connection(role))
            }
            None => config,
        }
    }

    /// Returns the status of the session, or `LocalError` if the log could not be written.
    pub(crate) fn finish(self, status: Status) -> Status {
        match self.0.and_then(|(recorder, path)| Some((recorder.take_error()?, path))) {
            Some((error, path)) => {
                failure(&local(&path, "cannot write", &error).text);
                Status::LocalError
            }
            None => status,
        }
    }
}

/// Creates or truncates a file that only its owner can read.
fn create_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    // A file that existed keeps its mode.
    if file.metadata()?.is_file() {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Reads a log.
pub(crate) fn read(path: &Path) -> Result<Recording, Failure> {
    let file = File::open(path).map_err(|error| local(path, "cannot read", &error))?;
    let recording = Log::new(BufReader::new(file)).and_then(Recording::read);
    recording.map_err(|error| local(path, "cannot read", &error))
}

/// Prints a log as HAR.
pub(crate) fn print_har(path: &Path) -> Result<Status, Failure> {
    match read(path)?.write_har(io::BufWriter::new(io::stdout().lock())) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Status::LocalError, format!("cannot write the output: {error}")))
        }
        _ => Ok(Status::Clean),
    }
}

fn local(path: &Path, action: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Status::LocalError, format!("{action} {}: {error}", path.display()))
}

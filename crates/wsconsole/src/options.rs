//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{ArgAction, ColorChoice, CommandFactory, Parser};
use protocol_websocket::{Offer, Url, Version};
use protocol_websocket_tokio::Proxy;

use crate::proxy::proxy;
use crate::recording::RecordingOptions;

/// A WebSocket console: sends lines of stdin, prints received messages to stdout
#[derive(Debug, Parser)]
#[command(name = "wsconsole", version, disable_version_flag = true, override_usage = USAGE, after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// ws://HOST/PATH or ws://HOST:PORT/PATH, or wss:// for TLS
    #[arg(required_unless_present = "har")]
    pub(crate) url: Option<Url>,

    /// Protocol version: 13, 8, 76 or 75
    #[arg(long, value_name = "VERSION", default_value = "13", value_parser = version)]
    pub(crate) version: Version,

    /// Offer a subprotocol (repeatable, best first)
    #[arg(long, value_name = "NAME")]
    subprotocol: Vec<String>,

    /// Send an Origin header, as browsers do
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,

    /// Send a header with the request (repeatable)
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,

    /// Also trust the certificates in this PEM file
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,

    /// Connect through a proxy: http:// or socks5://
    #[arg(long, value_name = "URL", value_parser = proxy)]
    pub(crate) proxy: Option<Proxy>,

    /// Follow redirects, at most N [default: 5]
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_value = "0",
        default_missing_value = "5", hide_default_value = true)]
    pub(crate) follow_redirects: u32,

    /// Do not offer to compress messages
    #[arg(long)]
    pub(crate) no_deflate: bool,

    /// Ping a silent server, and end if it stays silent
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) ping: Option<Duration>,

    /// Send the whole input as one binary message
    #[arg(long)]
    pub(crate) binary: bool,

    /// Keep the lines of a terminal in this file
    #[arg(long, value_name = "FILE")]
    pub(crate) history: Option<PathBuf>,

    /// Dump every byte of both directions to stderr
    #[arg(long)]
    pub(crate) hex: bool,

    /// Color notes: auto, always, never
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    pub(crate) color: ColorChoice,

    /// Print the version of this program
    #[arg(short = 'V', action = ArgAction::Version)]
    program_version: Option<bool>,

    #[command(flatten)]
    pub(crate) recording: RecordingOptions,
}

const USAGE: &str = "wsconsole [OPTIONS] <URL>\n       wsconsole --har <FILE>";

const AFTER_HELP: &str = "\
Input:
  Each line is sent as a text message, without its LF or CR LF. It must be valid
  UTF-8. The limit is 100 MiB a line. With --binary, the whole input is sent as
  one binary message, in fragments as it is read. The end of input closes with
  1000. SIGINT and SIGTERM close with 1001. A second signal ends the program at
  once.

  If stdin and stdout are a terminal, lines are edited, with the keys of GNU
  readline: Up and Ctrl-R for earlier lines, Ctrl-D for the end of input. Lines
  that begin with a space are not kept. Messages appear above the line. With
  --history, lines are kept in a file that only its owner can read. If TERM is
  'dumb' or not set, or with --binary, lines are not edited.

Output:
  A text message is one line. Hidden characters are escaped as in JSON (\\n,
  \\u001b, \\u00a0): control characters except the tab, format characters and
  others that Unicode ignores by default, separators and blank characters except
  the space, private and unassigned characters. All other characters are printed
  unchanged, including backslashes. The first character is also escaped if it is
  '!', '>' or '<' before a space or tab, or a combining character. A binary
  message is one line of hexadecimal. The limit is 100 MiB a message.

  Everything else is printed to stderr. Notes begin with '!'. With --hex, bytes
  written begin with '>' and bytes read with '<'. The dump has offsets in the
  stream, and shows the plaintext inside TLS. Pings are answered. Notes are
  escaped like messages. On a terminal, notes and the marks of a dump are in
  color and in reverse video, or in reverse video alone if NO_COLOR is set.

Connection:
  A proxy is http://HOST:PORT or socks5://HOST:PORT, with USER:PASSWORD@ before
  HOST if it requires them. The default ports are 80 and 1080. Environment
  variables such as HTTPS_PROXY are not read. Pass them: --proxy $HTTPS_PROXY

  Redirects are printed, and followed with --follow-redirects, but never from
  wss to ws. Headers, subprotocols, the origin and the credentials of the URL
  are not sent to another host or port, except from ws to wss at the same host
  on the default ports.

Recording:
  --record writes a log with one JSON object on each line: heads, frames, and
  how the connection ended. Only the owner of the file can read it. It contains
  payloads, or their SHA-256. Cookies, credentials, keys, subprotocols, the
  query and unknown headers are masked, except with --record-secrets.
  --record-input also records the received bytes, so that a failure can be
  repeated.

  --replay sends the messages of the recorded client, as fast as the server
  responds. Either end can have made the recording. Pings are not sent. Each
  message and the Close of the server are compared with the recording, and
  differences are printed to stdout. Standard input is not read. Pass the
  version, headers and subprotocols as options, because those of the recording
  are not used. Without --replay-connection, the first connection that opened is
  replayed.

Timeouts:
  Ten seconds for name lookup, TCP, TLS, the proxy, redirects and the opening
  handshake together. Ten seconds for the server's response to a Close. With
  --ping, a server that has sent nothing for that time is sent a ping, and the
  connection ends if it sends nothing for that time again. With --replay, the
  recorded time and ten seconds for each message of the server.

Protocol versions:
  13  RFC 6455, also rfc6455 or draft-ietf-hybi-17
   8  draft-ietf-hybi-10, also hybi-10
  76  draft-ietf-hybi-00, also hybi-00 or hixie-76
  75  draft-hixie-75, also hixie-75
  The server must use the same version. Versions 76 and 75 have only text
  messages, and a Close without a code. With them, the server may end the
  connection after our Close without sending its own. With 75, the server may
  end the connection at any time.

Exit status:
  0  closed by us, or by the server with 1000, 1001 or no code
  1  invalid arguments, input that cannot be read, or output that cannot be
     written; a closed output pipe only ends the session
  2  no connection: name lookup, TCP, TLS or the proxy failed
  3  the server refused or redirected the opening handshake
  4  the server violated the protocol
  5  the connection was lost, or timed out, without a closing handshake
  6  the server closed with another code
  7  --replay: the messages of the server differ from the recording";

impl Options {
    /// Parses the arguments of the process.
    pub(crate) fn parse_arguments() -> Result<Self, clap::Error> {
        let options = Self::try_parse()?;
        let conflict = match options.version.has_length_framing() {
            true => return Ok(options),
            false if options.binary => "--binary",
            false if options.ping.is_some() => "--ping",
            false => return Ok(options),
        };
        let text = format!("{conflict} needs version 13 or 8");
        Err(Self::command().error(ErrorKind::ArgumentConflict, text))
    }

    /// Returns the offer, with the credentials of the URL. Invalid values are reported when the request is built.
    pub(crate) fn offer(&self, url: &Url) -> Offer {
        let mut offer = self.subprotocol.iter().fold(Offer::new().version(self.version), Offer::subprotocol);
        if let Some(origin) = &self.origin {
            offer = offer.origin(origin);
        }
        if let Some((user, password)) = url.credentials() {
            offer = offer.basic_auth(user, password);
        }
        self.header.iter().fold(offer, |offer, (name, value)| offer.header(name, value))
    }
}

/// Parses the number or a short name of a version, or a name that [`Version`] parses.
fn version(text: &str) -> Result<Version, String> {
    match text.to_ascii_lowercase().as_str() {
        "13" | "rfc6455" => Ok(Version::Rfc6455),
        "8" | "hybi-10" => Ok(Version::Hybi10),
        "76" | "hybi-00" | "hixie-76" => Ok(Version::Hybi00),
        "75" | "hixie-75" => Ok(Version::Hixie75),
        _ => text.parse().map_err(|error| format!("{error}; the versions are 13, 8, 76 and 75")),
    }
}

/// Parses a number of seconds that is not 0.
fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|seconds| !seconds.is_zero()).ok_or("not a positive number of seconds")
}

/// Parses a header field.
fn header(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once(':').ok_or("no colon after the name")?;
    Ok((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn options_are_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn splits_header_at_the_first_colon() {
        assert_eq!(header("X-A:  b:c "), Ok(("X-A".into(), "b:c".into())));
        assert_eq!(header("X-A:"), Ok(("X-A".into(), String::new())));
        assert!(header("X-A b").is_err());
    }

    #[test]
    fn parses_every_name_of_a_version() {
        for (names, expected) in [
            (&["13", "rfc6455", "RFC6455", "RFC 6455", "draft-ietf-hybi-17"][..], Version::Rfc6455),
            (&["8", "hybi-10", "draft-ietf-hybi-10"], Version::Hybi10),
            (&["76", "hybi-00", "Hixie-76", "draft-ietf-hybi-00"], Version::Hybi00),
            (&["75", "hixie-75", "draft-hixie-75"], Version::Hixie75),
        ] {
            for name in names {
                assert_eq!(version(name), Ok(expected), "{name}");
            }
        }
        assert!(version("7").is_err_and(|error| error.ends_with("; the versions are 13, 8, 76 and 75")));
    }
}

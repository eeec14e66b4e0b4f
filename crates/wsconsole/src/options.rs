//! The command line.

use std::path::PathBuf;

use clap::{ArgAction, Parser};
use protocol_websocket::{Offer, Url, Version};

/// A WebSocket console: sends lines of stdin, prints received messages to stdout
#[derive(Debug, Parser)]
#[command(name = "wsconsole", version, disable_version_flag = true, after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// ws://HOST/PATH or ws://HOST:PORT/PATH, or wss:// for TLS
    pub(crate) url: Url,

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

    /// Do not offer to compress messages
    #[arg(long)]
    pub(crate) no_deflate: bool,

    /// Dump every byte of both directions to stderr
    #[arg(long)]
    pub(crate) hex: bool,

    /// Print the version of this program
    #[arg(short = 'V', action = ArgAction::Version)]
    program_version: Option<bool>,
}

const AFTER_HELP: &str = "\
Input:
  Each line is sent as a text message, without its LF or CR LF. It must be valid
  UTF-8. The end of input closes with 1000. SIGINT and SIGTERM close with 1001.
  A second signal ends the program at once.

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
  stream, and shows the plaintext inside TLS. Pings are answered. Redirects are
  printed, not followed. Notes are escaped like messages. On a terminal, notes
  and the marks of a dump are in reverse video.

Timeouts:
  Ten seconds for name lookup, TCP, TLS and the opening handshake together.
  Ten seconds for the server's response to a Close.

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
  2  no connection: name lookup, TCP or TLS failed
  3  the server refused or redirected the opening handshake
  4  the server violated the protocol
  5  the connection was lost, or timed out, without a closing handshake
  6  the server closed with another code";

impl Options {
    /// Returns the offer, with the credentials of the URL. Invalid values are reported when the request is built.
    pub(crate) fn offer(&self) -> Offer {
        let mut offer = self.subprotocol.iter().fold(Offer::new().version(self.version), Offer::subprotocol);
        if let Some(origin) = &self.origin {
            offer = offer.origin(origin);
        }
        if let Some((user, password)) = self.url.credentials() {
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

use std::path::PathBuf;

use clap::{ArgAction, Parser};
use protocol_websocket::{Offer, Url, Version};

/// A WebSocket console: lines of input are sent, messages received are lines of output
#[derive(Debug, Parser)]
#[command(name = "wsconsole", version, disable_version_flag = true, after_help = AFTER)]
pub(crate) struct Options {
    /// ws://HOST:PORT/PATH, or wss:// for TLS; the port may be left out
    pub(crate) url: Url,

    /// Speak this version of the protocol
    #[arg(long, value_name = "NAME", default_value_t)]
    pub(crate) version: Version,

    /// Offer a subprotocol, the most wanted first (repeatable)
    #[arg(long, value_name = "NAME")]
    subprotocol: Vec<String>,

    /// Send this origin, as a browser would
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,

    /// Send a header with the request (repeatable)
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,

    /// Trust the certificates in this PEM file, too
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,

    /// Do not offer to compress messages
    #[arg(long)]
    pub(crate) no_deflate: bool,

    /// Dump every byte, both ways, to stderr
    #[arg(long)]
    pub(crate) hex: bool,

    /// Print the version of this program
    #[arg(short = 'V', action = ArgAction::Version)]
    program_version: Option<bool>,
}

const AFTER: &str = "\
Input:
  Each line, without its LF or CR LF, is sent as a text message; it must be
  UTF-8. The end of input closes with 1000, SIGINT and SIGTERM close with 1001.
  A second signal ends everything at once.

Output:
  A text message is one line. Hidden characters are written as in JSON (\\n,
  \\u001b, \\u00a0): control characters except the tab, format characters and
  others that Unicode ignores by default, separators and blank characters except
  the space, private and unassigned characters. Everything else is written as it
  came, backslashes too. If a message begins with '!', '>' or '<' before a space
  or tab, or with a combining character, that character is written so, too. A
  binary message is one line of hexadecimal. Messages may have up to 100 MiB.

  All the rest goes to stderr: notes begin with '!', with --hex bytes written
  begin with '>' and bytes read with '<'. The dump shows offsets in the stream,
  and what is inside of TLS. Pings are answered; redirects are told, not followed.
  Notes are escaped like messages. On a terminal notes and the marks of a dump
  are in reverse video.

Deadlines:
  Ten seconds for all of the connection: name lookup, TCP, TLS and handshake.
  Ten seconds for the server's answer to a Close.

Protocol versions:
  RFC 6455 (draft-ietf-hybi-17), draft-ietf-hybi-10 (version 8),
  draft-ietf-hybi-00 (also known as hixie-76) and draft-hixie-75. No other than
  the one asked for is taken as an answer. The two oldest know text only, and
  close without a code. There the server may end the connection after our Close
  without one of its own; in the oldest, either end may just hang up.

Exit status:
  0  closed in order: by us, or by the server with 1000, 1001 or no code
  1  wrong arguments, unreadable input, or output that cannot be written;
     a pipe that nobody reads any more only ends the session
  2  no connection: unknown name, nobody there, no TLS
  3  the server refused or redirected the handshake
  4  the server broke the protocol
  5  the connection was lost, or timed out, without a closing handshake
  6  the server closed with another code";

impl Options {
    /// What the request is to say, the credentials in the URL included. What cannot be said is an error when the
    /// request is built.
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

fn header(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once(':').ok_or("no colon behind the name")?;
    Ok((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_are_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn headers_are_split_at_the_first_colon() {
        assert_eq!(header("X-A:  b:c "), Ok(("X-A".into(), "b:c".into())));
        assert_eq!(header("X-A:"), Ok(("X-A".into(), String::new())));
        assert!(header("X-A b").is_err());
    }
}

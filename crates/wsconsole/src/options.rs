use std::path::PathBuf;

use clap::{ArgAction, Parser};
use protocol_websocket::{Offer, Url, Version};

/// A WebSocket console: each line of input is sent as a text message, each message received is a line of output.
#[derive(Debug, Parser)]
#[command(name = "wsconsole", version, disable_version_flag = true, after_help = AFTER)]
pub(crate) struct Options {
    /// Where to connect to: ws://HOST[:PORT]/PATH, or wss:// for TLS; a user:password@ before the host is sent as Basic
    /// authorization
    pub(crate) url: Url,

    /// Speak this version of the protocol: draft-hixie-75, draft-ietf-hybi-00, draft-ietf-hybi-10, or
    /// draft-ietf-hybi-17, which is RFC 6455 and the only one spoken so far
    #[arg(long, value_name = "NAME", default_value_t)]
    pub(crate) version: Version,

    /// Offer a subprotocol, the most wanted first; may be repeated
    #[arg(long, value_name = "NAME")]
    subprotocol: Vec<String>,

    /// Send this origin, as a browser would
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,

    /// Send a header with the request; may be repeated
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,

    /// Trust the certificates in this PEM file too, beside those of the well-known authorities
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,

    /// Show every byte on stderr: > written, < read, its offset in the stream, hexadecimal and ASCII; with TLS, as it
    /// is inside
    #[arg(long)]
    pub(crate) hex: bool,

    /// Print this program's version
    #[arg(short = 'V', action = ArgAction::Version)]
    program_version: Option<bool>,
}

const AFTER: &str = "\
Input: a line ends with LF or CR LF, which is not sent; it must be UTF-8. The end of input closes with 1000, SIGINT and
SIGTERM close with 1001, and then the server has ten seconds to answer. A second signal ends the program at once.

Output: text is one line, with its control characters but the tab written as in JSON (\\n, \\r, \\u001b) and all else as
it came; binary is one line of hexadecimal. Everything else goes to stderr, in lines that begin with '!'. Pings are
answered, redirects are reported and not followed, messages may have up to 100 MiB.

Exit status:
  0  closed in order: by us, or by the server with 1000, with 1001 or without a code
  1  wrong arguments, input that is not UTF-8, or output that cannot be written (a closed pipe only ends the session)
  2  no connection: unknown name, nobody there, no TLS
  3  the server refused or redirected the handshake
  4  the server broke the protocol
  5  the connection was lost, or timed out, without a closing handshake
  6  the server closed with another code";

impl Options {
    /// What the request is to say. What cannot be said is an error when it is built.
    pub(crate) fn offer(&self) -> Offer {
        let mut offer = self.subprotocol.iter().fold(Offer::new(), Offer::subprotocol);
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

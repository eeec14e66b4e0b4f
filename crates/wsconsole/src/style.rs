//! The style of notes and dumps on a terminal.

use std::env;
use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use clap::ColorChoice;

static STYLE: OnceLock<Style> = OnceLock::new();

#[derive(Clone, Copy)]
enum Style {
    /// Without escape sequences.
    Plain,
    /// In reverse video.
    Reverse,
    /// In reverse video, with a color for each mark.
    Color,
}

/// The kind of a line of stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Note,
    Failure,
    Written,
    Read,
}

impl Mark {
    /// Returns the character at the start of the line.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Note | Self::Failure => "!",
            Self::Written => ">",
            Self::Read => "<",
        }
    }

    /// Returns the text in the style of this mark. No message can imitate it, because the escape character of a message
    /// is escaped. The style is kept if the terminal breaks the text into rows.
    pub(crate) fn highlight(self, text: &str) -> String {
        let color = match self {
            Self::Note => "36",
            Self::Failure => "31",
            Self::Written => "32",
            Self::Read => "35",
        };
        match STYLE.get() {
            Some(Style::Color) => format!("\x1b[7;{color}m{text}\x1b[m"),
            Some(Style::Reverse) => format!("\x1b[7m{text}\x1b[m"),
            Some(Style::Plain) | None => text.to_owned(),
        }
    }
}

/// Sets the style, once. `NO_COLOR` turns colors off, but not reverse video (<https://no-color.org>).
pub(crate) fn set(choice: ColorChoice) {
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let style = match choice {
        ColorChoice::Always => Style::Color,
        ColorChoice::Auto if is_terminal(&io::stderr()) => {
            if no_color {
                Style::Reverse
            } else {
                Style::Color
            }
        }
        ColorChoice::Auto | ColorChoice::Never => Style::Plain,
    };
    STYLE.get_or_init(|| style);
}

/// Returns whether the stream is a terminal that understands escape sequences.
pub(crate) fn is_terminal(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && env::var_os("TERM").is_some_and(|term| term != "dumb")
}

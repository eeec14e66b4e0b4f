//! What `Debug` shows in the place of a value that may be a secret.

use alloc::format;
use core::fmt;

/// Shows that there is a value.
pub(crate) struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// A request's target without its query, and without user and password.
pub(crate) struct Target<'a>(pub(crate) &'a str);

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, query) = self.0.split_once(['?', '#']).map_or((self.0, ""), |(path, _)| (path, "?(hidden)"));
        match path.rsplit_once('@') {
            Some((_, path)) if !self.0.starts_with('/') => write!(f, "{:?}", format!("(hidden)@{path}{query}")),
            _ => write!(f, "{:?}", format!("{path}{query}")),
        }
    }
}

/// Whether the values of a header field are shown: those of a few that say how the connection is made and by whom.
pub(crate) fn is_harmless(name: &str) -> bool {
    const NAMES: [&str; 13] = [
        "Connection",
        "Content-Length",
        "Content-Type",
        "Date",
        "Host",
        "Origin",
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Origin",
        "Sec-WebSocket-Version",
        "Server",
        "Transfer-Encoding",
        "Upgrade",
        "User-Agent",
    ];
    NAMES.iter().any(|other| name.eq_ignore_ascii_case(other))
}

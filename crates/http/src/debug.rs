//! Text that `Debug` shows instead of a value that may be a secret.

use alloc::format;
use core::fmt;

use crate::extension::list;

/// Shows `(hidden)` in place of a value.
pub(crate) struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// Shows a request target without its query, user name and password.
pub(crate) struct Target<'a>(pub(crate) &'a str);

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (user, rest) = match self.0.rsplit_once('@') {
            _ if self.0.starts_with('/') => ("", self.0),
            // The `@` may be part of the password or of the query, so the text on both sides may be secret.
            Some((before, _)) if before.contains(['?', '#']) => return Hidden.fmt(f),
            Some((_, rest)) => ("(hidden)@", rest),
            None => ("", self.0),
        };
        let (path, query) = rest.split_once(['?', '#']).map_or((rest, ""), |(path, _)| (path, "?(hidden)"));
        write!(f, "{:?}", format!("{user}{path}{query}"))
    }
}

/// Shows each extension of a list by its `Debug`. Hides a malformed list.
pub(crate) struct Extensions<'a>(pub(crate) &'a [u8]);

impl fmt::Debug for Extensions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match list(core::iter::once(self.0)) {
            Ok(list) => list.fmt(f),
            Err(_) if self.0.is_empty() => f.write_str("[]"),
            Err(_) => Hidden.fmt(f),
        }
    }
}

/// Returns whether the values of a header field may be shown, because they are never secret.
pub(crate) fn is_harmless(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "Connection",
        "Content-Length",
        "Content-Type",
        "Date",
        "Host",
        "Origin",
        "Sec-WebSocket-Origin",
        "Sec-WebSocket-Version",
        "Server",
        "Transfer-Encoding",
        "Upgrade",
        "User-Agent",
    ];
    NAMES.iter().any(|other| name.eq_ignore_ascii_case(other))
}

//! Text that `Debug` shows instead of a value that may be a secret.

use alloc::borrow::Cow;
use core::fmt;

use crate::extension::list;
use crate::secrets::{HIDDEN, redact_target};

/// Shows `(hidden)` in place of a value.
pub(crate) struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// Shows a request target without its query, user name and password.
pub(crate) struct Target<'a>(pub(crate) &'a str);

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match redact_target(self.0) {
            Cow::Borrowed(HIDDEN) => Hidden.fmt(f),
            target => target.fmt(f),
        }
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

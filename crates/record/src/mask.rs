//! Masks the secrets that a log does not have by default. These are the values that `Debug` of a request hides.

use std::borrow::Cow;

/// The text of a masked part of a target.
const MASKED: &str = "(masked)";

/// The header fields whose values are never secret. Values of other names may be cookies, credentials, keys or tokens.
const HARMLESS: [&str; 13] = [
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

/// Returns whether the values of a header field are never secret.
pub(crate) fn is_harmless(name: &str) -> bool {
    HARMLESS.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// Replaces the user name, the password and the query of a request target.
pub(crate) fn mask_target(target: &str) -> Cow<'_, str> {
    let (user, rest) = match target.rsplit_once('@') {
        _ if target.starts_with('/') => ("", target),
        // The `@` may be part of the password or of the query, so the text on both sides may be secret.
        Some((before, _)) if before.contains(['?', '#']) => return MASKED.into(),
        Some((_, rest)) => ("(masked)@", rest),
        None => ("", target),
    };
    match rest.split_once(['?', '#']) {
        Some((path, _)) => format!("{user}{path}?{MASKED}").into(),
        None if user.is_empty() => target.into(),
        None => format!("{user}{rest}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_userinfo_and_query() {
        for (target, masked) in [
            ("/", "/"),
            ("/a@b", "/a@b"),
            ("/a?token=1", "/a?(masked)"),
            ("/a#b", "/a?(masked)"),
            ("ws://user:pass@h/a?b", "(masked)@h/a?(masked)"),
            ("ws://user:pass@h/a", "(masked)@h/a"),
            ("ws://h/a?b@c", "(masked)"),
            ("ws://user:pa?ss@h/", "(masked)"),
        ] {
            assert_eq!(mask_target(target), masked);
        }
    }
}

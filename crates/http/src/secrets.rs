//! The rules for secrets in a head: `Debug` of this crate follows them, and so can a log.

use alloc::borrow::Cow;
use alloc::format;

/// The text in place of a secret.
pub(crate) const HIDDEN: &str = "(hidden)";

/// The header fields whose values are never secret. Values of other names may be cookies, credentials, keys or tokens.
const NEVER_SECRET: [&str; 12] = [
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

/// Returns whether the values of header fields of this name may be secret, such as those of `Cookie`, `Authorization` and of
/// each unknown name. `Debug` of [`Headers`](crate::Headers) hides them.
///
/// It returns true for `Sec-WebSocket-Extensions`, too, because parameters of an extension may be secret: see
/// [`ExtensionParams::may_be_secret`](crate::ExtensionParams::may_be_secret).
///
/// ```
/// use protocol_websocket_http::may_be_secret;
///
/// assert!(may_be_secret("Cookie") && may_be_secret("X-Token") && !may_be_secret("host"));
/// ```
#[must_use]
pub fn may_be_secret(name: &str) -> bool {
    !NEVER_SECRET.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// Returns a request target with the text `(hidden)` in place of the query, and of the user name and the password.
///
/// ```
/// use protocol_websocket_http::redact_target;
///
/// assert_eq!(redact_target("/chat?token=1"), "/chat?(hidden)");
/// assert_eq!(redact_target("ws://user:password@example.com/chat"), "(hidden)@example.com/chat");
/// ```
#[must_use]
pub fn redact_target(target: &str) -> Cow<'_, str> {
    let (user, rest) = match target.rsplit_once('@') {
        _ if target.starts_with('/') => ("", target),
        // The `@` may be part of the password or of the query, so the text on both sides may be secret.
        Some((before, _)) if before.contains(['?', '#']) => return Cow::Borrowed(HIDDEN),
        Some((_, rest)) => ("(hidden)@", rest),
        None => ("", target),
    };
    match rest.split_once(['?', '#']) {
        Some((path, _)) => format!("{user}{path}?{HIDDEN}").into(),
        None if user.is_empty() => target.into(),
        None => format!("{user}{rest}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redacts_userinfo_and_query() {
        for (target, redacted) in [
            ("/", "/"),
            ("/a@b", "/a@b"),
            ("/a?token=1", "/a?(hidden)"),
            ("/a#b", "/a?(hidden)"),
            ("ws://user:pass@h/a?b", "(hidden)@h/a?(hidden)"),
            ("ws://user:pass@h/a", "(hidden)@h/a"),
            ("ws://h/a?b@c", "(hidden)"),
            ("ws://user:pa?ss@h/", "(hidden)"),
        ] {
            assert_eq!(redact_target(target), redacted);
        }
    }
}

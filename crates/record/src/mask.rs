//! Masks the secrets that a log does not have by default. These are the values that `Debug` of a request hides.

use std::borrow::Cow;

use protocol_websocket_connection::ExtensionParams;
use protocol_websocket_http::parse_extensions;

/// The text of a masked part of a target.
const MASKED: &str = "(masked)";

/// The header fields whose values are never secret. Values of other names may be cookies, credentials, keys or tokens.
const HARMLESS: [&str; 12] = [
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

/// Returns the text of a header field. Returns `None` if it may be secret.
pub(crate) fn mask_header<'a>(name: &str, value: &'a [u8]) -> Option<Cow<'a, str>> {
    if name.eq_ignore_ascii_case("Sec-WebSocket-Extensions") {
        let list = parse_extensions(value).ok()?;
        return Some(list.iter().map(mask_extension).collect::<Vec<_>>().join(", ").into());
    }
    let is_harmless = HARMLESS.iter().any(|other| name.eq_ignore_ascii_case(other));
    is_harmless.then(|| String::from_utf8_lossy(value))
}

/// Replaces the parameters of an extension, except those of permessage-deflate, which are never secret.
pub(crate) fn mask_extension(extension: &ExtensionParams) -> String {
    match extension.name() {
        name if name != "permessage-deflate" && !extension.params().is_empty() => format!("{name}; {MASKED}"),
        _ => extension.to_string(),
    }
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
    fn masks_parameters_of_extensions() {
        for (value, masked) in [
            (
                "permessage-deflate; server_max_window_bits=10; a",
                Some("permessage-deflate; server_max_window_bits=10; a"),
            ),
            ("x;a=\"1\",permessage-deflate,y", Some("x; (masked), permessage-deflate, y")),
            ("x; a=", None),
            ("", None),
        ] {
            assert_eq!(mask_header("sec-websocket-extensions", value.as_bytes()).as_deref(), masked);
        }
    }

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

//! Masks the secrets that a log does not have by default. These are the values that `Debug` of a request hides.

use std::borrow::Cow;

use protocol_websocket_connection::ExtensionParams;
use protocol_websocket_http::{may_be_secret, parse_extensions};

/// Returns the text of a header field. Returns `None` if it may be secret.
pub(crate) fn mask_header<'a>(name: &str, value: &'a [u8]) -> Option<Cow<'a, str>> {
    if name.eq_ignore_ascii_case("Sec-WebSocket-Extensions") {
        let list = parse_extensions(value).ok()?;
        return Some(list.iter().map(mask_extension).collect::<Vec<_>>().join(", ").into());
    }
    (!may_be_secret(name)).then(|| String::from_utf8_lossy(value))
}

/// Replaces the parameters of an extension if they may be secret.
pub(crate) fn mask_extension(extension: &ExtensionParams) -> String {
    if extension.may_be_secret() { format!("{}; (hidden)", extension.name()) } else { extension.to_string() }
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
            ("x;a=\"1\",permessage-deflate,y", Some("x; (hidden), permessage-deflate, y")),
            ("x; a=", None),
            ("", None),
        ] {
            assert_eq!(mask_header("sec-websocket-extensions", value.as_bytes()).as_deref(), masked);
        }
    }
}

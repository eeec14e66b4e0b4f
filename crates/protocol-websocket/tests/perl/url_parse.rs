//! `Protocol::WebSocket::URL->parse`.

use protocol_websocket::Url;
use serde_json::{Value, json};

use crate::vectors::{run_plain, text, wire};

#[test]
fn parses_recorded_urls() {
    run_plain("url-parse", |input, _| result(&wire(&input["url"])));
}

pub(crate) fn result(url: &[u8]) -> Value {
    let Some(url) = std::str::from_utf8(url).ok().and_then(|url| Url::parse(url).ok()) else {
        return json!({ "ok": false });
    };
    let scheme = if url.is_secure() { "wss" } else { "ws" };
    assert_eq!(url.to_string(), format!("{scheme}://{}{}", url.authority(), url.resource_name()));
    json!({
        "ok": true,
        "host": text(url.host().as_bytes()),
        "port": url.port(),
        "secure": u8::from(url.is_secure()),
        "resource_name": text(url.resource_name().as_bytes()),
        "host_header": text(url.authority().as_bytes()),
        // Perl prints the default port, too. `Url` omits it.
        "to_string": format!("{scheme}://{}:{}{}", url.host(), url.port(), url.resource_name()),
    })
}

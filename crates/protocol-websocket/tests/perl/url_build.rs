//! `Protocol::WebSocket::URL->new(...)->to_string`: here, a program writes the parts as a URL and parses it.

use protocol_websocket::Url;
use serde_json::{Value, json};

use crate::vectors::{run_plain, wire};

#[test]
fn builds_recorded_urls() {
    run_plain("url-build", |input, _| result(input));
}

fn result(input: &Value) -> Value {
    let part = |name: &str| match &input[name] {
        Value::Null => String::new(),
        Value::Number(number) => number.to_string(),
        text => String::from_utf8(wire(text)).unwrap(),
    };
    let (host, port, name) = (part("host"), part("port"), part("resource_name"));
    let secure = matches!(&input["secure"], Value::Bool(true)) || input["secure"] == 1;
    let scheme = if secure { "wss" } else { "ws" };
    let colon = if port.is_empty() { "" } else { ":" };
    let slash = if name.starts_with('/') { "" } else { "/" };
    match Url::parse(&format!("{scheme}://{host}{colon}{port}{slash}{name}")) {
        // Perl prints a given default port. `Url` omits it.
        Ok(url) => {
            let shown_port = if port.is_empty() { String::new() } else { format!(":{}", url.port()) };
            json!({ "to_string": format!("{scheme}://{}{shown_port}{}", url.host(), url.resource_name()) })
        }
        Err(_) => json!({ "error": { "class": "url-invalid" } }),
    }
}

//! HAR 1.2 with the messages of WebSockets in the fields of Chromium's exports.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocol_websocket_connection::OpCode;
use serde_json::{Value as Json, json};

use crate::line::Hex;
use crate::record::{RecordedHead, RecordedPayload, StartLine, Value};
use crate::recording::{RecordedConnection, RecordedMessage, Recording};
use crate::timestamp::rfc3339;

impl Recording {
    /// Writes the connections as a HAR file (HTTP Archive 1.2). Each connection is an entry with the field `_webSocketMessages`
    /// of the files that Chromium's developer tools export, in which *send* means from the client to the server.
    ///
    /// A hashed payload is written as the text `sha256:` with the hash, and a masked value as `(hidden)`. The scheme of each
    /// URL is `ws`, because the log does not have the scheme.
    ///
    /// # Errors
    ///
    /// The error of the writer.
    pub fn write_har(&self, mut writer: impl Write) -> io::Result<()> {
        let creator = json!({ "name": "protocol-websocket-record", "version": env!("CARGO_PKG_VERSION") });
        // The entries are written one after the other, so that only one entry at a time is copied.
        write!(writer, "{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"entries\":[")?;
        for (number, connection) in self.connections.iter().enumerate() {
            writer.write_all(if number == 0 { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut writer, &self.entry(connection))?;
        }
        writer.write_all(b"\n]}}\n")?;
        writer.flush()
    }

    fn entry(&self, connection: &RecordedConnection) -> Json {
        let duration = milliseconds(connection.end.saturating_sub(connection.begin));
        let messages: Vec<Json> = connection.messages.iter().map(|message| self.message(connection, message)).collect();
        json!({
            "_resourceType": "websocket",
            "_webSocketMessages": messages,
            "startedDateTime": rfc3339(self.at(connection.begin)),
            "time": duration,
            "request": request(connection),
            "response": response(connection),
            "cache": {},
            "timings": { "blocked": -1, "dns": -1, "connect": -1, "send": 0, "wait": 0, "receive": duration, "ssl": -1 },
        })
    }

    fn message(&self, connection: &RecordedConnection, message: &RecordedMessage) -> Json {
        let time = self.at(message.time).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let data = match &message.payload {
            RecordedPayload::Text(text) if message.opcode == OpCode::Text => text.clone(),
            RecordedPayload::Hashed { sha256, .. } => {
                sha256.map_or_else(String::new, |hash| format!("sha256:{}", Hex(hash)))
            }
            payload => STANDARD.encode(payload.as_bytes().unwrap_or_default()),
        };
        json!({
            "type": if connection.is_from_client(message.direction) { "send" } else { "receive" },
            "time": time.as_secs_f64(),
            "opcode": message.opcode.bits(),
            "data": data,
        })
    }

    fn at(&self, time: Duration) -> SystemTime {
        self.start.checked_add(time).unwrap_or(self.start)
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn request(connection: &RecordedConnection) -> Json {
    let found = connection.heads.iter().find_map(|head| match &head.line {
        StartLine::Request { method, target } => Some((method.as_str(), target.as_str(), head)),
        StartLine::Response { .. } => None,
    });
    let (method, target, headers) =
        found.map_or(("GET", "/", None), |(method, target, head)| (method, target, Some(head)));
    let host = headers.and_then(|head| head.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host")));
    // `.invalid` is a name that does not exist (RFC 6761 §6.4): the log has no head.
    let host = host.and_then(|(_, value)| value.as_str()).unwrap_or("unknown.invalid");
    let url = if target.starts_with('/') { format!("ws://{host}{target}") } else { target.to_owned() };
    json!({
        "method": method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": header_list(headers),
        "queryString": query(target),
        "headersSize": -1,
        "bodySize": 0,
    })
}

fn response(connection: &RecordedConnection) -> Json {
    let found = connection.heads.iter().rev().find_map(|head| match head.line {
        StartLine::Response { status } => Some((status, head)),
        StartLine::Request { .. } => None,
    });
    let status = match found {
        Some((status, _)) => status,
        None if connection.open.is_some() => 101,
        None => 0,
    };
    json!({
        "status": status,
        "statusText": if status == 101 { "Switching Protocols" } else { "" },
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": header_list(found.map(|(_, head)| head)),
        "content": { "size": 0, "mimeType": "x-unknown" },
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
    })
}

fn header_list(head: Option<&RecordedHead>) -> Vec<Json> {
    let headers = head.map_or(&[][..], |head| &head.headers);
    headers.iter().map(|(name, value)| json!({ "name": name, "value": shown(value) })).collect()
}

fn shown(value: &Value) -> &str {
    value.as_str().unwrap_or("(hidden)")
}

fn query(target: &str) -> Vec<Json> {
    let (_, query) = target.split_once('?').unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty() && *pair != "(hidden)");
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            json!({ "name": name, "value": value })
        })
        .collect()
}

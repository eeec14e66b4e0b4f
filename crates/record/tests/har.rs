//! The shape of a HAR. `crates/wsconsole/tests/peers.rs` checks one against the published schema.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::{Buffer, Pair, observed};
use protocol_websocket_connection::{Accept, Config, Direction, Offer};
use protocol_websocket_record::{Payloads, Recorder, Recording};
use serde_json::{Value, json};

fn har(recording: &Recording) -> Value {
    let mut har = Vec::new();
    recording.write_har(&mut har).unwrap();
    serde_json::from_slice(&har).unwrap()
}

fn exchange(recorder: impl Fn(Buffer) -> Recorder) -> [Value; 2] {
    let buffers = [Buffer::default(), Buffer::default()];
    let [client, server] = [&buffers[0], &buffers[1]].map(|buffer| observed(Config::new(), &recorder(buffer.clone())));
    let mut pair = Pair::open(client, server, &Offer::new(), &Accept::new());
    pair.client.send("question é", &mut pair.to_server).unwrap();
    pair.deliver();
    pair.server.send(&b"\0\xFF"[..], &mut pair.to_client).unwrap();
    pair.deliver();
    buffers.map(|buffer| har(&buffer.recording()))
}

#[test]
fn entry_has_the_fields_of_chromium_from_the_view_of_the_client() {
    for har in exchange(|buffer| Recorder::new(buffer).keep_secrets(true)) {
        assert_eq!(har["log"]["version"], "1.2");
        assert_eq!(har["log"]["creator"]["name"], "protocol-websocket-record");
        let entry = &har["log"]["entries"][0];
        assert_eq!(entry["_resourceType"], "websocket");
        let messages = entry["_webSocketMessages"].as_array().unwrap();
        let without_time: Vec<Value> =
            messages.iter().map(|message| json!([message["type"], message["opcode"], message["data"]])).collect();
        assert_eq!(without_time, [json!(["send", 1, "question é"]), json!(["receive", 2, "AP8="])]);
        // Seconds since 1970, of this century.
        assert!(messages.iter().all(|message| (1e9..1e10).contains(&message["time"].as_f64().unwrap())));
        assert_eq!(entry["request"]["url"], "ws://example.com/chat?token=SECRET-QUERY");
        assert_eq!(entry["request"]["queryString"], json!([{ "name": "token", "value": "SECRET-QUERY" }]));
        assert_eq!(entry["response"]["status"], 101);
        let headers = entry["response"]["headers"].as_array().unwrap();
        assert!(headers.iter().any(|header| header["name"] == "Upgrade" && header["value"] == "websocket"));
        let started = entry["startedDateTime"].as_str().unwrap();
        assert!(started.ends_with('Z') && started.contains('T'), "{started}");
    }
}

#[test]
fn masked_values_and_hashes_are_marked() {
    for har in exchange(|buffer| {
        Recorder::new(buffer)
            .payloads(Direction::Sent, Payloads::Hashed)
            .payloads(Direction::Received, Payloads::Hashed)
    }) {
        let entry = &har["log"]["entries"][0];
        assert_eq!(entry["request"]["url"], "ws://example.com/chat?(hidden)");
        assert_eq!(entry["request"]["queryString"], json!([]));
        let data = entry["_webSocketMessages"][0]["data"].as_str().unwrap();
        assert!(data.len() == 7 + 64 && data.starts_with("sha256:"), "{data}");
        let headers = entry["request"]["headers"].as_array().unwrap();
        assert!(headers.iter().any(|header| header["name"] == "Sec-WebSocket-Key" && header["value"] == "(hidden)"));
    }
}

#[test]
fn connections_without_heads_are_entries() {
    let buffer = Buffer::default();
    let recorder = Recorder::new(buffer.clone());
    let _connections = [common::open_server(&recorder), common::open_server(&recorder)];
    let har = har(&buffer.recording());
    let entries = har["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!((&entries[0]["request"]["method"], &entries[0]["response"]["status"]), (&json!("GET"), &json!(101)));
    assert_eq!(entries[0]["_webSocketMessages"], json!([]));
}

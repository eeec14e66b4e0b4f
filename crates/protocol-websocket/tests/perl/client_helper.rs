//! `Protocol::WebSocket::Client`, compared with `Client`.

use std::collections::VecDeque;

use bytes::BytesMut;
use protocol_websocket::http::Key;
use protocol_websocket::{
    Client, Config, Error, Event, Frame, Limits, Message, Negotiated, Offer, SendError, Url, Version,
};
use serde_json::{Value, json};

use crate::handshakes::base64;
use crate::requests::hex;
use crate::vectors::{Mode, Vector, bytes, run};

#[test]
fn client_returns_recorded_events() {
    run("client-helper", |vector, expected, mode| {
        // The helper itself is never lenient.
        if mode == Mode::Compat {
            return Ok(());
        }
        let ours = Helper::new(vector).play(&vector.input);
        let expected: Vec<_> = expected["events"].as_array().into_iter().flatten().map(essence).collect();
        let events: Vec<_> = ours.iter().map(essence).collect();
        if events == expected {
            Ok(())
        } else {
            Err(format!("expected: {}\n  ours: {}", json!(expected), json!({ "events": ours })))
        }
    });
}

/// Returns the action, the kind and the bytes of an event. The texts of errors differ.
fn essence(event: &Value) -> Value {
    let name = match event["event"].as_str().unwrap() {
        // Refused by an event, by dying or with a warning.
        "die" | "error" | "warn" => "refused",
        name => name,
    };
    let data = ["bytes_hex", "data_hex"].iter().find_map(|key| event.get(key)).map(|data| hex(&bytes(data)));
    json!([event["action"], name, data])
}

struct Helper {
    url: Result<Url, ()>,
    config: Config,
    limits: Limits,
    keys: VecDeque<Vec<u8>>,
    masks: VecDeque<Vec<u8>>,
    key: String,
    version: Version,
    client: Option<Client>,
    input: BytesMut,
    events: Vec<Value>,
}

impl Helper {
    fn new(vector: &Vector) -> Self {
        let input = &vector.input;
        let entropy = if vector.quirk.is_some() { &vector.head_entropy } else { &input["entropy"] };
        let list = |name: &str| entropy[name].as_array().unwrap().clone();
        let mut limits = Limits::PERL;
        if let Some(size) = input["max_payload_size"].as_u64() {
            limits.max_frame = size;
        }
        if let Some(fragments) = input["max_fragments_amount"].as_u64() {
            limits.max_fragments = u32::try_from(fragments).unwrap();
        }
        Self {
            url: Url::parse(input["url"].as_str().unwrap()).map_err(|_| ()),
            config: Config::new().limits(limits).auto_pong(input["no_auto_pong"].is_null()),
            limits,
            keys: list("keys").iter().map(|key| base64(key.as_str().unwrap())).collect(),
            masks: list("masks").iter().map(bytes).collect(),
            key: list("keys").first().map_or(String::new(), |key| key.as_str().unwrap().into()),
            version: input["version"].as_str().map_or(Version::default(), |version| version.parse().unwrap()),
            client: None,
            input: BytesMut::new(),
            events: Vec::new(),
        }
    }

    fn play(mut self, input: &Value) -> Vec<Value> {
        if self.url.is_err() {
            return vec![json!({ "action": -1, "event": "die" })];
        }
        for (at, action) in input["actions"].as_array().into_iter().flatten().enumerate() {
            let data = ["bytes_hex", "text_hex"].iter().find_map(|key| action.get(key)).map(bytes).unwrap_or_default();
            match action["call"].as_str().unwrap() {
                "connect" => self.connect(at),
                "read" => self.read(at, &data),
                "read_handshake" => {
                    let accept = Key::parse(self.key.as_bytes()).unwrap().accept();
                    let mut response =
                        b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                            .to_vec();
                    response.extend_from_slice(&accept);
                    response.extend_from_slice(b"\r\n\r\n");
                    response.extend(action.get("extra_hex").map(bytes).unwrap_or_default());
                    for size in action["chunks"].as_array().into_iter().flatten() {
                        let rest = response.split_off((size.as_u64().unwrap() as usize).min(response.len()));
                        self.read(at, &response);
                        response = rest;
                    }
                    if !response.is_empty() {
                        self.read(at, &response);
                    }
                }
                "write" => {
                    let text = String::from_utf8(data).unwrap();
                    match self.limits.check(&Frame::text(text.as_str())) {
                        Ok(()) => self.write(at, |client, output| client.send(Message::from(text), output)),
                        Err(_) => self.event(at, "die", None),
                    }
                }
                "write_frame" => self.write_frame(at, &action["frame"]),
                "ping" => self.write(at, |client, output| client.ping(data, output)),
                "pong" => self.write(at, |client, output| client.pong(data, output)),
                "disconnect" => self.write(at, |client, output| client.close(None, output)),
                other => panic!("{other}"),
            }
        }
        self.events
    }

    fn event(&mut self, at: usize, event: &str, data: Option<&[u8]>) {
        self.events.push(json!({ "action": at, "event": event, "data_hex": data.map(hex) }));
        if data.is_none() {
            self.events.last_mut().unwrap().as_object_mut().unwrap().remove("data_hex");
        }
    }

    /// Connects once. A second connection would be another client.
    fn connect(&mut self, at: usize) {
        if self.client.is_some() {
            return self.event(at, "warn", None);
        }
        let (mut keys, mut masks) = (self.keys.clone(), self.masks.clone());
        let random = move |buf: &mut [u8]| {
            let next = if buf.len() == 4 { masks.pop_front() } else { keys.pop_front() };
            match next.filter(|next| next.len() == buf.len()) {
                Some(next) => buf.copy_from_slice(&next),
                None => buf.fill(7),
            }
        };
        let offer = Offer::new().version(self.version);
        let url = self.url.as_ref().unwrap();
        self.client = Some(Client::connect(url, &offer, self.config.clone(), random, &mut BytesMut::new()).unwrap());
        self.event(at, "write-handshake", None);
    }

    fn read(&mut self, at: usize, data: &[u8]) {
        self.input.extend_from_slice(data);
        loop {
            let (mut output, mut input) = (BytesMut::new(), std::mem::take(&mut self.input));
            let received = self.client.as_mut().unwrap().receive(&mut input, &mut output);
            self.input = input;
            // Perl sends no Close after a protocol error.
            if !output.is_empty() && received.is_ok() {
                self.event(at, "write", Some(&output));
            }
            match received {
                Ok(None) => return,
                Ok(Some(Event::Open(opened))) => {
                    assert_eq!(
                        *opened.negotiated(),
                        Negotiated::default().version(self.version),
                        "nothing else was offered"
                    );
                    self.event(at, "connect", None);
                }
                Ok(Some(Event::Message(message))) => self.event(at, "read", Some(message.as_bytes())),
                Ok(Some(Event::Ping(_))) => {}
                Ok(Some(Event::Pong(data))) => self.event(at, "pong", Some(&data)),
                Ok(Some(Event::Close(_))) => self.event(at, "eof", None),
                Ok(Some(_)) => self.event(at, "error", None),
                Err(Error::Response(_)) => return self.event(at, "error", None),
                Err(_) => return self.event(at, "die", None),
            }
        }
    }

    fn write(&mut self, at: usize, send: impl FnOnce(&mut Client, &mut BytesMut) -> Result<(), SendError>) {
        let mut output = BytesMut::new();
        match self.client.as_mut().map(|client| send(client, &mut output)) {
            Some(Ok(())) => self.event(at, "write", Some(&output)),
            None | Some(Err(_)) => self.event(at, "warn", None),
        }
    }

    /// Sends a frame of the caller. Frames of a client are masked.
    fn write_frame(&mut self, at: usize, frame: &Value) {
        let data = bytes(&frame["buffer_hex"]);
        match frame["type"].as_str() {
            Some("ping") => self.write(at, |client, output| client.ping(data, output)),
            Some("pong") => self.write(at, |client, output| client.pong(data, output)),
            Some("binary") => self.write(at, |client, output| client.send(Message::from(data), output)),
            Some("close") => self.write(at, |client, output| client.close(None, output)),
            Some("text") => {
                let text = String::from_utf8(data).unwrap();
                self.write(at, |client, output| client.send(Message::from(text), output));
            }
            other => panic!("{other:?}"),
        }
    }
}

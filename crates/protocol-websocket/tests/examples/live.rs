//! The live section of the example `serve`: the data that a page receives about connections, and which pages may receive it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use protocol_websocket::bytes::Bytes;
use protocol_websocket::{Close, Config, Event, Message, MessageKind, Offer, Part, Version};
use protocol_websocket_permessage_deflate::PermessageDeflate;
use serde_json::{Value, json};
use test_support::program::Program;

use crate::peer_client::TestClient;
use crate::program::{Server, example};
use crate::{connect, open, read_head};

const SUBPROTOCOL: &str = "live-connections";
/// The limits of the example.
const MAX_OPEN: usize = 100;
const MAX_VIEWERS: usize = 8;

/// A page: its connection, and the latest values that it received.
struct Page {
    client: TestClient,
    connections: BTreeMap<u64, Value>,
    frames: Vec<Value>,
    open: Value,
}

impl Page {
    fn open(server: &Server) -> Self {
        let origin = format!("http://127.0.0.1:{}", server.port);
        let offer = Offer::new().subprotocol(SUBPROTOCOL).origin(&origin);
        let (client, negotiated) = TestClient::connect(&format!("ws://127.0.0.1:{}/live", server.port), &offer);
        assert_eq!(negotiated.subprotocol.as_deref(), Some(SUBPROTOCOL));
        Self { client, connections: BTreeMap::new(), frames: Vec::new(), open: Value::Null }
    }

    fn update(&mut self) {
        let message = message(&mut self.client);
        let text = message.as_text().unwrap();
        assert!(!text.contains("secret"), "{text}");
        let update: Value = serde_json::from_str(text).unwrap();
        for connection in update["connections"].as_array().unwrap() {
            self.connections.insert(connection["id"].as_u64().unwrap(), connection.clone());
        }
        for id in update["gone"].as_array().unwrap() {
            self.connections.remove(&id.as_u64().unwrap()).unwrap();
        }
        self.frames.extend_from_slice(update["frames"].as_array().unwrap());
        self.open = update["open"].clone();
    }

    /// Reads updates until the connection with this path is as wanted, and returns it.
    fn connection(&mut self, path: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let found =
                self.connections.values().find(|connection| connection["path"] == path && is_wanted(connection));
            if let Some(found) = found {
                return found.clone();
            }
            self.update();
        }
    }

    fn select(&mut self, connection: &Value) {
        self.client.send(json!({ "select": connection["id"] }).to_string());
        self.frames.clear();
    }

    /// Reads updates until there are `count` data frames, and returns them without their numbers and times.
    fn data_frames(&mut self, count: usize) -> Vec<Value> {
        loop {
            let is_data = |frame: &&Value| !matches!(frame["opcode"].as_str(), Some("ping" | "pong" | "close"));
            let mut frames: Vec<Value> = self.frames.iter().filter(is_data).cloned().collect();
            if frames.len() >= count {
                for frame in &mut frames {
                    frame.as_object_mut().unwrap().retain(|name, _| name != "number" && name != "at");
                }
                return frames;
            }
            self.update();
        }
    }
}

fn serve() -> Server {
    Server::ours("serve", &["--port", "0", "--host", "example.com"])
}

fn client(server: &Server, path: &str, offer: &Offer, config: Config) -> TestClient {
    TestClient::configured(&format!("ws://127.0.0.1:{}{path}", server.port), offer, config).0
}

fn compressing_client(server: &Server, path: &str) -> TestClient {
    client(server, path, &Offer::new(), Config::new().extension(PermessageDeflate::new()))
}

fn echo(client: &mut TestClient, text: &str) {
    client.send(text);
    assert_eq!(message(client).as_text(), Some(text));
}

/// Returns the next message. Pings may arrive before it.
fn message(client: &mut TestClient) -> Message {
    loop {
        match client.next() {
            Some(Event::Message(message)) => return message,
            Some(Event::Ping(_)) => {}
            other => panic!("{other:?} instead of a message"),
        }
    }
}

#[test]
fn page_reads_clients_of_two_versions() {
    let server = serve();
    let mut compressed = compressing_client(&server, "/chat?token=secret");
    let (start, rest) = ("a".repeat(10_000), "b".repeat(500));
    compressed.send_part(Part::new(MessageKind::Text, Bytes::from(start.clone())).with_last(false));
    compressed.send_part(Part::new(MessageKind::Text, Bytes::from(rest.clone())).with_first(false));
    assert_eq!(message(&mut compressed).as_text(), Some(&*(start + &rest)));
    let mut old = client(&server, "/old", &Offer::new().version(Version::Hybi00), Config::new());
    echo(&mut old, "Hello");
    echo(&mut old, "");

    let mut page = Page::open(&server);
    let old = page.connection("/old", |_| true);
    assert_eq!((&old["version"], &old["extensions"]), (&json!("draft-ietf-hybi-00"), &json!("")));
    let counts = json!({
        "frames": 2, "messages": 2, "wire": 5, "payload": 5, "compressedWire": 0, "compressedPayload": 0,
    });
    assert_eq!((&old["received"], &old["sent"]), (&counts, &counts));
    assert_eq!((&old["pings"], &old["roundTrip"], &old["ended"]), (&json!(false), &Value::Null, &Value::Null));

    let chat = page.connection("/chat?…", |_| true);
    assert_eq!((&chat["version"], &chat["extensions"]), (&json!("RFC 6455"), &json!("permessage-deflate")));
    let received = &chat["received"];
    assert_eq!((&received["frames"], &received["messages"]), (&json!(2), &json!(1)));
    assert_eq!((&received["payload"], &received["compressedPayload"]), (&json!(10_500), &json!(10_500)));
    assert!(received["wire"].as_u64().unwrap() < 200 && received["wire"] == received["compressedWire"], "{received}");
    // The server may have sent a ping, too.
    assert_eq!((&chat["sent"]["messages"], &chat["sent"]["compressedPayload"]), (&json!(1), &json!(10_500)));
    assert_eq!(page.open, 2);
}

#[test]
fn selected_connection_shows_its_frames_live() {
    let server = serve();
    let mut plain = client(&server, "/plain", &Offer::new(), Config::new());
    let mut page = Page::open(&server);
    echo(&mut plain, "before");
    let connection = page.connection("/plain", |connection| connection["sent"]["messages"] == 1);
    page.select(&connection);
    let frame = |direction, length| {
        json!({
            "direction": direction, "opcode": "text", "fin": true, "compressed": false, "wire": length, "payload": length,
        })
    };
    assert_eq!(page.data_frames(2), [frame("received", 6), frame("sent", 6)]);

    echo(&mut plain, "now");
    assert_eq!(page.data_frames(4)[2..], [frame("received", 3), frame("sent", 3)]);

    let mut compressed = compressing_client(&server, "/compressed");
    compressed.send_part(Part::new(MessageKind::Binary, Bytes::from(vec![7; 5000])).with_last(false));
    compressed.send_part(Part::new(MessageKind::Binary, Bytes::from(vec![7; 3000])).with_first(false));
    message(&mut compressed);
    let connection = page.connection("/compressed", |connection| connection["sent"]["messages"] == 1);
    page.select(&connection);
    let frames = page.data_frames(3);
    let frames: Vec<String> = frames
        .iter()
        .map(|frame| {
            assert!(frame["wire"].as_u64().unwrap() < 100, "{frame}");
            format!(
                "{} {} {} {} {}",
                frame["direction"], frame["opcode"], frame["fin"], frame["compressed"], frame["payload"]
            )
        })
        .collect();
    assert_eq!(
        frames,
        [
            r#""received" "binary" false true 5000"#,
            r#""received" "continuation" true true 3000"#,
            r#""sent" "binary" true true 8000"#
        ]
    );
}

#[test]
fn page_reads_round_trips_and_ends() {
    let server = serve();
    let mut pinged = client(&server, "/pinged", &Offer::new(), Config::new());
    let old = client(&server, "/old", &Offer::new().version(Version::Hybi00), Config::new());
    let mut page = Page::open(&server);
    page.connection("/pinged", |connection| connection["roundTrip"].is_null());
    assert!(matches!(pinged.next(), Some(Event::Ping(_))), "a ping while a page is open");
    let pinged_row = page.connection("/pinged", |connection| connection["roundTrip"].is_number());
    assert!(pinged_row["roundTrip"].as_f64().unwrap() > 0.0);

    pinged.close(Some(Close::new(4000, "secret")));
    let ended = page.connection("/pinged", |connection| !connection["ended"].is_null())["ended"].clone();
    assert_eq!(
        (&ended["code"], &ended["by"], &ended["clean"], &ended["error"]),
        (&json!(4000), &json!("the peer"), &json!(true), &Value::Null)
    );
    old.hang_up();
    let ended = page.connection("/old", |connection| !connection["ended"].is_null())["ended"].clone();
    assert_eq!((&ended["code"], &ended["by"], &ended["clean"]), (&json!(1006), &json!("the transport"), &json!(false)));
    assert_eq!(ended["error"], "the transport ended without a closing handshake");
}

#[test]
fn page_reads_unsent_bytes_of_a_client_that_does_not_read() {
    const LENGTH: u32 = 16 << 20;
    let server = serve();
    let mut client = open(&server);
    let mut page = Page::open(&server);
    client.write_all(&[&[0x82, 0xFF, 0, 0, 0, 0][..], &LENGTH.to_be_bytes(), &[0; 4]].concat()).unwrap();
    client.write_all(&vec![0; LENGTH as usize]).unwrap();
    let connection = page.connection("/", |connection| connection["unsent"] != 0);
    assert!(connection["unsent"].as_u64().unwrap() >= u64::from(LENGTH), "{connection}");
}

#[test]
fn page_shows_a_limited_number_of_connections() {
    let server = serve();
    let clients: Vec<TcpStream> = (0..MAX_OPEN + 5).map(|_| open(&server)).collect();
    let mut page = Page::open(&server);
    page.update();
    assert_eq!((page.connections.len(), &page.open), (MAX_OPEN, &json!(MAX_OPEN + 5)));
    // The oldest are not shown, unless one of them is selected.
    assert!(!page.connections.contains_key(&0));
    page.select(&json!({ "id": 0 }));
    while !page.connections.contains_key(&0) {
        page.update();
    }
    drop(clients);

    let pages: Vec<Page> = (1..MAX_VIEWERS).map(|_| Page::open(&server)).collect();
    let own = "Host: localhost\r\nOrigin: http://localhost\r\n";
    assert_eq!(status(&server, own), "503");
    drop(pages);
    while status(&server, own) != "101" {}
}

/// A page of another site cannot change the origin that a browser sends. With DNS rebinding, its name is the host.
#[test]
fn foreign_pages_cannot_read_connections() {
    let server = serve();
    let port = server.port;
    for (host, origin, wanted) in [
        (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"), "101"),
        (format!("localhost:{port}"), format!("http://localhost:{port}"), "101"),
        (format!("localhost:{port}"), "http://evil.example".into(), "403"),
        (format!("localhost:{port}"), format!("http://127.0.0.1:{port}"), "403"),
        (format!("localhost:{port}"), "http://localhost:1".into(), "403"),
        (format!("localhost:{port}"), format!("https://localhost:{port}"), "403"),
        (format!("localhost:{port}"), "null".into(), "403"),
        (format!("evil.example:{port}"), format!("http://evil.example:{port}"), "421"),
        // A name that a proxy may serve to others.
        (format!("example.com:{port}"), format!("http://example.com:{port}"), "403"),
    ] {
        let fields = format!("Host: {host}\r\nOrigin: {origin}\r\n");
        assert_eq!(status(&server, &fields), wanted, "{fields}");
    }
    assert_eq!(status(&server, &format!("Host: localhost:{port}\r\n")), "403", "without an origin");
    assert!(page(port, "localhost").contains(r#"data-live="connecting""#));
    let foreign = page(port, "example.com");
    assert!(foreign.contains(r#"data-live="off""#) && foreign.contains("another name than localhost"), "{foreign}");
}

#[test]
fn connections_are_not_observed_on_other_addresses_or_without_the_section() {
    for (arguments, reason) in
        [(["--bind", "0.0.0.0"].as_slice(), "other machines can reach"), (&["--no-live"], "started with --no-live")]
    {
        let server = Program::start(Command::new(example("serve")).args(["--port", "0"]).args(arguments));
        let port = server.url().rsplit(':').next().unwrap().trim_end_matches('/').parse().unwrap();
        let offer = Offer::new().subprotocol(SUBPROTOCOL).origin(format!("http://127.0.0.1:{port}"));
        let (mut client, negotiated) = TestClient::connect(&format!("ws://127.0.0.1:{port}/"), &offer);
        assert_eq!(negotiated.subprotocol, None);
        // It is an echo, and nothing else.
        echo(&mut client, r#"{"select":0}"#);
        let page = page(port, "localhost");
        assert!(page.contains(r#"data-live="off""#) && page.contains(reason), "{page}");
        assert!(!page.contains("liveConnect"), "{page}");
    }
}

/// Requests the data of the live section with these header fields, and returns the status of the response.
fn status(server: &Server, fields: &str) -> String {
    let mut stream = connect(server);
    let request = format!(
        "GET /live HTTP/1.1\r\n{fields}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let head = String::from_utf8(read_head(&mut stream)).unwrap();
    head.split(' ').nth(1).unwrap().to_owned()
}

fn page(port: u16, host: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

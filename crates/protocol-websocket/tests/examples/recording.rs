//! The example `serve` records its connections.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use protocol_websocket::{OpCode, Role};
use protocol_websocket_record::{Log, Recording};
use test_support::heads::REQUEST;

use crate::program::Server;
use crate::{connect, open, read_head};

#[test]
fn serve_records_all_connections() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("serve.jsonl");
    // A file that other users can read is not one afterwards.
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let server = Server::ours("serve", &["--port", "0", "--record", path.to_str().unwrap()]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for text in [b"\x81\x82\0\0\0\0aa", b"\x81\x82\0\0\0\0bb"] {
        let mut stream = open(&server);
        stream.write_all(text).unwrap();
        stream.write_all(b"\x88\x80\0\0\0\0").unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
    }
    // The connection of a page to its live section is not recorded.
    let mut page = connect(&server);
    let own = "Host: localhost\r\nOrigin: http://localhost\r\nSec-WebSocket-Protocol: live-connections\r\n";
    page.write_all(REQUEST.replace("Host: localhost\r\n", own).as_bytes()).unwrap();
    assert!(read_head(&mut page).starts_with(b"HTTP/1.1 101 "));
    let log = fs::read(&path).unwrap();
    let recording = Recording::read(Log::new(&log[..]).unwrap()).unwrap();
    assert_eq!(recording.connections.len(), 2);
    for (connection, text) in recording.connections.iter().zip(["aa", "bb"]) {
        assert_eq!(connection.role, Some(Role::Server));
        let [received, sent, ..] = &connection.messages[..] else { panic!("{connection:?}") };
        assert!(received.is_same(OpCode::Text, text.as_bytes()) && sent.is_same(OpCode::Text, text.as_bytes()));
        assert!(connection.is_from_client(received.direction) && !connection.is_from_client(sent.direction));
        assert!(connection.ended.as_ref().is_some_and(|ended| ended.clean));
    }
}

//! Programs that support older versions of the protocol: Perl's `Protocol::WebSocket` with all four, and others.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::time::Duration;

use protocol_websocket::{Close, Offer, Version};

use super::client::TestClient;
use super::conversation::{assert_closed, connect, messages, opened, received_close, test_client};
use super::program::{self, Server};
use super::server::OurServer;

pub(super) const ALL: [Version; 4] = [Version::Hixie75, Version::Hybi00, Version::Hybi10, Version::Rfc6455];
/// The versions of `websocket-driver` and of `faye-websocket`, which uses it.
const DRIVER: [Version; 3] = [Version::Hixie75, Version::Hybi00, Version::Rfc6455];

#[test]
fn perl_client_to_our_server() {
    for version in ALL {
        // Perl's module has a name of its own for RFC 6455.
        let name = if version == Version::Rfc6455 { "draft-ietf-hybi-17".into() } else { version.to_string() };
        let server = test_client("perl", "perl_client.pl", "ws", &[&name]);
        server.logged(&opened(version, "/"));
    }
}

#[test]
fn our_client_to_perl_server() {
    let server = Server::peer("perl", "perl_server.pl", &["other", "chat"]);
    for version in ALL {
        let client = conversation(&server, version, &Offer::new());
        let close = received_close(version, 4000);
        assert_closed(&client.close(Some(Close::new(4000, ""))), close);

        let (mut client, _) = connect(&server, version, &Offer::new());
        client.send("close 3000");
        let close = received_close(version, 3000);
        assert_closed(&client.ended(), close);

        // The request in the form of Perl's own client.
        conversation(&server, version, &Offer::new().perl_compat());
    }
}

#[test]
fn our_client_to_websocket_driver_server() {
    test_node_server("websocket-driver", &DRIVER);
}

#[test]
fn our_client_to_faye_server() {
    test_node_server("faye-websocket", &DRIVER);
}

#[test]
fn our_client_to_eventlet_server() {
    let server = Server::peer("python3", "eventlet_server.py", &["other", "chat"]);
    test_versions(&server, &ALL, Version::Hybi00, Version::Hybi10);
}

#[test]
fn our_client_to_websocketpp_server() {
    let server = Server::compiled("websocketpp_server", &["other", "chat"]);
    let versions = [Version::Hybi00, Version::Hybi10, Version::Rfc6455];
    test_versions(&server, &versions, Version::Hybi00, Version::Hybi10);
}

#[test]
fn our_client_to_node_websocket_server() {
    test_node_server("websocket", &[Version::Hybi10, Version::Rfc6455]);
}

#[test]
fn our_version_8_client_to_ws_server() {
    let server = Server::peer("node", "node_server.mjs", &["other", "chat"]);
    let client = conversation(&server, Version::Hybi10, &Offer::new().origin("http://a.example"));
    let close = Some(Close::new(1000, "done"));
    assert_closed(&client.close(close.clone()), close);
}

#[test]
fn ws_version_8_client_to_our_server() {
    let server = test_client("node", "node_client.mjs", "ws", &["8"]);
    server.logged(&opened(Version::Hybi10, "/"));
}

#[test]
fn node_websocket_client_to_our_server() {
    for (number, version) in [("8", Version::Hybi10), ("13", Version::Rfc6455)] {
        let server = test_client("node", "websocket_client.mjs", "ws", &[number]);
        server.logged(&opened(version, "/"));
        server.logged("closed with 4000");
    }
}

#[test]
fn python_2_clients_to_our_server() {
    let python = program::installed("python2.7");
    for (number, version) in [("75", Version::Hixie75), ("00", Version::Hybi00)] {
        let server = test_client(python.to_str().unwrap(), "python2_client.py", "ws", &[number]);
        server.logged(&opened(version, "/"));
    }
}

#[test]
fn ruby_client_to_our_server() {
    for (number, version) in [("75", Version::Hixie75), ("8", Version::Hybi10), ("13", Version::Rfc6455)] {
        let server = test_client("ruby", "ruby_client.rb", "ws", &[number]);
        server.logged(&opened(version, "/"));
    }
}

#[test]
fn our_client_to_ruby_server() {
    let server = Server::peer("ruby", "em_websocket_server.rb", &[]);
    for version in ALL {
        let (mut client, _) = connect(&server, version, &Offer::new());
        messages(&mut client, version);
        if version != Version::Hixie75 {
            let close = received_close(version, 1000);
            assert_closed(&client.close(Some(Close::new(1000, ""))), close);
        }
    }
}

/// The example of draft-ietf-hybi-00 §1.3. A proxy may keep the last eight bytes until it has received the 101.
#[test]
fn our_server_responds_before_the_last_bytes_of_a_hybi00_request() {
    const HEAD: &[u8] = b"GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\nSec-WebSocket-Protocol: sample\r\nUpgrade: WebSocket\r\n\
        Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nOrigin: http://example.com\r\n\r\n";
    const REST: &[u8] = b"^n:ds[4U\0Hello\xFF\0there\xFF";
    const RESPONSE: &[u8] = b"8jKS'y:G*Co,Wxa-\0Hello\xFF\0there\xFF";
    let server = OurServer::start();

    for size in [REST.len(), 9, 8, 7, 1] {
        let mut stream = open(server.port());
        stream.write_all(HEAD).unwrap();
        let head = read_head(&mut stream);
        assert!(head.contains("\r\nSec-WebSocket-Location: ws://example.com/demo\r\n"), "{head}");
        for bytes in REST.chunks(size) {
            stream.write_all(bytes).unwrap();
        }
        expect(&mut stream, RESPONSE);
        stream.write_all(b"\xFF\0").unwrap();
        expect(&mut stream, b"\xFF\0");
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
    for size in [HEAD.len() + REST.len(), 1] {
        let mut stream = open(server.port());
        for bytes in [HEAD, REST].concat().chunks(size) {
            stream.write_all(bytes).unwrap();
        }
        assert!(read_head(&mut stream).starts_with("HTTP/1.1 101 "));
        expect(&mut stream, RESPONSE);
    }
}

#[test]
fn connections_pass_through_haproxy() {
    let server = OurServer::start();
    for (mode, versions) in [("http", &[Version::Hybi10, Version::Rfc6455][..]), ("tcp", &ALL)] {
        let proxy = Proxy::start(mode, server.port());
        for &version in versions {
            let url = format!("ws://127.0.0.1:{}/proxied", proxy.port);
            let (mut client, negotiated) = TestClient::connect(&url, &Offer::new().version(version));
            assert_eq!(negotiated.version, version);
            server.logged(&opened(version, "/proxied"));
            messages(&mut client, version);
            let close = received_close(version, 4000);
            assert_closed(&client.close(Some(Close::new(4000, ""))), close);
        }
    }
}

/// HAProxy on a port of this machine, with `peers/haproxy.cfg`.
struct Proxy {
    port: u16,
    child: Child,
    _watch: test_support::program::Watch,
}

impl Proxy {
    fn start(mode: &str, backend: u16) -> Self {
        program::install();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let path = std::env::var("PATH").unwrap() + ":/usr/sbin";
        let child = Command::new("haproxy")
            .args(["-db", "-f"])
            .arg(program::script("haproxy.cfg"))
            .env("PATH", path)
            .env("MODE", mode)
            .env("BACKEND", backend.to_string())
            .stdin(OwnedFd::from(listener))
            .spawn()
            .unwrap();
        let watch = program::watch(child.id());
        Self { port, child, _watch: watch }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn test_node_server(package: &str, versions: &[Version]) {
    let server = Server::peer("node", "old_server.mjs", &[package, "other", "chat"]);
    test_versions(&server, versions, Version::Hybi10, Version::Hybi00);
}

/// Tests a server that selects a subprotocol in the version `selects` and newer ones, and responds to a Close in the
/// version `closes` and newer ones.
fn test_versions(server: &Server, versions: &[Version], selects: Version, closes: Version) {
    for &version in versions {
        let offer = Offer::new().subprotocol("chat").origin("http://a.example");
        let (mut client, negotiated) = connect(server, version, &offer);
        assert_eq!(negotiated.subprotocol.is_some(), version >= selects, "{version}");
        messages(&mut client, version);
        if version < closes {
            client.hang_up();
        } else {
            let close = received_close(version, 1000);
            assert_closed(&client.close(Some(Close::new(1000, ""))), close);
        }
    }
}

/// Opens a connection with a subprotocol, and exchanges messages. The caller closes it.
fn conversation(server: &Server, version: Version, offer: &Offer) -> TestClient {
    let (mut client, negotiated) = connect(server, version, &offer.clone().subprotocol("chat"));
    assert_eq!(negotiated.subprotocol.as_deref(), Some("chat"), "{version}");
    messages(&mut client, version);
    client
}

pub(super) fn open(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

pub(super) fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}

fn expect(stream: &mut TcpStream, wanted: &[u8]) {
    let mut found = vec![0; wanted.len()];
    stream.read_exact(&mut found).unwrap();
    assert_eq!(String::from_utf8_lossy(&found), String::from_utf8_lossy(wanted));
}

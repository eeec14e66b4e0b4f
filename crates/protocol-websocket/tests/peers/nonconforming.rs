//! Servers and clients that break the draft of their version in a way that this library accepts: they select a subprotocol
//! that was not offered, end the connection after our Close without their own Close, or send a key of fifteen bytes.

use protocol_websocket::{Close, Offer, Version};

use super::client::TestClient;
use super::conversation::{assert_closed, connect, messages, opened, received_close, test_client};
use super::program::{self, Server};

#[test]
fn eventlet_chooses_a_subprotocol_that_was_not_offered() {
    let server = Server::peer("python3", "eventlet_server.py", &[]);
    for version in [Version::Hixie75, Version::Hybi00] {
        connect_without_subprotocol(&server, version).hang_up();
    }
}

#[test]
fn node_websocket_server_chooses_a_subprotocol_that_was_not_offered() {
    let server = Server::peer("node", "odd_server.mjs", &["node-websocket-server"]);
    for version in [Version::Hixie75, Version::Hybi00] {
        assert_ends_after_close(connect_without_subprotocol(&server, version));
    }
}

#[test]
fn txws_chooses_a_subprotocol_that_was_not_offered() {
    let server = python_2("txws");
    // txws does not support the Close of this version.
    connect_without_subprotocol(&server, Version::Hybi00).hang_up();
}

#[test]
fn websocket_io_ends_the_connection_after_our_close() {
    let server = Server::peer("node", "odd_server.mjs", &["websocket.io"]);
    for version in [Version::Hixie75, Version::Hybi00] {
        assert_ends_after_close(connect_without_subprotocol(&server, version));
    }
}

#[test]
fn gevent_websocket_ends_the_connection_after_our_close() {
    assert_ends_after_close(connect_without_subprotocol(&python_2("gevent-websocket"), Version::Hybi00));
}

#[test]
fn ws_0_4_sends_a_key_of_fifteen_bytes() {
    for (number, version) in [("8", Version::Hybi10), ("13", Version::Rfc6455)] {
        let server = test_client("node", "ws_0_4_client.mjs", "ws", &[number]);
        server.logged(&opened(version, "/"));
        server.logged("closed with 4000");
    }
}

#[test]
fn our_client_to_ws_0_4_server() {
    let server = Server::peer("node", "odd_server.mjs", &["ws-0.4"]);
    for version in [Version::Hybi00, Version::Hybi10, Version::Rfc6455] {
        let (mut client, negotiated) = connect(&server, version, &Offer::new().subprotocol("chat"));
        assert_eq!(negotiated.subprotocol.as_deref(), Some("chat"), "{version}");
        messages(&mut client, version);
        assert_closed(&client.close(Some(Close::new(4000, ""))), received_close(version, 4000));
    }
}

fn python_2(package: &str) -> Server {
    Server::peer(program::installed("python2.7"), "python2_server.py", &[package])
}

/// Exchanges messages over a connection for which no subprotocol was offered. The caller closes it.
fn connect_without_subprotocol(server: &Server, version: Version) -> TestClient {
    let (mut client, negotiated) = connect(server, version, &Offer::new().origin("http://a.example"));
    assert_eq!(negotiated.subprotocol, None, "{version}");
    messages(&mut client, version);
    client
}

/// Checks that the connection ends cleanly when the server ends it after our Close, without its own.
fn assert_ends_after_close(client: TestClient) {
    assert_closed(&client.close(None), None);
}

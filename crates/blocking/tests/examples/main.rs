//! The example programs, with each other and with servers of this crate.
//!
//! Run `cargo test` without `--test` first, because `cargo test --test examples` does not build the examples.
#![cfg(all(unix, feature = "server", feature = "url"))]
#![allow(clippy::unwrap_used)]

use std::net::TcpListener;
use std::process::Command;

use protocol_websocket_blocking::{Accept, CloseCode, Reject, accept, config, connect};
use test_support::program::{Program, example};

/// Starts an example.
fn start(name: &str, argument: &str) -> Program {
    Program::start(Command::new(example(name)).arg(argument))
}

#[test]
fn client_and_server_talk() {
    let server = start("blocking_echo", "127.0.0.1:0");
    let mut client = start("blocking_client", &server.url());
    for line in ["hello", "", "grüße"] {
        client.write_line(line);
        client.printed(line);
    }
    client.end_input();
    client.printed("closed with 1000");
    assert!(client.wait().success());
}

#[test]
fn server_serves_many_clients_at_once() {
    let server = start("blocking_echo", "127.0.0.1:0");
    let url = server.url();
    let mut clients: Vec<_> = (0..20).map(|_| connect(&url).unwrap().0).collect();
    for (client, text) in clients.iter_mut().zip(('a'..='z').map(String::from)) {
        client.send(&text).unwrap();
        assert_eq!(client.recv().unwrap().unwrap(), text.as_str().into());
    }
    // A client that is gone.
    drop(clients.pop());
    server.logged("the transport ended without a closing handshake");
    for mut client in clients {
        assert!(client.close(CloseCode::NORMAL).unwrap().clean);
    }
}

#[test]
fn client_connects_again_until_the_close_code_is_permanent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    for (last, is_success) in [(CloseCode::POLICY_VIOLATION, false), (CloseCode::NORMAL, true)] {
        let mut client = start("blocking_reconnect", &url);
        for code in [CloseCode::SERVICE_RESTART, last] {
            let (stream, _) = listener.accept().unwrap();
            let mut websocket = accept(stream, config()).unwrap().accept(Accept::new()).unwrap();
            websocket.send("welcome").unwrap();
            assert!(websocket.close(code).unwrap().clean);
            client.printed("welcome");
        }
        assert_eq!(client.wait().success(), is_success);
    }
}

#[test]
fn client_ends_after_a_permanent_rejection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = start("blocking_reconnect", &format!("ws://{}/", listener.local_addr().unwrap()));
    for (status, line) in [(503, "the next attempt"), (403, "Rejected")] {
        let (stream, _) = listener.accept().unwrap();
        accept(stream, config()).unwrap().reject(&Reject::new(status)).unwrap();
        client.logged(line);
    }
    assert!(!client.wait().success());
}

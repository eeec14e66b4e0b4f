//! The example programs, which README.md shows as they are.
#![cfg(all(unix, feature = "http1", feature = "http2", feature = "server", feature = "url"))]
#![allow(clippy::unwrap_used)]

use std::process::Command;

use protocol_websocket_tokio::Connect;
use test_support::program::{Program, example};

#[tokio::test]
async fn server_and_client_talk_over_both_versions() {
    let server = Program::start(Command::new(example("hyper_server")).arg("127.0.0.1:0"));
    let url = server.url();
    let (mut websocket, _) = Connect::new(&url).unwrap().await.unwrap();
    websocket.send("hello").await.unwrap();
    assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some("hello"));

    let mut client = Program::start(Command::new(example("http2_client")).arg(url));
    client.printed(r#"Some("hello")"#);
    client.printed(r#"Some("world")"#);
    assert!(client.wait().success());
}

#[test]
fn readme_shows_the_programs() {
    let readme = include_str!("../README.md");
    for program in [include_str!("../examples/hyper_server.rs"), include_str!("../examples/http2_client.rs")] {
        assert!(program.lines().count() < 60);
        assert!(readme.contains(&format!("\n```rust,no_run\n{program}```\n")), "README.md does not show:\n{program}");
    }
    assert_eq!(readme.matches("```rust").count(), 2);
}

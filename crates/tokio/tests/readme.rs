//! The programs of README.md. Both pages show them as they are here.
#![cfg(all(feature = "server", feature = "url"))]
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use protocol_websocket_tokio::config;
use tokio::net::TcpListener;

#[allow(dead_code, reason = "a program of its own, whose `main` is not run here")]
#[path = "../examples/readme_tokio_client.rs"]
mod client;
#[allow(dead_code, reason = "a program of its own, whose `main` is not run here")]
#[path = "../examples/readme_tokio.rs"]
mod server;

#[test]
fn readme_shows_the_programs() {
    let readme = include_str!("../README.md");
    for program in [include_str!("../examples/readme_tokio.rs"), include_str!("../examples/readme_tokio_client.rs")] {
        assert!(readme.contains(&format!("\n```rust,no_run\n{program}```\n")), "README.md does not show:\n{program}");
    }
    assert_eq!(readme.matches("```rust").count(), 2);
}

#[tokio::test]
async fn server_echoes_the_message_of_the_client() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let served =
        tokio::spawn(async move { server::serve(listener.accept().await.unwrap().0, Arc::new(config())).await });
    let question = "Größe ".repeat(50_000);
    assert_eq!(client::ask(&url, &question).await.unwrap(), question);
    served.await.unwrap().unwrap();
}

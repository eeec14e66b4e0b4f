use std::time::Duration;

use protocol_websocket::PermessageDeflate;
use protocol_websocket_tokio::{CloseCode, Config, Stream, WebSocket};
use test_support::noise::noise;
use test_support::program::Program;
use tokio::time::timeout;

use crate::{close_code, open_with, receive, serve};

/// The line that is published until a client receives it.
const READY: &str = "ready";

/// Opens a connection, and waits until the server sends lines to it.
async fn subscribe(server: &mut Program, url: &str, config: Config) -> WebSocket<Stream> {
    let mut client = open_with(url, config).await;
    loop {
        server.write_line(READY);
        if let Ok(received) = timeout(Duration::from_millis(100), client.recv()).await {
            assert_eq!(received.unwrap().unwrap(), READY.into());
            return client;
        }
    }
}

#[tokio::test]
async fn each_client_receives_every_line() {
    let (mut server, url) = serve("broadcast");
    let deflate = |params| Config::new().extension(params);
    let configs = [
        Config::new(),
        deflate(PermessageDeflate::new()),
        deflate(PermessageDeflate::new().server_no_context_takeover()),
        deflate(PermessageDeflate::new().server_max_window_bits(9)),
    ];
    let mut clients = Vec::new();
    for config in configs.iter().cycle().take(12) {
        clients.push(subscribe(&mut server, &url, config.clone()).await);
    }
    let mut lines: Vec<String> = (0..200).map(|count| format!("{count}: {}", "word ".repeat(count))).collect();
    lines.push(noise(1).take(100_000).map(|byte| char::from(b'a' + byte % 26)).collect());
    lines.push("the last line".to_owned());
    for line in &lines {
        server.write_line(line);
    }
    for client in &mut clients {
        for line in &lines {
            let mut received = receive(client).await;
            while received == READY.into() {
                received = receive(client).await;
            }
            assert!(received == line.as_str().into(), "{received:?} instead of {line:?}");
        }
    }
    server.end_input();
    for client in &mut clients {
        assert_eq!(close_code(client).await, (CloseCode::NORMAL, true));
    }
    assert!(server.wait().success());
}

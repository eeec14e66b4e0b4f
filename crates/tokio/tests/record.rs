//! Recordings of this crate's connections, and the example `record`.
#![cfg(all(feature = "server", feature = "url"))]
#![allow(clippy::unwrap_used)]

use std::path::Path;

use protocol_websocket_record::{Log, Recording};
use protocol_websocket_tokio::{Accept, Message, accept, config};
use tokio::net::TcpListener;

#[allow(dead_code, reason = "a program of its own, whose `main` is not run here")]
#[path = "../examples/record.rs"]
mod program;

/// Starts a server that changes each text, and returns its URL.
async fn server(change: fn(String) -> String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut websocket = accept(stream, config()).await.unwrap().accept(Accept::new()).await.unwrap();
            while let Some(Ok(message)) = websocket.recv().await {
                let changed = match message {
                    Message::Text(text) => Message::from(change(text.as_str().to_owned())),
                    binary => binary,
                };
                websocket.queue(changed).unwrap();
            }
        }
    });
    url
}

#[tokio::test]
async fn recorded_echo_is_replayed_and_compared() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("echo.jsonl");
    let echo = server(|text| text).await;
    program::record(&echo, &path).await.unwrap();
    let log = std::fs::read(&path).unwrap();
    let recording = Recording::read(Log::new(&log[..]).unwrap()).unwrap();
    let [connection] = &recording.connections[..] else { panic!("{recording:?}") };
    assert_eq!((connection.heads.len(), connection.messages.len()), (2, 8), "three messages, their echoes, two Closes");
    assert!(connection.ended.as_ref().is_some_and(|ended| ended.clean));
    #[cfg(feature = "permessage-deflate")]
    assert!(connection.open.as_ref().unwrap().extensions[0].starts_with("permessage-deflate"));

    assert_eq!(program::replay(&echo, &path).await.unwrap(), 0);
    let changing = server(|text| text.to_uppercase()).await;
    assert_eq!(program::replay(&changing, &path).await.unwrap(), 2);
}

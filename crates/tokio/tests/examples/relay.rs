use std::time::Duration;

use protocol_websocket_tokio::{Accept, Close, CloseCode, Config, ConnectError, Message, WebSocket, accept, config};
use test_support::program::Program;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::{open, open_with, receive, start};

/// Starts a relay to a server of this process.
async fn relay() -> (TcpListener, Program, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("ws://{}/room", listener.local_addr().unwrap());
    let relay = start("relay", &[&target, "127.0.0.1:0"]);
    let url = relay.url();
    (listener, relay, url)
}

async fn accept_one(listener: &TcpListener, config: Config) -> WebSocket<TcpStream> {
    let (stream, _) = listener.accept().await.unwrap();
    let incoming = accept(stream, config).await.unwrap();
    assert_eq!(incoming.request().resource_name(), "/room");
    incoming.accept(Accept::new()).await.unwrap()
}

#[tokio::test]
async fn messages_and_close_codes_are_passed_on() {
    let (listener, relay, url) = relay().await;
    for from_client in [true, false] {
        let (client, mut server) = tokio::join!(open(&url), accept_one(&listener, config()));
        let mut client = client.unwrap();
        for len in [0, 1, 1000, 300_000] {
            let (text, bytes) = (Message::from("é".repeat(len)), Message::from(vec![7; len]));
            let (sent, received) = tokio::join!(client.send(&text), server.recv());
            assert!(sent.is_ok() && received.unwrap().unwrap() == text);
            let (sent, received) = tokio::join!(server.send(&bytes), client.recv());
            assert!(sent.is_ok() && received.unwrap().unwrap() == bytes);
        }
        let close = Some(Close::new(4001, "bye"));
        let (ours, received, theirs) = if from_client {
            let (ours, received) = tokio::join!(client.close(close), server.recv());
            (ours, received, server.ended().cloned().unwrap())
        } else {
            let (ours, received) = tokio::join!(server.close(close), client.recv());
            (ours, received, client.ended().cloned().unwrap())
        };
        assert!(received.is_none(), "{received:?}");
        assert_eq!((ours.code, ours.clean), (CloseCode(4001), true));
        assert_eq!((theirs.code, theirs.reason.as_str(), theirs.clean), (CloseCode(4001), "bye", true));
        relay.printed("the client ended with 4001, the server with 4001");
    }
}

#[tokio::test]
async fn server_that_does_not_read_stops_the_client() {
    const LEN: usize = 512 * 1024;
    /// The relay and the system keep fewer messages than these.
    const MAX: u8 = 200;
    let (listener, _relay, url) = relay().await;
    let (mut client, mut server) = tokio::join!(open_with(&url, Config::new()), accept_one(&listener, Config::new()));
    let message = |count| Message::from(vec![count; LEN]);
    let mut sent = 0;
    while sent < MAX {
        client.queue(message(sent)).unwrap();
        sent += 1;
        if timeout(Duration::from_millis(500), client.flush()).await.is_err() {
            break;
        }
    }
    assert!(sent < MAX, "the relay has read {sent} messages");
    // Nothing is lost once the server reads.
    let read = async {
        for count in 0..sent {
            assert!(server.recv().await.unwrap().unwrap() == message(count));
        }
    };
    let (flushed, ()) = tokio::join!(client.flush(), read);
    flushed.unwrap();
    server.send("done").await.unwrap();
    assert_eq!(receive(&mut client).await, "done".into());
}

#[tokio::test]
async fn client_gets_502_if_the_server_is_not_there() {
    let (listener, relay, url) = relay().await;
    drop(listener);
    match open(&url).await {
        Err(ConnectError::Rejected { head, .. }) => assert_eq!(head.status(), 502),
        other => panic!("{other:?}"),
    }
    relay.logged("the server: ");
}
